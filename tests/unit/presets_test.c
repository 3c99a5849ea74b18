/*
 * presets_test.c - the provider table is complete and consistent
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/address.h"
#include "core/config.h"
#include "core/policy.h"
#include "core/presets.h"

#include <string.h>

static void check_ports(const struct tp_preset *preset)
{
	const struct tp_preset_port *at;

	assert_true(preset->ports[0].port > 0);
	assert_int_equal(preset->ports[TP_PRESET_PORTS_MAX].port, 0);
	for (at = preset->ports; at->port; at++) {
		assert_true(
			at->tls >= TP_TLS_IMPLICIT && at->tls <= TP_TLS_NONE);
		/* 465 and 2465 speak TLS at once, the others do not. */
		assert_int_equal(at->tls == TP_TLS_IMPLICIT,
			at->port == 465 || at->port == 2465);
		/* Only a server on this machine goes without TLS. */
		assert_int_equal(at->tls == TP_TLS_NONE,
			strcmp(preset->host, "127.0.0.1") == 0);
	}
}

static void check_regions(const struct tp_preset *preset)
{
	const struct tp_preset_region *at;
	int pattern = strstr(preset->host, "{region}") != NULL;

	assert_null(preset->regions[TP_PRESET_REGIONS_MAX].name);
	if (pattern || preset->region_required)
		assert_non_null(preset->regions[0].name);
	for (at = preset->regions; at->name; at++) {
		struct tp_error err = TP_ERROR_INIT;
		char host[256];
		int known = 0;

		assert_true(pattern || at->host);
		assert_int_equal(tp_preset_host(preset, at->name, host,
					 sizeof(host), &known, &err),
			0);
		assert_int_equal(known, 1);
		assert_true(tp_domain_valid(host, strlen(host)));
		assert_null(strchr(host, '{'));
	}
}

static void every_preset_is_complete(void **state)
{
	size_t count;
	size_t i;
	const struct tp_preset *table = tp_presets_table(&count);

	(void)state;
	assert_true(count > 60);
	for (i = 0; i < count; i++) {
		const struct tp_preset *preset = &table[i];

		print_message("%s\n", preset->name);
		assert_ptr_equal(tp_preset_find(preset->name), preset);
		assert_true(preset->title && preset->host && preset->limits &&
			    preset->notes && preset->auth_note &&
			    preset->dialect);
		assert_true(preset->source && preset->source[0]);
		assert_true(preset->date && strlen(preset->date) == 7);
		assert_true(tp_dialect_known(preset->dialect));
		assert_int_equal(preset->user == TP_USER_FIXED,
			preset->username != NULL);
		check_ports(preset);
		check_regions(preset);
	}
}

static void what_is_general_knowledge_says_so(void **state)
{
	size_t count;
	size_t i;
	const struct tp_preset *table = tp_presets_table(&count);

	(void)state;
	for (i = 0; i < count; i++) {
		if (strstr(table[i].source, "general knowledge"))
			assert_int_equal(table[i].verified, 0);
		if (!table[i].verified)
			assert_true(table[i].notes[0] != '\0');
	}
	assert_int_equal(tp_preset_find("socketlabs")->verified, 0);
	assert_int_equal(tp_preset_find("amazon-ses")->verified, 1);
	/* A single port of a verified preset. */
	assert_int_equal(tp_preset_port_find(tp_preset_find("mailjet"), 465, -1)
				 ->verified,
		0);
}

struct host_case {
	const char *preset;
	const char *region;
	const char *host; /* NULL: TP_EINVAL */
	int known;
	const char *text;
};

static const struct host_case host_cases[] = {
	{ "gmail", NULL, "smtp.gmail.com", 1, "" },
	{ "gmail", "eu", NULL, 1, "has no regions" },
	{ "amazon-ses", "eu-west-1", "email-smtp.eu-west-1.amazonaws.com", 1,
		"" },
	{ "amazon-ses", "zz-new-1", "email-smtp.zz-new-1.amazonaws.com", 0,
		"" },
	{ "amazon-ses", NULL, NULL, 1, "a region is needed; known: us-east-1" },
	{ "amazon-ses", "EU-WEST-1", NULL, 0, "no such region" },
	{ "amazon-ses", "a/b", NULL, 0, "no such region" },
	{ "amazon-ses", "", NULL, 0, "no such region" },
	{ "zoho", NULL, "smtp.zoho.com", 1, "" },
	{ "zoho", "com.au", "smtp.zoho.com.au", 1, "" },
	{ "zoho", "ca", "smtp.zohocloud.ca", 1, "" },
	{ "sendgrid", NULL, "smtp.sendgrid.net", 1, "" },
	{ "sendgrid", "eu", "smtp.eu.sendgrid.net", 1, "" },
	{ "sendgrid", "mars", NULL, 0, "no such region; known: global, eu" },
	{ "postmark", "broadcast", "smtp-broadcasts.postmarkapp.com", 1, "" },
};

static void a_region_becomes_a_host(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(host_cases) / sizeof(host_cases[0]); i++) {
		const struct host_case *c = &host_cases[i];
		struct tp_error err = TP_ERROR_INIT;
		char host[256] = "";
		int known = -1;
		int rc = tp_preset_host(tp_preset_find(c->preset), c->region,
			host, sizeof(host), &known, &err);

		print_message(
			"%s %s\n", c->preset, c->region ? c->region : "(none)");
		assert_int_equal(rc, c->host ? TP_OK : TP_EINVAL);
		if (c->host) {
			assert_string_equal(host, c->host);
			assert_int_equal(known, c->known);
		} else {
			assert_non_null(strstr(err.text, c->text));
		}
	}
}

static void a_host_that_does_not_fit_is_an_error(void **state)
{
	struct tp_error err = TP_ERROR_INIT;
	char host[10];
	int known;

	(void)state;
	assert_int_equal(tp_preset_host(tp_preset_find("gmail"), NULL, host,
				 sizeof(host), &known, &err),
		TP_ETOOBIG);
}

static void ports_are_found_by_number_and_mode(void **state)
{
	const struct tp_preset *ses = tp_preset_find("amazon-ses");

	(void)state;
	assert_int_equal(tp_preset_port_find(ses, 0, -1)->port, 587);
	assert_int_equal(
		tp_preset_port_find(ses, 0, TP_TLS_IMPLICIT)->port, 465);
	assert_int_equal(
		tp_preset_port_find(ses, 2465, -1)->tls, TP_TLS_IMPLICIT);
	assert_null(tp_preset_port_find(ses, 2465, TP_TLS_STARTTLS));
	assert_null(tp_preset_port_find(ses, 1, -1));
}

static void a_retired_host_leads_to_a_preset_with_the_right_one(void **state)
{
	size_t count;
	size_t i;
	const struct tp_stale_host *table = tp_stale_hosts_table(&count);

	(void)state;
	assert_int_equal(count, 5);
	for (i = 0; i < count; i++) {
		const struct tp_preset *preset =
			tp_preset_find(table[i].preset);

		assert_non_null(preset);
		assert_string_equal(preset->host, table[i].use);
		assert_ptr_equal(tp_stale_host_find(table[i].host), &table[i]);
		assert_null(tp_stale_host_find(table[i].use));
	}
	assert_non_null(tp_stale_host_find("SMTP.OhMySMTP.com"));
}

static void limits_that_a_preset_must_encode(void **state)
{
	static const struct {
		const char *preset;
		int recipients;
	} caps[] = { { "yandex", 35 }, { "gmail", 100 }, { "ionos", 200 },
		{ "icloud", 500 }, { "socketlabs", 500 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		assert_int_equal(tp_preset_find(caps[i].preset)->recipients_max,
			caps[i].recipients);
	assert_int_equal(tp_preset_find("microsoft365")->max_connections, 3);
	assert_int_equal(tp_preset_find("amazon-ses")->idle_max_ms, 10000);
	assert_null(tp_preset_find("Gmail"));
	assert_null(tp_preset_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_preset_is_complete),
		cmocka_unit_test(what_is_general_knowledge_says_so),
		cmocka_unit_test(a_region_becomes_a_host),
		cmocka_unit_test(a_host_that_does_not_fit_is_an_error),
		cmocka_unit_test(ports_are_found_by_number_and_mode),
		cmocka_unit_test(
			a_retired_host_leads_to_a_preset_with_the_right_one),
		cmocka_unit_test(limits_that_a_preset_must_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
