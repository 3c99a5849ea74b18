/*
 * address_test.c - tests of module/core/address.c and address_spec.c
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/address.h"

/* The list in one line: "name <addr>|addr", "!" behind a non-ASCII one. */
static void show(const struct tp_address_list *list, struct tp_buf *out)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct tp_address *item = &list->items[i];
		int rc;

		if (item->name)
			rc = tp_buf_printf(
				out, "{%s} <%s>", item->name, item->addr);
		else
			rc = tp_buf_str_add(out, item->addr);
		assert_int_equal(rc, 0);
		if (item->non_ascii)
			assert_int_equal(tp_buf_char(out, '!'), 0);
		if (i + 1 < list->count)
			assert_int_equal(tp_buf_char(out, '|'), 0);
	}
}

static void expect_list(const char *value, size_t len, const char *want)
{
	struct tp_address_list list = TP_ADDRESS_LIST_INIT;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_buf got = TP_BUF_INIT(1 << 20);
	int rc = tp_address_list_parse(value, len, 1000, "To", &list, &err);

	if (rc != 0)
		fail_msg("%s: %s", value, err.text);
	show(&list, &got);
	assert_string_equal(tp_buf_str(&got), want);
	assert_int_equal(
		tp_address_list_parse(value, len, 0, "To", NULL, NULL), 0);
	tp_buf_free(&got);
	tp_address_list_free(&list);
}

static void expect_refusal(const char *value, size_t len, const char *text)
{
	struct tp_address_list list = TP_ADDRESS_LIST_INIT;
	struct tp_error err = TP_ERROR_INIT;
	int rc = tp_address_list_parse(value, len, 1000, "Cc", &list, &err);

	if (rc != TP_EADDRESS)
		fail_msg("accepted: %s", value);
	assert_string_equal(err.where, "Cc");
	if (!strstr(err.text, text))
		fail_msg(
			"%s: got \"%s\", wanted \"%s\"", value, err.text, text);
	tp_address_list_free(&list);
}

static void the_grammar_of_address_lists_is_understood(void **state)
{
	static const struct {
		const char *value;
		const char *want;
	} cases[] = {
		{ "", "" },
		{ " \t", "" },
		{ "a@b.example", "a@b.example" },
		{ " a@b.example ", "a@b.example" },
		{ "a@b.example,c@d.example", "a@b.example|c@d.example" },
		{ "a@b.example, c@d.example,", "a@b.example|c@d.example" },
		{ ",,a@b.example,,", "a@b.example" },
		{ "<a@b.example>", "a@b.example" },
		{ "< a@b.example >", "a@b.example" },
		{ "Ann <a@b.example>", "{Ann} <a@b.example>" },
		{ "Ann<a@b.example>", "{Ann} <a@b.example>" },
		{ "Ann Bee  Cee <a@b.example>",
			"{Ann Bee  Cee} <a@b.example>" },
		{ "\"Bee, Ann\" <a@b.example>",
			"{\"Bee, Ann\"} <a@b.example>" },
		{ "\"a \\\"b\\\" @ <c>\" <a@b.example>",
			"{\"a \\\"b\\\" @ <c>\"} <a@b.example>" },
		{ "\"\" <a@b.example>", "{\"\"} <a@b.example>" },
		{ "Ann (A) Bee (B) <a@b.example> (C)",
			"{Ann (A) Bee} <a@b.example>" },
		{ "(x) a (y) @ (z) b.example (w)", "a@b.example" },
		{ "a@b.example (Ann (the (first)))", "a@b.example" },
		{ "a@b.example (\\) \\( not closed yet)", "a@b.example" },
		{ "(((((((( eight ))))))))a@b.example", "a@b.example" },
		{ "Ann\r\n Bee\r\n\t<a@b.example>,\r\n c@d.example",
			"{Ann Bee} <a@b.example>|c@d.example" },
		{ "Ann\n <a@b.example>", "{Ann} <a@b.example>" },
		{ "a@b.example,\r\n \r\n c@d.example",
			"a@b.example|c@d.example" },
		{ "\"Ann\r\n Bee\" <a@b.example>",
			"{\"Ann Bee\"} <a@b.example>" },
		{ "(a\r\n b) a@b.example", "a@b.example" },
		/* groups */
		{ "undisclosed-recipients:;", "" },
		{ "Staff: a@b.example, Bo <c@d.example>;",
			"a@b.example|{Bo} <c@d.example>" },
		{ "x@y.example, A B:a@b.example;, \"C\": ;, z@y.example",
			"x@y.example|a@b.example|z@y.example" },
		/* quoted local parts are canonical: no needless quotes */
		{ "\"a\"@b.example", "a@b.example" },
		{ "\"a b\"@b.example", "\"a b\"@b.example" },
		{ "\"a\\ b\"@b.example", "\"a b\"@b.example" },
		{ "\"a\r\n b\"@b.example", "\"a b\"@b.example" },
		{ "\"a\\\"\\\\b\"@b.example", "\"a\\\"\\\\b\"@b.example" },
		{ "\"a..b\"@b.example", "\"a..b\"@b.example" },
		{ "\"a@c\"@b.example", "\"a@c\"@b.example" },
		{ "<\"a>b\"@b.example>", "\"a>b\"@b.example" },
		/* encoded-words stay as they are */
		{ "=?utf-8?Q?J=C3=BCrgen?= <a@b.example>",
			"{=?utf-8?Q?J=C3=BCrgen?=} <a@b.example>" },
		{ "=?utf-8?B?YUBiLmV4YW1wbGU=?= <c@d.example>",
			"{=?utf-8?B?YUBiLmV4YW1wbGU=?=} <c@d.example>" },
		{ "=?utf-8?Q?x=40evil?=@b.example",
			"=?utf-8?Q?x=40evil?=@b.example" },
		/* common in shops, clear all the same */
		{ "Mr. Shop Inc. <a@b.example>",
			"{Mr. Shop Inc.} <a@b.example>" },
		{ "[My Shop] <a@b.example>", "{[My Shop]} <a@b.example>" },
		{ "J\xc3\xbcrgen <a@b.example>",
			"{J\xc3\xbcrgen} <a@b.example>" },
		{ "J\xfcrgen <a@b.example>", "{J\xfcrgen} <a@b.example>" },
		{ "a@b.example <a@b.example>", "{a@b.example} <a@b.example>" },
		{ "a@B.example <a@b.EXAMPLE>", "{a@B.example} <a@b.EXAMPLE>" },
		/* domains */
		{ "a@localhost", "a@localhost" },
		{ "a@[192.0.2.1]", "a@[192.0.2.1]" },
		{ "a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]" },
		{ "a@[ipv6:::ffff:192.0.2.1]", "a@[ipv6:::ffff:192.0.2.1]" },
		{ "a@1and1.example", "a@1and1.example" },
		{ "a!#$%&'*+-/=?^_`{|}~@b.example",
			"a!#$%&'*+-/=?^_`{|}~@b.example" },
		/* SMTPUTF8 */
		{ "j\xc3\xbcrgen@b.example", "j\xc3\xbcrgen@b.example!" },
		{ "a@b\xc3\xbc"
		  "cher.example",
			"a@b\xc3\xbc"
			"cher.example!" },
		{ "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.example",
			"\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90"
			".example!" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_list(
			cases[i].value, strlen(cases[i].value), cases[i].want);
}

static void what_is_not_in_the_grammar_is_refused(void **state)
{
	static const struct {
		const char *value;
		const char *text;
	} cases[] = {
		{ "ann", "no '@'" },
		{ "Bee, Ann <a@b.example>", "name with a comma needs quotes" },
		{ "a@b.example; c@d.example", "use a comma" },
		{ "a@b.example c@d.example", "unexpected character" },
		{ "a@b.example <c@d.example>", "another address" },
		{ "a b@c.example", "more than one word" },
		{ "\"a\" b@c.example", "more than one word" },
		{ "\"a\".b@c.example", "more than one word" },
		{ "a . b@c.example", "more than one word" },
		{ "[a]@b.example", "more than one word" },
		{ "@b.example", "nothing before" },
		{ "<@x.example,@y.example:a@b.example>", "source routes" },
		{ "<>", "empty address" },
		{ "Ann <>", "empty address" },
		{ "<a>", "expected local@domain" },
		{ "<a@b.example", "expected '>'" },
		{ "<a@b.example c>", "expected '>'" },
		{ "<<a@b.example>>", "expected local@domain" },
		{ "a@b.example>", "unexpected character" },
		{ "a@b.example)", "unexpected character" },
		{ "a\\b@b.example", "no '@'" },
		{ "a@b@c.example", "unexpected character" },
		{ ".a@b.example", "not a dot-atom" },
		{ "a.@b.example", "not a dot-atom" },
		{ "a..b@b.example", "not a dot-atom" },
		{ "\"\"@b.example", "local part is empty" },
		{ "\"a\tb\"@b.example", "TAB" },
		{ "-oQ/tmp@b.example", "starts with '-'" },
		{ "\"-X\"@b.example", "starts with '-'" },
		{ "\"a@b.example", "quotation mark is not closed" },
		{ "\"a\\", "quotation mark is not closed" },
		{ "\"a\\\"", "quotation mark is not closed" },
		{ "(a@b.example", "comment is not closed" },
		{ "(a\\", "comment is not closed" },
		{ "((((((((( nine )))))))))a@b.example", "nest too deeply" },
		{ "a@", "domain is empty" },
		{ "a@.example", "empty label" },
		{ "a@b..example", "empty label" },
		{ "a@b.example.", "empty label" },
		{ "a@-b.example", "starts or ends with '-'" },
		{ "a@b-.example", "starts or ends with '-'" },
		{ "a@b_c.example", "character not allowed in a domain" },
		{ "a@192.0.2.1", "without brackets" },
		{ "a@[192.0.2.256]", "address literal" },
		{ "a@[192.0.2]", "address literal" },
		{ "a@[192.0.2.1.]", "address literal" },
		{ "a@[192.0.2.01]", "address literal" },
		{ "a@[192.0.2.1", "address literal" },
		{ "a@[]", "address literal" },
		{ "a@[IPv6:]", "address literal" },
		{ "a@[IPv6:1::2::3]", "address literal" },
		{ "a@[IPv6:1:2:3:4:5:6:7]", "address literal" },
		{ "a@[IPv6:1:2:3:4:5:6:7:8:9]", "address literal" },
		{ "a@[IPv6:12345::]", "address literal" },
		{ "a@[IPv6:1:]", "address literal" },
		{ "a@[tag:x]", "address literal" },
		{ "Group: a@b.example", "group is not closed" },
		{ "A: B: a@b.example;;", "group inside a group" },
		{ ": a@b.example;", "group without a name" },
		{ "A:; a@b.example", "unexpected character" },
		{ "A:;;", "';' outside a group" },
		/* breaks that are no folds */
		{ "a@b.example\r\nc@d.example", "unexpected character" },
		{ "a@b.example\nRCPT TO:<x@y>", "unexpected character" },
		{ "a@b.example\r", "unexpected character" },
		{ "\"a\r\nb\"@b.example", "control character" },
		{ "\"a\rb\"@b.example", "control character" },
		{ "\"a\\\r\nb\"@b.example", "control character" },
		{ "\"a\x7f\"@b.example", "control character" },
		{ "(a\r\nb)a@b.example", "control character" },
		{ "(\\\r\n )a@b.example", "control character" },
		{ "a\x01@b.example", "no '@'" },
		/* not UTF-8, or not what it seems */
		{ "j\xfcrgen@b.example", "not valid UTF-8" },
		{ "a@b\xfc.example", "not valid UTF-8" },
		{ "a\xc0\x80@b.example", "not valid UTF-8" },
		{ "a\xc2\x85@b.example", "look-alike" },
		{ "a\xe2\x80\xa8@b.example", "look-alike" },
		{ "a@b\xe3\x80\x82"
		  "example",
			"look-alike" },
		{ "a\xef\xbc\xa0"
		  "b@c.example",
			"look-alike" },
		{ "a@b\xef\xbc\x8e"
		  "example",
			"look-alike" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_refusal(
			cases[i].value, strlen(cases[i].value), cases[i].text);
	expect_refusal("a@b.example\0,c@d.example", 24, "unexpected character");
	expect_refusal("a\0@b.example", 12, "no '@'");
	expect_refusal("\"a\0\"@b.example", 14, "control character");
}

static void the_error_tells_which_address_and_where(void **state)
{
	struct tp_error err = TP_ERROR_INIT;
	const char *value = "a@b.example, c@d.example, oops";

	(void)state;
	assert_int_equal(tp_address_list_parse(
				 value, strlen(value), 9, "Bcc", NULL, &err),
		TP_EADDRESS);
	assert_string_equal(err.where, "Bcc");
	assert_non_null(strstr(err.text, "address 3 (at byte 31)"));
}

static void lengths_are_limited_to_64_and_254(void **state)
{
	char local[80];
	char addr[400];
	int n;

	(void)state;
	memset(local, 'l', sizeof(local));
	for (n = 63; n <= 66; n++) {
		int rc;

		(void)snprintf(addr, sizeof(addr), "%.*s@b.example", n, local);
		rc = tp_address_check(addr, 0, "x", NULL, NULL, NULL);
		assert_int_equal(rc, n <= 64 ? 0 : TP_EADDRESS);
		/* quoted because of the blank: three octets more */
		(void)snprintf(addr, sizeof(addr), "\"%.*s \"@b.example", n - 3,
			local);
		rc = tp_address_check(addr, 0, "x", NULL, NULL, NULL);
		assert_int_equal(rc, n <= 64 ? 0 : TP_EADDRESS);
	}
	for (n = 250; n <= 256; n++) {
		int i;

		for (i = 0; i < n; i++)
			addr[i] = i == 1 ? '@' : i % 60 == 59 ? '.' : 'd';
		addr[n] = '\0';
		assert_int_equal(
			tp_address_check(addr, 0, "x", NULL, NULL, NULL),
			n <= 254 ? 0 : TP_EADDRESS);
	}
	memset(addr, 'd', sizeof(addr));
	assert_int_equal(tp_domain_valid(addr, 63), 1);
	assert_int_equal(tp_domain_valid(addr, 64), 0);
}

static void the_list_is_never_longer_than_allowed(void **state)
{
	struct tp_address_list list = TP_ADDRESS_LIST_INIT;
	struct tp_error err = TP_ERROR_INIT;
	const char *value = "a@b.example, c@d.example, e@f.example";

	(void)state;
	assert_int_equal(tp_address_list_parse(
				 value, strlen(value), 2, "To", &list, &err),
		TP_ETOOBIG);
	assert_int_equal(list.count, 2);
	assert_non_null(strstr(err.text, "more than 2"));
	tp_address_list_free(&list);
}

static void envelope_addresses_are_plain_and_canonical(void **state)
{
	static const struct {
		const char *addr;
		const char *want; /* canonical, or part of the error */
		int ok;
		int non_ascii;
	} cases[] = {
		{ "a@b.example", "a@b.example", 1, 0 },
		{ "A@B.Example", "A@B.Example", 1, 0 },
		{ "\"a\"@b.example", "a@b.example", 1, 0 },
		{ "\"a b\"@[192.0.2.1]", "\"a b\"@[192.0.2.1]", 1, 0 },
		{ "j\xc3\xbc@b.example", "j\xc3\xbc@b.example", 1, 1 },
		{ "", "empty address", 0, 0 },
		{ "<a@b.example>", "angle brackets", 0, 0 },
		{ " a@b.example", "not a dot-atom", 0, 0 },
		{ "a@b.example ", "not allowed in a domain", 0, 0 },
		{ "a @b.example", "not a dot-atom", 0, 0 },
		{ "a(x)@b.example", "not a dot-atom", 0, 0 },
		{ "Ann <a@b.example>", "not a dot-atom", 0, 0 },
		{ "a", "no '@'", 0, 0 },
		{ "\"a\"", "no '@'", 0, 0 },
		{ "\"a\"b@c.example", "no '@'", 0, 0 },
		{ "a@b.example\r\nRCPT TO:<c@d>", "not allowed in a domain", 0,
			0 },
		{ "a@b.example,c@d.example", "not allowed in a domain", 0, 0 },
		{ "\"a\r\n b\"@b.example", "control character", 0, 0 },
		{ "\"a\n\"@b.example", "control character", 0, 0 },
		{ "-f@b.example", "starts with '-'", 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tp_error err = TP_ERROR_INIT;
		char *got = NULL;
		int non_ascii = 0;
		int rc = tp_address_check(
			cases[i].addr, 0, "sender", &got, &non_ascii, &err);

		assert_int_equal(rc, cases[i].ok ? 0 : TP_EADDRESS);
		if (cases[i].ok) {
			assert_string_equal(got, cases[i].want);
			assert_int_equal(non_ascii, cases[i].non_ascii);
		} else {
			assert_null(got);
			assert_string_equal(err.where, "sender");
			if (!strstr(err.text, cases[i].want))
				fail_msg("%s: %s", cases[i].addr, err.text);
		}
		tp_free(got);
	}
}

static void the_null_reverse_path_passes_only_on_request(void **state)
{
	char *got = NULL;

	(void)state;
	assert_int_equal(
		tp_address_check("", 1, "sender", &got, NULL, NULL), 0);
	assert_string_equal(got, "");
	tp_free(got);
	assert_int_equal(tp_address_check("", 0, "sender", NULL, NULL, NULL),
		TP_EADDRESS);
}

static void addresses_compare_by_local_part_and_folded_domain(void **state)
{
	(void)state;
	assert_int_equal(tp_address_compare("a@b.c", "a@B.C"), 0);
	assert_int_not_equal(tp_address_compare("A@b.c", "a@b.c"), 0);
	assert_int_not_equal(tp_address_compare("a@b.c", "a@b.d"), 0);
	assert_int_not_equal(tp_address_compare("aa@b.c", "a@b.c"), 0);
	assert_string_equal(tp_address_domain("\"a@b\"@c.d"), "c.d");
}

static void host_names_follow_rfc_1123(void **state)
{
	static const struct {
		const char *name;
		int valid;
	} cases[] = {
		{ "localhost", 1 },
		{ "mail.example.com", 1 },
		{ "3com.example", 1 },
		{ "a-b.example", 1 },
		{ "[127.0.0.1]", 1 },
		{ "[IPv6:::1]", 1 },
		{ "[IPv6:1:2:3:4:5:6:7:8]", 1 },
		{ "[IPv6:1:2:3:4:5:6:192.0.2.1]", 1 },
		{ "", 0 },
		{ "127.0.0.1", 0 },
		{ "a_b", 0 },
		{ "a b", 0 },
		{ "a.", 0 },
		{ "a\r\nQUIT", 0 },
		{ "[127.0.0.1]x", 0 },
		{ "[", 0 },
		{ "b\xc3\xbc"
		  "cher.example",
			0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (tp_domain_valid(cases[i].name, strlen(cases[i].name)) !=
			cases[i].valid)
			fail_msg("%s", cases[i].name);
	assert_int_equal(tp_domain_valid("a\0b", 3), 0);
}

/* Fills TEXT with UNIT again and again. */
static void repeat(char *text, size_t len, const char *unit)
{
	size_t unit_len = strlen(unit);
	size_t i;

	for (i = 0; i < len; i++)
		text[i] = unit[i % unit_len];
}

/* 400 kB in a parser that is quadratic would take minutes. The limit leaves
 * room for sanitizers, valgrind and a busy machine. */
static void hostile_lists_take_linear_time(void **state)
{
	static const char *const units[] = { "(", ")", "(((((((()))))))) ",
		"()", "\"", "\"\" ", "\\", "\"\\", ",", "a,", "a ", "a.", ".",
		"<", ">", "@", "a@", "a@b,", "a@b <", "\"a\" <a@b>,", ":",
		"a:", "a:;,", ";", "[", "[]", " ", "\r\n ", "(\\(",
		"=?a?q?b?= ", "\xc3\xbc", "a@b (", "a@b <a@b>," };
	static char text[400000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct tp_address_list list = TP_ADDRESS_LIST_INIT;
		clock_t start;
		int rc;

		repeat(text, sizeof(text), units[i]);
		start = clock();
		rc = tp_address_list_parse(
			text, sizeof(text), SIZE_MAX, "To", &list, NULL);
		assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
		assert_true(rc == 0 || rc == TP_EADDRESS);
		tp_address_list_free(&list);
	}
}

#ifdef TP_TEST_ALLOC
static void every_failed_allocation_is_reported(void **state)
{
	const char *value = "Ann <a@b.example>, c@d.example, 3@d.example, "
			    "4@d.example, 5@d.example, 6@d.example, "
			    "7@d.example, 8@d.example, 9@d.example";
	unsigned long n;

	(void)state;
	for (n = 1; n < 100; n++) {
		struct tp_address_list list = TP_ADDRESS_LIST_INIT;
		struct tp_error err = TP_ERROR_INIT;
		int rc;

		tp_mem_fail_at(n);
		rc = tp_address_list_parse(
			value, strlen(value), 99, "To", &list, &err);
		if (rc == TP_OK)
			rc = tp_address_list_add(
				&list, "x@y.example", "x", &err);
		tp_mem_fail_at(0);
		assert_int_equal(rc, err.code);
		tp_address_list_free(&list);
		if (rc == TP_OK)
			break;
		assert_int_equal(rc, TP_ENOMEM);
	}
	assert_true(n > 10 && n < 100);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_grammar_of_address_lists_is_understood),
		cmocka_unit_test(what_is_not_in_the_grammar_is_refused),
		cmocka_unit_test(the_error_tells_which_address_and_where),
		cmocka_unit_test(lengths_are_limited_to_64_and_254),
		cmocka_unit_test(the_list_is_never_longer_than_allowed),
		cmocka_unit_test(envelope_addresses_are_plain_and_canonical),
		cmocka_unit_test(the_null_reverse_path_passes_only_on_request),
		cmocka_unit_test(
			addresses_compare_by_local_part_and_folded_domain),
		cmocka_unit_test(host_names_follow_rfc_1123),
		cmocka_unit_test(hostile_lists_take_linear_time),
#ifdef TP_TEST_ALLOC
		cmocka_unit_test(every_failed_allocation_is_reported),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
