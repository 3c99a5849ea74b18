/*
 * host_sendmail_options_test.c - the table of options against the program
 *
 * What the PHP extension believes of a command line must be what
 * tillpost-sendmail does with it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/sendmail_options.h"
#include "sendmail/sendmail_args.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ADDRESS "x@example.com"
#define LINE_BYTES 128
#define WORDS_MAX 8

/* What tillpost-sendmail makes of LINE, whose words are divided by "|". */
static int program_says(const char *line, size_t *recipient_count_out)
{
	char copy[LINE_BYTES];
	char program[] = "sendmail";
	char *argv[WORDS_MAX] = { program };
	struct tp_sendmail_args args;
	struct tillpost_error err;
	char *word = copy;
	int argc = 1;
	int rc;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	while (word && argc < WORDS_MAX) {
		argv[argc++] = word;
		word = strchr(word, '|');
		if (word)
			*word++ = '\0';
	}
	TILLPOST_INIT(&err);
	rc = tp_sendmail_args_read(argc, argv, &args, &err);
	*recipient_count_out = args.recipients.count;
	tp_sendmail_args_free(&args);
	return rc;
}

/* Whether LINE is free of misuse by the words alone. */
static int words_say(const char *line)
{
	struct tp_sendmail_words words = { .letter = '\0' };
	char copy[LINE_BYTES];
	char *word;
	char *next;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (word = copy; word; word = next) {
		next = strchr(word, '|');
		if (next)
			*next++ = '\0';
		if (tp_sendmail_words_read(&words, word) ==
			TP_SENDMAIL_WORD_LONG)
			return 0;
	}
	return tp_sendmail_words_fit(&words);
}

static int has_value(enum tp_sendmail_option option)
{
	return option == TP_SENDMAIL_OPTION_IGNORED_VALUE ||
	       option == TP_SENDMAIL_OPTION_HANDLED_VALUE;
}

static void every_letter_has_the_kind_that_the_program_gives_it(void **state)
{
	int code;

	(void)state;
	for (code = 0x21; code < 0x7f; code++) {
		enum tp_sendmail_option option = tp_sendmail_option((char)code);
		char line[LINE_BYTES];
		size_t count;
		int rc;

		/* Modes have rules of their own, see below. */
		if (code == '-' || code == '|' || code == 'b' || code == 'I')
			continue;
		(void)snprintf(line, sizeof(line), "-t|-%c|" ADDRESS, code);
		rc = program_says(line, &count);
		if (option == TP_SENDMAIL_OPTION_UNKNOWN ||
			option == TP_SENDMAIL_OPTION_REFUSED) {
			assert_int_equal(rc, EX_USAGE);
			continue;
		}
		assert_int_equal(rc, EX_OK);
		assert_int_equal(count == 0, has_value(option));
	}
	assert_int_equal(
		tp_sendmail_option('\xe9'), TP_SENDMAIL_OPTION_UNKNOWN);
	assert_int_equal(tp_sendmail_option('\0'), TP_SENDMAIL_OPTION_UNKNOWN);
}

static void every_mode_is_one_of_the_program(void **state)
{
	char line[LINE_BYTES];
	size_t count;
	int code;

	(void)state;
	for (code = 0x21; code < 0x7f; code++) {
		if (code == '|')
			continue;
		(void)snprintf(line, sizeof(line), "-b%c%s", code,
			code == 'm' ? "|-t" : "");
		assert_int_equal(
			words_say(line), program_says(line, &count) == EX_OK);
	}
}

static void words_are_options_values_and_recipients_as_in_the_program(
	void **state)
{
	static const char *const lines[] = { "-t|-i", "-ti|" ADDRESS,
		"-t|-f|-x", "-tf|-x", "-t|-fx", "-q30m", "-qx|" ADDRESS, "-tqx",
		"-t|-d0.1", "-t|-x", "-tX|" ADDRESS, "-tXi|" ADDRESS,
		"-t|-N|-d", "-t|-V", "-tV", "-t|-V|-f", "-tiV|x", "--|" ADDRESS,
		"--account|" ADDRESS, "-t|-f", "-t|-F", ADDRESS "|" ADDRESS,
		"-itF|--", "-I", "-I|-t", "-I|-I", "-bi|-I", "-bs", "-bs|-t",
		"-tb|s", "-bs|" ADDRESS, "-bs|-i", "-bm|-t", "-bm|-bs",
		"-bs|-bm|-t", "-bp|-bs", "-bp|-bp", "-bss" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines); i++) {
		size_t count;

		assert_int_equal(words_say(lines[i]),
			program_says(lines[i], &count) != EX_USAGE);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_letter_has_the_kind_that_the_program_gives_it),
		cmocka_unit_test(every_mode_is_one_of_the_program),
		cmocka_unit_test(
			words_are_options_values_and_recipients_as_in_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
