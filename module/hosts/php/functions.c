/*
 * functions.c - the functions that scripts can call
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/functions.h"

#include "common/report.h"
#include "php/handle.h"
#include "php/php_tillpost.h"
#include "php/say.h"
#include "php/store.h"

#include <zend_exceptions.h>

#include <stdio.h>

ZEND_FUNCTION(tillpost_set_store)
{
	zend_string *store = NULL;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_STR_OR_NULL(store)
	ZEND_PARSE_PARAMETERS_END();
	if (store && !tp_php_is_store_name(store)) {
		zend_argument_value_error(1,
			"must be the name of a store: 1 to %d letters, "
			"digits, \"_\" and \"-\"",
			TP_PHP_STORE_MAX_BYTES);
		RETURN_THROWS();
	}
	if (TILLPOST_G(request_store))
		RETVAL_STR(TILLPOST_G(request_store));
	TILLPOST_G(request_store) = store ? zend_string_copy(store) : NULL;
}

ZEND_FUNCTION(tillpost_get_store)
{
	const char *store;

	ZEND_PARSE_PARAMETERS_NONE();
	store = tp_php_known_store();
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

/* What is kept of a queue entry: while the plugin shows it, nothing is asked of
 * PHP, which may end the request and jump out of the plugin. */
struct shown {
	bool found;
	char id[32];
	char store[TP_PHP_STORE_MAX_BYTES + 1];
	char state[32];
	char reason[512];
	int32_t attempts;
	int64_t created_ms;
	int64_t next_try_ms;
	int64_t expires_ms;
	int64_t size_bytes;
};

static void copy(char *out, size_t bytes, const char *text)
{
	(void)snprintf(out, bytes, "%s", text ? text : "");
}

/* CTX is the struct shown. */
static int32_t keep_entry(void *ctx, const struct tillpost_queue_entry *entry)
{
	struct shown *shown = ctx;

	shown->found = true;
	copy(shown->id, sizeof(shown->id), entry->queue_id);
	copy(shown->store, sizeof(shown->store), entry->store);
	copy(shown->state, sizeof(shown->state), entry->state);
	copy(shown->reason, sizeof(shown->reason), entry->reason);
	shown->attempts = entry->attempts;
	shown->created_ms = entry->created_ms;
	shown->next_try_ms = entry->next_try_ms;
	shown->expires_ms = entry->expires_ms;
	shown->size_bytes = entry->size_bytes;
	return 1;
}

static void fill_status(zval *status, const struct shown *shown)
{
	array_init(status);
	add_assoc_string(status, "id", shown->id);
	add_assoc_string(status, "store", shown->store);
	add_assoc_string(status, "state", shown->state);
	add_assoc_string(status, "reason", shown->reason);
	add_assoc_long(status, "attempts", (zend_long)shown->attempts);
	add_assoc_long(status, "created_ms", (zend_long)shown->created_ms);
	add_assoc_long(status, "next_try_ms", (zend_long)shown->next_try_ms);
	add_assoc_long(status, "expires_ms", (zend_long)shown->expires_ms);
	add_assoc_long(status, "size_bytes", (zend_long)shown->size_bytes);
}

ZEND_FUNCTION(tillpost_status)
{
	struct shown shown = { .found = false };
	struct tillpost_queue_filter filter;
	const struct tillpost_api *api;
	tillpost_handle *handle;
	struct tillpost_error err;
	char *id;
	size_t id_len;
	char line[TP_REPORT_LINE_BYTES];
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
		rc = api->queue_list(handle, &filter, keep_entry, &shown, &err);
		tp_php_say_kept();
		/* That there is no such message is an answer. */
		if (rc == TILLPOST_ENOTFOUND)
			rc = TILLPOST_OK;
	}
	if (shown.found)
		fill_status(return_value, &shown);
	if (rc < 0)
		php_error_docref(NULL, E_WARNING, "%s",
			tp_report_line(&err, line, sizeof(line)));
}
