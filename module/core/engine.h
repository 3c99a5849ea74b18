/*
 * engine.h - delivery: from queue to relays
 *
 * JOB     A scheduler thread watches the queue and the lanes; workers, one
 *         per relay connection, claim messages, send them through the
 *         transport and settle them. Files: engine.c (life, configuration,
 *         questions from outside), scheduler.c (the thread that decides),
 *         worker.c (the thread that sends), waiters.c (who waits for a
 *         first attempt). engine_private.h is theirs alone.
 *
 *         queue --claim--> worker --transaction--> transport
 *           ^                 |
 *           +----- settle ----+----> outcome sink
 * LAYER   core; libc and threads only: queue, transport, sink and clock are
 *         interfaces.
 * THREADS every function may be called from any thread; destroy once, last.
 *         All signals are blocked in the engine's threads.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_ENGINE_H
#define TP_CORE_ENGINE_H

#include "core/config.h"
#include "core/lane.h"
#include "core/queue.h"
#include "core/transport.h"

/* LEVEL as in syslog: 3, 4, 6, 7. @thread any of the engine's */
typedef void tp_engine_log_fn(
	void *ctx, int level, const char *event, const char *text);

struct tp_engine_options {
	struct tp_queue *queue;		    /* borrowed */
	struct tp_transport *transport;	    /* borrowed */
	const struct tp_clock *clock;	    /* borrowed; NULL: system */
	const struct tp_outcome_sink *sink; /* borrowed; NULL: none */
	tp_engine_log_fn *log;		    /* NULL: none */
	void *log_ctx;
	const char *reporting_host; /* for bounces; copied */
};

struct tp_engine;

int tp_engine_new(const struct tp_engine_options *options,
	struct tp_config *config, struct tp_engine **engine_out,
	struct tp_error *err) TP_USE_RESULT;
/* Stops first. NULL-safe. */
void tp_engine_destroy(struct tp_engine **engine);

/* Starts delivery, or joins those who have: each start needs a stop. */
int tp_engine_start(
	struct tp_engine *engine, struct tp_error *err) TP_USE_RESULT;
/* Takes one start back. The last one ends delivery: workers get GRACE_MS to
 * finish their message, then their connections are cut, which leaves a clean
 * or an unknown outcome. Blocks until all threads are gone. */
void tp_engine_stop(struct tp_engine *engine, int64_t grace_ms);
/* Ends it whoever wanted it. */
void tp_engine_shutdown(struct tp_engine *engine, int64_t grace_ms);
int tp_engine_running(struct tp_engine *engine);

/* Work may have come. */
void tp_engine_wake(struct tp_engine *engine);

/* Takes a reference. Lanes whose relay is unchanged keep their connections;
 * the queue is routed anew. */
int tp_engine_set_config(struct tp_engine *engine, struct tp_config *config,
	struct tp_error *err) TP_USE_RESULT;

/* Forgets the pause of a relay; NULL: of all. */
void tp_engine_kick(struct tp_engine *engine, const char *relay);

/* The fate of a first attempt. */
struct tp_attempt {
	int known; /* 0: the deadline passed, or the relay is paused */
	enum tp_class worst;
	enum tp_rcpt_state worst_state;
	int some_sent;
	int held; /* the message waits for a person */
	int reply_code;
	char text[TP_REPLY_TEXT_BYTES];
};

/* To wait for a message: expect before it is put, wait after, then (also
 * without waiting) forget. NULL from expect: out of memory. */
struct tp_waiter;
struct tp_waiter *tp_engine_expect(
	struct tp_engine *engine, const char *queue_id, const char *relay);
void tp_engine_wait(struct tp_engine *engine, struct tp_waiter *waiter,
	int64_t deadline_mono_ms, struct tp_attempt *attempt_out);
void tp_engine_forget(struct tp_engine *engine, struct tp_waiter **waiter);

struct tp_engine_stats {
	int64_t sent, deferred, failed, unknown; /* recipients */
	int64_t connections;
};
void tp_engine_stats(
	struct tp_engine *engine, struct tp_engine_stats *stats_out);

struct tp_lane_view {
	const char *relay;
	enum tp_lane_state state;
	const char *reason;
	int64_t retry_ms;
	int connections;
};
/* CB runs under the engine's lock: copy and return. */
void tp_engine_lanes(struct tp_engine *engine,
	void (*cb)(void *ctx, const struct tp_lane_view *view), void *ctx);

/* 1 if nothing is due now that could go out (paused lanes do not count), and
 * no worker is busy. Negative: the queue cannot be asked. */
int tp_engine_idle(struct tp_engine *engine, struct tp_error *err);

#endif
