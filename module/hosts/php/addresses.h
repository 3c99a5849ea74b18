/*
 * addresses.h - addresses as they stand in arguments of sendmail
 *
 * JOB     One argument may hold several addresses, divided by commas, with
 *         names and comments around them. Reads them as tillpost-sendmail
 *         does, which the tests compare (tests/harness/php/diff.py).
 * LAYER   hosts/php.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_ADDRESSES_H
#define TP_PHP_ADDRESSES_H

#include <php.h>

/* The next address at *AT, without <> and what stands around, which may be
 * empty; *AT moves behind it. @owns the caller
 * @return NULL: there are no more, or (*at is not at the end) what is there
 *         cannot be read */
zend_string *tp_php_address(const char **at);

/* Whether it has a domain: an "@" outside of quotation marks. */
bool tp_php_address_qualified(const char *address);

#endif
