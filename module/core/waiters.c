/*
 * waiters.c - who waits for the first attempt of a message
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/engine_private.h"

#include "base/mem.h"
#include "core/settle.h"

#include <stdio.h>
#include <string.h>

/* How often the queue is asked whether another process had the message. */
#define LOOK_MS 500

struct tp_waiter *tp_engine_expect(
	struct tp_engine *engine, const char *queue_id, const char *relay)
{
	struct tp_waiter *waiter = tp_alloc(sizeof(*waiter));

	if (!waiter)
		return NULL;
	waiter->relay = tp_strdup(relay);
	if (!waiter->relay) {
		tp_free(waiter);
		return NULL;
	}
	(void)snprintf(
		waiter->queue_id, sizeof(waiter->queue_id), "%s", queue_id);
	(void)pthread_mutex_lock(&engine->lock);
	waiter->next = engine->waiters;
	engine->waiters = waiter;
	(void)pthread_mutex_unlock(&engine->lock);
	return waiter;
}

void tp_engine_forget(struct tp_engine *engine, struct tp_waiter **waiter)
{
	struct tp_waiter **link;

	if (!*waiter)
		return;
	(void)pthread_mutex_lock(&engine->lock);
	for (link = &engine->waiters; *link; link = &(*link)->next)
		if (*link == *waiter) {
			*link = (*waiter)->next;
			break;
		}
	(void)pthread_mutex_unlock(&engine->lock);
	tp_free((*waiter)->relay);
	tp_free(*waiter);
	*waiter = NULL;
}

/* A paused relay will not be tried before the deadline: say so at once. */
static void check_lane(
	struct tp_engine *engine, struct tp_waiter *waiter, int64_t now_ms)
{
	struct tp_engine_lane *lane =
		tp_engine_find_lane(engine, waiter->relay);

	if (!lane || waiter->done || lane->lane.state == TP_LANE_READY ||
		lane->lane.retry_ms <= now_ms || lane->worker_count > 0)
		return;
	waiter->done = 1;
	(void)snprintf(waiter->attempt.text, sizeof(waiter->attempt.text),
		"%.500s", lane->lane.reason);
}

/* The first event that is not "sent" speaks for the attempt. */
static int note_event(void *ctx, const struct tp_outcome *outcome)
{
	struct tp_attempt *attempt = ctx;
	int sent = outcome->cls == TP_CLASS_SENT;

	attempt->some_sent |= sent;
	if (attempt->known && (sent || attempt->worst != TP_CLASS_SENT))
		return 0;
	attempt->known = 1;
	attempt->worst = outcome->cls;
	attempt->worst_state = sent	       ? TP_RCPT_SENT
			       : outcome->last ? TP_RCPT_FAILED
					       : TP_RCPT_OPEN;
	attempt->held = strcmp(outcome->verdict, "held") == 0;
	attempt->reply_code = outcome->reply_code;
	(void)snprintf(
		attempt->text, sizeof(attempt->text), "%s", outcome->text);
	return 0;
}

/* Who claims a message first sends it, and that may be another process with
 * the same queue. Called without the lock. */
static int look_into_queue(struct tp_engine *engine, const char *queue_id,
	struct tp_attempt *attempt_out)
{
	struct tp_outcome_filter filter = { .queue_id = queue_id };
	struct tp_attempt attempt = { 0 };

	if (engine->queue->ops->outcomes(
		    engine->queue, &filter, note_event, &attempt, NULL) < 0 ||
		!attempt.known)
		return 0;
	*attempt_out = attempt;
	return 1;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Until the waiter is done, or for LOOK_MS; called with the lock. */
static void wait_a_while(struct tp_engine *engine, struct tp_waiter *waiter,
	int64_t deadline_mono_ms)
{
	struct timespec until = tp_deadline_timespec(
		earlier(deadline_mono_ms, tp_deadline_ms(LOOK_MS)));

	while (!waiter->done && !engine->stopping)
		if (pthread_cond_timedwait(
			    &engine->changed, &engine->lock, &until) != 0)
			return;
}

void tp_engine_wait(struct tp_engine *engine, struct tp_waiter *waiter,
	int64_t deadline_mono_ms, struct tp_attempt *attempt_out)
{
	int64_t now_ms = tp_now_ms(engine->clock);
	struct tp_attempt seen;

	(void)pthread_mutex_lock(&engine->lock);
	check_lane(engine, waiter, now_ms);
	for (;;) {
		int found;

		wait_a_while(engine, waiter, deadline_mono_ms);
		if (waiter->done || engine->stopping)
			break;
		(void)pthread_mutex_unlock(&engine->lock);
		found = look_into_queue(engine, waiter->queue_id, &seen);
		(void)pthread_mutex_lock(&engine->lock);
		if (found && !waiter->done) {
			waiter->attempt = seen;
			waiter->done = 1;
		}
		if (waiter->done || engine->stopping ||
			tp_deadline_left_ms(deadline_mono_ms) == 0)
			break;
	}
	*attempt_out = waiter->attempt;
	(void)pthread_mutex_unlock(&engine->lock);
}

void tp_waiters_notify(struct tp_engine *engine, const struct tp_settle *settle)
{
	struct tp_waiter *waiter;
	int found = 0;

	for (waiter = engine->waiters; waiter; waiter = waiter->next) {
		struct tp_attempt *attempt = &waiter->attempt;

		if (waiter->done || strcmp(waiter->queue_id,
					    settle->settlement.queue_id) != 0)
			continue;
		attempt->known = 1;
		attempt->worst = settle->worst;
		attempt->worst_state = settle->worst_state;
		attempt->some_sent = settle->sent_count > 0;
		attempt->held = settle->settlement.state == TP_QUEUE_HELD;
		attempt->reply_code = settle->reply_code;
		memcpy(attempt->text, settle->text, sizeof(attempt->text));
		waiter->done = 1;
		found = 1;
	}
	if (found)
		(void)pthread_cond_broadcast(&engine->changed);
}

void tp_waiters_mark_begun(struct tp_engine *engine, const char *queue_id)
{
	struct tp_waiter *waiter;

	for (waiter = engine->waiters; waiter; waiter = waiter->next)
		if (strcmp(waiter->queue_id, queue_id) == 0)
			waiter->begun = 1;
}

/* The relay went down before these messages had their turn. One that is being
 * sent over another connection will hear its own result. */
void tp_waiters_release_relay(
	struct tp_engine *engine, const char *relay, const char *reason)
{
	struct tp_waiter *waiter;

	for (waiter = engine->waiters; waiter; waiter = waiter->next) {
		if (waiter->done || waiter->begun ||
			strcmp(waiter->relay, relay) != 0)
			continue;
		waiter->done = 1;
		(void)snprintf(waiter->attempt.text,
			sizeof(waiter->attempt.text), "%.500s", reason);
	}
	(void)pthread_cond_broadcast(&engine->changed);
}
