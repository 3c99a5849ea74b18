/*
 * host_args_test.c - options of a host's command line
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/args.h"
#include "common/exit_code.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sysexits.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX 8

struct values {
	int flag;
	const char *text;
	uint32_t count;
	int64_t duration_ms;
	int64_t time_ms;
};

/* @return as tp_args_parse(); WORDS is a list of arguments */
static int32_t parse(const char *const *words, int leading_only,
	struct values *values, char **argv, struct tillpost_error *err)
{
	const struct tp_arg args[] = {
		{ .letter = 'f', .name = "flag", .flag = &values->flag },
		{ .letter = 't', .name = "text", .text = &values->text },
		{ .letter = 'n', .count = &values->count },
		{ .name = "wait", .duration_ms = &values->duration_ms },
		{ .name = "since", .time_ms = &values->time_ms },
	};
	static char name[] = "test";
	int argc = 1;

	memset(values, 0, sizeof(*values));
	argv[0] = name;
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	argv[argc] = NULL;
	return tp_args_parse(args, COUNT(args), leading_only, argc, argv, err);
}

static void values_go_where_the_table_says(void **state)
{
	static const char *const words[] = { "-f", "--text=a", "-n7", "--wait",
		"5m", "--since=1970-01-02T00:00Z", NULL };
	struct values values;
	struct tillpost_error err;
	char *argv[WORDS_MAX];

	(void)state;
	assert_int_equal(parse(words, 0, &values, argv, &err), 7);
	assert_int_equal(values.flag, 1);
	assert_string_equal(values.text, "a");
	assert_int_equal(values.count, 7);
	assert_int_equal(values.duration_ms, 300000);
	assert_int_equal(values.time_ms, 86400000);
}

static void what_is_not_given_stays(void **state)
{
	static const char *const words[] = { NULL };
	struct values values;
	struct tillpost_error err;
	char *argv[WORDS_MAX];

	(void)state;
	assert_int_equal(parse(words, 0, &values, argv, &err), 1);
	assert_int_equal(values.flag, 0);
	assert_null(values.text);
}

static void options_may_stand_after_operands(void **state)
{
	static const char *const words[] = { "one", "-f", "two", "--", "-t",
		NULL };
	struct values values;
	struct tillpost_error err;
	char *argv[WORDS_MAX];
	int32_t first = 0;

	(void)state;
	first = parse(words, 0, &values, argv, &err);
	assert_int_equal(first, 3);
	assert_int_equal(values.flag, 1);
	assert_string_equal(argv[first], "one");
	assert_string_equal(argv[first + 1], "two");
	assert_string_equal(argv[first + 2], "-t");
}

static void leading_only_leaves_the_rest_to_somebody_else(void **state)
{
	static const char *const words[] = { "-f", "command", "--unknown",
		NULL };
	struct values values;
	struct tillpost_error err;
	char *argv[WORDS_MAX];

	(void)state;
	assert_int_equal(parse(words, 1, &values, argv, &err), 2);
	assert_int_equal(values.flag, 1);
}

struct wrong_case {
	const char *words[3];
	const char *where;
	const char *text;
};

static const struct wrong_case wrongs[] = {
	{ { "--bogus" }, "--bogus", "no such option" },
	{ { "--bogus=1" }, "--bogus=1", "no such option" },
	{ { "-x" }, "-x", "no such option" },
	{ { "-fx" }, "-x", "no such option" },
	{ { "--flag=1" }, "--flag=1", "takes no value" },
	{ { "--text" }, "--text", "needs a value" },
	{ { "-t" }, "-t", "needs a value" },
	{ { "-n", "x" }, "-n", "\"x\" is not a number" },
	{ { "-n", "-1" }, "-n", "is not a number" },
	{ { "-n", "4294967296" }, "-n", "is not a number" },
	{ { "-n", "" }, "-n", "is not a number" },
	{ { "--wait", "soon" }, "--wait", "\"soon\" is not a duration" },
	{ { "--since", "soon" }, "--since", "\"soon\" is not a time" },
};

static void wrong_use_is_named(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrongs); i++) {
		struct values values;
		struct tillpost_error err;
		char *argv[WORDS_MAX];

		assert_int_equal(parse(wrongs[i].words, 0, &values, argv, &err),
			TILLPOST_EINVAL);
		assert_int_equal(err.status, TILLPOST_EINVAL);
		assert_string_equal(err.where, wrongs[i].where);
		assert_non_null(strstr(err.text, wrongs[i].text));
	}
}

static void every_status_has_an_exit_code(void **state)
{
	int32_t status;

	(void)state;
	assert_int_equal(tp_exit_code(TILLPOST_OK), EX_OK);
	assert_int_equal(tp_exit_code(7), EX_OK);
	for (status = TILLPOST_EUNCERTAIN; status < 0; status++) {
		assert_in_range(tp_exit_code(status), EX__BASE, EX__MAX);
		assert_int_not_equal(tp_exit_code(status), EX_SOFTWARE);
	}
	assert_int_equal(tp_exit_code(TILLPOST_EUNCERTAIN - 1), EX_SOFTWARE);
	/* What a caller decides by: again later, or never like this. */
	assert_int_equal(tp_exit_code(TILLPOST_ENOSPC), EX_TEMPFAIL);
	assert_int_equal(tp_exit_code(TILLPOST_EMESSAGE), EX_DATAERR);
	assert_int_equal(tp_exit_code(TILLPOST_ECONFIG), EX_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_go_where_the_table_says),
		cmocka_unit_test(what_is_not_given_stays),
		cmocka_unit_test(options_may_stand_after_operands),
		cmocka_unit_test(leading_only_leaves_the_rest_to_somebody_else),
		cmocka_unit_test(wrong_use_is_named),
		cmocka_unit_test(every_status_has_an_exit_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
