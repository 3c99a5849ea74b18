/*
 * import_opencart.c - settings in OpenCart's table oc_setting
 *
 * JOB     Store 0 is the default; further ones set an address and a web
 *         address of their own, and perhaps a server. Values come from forms
 *         and are HTML. A server "tls://host" means STARTTLS, "ssl://host"
 *         TLS from the first byte.
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_products.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_connection.h"
#include "cli/import/import_rows.h"
#include "common/report.h"

#include <stdio.h>
#include <string.h>

#define STORES_MAX (TP_IMPORT_STORES_MAX - 1)
#define ID_BYTES 44
#define SMTP "config_mail_smtp_"

struct stores {
	char ids[STORES_MAX][ID_BYTES];
	size_t count;
};

/* Of STORE, or of store 0. */
static const char *value_of(const struct tp_import_entries *entries,
	const char *store, const char *key)
{
	const char *value = tp_import_entries_get(entries, store, key);

	return value ? value : tp_import_entries_get(entries, "0", key);
}

static int32_t find_stores(const struct tp_import_entries *entries,
	struct stores *stores, const char *name, struct tillpost_error *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < entries->count; i++) {
		const char *id = entries->items[i].scope;

		if (strcmp(id, "0") == 0 || strchr(id, '/'))
			continue;
		for (k = 0; k < stores->count; k++)
			if (strcmp(stores->ids[k], id) == 0)
				break;
		if (k < stores->count)
			continue;
		if (stores->count >= STORES_MAX)
			return tp_report_set(err, TILLPOST_ETOOBIG, name,
				"more than %d stores with mail settings",
				STORES_MAX);
		(void)snprintf(
			stores->ids[stores->count++], ID_BYTES, "%s", id);
	}
	return TILLPOST_OK;
}

static int32_t connect_store(const struct tp_import_entries *entries,
	const char *id, const char *name, struct tp_import_result *result,
	struct tillpost_error *err)
{
	const char *host = value_of(entries, id, SMTP "hostname");
	const char *user = value_of(entries, id, SMTP "username");
	const struct tp_import_connection connection = {
		.name = name,
		.where = name ? name : "oc_setting",
		.host = host ? host : value_of(entries, id, SMTP "host"),
		.port = value_of(entries, id, SMTP "port"),
		.username = user,
		.secret = value_of(entries, id, SMTP "password"),
	};

	return tp_import_connect(result, &connection, err);
}

/* The host in "https://shop.example.com/path". */
static int32_t match_url(const char *url, size_t store,
	struct tp_import_result *result, struct tillpost_error *err)
{
	char host[256];
	const char *start = url ? strstr(url, "://") : NULL;
	size_t len;

	if (!start)
		return TILLPOST_OK;
	start += 3;
	len = strcspn(start, "/:?#");
	if (len >= sizeof(host))
		return TILLPOST_OK;
	(void)snprintf(host, sizeof(host), "%.*s", (int)len, start);
	return tp_import_store_match(
		result, store, TP_IMPORT_MATCH_HOST, host, err);
}

static int32_t add_matches(const struct tp_import_entries *entries,
	const char *id, size_t store, struct tp_import_result *result,
	struct tillpost_error *err)
{
	const char *address =
		tp_import_entries_get(entries, id, "config_email");
	char row[ID_BYTES + 8];
	int32_t rc = TILLPOST_OK;

	(void)snprintf(row, sizeof(row), "store/%s", id);
	if (address && !tp_import_same(
			       address, value_of(entries, "0", "config_email")))
		rc = tp_import_store_match(
			result, store, TP_IMPORT_MATCH_FROM, address, err);
	if (rc >= 0)
		rc = match_url(tp_import_entries_get(entries, id, "config_url"),
			store, result, err);
	if (rc >= 0)
		rc = match_url(tp_import_entries_get(entries, row, "url"),
			store, result, err);
	if (rc < 0 || result->stores[store].match_from.count > 0 ||
		result->stores[store].match_host.count > 0)
		return rc;
	return tp_import_say(result, TP_IMPORT_TODO, err,
		result->stores[store].name,
		"nothing in the export tells the mail of this store from "
		"others: set stores.%s.match.from or .host",
		result->stores[store].name);
}

/* ID "0" is the default. */
static int32_t take_store(const struct tp_import_entries *entries,
	const char *id, struct tp_import_result *result,
	struct tillpost_error *err)
{
	const char *engine = value_of(entries, id, "config_mail_engine");
	char name[ID_BYTES + 8];
	int is_default = strcmp(id, "0") == 0;
	int32_t relay;
	int32_t store;
	int32_t rc;

	(void)snprintf(name, sizeof(name), "store%s", id);
	if (!engine)
		engine = value_of(entries, id, "config_mail_protocol");
	if (!tp_import_same(engine, "smtp"))
		return tp_import_say(result, TP_IMPORT_NOTE, err, name,
			"the mail engine is \"%.20s\", not smtp; nothing "
			"taken from there",
			engine ? engine : "");
	relay = connect_store(
		entries, id, is_default ? NULL : name, result, err);
	if (relay < 0)
		return relay;
	store = tp_import_store_add(
		result, is_default ? NULL : name, (size_t)relay, err);
	if (store < 0)
		return store;
	rc = tp_import_store_from(result, (size_t)store,
		value_of(entries, id, "config_name"),
		value_of(entries, id, "config_email"), err);
	return rc < 0 || is_default
		       ? rc
		       : add_matches(entries, id, (size_t)store, result, err);
}

int32_t tp_import_opencart(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	static const char *const wanted[] = { "config_mail_", "config_email",
		"config_name", "config_url", NULL };
	static const struct tp_import_table tables[] = {
		{ .name = "setting",
			.columns = { "setting_id", "store_id", "code", "key",
				"value", "serialized" },
			.least_count = 5,
			.scope_columns = { "store_id" },
			.key_column = "key",
			.value_column = "value",
			.prefixes = wanted },
		{ .name = "store",
			.columns = { "store_id", "name", "url", "ssl" },
			.least_count = 3,
			.scope_columns = { "store_id" } },
	};
	struct tp_import_entries entries = { .items = NULL };
	struct stores stores = { .count = 0 };
	int32_t rc = tp_import_tables(&request->main, tables, 2, &entries, err);
	size_t i;

	for (i = 0; i < entries.count; i++)
		tp_import_entities(entries.items[i].value);
	if (rc >= 0 && !value_of(&entries, "0", "config_mail_engine") &&
		!value_of(&entries, "0", "config_mail_protocol"))
		rc = tp_report_set(err, TILLPOST_ENOTFOUND, request->main.name,
			"has no row config_mail_engine (or, before 3.0, "
			"config_mail_protocol) of store 0");
	if (rc >= 0)
		rc = find_stores(&entries, &stores, request->main.name, err);
	if (rc >= 0)
		rc = take_store(&entries, "0", result, err);
	for (i = 0; i < stores.count && rc >= 0; i++)
		rc = take_store(&entries, stores.ids[i], result, err);
	tp_import_entries_free(&entries);
	return rc;
}
