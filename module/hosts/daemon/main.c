/*
 * main.c - tillpostd: takes the spool in and delivers
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* pthread_clockjoin_np */

#include "common/args.h"
#include "common/report.h"
#include "common/text.h"
#include "daemon/process.h"
#include "daemon/serve.h"
#include "daemon/signals.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "tillpostd"
#define DEFAULT_CONFIG "/etc/tillpost/tillpost.conf"
#define DEFAULT_STOP_TIMEOUT_MS 25000
#define LAST_LINE_S 1

static const char help[] =
	"Usage: tillpostd [OPTION...]\n"
	"Takes mail from the spool into the queue and delivers it, in the "
	"foreground.\nSIGTERM stops it (twice: at once), SIGHUP reads the "
	"configuration again,\nSIGUSR1 writes the status to the log.\n\n"
	"  -c, --config FILE     the configuration (default " DEFAULT_CONFIG
	")\n"
	"      --check           check the configuration and end\n"
	"      --log json|text   form of the log on standard error (default "
	"json, text\n                        on a terminal)\n"
	"      --log-level error|warning|info|debug\n"
	"                        the least that is logged (default info)\n"
	"      --stop-timeout DURATION\n"
	"                        most time between SIGTERM and the end "
	"(default 25s)\n"
	"      --plugin FILE     the tillpost.so to load\n"
	"  -V, --version         the versions of daemon and plugin\n"
	"  -h, --help            this text\n"
	"\nSee tillpostd(8).\n";

struct options {
	const char *config_path;
	const char *plugin_file;
	const char *log_form;
	const char *log_level;
	int64_t stop_timeout_ms;
	int check;
	int version;
	int help;
};

/* ---- options ------------------------------------------------------------ */

static int misused(const char *where, const char *text)
{
	tp_report(PROGRAM, where, "%s", text);
	(void)fputs("Try '" PROGRAM " --help'.\n", stderr);
	return EX_USAGE;
}

static int read_options(struct options *options, int argc, char **argv)
{
	const struct tp_arg args[] = {
		{ .letter = 'c',
			.name = "config",
			.text = &options->config_path },
		{ .name = "plugin", .text = &options->plugin_file },
		{ .name = "log", .text = &options->log_form },
		{ .name = "log-level", .text = &options->log_level },
		{ .name = "stop-timeout",
			.duration_ms = &options->stop_timeout_ms },
		{ .name = "check", .flag = &options->check },
		{ .letter = 'V', .name = "version", .flag = &options->version },
		{ .letter = 'h', .name = "help", .flag = &options->help },
	};
	struct tillpost_error err;
	int32_t first = tp_args_parse(
		args, sizeof(args) / sizeof(args[0]), 0, argc, argv, &err);

	if (first < 0)
		return misused(err.where, err.text);
	if (first < argc)
		return misused(argv[first], "not expected here; use -c FILE");
	if (options->log_form && strcmp(options->log_form, "json") != 0 &&
		strcmp(options->log_form, "text") != 0)
		return misused("--log", "must be json or text");
	if (options->log_level && tp_log_level(options->log_level) < 0)
		return misused(
			"--log-level", "must be error, warning, info or debug");
	return EX_OK;
}

static void open_log(struct tp_log *log, const struct options *options)
{
	enum tp_log_form form = TP_LOG_JSON;

	if (options->log_form ? strcmp(options->log_form, "text") == 0
			      : isatty(STDERR_FILENO))
		form = TP_LOG_TEXT;
	tp_log_open(log, form,
		options->log_level ? tp_log_level(options->log_level)
				   : TILLPOST_LOG_INFO);
}

/* ---- the short jobs ----------------------------------------------------- */

static int print_version(const struct tp_daemon *daemon)
{
	(void)printf(PROGRAM " " TILLPOST_VERSION ", plugin %s (interface "
			     "%d.%u)\n",
		daemon->plugin.api->version, TILLPOST_ABI_MAJOR,
		(unsigned int)daemon->plugin.api->abi_minor);
	return EX_OK;
}

static int32_t print_finding(void *ctx, const struct tillpost_finding *finding)
{
	int *count = ctx;

	(*count)++;
	tp_text_put(stdout, finding->where);
	(void)printf(": %s: ",
		finding->level <= TILLPOST_LOG_ERROR ? "error" : "warning");
	tp_text_put(stdout, finding->text);
	(void)fputc('\n', stdout);
	return 0;
}

static int check(const struct tp_daemon *daemon)
{
	struct tillpost_error err;
	int count = 0;
	int32_t found;

	TILLPOST_INIT(&err);
	found = daemon->plugin.api->check(daemon->config_path, &daemon->host,
		print_finding, &count, &err);
	/* What was shown as a finding is not shown again. */
	if (found < 0 && count == 0)
		tp_report_print(PROGRAM, &err);
	return found != 0 ? EX_CONFIG : EX_OK;
}

/* ---- the long one ------------------------------------------------------- */

static void *say_too_late(void *ctx)
{
	tp_log_event(ctx, TILLPOST_LOG_WARNING, "stop-timeout",
		"deliveries did not end in time and were cut off; they are "
		"taken up at the next start");
	return NULL;
}

/* Time is up. What the deliveries were doing is known from the queue: the
 * next start takes it up. It may be the log that hangs, on a file system that
 * does not answer, so it is not waited for long. */
static void too_late(void *ctx)
{
	struct timespec until;
	pthread_t thread;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LAST_LINE_S;
	if (pthread_create(&thread, NULL, say_too_late, ctx) == 0)
		(void)pthread_clockjoin_np(
			thread, NULL, CLOCK_MONOTONIC, &until);
	_exit(EX_TEMPFAIL);
}

static int serve(struct tp_daemon *daemon, const struct options *options)
{
	struct tillpost_error err;
	int code;

	open_log(&daemon->log, options);
	daemon->host.ctx = &daemon->log;
	daemon->host.log = tp_log_event;
	if (tp_signals_install(options->stop_timeout_ms, too_late, &daemon->log,
		    &err) < 0) {
		tp_log(&daemon->log, TILLPOST_LOG_ERROR, "start-failed", "%s",
			err.text);
		code = EX_OSERR;
	} else {
		code = tp_serve(daemon);
	}
	tp_log_close(&daemon->log);
	return code;
}

static int prepare(struct tp_daemon *daemon, const struct options *options,
	char **config_out)
{
	struct tillpost_error err;
	const char *config =
		options->config_path ? options->config_path : DEFAULT_CONFIG;

	TILLPOST_INIT(&daemon->host);
	*config_out = NULL;
	if (tp_process_descriptors(&err) < 0 || tp_process_protect(&err) < 0)
		goto failed;
	if (tp_plugin_load(options->plugin_file, TP_PLUGIN_ENVIRONMENT,
		    TILLPOST_CAP_EMBEDDED | TILLPOST_CAP_INTAKE,
		    &daemon->plugin, &err) < 0) {
		tp_report_print(PROGRAM, &err);
		return EX_UNAVAILABLE;
	}
	*config_out = tp_process_absolute(config, &err);
	if (!*config_out || tp_process_leave_directory(&err) < 0)
		goto failed;
	daemon->config_path = *config_out;
	return EX_OK;
failed:
	tp_report_print(PROGRAM, &err);
	return EX_OSERR;
}

int main(int argc, char **argv)
{
	struct options options = { .stop_timeout_ms = DEFAULT_STOP_TIMEOUT_MS };
	struct tp_daemon daemon = { .handle = NULL };
	char *config = NULL;
	int code = read_options(&options, argc, argv);

	if (code != EX_OK)
		return code;
	if (options.help) {
		(void)fputs(help, stdout);
		return EX_OK;
	}
	code = prepare(&daemon, &options, &config);
	if (code == EX_OK && options.version)
		code = print_version(&daemon);
	else if (code == EX_OK && options.check)
		code = check(&daemon);
	else if (code == EX_OK)
		code = serve(&daemon, &options);
	tp_plugin_unload(&daemon.plugin);
	free(config);
	if (fflush(stdout) != 0 && code == EX_OK)
		code = EX_IOERR;
	return code;
}
