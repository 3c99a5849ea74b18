/*
 * settings.c - the one typed table of all settings
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/settings.h"

#include "base/text.h"
#include "core/config.h"
#include "core/suggest.h"

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)

#define IN_CONFIG(field) offsetof(struct tp_config, field)
#define IN_RELAY(field) offsetof(struct tp_relay, field)
#define IN_STORE(field) offsetof(struct tp_store, field)

/* Each index is the value of the enumeration in config.h. */
static const char *const tls_choices[] = { [TP_TLS_IMPLICIT] = "implicit",
	[TP_TLS_STARTTLS] = "starttls",
	[TP_TLS_NONE] = "none",
	NULL };
static const char *const auth_choices[] = { [TP_AUTH_AUTO] = "auto",
	[TP_AUTH_NONE] = "none",
	[TP_AUTH_PLAIN] = "plain",
	[TP_AUTH_LOGIN] = "login",
	[TP_AUTH_CRAM_MD5] = "cram-md5",
	[TP_AUTH_SCRAM_SHA_256] = "scram-sha-256",
	[TP_AUTH_XOAUTH2] = "xoauth2",
	[TP_AUTH_OAUTHBEARER] = "oauthbearer",
	NULL };
static const char *const from_policy_choices[] = {
	[TP_FROM_KEEP] = "keep", [TP_FROM_REPLACE] = "replace", NULL
};

#define FIRST .since = "0.1.0"
#define DURATION(low, high) \
	.type = TP_SETTING_DURATION, .unit = "s", .min = (low), .max = (high)
#define SIZE(low, high) \
	.type = TP_SETTING_SIZE, .unit = "bytes", .min = (low), .max = (high)
#define INT(low, high) \
	.type = TP_SETTING_INT, .unit = "", .min = (low), .max = (high)
#define PLAIN(kind) .type = TP_SETTING_##kind, .unit = ""
#define ENUM(names) .type = TP_SETTING_ENUM, .unit = "", .choices = (names)

static const struct tp_setting table[] = {
	/* ---- queue ---- */
	{ .scope = TP_SETTINGS_QUEUE,
		.key = "path",
		PLAIN(PATH),
		FIRST,
		.offset = IN_CONFIG(queue_path),
		.required = 1,
		.default_value = "/var/lib/tillpost/queue.db",
		.help = "The queue: one SQLite file. Its directory must be "
			"writable, on a local file system." },
	{ .scope = TP_SETTINGS_QUEUE,
		.key = "lifetime",
		FIRST,
		DURATION(SECOND, 60 * DAY),
		.default_value = "5d",
		.offset = IN_CONFIG(queue_lifetime_ms),
		.help = "How long a message is tried before it fails, for "
			"stores that do not say." },
	{ .scope = TP_SETTINGS_QUEUE,
		.key = "retry_base",
		FIRST,
		DURATION(10, DAY),
		.default_value = "1m",
		.offset = IN_CONFIG(retry_base_ms),
		.help = "Wait after the first failed attempt. It doubles with "
			"each further one." },
	{ .scope = TP_SETTINGS_QUEUE,
		.key = "retry_cap",
		FIRST,
		DURATION(10, 7 * DAY),
		.default_value = "2h",
		.offset = IN_CONFIG(retry_cap_ms),
		.help = "The longest wait between two attempts." },
	{ .scope = TP_SETTINGS_QUEUE,
		.key = "unknown_retry",
		FIRST,
		DURATION(10, 7 * DAY),
		.default_value = "15m",
		.offset = IN_CONFIG(unknown_retry_ms),
		.help = "Wait after the connection was lost between the end of "
			"a message and the server's answer. The repetition may "
			"be a duplicate." },
	{ .scope = TP_SETTINGS_QUEUE,
		.key = "unknown_retry_max",
		FIRST,
		INT(0, 100),
		.default_value = "2",
		.offset = IN_CONFIG(unknown_retry_max_count),
		.help = "How often a message is repeated after such a loss. "
			"Then it fails." },
	{ .scope = TP_SETTINGS_QUEUE,
		.key = "auth_probe",
		FIRST,
		DURATION(10, DAY),
		.default_value = "15m",
		.offset = IN_CONFIG(auth_probe_ms),
		.help = "Wait between two logins while a relay refuses the "
			"credentials. Too short a time can lock the account." },
	{ .scope = TP_SETTINGS_QUEUE,
		.key = "lease",
		FIRST,
		DURATION(SECOND, DAY),
		.default_value = "30m",
		.offset = IN_CONFIG(lease_ms),
		.help = "After this time a message is taken back from a worker "
			"that died with it." },
	{ .scope = TP_SETTINGS_QUEUE,
		.key = "free_reserve",
		FIRST,
		SIZE(0, 1024 * GIB),
		.default_value = "64M",
		.offset = IN_CONFIG(free_reserve_bytes),
		.help = "New messages are refused when the file system has "
			"less free space than this." },
	/* ---- spool ---- */
	{ .scope = TP_SETTINGS_SPOOL,
		.key = "path",
		PLAIN(PATH),
		FIRST,
		.offset = IN_CONFIG(spool_path),
		.required = 1,
		.default_value = "/var/spool/tillpost",
		.help = "The directory where submitting programs leave "
			"messages, one file each, for the daemon, to whom it "
			"belongs. On a local file system." },
	/* ---- log ---- */
	{ .scope = TP_SETTINGS_LOG,
		.key = "path",
		PLAIN(PATH),
		FIRST,
		.offset = IN_CONFIG(log_path),
		.default_value = "/var/log/tillpost/outcome.jsonl",
		.help = "The outcome log, one JSON object per line. Empty: the "
			"outcomes are kept in the queue database only." },
	{ .scope = TP_SETTINGS_LOG,
		.key = "retention",
		FIRST,
		DURATION(SECOND, 3650 * DAY),
		.default_value = "90d",
		.offset = IN_CONFIG(log_retention_ms),
		.help = "How long outcomes are kept in the database." },
	{ .scope = TP_SETTINGS_LOG,
		.key = "retention_size",
		FIRST,
		SIZE(64 * KIB, 1024 * GIB),
		.default_value = "256M",
		.offset = IN_CONFIG(log_retention_bytes),
		.help = "How much room outcomes may take in the database; the "
			"oldest go first." },
	/* ---- submit ---- */
	{ .scope = TP_SETTINGS_SUBMIT,
		.key = "header",
		PLAIN(STRING),
		FIRST,
		.offset = IN_CONFIG(store_header),
		.default_value = "X-Tillpost-Store",
		.help = "The message header that names the store. It is "
			"removed before sending. Empty: none." },
	/* ---- relays.* ---- */
	{ .scope = TP_SETTINGS_RELAY,
		.key = "preset",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(preset),
		.example = "amazon-ses",
		.help = "A known provider, which gives host, port, TLS mode "
			"and more. Keys set here win over it." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "region",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(region),
		.example = "eu-west-1",
		.help = "The provider's region, for a preset that has "
			"several." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "host",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(host),
		.example = "smtp.example.net",
		.required = 1,
		.identity = 1,
		.help = "The server: a DNS name, or an IP address (IPv6 "
			"without brackets). Its certificate must be for this "
			"name." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "port",
		INT(1, 65535),
		FIRST,
		.offset = IN_RELAY(port),
		.example = "465",
		.identity = 1,
		.help = "The TCP port. Not set: 465 for implicit, 587 for "
			"starttls, 25 for none." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "tls",
		ENUM(tls_choices),
		FIRST,
		.offset = IN_RELAY(tls),
		.default_value = "implicit",
		.identity = 1,
		.help = "implicit: TLS from the first byte. starttls: TLS "
			"before anything else, never without. none: clear "
			"text. Not set, with port 25, 587, 2525 or 2587: "
			"starttls." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "auth",
		ENUM(auth_choices),
		FIRST,
		.offset = IN_RELAY(auth),
		.default_value = "auto",
		.identity = 1,
		.help = "How to log in. auto: the strongest that the server "
			"offers, or no login when there is no user name." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "username",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(username),
		.example = "shop@example.net",
		.identity = 1,
		.help = "The user name for the login." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "password",
		PLAIN(SECRET),
		FIRST,
		.offset = IN_RELAY(password),
		.identity = 1,
		.help = "The password, in the file itself, which then must "
			"have mode 0600. Set only one of password, "
			"password_file and password_env." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "password_file",
		PLAIN(PATH),
		FIRST,
		.offset = IN_RELAY(password_file),
		.instead_of = "password",
		.example = "/etc/tillpost/secrets/shop",
		.help = "A file that holds the password and nothing else: "
			"mode 0600, owned by root or by the user of the "
			"daemon. One newline at its end is ignored." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "password_env",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(password_env),
		.instead_of = "password",
		.example = "TILLPOST_PASSWORD",
		.help = "The environment variable that holds the password." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "token",
		PLAIN(SECRET),
		FIRST,
		.offset = IN_RELAY(token),
		.identity = 1,
		.help = "The OAuth 2 access token for xoauth2 and "
			"oauthbearer, in the file itself, which then must "
			"have mode 0600. Set only one of token, token_file and "
			"token_env." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "token_file",
		PLAIN(PATH),
		FIRST,
		.offset = IN_RELAY(token_file),
		.instead_of = "token",
		.example = "/etc/tillpost/secrets/token",
		.help = "A file that holds the token, as password_file." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "token_env",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(token_env),
		.instead_of = "token",
		.example = "TILLPOST_TOKEN",
		.help = "The environment variable that holds the token." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "allow_plaintext_auth",
		PLAIN(BOOL),
		FIRST,
		.offset = IN_RELAY(allow_plaintext_auth),
		.default_value = "false",
		.identity = 1,
		.help = "Log in without TLS. Only for a server on the loopback "
			"address of this machine." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "tls_name",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(tls_name),
		.identity = 1,
		.example = "smtp.example.net",
		.help = "The name that the certificate must have, if it is not "
			"host." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "ca_file",
		PLAIN(PATH),
		FIRST,
		.offset = IN_RELAY(ca_file),
		.identity = 1,
		.example = "/etc/tillpost/ca.pem",
		.help = "PEM file of the authorities to trust. Not set: the "
			"system's." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "ca_path",
		PLAIN(PATH),
		FIRST,
		.offset = IN_RELAY(ca_path),
		.identity = 1,
		.example = "/etc/ssl/certs",
		.help = "Directory of authorities, hashed as OpenSSL does "
			"it." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "client_cert",
		PLAIN(PATH),
		FIRST,
		.offset = IN_RELAY(client_cert),
		.identity = 1,
		.example = "/etc/tillpost/client.pem",
		.help = "PEM file with the certificate chain to present." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "client_key",
		PLAIN(PATH),
		FIRST,
		.offset = IN_RELAY(client_key),
		.identity = 1,
		.example = "/etc/tillpost/client.key",
		.help = "PEM file with its key. Not set: in client_cert." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "fingerprint",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(fingerprint),
		.identity = 1,
		.help = "SHA-256 of the server's certificate, 64 hexadecimal "
			"digits, colons allowed. Only this certificate is then "
			"accepted; it may be self-signed." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "helo_name",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(helo_name),
		.identity = 1,
		.example = "shop.example.com",
		.help = "The name said in EHLO. Not set: the machine's." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "connect_timeout",
		FIRST,
		DURATION(10, HOUR),
		.default_value = "30s",
		.offset = IN_RELAY(connect_timeout_ms),
		.help = "Limit for the DNS answer, and for each address." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "tls_timeout",
		FIRST,
		DURATION(10, HOUR),
		.default_value = "30s",
		.offset = IN_RELAY(tls_timeout_ms),
		.help = "Limit for the TLS handshake." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "reply_timeout",
		FIRST,
		DURATION(10, HOUR),
		.default_value = "5m",
		.offset = IN_RELAY(reply_timeout_ms),
		.help = "Limit for each answer before the message text." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "data_timeout",
		FIRST,
		DURATION(10, HOUR),
		.default_value = "3m",
		.offset = IN_RELAY(data_timeout_ms),
		.help = "Limit without progress while the message text is "
			"sent." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "final_timeout",
		FIRST,
		DURATION(10, 2 * HOUR),
		.default_value = "10m",
		.offset = IN_RELAY(final_timeout_ms),
		.help = "Limit for the answer to the complete message. When it "
			"passes, nobody knows whether it was delivered." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "idle_timeout",
		FIRST,
		DURATION(0, HOUR),
		.default_value = "8s",
		.offset = IN_RELAY(idle_timeout_ms),
		.help = "How long an unused connection is kept." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "max_connections",
		INT(1, 100),
		FIRST,
		.offset = IN_RELAY(max_connections),
		.default_value = "5",
		.help = "Connections to this relay at the same time." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "messages_per_connection",
		INT(1, 100000),
		FIRST,
		.offset = IN_RELAY(messages_per_connection),
		.default_value = "100",
		.help = "After so many messages a new connection is made." },
	{ .scope = TP_SETTINGS_RELAY,
		.key = "dialect",
		PLAIN(STRING),
		FIRST,
		.offset = IN_RELAY(dialect),
		.example = "amazon-ses",
		.help = "Which provider's peculiarities to assume in answers. "
			"A preset sets it." },
	/* ---- stores.* ---- */
	{ .scope = TP_SETTINGS_STORE,
		.key = "inherits",
		PLAIN(STRING),
		FIRST,
		.offset = IN_STORE(inherits),
		.example = "default",
		.help = "The store whose settings apply where this one has "
			"none. Not set: default." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "relays",
		PLAIN(LIST),
		FIRST,
		.offset = IN_STORE(relays),
		.required = 1,
		.example = "shop",
		.help = "The relays of this store, by name. This version uses "
			"the first." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "from",
		PLAIN(STRING),
		FIRST,
		.offset = IN_STORE(from),
		.example = "shop@example.com",
		.help = "The store's address, or \"Name <address>\": added to "
			"a message without From, and see from_policy." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "from_policy",
		FIRST,
		ENUM(from_policy_choices),
		.default_value = "keep",
		.offset = IN_STORE(from_policy),
		.help = "keep: From stays as submitted. replace: From becomes "
			"the store's, and the submitted one becomes "
			"Reply-To." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "envelope_from",
		PLAIN(STRING),
		FIRST,
		.offset = IN_STORE(envelope_from),
		.example = "bounces@example.com",
		.help = "The address that gets bounces, whatever was "
			"submitted. Not set: as submitted." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "bcc_archive",
		PLAIN(STRING),
		FIRST,
		.offset = IN_STORE(bcc_archive),
		.example = "archive@example.com",
		.help = "An address that gets a copy of every message." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "bounce",
		PLAIN(BOOL),
		FIRST,
		.offset = IN_STORE(bounce),
		.default_value = "true",
		.help = "Tell the sender by mail when a message finally "
			"fails." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "lifetime",
		FIRST,
		DURATION(SECOND, 60 * DAY),
		.offset = IN_STORE(lifetime_ms),
		.example = "1d",
		.help = "How long a message is tried. Not set: "
			"queue.lifetime." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "message_max",
		FIRST,
		SIZE(KIB, 256 * MIB),
		.default_value = "25M",
		.offset = IN_STORE(message_max_bytes),
		.help = "The largest message accepted." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "recipients_max",
		INT(1, 10000),
		FIRST,
		.offset = IN_STORE(recipients_max),
		.default_value = "100",
		.help = "Most recipients of one message." },
	{ .scope = TP_SETTINGS_STORE,
		.key = "users",
		PLAIN(LIST),
		FIRST,
		.offset = IN_STORE(users),
		.example = "www-data, 1001",
		.help = "The users of this machine, by name or number, whose "
			"programs may submit through the spool as this store, "
			"and may ask what became of its mail. Not set: all "
			"may submit, none may ask. Root always may." },
	/* ---- stores.*.match ---- */
	{ .scope = TP_SETTINGS_MATCH,
		.key = "from",
		PLAIN(LIST),
		FIRST,
		.offset = IN_STORE(match_from),
		.example = "sales@eu.example.com, @eu.example.com",
		.help = "Messages with this From are of this store: addresses, "
			"or @domain." },
	{ .scope = TP_SETTINGS_MATCH,
		.key = "host",
		PLAIN(LIST),
		FIRST,
		.offset = IN_STORE(match_host),
		.example = "eu.example.com",
		.help = "Messages submitted while this HTTP host was served "
			"are of this store." },
	{ .scope = TP_SETTINGS_MATCH,
		.key = "run_code",
		PLAIN(LIST),
		FIRST,
		.offset = IN_STORE(match_run_code),
		.example = "eu",
		.help = "Messages submitted with this run code "
			"(MAGE_RUN_CODE) are of this store." },
};

#define TABLE_COUNT (sizeof(table) / sizeof(table[0]))

const struct tp_setting *tp_settings_table(size_t *count_out)
{
	*count_out = TABLE_COUNT;
	return table;
}

const char *tp_setting_scope_name(enum tp_setting_scope scope)
{
	static const char *const names[] = {
		[TP_SETTINGS_QUEUE] = "queue",
		[TP_SETTINGS_SPOOL] = "spool",
		[TP_SETTINGS_LOG] = "log",
		[TP_SETTINGS_SUBMIT] = "submit",
		[TP_SETTINGS_RELAY] = "relays.*",
		[TP_SETTINGS_STORE] = "stores.*",
		[TP_SETTINGS_MATCH] = "stores.*.match",
	};

	return names[scope];
}

const char *tp_setting_type_name(enum tp_setting_type type)
{
	static const char *const names[] = {
		[TP_SETTING_STRING] = "string",
		[TP_SETTING_PATH] = "path",
		[TP_SETTING_INT] = "int",
		[TP_SETTING_BOOL] = "bool",
		[TP_SETTING_DURATION] = "duration",
		[TP_SETTING_SIZE] = "size",
		[TP_SETTING_ENUM] = "enum",
		[TP_SETTING_LIST] = "list",
		[TP_SETTING_SECRET] = "secret",
	};

	return names[type];
}

static void choices_text(const char *const *choices, char *out, size_t size)
{
	size_t used = 0;

	for (; *choices && used < size; choices++) {
		int n = snprintf(out + used, size - used, "%s%s",
			used ? "|" : "", *choices);

		used += n > 0 ? (size_t)n : 0;
	}
}

void tp_setting_range(const struct tp_setting *setting, char *out, size_t size)
{
	char low[32] = "";
	char high[32] = "";

	out[0] = '\0';
	switch (setting->type) {
	case TP_SETTING_ENUM:
		choices_text(setting->choices, out, size);
		return;
	case TP_SETTING_BOOL:
		(void)snprintf(out, size, "true|false");
		return;
	case TP_SETTING_INT:
		(void)snprintf(
			low, sizeof(low), "%lld", (long long)setting->min);
		(void)snprintf(
			high, sizeof(high), "%lld", (long long)setting->max);
		break;
	case TP_SETTING_DURATION:
		tp_format_duration(setting->min, low);
		tp_format_duration(setting->max, high);
		break;
	case TP_SETTING_SIZE:
		tp_format_size(setting->min, low);
		tp_format_size(setting->max, high);
		break;
	default:
		return;
	}
	(void)snprintf(out, size, "%s..%s", low, high);
}

const struct tp_setting *tp_setting_find(
	enum tp_setting_scope scope, const char *key)
{
	size_t i;

	for (i = 0; i < TABLE_COUNT; i++)
		if (table[i].scope == scope && strcmp(table[i].key, key) == 0)
			return &table[i];
	return NULL;
}

size_t tp_setting_index(const struct tp_setting *setting)
{
	return (size_t)(setting - table);
}

static const char *family(const struct tp_setting *setting)
{
	return setting->instead_of ? setting->instead_of : setting->key;
}

int tp_setting_same_family(
	const struct tp_setting *a, const struct tp_setting *b)
{
	return a->scope == b->scope && strcmp(family(a), family(b)) == 0;
}

int tp_setting_name_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_";
	size_t len = strlen(name);

	return len > 0 && len <= TP_SETTING_NAME_MAX_BYTES &&
	       strchr(letters, name[0]) && strspn(name, others) == len;
}

void tp_setting_full_key(const struct tp_setting *setting, const char *name,
	char out[TP_SETTING_KEY_BYTES])
{
	const char *scope = tp_setting_scope_name(setting->scope);
	const char *star = strchr(scope, '*');

	if (!star)
		(void)snprintf(out, TP_SETTING_KEY_BYTES, "%s.%s", scope,
			setting->key);
	else
		(void)snprintf(out, TP_SETTING_KEY_BYTES, "%.*s%s%s.%s",
			(int)(star - scope), scope, name, star + 1,
			setting->key);
}

/* If KEY has the shape of SCOPE ("stores.*.match" and one more word), finds
 * the name in it. @return the last word, or NULL */
static const char *match_scope(enum tp_setting_scope scope, const char *key,
	char name_out[TP_SETTING_NAME_MAX_BYTES + 1])
{
	const char *pattern = tp_setting_scope_name(scope);
	size_t name_len = 0;

	for (; *pattern; pattern++) {
		if (*pattern != '*') {
			if (*key++ != *pattern)
				return NULL;
			continue;
		}
		name_len = strcspn(key, ".");
		if (name_len == 0 || name_len > TP_SETTING_NAME_MAX_BYTES)
			return NULL;
		memcpy(name_out, key, name_len);
		key += name_len;
	}
	name_out[name_len] = '\0';
	if (*key != '.' || strchr(key + 1, '.'))
		return NULL;
	return key + 1;
}

/* The nearest key among those of the scope that FULL_KEY names. */
static void suggest_key(const char *full_key, char near[TP_SUGGEST_TEXT_BYTES])
{
	char name[TP_SETTING_NAME_MAX_BYTES + 1];
	const char *last = strrchr(full_key, '.');
	struct tp_suggest suggest;
	size_t i;

	tp_suggest_init(&suggest, last ? last + 1 : full_key);
	for (i = 0; i < TABLE_COUNT; i++)
		if (match_scope(table[i].scope, full_key, name))
			tp_suggest_try(&suggest, table[i].key);
	tp_suggest_text(&suggest, near);
}

int tp_setting_resolve(const char *full_key,
	const struct tp_setting **setting_out,
	char name_out[TP_SETTING_NAME_MAX_BYTES + 1], struct tp_error *err)
{
	char near[TP_SUGGEST_TEXT_BYTES];
	size_t i;

	for (i = 0; i < TABLE_COUNT; i++) {
		const char *word =
			match_scope(table[i].scope, full_key, name_out);

		if (!word || strcmp(word, table[i].key) != 0)
			continue;
		if (name_out[0] && !tp_setting_name_valid(name_out))
			return tp_fail(err, TP_ENOTFOUND, full_key,
				"\"%s\" cannot be a name: use letters, "
				"digits, - and _",
				name_out);
		*setting_out = &table[i];
		return TP_OK;
	}
	suggest_key(full_key, near);
	return tp_fail(err, TP_ENOTFOUND, full_key,
		"there is no setting of this name%s", near);
}
