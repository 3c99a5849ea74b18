/*
 * submit.c - the plugin, its handle, one submission
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/submit.h"

#include "php/handle.h"
#include "common/report.h"
#include "php/php_tillpost.h"
#include "php/say.h"
#include "php/store.h"

#include <stdio.h>
#include <string.h>

static const char *value_or_null(const zend_string *s)
{
	return s ? ZSTR_VAL(s) : NULL;
}

static int32_t submit_once(const struct tillpost_message *message, bool reload,
	struct tillpost_error *err)
{
	const struct tillpost_api *api;
	struct tillpost_receipt receipt;
	tillpost_handle *handle;
	int32_t rc = tp_php_open(&api, &handle, err);

	if (rc < 0)
		return rc;
	/* If it cannot be read the handle goes on with what it has. */
	if (reload)
		(void)api->reload(handle, NULL);
	TILLPOST_INIT(&receipt);
	rc = api->submit(handle, message, &receipt, err);
	if (rc >= 0)
		(void)snprintf(TILLPOST_G(last_id), sizeof(TILLPOST_G(last_id)),
			"%s", receipt.queue_id);
	tp_php_say_kept();
	return rc;
}

/* Whether the store is to blame: there is none of that name, or this user may
 * not use it. To send such a message in another way could show it to the
 * wrong relay. What the spool or the configuration file forbid is told with
 * their paths. */
static bool is_about_store(int32_t rc, const struct tillpost_error *err)
{
	if (rc == TILLPOST_ENOTFOUND)
		return strcmp(err->where, "store") == 0;
	return rc == TILLPOST_EPERM && strchr(err->where, '/') == NULL;
}

static void fill_message(struct tillpost_message *message,
	const struct tp_php_envelope *envelope)
{
	TILLPOST_INIT(message);
	message->flags = TILLPOST_SUBMIT_HEADER_RECIPIENTS;
	message->sender = value_or_null(envelope->sender);
	message->recipients = envelope->recipients;
	message->recipient_count = envelope->recipient_count;
	message->store = tp_php_named_store();
	if (!message->store)
		message->store = value_or_null(envelope->store);
	if (!message->store)
		message->store = tp_php_environment_store();
	message->run_code = value_or_null(envelope->run_code);
	message->http_host = value_or_null(envelope->http_host);
}

static enum tp_php_verdict verdict_of(
	int32_t rc, const struct tillpost_error *err)
{
	if (rc >= 0)
		return TP_PHP_ACCEPTED;
	if (rc == TILLPOST_EUNCERTAIN)
		return TP_PHP_UNCERTAIN;
	return is_about_store(rc, err) ? TP_PHP_REFUSED : TP_PHP_NOT_TAKEN;
}

enum tp_php_verdict tp_php_submit(const char *text, size_t len,
	const struct tp_php_envelope *envelope, struct tillpost_error *err)
{
	struct tillpost_message message;
	int32_t rc;

	if (envelope->unclear) {
		(void)tp_report_set(
			err, TILLPOST_EINVAL, "", "%s", envelope->unclear);
		return TP_PHP_NOT_TAKEN;
	}
	fill_message(&message, envelope);
	message.data = text;
	message.data_bytes = len;
	rc = submit_once(&message, false, err);
	/* The plugin looks for a new configuration once a second only. */
	if (rc < 0 && is_about_store(rc, err))
		rc = submit_once(&message, true, err);
	return verdict_of(rc, err);
}
