/*
 * import_connection.h - one connection of a product, as the product says it
 *
 * JOB     What a mapping fills in, in the product's words, all borrowed. On
 *         the way into the result the host is taken apart ("tls://host",
 *         "[host]:587"), labels and ports are repaired (import_repair.h),
 *         and each change is said. Connections that are the same become one
 *         relay.
 * LAYER   hosts/cli; libc.
 * ERRORS  ENOTFOUND if the host is missing; EINVAL if it is none; ETOOBIG,
 *         ENOMEM.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_CONNECTION_H
#define TP_HOSTS_CLI_IMPORT_CONNECTION_H

#include "cli/import/import_result.h"

struct tp_import_connection {
	const char *name;	/* wish for the relay's name; NULL: as asked */
	const char *where;	/* in the input, for errors: "line 3" */
	const char *host;	/* with "tls://" or ":587", if it has it */
	const char *port;	/* text; NULL, "" or "default": not set */
	const char *encryption; /* "ssl", "tls", ...; NULL: none */
	int optional_tls;	/* 1: without a label, STARTTLS if offered */
	int tls_is_implicit;	/* see import_repair.h */
	const char *auth;	/* method; NULL: login if there is a user */
	const char *username;
	const char *secret;    /* in clear text; NULL: none */
	const char *encrypted; /* why the secret cannot be taken: by what it
				* is encrypted or where it is; NULL */
	int is_token;
	const char *tls_name;
	const char *ca_file;
	const char *client_cert;
	const char *client_key;
	const char *fingerprint;
	const char *helo_name;
};

/* @return the relay's index */
int32_t tp_import_connect(struct tp_import_result *result,
	const struct tp_import_connection *connection,
	struct tillpost_error *err);

#endif
