/*
 * address_spec.h - the strict half of the address parser: one addr-spec
 *
 * JOB     Checks a local part and a domain and builds the canonical form in
 *         a fixed buffer. Knows no display names, comments or lists; those
 *         are address.c's, which is the only user.
 * BOUNDS  local part <= 64, domain <= 255, both with '@' <= 254 octets.
 * LAYER   core; libc only.
 * ERRORS  0 or TP_EADDRESS with a fixed English reason in *why_out.
 * SOURCES RFC 5321 4.1.2, 4.1.3, 4.5.3.1; RFC 6531 3.3
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_ADDRESS_SPEC_H
#define TP_CORE_ADDRESS_SPEC_H

#include "core/address.h"

#include <stddef.h>

struct tp_address_spec {
	char text[TP_ADDRESS_MAX_BYTES + 1];
	size_t len;
	int non_ascii;
};

/* @return 1 for the characters of an atom (RFC 5322 3.2.3, RFC 6532 3.2) */
int tp_address_atext(char c);

/* Finds the end of the quoted string at S.
 * @param fold 1: line folds are allowed inside
 * @return the byte after the closing quote; NULL with *why_out */
const char *tp_address_quoted_end(
	const char *s, const char *end, int fold, const char **why_out);

/* Starts SPEC with a local part: a dot-atom, or what
 * tp_address_quoted_end() delimits. */
int tp_address_spec_local(struct tp_address_spec *spec, const char *s,
	size_t len, const char **why_out) TP_USE_RESULT;

/* Completes SPEC with '@' and a domain or a literal in brackets. */
int tp_address_spec_domain(struct tp_address_spec *spec, const char *s,
	size_t len, const char **why_out) TP_USE_RESULT;

#endif
