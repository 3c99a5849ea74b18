/*
 * query_wire_test.c - requests and answers come back as they were
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapters/query_wire.h"
#include "base/text.h"

#include <limits.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID "01KAJ2V6Q0ABCDEFGH"

/* The last line that was written, without its newline. */
static size_t line_len(const struct tp_buf *buf)
{
	assert_true(buf->len > 1);
	assert_int_equal(buf->data[buf->len - 1], '\n');
	assert_null(memchr(buf->data, '\n', buf->len - 1));
	return buf->len - 1;
}

/* ---- requests ----------------------------------------------------------- */

static void same_request(
	const struct tp_query_request *a, const struct tp_query_request *b)
{
	assert_int_equal(a->op, b->op);
	assert_true(tp_streq(a->filter.store, b->filter.store));
	assert_true(tp_streq(a->filter.queue_id, b->filter.queue_id));
	assert_true(tp_streq(a->filter.relay, b->filter.relay));
	assert_true(tp_streq(a->filter.message_id, b->filter.message_id));
	assert_true(tp_streq(a->filter.recipient, b->filter.recipient));
	assert_true(tp_streq(a->filter.verdict, b->filter.verdict));
	assert_true(a->filter.since_ms == b->filter.since_ms);
	assert_true(a->filter.until_ms == b->filter.until_ms);
	assert_true(a->filter.after_event_id == b->filter.after_event_id);
	if (a->op == TP_QUERY_OUTCOMES)
		assert_int_equal(a->filter.limit, b->filter.limit);
}

static void requests_come_back_as_they_were(void **state)
{
	static const struct tp_query_request cases[] = {
		{ .op = TP_QUERY_STATUS },
		{ .op = TP_QUERY_MESSAGE, .filter.queue_id = ID },
		{ .op = TP_QUERY_KICK },
		{ .op = TP_QUERY_KICK, .filter.relay = "office" },
		{ .op = TP_QUERY_OUTCOMES, .filter.limit = 1 },
		{ .op = TP_QUERY_OUTCOMES,
			.filter.store = "eu",
			.filter.limit = 1000 },
		{ .op = TP_QUERY_OUTCOMES,
			.filter.store = "eu",
			.filter.queue_id = ID,
			.filter.relay = "office",
			.filter.message_id = "<a\"b\\c@example.com>",
			.filter.recipient = "b\xc3\xbc@example.net",
			.filter.verdict = "failed",
			.filter.since_ms = 1,
			.filter.until_ms = INT64_MAX,
			.filter.after_event_id = 42,
			.filter.limit = 20 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_buf buf = TP_BUF_INIT(TP_QUERY_REQUEST_MAX_BYTES);
		struct tp_error err = TP_ERROR_INIT;
		struct tp_query_asked asked;

		assert_int_equal(
			tp_query_wire_request(&cases[i], &buf, &err), TP_OK);
		assert_int_equal(tp_query_wire_asked(buf.data, line_len(&buf),
					 &asked, &err),
			TP_OK);
		same_request(&cases[i], &asked.request);
		tp_query_asked_free(&asked);
		tp_buf_free(&buf);
	}
}

static void requests_are_exactly_these_lines(void **state)
{
	static const struct tp_query_request message = {
		.op = TP_QUERY_MESSAGE,
		.filter.queue_id = ID,
	};
	static const struct tp_query_request outcomes = {
		.op = TP_QUERY_OUTCOMES,
		.filter.store = "eu",
		.filter.limit = 20,
	};
	static const struct tp_query_request kick = {
		.op = TP_QUERY_KICK,
		.filter.relay = "office",
	};
	static const struct tp_query_request kick_all = { .op = TP_QUERY_KICK };
	struct tp_buf buf = TP_BUF_INIT(TP_QUERY_REQUEST_MAX_BYTES);
	struct tp_error err = TP_ERROR_INIT;

	(void)state;
	assert_int_equal(tp_query_wire_request(&message, &buf, &err), TP_OK);
	assert_string_equal(tp_buf_str(&buf),
		"{\"op\":\"message\",\"queue_id\":\"" ID "\"}\n");
	tp_buf_clear(&buf);
	assert_int_equal(tp_query_wire_request(&outcomes, &buf, &err), TP_OK);
	assert_string_equal(tp_buf_str(&buf),
		"{\"op\":\"outcomes\",\"store\":\"eu\",\"limit\":20}\n");
	tp_buf_clear(&buf);
	assert_int_equal(tp_query_wire_request(&kick, &buf, &err), TP_OK);
	assert_string_equal(
		tp_buf_str(&buf), "{\"op\":\"kick\",\"relay\":\"office\"}\n");
	tp_buf_clear(&buf);
	assert_int_equal(tp_query_wire_request(&kick_all, &buf, &err), TP_OK);
	assert_string_equal(tp_buf_str(&buf), "{\"op\":\"kick\"}\n");
	tp_buf_free(&buf);
}

static void what_is_too_long_or_no_text_is_not_asked(void **state)
{
	char longer[TP_QUERY_REQUEST_MAX_BYTES];
	/* each is short enough, all together are not */
	char part[1001];
	const struct tp_query_request cases[] = {
		{ .op = TP_QUERY_OUTCOMES,
			.filter.recipient = longer,
			.filter.limit = 1 },
		{ .op = TP_QUERY_OUTCOMES,
			.filter.store = "a\xff",
			.filter.limit = 1 },
		{ .op = TP_QUERY_OUTCOMES,
			.filter.store = part,
			.filter.relay = part,
			.filter.message_id = part,
			.filter.recipient = part,
			.filter.verdict = part,
			.filter.limit = 1 },
	};
	size_t i;

	(void)state;
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memset(part, 'b', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_buf buf = TP_BUF_INIT(2 * TP_QUERY_REQUEST_MAX_BYTES);
		struct tp_error err = TP_ERROR_INIT;

		assert_int_equal(tp_query_wire_request(&cases[i], &buf, &err),
			TP_EINVAL);
		assert_int_equal(err.code, TP_EINVAL);
		assert_true(err.text[0] != '\0');
		assert_int_equal(buf.len, 0);
		tp_buf_free(&buf);
	}
}

static void bad_requests_are_refused_by_name(void **state)
{
	static const struct {
		const char *line;
		const char *where;
		const char *text;
	} cases[] = {
		{ "", "query socket", "JSON" },
		{ "{", "query socket", "JSON" },
		{ "[]", "query socket", "JSON" },
		{ "1", "query socket", "JSON" },
		{ "{} {}", "query socket", "JSON" },
		{ "{\"op\":\"status\",\"op\":\"status\"}", "query socket",
			"JSON" },
		{ "{\"op\":\"status\\u0000\"}", "query socket", "JSON" },
		{ "{\"op\":\"stat\xff\"}", "query socket", "JSON" },
		{ "{}", "op", "must be" },
		{ "{\"op\":1}", "op", "must be" },
		{ "{\"op\":\"drop\"}", "op", "must be" },
		{ "{\"op\":\"status\",\"store\":\"eu\"}", "query socket",
			"\"store\" does not go with \"status\"" },
		{ "{\"op\":\"message\"}", "queue_id", "missing" },
		{ "{\"op\":\"message\",\"queue_id\":\"x\"}", "queue_id",
			"not a queue id" },
		{ "{\"op\":\"message\",\"queue_id\":\"" ID "\",\"limit\":1}",
			"query socket", "\"limit\" does not go" },
		{ "{\"op\":\"message\",\"queue_id\":null}", "queue_id",
			"wrong type" },
		{ "{\"op\":\"kick\",\"store\":\"eu\"}", "query socket",
			"\"store\" does not go with \"kick\"" },
		{ "{\"op\":\"kick\",\"limit\":1}", "query socket",
			"\"limit\" does not go" },
		{ "{\"op\":\"kick\",\"relay\":[\"office\"]}", "relay",
			"wrong type" },
		{ "{\"op\":\"kick\",\"relay\":null}", "relay", "wrong type" },
		{ "{\"op\":\"outcomes\",\"limit\":0}", "limit", "1 to 1000" },
		{ "{\"op\":\"outcomes\",\"limit\":1001}", "limit",
			"1 to 1000" },
		{ "{\"op\":\"outcomes\",\"limit\":1.0}", "limit", "1 to 1000" },
		{ "{\"op\":\"outcomes\",\"limit\":\"1\"}", "limit",
			"1 to 1000" },
		{ "{\"op\":\"outcomes\",\"since_ms\":99999999999999999999}",
			"query socket", "JSON" },
		{ "{\"op\":\"outcomes\",\"since_ms\":true}", "since_ms",
			"wrong type" },
		{ "{\"op\":\"outcomes\",\"store\":7}", "store", "wrong type" },
		{ "{\"op\":\"outcomes\",\"stores\":\"eu\"}", "query socket",
			"\"stores\" does not go" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_query_asked asked;

		if (tp_query_wire_asked(cases[i].line, strlen(cases[i].line),
			    &asked, &err) != TP_EINVAL ||
			strcmp(err.where, cases[i].where) != 0 ||
			!strstr(err.text, cases[i].text))
			fail_msg("%s: %d %s: %s", cases[i].line, err.code,
				err.where, err.text);
		assert_null(asked.json);
		assert_null(asked.request.filter.store);
	}
}

static void deep_nesting_is_refused(void **state)
{
	char line[TP_QUERY_REQUEST_MAX_BYTES];
	struct tp_error err = TP_ERROR_INIT;
	struct tp_query_asked asked;

	(void)state;
	memset(line, '[', sizeof(line));
	assert_int_equal(tp_query_wire_asked(line, sizeof(line), &asked, &err),
		TP_EINVAL);
}

/* ---- answers ------------------------------------------------------------ */

/* What a sink was given; texts are compared while they live. */
struct seen {
	const struct tp_query_message *message;
	const struct tp_query_relay *relay;
	const struct tp_outcome *outcome;
	int count;
	int stop;
};

static int see_message(void *ctx, const struct tp_query_message *message)
{
	struct seen *seen = ctx;
	const struct tp_query_message *want = seen->message;

	assert_string_equal(message->queue_id, want->queue_id);
	assert_string_equal(message->store, want->store);
	assert_string_equal(message->state, want->state);
	assert_string_equal(message->reason, want->reason ? want->reason : "");
	assert_int_equal(message->attempts, want->attempts);
	assert_true(message->created_ms == want->created_ms);
	assert_true(message->next_try_ms == want->next_try_ms);
	assert_true(message->expires_ms == want->expires_ms);
	assert_true(message->size_bytes == want->size_bytes);
	seen->count++;
	return seen->stop;
}

static int see_relay(void *ctx, const struct tp_query_relay *relay)
{
	struct seen *seen = ctx;
	const struct tp_query_relay *want = seen->relay;

	assert_string_equal(relay->store, want->store);
	assert_string_equal(relay->relay, want->relay);
	assert_string_equal(relay->state, want->state);
	assert_string_equal(relay->reason, want->reason);
	assert_true(relay->retry_ms == want->retry_ms);
	assert_int_equal(relay->connections, want->connections);
	assert_true(relay->waiting_count == want->waiting_count);
	assert_true(relay->queued_count == want->queued_count);
	assert_true(relay->active_count == want->active_count);
	assert_true(relay->held_count == want->held_count);
	assert_true(relay->oldest_ms == want->oldest_ms);
	assert_true(relay->body_bytes == want->body_bytes);
	seen->count++;
	return seen->stop;
}

static int see_outcome(void *ctx, const struct tp_outcome *outcome)
{
	struct seen *seen = ctx;
	const struct tp_outcome *want = seen->outcome;

	assert_true(outcome->event_id == want->event_id);
	assert_true(outcome->time_ms == want->time_ms);
	assert_string_equal(outcome->store, want->store);
	assert_string_equal(outcome->relay, want->relay);
	assert_string_equal(outcome->queue_id, want->queue_id);
	assert_string_equal(outcome->message_id, want->message_id);
	assert_string_equal(outcome->sender, want->sender);
	assert_string_equal(outcome->recipient, want->recipient);
	assert_int_equal(outcome->attempt, want->attempt);
	assert_int_equal(outcome->cls, want->cls);
	assert_string_equal(outcome->verdict, want->verdict);
	assert_string_equal(outcome->step, want->step);
	assert_int_equal(outcome->reply_code, want->reply_code);
	assert_string_equal(outcome->enhanced, want->enhanced);
	assert_string_equal(outcome->text, want->text);
	assert_string_equal(outcome->tls_version, want->tls_version);
	assert_string_equal(outcome->tls_cipher, want->tls_cipher);
	assert_true(outcome->size_bytes == want->size_bytes);
	assert_true(outcome->queued_ms == want->queued_ms);
	assert_true(outcome->connect_us == want->connect_us);
	assert_true(outcome->tls_us == want->tls_us);
	assert_true(outcome->auth_us == want->auth_us);
	assert_true(outcome->send_us == want->send_us);
	assert_true(outcome->next_try_ms == want->next_try_ms);
	assert_int_equal(outcome->last, want->last);
	seen->count++;
	return seen->stop;
}

static struct tp_query_sink sink_of(struct seen *seen)
{
	struct tp_query_sink sink = {
		.ctx = seen,
		.message = see_message,
		.outcome = see_outcome,
		.relay = see_relay,
	};

	return sink;
}

static struct tp_outcome sample(void)
{
	struct tp_outcome outcome = {
		.event_id = INT64_MAX,
		.time_ms = INT64_C(1795000000123),
		.store = "eu",
		.relay = "office",
		.queue_id = ID,
		.message_id = "<order-17@shop.example.com>",
		.sender = "",
		.recipient = "\"a\\\"b\"@example.net",
		.attempt = 3,
		.cls = TP_CLASS_TEMPORARY,
		.verdict = "deferred",
		.step = "rcpt",
		.reply_code = 450,
		.enhanced = "4.2.0",
		.text = "Greylisted, \"try\" \\x1b again",
		.tls_version = "TLSv1.3",
		.tls_cipher = "TLS_AES_256_GCM_SHA384",
		.size_bytes = 2048,
		.queued_ms = -1,
		.connect_us = 1,
		.tls_us = 2,
		.auth_us = 3,
		.send_us = INT64_C(600000000),
		.next_try_ms = INT64_C(1795000300000),
		.last = 1,
	};

	return outcome;
}

static int answered(const struct tp_buf *buf, enum tp_query_op op,
	struct seen *seen, struct tp_error *err)
{
	struct tp_query_sink sink = sink_of(seen);

	return tp_query_wire_answer(buf->data, line_len(buf), op, &sink, err);
}

static void messages_come_back_as_they_were(void **state)
{
	struct tp_query_message message = {
		.queue_id = ID,
		.store = "eu",
		.state = "queued",
		.reason = "450 \"later\" gr\xc3\xbc\xc3\x9f",
		.attempts = INT_MAX,
		.created_ms = INT64_MIN,
		.next_try_ms = INT64_MAX,
		.expires_ms = 0,
		.size_bytes = 5120,
	};
	struct tp_buf buf = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES);
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { .message = &message };

	(void)state;
	assert_int_equal(tp_query_wire_message(&message, &buf), TP_OK);
	assert_int_equal(answered(&buf, TP_QUERY_MESSAGE, &seen, &err),
		TP_QUERY_LINE_ROW);
	assert_int_equal(seen.count, 1);
	tp_buf_clear(&buf);
	message.reason = NULL;
	assert_int_equal(tp_query_wire_message(&message, &buf), TP_OK);
	assert_int_equal(answered(&buf, TP_QUERY_MESSAGE, &seen, &err),
		TP_QUERY_LINE_ROW);
	assert_int_equal(seen.count, 2);
	tp_buf_free(&buf);
}

static void relays_come_back_as_they_were(void **state)
{
	const struct tp_query_relay relay = {
		.store = "eu",
		.relay = "office",
		.state = "paused",
		.reason = "connection refused",
		.retry_ms = 1,
		.connections = 2,
		.waiting_count = 3,
		.queued_count = 4,
		.active_count = 5,
		.held_count = 6,
		.oldest_ms = 7,
		.body_bytes = 8,
	};
	struct tp_buf buf = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES);
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { .relay = &relay };

	(void)state;
	assert_int_equal(tp_query_wire_relay(&relay, &buf), TP_OK);
	assert_int_equal(answered(&buf, TP_QUERY_STATUS, &seen, &err),
		TP_QUERY_LINE_ROW);
	assert_int_equal(seen.count, 1);
	tp_buf_free(&buf);
}

static void a_kick_is_answered_without_rows(void **state)
{
	const struct tp_query_relay relay = {
		.store = "eu", .relay = "office", .state = "ready", .reason = ""
	};
	struct tp_buf buf = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES);
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { .count = 0 };

	(void)state;
	assert_int_equal(tp_query_wire_end(TP_OK, &err, &buf), TP_OK);
	assert_int_equal(
		answered(&buf, TP_QUERY_KICK, &seen, &err), TP_QUERY_LINE_END);
	tp_buf_clear(&buf);
	assert_int_equal(tp_query_wire_relay(&relay, &buf), TP_OK);
	assert_int_equal(answered(&buf, TP_QUERY_KICK, &seen, &err), TP_EPROTO);
	assert_non_null(strstr(err.text, "not asked for"));
	assert_int_equal(seen.count, 0);
	tp_buf_free(&buf);
}

static void outcomes_come_back_as_they_were(void **state)
{
	struct tp_outcome outcome = sample();
	struct tp_buf buf = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES);
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { .outcome = &outcome };
	int cls;

	(void)state;
	for (cls = TP_CLASS_SENT;
		tp_class_parse(
			tp_class_name((enum tp_class)cls), &outcome.cls) == 0 &&
		(int)outcome.cls == cls;
		cls++) {
		tp_buf_clear(&buf);
		assert_int_equal(tp_query_wire_outcome(&outcome, &buf), TP_OK);
		assert_int_equal(answered(&buf, TP_QUERY_OUTCOMES, &seen, &err),
			TP_QUERY_LINE_ROW);
	}
	assert_true(cls >= 8);
	assert_int_equal(seen.count, cls);
	tp_buf_free(&buf);
}

static void times_come_back_to_the_millisecond(void **state)
{
	static const int64_t times_ms[] = { 0, 1, 999, 86399999, 86400000,
		INT64_C(951782399999), /* before 2000-02-29 */
		INT64_C(951782400000), INT64_C(951868800000),
		INT64_C(4107542399999), /* 2100 has no such day */
		INT64_C(4107542400000), INT64_C(1795000000123),
		INT64_C(2147483648000), INT64_C(253402300799999) };
	struct tp_outcome outcome = sample();
	struct tp_buf buf = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES);
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { .outcome = &outcome };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(times_ms); i++) {
		outcome.time_ms = outcome.next_try_ms = times_ms[i];
		tp_buf_clear(&buf);
		assert_int_equal(tp_query_wire_outcome(&outcome, &buf), TP_OK);
		assert_int_equal(answered(&buf, TP_QUERY_OUTCOMES, &seen, &err),
			TP_QUERY_LINE_ROW);
	}
	/* each day of 200 years and a little */
	for (i = 1; i < 73200; i++) {
		outcome.time_ms = (int64_t)i * 86400000 + 45296789;
		tp_buf_clear(&buf);
		assert_int_equal(tp_query_wire_outcome(&outcome, &buf), TP_OK);
		assert_int_equal(answered(&buf, TP_QUERY_OUTCOMES, &seen, &err),
			TP_QUERY_LINE_ROW);
	}
	tp_buf_free(&buf);
}

static void words_of_a_server_stay_on_their_line(void **state)
{
	struct tp_query_message message = {
		.queue_id = ID,
		.store = "eu",
		.state = "queued",
		.reason = "a\r\n{\"end\":0}\nb\x1b[1m \xff",
	};
	struct tp_query_message shown = message;
	struct tp_buf buf = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES);
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { .message = &shown };
	char longer[5000];

	(void)state;
	shown.reason = "a\\x0d\\x0a{\"end\":0}\\x0ab\\x1b[1m \\xff";
	assert_int_equal(tp_query_wire_message(&message, &buf), TP_OK);
	assert_int_equal(answered(&buf, TP_QUERY_MESSAGE, &seen, &err),
		TP_QUERY_LINE_ROW);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	message.reason = longer;
	tp_buf_clear(&buf);
	assert_int_equal(tp_query_wire_message(&message, &buf), TP_OK);
	assert_true(buf.len < 2048);
	tp_buf_free(&buf);
}

static void the_end_says_what_went_wrong(void **state)
{
	struct tp_buf buf = TP_BUF_INIT(TP_QUERY_END_MAX_BYTES);
	struct tp_error said = TP_ERROR_INIT;
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { .count = 0 };

	(void)state;
	assert_int_equal(tp_query_wire_end(17, &said, &buf), TP_OK);
	assert_string_equal(tp_buf_str(&buf), "{\"end\":0}\n");
	assert_int_equal(answered(&buf, TP_QUERY_STATUS, &seen, &err),
		TP_QUERY_LINE_END);
	tp_buf_clear(&buf);
	(void)tp_fail(&said, TP_ENOTFOUND, "queue_id", "no \"%s\"", "such");
	assert_int_equal(tp_query_wire_end(TP_ENOTFOUND, &said, &buf), TP_OK);
	assert_string_equal(tp_buf_str(&buf),
		"{\"end\":-11,\"where\":\"queue_id\","
		"\"text\":\"no \\\"such\\\"\"}\n");
	assert_int_equal(
		answered(&buf, TP_QUERY_STATUS, &seen, &err), TP_ENOTFOUND);
	assert_string_equal(err.where, "queue_id");
	assert_string_equal(err.text, "no \"such\"");
	tp_buf_free(&buf);
}

static void the_longest_end_fits(void **state)
{
	struct tp_buf buf = TP_BUF_INIT(TP_QUERY_END_MAX_BYTES);
	struct tp_error said = TP_ERROR_INIT;

	(void)state;
	said.code = TP_EIO;
	memset(said.where, '"', sizeof(said.where) - 1);
	memset(said.text, '"', sizeof(said.text) - 1);
	assert_int_equal(tp_query_wire_end(TP_EIO, &said, &buf), TP_OK);
	tp_buf_clear(&buf);
	memset(said.text, 0xff, sizeof(said.text) - 1);
	assert_int_equal(tp_query_wire_end(TP_EIO, &said, &buf), TP_OK);
	tp_buf_free(&buf);
}

static void what_is_no_answer_is_a_protocol_error(void **state)
{
	static const char *const lines[] = { "", "{}", "[]", "null",
		"{\"row\":[]}", "{\"row\":{}}", "{\"row\":null,\"end\":1}",
		"{\"end\":\"0\"}", "{\"end\":1}", "{\"end\":-11}",
		"{\"end\":-11,\"where\":\"a\"}",
		"{\"end\":-11,\"where\":\"a\",\"text\":1}",
		"{\"end\":-99,\"where\":\"a\",\"text\":\"b\"}",
		"{\"end\":-4294967307,\"where\":\"a\",\"text\":\"b\"}",
		"{\"row\":{\"queue_id\":\"" ID
		"\",\"store\":\"eu\",\"state\":\"queued\",\"reason\":\"\","
		"\"attempts\":2147483648,\"created_ms\":0,\"next_try_ms\":0,"
		"\"expires_ms\":0,\"size_bytes\":0}}",
		"{\"row\":{\"queue_id\":\"" ID
		"\",\"store\":\"eu\",\"state\":\"queued\",\"reason\":null,"
		"\"attempts\":1,\"created_ms\":0,\"next_try_ms\":0,"
		"\"expires_ms\":0,\"size_bytes\":0}}" };
	struct seen seen = { .count = 0 };
	struct tp_query_sink sink = sink_of(&seen);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines); i++) {
		struct tp_error err = TP_ERROR_INIT;

		if (tp_query_wire_answer(lines[i], strlen(lines[i]),
			    TP_QUERY_MESSAGE, &sink, &err) != TP_EPROTO ||
			!err.text[0])
			fail_msg("taken: %s", lines[i]);
	}
	assert_int_equal(seen.count, 0);
}

static void bad_times_are_a_protocol_error(void **state)
{
	static const char *const times[] = { "\"\"", "1", "false",
		"\"2026-11-18T11:06:40.123\"", "\"2026-11-18T11:06:40.123Zx\"",
		"\"2026-13-18T11:06:40.123Z\"", "\"2026-00-18T11:06:40.123Z\"",
		"\"2026-11-00T11:06:40.123Z\"", "\"2026-11-32T11:06:40.123Z\"",
		"\"0000-11-18T11:06:40.123Z\"", "\"2026-11-18 11:06:40.123Z\"",
		"\"2026-11-18T24:06:40.123Z\"", "\"2026-11-18T11:60:40.123Z\"",
		"\"2026-11-18T11:06:61.123Z\"",
		"\"-026-11-18T11:06:40.123Z\"" };
	static const char was[] = "\"2026-11-18T11:06:40.123Z\"";
	struct tp_outcome outcome = sample();
	struct seen seen = { .outcome = &outcome };
	struct tp_query_sink sink = sink_of(&seen);
	struct tp_buf good = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES);
	struct tp_buf bad = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES);
	const char *at;
	size_t i;

	(void)state;
	assert_int_equal(tp_query_wire_outcome(&outcome, &good), TP_OK);
	at = strstr(good.data, was);
	assert_non_null(at);
	for (i = 0; i < COUNT(times); i++) {
		struct tp_error err = TP_ERROR_INIT;

		tp_buf_clear(&bad);
		assert_int_equal(
			tp_buf_printf(&bad, "%.*s%s%s", (int)(at - good.data),
				good.data, times[i], at + strlen(was)),
			TP_OK);
		if (tp_query_wire_answer(bad.data, bad.len, TP_QUERY_OUTCOMES,
			    &sink, &err) != TP_EPROTO ||
			!strstr(err.text, "\"time\""))
			fail_msg("%s: %s", times[i], err.text);
	}
	tp_buf_free(&good);
	tp_buf_free(&bad);
}

static void keys_of_a_later_version_are_passed_over(void **state)
{
	static const char line[] =
		"{\"row\":{\"queue_id\":\"" ID
		"\",\"store\":\"eu\",\"state\":\"held\",\"reason\":\"\","
		"\"attempts\":1,\"created_ms\":2,\"next_try_ms\":3,"
		"\"expires_ms\":4,\"size_bytes\":5,\"colour\":[1]},\"n\":1}";
	const struct tp_query_message message = {
		.queue_id = ID,
		.store = "eu",
		.state = "held",
		.attempts = 1,
		.created_ms = 2,
		.next_try_ms = 3,
		.expires_ms = 4,
		.size_bytes = 5,
	};
	struct seen seen = { .message = &message, .stop = 1 };
	struct tp_query_sink sink = sink_of(&seen);
	struct tp_error err = TP_ERROR_INIT;

	(void)state;
	assert_int_equal(tp_query_wire_answer(line, strlen(line),
				 TP_QUERY_MESSAGE, &sink, &err),
		TP_QUERY_LINE_LAST);
	assert_int_equal(seen.count, 1);
	sink.message = NULL;
	assert_int_equal(tp_query_wire_answer(line, strlen(line),
				 TP_QUERY_MESSAGE, &sink, &err),
		TP_QUERY_LINE_ROW);
}

static void a_row_that_does_not_fit_is_left_out_whole(void **state)
{
	const struct tp_query_relay relay = {
		.store = "eu", .relay = "office", .state = "ready", .reason = ""
	};
	const struct tp_query_message message = {
		.queue_id = ID, .store = "eu", .state = "held"
	};
	const struct tp_outcome outcome = sample();
	size_t room;

	(void)state;
	for (room = 8; room < 120; room++) {
		struct tp_buf buf = TP_BUF_INIT(room);

		assert_int_equal(tp_buf_str_add(&buf, "before\n"), TP_OK);
		assert_int_equal(tp_query_wire_relay(&relay, &buf), TP_ETOOBIG);
		assert_int_equal(
			tp_query_wire_message(&message, &buf), TP_ETOOBIG);
		assert_int_equal(
			tp_query_wire_outcome(&outcome, &buf), TP_ETOOBIG);
		assert_string_equal(tp_buf_str(&buf), "before\n");
		tp_buf_free(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_back_as_they_were),
		cmocka_unit_test(requests_are_exactly_these_lines),
		cmocka_unit_test(what_is_too_long_or_no_text_is_not_asked),
		cmocka_unit_test(bad_requests_are_refused_by_name),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(messages_come_back_as_they_were),
		cmocka_unit_test(relays_come_back_as_they_were),
		cmocka_unit_test(a_kick_is_answered_without_rows),
		cmocka_unit_test(outcomes_come_back_as_they_were),
		cmocka_unit_test(times_come_back_to_the_millisecond),
		cmocka_unit_test(words_of_a_server_stay_on_their_line),
		cmocka_unit_test(the_end_says_what_went_wrong),
		cmocka_unit_test(the_longest_end_fits),
		cmocka_unit_test(what_is_no_answer_is_a_protocol_error),
		cmocka_unit_test(bad_times_are_a_protocol_error),
		cmocka_unit_test(keys_of_a_later_version_are_passed_over),
		cmocka_unit_test(a_row_that_does_not_fit_is_left_out_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
