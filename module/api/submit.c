/*
 * submit.c - accepting a message
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"
#include "api/handle.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_WAIT_MS 30000
#define PUT_ATTEMPTS_MAX_COUNT 3
#define DEDUP_KEY_MAX_BYTES 255
/* Above every store's limit; guards the casts below. */
#define INPUT_MAX_BYTES (1024u * 1024u * 1024u)

/* ---- intake: route, then check and normalise ---------------------------- */

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

static int prepare(const struct tp_config *config,
	const struct tillpost_message *message, struct tp_intake *intake,
	struct tp_error *err)
{
	const struct tp_store *store = intake->route.store;
	struct tp_message_input input = {
		.data = message->data,
		.len = (size_t)message->data_bytes,
		.sender = message->sender,
		.recipients = message->recipients,
		.recipient_count = message->recipient_count,
		.recipients_from_headers =
			(message->flags & TILLPOST_SUBMIT_HEADER_RECIPIENTS) !=
			0,
	};
	struct tp_message_policy policy = {
		.from = store->from,
		.from_policy = store->from_policy,
		.envelope_from = store->envelope_from,
		.bcc_archive = store->bcc_archive,
		.store_header = config->store_header,
		.max_bytes = (size_t)store->message_max_bytes,
		.recipients_max = (size_t)store->recipients_max,
	};

	return tp_message_prepare(&input, &policy, NULL, &intake->message, err);
}

static int check_input(
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
	return TP_OK;
}

int tp_intake_make(tillpost_handle *handle,
	const struct tillpost_message *message, struct tp_intake *intake_out,
	struct tp_error *err)
{
	int rc = check_input(message, err);

	memset(intake_out, 0, sizeof(*intake_out));
	if (rc < 0)
		return rc;
	intake_out->config = tp_handle_config(handle);
	rc = find_route(intake_out->config, message, &intake_out->route, err);
	if (rc >= 0)
		rc = prepare(intake_out->config, message, intake_out, err);
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

/* ---- storing ------------------------------------------------------------ */

/* Everything in ITEM but its array of recipients is borrowed. */
static int fill_item(tillpost_handle *handle, struct tp_intake *intake,
	const struct tillpost_message *message, struct tp_queue_item *item,
	struct tp_error *err)
{
	const struct tp_store *store = intake->route.store;
	struct tp_message *ready = &intake->message;
	int64_t now_ms = tp_now_ms(&handle->clock);
	size_t i;

	*item = (struct tp_queue_item) {
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
		.created_ms = now_ms,
		.expires_ms = now_ms + store->lifetime_ms,
		.next_try_ms = now_ms,
		.state = TP_QUEUE_QUEUED,
	};
	if (message->expires_ms > 0 && message->expires_ms < item->expires_ms)
		item->expires_ms = message->expires_ms;
	if (item->expires_ms <= now_ms)
		return tp_fail(err, TP_EINVAL, "expires_ms",
			"the message expired before it was submitted");
	if (tp_queue_id(now_ms, item->queue_id) < 0)
		return tp_fail(err, TP_EIO, "queue id", "no random bytes");
	item->rcpts = tp_calloc(item->rcpt_count, sizeof(*item->rcpts));
	if (!item->rcpts)
		return tp_fail(err, TP_ENOMEM, "submit", "out of memory");
	for (i = 0; i < item->rcpt_count; i++)
		item->rcpts[i].address = ready->recipients.items[i].addr;
	return TP_OK;
}

static int32_t verdict_of(const struct tp_attempt *attempt)
{
	if (!attempt->known)
		return TILLPOST_VERDICT_QUEUED;
	if (attempt->worst == TP_CLASS_SENT)
		return TILLPOST_VERDICT_SENT;
	if (attempt->some_sent)
		return TILLPOST_VERDICT_PARTLY;
	if (attempt->worst_state == TP_RCPT_FAILED)
		return TILLPOST_VERDICT_FAILED;
	if (attempt->worst == TP_CLASS_UNKNOWN)
		return TILLPOST_VERDICT_UNKNOWN;
	if (attempt->held)
		return TILLPOST_VERDICT_HELD;
	return TILLPOST_VERDICT_DEFERRED;
}

static void fill_receipt(struct tillpost_receipt *receipt,
	const struct tp_intake *intake, const char *queue_id, int duplicate,
	const struct tp_attempt *attempt)
{
	struct tillpost_receipt filled;

	TILLPOST_INIT(&filled);
	filled.verdict = verdict_of(attempt);
	filled.duplicate = duplicate;
	filled.reply_code = attempt->reply_code;
	(void)snprintf(
		filled.queue_id, sizeof(filled.queue_id), "%s", queue_id);
	/* A duplicate's own Message-ID is never used. */
	if (!duplicate)
		(void)snprintf(filled.message_id, sizeof(filled.message_id),
			"%s", intake->message.message_id);
	(void)snprintf(filled.store, sizeof(filled.store), "%s",
		intake->route.store->name);
	(void)snprintf(filled.text, sizeof(filled.text), "%s", attempt->text);
	TP_ABI_WRITE(receipt, &filled);
}

/* Durable on success. A commit of which nobody knows whether it took place
 * may be repeated: the queue knows the item by its id.
 * @return 0; 1: duplicate */
static int put(tillpost_handle *handle, const struct tp_queue_item *item,
	char *id_out, struct tp_error *err)
{
	int rc = TP_EUNCERTAIN;
	int i;

	for (i = 0; i < PUT_ATTEMPTS_MAX_COUNT && rc == TP_EUNCERTAIN; i++) {
		tp_error_clear(err);
		rc = handle->queue->ops->put(handle->queue, item, id_out, err);
	}
	if (rc < 0)
		return rc;
	tp_engine_wake(handle->engine);
	return strcmp(id_out, item->queue_id) != 0;
}

static int put_and_wait(tillpost_handle *handle,
	const struct tp_queue_item *item, uint32_t wait_ms, char *id_out,
	struct tp_attempt *attempt, struct tp_error *err)
{
	struct tp_waiter *waiter =
		tp_engine_expect(handle->engine, item->queue_id, item->relay);
	int rc;

	if (!waiter)
		return tp_fail(err, TP_ENOMEM, "submit", "out of memory");
	rc = put(handle, item, id_out, err);
	if (rc == 0)
		tp_engine_wait(handle->engine, waiter,
			tp_deadline_ms(wait_ms ? wait_ms : DEFAULT_WAIT_MS),
			attempt);
	tp_engine_forget(handle->engine, &waiter);
	return rc;
}

static int submit(tillpost_handle *handle,
	const struct tillpost_message *message,
	struct tillpost_receipt *receipt, struct tp_error *err)
{
	int wait = (message->flags & TILLPOST_SUBMIT_DELIVER_NOW) != 0;
	struct tp_attempt attempt = { 0 };
	struct tp_queue_item item = { 0 };
	struct tp_intake intake;
	char id[TP_QUEUE_ID_BYTES];
	int rc;

	if (wait && !tp_engine_running(handle->engine))
		return tp_fail(err, TP_ESTATE, "flags",
			"DELIVER_NOW needs a handle that delivers: open it "
			"without TILLPOST_OPEN_PASSIVE");
	rc = tp_intake_make(handle, message, &intake, err);
	if (rc < 0)
		return rc;
	rc = fill_item(handle, &intake, message, &item, err);
	if (rc >= 0)
		rc = wait ? put_and_wait(handle, &item, message->wait_ms, id,
				    &attempt, err)
			  : put(handle, &item, id, err);
	if (rc >= 0) {
		fill_receipt(receipt, &intake, id, rc, &attempt);
		rc = TP_OK;
	}
	tp_free(item.rcpts);
	tp_intake_free(&intake);
	return rc;
}

int32_t tp_api_submit(tillpost_handle *handle,
	const struct tillpost_message *message,
	struct tillpost_receipt *receipt, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct tillpost_message known;
	int rc = tp_handle_usable(handle, &detail);

	if (rc >= 0 && !message)
		rc = tp_fail(&detail, TP_EINVAL, "message", "is NULL");
	if (rc >= 0) {
		TP_ABI_READ(&known, message);
		rc = submit(handle, &known, receipt, &detail);
	}
	return tp_abi_error(err, rc, &detail);
}
