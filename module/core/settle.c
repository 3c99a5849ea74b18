/*
 * settle.c - from what happened to what is stored
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/settle.h"

#include "base/mem.h"
#include "core/bounce.h"

#include <stdio.h>
#include <string.h>

/* One recipient's judgement on its way into the settlement. */
struct judged {
	size_t index; /* in item->rcpts */
	struct tp_verdict verdict;
	enum tp_retry_decision decision;
	enum tp_step step;
	const struct tp_reply *reply; /* may be NULL or have code 0 */
	const char *text;	      /* when there is no reply */
	int attempt;
};

/* ---- memory ------------------------------------------------------------- */

static int settle_begin(struct tp_settle *settle,
	const struct tp_queue_item *item, size_t count, struct tp_error *err)
{
	memset(settle, 0, sizeof(*settle));
	settle->rcpts = tp_calloc(count, sizeof(*settle->rcpts));
	settle->texts = tp_calloc(count, sizeof(*settle->texts));
	settle->enhanced = tp_calloc(count, sizeof(*settle->enhanced));
	if (!settle->rcpts || !settle->texts || !settle->enhanced) {
		tp_settle_free(settle);
		return tp_fail(err, TP_ENOMEM, item->queue_id, "out of memory");
	}
	settle->settlement.queue_id = item->queue_id;
	settle->settlement.rcpts = settle->rcpts;
	settle->settlement.state = TP_QUEUE_DONE;
	settle->worst = TP_CLASS_SENT;
	settle->worst_state = TP_RCPT_SENT;
	return TP_OK;
}

void tp_settle_free(struct tp_settle *settle)
{
	size_t i;

	for (i = 0; settle->texts && i < settle->settlement.rcpt_count; i++)
		tp_free(settle->texts[i]);
	tp_free(settle->texts);
	tp_free(settle->enhanced);
	tp_free(settle->rcpts);
	tp_queue_item_free(&settle->bounce);
	memset(settle, 0, sizeof(*settle));
}

void tp_settle_move(struct tp_settle *to, struct tp_settle *from)
{
	*to = *from;
	if (from->settlement.bounce)
		to->settlement.bounce = &to->bounce;
	if (from->settlement.reason)
		to->settlement.reason = to->text;
	memset(from, 0, sizeof(*from));
}

/* ---- one recipient ------------------------------------------------------ */

static const char *words_of(const struct judged *judged)
{
	if (judged->reply && judged->reply->code != 0)
		return judged->reply->text;
	return judged->text ? judged->text : "";
}

static enum tp_rcpt_state state_of(const struct judged *judged)
{
	if (judged->verdict.cls == TP_CLASS_SENT)
		return TP_RCPT_SENT;
	return judged->decision == TP_RETRY_FAIL ? TP_RCPT_FAILED
						 : TP_RCPT_OPEN;
}

/* A temporary verdict that ends a message reads "expired", not "deferred". */
static const char *verdict_word(const struct judged *judged)
{
	enum tp_class cls = judged->verdict.cls;

	if (cls == TP_CLASS_SENT || cls == TP_CLASS_UNKNOWN)
		return tp_verdict_word(cls);
	if (judged->decision == TP_RETRY_HOLD)
		return "held";
	if (judged->decision == TP_RETRY_FAIL)
		return cls == TP_CLASS_PERMANENT ? "failed" : "expired";
	return "deferred";
}

static void fill_connection(
	struct tp_outcome *outcome, const struct tp_connection_info *info)
{
	outcome->tls_version = info ? info->tls_version : "";
	outcome->tls_cipher = info ? info->tls_cipher : "";
	if (!info)
		return;
	outcome->connect_us = info->connect_us;
	outcome->tls_us = info->tls_us;
	outcome->auth_us = info->auth_us;
}

static void fill_event(struct tp_settle *settle, size_t at,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct judged *judged)
{
	struct tp_settled_rcpt *rcpt = &settle->rcpts[at];
	const struct tp_reply *reply = judged->reply;

	rcpt->index = judged->index;
	rcpt->state = state_of(judged);
	rcpt->outcome = (struct tp_outcome) {
		.time_ms = context->now_ms,
		.store = item->store,
		.relay = item->relay,
		.queue_id = item->queue_id,
		.message_id = item->message_id,
		.sender = item->sender,
		.recipient = item->rcpts[judged->index].address,
		.attempt = judged->attempt,
		.cls = judged->verdict.cls,
		.verdict = verdict_word(judged),
		.step = tp_step_name(judged->step),
		.reply_code = reply ? reply->code : 0,
		.enhanced = settle->enhanced[at],
		.text = settle->texts[at],
		.size_bytes = (int64_t)item->data_len,
		.queued_ms = context->now_ms - item->created_ms,
		.last = rcpt->state != TP_RCPT_OPEN,
	};
	fill_connection(&rcpt->outcome, context->info);
}

/* How bad it is for who waits for the result. */
static int severity(const struct judged *judged)
{
	if (judged->verdict.cls == TP_CLASS_SENT)
		return 0;
	if (state_of(judged) == TP_RCPT_FAILED)
		return 4;
	if (judged->decision == TP_RETRY_HOLD)
		return 3;
	return judged->verdict.cls == TP_CLASS_UNKNOWN ? 2 : 1;
}

static int add_judged(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct judged *judged,
	int *worst)
{
	size_t at = settle->settlement.rcpt_count;
	char *text = tp_strdup(words_of(judged));

	if (!text)
		return TP_ENOMEM;
	settle->texts[at] = text;
	settle->settlement.rcpt_count++;
	settle->enhanced[at][0] = '\0';
	if (judged->reply)
		tp_enhanced_format(
			&judged->reply->enhanced, settle->enhanced[at]);
	fill_event(settle, at, context, item, judged);
	settle->sent_count += judged->verdict.cls == TP_CLASS_SENT;
	if (severity(judged) >= *worst) {
		*worst = severity(judged);
		settle->worst = judged->verdict.cls;
		settle->worst_state = state_of(judged);
		settle->reply_code = judged->reply ? judged->reply->code : 0;
		(void)snprintf(settle->text, sizeof(settle->text), "%s", text);
	}
	return TP_OK;
}

/* ---- the whole message -------------------------------------------------- */

static void note_relay(struct tp_settle *settle, const struct judged *judged)
{
	if (judged->verdict.scope != TP_SCOPE_RELAY ||
		judged->verdict.cls == TP_CLASS_SENT || settle->relay_failed)
		return;
	settle->relay_failed = 1;
	settle->relay_verdict = judged->verdict;
	(void)snprintf(settle->relay_reason, sizeof(settle->relay_reason), "%s",
		words_of(judged));
}

/* When this recipient may be tried again. A relay's failure is the lane's to
 * wait for; what the relay was too full to take goes at once. */
static int64_t next_try(const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct judged *judged,
	int some_sent)
{
	int64_t delay_ms;

	if (judged->verdict.again_at_once && some_sent)
		delay_ms = 0;
	else if (judged->verdict.scope == TP_SCOPE_RELAY &&
		 judged->step != TP_STEP_BODY)
		delay_ms = judged->verdict.min_delay_ms;
	else
		delay_ms = tp_retry_delay_ms(context->schedule,
			&judged->verdict, item->attempts + 1, context->random);
	return delay_ms > INT64_MAX - context->now_ms
		       ? INT64_MAX
		       : context->now_ms + delay_ms;
}

/* A connection lost in mid-body may be this message's own doing: it is charged
 * too, or it would pause the relay for all until it expires. */
static int charges(const struct judged *judged, int some_sent)
{
	return judged->verdict.cls != TP_CLASS_SENT &&
	       (judged->verdict.scope != TP_SCOPE_RELAY ||
		       judged->step == TP_STEP_BODY) &&
	       !(judged->verdict.again_at_once && some_sent);
}

/* Folds the judgements into the state of the message. */
static void conclude(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct judged *list,
	size_t count)
{
	struct tp_settlement *s = &settle->settlement;
	int open_count = 0;
	int held_count = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		int64_t when;

		note_relay(settle, &list[i]);
		s->charged |= charges(&list[i], settle->sent_count > 0);
		s->unknown |= list[i].verdict.cls == TP_CLASS_UNKNOWN;
		if (state_of(&list[i]) != TP_RCPT_OPEN)
			continue;
		open_count++;
		held_count += list[i].decision == TP_RETRY_HOLD;
		when = next_try(
			context, item, &list[i], settle->sent_count > 0);
		if (when > s->next_try_ms)
			s->next_try_ms = when;
	}
	/* Held only if nobody else waits for another attempt. */
	if (open_count == 0)
		s->state = TP_QUEUE_DONE;
	else
		s->state = held_count == open_count ? TP_QUEUE_HELD
						    : TP_QUEUE_QUEUED;
	s->next_try_ms = tp_retry_clamp_ms(
		context->schedule, s->next_try_ms, context->now_ms);
	if (open_count > 0)
		s->reason = settle->text;
}

static void show_next_try(struct tp_settle *settle)
{
	struct tp_settlement *s = &settle->settlement;
	size_t i;

	for (i = 0; i < s->rcpt_count; i++)
		if (settle->rcpts[i].state == TP_RCPT_OPEN &&
			s->state == TP_QUEUE_QUEUED)
			settle->rcpts[i].outcome.next_try_ms = s->next_try_ms;
}

/* A bounce that cannot be made must not keep the result from being stored:
 * an unstored result would be sent again to who has it. */
static void add_bounce(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item)
{
	struct tp_bounce_request request = {
		.item = item,
		.rcpts = settle->rcpts,
		.rcpt_count = settle->settlement.rcpt_count,
		.from = context->store ? context->store->from : NULL,
		.reporting_host = context->reporting_host,
		.remote_host = context->remote_host,
		.lifetime_ms = context->store ? context->store->lifetime_ms : 0,
	};
	size_t i;
	int failed = 0;
	int rc;

	for (i = 0; i < settle->settlement.rcpt_count; i++)
		failed |= settle->rcpts[i].state == TP_RCPT_FAILED;
	if (!failed || !item->bounce)
		return;
	rc = tp_bounce_make(&request, context->clock, &settle->bounce, NULL);
	if (rc == TP_OK)
		settle->settlement.bounce = &settle->bounce;
	settle->bounce_failed = rc < 0;
}

static int settle_all(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct judged *list,
	size_t count, struct tp_error *err)
{
	int worst = 0;
	int rc = settle_begin(settle, item, count ? count : 1, err);
	size_t i;

	for (i = 0; i < count && rc >= 0; i++)
		rc = add_judged(settle, context, item, &list[i], &worst);
	if (rc >= 0) {
		conclude(settle, context, item, list, count);
		show_next_try(settle);
		add_bounce(settle, context, item);
	}
	if (rc < 0) {
		tp_settle_free(settle);
		return tp_fail(err, rc, item->queue_id, "%s", tp_err_text(rc));
	}
	return TP_OK;
}

/* ---- the four occasions ------------------------------------------------- */

static enum tp_retry_decision decide(const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct tp_verdict *verdict)
{
	int64_t left_ms = item->expires_ms ? item->expires_ms - context->now_ms
					   : INT64_MAX;
	enum tp_retry_decision decision = tp_retry_decide(context->schedule,
		verdict, context->now_ms - item->created_ms, left_ms,
		item->unknown_count + (verdict->cls == TP_CLASS_UNKNOWN));

	/* What is the relay's fault is the lane's to hold, not the message's:
	 * it goes out by itself once the relay is mended. */
	if (decision == TP_RETRY_HOLD && verdict->scope == TP_SCOPE_RELAY)
		return TP_RETRY_LATER;
	return decision;
}

/* Which step a deciding reply belongs to. */
static enum tp_step step_of(const struct tp_transaction *tx, size_t recipient,
	const struct tp_reply *reply)
{
	if (reply == &tx->mail)
		return TP_STEP_MAIL;
	if (reply == &tx->rcpt[recipient])
		return TP_STEP_RCPT;
	if (reply == &tx->data_reply)
		return TP_STEP_DOT;
	return tx->trouble.step;
}

int tp_settle_transaction(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct tp_transaction *tx,
	const size_t *open, struct tp_error *err)
{
	struct judged *list = tp_calloc(tx->recipient_count, sizeof(*list));
	size_t i;
	int rc;

	memset(settle, 0, sizeof(*settle));
	if (!list)
		return tp_fail(err, TP_ENOMEM, item->queue_id, "out of memory");
	for (i = 0; i < tx->recipient_count; i++) {
		struct judged *judged = &list[i];

		judged->index = open[i];
		judged->verdict = tp_policy_recipient(
			tx, i, context->dialect, &judged->reply);
		judged->decision = decide(context, item, &judged->verdict);
		judged->step = step_of(tx, i, judged->reply);
		judged->text = tx->trouble.text;
		judged->attempt = item->attempts + 1;
	}
	rc = settle_all(settle, context, item, list, tx->recipient_count, err);
	tp_free(list);
	for (i = 0; rc >= 0 && i < settle->settlement.rcpt_count; i++)
		settle->rcpts[i].outcome.send_us = tx->duration_us;
	return rc;
}

/* All open recipients share one judgement. */
static int settle_alike(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct judged *judged,
	struct tp_error *err)
{
	struct judged *list = tp_calloc(item->rcpt_count, sizeof(*list));
	size_t count = 0;
	size_t i;
	int rc;

	memset(settle, 0, sizeof(*settle));
	if (!list)
		return tp_fail(err, TP_ENOMEM, item->queue_id, "out of memory");
	for (i = 0; i < item->rcpt_count; i++) {
		if (item->rcpts[i].state != TP_RCPT_OPEN)
			continue;
		list[count] = *judged;
		list[count++].index = i;
	}
	rc = settle_all(settle, context, item, list, count, err);
	tp_free(list);
	return rc;
}

int tp_settle_unreachable(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct tp_trouble *trouble,
	int64_t relay_retry_ms, struct tp_error *err)
{
	struct judged judged = {
		.verdict = tp_policy_trouble(trouble, context->dialect),
		.decision = TP_RETRY_LATER,
		.step = trouble->step,
		.reply = &trouble->reply,
		.text = trouble->text,
		.attempt = item->attempts + 1,
	};
	int rc;

	judged.verdict.scope = TP_SCOPE_RELAY;
	rc = settle_alike(settle, context, item, &judged, err);
	if (rc >= 0 && settle->settlement.state == TP_QUEUE_QUEUED) {
		settle->settlement.next_try_ms = relay_retry_ms;
		show_next_try(settle);
		/* The lane keeps it back, not the message: when the lane is
		 * mended, it goes out with all the others. */
		settle->settlement.next_try_ms = context->now_ms;
	}
	return rc;
}

int tp_settle_in_doubt(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, struct tp_error *err)
{
	struct judged judged = {
		.verdict = { .cls = TP_CLASS_UNKNOWN,
			.scope = TP_SCOPE_MESSAGE,
			.alert = 1,
			.rule = "in-doubt" },
		.step = TP_STEP_DOT,
		.text = "the process ended during this delivery; the message "
			"may be delivered more than once",
		.attempt = item->attempts + 1,
	};

	judged.decision = decide(context, item, &judged.verdict);
	return settle_alike(settle, context, item, &judged, err);
}

int tp_settle_expired(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, struct tp_error *err)
{
	char text[TP_REPLY_TEXT_BYTES];
	struct judged judged = {
		.verdict = { .cls = TP_CLASS_TEMPORARY,
			.scope = TP_SCOPE_MESSAGE,
			.rule = "expired" },
		.decision = TP_RETRY_FAIL,
		.step = TP_STEP_NONE,
		.text = text,
	};

	(void)snprintf(text, sizeof(text),
		"not delivered before its lifetime ended%s%s",
		item->reason ? "; last: " : "",
		item->reason ? item->reason : "");
	return settle_alike(settle, context, item, &judged, err);
}
