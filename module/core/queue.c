/*
 * queue.c - what every queue has in common
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/queue.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const state_names[] = {
	[TP_QUEUE_QUEUED] = "queued",
	[TP_QUEUE_LEASED] = "leased",
	[TP_QUEUE_IN_DOUBT] = "in-doubt",
	[TP_QUEUE_HELD] = "held",
	[TP_QUEUE_DONE] = "done",
};

static const char *const rcpt_state_names[] = {
	[TP_RCPT_OPEN] = "open",
	[TP_RCPT_SENT] = "sent",
	[TP_RCPT_FAILED] = "failed",
	[TP_RCPT_CANCELLED] = "cancelled",
};

/* Which states an action may start from. */
struct act_rule {
	const char *name;
	unsigned from; /* bit per enum tp_queue_state */
};

#define FROM(state) (1U << (state))

static const struct act_rule act_rules[] = {
	[TP_QUEUE_HOLD] = { "hold", FROM(TP_QUEUE_QUEUED) },
	[TP_QUEUE_RELEASE] = { "release", FROM(TP_QUEUE_HELD) },
	[TP_QUEUE_RETRY] = { "retry",
		FROM(TP_QUEUE_QUEUED) | FROM(TP_QUEUE_HELD) },
	[TP_QUEUE_CANCEL] = { "cancel",
		FROM(TP_QUEUE_QUEUED) | FROM(TP_QUEUE_HELD) },
};

const char *tp_queue_state_name(enum tp_queue_state state)
{
	return (size_t)state < COUNT(state_names) ? state_names[state]
						  : "unknown";
}

const char *tp_rcpt_state_name(enum tp_rcpt_state state)
{
	return (size_t)state < COUNT(rcpt_state_names) ? rcpt_state_names[state]
						       : "unknown";
}

void tp_queue_item_free(struct tp_queue_item *item)
{
	size_t i;

	if (!item)
		return;
	for (i = 0; item->rcpts && i < item->rcpt_count; i++) {
		tp_free(item->rcpts[i].address);
		tp_free(item->rcpts[i].text);
	}
	tp_free(item->rcpts);
	tp_free(item->store);
	tp_free(item->relay);
	tp_free(item->sender);
	tp_free(item->message_id);
	tp_free(item->dedup_key);
	tp_free(item->data);
	tp_free(item->reason);
	memset(item, 0, sizeof(*item));
}

void tp_queue_items_free(struct tp_queue_item *items, size_t count)
{
	size_t i;

	if (!items)
		return;
	for (i = 0; i < count; i++)
		tp_queue_item_free(&items[i]);
	tp_free(items);
}

/* strdup that tells "there was nothing" from "there was no memory". */
static int copy_text(char **to, const char *from)
{
	*to = tp_strdup(from);
	return from && !*to ? TP_ENOMEM : TP_OK;
}

static int copy_rcpts(
	struct tp_queue_item *to, const struct tp_queue_item *from)
{
	size_t i;

	to->rcpts = tp_calloc(from->rcpt_count, sizeof(*to->rcpts));
	if (!to->rcpts)
		return TP_ENOMEM;
	to->rcpt_count = from->rcpt_count;
	for (i = 0; i < from->rcpt_count; i++) {
		struct tp_queue_rcpt *rcpt = &to->rcpts[i];

		*rcpt = from->rcpts[i];
		rcpt->address = NULL;
		rcpt->text = NULL;
		if (copy_text(&rcpt->address, from->rcpts[i].address) < 0 ||
			copy_text(&rcpt->text, from->rcpts[i].text) < 0)
			return TP_ENOMEM;
	}
	return TP_OK;
}

int tp_queue_item_copy(
	struct tp_queue_item *to, const struct tp_queue_item *from)
{
	*to = *from;
	to->store = to->relay = to->sender = to->message_id = NULL;
	to->dedup_key = to->data = to->reason = NULL;
	to->rcpts = NULL;
	to->rcpt_count = 0;
	if (copy_text(&to->store, from->store) < 0 ||
		copy_text(&to->relay, from->relay) < 0 ||
		copy_text(&to->sender, from->sender) < 0 ||
		copy_text(&to->message_id, from->message_id) < 0 ||
		copy_text(&to->dedup_key, from->dedup_key) < 0 ||
		copy_text(&to->reason, from->reason) < 0 ||
		copy_rcpts(to, from) < 0) {
		tp_queue_item_free(to);
		return TP_ENOMEM;
	}
	return TP_OK;
}

int tp_queue_item_check(const struct tp_queue_item *item, struct tp_error *err)
{
	size_t open_count = 0;
	size_t i;

	if (item->queue_id[0] == '\0' ||
		!memchr(item->queue_id, '\0', sizeof(item->queue_id)))
		return tp_fail(err, TP_EINVAL, "queue", "bad queue id");
	if (!item->store || !item->relay || !item->sender || !item->message_id)
		return tp_fail(err, TP_EINVAL, item->queue_id,
			"store, relay, sender or Message-ID is missing");
	if (!item->data && item->data_len > 0)
		return tp_fail(
			err, TP_EINVAL, item->queue_id, "message without data");
	if (item->state != TP_QUEUE_QUEUED && item->state != TP_QUEUE_HELD)
		return tp_fail(err, TP_EINVAL, item->queue_id,
			"a new message is queued or held, not %s",
			tp_queue_state_name(item->state));
	for (i = 0; i < item->rcpt_count; i++) {
		if (!item->rcpts[i].address)
			return tp_fail(err, TP_EINVAL, item->queue_id,
				"recipient without address");
		open_count += item->rcpts[i].state == TP_RCPT_OPEN;
	}
	if (open_count == 0)
		return tp_fail(err, TP_EINVAL, item->queue_id,
			"message without an open recipient");
	return TP_OK;
}

int tp_queue_put_repeated(
	int rc, const struct tp_queue_item *item, const char *id)
{
	if (rc < 0)
		return TP_EUNCERTAIN;
	return rc == 1 && strcmp(id, item->queue_id) == 0 ? TP_OK : rc;
}

int tp_queue_put_sure(struct tp_queue *queue, const struct tp_queue_item *item,
	char id_out[TP_QUEUE_ID_BYTES], struct tp_error *err)
{
	struct tp_error first = TP_ERROR_INIT;
	int rc = queue->ops->put(queue, item, id_out, &first);
	int i;

	for (i = 1; i < TP_QUEUE_PUT_TRIES_MAX_COUNT; i++) {
		struct tp_error ignored = TP_ERROR_INIT;

		if (rc != TP_EUNCERTAIN)
			break;
		rc = queue->ops->put(queue, item, id_out, &ignored);
		rc = tp_queue_put_repeated(rc, item, id_out);
	}
	if (rc < 0 && err && err->code == TP_OK)
		*err = first;
	return rc;
}

int tp_queue_settlement_check(
	const struct tp_settlement *settlement, struct tp_error *err)
{
	if (!settlement->queue_id)
		return tp_fail(err, TP_EINVAL, "queue", "no queue id");
	if (settlement->state != TP_QUEUE_QUEUED &&
		settlement->state != TP_QUEUE_HELD &&
		settlement->state != TP_QUEUE_DONE)
		return tp_fail(err, TP_EINVAL, settlement->queue_id,
			"an attempt cannot end as %s",
			tp_queue_state_name(settlement->state));
	if (settlement->begin_next && !settlement->begin_relay)
		return tp_fail(err, TP_EINVAL, settlement->begin_next,
			"no relay to begin it for");
	if (settlement->bounce)
		return tp_queue_item_check(settlement->bounce, err);
	return TP_OK;
}

int tp_queue_act_check(enum tp_queue_action action, enum tp_queue_state state,
	const char *queue_id, struct tp_error *err)
{
	const struct act_rule *rule;

	if ((size_t)action >= COUNT(act_rules))
		return tp_fail(err, TP_EINVAL, queue_id, "unknown action");
	rule = &act_rules[action];
	if (rule->from & FROM(state))
		return TP_OK;
	if (state == TP_QUEUE_LEASED || state == TP_QUEUE_IN_DOUBT)
		return tp_fail(err, TP_ESTATE, queue_id,
			"cannot %s: a delivery is under way; try again soon",
			rule->name);
	return tp_fail(err, TP_ESTATE, queue_id, "cannot %s: the message is %s",
		rule->name, tp_queue_state_name(state));
}

struct tp_outcome tp_queue_cancelled(
	const struct tp_queue_item *item, size_t rcpt, int64_t now_ms)
{
	struct tp_outcome outcome = {
		.time_ms = now_ms,
		.store = item->store,
		.relay = item->relay,
		.queue_id = item->queue_id,
		.message_id = item->message_id,
		.sender = item->sender,
		.recipient = item->rcpts[rcpt].address,
		.cls = TP_CLASS_PERMANENT,
		.verdict = "cancelled",
		.text = "cancelled by request",
		.size_bytes = (int64_t)item->data_len,
		.queued_ms = now_ms - item->created_ms,
		.last = 1,
	};

	return outcome;
}

/* Where the strings of an outcome are, so that they can be walked. */
static const size_t string_offsets[] = {
	offsetof(struct tp_outcome, store),
	offsetof(struct tp_outcome, relay),
	offsetof(struct tp_outcome, queue_id),
	offsetof(struct tp_outcome, message_id),
	offsetof(struct tp_outcome, sender),
	offsetof(struct tp_outcome, recipient),
	offsetof(struct tp_outcome, verdict),
	offsetof(struct tp_outcome, step),
	offsetof(struct tp_outcome, enhanced),
	offsetof(struct tp_outcome, text),
	offsetof(struct tp_outcome, tls_version),
	offsetof(struct tp_outcome, tls_cipher),
};

static const char *string_at(const struct tp_outcome *outcome, size_t i)
{
	const char *str;

	memcpy(&str, (const char *)outcome + string_offsets[i], sizeof(str));
	return str ? str : "";
}

size_t tp_queue_outcome_bytes(const struct tp_outcome *outcome)
{
	size_t bytes = 0;
	size_t i;

	for (i = 0; i < COUNT(string_offsets); i++)
		bytes += strlen(string_at(outcome, i));
	return bytes;
}

struct tp_outcome *tp_queue_outcome_copy(const struct tp_outcome *outcome)
{
	size_t bytes = tp_queue_outcome_bytes(outcome) + COUNT(string_offsets);
	struct tp_outcome *copy = tp_alloc(sizeof(*copy) + bytes);
	char *at;
	size_t i;

	if (!copy)
		return NULL;
	*copy = *outcome;
	at = (char *)(copy + 1);
	for (i = 0; i < COUNT(string_offsets); i++) {
		const char *str = string_at(outcome, i);
		size_t len = strlen(str) + 1;

		memcpy(at, str, len);
		memcpy((char *)copy + string_offsets[i], &at, sizeof(at));
		at += len;
	}
	return copy;
}

void tp_queue_items_show(const struct tp_queue_item *items, size_t count,
	tp_queue_item_fn *cb, void *ctx)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (cb(ctx, &items[i]) != 0)
			return;
}
