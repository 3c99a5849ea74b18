/*
 * spool_take.h - what the thread that takes the spool in works with
 *
 * JOB     One file, one batch, and what is told of them; spool_intake.c goes
 *         through the spool with it.
 * LAYER   api; for spool_intake.c and spool_take.c only.
 * THREADS all calls: the intake's own thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_SPOOL_TAKE_H
#define TP_API_SPOOL_TAKE_H

#include "api/spool_batch.h"
#include "api/spool_purger.h"
#include "api/spool_tell.h"

#include <pthread.h>
#include <stdatomic.h>

struct tp_spool_intake {
	tillpost_handle *handle;
	char *spool_path;
	int lock_fd; /* <queue.path>.intake; -1 */
	pthread_t thread;
	struct tp_spool_purger *purger;
	int running; /* delivery_lock */
	atomic_int stopping;
	atomic_int idle;
	atomic_llong beat_mono_ms; /* the thread was well then; 0: no thread */
	atomic_llong taken_in;
	pthread_mutex_t reader_lock;	/* to replace the reader, to wake it */
	struct tp_spool_reader *reader; /* NULL: it cannot be opened now */

	/* The rest is the thread's. */
	struct tp_config *config; /* the current one at the last file */
	struct tp_user_names users;
	struct tp_spool_batch *batch;
	struct tp_spool_quota refused; /* lines about mails */
	struct tp_spool_quota foreign; /* about what is none */
	struct tp_spool_quota waiting; /* about what waits for itself */
	int64_t begun_mono_ms;
	int unanswered;		/* the query socket is missing, or elsewhere */
	int64_t answer_mono_ms; /* not tried again before */
	/* Stored, but still in the spool. */
	char unremoved[TP_SPOOL_BATCH_MAX_COUNT][TP_QUEUE_ID_BYTES];
	size_t unremoved_count;
	int unsynced; /* removals that may not be durable */
	size_t taken; /* in this pass */
	int failed;   /* something of this reading of the directory waits */
	int paused;   /* told that nothing can be stored now */
};

/* What the reader tells. CTX: the intake */
void tp_spool_take_note(
	void *ctx, int level, const char *event, const char *text);
/* Nothing can be stored now, for ERR: told once when it begins, however often
 * it is tried again. */
void tp_spool_take_pause(
	struct tp_spool_intake *intake, const struct tp_error *err);
void tp_spool_take_resume(struct tp_spool_intake *intake);
/* How many lines were left out; NOW 1: whether or not it is time. */
void tp_spool_take_told(struct tp_spool_intake *intake, int now);

/* The thread is well. */
void tp_spool_take_beat(struct tp_spool_intake *intake);

/* Takes NAME into the batch. @return 0, also if it waits and does not keep the
 * others out; -1: back off */
int tp_spool_take(struct tp_spool_intake *intake, const char *name);
/* Stores the batch, and removes what is stored. @return 0; -1: back off */
int tp_spool_take_flush(struct tp_spool_intake *intake);
/* Nothing more is taken in before this is done: what is in the queue and in
 * the spool would be sent twice once the queue has forgotten it. @return 0;
 * negative: not now */
int tp_spool_take_clean_up(struct tp_spool_intake *intake);

#endif
