/*
 * import_prestashop.c - settings in PrestaShop's table ps_configuration
 *
 * JOB     A row without group and shop holds for all; a shop's own rows win.
 *         A shop that sets something of its own becomes a store, found by
 *         its address and by its domains (table ps_shop_url, if it is in the
 *         export). Passwords are in clear.
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_products.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_connection.h"
#include "cli/import/import_rows.h"
#include "common/report.h"

#include <stdio.h>
#include <string.h>

#define METHOD "PS_MAIL_METHOD"
#define METHOD_SMTP 2
#define METHOD_NEVER 3
#define ID_BYTES 44
#define SHOPS_MAX (TP_IMPORT_STORES_MAX - 1)

struct shops {
	char ids[SHOPS_MAX][ID_BYTES];
	size_t count;
};

/* "" for rows of no shop: the id is what follows the "/" of a scope. */
static const char *shop_of(const char *scope)
{
	const char *slash = strrchr(scope, '/');
	const char *id = slash ? slash + 1 : "";

	return strcmp(id, "0") == 0 ? "" : id;
}

/* Of SHOP ("": none), or of everybody. Rows of a group of shops are in
 * between, and say so. */
static const char *value_of(const struct tp_import_entries *entries,
	const char *shop, const char *key)
{
	const char *general = NULL;
	size_t i;

	for (i = entries->count; i-- > 0;) {
		const struct tp_import_entry *entry = &entries->items[i];
		const char *id;

		if (strcmp(entry->key, key) != 0 ||
			strncmp(entry->scope, "shop_url/", 9) == 0)
			continue;
		id = shop_of(entry->scope);
		if (shop[0] != '\0' && strcmp(id, shop) == 0)
			return entry->value;
		if (id[0] == '\0' && (!general || entry->scope[0] == '/'))
			general = entry->value;
	}
	return general;
}

static int32_t find_shops(const struct tp_import_entries *entries,
	struct shops *shops, const char *name, struct tillpost_error *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < entries->count; i++) {
		const char *id = shop_of(entries->items[i].scope);

		if (id[0] == '\0' ||
			strncmp(entries->items[i].scope, "shop_url/", 9) == 0)
			continue;
		for (k = 0; k < shops->count; k++)
			if (strcmp(shops->ids[k], id) == 0)
				break;
		if (k < shops->count)
			continue;
		if (shops->count >= SHOPS_MAX)
			return tp_report_set(err, TILLPOST_ETOOBIG, name,
				"more than %d shops with mail settings",
				SHOPS_MAX);
		(void)snprintf(shops->ids[shops->count++], ID_BYTES, "%s", id);
	}
	return TILLPOST_OK;
}

static int32_t connect_shop(const struct tp_import_entries *entries,
	const char *shop, const char *name, struct tp_import_result *result,
	struct tillpost_error *err)
{
	const char *domain = value_of(entries, shop, "PS_MAIL_DOMAIN");
	const char *user = value_of(entries, shop, "PS_MAIL_USER");
	const struct tp_import_connection connection = {
		.name = name,
		.where = name ? name : "ps_configuration",
		.host = value_of(entries, shop, "PS_MAIL_SERVER"),
		.port = value_of(entries, shop, "PS_MAIL_SMTP_PORT"),
		.encryption =
			value_of(entries, shop, "PS_MAIL_SMTP_ENCRYPTION"),
		.username = user,
		.secret = value_of(entries, shop, "PS_MAIL_PASSWD"),
		.helo_name =
			domain && tp_import_is_host(domain) ? domain : NULL,
	};

	return tp_import_connect(result, &connection, err);
}

static int32_t match_domains(const struct tp_import_entries *entries,
	const char *shop, size_t store, struct tp_import_result *result,
	struct tillpost_error *err)
{
	int32_t rc = TILLPOST_OK;
	size_t i;

	for (i = 0; i < entries->count && rc >= 0; i++) {
		const struct tp_import_entry *entry = &entries->items[i];

		if (strncmp(entry->scope, "shop_url/", 9) == 0 &&
			strcmp(entry->scope + 9, shop) == 0 &&
			(strcmp(entry->key, "domain") == 0 ||
				strcmp(entry->key, "domain_ssl") == 0))
			rc = tp_import_store_match(result, store,
				TP_IMPORT_MATCH_HOST, entry->value, err);
	}
	return rc;
}

/* SHOP "" is what holds for all. */
static int32_t take_shop(const struct tp_import_entries *entries,
	const char *shop, struct tp_import_result *result,
	struct tillpost_error *err)
{
	const char *method = value_of(entries, shop, METHOD);
	long number = method ? tp_import_number(method) : -1;
	const char *address = value_of(entries, shop, "PS_SHOP_EMAIL");
	char name[ID_BYTES + 8];
	int32_t relay;
	int32_t store;
	int32_t rc;

	(void)snprintf(name, sizeof(name), "shop%s", shop);
	if (number != METHOD_SMTP)
		return tp_import_say(result, TP_IMPORT_NOTE, err,
			shop[0] != '\0' ? name : METHOD,
			"it sends %s; nothing taken from there",
			number == METHOD_NEVER ? "no mail at all"
					       : "by the sendmail command, not "
						 "by SMTP");
	relay = connect_shop(
		entries, shop, shop[0] != '\0' ? name : NULL, result, err);
	if (relay < 0)
		return relay;
	store = tp_import_store_add(
		result, shop[0] != '\0' ? name : NULL, (size_t)relay, err);
	if (store < 0)
		return store;
	rc = tp_import_store_from(result, (size_t)store,
		value_of(entries, shop, "PS_SHOP_NAME"), address, err);
	if (shop[0] == '\0' || rc < 0)
		return rc;
	if (address && !tp_import_same(
			       address, value_of(entries, "", "PS_SHOP_EMAIL")))
		rc = tp_import_store_match(result, (size_t)store,
			TP_IMPORT_MATCH_FROM, address, err);
	if (rc >= 0)
		rc = match_domains(entries, shop, (size_t)store, result, err);
	if (rc >= 0 && result->stores[store].match_from.count == 0 &&
		result->stores[store].match_host.count == 0)
		rc = tp_import_say(result, TP_IMPORT_TODO, err, name,
			"nothing in the export tells the mail of store %s from "
			"others: set stores.%s.match.from or .host, or export "
			"the table ps_shop_url too",
			result->stores[store].name, result->stores[store].name);
	return rc;
}

int32_t tp_import_prestashop(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	static const char *const wanted[] = { "PS_MAIL_", "PS_SHOP_EMAIL",
		"PS_SHOP_NAME", NULL };
	static const struct tp_import_table tables[] = {
		{ .name = "configuration",
			.columns = { "id_configuration", "id_shop_group",
				"id_shop", "name", "value", "date_add",
				"date_upd" },
			.least_count = 7,
			.scope_columns = { "id_shop_group", "id_shop" },
			.key_column = "name",
			.value_column = "value",
			.prefixes = wanted },
		{ .name = "shop_url",
			.columns = { "id_shop_url", "id_shop", "domain",
				"domain_ssl", "physical_uri", "virtual_uri",
				"main", "active" },
			.least_count = 4,
			.scope_columns = { "id_shop" } },
	};
	struct tp_import_entries entries = { .items = NULL };
	struct shops shops = { .count = 0 };
	int32_t rc = tp_import_tables(&request->main, tables, 2, &entries, err);
	size_t i;

	if (rc >= 0 && !value_of(&entries, "", METHOD))
		rc = tp_report_set(err, TILLPOST_ENOTFOUND, request->main.name,
			"has no row " METHOD " that holds for all shops");
	if (rc >= 0)
		rc = find_shops(&entries, &shops, request->main.name, err);
	if (rc >= 0)
		rc = take_shop(&entries, "", result, err);
	for (i = 0; i < shops.count && rc >= 0; i++)
		rc = take_shop(&entries, shops.ids[i], result, err);
	tp_import_entries_free(&entries);
	return rc;
}
