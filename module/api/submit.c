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

/* Durable on success. @return 0; 1: duplicate */
static int put(tillpost_handle *handle, const struct tp_queue_item *item,
	char *id_out, struct tp_error *err)
{
	int rc = tp_queue_put_sure(handle->queue, item, id_out, err);

	if (rc >= 0)
		tp_engine_wake(handle->engine);
	return rc;
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

static int make_intake(tillpost_handle *handle,
	const struct tillpost_message *message, struct tp_intake *intake_out,
	struct tp_error *err)
{
	struct tp_intake_context context = {
		.config = tp_handle_config(handle),
		.clock = &handle->clock,
	};
	int rc = tp_intake_make(&context, message, intake_out, err);

	tp_config_unref(&context.config);
	return rc;
}

/* Only the array of recipients belongs to ITEM. */
static int make_item(tillpost_handle *handle, const struct tp_intake *intake,
	const struct tillpost_message *message, struct tp_queue_item *item_out,
	struct tp_error *err)
{
	int64_t now_ms = tp_now_ms(&handle->clock);
	int rc = tp_intake_item(intake, message, now_ms, item_out, err);

	if (rc >= 0 && tp_queue_id(now_ms, item_out->queue_id) < 0)
		rc = tp_fail(err, TP_EIO, "queue id", "no random bytes");
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
	rc = make_intake(handle, message, &intake, err);
	if (rc < 0)
		return rc;
	rc = make_item(handle, &intake, message, &item, err);
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
		rc = handle->submit ? tp_submit_role_submit(
					      handle, &known, receipt, &detail)
				    : submit(handle, &known, receipt, &detail);
	}
	return tp_abi_error(err, rc, &detail);
}
