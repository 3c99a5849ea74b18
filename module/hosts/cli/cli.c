/*
 * cli.c - what the subcommands of tillpost share
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"

#include "common/exit_code.h"
#include "common/report.h"
#include "common/text.h"
#include "common/when.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static void show_log(
	void *ctx, int32_t level, const char *event, const char *text)
{
	const struct tp_cli *cli = ctx;
	char now[TP_WHEN_BYTES];

	if (level > cli->log_level)
		return;
	if (!cli->log_times) {
		tp_report(TP_CLI_PROGRAM, event, "%s", text);
		return;
	}
	tp_when_local(tp_when_now_ms(), now);
	flockfile(stderr);
	(void)fprintf(stderr, "%s ", now);
	tp_text_put(stderr, event);
	(void)fputs(": ", stderr);
	tp_text_put(stderr, text);
	(void)fputc('\n', stderr);
	funlockfile(stderr);
}

int tp_cli_parse(struct tp_cli *cli, const struct tp_arg *args, size_t count,
	const char *help, int argc, char **argv)
{
	const struct tp_arg common[] = {
		{ .letter = 'c', .name = "config", .text = &cli->config_path },
		{ .name = "plugin", .text = &cli->plugin_file },
		{ .letter = 'h', .name = "help", .flag = &cli->help },
	};
	struct tp_arg all[TP_ARGS_MAX];
	struct tillpost_error err;
	int32_t first;

	if (count + TP_COUNT(common) > TP_COUNT(all))
		return EX_SOFTWARE;
	memcpy(all, common, sizeof(common));
	if (count > 0)
		memcpy(all + TP_COUNT(common), args, count * sizeof(*args));
	first = tp_args_parse(
		all, count + TP_COUNT(common), 0, argc, argv, &err);
	if (first < 0)
		return tp_cli_misused(argv[0], err.where, err.text);
	if (cli->help) {
		(void)fputs(help, stdout);
		return EX_OK;
	}
	cli->operands = argv + first;
	cli->operand_count = argc - first;
	return TP_CLI_GO_ON;
}

int tp_cli_load(struct tp_cli *cli, uint64_t capabilities)
{
	struct tillpost_error err;

	TILLPOST_INIT(&cli->host);
	cli->host.ctx = cli;
	cli->host.log = show_log;
	if (tp_plugin_load(cli->plugin_file, TP_PLUGIN_ENVIRONMENT,
		    capabilities, &cli->plugin, &err) >= 0)
		return TP_CLI_GO_ON;
	/* Whatever is wrong with the plugin, the caller's input is not. */
	(void)tp_cli_fail(&err);
	return EX_UNAVAILABLE;
}

int32_t tp_cli_try_open(struct tp_cli *cli, const char *config_path,
	uint32_t flags, struct tillpost_error *err)
{
	struct tillpost_open_options options;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(err);
	options.role = TILLPOST_ROLE_EMBEDDED;
	options.flags = flags;
	options.config_path = config_path;
	options.host = &cli->host;
	return cli->plugin.api->open(&options, &cli->handle, err);
}

int tp_cli_open(struct tp_cli *cli, uint32_t flags, uint64_t capabilities)
{
	struct tillpost_error err;
	int rc = tp_cli_load(cli, capabilities | TILLPOST_CAP_EMBEDDED);

	if (rc != TP_CLI_GO_ON)
		return rc;
	if (tp_cli_try_open(cli, cli->config_path, flags, &err) < 0)
		return tp_cli_fail(&err);
	return TP_CLI_GO_ON;
}

/* The plugin is loaded. */
static int open_submit(struct tp_cli *cli, const char *spool_path)
{
	struct tillpost_open_options options;
	struct tillpost_error err;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&err);
	options.role = TILLPOST_ROLE_SUBMIT;
	options.spool_path = spool_path;
	options.config_path = cli->config_path;
	options.host = &cli->host;
	if (cli->plugin.api->open(&options, &cli->handle, &err) < 0)
		return tp_cli_fail(&err);
	return TP_CLI_GO_ON;
}

int tp_cli_open_submit(
	struct tp_cli *cli, const char *spool_path, uint64_t capabilities)
{
	int rc = tp_cli_load(cli, capabilities | TILLPOST_CAP_SUBMIT);

	return rc == TP_CLI_GO_ON ? open_submit(cli, spool_path) : rc;
}

int tp_cli_open_to_look(struct tp_cli *cli, uint64_t capabilities)
{
	struct tillpost_error err;
	int rc = tp_cli_load(cli, capabilities | TILLPOST_CAP_EMBEDDED);

	if (rc != TP_CLI_GO_ON)
		return rc;
	if (tp_cli_try_open(cli, cli->config_path, TP_CLI_LOOK, &err) >= 0)
		return TP_CLI_GO_ON;
	/* What keeps root out is wrong; others may only be somebody else. */
	if (err.status != TILLPOST_EPERM || geteuid() == 0 ||
		!(cli->plugin.api->capabilities & TILLPOST_CAP_SUBMIT))
		return tp_cli_fail(&err);
	tp_report(TP_CLI_PROGRAM, "queue",
		"not for this user: asking tillpostd what he may see");
	return open_submit(cli, NULL);
}

void tp_cli_close(struct tp_cli *cli)
{
	if (cli->handle)
		cli->plugin.api->close(&cli->handle);
	tp_plugin_unload(&cli->plugin);
}

int tp_cli_fail(const struct tillpost_error *err)
{
	tp_report_print(TP_CLI_PROGRAM, err);
	return tp_exit_code(err->status);
}

int tp_cli_misused(const char *command, const char *where, const char *text)
{
	tp_report(TP_CLI_PROGRAM, where, "%s", text);
	(void)fprintf(stderr, "Try '" TP_CLI_PROGRAM " %s%s--help'.\n", command,
		command[0] ? " " : "");
	return EX_USAGE;
}

const char *tp_cli_verdict_name(int32_t verdict)
{
	static const char *const names[] = {
		[TILLPOST_VERDICT_QUEUED] = "queued",
		[TILLPOST_VERDICT_SENT] = "sent",
		[TILLPOST_VERDICT_DEFERRED] = "deferred",
		[TILLPOST_VERDICT_FAILED] = "failed",
		[TILLPOST_VERDICT_HELD] = "held",
		[TILLPOST_VERDICT_UNKNOWN] = "unknown",
		[TILLPOST_VERDICT_PARTLY] = "partly",
	};

	if (verdict < TILLPOST_VERDICT_QUEUED ||
		verdict > TILLPOST_VERDICT_PARTLY)
		return "?";
	return names[verdict];
}

int tp_cli_test_code(int32_t verdict)
{
	switch (verdict) {
	case TILLPOST_VERDICT_SENT:
		return EX_OK;
	case TILLPOST_VERDICT_QUEUED:
	case TILLPOST_VERDICT_DEFERRED:
	case TILLPOST_VERDICT_UNKNOWN:
		return EX_TEMPFAIL;
	default:
		return EX_UNAVAILABLE;
	}
}
