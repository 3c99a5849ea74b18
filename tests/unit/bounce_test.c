/*
 * bounce_test.c - the report to the sender: form, content, nothing injected
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "core/bounce.h"
#include "core/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NOW_MS INT64_C(1795000000000) /* Wed, 18 Nov 2026 11:06:40 UTC */
#define CREATED_MS (NOW_MS - INT64_C(5) * 24 * 3600 * 1000)
#define CANARY "https://shop.example.com/reset?token=CANARY"
#define HEADER                                                       \
	"From: Shop <shop@example.com>\r\nTo: buyer@example.net\r\n" \
	"Subject: Your order\r\n"

static int64_t fixed_now(void *ctx)
{
	(void)ctx;
	return NOW_MS;
}
static const struct tp_clock clock_2026 = { .now_ms = fixed_now };

/* The original, filled with string literals: never freed. */
static struct tp_queue_item original(char *data)
{
	static char store[] = "default";
	static char relay[] = "office";
	static char sender[] = "shop@example.com";
	static char message_id[] = "<order-17@shop.example.com>";
	struct tp_queue_item item = {
		.queue_id = "01KAJ2V6Q0ABCDEFGH",
		.store = store,
		.relay = relay,
		.sender = sender,
		.message_id = message_id,
		.data = data,
		.data_len = strlen(data),
		.bounce = 1,
		.created_ms = CREATED_MS,
	};

	return item;
}

static struct tp_settled_rcpt failed(const char *address, int code,
	const char *enhanced, const char *text, enum tp_class cls)
{
	struct tp_settled_rcpt rcpt = { .state = TP_RCPT_FAILED };

	rcpt.outcome.time_ms = NOW_MS - 1000;
	rcpt.outcome.recipient = address;
	rcpt.outcome.cls = cls;
	rcpt.outcome.reply_code = code;
	rcpt.outcome.enhanced = enhanced;
	rcpt.outcome.text = text;
	return rcpt;
}

static struct tp_bounce_request request_for(const struct tp_queue_item *item,
	const struct tp_settled_rcpt *rcpts, size_t count)
{
	struct tp_bounce_request request = {
		.item = item,
		.rcpts = rcpts,
		.rcpt_count = count,
		.from = "Shop <shop@example.com>",
		.reporting_host = "mail.example.com",
		.remote_host = "smtp.office.example",
	};

	return request;
}

static struct tp_queue_item make(const struct tp_bounce_request *request)
{
	struct tp_queue_item item;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(tp_bounce_make(request, &clock_2026, &item, &err), 0);
	assert_int_equal(err.code, TP_OK);
	return item;
}

/* One failed recipient, usual everything else. @owns caller */
static struct tp_queue_item make_one(struct tp_settled_rcpt rcpt)
{
	char data[] = HEADER "\r\n" CANARY "\r\n";
	struct tp_queue_item item = original(data);
	struct tp_bounce_request request = request_for(&item, &rcpt, 1);

	return make(&request);
}

static void expect_text(const struct tp_queue_item *item, const char *text)
{
	if (!strstr(item->data, text))
		fail_msg("not found: \"%s\" in\n%s", text, item->data);
}

static void expect_no_text(const struct tp_queue_item *item, const char *text)
{
	if (strstr(item->data, text))
		fail_msg("found: \"%s\" in\n%s", text, item->data);
}

/* What every report must be, whatever it was made from. */
static void expect_clean(const struct tp_queue_item *item, int ascii)
{
	size_t line = 0;
	size_t i;

	assert_int_equal(strlen(item->data), item->data_len);
	assert_true(item->data_len > 2);
	assert_memory_equal(item->data + item->data_len - 2, "\r\n", 2);
	for (i = 0; i < item->data_len; i++) {
		unsigned char c = (unsigned char)item->data[i];

		if (c == '\r') {
			assert_int_equal(item->data[i + 1], '\n');
			assert_true(line <= 998);
			line = 0;
			i++;
			continue;
		}
		assert_true(c >= ' ' || c == '\t');
		assert_true(c != 0x7f && (!ascii || c < 0x80));
		line++;
	}
}

static size_t count_lines_beginning(
	const struct tp_queue_item *item, const char *start)
{
	size_t count = 0;
	const char *at = item->data;

	while (at && *at) {
		count += strncmp(at, start, strlen(start)) == 0;
		at = strstr(at, "\r\n");
		at = at ? at + 2 : NULL;
	}
	return count;
}

static void read_boundary(const struct tp_queue_item *item, char *out)
{
	const char *at = strstr(item->data, "boundary=\"");

	assert_non_null(at);
	assert_int_equal(sscanf(at, "boundary=\"%79[^\"]\"", out), 1);
}

/* Three parts (or two), each opened once, and one end. */
static void expect_parts(const struct tp_queue_item *item, size_t count)
{
	char boundary[80];
	char line[100];

	read_boundary(item, boundary);
	(void)snprintf(line, sizeof(line), "--%s\r\n", boundary);
	assert_int_equal(count_lines_beginning(item, line), count);
	(void)snprintf(line, sizeof(line), "--%s--\r\n", boundary);
	assert_int_equal(count_lines_beginning(item, line), 1);
}

static void a_refused_recipient_is_reported_in_three_parts(void **state)
{
	struct tp_queue_item item = make_one(failed("buyer@example.net", 550,
		"5.1.1", "User unknown", TP_CLASS_PERMANENT));

	(void)state;
	expect_clean(&item, 1);
	expect_parts(&item, 3);
	expect_text(&item, "From: Mail Delivery System <shop@example.com>\r\n");
	expect_text(&item, "To: <shop@example.com>\r\n");
	expect_text(&item, "Date: Wed, 18 Nov 2026 11:06:40 +0000\r\n");
	expect_text(&item, "Auto-Submitted: auto-replied\r\n");
	expect_text(&item, "MIME-Version: 1.0\r\n");
	expect_text(&item, "Content-Type: multipart/report;\r\n"
			   "\treport-type=delivery-status;\r\n");
	expect_text(&item, "In-Reply-To: <order-17@shop.example.com>\r\n");
	/* for people */
	expect_text(&item, "  <buyer@example.net>\r\n"
			   "    The server said: 550 5.1.1 User unknown\r\n"
			   "    What to do:\r\n"
			   "    Check the address for mistakes");
	/* for programs */
	expect_text(&item,
		"Content-Type: message/delivery-status\r\n"
		"Content-Transfer-Encoding: 7bit\r\n\r\n"
		"Reporting-MTA: dns; mail.example.com\r\n"
		"Original-Envelope-Id: 01KAJ2V6Q0ABCDEFGH\r\n"
		"Arrival-Date: Fri, 13 Nov 2026 11:06:40 +0000\r\n"
		"\r\n"
		"Final-Recipient: rfc822; buyer@example.net\r\n"
		"Action: failed\r\n"
		"Status: 5.1.1\r\n"
		"Remote-MTA: dns; smtp.office.example\r\n"
		"Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n"
		"Last-Attempt-Date: Wed, 18 Nov 2026 11:06:39 +0000\r\n");
	/* the original */
	expect_text(&item, "Content-Type: text/rfc822-headers\r\n"
			   "Content-Transfer-Encoding: 7bit\r\n\r\n" HEADER);
	expect_no_text(&item, "CANARY");
	tp_queue_item_free(&item);
}

static void the_made_item_is_ready_for_the_queue(void **state)
{
	struct tp_queue_item item = make_one(failed(
		"buyer@example.net", 550, "5.1.1", "no", TP_CLASS_PERMANENT));
	char message_id[64];

	(void)state;
	assert_true(tp_queue_id_valid(item.queue_id));
	assert_string_not_equal(item.queue_id, "01KAJ2V6Q0ABCDEFGH");
	assert_string_equal(item.store, "default");
	assert_string_equal(item.relay, "office");
	assert_string_equal(item.sender, "");
	assert_null(item.dedup_key);
	assert_int_equal(item.rcpt_count, 1);
	assert_string_equal(item.rcpts[0].address, "shop@example.com");
	assert_int_equal(item.rcpts[0].state, TP_RCPT_OPEN);
	assert_int_equal(item.bounce, 0);
	assert_int_equal(item.eight_bit, 0);
	assert_int_equal(item.smtputf8, 0);
	assert_int_equal(item.attempts, 0);
	assert_int_equal(item.state, TP_QUEUE_QUEUED);
	assert_true(item.created_ms == NOW_MS);
	assert_true(item.next_try_ms == NOW_MS);
	assert_true(item.expires_ms == NOW_MS + TP_BOUNCE_LIFETIME_MS);
	(void)snprintf(message_id, sizeof(message_id), "<%s@mail.example.com>",
		item.queue_id);
	assert_string_equal(item.message_id, message_id);
	assert_int_equal(count_lines_beginning(&item, "Message-ID: <"), 2);
	expect_text(&item, message_id);
	tp_queue_item_free(&item);
}

static void the_lifetime_can_be_set_and_saturates(void **state)
{
	char data[] = HEADER;
	struct tp_queue_item item = original(data);
	struct tp_settled_rcpt rcpt =
		failed("buyer@example.net", 550, "", "no", TP_CLASS_PERMANENT);
	struct tp_bounce_request request = request_for(&item, &rcpt, 1);
	struct tp_queue_item made;

	(void)state;
	request.lifetime_ms = 60000;
	made = make(&request);
	assert_true(made.expires_ms == NOW_MS + 60000);
	tp_queue_item_free(&made);
	request.lifetime_ms = INT64_MAX;
	made = make(&request);
	assert_true(made.expires_ms == INT64_MAX);
	tp_queue_item_free(&made);
}

static void only_failed_recipients_are_named(void **state)
{
	char data[] = HEADER "\r\nbody\r\n";
	struct tp_queue_item item = original(data);
	struct tp_settled_rcpt rcpts[3] = {
		failed("gone@example.net", 550, "5.1.1", "unknown",
			TP_CLASS_PERMANENT),
		failed("fine@example.net", 250, "2.0.0", "ok", TP_CLASS_SENT),
		failed("full@example.net", 452, "4.2.2", "full",
			TP_CLASS_TEMPORARY),
	};
	struct tp_bounce_request request = request_for(&item, rcpts, 3);
	struct tp_queue_item made;

	(void)state;
	rcpts[1].state = TP_RCPT_SENT;
	made = make(&request);
	expect_text(&made, "Final-Recipient: rfc822; gone@example.net\r\n");
	expect_text(&made, "Final-Recipient: rfc822; full@example.net\r\n");
	expect_no_text(&made, "fine@example.net");
	assert_int_equal(count_lines_beginning(&made, "Action: failed"), 2);
	tp_queue_item_free(&made);
}

static void no_report_where_none_is_due(void **state)
{
	static const char *const senders[] = { "", "a\r\nBcc: x@example.com",
		"a\x01@example.com", "a\x7f@example.com", "a\xff@example.com" };
	char data[] = HEADER;
	struct tp_queue_item item = original(data);
	struct tp_queue_item made;
	struct tp_settled_rcpt rcpt =
		failed("buyer@example.net", 550, "", "no", TP_CLASS_PERMANENT);
	struct tp_bounce_request request = request_for(&item, &rcpt, 1);
	struct tp_error err = TP_ERROR_INIT;
	char sender[700];
	size_t i;

	(void)state;
	item.sender = sender;
	for (i = 0; i < COUNT(senders); i++) {
		(void)snprintf(sender, sizeof(sender), "%s", senders[i]);
		assert_int_equal(
			tp_bounce_make(&request, &clock_2026, &made, &err), 1);
		assert_null(made.data);
	}
	memset(sender, 'a', sizeof(sender));
	sender[sizeof(sender) - 1] = '\0';
	assert_int_equal(tp_bounce_make(&request, &clock_2026, &made, &err), 1);
	(void)snprintf(sender, sizeof(sender), "shop@example.com");
	rcpt.state = TP_RCPT_OPEN;
	assert_int_equal(tp_bounce_make(&request, &clock_2026, &made, &err), 1);
	request.rcpt_count = 0;
	assert_int_equal(tp_bounce_make(&request, &clock_2026, &made, &err), 1);
	assert_int_equal(err.code, TP_OK);
}

/* ---- status and advice -------------------------------------------------- */

static void each_failure_gets_status_and_advice(void **state)
{
	static const struct {
		int code;
		const char *enhanced;
		enum tp_class cls;
		const char *status;
		const char *advice;
	} cases[] = {
		{ 550, "5.1.1", TP_CLASS_PERMANENT, "5.1.1", "for mistakes" },
		{ 550, "5.1.8", TP_CLASS_PERMANENT, "5.1.8",
			"address that you send from" },
		{ 550, "5.1.7", TP_CLASS_PERMANENT, "5.1.7",
			"address that you send from" },
		{ 552, "5.3.4", TP_CLASS_PERMANENT, "5.3.4", "too big" },
		{ 552, "5.2.3", TP_CLASS_PERMANENT, "5.2.3", "too big" },
		{ 550, "5.2.1", TP_CLASS_PERMANENT, "5.2.1",
			"mailbox takes no mail" },
		{ 554, "5.7.1", TP_CLASS_PERMANENT, "5.7.1", "rules forbid" },
		{ 554, "", TP_CLASS_PERMANENT, "5.0.0", "words say why" },
		{ 554, NULL, TP_CLASS_PERMANENT, "5.0.0", "words say why" },
		{ 554, "5.1", TP_CLASS_PERMANENT, "5.0.0", "words say why" },
		{ 554, "5..1", TP_CLASS_PERMANENT, "5.0.0", "words say why" },
		{ 554, "2.0.0", TP_CLASS_PERMANENT, "5.0.0", "words say why" },
		{ 554, "5.1000.1", TP_CLASS_PERMANENT, "5.0.0",
			"words say why" },
		{ 452, "4.2.2", TP_CLASS_TEMPORARY, "4.2.2",
			"until its time was over" },
		{ 451, "", TP_CLASS_TEMPORARY, "4.0.0",
			"until its time was over" },
		{ 0, "", TP_CLASS_TEMPORARY, "4.4.7",
			"until its time was over" },
		{ 0, "", TP_CLASS_PERMANENT, "5.0.0", "words say why" },
		{ 0, "", TP_CLASS_UNKNOWN, "4.4.2", "may have arrived" },
		{ 450, "", TP_CLASS_THROTTLED, "4.0.0", "no more mail" },
		{ 535, "5.7.8", TP_CLASS_CREDENTIALS, "5.7.8", "login" },
		{ 554, "", TP_CLASS_SENDER, "5.0.0", "this sender yet" },
		{ 0, "", TP_CLASS_CONFIG, "4.4.7", "settings" },
	};
	char line[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_queue_item item =
			make_one(failed("buyer@example.net", cases[i].code,
				cases[i].enhanced, "words", cases[i].cls));

		(void)snprintf(line, sizeof(line), "\r\nStatus: %s\r\n",
			cases[i].status);
		expect_text(&item, line);
		expect_text(&item, cases[i].advice);
		expect_text(&item, cases[i].code ? "The server said: "
						 : "Reason: words\r\n");
		expect_text(&item, cases[i].code
					   ? "Diagnostic-Code: smtp; "
					   : "Diagnostic-Code: x-tillpost; ");
		tp_queue_item_free(&item);
	}
}

/* ---- the original's header ---------------------------------------------- */

static struct tp_queue_item make_from_data(char *data, size_t len)
{
	struct tp_queue_item item = original(data);
	struct tp_settled_rcpt rcpt =
		failed("buyer@example.net", 550, "", "no", TP_CLASS_PERMANENT);
	struct tp_bounce_request request = request_for(&item, &rcpt, 1);

	item.data_len = len;
	return make(&request);
}

static void the_body_is_never_attached(void **state)
{
	char crlf[] = "Subject: a\r\n\r\n" CANARY "\r\n";
	char lf[] = "Subject: a\n\n" CANARY "\n";
	char no_header[] = "\r\n" CANARY "\r\n";
	char no_end[] = "Subject: a\r\n" CANARY; /* no line end: cut */
	char *const cases[] = { crlf, lf, no_header, no_end };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_queue_item item =
			make_from_data(cases[i], strlen(cases[i]));

		expect_no_text(&item, "CANARY");
		expect_clean(&item, 1);
		tp_queue_item_free(&item);
	}
}

static void without_data_the_third_part_is_left_out(void **state)
{
	char data[] = HEADER;
	struct tp_queue_item item = original(data);
	struct tp_settled_rcpt rcpt =
		failed("buyer@example.net", 550, "", "no", TP_CLASS_PERMANENT);
	struct tp_bounce_request request = request_for(&item, &rcpt, 1);
	struct tp_queue_item made;

	(void)state;
	item.data = NULL;
	made = make(&request);
	expect_parts(&made, 2);
	expect_no_text(&made, "rfc822-headers");
	expect_no_text(&made, "attached");
	tp_queue_item_free(&made);
}

static void a_huge_header_is_cut_at_a_line(void **state)
{
	size_t lines = 3000; /* of 31 octets: 93,000 */
	char *data = malloc(lines * 31 + 40);
	struct tp_queue_item item;
	size_t len = 0;
	size_t i;

	(void)state;
	assert_non_null(data);
	for (i = 0; i < lines; i++)
		len += (size_t)snprintf(data + len, 40,
			"X-Line-%04zu: 0123456789012345\r\n", i);
	item = make_from_data(data, len);
	expect_clean(&item, 1);
	/* 64 KiB hold 2,184 lines of 30 */
	assert_int_equal(count_lines_beginning(&item, "X-Line-"),
		TP_BOUNCE_HEADER_MAX_BYTES / (len / lines));
	assert_int_equal(count_lines_beginning(&item, "X-Line-0000: 0123"), 1);
	tp_queue_item_free(&item);
	free(data);
}

static void a_header_that_is_not_plain_is_quoted_printable(void **state)
{
	char utf8[] = "Subject: Gr\xc3\xbc\xc3\x9f"
		      "e = \r\nX: a\tb \r\n\r\n";
	char bytes[] = "Subject: a\rb\x01\xff\r\n\r\n";
	char longest[2100] = "X: ";
	struct tp_queue_item item;

	(void)state;
	item = make_from_data(utf8, strlen(utf8));
	expect_text(&item, "text/rfc822-headers\r\n"
			   "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
			   "Subject: Gr=C3=BC=C3=9Fe =3D=20\r\n"
			   "X: a\tb=20\r\n");
	expect_clean(&item, 1);
	tp_queue_item_free(&item);

	item = make_from_data(bytes, strlen(bytes));
	expect_text(&item, "Subject: a=0Db=01=FF\r\n");
	expect_clean(&item, 1);
	tp_queue_item_free(&item);

	memset(longest + 3, 'x', 2000);
	(void)snprintf(longest + 2003, 8, "\r\n\r\n");
	item = make_from_data(longest, strlen(longest));
	expect_text(&item, "x=\r\nx");
	expect_clean(&item, 1);
	tp_queue_item_free(&item);
}

static void a_line_of_998_octets_stays_as_it_is(void **state)
{
	char data[1100] = "X: ";
	struct tp_queue_item item;

	(void)state;
	memset(data + 3, 'x', 995);
	(void)snprintf(data + 998, 8, "\r\n\r\n");
	item = make_from_data(data, strlen(data));
	expect_no_text(&item, "quoted-printable");
	expect_clean(&item, 1);
	tp_queue_item_free(&item);

	memset(data + 3, 'x', 996);
	(void)snprintf(data + 999, 8, "\r\n\r\n");
	item = make_from_data(data, strlen(data));
	expect_text(&item, "quoted-printable");
	tp_queue_item_free(&item);
}

/* ---- what is not ASCII -------------------------------------------------- */

static void foreign_words_are_readable_and_the_status_is_ascii(void **state)
{
	struct tp_queue_item item = make_one(failed("buyer@example.net", 550,
		"5.1.1", "Empf\xc3\xa4nger unbekannt", TP_CLASS_PERMANENT));

	(void)state;
	expect_clean(&item, 1);
	expect_text(&item, "Content-Transfer-Encoding: quoted-printable");
	expect_text(&item, "550 5.1.1 Empf=C3=A4nger unbekannt");
	expect_text(&item, "Diagnostic-Code: smtp; 550 5.1.1 "
			   "Empf\\xc3\\xa4nger unbekannt\r\n");
	tp_queue_item_free(&item);
}

static void a_foreign_recipient_takes_the_utf8_address_type(void **state)
{
	struct tp_queue_item item = make_one(
		failed("m\xc3\xbcller+x@b\xe2\x82\xac.example\xf0\x9f\x98\x80",
			550, "5.1.1", "no", TP_CLASS_PERMANENT));

	(void)state;
	expect_clean(&item, 1);
	expect_text(&item, "Final-Recipient: utf-8; "
			   "m\\x{FC}ller\\x{2B}x@b\\x{20AC}.example"
			   "\\x{1F600}\r\n");
	tp_queue_item_free(&item);
}

static void a_foreign_sender_makes_the_report_smtputf8(void **state)
{
	char data[] = HEADER "\r\n";
	char sender[] = "b\xc3\xbc"
			"cher@example.com";
	struct tp_queue_item item = original(data);
	struct tp_settled_rcpt rcpt =
		failed("buyer@example.net", 550, "", "no", TP_CLASS_PERMANENT);
	struct tp_bounce_request request = request_for(&item, &rcpt, 1);
	struct tp_queue_item made;

	(void)state;
	item.sender = sender;
	made = make(&request);
	assert_int_equal(made.smtputf8, 1);
	assert_int_equal(made.eight_bit, 1);
	assert_string_equal(made.rcpts[0].address, sender);
	expect_text(&made, "To: <b\xc3\xbc"
			   "cher@example.com>\r\n");
	expect_clean(&made, 0);
	tp_queue_item_free(&made);
}

static void the_from_line_holds_an_address_in_any_case(void **state)
{
	static const struct {
		const char *from;
		const char *host;
		const char *want;
	} cases[] = {
		{ "shop@example.com", "h.example", "<shop@example.com>" },
		{ "Shop <shop@example.com>", "h.example",
			"<shop@example.com>" },
		{ "\"A <b>\" <shop@example.com>", "h.example",
			"<shop@example.com>" },
		{ NULL, "h.example", "<postmaster@h.example>" },
		{ "", "h.example", "<postmaster@h.example>" },
		{ "no address", "h.example", "<postmaster@h.example>" },
		{ "a@b\r\nBcc: c@d", "h.example", "<postmaster@h.example>" },
		{ "b\xc3\xbc@example.com", "h.example",
			"<postmaster@h.example>" },
		{ NULL, NULL, "<postmaster@localhost>" },
		{ NULL, "h\r\nBcc: x", "<postmaster@localhost>" },
		{ NULL, "", "<postmaster@localhost>" },
		{ NULL, "[127.0.0.1]", "<postmaster@[127.0.0.1]>" },
	};
	char data[] = HEADER "\r\n";
	struct tp_queue_item item = original(data);
	struct tp_settled_rcpt rcpt =
		failed("buyer@example.net", 550, "", "no", TP_CLASS_PERMANENT);
	struct tp_bounce_request request = request_for(&item, &rcpt, 1);
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_queue_item made;

		request.from = cases[i].from;
		request.reporting_host = cases[i].host;
		made = make(&request);
		(void)snprintf(line, sizeof(line),
			"From: Mail Delivery System %s\r\n", cases[i].want);
		expect_text(&made, line);
		expect_clean(&made, 1);
		tp_queue_item_free(&made);
	}
}

/* ---- hostile values ----------------------------------------------------- */

static void nothing_can_be_injected(void **state)
{
	static const char evil[] = "x\r\n\r\nBcc: evil@example.com\r\n--b\r\n"
				   "\nX-Evil: 1\rX-Evil: 2\x1b[2J\x7f\xc2\x85";
	char data[] = HEADER "\r\n";
	char message_id[] = "<a@b>\r\nX-Evil: 3\r\n";
	struct tp_queue_item item = original(data);
	struct tp_settled_rcpt rcpt =
		failed(evil, 550, evil, evil, TP_CLASS_PERMANENT);
	struct tp_bounce_request request = request_for(&item, &rcpt, 1);
	struct tp_queue_item made;

	(void)state;
	item.message_id = message_id;
	request.from = evil;
	request.reporting_host = evil;
	request.remote_host = evil;
	made = make(&request);
	expect_clean(&made, 1);
	expect_parts(&made, 3);
	assert_int_equal(count_lines_beginning(&made, "Bcc:"), 0);
	assert_int_equal(count_lines_beginning(&made, "X-Evil"), 0);
	assert_int_equal(count_lines_beginning(&made, "--b"), 0);
	expect_no_text(&made, "In-Reply-To");
	expect_no_text(&made, "Remote-MTA");
	tp_queue_item_free(&made);
}

static void long_words_of_a_server_are_cut_and_folded(void **state)
{
	char words[3000];
	char token[3000];
	struct tp_queue_item item;
	size_t i;

	(void)state;
	for (i = 0; i + 1 < sizeof(words); i++)
		words[i] = i % 10 == 9 ? ' ' : 'w';
	words[sizeof(words) - 1] = '\0';
	item = make_one(failed(
		"buyer@example.net", 550, "5.0.0", words, TP_CLASS_PERMANENT));
	expect_clean(&item, 1);
	expect_text(&item, "\r\n wwwwwwwww wwwwwwwww");
	expect_text(&item, "...\r\n");
	assert_true(item.data_len < 4000);
	tp_queue_item_free(&item);

	memset(token, 0xff, sizeof(token) - 1);
	token[sizeof(token) - 1] = '\0';
	item = make_one(failed(token, 550, "5.0.0", token, TP_CLASS_PERMANENT));
	expect_clean(&item, 1);
	tp_queue_item_free(&item);
}

static void fill_random(char *out, size_t max)
{
	size_t len = (size_t)tp_random_below(max);
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = (char)(1 + tp_random_below(255));
	out[len] = '\0';
}

static void random_values_always_make_a_clean_report(void **state)
{
	char data[600];
	char text[600];
	char address[300];
	char enhanced[16];
	char host[40];
	int i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		struct tp_queue_item item = original(data);
		struct tp_settled_rcpt rcpt = failed(address, 550, enhanced,
			text, (enum tp_class)tp_random_below(8));
		struct tp_bounce_request request = request_for(&item, &rcpt, 1);
		struct tp_queue_item made;

		fill_random(data, sizeof(data));
		fill_random(text, sizeof(text));
		fill_random(address, sizeof(address));
		fill_random(enhanced, sizeof(enhanced));
		fill_random(host, sizeof(host));
		item.data_len = strlen(data);
		request.from = host;
		request.reporting_host = host;
		request.remote_host = host;
		made = make(&request);
		expect_clean(&made, 1);
		tp_queue_item_free(&made);
	}
}

static void a_boundary_in_the_content_does_not_end_a_part(void **state)
{
	struct tp_queue_item first = make_one(
		failed("buyer@example.net", 550, "", "no", TP_CLASS_PERMANENT));
	char boundary[80];
	char data[200];
	struct tp_queue_item second;

	(void)state;
	read_boundary(&first, boundary);
	/* whoever has seen one report cannot end a part of the next */
	(void)snprintf(data, sizeof(data), "X: y\r\n--%s--\r\n\r\n", boundary);
	second = make_from_data(data, strlen(data));
	expect_parts(&second, 3);
	expect_text(&second, boundary);
	tp_queue_item_free(&first);
	tp_queue_item_free(&second);
}

/* ---- with the rest ------------------------------------------------------ */

static void the_report_passes_the_message_check_unchanged(void **state)
{
	struct tp_queue_item item = make_one(failed("buyer@example.net", 550,
		"5.1.1", "Empf\xc3\xa4nger", TP_CLASS_PERMANENT));
	const char *recipients[] = { "shop@example.com" };
	struct tp_message_input input = {
		.data = item.data,
		.len = item.data_len,
		.sender = "",
		.recipients = recipients,
		.recipient_count = 1,
	};
	struct tp_message_policy policy = {
		.from_policy = TP_FROM_KEEP,
		.max_bytes = 1 << 20,
		.recipients_max = 10,
	};
	struct tp_message message;
	struct tp_error err = TP_ERROR_INIT;

	(void)state;
	if (tp_message_prepare(&input, &policy, &clock_2026, &message, &err) <
		0)
		fail_msg("%s: %s", err.where, err.text);
	assert_int_equal(message.len, item.data_len);
	assert_memory_equal(message.data, item.data, item.data_len);
	assert_string_equal(message.message_id, item.message_id);
	assert_int_equal(message.eight_bit, 0);
	tp_message_free(&message);
	tp_queue_item_free(&item);
}

#ifdef TP_TEST_ALLOC
static void every_failed_allocation_leaves_nothing_behind(void **state)
{
	char data[] = "Subject: \xff\r\n\r\n";
	struct tp_queue_item item = original(data);
	struct tp_settled_rcpt rcpt = failed("b\xc3\xbc@example.net", 550,
		"5.1.1", "\xff", TP_CLASS_PERMANENT);
	struct tp_bounce_request request = request_for(&item, &rcpt, 1);
	struct tp_queue_item made;
	unsigned long n;
	int rc = TP_ENOMEM;

	(void)state;
	for (n = 1; rc == TP_ENOMEM; n++) {
		struct tp_error err = TP_ERROR_INIT;

		(void)tp_mem_fail_at(n);
		rc = tp_bounce_make(&request, &clock_2026, &made, &err);
		(void)tp_mem_fail_at(0);
		assert_int_equal(err.code, rc);
		if (rc < 0)
			assert_null(made.data);
	}
	assert_int_equal(rc, TP_OK);
	assert_true(n > 10);
	tp_queue_item_free(&made);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_refused_recipient_is_reported_in_three_parts),
		cmocka_unit_test(the_made_item_is_ready_for_the_queue),
		cmocka_unit_test(the_lifetime_can_be_set_and_saturates),
		cmocka_unit_test(only_failed_recipients_are_named),
		cmocka_unit_test(no_report_where_none_is_due),
		cmocka_unit_test(each_failure_gets_status_and_advice),
		cmocka_unit_test(the_body_is_never_attached),
		cmocka_unit_test(without_data_the_third_part_is_left_out),
		cmocka_unit_test(a_huge_header_is_cut_at_a_line),
		cmocka_unit_test(
			a_header_that_is_not_plain_is_quoted_printable),
		cmocka_unit_test(a_line_of_998_octets_stays_as_it_is),
		cmocka_unit_test(
			foreign_words_are_readable_and_the_status_is_ascii),
		cmocka_unit_test(
			a_foreign_recipient_takes_the_utf8_address_type),
		cmocka_unit_test(a_foreign_sender_makes_the_report_smtputf8),
		cmocka_unit_test(the_from_line_holds_an_address_in_any_case),
		cmocka_unit_test(nothing_can_be_injected),
		cmocka_unit_test(long_words_of_a_server_are_cut_and_folded),
		cmocka_unit_test(random_values_always_make_a_clean_report),
		cmocka_unit_test(a_boundary_in_the_content_does_not_end_a_part),
		cmocka_unit_test(the_report_passes_the_message_check_unchanged),
#ifdef TP_TEST_ALLOC
		cmocka_unit_test(every_failed_allocation_leaves_nothing_behind),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
