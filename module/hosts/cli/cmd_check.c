/*
 * cmd_check.c - tillpost check: the configuration and the files it names
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"
#include "cli/json.h"

#include "common/text.h"

#include <stdio.h>
#include <sysexits.h>

static const char help[] =
	"Usage: tillpost check [OPTION...]\n"
	"Checks the configuration and the files it names. Each finding is one "
	"line;\nthe exit code is 0 if none of them is an error.\n\n"
	"  -c, --config FILE  the configuration to check\n"
	"      --json         one object per finding\n"
	"      --plugin FILE  the tillpost.so to load\n"
	"  -h, --help         this text\n";

struct report {
	int json;
	int errors;
	int warnings;
	int32_t rc;
	struct tillpost_error err;
};

static void print_text(
	const struct tillpost_finding *finding, const char *level)
{
	if (finding->where && finding->where[0]) {
		tp_text_put(stdout, finding->where);
		(void)fputs(": ", stdout);
	}
	(void)printf("%s: ", level);
	tp_text_put(stdout, finding->text);
	(void)fputc('\n', stdout);
}

static int32_t print_json(const struct tillpost_finding *finding,
	const char *level, struct tillpost_error *err)
{
	struct tp_json *json = tp_json_new();

	tp_json_text(json, "level", level);
	tp_json_text(json, "where", finding->where);
	tp_json_text(json, "text", finding->text);
	return tp_json_print(&json, stdout, err);
}

static int32_t show_finding(void *ctx, const struct tillpost_finding *finding)
{
	struct report *report = ctx;
	int is_error = finding->level <= TILLPOST_LOG_ERROR;
	const char *level = is_error ? "error" : "warning";

	report->errors += is_error;
	report->warnings += !is_error;
	if (report->json)
		report->rc = print_json(finding, level, &report->err);
	else
		print_text(finding, level);
	return report->rc;
}

int tp_cmd_check(struct tp_cli *cli, int argc, char **argv)
{
	const struct tp_arg args[] = {
		{ .name = "json", .flag = &cli->json },
	};
	struct report report = { .json = 0 };
	struct tillpost_error err;
	int32_t found;
	int rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);

	if (rc != TP_CLI_GO_ON)
		return rc;
	if (cli->operand_count > 0)
		return tp_cli_misused("check", cli->operands[0],
			"not expected here; use -c FILE");
	rc = tp_cli_load(cli, 0);
	if (rc != TP_CLI_GO_ON)
		return rc;
	report.json = cli->json;
	TILLPOST_INIT(&err);
	found = cli->plugin.api->check(
		cli->config_path, &cli->host, show_finding, &report, &err);
	if (report.rc < 0)
		return tp_cli_fail(&report.err);
	/* A failure that was shown as a finding is not shown again. */
	if (found < 0 && report.errors == 0)
		return tp_cli_fail(&err);
	if (!cli->json)
		(void)printf("%d %s, %d %s\n", report.errors,
			report.errors == 1 ? "error" : "errors",
			report.warnings,
			report.warnings == 1 ? "warning" : "warnings");
	return found != 0 || report.errors > 0 ? EX_CONFIG : EX_OK;
}
