/*
 * import_connection.c - one connection of a product, as the product says it
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_connection.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_repair.h"
#include "common/report.h"

#include <stdio.h>
#include <string.h>

#define HOST_BYTES 300
#define TEXT_BYTES 1000

/* The host field taken apart. */
struct host {
	char name[HOST_BYTES];
	char port[16];
	const char *label; /* of a prefix; NULL: there was none */
	int changed;
};

/* ---- host --------------------------------------------------------------- */

static const char *skip_prefix(const char *text, struct host *host)
{
	static const struct {
		const char *prefix;
		const char *label;
	} prefixes[] = { { "ssl://", "ssl" }, { "tls://", "tls" },
		{ "smtps://", "ssl" }, { "smtp://", NULL },
		{ "tcp://", NULL } };
	size_t i;

	text += strspn(text, " \t");
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t len = strlen(prefixes[i].prefix);
		char start[16];

		(void)snprintf(start, sizeof(start), "%.*s", (int)len, text);
		if (!tp_import_same(start, prefixes[i].prefix))
			continue;
		host->label = prefixes[i].label;
		host->changed = 1;
		return text + len;
	}
	return text;
}

/* "host", "host:587", "[host]", "[host]:587", an IPv6 address.
 * @return 0 if it is none of these */
static int split(const char *text, struct host *host)
{
	size_t len = strlen(text);
	const char *colon;
	const char *end;

	while (len > 0 && strchr(" \t/", text[len - 1]))
		len--;
	if (len == 0 || len >= sizeof(host->name))
		return 0;
	memcpy(host->name, text, len);
	host->name[len] = '\0';
	end = host->name[0] == '[' ? strchr(host->name, ']') : NULL;
	if (host->name[0] == '[' && !end)
		return 0;
	colon = end ? (end[1] == ':' ? end + 1 : NULL)
		    : strrchr(host->name, ':');
	if (end && end[1] != '\0' && !colon)
		return 0;
	/* Several colons without brackets are an address. */
	if (colon && (end || strchr(host->name, ':') == colon)) {
		(void)snprintf(
			host->port, sizeof(host->port), "%.15s", colon + 1);
		host->name[colon - host->name] = '\0';
		host->changed = 1;
		if (tp_import_number(host->port) < 0)
			return 0;
	}
	if (end) {
		size_t inner = (size_t)(end - host->name) - 1;

		memmove(host->name, host->name + 1, inner);
		host->name[inner] = '\0';
	}
	return 1;
}

static int is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	       tp_import_same(host, "localhost");
}

static int32_t take_host(const struct tp_import_connection *connection,
	struct host *host, struct tillpost_error *err)
{
	const char *text;

	*host = (struct host) { .label = NULL };
	if (!connection->host || connection->host[0] == '\0')
		return tp_report_set(err, TILLPOST_ENOTFOUND, connection->where,
			"has no server");
	text = skip_prefix(connection->host, host);
	if (!split(text, host))
		return tp_report_set(err, TILLPOST_EINVAL, connection->where,
			"the server is not a host name or an IP address");
	if (tp_import_same(host->name, "localhost"))
		return TILLPOST_OK;
	if (!tp_import_is_host(host->name))
		return tp_report_set(err, TILLPOST_EINVAL, connection->where,
			"the server is not a host name or an IP address");
	return TILLPOST_OK;
}

/* ---- port, label, login ------------------------------------------------- */

struct decision {
	struct host host;
	int port;
	int bad_port; /* the text was no port */
	struct tp_import_facts facts;
	struct tp_import_choice choice;
	const char *auth;
	const char *auth_why; /* the method is not supported */
	int login;
};

static int port_of(const char *text, int *bad)
{
	long port;

	if (!text || text[0] == '\0' || tp_import_same(text, "default"))
		return 0;
	port = tp_import_number(text);
	if (port >= 1 && port <= 65535)
		return (int)port;
	*bad = 1;
	return 0;
}

static int has(const char *text)
{
	return text && text[0] != '\0';
}

static void decide(
	const struct tp_import_connection *connection, struct decision *made)
{
	const char *word =
		made->host.label ? made->host.label : connection->encryption;

	made->port = port_of(connection->port, &made->bad_port);
	if (made->port == 0)
		made->port = port_of(made->host.port, &made->bad_port);
	made->auth = tp_import_repair_auth(
		connection->auth ? connection->auth : "", &made->auth_why);
	made->login =
		strcmp(made->auth, "none") != 0 && has(connection->username);
	if (!made->login)
		made->auth = "none";
	made->facts = (struct tp_import_facts) {
		.label = tp_import_label_of(word ? word : ""),
		.port = made->port,
		.login = made->login,
		.loopback = is_loopback(made->host.name),
		/* A prefix says what it says, whatever the product. */
		.tls_is_implicit =
			connection->tls_is_implicit && !made->host.label,
	};
	if (made->facts.label == TP_IMPORT_LABEL_NONE &&
		connection->optional_tls)
		made->facts.label = TP_IMPORT_LABEL_OPTIONAL;
	made->choice = tp_import_repair_tls(&made->facts);
}

/* ---- into the result ---------------------------------------------------- */

static int same_text(const char *a, const char *b)
{
	a = has(a) ? a : "";
	b = has(b) ? b : "";
	return strcmp(a, b) == 0;
}

/* A relay that does the same already. @return its index, or -1 */
static int32_t find_same(const struct tp_import_result *result,
	const struct tp_import_connection *connection,
	const struct decision *made)
{
	size_t i;

	for (i = 0; i < result->relay_count; i++) {
		const struct tp_import_relay *relay = &result->relays[i];

		if (tp_import_same(relay->host, made->host.name) &&
			relay->port == made->choice.port &&
			relay->tls == made->choice.tls &&
			strcmp(relay->auth, made->auth) == 0 &&
			(!made->login ||
				(same_text(relay->username,
					 connection->username) &&
					same_text(relay->secret,
						connection->encrypted
							? NULL
							: connection
								  ->secret))) &&
			same_text(relay->ca_file, connection->ca_file) &&
			same_text(
				relay->client_cert, connection->client_cert) &&
			same_text(relay->fingerprint, connection->fingerprint))
			return (int32_t)i;
	}
	return -1;
}

static int32_t fill(struct tp_import_relay *relay,
	const struct tp_import_connection *connection,
	const struct decision *made, struct tillpost_error *err)
{
	int32_t rc = tp_import_set(&relay->host, made->host.name, err);

	relay->port = made->choice.port;
	relay->tls = made->choice.tls;
	relay->auth = made->auth;
	relay->is_token = connection->is_token;
	relay->plaintext = made->login && made->choice.tls == TP_IMPORT_CLEAR;
	if (rc >= 0 && made->login)
		rc = tp_import_set(&relay->username, connection->username, err);
	if (rc >= 0 && made->login && !connection->encrypted)
		rc = tp_import_set(&relay->secret, connection->secret, err);
	relay->wants_secret = made->login && !relay->secret;
	if (rc >= 0)
		rc = tp_import_set(&relay->tls_name, connection->tls_name, err);
	if (rc >= 0)
		rc = tp_import_set(&relay->ca_file, connection->ca_file, err);
	if (rc >= 0)
		rc = tp_import_set(
			&relay->client_cert, connection->client_cert, err);
	if (rc >= 0)
		rc = tp_import_set(
			&relay->client_key, connection->client_key, err);
	if (rc >= 0)
		rc = tp_import_set(
			&relay->fingerprint, connection->fingerprint, err);
	if (rc >= 0)
		rc = tp_import_set(
			&relay->helo_name, connection->helo_name, err);
	return rc;
}

static int32_t say_secret(struct tp_import_result *result,
	const struct tp_import_relay *relay,
	const struct tp_import_connection *connection, const char *where,
	struct tillpost_error *err)
{
	const char *what = relay->is_token ? "token" : "password";

	if (!relay->wants_secret)
		return TILLPOST_OK;
	if (connection->encrypted)
		return tp_import_say(result, TP_IMPORT_TODO, err, where,
			"the %s could not be taken over: %s", what,
			connection->encrypted);
	return tp_import_say(result, TP_IMPORT_TODO, err, where,
		"there is a user name, but no %s in the export", what);
}

static int32_t say_all(struct tp_import_result *result,
	const struct tp_import_relay *relay,
	const struct tp_import_connection *connection,
	const struct decision *made, struct tillpost_error *err)
{
	char where[TP_IMPORT_NAME_BYTES + 16];
	int32_t rc = TILLPOST_OK;

	(void)snprintf(where, sizeof(where), "relays.%s", relay->name);
	if (made->host.changed)
		rc = tp_import_say(result, TP_IMPORT_REPAIRED, err, where,
			"the server's name had a port or a \"tls://\" in it; "
			"now %s",
			relay->host);
	if (rc >= 0 && made->bad_port)
		rc = tp_import_say(result, TP_IMPORT_REPAIRED, err, where,
			"the port was not a number from 1 to 65535; now %d",
			relay->port);
	if (rc >= 0 && made->choice.repaired)
		rc = tp_import_say(result, TP_IMPORT_REPAIRED, err, where,
			"port %d: %s", relay->port, made->choice.repaired);
	if (rc >= 0 && made->choice.note)
		rc = tp_import_say(result, TP_IMPORT_NOTE, err, where, "%s",
			made->choice.note);
	if (rc >= 0 && made->auth_why && made->login)
		rc = tp_import_say(result, TP_IMPORT_REPAIRED, err, where,
			"\"%.30s\" %s", connection->auth, made->auth_why);
	if (rc >= 0 && relay->port == 25 && made->login &&
		!made->facts.loopback)
		rc = tp_import_say(result, TP_IMPORT_NOTE, err, where,
			"port 25 is for servers among themselves, and many "
			"networks block it; if it does not answer, try 587");
	if (rc >= 0 && !made->login && has(connection->username))
		rc = tp_import_say(result, TP_IMPORT_NOTE, err, where,
			"there is a user name, but logging in was switched "
			"off; it was left out");
	return rc < 0 ? rc : say_secret(result, relay, connection, where, err);
}

/* What goes into the configuration as it is. */
static int32_t check_texts(const struct tp_import_connection *connection,
	struct tillpost_error *err)
{
	const char *const texts[] = { connection->username,
		connection->tls_name, connection->ca_file,
		connection->client_cert, connection->client_key,
		connection->fingerprint, connection->helo_name };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (has(texts[i]) &&
			(!tp_import_printable(texts[i], strlen(texts[i])) ||
				strlen(texts[i]) > TEXT_BYTES))
			return tp_report_set(err, TILLPOST_EINVAL,
				connection->where,
				"the user name or a file name is not one line "
				"of UTF-8 of at most %d bytes",
				TEXT_BYTES);
	return TILLPOST_OK;
}

int32_t tp_import_connect(struct tp_import_result *result,
	const struct tp_import_connection *given, struct tillpost_error *err)
{
	const struct tp_import_connection *connection = given;
	struct tp_import_connection without_secret;
	struct decision made = { .port = 0 };
	struct tp_import_relay *relay = &result->relays[result->relay_count];
	const char *wish = connection->name;
	int32_t same;
	int32_t rc = take_host(connection, &made.host, err);

	if (rc < 0)
		return rc;
	rc = check_texts(connection, err);
	if (rc < 0)
		return rc;
	/* A secret file is one line. */
	if (has(given->secret) && !given->encrypted &&
		strpbrk(given->secret, "\r\n")) {
		without_secret = *given;
		without_secret.encrypted = "it has a line break in it";
		connection = &without_secret;
	}
	decide(connection, &made);
	same = find_same(result, connection, &made);
	if (same >= 0)
		return same;
	if (result->relay_count >= TP_IMPORT_RELAYS_MAX)
		return tp_report_set(err, TILLPOST_ETOOBIG, connection->where,
			"more than %d connections", TP_IMPORT_RELAYS_MAX);
	*relay = (struct tp_import_relay) { .port = 0 };
	if (result->relay_count == 0 || !wish)
		wish = result->relay_name;
	tp_import_name(result, 0, wish, relay->name);
	rc = fill(relay, connection, &made, err);
	result->relay_count++;
	if (rc >= 0)
		rc = say_all(result, relay, connection, &made, err);
	return rc < 0 ? rc : (int32_t)result->relay_count - 1;
}
