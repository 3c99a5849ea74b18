/*
 * values.c - settings in force, looked up by name
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/values.h"

#include "common/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t keep(void *ctx, const struct tillpost_value *value)
{
	struct tp_values *values = ctx;
	struct tp_value *items =
		realloc(values->items, (values->count + 1) * sizeof(*items));

	if (!items) {
		values->failed = 1;
		return 1;
	}
	values->items = items;
	items += values->count++;
	*items = (struct tp_value) {
		.key = strdup(value->key),
		.value = strdup(value->value),
		.source = strdup(value->source),
		.where = strdup(value->where),
		.flags = value->flags,
	};
	if (!items->key || !items->value || !items->source || !items->where)
		values->failed = 1;
	return values->failed;
}

int32_t tp_values_load(const struct tillpost_api *api, tillpost_handle *handle,
	struct tp_values *values_out, struct tillpost_error *err)
{
	int32_t rc;

	*values_out = (struct tp_values) { .items = NULL };
	TILLPOST_INIT(err);
	rc = api->settings_get(handle, NULL, keep, values_out, err);
	if (rc >= 0 && values_out->failed)
		return tp_report_set(
			err, TILLPOST_ENOMEM, "settings", "out of memory");
	return rc;
}

void tp_values_free(struct tp_values *values)
{
	size_t i;

	for (i = 0; i < values->count; i++) {
		free(values->items[i].key);
		free(values->items[i].value);
		free(values->items[i].source);
		free(values->items[i].where);
	}
	free(values->items);
	*values = (struct tp_values) { .items = NULL };
}

const struct tp_value *tp_values_find(
	const struct tp_values *values, const char *key)
{
	size_t i;

	for (i = 0; i < values->count; i++)
		if (strcmp(values->items[i].key, key) == 0)
			return &values->items[i];
	return NULL;
}

const char *tp_values_text(const struct tp_values *values, const char *group,
	const char *name, const char *key)
{
	char full[TP_VALUES_KEY_BYTES];
	const struct tp_value *found;

	(void)snprintf(full, sizeof(full), "%s%s%s.%s", group, name ? "." : "",
		name ? name : "", key);
	found = tp_values_find(values, full);
	return found ? found->value : "";
}

/* @return the length of the name in KEY of GROUP, 0 if it is of another */
static size_t name_in(const char *key, const char *group, const char **name_out)
{
	size_t len = strlen(group);

	if (strncmp(key, group, len) != 0 || key[len] != '.')
		return 0;
	*name_out = key + len + 1;
	len = strcspn(*name_out, ".");
	return (*name_out)[len] == '.' ? len : 0;
}

static int seen_before(const struct tp_values *values, const char *group,
	size_t before, const char *name, size_t len)
{
	const char *other;
	size_t i;

	for (i = 0; i < before; i++)
		if (name_in(values->items[i].key, group, &other) == len &&
			strncmp(other, name, len) == 0)
			return 1;
	return 0;
}

int tp_values_next(const struct tp_values *values, const char *group,
	size_t *at, char name_out[TP_VALUES_KEY_BYTES])
{
	while (*at < values->count) {
		const char *name;
		size_t i = (*at)++;
		size_t len = name_in(values->items[i].key, group, &name);

		if (len == 0 || len >= TP_VALUES_KEY_BYTES ||
			seen_before(values, group, i, name, len))
			continue;
		(void)snprintf(
			name_out, TP_VALUES_KEY_BYTES, "%.*s", (int)len, name);
		return 1;
	}
	return 0;
}

int64_t tp_values_size(const char *text)
{
	static const char units[] = "kMG";
	const char *unit;
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || errno != 0 || value < 0)
		return -1;
	if (*end == '\0')
		return value;
	unit = strchr(units, *end);
	if (!unit || end[1] != '\0' || value > (INT64_MAX >> 40))
		return -1;
	return (int64_t)value << (10 * (unit - units + 1));
}
