/*
 * import_post_smtp.c - Post SMTP: postman_options, postman_connections
 *
 * JOB     Until 3.0 everything is in postman_options, the password in base 64
 *         (in some versions twice or more). Since then connections are a list
 *         of their own, with passwords in clear; postman_options names the
 *         first and the fallback, if it is exported too.
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_products.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_connection.h"
#include "cli/import/import_wordpress.h"
#include "common/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS "postman_options"
#define CONNECTIONS "postman_connections"
#define ID_BYTES 32
#define LAYERS_MAX 8

/* Where the fields of one connection are. */
struct place {
	const struct tp_import_entries *entries;
	const char *scope;
	const char *id; /* NULL: postman_options itself */
};

static const char *field(const struct place *place, const char *name)
{
	char key[TP_IMPORT_KEY_BYTES];

	if (place->id)
		(void)snprintf(key, sizeof(key), "%s" TP_IMPORT_SEP "%s",
			place->id, name);
	else
		(void)snprintf(key, sizeof(key), "%s", name);
	return tp_import_entries_get(place->entries, place->scope, key);
}

/* Takes off layers of base 64 while what is below is a text: a password that
 * happens to look like base 64 decodes to bytes that are none.
 * @owns the caller, tp_import_wipe(); NULL if out of memory */
static char *decode(const char *stored)
{
	char *text = tp_import_copy(stored, strlen(stored));
	char *below = text ? malloc(strlen(stored) + 1) : NULL;
	int layer;

	if (!below) {
		tp_import_wipe(text);
		return NULL;
	}
	for (layer = 0; layer < LAYERS_MAX; layer++) {
		size_t len = tp_import_base64(text, strlen(text), below);

		if (len == 0 || !tp_import_printable(below, len))
			break;
		memcpy(text, below, len);
		explicit_bzero(text + len, strlen(stored) + 1 - len);
	}
	explicit_bzero(below, strlen(stored) + 1);
	free(below);
	return text;
}

static int32_t connect_one(struct tp_import_result *result,
	const struct place *place, const char *name, struct tillpost_error *err)
{
	char where[ID_BYTES + 16];
	const char *stored = field(place, "basic_auth_password");
	char *password = NULL;
	const char *auth = field(place, "auth_type");
	struct tp_import_connection connection = {
		.name = name,
		.where = where,
		.host = field(place, "hostname"),
		.port = field(place, "port"),
		.encryption = field(place, "enc_type"),
		/* A connection of the newer list may have no method. */
		.auth = auth ? auth : "auto",
		.username = field(place, "basic_auth_username"),
		.secret = stored,
	};
	int32_t rc;

	(void)snprintf(where, sizeof(where), "%s %s",
		place->id ? "connection" : OPTIONS, place->id ? place->id : "");
	if (stored && !place->id) {
		password = decode(stored);
		if (!password)
			return tp_import_no_memory(err);
		connection.secret = password;
	}
	if (tp_import_same(auth, "oauth2")) {
		connection.is_token = 1;
		connection.encrypted = "Post SMTP gets a new token each time; "
				       "tillpost needs one of its own";
		if (!connection.username || connection.username[0] == '\0')
			connection.username = field(place, "sender_email");
	}
	rc = tp_import_connect(result, &connection, err);
	tp_import_wipe(password);
	return rc;
}

static int32_t take(struct tp_import_result *result, const struct place *place,
	const struct place *options, struct tillpost_error *err)
{
	const char *address = field(place, "sender_email");
	const char *envelope = field(place, "envelope_sender");
	int32_t relay = connect_one(result, place, NULL, err);
	int32_t store;
	int32_t rc;

	if (relay < 0)
		return relay;
	store = tp_import_store_add(result, NULL, (size_t)relay, err);
	if (store < 0)
		return store;
	rc = tp_import_store_from(result, (size_t)store,
		field(place, "sender_name"), address, err);
	result->stores[store].replace_from =
		tp_import_yes(field(options, "prevent_sender_email_override"));
	if (rc >= 0 && envelope && tp_import_is_address(envelope, 0))
		rc = tp_import_set(
			&result->stores[store].envelope_from, envelope, err);
	return rc;
}

/* Which connection is used first; "" for the only one of postman_options. */
static void primary_of(const struct place *options,
	const struct tp_import_entries *entries, char id[ID_BYTES])
{
	const char *named = field(options, "selected_primary");
	size_t i;

	if (!named)
		named = field(options, "primary_connection");
	id[0] = '\0';
	for (i = 0; i < entries->count; i++) {
		const struct tp_import_entry *entry = &entries->items[i];
		size_t len = strcspn(entry->key, TP_IMPORT_SEP);

		if (strcmp(entry->scope, CONNECTIONS) != 0 || len >= ID_BYTES ||
			strcmp(entry->key + len, TP_IMPORT_SEP "provider") != 0)
			continue;
		if (id[0] == '\0' ||
			(named && strlen(named) == len &&
				strncmp(named, entry->key, len) == 0))
			(void)snprintf(
				id, ID_BYTES, "%.*s", (int)len, entry->key);
	}
}

/* The others are said, not used: Post SMTP turns to them on failure only. */
static int32_t say_others(struct tp_import_result *result,
	const struct place *primary, struct tillpost_error *err)
{
	const struct tp_import_entries *entries = primary->entries;
	int32_t rc = TILLPOST_OK;
	size_t i;

	for (i = 0; i < entries->count && rc >= 0; i++) {
		const struct tp_import_entry *entry = &entries->items[i];
		size_t len = strcspn(entry->key, TP_IMPORT_SEP);
		char id[ID_BYTES];
		char where[ID_BYTES + 16];
		struct place place = { entries, CONNECTIONS, id };
		int32_t relay;

		if (strcmp(entry->scope, CONNECTIONS) != 0 || len >= ID_BYTES ||
			strcmp(entry->key + len, TP_IMPORT_SEP "provider") != 0)
			continue;
		(void)snprintf(id, sizeof(id), "%.*s", (int)len, entry->key);
		if (strcmp(id, primary->id) == 0)
			continue;
		(void)snprintf(where, sizeof(where), "connection %s", id);
		if (!tp_import_same(entry->value, "smtp")) {
			rc = tp_import_not_smtp(
				result, where, entry->value, err);
			continue;
		}
		relay = connect_one(result, &place, "fallback", err);
		rc = relay < 0
			     ? relay
			     : tp_import_say(result, TP_IMPORT_NOTE, err, where,
				       "is relay %s, which no store uses: "
				       "this version has no fallback",
				       result->relays[relay].name);
	}
	return rc;
}

static int32_t take_all(const struct tp_import_request *request,
	const struct tp_import_entries *entries,
	struct tp_import_result *result, struct tillpost_error *err)
{
	char id[ID_BYTES];
	const struct place options = { entries, OPTIONS, NULL };
	struct place place = options;
	const char *transport;
	int32_t rc;

	primary_of(&options, entries, id);
	if (id[0] != '\0')
		place = (struct place) { entries, CONNECTIONS, id };
	transport =
		field(&place, id[0] != '\0' ? "provider" : "transport_type");
	if (id[0] == '\0' && !transport && !field(&place, "hostname"))
		return tp_report_set(err, TILLPOST_ENOTFOUND,
			request->main.name,
			"is neither the option " OPTIONS " nor " CONNECTIONS);
	if (transport && !tp_import_same(transport, "smtp") &&
		!tp_import_same(transport, "default"))
		rc = tp_import_not_smtp(result,
			id[0] != '\0' ? CONNECTIONS : OPTIONS, transport, err);
	else if (!field(&place, "hostname"))
		return tp_report_set(err, TILLPOST_ENOTFOUND,
			request->main.name,
			"has no server in it: Post SMTP 3 keeps it in the "
			"option " CONNECTIONS);
	else
		rc = take(result, &place, &options, err);
	return rc >= 0 && id[0] != '\0' ? say_others(result, &place, err) : rc;
}

/* A list was given without its name: its fields are one deeper. */
static int32_t name_connections(
	struct tp_import_entries *entries, struct tillpost_error *err)
{
	size_t i;

	for (i = 0; i < entries->count; i++) {
		struct tp_import_entry *entry = &entries->items[i];
		char *scope;

		if (strcmp(entry->scope, OPTIONS) != 0 || entry->key[0] < '0' ||
			entry->key[0] > '9' ||
			!strchr(entry->key, TP_IMPORT_SEP[0]))
			continue;
		scope = tp_import_copy(CONNECTIONS, strlen(CONNECTIONS));
		if (!scope)
			return tp_import_no_memory(err);
		free(entry->scope);
		entry->scope = scope;
	}
	return TILLPOST_OK;
}

int32_t tp_import_post_smtp(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	static const char *const names[] = { OPTIONS, CONNECTIONS, NULL };
	struct tp_import_entries entries = { .items = NULL };
	int32_t rc = tp_import_wordpress(&request->main, names, &entries, err);

	if (rc >= 0)
		rc = name_connections(&entries, err);
	if (rc >= 0)
		rc = take_all(request, &entries, result, err);
	tp_import_entries_free(&entries);
	return rc;
}
