/*
 * ehlo.h - what a server says it can do
 *
 * JOB     Turns the lines of a 250 reply to EHLO into typed values. Unknown
 *         and malformed keywords are passed over. Pure.
 * LAYER   core; libc only.
 * BOUNDS  at most TP_EHLO_KEYWORDS_MAX keywords; TP_EPROTO beyond.
 * SOURCES RFC 5321 4.1.1.1, 1870 (SIZE), 4954 (AUTH), 3207, 6152, 6531, 2920.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_EHLO_H
#define TP_CORE_EHLO_H

#include "base/err.h"
#include "core/config.h"

#include <stddef.h>
#include <stdint.h>

#define TP_EHLO_KEYWORDS_MAX 100
/* The bit of one enum tp_auth_mode in auth_mask. */
#define TP_EHLO_AUTH(mode) (1u << (unsigned int)(mode))

struct tp_ehlo {
	unsigned int auth_mask; /* mechanisms that tillpost knows */
	char auth_offered[256]; /* all of them, as announced; for messages */
	int64_t size_max_bytes; /* 0: unknown or unlimited */
	int eight_bit_mime;
	int smtputf8;
	int pipelining;
	int starttls;
};

/* @param lines lines without reply code, '\n' between them; the first is the
 *        server's name
 * @return 0, or TP_EPROTO */
int tp_ehlo_parse(const char *lines, size_t len, struct tp_ehlo *ehlo_out,
	struct tp_error *err) TP_USE_RESULT;

#endif
