/*
 * import_repair_test.c - what labels on ports become
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_repair.h"
#include "cli/import/import_result.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct tls_case {
	const char *label;
	int port;
	int login;
	int loopback;
	int tls_is_implicit;
	int tls;
	int port_then;
	const char *repaired; /* part of the text; NULL: none */
};

#define I TP_IMPORT_IMPLICIT
#define S TP_IMPORT_STARTTLS
#define C TP_IMPORT_CLEAR

static const struct tls_case cases[] = {
	{ "ssl", 465, 1, 0, 0, I, 465, NULL },
	{ "ssl", 2465, 1, 0, 0, I, 2465, NULL },
	{ "ssl", 0, 1, 0, 0, I, 465, NULL },
	{ "ssl", 10465, 1, 0, 0, I, 10465, NULL },
	{ "ssl", 587, 1, 0, 0, S, 587, "begin in clear text" },
	{ "ssl", 2525, 1, 0, 0, S, 2525, "begin in clear text" },
	{ "ssl", 2587, 0, 0, 0, S, 2587, "begin in clear text" },
	{ "ssl", 25, 1, 0, 0, S, 25, "begin in clear text" },
	{ "smtps", 587, 1, 0, 1, S, 587, "begin in clear text" },
	{ "tls", 587, 1, 0, 0, S, 587, NULL },
	{ "tls", 25, 0, 0, 0, S, 25, NULL },
	{ "tls", 0, 0, 0, 0, S, 587, NULL },
	{ "starttls", 10025, 1, 0, 0, S, 10025, NULL },
	{ "tls", 465, 1, 0, 0, I, 465, "TLS from the first byte" },
	{ "starttls", 2465, 1, 0, 0, I, 2465, "now implicit" },
	{ "tls", 465, 1, 0, 1, I, 465, NULL },
	{ "tls", 587, 1, 0, 1, S, 587, "means TLS from the first byte" },
	{ "tls", 25, 0, 0, 1, S, 25, "means TLS from the first byte" },
	{ "tls", 0, 1, 0, 1, I, 465, NULL },
	{ "tls", 4465, 1, 0, 1, I, 4465, NULL },
	{ "", 465, 1, 0, 0, I, 465, "said no encryption" },
	{ "none", 587, 1, 0, 0, S, 587, "in clear text" },
	{ "none", 587, 0, 0, 0, S, 587, "said no encryption" },
	{ "off", 25, 1, 0, 0, S, 25, "the password would have gone" },
	{ "off", 0, 1, 0, 0, S, 587, "the password would have gone" },
	{ "off", 8025, 1, 0, 0, S, 8025, "the password would have gone" },
	{ "none", 25, 0, 0, 0, C, 25, NULL },
	{ "none", 0, 0, 0, 0, C, 25, NULL },
	{ "none", 1025, 1, 1, 0, C, 1025, NULL },
	{ "none", 587, 0, 1, 0, C, 587, NULL },
	{ "none", 465, 0, 1, 0, I, 465, "said no encryption" },
	{ "tlsv1.2", 587, 1, 0, 0, S, 587, "is not known" },
	{ "tlsv1.2", 465, 1, 0, 0, I, 465, "said no encryption" },
	{ "tlsv1.2", 1025, 0, 1, 0, C, 1025, NULL },
};

static void a_label_becomes_what_the_port_can_speak(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		const struct tls_case *want = &cases[i];
		const struct tp_import_facts facts = {
			.label = tp_import_label_of(want->label),
			.port = want->port,
			.login = want->login,
			.loopback = want->loopback,
			.tls_is_implicit = want->tls_is_implicit,
		};
		struct tp_import_choice got = tp_import_repair_tls(&facts);

		if (got.tls != want->tls || got.port != want->port_then ||
			!got.repaired != !want->repaired ||
			(want->repaired &&
				!strstr(got.repaired, want->repaired)))
			fail_msg("\"%s\" on %d: mode %d, port %d, \"%s\"",
				want->label, want->port, got.tls, got.port,
				got.repaired ? got.repaired : "");
	}
}

static void tls_that_is_optional_becomes_mandatory(void **state)
{
	struct tp_import_facts facts = { .label = TP_IMPORT_LABEL_OPTIONAL,
		.port = 25 };
	struct tp_import_choice got = tp_import_repair_tls(&facts);

	(void)state;
	assert_int_equal(got.tls, S);
	assert_non_null(strstr(got.repaired, "only if the server offered"));
	facts.port = 465;
	assert_int_equal(tp_import_repair_tls(&facts).tls, I);
	facts.port = 25;
	facts.loopback = 1;
	got = tp_import_repair_tls(&facts);
	assert_int_equal(got.tls, C);
	assert_null(got.repaired);
	assert_non_null(got.note);
}

static void no_password_goes_in_clear_text_to_another_machine(void **state)
{
	struct tp_import_facts facts = { .login = 1 };

	(void)state;
	for (facts.label = 0; facts.label <= TP_IMPORT_LABEL_UNKNOWN;
		facts.label++)
		for (facts.port = 0; facts.port <= 65535; facts.port++) {
			struct tp_import_choice got =
				tp_import_repair_tls(&facts);

			assert_int_not_equal(got.tls, C);
			assert_in_range(got.port, 1, 65535);
		}
}

static void a_method_that_is_not_supported_becomes_auto(void **state)
{
	static const struct {
		const char *word;
		const char *auth;
		int known;
	} words[] = { { "", "auto", 1 }, { "yes", "auto", 1 },
		{ "none", "none", 1 }, { "NONE", "none", 1 },
		{ "off", "none", 1 }, { "LOGIN", "login", 1 },
		{ "plain", "plain", 1 }, { "CRAMMD5", "cram-md5", 1 },
		{ "cram-md5", "cram-md5", 1 }, { "xoauth2", "xoauth2", 1 },
		{ "oauthbearer", "oauthbearer", 1 },
		{ "scram-sha-256", "scram-sha-256", 1 },
		{ "scram-sha-1", "auto", 0 }, { "ntlm", "auto", 0 },
		{ "digest-md5", "auto", 0 }, { "gssapi", "auto", 0 } };
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(words); i++) {
		assert_string_equal(tp_import_repair_auth(words[i].word, &why),
			words[i].auth);
		assert_int_equal(why == NULL, words[i].known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_label_becomes_what_the_port_can_speak),
		cmocka_unit_test(tls_that_is_optional_becomes_mandatory),
		cmocka_unit_test(
			no_password_goes_in_clear_text_to_another_machine),
		cmocka_unit_test(a_method_that_is_not_supported_becomes_auto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
