/*
 * import_fluent_cipher.h - a password as FluentSMTP stores it
 *
 * JOB     base64(iv || base64(aes-256-ctr(password || salt))): the salt at the
 *         end tells the right key from a wrong one. The key is a text; its
 *         first 32 bytes count, and fewer are filled up with zeros, as PHP
 *         does it.
 * LAYER   hosts/cli; OpenSSL's libcrypto, which the plugin needs anyway.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_FLUENT_CIPHER_H
#define TP_HOSTS_CLI_IMPORT_FLUENT_CIPHER_H

#include "cli/import/import_wp_config.h"

/* @owns the caller, *password_out with tp_import_wipe()
 * @return 0; TILLPOST_EAUTH: not with these keys; ENOMEM */
int32_t tp_import_fluent_open(const char *stored,
	const struct tp_import_constants *constants, char **password_out);

#endif
