/*
 * import_bytes_test.c - the small conversions of tillpost import
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_bytes.h"
#include "cli/import/import_result.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void base_64_must_be_canonical(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* NULL: none */
	} cases[] = { { "Zm9v", "foo" }, { "Zm8=", "fo" }, { "Zg==", "f" },
		{ "", NULL }, { "Zg=", NULL }, { "Zg", NULL }, { "Zh==", NULL },
		{ "Zm9=", NULL }, { "Z===", NULL }, { "====", NULL },
		{ "Zm 9", NULL }, { "Zm9v\n", NULL }, { "Zm-v", NULL } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		char room[32] = "";
		size_t len = tp_import_base64(
			cases[i].text, strlen(cases[i].text), room);

		assert_int_equal(
			len, cases[i].want ? strlen(cases[i].want) : 0);
		if (cases[i].want)
			assert_memory_equal(room, cases[i].want, len);
	}
}

static void entities_become_characters(void **state)
{
	static const char *const cases[][2] = {
		{ "a &amp; b", "a & b" },
		{ "&amp;lt;", "&lt;" },
		{ "&quot;x&quot;", "\"x\"" },
		{ "it&#039;s &#39;x&#39;", "it's 'x'" },
		{ "&#10;&#300;&#x41;&copy;&", "&#10;&#300;&#x41;&copy;&" },
		{ "&#;&#0065;", "&#;A" },
		{ "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%s", cases[i][0]);
		tp_import_entities(text);
		assert_string_equal(text, cases[i][1]);
	}
}

static void backslashes_go_and_what_follows_stays(void **state)
{
	char text[] = "a\\'b\\\\c\\";

	(void)state;
	tp_import_backslashes(text);
	assert_string_equal(text, "a'b\\c");
}

static void a_number_is_digits_and_blanks_only(void **state)
{
	(void)state;
	assert_int_equal(tp_import_number("587"), 587);
	assert_int_equal(tp_import_number(" 25\t"), 25);
	assert_int_equal(tp_import_number("999999999"), 999999999);
	assert_int_equal(tp_import_number("1000000000"), -1);
	assert_int_equal(tp_import_number("99999999999999999999"), -1);
	assert_int_equal(tp_import_number(""), -1);
	assert_int_equal(tp_import_number("-1"), -1);
	assert_int_equal(tp_import_number("0x19"), -1);
	assert_int_equal(tp_import_number("25 a"), -1);
}

static void printable_is_one_line_of_utf_8(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = { { "", 1 }, { "S\xc3\xb6hne", 1 },
		{ "\xf0\x9f\x9b\x92", 1 }, { "a\nb", 0 }, { "a\x7f", 0 },
		{ "\xc3", 0 }, { "\xc0\xaf", 0 }, { "\xe0\x80\xaf", 0 },
		{ "\xed\xa0\x80", 0 }, { "\xf4\x90\x80\x80", 0 }, { "\xff", 0 },
		{ "\xc3(", 0 } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(tp_import_printable(
					 cases[i].text, strlen(cases[i].text)),
			cases[i].want);
}

static void texts_grow_and_remember_failures(void **state)
{
	struct tp_import_bytes bytes = { .text = NULL };
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		tp_import_bytes_printf(&bytes, "%03zu,", i);
	assert_int_equal(bytes.len, 4000);
	assert_memory_equal(bytes.text + 3996, "999,", 5);
	tp_import_bytes_printf(&bytes, "%4000s", "x");
	assert_int_equal(bytes.failed, 1);
	tp_import_bytes_free(&bytes);
}

/* ---- names and addresses ------------------------------------------------ */

static void a_name_is_valid_and_taken_once(void **state)
{
	struct tp_import_result result = { .relay_count = 0 };
	char name[TP_IMPORT_NAME_BYTES];
	static const char *const cases[][2] = {
		{ "shop", "shop" },
		{ "eu.example.com", "eu-example-com" },
		{ "7up", "r7up" },
		{ "", "relay" },
		{ "a  b", "a-b" },
		{ "x!", "x" },
		{ "\xc3\xa4", "r" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		tp_import_name(&result, 0, cases[i][0], name);
		assert_string_equal(name, cases[i][1]);
	}
	(void)snprintf(
		result.relays[0].name, sizeof(result.relays[0].name), "shop");
	result.relay_count = 1;
	tp_import_name(&result, 0, "shop", name);
	assert_string_equal(name, "shop-2");
	tp_import_name(&result, 1, "shop", name);
	assert_string_equal(name, "shop");
}

static void only_plain_addresses_are_addresses(void **state)
{
	(void)state;
	assert_true(tp_import_is_address("a.b+c@example.com", 0));
	assert_true(tp_import_is_address("@example.com", 1));
	assert_false(tp_import_is_address("@example.com", 0));
	assert_false(tp_import_is_address("a b@example.com", 0));
	assert_false(tp_import_is_address("a@b@example.com", 0));
	assert_false(tp_import_is_address("a,b@example.com", 0));
	assert_false(tp_import_is_address("a@", 0));
	assert_false(tp_import_is_address("a", 0));
	assert_false(tp_import_is_address(".a@example.com", 0));
	assert_false(tp_import_is_address("a@ex_ample.com", 0));
}

static void a_from_is_quoted_where_it_must_be(void **state)
{
	struct tp_import_result result = { .relay_count = 1 };
	static const char *const cases[][2] = {
		{ "Shop", "Shop <a@example.com>" },
		{ "", "a@example.com" },
		{ "A, B", "\"A, B\" <a@example.com>" },
		{ "say \"x\\\"", "\"say \\\"x\\\\\\\"\" <a@example.com>" },
		{ "two\nlines", "a@example.com" },
	};
	struct tillpost_error err;
	int32_t store = tp_import_store_add(&result, NULL, 0, &err);
	size_t i;

	(void)state;
	assert_int_equal(store, 0);
	for (i = 0; i < COUNT(cases); i++) {
		assert_true(tp_import_store_from(&result, 0, cases[i][0],
				    "a@example.com", &err) >= 0);
		assert_string_equal(result.stores[0].from, cases[i][1]);
	}
	tp_import_result_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_64_must_be_canonical),
		cmocka_unit_test(entities_become_characters),
		cmocka_unit_test(backslashes_go_and_what_follows_stays),
		cmocka_unit_test(a_number_is_digits_and_blanks_only),
		cmocka_unit_test(printable_is_one_line_of_utf_8),
		cmocka_unit_test(texts_grow_and_remember_failures),
		cmocka_unit_test(a_name_is_valid_and_taken_once),
		cmocka_unit_test(only_plain_addresses_are_addresses),
		cmocka_unit_test(a_from_is_quoted_where_it_must_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
