/*
 * spool_reconcile.c - what is in the spool and in the queue already
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/spool_reconcile.h"

#include "api/spool_tell.h"
#include "base/mem.h"

#define KNOWN_MAX_COUNT 256

struct seen {
	char names[KNOWN_MAX_COUNT][TP_QUEUE_ID_BYTES];
	size_t count;
	size_t removed;
};

static void note(void *ctx, int level, const char *event, const char *text)
{
	struct tp_spool_quota *quota = ctx;

	if (tp_spool_quota_take(quota))
		tp_handle_log(quota->handle, level, event, text);
}

static int remove_known(struct tp_queue *queue, struct tp_spool_reader *reader,
	struct seen *seen, struct tp_error *err)
{
	const char *ids[KNOWN_MAX_COUNT];
	unsigned char known[KNOWN_MAX_COUNT] = { 0 };
	size_t i;
	int rc;

	if (seen->count == 0)
		return TP_OK;
	for (i = 0; i < seen->count; i++)
		ids[i] = seen->names[i];
	rc = queue->ops->known(queue, ids, seen->count, known, err);
	for (i = 0; i < seen->count && rc >= 0; i++) {
		if (!known[i])
			continue;
		rc = tp_spool_reader_remove(reader, ids[i], err);
		seen->removed++;
	}
	seen->count = 0;
	return rc < 0 ? rc : TP_OK;
}

static int look(tillpost_handle *handle, struct tp_spool_reader *reader,
	struct seen *seen, struct tp_error *err)
{
	struct tp_spool_quota quota = { .handle = handle,
		.event = "spool-foreign",
		.what = "lines about files that are no mail" };
	int rc = 1;

	while (rc > 0) {
		rc = tp_spool_reader_next(
			reader, note, &quota, seen->names[seen->count], err);
		if (rc == 1 && ++seen->count == KNOWN_MAX_COUNT) {
			int known =
				remove_known(handle->queue, reader, seen, err);

			rc = known < 0 ? known : 1;
		}
	}
	tp_spool_quota_rest(&quota, 1);
	return rc < 0 ? rc : remove_known(handle->queue, reader, seen, err);
}

int tp_spool_reconcile(tillpost_handle *handle, struct tp_spool_reader *reader,
	struct tp_error *err)
{
	struct seen *seen = tp_alloc(sizeof(*seen));
	int rc;

	if (!seen)
		return tp_fail(err, TP_ENOMEM, "spool", "out of memory");
	rc = look(handle, reader, seen, err);
	if (rc >= 0 && seen->removed > 0) {
		rc = tp_spool_reader_sync(reader, err);
		tp_spool_tell(handle, TILLPOST_LOG_INFO, "spool",
			"%zu files removed whose messages are in the queue "
			"already",
			seen->removed);
	}
	tp_free(seen);
	return rc < 0 ? rc : TP_OK;
}
