/*
 * serve.c - the life of the daemon between its options and its end
 *
 * SPDX-License-Identifier: MIT
 */
#include "daemon/serve.h"

#include "common/exit_code.h"
#include "daemon/signals.h"
#include "daemon/status.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* @return the exit code for ERR, which is now in the log */
static int log_error(struct tp_daemon *daemon, const char *event,
	const struct tillpost_error *err)
{
	if (err->where[0] != '\0')
		tp_log(&daemon->log, TILLPOST_LOG_ERROR, event, "%s: %s",
			err->where, err->text);
	else
		tp_log(&daemon->log, TILLPOST_LOG_ERROR, event, "%s",
			err->text);
	return tp_exit_code(err->status);
}

/* ---- open --------------------------------------------------------------- */

static int32_t take_value(void *ctx, const struct tillpost_value *value)
{
	(void)snprintf(ctx, TP_NOTIFY_TEXT_BYTES, "%s", value->value);
	return 0;
}

/* Replies of servers are parsed in this process: it should not be root's. */
static void warn_of_root(struct tp_daemon *daemon)
{
	char spool[TP_NOTIFY_TEXT_BYTES] = "";
	struct stat st;

	if (geteuid() != 0 ||
		daemon->plugin.api->settings_get(daemon->handle, "spool.path",
			take_value, spool, NULL) < 0 ||
		stat(spool, &st) < 0 || st.st_uid == 0)
		return;
	tp_log(&daemon->log, TILLPOST_LOG_WARNING, "root",
		"runs as root although %s belongs to user %lu: start it as "
		"that user (User= in the unit, or setpriv --reuid=%lu "
		"--regid=%lu --clear-groups)",
		spool, (unsigned long)st.st_uid, (unsigned long)st.st_uid,
		(unsigned long)st.st_gid);
}

static int32_t open_handle(struct tp_daemon *daemon, struct tillpost_error *err)
{
	struct tillpost_open_options options;

	TILLPOST_INIT(err);
	TILLPOST_INIT(&options);
	options.role = TILLPOST_ROLE_EMBEDDED;
	/* Not passive: delivery goes on while run() is left to read the
	 * configuration or to tell the watchdog. */
	options.flags = TILLPOST_OPEN_INTAKE;
	options.config_path = daemon->config_path;
	options.host = &daemon->host;
	return daemon->plugin.api->open(&options, &daemon->handle, err);
}

/* ---- what signals and time ask for -------------------------------------- */

static void reload(struct tp_daemon *daemon)
{
	struct tillpost_error err;

	TILLPOST_INIT(&err);
	tp_notify_reloading(&daemon->notify);
	if (daemon->plugin.api->reload(daemon->handle, &err) < 0)
		(void)log_error(daemon, "reload-failed", &err);
	else
		tp_log(&daemon->log, TILLPOST_LOG_INFO, "reloaded",
			"the configuration was read again");
	/* Either way there is a configuration that works. */
	tp_notify_ready(&daemon->notify);
}

static void report_status(struct tp_daemon *daemon)
{
	struct tillpost_error err;
	char line[TP_STATUS_BYTES];

	TILLPOST_INIT(&err);
	if (tp_status_line(daemon->plugin.api, daemon->handle, line, &err) < 0)
		(void)log_error(daemon, "status-failed", &err);
	else
		tp_log(&daemon->log, TILLPOST_LOG_INFO, "status", "%s", line);
}

/* A sign of life is given only after queue and spool have answered, and if the
 * thread that takes the spool in is at work. Were one of them stuck, the
 * service manager would end the process. */
static void show_life(struct tp_daemon *daemon)
{
	struct tillpost_error err;
	char line[TP_STATUS_BYTES];

	TILLPOST_INIT(&err);
	if (!daemon->notify.listening && daemon->notify.watchdog_ms == 0)
		return;
	if (tp_status_line(daemon->plugin.api, daemon->handle, line, &err) <
		0) {
		if (!daemon->ailing)
			(void)log_error(daemon, "status-failed", &err);
		daemon->ailing = 1;
		tp_notify_status(&daemon->notify, err.text);
		return;
	}
	daemon->ailing = 0;
	tp_notify_status(&daemon->notify, line);
	tp_notify_alive(&daemon->notify);
}

static void attend(struct tp_daemon *daemon)
{
	if (tp_signals_take_reload())
		reload(daemon);
	if (tp_signals_take_status())
		report_status(daemon);
	show_life(daemon);
}

/* ---- start, wait, stop -------------------------------------------------- */

static int wait_for_stop(struct tp_daemon *daemon)
{
	struct tillpost_run_options options;
	struct tillpost_error err;

	TILLPOST_INIT(&options);
	options.max_ms = tp_notify_slice_ms(&daemon->notify);
	/* A signal that comes between a look and run() makes run() return at
	 * once. */
	while (!tp_signals_stop()) {
		attend(daemon);
		TILLPOST_INIT(&err);
		if (!tp_signals_stop() &&
			daemon->plugin.api->run(
				daemon->handle, &options, &err) < 0)
			return log_error(daemon, "failed", &err);
	}
	return EX_OK;
}

static void stop(struct tp_daemon *daemon)
{
	int number = tp_signals_stop();

	tp_notify_stopping(&daemon->notify);
	if (number)
		tp_log(&daemon->log, TILLPOST_LOG_INFO, "stopping",
			"%s: deliveries in work are finished or given up",
			strsignal(number));
	tp_signals_target(NULL, NULL);
	daemon->plugin.api->close(&daemon->handle);
	tp_signals_in_time();
	tp_log(&daemon->log, TILLPOST_LOG_INFO, "stopped",
		"all that waits is on the disk");
}

int tp_serve(struct tp_daemon *daemon)
{
	struct tillpost_error err;
	int code;

	tp_notify_open(&daemon->notify);
	if (open_handle(daemon, &err) < 0)
		return log_error(daemon, "start-failed", &err);
	tp_signals_target(daemon->plugin.api, daemon->handle);
	warn_of_root(daemon);
	tp_log(&daemon->log, TILLPOST_LOG_INFO, "started",
		"tillpostd " TILLPOST_VERSION ", plugin %s, %s",
		daemon->plugin.api->version, daemon->config_path);
	tp_notify_ready(&daemon->notify);
	code = wait_for_stop(daemon);
	stop(daemon);
	return code;
}
