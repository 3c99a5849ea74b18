/*
 * scheduler.c - the thread that decides which relay gets a worker
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/engine_private.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* A further connection is worth its handshake from this many messages on. */
#define MESSAGES_PER_WORKER 4
#define EXPIRED_AT_A_TIME 100
#define SWEEPS_AT_A_TIME 50

/* ---- housekeeping ------------------------------------------------------- */

/* Copies of what recover() listed; settled after the listing. */
struct doubtful {
	struct tp_queue_item *items;
	size_t count;
	int failed;
};

static int collect(void *ctx, const struct tp_queue_item *item)
{
	struct doubtful *list = ctx;
	struct tp_queue_item *items =
		tp_realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items) {
		list->failed = 1;
		return 1;
	}
	list->items = items;
	if (tp_queue_item_copy(&items[list->count], item) < 0) {
		list->failed = 1;
		return 1;
	}
	list->count++;
	return 0;
}

typedef int settle_fn(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, struct tp_error *err);

/* A bounce quotes the header, so the data is fetched. */
static void settle_one(struct tp_engine *engine, struct tp_config *config,
	struct tp_queue_item *item, settle_fn *how)
{
	struct tp_retry_schedule schedule = tp_engine_schedule(config);
	const struct tp_relay *relay = tp_config_relay(config, item->relay);
	struct tp_settle_context context = tp_engine_settle_context(
		engine, config, &schedule, relay, item);
	struct tp_error err = TP_ERROR_INIT;
	struct tp_settle settle;
	int rc = TP_OK;

	if (!item->data)
		rc = engine->queue->ops->load(engine->queue, item->queue_id,
			&item->data, &item->data_len, &err);
	/* Without a body there is still a result to store. */
	if (rc == TP_ENOTFOUND) {
		tp_error_clear(&err);
		rc = TP_OK;
	}
	if (rc >= 0)
		rc = how(&settle, &context, item, &err);
	if (rc >= 0) {
		(void)tp_engine_store(engine, &settle);
		tp_settle_free(&settle);
	}
	if (rc < 0)
		tp_engine_log(engine, 3, "queue-error", "%s: %s",
			item->queue_id, err.text);
}

static void recover(struct tp_engine *engine, struct tp_config *config)
{
	struct tp_error err = TP_ERROR_INIT;
	struct doubtful list = { NULL, 0, 0 };
	size_t i;
	int rc;

	rc = engine->queue->ops->recover(engine->queue,
		tp_now_ms(engine->clock), config->lease_ms, collect, &list,
		&err);
	if (rc < 0)
		tp_engine_log(
			engine, 3, "queue-error", "recovery: %s", err.text);
	for (i = 0; i < list.count; i++) {
		tp_engine_log(engine, 4, "outcome-unknown",
			"%s: a delivery was cut off; it may be repeated",
			list.items[i].queue_id);
		settle_one(engine, config, &list.items[i], tp_settle_in_doubt);
	}
	tp_queue_items_free(list.items, list.count);
}

/* @return how many were settled */
static int expire(struct tp_engine *engine, struct tp_config *config)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item *items = NULL;
	int count;
	int i;

	count = engine->queue->ops->claim_expired(engine->queue,
		tp_now_ms(engine->clock), config->lease_ms, EXPIRED_AT_A_TIME,
		&items, &err);
	if (count < 0) {
		tp_engine_log(engine, 3, "queue-error", "expiry: %s", err.text);
		return 0;
	}
	for (i = 0; i < count; i++)
		settle_one(engine, config, &items[i], tp_settle_expired);
	tp_queue_items_free(items, (size_t)count);
	return count;
}

static void sweep(struct tp_engine *engine, const struct tp_config *config)
{
	struct tp_error err = TP_ERROR_INIT;
	int64_t before_ms = tp_now_ms(engine->clock) - config->log_retention_ms;
	int rounds = 0;
	int rc;

	do
		rc = engine->queue->ops->sweep(engine->queue, before_ms,
			config->log_retention_bytes, &err);
	while (rc > 0 && ++rounds < SWEEPS_AT_A_TIME &&
		!tp_engine_stopping(engine));
	if (rc < 0)
		tp_engine_log(engine, 3, "queue-error", "sweep: %s", err.text);
}

static struct tp_config *current_config(struct tp_engine *engine)
{
	struct tp_config *config;

	(void)pthread_mutex_lock(&engine->lock);
	config = tp_config_ref(engine->config);
	(void)pthread_mutex_unlock(&engine->lock);
	return config;
}

/* A message may wait for a relay that no store uses any more: it was put by
 * a process with an older configuration, or its store is gone. */
static void reroute(struct tp_engine *engine, struct tp_config *config)
{
	struct tp_error err = TP_ERROR_INIT;
	int unrouted;

	(void)pthread_mutex_lock(&engine->lock);
	unrouted = engine->unrouted;
	engine->unrouted = 0;
	(void)pthread_mutex_unlock(&engine->lock);
	if (!unrouted)
		return;
	tp_engine_log(engine, 4, "no-relay",
		"messages wait for a relay that is not configured; those "
		"whose store has another relay now go there");
	if (tp_engine_reroute(engine, config, &err) < 0)
		tp_engine_log(
			engine, 3, "queue-error", "reroute: %s", err.text);
}

static void housekeeping(struct tp_engine *engine)
{
	struct tp_config *config = current_config(engine);

	reroute(engine, config);
	recover(engine, config);
	while (expire(engine, config) == EXPIRED_AT_A_TIME &&
		!tp_engine_stopping(engine))
		continue;
	sweep(engine, config);
	tp_config_unref(&config);
	(void)pthread_mutex_lock(&engine->lock);
	engine->housekept = 1;
	(void)pthread_mutex_unlock(&engine->lock);
}

/* ---- dispatch ----------------------------------------------------------- */

/* Lock held. Wakes idle workers first; a new one costs a handshake. */
static void serve_lane(struct tp_engine *engine, struct tp_engine_lane *lane,
	int64_t due_count, int64_t now_ms)
{
	int allowed = tp_lane_allowed(&lane->lane, now_ms);
	int64_t wanted =
		(due_count + MESSAGES_PER_WORKER - 1) / MESSAGES_PER_WORKER;

	if (due_count == 0)
		return;
	lane->signalled = 1;
	(void)pthread_cond_broadcast(&lane->work);
	if (wanted > allowed)
		wanted = allowed;
	while (lane->worker_count < wanted)
		if (tp_worker_start(engine, lane) < 0)
			return;
}

/* When a lane with work waiting deserves the next look. */
static int64_t lane_turn_ms(const struct tp_engine_lane *lane,
	const struct tp_queue_relay_due *due, int64_t now_ms)
{
	int64_t when = due->next_try_ms;

	if (tp_lane_allowed(&lane->lane, now_ms) == 0)
		return lane->lane.retry_ms;
	/* Due now, and served: the workers call when they are done. */
	return when <= now_ms ? INT64_MAX : when;
}

/* @return milliseconds until something may be due */
static int64_t dispatch(struct tp_engine *engine)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_relay_due *due = NULL;
	int64_t now_ms = tp_now_ms(engine->clock);
	int64_t sleep_ms = TP_ENGINE_POLL_MS;
	int count = engine->queue->ops->due(engine->queue, now_ms, &due, &err);
	int i;

	if (count < 0) {
		tp_engine_log(engine, 3, "queue-error", "%s", err.text);
		return TP_ENGINE_POLL_MS;
	}
	(void)pthread_mutex_lock(&engine->lock);
	tp_workers_reap(engine);
	for (i = 0; i < count && !engine->stopping; i++) {
		struct tp_engine_lane *lane =
			tp_engine_find_lane(engine, due[i].relay);
		int64_t turn_ms;

		if (!lane || lane->gone) {
			engine->unrouted |= due[i].due_count > 0;
			continue;
		}
		serve_lane(engine, lane, due[i].due_count, now_ms);
		turn_ms = lane_turn_ms(lane, &due[i], now_ms);
		if (turn_ms - now_ms < sleep_ms)
			sleep_ms = turn_ms - now_ms;
	}
	(void)pthread_mutex_unlock(&engine->lock);
	for (i = 0; i < count; i++)
		tp_free(due[i].relay);
	tp_free(due);
	return sleep_ms > 0 ? sleep_ms : 1;
}

static void rest(struct tp_engine *engine, int64_t sleep_ms)
{
	struct timespec until = tp_deadline_timespec(tp_deadline_ms(sleep_ms));

	(void)pthread_mutex_lock(&engine->lock);
	while (!engine->woken && !engine->stopping)
		if (pthread_cond_timedwait(
			    &engine->wake, &engine->lock, &until) != 0)
			break;
	engine->woken = 0;
	(void)pthread_mutex_unlock(&engine->lock);
}

void *tp_scheduler_main(void *arg)
{
	struct tp_engine *engine = arg;
	int64_t next_housekeeping = 0;

	while (!tp_engine_stopping(engine)) {
		if (tp_mono_ms() >= next_housekeeping) {
			housekeeping(engine);
			next_housekeeping =
				tp_deadline_ms(TP_ENGINE_HOUSEKEEPING_MS);
		}
		rest(engine, dispatch(engine));
	}
	return NULL;
}
