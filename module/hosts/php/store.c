/*
 * store.c - the store that is named outside of a message
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/store.h"

#include "php/php_tillpost.h"

#include <TSRM.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tp_php_is_store_name(const zend_string *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_-";

	return ZSTR_LEN(name) > 0 && ZSTR_LEN(name) <= TP_PHP_STORE_MAX_BYTES &&
	       strspn(ZSTR_VAL(name), allowed) == ZSTR_LEN(name);
}

const char *tp_php_named_store(void)
{
	if (TILLPOST_G(request_store))
		return ZSTR_VAL(TILLPOST_G(request_store));
	return tp_php_given(TILLPOST_G(store));
}

/* A longer value is kept one byte longer than a name may be, so that it is
 * not taken for another store's. */
const char *tp_php_environment_store(void)
{
	char *copy = TILLPOST_G(environment_store);
	const char *value;

	tsrm_env_lock();
	value = getenv(TP_PHP_STORE_VARIABLE);
	(void)snprintf(copy, sizeof(TILLPOST_G(environment_store)), "%s",
		value ? value : "");
	tsrm_env_unlock();
	return tp_php_given(copy);
}
