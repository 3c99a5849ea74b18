/*
 * auth_choice.c - which AUTH mechanism to use, if any
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/auth_choice.h"

#include <stddef.h>

const char *tp_auth_mechanism(int mode)
{
	switch (mode) {
	case TP_AUTH_PLAIN:
		return "PLAIN";
	case TP_AUTH_LOGIN:
		return "LOGIN";
	case TP_AUTH_CRAM_MD5:
		return "CRAM-MD5";
	case TP_AUTH_SCRAM_SHA_256:
		return "SCRAM-SHA-256";
	case TP_AUTH_XOAUTH2:
		return "XOAUTH2";
	case TP_AUTH_OAUTHBEARER:
		return "OAUTHBEARER";
	default:
		return "";
	}
}

static int has_text(const char *s)
{
	return s && s[0] != '\0';
}

static int has_secret(const struct tp_secret *secret)
{
	size_t len;

	(void)tp_secret_reveal(secret, &len);
	return len > 0;
}

int tp_auth_wanted(const struct tp_relay *relay)
{
	if (relay->auth != TP_AUTH_AUTO)
		return relay->auth != TP_AUTH_NONE;
	return has_text(relay->username) || has_secret(relay->password) ||
	       has_secret(relay->token);
}

/* NULL if MODE has what it needs, else the name of the missing setting. */
static const char *missing_setting(const struct tp_relay *relay, int mode)
{
	int by_token = mode == TP_AUTH_XOAUTH2 || mode == TP_AUTH_OAUTHBEARER;

	if (by_token && !has_secret(relay->token))
		return "token";
	if (!by_token && !has_secret(relay->password))
		return "password";
	/* RFC 7628 3.1: the server can take the user from the token. */
	if (mode != TP_AUTH_OAUTHBEARER && !has_text(relay->username))
		return "username";
	return NULL;
}

static int not_offered(const struct tp_relay *relay, const struct tp_ehlo *ehlo,
	const char *wanted, struct tp_error *err)
{
	if (ehlo->auth_offered[0] == '\0')
		return tp_fail(err, TP_EAUTH, "auth",
			"%s offers no authentication here, but %s is wanted; "
			"check host, port and tls",
			relay->host, wanted);
	return tp_fail(err, TP_EAUTH, "auth",
		"%s does not offer %s; it offers: %s", relay->host, wanted,
		ehlo->auth_offered);
}

static int choose_auto(const struct tp_relay *relay, const struct tp_ehlo *ehlo,
	int tls, int *mode_out, struct tp_error *err)
{
	/* A token before a password. Under TLS, PLAIN before CRAM-MD5, which
	 * protects nothing there and makes the server keep the password in
	 * clear; without TLS the ones that do not send the password first. */
	static const int orders[2][6] = {
		{ TP_AUTH_OAUTHBEARER, TP_AUTH_XOAUTH2, TP_AUTH_SCRAM_SHA_256,
			TP_AUTH_CRAM_MD5, TP_AUTH_PLAIN, TP_AUTH_LOGIN },
		{ TP_AUTH_OAUTHBEARER, TP_AUTH_XOAUTH2, TP_AUTH_SCRAM_SHA_256,
			TP_AUTH_PLAIN, TP_AUTH_LOGIN, TP_AUTH_CRAM_MD5 },
	};
	const int *order = orders[tls ? 1 : 0];
	size_t i;
	int able = 0;

	for (i = 0; i < sizeof(orders[0]) / sizeof(orders[0][0]); i++) {
		if (missing_setting(relay, order[i]))
			continue;
		able = 1;
		if (ehlo->auth_mask & TP_EHLO_AUTH(order[i])) {
			*mode_out = order[i];
			return TP_OK;
		}
	}
	if (!able)
		return tp_fail(err, TP_ECONFIG, "auth",
			"to log in at %s, username and password (or token) are "
			"needed",
			relay->host);
	return not_offered(relay, ehlo,
		has_secret(relay->token) ? "XOAUTH2 or OAUTHBEARER"
					 : "a mechanism with a password",
		err);
}

int tp_auth_choose(const struct tp_relay *relay, const struct tp_ehlo *ehlo,
	int tls, int loopback, int *mode_out, struct tp_error *err)
{
	const char *missing;

	*mode_out = TP_AUTH_NONE;
	if (!tp_auth_wanted(relay))
		return TP_OK;
	if (!tls && !relay->allow_plaintext_auth)
		return tp_fail(err, TP_ECONFIG, "auth",
			"no login without TLS: set tls to starttls or implicit "
			"for %s",
			relay->host);
	if (!tls && !loopback)
		return tp_fail(err, TP_ECONFIG, "auth",
			"no login without TLS: allow_plaintext_auth holds only "
			"for a loopback address, and %s is none",
			relay->host);
	if (relay->auth == TP_AUTH_AUTO)
		return choose_auto(relay, ehlo, tls, mode_out, err);
	missing = missing_setting(relay, relay->auth);
	if (missing)
		return tp_fail(err, TP_ECONFIG, "auth", "%s needs a %s",
			tp_auth_mechanism(relay->auth), missing);
	if (!(ehlo->auth_mask & TP_EHLO_AUTH(relay->auth)))
		return not_offered(
			relay, ehlo, tp_auth_mechanism(relay->auth), err);
	*mode_out = relay->auth;
	return TP_OK;
}

const char *tp_auth_hint(const struct tp_reply *refusal)
{
	static const struct {
		int code;
		struct tp_enhanced enhanced;
		const char *hint;
	} hints[] = {
		{ 535, { 5, 7, 139 },
			"Microsoft 365: SMTP AUTH with a password is switched "
			"off for this mailbox or organisation" },
		{ 535, { 5, 7, 3 },
			"Microsoft 365: check user name and password, and that "
			"the mailbox may use SMTP AUTH" },
		{ 534, { 5, 7, 9 },
			"Google: use an app password or OAuth 2, not the "
			"account's password" },
		{ 534, { 5, 7, 14 },
			"Google: sign in once in a browser, or use an app "
			"password" },
	};
	size_t i;

	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].code == refusal->code &&
			hints[i].enhanced.cls == refusal->enhanced.cls &&
			hints[i].enhanced.subject ==
				refusal->enhanced.subject &&
			hints[i].enhanced.detail == refusal->enhanced.detail)
			return hints[i].hint;
	return "";
}
