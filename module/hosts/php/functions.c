/*
 * functions.c - the functions that scripts can call
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/functions.h"

#include "php/handle.h"
#include "php/php_tillpost.h"

#include <zend_exceptions.h>

#include <string.h>

/* As names of stores in the configuration are. */
static bool is_store_name(const zend_string *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_-";

	return ZSTR_LEN(name) > 0 && ZSTR_LEN(name) <= TP_PHP_STORE_MAX_BYTES &&
	       strspn(ZSTR_VAL(name), allowed) == ZSTR_LEN(name);
}

ZEND_FUNCTION(tillpost_set_store)
{
	zend_string *store = NULL;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_STR_OR_NULL(store)
	ZEND_PARSE_PARAMETERS_END();
	if (store && !is_store_name(store)) {
		zend_argument_value_error(1,
			"must be the name of a store: 1 to %d letters, "
			"digits, \"_\" and \"-\"",
			TP_PHP_STORE_MAX_BYTES);
		RETURN_THROWS();
	}
	if (TILLPOST_G(request_store))
		zend_string_release(TILLPOST_G(request_store));
	TILLPOST_G(request_store) = store ? zend_string_copy(store) : NULL;
}

ZEND_FUNCTION(tillpost_get_store)
{
	const char *store;

	ZEND_PARSE_PARAMETERS_NONE();
	store = tp_php_explicit_store();
	if (!store)
		RETURN_NULL();
	RETURN_STRING(store);
}

ZEND_FUNCTION(tillpost_last_id)
{
	ZEND_PARSE_PARAMETERS_NONE();
	if (TILLPOST_G(last_id)[0] == '\0')
		RETURN_NULL();
	RETURN_STRING(TILLPOST_G(last_id));
}

static const char *text_or_empty(const char *s)
{
	return s ? s : "";
}

/* CTX is the zval to fill. */
static int32_t fill_status(void *ctx, const struct tillpost_queue_entry *entry)
{
	zval *status = ctx;

	array_init(status);
	add_assoc_string(status, "id", text_or_empty(entry->queue_id));
	add_assoc_string(status, "store", text_or_empty(entry->store));
	add_assoc_string(status, "state", text_or_empty(entry->state));
	add_assoc_string(status, "reason", text_or_empty(entry->reason));
	add_assoc_long(status, "attempts", (zend_long)entry->attempts);
	add_assoc_long(status, "created_ms", (zend_long)entry->created_ms);
	add_assoc_long(status, "next_try_ms", (zend_long)entry->next_try_ms);
	add_assoc_long(status, "expires_ms", (zend_long)entry->expires_ms);
	add_assoc_long(status, "size_bytes", (zend_long)entry->size_bytes);
	return 1;
}

ZEND_FUNCTION(tillpost_status)
{
	struct tillpost_queue_filter filter;
	const struct tillpost_api *api;
	tillpost_handle *handle;
	struct tillpost_error err;
	char *id;
	size_t id_len;
	int32_t rc;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_PATH(id, id_len)
	ZEND_PARSE_PARAMETERS_END();
	(void)id_len;
	RETVAL_FALSE;
	rc = tp_php_open(&api, &handle, &err);
	if (rc >= 0) {
		TILLPOST_INIT(&filter);
		filter.queue_id = id;
		rc = api->queue_list(
			handle, &filter, fill_status, return_value, &err);
		/* That there is no such message is an answer. */
		if (rc == TILLPOST_ENOTFOUND)
			rc = TILLPOST_OK;
	}
	if (rc < 0)
		php_error_docref(NULL, E_WARNING, "%s%s%s", err.where,
			err.where[0] == '\0' ? "" : ": ", err.text);
}
