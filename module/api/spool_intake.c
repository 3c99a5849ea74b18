/*
 * spool_intake.c - takes the spool into the queue
 *
 * JOB     A thread of the handle plays back what others have submitted: load,
 *         route and check as submit() does, put many into the queue at once,
 *         then remove the files. A file goes only after its message is durable
 *         in the queue; the queue knows it by its id, so what is seen again
 *         is not stored again, as long as the queue remembers: what was stored
 *         and could not be removed stops the intake, and is looked for before
 *         delivery begins.
 *         What the rules refuse goes to quarantine. What the queue cannot
 *         store now waits in the spool.
 * THREADS go and halt: one at a time (delivery_lock); idle, count, path: any.
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* F_OFD_SETLK */

#include "api/handle.h"
#include "api/spool_batch.h"

#include "adapters/queue_sqlite_file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOW_SCAN_MS 10000
#define BACK_OFF_MS 1000
#define PURGE_COUNT 16
#define PURGE_PAUSE_FACTOR 4
#define KNOWN_MAX_COUNT 256
#define LOCK_BYTES 24

struct tp_spool_intake {
	tillpost_handle *handle;
	char *spool_path;
	struct tp_spool_reader *reader;
	int lock_fd; /* <queue.path>.intake; -1 */
	pthread_t thread;
	pthread_t purger;
	int running; /* delivery_lock */
	atomic_int stopping;
	sem_t to_purge; /* posted when there may be something */
	atomic_int idle;
	atomic_llong taken_in;

	/* The rest is the thread's. */
	struct tp_user_names users;
	struct tp_spool_batch *batch;
	/* Stored, but still in the spool. */
	char unremoved[TP_SPOOL_BATCH_MAX_COUNT][TP_QUEUE_ID_BYTES];
	size_t unremoved_count;
	int unsynced;	    /* removals that may not be durable */
	size_t taken;	    /* in this pass */
	int paused;	    /* told that nothing can be stored now */
	int told_unloaded;  /* told that a file cannot be read now */
	int unloaded_count; /* in this pass */
};

/* ---- what is told ---------------------------------------------------------
 */

static void tell(struct tp_spool_intake *intake, int level, const char *event,
	const char *fmt, ...) TP_PRINTF(4, 5);

static void tell(struct tp_spool_intake *intake, int level, const char *event,
	const char *fmt, ...)
{
	char text[TP_ERROR_TEXT_BYTES + TP_ERROR_WHERE_BYTES + 128];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	tp_handle_log(intake->handle, level, event, text);
}

static void note(void *ctx, int level, const char *event, const char *text)
{
	const struct tp_spool_intake *intake = ctx;

	tp_handle_log(intake->handle, level, event, text);
}

/* Once when it begins, however often it is tried again. */
static void pause_intake(
	struct tp_spool_intake *intake, const struct tp_error *err)
{
	if (!intake->paused)
		tell(intake, TILLPOST_LOG_ERROR, "intake-paused",
			"nothing can be taken in now, mail waits in the spool: "
			"%s: %s",
			err->where, err->text);
	intake->paused = 1;
}

static void resume_intake(struct tp_spool_intake *intake)
{
	if (intake->paused)
		tell(intake, TILLPOST_LOG_INFO, "intake-resumed",
			"the spool is taken in again");
	intake->paused = 0;
}

static void tell_quarantined(struct tp_spool_intake *intake, const char *name,
	uid_t owner, const char *reason)
{
	struct tp_user user = { (uint32_t)owner, NULL };

	if (tp_user_names_find(&intake->users, owner, &user, NULL) < 0)
		user.name = NULL;
	tell(intake, TILLPOST_LOG_ERROR, "quarantined",
		"%s of user %s (%lu): %s", name, user.name ? user.name : "?",
		(unsigned long)owner, reason);
}

/* ---- files that are done with ---------------------------------------------
 */

/* @return 0; TP_EIO: it is still there */
static int remove_file(
	struct tp_spool_intake *intake, const char *name, struct tp_error *err)
{
	int rc = tp_spool_reader_remove(intake->reader, name, err);

	return rc == TP_ENOTFOUND ? TP_OK : rc;
}

static void remove_stored(struct tp_spool_intake *intake, const char *name)
{
	struct tp_error err = TP_ERROR_INIT;

	intake->unsynced = 1;
	if (remove_file(intake, name, &err) >= 0)
		return;
	(void)snprintf(intake->unremoved[intake->unremoved_count++],
		TP_QUEUE_ID_BYTES, "%s", name);
	pause_intake(intake, &err);
}

static void wake_purger(struct tp_spool_intake *intake)
{
	int waiting = 0;

	(void)sem_getvalue(&intake->to_purge, &waiting);
	if (waiting <= 0)
		(void)sem_post(&intake->to_purge);
}

/* Frees the disk space behind the thread that takes in, which need not wait
 * for it; and while that one works, leaves most of the disk's time to it. What
 * is left when it ends is freed after the next start. */
static void *purger_main(void *arg)
{
	struct tp_spool_intake *intake = arg;

	while (!atomic_load(&intake->stopping)) {
		int64_t begun_ms = tp_mono_ms();

		if (tp_spool_reader_purge(intake->reader, PURGE_COUNT) == 0)
			while (sem_wait(&intake->to_purge) < 0 &&
				errno == EINTR)
				continue;
		else if (!atomic_load(&intake->idle))
			tp_sleep_ms(
				PURGE_PAUSE_FACTOR * (tp_mono_ms() - begun_ms));
	}
	return NULL;
}

/* Nothing more is taken in before this is done: what is in the queue and in
 * the spool would be sent twice once the queue has forgotten it. */
static int clean_up(struct tp_spool_intake *intake)
{
	struct tp_error err = TP_ERROR_INIT;
	int rc = TP_OK;

	while (rc >= 0 && intake->unremoved_count > 0) {
		size_t last = intake->unremoved_count - 1;

		rc = remove_file(intake, intake->unremoved[last], &err);
		if (rc >= 0)
			intake->unremoved_count = last;
	}
	if (rc >= 0 && intake->unsynced)
		rc = tp_spool_reader_sync(intake->reader, &err);
	if (rc < 0) {
		pause_intake(intake, &err);
		return rc;
	}
	if (intake->unsynced)
		wake_purger(intake);
	intake->unsynced = 0;
	return TP_OK;
}

/* @return 0; negative: it is still there */
static int quarantine(struct tp_spool_intake *intake, const char *name,
	uid_t owner, const struct tp_error *why)
{
	char reason[TP_ERROR_TEXT_BYTES + TP_ERROR_WHERE_BYTES + 4];
	struct tp_error err = TP_ERROR_INIT;
	int rc;

	(void)snprintf(reason, sizeof(reason), "%s%s%s", why->where,
		why->where[0] ? ": " : "", why->text);
	rc = tp_spool_reader_quarantine(intake->reader, name, reason, &err);
	if (rc < 0)
		pause_intake(intake, &err);
	else
		tell_quarantined(intake, name, owner, reason);
	return rc;
}

/* ---- one batch ------------------------------------------------------------
 */

/* 1: the rules or the bytes are at fault, and trying again changes nothing. */
static int is_refusal(int rc)
{
	switch (rc) {
	case TP_EINVAL:
	case TP_EMESSAGE:
	case TP_EADDRESS:
	case TP_ETOOBIG:
	case TP_ENOTFOUND:
	case TP_EPERM:
	case TP_ECONFIG:
		return 1;
	default:
		return 0;
	}
}

/* @return 0; negative: it waits */
static int settle_one(
	struct tp_spool_intake *intake, const struct tp_spool_stored *one)
{
	if (one->rc < 0 && is_refusal(one->rc))
		return quarantine(intake, one->name, one->owner, one->err);
	if (one->rc < 0) {
		pause_intake(intake, one->err);
		return one->rc;
	}
	if (one->rc > 0 && strcmp(one->first_id, one->name) != 0)
		tell(intake, TILLPOST_LOG_INFO, "duplicate",
			"%s has the dedup key of %s and is not queued",
			one->name, one->first_id);
	if (one->rc == 0)
		atomic_fetch_add(&intake->taken_in, 1);
	intake->taken++;
	remove_stored(intake, one->name);
	return TP_OK;
}

/* @return 0; -1: back off */
static int flush(struct tp_spool_intake *intake)
{
	tillpost_handle *handle = intake->handle;
	struct tp_spool_stored one;
	size_t before = intake->taken;
	size_t failed = 0;
	size_t i;

	tp_spool_batch_store(intake->batch, handle->queue);
	for (i = 0; tp_spool_batch_stored(intake->batch, i, &one); i++)
		failed += settle_one(intake, &one) < 0;
	tp_spool_batch_clear(intake->batch);
	if (intake->taken > before)
		tp_engine_wake(handle->engine);
	return clean_up(intake) < 0 || failed > 0 ? -1 : 0;
}

/* ---- one file -------------------------------------------------------------
 */

static int64_t fixed_now_ms(void *ctx)
{
	return *(const int64_t *)ctx;
}

struct owner {
	struct tp_spool_intake *intake;
	uid_t uid;
};

static int find_owner(
	void *user_ctx, struct tp_user *user_out, struct tp_error *err)
{
	struct owner *owner = user_ctx;

	return tp_user_names_find(
		&owner->intake->users, owner->uid, user_out, err);
}

/* As if it were submitted again, at the time when it was accepted; but not
 * in the future, whatever the file says. */
static int play_back(struct tp_spool_intake *intake,
	const struct tp_spool_file *file, struct tp_error *err)
{
	tillpost_handle *handle = intake->handle;
	int64_t accepted_ms = tp_now_ms(&handle->clock);
	struct tp_clock clock = { &accepted_ms, fixed_now_ms };
	struct owner owner = { intake, file->owner };
	struct tp_intake_context context = {
		.config = tp_handle_config(handle),
		.clock = &clock,
		.message_id = file->record.message_id,
		.user = find_owner,
		.user_ctx = &owner,
	};
	int rc;

	if (file->record.accepted_ms < accepted_ms)
		accepted_ms = file->record.accepted_ms;
	rc = tp_spool_batch_add(intake->batch, &context, file, err);
	tp_config_unref(&context.config);
	return rc;
}

/* Others can still be taken in. */
static void skip_unloaded(
	struct tp_spool_intake *intake, const struct tp_error *err)
{
	if (!intake->told_unloaded)
		tell(intake, TILLPOST_LOG_ERROR, "spool",
			"a file cannot be read now and waits: %s: %s",
			err->where, err->text);
	intake->told_unloaded = 1;
	intake->unloaded_count++;
}

/* @return 0; -1: back off */
static int take(struct tp_spool_intake *intake, const char *name)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	int rc = tp_spool_reader_load(intake->reader, name, &file, &err);

	if (rc == TP_ENOTFOUND)
		return 0;
	if (rc == 1) {
		tell(intake, TILLPOST_LOG_ERROR, "quarantined", "%s: %s", name,
			err.text);
		return 0;
	}
	if (rc < 0) {
		skip_unloaded(intake, &err);
		return 0;
	}
	rc = play_back(intake, &file, &err);
	if (rc < 0 && is_refusal(rc))
		rc = quarantine(intake, name, file.owner, &err);
	else if (rc < 0)
		pause_intake(intake, &err);
	tp_spool_file_free(&file);
	if (rc >= 0 && tp_spool_batch_full(intake->batch))
		rc = flush(intake);
	return rc < 0 ? -1 : 0;
}

/* ---- passes ---------------------------------------------------------------
 */

/* What the spool holds is not normalised yet: it may also have fields that go.
 */
#define UNNORMALISED_EXTRA_BYTES (INT64_C(1) << 20)

static void limit_size(struct tp_spool_intake *intake)
{
	struct tp_config *config = tp_handle_config(intake->handle);
	int64_t most_bytes = 0;
	size_t i;

	for (i = 0; i < config->store_count; i++)
		if (config->stores[i].message_max_bytes > most_bytes)
			most_bytes = config->stores[i].message_max_bytes;
	tp_config_unref(&config);
	tp_spool_reader_limit(
		intake->reader, most_bytes + UNNORMALISED_EXTRA_BYTES);
}

/* @return 0: all that was there was seen; -1: back off */
static int pass(struct tp_spool_intake *intake)
{
	struct tp_error err = TP_ERROR_INIT;
	char name[TP_QUEUE_ID_BYTES];
	int rc = clean_up(intake);

	limit_size(intake);
	intake->taken = 0;
	intake->unloaded_count = 0;
	while (rc >= 0 && !atomic_load(&intake->stopping)) {
		rc = tp_spool_reader_next(
			intake->reader, note, intake, name, &err);
		if (rc < 0)
			pause_intake(intake, &err);
		if (rc <= 0)
			break;
		rc = take(intake, name);
	}
	/* Also what was collected before something failed. */
	if (flush(intake) < 0)
		rc = -1;
	if (rc < 0)
		return -1;
	resume_intake(intake);
	if (intake->unloaded_count == 0)
		intake->told_unloaded = 0;
	return 0;
}

static void wait_ms(struct tp_spool_intake *intake, int64_t ms)
{
	int64_t deadline = tp_deadline_ms(ms);
	int left;

	while (!atomic_load(&intake->stopping) &&
		(left = tp_deadline_left_ms(deadline)) > 0)
		tp_spool_reader_wait(intake->reader, left);
}

static void *intake_main(void *arg)
{
	struct tp_spool_intake *intake = arg;

	while (!atomic_load(&intake->stopping)) {
		int rc = pass(intake);

		if (rc < 0) {
			wait_ms(intake, BACK_OFF_MS);
			continue;
		}
		if (intake->taken > 0)
			continue;
		atomic_store(&intake->idle, 1);
		if (!atomic_load(&intake->stopping))
			tp_spool_reader_wait(intake->reader, SLOW_SCAN_MS);
		atomic_store(&intake->idle, 0);
	}
	return NULL;
}

/* ---- what the queue has already -------------------------------------------
 */

struct seen {
	char names[KNOWN_MAX_COUNT][TP_QUEUE_ID_BYTES];
	size_t count;
	size_t removed;
};

static int remove_known(
	struct tp_spool_intake *intake, struct seen *seen, struct tp_error *err)
{
	struct tp_queue *queue = intake->handle->queue;
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
		rc = remove_file(intake, ids[i], err);
		seen->removed++;
	}
	seen->count = 0;
	return rc < 0 ? rc : TP_OK;
}

int tp_spool_intake_reconcile(
	struct tp_spool_intake *intake, struct tp_error *err)
{
	struct seen *seen = tp_alloc(sizeof(*seen));
	int rc = 1;

	if (!seen)
		return tp_fail(err, TP_ENOMEM, "spool", "out of memory");
	while (rc > 0) {
		rc = tp_spool_reader_next(intake->reader, note, intake,
			seen->names[seen->count], err);
		if (rc > 0 && ++seen->count == KNOWN_MAX_COUNT) {
			int known = remove_known(intake, seen, err);

			rc = known < 0 ? known : 1;
		}
	}
	if (rc >= 0)
		rc = remove_known(intake, seen, err);
	if (rc >= 0 && seen->removed > 0) {
		rc = tp_spool_reader_sync(intake->reader, err);
		tell(intake, TILLPOST_LOG_INFO, "spool",
			"%zu files removed whose messages are in the queue "
			"already",
			seen->removed);
	}
	tp_free(seen);
	return rc < 0 ? rc : TP_OK;
}

/* ---- life -----------------------------------------------------------------
 */

static void end_thread(struct tp_spool_intake *intake, pthread_t thread)
{
	atomic_store(&intake->stopping, 1);
	tp_spool_reader_wake(intake->reader);
	wake_purger(intake);
	(void)pthread_join(thread, NULL);
}

static int start_threads(struct tp_spool_intake *intake)
{
	int rc = pthread_create(&intake->purger, NULL, purger_main, intake);

	if (rc != 0)
		return rc;
	rc = pthread_create(&intake->thread, NULL, intake_main, intake);
	if (rc != 0)
		end_thread(intake, intake->purger);
	return rc;
}

int tp_spool_intake_go(struct tp_spool_intake *intake, struct tp_error *err)
{
	sigset_t all;
	sigset_t before;
	int rc;

	atomic_store(&intake->stopping, 0);
	atomic_store(&intake->idle, 0);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = start_threads(intake);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	intake->running = rc == 0;
	if (rc == 0)
		return TP_OK;
	errno = rc;
	return tp_fail_errno(err, TP_EIO, "spool", "cannot start a thread");
}

void tp_spool_intake_halt(struct tp_spool_intake *intake)
{
	if (!intake->running)
		return;
	end_thread(intake, intake->thread);
	end_thread(intake, intake->purger);
	intake->running = 0;
}

/* Who holds the lock has written who he is. */
static int busy(int fd, const char *path, struct tp_error *err)
{
	char pid[LOCK_BYTES] = "";
	ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[got > 0 ? got : 0] = '\0';
	return tp_fail(err, TP_EBUSY, path,
		"process %ld takes a spool into this queue already",
		strtol(pid, NULL, 10));
}

static int lock_file(int fd, const char *path, struct tp_error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char pid[LOCK_BYTES];
	int len;

	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES
			       ? busy(fd, path, err)
			       : tp_fail_errno(err, TP_EIO, path,
					 "cannot lock the file");
	len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	/* For busy() to show; the lock holds without it. */
	if (ftruncate(fd, 0) == 0)
		len -= (int)pwrite(fd, pid, (size_t)len, 0);
	(void)len;
	return TP_OK;
}

static int lock_queue(struct tp_spool_intake *intake, struct tp_error *err)
{
	struct tp_buf path = TP_BUF_INIT(8192);
	int rc = tp_buf_printf(
		&path, "%s.intake", intake->handle->config->queue_path);

	if (rc < 0) {
		rc = tp_fail(err, rc, "spool", "%s", tp_err_text(rc));
	} else {
		rc = tp_queue_file_open(tp_buf_str(&path), err);
		if (rc >= 0) {
			intake->lock_fd = rc;
			rc = lock_file(rc, tp_buf_str(&path), err);
		}
	}
	tp_buf_free(&path);
	return rc < 0 ? rc : TP_OK;
}

int tp_spool_intake_open(tillpost_handle *handle, struct tp_error *err)
{
	struct tp_spool_intake *intake = tp_alloc(sizeof(*intake));
	int rc;

	if (!intake)
		return tp_fail(err, TP_ENOMEM, "spool", "out of memory");
	intake->handle = handle;
	intake->lock_fd = -1;
	(void)sem_init(&intake->to_purge, 0, 0);
	handle->intake = intake;
	intake->batch = tp_spool_batch_new();
	intake->spool_path = tp_strdup(handle->config->spool_path);
	if (!intake->batch || !intake->spool_path)
		return tp_fail(err, TP_ENOMEM, "spool", "out of memory");
	rc = lock_queue(intake, err);
	if (rc >= 0)
		rc = tp_spool_reader_open(
			intake->spool_path, &intake->reader, err);
	return rc;
}

static void free_intake(struct tp_spool_intake *intake)
{
	if (intake->lock_fd >= 0)
		(void)close(intake->lock_fd);
	(void)sem_destroy(&intake->to_purge);
	tp_spool_batch_free(&intake->batch);
	tp_free(intake->spool_path);
	tp_free(intake);
}

void tp_spool_intake_close(struct tp_spool_intake **intake)
{
	if (!*intake)
		return;
	tp_spool_intake_halt(*intake);
	if ((*intake)->reader)
		tp_spool_reader_close(&(*intake)->reader);
	free_intake(*intake);
	*intake = NULL;
}

/* The reader is left alone: its sockets and locks are the parent's. */
void tp_spool_intake_close_in_child(struct tp_spool_intake **intake)
{
	if (!*intake)
		return;
	if ((*intake)->lock_fd >= 0)
		(void)close((*intake)->lock_fd);
	tp_free((*intake)->spool_path);
	tp_free(*intake);
	*intake = NULL;
}

const char *tp_spool_intake_path(const struct tp_spool_intake *intake)
{
	return intake->spool_path;
}

int tp_spool_intake_idle(struct tp_spool_intake *intake)
{
	return atomic_load(&intake->idle);
}

int64_t tp_spool_intake_count(struct tp_spool_intake *intake)
{
	return atomic_load(&intake->taken_in);
}
