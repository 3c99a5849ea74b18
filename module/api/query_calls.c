/*
 * query_calls.c - status, queue and outcomes in the role submit; and a kick
 *
 * JOB     Asks the process that takes the spool in (query_answer.c), and gives
 *         what it says the form of the interface. Keeps nothing.
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"
#include "api/handle.h"
#include "api/relay_list.h"

#include "adapters/query.h"
#include "adapters/spool.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static int ask(tillpost_handle *handle, const struct tp_query_request *request,
	const struct tp_query_sink *sink, struct tp_error *err)
{
	char *spool = tp_handle_spool(handle);
	int rc;

	if (!spool)
		return tp_fail(err, TP_ENOMEM, "spool", "out of memory");
	rc = tp_query_ask(spool, request, sink, err);
	tp_free(spool);
	return rc;
}

/* ---- queue_list --------------------------------------------------------- */

struct message_listing {
	const struct tillpost_queue_filter *filter;
	tillpost_queue_fn *entry;
	void *ctx;
	int32_t shown;
};

static int show_message(void *ctx, const struct tp_query_message *message)
{
	struct message_listing *listing = ctx;
	const struct tillpost_queue_filter *filter = listing->filter;
	struct tillpost_queue_entry entry;

	if ((filter->state && strcmp(filter->state, message->state) != 0) ||
		(filter->store && strcmp(filter->store, message->store) != 0))
		return 1;
	TILLPOST_INIT(&entry);
	entry.attempts = message->attempts;
	entry.queue_id = message->queue_id;
	entry.store = tp_abi_text(message->store);
	entry.relay = "";
	entry.state = message->state;
	entry.sender = "";
	entry.message_id = "";
	entry.reason = tp_abi_text(message->reason);
	entry.created_ms = message->created_ms;
	entry.next_try_ms = message->next_try_ms;
	entry.expires_ms = message->expires_ms;
	entry.size_bytes = message->size_bytes;
	listing->shown++;
	(void)listing->entry(listing->ctx, &entry);
	return 1;
}

/* Whose store it is will be known when it is taken in. */
static void show_spooled(struct message_listing *listing, const char *queue_id)
{
	const struct tp_query_message message = {
		.queue_id = queue_id,
		.store = listing->filter->store,
		.state = "spooled",
		.created_ms = tp_queue_id_ms(queue_id),
	};

	(void)show_message(listing, &message);
}

static int waits_in_spool(tillpost_handle *handle, const char *queue_id)
{
	char *spool = tp_handle_spool(handle);
	/* If it cannot be seen, whoever takes it in may still know. */
	struct tp_error unseen = TP_ERROR_INIT;
	int rc = spool ? tp_spool_waits(spool, queue_id, &unseen) : TP_ENOMEM;

	tp_free(spool);
	return rc > 0;
}

static int list_one(tillpost_handle *handle, struct message_listing *listing,
	struct tp_error *err)
{
	const char *queue_id = listing->filter->queue_id;
	const struct tp_query_request request = {
		.op = TP_QUERY_MESSAGE,
		.filter.queue_id = queue_id,
	};
	const struct tp_query_sink sink = {
		.ctx = listing,
		.message = show_message,
	};

	if (!queue_id)
		return tp_fail(err, TP_EPERM, "queue_id",
			"is needed: a process that only submits may ask for "
			"one message, and not for a list");
	if (!tp_queue_id_valid(queue_id))
		return tp_fail(err, TP_EINVAL, "queue_id",
			"not a queue id: %d letters and digits as submit "
			"gives them",
			TP_QUEUE_ID_CHARS);
	if (waits_in_spool(handle, queue_id)) {
		show_spooled(listing, queue_id);
		return TP_OK;
	}
	return ask(handle, &request, &sink, err);
}

int32_t tp_query_calls_queue_list(tillpost_handle *handle,
	const struct tillpost_queue_filter *filter, tillpost_queue_fn *entry,
	void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct tillpost_queue_filter known;
	struct message_listing listing = { &known, entry, ctx, 0 };
	int rc;

	TP_ABI_READ(&known, filter);
	if (entry)
		rc = list_one(handle, &listing, &detail);
	else
		rc = tp_fail(&detail, TP_EINVAL, "entry", "is NULL");
	return rc < 0 ? tp_abi_error(err, rc, &detail) : listing.shown;
}

/* ---- outcomes ----------------------------------------------------------- */

static int ask_outcomes(tillpost_handle *handle,
	const struct tillpost_outcome_filter *filter,
	struct tp_outcome_listing *listing, struct tp_error *err)
{
	int all = filter->limit == 0 || filter->limit > TP_QUERY_ROWS_MAX_COUNT;
	struct tp_query_request request = {
		.op = TP_QUERY_OUTCOMES,
		.filter = tp_public_filter(filter),
	};
	const struct tp_query_sink sink = {
		.ctx = listing,
		.outcome = tp_public_outcome_show,
	};
	int rc;

	if (all)
		request.filter.limit = TP_QUERY_ROWS_MAX_COUNT;
	rc = ask(handle, &request, &sink, err);
	if (rc == TP_QUERY_ROWS_MAX_COUNT && all && !listing->stopped)
		return tp_fail(err, TP_ETOOBIG, "limit",
			"only the newest %d outcomes can be asked for: give a "
			"limit or a time",
			TP_QUERY_ROWS_MAX_COUNT);
	return rc;
}

int32_t tp_query_calls_outcomes(tillpost_handle *handle,
	const struct tillpost_outcome_filter *filter,
	tillpost_outcome_fn *outcome, void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct tillpost_outcome_filter known;
	struct tp_outcome_listing listing = { outcome, ctx, 0, 0 };
	int rc;

	TP_ABI_READ(&known, filter);
	if (outcome)
		rc = ask_outcomes(handle, &known, &listing, &detail);
	else
		rc = tp_fail(&detail, TP_EINVAL, "outcome", "is NULL");
	return rc < 0 ? tp_abi_error(err, rc, &detail) : listing.shown;
}

/* ---- status ------------------------------------------------------------- */

/* One row for each relay, whichever and however many stores it serves. */
struct status_sum {
	struct tillpost_status status;
	struct tp_relay_list relays;
};

static int add_row(void *ctx, const struct tp_query_relay *row)
{
	struct status_sum *sum = ctx;
	struct tillpost_status *status = &sum->status;
	struct tp_relay_row *relay = tp_relay_list_of(&sum->relays, row->relay);

	if (!relay)
		return 1;
	relay->waiting_count += row->waiting_count;
	status->connection_count += row->connections - relay->connections;
	tp_relay_row_set(relay, row->state, row->reason, row->retry_ms,
		row->connections);
	status->queued_count += row->queued_count;
	status->active_count += row->active_count;
	status->held_count += row->held_count;
	status->body_bytes += row->body_bytes;
	if (row->oldest_ms &&
		(!status->oldest_ms || row->oldest_ms < status->oldest_ms))
		status->oldest_ms = row->oldest_ms;
	return 0;
}

/* Whatever it returns, the relays are to be cleared. */
static int ask_status(
	tillpost_handle *handle, struct status_sum *sum, struct tp_error *err)
{
	const struct tp_query_request request = { .op = TP_QUERY_STATUS };
	const struct tp_query_sink sink = { .ctx = sum, .relay = add_row };
	int rc;

	sum->relays = (struct tp_relay_list) { .rows = NULL };
	TILLPOST_INIT(&sum->status);
	rc = ask(handle, &request, &sink, err);
	if (rc >= 0 && sum->relays.failed)
		return tp_fail(err, TP_ENOMEM, "status", "out of memory");
	return rc;
}

int tp_query_calls_relays(tillpost_handle *handle, struct tp_relay_list *list,
	struct tp_error *err)
{
	struct status_sum sum;
	int rc = ask_status(handle, &sum, err);

	if (rc < 0)
		tp_relay_list_clear(&sum.relays);
	*list = sum.relays;
	return rc < 0 ? rc : TP_OK;
}

int32_t tp_query_calls_status(tillpost_handle *handle,
	struct tillpost_status *status, tillpost_relay_status_fn *relay,
	void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct status_sum sum;
	int rc = ask_status(handle, &sum, &detail);

	if (rc >= 0 && status) {
		sum.status.delivering = 1;
		tp_handle_spool_status(handle, &sum.status);
		TP_ABI_WRITE(status, &sum.status);
	}
	if (rc >= 0 && relay)
		tp_relay_list_show(&sum.relays, relay, ctx);
	tp_relay_list_clear(&sum.relays);
	return rc < 0 ? tp_abi_error(err, rc, &detail) : TP_OK;
}

/* ---- kick --------------------------------------------------------------- */

int tp_query_calls_kick(
	tillpost_handle *handle, const char *relay, struct tp_error *err)
{
	const struct tp_query_request request = {
		.op = TP_QUERY_KICK,
		.filter.relay = relay,
	};
	const struct tp_query_sink none = { .ctx = NULL };

	return ask(handle, &request, &none, err);
}
