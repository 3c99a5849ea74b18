/*
 * cmd_run.c - tillpost run: the engine in the foreground
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"

#include "common/report.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sysexits.h>

static const char help[] =
	"Usage: tillpost run [OPTION...]\n"
	"Delivers what is queued, in the foreground. SIGINT and SIGTERM stop "
	"it after\nthe messages in work (a second one at once), SIGHUP reads "
	"the configuration\nagain. Events are written to standard error.\n\n"
	"      --until-empty     end when nothing is waiting any more\n"
	"      --due-only        end when nothing is due now\n"
	"      --max-time DURATION\n"
	"                        end after this time\n"
	"  -v, --verbose         more events\n"
	"  -c, --config FILE     the configuration\n"
	"      --plugin FILE     the tillpost.so to load\n"
	"  -h, --help            this text\n";

static void reload(const struct tp_cli *cli)
{
	struct tillpost_error err;

	TILLPOST_INIT(&err);
	if (cli->plugin.api->reload(cli->handle, &err) < 0)
		tp_report_print(TP_CLI_PROGRAM, &err);
	else
		tp_report(TP_CLI_PROGRAM, "reload", "%s",
			"the configuration was read again");
}

static void wanted_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGHUP);
}

/* After the first request to stop, a second one ends the process at once:
 * that is safe for the queue. */
static void let_stops_kill(void)
{
	sigset_t stops;

	(void)sigemptyset(&stops);
	(void)sigaddset(&stops, SIGINT);
	(void)sigaddset(&stops, SIGTERM);
	(void)pthread_sigmask(SIG_UNBLOCK, &stops, NULL);
}

struct watch {
	const struct tp_cli *cli;
	atomic_int over; /* 1: the next SIGHUP only ends the watcher */
};

/* Takes the signals that are blocked everywhere else. A thread and not a
 * handler, because reload() may not be called from one. */
static void *watch_signals(void *arg)
{
	struct watch *watch = arg;
	const struct tp_cli *cli = watch->cli;
	sigset_t set;
	int signal_number;

	wanted_signals(&set);
	while (sigwait(&set, &signal_number) == 0 &&
		!atomic_load(&watch->over)) {
		if (signal_number == SIGHUP) {
			reload(cli);
			continue;
		}
		cli->plugin.api->stop(cli->handle);
		(void)sigdelset(&set, SIGINT);
		(void)sigdelset(&set, SIGTERM);
		let_stops_kill();
	}
	return NULL;
}

static int run(struct tp_cli *cli, const struct tillpost_run_options *options)
{
	struct watch watch = { .cli = cli };
	struct tillpost_error err;
	pthread_t watcher;
	int32_t status;
	int failed = pthread_create(&watcher, NULL, watch_signals, &watch);

	if (failed) {
		tp_report(TP_CLI_PROGRAM, "",
			"no thread for signals (error %d)", failed);
		return EX_OSERR;
	}
	TILLPOST_INIT(&err);
	status = cli->plugin.api->run(cli->handle, options, &err);
	atomic_store(&watch.over, 1);
	(void)pthread_kill(watcher, SIGHUP);
	(void)pthread_join(watcher, NULL);
	let_stops_kill();
	return status < 0 ? tp_cli_fail(&err) : EX_OK;
}

int tp_cmd_run(struct tp_cli *cli, int argc, char **argv)
{
	struct tillpost_run_options options;
	int until_empty = 0;
	int due_only = 0;
	int verbose = 0;
	const struct tp_arg args[] = {
		{ .name = "until-empty", .flag = &until_empty },
		{ .name = "due-only", .flag = &due_only },
		{ .name = "max-time", .duration_ms = &options.max_ms },
		{ .letter = 'v', .name = "verbose", .flag = &verbose },
	};
	sigset_t set;
	int rc;

	TILLPOST_INIT(&options);
	rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (cli->operand_count > 0)
		return tp_cli_misused(
			"run", cli->operands[0], "not expected here");
	options.flags = (until_empty ? TILLPOST_RUN_UNTIL_EMPTY : 0) |
			(due_only ? TILLPOST_RUN_DUE_ONLY : 0);
	cli->log_level = verbose ? TILLPOST_LOG_DEBUG : TILLPOST_LOG_INFO;
	cli->log_times = 1;
	/* Blocked before any thread is made, so that none inherits them. */
	wanted_signals(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	rc = tp_cli_open(cli, TILLPOST_OPEN_PASSIVE, 0);
	return rc == TP_CLI_GO_ON ? run(cli, &options) : rc;
}
