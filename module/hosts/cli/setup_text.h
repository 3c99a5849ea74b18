/*
 * setup_text.h - the text of a first configuration
 *
 * JOB     Turns a list of settings into a file that the plugin reads. Values
 *         are quoted, so that nothing that somebody typed can become another
 *         setting.
 * LAYER   hosts; libc.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_SETUP_TEXT_H
#define TP_HOSTS_CLI_SETUP_TEXT_H

#include <stddef.h>
#include <stdio.h>

#define TP_SETUP_KEYS_MAX 24
#define TP_SETUP_KEY_BYTES 192

/* One setting. Secrets are never among them, only the names of their files. */
struct tp_setup_key {
	char key[TP_SETUP_KEY_BYTES]; /* "relays.ses.host" */
	char value[1024];
	int bare; /* a number or true: written without quotes */
	int list; /* of one item */
};

struct tp_setup_keys {
	struct tp_setup_key items[TP_SETUP_KEYS_MAX];
	size_t count;
	int failed; /* too many, or a value that is too long */
};

/* Appends GROUP.NAME.KEY, or GROUP.KEY if NAME is NULL; a NULL or empty VALUE
 * is left out. */
void tp_setup_add(struct tp_setup_keys *keys, const char *group,
	const char *name, const char *key, const char *value);
void tp_setup_add_bare(struct tp_setup_keys *keys, const char *group,
	const char *name, const char *key, const char *value);
void tp_setup_add_list(struct tp_setup_keys *keys, const char *group,
	const char *name, const char *key, const char *value);

/* Writes all of them as groups. Keys of the same group stand together.
 * @return 0, or -1: a value has control characters */
int tp_setup_write(FILE *out, const struct tp_setup_keys *keys);

/* A name for a relay made from TEXT: letters, digits, "-" and "_", beginning
 * with a letter. */
void tp_setup_name(const char *text, char *out, size_t size);

#endif
