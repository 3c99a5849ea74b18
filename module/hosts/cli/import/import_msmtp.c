/*
 * import_msmtp.c - msmtprc
 *
 * JOB     Accounts become relays, each with a store that its `from` address
 *         finds; the account "default" is the default store. `passwordeval`
 *         and `eval` are commands, and are not run.
 * BOUNDS  TP_IMPORT_SMALL_BYTES, lines of 4 KiB, TP_IMPORT_RELAYS_MAX
 *         accounts.
 * SOURCES msmtp(1)
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_products.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_connection.h"
#include "cli/import/import_entries.h"
#include "common/report.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES 4096
#define ACCOUNT_BYTES 64
#define DEFAULTS "" /* the scope of the section "defaults" */

struct reader {
	const struct tp_import_input *input;
	struct tp_import_entries *entries;
	struct tp_import_result *result;
	struct tillpost_error *err;
	char account[ACCOUNT_BYTES]; /* of the section; DEFAULTS */
	char accounts[TP_IMPORT_RELAYS_MAX][ACCOUNT_BYTES];
	size_t account_count;
	size_t line;
	int in_section;
};

/* ---- commands ----------------------------------------------------------- */

enum argument { TEXT, SWITCH, PORT, IGNORED };

struct command {
	const char *name;
	enum argument argument;
};

static const struct command commands[] = {
	{ "host", TEXT },
	{ "port", PORT },
	{ "from", TEXT },
	{ "auth", TEXT },
	{ "user", TEXT },
	{ "password", TEXT },
	{ "passwordeval", TEXT },
	{ "tls", SWITCH },
	{ "tls_starttls", SWITCH },
	{ "tls_certcheck", SWITCH },
	{ "tls_trust_file", TEXT },
	{ "tls_key_file", TEXT },
	{ "tls_cert_file", TEXT },
	{ "tls_fingerprint", TEXT },
	{ "tls_host_override", TEXT },
	{ "domain", TEXT },
	{ "protocol", TEXT },
	{ "proxy_host", TEXT },
	{ "socket", TEXT },
	/* what says nothing about a relay */
	{ "proxy_port", IGNORED },
	{ "source_ip", IGNORED },
	{ "timeout", IGNORED },
	{ "connect_timeout", IGNORED },
	{ "ntlmdomain", IGNORED },
	{ "tls_crl_file", IGNORED },
	{ "tls_priorities", IGNORED },
	{ "tls_min_dh_prime_bits", IGNORED },
	{ "tls_force_sslv3", IGNORED },
	{ "allow_from_override", IGNORED },
	{ "dsn_notify", IGNORED },
	{ "dsn_return", IGNORED },
	{ "set_from_header", IGNORED },
	{ "set_date_header", IGNORED },
	{ "set_msgid_header", IGNORED },
	{ "add_missing_from_header", IGNORED },
	{ "add_missing_date_header", IGNORED },
	{ "remove_bcc_headers", IGNORED },
	{ "keepbcc", IGNORED },
	{ "undisclosed_recipients", IGNORED },
	{ "logfile", IGNORED },
	{ "logfile_time_format", IGNORED },
	{ "syslog", IGNORED },
	{ "aliases", IGNORED },
	{ "auto_from", IGNORED },
	{ "maildomain", IGNORED },
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* ---- sections ----------------------------------------------------------- */

static int has_account(const struct reader *reader, const char *name)
{
	size_t i;

	for (i = 0; i < reader->account_count; i++)
		if (strcmp(reader->accounts[i], name) == 0)
			return 1;
	return 0;
}

/* Everything of account FROM becomes the current one's. */
static int32_t inherit(struct reader *reader, const char *from)
{
	size_t count = reader->entries->count;
	int32_t rc = TILLPOST_OK;
	size_t i;

	for (i = 0; i < count && rc >= 0; i++) {
		/* A copy: setting one may move them all. */
		const struct tp_import_entry entry = reader->entries->items[i];

		if (strcmp(entry.scope, from) == 0)
			rc = tp_import_entries_set(reader->entries,
				reader->account, entry.key, entry.value,
				strlen(entry.value), entry.line, reader->err);
	}
	return rc;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (*text == ' ' || *text == '\t')
		text++;
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return text;
}

static int32_t inherit_list(struct reader *reader, char *list)
{
	int32_t rc = inherit(reader, DEFAULTS);

	while (list && rc >= 0) {
		char *comma = strchr(list, ',');

		if (comma)
			*comma = '\0';
		list = trim(list);
		if (!has_account(reader, list) ||
			strcmp(list, reader->account) == 0)
			return tp_import_bad_line(reader->err,
				reader->input->name, reader->line,
				"account %.40s is not defined above", list);
		rc = inherit(reader, list);
		list = comma ? comma + 1 : NULL;
	}
	return rc;
}

static int32_t begin_account(struct reader *reader, char *argument)
{
	char *colon = strchr(argument, ':');

	if (colon)
		*colon++ = '\0';
	argument = trim(argument);
	if (argument[0] == '\0' || strlen(argument) >= ACCOUNT_BYTES ||
		strchr(argument, ','))
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line,
			"an account needs a name of less than %d bytes, "
			"without commas",
			ACCOUNT_BYTES);
	if (has_account(reader, argument))
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line, "account %.40s is defined twice",
			argument);
	if (reader->account_count >= TP_IMPORT_RELAYS_MAX)
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line, "more than %d accounts",
			TP_IMPORT_RELAYS_MAX);
	(void)snprintf(
		reader->account, sizeof(reader->account), "%s", argument);
	(void)snprintf(reader->accounts[reader->account_count++], ACCOUNT_BYTES,
		"%s", argument);
	reader->in_section = 1;
	return inherit_list(reader, colon);
}

static int32_t begin_defaults(struct reader *reader, const char *argument)
{
	if (argument[0] != '\0')
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line, "defaults takes no argument");
	reader->account[0] = '\0';
	reader->in_section = 1;
	return TILLPOST_OK;
}

/* ---- lines -------------------------------------------------------------- */

static int32_t check_argument(
	struct reader *reader, const struct command *command, const char *text)
{
	long port;

	if (command->argument == SWITCH && text[0] != '\0' &&
		strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line, "%s is on or off", command->name);
	if (strcmp(command->name, "host") == 0 && text[0] == '\0')
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line, "host needs a name");
	if (command->argument != PORT)
		return TILLPOST_OK;
	port = tp_import_number(text);
	if (port < 1 || port > 65535)
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line, "port is a number from 1 to 65535");
	return TILLPOST_OK;
}

static int32_t take_setting(
	struct reader *reader, const char *name, const char *text)
{
	const struct command *command = find_command(name);
	char where[32];
	int32_t rc;

	(void)snprintf(where, sizeof(where), "line %zu", reader->line);
	if (strcmp(name, "eval") == 0)
		return tp_import_say(reader->result, TP_IMPORT_TODO,
			reader->err, where,
			"eval is a command and was not run; what it would "
			"print is missing here");
	if (!command)
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line, "no command of msmtp begins this line");
	rc = check_argument(reader, command, text);
	if (rc < 0 || command->argument == IGNORED)
		return rc;
	/* A file without sections is the account "default". */
	if (!reader->in_section) {
		char name_of_all[] = "default";

		rc = begin_account(reader, name_of_all);
		if (rc < 0)
			return rc;
	}
	if (command->argument == SWITCH && text[0] == '\0')
		text = "on";
	return tp_import_entries_set(reader->entries, reader->account, name,
		text, strlen(text), reader->line, reader->err);
}

/* TEXT is the line, which this changes. */
static int32_t take_line(struct reader *reader, char *text)
{
	char *argument;
	size_t len;

	text = trim(text);
	if (text[0] == '\0' || text[0] == '#')
		return TILLPOST_OK;
	argument = text + strcspn(text, " \t");
	if (*argument != '\0')
		*argument++ = '\0';
	argument = trim(argument);
	len = strlen(argument);
	if (len >= 2 && argument[0] == '"' && argument[len - 1] == '"') {
		argument[len - 1] = '\0';
		argument++;
	}
	if (strcmp(text, "account") == 0)
		return begin_account(reader, argument);
	if (strcmp(text, "defaults") == 0)
		return begin_defaults(reader, argument);
	return take_setting(reader, text, argument);
}

static int32_t read_lines(struct reader *reader)
{
	const char *at = reader->input->text;
	const char *end = at + reader->input->len;
	char line[LINE_BYTES];
	int32_t rc = TILLPOST_OK;

	while (at < end && rc >= 0) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);

		reader->line++;
		if (len >= sizeof(line) || memchr(at, '\0', len)) {
			rc = tp_import_bad_line(reader->err,
				reader->input->name, reader->line,
				"the line is longer than %d bytes, or no text",
				LINE_BYTES - 1);
			break;
		}
		memcpy(line, at, len);
		line[len > 0 && line[len - 1] == '\r' ? len - 1 : len] = '\0';
		rc = take_line(reader, line);
		at = stop ? stop + 1 : end;
	}
	explicit_bzero(line, sizeof(line));
	return rc;
}

/* ---- accounts to relays ------------------------------------------------- */

static const char *value_of(
	const struct reader *reader, const char *account, const char *command)
{
	const char *value =
		tp_import_entries_get(reader->entries, account, command);

	return value && value[0] != '\0' ? value : NULL;
}

static int is_on(const struct reader *reader, const char *account,
	const char *command, int unset)
{
	const char *value = value_of(reader, account, command);

	return value ? strcmp(value, "on") == 0 : unset;
}

/* 64 digits, which may be divided: SHA-256. */
static int is_sha256(const char *text)
{
	size_t digits = 0;

	for (; *text != '\0'; text++)
		digits += strchr("0123456789abcdefABCDEF", *text) != NULL;
	return digits == 64;
}

static int32_t say_left_out(struct reader *reader, const char *account,
	struct tp_import_connection *connection)
{
	char where[ACCOUNT_BYTES + 16];
	int32_t rc = TILLPOST_OK;

	(void)snprintf(where, sizeof(where), "account %s", account);
	if (!is_on(reader, account, "tls_certcheck", 1))
		rc = tp_import_say(reader->result, TP_IMPORT_REPAIRED,
			reader->err, where,
			"certificates were not checked; they are now (if the "
			"server's is self-signed, set fingerprint)");
	if (rc >= 0 && connection->fingerprint &&
		!is_sha256(connection->fingerprint)) {
		connection->fingerprint = NULL;
		rc = tp_import_say(reader->result, TP_IMPORT_NOTE, reader->err,
			where,
			"tls_fingerprint is not SHA-256 and was left out");
	}
	if (rc >= 0 && (value_of(reader, account, "proxy_host") ||
			       value_of(reader, account, "socket")))
		rc = tp_import_say(reader->result, TP_IMPORT_TODO, reader->err,
			where,
			"it goes through a proxy or a local socket, which is "
			"not supported here");
	return rc;
}

/* "system" and the system's own file are what tillpost takes anyway. */
static const char *trust_file(const char *path)
{
	if (!path || strcmp(path, "system") == 0 ||
		strcmp(path, "/etc/ssl/certs/ca-certificates.crt") == 0 ||
		path[0] != '/')
		return NULL;
	return path;
}

static int32_t connect_account(struct reader *reader, const char *account)
{
	char where[ACCOUNT_BYTES + 16];
	int tls = is_on(reader, account, "tls", 0);
	int starttls = is_on(reader, account, "tls_starttls", 1);
	const char *auth = value_of(reader, account, "auth");
	struct tp_import_connection connection = {
		.name = account,
		.where = where,
		.host = value_of(reader, account, "host"),
		.port = value_of(reader, account, "port"),
		.encryption = !tls	 ? NULL
			      : starttls ? "starttls"
					 : "ssl",
		.auth = auth ? auth : "off",
		.username = value_of(reader, account, "user"),
		.secret = value_of(reader, account, "password"),
		.encrypted = value_of(reader, account, "passwordeval")
				     ? "passwordeval is a command, and is not "
				       "run"
				     : NULL,
		.tls_name = value_of(reader, account, "tls_host_override"),
		.ca_file =
			trust_file(value_of(reader, account, "tls_trust_file")),
		.client_cert = value_of(reader, account, "tls_cert_file"),
		.client_key = value_of(reader, account, "tls_key_file"),
		.fingerprint = value_of(reader, account, "tls_fingerprint"),
		.helo_name = value_of(reader, account, "domain"),
	};
	int32_t rc;

	(void)snprintf(where, sizeof(where), "account %s", account);
	/* Without a port it is 465 or 25, whatever else is usual. */
	if (!connection.port)
		connection.port = tls && !starttls ? "465" : "25";
	if (auth && tp_import_same(auth, "on"))
		connection.auth = "auto";
	if (connection.secret)
		connection.encrypted = NULL;
	connection.is_token = tp_import_same(auth, "xoauth2") ||
			      tp_import_same(auth, "oauthbearer");
	if (connection.helo_name &&
		(tp_import_same(connection.helo_name, "localhost") ||
			!tp_import_is_host(connection.helo_name)))
		connection.helo_name = NULL;
	rc = say_left_out(reader, account, &connection);
	return rc < 0 ? rc
		      : tp_import_connect(
				reader->result, &connection, reader->err);
}

static int32_t take_account(struct reader *reader, const char *account)
{
	const char *from = value_of(reader, account, "from");
	const char *pattern = from;
	int is_default = strcmp(account, "default") == 0;
	int32_t relay = connect_account(reader, account);
	int32_t store;
	int32_t rc = TILLPOST_OK;

	if (relay < 0)
		return relay;
	store = tp_import_store_add(reader->result, is_default ? NULL : account,
		(size_t)relay, reader->err);
	if (store < 0)
		return store;
	if (!from)
		return TILLPOST_OK;
	/* *@example.com */
	if (from[0] == '*' && from[1] == '@')
		pattern = from + 1;
	if (strpbrk(pattern, "*?[%$"))
		return tp_import_say(reader->result, TP_IMPORT_TODO,
			reader->err, reader->result->stores[store].name,
			"from is a pattern that cannot be taken over; set "
			"stores.%s.match.from",
			reader->result->stores[store].name);
	if (pattern == from)
		rc = tp_import_store_from(
			reader->result, (size_t)store, NULL, from, reader->err);
	if (rc >= 0 && pattern == from && tp_import_is_address(from, 0))
		rc = tp_import_set(&reader->result->stores[store].envelope_from,
			from, reader->err);
	if (rc >= 0 && !is_default)
		rc = tp_import_store_match(reader->result, (size_t)store,
			TP_IMPORT_MATCH_FROM, pattern, reader->err);
	return rc;
}

int32_t tp_import_msmtp(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	struct tp_import_entries entries = { .items = NULL };
	struct reader reader = { .input = &request->main,
		.entries = &entries,
		.result = result,
		.err = err };
	int32_t rc = tp_import_check_small(&request->main, err);
	size_t i;

	if (rc >= 0)
		rc = read_lines(&reader);
	if (rc >= 0 && reader.account_count == 0)
		rc = tp_report_set(err, TILLPOST_ENOTFOUND, request->main.name,
			"has no account in it");
	for (i = 0; i < reader.account_count && rc >= 0; i++)
		if (strcmp(reader.accounts[i], "default") == 0)
			rc = take_account(&reader, reader.accounts[i]);
	for (i = 0; i < reader.account_count && rc >= 0; i++)
		if (strcmp(reader.accounts[i], "default") != 0)
			rc = take_account(&reader, reader.accounts[i]);
	tp_import_entries_free(&entries);
	return rc;
}
