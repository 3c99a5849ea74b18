/*
 * import_postfix.c - main.cf, and the maps it names
 *
 * JOB     relayhost becomes the default store's relay; each sender of
 *         sender_dependent_relayhost_maps, and each sender that the password
 *         map has credentials for, becomes a store. The maps are the text
 *         files that postmap reads.
 * BOUNDS  TP_IMPORT_SMALL_BYTES each; EXPAND_*.
 * SOURCES postconf(5), postmap(1) of Postfix 3.7
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_products.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_connection.h"
#include "cli/import/import_entries.h"
#include "common/report.h"

#include <stdio.h>
#include <string.h>

#define MAIN ""
#define SASL "sasl"
#define SENDERS "senders"
#define EXPAND_BYTES 4096
#define EXPAND_DEPTH 8
#define EXPAND_STEPS 500
#define NEXT_HOP_BYTES 300
#define SENDERS_MAX 1000

struct run {
	const struct tp_import_request *request;
	struct tp_import_entries entries;
	struct tp_import_result *result;
	struct tillpost_error *err;
};

/* ---- logical lines ------------------------------------------------------ */

typedef int32_t line_fn(struct run *run, const struct tp_import_input *input,
	size_t line, char *text);

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Is the line at AT empty, or a comment? */
static int says_nothing(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at == end || *at == '#';
}

/* A line that begins with a blank goes on with the one before; comments and
 * empty lines may be in between. */
static int32_t read_logical(
	struct run *run, const struct tp_import_input *input, line_fn *take)
{
	const char *at = input->text;
	const char *end = at + input->len;
	struct tp_import_bytes text = { .text = NULL };
	size_t line = 0;
	size_t begin = 0;
	int32_t rc = tp_import_check_small(input, run->err);

	while (at < end && rc >= 0) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		const char *tail = stop ? stop : end;

		line++;
		if (!says_nothing(at, tail)) {
			if (!is_blank(*at) && text.len > 0) {
				rc = take(run, input, begin, text.text);
				tp_import_bytes_clear(&text);
			}
			if (text.len == 0)
				begin = line;
			tp_import_bytes_add(&text, at, (size_t)(tail - at));
			if (memchr(at, '\0', (size_t)(tail - at)))
				rc = tp_import_bad_line(run->err, input->name,
					line, "is no text: it has a NUL");
		}
		at = stop ? stop + 1 : end;
	}
	if (rc >= 0 && text.len > 0)
		rc = take(run, input, begin, text.text);
	if (rc >= 0 && text.failed)
		rc = tp_import_no_memory(run->err);
	tp_import_bytes_free(&text);
	return rc;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (is_blank(*text))
		text++;
	while (end > text && is_blank(end[-1]))
		*--end = '\0';
	return text;
}

/* What main.cf says that matters here; the rest is not kept. */
static int is_wanted(const char *name)
{
	static const char *const names[] = { "relayhost", "myhostname",
		"mydomain", "myorigin", "smtp_helo_name",
		"smtp_sasl_auth_enable", "smtp_sasl_password_maps",
		"smtp_sasl_mechanism_filter", "smtp_tls_security_level",
		"smtp_use_tls", "smtp_enforce_tls", "smtp_tls_wrappermode",
		"smtp_tls_CAfile", "smtp_tls_CApath", "smtp_tls_cert_file",
		"smtp_tls_key_file", "smtp_tls_policy_maps", "transport_maps",
		"sender_dependent_relayhost_maps",
		"sender_dependent_default_transport_maps",
		"smtp_sender_dependent_authentication", "default_database_type",
		"config_directory" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return 1;
	return 0;
}

static int32_t take_parameter(struct run *run,
	const struct tp_import_input *input, size_t line, char *text)
{
	char *equals = strchr(text, '=');
	const char *name;
	const char *value;

	if (!equals || is_blank(text[0]))
		return tp_import_bad_line(
			run->err, input->name, line, "is no \"name = value\"");
	*equals = '\0';
	name = trim(text);
	value = trim(equals + 1);
	if (name[0] == '\0' || strpbrk(name, " \t"))
		return tp_import_bad_line(
			run->err, input->name, line, "is no \"name = value\"");
	if (!is_wanted(name))
		return TILLPOST_OK;
	return tp_import_entries_set(&run->entries, MAIN, name, value,
		strlen(value), line, run->err);
}

static int32_t take_mapping(struct run *run, const char *scope,
	const struct tp_import_input *input, size_t line, char *text)
{
	char *value = text + strcspn(text, " \t");

	if (*value != '\0')
		*value++ = '\0';
	value = trim(value);
	if (text[0] == '\0' || value[0] == '\0')
		return tp_import_bad_line(
			run->err, input->name, line, "is no key with a value");
	return tp_import_entries_add(&run->entries, scope, text, value,
		strlen(value), line, run->err);
}

static int32_t take_sasl(struct run *run, const struct tp_import_input *input,
	size_t line, char *text)
{
	return take_mapping(run, SASL, input, line, text);
}

static int32_t take_sender(struct run *run, const struct tp_import_input *input,
	size_t line, char *text)
{
	return take_mapping(run, SENDERS, input, line, text);
}

/* ---- parameters --------------------------------------------------------- */

struct expansion {
	const struct run *run;
	struct tp_import_bytes out;
	size_t steps;
};

static void expand(struct expansion *expansion, const char *text, int depth);

/* $name, ${name} or $(name) at TEXT. Conditions, ${name?text}, give nothing.
 * @return what follows */
static const char *expand_one(
	struct expansion *expansion, const char *text, int depth)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	char close = text[1] == '{' ? '}' : text[1] == '(' ? ')' : '\0';
	const char *name = text + (close ? 2 : 1);
	size_t len = strspn(name, letters);
	const char *end = name + len;
	char key[64];
	const char *value;

	if (close) {
		end = strchr(name, close);
		if (!end)
			return text + strlen(text);
		end++;
	}
	(void)snprintf(key, sizeof(key), "%.*s", (int)len, name);
	value = tp_import_entries_get(&expansion->run->entries, MAIN, key);
	if (value && (!close || name[len] == close))
		expand(expansion, value, depth + 1);
	return end > text ? end : text + 1;
}

static void expand(struct expansion *expansion, const char *text, int depth)
{
	while (*text != '\0' && expansion->out.len < EXPAND_BYTES) {
		size_t len = strcspn(text, "$");

		tp_import_bytes_add(&expansion->out, text, len);
		text += len;
		if (*text == '\0')
			return;
		if (text[1] == '$') {
			tp_import_bytes_add(&expansion->out, "$", 1);
			text += 2;
		} else if (depth >= EXPAND_DEPTH ||
			   expansion->steps++ >= EXPAND_STEPS) {
			return;
		} else {
			text = expand_one(expansion, text, depth);
		}
	}
}

/* NAME with what it refers to, in ROOM. */
static const char *parameter(
	const struct run *run, const char *name, char *room, size_t size)
{
	struct expansion expansion = { .run = run };
	const char *value = tp_import_entries_get(&run->entries, MAIN, name);

	room[0] = '\0';
	if (value)
		expand(&expansion, value, 0);
	if (expansion.out.text)
		(void)snprintf(room, size, "%s", expansion.out.text);
	tp_import_bytes_free(&expansion.out);
	return room;
}

static int is_yes(const struct run *run, const char *name)
{
	char room[64];

	return tp_import_yes(parameter(run, name, room, sizeof(room)));
}

/* ---- one relay ---------------------------------------------------------- */

/* The first of a list; whether there are more. */
static int first_of(const char *list, char out[NEXT_HOP_BYTES])
{
	size_t len;

	list += strspn(list, " \t,");
	len = strcspn(list, " \t,");
	(void)snprintf(out, NEXT_HOP_BYTES, "%.*s", (int)len, list);
	list += len;
	list += strspn(list, " \t,");
	return *list != '\0';
}

/* "[host]:submission": takes the port off, as a number. */
static void split_port(char *next_hop, char port[16])
{
	static const struct {
		const char *name;
		const char *port;
	} services[] = { { "smtp", "25" }, { "submission", "587" },
		{ "submissions", "465" }, { "smtps", "465" },
		{ "urd", "465" } };
	char *colon = strrchr(next_hop, ':');
	char *bracket = strchr(next_hop, ']');
	size_t i;

	(void)snprintf(port, 16, "25");
	if (!colon || (bracket && colon < bracket))
		return;
	*colon++ = '\0';
	(void)snprintf(port, 16, "%.15s", colon);
	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(colon, services[i].name) == 0)
			(void)snprintf(port, 16, "%s", services[i].port);
}

static const char *encryption_of(const struct run *run, int *optional)
{
	static const struct {
		const char *level;
		const char *label;
		int optional;
	} levels[] = { { "none", "none", 0 }, { "may", NULL, 1 },
		{ "dane", NULL, 1 }, { "encrypt", "starttls", 0 },
		{ "dane-only", "starttls", 0 }, { "verify", "starttls", 0 },
		{ "secure", "starttls", 0 }, { "fingerprint", "starttls", 0 } };
	char level[64];
	size_t i;

	*optional = 0;
	if (is_yes(run, "smtp_tls_wrappermode"))
		return "ssl";
	(void)parameter(run, "smtp_tls_security_level", level, sizeof(level));
	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(level, levels[i].level) == 0) {
			*optional = levels[i].optional;
			return levels[i].label;
		}
	if (is_yes(run, "smtp_enforce_tls"))
		return "starttls";
	*optional = is_yes(run, "smtp_use_tls");
	return NULL;
}

/* The credentials for SENDER at NEXT_HOP, looked up as Postfix does. */
static const struct tp_import_entry *credentials(
	const struct run *run, const char *sender, const char *next_hop)
{
	const struct tp_import_entry *found = NULL;
	char host[NEXT_HOP_BYTES];
	char port[16];
	size_t len;

	if (sender && is_yes(run, "smtp_sender_dependent_authentication"))
		found = tp_import_entries_find(&run->entries, SASL, sender);
	if (!found)
		found = tp_import_entries_find(&run->entries, SASL, next_hop);
	if (found)
		return found;
	(void)snprintf(host, sizeof(host), "%s", next_hop);
	split_port(host, port);
	found = tp_import_entries_find(&run->entries, SASL, host);
	len = strlen(host);
	if (found || host[0] != '[' || len < 2)
		return found;
	host[len - 1] = '\0';
	return tp_import_entries_find(&run->entries, SASL, host + 1);
}

/* What is in the files that the certificates' parameters name. */
struct files {
	char ca[512];
	char cert[512];
	char key[512];
	char helo[256];
	char mechanisms[256];
};

static const char *absolute(const char *path)
{
	return path[0] == '/' ? path : NULL;
}

static void read_files(const struct run *run, struct files *files)
{
	(void)parameter(run, "smtp_tls_CAfile", files->ca, sizeof(files->ca));
	(void)parameter(
		run, "smtp_tls_cert_file", files->cert, sizeof(files->cert));
	(void)parameter(
		run, "smtp_tls_key_file", files->key, sizeof(files->key));
	(void)parameter(
		run, "smtp_helo_name", files->helo, sizeof(files->helo));
	(void)parameter(run, "smtp_sasl_mechanism_filter", files->mechanisms,
		sizeof(files->mechanisms));
	if (strcmp(files->ca, "/etc/ssl/certs/ca-certificates.crt") == 0)
		files->ca[0] = '\0';
}

static int32_t say_mx(struct run *run, const char *next_hop, int32_t relay)
{
	char where[TP_IMPORT_NAME_BYTES + 16];

	if (relay < 0 || next_hop[0] == '[')
		return relay;
	(void)snprintf(where, sizeof(where), "relays.%s",
		run->result->relays[relay].name);
	if (tp_import_say(run->result, TP_IMPORT_NOTE, run->err, where,
		    "without brackets Postfix asks the DNS for the mail "
		    "servers (MX) of that name; tillpost connects to the name "
		    "itself") < 0)
		return TILLPOST_ENOMEM;
	return relay;
}

static int32_t connect_hop(
	struct run *run, const char *sender, const char *next_hop)
{
	char host[NEXT_HOP_BYTES];
	char port[16];
	struct files files;
	const struct tp_import_entry *found =
		credentials(run, sender, next_hop);
	struct tp_import_connection connection = {
		.where = sender ? sender : "relayhost",
		.host = host,
		.port = port,
		.auth = is_yes(run, "smtp_sasl_auth_enable") ? "auto" : "off",
	};
	char *user = NULL;
	int32_t rc;

	(void)snprintf(host, sizeof(host), "%s", next_hop);
	split_port(host, port);
	connection.name = host[0] == '[' ? host + 1 : host;
	connection.encryption = encryption_of(run, &connection.optional_tls);
	read_files(run, &files);
	connection.ca_file = absolute(files.ca);
	connection.client_cert = absolute(files.cert);
	connection.client_key =
		absolute(files.cert) ? absolute(files.key) : NULL;
	connection.helo_name =
		tp_import_is_host(files.helo) ? files.helo : NULL;
	if (found) {
		size_t len = strcspn(found->value, ":");

		if (found->value[len] == '\0')
			return tp_import_bad_line(run->err,
				run->request->sasl.name, found->line,
				"is no \"user:password\"");
		user = tp_import_copy(found->value, len);
		if (!user)
			return tp_import_no_memory(run->err);
		connection.username = user;
		connection.secret = found->value + len + 1;
	}
	if (tp_import_same(files.mechanisms, "xoauth2")) {
		connection.auth = "xoauth2";
		connection.is_token = 1;
		connection.encrypted = "it is in the token file of the SASL "
				       "plugin, which renews it";
	}
	rc = tp_import_connect(run->result, &connection, run->err);
	tp_import_wipe(user);
	return say_mx(run, next_hop, rc);
}

/* ---- stores ------------------------------------------------------------- */

static int32_t take_default(struct run *run)
{
	char list[EXPAND_BYTES];
	char next_hop[NEXT_HOP_BYTES];
	int more;
	int32_t relay;
	int32_t rc;

	(void)parameter(run, "relayhost", list, sizeof(list));
	more = first_of(list, next_hop);
	if (next_hop[0] == '\0')
		return tp_import_say(run->result, TP_IMPORT_NOTE, run->err,
			"relayhost",
			"is empty: Postfix delivers to the recipients' servers "
			"itself, which tillpost does not");
	relay = connect_hop(run, NULL, next_hop);
	if (relay < 0)
		return relay;
	rc = tp_import_store_add(run->result, NULL, (size_t)relay, run->err);
	if (rc < 0 || !more)
		return rc;
	return tp_import_say(run->result, TP_IMPORT_NOTE, run->err, "relayhost",
		"names several servers; only the first was taken");
}

/* SENDER is an address or "@domain". */
static int32_t take_sender_store(
	struct run *run, const char *sender, const char *destination)
{
	char list[EXPAND_BYTES];
	char next_hop[NEXT_HOP_BYTES];
	int32_t relay;
	int32_t store;

	if (!destination || tp_import_same(destination, "DUNNO"))
		destination = parameter(run, "relayhost", list, sizeof(list));
	(void)first_of(destination, next_hop);
	if (!tp_import_is_address(sender, 1))
		return tp_import_say(run->result, TP_IMPORT_TODO, run->err,
			"senders",
			"a key is no mail address and no @domain; left out");
	if (next_hop[0] == '\0')
		return TILLPOST_OK;
	relay = connect_hop(run, sender, next_hop);
	if (relay < 0)
		return relay;
	store = tp_import_store_add(run->result,
		sender[0] == '@' ? sender + 1 : sender, (size_t)relay,
		run->err);
	if (store < 0)
		return store;
	return tp_import_store_match(run->result, (size_t)store,
		TP_IMPORT_MATCH_FROM, sender, run->err);
}

static int32_t take_senders(struct run *run)
{
	int by_sender = is_yes(run, "smtp_sender_dependent_authentication");
	int32_t rc = TILLPOST_OK;
	size_t senders = 0;
	size_t i;

	for (i = 0; i < run->entries.count && rc >= 0; i++) {
		const struct tp_import_entry *entry = &run->entries.items[i];

		if (strcmp(entry->scope, MAIN) != 0 && ++senders > SENDERS_MAX)
			return tp_report_set(run->err, TILLPOST_ETOOBIG,
				"senders", "more than %d lines in the maps",
				SENDERS_MAX);

		if (strcmp(entry->scope, SENDERS) == 0)
			rc = take_sender_store(run, entry->key, entry->value);
		else if (by_sender && strcmp(entry->scope, SASL) == 0 &&
			 strchr(entry->key, '@') &&
			 !tp_import_entries_find(
				 &run->entries, SENDERS, entry->key))
			rc = take_sender_store(run, entry->key, NULL);
	}
	return rc;
}

static int32_t say_maps(struct run *run)
{
	static const char *const others[] = { "smtp_tls_policy_maps",
		"transport_maps", "sender_dependent_default_transport_maps" };
	char room[EXPAND_BYTES];
	int32_t rc = TILLPOST_OK;
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]) && rc >= 0; i++)
		if (parameter(run, others[i], room, sizeof(room))[0] != '\0')
			rc = tp_import_say(run->result, TP_IMPORT_TODO,
				run->err, others[i],
				"is not looked at; check whether it matters");
	if (rc >= 0 && is_yes(run, "smtp_sasl_auth_enable") &&
		!run->request->sasl.text)
		rc = tp_import_say(run->result, TP_IMPORT_TODO, run->err,
			"smtp_sasl_password_maps",
			"the passwords are not beside the file; give the text "
			"file with --sasl");
	if (rc >= 0 &&
		parameter(run, "sender_dependent_relayhost_maps", room,
			sizeof(room))[0] != '\0' &&
		!run->request->senders.text)
		rc = tp_import_say(run->result, TP_IMPORT_TODO, run->err,
			"sender_dependent_relayhost_maps",
			"the map is not beside the file; give the text file "
			"with --senders");
	return rc;
}

int32_t tp_import_postfix(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	struct run run = { .request = request, .result = result, .err = err };
	int32_t rc = read_logical(&run, &request->main, take_parameter);

	if (rc >= 0 && request->sasl.text)
		rc = read_logical(&run, &request->sasl, take_sasl);
	if (rc >= 0 && request->senders.text)
		rc = read_logical(&run, &request->senders, take_sender);
	if (rc >= 0)
		rc = say_maps(&run);
	if (rc >= 0)
		rc = take_default(&run);
	if (rc >= 0)
		rc = take_senders(&run);
	tp_import_entries_free(&run.entries);
	return rc;
}

/* ---- names of the maps -------------------------------------------------- */

/* "hash:/etc/postfix/sasl_passwd": "sasl_passwd". Of several the first. */
static void name_of_map(const struct run *run, const char *name, char out[256])
{
	static const char *const kinds[] = {
		"hash:", "lmdb:", "btree:", "cdb:", "dbm:", "sdbm:", "texthash:"
	};
	char list[EXPAND_BYTES];
	char map[NEXT_HOP_BYTES];
	const char *path;
	const char *slash;
	size_t i;

	out[0] = '\0';
	(void)parameter(run, name, list, sizeof(list));
	(void)first_of(list, map);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(map, kinds[i], strlen(kinds[i])) != 0)
			continue;
		path = map + strlen(kinds[i]);
		slash = strrchr(path, '/');
		path = slash ? slash + 1 : path;
		if (path[0] != '.' && strlen(path) < 256)
			(void)snprintf(out, 256, "%.255s", path);
		return;
	}
}

int32_t tp_import_postfix_maps(const struct tp_import_input *input,
	char sasl_out[256], char senders_out[256], struct tillpost_error *err)
{
	struct run run = { .err = err };
	int32_t rc = read_logical(&run, input, take_parameter);

	sasl_out[0] = '\0';
	senders_out[0] = '\0';
	if (rc >= 0) {
		name_of_map(&run, "smtp_sasl_password_maps", sasl_out);
		name_of_map(
			&run, "sender_dependent_relayhost_maps", senders_out);
	}
	tp_import_entries_free(&run.entries);
	return rc;
}
