/*
 * address.h - strict parser for mail addresses
 *
 * JOB     addr-spec and address-list of RFC 5322 3.4 as found in headers
 *         (groups, comments, quoted local parts, folding, obsolete routes
 *         refused), and Mailbox of RFC 5321 4.1.2 for envelopes.
 *         One pass, linear time. Tolerated in a display name because it
 *         can mean only one thing: dots, brackets, raw bytes >= 0x80 (even
 *         if not UTF-8), and the very address that follows in angle
 *         brackets. The addr-spec itself is always strict.
 * BOUNDS  local part <= 64, domain <= 255, path <= 254 octets (RFC 5321
 *         4.5.3.1, erratum 1690); comments nest <= 8; no C0, DEL, NUL in any
 *         result (a name may hold TAB). List length is the caller's limit.
 *         Refused beyond the grammar: a local part that starts with '-'
 *         (other mailers take it for an option), an empty quoted local
 *         part, a domain that is a bare IPv4 address, and characters that
 *         other software maps to ASCII ones or does not show.
 * LAYER   core; libc only.
 * SOURCES RFC 5321 4.1.2, 4.1.3; RFC 5322 3.2, 3.4; RFC 6531 3.3; RFC 1123 2.1
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_ADDRESS_H
#define TP_CORE_ADDRESS_H

#include "base/err.h"

#include <stddef.h>

#define TP_ADDRESS_MAX_BYTES 254

struct tp_address {
	char *addr;    /* local@domain, canonical quoting, no comments */
	char *name;    /* display name as written but unfolded, RFC 2047 words
			* intact; NULL */
	int non_ascii; /* 1: needs SMTPUTF8 (RFC 6531) */
};

struct tp_address_list {
	struct tp_address *items;
	size_t count;
	size_t cap;
};

#define TP_ADDRESS_LIST_INIT \
	{                    \
		NULL, 0, 0   \
	}

/* Parses a header value (unfolded or folded) and appends to LIST.
 * An empty group ("undisclosed-recipients:;") adds nothing and is no error;
 * nor is an empty element between commas. On failure LIST keeps what came
 * before the error.
 * @param list NULL to check only
 * @param max most addresses LIST may hold, TP_ETOOBIG beyond
 * @param where name of the header, for the error
 * @return 0; TP_EADDRESS with position and reason; TP_ETOOBIG; TP_ENOMEM */
int tp_address_list_parse(const char *value, size_t len, size_t max,
	const char *where, struct tp_address_list *list,
	struct tp_error *err) TP_USE_RESULT;

/* Checks one envelope address as tp_address_check() does and appends its
 * canonical form to LIST.
 * @return 0, TP_EADDRESS, TP_ENOMEM */
int tp_address_list_add(struct tp_address_list *list, const char *addr,
	const char *where, struct tp_error *err) TP_USE_RESULT;

void tp_address_list_free(struct tp_address_list *list);

/* Checks one envelope address (no angle brackets, no name). A null
 * reverse-path "" passes only if ALLOW_NULL.
 * @param canonical_out tp_free() it; may be NULL to check only
 * @return 0, TP_EADDRESS, TP_ENOMEM */
int tp_address_check(const char *addr, int allow_null, const char *where,
	char **canonical_out, int *non_ascii_out,
	struct tp_error *err) TP_USE_RESULT;

/* Same mailbox: local parts compared exactly, domains without case.
 * @return <0, 0, >0: a total order for sorting canonical addresses */
int tp_address_compare(const char *a, const char *b);

/* @return what follows the last '@' of a canonical address */
const char *tp_address_domain(const char *addr);

/* A host name by RFC 1123 2.1 or a bracketed literal, as EHLO takes it. */
int tp_domain_valid(const char *domain, size_t len);

#endif
