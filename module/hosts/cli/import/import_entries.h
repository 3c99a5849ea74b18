/*
 * import_entries.h - settings as a flat list of scope, key and value
 *
 * JOB     What every reader makes and every mapping reads. A key of nested
 *         settings is its path, the parts divided by TP_IMPORT_SEP, a byte
 *         that no key may hold. The scope says whose setting it is: "" or
 *         "stores/2", an account, a file.
 * BOUNDS  TP_IMPORT_ENTRIES_MAX, TP_IMPORT_VALUE_BYTES.
 * LAYER   hosts/cli; libc.
 * THREADS one list, one thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_ENTRIES_H
#define TP_HOSTS_CLI_IMPORT_ENTRIES_H

#include "cli/import/import.h"

#define TP_IMPORT_SEP "\x1f"

struct tp_import_entry {
	char *scope;
	char *key;
	char *value; /* "" for null */
	size_t line; /* 0: unknown */
};

struct tp_import_entries {
	struct tp_import_entry *items;
	size_t count;
	size_t cap;
};

/* Copies. A value with a NUL in it, or too long to be a setting of ours, is
 * left out.
 * @return 0, TILLPOST_ENOMEM, TILLPOST_ETOOBIG */
int32_t tp_import_entries_add(struct tp_import_entries *entries,
	const char *scope, const char *key, const char *value, size_t value_len,
	size_t line, struct tillpost_error *err);
/* As tp_import_entries_add(), in place of what SCOPE has for KEY. */
int32_t tp_import_entries_set(struct tp_import_entries *entries,
	const char *scope, const char *key, const char *value, size_t value_len,
	size_t line, struct tillpost_error *err);
/* The last value of KEY in SCOPE: later ones win. @return NULL if none */
const char *tp_import_entries_get(const struct tp_import_entries *entries,
	const char *scope, const char *key);
const struct tp_import_entry *tp_import_entries_find(
	const struct tp_import_entries *entries, const char *scope,
	const char *key);
/* Wipes and frees. */
void tp_import_entries_free(struct tp_import_entries *entries);

#endif
