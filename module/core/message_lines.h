/*
 * message_lines.h - every line end becomes CRLF
 *
 * JOB     LF becomes CRLF, CR that no LF follows becomes CRLF, CRLF stays,
 *         and a last line without an end gets one. First measure, then copy:
 *         one allocation of the right size, and one memcpy if nothing is to
 *         be changed.
 * LAYER   core; libc only. Used by message*.c.
 * THREADS safe.
 * BOUNDS  linear; the result is at most twice the input plus one.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_MESSAGE_LINES_H
#define TP_CORE_MESSAGE_LINES_H

#include <stddef.h>

struct tp_message_lines {
	size_t out_len;	     /* bytes after normalisation */
	size_t longest_line; /* octets without the line end */
	int eight_bit;	     /* there are bytes >= 0x80 */
	int nul;	     /* there are NUL bytes */
};

void tp_message_lines_measure(
	const char *data, size_t len, struct tp_message_lines *lines_out);

/* OUT has room for the out_len bytes that tp_message_lines_measure() found. */
void tp_message_lines_copy(const struct tp_message_lines *lines,
	const char *data, size_t len, char *out);

#endif
