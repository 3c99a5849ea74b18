/*
 * intake.c - a message on its way in: route, check, normalise
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/handle.h"

#include "base/mem.h"

#include <string.h>

#define DEDUP_KEY_MAX_BYTES 255
/* Above every store's limit; guards the casts below. */
#define INPUT_MAX_BYTES (1024u * 1024u * 1024u)

static int check_input(const struct tp_intake_context *context,
	const struct tillpost_message *message, struct tp_error *err)
{
	if (!message->data || message->data_bytes == 0)
		return tp_fail(err, TP_EINVAL, "data", "no message was given");
	if (message->data_bytes > INPUT_MAX_BYTES)
		return tp_fail(err, TP_ETOOBIG, "data",
			"the message is over every limit");
	if (message->recipient_count > 0 && !message->recipients)
		return tp_fail(err, TP_EINVAL, "recipients",
			"recipient_count is set but recipients is NULL");
	if (message->dedup_key &&
		strlen(message->dedup_key) > DEDUP_KEY_MAX_BYTES)
		return tp_fail(err, TP_EINVAL, "dedup_key",
			"longer than %d bytes", DEDUP_KEY_MAX_BYTES);
	if (message->expires_ms > 0 &&
		message->expires_ms <= tp_now_ms(context->clock))
		return tp_fail(err, TP_EINVAL, "expires_ms",
			"the message expired before it was submitted");
	return TP_OK;
}

static int find_route(const struct tp_config *config,
	const struct tillpost_message *message, struct tp_route *route,
	struct tp_error *err)
{
	struct tp_message_hints found = { NULL, NULL };
	struct tp_route_hints hints;
	int rc;

	rc = tp_message_peek(message->data, (size_t)message->data_bytes,
		config->store_header, &found, err);
	if (rc < 0)
		return rc;
	hints = (struct tp_route_hints) {
		.store = message->store,
		.store_header = found.store_header,
		.from_address = found.from_addr,
		.run_code = message->run_code,
		.host = message->http_host,
	};
	rc = tp_route_find(config, &hints, route, err);
	tp_message_hints_free(&found);
	if (rc >= 0 && !route->store->relay)
		rc = tp_fail(err, TP_ECONFIG, route->store->name,
			"store \"%s\" has no relay: set "
			"stores.%s.relays",
			route->store->name, route->store->name);
	return rc;
}

/* The user is asked for only where it matters: a name costs a look-up. */
static int check_user(const struct tp_intake_context *context,
	const struct tp_store *store, struct tp_error *err)
{
	struct tp_user user = { 0, NULL };
	int rc;

	if (!context->user || store->users.count == 0)
		return TP_OK;
	rc = context->user(context->user_ctx, &user, err);
	if (rc < 0 || tp_store_admits(store, &user))
		return rc < 0 ? rc : TP_OK;
	if (context->nameless_waits && !user.name &&
		tp_store_admits_by_name(store))
		return tp_fail(err, TP_EBUSY, store->name,
			"the system knows no name for user %lu now, and "
			"stores.%s.users admits by name; a number there needs "
			"no look-up",
			(unsigned long)user.uid, store->name);
	return tp_fail(err, TP_EPERM, store->name,
		"user %.64s (%lu) may not submit as store \"%s\": whom it "
		"admits is set by stores.%s.users",
		user.name ? user.name : "without a name",
		(unsigned long)user.uid, store->name, store->name);
}

static int prepare(const struct tp_intake_context *context,
	const struct tillpost_message *message, struct tp_intake *intake,
	struct tp_error *err)
{
	const struct tp_config *config = context->config;
	const struct tp_store *store =
		context->config->partial ? tp_config_store(config, "default")
					 : intake->route.store;
	struct tp_message_input input = {
		.data = message->data,
		.len = (size_t)message->data_bytes,
		.sender = message->sender,
		.recipients = message->recipients,
		.recipient_count = message->recipient_count,
		.recipients_from_headers =
			(message->flags & TILLPOST_SUBMIT_HEADER_RECIPIENTS) !=
			0,
		.message_id = context->message_id,
	};
	struct tp_message_policy policy = {
		.store_header = config->store_header,
		.max_bytes = (size_t)store->message_max_bytes,
		.recipients_max = (size_t)store->recipients_max,
		.from_optional = context->config->partial,
	};

	if (!context->config->partial) {
		policy.from = store->from;
		policy.from_policy = store->from_policy;
		policy.envelope_from = store->envelope_from;
		policy.bcc_archive = store->bcc_archive;
	}
	return tp_message_prepare(
		&input, &policy, context->clock, &intake->message, err);
}

int tp_intake_make(const struct tp_intake_context *context,
	const struct tillpost_message *message, struct tp_intake *intake_out,
	struct tp_error *err)
{
	int rc = check_input(context, message, err);

	memset(intake_out, 0, sizeof(*intake_out));
	if (rc < 0)
		return rc;
	intake_out->config = tp_config_ref(context->config);
	if (!context->config->partial) {
		rc = find_route(
			context->config, message, &intake_out->route, err);
		if (rc >= 0)
			rc = check_user(context, intake_out->route.store, err);
	}
	if (rc >= 0)
		rc = prepare(context, message, intake_out, err);
	if (rc < 0)
		tp_intake_free(intake_out);
	return rc;
}

void tp_intake_free(struct tp_intake *intake)
{
	tp_message_free(&intake->message);
	tp_config_unref(&intake->config);
	memset(intake, 0, sizeof(*intake));
}

int tp_intake_item(const struct tp_intake *intake,
	const struct tillpost_message *message, int64_t accepted_ms,
	struct tp_queue_item *item_out, struct tp_error *err)
{
	const struct tp_store *store = intake->route.store;
	const struct tp_message *ready = &intake->message;
	size_t i;

	*item_out = (struct tp_queue_item) {
		.store = store->name,
		.relay = store->relay->name,
		.sender = ready->sender,
		.message_id = ready->message_id,
		.dedup_key = (char *)(uintptr_t)message->dedup_key,
		.rcpt_count = ready->recipients.count,
		.data = ready->data,
		.data_len = ready->len,
		.eight_bit = ready->eight_bit,
		.smtputf8 = ready->smtputf8,
		.bounce = store->bounce,
		.created_ms = accepted_ms,
		.expires_ms = accepted_ms + store->lifetime_ms,
		.next_try_ms = accepted_ms,
		.state = TP_QUEUE_QUEUED,
	};
	if (message->expires_ms > 0 &&
		message->expires_ms < item_out->expires_ms)
		item_out->expires_ms = message->expires_ms;
	item_out->rcpts =
		tp_calloc(item_out->rcpt_count, sizeof(*item_out->rcpts));
	if (!item_out->rcpts)
		return tp_fail(err, TP_ENOMEM, "submit", "out of memory");
	for (i = 0; i < item_out->rcpt_count; i++)
		item_out->rcpts[i].address = ready->recipients.items[i].addr;
	return TP_OK;
}
