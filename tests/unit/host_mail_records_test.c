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
	{ { "v=spf1 mx ?all ip4:192.0.2.1 -all" }, 1, '?' },
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
	static const struct tp_spf_term terms[] = { { 1, "a.example" },
		{ 1, "" }, { 1, "" }, { 0, "" }, { 0, "" }, { 0, "b.example" },
		{ 1, "c.example" } };
	const char *at = "v=spf1 include:a.example a mx/24 ?ptr -exists:%{i}.x "
			 "ip4:192.0.2.0/24 ip6:2001:db8::/32 "
			 "exp=why.example address redirect=r.example "
			 "~include:b.example +include:c.example all "
			 "include:late.example mx";
	struct tp_spf_term term;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(terms); i++) {
		assert_int_equal(tp_spf_next(&at, &term), 1);
		assert_string_equal(term.include, terms[i].include);
		assert_int_equal(term.permits, terms[i].permits);
	}
	assert_int_equal(tp_spf_next(&at, &term), 0);
}

static void a_redirect_counts_only_without_all(void **state)
{
	static const char *const alone[] = { "v=spf1 redirect=b.example mx",
		NULL };
	static const char *const with[] = { "v=spf1 redirect=b.example -all",
		NULL };
	struct tp_dns_texts *texts = texts_of(alone);
	struct tp_spf spf;

	(void)state;
	tp_spf_read(texts, &spf);
	assert_string_equal(spf.redirect, "b.example");
	free(texts);
	texts = texts_of(with);
	tp_spf_read(texts, &spf);
	assert_string_equal(spf.redirect, "");
	free(texts);
}

static void a_target_that_is_too_long_is_left_out(void **state)
{
	char record[2 * TP_RECORD_NAME_BYTES] = "include:";
	struct tp_spf_term term;
	const char *at = record;

	(void)state;
	memset(record + 8, 'x', TP_RECORD_NAME_BYTES);
	assert_int_equal(tp_spf_next(&at, &term), 1);
	assert_string_equal(term.include, "");
	assert_int_equal(tp_spf_next(&at, &term), 0);
}

struct dmarc_case {
	const char *records[4];
	size_t count;
	const char *policy; /* NULL: as good as none */
	const char *below;  /* for a subdomain */
};

static const struct dmarc_case dmarc_cases[] = {
	{ { "v=DMARC1; p=none" }, 1, "none", "none" },
	{ { "v=DMARC1;p=Reject;rua=mailto:a@b.example" }, 1, "reject",
		"reject" },
	{ { "v=DMARC1 ; p = quarantine ;" }, 1, "quarantine", "quarantine" },
	{ { "v=DMARC1; p=none; sp=reject" }, 1, "none", "reject" },
	{ { "v=DMARC1; p=reject; sp=none" }, 1, "reject", "none" },
	{ { "v=DMARC1; sp=reject; rua=mailto:x@y.example" }, 1, "none",
		"none" },
	{ { "v=DMARC1; p=rejct; rua=mailto:x@y.example" }, 1, "none", "none" },
	{ { "v=DMARC1; p=reject; sp=x; rua=mailto:x@y.example" }, 1, "none",
		"none" },
	{ { "v=DMARC1; p=reject; sp=x" }, 1, NULL, NULL },
	{ { "v=DMARC1; p=rejct" }, 1, NULL, NULL },
	{ { "v=DMARC1; p=rejct; rua=me" }, 1, NULL, NULL },
	{ { "v=DMARC1" }, 1, NULL, NULL },
	{ { "v=DMARC10; p=none" }, 0, NULL, NULL },
	{ { "v=spf1 p=none" }, 0, NULL, NULL },
	{ { "v=DMARC1; p=none", "v=DMARC1; p=reject" }, 2, "none", "none" },
};

static void same_text(const char *got, const char *want)
{
	if (want)
		assert_string_equal(got ? got : "(none)", want);
	else
		assert_null(got);
}

static void dmarc_policy_is_what_receivers_make_of_it(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(dmarc_cases); i++) {
		struct tp_dns_texts *texts = texts_of(dmarc_cases[i].records);
		struct tp_dmarc dmarc;

		tp_dmarc_read(texts, &dmarc);
		assert_int_equal(dmarc.count, dmarc_cases[i].count);
		same_text(tp_dmarc_policy(&dmarc, 0), dmarc_cases[i].policy);
		same_text(tp_dmarc_policy(&dmarc, 1), dmarc_cases[i].below);
		free(texts);
	}
}

struct dkim_case {
	const char *records[4];
	enum tp_dkim want;
};

static const struct dkim_case dkim_cases[] = {
	{ { "v=DKIM1; k=rsa; p=MIGf" }, TP_DKIM_KEY },
	{ { "p=MIGf" }, TP_DKIM_KEY },
	{ { "k=rsa;t=s;p=MIGf" }, TP_DKIM_KEY },
	{ { "v=DKIM1; p= ;" }, TP_DKIM_REVOKED },
	{ { "v=DKIM1; p=", "v=DKIM1; p=MIGf" }, TP_DKIM_KEY },
	{ { "v=DKIM1; pp=x", "hello" }, TP_DKIM_NONE },
	{ { "v=DMARC1; p=none" }, TP_DKIM_NONE },
	{ { "v=DKIM10; p=MIGf" }, TP_DKIM_NONE },
};

static void only_a_dkim_record_is_a_key(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(dkim_cases); i++) {
		struct tp_dns_texts *texts = texts_of(dkim_cases[i].records);

		assert_int_equal(tp_dkim_read(texts), dkim_cases[i].want);
		free(texts);
	}
}

static void the_organisational_domain_is_found(void **state)
{
	static const char *const cases[][2] = {
		{ "shop.example", "shop.example" },
		{ "a.b.shop.example", "shop.example" },
		{ "shop.co.uk", "shop.co.uk" },
		{ "mail.shop.co.uk", "shop.co.uk" },
		{ "mail.shop.com.au", "shop.com.au" },
		{ "co.uk", "co.uk" },
		{ "mail.gmx.de", "gmx.de" },
		{ "a.co.example", "co.example" },
		{ "de", "de" },
		{ "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(tp_domain_org(cases[i][0]), cases[i][1]);
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
		cmocka_unit_test(a_redirect_counts_only_without_all),
		cmocka_unit_test(a_target_that_is_too_long_is_left_out),
		cmocka_unit_test(dmarc_policy_is_what_receivers_make_of_it),
		cmocka_unit_test(only_a_dkim_record_is_a_key),
		cmocka_unit_test(the_organisational_domain_is_found),
		cmocka_unit_test(the_domain_of_an_address_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
