/*
 * setup_text.h - the settings of a relay and its store
 *
 * JOB     Keeps a list of settings, which become a new configuration or are
 *         added to an existing one.
 * LAYER   hosts; libc.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_SETUP_TEXT_H
#define TP_HOSTS_CLI_SETUP_TEXT_H

#include "cli/conf_text.h"

#define TP_SETUP_KEYS_MAX 24

/* One setting. Secrets are never among them, only the names of their files. */
struct tp_setup_key {
	char key[TP_CONF_KEY_BYTES]; /* "relays.ses.host" */
	char value[1024];
	enum tp_conf_kind kind;
};

struct tp_setup_keys {
	struct tp_setup_key items[TP_SETUP_KEYS_MAX];
	size_t count;
	int failed; /* too many, or a value that is too long */
};

/* Appends GROUP.NAME.KEY; a NULL or empty VALUE is left out. */
void tp_setup_add(struct tp_setup_keys *keys, const char *group,
	const char *name, const char *key, const char *value,
	enum tp_conf_kind kind);

/* Keys of the same group stand together. */
void tp_setup_put(const struct tp_setup_keys *keys, struct tp_conf_text *text);

/* A name for a relay made from TEXT: letters, digits, "-" and "_", beginning
 * with a letter. */
void tp_setup_name(const char *text, char *out, size_t size);

#endif
