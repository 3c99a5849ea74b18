/*
 * host_text_test.c - text is fit for a terminal, whatever a server sent
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/text.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct printable_case {
	const char *in;
	const char *want;
};

static const struct printable_case printables[] = {
	{ "", "" },
	{ "250 2.0.0 Ok", "250 2.0.0 Ok" },
	{ "a\\x1b", "a\\x1b" },
	{ "\x1b[2J", "\\x1b[2J" },
	{ "one\r\ntwo\ttab", "one\\x0d\\x0atwo\\x09tab" },
	{ "\x7f", "\\x7f" },
	{ "Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f" },
	{ "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "\xf0\x9f\x93\xa7", "\xf0\x9f\x93\xa7" },
	{ "\xc2\x9b"
	  "31m",
		"\\u009b31m" },
	{ "a\xe2\x80\xae"
	  "b",
		"a\\u202eb" },
	{ "\xe2\x80\xa8", "\\u2028" },
	{ "\xe2\x81\xa6", "\\u2066" },
	{ "\xef\xbb\xbf", "\\ufeff" },
	/* not UTF-8: Latin-1, overlong, surrogate, too large, cut short */
	{ "\xe9t\xe9", "\\xe9t\\xe9" },
	{ "\xc0\xaf", "\\xc0\\xaf" },
	{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	{ "\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80" },
	{ "x\xe2\x82", "x\\xe2\\x82" },
	{ "\x80", "\\x80" },
};

static void controls_and_broken_utf8_become_visible(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(printables); i++) {
		char *got = tp_text_printable(printables[i].in);

		assert_non_null(got);
		assert_string_equal(got, printables[i].want);
		free(got);
	}
}

static void null_is_the_empty_string(void **state)
{
	char *got = tp_text_printable(NULL);

	(void)state;
	assert_non_null(got);
	assert_string_equal(got, "");
	free(got);
}

static void every_single_byte_is_harmless_or_escaped(void **state)
{
	int byte;

	(void)state;
	for (byte = 1; byte < 256; byte++) {
		char in[2] = { (char)byte, '\0' };
		char *got = tp_text_printable(in);

		assert_non_null(got);
		if (byte >= 0x20 && byte < 0x7f)
			assert_string_equal(got, in);
		else
			assert_int_equal(strlen(got), 4);
		free(got);
	}
}

static void width_counts_characters_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(tp_text_width(""), 0);
	assert_int_equal(tp_text_width("abc"), 3);
	assert_int_equal(tp_text_width("Gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(tp_text_width("\xf0\x9f\x93\xa7!"), 2);
}

struct cut_case {
	const char *in;
	size_t width;
	const char *want;
};

static const struct cut_case cuts[] = {
	{ "", 5, "" },
	{ "abcde", 5, "abcde" },
	{ "abcdef", 5, "ab..." },
	{ "abcdef", 3, "..." },
	{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 5,
		"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" },
	{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 5,
		"\xc3\xbc\xc3\xbc..." },
	{ "\xf0\x9f\x93\xa7"
	  "abcd",
		4, "\xf0\x9f\x93\xa7..." },
};

static void cutting_keeps_whole_characters(void **state)
{
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cuts); i++) {
		memcpy(text, cuts[i].in, strlen(cuts[i].in) + 1);
		tp_text_cut(text, cuts[i].width);
		assert_string_equal(text, cuts[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controls_and_broken_utf8_become_visible),
		cmocka_unit_test(null_is_the_empty_string),
		cmocka_unit_test(every_single_byte_is_harmless_or_escaped),
		cmocka_unit_test(width_counts_characters_not_bytes),
		cmocka_unit_test(cutting_keeps_whole_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
