/*
 * settings_calls.c - schema, get, set
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"
#include "api/handle.h"

#include "core/settings.h"

#include <string.h>

#define RANGE_BYTES 256

static int show_setting(
	const struct tp_setting *setting, tillpost_setting_fn *show, void *ctx)
{
	char range[RANGE_BYTES];
	struct tillpost_setting public;

	tp_setting_range(setting, range, sizeof(range));
	TILLPOST_INIT(&public);
	if (setting->type == TP_SETTING_SECRET)
	public.flags |= TILLPOST_SETTING_SECRET;
	if (setting->required)
	public.flags |= TILLPOST_SETTING_REQUIRED;
	public.scope = tp_setting_scope_name(setting->scope);
	public.key = setting->key;
	public.type = tp_setting_type_name(setting->type);
	public.unit = tp_abi_text(setting->unit);
	public.default_value = tp_abi_text(setting->default_value);
	public.range = range;
	public.help = tp_abi_text(setting->help);
	public.since = tp_abi_text(setting->since);
	return show(ctx, &public);
}

int32_t tp_api_settings_schema(tillpost_handle *handle,
	tillpost_setting_fn *setting, void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	const struct tp_setting *table;
	size_t count;
	size_t i;

	(void)handle;
	if (!setting)
		return tp_abi_error(err,
			tp_fail(&detail, TP_EINVAL, "setting", "is NULL"),
			&detail);
	table = tp_settings_table(&count);
	for (i = 0; i < count; i++)
		if (show_setting(&table[i], setting, ctx) != 0)
			break;
	return TILLPOST_OK;
}

struct value_listing {
	tillpost_value_fn *value;
	void *ctx;
};

static int show_value(void *ctx, const struct tp_config_value *inner)
{
	struct value_listing *listing = ctx;
	struct tillpost_value value;

	TILLPOST_INIT(&value);
	if (inner->secret)
		value.flags |= TILLPOST_VALUE_SECRET;
	if (inner->set)
		value.flags |= TILLPOST_VALUE_SET;
	if (inner->locked)
		value.flags |= TILLPOST_VALUE_LOCKED;
	value.key = inner->key;
	value.value = inner->secret ? "" : tp_abi_text(inner->value);
	value.source = tp_abi_text(inner->source);
	value.where = tp_abi_text(inner->where);
	return listing->value(listing->ctx, &value);
}

int32_t tp_api_settings_get(tillpost_handle *handle, const char *key,
	tillpost_value_fn *value, void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct value_listing listing = { value, ctx };
	struct tp_config *config;
	int rc = tp_handle_embedded(handle, &detail);

	if (rc >= 0 && !value)
		rc = tp_fail(&detail, TP_EINVAL, "value", "is NULL");
	if (rc >= 0) {
		config = tp_handle_config(handle);
		rc = tp_config_values(
			config, key, show_value, &listing, &detail);
		tp_config_unref(&config);
	}
	return tp_abi_error(err, rc, &detail);
}

int32_t tp_api_settings_set(tillpost_handle *handle, const char *key,
	const char *value, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct tp_config_source source;
	int rc = tp_handle_sender(handle, &detail);

	if (rc >= 0 && !key)
		rc = tp_fail(&detail, TP_EINVAL, "key", "is NULL");
	if (rc >= 0) {
		source = tp_handle_source(handle);
		(void)pthread_mutex_lock(&handle->change_lock);
		rc = tp_config_set(&source, key, value, &detail);
		if (rc >= 0)
			rc = tp_handle_reload(handle, &detail);
		(void)pthread_mutex_unlock(&handle->change_lock);
	}
	return tp_abi_error(err, rc, &detail);
}
