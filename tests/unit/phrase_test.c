/*
 * phrase_test.c - tests of module/core/phrase.c
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "core/address.h"
#include "core/phrase.h"

static void names_become_strict_phrases(void **state)
{
	static const struct {
		const char *name;
		const char *want; /* between "From: " and " <a@b.example>" */
	} cases[] = {
		{ "Ann", "Ann" },
		{ "Ann O'Bee-Cee", "Ann O'Bee-Cee" },
		{ "\"Bee, Ann\"", "\"Bee, Ann\"" },
		{ "\"\"", "\"\"" },
		{ "Ann (the first.) Bee", "Ann (the first.) Bee" },
		{ "Mr. Shop", "\"Mr. Shop\"" },
		{ "[Shop]", "\"[Shop]\"" },
		{ "Mr. \"The \\\"Shop\\\"\"", "\"Mr. The \\\"Shop\\\"\"" },
		{ "a@b.example", "\"a@b.example\"" },
		{ "\"a b\"@c.example", "\"a b@c.example\"" },
		{ "=?utf-8?Q?J=C3=BC?= Shop", "=?utf-8?Q?J=C3=BC?= Shop" },
		{ "=?utf-8?Q?J=C3=BC?= Inc.", "=?utf-8?Q?J=C3=BC?= Inc." },
		{ "=?x@b.example", "\"=?x@b.example\"" },
		{ "J\xc3\xbc Shop", "=?UTF-8?Q?J=C3=BC_Shop?=" },
		{ "\"J\xc3\xbc, Shop\"", "=?UTF-8?Q?J=C3=BC=2C_Shop?=" },
		{ "J\xfc", "J\xfc" },
		{ "J\xfc. x", "\"J\xfc. x\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tp_buf want = TP_BUF_INIT(1000);
		struct tp_buf got = TP_BUF_INIT(1000);

		assert_int_equal(
			tp_buf_printf(&want, "From: %s <a@b.example>\r\n",
				cases[i].want),
			0);
		assert_int_equal(tp_phrase_mailbox_add(&got, "From",
					 cases[i].name, "a@b.example"),
			0);
		assert_string_equal(tp_buf_str(&got), tp_buf_str(&want));
		tp_buf_free(&got);
		tp_buf_free(&want);
	}
}

static void without_a_name_the_address_stands_alone(void **state)
{
	struct tp_buf got = TP_BUF_INIT(1000);

	(void)state;
	assert_int_equal(
		tp_phrase_mailbox_add(&got, "From", NULL, "a@b.example"), 0);
	assert_int_equal(
		tp_phrase_mailbox_add(&got, "Sender", "", "c@d.example"), 0);
	assert_string_equal(tp_buf_str(&got),
		"From: a@b.example\r\nSender: c@d.example\r\n");
	tp_buf_free(&got);
}

static void long_names_fold_and_no_line_passes_76(void **state)
{
	struct tp_address_list list = TP_ADDRESS_LIST_INIT;
	struct tp_buf name = TP_BUF_INIT(10000);
	struct tp_buf got = TP_BUF_INIT(10000);
	const char *at;
	size_t i;

	(void)state;
	for (i = 0; i < 60; i++)
		assert_int_equal(
			tp_buf_str_add(&name, "\xe2\x82\xac\xf0\x9f\x98\x80 x"),
			0);
	assert_int_equal(tp_phrase_mailbox_add(&got, "From", tp_buf_str(&name),
				 "a@b.example"),
		0);
	for (at = tp_buf_str(&got); *at;) {
		const char *end = strstr(at, "\r\n");

		assert_non_null(end);
		assert_true(end - at <= 76);
		at = end + 2;
	}
	at = tp_buf_str(&got) + strlen("From:");
	assert_int_equal(tp_address_list_parse(
				 at, strlen(at) - 2, 1, "From", &list, NULL),
		0);
	assert_string_equal(list.items[0].addr, "a@b.example");
	assert_null(strchr(list.items[0].name, '\n'));
	tp_address_list_free(&list);
	tp_buf_free(&got);
	tp_buf_free(&name);
}

static void the_bound_of_the_buffer_holds(void **state)
{
	struct tp_buf got = TP_BUF_INIT(20);

	(void)state;
	assert_int_equal(
		tp_phrase_mailbox_add(&got, "From", "J\xc3\xbc", "a@b.example"),
		TP_ETOOBIG);
	tp_buf_free(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_strict_phrases),
		cmocka_unit_test(without_a_name_the_address_stands_alone),
		cmocka_unit_test(long_names_fold_and_no_line_passes_76),
		cmocka_unit_test(the_bound_of_the_buffer_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
