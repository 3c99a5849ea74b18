/*
 * text.h - small text helpers that know no mail
 *
 * LAYER   base; libc only. Independent of the locale: ASCII rules.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_TEXT_H
#define TP_BASE_TEXT_H

#include "buf.h"

#include <stddef.h>
#include <stdint.h>

int tp_ascii_lower(int c);
/* As strcasecmp/strncasecmp, for ASCII, whatever the locale. */
int tp_strcasecmp(const char *a, const char *b);
int tp_strncasecmp(const char *a, const char *b, size_t len);
/* NULL-safe equality. */
int tp_streq(const char *a, const char *b);

/* @return the length (1-4) of the valid UTF-8 sequence at S, or 0 */
size_t tp_utf8_sequence(const char *s, size_t len);
/* @return 1 if all LEN bytes are valid UTF-8 (RFC 3629) */
int tp_utf8_valid(const char *s, size_t len);

/* Appends S so that one value stays on one line and is valid UTF-8: C0, DEL,
 * C1, U+2028/9, backslash and invalid bytes become \xNN; "..." after
 * MAX_BYTES of output.
 * @return 0, TP_ENOMEM, TP_ETOOBIG */
int tp_text_escape(
	struct tp_buf *out, const char *s, size_t len, size_t max_bytes);

/* "250ms", "30s", "5m", "2h", "5d", "1w", "90" (no unit: UNIT_MS).
 * @return 0 or TP_EINVAL; *ms_out >= 0 */
int tp_parse_duration(const char *s, int64_t unit_ms, int64_t *ms_out);
/* "100", "64k", "25M", "2G" (powers of 1024). */
int tp_parse_size(const char *s, int64_t *bytes_out);
/* The shortest exact spelling, e.g. "5d"; OUT has 32 bytes. */
void tp_format_duration(int64_t ms, char *out);
void tp_format_size(int64_t bytes, char *out);

#endif
