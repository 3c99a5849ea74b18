/*
 * route_test.c - which store sent a message
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/route.h"

#include <stdio.h>
#include <string.h>

static char *eu_from[] = { (char *)"@eu.example.com",
	(char *)"boss@example.com" };
static char *eu_host[] = { (char *)"eu.example.com", (char *)"[2001:db8::1]" };
static char *eu_run_code[] = { (char *)"eu" };
static char *vip_from[] = { (char *)"vip@eu.example.com",
	(char *)"@example.com" };
static char *vip_host[] = { (char *)"VIP.example.com." };

static struct tp_store stores[] = {
	{ .name = (char *)"default" },
	{ .name = (char *)"eu",
		.match_from = { eu_from, 2 },
		.match_host = { eu_host, 2 },
		.match_run_code = { eu_run_code, 1 } },
	{ .name = (char *)"vip",
		.match_from = { vip_from, 2 },
		.match_host = { vip_host, 1 } },
};
static const struct tp_config config = { .stores = stores, .store_count = 3 };

struct route_case {
	const char *sentence;
	struct tp_route_hints hints;
	const char *store; /* NULL: TP_ENOTFOUND */
	const char *reason;
};

static const struct route_case cases[] = {
	{ "nothing known gives default", { 0 }, "default",
		"nothing else matches" },
	{ "an explicit name wins over all",
		{ .store = "eu",
			.store_header = "vip",
			.from_address = "a@example.com",
			.run_code = "x",
			.host = "vip.example.com" },
		"eu", "the caller names store eu" },
	{ "the header wins over From",
		{ .store_header = "vip", .from_address = "a@eu.example.com" },
		"vip", "the store header names store vip" },
	{ "From wins over run code",
		{ .from_address = "boss@example.com", .run_code = "vip" }, "eu",
		"From address boss@example.com matches" },
	{ "an exact address wins over an earlier domain",
		{ .from_address = "vip@eu.example.com" }, "vip",
		"matches \"vip@eu.example.com\" of store vip" },
	{ "an exact address wins over a later domain",
		{ .from_address = "boss@example.com" }, "eu",
		"matches \"boss@example.com\"" },
	{ "a domain matches", { .from_address = "any@eu.example.com" }, "eu",
		"matches \"@eu.example.com\" of store eu" },
	{ "case of an address does not matter",
		{ .from_address = "Any@EU.Example.COM" }, "eu",
		"matches \"@eu.example.com\"" },
	{ "a domain is not its subdomain",
		{ .from_address = "a@sub.eu.example.com" }, "default",
		"nothing else matches" },
	{ "a domain is not a longer one",
		{ .from_address = "a@noteu.example.com" }, "default",
		"nothing else matches" },
	{ "a quoted @ does not hide the domain",
		{ .from_address = "\"x@eu.example.com\"@other.example" },
		"default", "nothing else matches" },
	{ "run code wins over host",
		{ .run_code = "eu", .host = "vip.example.com" }, "eu",
		"run code eu matches" },
	{ "run codes differ in case", { .run_code = "EU" }, "default",
		"nothing else matches" },
	{ "a host matches", { .host = "eu.example.com" }, "eu",
		"host name eu.example.com matches" },
	{ "port, case and dot of a host do not matter",
		{ .host = "Eu.Example.Com.:8443" }, "eu", "host name" },
	{ "dot and case of the entry do not matter",
		{ .host = "vip.example.com:80" }, "vip", "host name" },
	{ "an IPv6 literal has a port too", { .host = "[2001:DB8::1]:80" },
		"eu", "host name" },
	{ "an unknown host is no match", { .host = "evil.example" }, "default",
		"nothing else matches" },
	{ "an empty host is no match", { .host = "" }, "default",
		"nothing else matches" },
	{ "a host of only a port is no match", { .host = ":80" }, "default",
		"nothing else matches" },
	{ "an unknown explicit name is an error",
		{ .store = "ue", .from_address = "a@eu.example.com" }, NULL,
		"the caller names the store \"ue\", which is not in the "
		"configuration" },
	{ "a mistyped name gets a suggestion", { .store = "defualt" }, NULL,
		"did you mean \"default\"?" },
	{ "an unknown header is an error", { .store_header = "other" }, NULL,
		"the store header names the store \"other\"" },
	{ "an empty header is an error", { .store_header = "" }, NULL,
		"the store header names the store \"\"" },
};

static void routes_are_found_in_the_documented_order(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct route_case *c = &cases[i];
		struct tp_error err = TP_ERROR_INIT;
		struct tp_route route;
		int rc = tp_route_find(&config, &c->hints, &route, &err);
		const char *text = c->store ? route.reason : err.text;

		print_message("%s\n", c->sentence);
		assert_int_equal(rc, c->store ? TP_OK : TP_ENOTFOUND);
		if (c->store)
			assert_string_equal(route.store->name, c->store);
		else
			assert_null(route.store);
		if (!strstr(text, c->reason))
			fail_msg("\"%s\" is not in \"%s\"", c->reason, text);
	}
}

static void without_a_default_store_there_is_no_route(void **state)
{
	const struct tp_config only_eu = { .stores = &stores[1],
		.store_count = 1 };
	const struct tp_route_hints hints = { .run_code = "us" };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_route route;

	(void)state;
	assert_int_equal(
		tp_route_find(&only_eu, &hints, &route, &err), TP_ENOTFOUND);
	assert_non_null(strstr(err.text, "there is no store \"default\""));
}

static void a_long_hint_is_cut_in_the_reason_only(void **state)
{
	char address[300];
	const struct tp_route_hints hints = { .from_address = address };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_route route;

	(void)state;
	memset(address, 'a', sizeof(address));
	(void)snprintf(address + 280, 20, "@eu.example.com");
	assert_int_equal(tp_route_find(&config, &hints, &route, &err), 0);
	assert_string_equal(route.store->name, "eu");
	assert_true(strlen(route.reason) < sizeof(route.reason));
	assert_non_null(strstr(route.reason, "of store eu"));
}

/* ---- users -------------------------------------------------------------- */

struct user_case {
	const char *sentence;
	const char *users[3];
	struct tp_user user;
	int admits;
	int names;
};

static const struct user_case user_cases[] = {
	{ "who is not listed anywhere may submit, not ask", { NULL },
		{ 33, "www-data" }, 1, 0 },
	{ "a listed name may", { "shop", "www-data" }, { 33, "www-data" }, 1,
		1 },
	{ "a listed number may", { "shop", "33" }, { 33, "www-data" }, 1, 1 },
	{ "another name may not", { "www-data" }, { 34, "www" }, 0, 0 },
	{ "another number may not", { "33" }, { 333, "x" }, 0, 0 },
	{ "case matters", { "WWW-data" }, { 33, "www-data" }, 0, 0 },
	{ "a name is matched whole", { "www-data" }, { 34, "www-data2" }, 0,
		0 },
	{ "root always may", { "www-data" }, { 0, "root" }, 1, 1 },
	{ "root may ask where nobody is listed", { NULL }, { 0, NULL }, 1, 1 },
	{ "without a name the number counts", { "www-data", "1001" },
		{ 1001, NULL }, 1, 1 },
	{ "without a name no name matches", { "www-data" }, { 33, NULL }, 0,
		0 },
	{ "whoever is called like a number is not that user", { "33" },
		{ 5000, "33" }, 0, 0 },
	{ "leading zeros change no number", { "0033" }, { 33, NULL }, 1, 1 },
	{ "a name called root is not root", { "www-data" }, { 7, "root" }, 0,
		0 },
	{ "a number that wraps is nobody's", { "4294967329" }, { 33, NULL }, 0,
		0 },
	{ "the number -1 is nobody's", { "4294967295" }, { UINT32_MAX, NULL },
		0, 0 },
};

static void stores_admit_and_name_users_as_listed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(user_cases) / sizeof(user_cases[0]); i++) {
		const struct user_case *c = &user_cases[i];
		struct tp_store store = {
			.users = { (char **)(uintptr_t)c->users, 0 }
		};

		while (store.users.count < 3 && c->users[store.users.count])
			store.users.count++;
		print_message("%s\n", c->sentence);
		assert_int_equal(tp_store_admits(&store, &c->user), c->admits);
		assert_int_equal(tp_store_names(&store, &c->user), c->names);
	}
}

static void what_can_be_a_user_is_told_from_what_cannot(void **state)
{
	static const struct {
		const char *entry;
		int valid;
	} cases_of_entries[] = {
		{ "www-data", 1 },
		{ "_apt", 1 },
		{ "machine$", 1 },
		{ "first.last", 1 },
		{ "0", 1 },
		{ "4294967294", 1 },
		{ "4294967295", 0 },
		{ "18446744073709551617", 0 },
		{ "", 0 },
		{ "-1", 0 },
		{ "-r", 0 },
		{ "two words", 0 },
		{ "a:b", 0 },
		{ "a/b", 0 },
		{ "*", 0 },
		{ "gr\xc3\xbcn", 0 },
	};
	char name[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases_of_entries) / sizeof(cases_of_entries[0]);
		i++) {
		print_message("%s\n", cases_of_entries[i].entry);
		assert_int_equal(tp_route_user_valid(cases_of_entries[i].entry),
			cases_of_entries[i].valid);
	}
	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	assert_int_equal(tp_route_user_valid(name), 1);
	name[255] = 'a';
	name[256] = '\0';
	assert_int_equal(tp_route_user_valid(name), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_are_found_in_the_documented_order),
		cmocka_unit_test(without_a_default_store_there_is_no_route),
		cmocka_unit_test(a_long_hint_is_cut_in_the_reason_only),
		cmocka_unit_test(stores_admit_and_name_users_as_listed),
		cmocka_unit_test(what_can_be_a_user_is_told_from_what_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
