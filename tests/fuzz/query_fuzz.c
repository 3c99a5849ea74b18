/*
 * query_fuzz.c - any bytes as a line of the query socket
 *
 * JOB     The first byte says what the rest is: "?" a request, "m", "o",
 *         "s", "k" a line of an answer to message, outcomes, status, kick. What
 * is taken must keep its bounds, and be taken again after it was written; a
 * refusal must say why. SPDX-License-Identifier: MIT
 */
#include "adapters/query_wire.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int good)
{
	if (!good)
		abort();
}

static void need_reason(int rc, const struct tp_error *err)
{
	need(rc <= TP_ENOMEM && rc >= TP_EUNCERTAIN && err->code == rc);
	need(memchr(err->text, '\0', sizeof(err->text)) != NULL);
	need(memchr(err->where, '\0', sizeof(err->where)) != NULL);
}

/* ---- requests ----------------------------------------------------------- */

static void need_same(
	const struct tp_query_request *a, const struct tp_query_request *b)
{
	need(a->op == b->op && a->filter.limit == b->filter.limit);
	need(tp_streq(a->filter.store, b->filter.store) &&
		tp_streq(a->filter.relay, b->filter.relay));
	need(tp_streq(a->filter.queue_id, b->filter.queue_id));
	need(tp_streq(a->filter.message_id, b->filter.message_id));
	need(tp_streq(a->filter.recipient, b->filter.recipient));
	need(tp_streq(a->filter.verdict, b->filter.verdict));
	need(a->filter.since_ms == b->filter.since_ms &&
		a->filter.until_ms == b->filter.until_ms);
	need(a->filter.after_event_id == b->filter.after_event_id);
}

static void try_request(const char *line, size_t len)
{
	struct tp_buf again = TP_BUF_INIT(2 * TP_QUERY_REQUEST_MAX_BYTES);
	struct tp_error err = TP_ERROR_INIT;
	struct tp_query_asked asked;
	struct tp_query_asked same;
	int rc = tp_query_wire_asked(line, len, &asked, &err);

	if (rc < 0) {
		need(rc == TP_EINVAL && err.text[0]);
		need_reason(rc, &err);
		return;
	}
	need(asked.request.filter.limit >= 1 &&
		asked.request.filter.limit <= TP_QUERY_ROWS_MAX_COUNT);
	need(!asked.request.filter.queue_id ||
		tp_queue_id_valid(asked.request.filter.queue_id));
	need(asked.request.filter.queue_id ||
		asked.request.op != TP_QUERY_MESSAGE);
	need(asked.request.op != TP_QUERY_KICK ||
		(!asked.request.filter.store &&
			!asked.request.filter.queue_id));
	/* It may grow: what came as it was is escaped now. */
	rc = tp_query_wire_request(&asked.request, &again, &err);
	need(rc == TP_OK || rc == TP_EINVAL);
	if (rc == TP_OK) {
		need(again.len <= TP_QUERY_REQUEST_MAX_BYTES);
		need(tp_query_wire_asked(
			     again.data, again.len - 1, &same, &err) == TP_OK);
		need_same(&asked.request, &same.request);
		tp_query_asked_free(&same);
	}
	tp_query_asked_free(&asked);
	tp_buf_free(&again);
}

/* ---- answers ------------------------------------------------------------ */

struct shown {
	struct tp_buf again; /* the row, written anew */
	int rows;
};

static int show_message(void *ctx, const struct tp_query_message *message)
{
	struct shown *shown = ctx;

	need(message->queue_id && message->store && message->state &&
		message->reason);
	need(tp_query_wire_message(message, &shown->again) == TP_OK);
	shown->rows++;
	return 1;
}

static int show_relay(void *ctx, const struct tp_query_relay *relay)
{
	struct shown *shown = ctx;

	need(relay->store && relay->relay && relay->state && relay->reason);
	need(tp_query_wire_relay(relay, &shown->again) == TP_OK);
	shown->rows++;
	return 1;
}

static int show_outcome(void *ctx, const struct tp_outcome *outcome)
{
	struct shown *shown = ctx;

	need(outcome->store && outcome->relay && outcome->queue_id);
	need(outcome->message_id && outcome->sender && outcome->recipient);
	need(outcome->verdict && outcome->step && outcome->enhanced);
	need(outcome->text && outcome->tls_version && outcome->tls_cipher);
	need(outcome->last == 0 || outcome->last == 1);
	need(tp_query_wire_outcome(outcome, &shown->again) == TP_OK);
	shown->rows++;
	return 1;
}

static void try_answer(const char *line, size_t len, enum tp_query_op op)
{
	struct tp_error err = TP_ERROR_INIT;
	struct shown shown = { .again = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES) };
	const struct tp_query_sink sink = {
		.ctx = &shown,
		.message = show_message,
		.outcome = show_outcome,
		.relay = show_relay,
	};
	struct tp_query_sink none = { .ctx = NULL };
	int rc = tp_query_wire_answer(line, len, op, &sink, &err);

	if (rc < 0)
		need_reason(rc, &err);
	need((rc == TP_QUERY_LINE_LAST) == (shown.rows == 1));
	need(rc != TP_QUERY_LINE_ROW && shown.rows <= 1);
	need(op != TP_QUERY_KICK || shown.rows == 0);
	if (shown.rows) {
		need(shown.again.data[shown.again.len - 1] == '\n');
		need(tp_query_wire_answer(shown.again.data, shown.again.len - 1,
			     op, &none, &err) == TP_QUERY_LINE_ROW);
	}
	tp_buf_free(&shown.again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data + 1;

	if (size == 0 || size > TP_QUERY_LINE_MAX_BYTES)
		return 0;
	switch (data[0]) {
	case '?':
		try_request(line, size - 1);
		break;
	case 'm':
		try_answer(line, size - 1, TP_QUERY_MESSAGE);
		break;
	case 'o':
		try_answer(line, size - 1, TP_QUERY_OUTCOMES);
		break;
	case 's':
		try_answer(line, size - 1, TP_QUERY_STATUS);
		break;
	case 'k':
		try_answer(line, size - 1, TP_QUERY_KICK);
		break;
	default:
		break;
	}
	return 0;
}
