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
 * BOUNDS  Mail is taken in the order of its ids, within a batch of names; what
 *         comes meanwhile between it, a few mails of each user.
 * THREADS go and halt: one at a time (delivery_lock); idle, count, path: any.
 * SPDX-License-Identifier: MIT
 */
#include "api/spool_reconcile.h"
#include "api/spool_take.h"

#include "adapters/lock_file.h"
#include "adapters/queue_sqlite_file.h"
#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define SLOW_SCAN_MS 10000
#define BACK_OFF_MS 1000
#define ANSWER_EVERY_MS 10000
/* Anybody may wake the intake as often as he likes. */
#define EMPTY_PASS_MS 20
#define REST_MAX_MS 500
#define NO_READER_MS 50
/* A file that waits is met again in each pass. */
#define WAITING_LINES 10
#define WAITING_PERIOD_MS (10 * 60000)
/* A pass works on one file or one batch for less, and waits for less. */
#define SILENT_MAX_MS 60000

/* ---- passes ---------------------------------------------------------------
 */

/* Mail is accepted in another directory than the one that is read. */
static int open_again(struct tp_spool_intake *intake)
{
	struct tp_error err = TP_ERROR_INIT;
	int rc;

	tp_spool_purger_stop(intake->purger);
	tp_config_unref(&intake->config); /* the reader's limit */
	(void)pthread_mutex_lock(&intake->reader_lock);
	tp_spool_reader_close(&intake->reader);
	rc = tp_spool_reader_open(intake->spool_path, &intake->reader, &err);
	(void)pthread_mutex_unlock(&intake->reader_lock);
	if (rc >= 0)
		tp_spool_tell(intake->handle, TILLPOST_LOG_WARNING, "spool",
			"%s/incoming was replaced and is opened again; what "
			"lies in the directory before is not taken in",
			intake->spool_path);
	else
		tp_spool_take_pause(intake, &err);
	/* It answered in the directory before. */
	intake->unanswered = 1;
	return rc;
}

/* Who begins or ends the delivery holds the lock, and waits for this thread:
 * then he starts or stops it. What was told of why it failed is not told
 * again. */
static void answer_again(struct tp_spool_intake *intake)
{
	tillpost_handle *handle = intake->handle;

	if (tp_deadline_left_ms(intake->answer_mono_ms) > 0 ||
		pthread_mutex_trylock(&handle->delivery_lock) != 0)
		return;
	if (intake->unanswered || !handle->query_server) {
		tp_handle_query_stop(handle);
		intake->unanswered = tp_handle_query_start(handle, NULL) < 0;
	}
	if (intake->unanswered)
		intake->answer_mono_ms = tp_deadline_ms(ANSWER_EVERY_MS);
	(void)pthread_mutex_unlock(&handle->delivery_lock);
}

/* One that could not be started when there were too many threads must not be
 * missing for ever: nothing else frees the space. */
static int ensure_purger(struct tp_spool_intake *intake)
{
	struct tp_error err = TP_ERROR_INIT;
	int rc = tp_spool_purger_start(intake->purger, intake->reader, &err);

	if (rc < 0)
		tp_spool_take_pause(intake, &err);
	return rc;
}

/* @return 0: the directory is read to its end; -1: back off */
static int take_all(struct tp_spool_intake *intake)
{
	struct tp_error err = TP_ERROR_INIT;
	char name[TP_QUEUE_ID_BYTES];
	int rc = ensure_purger(intake);

	if (rc >= 0)
		rc = tp_spool_take_clean_up(intake);
	while (rc >= 0 && !atomic_load(&intake->stopping)) {
		rc = tp_spool_reader_next(
			intake->reader, tp_spool_take_note, intake, name, &err);
		if (rc < 0)
			tp_spool_take_pause(intake, &err);
		if (rc <= 0)
			break;
		if (rc == TP_SPOOL_NONE_YET)
			tp_spool_take_beat(intake);
		else
			rc = tp_spool_take(intake, name);
	}
	/* Also what was collected before something failed. */
	if (tp_spool_take_flush(intake) < 0)
		rc = -1;
	return rc < 0 ? -1 : 0;
}

/* @return 1: all that was there was seen; 0: something of it waits, and will
 *         be seen in the next pass; -1: back off */
static int pass(struct tp_spool_intake *intake)
{
	int rc = 0;

	intake->taken = 0;
	if (!intake->reader || !tp_spool_reader_current(intake->reader))
		rc = open_again(intake);
	if (rc >= 0)
		answer_again(intake);
	if (rc >= 0)
		rc = take_all(intake);
	tp_spool_take_told(intake, 0);
	if (rc < 0) {
		intake->failed = 1;
		return -1;
	}
	/* After a failure the next pass began behind what had failed. */
	if (intake->failed) {
		intake->failed = 0;
		return 0;
	}
	tp_spool_take_resume(intake);
	return 1;
}

static void wait_ms(struct tp_spool_intake *intake, int64_t ms)
{
	int64_t deadline = tp_deadline_ms(ms);
	int left;

	while (!atomic_load(&intake->stopping) &&
		(left = tp_deadline_left_ms(deadline)) > 0) {
		if (intake->reader)
			tp_spool_reader_wait(intake->reader, left);
		else
			tp_sleep_ms(left < NO_READER_MS ? left : NO_READER_MS);
	}
}

static void set_idle(struct tp_spool_intake *intake, int idle)
{
	tp_spool_purger_alone(intake->purger, idle);
	atomic_store(&intake->idle, idle);
}

/* A pass over much that cannot be taken in must not fill the time, however
 * often somebody wakes: about as long as it took nothing is done. */
static void wait_for_mail(struct tp_spool_intake *intake, int64_t took_ms)
{
	int64_t rest_ms = took_ms < EMPTY_PASS_MS ? EMPTY_PASS_MS
			  : took_ms > REST_MAX_MS ? REST_MAX_MS
						  : took_ms;
	int64_t earliest = tp_deadline_ms(rest_ms);

	set_idle(intake, 1);
	if (!atomic_load(&intake->stopping))
		tp_spool_reader_wait(intake->reader, SLOW_SCAN_MS);
	if (!atomic_load(&intake->stopping))
		tp_sleep_ms(tp_deadline_left_ms(earliest));
	set_idle(intake, 0);
}

static void *intake_main(void *arg)
{
	struct tp_spool_intake *intake = arg;

	intake->begun_mono_ms = tp_mono_ms();
	while (!atomic_load(&intake->stopping)) {
		int64_t begun_ms = tp_mono_ms();
		int rc;

		tp_spool_take_beat(intake);
		rc = pass(intake);
		if (rc < 0)
			wait_ms(intake, BACK_OFF_MS);
		else if (rc > 0 && intake->taken == 0)
			wait_for_mail(intake, tp_mono_ms() - begun_ms);
	}
	tp_spool_take_told(intake, 1);
	tp_config_unref(&intake->config);
	return NULL;
}

int tp_spool_intake_reconcile(
	struct tp_spool_intake *intake, struct tp_error *err)
{
	if (!intake->reader)
		return tp_fail(err, TP_EIO, intake->spool_path,
			"the spool could not be opened again");
	return tp_spool_reconcile(intake->handle, intake->reader, err);
}

/* ---- life -----------------------------------------------------------------
 */

static void end_thread(struct tp_spool_intake *intake)
{
	atomic_store(&intake->stopping, 1);
	(void)pthread_mutex_lock(&intake->reader_lock);
	if (intake->reader)
		tp_spool_reader_wake(intake->reader);
	(void)pthread_mutex_unlock(&intake->reader_lock);
	(void)pthread_join(intake->thread, NULL);
}

static int start_threads(struct tp_spool_intake *intake, struct tp_error *err)
{
	int rc = tp_spool_purger_start(intake->purger, intake->reader, err);

	if (rc < 0)
		return rc;
	rc = pthread_create(&intake->thread, NULL, intake_main, intake);
	if (rc == 0)
		return TP_OK;
	tp_spool_purger_stop(intake->purger);
	errno = rc;
	return tp_fail_errno(err, TP_EIO, "spool", "cannot start a thread");
}

int tp_spool_intake_go(struct tp_spool_intake *intake, struct tp_error *err)
{
	sigset_t all;
	sigset_t before;
	int rc;

	atomic_store(&intake->stopping, 0);
	atomic_store(&intake->idle, 0);
	tp_spool_take_beat(intake);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = start_threads(intake, err);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	intake->running = rc >= 0;
	if (rc < 0)
		atomic_store(&intake->beat_mono_ms, 0);
	return rc;
}

void tp_spool_intake_halt(struct tp_spool_intake *intake)
{
	if (!intake->running)
		return;
	end_thread(intake);
	tp_spool_purger_stop(intake->purger);
	intake->running = 0;
	atomic_store(&intake->beat_mono_ms, 0);
}

int tp_spool_intake_check(struct tp_spool_intake *intake, struct tp_error *err)
{
	int64_t beat_ms = atomic_load(&intake->beat_mono_ms);
	int64_t silent_ms = beat_ms ? tp_mono_ms() - beat_ms : 0;

	if (silent_ms <= SILENT_MAX_MS)
		return TP_OK;
	return tp_fail(err, TP_ETIMEOUT, intake->spool_path,
		"the thread that takes this spool in hangs for %lld s",
		(long long)(silent_ms / 1000));
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
			rc = tp_lock_file(rc, tp_buf_str(&path),
				"takes a spool into this queue", err);
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
	(void)pthread_mutex_init(&intake->reader_lock, NULL);
	intake->refused = (struct tp_spool_quota) { .handle = handle,
		.event = "quarantined",
		.what = "mails were put into quarantine" };
	intake->foreign = (struct tp_spool_quota) { .handle = handle,
		.event = "spool-foreign",
		.what = "lines about files that are no mail" };
	intake->waiting = (struct tp_spool_quota) { .handle = handle,
		.event = "spool",
		.what = "times a file could not be taken in",
		.lines = WAITING_LINES,
		.period_ms = WAITING_PERIOD_MS };
	handle->intake = intake;
	intake->batch = tp_spool_batch_new();
	intake->purger = tp_spool_purger_new();
	intake->spool_path = tp_strdup(handle->config->spool_path);
	if (!intake->batch || !intake->purger || !intake->spool_path)
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
	(void)pthread_mutex_destroy(&intake->reader_lock);
	tp_spool_purger_free(&intake->purger);
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

/* Only descriptors: they are copies, and a lock lives as long as one of them.
 * The rest is in a state that is unknown here. */
void tp_spool_intake_close_in_child(struct tp_spool_intake **intake)
{
	if (!*intake)
		return;
	if ((*intake)->lock_fd >= 0)
		(void)close((*intake)->lock_fd);
	tp_spool_reader_abandon(&(*intake)->reader);
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
