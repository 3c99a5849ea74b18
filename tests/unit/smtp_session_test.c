/*
 * smtp_session_test.c - the server side of SMTP, without a connection
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/smtp_path.h"
#include "sendmail/smtp_session.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OUT_BYTES (1 << 20)

/* A conversation and what came of it. */
struct talk {
	struct tp_smtp_session *session;
	int32_t status; /* what settle() is told */
	size_t step;	/* bytes at a time */
	int over;
	char *out;
	size_t out_len;
	char messages[4096]; /* "sender>a,b:data;" each */
};

static void begin(struct talk *talk, uint64_t max_bytes, size_t step)
{
	const struct tp_smtp_options options = { .host_name = "shop.example",
		.data_max_bytes = max_bytes,
		.smtputf8 = 1 };

	*talk = (struct talk) { .step = step };
	talk->out = calloc(1, OUT_BYTES);
	assert_non_null(talk->out);
	assert_int_equal(
		tp_smtp_session_new(&options, &talk->session), TILLPOST_OK);
}

static void end(struct talk *talk)
{
	tp_smtp_session_free(&talk->session);
	assert_null(talk->session);
	free(talk->out);
}

static void fetch(struct talk *talk)
{
	size_t len;
	const char *replies = tp_smtp_session_replies(talk->session, &len);

	assert_true(talk->out_len + len < OUT_BYTES);
	if (len > 0)
		memcpy(talk->out + talk->out_len, replies, len);
	talk->out_len += len;
}

static void take_message(struct talk *talk)
{
	struct tillpost_message message;
	size_t at = strlen(talk->messages);
	size_t room = sizeof(talk->messages) - at;
	uint32_t i;

	TILLPOST_INIT(&message);
	tp_smtp_session_message(talk->session, &message);
	at += (size_t)snprintf(talk->messages + at, room, "%s>",
		message.sender ? message.sender : "NULL");
	for (i = 0; i < message.recipient_count && at < 3000; i++)
		at += (size_t)snprintf(talk->messages + at,
			sizeof(talk->messages) - at, "%s%s", i ? "," : "",
			message.recipients[i]);
	(void)snprintf(talk->messages + at, sizeof(talk->messages) - at,
		":%.*s;", (int)message.data_bytes,
		message.data ? message.data : "");
	tp_smtp_session_settle(talk->session, talk->status,
		talk->status < 0 ? "the\nreason \xc3\xb6" : "id1");
}

static void say_bytes(struct talk *talk, const char *data, size_t len)
{
	while (len > 0 && !talk->over) {
		size_t piece =
			talk->step && talk->step < len ? talk->step : len;
		size_t used = 0;
		enum tp_smtp_event event =
			tp_smtp_session_feed(talk->session, data, piece, &used);

		assert_true(used <= piece);
		data += used;
		len -= used;
		if (event == TP_SMTP_MESSAGE)
			take_message(talk);
		fetch(talk);
		talk->over = event == TP_SMTP_OVER;
	}
	fetch(talk);
}

static void say(struct talk *talk, const char *text)
{
	say_bytes(talk, text, strlen(text));
}

/* ---- conversations ------------------------------------------------------ */

#define GREETING "220 shop.example ESMTP tillpost\r\n"
#define EHLO_REPLY                                               \
	"250-shop.example\r\n250-PIPELINING\r\n250-SIZE 100\r\n" \
	"250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
#define HELO "HELO x\r\n"
#define START GREETING "250 shop.example\r\n"
#define MAIL "MAIL FROM:<a@b.c>\r\n"
#define RCPT "RCPT TO:<x@y.z>\r\n"
#define DATA "DATA\r\n"
#define TO_DATA HELO MAIL RCPT DATA
#define OK_MAIL "250 2.1.0 Ok\r\n"
#define OK_RCPT "250 2.1.5 Ok\r\n"
#define OK_DATA "354 End with <CRLF>.<CRLF>\r\n"
#define AT_DATA START OK_MAIL OK_RCPT OK_DATA
#define OK_END "250 2.0.0 Ok: queued as id1\r\n"
#define OK "250 2.0.0 Ok\r\n"
#define BYE "221 2.0.0 Bye\r\n"

struct talk_case {
	const char *in;
	const char *out;
	const char *messages;
};

static const struct talk_case talks[] = {
	{ "EHLO [127.0.0.1]\r\n", GREETING EHLO_REPLY, "" },
	{ "ehlo x\r\nquit\r\n", GREETING EHLO_REPLY BYE, "" },
	{ TO_DATA "Hello\r\n.\r\nQUIT\r\n", AT_DATA OK_END BYE,
		"a@b.c>x@y.z:Hello\r\n;" },
	/* several messages, RSET, pipelining */
	{ TO_DATA "1\r\n.\r\n" MAIL "RCPT TO:<v@w.x>\r\n" RCPT DATA
		  "2\r\n.\r\n",
		AT_DATA OK_END OK_MAIL OK_RCPT OK_RCPT OK_DATA OK_END,
		"a@b.c>x@y.z:1\r\n;a@b.c>v@w.x,x@y.z:2\r\n;" },
	{ HELO MAIL RCPT "RSET\r\n" RCPT "MAIL FROM:<>\r\n" RCPT DATA ".\r\n",
		START OK_MAIL OK_RCPT OK
		"503 5.5.1 Say MAIL first\r\n" OK_MAIL OK_RCPT OK_DATA OK_END,
		">x@y.z:;" },
	/* senders */
	{ HELO "MAIL FROM:<www-data>\r\n" RCPT DATA ".\r\n",
		START OK_MAIL OK_RCPT OK_DATA OK_END, "NULL>x@y.z:;" },
	{ HELO "mail from: <a@b.c> SIZE=100 BODY=8BITMIME SMTPUTF8 \r\n",
		START OK_MAIL, "" },
	{ HELO "MAIL FROM:<a@b.c> SIZE=101\r\n",
		START "552 5.3.4 Message is too big\r\n", "" },
	{ HELO "MAIL FROM:<a@b.c> SIZE=99999999999999999999\r\n",
		START "552 5.3.4 Message is too big\r\n", "" },
	{ HELO "MAIL FROM:<a@b.c> SIZE=x\r\n",
		START "501 5.5.4 SIZE needs a number\r\n", "" },
	{ HELO "MAIL FROM:<a@b.c> AUTH=<>\r\n",
		START "555 5.5.4 Unknown parameter\r\n", "" },
	{ HELO "MAIL FROM:<a@b.c>x\r\n",
		START "501 5.1.7 Expected MAIL FROM:<address>\r\n", "" },
	{ HELO "MAIL FROM:a@b.c\r\n",
		START "501 5.1.7 Expected MAIL FROM:<address>\r\n", "" },
	{ HELO "MAIL FROM:<-a@b.c>\r\n",
		START "553 5.1.7 An address must not begin with \"-\"\r\n",
		"" },
	{ HELO "MAIL FROM:<\xc3\xb6@b.c>\r\n",
		START "553 5.6.7 Address needs SMTPUTF8\r\n", "" },
	{ HELO "MAIL FROM:<\xc3\xb6@b.c> SMTPUTF8\r\n", START OK_MAIL, "" },
	{ HELO MAIL MAIL,
		START OK_MAIL "503 5.5.1 There is a sender already\r\n", "" },
	{ MAIL, GREETING "503 5.5.1 Say EHLO first\r\n", "" },
	/* recipients */
	{ HELO RCPT, START "503 5.5.1 Say MAIL first\r\n", "" },
	{ HELO MAIL "RCPT TO:<root>\r\n",
		START OK_MAIL
		"550 5.1.1 No domain: there are no local users here\r\n",
		"" },
	{ HELO MAIL "RCPT TO:<>\r\n",
		START OK_MAIL "501 5.1.3 Expected RCPT TO:<address>\r\n", "" },
	{ HELO MAIL "RCPT TO:<@a,@b:x@y.z>\r\n",
		START OK_MAIL "501 5.1.3 Expected RCPT TO:<address>\r\n", "" },
	{ HELO MAIL "RCPT TO:<-x@y.z>\r\n",
		START OK_MAIL
		"553 5.1.3 An address must not begin with \"-\"\r\n",
		"" },
	{ HELO MAIL "RCPT TO:<x@y.z> NOTIFY=NEVER\r\n",
		START OK_MAIL "555 5.5.4 Unknown parameter\r\n", "" },
	{ HELO MAIL "RCPT TO:<\xc3\xb6@b.c>\r\n",
		START OK_MAIL "553 5.6.7 Address needs SMTPUTF8\r\n", "" },
	{ HELO MAIL DATA, START OK_MAIL "554 5.5.1 No valid recipients\r\n",
		"" },
	{ HELO DATA, START "503 5.5.1 Say MAIL first\r\n", "" },
	{ HELO MAIL RCPT "DATA x\r\n",
		START OK_MAIL OK_RCPT "501 5.5.4 DATA has no parameter\r\n",
		"" },
	/* the rest */
	{ "NOOP\r\nVRFY x\r\nEXPN x\r\nAUTH PLAIN\r\nSTARTTLS\r\nFOO\r\n\r\n",
		GREETING OK
		"252 2.5.0 Send it, and the relay will say\r\n"
		"502 5.5.1 Not implemented\r\n502 5.5.1 Not implemented\r\n"
		"502 5.5.1 Not implemented\r\n500 5.5.2 Unknown command\r\n"
		"500 5.5.2 Unknown command\r\n",
		"" },
	{ "HELO\r\n", GREETING "501 5.5.4 Expected HELO name\r\n", "" },
	{ "EHLO \r\n", GREETING "501 5.5.4 Expected EHLO name\r\n", "" },
	{ "NOOP\r\rx\r\n", GREETING "500 5.5.2 Control character\r\n", "" },
	/* dots */
	{ TO_DATA "..\r\n.a\r\n...\r\n.\r\n", AT_DATA OK_END,
		"a@b.c>x@y.z:.\r\na\r\n..\r\n;" },
	{ TO_DATA ".\r\r\n.\r\n", AT_DATA OK_END, "a@b.c>x@y.z:\r\r\n;" },
	/* smuggling: none of these ends the data */
	{ TO_DATA "a\n.\nMAIL\n.\r\nb\r\n.\r\n", AT_DATA OK_END,
		"a@b.c>x@y.z:a\n.\nMAIL\n.\r\nb\r\n;" },
	{ TO_DATA "a\r\n.\nMAIL\r\n.\r\n", AT_DATA OK_END,
		"a@b.c>x@y.z:a\r\n\nMAIL\r\n;" },
	{ TO_DATA "a\r.\r\nMAIL\r\n.\r\n", AT_DATA OK_END,
		"a@b.c>x@y.z:a\r.\r\nMAIL\r\n;" },
	{ TO_DATA "a\r\n.\rMAIL\r\n.\r\n", AT_DATA OK_END,
		"a@b.c>x@y.z:a\r\n\rMAIL\r\n;" },
	{ TO_DATA "a\n.\r\n", AT_DATA, "" },
	/* a bare LF in a command ends everything */
	{ HELO "MAIL FROM:<a@b.c>\nRCPT TO:<x@y.z>\r\nNOOP\r\n",
		START "521 5.5.2 Lines end with CR LF\r\n", "" },
	{ HELO MAIL "RCPT TO:<x@y.z>\nDATA\r\n",
		START OK_MAIL "521 5.5.2 Lines end with CR LF\r\n", "" },
	{ "QUIT\r\nNOOP\r\n", GREETING BYE, "" },
};

static void a_conversation_goes_as_the_rfc_says(void **state)
{
	static const size_t steps[] = { 0, 1, 2, 3, 7 };
	size_t i;
	size_t s;

	(void)state;
	for (i = 0; i < COUNT(talks); i++)
		for (s = 0; s < COUNT(steps); s++) {
			struct talk talk;

			begin(&talk, 100, steps[s]);
			say(&talk, talks[i].in);
			assert_string_equal(talk.out, talks[i].out);
			assert_string_equal(talk.messages, talks[i].messages);
			end(&talk);
		}
}

static void a_nul_byte_is_data_but_no_command(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 100, 1);
	say_bytes(&talk, "NOOP\0x\r\n", 8);
	assert_non_null(strstr(talk.out, "500 5.5.2 Control"));
	end(&talk);
}

/* ---- limits ------------------------------------------------------------- */

static void a_long_line_is_refused_and_the_next_one_read(void **state)
{
	static char line[3 * TP_SMTP_LINE_MAX_BYTES];
	size_t step;

	(void)state;
	memset(line, 'x', sizeof(line));
	for (step = 0; step < 1500; step += 499) {
		struct talk talk;

		begin(&talk, 100, step);
		say_bytes(&talk, line, sizeof(line));
		say(&talk, "\r\nNOOP\r\n");
		assert_string_equal(
			talk.out, GREETING "500 5.5.6 Line is too long\r\n" OK);
		end(&talk);
	}
}

static void a_long_line_with_a_bare_end_ends_the_session(void **state)
{
	static char line[3 * TP_SMTP_LINE_MAX_BYTES];
	struct talk talk;

	(void)state;
	memset(line, 'x', sizeof(line));
	begin(&talk, 100, 0);
	say_bytes(&talk, line, sizeof(line));
	say(&talk, "\nNOOP\r\n");
	assert_string_equal(
		talk.out, GREETING "521 5.5.2 Lines end with CR LF\r\n");
	end(&talk);
}

static void a_line_of_the_greatest_length_is_read(void **state)
{
	char line[TP_SMTP_LINE_MAX_BYTES + 2];
	struct talk talk;

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "NOOP", 4);
	line[TP_SMTP_LINE_MAX_BYTES - 1] = '\r';
	line[TP_SMTP_LINE_MAX_BYTES] = '\n';
	begin(&talk, 100, 0);
	say_bytes(&talk, line, TP_SMTP_LINE_MAX_BYTES + 1);
	assert_string_equal(talk.out, GREETING OK);
	end(&talk);
}

static void data_over_the_limit_is_read_and_refused(void **state)
{
	struct talk talk;
	int i;

	(void)state;
	begin(&talk, 100, 0);
	say(&talk, TO_DATA);
	for (i = 0; i < 11; i++)
		say(&talk, "12345678\r\n");
	say(&talk, ".\r\n" MAIL RCPT DATA);
	for (i = 0; i < 10; i++)
		say(&talk, "12345678\r\n");
	say(&talk, ".\r\n");
	assert_string_equal(talk.out,
		AT_DATA "552 5.3.4 Message is too big\r\n" OK_MAIL OK_RCPT
			OK_DATA OK_END);
	end(&talk);
}

static void too_many_recipients_are_for_another_transaction(void **state)
{
	struct talk talk;
	char line[64];
	int i;

	(void)state;
	begin(&talk, 100, 0);
	say(&talk, HELO MAIL);
	for (i = 0; i < TP_SMTP_RCPT_MAX_COUNT; i++) {
		(void)snprintf(line, sizeof(line), "RCPT TO:<r%d@y.z>\r\n", i);
		say(&talk, line);
	}
	assert_null(strstr(talk.out, "452"));
	say(&talk, RCPT);
	assert_non_null(strstr(talk.out, "452 4.5.3 Too many recipients\r\n"));
	say(&talk, DATA ".\r\n");
	assert_non_null(strstr(talk.messages, ">r0@y.z,r1@y.z,"));
	end(&talk);
}

static void a_client_that_only_errs_is_sent_away(void **state)
{
	struct talk talk;
	int i;

	(void)state;
	begin(&talk, 100, 0);
	for (i = 0; i <= TP_SMTP_ERROR_MAX_COUNT; i++) {
		assert_false(talk.over);
		say(&talk, "FOO\r\n");
	}
	assert_true(talk.over);
	assert_non_null(strstr(talk.out, "421 4.3.2 too many errors\r\n"));
	end(&talk);
}

static void replies_do_not_pile_up(void **state)
{
	static char noops[6 * 10000];
	struct talk talk;
	size_t used = 0;
	size_t len = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(noops); i += 6)
		memcpy(noops + i, "NOOP\r\n", 6);
	begin(&talk, 100, 0);
	assert_int_equal(
		tp_smtp_session_feed(talk.session, noops, sizeof(noops), &used),
		TP_SMTP_GO_ON);
	assert_true(used < sizeof(noops));
	(void)tp_smtp_session_replies(talk.session, &len);
	assert_true(len < TP_SMTP_OUT_MAX_BYTES + 600);
	say_bytes(&talk, noops + used, sizeof(noops) - used);
	assert_int_equal(
		talk.out_len + len, strlen(GREETING) + 10000 * strlen(OK));
	end(&talk);
}

/* ---- what became of it -------------------------------------------------- */

static void a_refusal_is_told_in_one_clean_line(void **state)
{
	static const struct {
		int32_t status;
		const char *code;
	} cases[] = {
		{ TILLPOST_EMESSAGE, "554 5.6.0" },
		{ TILLPOST_EADDRESS, "550 5.1.3" },
		{ TILLPOST_ETOOBIG, "552 5.3.4" },
		{ TILLPOST_EPERM, "550 5.7.1" },
		{ TILLPOST_ENOSPC, "452 4.3.1" },
		{ TILLPOST_EBUSY, "451 4.3.2" },
		{ TILLPOST_ECONFIG, "451 4.3.5" },
		{ TILLPOST_EIO, "451 4.3.0" },
		{ TILLPOST_ENOMEM, "451 4.3.0" },
		{ -1000, "451 4.3.0" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct talk talk;
		char want[512];

		begin(&talk, 100, 0);
		talk.status = cases[i].status;
		say(&talk, TO_DATA ".\r\n" MAIL);
		(void)snprintf(want, sizeof(want),
			AT_DATA "%s the?reason ??\r\n" OK_MAIL, cases[i].code);
		assert_string_equal(talk.out, want);
		end(&talk);
	}
}

static void a_long_reason_is_cut(void **state)
{
	char reason[2000];
	struct talk talk;
	size_t used;
	size_t len;

	(void)state;
	memset(reason, 'x', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	begin(&talk, 100, 0);
	say(&talk, TO_DATA);
	assert_int_equal(tp_smtp_session_feed(talk.session, ".\r\n", 3, &used),
		TP_SMTP_MESSAGE);
	tp_smtp_session_settle(talk.session, TILLPOST_EIO, reason);
	(void)tp_smtp_session_replies(talk.session, &len);
	assert_in_range(len, 400, 512);
	end(&talk);
}

static void leaving_in_the_data_is_noticed(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 100, 0);
	assert_false(tp_smtp_session_in_data(talk.session));
	say(&talk, TO_DATA "x\r\n.");
	assert_true(tp_smtp_session_in_data(talk.session));
	say(&talk, "\r\n");
	assert_false(tp_smtp_session_in_data(talk.session));
	tp_smtp_session_abort(talk.session, "late");
	fetch(&talk);
	assert_string_equal(talk.out, AT_DATA OK_END "421 4.3.2 late\r\n");
	end(&talk);
}

static void who_leaves_with_something_open_is_noticed(void **state)
{
	static const struct {
		const char *in;
		int32_t status;
		int may_leave;
	} cases[] = {
		{ "", TILLPOST_OK, 0 },
		{ HELO, TILLPOST_OK, 0 },
		{ "QUIT\r\n", TILLPOST_OK, 1 },
		{ HELO MAIL RCPT "QUIT\r\n", TILLPOST_OK, 1 },
		{ TO_DATA "x\r\n.\r\n", TILLPOST_OK, 1 },
		{ TO_DATA "x\r\n.\r\nRSET\r\nNOOP\r\n", TILLPOST_OK, 1 },
		{ TO_DATA "x\r\n.\r\nQUI", TILLPOST_OK, 0 },
		{ TO_DATA "x\r\n.\r\n" MAIL, TILLPOST_OK, 0 },
		{ TO_DATA "x\r\n.\r\n" MAIL "RSET\r\n", TILLPOST_OK, 0 },
		{ TO_DATA "x\r\n.\r\nMAIL x\r\n", TILLPOST_OK, 0 },
		{ TO_DATA "x\r\n.\r\nNOOP\n", TILLPOST_OK, 0 },
		{ TO_DATA "x\r\n.\r\n", TILLPOST_ENOSPC, 0 },
		{ TO_DATA "x\r\n", TILLPOST_OK, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct talk talk;

		begin(&talk, 100, 0);
		talk.status = cases[i].status;
		say(&talk, cases[i].in);
		if (tp_smtp_session_may_leave(talk.session) !=
			cases[i].may_leave)
			fail_msg("%s", cases[i].in);
		end(&talk);
	}
}

static void a_bad_host_name_is_left_out(void **state)
{
	static const char *const names[] = { NULL, "", "a b", "a\r\nb",
		"\xc3\xb6" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		const struct tp_smtp_options options = { .host_name =
								 names[i] };
		struct tp_smtp_session *session = NULL;
		const char *replies;
		size_t len;

		assert_int_equal(
			tp_smtp_session_new(&options, &session), TILLPOST_OK);
		replies = tp_smtp_session_replies(session, &len);
		assert_memory_equal(
			replies, "220 localhost ESMTP tillpost\r\n", len);
		tp_smtp_session_free(&session);
	}
}

/* ---- paths -------------------------------------------------------------- */

static void paths_are_read_strictly(void **state)
{
	static const struct {
		const char *in;
		const char *path; /* NULL: refused */
	} cases[] = {
		{ "<a@b.c>", "a@b.c" },
		{ "<>", "" },
		{ "<\"a b>\\\"c\"@d.e>", "\"a b>\\\"c\"@d.e" },
		{ "<a@[127.0.0.1]>", "a@[127.0.0.1]" },
		{ "<a@[IPv6:::1]>", "a@[IPv6:::1]" },
		{ "<root>", "root" },
		{ "<a+b=c/d@e-f.g>", "a+b=c/d@e-f.g" },
		{ "a@b.c", NULL },
		{ "<a@b.c", NULL },
		{ "<a@>", NULL },
		{ "<@b>", NULL },
		{ "<a b@c.d>", NULL },
		{ "<a@b c>", NULL },
		{ "<a@b@c>", NULL },
		{ "<\"a@b>", NULL },
		{ "<\"a\\", NULL },
		{ "<a@[1.2>", NULL },
		{ "<a@b.c,d@e.f>", NULL },
		{ "<a;b@c.d>", NULL },
		{ "", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		const char *at = cases[i].in;
		char path[TP_SMTP_PATH_BYTES];
		int rc = tp_smtp_path_read(&at, path);

		if (!cases[i].path) {
			if (rc == 0)
				fail_msg("%s: taken", cases[i].in);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_string_equal(path, cases[i].path);
		assert_int_equal(*at, '\0');
	}
}

static void paths_have_a_greatest_length(void **state)
{
	char text[400];
	char path[TP_SMTP_PATH_BYTES];
	size_t local;

	(void)state;
	for (local = 60; local < 70; local++) {
		const char *at = text;

		memset(text, 'a', sizeof(text));
		text[0] = '<';
		memcpy(text + 1 + local, "@b.c>", 6);
		assert_int_equal(
			tp_smtp_path_read(&at, path) == 0, local <= 64);
	}
	for (local = 240; local < 270; local++) {
		const char *at = text;

		memset(text, 'a', sizeof(text));
		text[0] = '<';
		text[2] = '@';
		memcpy(text + 1 + local, ">", 2);
		assert_int_equal(
			tp_smtp_path_read(&at, path) == 0, local <= 254);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_conversation_goes_as_the_rfc_says),
		cmocka_unit_test(a_nul_byte_is_data_but_no_command),
		cmocka_unit_test(a_long_line_is_refused_and_the_next_one_read),
		cmocka_unit_test(a_long_line_with_a_bare_end_ends_the_session),
		cmocka_unit_test(a_line_of_the_greatest_length_is_read),
		cmocka_unit_test(data_over_the_limit_is_read_and_refused),
		cmocka_unit_test(
			too_many_recipients_are_for_another_transaction),
		cmocka_unit_test(a_client_that_only_errs_is_sent_away),
		cmocka_unit_test(replies_do_not_pile_up),
		cmocka_unit_test(a_refusal_is_told_in_one_clean_line),
		cmocka_unit_test(a_long_reason_is_cut),
		cmocka_unit_test(leaving_in_the_data_is_noticed),
		cmocka_unit_test(who_leaves_with_something_open_is_noticed),
		cmocka_unit_test(a_bad_host_name_is_left_out),
		cmocka_unit_test(paths_are_read_strictly),
		cmocka_unit_test(paths_have_a_greatest_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
