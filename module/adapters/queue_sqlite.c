/*
 * queue_sqlite.c - the durable queue in one SQLite file: open and destroy
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite.h"

#include "adapters/queue_sqlite_private.h"
#include "base/mem.h"

#include <string.h>
#include <unistd.h>

#define BUSY_DEFAULT_MS 5000

int tp_queue_sqlite_of(struct tp_queue *base, struct tp_queue_sqlite **out,
	struct tp_error *err)
{
	*out = (struct tp_queue_sqlite *)base;
	/* SQLite's locks are not inherited: a child that used the connection
	 * would destroy what the parent has acknowledged. */
	if (getpid() != (*out)->pid)
		return tp_fail(err, TP_ESTATE, (*out)->path,
			"the queue was opened by another process; open it "
			"again after fork");
	return TP_OK;
}

static void free_memory(struct tp_queue_sqlite *queue)
{
	tp_free(queue->path);
	tp_free(queue->wal_path);
	tp_free(queue->owners_path);
	tp_free(queue);
}

static void sqlite_destroy(struct tp_queue **base)
{
	struct tp_queue_sqlite *queue;
	struct tp_error ignored = TP_ERROR_INIT;

	if (!base || !*base)
		return;
	/* In a child the descriptors are copies: to close the one of the locks
	 * lets the parent's death be seen; SQLite's must not be touched, nor
	 * mutexes that another thread of the parent may have held. */
	if (tp_queue_sqlite_of(*base, &queue, &ignored) >= 0) {
		tp_queue_db_close(&queue->reader);
		tp_queue_db_close(&queue->writer);
		(void)pthread_mutex_destroy(&queue->change_mutex);
		(void)pthread_mutex_destroy(&queue->read_mutex);
	}
	tp_queue_owner_close(&queue->owner);
	free_memory(queue);
	*base = NULL;
}

static const struct tp_queue_ops sqlite_ops = {
	.put = tp_queue_sqlite_put,
	.put_many = tp_queue_sqlite_put_many,
	.known = tp_queue_sqlite_known,
	.claim = tp_queue_sqlite_claim,
	.load = tp_queue_sqlite_load,
	.begin = tp_queue_sqlite_begin,
	.settle = tp_queue_sqlite_settle,
	.unclaim = tp_queue_sqlite_unclaim,
	.recover = tp_queue_sqlite_recover,
	.claim_expired = tp_queue_sqlite_claim_expired,
	.due = tp_queue_sqlite_due,
	.reroute = tp_queue_sqlite_reroute,
	.list = tp_queue_sqlite_list,
	.act = tp_queue_sqlite_act,
	.outcomes = tp_queue_sqlite_outcomes,
	.stats = tp_queue_sqlite_stats,
	.sweep = tp_queue_sqlite_sweep,
	.destroy = sqlite_destroy,
};

static char *join(const char *path, const char *suffix)
{
	size_t path_len = strlen(path);
	size_t suffix_len = strlen(suffix);
	char *joined = tp_alloc(path_len + suffix_len + 1);

	if (joined) {
		memcpy(joined, path, path_len);
		memcpy(joined + path_len, suffix, suffix_len);
	}
	return joined;
}

static void init_db(
	struct tp_queue_sqlite *queue, struct tp_queue_db *db, int busy_ms)
{
	db->path = queue->path;
	db->wal_path = queue->wal_path;
	db->busy_ms = busy_ms > 0 ? busy_ms : BUSY_DEFAULT_MS;
}

static struct tp_queue_sqlite *new_queue(
	const struct tp_queue_sqlite_options *options)
{
	struct tp_queue_sqlite *queue = tp_alloc(sizeof(*queue));

	if (!queue)
		return NULL;
	queue->path = join(options->path, "");
	queue->wal_path = join(options->path, "-wal");
	queue->owners_path = join(options->path, ".owners");
	if (!queue->path || !queue->wal_path || !queue->owners_path)
		goto fail;
	if (pthread_mutex_init(&queue->change_mutex, NULL) != 0)
		goto fail;
	if (pthread_mutex_init(&queue->read_mutex, NULL) != 0) {
		(void)pthread_mutex_destroy(&queue->change_mutex);
		goto fail;
	}
	queue->base.ops = &sqlite_ops;
	queue->free_reserve_bytes = options->free_reserve_bytes;
	queue->search_max_ms = options->search_max_ms;
	queue->clock = options->clock;
	queue->pid = getpid();
	queue->owner.fd = -1;
	init_db(queue, &queue->writer, options->busy_ms);
	init_db(queue, &queue->reader, options->busy_ms);
	queue->reader.reader = 1;
	return queue;
fail:
	free_memory(queue);
	return NULL;
}

int tp_queue_sqlite_open(const struct tp_queue_sqlite_options *options,
	struct tp_queue **queue_out, struct tp_error *err)
{
	struct tp_queue_sqlite *queue;
	int rc;

	*queue_out = NULL;
	if (!options->path || options->path[0] == '\0')
		return tp_fail(err, TP_EINVAL, "queue", "no path");
	queue = new_queue(options);
	if (!queue)
		return tp_fail(err, TP_ENOMEM, options->path, "out of memory");
	/* Now, so that what is wrong is said to whom opens it. */
	rc = tp_queue_sqlite_writer_ready(queue, 1, err);
	if (rc >= 0)
		rc = tp_queue_db_ready(&queue->reader, 1, err);
	*queue_out = &queue->base;
	if (rc < 0)
		sqlite_destroy(queue_out);
	return rc;
}
