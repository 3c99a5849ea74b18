/*
 * host_mail_records_test.c - reading SPF, DMARC and DKIM records
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/mail_records.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Up to three records of one answer. */
static struct tp_dns_texts *texts_of(const char *const *items)
{
	struct tp_dns_texts *texts = calloc(1, sizeof(*texts));

	assert_non_null(texts);
	for (; *items; items++)
		(void)snprintf(texts->items[texts->count++],
			TP_DNS_STRING_BYTES, "%s", *items);
	return texts;
}

struct spf_case {
	const char *records[4];
	size_t count;
	char all;
};

static const struct spf_case spf_cases[] = {
	{ { "v=spf1 -all" }, 1, '-' },
	{ { "V=SPF1 include:a.example ~ALL" }, 1, '~' },
	{ { "v=spf1 mx all" }, 1, '+' },
	{ { "v=spf1 mx ?all ip4:192.0.2.1" }, 1, '?' },
	{ { "v=spf1" }, 1, 0 },
	{ { "v=spf1 redirect=b.example" }, 1, 0 },
	{ { "v=spf1 exists:all.example a:+all.example" }, 1, 0 },
	{ { "v=spf10 -all" }, 0, 0 },
	{ { "xv=spf1 -all", "other" }, 0, 0 },
	{ { "x", "v=spf1 a", "v=spf1 -all" }, 2, 0 },
};

static void spf_records_are_counted_and_their_end_is_found(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(spf_cases); i++) {
		struct tp_dns_texts *texts = texts_of(spf_cases[i].records);
		struct tp_spf spf;

		tp_spf_read(texts, &spf);
		assert_int_equal(spf.count, spf_cases[i].count);
		assert_int_equal(spf.all, spf_cases[i].all);
		free(texts);
	}
}

static void only_terms_that_cost_a_look_up_are_shown(void **state)
{
	static const char *const targets[] = { "a.example", "", "", "", "",
		"b.example" };
	const char *at = "v=spf1 include:a.example a mx/24 ?ptr -exists:%{i}.x "
			 "ip4:192.0.2.0/24 ip6:2001:db8::/32 all "
			 "exp=why.example address redirect=b.example";
	char target[TP_RECORD_NAME_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(targets); i++) {
		assert_int_equal(tp_spf_next(&at, target), 1);
		assert_string_equal(target, targets[i]);
	}
	assert_int_equal(tp_spf_next(&at, target), 0);
}

static void a_target_that_is_too_long_is_left_out(void **state)
{
	char record[2 * TP_RECORD_NAME_BYTES] = "include:";
	char target[TP_RECORD_NAME_BYTES];
	const char *at = record;

	(void)state;
	memset(record + 8, 'x', TP_RECORD_NAME_BYTES);
	assert_int_equal(tp_spf_next(&at, target), 1);
	assert_string_equal(target, "");
	assert_int_equal(tp_spf_next(&at, target), 0);
}

struct dmarc_case {
	const char *records[4];
	size_t count;
	const char *policy;
	int has_reports;
};

static const struct dmarc_case dmarc_cases[] = {
	{ { "v=DMARC1; p=none" }, 1, "none", 0 },
	{ { "v=DMARC1;p=reject;rua=mailto:a@b.example" }, 1, "reject", 1 },
	{ { "v=DMARC1 ; p = quarantine ;" }, 1, "quarantine", 0 },
	{ { "v=DMARC1; sp=reject; rua=mailto:x" }, 1, "", 1 },
	{ { "v=DMARC1" }, 1, "", 0 },
	{ { "v=spf1 p=none" }, 0, "", 0 },
	{ { "v=DMARC1; p=none", "v=DMARC1; p=reject" }, 2, "none", 0 },
};

static void dmarc_policy_is_read(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(dmarc_cases); i++) {
		struct tp_dns_texts *texts = texts_of(dmarc_cases[i].records);
		struct tp_dmarc dmarc;

		tp_dmarc_read(texts, &dmarc);
		assert_int_equal(dmarc.count, dmarc_cases[i].count);
		assert_string_equal(dmarc.policy, dmarc_cases[i].policy);
		assert_int_equal(dmarc.has_reports, dmarc_cases[i].has_reports);
		free(texts);
	}
}

static void an_empty_dkim_key_is_withdrawn(void **state)
{
	static const char *const key[] = { "v=DKIM1; k=rsa; p=MIGf", NULL };
	static const char *const bare[] = { "p=MIGf", NULL };
	static const char *const revoked[] = { "v=DKIM1; p= ;", NULL };
	static const char *const none[] = { "v=DKIM1; pp=x", "hello", NULL };
	struct tp_dns_texts *texts;

	(void)state;
	texts = texts_of(key);
	assert_int_equal(tp_dkim_read(texts), TP_DKIM_KEY);
	free(texts);
	texts = texts_of(bare);
	assert_int_equal(tp_dkim_read(texts), TP_DKIM_KEY);
	free(texts);
	texts = texts_of(revoked);
	assert_int_equal(tp_dkim_read(texts), TP_DKIM_REVOKED);
	free(texts);
	texts = texts_of(none);
	assert_int_equal(tp_dkim_read(texts), TP_DKIM_NONE);
	free(texts);
}

static void the_domain_of_an_address_is_found(void **state)
{
	char domain[TP_RECORD_NAME_BYTES];

	(void)state;
	assert_int_equal(tp_domain_of("a@b.example", domain), 1);
	assert_string_equal(domain, "b.example");
	assert_int_equal(tp_domain_of("\"x@y\" <a@b.example>", domain), 1);
	assert_string_equal(domain, "b.example");
	assert_int_equal(tp_domain_of("nobody", domain), 0);
	assert_int_equal(tp_domain_of("a@", domain), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			spf_records_are_counted_and_their_end_is_found),
		cmocka_unit_test(only_terms_that_cost_a_look_up_are_shown),
		cmocka_unit_test(a_target_that_is_too_long_is_left_out),
		cmocka_unit_test(dmarc_policy_is_read),
		cmocka_unit_test(an_empty_dkim_key_is_withdrawn),
		cmocka_unit_test(the_domain_of_an_address_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
