/*
 * reply_test.c - replies of a server
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/reply.h"
#include "core/transport.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *bytes;
	int code;
	const char *enhanced;
	const char *text;
	const char *lines;
} good[] = {
	{ "250 ok\r\n", 250, "", "ok", "ok" },
	{ "250\r\n", 250, "", "", "" },
	{ "250 \r\n", 250, "", "", "" },
	{ "250 ok\n", 250, "", "ok", "ok" },
	{ "221 2.0.0 bye\r\n", 221, "2.0.0", "bye", "2.0.0 bye" },
	{ "550 5.1.1 no\r\n", 550, "5.1.1", "no", "5.1.1 no" },
	{ "550-5.7.26 line one\r\n550-5.7.26 line two\r\n550 5.7.26 end\r\n",
		550, "5.7.26", "line one line two end",
		"5.7.26 line one\n5.7.26 line two\n5.7.26 end" },
	/* some servers give the code in the last line only */
	{ "451-wait\r\n451 4.7.1 a bit\r\n", 451, "4.7.1", "wait a bit",
		"wait\n4.7.1 a bit" },
	{ "250-a\r\n250-\r\n250\r\n", 250, "", "a", "a\n\n" },
	/* an enhanced code of another class is text */
	{ "450 5.1.1 odd\r\n", 450, "", "5.1.1 odd", "5.1.1 odd" },
	{ "354 2.0.0 go\r\n", 354, "", "2.0.0 go", "2.0.0 go" },
	{ "250 2.0 ok\r\n", 250, "", "2.0 ok", "2.0 ok" },
	{ "250 2.0.0ok\r\n", 250, "", "2.0.0ok", "2.0.0ok" },
	{ "250 2.0.1234 ok\r\n", 250, "", "2.0.1234 ok", "2.0.1234 ok" },
	{ "550 5.1.1\r\n", 550, "5.1.1", "", "5.1.1" },
	{ "550 a\033[2Jb\r\n", 550, "", "a\\x1b[2Jb", "a\033[2Jb" },
	{ "550 a\rb\r\n", 550, "", "a\\x0db", "a\rb" },
	{ "550 \xff\xfe\r\n", 550, "", "\\xff\\xfe", "\xff\xfe" },
	{ "550 gr\xc3\xbc\xc3\x9f\r\n", 550, "", "gr\xc3\xbc\xc3\x9f",
		"gr\xc3\xbc\xc3\x9f" },
};

static void check_reply(const struct tp_reply *reply,
	const struct tp_reply_parser *parser, size_t row)
{
	char enhanced[16];

	tp_enhanced_format(&reply->enhanced, enhanced);
	assert_int_equal(reply->code, good[row].code);
	assert_string_equal(enhanced, good[row].enhanced);
	assert_string_equal(reply->text, good[row].text);
	assert_string_equal(tp_buf_str(&parser->lines), good[row].lines);
}

static void replies_are_understood_whole(void **state)
{
	size_t row;

	(void)state;
	for (row = 0; row < sizeof(good) / sizeof(good[0]); row++) {
		struct tp_reply_parser parser;
		struct tp_reply reply;
		struct tp_error err = TP_ERROR_INIT;
		size_t used;

		tp_reply_parser_init(&parser);
		assert_int_equal(
			tp_reply_parser_feed(&parser, good[row].bytes,
				strlen(good[row].bytes), &used, &reply, &err),
			1);
		assert_int_equal(used, strlen(good[row].bytes));
		check_reply(&reply, &parser, row);
		tp_reply_parser_free(&parser);
	}
}

static void replies_are_understood_byte_by_byte(void **state)
{
	struct tp_reply_parser parser;
	size_t row;

	(void)state;
	/* One parser for all: nothing of one reply reaches the next. */
	tp_reply_parser_init(&parser);
	for (row = 0; row < sizeof(good) / sizeof(good[0]); row++) {
		size_t len = strlen(good[row].bytes);
		struct tp_reply reply;
		size_t i;

		for (i = 0; i < len; i++) {
			size_t used;

			assert_int_equal(tp_reply_parser_feed(&parser,
						 good[row].bytes + i, 1, &used,
						 &reply, NULL),
				i + 1 == len);
			assert_int_equal(used, 1);
		}
		check_reply(&reply, &parser, row);
	}
	tp_reply_parser_free(&parser);
}

static void a_feed_stops_behind_the_first_reply(void **state)
{
	const char *bytes = "250 one\r\n354 two\r\n";
	struct tp_reply_parser parser;
	struct tp_reply reply;
	size_t used;
	size_t at;

	(void)state;
	tp_reply_parser_init(&parser);
	assert_int_equal(tp_reply_parser_feed(&parser, bytes, strlen(bytes),
				 &used, &reply, NULL),
		1);
	assert_int_equal(used, 9);
	assert_string_equal(reply.text, "one");
	at = used;
	assert_int_equal(tp_reply_parser_feed(&parser, bytes + at,
				 strlen(bytes) - at, &used, &reply, NULL),
		1);
	assert_int_equal(reply.code, 354);
	tp_reply_parser_free(&parser);
}

static const struct {
	const char *bytes;
	const char *says;
} bad[] = {
	{ "hello\r\n", "no reply code" },
	{ "\r\n", "no reply code" },
	{ "25\r\n", "no reply code" },
	{ "2x0 ok\r\n", "no reply code" },
	{ "-50 ok\r\n", "no reply code" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0" },
	{ "150 ok\r\n", "outside 200-599" },
	{ "099 ok\r\n", "outside 200-599" },
	{ "600 ok\r\n", "outside 200-599" },
	{ "250ok\r\n", "no space" },
	{ "2500 ok\r\n", "no space" },
	{ "250_ok\r\n", "no space" },
	{ "250-a\r\n251 b\r\n", "differ" },
	{ "250-a\r\n550 b\r\n", "differ" },
	{ "250-a\r\nb\r\n", "no reply code" },
	{ "\033]0;x\007\r\n", "\\x1b]0;x\\x07" },
};

static void what_is_no_reply_is_a_protocol_error(void **state)
{
	size_t row;

	(void)state;
	for (row = 0; row < sizeof(bad) / sizeof(bad[0]); row++) {
		struct tp_reply_parser parser;
		struct tp_reply reply;
		struct tp_error err = TP_ERROR_INIT;
		size_t used;

		tp_reply_parser_init(&parser);
		assert_int_equal(
			tp_reply_parser_feed(&parser, bad[row].bytes,
				strlen(bad[row].bytes), &used, &reply, &err),
			TP_EPROTO);
		assert_non_null(strstr(err.text, bad[row].says));
		tp_reply_parser_free(&parser);
	}
}

/* Feeds LINE again and again. @return the last result */
static int feed_repeated(const char *line, int times, struct tp_error *err)
{
	struct tp_reply_parser parser;
	struct tp_reply reply;
	size_t used;
	int rc = 0;
	int i;

	tp_reply_parser_init(&parser);
	for (i = 0; i < times && rc == 0; i++)
		rc = tp_reply_parser_feed(
			&parser, line, strlen(line), &used, &reply, err);
	tp_reply_parser_free(&parser);
	return rc;
}

static void an_endless_line_ends_at_2048_octets(void **state)
{
	struct tp_error err = TP_ERROR_INIT;
	char line[2100];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "250 ", 4);
	memcpy(line + 2046, "\r\n", 3);
	assert_int_equal(feed_repeated(line, 1, &err), 1);
	memset(line + 2046, 'x', 10);
	memcpy(line + 2047, "\r\n", 3);
	assert_int_equal(feed_repeated(line, 1, &err), TP_EPROTO);
	assert_non_null(strstr(err.text, "endless line"));
	tp_error_clear(&err);
	assert_int_equal(feed_repeated("x", 100000, &err), TP_EPROTO);
	assert_non_null(strstr(err.text, "endless line"));
}

static void an_endless_reply_ends_at_128_lines_or_16_kib(void **state)
{
	struct tp_error err = TP_ERROR_INIT;
	char line[1000];

	(void)state;
	assert_int_equal(feed_repeated("250-a\r\n", 128, &err), 0);
	assert_int_equal(feed_repeated("250-a\r\n", 100000, &err), TP_EPROTO);
	assert_non_null(strstr(err.text, "too many lines"));
	tp_error_clear(&err);
	memset(line, 'x', sizeof(line));
	memcpy(line, "250-", 4);
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	assert_int_equal(feed_repeated(line, 16, &err), 0);
	assert_int_equal(feed_repeated(line, 100000, &err), TP_EPROTO);
	assert_non_null(strstr(err.text, "too long"));
}

static void a_long_text_is_cut_inside_its_array(void **state)
{
	struct tp_reply reply;
	char text[4000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	tp_reply_set(&reply, 550, text);
	assert_true(strlen(reply.text) < sizeof(reply.text));
	assert_true(strlen(reply.text) > 500);
	assert_string_equal(reply.text + strlen(reply.text) - 3, "...");
	memset(text, '\001', sizeof(text) - 1);
	tp_reply_set(&reply, 550, text);
	assert_true(strlen(reply.text) < sizeof(reply.text));
}

static void a_reply_by_hand_reads_its_enhanced_code(void **state)
{
	struct tp_reply reply;

	(void)state;
	tp_reply_set(&reply, 451, "4.3.0 local\r\ntrouble");
	assert_int_equal(reply.code, 451);
	assert_int_equal(reply.enhanced.cls, 4);
	assert_int_equal(reply.enhanced.subject, 3);
	assert_string_equal(reply.text, "local\\x0d\\x0atrouble");
}

static void a_nul_is_shown_and_does_not_end_the_text(void **state)
{
	struct tp_reply_parser parser;
	struct tp_reply reply;
	size_t used;

	(void)state;
	tp_reply_parser_init(&parser);
	assert_int_equal(tp_reply_parser_feed(&parser, "550 a\0b\r\n", 9, &used,
				 &reply, NULL),
		1);
	assert_string_equal(reply.text, "a\\x00b");
	tp_reply_parser_free(&parser);
}

static void every_step_has_a_name(void **state)
{
	int step;

	(void)state;
	for (step = TP_STEP_NONE; step <= TP_STEP_LOCAL; step++)
		assert_string_not_equal(
			tp_step_name((enum tp_step)step), "unknown");
	assert_string_equal(tp_step_name((enum tp_step)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_are_understood_whole),
		cmocka_unit_test(replies_are_understood_byte_by_byte),
		cmocka_unit_test(a_feed_stops_behind_the_first_reply),
		cmocka_unit_test(what_is_no_reply_is_a_protocol_error),
		cmocka_unit_test(an_endless_line_ends_at_2048_octets),
		cmocka_unit_test(an_endless_reply_ends_at_128_lines_or_16_kib),
		cmocka_unit_test(a_long_text_is_cut_inside_its_array),
		cmocka_unit_test(a_reply_by_hand_reads_its_enhanced_code),
		cmocka_unit_test(a_nul_is_shown_and_does_not_end_the_text),
		cmocka_unit_test(every_step_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
