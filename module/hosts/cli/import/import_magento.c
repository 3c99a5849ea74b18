/*
 * import_magento.c - settings in Magento's table core_config_data
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_magento.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_connection.h"
#include "cli/import/import_rows.h"
#include "common/report.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT "default/0"
#define SCOPE_BYTES 128
#define SCOPES_MAX TP_IMPORT_STORES_MAX
#define LOOKUPS_MAX 200 /* store views of a website */

struct scopes {
	char names[SCOPES_MAX][SCOPE_BYTES];
	size_t count;
};

/* What one run works on. */
struct run {
	const struct tp_import_request *request;
	const struct tp_import_magento_paths *paths;
	struct tp_import_entries entries;
	struct tp_import_result *result;
	struct tillpost_error *err;
	struct scopes scopes;
};

/* ---- values ------------------------------------------------------------- */

static const char *own_value(
	const struct run *run, const char *scope, const char *path)
{
	return tp_import_entries_get(&run->entries, scope, path);
}

/* The website of store view "stores/2", if the table store is there. */
static int website_of(
	const struct run *run, const char *scope, char website[SCOPE_BYTES])
{
	char store[SCOPE_BYTES];
	const char *id;

	if (strncmp(scope, "stores/", 7) != 0)
		return 0;
	(void)snprintf(store, sizeof(store), "store/%.40s", scope + 7);
	id = tp_import_entries_get(&run->entries, store, "website_id");
	if (!id)
		return 0;
	(void)snprintf(website, SCOPE_BYTES, "websites/%.40s", id);
	return 1;
}

/* From SCOPE, or from the wider ones. */
static const char *value_of(
	const struct run *run, const char *scope, const char *path)
{
	char website[SCOPE_BYTES];
	const char *value = own_value(run, scope, path);

	if (!value && website_of(run, scope, website))
		value = own_value(run, website, path);
	return value ? value : own_value(run, DEFAULT, path);
}

static const char *value_or_default(const struct run *run, const char *scope,
	const struct tp_import_path_default *path)
{
	const char *value = value_of(run, scope, path->path);

	return value ? value : path->value;
}

/* ---- scopes ------------------------------------------------------------- */

static int is_ours(const struct run *run, const struct tp_import_entry *entry)
{
	return strncmp(entry->key, run->paths->prefix,
		       strlen(run->paths->prefix)) == 0 ||
	       strncmp(entry->key, "trans_email/ident_", 18) == 0;
}

/* Stores before websites: a store view's own settings win. */
static int32_t find_scopes(struct run *run, const char *kind)
{
	size_t i;
	size_t k;

	for (i = 0; i < run->entries.count; i++) {
		const struct tp_import_entry *entry = &run->entries.items[i];

		if (strncmp(entry->scope, kind, strlen(kind)) != 0 ||
			!is_ours(run, entry))
			continue;
		for (k = 0; k < run->scopes.count; k++)
			if (strcmp(run->scopes.names[k], entry->scope) == 0)
				break;
		if (k < run->scopes.count)
			continue;
		if (run->scopes.count >= SCOPES_MAX - 1)
			return tp_report_set(run->err, TILLPOST_ETOOBIG,
				run->request->main.name,
				"more than %d scopes with mail settings",
				SCOPES_MAX);
		(void)snprintf(run->scopes.names[run->scopes.count++],
			SCOPE_BYTES, "%s", entry->scope);
	}
	return TILLPOST_OK;
}

/* ---- one scope ---------------------------------------------------------- */

/* "0:3:...": key, cipher, text. */
static int is_encrypted(const char *value)
{
	size_t key = strspn(value, "0123456789");
	size_t cipher;

	if (key == 0 || value[key] != ':')
		return 0;
	cipher = strspn(value + key + 1, "0123456789");
	return cipher > 0 && value[key + 1 + cipher] == ':';
}

static int32_t connect_scope(
	struct run *run, const char *scope, const char *name)
{
	const struct tp_import_magento_paths *paths = run->paths;
	const char *password = value_of(run, scope, paths->password);
	const char *auth = value_or_default(run, scope, &paths->auth);
	const struct tp_import_connection connection = {
		.name = name,
		.where = scope,
		.host = value_or_default(run, scope, &paths->host),
		.port = value_or_default(run, scope, &paths->port),
		.encryption = value_or_default(run, scope, &paths->encryption),
		.tls_is_implicit = paths->tls_is_implicit,
		.auth = auth && auth[0] != '\0' ? auth : "none",
		.username = value_of(run, scope, paths->username),
		.secret = password,
		.encrypted = password && is_encrypted(password)
				     ? "it is encrypted with crypt/key in "
				       "app/etc/env.php"
				     : NULL,
	};

	return tp_import_connect(run->result, &connection, run->err);
}

static int32_t add_from(struct run *run, const char *scope, size_t store)
{
	const struct tp_import_magento_paths *paths = run->paths;
	const char *address =
		value_of(run, scope, "trans_email/ident_general/email");
	const char *return_path = value_of(run, scope, paths->return_path);
	const char *set = paths->set_return_path
				  ? value_of(run, scope, paths->set_return_path)
				  : "2";
	int32_t rc = tp_import_store_from(run->result, store,
		value_of(run, scope, "trans_email/ident_general/name"), address,
		run->err);

	if (rc >= 0 && return_path && tp_import_same(set, "2") &&
		tp_import_is_address(return_path, 0))
		rc = tp_import_set(&run->result->stores[store].envelope_from,
			return_path, run->err);
	return rc;
}

/* The sender addresses that only this scope has. */
static int32_t match_addresses(
	struct run *run, const char *scope, size_t store, int *any)
{
	static const char *const paths[] = {
		"trans_email/ident_general/email",
		"trans_email/ident_sales/email",
		"trans_email/ident_support/email",
		"trans_email/ident_custom1/email",
		"trans_email/ident_custom2/email",
	};
	int32_t rc = TILLPOST_OK;
	size_t i;
	size_t k;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]) && rc >= 0; i++) {
		const char *address = own_value(run, scope, paths[i]);

		for (k = 0; address && k < sizeof(paths) / sizeof(paths[0]);
			k++)
			if (tp_import_same(
				    address, own_value(run, DEFAULT, paths[k])))
				address = NULL;
		if (!address)
			continue;
		rc = tp_import_store_match(run->result, store,
			TP_IMPORT_MATCH_FROM, address, run->err);
		*any |= rc > 0;
	}
	return rc;
}

/* Code of a store view or of a website: what MAGE_RUN_CODE can be. */
static const char *code_of(const struct run *run, const char *scope)
{
	char table[SCOPE_BYTES];

	if (strncmp(scope, "stores/", 7) == 0)
		(void)snprintf(table, sizeof(table), "store/%.40s", scope + 7);
	else
		(void)snprintf(
			table, sizeof(table), "store_website/%.40s", scope + 9);
	return tp_import_entries_get(&run->entries, table, "code");
}

static int32_t match_code(
	struct run *run, size_t store, const char *code, int *any)
{
	int32_t rc = tp_import_store_match(
		run->result, store, TP_IMPORT_MATCH_RUN_CODE, code, run->err);

	*any |= rc > 0;
	return rc;
}

static int32_t match_codes(
	struct run *run, const char *scope, size_t store, int *any)
{
	int32_t rc = match_code(run, store, code_of(run, scope), any);
	size_t lookups = 0;
	size_t i;

	if (strncmp(scope, "websites/", 9) != 0)
		return rc;
	for (i = 0; i < run->entries.count && lookups < LOOKUPS_MAX && rc >= 0;
		i++) {
		const struct tp_import_entry *entry = &run->entries.items[i];

		if (strncmp(entry->scope, "store/", 6) == 0 &&
			strcmp(entry->key, "website_id") == 0 &&
			strcmp(entry->value, scope + 9) == 0) {
			rc = match_code(run, store,
				tp_import_entries_get(
					&run->entries, entry->scope, "code"),
				any);
			lookups++;
		}
	}
	return rc;
}

static int is_enabled(const struct run *run, const char *scope)
{
	return tp_import_same(
		value_or_default(run, scope, &run->paths->enabled),
		run->paths->enabled_value);
}

static int32_t take_narrow(struct run *run, const char *scope)
{
	const char *code = code_of(run, scope);
	char name[TP_IMPORT_NAME_BYTES];
	int any = 0;
	int32_t relay;
	int32_t store;
	int32_t rc;

	(void)snprintf(name, sizeof(name), "%.55s", code ? code : scope);
	if (!is_enabled(run, scope))
		return tp_import_say(run->result, TP_IMPORT_NOTE, run->err,
			scope, "SMTP is switched off there; nothing taken");
	relay = connect_scope(run, scope, name);
	if (relay < 0)
		return relay;
	store = tp_import_store_add(run->result, name, (size_t)relay, run->err);
	if (store < 0)
		return store;
	rc = add_from(run, scope, (size_t)store);
	if (rc >= 0)
		rc = match_codes(run, scope, (size_t)store, &any);
	if (rc >= 0)
		rc = match_addresses(run, scope, (size_t)store, &any);
	if (rc < 0 || any)
		return rc;
	return tp_import_say(run->result, TP_IMPORT_TODO, run->err, scope,
		"nothing in the export tells the mail of store %s from others: "
		"set stores.%s.match.run_code, or export the tables store and "
		"store_website too",
		run->result->stores[store].name,
		run->result->stores[store].name);
}

static int32_t take_default(struct run *run)
{
	int32_t relay;
	int32_t store;

	if (!is_enabled(run, DEFAULT))
		return tp_import_say(run->result, TP_IMPORT_NOTE, run->err,
			DEFAULT,
			"SMTP is not switched on (%s is not %s); nothing taken "
			"from there",
			run->paths->enabled.path, run->paths->enabled_value);
	relay = connect_scope(run, DEFAULT, NULL);
	if (relay < 0)
		return relay;
	store = tp_import_store_add(run->result, NULL, (size_t)relay, run->err);
	return store < 0 ? store : add_from(run, DEFAULT, (size_t)store);
}

/* ---- all ---------------------------------------------------------------- */

static int32_t read_rows(struct run *run)
{
	static const char *const wanted[] = { "system/smtp/",
		"system/gmailsmtpapp/", "smtp/", "trans_email/", NULL };
	static const struct tp_import_table tables[] = {
		{ .name = "core_config_data",
			.columns = { "config_id", "scope", "scope_id", "path",
				"value", "updated_at" },
			.least_count = 5,
			.scope_columns = { "scope", "scope_id" },
			.key_column = "path",
			.value_column = "value",
			.prefixes = wanted },
		{ .name = "store",
			.columns = { "store_id", "code", "website_id",
				"group_id", "name", "sort_order", "is_active" },
			.least_count = 3,
			.scope_columns = { "store_id" } },
		{ .name = "store_website",
			.columns = { "website_id", "code", "name", "sort_order",
				"default_group_id", "is_default" },
			.least_count = 2,
			.scope_columns = { "website_id" } },
	};

	return tp_import_tables(&run->request->main, tables,
		sizeof(tables) / sizeof(tables[0]), &run->entries, run->err);
}

static int32_t take_all(struct run *run)
{
	int32_t rc = find_scopes(run, "stores/");
	size_t i;

	if (rc >= 0)
		rc = find_scopes(run, "websites/");
	if (rc >= 0)
		rc = take_default(run);
	for (i = 0; i < run->scopes.count && rc >= 0; i++)
		rc = take_narrow(run, run->scopes.names[i]);
	return rc;
}

int32_t tp_import_magento_scopes(const struct tp_import_request *request,
	const struct tp_import_magento_paths *paths,
	struct tp_import_result *result, struct tillpost_error *err)
{
	struct run run = {
		.request = request, .paths = paths, .result = result, .err = err
	};
	int32_t rc = read_rows(&run);
	size_t i = 0;

	while (rc >= 0 && i < run.entries.count &&
		strncmp(run.entries.items[i].key, paths->prefix,
			strlen(paths->prefix)) != 0)
		i++;
	if (rc >= 0 && i == run.entries.count)
		rc = tp_report_set(err, TILLPOST_ENOTFOUND, request->main.name,
			"has no setting whose path begins with %s",
			paths->prefix);
	if (rc >= 0)
		rc = take_all(&run);
	tp_import_entries_free(&run.entries);
	return rc;
}
