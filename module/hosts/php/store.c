/*
 * store.c - the store that is named outside of a message
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/store.h"

#include "php/php_tillpost.h"

#include <SAPI.h>
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
static const char *keep(const char *value)
{
	char *copy = TILLPOST_G(environment_store);

	(void)snprintf(copy, sizeof(TILLPOST_G(environment_store)), "%s",
		value ? value : "");
	return tp_php_given(copy);
}

const char *tp_php_server_store(void)
{
	char *value = sapi_getenv(
		TP_PHP_STORE_VARIABLE, sizeof(TP_PHP_STORE_VARIABLE) - 1);
	const char *store = keep(value);

	if (value)
		efree(value);
	return store;
}

const char *tp_php_environment_store(void)
{
	const char *store = tp_php_server_store();

	if (store)
		return store;
	tsrm_env_lock();
	store = keep(getenv(TP_PHP_STORE_VARIABLE));
	tsrm_env_unlock();
	return store;
}

const char *tp_php_known_store(void)
{
	const char *store = tp_php_named_store();

	return store ? store : tp_php_environment_store();
}
