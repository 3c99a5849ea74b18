/*
 * import_bytes.h - texts that may be secrets, and small conversions
 *
 * JOB     Copies, growing texts, and decodings, all of which leave no copy
 *         of a secret behind.
 * LAYER   hosts/cli; libc.
 * THREADS safe.
 * ERRORS  NULL, or -1, if out of memory.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_BYTES_H
#define TP_HOSTS_CLI_IMPORT_BYTES_H

#include <stddef.h>

/* A text that grows. Starts zeroed. */
struct tp_import_bytes {
	char *text; /* NUL-terminated once anything was added */
	size_t len;
	size_t cap;
	int failed; /* 1: out of memory; what is added later is dropped */
};

void tp_import_bytes_add(
	struct tp_import_bytes *bytes, const char *text, size_t len);
void tp_import_bytes_put(struct tp_import_bytes *bytes, const char *text);
void tp_import_bytes_printf(struct tp_import_bytes *bytes, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Keeps the room. */
void tp_import_bytes_clear(struct tp_import_bytes *bytes);
/* Wipes and frees. */
void tp_import_bytes_free(struct tp_import_bytes *bytes);

/* @return a copy of LEN bytes and a NUL */
char *tp_import_copy(const char *text, size_t len);
/* Wipes and frees; NULL-safe. */
void tp_import_wipe(char *text);

/* Canonical base 64: what a decoder and an encoder agree on.
 * @param text_out LEN bytes of room
 * @return how many bytes were decoded, 0 if it is not canonical */
size_t tp_import_base64(const char *text, size_t len, char *text_out);

/* UTF-8 without control characters. */
int tp_import_printable(const char *text, size_t len);

/* &amp; &lt; &gt; &quot; &apos; and numbers below 128, in place. */
void tp_import_entities(char *text);

/* Backslashes away, in place. */
void tp_import_backslashes(char *text);

/* Case of ASCII only, whatever the locale. NULL is "". */
int tp_import_same(const char *a, const char *b);

/* A whole number of at most 9 digits, blanks around it allowed.
 * @return -1 if it is none */
long tp_import_number(const char *text);

/* "1", "yes", "on", "true". */
int tp_import_yes(const char *text);

#endif
