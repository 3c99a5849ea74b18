/*
 * config_values.c - the effective values and where each came from
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_file.h"

#include "core/setting_value.h"

#include <string.h>

static const char *source_name(enum tp_source source)
{
	static const char *const names[] = {
		[TP_SOURCE_NONE] = "default",
		[TP_SOURCE_DEFAULT] = "default",
		[TP_SOURCE_INHERITED] = "inherited",
		[TP_SOURCE_PRESET] = "preset",
		[TP_SOURCE_HOST] = "host",
		[TP_SOURCE_MANAGED] = "managed",
		[TP_SOURCE_MAIN] = "main",
	};

	return names[source];
}

static int is_asked_for(const char *full_key, const char *key)
{
	size_t len = key ? strlen(key) : 0;

	return !key || (strncmp(full_key, key, len) == 0 &&
			       (full_key[len] == '\0' || full_key[len] == '.'));
}

static int is_secret(
	const struct tp_record *record, const struct tp_setting *setting)
{
	if (setting->type == TP_SETTING_SECRET)
		return 1;
	return setting->scope == TP_SETTINGS_RELAY &&
	       setting->offset == offsetof(struct tp_relay, username) &&
	       ((const struct tp_relay *)record->base)->username_is_secret;
}

/* @return 0, 1 if the callback wants no more, TP_ENOMEM */
static int show(const struct tp_record *record,
	const struct tp_setting *setting, const char *full_key,
	struct tp_buf *text, tp_config_value_fn *cb, void *ctx)
{
	static const struct tp_origin nowhere = { TP_SOURCE_NONE, NULL };
	const struct tp_origin *origin = tp_origin_of(record, setting);
	int secret = is_secret(record, setting);
	struct tp_config_value value = { .key = full_key, .secret = secret };
	int rc = TP_OK;

	if (!origin)
		origin = &nowhere;
	tp_buf_clear(text);
	/* A number that nobody gave is not 0 but nothing. */
	if (!secret && origin->source != TP_SOURCE_NONE)
		rc = tp_setting_format(setting, record->base, text);
	if (rc < 0)
		return rc;
	value.value = tp_buf_str(text);
	value.source = source_name(origin->source);
	value.where = origin->where && origin->source != TP_SOURCE_HOST
			      ? origin->where
			      : "";
	value.set = origin->source > TP_SOURCE_DEFAULT;
	value.locked = origin->source == TP_SOURCE_MAIN;
	return cb(ctx, &value) != 0;
}

int tp_config_values(const struct tp_config *config, const char *key,
	tp_config_value_fn *cb, void *ctx, struct tp_error *err)
{
	struct tp_buf text = TP_BUF_INIT((size_t)16 << 20);
	struct tp_record record;
	size_t count;
	size_t i;
	size_t r;
	const struct tp_setting *table = tp_settings_table(&count);
	int found = 0;
	int rc = TP_OK;

	for (r = 0; rc == TP_OK && tp_config_record(config, r, &record); r++)
		for (i = 0; i < count && rc == TP_OK; i++) {
			char full_key[TP_SETTING_KEY_BYTES];

			if (table[i].scope != record.scope)
				continue;
			tp_setting_full_key(&table[i], record.name, full_key);
			if (!is_asked_for(full_key, key))
				continue;
			found = 1;
			rc = show(&record, &table[i], full_key, &text, cb, ctx);
		}
	tp_buf_free(&text);
	if (rc < 0)
		return tp_fail(err, rc, "settings", "%s", tp_err_text(rc));
	if (!found && key)
		return tp_fail(err, TP_ENOTFOUND, key,
			"there is no such setting, relay or store");
	return TP_OK;
}
