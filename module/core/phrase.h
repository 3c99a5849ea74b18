/*
 * phrase.h - writes a display name and an address into a header
 *
 * JOB     The headers that tillpost makes itself are strict: a display name
 *         that is no RFC 5322 phrase is quoted, raw UTF-8 becomes RFC 2047
 *         encoded-words, long lines are folded at white space.
 * LAYER   core; libc only.
 * THREADS safe.
 * SOURCES RFC 5322 2.2.3, 3.2.5; RFC 2047 2, 4.2, 5 (3)
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_PHRASE_H
#define TP_CORE_PHRASE_H

#include "base/buf.h"

/* Appends "HEADER: NAME <ADDR>" CRLF, or "HEADER: ADDR" CRLF without a name.
 * Reading the result gives the same address and, decoded, the same name.
 * @param name as tp_address_list_parse() gives it; NULL or "": none
 * @return 0, TP_ENOMEM, TP_ETOOBIG */
int tp_phrase_mailbox_add(struct tp_buf *out, const char *header,
	const char *name, const char *addr) TP_USE_RESULT;

#endif
