/*
 * import_fluent_smtp.c - the option fluentmail-settings of FluentSMTP
 *
 * JOB     Several connections, each for its sender address and for those that
 *         the mappings give it; one of them is the default.
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_products.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_connection.h"
#include "cli/import/import_fluent_cipher.h"
#include "cli/import/import_wordpress.h"
#include "common/report.h"

#include <stdio.h>
#include <string.h>

#define OPTION "fluentmail-settings"
#define CONNECTIONS "connections" TP_IMPORT_SEP
#define MAPPINGS "mappings" TP_IMPORT_SEP
#define SETTINGS TP_IMPORT_SEP "provider_settings" TP_IMPORT_SEP
#define ID_BYTES 80

/* A field of connection ID. */
static const char *field(const struct tp_import_entries *entries,
	const char *id, const char *name)
{
	char key[TP_IMPORT_KEY_BYTES];

	(void)snprintf(
		key, sizeof(key), CONNECTIONS "%s" SETTINGS "%s", id, name);
	return tp_import_entries_get(entries, OPTION, key);
}

/* One import: the settings, and what opens their passwords. */
struct fluent {
	struct tp_import_entries entries;
	struct tp_import_constants constants;
	int has_constants;
};

static int is_encrypted(const struct fluent *fluent, const char *id)
{
	const char *encrypted =
		tp_import_entries_get(&fluent->entries, OPTION, "use_encrypt");
	const char *password = field(&fluent->entries, id, "password");

	return password && password[0] && encrypted && encrypted[0] &&
	       !tp_import_same(encrypted, "no") &&
	       !tp_import_same(
		       field(&fluent->entries, id, "disable_encryption"),
		       "yes");
}

/* What stands in wp-config.php in place of the settings. */
static void take_constants(
	const struct fluent *fluent, struct tp_import_connection *connection)
{
	const char *user = fluent->constants.values[TP_IMPORT_FLUENT_USERNAME];
	const char *word = fluent->constants.values[TP_IMPORT_FLUENT_PASSWORD];

	if (user[0])
		connection->username = user;
	connection->secret = word;
	if (word[0])
		return;
	/* The user name is such a constant too; something has to stand for it
	 * until a person says it. */
	if (!connection->username || connection->username[0] == '\0')
		connection->username = "FLUENTMAIL_SMTP_USERNAME";
	connection->encrypted =
		"it is the constant FLUENTMAIL_SMTP_PASSWORD in "
		"wp-config.php (see --wp-config); set username too, to what "
		"FLUENTMAIL_SMTP_USERNAME is there";
}

/* @param opened_out the caller's, tp_import_wipe() */
static int32_t take_secret(const struct fluent *fluent, const char *id,
	struct tp_import_connection *connection, char **opened)
{
	int32_t rc = TILLPOST_EAUTH;

	*opened = NULL;
	if (tp_import_same(
		    field(&fluent->entries, id, "key_store"), "wp_config")) {
		take_constants(fluent, connection);
		return TILLPOST_OK;
	}
	if (!is_encrypted(fluent, id))
		return TILLPOST_OK;
	if (fluent->has_constants)
		rc = tp_import_fluent_open(
			connection->secret, &fluent->constants, opened);
	if (rc == TILLPOST_ENOMEM)
		return rc;
	connection->secret = *opened;
	if (rc < 0)
		connection->encrypted =
			fluent->has_constants
				? "it is encrypted, and not with the constants of this "
				  "wp-config.php"
				: "it is encrypted with the constants LOGGED_IN_KEY "
				  "and LOGGED_IN_SALT of wp-config.php (or "
				  "FLUENTMAIL_ENCRYPT_KEY and FLUENTMAIL_ENCRYPT_SALT);"
				  " --wp-config FILE takes it over";
	return TILLPOST_OK;
}

/* "shop@example.com": "shop-example" */
static void name_after(const char *address, char name[TP_IMPORT_NAME_BYTES])
{
	const char *at = address ? strchr(address, '@') : NULL;

	(void)snprintf(name, TP_IMPORT_NAME_BYTES, "%.50s",
		at ? at + 1 : "connection");
}

static int32_t connect_one(struct tp_import_result *result,
	const struct fluent *fluent, const char *id, const char *name,
	struct tillpost_error *err)
{
	const struct tp_import_entries *entries = &fluent->entries;
	char where[ID_BYTES + 16];
	char *opened = NULL;
	int32_t rc;
	struct tp_import_connection connection = {
		.name = name,
		.where = where,
		.host = field(entries, id, "host"),
		.port = field(entries, id, "port"),
		.encryption = field(entries, id, "encryption"),
		.optional_tls =
			!tp_import_same(field(entries, id, "auto_tls"), "no"),
		.auth = tp_import_yes(field(entries, id, "auth")) ? "yes"
								  : "no",
		.username = field(entries, id, "username"),
		.secret = field(entries, id, "password"),
	};

	(void)snprintf(where, sizeof(where), "connection %s", id);
	rc = take_secret(fluent, id, &connection, &opened);
	if (rc < 0)
		rc = tp_import_no_memory(err);
	else
		rc = tp_import_connect(result, &connection, err);
	tp_import_wipe(opened);
	return rc;
}

/* The senders that the mappings give to ID. */
static int32_t add_matches(struct tp_import_result *result, size_t store,
	const struct tp_import_entries *entries, const char *id,
	struct tillpost_error *err)
{
	int32_t rc = tp_import_store_match(result, store, TP_IMPORT_MATCH_FROM,
		field(entries, id, "sender_email"), err);
	size_t i;

	for (i = 0; i < entries->count && rc >= 0; i++) {
		const struct tp_import_entry *entry = &entries->items[i];

		if (strncmp(entry->key, MAPPINGS, strlen(MAPPINGS)) == 0 &&
			strcmp(entry->value, id) == 0)
			rc = tp_import_store_match(result, store,
				TP_IMPORT_MATCH_FROM,
				entry->key + strlen(MAPPINGS), err);
	}
	return rc;
}

/* @param is_default its store is the default one, without matches */
static int32_t take_connection(struct tp_import_result *result,
	const struct fluent *fluent, const char *id, int is_default,
	struct tillpost_error *err)
{
	const struct tp_import_entries *entries = &fluent->entries;
	const char *provider = field(entries, id, "provider");
	const char *sender = field(entries, id, "sender_email");
	char name[TP_IMPORT_NAME_BYTES];
	char where[ID_BYTES + 16];
	int32_t relay;
	int32_t store;
	int32_t rc;

	(void)snprintf(where, sizeof(where), "connection %s", id);
	if (!tp_import_same(provider, "smtp"))
		return tp_import_not_smtp(
			result, where, provider ? provider : "", err);
	name_after(sender, name);
	relay = connect_one(result, fluent, id, name, err);
	if (relay < 0)
		return relay;
	store = tp_import_store_add(
		result, is_default ? NULL : name, (size_t)relay, err);
	if (store < 0)
		return store;
	rc = tp_import_store_from(result, (size_t)store,
		field(entries, id, "sender_name"), sender, err);
	result->stores[store].replace_from =
		is_default &&
		!tp_import_same(field(entries, id, "force_from_email"), "no");
	if (rc >= 0 && sender && tp_import_is_address(sender, 0) &&
		tp_import_yes(field(entries, id, "return_path")))
		rc = tp_import_set(
			&result->stores[store].envelope_from, sender, err);
	if (rc >= 0 && !is_default)
		rc = add_matches(result, (size_t)store, entries, id, err);
	return rc;
}

/* Copies the id out of a key that says which provider a connection has. */
static int is_provider_key(const char *key, char id[ID_BYTES])
{
	static const char tail[] = SETTINGS "provider";
	size_t head_len = strlen(CONNECTIONS);
	size_t tail_len = strlen(tail);
	size_t len = strlen(key);

	if (len <= head_len + tail_len ||
		len - head_len - tail_len >= ID_BYTES ||
		strncmp(key, CONNECTIONS, head_len) != 0 ||
		strcmp(key + len - tail_len, tail) != 0)
		return 0;
	(void)snprintf(id, ID_BYTES, "%.*s", (int)(len - head_len - tail_len),
		key + head_len);
	return strchr(id, TP_IMPORT_SEP[0]) == NULL;
}

/* PHP text in a sender's name is HTML. */
static void decode_names(struct tp_import_entries *entries)
{
	static const char tail[] = TP_IMPORT_SEP "sender_name";
	size_t i;

	for (i = 0; i < entries->count; i++) {
		size_t len = strlen(entries->items[i].key);

		if (len > strlen(tail) &&
			strcmp(entries->items[i].key + len - strlen(tail),
				tail) == 0)
			tp_import_entities(entries->items[i].value);
	}
}

static int32_t take_all(struct tp_import_result *result,
	const struct fluent *fluent, struct tillpost_error *err)
{
	const struct tp_import_entries *entries = &fluent->entries;
	const char *first = tp_import_entries_get(
		entries, OPTION, "misc" TP_IMPORT_SEP "default_connection");
	char id[ID_BYTES];
	char default_id[ID_BYTES] = "";
	int32_t rc = TILLPOST_OK;
	size_t i;

	/* Without a default the first one is it. */
	for (i = 0; i < entries->count; i++)
		if (is_provider_key(entries->items[i].key, id) &&
			(default_id[0] == '\0' ||
				(first && strcmp(id, first) == 0)))
			(void)snprintf(
				default_id, sizeof(default_id), "%s", id);
	if (default_id[0] != '\0')
		rc = take_connection(result, fluent, default_id, 1, err);
	for (i = 0; i < entries->count && rc >= 0; i++)
		if (is_provider_key(entries->items[i].key, id) &&
			strcmp(id, default_id) != 0)
			rc = take_connection(result, fluent, id, 0, err);
	return rc;
}

static int32_t read_both(const struct tp_import_request *request,
	struct fluent *fluent, struct tillpost_error *err)
{
	static const char *const names[] = { OPTION, NULL };
	const struct tp_import_entries *entries = &fluent->entries;
	char id[ID_BYTES];
	int32_t rc = tp_import_wordpress(
		&request->main, names, &fluent->entries, err);
	size_t i = 0;

	while (rc >= 0 && i < entries->count &&
		!is_provider_key(entries->items[i].key, id))
		i++;
	if (rc >= 0 && i == entries->count)
		rc = tp_report_set(err, TILLPOST_ENOTFOUND, request->main.name,
			"is not the option " OPTION
			", or has no connection in it");
	fluent->has_constants = request->wp_config.text != NULL;
	if (rc >= 0 && fluent->has_constants)
		rc = tp_import_wp_config(
			&request->wp_config, &fluent->constants, err);
	return rc;
}

int32_t tp_import_fluent_smtp(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	struct fluent fluent = { .has_constants = 0 };
	int32_t rc = read_both(request, &fluent, err);

	decode_names(&fluent.entries);
	if (rc >= 0)
		rc = take_all(result, &fluent, err);
	tp_import_entries_free(&fluent.entries);
	explicit_bzero(&fluent.constants, sizeof(fluent.constants));
	return rc;
}
