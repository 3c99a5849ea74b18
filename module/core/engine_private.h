/*
 * engine_private.h - what the engine's own files share
 *
 * JOB     The engine's state. Included by engine.c, scheduler.c, worker.c and
 *         waiters.c only.
 * LAYER   core.
 * THREADS everything below `lock` is guarded by it. The lock is never held
 *         during a call to queue, transport, sink, log or clock, which may be
 *         the host's.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_ENGINE_PRIVATE_H
#define TP_CORE_ENGINE_PRIVATE_H

#include "base/interrupt.h"
#include "core/engine.h"
#include "core/settle.h"

#include <pthread.h>

/* How often the scheduler looks without being woken: other processes put
 * messages into the same queue. */
#define TP_ENGINE_POLL_MS 1000
/* Leases, expiry and retention are looked after this often. */
#define TP_ENGINE_HOUSEKEEPING_MS 5000
/* Messages claimed at a time by one worker. */
#define TP_ENGINE_CLAIM_COUNT 16

struct tp_engine_lane {
	char *relay; /* name */
	struct tp_lane lane;
	int generation; /* changes when the relay's profile changes */
	int gone;	/* no longer configured */
	int worker_count;
	int idle_count;	     /* workers that wait for work */
	int signalled;	     /* work came since a worker last looked */
	pthread_cond_t work; /* idle workers wait here */
};

struct tp_worker {
	struct tp_worker *next;
	struct tp_engine *engine;
	struct tp_engine_lane *lane;
	struct tp_config *config;     /* a reference */
	const struct tp_relay *relay; /* in config */
	int generation;
	int finished; /* the thread may be joined */
	pthread_t thread;
	struct tp_interrupt interrupt; /* cuts the connection off */
};

struct tp_waiter {
	struct tp_waiter *next;
	char queue_id[TP_QUEUE_ID_BYTES];
	char *relay;
	int begun; /* a worker is sending the message */
	int done;
	struct tp_attempt attempt;
};

struct tp_engine {
	struct tp_queue *queue;
	struct tp_transport *transport;
	const struct tp_clock *clock;
	const struct tp_outcome_sink *sink;
	tp_engine_log_fn *log;
	void *log_ctx;
	char *reporting_host;

	pthread_mutex_t sink_lock; /* one event at a time */
	pthread_mutex_t life_lock; /* start and stop, one at a time: users */
	int users;		   /* who wants delivery to run */

	pthread_mutex_t lock;
	pthread_cond_t wake;	/* the scheduler waits here */
	pthread_cond_t changed; /* waiters and stop() wait here */
	struct tp_config *config;
	struct tp_engine_lane **lanes;
	size_t lane_count;
	struct tp_worker *workers;
	struct tp_waiter *waiters;
	struct tp_engine_stats stats;
	int running;
	int stopping;
	int woken;
	int unrouted;  /* messages wait for a relay that is not configured */
	int housekept; /* dead owners' leases have been looked for */
	pthread_t scheduler;
};

/* engine.c */
struct tp_engine_lane *tp_engine_find_lane(
	struct tp_engine *engine, const char *relay); /* lock held */
struct tp_retry_schedule tp_engine_schedule(const struct tp_config *config);
/* For ITEM, now and without a connection. Borrows the arguments.
 * @param relay NULL: no longer configured */
struct tp_settle_context tp_engine_settle_context(
	const struct tp_engine *engine, const struct tp_config *config,
	const struct tp_retry_schedule *schedule, const struct tp_relay *relay,
	const struct tp_queue_item *item);
void tp_engine_log(struct tp_engine *engine, int level, const char *event,
	const char *fmt, ...) TP_PRINTF(4, 5);
/* Stores a settlement, then tells sink, statistics and waiters. A result that
 * cannot be stored is kept and tried again until it can, or until the end:
 * then the message is IN_DOUBT, and the next process settles it as unknown.
 * Nothing is lost by waiting, as nothing else can be stored either.
 * @return 1: begin_next was begun in the same commit; 0: not */
int tp_engine_store(struct tp_engine *engine, struct tp_settle *settle);
/* 1 from the moment that the last user wants delivery to end. */
int tp_engine_stopping(struct tp_engine *engine);
/* Points waiting messages to the relays that their stores use now. */
int tp_engine_reroute(struct tp_engine *engine, const struct tp_config *config,
	struct tp_error *err);
/* A condition variable on the monotonic clock. */
void tp_engine_cond_init(pthread_cond_t *cond);

/* scheduler.c */
void *tp_scheduler_main(void *engine);

/* worker.c */
/* Starts one worker for LANE. Lock held. */
int tp_worker_start(struct tp_engine *engine, struct tp_engine_lane *lane);
/* Joins and frees what has finished. Lock held. */
void tp_workers_reap(struct tp_engine *engine);

/* waiters.c; lock held */
void tp_waiters_notify(
	struct tp_engine *engine, const struct tp_settle *settle);
void tp_waiters_release_relay(
	struct tp_engine *engine, const char *relay, const char *reason);
void tp_waiters_mark_begun(struct tp_engine *engine, const char *queue_id);

#endif
