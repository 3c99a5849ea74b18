/*
 * queries.c - status, queue, outcomes
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"
#include "api/handle.h"
#include "api/relay_list.h"

#include "base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A daemon that hangs is not waited for with every message of many. */
#define KICK_PAUSE_MS 30000

/* ---- status ------------------------------------------------------------- */

/* A handle that does not deliver asks the daemon of its spool, whatever its own
 * engine believes. @return 1: the daemon answered */
static int ask_daemon(tillpost_handle *handle, struct tp_relay_list *list)
{
	struct tp_relay_list theirs = { .rows = NULL };
	struct tp_error err = TP_ERROR_INIT;
	int rc = tp_query_calls_relays(handle, &theirs, &err);
	const char *state = rc == TP_ECONNECT ? "stopped" : "unknown";
	const char *reason = rc >= 0 ? "not known to the daemon, which has "
				       "another configuration: reload it"
			     : rc == TP_ECONNECT ? "no daemon answers"
						 : err.text;
	size_t i;

	for (i = 0; i < list->count; i++) {
		struct tp_relay_row *row = &list->rows[i];
		const struct tp_relay_row *their =
			tp_relay_list_find(&theirs, row->relay);

		if (their)
			*row = *their;
		else
			tp_relay_row_set(row, state, reason, 0, 0);
	}
	tp_relay_list_clear(&theirs);
	return rc >= 0;
}

static int count_due(tillpost_handle *handle, struct tp_relay_list *list,
	struct tp_error *err)
{
	struct tp_queue_relay_due *due = NULL;
	int count = handle->queue->ops->due(
		handle->queue, tp_now_ms(&handle->clock), &due, err);
	size_t i;

	if (count < 0)
		return count;
	for (i = 0; i < list->count; i++)
		list->rows[i].waiting_count = 0;
	while (count-- > 0) {
		struct tp_relay_row *row =
			tp_relay_list_find(list, due[count].relay);

		if (row)
			row->waiting_count = due[count].due_count;
		tp_free(due[count].relay);
	}
	tp_free(due);
	return TP_OK;
}

static int fill_status(tillpost_handle *handle, struct tillpost_status *status,
	int delivering, struct tp_error *err)
{
	struct tp_engine_stats sent;
	struct tp_queue_stats stats;
	struct tillpost_status filled;
	int rc = handle->queue->ops->stats(handle->queue, &stats, err);

	if (rc < 0)
		return rc;
	tp_engine_stats(handle->engine, &sent);
	TILLPOST_INIT(&filled);
	filled.delivering = delivering;
	filled.queued_count = stats.queued;
	filled.active_count = stats.leased + stats.in_doubt;
	filled.held_count = stats.held;
	filled.oldest_ms = stats.oldest_created_ms;
	filled.body_bytes = stats.bytes;
	filled.sent_count = sent.sent;
	filled.deferred_count = sent.deferred;
	filled.failed_count = sent.failed;
	filled.unknown_count = sent.unknown;
	filled.connection_count = sent.connections;
	tp_handle_spool_status(handle, &filled);
	TP_ABI_WRITE(status, &filled);
	return TP_OK;
}

static int show_status(tillpost_handle *handle, struct tillpost_status *status,
	tillpost_relay_status_fn *relay, void *ctx, struct tp_error *err)
{
	struct tp_relay_list list = { .rows = NULL };
	int delivering = tp_engine_running(handle->engine);
	int rc = TP_OK;

	tp_relay_list_lanes(&list, handle->engine);
	if (!delivering)
		delivering = ask_daemon(handle, &list);
	if (list.failed)
		rc = tp_fail(err, TP_ENOMEM, "status", "out of memory");
	if (rc >= 0 && status)
		rc = fill_status(handle, status, delivering, err);
	if (rc >= 0 && relay)
		rc = count_due(handle, &list, err);
	if (rc >= 0 && relay)
		tp_relay_list_show(&list, relay, ctx);
	tp_relay_list_clear(&list);
	return rc;
}

int32_t tp_api_status(tillpost_handle *handle, struct tillpost_status *status,
	tillpost_relay_status_fn *relay, void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	int rc = tp_handle_usable(handle, &detail);

	if (rc >= 0 && handle->submit)
		return tp_query_calls_status(handle, status, relay, ctx, err);
	if (rc >= 0)
		rc = show_status(handle, status, relay, ctx, &detail);
	/* Who asks again and again, as a watchdog does, must not find well what
	 * does not work any more. */
	if (rc >= 0 && handle->intake)
		rc = tp_spool_intake_check(handle->intake, &detail);
	return tp_abi_error(err, rc, &detail);
}

/* ---- queue -------------------------------------------------------------- */

struct listing {
	tillpost_queue_fn *entry;
	void *ctx;
	const char *state; /* wanted; NULL: all */
	uint32_t limit;
	int32_t shown;
	int failed;
};

const char *tp_public_state(enum tp_queue_state state)
{
	switch (state) {
	case TP_QUEUE_LEASED:
		return "active";
	case TP_QUEUE_IN_DOUBT:
		return "in-doubt";
	default:
		return tp_queue_state_name(state);
	}
}

static int show_item(struct listing *listing, const struct tp_queue_item *item,
	const char **lists)
{
	const char **addresses = lists;
	const char **states = lists + item->rcpt_count;
	const char **texts = lists + 2 * item->rcpt_count;
	struct tillpost_queue_entry entry;
	size_t i;

	for (i = 0; i < item->rcpt_count; i++) {
		addresses[i] = item->rcpts[i].address;
		states[i] = tp_rcpt_state_name(item->rcpts[i].state);
		texts[i] = tp_abi_text(item->rcpts[i].text);
	}
	TILLPOST_INIT(&entry);
	entry.attempts = item->attempts;
	entry.queue_id = item->queue_id;
	entry.store = item->store;
	entry.relay = item->relay;
	entry.state = tp_public_state(item->state);
	entry.sender = item->sender;
	entry.message_id = item->message_id;
	entry.reason = tp_abi_text(item->reason);
	entry.created_ms = item->created_ms;
	entry.next_try_ms = item->next_try_ms;
	entry.expires_ms = item->expires_ms;
	entry.size_bytes = (int64_t)item->data_len;
	entry.recipients = addresses;
	entry.recipient_states = states;
	entry.recipient_texts = texts;
	entry.recipient_count = (uint32_t)item->rcpt_count;
	listing->shown++;
	return listing->entry(listing->ctx, &entry);
}

static int list_item(void *ctx, const struct tp_queue_item *item)
{
	struct listing *listing = ctx;
	const char **lists;
	int stop;

	if (listing->state &&
		strcmp(listing->state, tp_public_state(item->state)) != 0)
		return 0;
	lists = tp_calloc(3 * item->rcpt_count, sizeof(*lists));
	if (!lists) {
		listing->failed = 1;
		return 1;
	}
	stop = show_item(listing, item, lists);
	tp_free(lists);
	return stop || (listing->limit > 0 &&
			       (uint32_t)listing->shown >= listing->limit);
}

static int known_state(const char *state, struct tp_error *err)
{
	static const char *const names[] = { "queued", "active", "in-doubt",
		"held" };
	size_t i;

	if (!state)
		return TP_OK;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(state, names[i]) == 0)
			return TP_OK;
	return tp_fail(err, TP_EINVAL, "state",
		"\"%.40s\" is not a state: queued, active, in-doubt, held",
		state);
}

int32_t tp_api_queue_list(tillpost_handle *handle,
	const struct tillpost_queue_filter *filter, tillpost_queue_fn *entry,
	void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct tillpost_queue_filter known;
	struct tp_queue_filter inner = { .state = -1 };
	struct listing listing = { .entry = entry, .ctx = ctx };
	int rc = tp_handle_usable(handle, &detail);

	TP_ABI_READ(&known, filter);
	if (rc >= 0 && handle->submit)
		return tp_query_calls_queue_list(
			handle, filter, entry, ctx, err);
	if (rc >= 0 && !entry)
		rc = tp_fail(&detail, TP_EINVAL, "entry", "is NULL");
	if (rc >= 0)
		rc = known_state(known.state, &detail);
	if (rc < 0)
		return tp_abi_error(err, rc, &detail);
	listing.state = known.state;
	listing.limit = known.limit;
	inner.store = known.store;
	inner.queue_id = known.queue_id;
	rc = handle->queue->ops->list(
		handle->queue, &inner, list_item, &listing, &detail);
	if (rc >= 0 && listing.failed)
		rc = tp_fail(&detail, TP_ENOMEM, "list", "out of memory");
	return rc < 0 ? tp_abi_error(err, rc, &detail) : listing.shown;
}

/* ---- actions ------------------------------------------------------------ */

static int action_of(int32_t action, enum tp_queue_action *out)
{
	switch (action) {
	case TILLPOST_QUEUE_HOLD:
		*out = TP_QUEUE_HOLD;
		return TP_OK;
	case TILLPOST_QUEUE_RELEASE:
		*out = TP_QUEUE_RELEASE;
		return TP_OK;
	case TILLPOST_QUEUE_RETRY:
		*out = TP_QUEUE_RETRY;
		return TP_OK;
	case TILLPOST_QUEUE_CANCEL:
		*out = TP_QUEUE_CANCEL;
		return TP_OK;
	}
	return TP_EINVAL;
}

static int log_cancelled(void *ctx, const struct tp_outcome *outcome)
{
	const struct tp_outcome_sink *sink = ctx;

	sink->event(sink->ctx, outcome);
	return 0;
}

static int copy_relay(void *ctx, const struct tp_queue_item *item)
{
	char **relay = ctx;

	*relay = tp_strdup(item->relay);
	return 1;
}

/* The lane that pauses may be the daemon's. If there is none, or it cannot be
 * asked, nothing is lost: the message is due. */
static void kick(tillpost_handle *handle, const char *relay)
{
	struct tp_error unsaid = TP_ERROR_INIT;

	tp_engine_kick(handle->engine, relay);
	if (tp_engine_running(handle->engine) ||
		tp_deadline_left_ms(handle->kick_after_mono_ms) > 0)
		return;
	if (tp_query_calls_kick(handle, relay, &unsaid) == TP_ETIMEOUT)
		handle->kick_after_mono_ms = tp_deadline_ms(KICK_PAUSE_MS);
}

/* A person who lets a message go also means: stop waiting for its relay. */
static int kick_relay_of(
	tillpost_handle *handle, const char *queue_id, struct tp_error *err)
{
	struct tp_queue_filter this_one = {
		.queue_id = queue_id,
		.state = -1,
	};
	char *relay = NULL;
	int rc = handle->queue->ops->list(
		handle->queue, &this_one, copy_relay, &relay, err);

	if (relay)
		kick(handle, relay);
	tp_free(relay);
	return rc;
}

static int act(tillpost_handle *handle, enum tp_queue_action action,
	const char *queue_id, struct tp_error *err)
{
	struct tp_outcome_filter cancelled = {
		.queue_id = queue_id,
		.verdict = "cancelled",
	};
	int rc = handle->queue->ops->act(handle->queue, action, queue_id,
		tp_now_ms(&handle->clock), err);

	if (rc < 0)
		return rc;
	if (action == TP_QUEUE_CANCEL && handle->outcome_file)
		return handle->queue->ops->outcomes(handle->queue, &cancelled,
			log_cancelled, &handle->sink, err);
	tp_engine_wake(handle->engine);
	if (action != TP_QUEUE_RETRY && action != TP_QUEUE_RELEASE)
		return TP_OK;
	return kick_relay_of(handle, queue_id, err);
}

int32_t tp_api_queue_action(tillpost_handle *handle, int32_t action,
	const char *queue_id, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	enum tp_queue_action inner = TP_QUEUE_HOLD;
	int rc = tp_handle_embedded(handle, &detail);

	if (rc >= 0 && (!queue_id || !tp_queue_id_valid(queue_id)))
		rc = tp_fail(&detail, TP_EINVAL, "queue_id",
			"not a queue id: %d letters and digits as submit and "
			"the queue list show them",
			TP_QUEUE_ID_CHARS);
	if (rc >= 0) {
		rc = action_of(action, &inner);
		if (rc < 0)
			(void)tp_fail(&detail, rc, "action",
				"unknown action %d", (int)action);
	}
	if (rc >= 0)
		rc = act(handle, inner, queue_id, &detail);
	return tp_abi_error(err, rc, &detail);
}

/* ---- outcomes ----------------------------------------------------------- */

struct tp_outcome_filter tp_public_filter(
	const struct tillpost_outcome_filter *filter)
{
	return (struct tp_outcome_filter) {
		.store = filter->store,
		.relay = filter->relay,
		.queue_id = filter->queue_id,
		.message_id = filter->message_id,
		.recipient = filter->recipient,
		.verdict = filter->verdict,
		.since_ms = filter->since_ms,
		.until_ms = filter->until_ms,
		.after_event_id = filter->after_event_id,
		.limit = filter->limit,
	};
}

static void public_outcome(
	const struct tp_outcome *inner, struct tillpost_outcome *out)
{
	TILLPOST_INIT(out);
	out->attempt = inner->attempt;
	out->event_id = inner->event_id;
	out->time_ms = inner->time_ms;
	out->store = tp_abi_text(inner->store);
	out->relay = tp_abi_text(inner->relay);
	out->queue_id = tp_abi_text(inner->queue_id);
	out->message_id = tp_abi_text(inner->message_id);
	out->sender = tp_abi_text(inner->sender);
	out->recipient = tp_abi_text(inner->recipient);
	out->verdict = tp_abi_text(inner->verdict);
	out->cls = tp_class_name(inner->cls);
	out->step = tp_abi_text(inner->step);
	out->enhanced_code = tp_abi_text(inner->enhanced);
	out->text = tp_abi_text(inner->text);
	out->tls_version = tp_abi_text(inner->tls_version);
	out->tls_cipher = tp_abi_text(inner->tls_cipher);
	out->reply_code = inner->reply_code;
	out->last = inner->last;
	out->size_bytes = inner->size_bytes;
	out->queued_ms = inner->queued_ms;
	out->connect_us = inner->connect_us;
	out->tls_us = inner->tls_us;
	out->auth_us = inner->auth_us;
	out->send_us = inner->send_us;
	out->next_try_ms = inner->next_try_ms;
}

int tp_public_outcome_show(void *ctx, const struct tp_outcome *inner)
{
	struct tp_outcome_listing *listing = ctx;
	struct tillpost_outcome outcome;

	public_outcome(inner, &outcome);
	listing->shown++;
	listing->stopped = listing->outcome(listing->ctx, &outcome) != 0;
	return listing->stopped;
}

int32_t tp_api_outcomes(tillpost_handle *handle,
	const struct tillpost_outcome_filter *filter,
	tillpost_outcome_fn *outcome, void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct tillpost_outcome_filter known;
	struct tp_outcome_filter inner;
	struct tp_outcome_listing listing = { outcome, ctx, 0, 0 };
	int rc = tp_handle_usable(handle, &detail);

	TP_ABI_READ(&known, filter);
	if (rc >= 0 && handle->submit)
		return tp_query_calls_outcomes(
			handle, filter, outcome, ctx, err);
	if (rc >= 0 && !outcome)
		rc = tp_fail(&detail, TP_EINVAL, "outcome", "is NULL");
	if (rc < 0)
		return tp_abi_error(err, rc, &detail);
	inner = tp_public_filter(&known);
	rc = handle->queue->ops->outcomes(handle->queue, &inner,
		tp_public_outcome_show, &listing, &detail);
	return rc < 0 ? tp_abi_error(err, rc, &detail) : listing.shown;
}
