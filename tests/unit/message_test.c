/*
 * message_test.c - tests of module/core/message*.c
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/header.h"
#include "core/message.h"

#define DATE "Date: Sat, 21 Nov 2026 18:33:29 +0000\r\n"
/* A message that needs nothing but a recipient. */
#define HEAD                                        \
	"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n" \
	"From: a@b.example\r\n"                     \
	"Message-ID: <1@b.example>\r\n"

static int64_t fixed_now_ms(void *ctx)
{
	(void)ctx;
	return 1795286009000;
}

static const struct tp_clock test_clock = { .now_ms = fixed_now_ms };
static const char *const one_recipient[] = { "to@r.example" };

static const struct tp_message_policy plain_policy = {
	.store_header = "X-Tillpost-Store",
	.max_bytes = 1 << 20,
	.recipients_max = 100,
};

static const struct tp_message_policy replace_policy = {
	.from = "store@s.example",
	.from_policy = TP_FROM_REPLACE,
	.store_header = "X-Tillpost-Store",
	.max_bytes = 1 << 20,
	.recipients_max = 100,
};

static int prepare_len(const char *data, size_t len,
	const struct tp_message_policy *policy, struct tp_message *out,
	struct tp_error *err)
{
	struct tp_message_input input = {
		.data = data,
		.len = len,
		.recipients = one_recipient,
		.recipient_count = 1,
	};

	return tp_message_prepare(&input, policy, &test_clock, out, err);
}

/* Prepares DATA for one recipient and compares what goes out. */
static void expect_with(const struct tp_message_policy *policy,
	const char *data, const char *want)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_message message;

	if (prepare_len(data, strlen(data), policy, &message, &err) != 0)
		fail_msg("%s: %s", err.where, err.text);
	assert_string_equal(message.data, want);
	assert_int_equal(message.len, strlen(want));
	tp_message_free(&message);
}

static void expect(const char *data, const char *want)
{
	expect_with(&plain_policy, data, want);
}

static void expect_refusal_len(const char *data, size_t len, int code,
	const char *where, const char *text)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_message message;
	int rc = prepare_len(data, len, &plain_policy, &message, &err);

	if (rc != code || strcmp(err.where, where) != 0 ||
		!strstr(err.text, text))
		fail_msg("%s\ngot %d %s: %s", data, rc, err.where, err.text);
	assert_null(message.data);
	assert_null(message.sender);
	assert_int_equal(message.recipients.count, 0);
}

static void expect_refusal(
	const char *data, int code, const char *where, const char *text)
{
	expect_refusal_len(data, strlen(data), code, where, text);
}

/* The recipients in one line. */
static void expect_recipients(
	const struct tp_message *message, const char *want)
{
	struct tp_buf got = TP_BUF_INIT(1 << 20);
	size_t i;

	for (i = 0; i < message->recipients.count; i++)
		assert_int_equal(tp_buf_printf(&got, "%s%s", i ? " " : "",
					 message->recipients.items[i].addr),
			0);
	assert_string_equal(tp_buf_str(&got), want);
	tp_buf_free(&got);
}

/* ---- line ends ---------------------------------------------------------- */

static void all_line_ends_become_crlf(void **state)
{
	static const struct {
		const char *body;
		const char *want;
	} cases[] = {
		{ "", "" },
		{ "\r\n", "\r\n" },
		{ "\n", "\r\n" },
		{ "\r", "\r\n" },
		{ "a", "a\r\n" },
		{ "a\r\n", "a\r\n" },
		{ "a\n", "a\r\n" },
		{ "a\r", "a\r\n" },
		{ "a\nb", "a\r\nb\r\n" },
		{ "a\rb\n", "a\r\nb\r\n" },
		{ "a\r\r\nb", "a\r\n\r\nb\r\n" },
		{ "a\n\rb", "a\r\n\r\nb\r\n" },
		{ "\n\n\r\n\r\r", "\r\n\r\n\r\n\r\n\r\n" },
		{ ".\n..\r\n.\r\n", ".\r\n..\r\n.\r\n" },
		{ "a\n.\nb\r\n.\r\nc\r.\rd", "a\r\n.\r\nb\r\n.\r\nc\r\n.\r\n"
					     "d\r\n" },
		{ "0123456\r\n01234567\n012345678\r", "0123456\r\n01234567\r\n"
						      "012345678\r\n" },
		{ "From me\n>From me\n", "From me\r\n>From me\r\n" },
		{ " \t\n\xff\xfe\x01\x7f\n", " \t\r\n\xff\xfe\x01\x7f\r\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char data[400];
		char want[400];

		(void)snprintf(
			data, sizeof(data), HEAD "\r\n%s", cases[i].body);
		(void)snprintf(
			want, sizeof(want), HEAD "\r\n%s", cases[i].want);
		expect(data, want);
	}
}

static void header_line_ends_are_normalised_too(void **state)
{
	(void)state;
	expect("Date: d\nFrom: a@b.example\nMessage-ID: <1@b>\n"
	       "Subject: a\n b\r\n\tc\nX:\n \n y\n\nbody\n",
		"Date: d\r\nFrom: a@b.example\r\nMessage-ID: <1@b>\r\n"
		"Subject: a\r\n b\r\n\tc\r\nX:\r\n \r\n y\r\n\r\nbody\r\n");
}

static void a_message_without_body_still_ends_its_header(void **state)
{
	(void)state;
	expect(HEAD "Subject: x", HEAD "Subject: x\r\n\r\n");
	expect(HEAD "Subject: x\r\n", HEAD "Subject: x\r\n\r\n");
	expect(HEAD "Subject: x\r\n\r\n", HEAD "Subject: x\r\n\r\n");
}

static void what_cannot_be_made_safe_is_refused(void **state)
{
	(void)state;
	expect_refusal("", TP_EMESSAGE, "message", "empty");
	expect_refusal("From a@b.example Sat\n" HEAD, TP_EMESSAGE, "header",
		"line 1: mbox");
	expect_refusal("hello\n", TP_EMESSAGE, "header", "line 1: not a");
	expect_refusal(HEAD "X: a\rBcc: e@v.example\r\n\r\n", TP_EMESSAGE,
		"header", "line 4: CR without LF");
	expect_refusal(HEAD "X: a\r\nRCPT TO:<e@v.example>\r\n\r\n",
		TP_EMESSAGE, "header", "line 5: white space");
	expect_refusal(HEAD "X: a\x1b[2J\r\n\r\n", TP_EMESSAGE, "header",
		"line 4: control character 0x1b");
	expect_refusal_len(HEAD "\r\na\0b", sizeof(HEAD) + 4, TP_EMESSAGE,
		"body", "NUL byte");
	expect_refusal_len(HEAD "\r\n0123456\0", sizeof(HEAD) + 9, TP_EMESSAGE,
		"body", "NUL byte");
	expect_refusal_len(HEAD "X: \0\r\n\r\n", sizeof(HEAD) + 7, TP_EMESSAGE,
		"header", "line 4: control character 0x00");
	expect_refusal(
		"Subject: x\n\nbody", TP_EMESSAGE, "From", "no From header");
	expect_refusal("From:\n\nbody", TP_EMESSAGE, "From", "no From header");
	expect_refusal("From: undisclosed:;\n\n", TP_EADDRESS, "From",
		"names no address");
	expect_refusal("From: Shop\n\n", TP_EADDRESS, "From", "no '@'");
	expect_refusal(HEAD "From: a@b.example\n\n", TP_EMESSAGE, "From",
		"line 4: a second From header, the first is on line 2");
}

/* ---- fields ------------------------------------------------------------- */

static void missing_fields_are_added_at_the_top(void **state)
{
	static const char data[] = "Subject: x\n\nbody\n";
	struct tp_message_policy policy = plain_policy;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_message message;
	char want[300];

	(void)state;
	policy.from = "Shop <a@b.example>";
	assert_int_equal(
		prepare_len(data, strlen(data), &policy, &message, &err), 0);
	(void)snprintf(want, sizeof(want),
		DATE "From: Shop <a@b.example>\r\nMessage-ID: %s\r\n"
		     "Subject: x\r\n\r\nbody\r\n",
		message.message_id);
	assert_string_equal(message.data, want);
	assert_int_equal(strlen(message.message_id), 10 + 1 + 8 + 12);
	assert_int_equal(message.message_id[0], '<');
	assert_int_equal(message.message_id[11], '.');
	assert_string_equal(message.message_id + 20, "@b.example>");
	assert_string_equal(message.from_addr, "a@b.example");
	tp_message_free(&message);
}

static int prepare_with_id(const char *data, const char *message_id,
	struct tp_message *out, struct tp_error *err)
{
	struct tp_message_input input = {
		.data = data,
		.len = strlen(data),
		.recipients = one_recipient,
		.recipient_count = 1,
		.message_id = message_id,
	};

	return tp_message_prepare(&input, &plain_policy, &test_clock, out, err);
}

static void a_given_message_id_is_used_where_there_is_none(void **state)
{
	static const char without[] = "Date: d\nFrom: a@b.example\n\n";
	static const char empty[] =
		"Date: d\nFrom: a@b.example\nMessage-ID:\n\n";
	static const char with[] =
		"Date: d\nFrom: a@b.example\nMessage-ID: <own@x>\n\n";
	struct tp_message message;

	(void)state;
	assert_int_equal(
		prepare_with_id(without, "<1.a@b.c>", &message, NULL), 0);
	assert_string_equal(message.message_id, "<1.a@b.c>");
	assert_string_equal(message.data,
		"Message-ID: <1.a@b.c>\r\nDate: d\r\nFrom: a@b.example\r\n\r\n");
	tp_message_free(&message);
	assert_int_equal(
		prepare_with_id(empty, "<1@[IPv6:::1]>", &message, NULL), 0);
	assert_string_equal(message.message_id, "<1@[IPv6:::1]>");
	tp_message_free(&message);
	/* then it does not even matter what it is */
	assert_int_equal(prepare_with_id(with, "<bad", &message, NULL), 0);
	assert_string_equal(message.message_id, "<own@x>");
	tp_message_free(&message);
}

/* It may come from a file that somebody else has written. */
static void a_given_message_id_carries_no_injection(void **state)
{
	static const char *const bad[] = { "", "<>", "<@>", "<a@>", "<@b>",
		"a@b", "<a@b", "a@b>", "<ab>", "<a@b>>", "<<a@b>", "<a@b@c>",
		"<a b@c>", "<a@b>\r\nBcc: x@y", "<a@b\r\nBcc: x@y>", "<a\n@b>",
		"<a@b\t>", "<\"a\"@b>", "<a(c)@b>", "<a\\@b>", "<\xc3\xbc@b>",
		"<a@b>, <c@d>" };
	static const char data[] = "From: a@b.example\n\n";
	char at_limit[1024];
	struct tp_message message;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tp_error err = TP_ERROR_INIT;

		if (prepare_with_id(data, bad[i], &message, &err) !=
			TP_EMESSAGE)
			fail_msg("%s was accepted", bad[i]);
		assert_string_equal(err.where, "message_id");
		assert_non_null(strstr(err.text, "<left@right>"));
	}
	memset(at_limit, 'x', sizeof(at_limit));
	at_limit[0] = '<';
	at_limit[2] = '@';
	memcpy(at_limit + 511, ">", 2);
	assert_int_equal(prepare_with_id(data, at_limit, &message, NULL), 0);
	tp_message_free(&message);
	memcpy(at_limit + 511, "x>", 3);
	assert_int_equal(
		prepare_with_id(data, at_limit, &message, NULL), TP_EMESSAGE);
}

static void from_may_be_missing_where_the_store_is_not_known(void **state)
{
	struct tp_message_policy policy = plain_policy;
	static const char data[] = "Date: d\nSubject: x\n\nbody";
	static const char with_from[] = "From: Ann <a@b.example>\n\n";
	static const char bad_from[] = "From: group:;\n\n";
	struct tp_error err = TP_ERROR_INIT;
	struct tp_message message;
	char want[300];

	(void)state;
	policy.from_optional = 1;
	assert_int_equal(
		prepare_len(data, strlen(data), &policy, &message, &err), 0);
	(void)snprintf(want, sizeof(want),
		"Message-ID: %s\r\nDate: d\r\nSubject: x\r\n\r\nbody\r\n",
		message.message_id);
	assert_string_equal(message.data, want);
	assert_non_null(strstr(message.message_id, "@localhost.invalid>"));
	assert_string_equal(message.sender, "");
	assert_null(message.from_addr);
	tp_message_free(&message);
	/* What there is is used, and checked, as ever. */
	assert_int_equal(prepare_len(with_from, strlen(with_from), &policy,
				 &message, &err),
		0);
	assert_string_equal(message.sender, "a@b.example");
	assert_string_equal(message.from_addr, "a@b.example");
	tp_message_free(&message);
	assert_int_equal(prepare_len(bad_from, strlen(bad_from), &policy,
				 &message, &err),
		TP_EADDRESS);
	policy.from = "s@s.example";
	assert_int_equal(
		prepare_len(data, strlen(data), &policy, &message, NULL), 0);
	assert_string_equal(message.from_addr, "s@s.example");
	assert_string_equal(message.sender, "s@s.example");
	tp_message_free(&message);
}

static void without_from_the_given_sender_is_used(void **state)
{
	struct tp_message_policy policy = plain_policy;
	struct tp_message_input input = {
		.data = "Subject: x\n\n",
		.len = 12,
		.sender = "www@Host.example",
		.recipients = one_recipient,
		.recipient_count = 1,
	};
	struct tp_message message;

	(void)state;
	policy.from_optional = 1;
	assert_int_equal(tp_message_prepare(
				 &input, &policy, &test_clock, &message, NULL),
		0);
	assert_string_equal(message.sender, "www@Host.example");
	assert_non_null(strstr(message.message_id, "@Host.example>"));
	tp_message_free(&message);
}

static void empty_date_and_message_id_count_as_missing(void **state)
{
	static const char data[] = "DATE:\nFrom: a@b.example\nMessage-Id: \n\n";
	struct tp_message message;

	(void)state;
	assert_int_equal(
		prepare_len(data, strlen(data), &plain_policy, &message, NULL),
		0);
	assert_int_equal(
		strncmp(message.data, DATE "Message-ID: <", strlen(DATE) + 13),
		0);
	assert_null(strstr(message.data, "DATE"));
	assert_null(strstr(message.data, "Message-Id"));
	tp_message_free(&message);
}

static void an_existing_message_id_is_kept_and_reported(void **state)
{
	static const char data[] = "From: a@b.example\nDate: x\n"
				   "message-id:\n  <odd one@x>\n\n";
	struct tp_message message;

	(void)state;
	assert_int_equal(
		prepare_len(data, strlen(data), &plain_policy, &message, NULL),
		0);
	assert_string_equal(message.message_id, "<odd one@x>");
	assert_string_equal(message.data,
		"From: a@b.example\r\nDate: x\r\n"
		"message-id:\r\n  <odd one@x>\r\n\r\n");
	tp_message_free(&message);
}

static void the_domain_of_a_made_id_is_the_first_ascii_one(void **state)
{
	static const struct {
		const char *id_domain;
		const char *from;
		const char *sender;
		const char *want;
	} cases[] = {
		{ "shop.example", "a@b.example", NULL, "@shop.example>" },
		{ NULL, "a@b.example", "c@d.example", "@b.example>" },
		{ NULL, "a@b\xc3\xbc.example", "c@d.example", "@d.example>" },
		{ NULL, "a@b\xc3\xbc.example", "", "@localhost.invalid>" },
		{ NULL, "a@[192.0.2.1]", NULL, "@[192.0.2.1]>" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tp_message_policy policy = plain_policy;
		struct tp_message message;
		char data[100];
		struct tp_message_input input = {
			.data = data,
			.sender = cases[i].sender,
			.recipients = one_recipient,
			.recipient_count = 1,
		};

		policy.id_domain = cases[i].id_domain;
		(void)snprintf(
			data, sizeof(data), "From: %s\n\n", cases[i].from);
		input.len = strlen(data);
		assert_int_equal(tp_message_prepare(&input, &policy,
					 &test_clock, &message, NULL),
			0);
		if (!strstr(message.message_id, cases[i].want))
			fail_msg("%s", message.message_id);
		tp_message_free(&message);
		policy.id_domain = "not a domain";
		assert_int_equal(tp_message_prepare(&input, &policy,
					 &test_clock, &message, NULL),
			TP_EADDRESS);
	}
}

static void fields_that_must_not_travel_are_removed(void **state)
{
	(void)state;
	expect(HEAD "bcc: x@y.example,\r\n z@y.example\r\nSubject: s\r\n"
		    "BCC: w@y.example\r\nReturn-Path: <q@y.example>\r\n"
		    "Resent-Bcc: r@y.example\r\nX-TILLPOST-STORE:\r\n eu\r\n"
		    "x-tillpost-store: us\r\nX-Tillpost-Store-2: stays\r\n"
		    "Original-Recipient: rfc822;x\r\nResent-Reply-To: x\r\n"
		    "Bccx: stays\r\n\r\nBcc: body stays\r\n",
		HEAD "Subject: s\r\nX-Tillpost-Store-2: stays\r\n"
		     "Bccx: stays\r\n\r\nBcc: body stays\r\n");
}

static void everything_else_stays_byte_for_byte(void **state)
{
	static const char data[] = HEAD
		"Received: from x by y;\r\n\tSat, 21 Nov 2026\r\n"
		"Received: from x by y;\r\n\tSat, 21 Nov 2026\r\n"
		"DKIM-Signature: v=1; a=rsa-sha256;   b=abc\r\n  def\r\n"
		"SUBJECT:=?utf-8?Q?Bestellung_=E2=82=AC?=\r\n"
		"To:  \"A,  B\"  <x@y.example> ,\r\n \r\n\tz@y.example  \r\n"
		"Cc:\r\n"
		"X-Raw: \xc3\xa4\xe2\x80\xa8\xc2\x85\xff \t\r\n"
		"Resent-To: q@y.example\r\nResent-From: not an address\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/mixed; boundary=\"=_x\"\r\n"
		"Sender: not an address\r\nReply-To: neither\r\n"
		"\r\n--=_x\r\n\r\n.\r\n..\r\n  \r\n\x01\x02\t\r\n--=_x--\r\n";

	(void)state;
	expect(data, data);
}

static void repeated_address_fields_become_one(void **state)
{
	(void)state;
	expect(HEAD "To: a@y.example\r\nSubject: s\r\n"
		    "to: B <b@y.example>,\r\n c@y.example,\r\n"
		    "TO: \r\nTo: a@y.example\r\nTo: G:;\r\n\r\n",
		HEAD "To: a@y.example,\r\n B <b@y.example>,\r\n c@y.example,"
		     "\r\n G:;\r\nSubject: s\r\n\r\n");
	expect(HEAD "Cc:\nCc: ,\nReply-To: a@y.example\n"
		    "Reply-To: b@y.example\n\n",
		HEAD "Cc:\r\nReply-To: a@y.example,\r\n b@y.example\r\n\r\n");
	expect_refusal(HEAD "To: \"a\nTo: b\" <c@y.example>\n\n", TP_EADDRESS,
		"To", "line 4: one of several To headers");
}

static void repeated_single_fields_must_say_the_same(void **state)
{
	static const char *const names[] = { "Subject", "Sender", "References",
		"In-Reply-To", "Disposition-Notification-To", "X-Free" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char data[300];
		char want[300];
		char text[100];

		(void)snprintf(data, sizeof(data),
			HEAD "%s: v\nTo: x@y.example\n%s:  v \n\n", names[i],
			names[i]);
		(void)snprintf(want, sizeof(want),
			HEAD "%s: v\r\nTo: x@y.example\r\n%s\r\n", names[i],
			i < 5 ? "" : "X-Free:  v \r\n");
		expect(data, want);
		if (i == 5)
			break;
		(void)snprintf(data, sizeof(data),
			HEAD "%s: v\nTo: x@y.example\n%s: w\n\n", names[i],
			names[i]);
		(void)snprintf(text, sizeof(text),
			"line 6: a second %s header, the first is on line 4",
			names[i]);
		expect_refusal(data, TP_EMESSAGE, names[i], text);
	}
	expect_refusal(HEAD "Date: now\n\n", TP_EMESSAGE, "Date", "line 4");
	expect_refusal(
		HEAD "message-id: <2@x>\n\n", TP_EMESSAGE, "Message-ID", "4");
}

/* ---- policy ------------------------------------------------------------- */

static void replacing_from_keeps_the_name_and_sets_reply_to(void **state)
{
	struct tp_message_policy named = replace_policy;

	(void)state;
	named.from = "\"The Store\" <store@s.example>";
	expect_with(&replace_policy,
		"Date: d\nFrom: Mr. Shop <a@b.example>\nMessage-ID: <1@b>\n\n",
		"Date: d\r\nFrom: \"Mr. Shop\" <store@s.example>\r\n"
		"Reply-To: Mr. Shop <a@b.example>\r\nMessage-ID: <1@b>\r\n"
		"\r\n");
	expect_with(&named, HEAD "\n",
		"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n"
		"From: \"The Store\" <store@s.example>\r\n"
		"Reply-To: a@b.example\r\nMessage-ID: <1@b.example>\r\n\r\n");
	/* a folded From with two mailboxes goes to Reply-To as it is */
	expect_with(&replace_policy,
		"Date: d\nFrom: A <a@b.example>,\n b@b.example\n"
		"Message-ID: <1@b>\n\n",
		"Date: d\r\nFrom: A <store@s.example>\r\n"
		"Reply-To: A <a@b.example>,\r\n b@b.example\r\n"
		"Message-ID: <1@b>\r\n\r\n");
}

static void an_existing_reply_to_or_the_same_address_adds_none(void **state)
{
	(void)state;
	expect_with(&replace_policy, HEAD "reply-to: r@b.example\n\n",
		"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n"
		"From: store@s.example\r\nMessage-ID: <1@b.example>\r\n"
		"reply-to: r@b.example\r\n\r\n");
	expect_with(&replace_policy,
		"Date: d\nFrom: S <store@S.example>\nMessage-ID: <1@b>\n\n",
		"Date: d\r\nFrom: S <store@s.example>\r\n"
		"Message-ID: <1@b>\r\n\r\n");
}

static void keeping_from_needs_the_store_address_only_when_missing(void **state)
{
	struct tp_message_policy policy = replace_policy;
	struct tp_message message;

	(void)state;
	policy.from_policy = TP_FROM_KEEP;
	expect_with(&policy, HEAD "\n", HEAD "\r\n");
	policy.from = "B\xc3\xbc"
		      "cher & mehr <store@s.example>";
	assert_int_equal(
		prepare_len("Subject: x\n", 11, &policy, &message, NULL), 0);
	assert_non_null(strstr(message.data,
		"\r\nFrom: =?UTF-8?Q?B=C3=BCcher_=26_mehr?= "
		"<store@s.example>\r\n"));
	assert_int_equal(message.smtputf8, 0);
	tp_message_free(&message);
}

static void bad_store_settings_are_named(void **state)
{
	static const char *const bad[] = { "Shop", "a@b.example, c@d.example",
		"", "a@b.example\r\nBcc: e@v.example", "G:;" };
	struct tp_message_policy policy = plain_policy;
	struct tp_message message;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tp_error err = TP_ERROR_INIT;

		policy.from = bad[i];
		assert_true(prepare_len(HEAD, strlen(HEAD), &policy, &message,
				    &err) < 0);
		assert_string_equal(err.where, "store setting from");
	}
}

static void the_reverse_path_follows_its_order(void **state)
{
	static const struct {
		const char *enforced;
		const char *sender;
		const char *store;
		const char *want; /* NULL: refused */
	} cases[] = {
		{ "e@x.example", "s@x.example", "f@x.example", "e@x.example" },
		{ "e@x.example", "", NULL, "e@x.example" },
		{ NULL, "s@x.example", "f@x.example", "s@x.example" },
		{ NULL, "", "f@x.example", "" },
		{ NULL, NULL, "F <f@x.example>", "f@x.example" },
		{ NULL, NULL, NULL, "a@b.example" },
		{ NULL, "s@x.example\r\nRCPT TO:<e@v.example>", NULL, NULL },
		{ NULL, "<s@x.example>", NULL, NULL },
		{ "bad", NULL, NULL, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tp_message_policy policy = plain_policy;
		struct tp_message message;
		struct tp_message_input input = {
			.data = HEAD,
			.len = strlen(HEAD),
			.sender = cases[i].sender,
			.recipients = one_recipient,
			.recipient_count = 1,
		};
		int rc;

		policy.from = cases[i].store;
		policy.envelope_from = cases[i].enforced;
		rc = tp_message_prepare(
			&input, &policy, &test_clock, &message, NULL);
		assert_int_equal(rc, cases[i].want ? 0 : TP_EADDRESS);
		if (cases[i].want)
			assert_string_equal(message.sender, cases[i].want);
		tp_message_free(&message);
	}
}

/* ---- recipients --------------------------------------------------------- */

static void recipients_come_from_the_call_and_on_request_from_headers(
	void **state)
{
	static const char data[] = HEAD
		"To: A <a@y.example>, b@y.example\n"
		"Cc: G: c@y.example;\nBcc: d@y.example\n"
		"Resent-To: no@y.example\nBcc: e@y.example, A@y.example\n\n";
	static const char *const names[] = { "z@y.example", "a@Y.example",
		"\"z\"@y.example" };
	struct tp_message_input input = {
		.data = data,
		.len = sizeof(data) - 1,
		.recipients = names,
		.recipient_count = 3,
	};
	struct tp_message_policy policy = plain_policy;
	struct tp_message message;

	(void)state;
	assert_int_equal(tp_message_prepare(
				 &input, &policy, &test_clock, &message, NULL),
		0);
	expect_recipients(&message, "z@y.example a@Y.example");
	tp_message_free(&message);

	input.recipients_from_headers = 1;
	policy.bcc_archive = "archive@s.example";
	assert_int_equal(tp_message_prepare(
				 &input, &policy, &test_clock, &message, NULL),
		0);
	expect_recipients(&message,
		"z@y.example a@Y.example b@y.example c@y.example d@y.example "
		"e@y.example A@y.example archive@s.example");
	assert_null(strstr(message.data, "archive"));
	tp_message_free(&message);

	policy.bcc_archive = "b@Y.EXAMPLE";
	input.recipient_count = 0;
	assert_int_equal(tp_message_prepare(
				 &input, &policy, &test_clock, &message, NULL),
		0);
	expect_recipients(&message,
		"a@y.example b@y.example c@y.example d@y.example e@y.example "
		"A@y.example");
	tp_message_free(&message);
}

static void no_recipient_and_bad_recipients_are_refused(void **state)
{
	static const char *const bad[] = { "ok@y.example", "oops" };
	static const struct {
		const char *data;
		size_t count;
		int from_headers;
		const char *where;
		const char *text;
	} cases[] = {
		{ HEAD "To: a@y.example\n\n", 0, 0, "recipients",
			"no valid recipient; name one" },
		{ HEAD "To: u:;\nCc:\n\n", 0, 1, "recipients",
			"no valid recipient; put an address" },
		{ HEAD "\n", 2, 0, "recipient 2", "no '@'" },
		{ HEAD "To: a@y.example\nCc: b@y.example, oops\n\n", 0, 1, "Cc",
			"address 2 (at byte 18)" },
		{ HEAD "Bcc: a@y.example b\n\n", 1, 1, "Bcc", "address 1" },
	};
	struct tp_message_policy policy = plain_policy;
	size_t i;

	(void)state;
	policy.bcc_archive = "archive@s.example";
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_message message;
		struct tp_message_input input = {
			.data = cases[i].data,
			.len = strlen(cases[i].data),
			.recipients = bad,
			.recipient_count = cases[i].count,
			.recipients_from_headers = cases[i].from_headers,
		};

		assert_int_equal(tp_message_prepare(&input, &policy,
					 &test_clock, &message, &err),
			TP_EADDRESS);
		if (strcmp(err.where, cases[i].where) != 0 ||
			!strstr(err.text, cases[i].text))
			fail_msg("%s: %s", err.where, err.text);
	}
}

static void the_limit_counts_recipients_once_and_not_the_archive(void **state)
{
	static const char *const names[] = { "a@y.example", "b@y.example",
		"a@y.example", "c@y.example" };
	struct tp_message_input input = {
		.data = HEAD,
		.len = sizeof(HEAD) - 1,
		.recipients = names,
		.recipient_count = 3,
	};
	struct tp_message_policy policy = plain_policy;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_message message;

	(void)state;
	policy.recipients_max = 2;
	policy.bcc_archive = "archive@s.example";
	assert_int_equal(tp_message_prepare(
				 &input, &policy, &test_clock, &message, NULL),
		0);
	assert_int_equal(message.recipients.count, 3);
	tp_message_free(&message);
	input.recipient_count = 4;
	assert_int_equal(tp_message_prepare(
				 &input, &policy, &test_clock, &message, &err),
		TP_ETOOBIG);
	assert_non_null(strstr(err.text, "3 recipients, the store allows 2"));
	input.recipient_count = 10000000;
	assert_int_equal(tp_message_prepare(
				 &input, &policy, &test_clock, &message, NULL),
		TP_ETOOBIG);
}

/* ---- facts and sizes ---------------------------------------------------- */

static void the_facts_of_a_message_are_reported(void **state)
{
	static const struct {
		const char *data;
		const char *recipient;
		int eight_bit;
		int smtputf8;
		size_t longest;
	} cases[] = {
		{ HEAD "\n", "a@b.example", 0, 0, 37 },
		{ HEAD "\n0123456789012345678901234567890123456789\n",
			"a@b.example", 0, 0, 40 },
		{ HEAD "\n0123456789012345678901234567890123456789\r0",
			"a@b.example", 0, 0, 40 },
		{ HEAD "\n\xc3\xa4", "a@b.example", 1, 0, 37 },
		{ HEAD "\n0123456\x80", "a@b.example", 1, 0, 37 },
		/* raw 8-bit in a header asks for 8BITMIME, not SMTPUTF8 */
		{ HEAD "Subject: \xc3\xa4\n\n", "a@b.example", 1, 0, 37 },
		{ HEAD "\n", "\xc3\xa4@b.example", 0, 1, 37 },
		{ HEAD "Bcc: \xc3\xa4@b.example\n\n", "a@b.example", 0, 0, 37 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tp_message message;
		struct tp_message_input input = {
			.data = cases[i].data,
			.len = strlen(cases[i].data),
			.recipients = &cases[i].recipient,
			.recipient_count = 1,
		};

		assert_int_equal(tp_message_prepare(&input, &plain_policy,
					 &test_clock, &message, NULL),
			0);
		assert_int_equal(message.eight_bit, cases[i].eight_bit);
		assert_int_equal(message.smtputf8, cases[i].smtputf8);
		assert_int_equal(message.longest_line, cases[i].longest);
		tp_message_free(&message);
	}
}

static void size_is_limited_before_and_after_normalisation(void **state)
{
	struct tp_message_policy policy = plain_policy;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_message message;
	size_t head = strlen(HEAD) + 2;

	(void)state;
	policy.max_bytes = head + 4;
	assert_int_equal(prepare_len(HEAD "\r\nab\r\n", head + 4, &policy,
				 &message, NULL),
		0);
	tp_message_free(&message);
	assert_int_equal(prepare_len(HEAD "\r\na\n\n", head + 3, &policy,
				 &message, &err),
		TP_ETOOBIG);
	assert_non_null(strstr(err.text, "the store allows"));
	/* what is removed does not count */
	assert_int_equal(prepare_len(HEAD "Bcc: x@y.example\r\n\r\nab\r\n",
				 head + 4 + 18, &policy, &message, NULL),
		0);
	tp_message_free(&message);
	/* refused by length alone: the bytes are not even looked at */
	assert_int_equal(
		prepare_len("x", (size_t)1 << 40, &policy, &message, NULL),
		TP_ETOOBIG);
}

static void header_bombs_are_refused(void **state)
{
	struct tp_buf data = TP_BUF_INIT(1 << 20);
	struct tp_message message;
	int i;

	(void)state;
	assert_int_equal(tp_buf_str_add(&data, HEAD), 0);
	for (i = 0; i < TP_HEADER_MAX_FIELDS - 3; i++)
		assert_int_equal(tp_buf_str_add(&data, "To: a@b.example\n"), 0);
	assert_int_equal(
		prepare_len(data.data, data.len, &plain_policy, &message, NULL),
		0);
	tp_message_free(&message);
	assert_int_equal(tp_buf_str_add(&data, "X: y\n"), 0);
	assert_int_equal(
		prepare_len(data.data, data.len, &plain_policy, &message, NULL),
		TP_ETOOBIG);
	tp_buf_clear(&data);
	/* grows beyond the limit only by getting CRLF */
	assert_int_equal(tp_buf_str_add(&data, HEAD "X:\n"), 0);
	for (i = 0; i < 100000; i++)
		assert_int_equal(tp_buf_str_add(&data, " \n"), 0);
	assert_int_equal(
		prepare_len(data.data, data.len, &plain_policy, &message, NULL),
		TP_ETOOBIG);
	tp_buf_free(&data);
}

/* Fills a message of LEN bytes whose body repeats UNIT. */
static char *big_message(size_t len, const char *unit)
{
	size_t unit_len = strlen(unit);
	size_t at = strlen(HEAD "\r\n");
	char *data = tp_alloc(len + 1);

	assert_non_null(data);
	memcpy(data, HEAD "\r\n", at);
	for (; at < len; at++)
		data[at] = unit[at % unit_len];
	return data;
}

static void hostile_bodies_take_linear_time(void **state)
{
	static const char *const units[] = { "\n", "\r", "\r\n", "a", "a\n",
		"a\r", "\n\r", "0123456789abcdefghijklmnopqrstuvwxyz\r",
		".\r\n", "\xff" };
	size_t len = 8 << 20;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct tp_message_policy policy = plain_policy;
		char *data = big_message(len, units[i]);
		struct tp_message message;
		clock_t start;

		policy.max_bytes = 3 * len;
		start = clock();
		assert_int_equal(
			prepare_len(data, len, &policy, &message, NULL), 0);
		/* 10 to 40 ms; room for sanitizers and a busy machine */
		assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
		assert_memory_equal(message.data + message.len - 2, "\r\n", 2);
		tp_message_free(&message);
		tp_free(data);
	}
}

static void preparing_twice_changes_nothing(void **state)
{
	static const char *const messages[] = {
		HEAD "\nbody\n",
		"From: Mr. J\xc3\xbc <a@b.example>\n\n",
		("From: \"A. B\" (c) <a@b.example>\nTo: a@b.example\nTo: b@c.d\n"
		 "Subject: x\n y\n\na\rb\nc"),
		"From: a@b.example <a@b.example>, c@d.example\nBcc: x@y.z\n\n",
		"From: =?utf-8?Q?a?= =?utf-8?Q?b?= [x] <a@b.example>\n\n.\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(messages) / sizeof(messages[0]); i++) {
		const struct tp_message_policy *policy =
			i % 2 ? &replace_policy : &plain_policy;
		struct tp_message first;
		struct tp_message second;

		assert_int_equal(
			prepare_len(messages[i / 2], strlen(messages[i / 2]),
				policy, &first, NULL),
			0);
		assert_int_equal(prepare_len(first.data, first.len, policy,
					 &second, NULL),
			0);
		assert_string_equal(first.data, second.data);
		assert_string_equal(first.message_id, second.message_id);
		tp_message_free(&first);
		tp_message_free(&second);
	}
}

/* ---- peek --------------------------------------------------------------- */

static void a_peek_finds_from_and_the_store_header(void **state)
{
	static const struct {
		const char *data;
		const char *from;
		const char *store;
	} cases[] = {
		{ "From: A <a@b.example>\nX-Tillpost-Store:  eu \n\n",
			"a@b.example", "eu" },
		{ "x-tillpost-store:\n eu\nx-tillpost-store: us\n", NULL,
			"eu" },
		{ "From:\nFrom: a@b.example\nFrom: c@d.example\n",
			"a@b.example", NULL },
		{ "From: oops\n\n", NULL, NULL },
		{ "From: a@b.example, oops\n\n", NULL, NULL },
		{ "\nFrom: a@b.example\n", NULL, NULL },
	};
	struct tp_message_hints hints;
	struct tp_error err = TP_ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			tp_message_peek(cases[i].data, strlen(cases[i].data),
				"X-Tillpost-Store", &hints, NULL),
			0);
		assert_true(tp_streq(hints.from_addr, cases[i].from));
		assert_true(tp_streq(hints.store_header, cases[i].store));
		tp_message_hints_free(&hints);
	}
	assert_int_equal(tp_message_peek("From: a@b.example\noops\n", 23, NULL,
				 &hints, &err),
		TP_EMESSAGE);
	assert_null(hints.from_addr);
	assert_non_null(strstr(err.text, "line 2"));
}

/* ---- injection ---------------------------------------------------------- */

/* What an attacker puts between an honest value and his own text ... */
static const struct {
	const char *bytes;
	size_t len;
} breaks[] = {
	{ "\r", 1 },
	{ "\n", 1 },
	{ "\r\n", 2 },
	{ "\n\r", 2 },
	{ "\r\r", 2 },
	{ "\r\r\n", 3 },
	{ "\r\n\t\n", 4 },
	{ "\r\n \r\n", 5 },
	{ "\n\t\n", 3 },
	{ "\r\n\r", 3 },
	{ "\0", 1 },
	{ "\0\r\n", 3 },
	{ "\r\0\n", 3 },
	{ "\v", 1 },
	{ "\f", 1 },
	{ "\x1c", 1 },
	{ "\x1d", 1 },
	{ "\x1e", 1 },
	{ "\x1b[1E", 4 },
	{ "\x08", 1 },
	{ "\xc2\x85", 2 },
	{ "\xe2\x80\xa8", 3 },
	{ "\xe2\x80\xa9", 3 },
	{ "\x85", 1 },
	{ "\xc0\x8a", 2 },
	{ "\xe5\x98\x8a", 3 }, /* U+560A: LF if cut to one byte */
	{ "\xe5\x98\x8d\xe5\x98\x8a", 6 },
	{ "%0d%0a", 6 },
	{ "\\r\\n", 4 },
	{ "=?utf-8?Q?=0D=0A?=", 18 },
	{ "\r\n ", 3 },
	{ "\n\t", 2 },
	{ " \r\n \r\n ", 8 },
};

/* ... and that text. */
static const char *const attacks[] = {
	"Bcc: evil@v.example",
	"bcc:evil@v.example",
	"Bcc : evil@v.example",
	" Bcc: evil@v.example",
	"\tBcc: evil@v.example",
	"To: evil@v.example",
	"X-Injected: yes",
	"RCPT TO:<evil@v.example>",
	".\r\nMAIL FROM:<evil@v.example>",
	">\r\nRCPT TO:<evil@v.example",
	", evil@v.example",
	"<evil@v.example>",
	"@v.example",
	"Content-Type: text/html\r\n\r\n<b>evil</b>",
	"",
	"oops",
};

#define BREAK_COUNT (sizeof(breaks) / sizeof(breaks[0]))
#define ATTACK_COUNT (sizeof(attacks) / sizeof(attacks[0]))

/* Builds payload N; every one of BREAK_COUNT * ATTACK_COUNT differs. */
static void payload(size_t n, struct tp_buf *out)
{
	size_t i = n % BREAK_COUNT;

	assert_int_equal(tp_buf_add(out, breaks[i].bytes, breaks[i].len), 0);
	assert_int_equal(tp_buf_str_add(out, attacks[n / BREAK_COUNT]), 0);
}

/* An independent, plain reading: lines that start a field in a header block
 * whose lines end at LF. */
static size_t count_fields(const char *data, size_t len)
{
	size_t count = 0;
	size_t at = 0;

	while (at < len && data[at] != '\n' && data[at] != '\r') {
		const char *end = memchr(data + at, '\n', len - at);

		if (data[at] != ' ' && data[at] != '\t')
			count++;
		at = end ? (size_t)(end - data) + 1 : len;
	}
	return count;
}

static void addresses_of_the_call_carry_no_injection(void **state)
{
	size_t refused = 0;
	size_t n;

	(void)state;
	for (n = 0; n < BREAK_COUNT * ATTACK_COUNT; n++) {
		struct tp_buf addr = TP_BUF_INIT(1000);
		const char *names[1];
		int field;

		assert_int_equal(tp_buf_str_add(&addr, "a@b.example"), 0);
		payload(n, &addr);
		names[0] = addr.data;
		/* a C string ends at NUL: then it is just "a@b.example" */
		for (field = 0; field < 5; field++) {
			struct tp_message_policy policy = plain_policy;
			struct tp_message message;
			struct tp_message_input input = {
				.data = HEAD,
				.len = sizeof(HEAD) - 1,
				.sender = field == 1 ? addr.data : NULL,
				.recipients =
					field == 0 ? names : one_recipient,
				.recipient_count = 1,
			};
			int rc;

			policy.from = field == 2 ? addr.data : NULL;
			policy.envelope_from = field == 3 ? addr.data : NULL;
			policy.bcc_archive = field == 4 ? addr.data : NULL;
			rc = tp_message_prepare(
				&input, &policy, &test_clock, &message, NULL);
			refused += rc < 0;
			if (rc == 0) {
				assert_null(memchr(message.sender, '\n',
					strlen(message.sender)));
				assert_true(message.recipients.count <=
					    (field == 4 ? 2u : 1u));
				assert_null(
					strstr(message.recipients.items[0].addr,
						"evil"));
				assert_null(strstr(message.sender, "evil"));
				assert_string_equal(message.data, HEAD "\r\n");
			}
			tp_message_free(&message);
		}
		tp_buf_free(&addr);
	}
	/* what remains: NUL at the place where the string ends, an empty
	 * fold behind store.from, a harmless longer domain */
	assert_true(refused > 4 * BREAK_COUNT * ATTACK_COUNT);
}

static void header_values_carry_no_injection(void **state)
{
	static const char *const names[] = { "Subject", "To", "From",
		"X-Tillpost-Store", "X-Order", "Message-ID" };
	size_t accepted = 0;
	size_t n;

	(void)state;
	for (n = 0; n < BREAK_COUNT * ATTACK_COUNT * 6; n++) {
		struct tp_buf data = TP_BUF_INIT(10000);
		struct tp_message message;
		size_t name = n % 6;
		size_t before;
		size_t own;

		assert_int_equal(
			tp_buf_printf(&data, "%s: a@b.example", names[name]),
			0);
		payload(n / 6, &data);
		assert_int_equal(tp_buf_str_add(&data, "\r\n"), 0);
		own = count_fields(data.data, data.len);
		if (name != 2)
			assert_int_equal(
				tp_buf_str_add(&data, "From: a@b.example\r\n"),
				0);
		assert_int_equal(tp_buf_str_add(&data, "\r\nbody\r\n"), 0);
		before = count_fields(data.data, data.len);
		if (prepare_len(data.data, data.len, &plain_policy, &message,
			    NULL) == 0) {
			accepted++;
			/* Date, Message-ID and nothing that a plain reader of
			 * the submitted lines would not have seen */
			assert_true(count_fields(message.data, message.len) <=
				    before + 2);
			if (own == 1 && name != 3)
				assert_true(count_fields(message.data,
						    message.len) <= 4);
			expect_recipients(&message, "to@r.example");
			assert_null(strstr(message.data, "\nBcc"));
			assert_null(strstr(message.data, "\nbcc"));
			assert_null(strstr(message.data, "\nRCPT"));
			assert_null(strstr(message.data, "\nMAIL"));
			assert_null(memchr(message.data, '\0', message.len));
			tp_message_free(&message);
		}
		tp_buf_free(&data);
	}
	assert_true(accepted > 0);
	assert_true(accepted < BREAK_COUNT * ATTACK_COUNT * 3);
}

static void over_long_folds_stay_one_field(void **state)
{
	struct tp_buf data = TP_BUF_INIT(1 << 20);
	struct tp_message message;
	int i;

	(void)state;
	assert_int_equal(tp_buf_str_add(&data, HEAD "Subject: a"), 0);
	for (i = 0; i < 20000; i++)
		assert_int_equal(tp_buf_str_add(&data, "\r\n Bcc: x"), 0);
	assert_int_equal(tp_buf_str_add(&data, "\r\n\r\n"), 0);
	assert_int_equal(
		prepare_len(data.data, data.len, &plain_policy, &message, NULL),
		0);
	assert_int_equal(count_fields(message.data, message.len), 4);
	assert_memory_equal(message.data, data.data, data.len);
	tp_message_free(&message);
	tp_buf_free(&data);
}

/* ---- memory ------------------------------------------------------------- */

#ifdef TP_TEST_ALLOC
static void every_failed_allocation_is_a_clean_error(void **state)
{
	static const char data[] =
		"From: Mr. X <x@b.example>\nTo: a@y.example, B <b@y.example>\n"
		"To: c@y.example\nBcc: d@y.example\nSubject: s\n\nbody\n";
	struct tp_message_policy policy = replace_policy;
	struct tp_message_input input = {
		.data = data,
		.len = sizeof(data) - 1,
		.recipients = one_recipient,
		.recipient_count = 1,
		.recipients_from_headers = 1,
	};
	unsigned long n;

	(void)state;
	policy.bcc_archive = "archive@s.example";
	for (n = 1; n < 1000; n++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_message message;
		int rc;

		tp_mem_fail_at(n);
		rc = tp_message_prepare(
			&input, &policy, &test_clock, &message, &err);
		tp_mem_fail_at(0);
		assert_int_equal(rc, err.code);
		if (rc == TP_OK) {
			assert_int_equal(message.recipients.count, 6);
			tp_message_free(&message);
			break;
		}
		assert_int_equal(rc, TP_ENOMEM);
		assert_null(message.data);
	}
	assert_true(n > 20 && n < 1000);
	for (n = 1; n < 100; n++) {
		struct tp_message_hints hints;
		int rc;

		tp_mem_fail_at(n);
		rc = tp_message_peek(
			data, sizeof(data) - 1, "Subject", &hints, NULL);
		tp_mem_fail_at(0);
		tp_message_hints_free(&hints);
		if (rc == TP_OK)
			break;
		assert_int_equal(rc, TP_ENOMEM);
	}
	assert_true(n > 3 && n < 100);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_line_ends_become_crlf),
		cmocka_unit_test(header_line_ends_are_normalised_too),
		cmocka_unit_test(a_message_without_body_still_ends_its_header),
		cmocka_unit_test(what_cannot_be_made_safe_is_refused),
		cmocka_unit_test(missing_fields_are_added_at_the_top),
		cmocka_unit_test(
			a_given_message_id_is_used_where_there_is_none),
		cmocka_unit_test(a_given_message_id_carries_no_injection),
		cmocka_unit_test(
			from_may_be_missing_where_the_store_is_not_known),
		cmocka_unit_test(without_from_the_given_sender_is_used),
		cmocka_unit_test(empty_date_and_message_id_count_as_missing),
		cmocka_unit_test(an_existing_message_id_is_kept_and_reported),
		cmocka_unit_test(
			the_domain_of_a_made_id_is_the_first_ascii_one),
		cmocka_unit_test(fields_that_must_not_travel_are_removed),
		cmocka_unit_test(everything_else_stays_byte_for_byte),
		cmocka_unit_test(repeated_address_fields_become_one),
		cmocka_unit_test(repeated_single_fields_must_say_the_same),
		cmocka_unit_test(
			replacing_from_keeps_the_name_and_sets_reply_to),
		cmocka_unit_test(
			an_existing_reply_to_or_the_same_address_adds_none),
		cmocka_unit_test(
			keeping_from_needs_the_store_address_only_when_missing),
		cmocka_unit_test(bad_store_settings_are_named),
		cmocka_unit_test(the_reverse_path_follows_its_order),
		cmocka_unit_test(
			recipients_come_from_the_call_and_on_request_from_headers),
		cmocka_unit_test(no_recipient_and_bad_recipients_are_refused),
		cmocka_unit_test(
			the_limit_counts_recipients_once_and_not_the_archive),
		cmocka_unit_test(the_facts_of_a_message_are_reported),
		cmocka_unit_test(
			size_is_limited_before_and_after_normalisation),
		cmocka_unit_test(header_bombs_are_refused),
		cmocka_unit_test(hostile_bodies_take_linear_time),
		cmocka_unit_test(preparing_twice_changes_nothing),
		cmocka_unit_test(a_peek_finds_from_and_the_store_header),
		cmocka_unit_test(addresses_of_the_call_carry_no_injection),
		cmocka_unit_test(header_values_carry_no_injection),
		cmocka_unit_test(over_long_folds_stay_one_field),
#ifdef TP_TEST_ALLOC
		cmocka_unit_test(every_failed_allocation_is_a_clean_error),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
