/*
 * cmd_test.c - tillpost test: a real mail through the real path
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"
#include "cli/json.h"

#include "common/text.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
	"Usage: tillpost test --to ADDRESS [OPTION...]\n"
	"Sends a real mail through the relay of a store, with each step "
	"shown.\n\n"
	"      --to ADDRESS      who gets it\n"
	"  -s, --store STORE     the store (default \"default\")\n"
	"      --wait DURATION   wait at most this long (default 30s)\n"
	"      --json            one object per step, then one for the result\n"
	"  -c, --config FILE     the configuration\n"
	"      --plugin FILE     the tillpost.so to load\n"
	"  -h, --help            this text\n";

struct steps {
	int json;
	int32_t rc; /* first failure inside the callback */
	struct tillpost_error err;
};

static void print_step(const struct tillpost_step *step)
{
	(void)printf("%-6s  %-9s  %9.1f ms  ",
		step->status >= 0 ? "ok" : "failed", step->step,
		(double)step->duration_us / 1000.0);
	tp_text_put(stdout, step->text);
	(void)fputc('\n', stdout);
	/* Each step is seen when it is over, not when all are. */
	(void)fflush(stdout);
}

static int32_t show_step(void *ctx, const struct tillpost_step *step)
{
	struct steps *steps = ctx;
	struct tp_json *json;

	if (!steps->json) {
		print_step(step);
		return 0;
	}
	json = tp_json_new();
	tp_json_text(json, "step", step->step);
	tp_json_bool(json, "ok", step->status >= 0);
	tp_json_number(json, "status", step->status);
	tp_json_number(json, "duration_us", step->duration_us);
	tp_json_text(json, "text", step->text);
	steps->rc = tp_json_print(&json, stdout, &steps->err);
	return steps->rc;
}

static int32_t print_result(const struct tillpost_receipt *receipt, int json,
	struct tillpost_error *err)
{
	const char *verdict = tp_cli_verdict_name(receipt->verdict);
	struct tp_json *object;

	if (json) {
		object = tp_json_new();
		tp_json_text(object, "queue_id", receipt->queue_id);
		tp_json_text(object, "message_id", receipt->message_id);
		tp_json_text(object, "store", receipt->store);
		tp_json_text(object, "verdict", verdict);
		tp_json_number(object, "reply_code", receipt->reply_code);
		tp_json_text(object, "text", receipt->text);
		return tp_json_print(&object, stdout, err);
	}
	(void)printf("%s", verdict);
	if (receipt->text[0] != '\0') {
		(void)fputs(": ", stdout);
		tp_text_put(stdout, receipt->text);
	}
	(void)printf(" (queue id %s)\n", receipt->queue_id);
	return TILLPOST_OK;
}

static int send_test(
	struct tp_cli *cli, const struct tillpost_test_options *options)
{
	struct steps steps = { .json = cli->json };
	struct tillpost_receipt receipt;
	struct tillpost_error err;
	int32_t rc;

	TILLPOST_INIT(&receipt);
	TILLPOST_INIT(&err);
	rc = cli->plugin.api->test_send(
		cli->handle, options, show_step, &steps, &receipt, &err);
	if (rc < 0)
		return tp_cli_fail(&err);
	if (steps.rc < 0)
		return tp_cli_fail(&steps.err);
	if (print_result(&receipt, cli->json, &err) < 0)
		return tp_cli_fail(&err);
	return tp_cli_test_code(receipt.verdict);
}

int tp_cmd_test(struct tp_cli *cli, int argc, char **argv)
{
	struct tillpost_test_options options;
	int64_t wait_ms = 0;
	const struct tp_arg args[] = {
		{ .name = "to", .text = &options.recipient },
		{ .letter = 's', .name = "store", .text = &options.store },
		{ .name = "wait", .duration_ms = &wait_ms },
		{ .name = "json", .flag = &cli->json },
	};
	int rc;

	TILLPOST_INIT(&options);
	rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (cli->operand_count > 0)
		return tp_cli_misused(
			"test", cli->operands[0], "not expected here");
	if (!options.recipient)
		return tp_cli_misused("test", "--to", "is needed");
	if (wait_ms > UINT32_MAX)
		return tp_cli_misused("test", "--wait", "is too long");
	options.wait_ms = (uint32_t)wait_ms;
	/* Passive: nothing else is delivered unless the relay answers. */
	rc = tp_cli_open(cli, TILLPOST_OPEN_PASSIVE, TILLPOST_CAP_DELIVER_NOW);
	return rc == TP_CLI_GO_ON ? send_test(cli, &options) : rc;
}
