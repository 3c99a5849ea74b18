/*
 * server.c - what the web server says of the request
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/server.h"

#include <SAPI.h>

#include <string.h>

/* A script may have set $_SERVER[NAME] itself (Magento's index.php does), so
 * that comes first. */
static zend_string *from_server_array(const char *name)
{
	zend_string *server = ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_SERVER);
	zval *found;

	(void)zend_is_auto_global(server);
	found = zend_hash_find_ind(&EG(symbol_table), server);
	if (!found)
		return NULL;
	ZVAL_DEREF(found);
	if (Z_TYPE_P(found) != IS_ARRAY)
		return NULL;
	found = zend_hash_str_find(Z_ARRVAL_P(found), name, strlen(name));
	if (!found)
		return NULL;
	ZVAL_DEREF(found);
	return Z_TYPE_P(found) == IS_STRING ? zend_string_copy(Z_STR_P(found))
					    : NULL;
}

zend_string *tp_php_server_variable(const char *name)
{
	zend_string *value = from_server_array(name);
	char *from_sapi;

	/* Once the script is over, its variables may be gone. */
	if (!value && (from_sapi = sapi_getenv(name, strlen(name))) != NULL) {
		value = zend_string_init(from_sapi, strlen(from_sapi), 0);
		efree(from_sapi);
	}
	if (value && (ZSTR_LEN(value) == 0 ||
			     strlen(ZSTR_VAL(value)) != ZSTR_LEN(value))) {
		zend_string_release(value);
		value = NULL;
	}
	return value;
}
