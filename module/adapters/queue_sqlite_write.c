/*
 * queue_sqlite_write.c - group commit
 *
 * Changes wait in a line. The thread that finds nobody leading becomes the
 * leader: it takes the whole line, makes all its changes in one transaction,
 * commits once, and wakes the others with their own results. While it waits
 * for the disk the next line forms, so under load one fsync serves many, and
 * without load nobody waits for anything but his own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_private.h"

#include <unistd.h>

/* The WAL is copied into the database when it has this many pages (8 MB):
 * often enough to stay small, seldom enough that pages written again and
 * again are copied once. */
#define CHECKPOINT_PAGES 4000
/* Beyond this a reader has kept it from starting over: shut readers out. */
#define RESTART_PAGES 16000

/* How a transaction ended. */
enum fate {
	COMMITTED,
	NOT_BEGUN,
	NOT_COMMITTED, /* nothing of it is there */
	UNCERTAIN      /* all or nothing of it is there */
};

/* Before the writer opens its files again the reader must have let go of them:
 * connections of one process share the index of the WAL. */
static void close_all(struct tp_queue_sqlite *queue)
{
	(void)pthread_mutex_lock(&queue->read_mutex);
	queue->reader.moved |= queue->writer.moved;
	tp_queue_db_close(&queue->reader);
	(void)pthread_mutex_unlock(&queue->read_mutex);
	/* With the database the file of locks is gone too. */
	if (queue->writer.moved)
		tp_queue_owner_close(&queue->owner);
}

int tp_queue_sqlite_writer_ready(
	struct tp_queue_sqlite *queue, int check, struct tp_error *err)
{
	int rc;

	if (queue->writer.moved || queue->writer.suspect)
		close_all(queue);
	rc = tp_queue_db_ready(&queue->writer, check, err);
	if (rc < 0 || queue->owner.fd >= 0)
		return rc;
	rc = tp_queue_owner_open(&queue->owner, queue->owners_path, err);
	if (rc < 0)
		tp_queue_db_close(&queue->writer);
	return rc;
}

/* SQLite itself rolls back after some failures. */
static int is_lost(const struct tp_queue_db *db)
{
	return sqlite3_get_autocommit(db->sql) || db->suspect;
}

/* Makes one change inside the transaction of several, with a savepoint: a
 * refused change is taken back alone.
 * @return 0, or negative if the transaction is of no use any more */
static int apply_guarded(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	struct tp_queue_db *db = &queue->writer;
	int rc;

	tp_error_clear(&change->err);
	rc = tp_queue_db_run(db, TP_STMT_SAVEPOINT, err);
	if (rc < 0)
		return rc;
	change->rc = change->apply(queue, change, &change->err);
	if (is_lost(db)) {
		*err = change->err;
		(void)tp_fail(err, TP_EQUEUE, queue->path,
			"the transaction was lost");
		return err->code;
	}
	if (change->rc < 0)
		rc = tp_queue_db_run(db, TP_STMT_SAVEPOINT_ROLLBACK, err);
	if (rc >= 0)
		rc = tp_queue_db_run(db, TP_STMT_SAVEPOINT_RELEASE, err);
	return rc;
}

/* Makes one change without a savepoint, which saves a seventh of its work. If
 * it is refused the transaction is of no use any more.
 * @return as apply_guarded() */
static int apply_plain(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	change->rc = change->apply(queue, change, err);
	if (change->rc < 0)
		return tp_fail(
			err, change->rc, queue->path, "the change was refused");
	return is_lost(&queue->writer) ? tp_fail(err, TP_EQUEUE, queue->path,
						 "the transaction was lost")
				       : TP_OK;
}

/* A commit that found no space has left no commit record in the WAL. Any
 * other failure may have come after the record was written. */
static enum fate fate_of_failed_commit(int code)
{
	return code == TP_ENOSPC || code == TP_EBUSY ? NOT_COMMITTED
						     : UNCERTAIN;
}

/* Makes all changes of a batch in one transaction, each by APPLY. */
static enum fate transact(struct tp_queue_sqlite *queue,
	struct tp_queue_change *batch,
	int (*apply)(struct tp_queue_sqlite *queue,
		struct tp_queue_change *change, struct tp_error *err),
	struct tp_error *err)
{
	struct tp_queue_db *db = &queue->writer;
	struct tp_queue_change *change;
	enum fate fate = NOT_COMMITTED;
	int rc = tp_queue_db_run(db, TP_STMT_BEGIN, err);

	if (rc < 0)
		return NOT_BEGUN;
	for (change = batch; change && rc >= 0; change = change->next)
		rc = apply(queue, change, err);
	if (rc >= 0) {
		rc = tp_queue_db_run(db, TP_STMT_COMMIT, err);
		fate = rc >= 0 ? COMMITTED : fate_of_failed_commit(rc);
	}
	if (fate == UNCERTAIN)
		db->suspect = 1;
	if (!sqlite3_get_autocommit(db->sql)) {
		struct tp_error ignored = TP_ERROR_INIT;

		if (tp_queue_db_run(db, TP_STMT_ROLLBACK, &ignored) < 0)
			db->suspect = 1;
	}
	return fate;
}

static void fail_change(
	struct tp_queue_change *change, int code, const struct tp_error *why)
{
	change->rc = code;
	change->err = *why;
	change->err.code = code;
}

static int wants_check(const struct tp_queue_change *batch)
{
	while (batch && !batch->check_files)
		batch = batch->next;
	return batch != NULL;
}

static void run_batch(
	struct tp_queue_sqlite *queue, struct tp_queue_change *batch)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_change *change;
	struct tp_queue_change *next;
	int is_alone = !batch->next;
	enum fate fate = NOT_BEGUN;

	if (tp_queue_sqlite_writer_ready(queue, wants_check(batch), &err) >= 0)
		fate = transact(queue, batch, apply_plain, &err);
	/* Few changes are refused. Then the others go on without it. */
	if (fate == NOT_COMMITTED && !is_alone && !queue->writer.suspect) {
		tp_error_clear(&err);
		fate = transact(queue, batch, apply_guarded, &err);
	}
	for (change = batch; change && fate != COMMITTED; change = next) {
		next = change->next;
		if (fate == UNCERTAIN) {
			if (change->rc >= 0)
				fail_change(change, TP_EUNCERTAIN, &err);
		} else if (fate == NOT_BEGUN || is_alone) {
			fail_change(change, err.code, &err);
		} else {
			/* One may have spoiled it for all: each gets a
			 * transaction of its own. */
			change->next = NULL;
			run_batch(queue, change);
			change->next = next;
		}
	}
}

/* The WAL is kept short by the leader after the others have been woken. */
static void checkpoint(struct tp_queue_sqlite *queue)
{
	struct tp_queue_db *db = &queue->writer;

	if (!db->sql || db->suspect)
		return;
	if (db->wal_pages < queue->checkpointed_pages)
		queue->checkpointed_pages = 0; /* it has started over */
	if (db->wal_pages - queue->checkpointed_pages < CHECKPOINT_PAGES)
		return;
	queue->checkpointed_pages = db->wal_pages;
	if (db->wal_pages < RESTART_PAGES) {
		tp_queue_db_checkpoint(db, 0);
		return;
	}
	(void)pthread_mutex_lock(&queue->read_mutex);
	tp_queue_db_checkpoint(db, 1);
	(void)pthread_mutex_unlock(&queue->read_mutex);
}

/* Takes the head of the line, as much as is good for one transaction. */
static struct tp_queue_change *take_batch(struct tp_queue_sqlite *queue)
{
	struct tp_queue_change *batch = queue->first;
	struct tp_queue_change *tail = batch;
	size_t bytes = batch->bytes;
	int count = 1;

	while (tail->next && count < TP_QUEUE_BATCH_MAX_COUNT &&
		bytes + tail->next->bytes <= TP_QUEUE_BATCH_MAX_BYTES) {
		tail = tail->next;
		bytes += tail->bytes;
		count++;
	}
	queue->first = tail->next;
	if (!queue->first)
		queue->last = NULL;
	tail->next = NULL;
	return batch;
}

/* With change_mutex held. The other waiters' structs are gone as soon as they
 * have seen that all is finished, which they cannot before the mutex is
 * free. */
static void finish_batch(struct tp_queue_change *batch)
{
	for (; batch; batch = batch->next)
		if (--batch->waiter->unfinished_count == 0)
			(void)pthread_cond_signal(&batch->waiter->wake);
}

/* Called and returns with change_mutex held. */
static void lead(struct tp_queue_sqlite *queue)
{
	struct tp_queue_change *batch = take_batch(queue);

	queue->leading = 1;
	(void)pthread_mutex_unlock(&queue->change_mutex);
	run_batch(queue, batch);
	(void)pthread_mutex_lock(&queue->change_mutex);
	finish_batch(batch);
	(void)pthread_mutex_unlock(&queue->change_mutex);
	checkpoint(queue);
	(void)pthread_mutex_lock(&queue->change_mutex);
	queue->leading = 0;
	if (queue->first)
		(void)pthread_cond_signal(&queue->first->waiter->wake);
}

/* Puts CHANGES at the end of the line. With change_mutex held. */
static void stand_in_line(struct tp_queue_sqlite *queue,
	struct tp_queue_waiter *waiter, struct tp_queue_change *changes)
{
	if (queue->last)
		queue->last->next = changes;
	else
		queue->first = changes;
	for (; changes; changes = changes->next) {
		changes->waiter = waiter;
		waiter->unfinished_count++;
		queue->last = changes;
	}
}

int tp_queue_sqlite_commit_many(struct tp_queue_sqlite *queue,
	struct tp_queue_change *first, struct tp_error *err)
{
	struct tp_queue_waiter waiter = { .unfinished_count = 0 };

	if (pthread_cond_init(&waiter.wake, NULL) != 0)
		return tp_fail(err, TP_ENOMEM, queue->path, "out of memory");
	(void)pthread_mutex_lock(&queue->change_mutex);
	stand_in_line(queue, &waiter, first);
	while (waiter.unfinished_count > 0) {
		if (queue->leading)
			(void)pthread_cond_wait(
				&waiter.wake, &queue->change_mutex);
		else
			lead(queue);
	}
	(void)pthread_mutex_unlock(&queue->change_mutex);
	(void)pthread_cond_destroy(&waiter.wake);
	return TP_OK;
}

int tp_queue_sqlite_commit(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	int rc;

	change->next = NULL;
	rc = tp_queue_sqlite_commit_many(queue, change, err);
	if (rc < 0)
		return rc;
	if (change->rc < 0 && err && err->code == TP_OK)
		*err = change->err;
	return change->rc;
}
