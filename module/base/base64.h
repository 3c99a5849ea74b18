/*
 * base64.h - base 64 with padding
 *
 * JOB     What SMTP AUTH carries: standard alphabet, padding, no line breaks.
 * LAYER   base; libc only.
 * ERRORS  TP_EINVAL for anything outside the strict form, and the errors of
 *         tp_buf. After a failure the buffer holds what it held before.
 * SOURCES RFC 4648 section 4, RFC 4954 section 4.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_BASE64_H
#define TP_BASE_BASE64_H

#include "base/buf.h"

#include <stddef.h>

/* How many characters encode LEN bytes (LEN below SIZE_MAX / 2). */
size_t tp_base64_chars(size_t len);

/* Appends the encoding of LEN bytes. Grows OUT at most once and before the
 * first character is written, so no copy of a secret is left behind. */
int tp_base64_encode(
	struct tp_buf *out, const void *data, size_t len) TP_USE_RESULT;

/* Appends the bytes that TEXT encodes. Missing padding, stray bits in the last
 * character, white space and any other character are TP_EINVAL. */
int tp_base64_decode(
	struct tp_buf *out, const char *text, size_t len) TP_USE_RESULT;

#endif
