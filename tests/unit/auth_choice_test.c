/*
 * auth_choice_test.c - which mechanism, if any
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/auth_choice.h"

#include <stdio.h>
#include <string.h>

#define A(mode) TP_EHLO_AUTH(TP_AUTH_##mode)
#define EVERY                                                                \
	(A(PLAIN) | A(LOGIN) | A(CRAM_MD5) | A(SCRAM_SHA_256) | A(XOAUTH2) | \
		A(OAUTHBEARER))

enum { PASSWORD = 1, TOKEN = 2, BOTH = 3 };

static const struct {
	int auth;
	const char *user;
	int secrets;
	unsigned int offered;
	int tls;
	int allowed;
	int loopback;
	int rc;
	int mode;	  /* if rc is 0 */
	const char *says; /* else */
} rows[] = {
	/* nothing wanted */
	{ TP_AUTH_AUTO, NULL, 0, EVERY, 1, 0, 0, TP_OK, TP_AUTH_NONE, NULL },
	{ TP_AUTH_AUTO, "", 0, EVERY, 0, 0, 0, TP_OK, TP_AUTH_NONE, NULL },
	{ TP_AUTH_NONE, "u", BOTH, EVERY, 1, 0, 0, TP_OK, TP_AUTH_NONE, NULL },
	/* auto under TLS, strongest first */
	{ TP_AUTH_AUTO, "u", PASSWORD, EVERY, 1, 0, 0, TP_OK,
		TP_AUTH_SCRAM_SHA_256, NULL },
	{ TP_AUTH_AUTO, "u", PASSWORD, A(PLAIN) | A(LOGIN) | A(CRAM_MD5), 1, 0,
		0, TP_OK, TP_AUTH_PLAIN, NULL },
	{ TP_AUTH_AUTO, "u", PASSWORD, A(LOGIN) | A(CRAM_MD5), 1, 0, 0, TP_OK,
		TP_AUTH_LOGIN, NULL },
	{ TP_AUTH_AUTO, "u", PASSWORD, A(CRAM_MD5) | A(XOAUTH2), 1, 0, 0, TP_OK,
		TP_AUTH_CRAM_MD5, NULL },
	{ TP_AUTH_AUTO, "u", TOKEN, EVERY, 1, 0, 0, TP_OK, TP_AUTH_OAUTHBEARER,
		NULL },
	{ TP_AUTH_AUTO, "u", TOKEN, EVERY & ~A(OAUTHBEARER), 1, 0, 0, TP_OK,
		TP_AUTH_XOAUTH2, NULL },
	{ TP_AUTH_AUTO, "u", BOTH, A(PLAIN) | A(XOAUTH2), 1, 0, 0, TP_OK,
		TP_AUTH_XOAUTH2, NULL },
	{ TP_AUTH_AUTO, "u", BOTH, A(PLAIN), 1, 0, 0, TP_OK, TP_AUTH_PLAIN,
		NULL },
	{ TP_AUTH_AUTO, NULL, TOKEN, EVERY, 1, 0, 0, TP_OK, TP_AUTH_OAUTHBEARER,
		NULL },
	{ TP_AUTH_AUTO, "u", TOKEN, A(PLAIN) | A(LOGIN), 1, 0, 0, TP_EAUTH, 0,
		"does not offer XOAUTH2 or OAUTHBEARER; it offers: THESE" },
	{ TP_AUTH_AUTO, "u", PASSWORD, A(XOAUTH2), 1, 0, 0, TP_EAUTH, 0,
		"it offers: THESE" },
	{ TP_AUTH_AUTO, "u", PASSWORD, 0, 1, 0, 0, TP_EAUTH, 0,
		"offers no authentication" },
	{ TP_AUTH_AUTO, "u", 0, EVERY, 1, 0, 0, TP_ECONFIG, 0,
		"username and password" },
	{ TP_AUTH_AUTO, NULL, PASSWORD, EVERY, 1, 0, 0, TP_ECONFIG, 0,
		"username and password" },
	/* a named mechanism is used, or it fails */
	{ TP_AUTH_LOGIN, "u", PASSWORD, EVERY, 1, 0, 0, TP_OK, TP_AUTH_LOGIN,
		NULL },
	{ TP_AUTH_CRAM_MD5, "u", PASSWORD, EVERY, 1, 0, 0, TP_OK,
		TP_AUTH_CRAM_MD5, NULL },
	{ TP_AUTH_SCRAM_SHA_256, "u", PASSWORD, A(PLAIN), 1, 0, 0, TP_EAUTH, 0,
		"does not offer SCRAM-SHA-256; it offers: THESE" },
	{ TP_AUTH_PLAIN, "u", TOKEN, EVERY, 1, 0, 0, TP_ECONFIG, 0,
		"PLAIN needs a password" },
	{ TP_AUTH_XOAUTH2, "u", PASSWORD, EVERY, 1, 0, 0, TP_ECONFIG, 0,
		"XOAUTH2 needs a token" },
	{ TP_AUTH_XOAUTH2, NULL, TOKEN, EVERY, 1, 0, 0, TP_ECONFIG, 0,
		"XOAUTH2 needs a username" },
	{ TP_AUTH_OAUTHBEARER, NULL, TOKEN, EVERY, 1, 0, 0, TP_OK,
		TP_AUTH_OAUTHBEARER, NULL },
	/* without TLS: only if allowed, and only on loopback */
	{ TP_AUTH_AUTO, "u", PASSWORD, EVERY, 0, 0, 1, TP_ECONFIG, 0,
		"no login without TLS" },
	{ TP_AUTH_AUTO, "u", PASSWORD, EVERY, 0, 1, 0, TP_ECONFIG, 0,
		"only for a loopback address" },
	{ TP_AUTH_SCRAM_SHA_256, "u", PASSWORD, EVERY, 0, 0, 1, TP_ECONFIG, 0,
		"no login without TLS" },
	{ TP_AUTH_PLAIN, "u", PASSWORD, EVERY, 0, 0, 0, TP_ECONFIG, 0,
		"no login without TLS" },
	{ TP_AUTH_AUTO, "u", PASSWORD, EVERY, 0, 1, 1, TP_OK,
		TP_AUTH_SCRAM_SHA_256, NULL },
	{ TP_AUTH_AUTO, "u", PASSWORD, A(PLAIN) | A(CRAM_MD5), 0, 1, 1, TP_OK,
		TP_AUTH_CRAM_MD5, NULL },
	{ TP_AUTH_PLAIN, "u", PASSWORD, EVERY, 0, 1, 1, TP_OK, TP_AUTH_PLAIN,
		NULL },
};

static void the_table_of_choices_holds(void **state)
{
	struct tp_secret *secret = tp_secret_new("s", 1);
	size_t i;

	(void)state;
	assert_non_null(secret);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char host[] = "mail.example.net";
		struct tp_relay relay = { .host = host,
			.auth = rows[i].auth,
			.username = (char *)(uintptr_t)rows[i].user,
			.password = rows[i].secrets & PASSWORD ? secret : NULL,
			.token = rows[i].secrets & TOKEN ? secret : NULL,
			.allow_plaintext_auth = rows[i].allowed };
		struct tp_ehlo ehlo = { .auth_mask = rows[i].offered };
		struct tp_error err = TP_ERROR_INIT;
		int mode = -1;

		if (rows[i].offered)
			(void)snprintf(ehlo.auth_offered,
				sizeof(ehlo.auth_offered), "THESE");
		assert_int_equal(tp_auth_choose(&relay, &ehlo, rows[i].tls,
					 rows[i].loopback, &mode, &err),
			rows[i].rc);
		assert_int_equal(mode,
			rows[i].rc == TP_OK ? rows[i].mode : TP_AUTH_NONE);
		if (rows[i].says)
			assert_non_null(strstr(err.text, rows[i].says));
	}
	tp_secret_destroy(&secret);
}

static void known_refusals_are_explained(void **state)
{
	struct tp_reply reply;

	(void)state;
	tp_reply_set(&reply, 535, "5.7.139 Authentication unsuccessful");
	assert_non_null(strstr(tp_auth_hint(&reply), "switched off"));
	tp_reply_set(&reply, 534, "5.7.9 Application-specific password");
	assert_non_null(strstr(tp_auth_hint(&reply), "app password"));
	tp_reply_set(&reply, 535, "5.7.8 no");
	assert_string_equal(tp_auth_hint(&reply), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_of_choices_holds),
		cmocka_unit_test(known_refusals_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
