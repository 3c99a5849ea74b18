/*
 * sendmail_message_test.c - what sendmail commands do to a message
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail_message.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct make_case {
	const char *data;
	const char *sender;
	const char *name;
	const char *want; /* NULL: as it came */
};

#define FROM "From: shop@example.com\n"
#define BODY "\nHello.\n"

static const struct make_case makes[] = {
	{ FROM BODY, "a@b.c", "Name", NULL },
	{ "Subject: x\n" FROM BODY, "a@b.c", "Name", NULL },
	{ "from : Shop\n <shop@example.com>\n" BODY, "a@b.c", NULL, NULL },
	{ "From: =?utf-8?q?root?=\r\n\t<shop@example.com>\r\n\r\nx", "a@b.c",
		NULL, NULL },
	{ "", "a@b.c", NULL, NULL },
	/* no From */
	{ "Subject: x\n" BODY, NULL, NULL, NULL },
	{ "Subject: x\n" BODY, NULL, "Name", NULL },
	{ "Subject: x\n" BODY, "", "Name", NULL },
	{ "Subject: x\n" BODY, "a@b.c", NULL,
		"From: <a@b.c>\r\nSubject: x\n" BODY },
	{ "Subject: x\n" BODY, "a@b.c", "A \"B\" \\",
		"From: \"A \\\"B\\\" \\\\\" <a@b.c>\r\nSubject: x\n" BODY },
	{ "Subject: x\n" BODY, "a@b.c", "J\xc3\xb6rg",
		"From: =?UTF-8?Q?=4A=C3=B6=72=67?= <a@b.c>\r\n"
		"Subject: x\n" BODY },
	{ "Subject: x\n" BODY, "a@b.c", "\xff",
		"From: <a@b.c>\r\nSubject: x\n" BODY },
	{ "Subject: x\n" BODY, "a@b.c", "a\xe2\x80\xae",
		"From: <a@b.c>\r\nSubject: x\n" BODY },
	/* a From that names nobody outside */
	{ "From: root (Cron Daemon)\nSubject: x\n" BODY, NULL, "CronDaemon",
		"Subject: x\n" BODY },
	{ "Subject: x\nFrom: root\n (Cron\n\tDaemon)\nTo: a@b.c\n" BODY, NULL,
		NULL, "Subject: x\nTo: a@b.c\n" BODY },
	{ "From: root\nSubject: x\n" BODY, "a@b.c", "Cron",
		"From: \"Cron\" <a@b.c>\r\nSubject: x\n" BODY },
	{ "From: root\n", "a@b.c", NULL, "From: <a@b.c>\r\n" },
	/* mailbox lines */
	{ "From root Mon Nov 21 2026\n" FROM BODY, NULL, NULL, FROM BODY },
	{ ">From root Mon Nov 21 2026\n" FROM BODY, NULL, NULL, FROM BODY },
	{ "From root Mon\nx\n y: z\n", NULL, NULL,
		"\r\nFrom root Mon\nx\n y: z\n" },
	/* none: no header follows, or another one */
	{ "From root Mon\n", NULL, NULL, "\r\nFrom root Mon\n" },
	{ "From here on it fails.\nFrom there, too.\nSee: x\n", NULL, NULL,
		"\r\nFrom here on it fails.\nFrom there, too.\nSee: x\n" },
	{ "From now on\n\nit fails\n", NULL, NULL,
		"\r\nFrom now on\n\nit fails\n" },
	{ "From : Shop <shop@example.com>\nTo: a@b.c\n" BODY, "a@b.c", NULL,
		NULL },
	/* no header */
	{ "disk full\n", NULL, NULL, "\r\ndisk full\n" },
	{ "disk full: 98%\n", "a@b.c", NULL,
		"From: <a@b.c>\r\n\r\ndisk full: 98%\n" },
	{ "\nbody\n", NULL, NULL, NULL },
	{ "\r\nFrom: root\n", NULL, NULL, NULL },
	{ " x\n", NULL, NULL, "\r\n x\n" },
	{ ":x\n", NULL, NULL, "\r\n:x\n" },
	/* behind the header */
	{ "Subject: x\n\nFrom: root\n", NULL, NULL, NULL },
	{ "Subject: x\nno field\nFrom: root\n", NULL, NULL, NULL },
};

static void from_and_header_are_mended(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(makes); i++) {
		const struct make_case *it = &makes[i];
		const char *want = it->want ? it->want : it->data;
		struct tp_sendmail_message made;
		struct tillpost_error err;
		size_t len = strlen(it->data);
		char *data = malloc(len + 1);

		assert_non_null(data);
		memcpy(data, it->data, len);
		assert_int_equal(tp_sendmail_message_make(data, len, it->sender,
					 it->name, &made, &err),
			TILLPOST_OK);
		if (made.len != strlen(want) ||
			memcmp(made.data, want, made.len) != 0)
			fail_msg("%zu: \"%.*s\"", i, (int)made.len, made.data);
		if (!it->want)
			assert_null(made.made);
		tp_sendmail_message_free(&made);
		free(data);
	}
}

static void a_long_name_is_folded_between_characters(void **state)
{
	char name[257];
	struct tp_sendmail_message made;
	struct tillpost_error err;
	char text[2048];
	char *line;
	size_t i;

	(void)state;
	for (i = 0; i < 256; i++)
		name[i] = i % 2 ? '\xb6' : '\xc3';
	name[256] = '\0';
	assert_int_equal(
		tp_sendmail_message_make("\n", 1, "a@b.c", name, &made, &err),
		TILLPOST_OK);
	assert_true(made.len < sizeof(text));
	memcpy(text, made.data, made.len);
	text[made.len] = '\0';
	tp_sendmail_message_free(&made);
	for (line = strstr(text, "=?"); line; line = strstr(line + 2, "=?")) {
		char *end = strstr(line + 10, "?=");

		assert_non_null(end);
		assert_true(end + 2 - line <= 75);
		assert_int_equal((end - line - 10) % 6, 0);
		line = end;
	}
}

struct dot_case {
	const char *data;
	int at_eof;
	size_t want; /* where the dot is; SIZE_MAX: none */
};

static const struct dot_case dots[] = {
	{ "a\n.\nb\n", 0, 2 },
	{ "a\r\n.\r\nb\r\n", 0, 3 },
	{ ".\n", 0, 0 },
	{ ".", 0, SIZE_MAX },
	{ ".", 1, 0 },
	{ "a\n.\r", 1, 2 },
	{ "a\n..\n.a\n .\n. \n", 1, SIZE_MAX },
	{ "a\n", 1, SIZE_MAX },
	{ "", 1, SIZE_MAX },
};

static void a_lone_dot_is_found(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(dots); i++) {
		size_t scanned = 0;

		assert_true(
			tp_sendmail_find_dot(dots[i].data, strlen(dots[i].data),
				dots[i].at_eof, &scanned) == dots[i].want);
	}
}

static void a_lone_dot_is_found_in_pieces(void **state)
{
	static const char data[] = "a\r\nbc\r\n.\r\nMAIL\r\n";
	size_t scanned = 0;
	size_t found = SIZE_MAX;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(data) - 1 && found == SIZE_MAX; len++)
		found = tp_sendmail_find_dot(data, len, 0, &scanned);
	assert_int_equal(found, 7);
}

static void two_dots_at_the_start_of_a_line_become_one(void **state)
{
	static const struct {
		const char *in;
		const char *want;
	} cases[] = {
		{ "", "" },
		{ "..", "." },
		{ "a\n..\r\n...b\n.c\n d..\n", "a\n.\r\n..b\n.c\n d..\n" },
		{ "..\n..\n..", ".\n.\n." },
		{ ".\n", ".\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].in);
		char *data = malloc(len + 1);

		assert_non_null(data);
		memcpy(data, cases[i].in, len);
		len = tp_sendmail_unstuff(data, len);
		assert_int_equal(len, strlen(cases[i].want));
		assert_memory_equal(data, cases[i].want, len);
		free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_and_header_are_mended),
		cmocka_unit_test(a_long_name_is_folded_between_characters),
		cmocka_unit_test(a_lone_dot_is_found),
		cmocka_unit_test(a_lone_dot_is_found_in_pieces),
		cmocka_unit_test(two_dots_at_the_start_of_a_line_become_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
