/*
 * import_wp_config.h - constants of WordPress's wp-config.php
 *
 * JOB     Finds define('NAME', 'value') of the few names that hold or open a
 *         plugin's password. Nothing is run: comments and strings are told
 *         apart, and a value that is not one plain string is passed over.
 * BOUNDS  The file 1 MiB, a value TP_IMPORT_CONSTANT_BYTES.
 * LAYER   hosts/cli; libc.
 * ERRORS  ETOOBIG for the file; ENOTFOUND if it has none of the names.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_WP_CONFIG_H
#define TP_HOSTS_CLI_IMPORT_WP_CONFIG_H

#include "cli/import/import.h"

#define TP_IMPORT_CONSTANT_BYTES 1024

enum tp_import_constant {
	TP_IMPORT_LOGGED_IN_KEY,
	TP_IMPORT_LOGGED_IN_SALT,
	TP_IMPORT_FLUENT_KEY,
	TP_IMPORT_FLUENT_SALT,
	TP_IMPORT_FLUENT_USERNAME,
	TP_IMPORT_FLUENT_PASSWORD,
	TP_IMPORT_CONSTANTS /* how many */
};

struct tp_import_constants {
	/* "": not defined, or not as a plain string */
	char values[TP_IMPORT_CONSTANTS][TP_IMPORT_CONSTANT_BYTES];
};

/* As PHP has it, the first definition of a name counts.
 * @owns the caller, who wipes it */
int32_t tp_import_wp_config(const struct tp_import_input *input,
	struct tp_import_constants *constants_out, struct tillpost_error *err);

#endif
