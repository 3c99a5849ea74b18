/*
 * host_address_list_test.c - addresses as they stand in one argument
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/address_list.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What comes out of ARGUMENT: each address in "[]", then how it ended and
 * what was left. The room for one address is exact, for a checker to see. */
static void read_all(const char *argument, char *text, size_t bytes)
{
	static const char *const ends[] = { [TP_ADDRESS_END] = "",
		[TP_ADDRESS_CONTROL] = "control",
		[TP_ADDRESS_UNBALANCED] = "unbalanced",
		[TP_ADDRESS_MINUS] = "minus" };
	const char *at = argument;
	enum tp_address found;
	size_t len = 0;

	do {
		char *out = malloc(strlen(at) + 1);

		assert_non_null(out);
		found = tp_address_next(&at, out);
		if (found == TP_ADDRESS_ONE)
			len += (size_t)snprintf(
				text + len, bytes - len, "[%s]", out);
		free(out);
	} while (found == TP_ADDRESS_ONE);
	(void)snprintf(text + len, bytes - len, "%s%s%s", ends[found],
		found == TP_ADDRESS_END ? "" : " ", at);
}

static void one_argument_holds_none_one_or_several(void **state)
{
	static const struct {
		const char *argument;
		const char *text;
	} cases[] = {
		{ "", "" },
		{ ",", "" },
		{ " , ,", "" },
		{ "<>", "[]" },
		{ "a@b.c", "[a@b.c]" },
		{ "  a@b.c ", "[a@b.c]" },
		{ "a@b.c,d@e.f", "[a@b.c][d@e.f]" },
		{ "a@b.c,,d@e.f,", "[a@b.c][d@e.f]" },
		{ "Shop <a@b.c>, d@e.f (Bert)", "[a@b.c][d@e.f]" },
		{ "Bert<b@b.c>(x),c@b.c(Carla)", "[b@b.c][c@b.c]" },
		{ "\"B, C\" <b@b.c>", "[b@b.c]" },
		{ "\"b,c\"@d.e", "[\"b,c\"@d.e]" },
		{ "\"a\\\"b\"@d.e", "[\"a\\\"b\"@d.e]" },
		{ "(a (b \\) c)) a@b.c", "[a@b.c]" },
		{ "'a@b.c'", "[a@b.c]" },
		{ "< a@b.c >", "[a@b.c]" },
		{ "a@b.c,-f", "[a@b.c]minus -f" },
		{ "<-x@b.c>", "minus <-x@b.c>" },
		{ "'-x'", "minus '-x'" },
		{ "a@b.c,<d@e.f", "[a@b.c]unbalanced <d@e.f" },
		{ "a>", "unbalanced a>" },
		{ "<a> b", "unbalanced <a> b" },
		{ "<a><b>", "unbalanced <a><b>" },
		{ "\"a", "unbalanced \"a" },
		{ "\"a\\", "unbalanced \"a\\" },
		{ "(a", "unbalanced (a" },
		{ "(((((((((a)))))))))", "unbalanced (((((((((a)))))))))" },
		{ "a\nb@c.d", "control a\nb@c.d" },
		{ "a@b.c,\x7f", "[a@b.c]control \x7f" },
		{ "\"a\tb\"@c.d", "control \"a\tb\"@c.d" },
		{ "\"a\\\rb\"@c.d", "control \"a\\\rb\"@c.d" },
		{ "(x\n) a@b.c", "control (x\n) a@b.c" },
		{ "(x\\\n) a@b.c", "control (x\\\n) a@b.c" },
		{ "<a@b.c>\t", "control <a@b.c>\t" },
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		read_all(cases[i].argument, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void a_domain_stands_behind_an_at_sign_outside_of_quotes(void **state)
{
	(void)state;
	assert_int_equal(tp_address_qualified("a@b.c"), 1);
	assert_int_equal(tp_address_qualified("\"a@b\"@c"), 1);
	assert_int_equal(tp_address_qualified("root"), 0);
	assert_int_equal(tp_address_qualified(""), 0);
	assert_int_equal(tp_address_qualified("\"a@b\""), 0);
	assert_int_equal(tp_address_qualified("a\\@b"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_argument_holds_none_one_or_several),
		cmocka_unit_test(
			a_domain_stands_behind_an_at_sign_outside_of_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
