/*
 * import_magento.h - settings in Magento's table core_config_data
 *
 * JOB     A setting holds for everything, for a website or for a store view;
 *         what a narrower scope does not set comes from the wider one. Each
 *         scope that differs becomes a store of its own, found by the codes
 *         of its store views (tables store and store_website, if they are in
 *         the export) and by its own sender addresses.
 * LAYER   hosts/cli; libc.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_MAGENTO_H
#define TP_HOSTS_CLI_IMPORT_MAGENTO_H

#include "cli/import/import.h"

/* A setting's path and what Magento takes if no row sets it. */
struct tp_import_path_default {
	const char *path;
	const char *value;
};

/* Where a product keeps what. */
struct tp_import_magento_paths {
	const char *prefix; /* of all its paths */
	struct tp_import_path_default enabled;
	const char *enabled_value;
	struct tp_import_path_default host;
	struct tp_import_path_default port;
	struct tp_import_path_default encryption;
	struct tp_import_path_default auth;
	const char *username;
	const char *password;
	const char *return_path;
	const char *set_return_path; /* 2: use return_path; NULL: always */
	int tls_is_implicit;
};

int32_t tp_import_magento_scopes(const struct tp_import_request *request,
	const struct tp_import_magento_paths *paths,
	struct tp_import_result *result, struct tillpost_error *err);

#endif
