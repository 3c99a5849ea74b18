/*
 * import_entries.c - settings as a flat list of scope, key and value
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_entries.h"

#include "cli/import/import_bytes.h"
#include "common/report.h"

#include <stdlib.h>
#include <string.h>

static int grow(struct tp_import_entries *entries)
{
	size_t cap = entries->cap ? 2 * entries->cap : 64;
	struct tp_import_entry *items =
		realloc(entries->items, cap * sizeof(*items));

	if (!items)
		return -1;
	entries->items = items;
	entries->cap = cap;
	return 0;
}

static void free_entry(struct tp_import_entry *entry)
{
	free(entry->scope);
	free(entry->key);
	tp_import_wipe(entry->value);
}

int32_t tp_import_entries_add(struct tp_import_entries *entries,
	const char *scope, const char *key, const char *value, size_t value_len,
	size_t line, struct tillpost_error *err)
{
	struct tp_import_entry entry = { .line = line };

	if (value_len > TP_IMPORT_VALUE_BYTES ||
		(value_len > 0 && memchr(value, '\0', value_len)))
		return TILLPOST_OK;
	if (entries->count >= TP_IMPORT_ENTRIES_MAX)
		return tp_report_set(err, TILLPOST_ETOOBIG, "",
			"more than %d settings in one file: export only those "
			"that the manual page names",
			TP_IMPORT_ENTRIES_MAX);
	if (entries->count == entries->cap && grow(entries) != 0)
		return tp_import_no_memory(err);
	entry.scope = tp_import_copy(scope, strlen(scope));
	entry.key = tp_import_copy(key, strlen(key));
	entry.value = tp_import_copy(value, value_len);
	if (!entry.scope || !entry.key || !entry.value) {
		free_entry(&entry);
		return tp_import_no_memory(err);
	}
	entries->items[entries->count++] = entry;
	return TILLPOST_OK;
}

int32_t tp_import_entries_set(struct tp_import_entries *entries,
	const char *scope, const char *key, const char *value, size_t value_len,
	size_t line, struct tillpost_error *err)
{
	const struct tp_import_entry *found =
		tp_import_entries_find(entries, scope, key);
	struct tp_import_entry *entry;
	char *copy;

	if (!found)
		return tp_import_entries_add(
			entries, scope, key, value, value_len, line, err);
	entry = &entries->items[found - entries->items];
	copy = tp_import_copy(value, value_len);
	if (!copy)
		return tp_import_no_memory(err);
	tp_import_wipe(entry->value);
	entry->value = copy;
	entry->line = line;
	return TILLPOST_OK;
}

const struct tp_import_entry *tp_import_entries_find(
	const struct tp_import_entries *entries, const char *scope,
	const char *key)
{
	size_t i;

	for (i = entries->count; i-- > 0;)
		if (strcmp(entries->items[i].key, key) == 0 &&
			strcmp(entries->items[i].scope, scope) == 0)
			return &entries->items[i];
	return NULL;
}

const char *tp_import_entries_get(const struct tp_import_entries *entries,
	const char *scope, const char *key)
{
	const struct tp_import_entry *entry =
		tp_import_entries_find(entries, scope, key);

	return entry ? entry->value : NULL;
}

void tp_import_entries_free(struct tp_import_entries *entries)
{
	size_t i;

	for (i = 0; i < entries->count; i++)
		free_entry(&entries->items[i]);
	free(entries->items);
	*entries = (struct tp_import_entries) { .items = NULL };
}
