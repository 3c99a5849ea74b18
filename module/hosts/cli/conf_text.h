/*
 * conf_text.h - settings as text of a configuration
 *
 * JOB     Writes one setting after the other as tillpost.conf(5) has them.
 *         Values are quoted, so that nothing that somebody typed or exported
 *         can become another setting.
 * LAYER   hosts; libc.
 * THREADS one struct tp_conf_text, one thread.
 * ERRORS  Kept in `failed`.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_CONF_TEXT_H
#define TP_HOSTS_CLI_CONF_TEXT_H

#include <stddef.h>
#include <stdio.h>

#define TP_CONF_KEY_BYTES 192

enum tp_conf_kind {
	TP_CONF_STRING,
	TP_CONF_BARE, /* a number, or a word such as true: not in quotes */
	TP_CONF_LIST  /* with commas between the items */
};

struct tp_conf_text {
	char *bytes; /* after tp_conf_end(), with a NUL */
	size_t len;
	FILE *out;			/* into them */
	char before[TP_CONF_KEY_BYTES]; /* the last key */
	int failed; /* a key that is too long, or a value with control
		     * characters; or out of memory */
};

/* @owns the caller, tp_conf_free()
 * @param made_by the command, for the first line */
void tp_conf_begin(struct tp_conf_text *text_out, const char *made_by);

/* Writes KEY ("relays.ses.host"), opening and closing groups: keys of the same
 * group stand together. A NULL or empty VALUE is left out. */
void tp_conf_put(struct tp_conf_text *text, const char *key, const char *value,
	enum tp_conf_kind kind);

/* Closes the groups; then there are the bytes.
 * @return 0, or -1 if something failed */
int tp_conf_end(struct tp_conf_text *text);
void tp_conf_free(struct tp_conf_text *text);

#endif
