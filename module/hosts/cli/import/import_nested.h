/*
 * import_nested.h - nested settings: JSON and PHP's serialize()
 *
 * JOB     Turns a nested value into entries, one for each value that is not
 *         an array, its key being its path. An array that is empty leaves
 *         none.
 * BOUNDS  TP_IMPORT_DEPTH_MAX, TP_IMPORT_KEY_BYTES. Objects, references and
 *         custom classes of PHP are refused: settings have none.
 * LAYER   hosts/cli; import_json.c is the user of jansson.
 * THREADS import_json.c sets jansson's allocator while it runs: main() only.
 * ERRORS  EINVAL with line and column, or offset.
 * SOURCES RFC 8259; the PHP manual on serialize().
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_NESTED_H
#define TP_HOSTS_CLI_IMPORT_NESTED_H

#include "cli/import/import_entries.h"

/* NAME and LINE are for errors. */
int32_t tp_import_json(const struct tp_import_input *input, const char *scope,
	struct tp_import_entries *entries, struct tillpost_error *err);
int32_t tp_import_php(const struct tp_import_input *input, const char *scope,
	struct tp_import_entries *entries, struct tillpost_error *err);

/* Whichever of the two TEXT begins like. @return EINVAL also if neither */
int32_t tp_import_nested(const struct tp_import_input *input, const char *scope,
	struct tp_import_entries *entries, struct tillpost_error *err);
int tp_import_is_json(const struct tp_import_input *input);
int tp_import_is_php(const struct tp_import_input *input);

/* A path being built. */
struct tp_import_path {
	char text[TP_IMPORT_KEY_BYTES];
	size_t len;
};

/* Appends a part. @return the length to cut back to afterwards, or -1 if the
 * part is no key of ours (too long, or with a control character) */
int tp_import_path_push(
	struct tp_import_path *path, const char *part, size_t len);
void tp_import_path_cut(struct tp_import_path *path, int len);

#endif
