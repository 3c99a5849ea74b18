/*
 * import_wordpress.h - options of WordPress plugins, in whichever form
 *
 * JOB     An option may come as JSON (wp option get NAME --format=json), as
 *         PHP's serialize() wrote it (the column option_value), or in rows of
 *         the table wp_options. The scope of the entries is the option's
 *         name.
 * LAYER   hosts/cli; libc.
 * ERRORS  ENOTFOUND if none of the options is there.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_WORDPRESS_H
#define TP_HOSTS_CLI_IMPORT_WORDPRESS_H

#include "cli/import/import_entries.h"
#include "cli/import/import_result.h"

/* @param names NULL-terminated; where the input does not say which option it
 *              is, it is the first */
int32_t tp_import_wordpress(const struct tp_import_input *input,
	const char *const *names, struct tp_import_entries *entries,
	struct tillpost_error *err);

/* Says that the connection WHERE uses MAILER, which is not SMTP, and which
 * preset reaches the same provider by SMTP. */
int32_t tp_import_not_smtp(struct tp_import_result *result, const char *where,
	const char *mailer, struct tillpost_error *err);

#endif
