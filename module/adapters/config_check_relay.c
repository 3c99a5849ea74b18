/*
 * config_check_relay.c - what the keys of a relay mean together
 *
 * JOB     The derived rules: what a preset gives, TLS mode from port and port
 *         from TLS mode, which credentials a mechanism needs, and when a
 *         password may go without TLS.
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/address.h"
#include "core/policy.h"
#include "core/presets.h"
#include "core/suggest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_BYTES 256

/* What is not set matters only for a relay that is in use: relays are set up
 * one key after the other. */
static void incomplete(struct tp_config_loader *loader,
	const struct tp_relay *relay, const char *where, const char *fmt, ...)
	TP_PRINTF(4, 5);

static void incomplete(struct tp_config_loader *loader,
	const struct tp_relay *relay, const char *where, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (tp_config_relay_used(loader->config, relay))
		tp_config_error(loader, TP_ECONFIG, where, "relays.%s: %s",
			relay->name, text);
	else
		tp_config_warning(loader, where,
			"relays.%s (not used by a store): %s", relay->name,
			text);
}

static int give(struct tp_config_loader *loader, const struct tp_relay *relay,
	const char *key, const char *text, enum tp_source source,
	const char *where)
{
	struct tp_record record = tp_relay_record(relay);

	return tp_config_give(loader, &record,
		tp_setting_find(TP_SETTINGS_RELAY, key), text, source, where);
}

static int give_number(struct tp_config_loader *loader,
	const struct tp_relay *relay, const char *key, int64_t number,
	enum tp_source source, const char *where)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)number);
	return give(loader, relay, key, text, source, where);
}

static int give_choice(struct tp_config_loader *loader,
	const struct tp_relay *relay, const char *key, int choice,
	enum tp_source source, const char *where)
{
	return give(loader, relay, key,
		tp_setting_find(TP_SETTINGS_RELAY, key)->choices[choice],
		source, where);
}

static const char *where_of(const struct tp_relay *relay, const char *key)
{
	struct tp_record record = tp_relay_record(relay);

	return tp_config_where_key(&record, key);
}

static int is_set(const struct tp_relay *relay, const char *key)
{
	struct tp_record record = tp_relay_record(relay);

	return tp_config_is_set(&record, key);
}

/* ---- presets ------------------------------------------------------------ */

static const struct tp_preset *find_preset(
	struct tp_config_loader *loader, const struct tp_relay *relay)
{
	const struct tp_preset *preset =
		relay->preset ? tp_preset_find(relay->preset) : NULL;
	char near[TP_SUGGEST_TEXT_BYTES];
	struct tp_suggest suggest;
	size_t count;
	size_t i;
	const struct tp_preset *table = tp_presets_table(&count);

	if (preset || !relay->preset)
		return preset;
	tp_suggest_init(&suggest, relay->preset);
	for (i = 0; i < count; i++)
		tp_suggest_try(&suggest, table[i].name);
	tp_suggest_text(&suggest, near);
	tp_config_error(loader, TP_ECONFIG, where_of(relay, "preset"),
		"relays.%s: there is no preset \"%.64s\"%s", relay->name,
		relay->preset, near);
	return NULL;
}

static int derive_host(struct tp_config_loader *loader,
	const struct tp_relay *relay, const struct tp_preset *preset)
{
	struct tp_error found = TP_ERROR_INIT;
	char host[HOST_BYTES];
	int known = 1;

	if (is_set(relay, "host"))
		return TP_OK;
	if (tp_preset_host(preset, relay->region, host, sizeof(host), &known,
		    &found) < 0) {
		incomplete(loader, relay,
			where_of(relay, relay->region ? "region" : "preset"),
			"%s", found.text);
		return TP_OK;
	}
	if (!known)
		tp_config_warning(loader, where_of(relay, "region"),
			"relays.%s: region %s of %s is not known; trying %s",
			relay->name, relay->region, preset->name, host);
	return give(
		loader, relay, "host", host, TP_SOURCE_PRESET, preset->name);
}

static int derive_port_of_preset(struct tp_config_loader *loader,
	const struct tp_relay *relay, const struct tp_preset *preset)
{
	const struct tp_preset_port *port = tp_preset_port_find(preset,
		is_set(relay, "port") ? relay->port : 0,
		is_set(relay, "tls") ? relay->tls : -1);
	int rc;

	if (!port)
		return TP_OK;
	rc = give_choice(loader, relay, "tls", port->tls, TP_SOURCE_PRESET,
		preset->name);
	if (rc >= 0)
		rc = give_number(loader, relay, "port", port->port,
			TP_SOURCE_PRESET, preset->name);
	return rc;
}

/* A provider's limit applies only where it is lower than the default. */
static int derive_cap(struct tp_config_loader *loader,
	const struct tp_relay *relay, const char *key, int cap,
	const struct tp_preset *preset)
{
	const char *usual =
		tp_setting_find(TP_SETTINGS_RELAY, key)->default_value;

	if (cap <= 0 || cap >= strtol(usual, NULL, 10))
		return TP_OK;
	return give_number(
		loader, relay, key, cap, TP_SOURCE_PRESET, preset->name);
}

static int derive_from_preset(struct tp_config_loader *loader,
	const struct tp_relay *relay, const struct tp_preset *preset)
{
	int rc = derive_host(loader, relay, preset);

	if (rc >= 0)
		rc = derive_port_of_preset(loader, relay, preset);
	if (rc >= 0 && preset->auth != TP_AUTH_AUTO)
		rc = give_choice(loader, relay, "auth", preset->auth,
			TP_SOURCE_PRESET, preset->name);
	if (rc >= 0 && preset->user == TP_USER_FIXED)
		rc = give(loader, relay, "username", preset->username,
			TP_SOURCE_PRESET, preset->name);
	if (rc >= 0 && preset->dialect[0])
		rc = give(loader, relay, "dialect", preset->dialect,
			TP_SOURCE_PRESET, preset->name);
	if (rc >= 0)
		rc = derive_cap(loader, relay, "max_connections",
			preset->max_connections, preset);
	if (rc >= 0)
		rc = derive_cap(loader, relay, "messages_per_connection",
			preset->messages_per_connection, preset);
	return rc;
}

/* ---- TLS and port ------------------------------------------------------- */

static int port_means_starttls(int64_t port)
{
	return port == 25 || port == 587 || port == 2525 || port == 2587;
}

static int derive_tls_and_port(
	struct tp_config_loader *loader, const struct tp_relay *relay)
{
	static const int ports[] = { [TP_TLS_IMPLICIT] = 465,
		[TP_TLS_STARTTLS] = 587,
		[TP_TLS_NONE] = 25 };
	int mode = is_set(relay, "port") && port_means_starttls(relay->port)
			   ? TP_TLS_STARTTLS
			   : TP_TLS_IMPLICIT;
	int rc = give_choice(
		loader, relay, "tls", mode, TP_SOURCE_DEFAULT, NULL);

	if (rc < 0)
		return rc;
	return give_number(loader, relay, "port", ports[relay->tls],
		TP_SOURCE_DEFAULT, NULL);
}

int tp_config_derive_relays(struct tp_config_loader *loader)
{
	size_t i;
	int rc = TP_OK;

	for (i = 0; i < loader->config->relay_count && rc >= 0; i++) {
		const struct tp_relay *relay = &loader->config->relays[i];
		const struct tp_preset *preset = find_preset(loader, relay);

		if (preset)
			rc = derive_from_preset(loader, relay, preset);
		else if (relay->region)
			tp_config_error(loader, TP_ECONFIG,
				where_of(relay, "region"),
				"relays.%s: a region needs a preset",
				relay->name);
		if (rc >= 0)
			rc = derive_tls_and_port(loader, relay);
	}
	return rc;
}

/* ---- checks ------------------------------------------------------------- */

static int is_ip(const char *host, struct in_addr *v4, struct in6_addr *v6)
{
	if (inet_pton(AF_INET, host, v4) == 1)
		return 4;
	return inet_pton(AF_INET6, host, v6) == 1 ? 6 : 0;
}

static int is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	switch (is_ip(host, &v4, &v6)) {
	case 4:
		return (ntohl(v4.s_addr) >> 24) == 127;
	case 6:
		return IN6_IS_ADDR_LOOPBACK(&v6) ||
		       (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
	default:
		return tp_strcasecmp(host, "localhost") == 0;
	}
}

static int is_host_name(const char *name)
{
	return name[0] != '[' && tp_domain_valid(name, strlen(name));
}

static void check_host(
	struct tp_config_loader *loader, const struct tp_relay *relay)
{
	const char *where = where_of(relay, "host");
	const struct tp_stale_host *stale;
	struct in_addr v4;
	struct in6_addr v6;

	if (!relay->host) {
		if (!is_set(relay, "host") && !is_set(relay, "preset"))
			incomplete(loader, relay, where,
				"host is missing (or a preset)");
		return;
	}
	if (!is_ip(relay->host, &v4, &v6) && !is_host_name(relay->host)) {
		tp_config_error(loader, TP_ECONFIG, where,
			"relays.%s: \"%.100s\" is not a host name or IP "
			"address (without brackets, port or smtp://)",
			relay->name, relay->host);
		return;
	}
	stale = tp_stale_host_find(relay->host);
	if (stale)
		tp_config_warning(loader, where,
			"relays.%s: %s is out of date; use %s (preset %s)",
			relay->name, relay->host, stale->use, stale->preset);
}

static void check_name(struct tp_config_loader *loader,
	const struct tp_relay *relay, const char *key, const char *name)
{
	if (name && !tp_domain_valid(name, strlen(name)))
		tp_config_error(loader, TP_ECONFIG, where_of(relay, key),
			"relays.%s: %s \"%.100s\" is not a host name",
			relay->name, key, name);
}

/* "AB:CD:..." to 64 lower-case digits, in place: it only gets shorter. */
static int normalise_fingerprint(char *text)
{
	char *out = text;
	const char *at;
	size_t digits = 0;

	for (at = text; *at; at++) {
		int c = tp_ascii_lower((unsigned char)*at);

		if (c == ':' && digits > 0 && digits % 2 == 0)
			continue;
		if (!strchr("0123456789abcdef", c))
			return 0;
		*out++ = (char)c;
		digits++;
	}
	*out = '\0';
	return digits == 64;
}

static void check_file(struct tp_config_loader *loader,
	const struct tp_relay *relay, const char *key, const char *path)
{
	char reason[128];

	if (!path || loader->source->without_secrets || access(path, R_OK) == 0)
		return;
	if (strerror_r(errno, reason, sizeof(reason)) != 0)
		reason[0] = '\0';
	incomplete(loader, relay, where_of(relay, key),
		"%s: cannot read %.200s: %s", key, path, reason);
}

static void check_tls(
	struct tp_config_loader *loader, const struct tp_relay *relay)
{
	int64_t port = relay->port;

	check_name(loader, relay, "tls_name", relay->tls_name);
	check_name(loader, relay, "helo_name", relay->helo_name);
	check_file(loader, relay, "ca_file", relay->ca_file);
	check_file(loader, relay, "ca_path", relay->ca_path);
	check_file(loader, relay, "client_cert", relay->client_cert);
	check_file(loader, relay, "client_key", relay->client_key);
	if (relay->client_key && !relay->client_cert)
		tp_config_error(loader, TP_ECONFIG,
			where_of(relay, "client_key"),
			"relays.%s: client_key needs client_cert", relay->name);
	if (relay->fingerprint && !normalise_fingerprint(relay->fingerprint))
		tp_config_error(loader, TP_ECONFIG,
			where_of(relay, "fingerprint"),
			"relays.%s: fingerprint must be 64 hexadecimal digits "
			"(SHA-256)",
			relay->name);
	if (relay->tls == TP_TLS_STARTTLS && (port == 465 || port == 2465))
		tp_config_warning(loader, where_of(relay, "tls"),
			"relays.%s: servers speak TLS from the first byte on "
			"port %d; tls = \"implicit\" is usual there",
			relay->name, (int)port);
	if (relay->tls == TP_TLS_IMPLICIT &&
		(port == 25 || port == 587 || port == 2587))
		tp_config_warning(loader, where_of(relay, "tls"),
			"relays.%s: servers begin in clear text on port %d; "
			"tls = \"starttls\" is usual there",
			relay->name, (int)port);
}

/* ---- credentials -------------------------------------------------------- */

/* A server that takes the token twice gets it twice, and the user name is
 * then as secret as the password. */
static int derive_username(
	struct tp_relay *relay, const struct tp_preset *preset)
{
	struct tp_record record = tp_relay_record(relay);

	if (!preset || preset->user != TP_USER_TOKEN || relay->username ||
		!is_set(relay, "password"))
		return TP_OK;
	relay->username_is_secret = 1;
	/* Not there in a process without secrets. */
	if (relay->password) {
		relay->username =
			tp_strdup(tp_secret_reveal(relay->password, NULL));
		if (!relay->username)
			return TP_ENOMEM;
	}
	return tp_origin_set(&record,
		tp_setting_find(TP_SETTINGS_RELAY, "username"),
		TP_SOURCE_PRESET, preset->name);
}

static void check_no_login(struct tp_config_loader *loader,
	struct tp_relay *relay, const struct tp_preset *preset)
{
	int given = is_set(relay, "password") || is_set(relay, "token");

	if (preset && !preset->login_optional)
		incomplete(loader, relay, where_of(relay, "username"),
			"%s needs username and password (%s)", preset->title,
			preset->auth_note[0] ? preset->auth_note
					     : "see the provider");
	else if (given)
		tp_config_warning(loader, where_of(relay, "password"),
			"relays.%s: there is a password or token but no "
			"username, so there will be no login",
			relay->name);
	relay->auth = TP_AUTH_NONE;
}

static void check_login(struct tp_config_loader *loader, struct tp_relay *relay,
	const struct tp_preset *preset)
{
	const char *name = tp_setting_find(TP_SETTINGS_RELAY, "auth")
				   ->choices[relay->auth];
	int oauth = relay->auth == TP_AUTH_XOAUTH2 ||
		    relay->auth == TP_AUTH_OAUTHBEARER;
	int password = is_set(relay, "password");
	int token = is_set(relay, "token");
	/* A process without secrets has no user name that is one. */
	int user = relay->username ||
		   (preset && password && preset->user == TP_USER_TOKEN);
	const char *secret = "password";
	int have = password;

	if (relay->auth == TP_AUTH_AUTO && !user) {
		check_no_login(loader, relay, preset);
		return;
	}
	if (oauth) {
		secret = "token";
		have = token;
	} else if (relay->auth == TP_AUTH_AUTO) {
		have = password || token;
	}
	if (!user || !have)
		incomplete(loader, relay, where_of(relay, "auth"),
			"auth = \"%s\" needs a username and a %s; there is no "
			"%s",
			name, secret, user ? secret : "username");
}

static void check_username(struct tp_config_loader *loader,
	const struct tp_relay *relay, const struct tp_preset *preset)
{
	const char *where = where_of(relay, "username");
	const char *name = relay->username;

	/* The value is not shown: a secret in the wrong place is a usual
	 * mistake here. */
	switch (preset->user) {
	case TP_USER_MAILBOX:
		if (!strchr(name, '@'))
			tp_config_warning(loader, where,
				"relays.%s: the user name of %s is the whole "
				"mail address",
				relay->name, preset->title);
		return;
	case TP_USER_LOCAL_PART:
		if (strchr(name, '@'))
			tp_config_error(loader, TP_ECONFIG, where,
				"relays.%s: the user name of %s is only the "
				"part before the @",
				relay->name, preset->title);
		return;
	case TP_USER_FIXED:
		if (strcmp(name, preset->username) == 0)
			return;
		if (preset->verified)
			tp_config_error(loader, TP_ECONFIG, where,
				"relays.%s: the user name of %s is always "
				"\"%s\" (remove username)",
				relay->name, preset->title, preset->username);
		else
			tp_config_warning(loader, where,
				"relays.%s: the user name of %s should be "
				"\"%s\"",
				relay->name, preset->title, preset->username);
		return;
	case TP_USER_TOKEN:
		if (tp_streq(name, tp_secret_reveal(relay->password, NULL)))
			tp_config_error(loader, TP_ECONFIG, where,
				"relays.%s: remove username: %s takes the "
				"password for both, and it is a secret",
				relay->name, preset->title);
		else
			tp_config_warning(loader, where,
				"relays.%s: %s takes the token as user name "
				"and password; remove username",
				relay->name, preset->title);
		return;
	case TP_USER_ANY:
		return;
	}
}

static void check_clear_text(
	struct tp_config_loader *loader, const struct tp_relay *relay)
{
	int loopback = relay->host && is_loopback(relay->host);

	if (!relay->host)
		return;
	if (relay->allow_plaintext_auth && !loopback)
		tp_config_error(loader, TP_ECONFIG,
			where_of(relay, "allow_plaintext_auth"),
			"relays.%s: allow_plaintext_auth is only for a server "
			"on this machine (127.0.0.1, ::1, localhost), not for "
			"%.100s",
			relay->name, relay->host);
	else if (relay->tls == TP_TLS_NONE && relay->auth != TP_AUTH_NONE &&
		 !loopback)
		tp_config_error(loader, TP_ECONFIG, where_of(relay, "tls"),
			"relays.%s: tls = \"none\" would send the credentials "
			"in clear text to %.100s; use implicit or starttls, or "
			"auth = \"none\"",
			relay->name, relay->host);
	else if (relay->tls == TP_TLS_NONE && relay->auth != TP_AUTH_NONE &&
		 !relay->allow_plaintext_auth)
		tp_config_error(loader, TP_ECONFIG, where_of(relay, "tls"),
			"relays.%s: tls = \"none\" with a login needs "
			"allow_plaintext_auth = true",
			relay->name);
}

static int check_credentials(struct tp_config_loader *loader,
	struct tp_relay *relay, const struct tp_preset *preset)
{
	if (relay->auth == TP_AUTH_NONE) {
		if (relay->username || is_set(relay, "password") ||
			is_set(relay, "token"))
			tp_config_warning(loader, where_of(relay, "auth"),
				"relays.%s: auth is none, so the credentials "
				"are not used",
				relay->name);
		return TP_OK;
	}
	if (preset && relay->username)
		check_username(loader, relay, preset);
	if (derive_username(relay, preset) < 0)
		return TP_ENOMEM;
	check_login(loader, relay, preset);
	check_clear_text(loader, relay);
	return TP_OK;
}

/* ---- limits ------------------------------------------------------------- */

static void check_cap(struct tp_config_loader *loader,
	const struct tp_relay *relay, const char *key, int64_t value,
	int64_t cap)
{
	if (cap > 0 && value > cap)
		tp_config_warning(loader, where_of(relay, key),
			"relays.%s: %s is more than the %lld that the provider "
			"allows",
			relay->name, key, (long long)cap);
}

static void check_limits(struct tp_config_loader *loader,
	const struct tp_relay *relay, const struct tp_preset *preset)
{
	check_cap(loader, relay, "max_connections", relay->max_connections,
		preset->max_connections);
	check_cap(loader, relay, "messages_per_connection",
		relay->messages_per_connection,
		preset->messages_per_connection);
	if (preset->idle_max_ms > 0 &&
		relay->idle_timeout_ms >= preset->idle_max_ms)
		tp_config_warning(loader, where_of(relay, "idle_timeout"),
			"relays.%s: %s closes idle connections after %d s; use "
			"a shorter idle_timeout",
			relay->name, preset->title,
			(int)(preset->idle_max_ms / 1000));
}

int tp_config_check_relays(struct tp_config_loader *loader)
{
	size_t i;
	int rc = TP_OK;

	for (i = 0; i < loader->config->relay_count && rc >= 0; i++) {
		struct tp_relay *relay = &loader->config->relays[i];
		const struct tp_preset *preset =
			relay->preset ? tp_preset_find(relay->preset) : NULL;

		check_host(loader, relay);
		check_tls(loader, relay);
		rc = check_credentials(loader, relay, preset);
		if (preset)
			check_limits(loader, relay, preset);
		if (!tp_dialect_known(relay->dialect))
			tp_config_error(loader, TP_ECONFIG,
				where_of(relay, "dialect"),
				"relays.%s: there is no dialect \"%.60s\"",
				relay->name, relay->dialect);
	}
	return rc;
}
