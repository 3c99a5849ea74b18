/*
 * config_merge.c - what the files do not say
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"

#include "base/mem.h"
#include "core/setting_value.h"
#include "core/suggest.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int row_fn(struct tp_config_loader *loader,
	const struct tp_record *record, const struct tp_setting *setting,
	void *ctx);

/* Calls FN for every key of every record. */
static int each_row(struct tp_config_loader *loader, row_fn *fn, void *ctx)
{
	struct tp_record record;
	size_t count;
	size_t i;
	size_t r;
	const struct tp_setting *table = tp_settings_table(&count);

	for (r = 0; tp_config_record(loader->config, r, &record); r++)
		for (i = 0; i < count; i++) {
			int rc;

			if (table[i].scope != record.scope)
				continue;
			rc = fn(loader, &record, &table[i], ctx);
			if (rc < 0)
				return rc;
		}
	return TP_OK;
}

/* ---- the host ----------------------------------------------------------- */

#define HOST_VALUE_BYTES (TP_SETTING_SECRET_MAX_BYTES + 1)

static int ask_host(struct tp_config_loader *loader,
	const struct tp_record *record, const struct tp_setting *setting,
	void *ctx)
{
	const struct tp_config_source *source = loader->source;
	char key[TP_SETTING_KEY_BYTES];
	char where[TP_SETTING_KEY_BYTES + 16];
	char *value = ctx;
	int32_t len;
	int rc = TP_OK;

	if (tp_config_family_source(record, setting) != TP_SOURCE_NONE ||
		(setting->type == TP_SETTING_SECRET && source->without_secrets))
		return TP_OK;
	tp_setting_full_key(setting, record->name, key);
	value[0] = '\0';
	len = source->host_setting(
		source->host_ctx, key, value, HOST_VALUE_BYTES);
	if (len < 0)
		return TP_OK;
	(void)snprintf(where, sizeof(where), "host: %s", key);
	if (len >= HOST_VALUE_BYTES || value[len] != '\0' ||
		strlen(value) != (size_t)len)
		tp_config_error(loader, TP_ECONFIG, where,
			"the host's value is too long or not a string");
	else
		rc = tp_config_give(
			loader, record, setting, value, TP_SOURCE_HOST, where);
	return rc;
}

int tp_config_merge_host(struct tp_config_loader *loader)
{
	char *value;
	int rc;

	if (!loader->source->host_setting)
		return TP_OK;
	value = tp_alloc(HOST_VALUE_BYTES);
	if (!value)
		return TP_ENOMEM;
	rc = each_row(loader, ask_host, value);
	tp_wipe(value, HOST_VALUE_BYTES);
	tp_free(value);
	return rc;
}

/* ---- inheritance -------------------------------------------------------- */

/* @return the parent, or NULL at the end or where the chain is broken */
static const struct tp_store *parent(
	const struct tp_config *config, const struct tp_store *store)
{
	if (strcmp(store->name, "default") == 0)
		return NULL;
	return tp_config_store(
		config, store->inherits ? store->inherits : "default");
}

static void no_such_parent(struct tp_config_loader *loader,
	const struct tp_store *store, const char *where)
{
	char near[TP_SUGGEST_TEXT_BYTES];
	struct tp_suggest suggest;
	size_t i;

	tp_suggest_init(&suggest, store->inherits);
	for (i = 0; i < loader->config->store_count; i++)
		tp_suggest_try(&suggest, loader->config->stores[i].name);
	tp_suggest_text(&suggest, near);
	tp_config_error(loader, TP_ECONFIG, where,
		"stores.%s inherits the store \"%.64s\", which does not "
		"exist%s",
		store->name, store->inherits, near);
}

/* @return 1 if the chain above STORE ends; else reported */
static int chain_ends(
	struct tp_config_loader *loader, const struct tp_store *store)
{
	struct tp_record record = tp_store_record(store);
	const char *where = tp_config_where_key(&record, "inherits");
	const struct tp_store *at = store;
	size_t steps = 0;

	if (store->inherits && strcmp(store->name, "default") == 0) {
		tp_config_error(loader, TP_ECONFIG, where,
			"stores.default cannot inherit: every store inherits "
			"from it");
		return 1;
	}
	if (store->inherits &&
		!tp_config_store(loader->config, store->inherits)) {
		no_such_parent(loader, store, where);
		return 1;
	}
	for (; at; at = parent(loader->config, at))
		if (steps++ > loader->config->store_count) {
			tp_config_error(loader, TP_ECONFIG, where,
				"stores.%s inherits in a circle", store->name);
			return 0;
		}
	return 1;
}

/* Takes the value of the nearest ancestor that has one of its own. */
static int inherit_row(struct tp_config_loader *loader,
	const struct tp_store *store, const struct tp_setting *setting)
{
	struct tp_record record = tp_store_record(store);
	const struct tp_store *at = parent(loader->config, store);

	if (tp_origin_of(&record, setting)->source != TP_SOURCE_NONE)
		return TP_OK;
	for (; at; at = parent(loader->config, at)) {
		struct tp_record ancestor = tp_store_record(at);

		if (tp_origin_of(&ancestor, setting)->source < TP_SOURCE_HOST)
			continue;
		if (tp_setting_copy(setting, record.base, at) < 0)
			return TP_ENOMEM;
		return tp_origin_set(
			&record, setting, TP_SOURCE_INHERITED, at->name);
	}
	return TP_OK;
}

static int inherit(
	struct tp_config_loader *loader, const struct tp_store *store)
{
	size_t count;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);
	int rc = TP_OK;

	for (i = 0; i < count && rc >= 0; i++)
		if (table[i].scope == TP_SETTINGS_STORE &&
			table[i].offset != offsetof(struct tp_store, inherits))
			rc = inherit_row(loader, store, &table[i]);
	return rc;
}

int tp_config_merge_parents(struct tp_config_loader *loader)
{
	size_t i;
	int rc = TP_OK;

	for (i = 0; i < loader->config->store_count && rc >= 0; i++)
		if (chain_ends(loader, &loader->config->stores[i]))
			rc = inherit(loader, &loader->config->stores[i]);
	return rc;
}

/* ---- defaults ----------------------------------------------------------- */

static int give_default(struct tp_config_loader *loader,
	const struct tp_record *record, const struct tp_setting *setting,
	void *ctx)
{
	(void)ctx;
	if (!setting->default_value)
		return TP_OK;
	return tp_config_give(loader, record, setting, setting->default_value,
		TP_SOURCE_DEFAULT, NULL);
}

int tp_config_merge_defaults(struct tp_config_loader *loader)
{
	return each_row(loader, give_default, NULL);
}

/* ---- relative paths ----------------------------------------------------- */

/* A path means the same file whatever the working directory of the host. */
static int make_absolute(struct tp_config_loader *loader,
	const struct tp_record *record, const struct tp_setting *setting,
	void *ctx)
{
	char **at = (char **)((char *)record->base + setting->offset);
	struct tp_buf path = TP_BUF_INIT(PATH_MAX * 2);
	char *whole = NULL;

	(void)loader;
	if (setting->type != TP_SETTING_PATH || !*at || **at == '/')
		return TP_OK;
	if (tp_buf_printf(&path, "%s/%s", (const char *)ctx, *at) >= 0)
		whole = tp_buf_take(&path, NULL);
	tp_buf_free(&path);
	if (!whole)
		return TP_ENOMEM;
	tp_free(*at);
	*at = whole;
	return TP_OK;
}

int tp_config_merge_directory(struct tp_config_loader *loader)
{
	const char *path = loader->config->path;
	const char *slash = strrchr(path, '/');
	char *name = slash ? tp_strndup(path, (size_t)(slash - path) + 1)
			   : tp_strdup(".");
	char directory[PATH_MAX];
	int rc;

	if (!name)
		return TP_ENOMEM;
	rc = each_row(loader, make_absolute,
		realpath(name, directory) ? directory : name);
	tp_free(name);
	return rc;
}
