/*
 * cmd_submit.c - tillpost submit: accepts a message from standard input
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/json.h"

#include "common/report.h"
#include "common/text.h"
#include "common/when.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char help[] =
	"Usage: tillpost submit [OPTION...] [RECIPIENT...] < MESSAGE\n"
	"Accepts a message and prints its queue id. It is then on disk, and "
	"delivered by\ntillpostd, 'tillpost run' or another program that runs "
	"the engine, or at once\nwith --now.\n\n"
	"  -f, --from ADDRESS    the envelope sender; '' or '<>' for none\n"
	"  -s, --store STORE     the store; otherwise found as 'tillpost "
	"route' shows\n"
	"  -t, --header-recipients\n"
	"                        take recipients from To, Cc and Bcc too\n"
	"      --now             deliver now and wait for the first attempt\n"
	"      --wait DURATION   with --now: wait at most this long (default "
	"30s)\n"
	"      --dedup-key KEY   the same key again in the same store returns "
	"the\n"
	"                        first queue id\n"
	"      --expires DURATION\n"
	"                        give up after this time\n"
	"      --run-code CODE   MAGE_RUN_CODE of the shop\n"
	"      --host NAME       host name of the shop\n"
	"      --spool           leave it in the spool for tillpostd; works "
	"for every user\n"
	"      --spool-dir DIR   as --spool, if the spool is not that of the\n"
	"                        configuration\n"
	"      --json            the receipt as one object\n"
	"  -c, --config FILE     the configuration\n"
	"      --plugin FILE     the tillpost.so to load\n"
	"  -h, --help            this text\n";

struct request {
	struct tillpost_message message;
	int header_recipients;
	int now;
	int spool;
	const char *spool_path;
	int64_t wait_ms;
	int64_t expires_ms;
};

static int parse(
	struct tp_cli *cli, struct request *request, int argc, char **argv)
{
	struct tillpost_message *message = &request->message;
	const struct tp_arg args[] = {
		{ .letter = 'f', .name = "from", .text = &message->sender },
		{ .letter = 's', .name = "store", .text = &message->store },
		{ .letter = 't',
			.name = "header-recipients",
			.flag = &request->header_recipients },
		{ .name = "now", .flag = &request->now },
		{ .name = "wait", .duration_ms = &request->wait_ms },
		{ .name = "dedup-key", .text = &message->dedup_key },
		{ .name = "expires", .duration_ms = &request->expires_ms },
		{ .name = "run-code", .text = &message->run_code },
		{ .name = "host", .text = &message->http_host },
		{ .name = "spool", .flag = &request->spool },
		{ .name = "spool-dir", .text = &request->spool_path },
		{ .name = "json", .flag = &cli->json },
	};
	int rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);

	if (rc != TP_CLI_GO_ON)
		return rc;
	if (cli->operand_count == 0 && !request->header_recipients)
		return tp_cli_misused(
			"submit", "", "no recipient: name some, or use -t");
	if (request->wait_ms != 0 && !request->now)
		return tp_cli_misused("submit", "--wait", "needs --now");
	if (request->wait_ms > UINT32_MAX)
		return tp_cli_misused("submit", "--wait", "is too long");
	request->spool |= request->spool_path != NULL;
	if (request->spool && request->now)
		return tp_cli_misused("submit", "--now",
			"does not go with --spool: tillpostd delivers");
	return TP_CLI_GO_ON;
}

static void fill(struct request *request, const struct tp_cli *cli,
	const struct tp_input *input)
{
	struct tillpost_message *message = &request->message;

	message->data = input->data;
	message->data_bytes = input->len;
	message->recipients = (const char *const *)cli->operands;
	message->recipient_count = (uint32_t)cli->operand_count;
	message->wait_ms = (uint32_t)request->wait_ms;
	if (message->sender && strcmp(message->sender, "<>") == 0)
		message->sender = "";
	if (request->header_recipients)
		message->flags |= TILLPOST_SUBMIT_HEADER_RECIPIENTS;
	if (request->now)
		message->flags |= TILLPOST_SUBMIT_DELIVER_NOW;
	if (request->expires_ms != 0)
		message->expires_ms = tp_when_now_ms() + request->expires_ms;
}

static int32_t print_json(
	const struct tillpost_receipt *receipt, struct tillpost_error *err)
{
	struct tp_json *json = tp_json_new();

	tp_json_text(json, "queue_id", receipt->queue_id);
	tp_json_text(json, "message_id", receipt->message_id);
	tp_json_text(json, "store", receipt->store);
	tp_json_text(json, "verdict", tp_cli_verdict_name(receipt->verdict));
	tp_json_number(json, "reply_code", receipt->reply_code);
	tp_json_text(json, "text", receipt->text);
	tp_json_bool(json, "duplicate", receipt->duplicate);
	return tp_json_print(&json, stdout, err);
}

static void print_text(const struct tillpost_receipt *receipt, int now)
{
	tp_text_put(stdout, receipt->queue_id);
	if (now)
		(void)printf(" %s", tp_cli_verdict_name(receipt->verdict));
	if (now && receipt->text[0] != '\0') {
		(void)fputs(": ", stdout);
		tp_text_put(stdout, receipt->text);
	}
	(void)fputc('\n', stdout);
	if (receipt->duplicate)
		tp_report(TP_CLI_PROGRAM, "", "%s",
			"this dedup key was used before; the queue id is the "
			"first message's");
}

/* From here on the message is ours: no failure to print may make the caller
 * send it again. */
static void print_receipt(
	const struct tillpost_receipt *receipt, int json, int now)
{
	struct tillpost_error err;

	(void)signal(SIGPIPE, SIG_IGN);
	if (!json)
		print_text(receipt, now);
	else if (print_json(receipt, &err) < 0)
		tp_report_print(TP_CLI_PROGRAM, &err);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return;
	clearerr(stdout);
	tp_report(TP_CLI_PROGRAM, "standard output",
		"could not be written; the message is accepted as %s",
		receipt->queue_id);
}

static int submit(struct tp_cli *cli, struct request *request)
{
	struct tillpost_receipt receipt;
	struct tillpost_error err;
	int rc;

	if (request->spool)
		rc = tp_cli_open_submit(cli, request->spool_path, 0);
	else if (request->now)
		rc = tp_cli_open(cli, 0, TILLPOST_CAP_DELIVER_NOW);
	else
		rc = tp_cli_open(cli, TILLPOST_OPEN_PASSIVE, 0);
	if (rc != TP_CLI_GO_ON)
		return rc;
	TILLPOST_INIT(&receipt);
	TILLPOST_INIT(&err);
	if (cli->plugin.api->submit(
		    cli->handle, &request->message, &receipt, &err) < 0)
		return tp_cli_fail(&err);
	print_receipt(&receipt, cli->json, request->now);
	/* The relay refused it: the caller asked to know. */
	return receipt.verdict == TILLPOST_VERDICT_FAILED ? EX_UNAVAILABLE
							  : EX_OK;
}

int tp_cmd_submit(struct tp_cli *cli, int argc, char **argv)
{
	struct request request = { .now = 0 };
	struct tp_input input = { .data = NULL };
	struct tillpost_error err;
	int rc;

	TILLPOST_INIT(&request.message);
	rc = parse(cli, &request, argc, argv);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (tp_input_read(STDIN_FILENO, TP_INPUT_MESSAGE_BYTES, &input, &err) <
		0) {
		rc = tp_cli_fail(&err);
		goto out;
	}
	fill(&request, cli, &input);
	rc = submit(cli, &request);
out:
	tp_input_free(&input);
	return rc;
}
