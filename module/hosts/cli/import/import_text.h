/*
 * import_text.h - a result as text of a tillpost configuration
 *
 * JOB     What --write would set, in the language of tillpost.conf(5). Never
 *         a secret: it names the file where the secret goes.
 * LAYER   hosts/cli; libc.
 * ERRORS  The text's `failed`.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_TEXT_H
#define TP_HOSTS_CLI_IMPORT_TEXT_H

#include "cli/conf_text.h"
#include "cli/import/import_bytes.h"
#include "cli/import/import_result.h"

/* One setting, as tp_import_settings() gives it. VALUE is what the command
 * `tillpost settings set` takes. */
struct tp_import_setting {
	const char *key; /* within the relay or store: "host", "match.from" */
	const char *value;
	int is_number; /* or a word such as true: not in quotes */
	int is_list;   /* VALUE has commas between the items */
};
/* @return < 0 to end */
typedef int32_t tp_import_setting_fn(
	void *ctx, const struct tp_import_setting *setting);

/* All settings of a relay (without its secret), and of a store, in an order
 * in which each may be set alone.
 * @param secret_file the relay's; NULL: it has none
 * @return what FN returned, ENOMEM */
int32_t tp_import_relay_settings(const struct tp_import_relay *relay,
	const char *secret_file, tp_import_setting_fn *fn, void *ctx);
int32_t tp_import_store_settings(const struct tp_import_result *result,
	const struct tp_import_store *store, tp_import_setting_fn *fn,
	void *ctx);

/* Where the secret of RELAY goes: DIRECTORY/NAME. */
void tp_import_secret_file(const struct tp_import_relay *relay,
	const char *directory, struct tp_import_bytes *path);

/* The groups relays and stores.
 * @param directory of the secret files */
void tp_import_config_text(const struct tp_import_result *result,
	const char *directory, struct tp_conf_text *out);

#endif
