/*
 * handle.c - the plugin and its handle in this process
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/handle.h"

#include "common/loader.h"
#include "common/report.h"
#include "php/php_tillpost.h"
#include "php/say.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* One per process, not per thread: that is why these are not module globals.
 * Everything is under the lock; a handle, once open, stays until MSHUTDOWN.
 * Nothing under the lock asks PHP for memory: that may end the request. */
static struct {
	pthread_mutex_t lock;
	struct tp_plugin plugin;
	tillpost_handle *handle;
	char config[PATH_MAX]; /* of the handle; "": default */
	char spool[PATH_MAX];
} process = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* What the plugin has to say; in this role it is always our own thread, which
 * is inside the plugin and perhaps has the lock. */
static void plugin_log(
	void *ctx, int32_t level, const char *event, const char *text)
{
	(void)ctx;
	if (level <= TILLPOST_LOG_WARNING)
		tp_php_keep_line(event, text);
}

static const char *text_or_empty(const char *s)
{
	return s ? s : "";
}

/* A web server may give each of its hosts other values of a system setting,
 * but a process has one handle. */
static int32_t check_settings(struct tillpost_error *err)
{
	if (strcmp(process.config, text_or_empty(TILLPOST_G(config))) != 0)
		return tp_report_set(err, TILLPOST_ECONFIG, "tillpost.config",
			"this process already uses \"%s\": it must be the "
			"same for all hosts of a server",
			process.config);
	if (strcmp(process.spool, text_or_empty(TILLPOST_G(spool))) != 0)
		return tp_report_set(err, TILLPOST_ECONFIG, "tillpost.spool",
			"this process already uses \"%s\": it must be the "
			"same for all hosts of a server",
			process.spool);
	return TILLPOST_OK;
}

static int32_t remember_settings(struct tillpost_error *err)
{
	const char *config = text_or_empty(TILLPOST_G(config));
	const char *spool = text_or_empty(TILLPOST_G(spool));

	if (strlen(config) >= PATH_MAX || strlen(spool) >= PATH_MAX)
		return tp_report_set(err, TILLPOST_EINVAL, "tillpost.config",
			"a path is longer than %d bytes", PATH_MAX - 1);
	(void)snprintf(process.config, PATH_MAX, "%s", config);
	(void)snprintf(process.spool, PATH_MAX, "%s", spool);
	return TILLPOST_OK;
}

static int32_t open_handle(struct tillpost_error *err)
{
	struct tillpost_open_options options;
	struct tillpost_host host;
	int32_t rc = remember_settings(err);

	if (rc < 0)
		return rc;
	TILLPOST_INIT(&host);
	host.log = plugin_log;
	TILLPOST_INIT(&options);
	options.role = TILLPOST_ROLE_SUBMIT;
	options.host = &host;
	options.config_path = tp_php_given(TILLPOST_G(config));
	options.spool_path = tp_php_given(TILLPOST_G(spool));
	return process.plugin.api->open(&options, &process.handle, err);
}

static int32_t open_once(struct tillpost_error *err)
{
	int32_t rc = TILLPOST_OK;

	if (process.handle)
		return check_settings(err);
	if (!process.plugin.api)
		rc = tp_plugin_load(tp_php_given(TILLPOST_G(plugin)), 0,
			TILLPOST_CAP_SUBMIT, &process.plugin, err);
	return rc < 0 ? rc : open_handle(err);
}

int32_t tp_php_open(const struct tillpost_api **api_out,
	tillpost_handle **handle_out, struct tillpost_error *err)
{
	int32_t rc;

	TILLPOST_INIT(err);
	(void)pthread_mutex_lock(&process.lock);
	rc = open_once(err);
	*api_out = process.plugin.api;
	*handle_out = process.handle;
	(void)pthread_mutex_unlock(&process.lock);
	tp_php_say_kept();
	return rc;
}

void tp_php_close(void)
{
	(void)pthread_mutex_lock(&process.lock);
	if (process.handle)
		process.plugin.api->close(&process.handle);
	tp_plugin_unload(&process.plugin);
	(void)pthread_mutex_unlock(&process.lock);
}
