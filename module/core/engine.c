/*
 * engine.c - delivery: life, configuration, questions from outside
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/engine_private.h"

#include "base/mem.h"
#include "base/random.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define JITTER_PERCENT 25
#define STORE_PAUSE_MS 200

void tp_engine_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

void tp_engine_log(struct tp_engine *engine, int level, const char *event,
	const char *fmt, ...)
{
	char text[TP_ERROR_TEXT_BYTES];
	va_list args;

	if (!engine->log)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	engine->log(engine->log_ctx, level, event, text);
}

struct tp_retry_schedule tp_engine_schedule(const struct tp_config *config)
{
	struct tp_retry_schedule schedule = {
		.base_ms = config->retry_base_ms,
		.cap_ms = config->retry_cap_ms,
		.jitter_percent = JITTER_PERCENT,
		.unknown_ms = config->unknown_retry_ms,
		.unknown_max_count = (int)config->unknown_retry_max_count,
		.auth_probe_ms = config->auth_probe_ms,
	};

	return schedule;
}

struct tp_settle_context tp_engine_settle_context(
	const struct tp_engine *engine, const struct tp_config *config,
	const struct tp_retry_schedule *schedule, const struct tp_relay *relay,
	const struct tp_queue_item *item)
{
	struct tp_settle_context context = {
		.schedule = schedule,
		.store = tp_config_store(config, item->store),
		.dialect = relay ? relay->dialect : NULL,
		.reporting_host = engine->reporting_host,
		.remote_host = relay ? relay->host : NULL,
		.clock = engine->clock,
		.now_ms = tp_now_ms(engine->clock),
		.random = tp_random_below(TP_RETRY_RANDOM_BOUND),
	};

	return context;
}

/* ---- lanes -------------------------------------------------------------- */

struct tp_engine_lane *tp_engine_find_lane(
	struct tp_engine *engine, const char *relay)
{
	size_t i;

	for (i = 0; i < engine->lane_count; i++)
		if (strcmp(engine->lanes[i]->relay, relay) == 0)
			return engine->lanes[i];
	return NULL;
}

static int add_lane(struct tp_engine *engine, const struct tp_relay *relay)
{
	struct tp_engine_lane **lanes = tp_realloc(engine->lanes,
		(engine->lane_count + 1) * sizeof(struct tp_engine_lane *));
	struct tp_engine_lane *lane = tp_alloc(sizeof(*lane));

	if (lanes)
		engine->lanes = lanes;
	if (lane)
		lane->relay = tp_strdup(relay->name);
	if (!lanes || !lane || !lane->relay) {
		tp_free(lane);
		return TP_ENOMEM;
	}
	tp_lane_init(&lane->lane, (int)relay->max_connections);
	tp_engine_cond_init(&lane->work);
	engine->lanes[engine->lane_count++] = lane;
	return TP_OK;
}

/* A changed profile ends its connections: their workers see the generation
 * and stop after their message. */
static void update_lane(struct tp_engine_lane *lane,
	const struct tp_relay *before, const struct tp_relay *after)
{
	lane->gone = !after;
	if (after)
		lane->lane.limit = (int)after->max_connections;
	if (before && after && tp_relay_same(before, after))
		return;
	lane->generation++;
	if (after)
		tp_lane_init(&lane->lane, (int)after->max_connections);
	(void)pthread_cond_broadcast(&lane->work);
}

static int lay_lanes(struct tp_engine *engine, const struct tp_config *before,
	const struct tp_config *after)
{
	size_t known = engine->lane_count;
	size_t i;
	int rc = TP_OK;

	/* What can fail comes first and does no harm if it was in vain. */
	for (i = 0; i < after->relay_count && rc >= 0; i++)
		if (!tp_engine_find_lane(engine, after->relays[i].name))
			rc = add_lane(engine, &after->relays[i]);
	for (i = 0; i < known && rc >= 0; i++)
		update_lane(engine->lanes[i],
			before ? tp_config_relay(
					 before, engine->lanes[i]->relay)
			       : NULL,
			tp_config_relay(after, engine->lanes[i]->relay));
	return rc;
}

/* What waits follows its store to the relay that the store uses now. */
int tp_engine_reroute(struct tp_engine *engine, const struct tp_config *config,
	struct tp_error *err)
{
	size_t i;
	int rc = TP_OK;

	for (i = 0; i < config->store_count && rc >= 0; i++)
		if (config->stores[i].relay)
			rc = engine->queue->ops->reroute(engine->queue,
				config->stores[i].name,
				config->stores[i].relay->name, err);
	return rc;
}

int tp_engine_set_config(struct tp_engine *engine, struct tp_config *config,
	struct tp_error *err)
{
	struct tp_error ignored = TP_ERROR_INIT;
	struct tp_config *before;
	int rc;

	(void)pthread_mutex_lock(&engine->lock);
	before = engine->config;
	rc = lay_lanes(engine, before, config);
	if (rc >= 0) {
		engine->config = tp_config_ref(config);
		engine->unrouted = 0;
	}
	(void)pthread_mutex_unlock(&engine->lock);
	if (rc < 0)
		return tp_fail(err, rc, "engine", "out of memory");
	tp_config_unref(&before);
	/* The new configuration is in force. If the queue cannot be changed
	 * now, housekeeping does it. */
	if (tp_engine_reroute(engine, config, &ignored) < 0) {
		tp_engine_log(
			engine, 3, "queue-error", "reroute: %s", ignored.text);
		(void)pthread_mutex_lock(&engine->lock);
		engine->unrouted = 1;
		(void)pthread_mutex_unlock(&engine->lock);
	}
	tp_engine_wake(engine);
	return TP_OK;
}

/* ---- life --------------------------------------------------------------- */

int tp_engine_new(const struct tp_engine_options *options,
	struct tp_config *config, struct tp_engine **engine_out,
	struct tp_error *err)
{
	struct tp_engine *engine = tp_alloc(sizeof(*engine));
	int rc;

	*engine_out = NULL;
	if (!engine)
		return tp_fail(err, TP_ENOMEM, "engine", "out of memory");
	engine->queue = options->queue;
	engine->transport = options->transport;
	engine->clock = options->clock;
	engine->sink = options->sink;
	engine->log = options->log;
	engine->log_ctx = options->log_ctx;
	(void)pthread_mutex_init(&engine->lock, NULL);
	(void)pthread_mutex_init(&engine->sink_lock, NULL);
	(void)pthread_mutex_init(&engine->life_lock, NULL);
	tp_engine_cond_init(&engine->wake);
	tp_engine_cond_init(&engine->changed);
	engine->reporting_host =
		tp_strdup(options->reporting_host ? options->reporting_host
						  : "localhost");
	rc = engine->reporting_host ? tp_engine_set_config(engine, config, err)
				    : TP_ENOMEM;
	if (rc < 0) {
		tp_engine_destroy(&engine);
		return tp_fail(err, rc, "engine", "%s", tp_err_text(rc));
	}
	*engine_out = engine;
	return TP_OK;
}

static void free_lanes(struct tp_engine *engine)
{
	size_t i;

	for (i = 0; i < engine->lane_count; i++) {
		(void)pthread_cond_destroy(&engine->lanes[i]->work);
		tp_free(engine->lanes[i]->relay);
		tp_free(engine->lanes[i]);
	}
	tp_free(engine->lanes);
}

void tp_engine_destroy(struct tp_engine **engine)
{
	if (!*engine)
		return;
	tp_engine_shutdown(*engine, 0);
	free_lanes(*engine);
	tp_config_unref(&(*engine)->config);
	(void)pthread_cond_destroy(&(*engine)->wake);
	(void)pthread_cond_destroy(&(*engine)->changed);
	(void)pthread_mutex_destroy(&(*engine)->lock);
	(void)pthread_mutex_destroy(&(*engine)->sink_lock);
	(void)pthread_mutex_destroy(&(*engine)->life_lock);
	tp_free((*engine)->reporting_host);
	tp_free(*engine);
	*engine = NULL;
}

static int launch(struct tp_engine *engine)
{
	sigset_t all;
	sigset_t before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(
		&engine->scheduler, NULL, tp_scheduler_main, engine);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_mutex_lock(&engine->lock);
	engine->running = rc == 0;
	(void)pthread_mutex_unlock(&engine->lock);
	return rc;
}

int tp_engine_start(struct tp_engine *engine, struct tp_error *err)
{
	int rc = 0;

	(void)pthread_mutex_lock(&engine->life_lock);
	if (engine->users == 0)
		rc = launch(engine);
	if (rc == 0)
		engine->users++;
	(void)pthread_mutex_unlock(&engine->life_lock);
	if (rc == 0)
		return TP_OK;
	errno = rc;
	return tp_fail_errno(err, TP_EIO, "engine", "cannot start a thread");
}

/* Lock held. */
static void interrupt_workers(struct tp_engine *engine)
{
	struct tp_worker *worker;

	for (worker = engine->workers; worker; worker = worker->next)
		tp_interrupt_fire(&worker->interrupt);
}

static int workers_busy(const struct tp_engine *engine)
{
	const struct tp_worker *worker;

	for (worker = engine->workers; worker; worker = worker->next)
		if (!worker->finished)
			return 1;
	return 0;
}

/* Lock held. */
static void wait_for_workers(struct tp_engine *engine, int64_t grace_ms)
{
	int64_t grace_end = tp_deadline_ms(grace_ms);

	while (workers_busy(engine)) {
		struct timespec until =
			tp_deadline_timespec(tp_deadline_ms(50));

		if (tp_deadline_left_ms(grace_end) == 0)
			interrupt_workers(engine);
		(void)pthread_cond_timedwait(
			&engine->changed, &engine->lock, &until);
	}
	tp_workers_reap(engine);
}

/* Life lock held. */
static void halt(struct tp_engine *engine, int64_t grace_ms)
{
	size_t i;

	(void)pthread_mutex_lock(&engine->lock);
	engine->stopping = 1;
	(void)pthread_cond_broadcast(&engine->wake);
	(void)pthread_cond_broadcast(&engine->changed);
	for (i = 0; i < engine->lane_count; i++)
		(void)pthread_cond_broadcast(&engine->lanes[i]->work);
	(void)pthread_mutex_unlock(&engine->lock);
	/* First the thread that starts workers, then the workers. */
	(void)pthread_join(engine->scheduler, NULL);
	(void)pthread_mutex_lock(&engine->lock);
	wait_for_workers(engine, grace_ms);
	engine->running = 0;
	engine->stopping = 0;
	engine->housekept = 0;
	(void)pthread_mutex_unlock(&engine->lock);
}

void tp_engine_stop(struct tp_engine *engine, int64_t grace_ms)
{
	(void)pthread_mutex_lock(&engine->life_lock);
	if (engine->users > 0 && --engine->users == 0)
		halt(engine, grace_ms);
	(void)pthread_mutex_unlock(&engine->life_lock);
}

void tp_engine_shutdown(struct tp_engine *engine, int64_t grace_ms)
{
	(void)pthread_mutex_lock(&engine->life_lock);
	if (engine->users > 0)
		halt(engine, grace_ms);
	engine->users = 0;
	(void)pthread_mutex_unlock(&engine->life_lock);
}

int tp_engine_running(struct tp_engine *engine)
{
	int running;

	(void)pthread_mutex_lock(&engine->lock);
	running = engine->running;
	(void)pthread_mutex_unlock(&engine->lock);
	return running;
}

/* ---- from outside ------------------------------------------------------- */

void tp_engine_wake(struct tp_engine *engine)
{
	(void)pthread_mutex_lock(&engine->lock);
	engine->woken = 1;
	(void)pthread_cond_signal(&engine->wake);
	(void)pthread_mutex_unlock(&engine->lock);
}

void tp_engine_kick(struct tp_engine *engine, const char *relay)
{
	size_t i;

	(void)pthread_mutex_lock(&engine->lock);
	for (i = 0; i < engine->lane_count; i++)
		if (!relay || strcmp(engine->lanes[i]->relay, relay) == 0)
			tp_lane_kick(&engine->lanes[i]->lane);
	engine->woken = 1;
	(void)pthread_cond_signal(&engine->wake);
	(void)pthread_mutex_unlock(&engine->lock);
}

void tp_engine_stats(
	struct tp_engine *engine, struct tp_engine_stats *stats_out)
{
	(void)pthread_mutex_lock(&engine->lock);
	*stats_out = engine->stats;
	(void)pthread_mutex_unlock(&engine->lock);
}

void tp_engine_lanes(struct tp_engine *engine,
	void (*cb)(void *ctx, const struct tp_lane_view *view), void *ctx)
{
	size_t i;

	(void)pthread_mutex_lock(&engine->lock);
	for (i = 0; i < engine->lane_count; i++) {
		const struct tp_engine_lane *lane = engine->lanes[i];
		struct tp_lane_view view = {
			.relay = lane->relay,
			.state = lane->lane.state,
			.reason = lane->lane.reason,
			.retry_ms = lane->lane.retry_ms,
			.connections = lane->worker_count,
		};

		if (!lane->gone)
			cb(ctx, &view);
	}
	(void)pthread_mutex_unlock(&engine->lock);
}

/* Lock held. */
static int lane_could_send(struct tp_engine *engine,
	const struct tp_queue_relay_due *due, int64_t now_ms)
{
	struct tp_engine_lane *lane = tp_engine_find_lane(engine, due->relay);

	return due->due_count > 0 && lane && !lane->gone &&
	       tp_lane_allowed(&lane->lane, now_ms) > 0;
}

/* Lock held. */
static int lanes_busy(const struct tp_engine *engine)
{
	size_t i;

	for (i = 0; i < engine->lane_count; i++)
		if (engine->lanes[i]->worker_count >
			engine->lanes[i]->idle_count)
			return 1;
	return 0;
}

int tp_engine_idle(struct tp_engine *engine, struct tp_error *err)
{
	struct tp_queue_relay_due *due = NULL;
	int64_t now_ms = tp_now_ms(engine->clock);
	int count;
	int idle;
	int i;

	count = engine->queue->ops->due(engine->queue, now_ms, &due, err);
	if (count < 0)
		return count;
	(void)pthread_mutex_lock(&engine->lock);
	idle = engine->housekept && !lanes_busy(engine) && !engine->woken;
	for (i = 0; i < count; i++)
		idle = idle && !lane_could_send(engine, &due[i], now_ms);
	(void)pthread_mutex_unlock(&engine->lock);
	for (i = 0; i < count; i++)
		tp_free(due[i].relay);
	tp_free(due);
	return idle;
}

/* ---- storing results ---------------------------------------------------- */

/* Lock held. */
static void count(
	struct tp_engine *engine, const struct tp_settlement *settlement)
{
	size_t i;

	for (i = 0; i < settlement->rcpt_count; i++) {
		const struct tp_settled_rcpt *rcpt = &settlement->rcpts[i];

		if (rcpt->state == TP_RCPT_SENT)
			engine->stats.sent++;
		else if (rcpt->outcome.cls == TP_CLASS_UNKNOWN)
			engine->stats.unknown++;
		else if (rcpt->state == TP_RCPT_FAILED)
			engine->stats.failed++;
		else
			engine->stats.deferred++;
	}
}

static void tell(struct tp_engine *engine, const struct tp_settle *settle)
{
	const struct tp_settlement *settlement = &settle->settlement;
	size_t i;

	if (settle->bounce_failed)
		tp_engine_log(engine, 3, "bounce-failed",
			"%s: its sender was not told of the failure",
			settlement->queue_id);
	if (engine->sink) {
		(void)pthread_mutex_lock(&engine->sink_lock);
		for (i = 0; i < settlement->rcpt_count; i++)
			engine->sink->event(engine->sink->ctx,
				&settlement->rcpts[i].outcome);
		(void)pthread_mutex_unlock(&engine->sink_lock);
	}
	(void)pthread_mutex_lock(&engine->lock);
	count(engine, settlement);
	tp_waiters_notify(engine, settle);
	(void)pthread_mutex_unlock(&engine->lock);
}

static int commit(struct tp_engine *engine, struct tp_settle *settle,
	int *next_begun_out, struct tp_error *err)
{
	int rc = engine->queue->ops->settle(
		engine->queue, &settle->settlement, next_begun_out, err);

	if (rc >= 0)
		tell(engine, settle);
	return rc;
}

int tp_engine_stopping(struct tp_engine *engine)
{
	int stop;

	(void)pthread_mutex_lock(&engine->lock);
	stop = engine->stopping;
	(void)pthread_mutex_unlock(&engine->lock);
	return stop;
}

int tp_engine_store(struct tp_engine *engine, struct tp_settle *settle)
{
	int uncertain = 0;
	int begun = 0;
	int attempt = 0;
	int rc;

	do {
		struct tp_error err = TP_ERROR_INIT;

		if (attempt > 0)
			tp_sleep_ms(STORE_PAUSE_MS);
		rc = commit(engine, settle, &begun, &err);
		if (rc < 0 && attempt == 0)
			tp_engine_log(engine, 3, "queue-error", "%s: %s",
				settle->settlement.queue_id, err.text);
		uncertain |= rc == TP_EUNCERTAIN;
		attempt++;
	} while (rc < 0 && rc != TP_ESTATE && rc != TP_EINVAL &&
		 !tp_engine_stopping(engine));
	/* No lease any more after an uncertain commit: it did take place. */
	if (rc == TP_ESTATE && uncertain)
		tell(engine, settle);
	return begun;
}
