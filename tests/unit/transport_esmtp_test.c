/*
 * transport_esmtp_test.c - libESMTP behind the endpoint, against a fake relay
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "transport_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libesmtp.h>

#define PIPELINED "PIPELINING|8BITMIME"
#define STEPWISE "8BITMIME"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const servers[] = { PIPELINED, STEPWISE };

static const char *const one[] = { "a@example.test" };
static const char *const three[] = { "a@example.test", "b@example.test",
	"c@example.test" };
static const char *const middle_refused[] = { "a@example.test",
	"550.b@example.test", "c@example.test" };
static const char *const all_refused[] = { "550.a@example.test",
	"451.b@example.test" };

#define HEADER                                      \
	"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n" \
	"From: Shop <shop@example.test>\r\n"        \
	"Message-ID: <1@example.test>\r\n"

static const char small_text[] = HEADER "\r\nThank you.\r\n";

static void small_letter(struct letter *letter)
{
	letter_init(letter, one, 1, small_text, sizeof(small_text) - 1);
}

static void assert_class(
	const struct letter *letter, size_t i, enum tp_class want)
{
	struct tp_verdict verdict = letter_verdict(letter, i);

	assert_int_equal(letter->done_count, 1);
	if (verdict.cls != want)
		fail_msg("recipient %zu: %s where %s was due (rule %s): "
			 "mail %d, rcpt %d, data %d, trouble %s: %s",
			i, tp_class_name(verdict.cls), tp_class_name(want),
			verdict.rule, letter->tx.mail.code,
			letter->rcpt[i].code, letter->tx.data_reply.code,
			tp_step_name(letter->tx.trouble.step),
			letter->tx.trouble.text);
}

static void assert_trouble(const struct letter *letter, enum tp_step step,
	int code, const char *part)
{
	const struct tp_trouble *trouble = &letter->tx.trouble;

	assert_int_equal(letter->done_count, 1);
	assert_string_equal(tp_step_name(trouble->step), tp_step_name(step));
	assert_string_equal(tp_err_text(trouble->code), tp_err_text(code));
	if (!strstr(trouble->text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, trouble->text);
}

static void assert_received(
	const struct sending *sending, int i, const struct letter *letter)
{
	size_t len;
	const char *got = fake_relay_message(sending->server, i, &len);

	assert_int_equal(len, letter->tx.data_len);
	assert_true(memcmp(got, letter->tx.data, len) == 0);
}

static void assert_commands(const struct sending *sending, const char *want)
{
	assert_string_equal(fake_relay_commands(sending->server), want);
}

/* The relay never saw a second message, nor a piece of one. */
static void assert_nothing_sent(const struct sending *sending)
{
	assert_int_equal(fake_relay_dots(sending->server), 0);
}

/* ---- what goes well ----------------------------------------------------- */

static void one_message_takes_one_dialogue(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(servers); i++) {
		struct sending s;
		struct letter letter;

		sending_init(&s, servers[i]);
		small_letter(&letter);
		sending_all(&s, &letter, 1);
		assert_int_equal(s.session_rc, 1);
		sending_stop(&s);
		assert_class(&letter, 0, TP_CLASS_SENT);
		assert_true(letter.tx.duration_us > 0);
		assert_commands(&s, "EHLO shop.example.test\n"
				    "MAIL FROM:<shop@example.test>\n"
				    "RCPT TO:<a@example.test>\n"
				    "DATA\nQUIT\n");
		assert_int_equal(fake_relay_dots(s.server), 1);
		assert_received(&s, 0, &letter);
		sending_drop(&s);
	}
}

static void the_null_sender_is_an_empty_path(void **state)
{
	struct sending s;
	struct letter letter;

	(void)state;
	sending_init(&s, PIPELINED);
	small_letter(&letter);
	letter.tx.sender = "";
	sending_all(&s, &letter, 1);
	sending_stop(&s);
	assert_class(&letter, 0, TP_CLASS_SENT);
	assert_non_null(
		strstr(fake_relay_commands(s.server), "MAIL FROM:<>\n"));
	sending_drop(&s);
}

/* libESMTP's session objects are good for 100 messages each. */
static void many_messages_share_one_relay_connection(void **state)
{
	enum { COUNT_OF_LETTERS = 250 };
	static struct letter letters[COUNT_OF_LETTERS];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(servers); i++) {
		struct sending s;
		int at;

		sending_init(&s, servers[i]);
		for (at = 0; at < COUNT_OF_LETTERS; at++) {
			size_t len;
			char *text = letter_text(
				(size_t)(at * 7), (unsigned)at, &len);

			letter_init(&letters[at], three, 1 + (size_t)at % 3,
				text, len);
		}
		sending_all(&s, letters, COUNT_OF_LETTERS);
		assert_int_equal(s.session_rc, 1);
		assert_int_equal(s.session_count, 3);
		sending_stop(&s);
		assert_int_equal(fake_relay_connections(s.server), 1);
		assert_int_equal(fake_relay_dots(s.server), COUNT_OF_LETTERS);
		assert_null(strstr(fake_relay_commands(s.server), "RSET"));
		for (at = 0; at < COUNT_OF_LETTERS; at++) {
			assert_class(&letters[at], 0, TP_CLASS_SENT);
			assert_received(&s, at, &letters[at]);
			free((char *)(uintptr_t)letters[at].tx.data);
		}
		sending_drop(&s);
	}
}

static void an_idle_connection_tells_when_the_relay_hangs_up(void **state)
{
	struct sending s;
	struct letter letter;
	int tries;

	(void)state;
	sending_init(&s, PIPELINED);
	small_letter(&letter);
	sending_all(&s, &letter, 1);
	assert_int_equal(s.transport->ops->alive(s.connection), 1);
	assert_int_equal(s.transport->ops->info(s.connection)->pipelining, 1);
	fake_relay_stop(s.server);
	for (tries = 0; tries < 100; tries++) {
		struct timespec pause = { 0, 10000000 };

		if (!s.transport->ops->alive(s.connection))
			break;
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(s.transport->ops->alive(s.connection), 0);
	/* Whoever uses it all the same is told so, or he would try for ever. */
	letter.done_count = 0;
	sending_run(&s, &letter, 1);
	assert_int_equal(s.session_rc, 0);
	assert_class(&letter, 0, TP_CLASS_TEMPORARY);
	assert_trouble(&letter, TP_STEP_MAIL, TP_ECLOSED, "closed");
	sending_drop(&s);
}

/* ---- parameters and limits ---------------------------------------------- */

static void mail_parameters_follow_what_the_relay_offers(void **state)
{
	static const struct {
		const char *keywords;
		int eight_bit;
		int smtputf8;
		const char *mail;
	} rows[] = {
		{ "PIPELINING", 1, 0, "MAIL FROM:<shop@example.test>\n" },
		{ "8BITMIME", 0, 0, "MAIL FROM:<shop@example.test>\n" },
		{ "8BITMIME", 1, 0,
			"MAIL FROM:<shop@example.test> BODY=8BITMIME\n" },
		{ "SMTPUTF8|8BITMIME", 1, 1,
			"MAIL FROM:<shop@example.test> BODY=8BITMIME "
			"SMTPUTF8\n" },
		{ "SMTPUTF8", 0, 0, "MAIL FROM:<shop@example.test>\n" },
		{ "SIZE", 0, 0, "MAIL FROM:<shop@example.test>\n" },
		{ "SIZE 0", 0, 0, "MAIL FROM:<shop@example.test>\n" },
		{ "SIZE 115", 0, 0,
			"MAIL FROM:<shop@example.test> SIZE=115\n" },
	};
	size_t i;

	(void)state;
	assert_int_equal(sizeof(small_text) - 1, 115);
	for (i = 0; i < COUNT(rows); i++) {
		struct sending s;
		struct letter letter;

		sending_init(&s, rows[i].keywords);
		small_letter(&letter);
		letter.tx.eight_bit = rows[i].eight_bit;
		letter.tx.smtputf8 = rows[i].smtputf8;
		sending_all(&s, &letter, 1);
		sending_stop(&s);
		assert_class(&letter, 0, TP_CLASS_SENT);
		if (!strstr(fake_relay_commands(s.server), rows[i].mail))
			fail_msg("row %zu: %s", i,
				fake_relay_commands(s.server));
		sending_drop(&s);
	}
}

static void what_the_relay_cannot_take_is_not_even_offered(void **state)
{
	static const struct {
		const char *keywords;
		int smtputf8;
		int code;
		const char *text;
	} rows[] = {
		{ "PIPELINING|SIZE 114", 0, 552, "over the relay's limit" },
		{ "SIZE 114", 0, 552, "over the relay's limit" },
		{ "PIPELINING|8BITMIME", 1, 553, "SMTPUTF8" },
		{ "8BITMIME", 1, 553, "SMTPUTF8" },
	};
	static const char shorter[] = HEADER "\r\n";
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct sending s;
		struct letter letters[2];

		sending_init(&s, rows[i].keywords);
		small_letter(&letters[0]);
		letters[0].tx.smtputf8 = rows[i].smtputf8;
		letter_init(
			&letters[1], three, 1, shorter, sizeof(shorter) - 1);
		sending_all(&s, letters, 2);
		assert_int_equal(s.session_rc, 1);
		sending_stop(&s);
		assert_class(&letters[0], 0, TP_CLASS_PERMANENT);
		assert_int_equal(letters[0].tx.mail.code, rows[i].code);
		assert_non_null(strstr(letters[0].tx.mail.text, rows[i].text));
		assert_class(&letters[1], 0, TP_CLASS_SENT);
		assert_int_equal(fake_relay_messages(s.server), 1);
		assert_received(&s, 0, &letters[1]);
		sending_drop(&s);
	}
}

static void a_message_that_cannot_be_sent_spoils_no_other(void **state)
{
	struct sending s;
	struct letter letters[3];

	(void)state;
	sending_init(&s, PIPELINED);
	letter_init(&letters[0], one, 0, small_text, sizeof(small_text) - 1);
	letter_init(&letters[1], one, 1, small_text, 0);
	small_letter(&letters[2]);
	sending_all(&s, letters, 3);
	sending_stop(&s);
	assert_trouble(&letters[0], TP_STEP_LOCAL, TP_EINVAL, "not a message");
	assert_trouble(&letters[1], TP_STEP_LOCAL, TP_EINVAL, "not a message");
	assert_class(&letters[2], 0, TP_CLASS_SENT);
	assert_int_equal(fake_relay_dots(s.server), 1);
	sending_drop(&s);
}

/* ---- refusals ----------------------------------------------------------- */

static void one_refused_recipient_keeps_the_others(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(servers); i++) {
		struct sending s;
		struct letter letter;

		sending_init(&s, servers[i]);
		letter_init(&letter, middle_refused, 3, small_text,
			sizeof(small_text) - 1);
		sending_all(&s, &letter, 1);
		assert_int_equal(s.session_rc, 1);
		sending_stop(&s);
		assert_class(&letter, 0, TP_CLASS_SENT);
		assert_class(&letter, 1, TP_CLASS_PERMANENT);
		assert_string_equal(letter.rcpt[1].text, "as you wish");
		assert_class(&letter, 2, TP_CLASS_SENT);
		assert_int_equal(fake_relay_dots(s.server), 1);
		assert_received(&s, 0, &letter);
		sending_drop(&s);
	}
}

/* Nobody gets the message, whatever the relay says to DATA; and the next
 * message goes out on the same connection. */
static void all_recipients_refused_is_no_message(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 2 * COUNT(servers); i++) {
		struct sending s;
		struct letter letters[2];
		int pipelined = i % 2 == 0;
		size_t len = 1;

		sending_init(&s, servers[i % 2]);
		s.options.always_354 = i / 2 == 0;
		letter_init(&letters[0], all_refused, 2, small_text,
			sizeof(small_text) - 1);
		small_letter(&letters[1]);
		sending_all(&s, letters, 2);
		assert_int_equal(s.session_rc, 1);
		sending_stop(&s);
		assert_class(&letters[0], 0, TP_CLASS_PERMANENT);
		assert_class(&letters[0], 1, TP_CLASS_TEMPORARY);
		assert_int_equal(letters[0].tx.data_reply.code, 0);
		assert_class(&letters[1], 0, TP_CLASS_SENT);
		assert_int_equal(fake_relay_connections(s.server), 1);
		if (s.options.always_354 && pipelined) {
			/* DATA was on its way already: a lone dot ends it. */
			assert_int_equal(fake_relay_dots(s.server), 2);
			(void)fake_relay_message(s.server, 0, &len);
			assert_int_equal(len, 0);
		} else {
			assert_int_equal(fake_relay_dots(s.server), 1);
			assert_non_null(strstr(
				fake_relay_commands(s.server), "RSET\nMAIL"));
		}
		sending_drop(&s);
	}
}

static void a_refused_sender_ends_only_this_message(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 2 * COUNT(servers); i++) {
		struct sending s;
		struct letter letters[2];
		int temporary = i / 2 == 0;

		sending_init(&s, servers[i % 2]);
		small_letter(&letters[0]);
		letters[0].tx.sender = temporary ? "451.shop@example.test"
						 : "550.shop@example.test";
		small_letter(&letters[1]);
		sending_all(&s, letters, 2);
		assert_int_equal(s.session_rc, 1);
		sending_stop(&s);
		assert_class(&letters[0], 0,
			temporary ? TP_CLASS_TEMPORARY : TP_CLASS_PERMANENT);
		assert_class(&letters[1], 0, TP_CLASS_SENT);
		assert_int_equal(fake_relay_dots(s.server), 1);
		sending_drop(&s);
	}
}

static void a_refusal_of_data_or_dot_leaves_the_connection_good(void **state)
{
	static const struct {
		enum fake_step step;
		const char *say;
		enum tp_class cls;
	} rows[] = {
		{ FAKE_DATA, "451 4.3.0 later\r\n", TP_CLASS_TEMPORARY },
		{ FAKE_DATA, "550 5.7.1 never\r\n", TP_CLASS_PERMANENT },
		{ FAKE_DOT, "451 4.3.0 later\r\n", TP_CLASS_TEMPORARY },
		{ FAKE_DOT, "550 5.7.1 spam\r\n", TP_CLASS_PERMANENT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows) * COUNT(servers); i++) {
		size_t row = i / COUNT(servers);
		struct sending s;
		struct letter letters[2];
		const char *commands;

		sending_init(&s, servers[i % COUNT(servers)]);
		s.options.step = rows[row].step;
		s.options.fault = FAKE_SAY;
		s.options.say = rows[row].say;
		small_letter(&letters[0]);
		small_letter(&letters[1]);
		sending_all(&s, letters, 2);
		assert_int_equal(s.session_rc, 1);
		sending_stop(&s);
		assert_class(&letters[0], 0, rows[row].cls);
		assert_class(&letters[1], 0, rows[row].cls);
		assert_int_equal(fake_relay_connections(s.server), 1);
		commands = fake_relay_commands(s.server);
		assert_int_equal(strstr(commands, "RSET\nMAIL") != NULL,
			rows[row].step == FAKE_DATA);
		assert_null(strstr(commands, "Thank you"));
		sending_drop(&s);
	}
}

/* ---- leave for the body ------------------------------------------------- */

/* Asked once for each message whose body goes out, small or big, and for no
 * other. */
static void leave_is_asked_for_each_body_that_goes_out(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(servers); i++) {
		struct sending s;
		struct letter letters[5];
		size_t len;
		char *text = letter_text(200000, 1, &len);

		sending_init(&s, servers[i]);
		small_letter(&letters[0]);
		letter_init(&letters[1], all_refused, 2, text, len);
		letter_init(&letters[2], three, 3, text, len);
		small_letter(&letters[3]);
		letters[3].tx.smtputf8 = 1;
		small_letter(&letters[4]);
		sending_all(&s, letters, 5);
		sending_stop(&s);
		assert_class(&letters[4], 0, TP_CLASS_SENT);
		assert_int_equal(fake_relay_dots(s.server), 3);
		assert_int_equal(s.ready_count, 3);
		sending_drop(&s);
		free(text);
	}
}

static void without_leave_no_byte_of_the_body_goes_out(void **state)
{
	static const size_t sizes[] = { 10, 200000 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes) * COUNT(servers); i++) {
		struct sending s;
		struct letter letters[2];
		size_t len;
		char *text = letter_text(sizes[i / COUNT(servers)], 1, &len);

		sending_init(&s, servers[i % COUNT(servers)]);
		s.ready_rc = TP_ESTATE;
		letter_init(&letters[0], one, 1, text, len);
		small_letter(&letters[1]);
		sending_all(&s, letters, 2);
		assert_int_equal(s.session_rc, 0);
		sending_stop(&s);
		assert_int_equal(s.ready_count, 1);
		assert_int_equal(letters[0].done_count, 1);
		assert_int_equal(letters[0].tx.trouble.step, TP_STEP_LOCAL);
		assert_int_equal(letters[1].done_count, 0);
		assert_int_equal(fake_relay_messages(s.server), 1);
		(void)fake_relay_message(s.server, 0, &len);
		assert_int_equal(len, 0);
		sending_drop(&s);
		free(text);
	}
}

/* ---- the connection ends ------------------------------------------------ */

static const struct {
	enum fake_step fake;
	enum tp_step step;
	enum tp_class lost; /* when it breaks there without a word */
} steps[] = {
	{ FAKE_MAIL, TP_STEP_MAIL, TP_CLASS_TEMPORARY },
	{ FAKE_RCPT, TP_STEP_RCPT, TP_CLASS_TEMPORARY },
	{ FAKE_DATA, TP_STEP_DATA, TP_CLASS_TEMPORARY },
	{ FAKE_BODY, TP_STEP_BODY, TP_CLASS_TEMPORARY },
	{ FAKE_DOT, TP_STEP_DOT, TP_CLASS_UNKNOWN },
};

/* More than the kernel keeps for both ends: the relay must read. */
#define BIG_BYTES (8u << 20)

static void break_at(size_t i, enum fake_fault fault, const char *say,
	struct sending *s, struct letter *letters)
{
	size_t row = i / COUNT(servers);
	static char *big;
	size_t len;

	sending_init(s, servers[i % COUNT(servers)]);
	s->options.step = steps[row].fake;
	s->options.fault = fault;
	s->options.say = say;
	small_letter(&letters[0]);
	if (steps[row].step == TP_STEP_BODY) {
		big = letter_text(BIG_BYTES, 1, &len);
		letter_init(&letters[0], one, 1, big, len);
	}
	small_letter(&letters[1]);
	sending_all(s, letters, 2);
	sending_stop(s);
	free(big);
	big = NULL;
}

static void a_421_is_temporary_at_every_step_and_ends_the_connection(
	void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(steps) * COUNT(servers); i++) {
		struct sending s;
		struct letter letters[2];
		const struct tp_transaction *tx = &letters[0].tx;

		break_at(i, FAKE_SAY_CLOSE, "421 4.3.2 going down\r\n", &s,
			letters);
		assert_int_equal(s.session_rc, 0);
		assert_class(&letters[0], 0, TP_CLASS_TEMPORARY);
		assert_int_equal(
			letter_verdict(&letters[0], 0).scope, TP_SCOPE_RELAY);
		assert_true(tx->trouble.reply.code == 421 ||
			    tx->data_reply.code == 421);
		assert_int_equal(letters[1].done_count, 0);
		assert_int_equal(fake_relay_connections(s.server), 1);
		sending_drop(&s);
	}
}

static void a_lost_connection_is_in_doubt_only_after_the_dot(void **state)
{
	static const enum fake_fault faults[] = { FAKE_CLOSE, FAKE_RESET };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(faults) * COUNT(steps) * COUNT(servers); i++) {
		size_t cell = i / COUNT(faults);
		size_t row = cell / COUNT(servers);
		struct sending s;
		struct letter letters[2];

		break_at(cell, faults[i % COUNT(faults)], NULL, &s, letters);
		assert_int_equal(s.session_rc, 0);
		assert_class(&letters[0], 0, steps[row].lost);
		assert_trouble(
			&letters[0], steps[row].step, TP_ECLOSED, "connection");
		assert_int_equal(letters[1].done_count, 0);
		sending_drop(&s);
	}
}

static void a_reply_too_many_decides_about_nobody(void **state)
{
	static const char *const says[] = {
		"250 2.0.0 ok\r\n250 2.0.0 extra\r\n",
		"250 2.0.0 ok\r\n550 5.1.1 extra\r\n",
	};
	static const enum fake_step where[] = { FAKE_MAIL, FAKE_RCPT };
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		struct sending s;
		struct letter letter;
		size_t rcpt;

		sending_init(&s, servers[i % 2]);
		s.options.step = where[i / 2 % 2];
		s.options.fault = FAKE_SAY;
		s.options.say = says[i / 4];
		letter_init(&letter, middle_refused, 3, small_text,
			sizeof(small_text) - 1);
		sending_all(&s, &letter, 1);
		assert_int_equal(s.session_rc, 0);
		sending_stop(&s);
		for (rcpt = 0; rcpt < 3; rcpt++)
			assert_class(&letter, rcpt, TP_CLASS_TEMPORARY);
		assert_trouble(&letter, letter.tx.trouble.step, TP_EPROTO,
			"out of step");
		assert_nothing_sent(&s);
		sending_drop(&s);
	}
}

/* Here the replies fit the commands to the end; only their moment tells. */
static void a_reply_before_its_command_is_no_answer(void **state)
{
	static const char *const last_refused[] = { "a@example.test",
		"550.b@example.test" };
	struct sending s;
	struct letter letter;

	(void)state;
	sending_init(&s, STEPWISE);
	s.options.step = FAKE_MAIL;
	s.options.fault = FAKE_SAY;
	s.options.say = "250 2.0.0 ok\r\n250 2.0.0 extra\r\n";
	letter_init(
		&letter, last_refused, 2, small_text, sizeof(small_text) - 1);
	sending_all(&s, &letter, 1);
	assert_int_equal(s.session_rc, 0);
	sending_stop(&s);
	assert_class(&letter, 0, TP_CLASS_TEMPORARY);
	assert_class(&letter, 1, TP_CLASS_TEMPORARY);
	assert_trouble(&letter, TP_STEP_RCPT, TP_EPROTO, "out of step");
	assert_nothing_sent(&s);
	sending_drop(&s);
}

static void only_a_reply_that_follows_the_dot_answers_it(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(servers); i++) {
		struct sending s;
		struct letter letters[2];

		sending_init(&s, servers[i]);
		s.options.step = FAKE_DATA;
		s.options.fault = FAKE_SAY;
		s.options.say = "354 go on\r\n250 2.0.0 stored already\r\n";
		small_letter(&letters[0]);
		small_letter(&letters[1]);
		sending_all(&s, letters, 2);
		assert_int_equal(s.session_rc, 0);
		sending_stop(&s);
		assert_class(&letters[0], 0, TP_CLASS_TEMPORARY);
		assert_trouble(&letters[0], TP_STEP_BODY, TP_EPROTO,
			"no place for its reply 250 stored already");
		assert_int_equal(letters[1].done_count, 0);
		assert_nothing_sent(&s);
		sending_drop(&s);
	}
}

/* The message has its answer; what the rest means nobody can tell, so the
 * next message is not given to this connection. */
static void a_reply_too_many_to_the_dot_ends_the_connection(void **state)
{
	struct sending s;
	struct letter letters[2];

	(void)state;
	sending_init(&s, PIPELINED);
	s.options.step = FAKE_DOT;
	s.options.fault = FAKE_SAY;
	s.options.say = "250 2.0.0 stored\r\n550 5.0.0 extra\r\n";
	small_letter(&letters[0]);
	small_letter(&letters[1]);
	sending_all(&s, letters, 2);
	assert_int_equal(s.session_rc, 0);
	sending_stop(&s);
	assert_class(&letters[0], 0, TP_CLASS_SENT);
	assert_int_equal(letters[1].done_count, 0);
	assert_int_equal(fake_relay_dots(s.server), 1);
	sending_drop(&s);
}

static void success_to_data_or_354_elsewhere_is_out_of_step(void **state)
{
	static const struct {
		enum fake_step step;
		const char *say;
		enum tp_step where;
		enum tp_class cls;
	} rows[] = {
		{ FAKE_MAIL, "354 go\r\n", TP_STEP_MAIL, TP_CLASS_TEMPORARY },
		{ FAKE_RCPT, "354 go\r\n", TP_STEP_RCPT, TP_CLASS_TEMPORARY },
		{ FAKE_DATA, "250 ok\r\n", TP_STEP_DATA, TP_CLASS_TEMPORARY },
		{ FAKE_DATA, "334 ok\r\n", TP_STEP_DATA, TP_CLASS_TEMPORARY },
		{ FAKE_DOT, "354 go\r\n", TP_STEP_DOT, TP_CLASS_UNKNOWN },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows) * COUNT(servers); i++) {
		size_t row = i / COUNT(servers);
		struct sending s;
		struct letter letter;

		sending_init(&s, servers[i % COUNT(servers)]);
		s.options.step = rows[row].step;
		s.options.fault = FAKE_SAY;
		s.options.say = rows[row].say;
		small_letter(&letter);
		sending_all(&s, &letter, 1);
		assert_int_equal(s.session_rc, 0);
		sending_stop(&s);
		assert_class(&letter, 0, rows[row].cls);
		assert_trouble(
			&letter, rows[row].where, TP_EPROTO, "out of step");
		sending_drop(&s);
	}
}

static void a_relay_that_closes_between_messages_costs_none(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 20; i++) {
		struct sending s;
		struct letter letters[2];

		sending_init(&s, servers[i % COUNT(servers)]);
		s.options.step = FAKE_DOT;
		s.options.fault = FAKE_SAY_CLOSE;
		s.options.say = "250 2.0.0 stored\r\n421 4.7.0 enough\r\n";
		small_letter(&letters[0]);
		small_letter(&letters[1]);
		sending_all(&s, letters, 2);
		assert_int_equal(s.session_rc, 0);
		sending_stop(&s);
		assert_class(&letters[0], 0, TP_CLASS_SENT);
		assert_int_equal(letters[1].done_count, 0);
		sending_drop(&s);
	}
}

static void *interrupt_later(void *arg)
{
	struct sending *s = arg;
	struct timespec pause = { 0, 200000000 };

	(void)nanosleep(&pause, NULL);
	tp_interrupt_fire(&s->interrupt);
	return NULL;
}

static void an_interrupted_session_ends_at_once(void **state)
{
	struct sending s;
	struct letter letter;
	pthread_t thread;

	(void)state;
	sending_init(&s, PIPELINED);
	s.options.step = FAKE_DOT;
	s.options.fault = FAKE_STALL;
	s.relay.final_timeout_ms = 60000;
	small_letter(&letter);
	sending_start(&s);
	assert_int_equal(sending_connect(&s), TP_OK);
	assert_int_equal(pthread_create(&thread, NULL, interrupt_later, &s), 0);
	sending_run(&s, &letter, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.session_rc, 0);
	assert_true(s.took_ms < 5000);
	assert_class(&letter, 0, TP_CLASS_UNKNOWN);
	sending_drop(&s);
}

/* ---- bytes -------------------------------------------------------------- */

static void send_and_compare(const char *keywords, const char *text, size_t len)
{
	struct sending s;
	struct letter letter;

	sending_init(&s, keywords);
	letter_init(&letter, one, 1, text, len);
	letter.tx.eight_bit = 1;
	sending_all(&s, &letter, 1);
	sending_stop(&s);
	assert_class(&letter, 0, TP_CLASS_SENT);
	assert_int_equal(fake_relay_dots(s.server), 1);
	assert_received(&s, 0, &letter);
	sending_drop(&s);
}

static void every_byte_of_every_size_arrives(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 2046, 2047, 2048, 2049,
		2050, 4096, 32766, 32767, 32768, 65535, 65536, 65537, 1 << 20,
		25 << 20 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		size_t len;
		char *text = letter_text(sizes[i], (unsigned)i, &len);

		send_and_compare(servers[i % COUNT(servers)], text, len);
		free(text);
	}
}

/* Every place of a dot relative to the buffers of libESMTP and endpoint. */
static void a_dot_survives_at_every_place(void **state)
{
	size_t shift;

	(void)state;
	for (shift = 0; shift < 8; shift++) {
		size_t len = 70000;
		char *text = malloc(len + 1);
		size_t at = (size_t)snprintf(text, len,
			HEADER "X: %.*s\r\n\r\n", (int)shift, "1234567");

		assert_non_null(text);
		while (at + 3 <= len) {
			memcpy(text + at, ".\r\n", 3);
			at += 3;
		}
		send_and_compare(servers[shift % 2], text, at);
		free(text);
	}
}

static void unusual_but_complete_messages_arrive_unchanged(void **state)
{
	static const char *const texts[] = {
		HEADER "\r\n",
		HEADER "\r\n\r\n",
		HEADER "\r\n.\r\n",
		HEADER "\r\n..\r\n.",
		HEADER "Subject: folded\r\n over\r\n\tthree lines\r\n\r\nx\r\n",
		HEADER "Subject:\r\n \r\n x\r\n\r\n \r\nx\r\n",
		HEADER "Received: one\r\nReceived: two\r\n\r\nx\r\n",
		HEADER "X-Order: 1\r\nX-Order: 2\r\nBcc: c@example.test\r\n"
		       "\r\nx\r\n",
		HEADER "subject: case\r\nto: a@example.test\r\n\r\nFrom: x\r\n",
	};
	static char line[70000];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		char text[512];

		/* All of them end with a line end, as stored messages do. */
		(void)snprintf(text, sizeof(text), "%s", texts[i]);
		if (text[strlen(text) - 1] != '\n')
			(void)snprintf(text, sizeof(text), "%s\r\n", texts[i]);
		send_and_compare(servers[i % 2], text, strlen(text));
	}
	/* A line longer than any buffer on the way. */
	(void)snprintf(line, sizeof(line), HEADER "\r\n.%0*d\r\n", 69000, 7);
	send_and_compare(PIPELINED, line, strlen(line));
}

/* ---- the integrity check ------------------------------------------------ */

static void what_libesmtp_would_change_is_not_sent(void **state)
{
	static const char *const texts[] = {
		/* removed by libESMTP */
		"Return-Path: <x@example.test>\r\n" HEADER "\r\nx\r\n",
		HEADER "Original-Recipient: rfc822;x@example.test\r\n\r\nx\r\n",
		HEADER "From: Other <other@example.test>\r\n\r\nx\r\n",
		HEADER "To: a@example.test\r\nTo: b@example.test\r\n\r\nx\r\n",
		/* added by libESMTP */
		"Subject: no date\r\n\r\nx\r\n",
		HEADER "Subject: no end of the header\r\n",
		HEADER "\r\nno end of the line",
		/* line ends that are none */
		HEADER "X: a\n.b\r\n\r\nx\r\n",
		HEADER "X: a\n.\r\n\r\nx\r\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts) * COUNT(servers); i++) {
		const char *text = texts[i / COUNT(servers)];
		struct sending s;
		struct letter letters[2];

		sending_init(&s, servers[i % COUNT(servers)]);
		letter_init(&letters[0], three, 3, text, strlen(text));
		small_letter(&letters[1]);
		sending_all(&s, letters, 2);
		assert_int_equal(s.session_rc, 0);
		sending_stop(&s);
		assert_trouble(
			&letters[0], TP_STEP_LOCAL, TP_ESTATE, "integrity");
		assert_class(&letters[0], 0, TP_CLASS_TEMPORARY);
		assert_int_equal(
			letter_verdict(&letters[0], 0).scope, TP_SCOPE_MESSAGE);
		assert_int_equal(letters[1].done_count, 0);
		assert_nothing_sent(&s);
		sending_drop(&s);
	}
}

/* Only CRLF . CRLF is the end of a message; nothing in it becomes a command. */
static void a_smuggled_end_of_message_is_data(void **state)
{
	static const char *const ends[] = { "\n.\n", "\n.\r\n", "\r\n.\n",
		"\r.\r", "\r\n.\r" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ends) * COUNT(servers); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text),
			HEADER "\r\nx%sMAIL FROM:<evil@example.test>\r\n"
			       "RCPT TO:<x@example.test>\r\nDATA\r\ny\r\n",
			ends[i / COUNT(servers)]);
		send_and_compare(
			servers[i % COUNT(servers)], text, strlen(text));
	}
}

static void a_line_end_in_an_address_reaches_no_relay(void **state)
{
	static const char injected[] = "a@example.test>\r\nRSET\r\nX<";
	static const char *const recipients[] = { "a@example.test", injected };
	size_t i;

	(void)state;
	for (i = 0; i < 2 * COUNT(servers); i++) {
		struct sending s;
		struct letter letter;
		int in_sender = i / 2 == 0;

		sending_init(&s, servers[i % 2]);
		small_letter(&letter);
		if (in_sender)
			letter.tx.sender = injected;
		else
			letter_init(&letter, recipients, 2, small_text,
				sizeof(small_text) - 1);
		sending_all(&s, &letter, 1);
		assert_int_equal(s.session_rc, 0);
		sending_stop(&s);
		assert_int_equal(letter.tx.trouble.step, TP_STEP_LOCAL);
		assert_class(&letter, 0, TP_CLASS_TEMPORARY);
		assert_null(strstr(fake_relay_commands(s.server), "RSET"));
		assert_nothing_sent(&s);
		sending_drop(&s);
	}
}

/* ---- in mid-body -------------------------------------------------------- */

static void a_refusal_in_mid_body_is_reported_as_it_was_said(void **state)
{
	static const struct {
		enum fake_fault fault;
		size_t bytes;
		const char *say;
		enum tp_class cls;
	} rows[] = {
		{ FAKE_SAY_CLOSE, BIG_BYTES, "552 5.3.4 too big\r\n",
			TP_CLASS_PERMANENT },
		{ FAKE_SAY, BIG_BYTES, "552 5.3.4 too big\r\n",
			TP_CLASS_PERMANENT },
		{ FAKE_SAY_CLOSE, 200000, "552 5.3.4 too big\r\n",
			TP_CLASS_PERMANENT },
		{ FAKE_SAY_CLOSE, BIG_BYTES, "452 4.3.1 disk full\r\n",
			TP_CLASS_TEMPORARY },
		{ FAKE_SAY, BIG_BYTES, "452 4.3.1 disk full\r\n",
			TP_CLASS_TEMPORARY },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows) * COUNT(servers); i++) {
		size_t row = i / COUNT(servers);
		struct sending s;
		struct letter letter;
		size_t len;
		char *text = letter_text(rows[row].bytes, 3, &len);

		sending_init(&s, servers[i % COUNT(servers)]);
		s.options.step = FAKE_BODY;
		s.options.at_bytes = 100000;
		s.options.fault = rows[row].fault;
		s.options.say = rows[row].say;
		letter_init(&letter, one, 1, text, len);
		sending_all(&s, &letter, 1);
		/* A small message may be out before the relay has spoken. */
		if (rows[row].bytes == BIG_BYTES)
			assert_int_equal(s.session_rc, 0);
		sending_stop(&s);
		assert_class(&letter, 0, rows[row].cls);
		assert_int_equal(letter.tx.data_reply.code / 100,
			rows[row].say[0] - '0');
		assert_nothing_sent(&s);
		sending_drop(&s);
		free(text);
	}
}

/* Longer than every deadline but the one for the body. */
#define STALL_MS 4000
#define STALL_BYTES (12u << 20)

static void a_relay_that_stops_reading_and_goes_on_gets_every_byte(void **state)
{
	struct sending s;
	struct letter letter;
	size_t len;
	char *text = letter_text(STALL_BYTES, 4, &len);

	(void)state;
	sending_init(&s, PIPELINED);
	s.options.step = FAKE_BODY;
	s.options.fault = FAKE_PAUSE;
	s.options.pause_ms = STALL_MS;
	s.options.at_bytes = 100000;
	s.relay.connect_timeout_ms = 1000;
	s.relay.tls_timeout_ms = 1000;
	s.relay.reply_timeout_ms = 1000;
	s.relay.final_timeout_ms = 1000;
	s.relay.data_timeout_ms = 20000;
	letter_init(&letter, one, 1, text, len);
	sending_all(&s, &letter, 1);
	sending_stop(&s);
	assert_true(s.took_ms >= STALL_MS);
	assert_class(&letter, 0, TP_CLASS_SENT);
	assert_received(&s, 0, &letter);
	sending_drop(&s);
	free(text);
}

static void a_relay_that_never_reads_on_fails_in_time_before_the_dot(
	void **state)
{
	struct sending s;
	struct letter letter;
	size_t len;
	char *text = letter_text(STALL_BYTES, 5, &len);

	(void)state;
	sending_init(&s, PIPELINED);
	s.options.step = FAKE_BODY;
	s.options.fault = FAKE_DEAF;
	s.options.at_bytes = 100000;
	s.relay.data_timeout_ms = 1000;
	letter_init(&letter, one, 1, text, len);
	sending_all(&s, &letter, 1);
	assert_int_equal(s.session_rc, 0);
	assert_true(s.took_ms >= 1000 && s.took_ms < 5000);
	sending_stop(&s);
	assert_class(&letter, 0, TP_CLASS_TEMPORARY);
	assert_trouble(&letter, TP_STEP_BODY, TP_ETIMEOUT, "took no data");
	assert_nothing_sent(&s);
	sending_drop(&s);
	free(text);
}

/* ---- why the channel exists --------------------------------------------- */

struct plain_feed {
	const char *text;
	size_t len;
	int finished;
};

static const char *plain_read(void **ctx, int *len, void *arg)
{
	struct plain_feed *feed = arg;

	(void)ctx;
	if (!len) {
		feed->finished = 0;
		return NULL;
	}
	*len = feed->finished ? 0 : (int)feed->len;
	feed->finished = 1;
	return feed->text;
}

/* @return the code that libESMTP shows for the message */
static int send_plain(int port, const char *text, size_t len)
{
	struct plain_feed feed = { text, len, 0 };
	smtp_session_t session = smtp_create_session();
	smtp_message_t message = smtp_add_message(session);
	char address[32];
	int code;

	(void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	assert_int_not_equal(smtp_set_server(session, address), 0);
	assert_int_not_equal(smtp_set_hostname(session, "shop.test"), 0);
	(void)smtp_set_timeout(session,
		Timeout_TRANSFER | Timeout_OVERRIDE_RFC2822_MINIMUM, 1000);
	(void)smtp_set_reverse_path(message, "shop@example.test");
	(void)smtp_add_recipient(message, "a@example.test");
	(void)smtp_set_messagecb(message, plain_read, &feed);
	assert_int_not_equal(smtp_start_session(session), 0);
	code = smtp_message_transfer_status(message)->code;
	(void)smtp_destroy_session(session);
	return code;
}

/* If this ever fails, libESMTP has been mended and this control is not needed
 * any more. */
static void libesmtp_alone_leaves_a_hole_in_an_accepted_message(void **state)
{
	struct sending s;
	size_t len;
	size_t got;
	char *text = letter_text(STALL_BYTES, 6, &len);
	sigset_t pipe_signal;
	sigset_t before;

	(void)state;
	(void)sigemptyset(&pipe_signal);
	(void)sigaddset(&pipe_signal, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	sending_init(&s, STEPWISE);
	s.options.step = FAKE_BODY;
	s.options.fault = FAKE_PAUSE;
	s.options.pause_ms = 3000;
	s.options.at_bytes = 100000;
	sending_start(&s);
	assert_int_equal(send_plain(fake_relay_port(s.server), text, len), 250);
	sending_stop(&s);
	assert_int_equal(fake_relay_dots(s.server), 1);
	(void)fake_relay_message(s.server, 0, &got);
	print_message("libESMTP alone: %zu bytes sent, %zu received, 250\n",
		len, got);
	assert_true(got < len);
	sending_drop(&s);
	free(text);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- memory ------------------------------------------------------------- */

/* The server's thread has its own count, so this covers connecting and the
 * session object; libESMTP allocates for itself. */
static void a_failed_allocation_sends_nothing_twice(void **state)
{
	unsigned long n;
	int sent = 0;

	(void)state;
	for (n = 1; !sent; n++) {
		struct sending s;
		struct letter letter;

		assert_true(n < 100);
		sending_init(&s, PIPELINED);
		small_letter(&letter);
		sending_start(&s);
		(void)tp_mem_fail_at(n);
		if (sending_connect(&s) == TP_OK)
			sending_run(&s, &letter, 1);
		(void)tp_mem_fail_at(0);
		sending_stop(&s);
		sent = fake_relay_dots(s.server) == 1;
		if (sent)
			assert_class(&letter, 0, TP_CLASS_SENT);
		else
			assert_int_equal(letter.done_count, 0);
		sending_drop(&s);
	}
	assert_true(n > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_takes_one_dialogue),
		cmocka_unit_test(the_null_sender_is_an_empty_path),
		cmocka_unit_test(many_messages_share_one_relay_connection),
		cmocka_unit_test(
			an_idle_connection_tells_when_the_relay_hangs_up),
		cmocka_unit_test(mail_parameters_follow_what_the_relay_offers),
		cmocka_unit_test(
			what_the_relay_cannot_take_is_not_even_offered),
		cmocka_unit_test(a_message_that_cannot_be_sent_spoils_no_other),
		cmocka_unit_test(one_refused_recipient_keeps_the_others),
		cmocka_unit_test(all_recipients_refused_is_no_message),
		cmocka_unit_test(a_refused_sender_ends_only_this_message),
		cmocka_unit_test(
			a_refusal_of_data_or_dot_leaves_the_connection_good),
		cmocka_unit_test(leave_is_asked_for_each_body_that_goes_out),
		cmocka_unit_test(without_leave_no_byte_of_the_body_goes_out),
		cmocka_unit_test(
			a_421_is_temporary_at_every_step_and_ends_the_connection),
		cmocka_unit_test(
			a_lost_connection_is_in_doubt_only_after_the_dot),
		cmocka_unit_test(a_reply_too_many_decides_about_nobody),
		cmocka_unit_test(a_reply_before_its_command_is_no_answer),
		cmocka_unit_test(only_a_reply_that_follows_the_dot_answers_it),
		cmocka_unit_test(
			a_reply_too_many_to_the_dot_ends_the_connection),
		cmocka_unit_test(
			success_to_data_or_354_elsewhere_is_out_of_step),
		cmocka_unit_test(
			a_relay_that_closes_between_messages_costs_none),
		cmocka_unit_test(an_interrupted_session_ends_at_once),
		cmocka_unit_test(every_byte_of_every_size_arrives),
		cmocka_unit_test(a_dot_survives_at_every_place),
		cmocka_unit_test(
			unusual_but_complete_messages_arrive_unchanged),
		cmocka_unit_test(what_libesmtp_would_change_is_not_sent),
		cmocka_unit_test(a_smuggled_end_of_message_is_data),
		cmocka_unit_test(a_line_end_in_an_address_reaches_no_relay),
		cmocka_unit_test(
			a_refusal_in_mid_body_is_reported_as_it_was_said),
		cmocka_unit_test(
			a_relay_that_stops_reading_and_goes_on_gets_every_byte),
		cmocka_unit_test(
			a_relay_that_never_reads_on_fails_in_time_before_the_dot),
		cmocka_unit_test(
			libesmtp_alone_leaves_a_hole_in_an_accepted_message),
		cmocka_unit_test(a_failed_allocation_sends_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
