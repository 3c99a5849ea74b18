/*
 * spool_purger.c - frees the space of what was taken in
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/spool_purger.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define AT_ONCE_COUNT 16
#define REST_FACTOR 4

struct tp_spool_purger {
	struct tp_spool_reader *reader;
	pthread_t thread;
	int running; /* who starts and stops */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* lock */
	int stopping;
	int due; /* there may be something */
	int alone;
};

struct tp_spool_purger *tp_spool_purger_new(void)
{
	struct tp_spool_purger *purger = tp_alloc(sizeof(*purger));
	pthread_condattr_t attr;

	if (!purger)
		return NULL;
	(void)pthread_mutex_init(&purger->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&purger->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	return purger;
}

void tp_spool_purger_free(struct tp_spool_purger **purger)
{
	if (!*purger)
		return;
	(void)pthread_cond_destroy(&(*purger)->changed);
	(void)pthread_mutex_destroy(&(*purger)->lock);
	tp_free(*purger);
	*purger = NULL;
}

/* The lock is held. */
static void rest(struct tp_spool_purger *purger, int64_t worked_ms)
{
	struct timespec until =
		tp_deadline_timespec(tp_deadline_ms(REST_FACTOR * worked_ms));
	int rc = 0;

	while (!purger->stopping && !purger->alone && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(
			&purger->changed, &purger->lock, &until);
}

static void *purger_main(void *arg)
{
	struct tp_spool_purger *purger = arg;

	(void)pthread_mutex_lock(&purger->lock);
	while (!purger->stopping) {
		int64_t begun_ms = tp_mono_ms();
		unsigned count;

		if (!purger->due) {
			(void)pthread_cond_wait(
				&purger->changed, &purger->lock);
			continue;
		}
		purger->due = 0;
		(void)pthread_mutex_unlock(&purger->lock);
		count = tp_spool_reader_purge(purger->reader, AT_ONCE_COUNT);
		(void)pthread_mutex_lock(&purger->lock);
		if (count == 0)
			continue;
		purger->due = 1;
		rest(purger, tp_mono_ms() - begun_ms);
	}
	(void)pthread_mutex_unlock(&purger->lock);
	return NULL;
}

int tp_spool_purger_start(struct tp_spool_purger *purger,
	struct tp_spool_reader *reader, struct tp_error *err)
{
	int rc;

	if (purger->running)
		return TP_OK;
	purger->reader = reader;
	purger->stopping = 0;
	purger->due = 1;
	rc = pthread_create(&purger->thread, NULL, purger_main, purger);
	purger->running = rc == 0;
	if (rc == 0)
		return TP_OK;
	errno = rc;
	return tp_fail_errno(err, TP_EIO, "spool", "cannot start a thread");
}

/* Sets one of the fields that the lock guards. */
static void set(struct tp_spool_purger *purger, int *field, int value)
{
	(void)pthread_mutex_lock(&purger->lock);
	*field = value;
	(void)pthread_cond_signal(&purger->changed);
	(void)pthread_mutex_unlock(&purger->lock);
}

void tp_spool_purger_stop(struct tp_spool_purger *purger)
{
	if (!purger->running)
		return;
	set(purger, &purger->stopping, 1);
	(void)pthread_join(purger->thread, NULL);
	purger->running = 0;
}

void tp_spool_purger_wake(struct tp_spool_purger *purger)
{
	set(purger, &purger->due, 1);
}

void tp_spool_purger_alone(struct tp_spool_purger *purger, int alone)
{
	set(purger, &purger->alone, alone);
}
