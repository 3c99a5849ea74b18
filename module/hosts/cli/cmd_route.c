/*
 * cmd_route.c - tillpost route: which store and relay a message would take
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/listing.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static const char help[] =
	"Usage: tillpost route [OPTION...] [RECIPIENT...] < MESSAGE\n"
	"Shows which store and relay a message would take, and why. Nothing is "
	"accepted\nor sent. Without recipients here, those of To, Cc and Bcc are "
	"taken.\n\n"
	"  -s, --store STORE    as given to submit\n"
	"  -f, --from ADDRESS   envelope sender, as given to submit\n"
	"      --run-code CODE  MAGE_RUN_CODE of the shop\n"
	"      --host NAME      host name of the shop\n"
	"      --json           one object per fact\n"
	"  -c, --config FILE    the configuration\n"
	"      --plugin FILE    the tillpost.so to load\n"
	"  -h, --help           this text\n";

static const struct tp_column columns[] = {
	{ .title = "FACT" },
	{ .title = "VALUE" },
};

static int32_t add_row(void *ctx, const struct tillpost_route_fact *fact)
{
	struct tp_listing *facts = ctx;
	const char *cells[] = { fact->name, fact->value };

	tp_table_row(facts->table, cells);
	return 0;
}

static int32_t print_object(void *ctx, const struct tillpost_route_fact *fact)
{
	struct tp_listing *facts = ctx;
	struct tp_json *json = tp_json_new();

	tp_json_text(json, "name", fact->name);
	tp_json_text(json, "value", fact->value);
	return tp_listing_object(facts, &json);
}

static int explain(struct tp_cli *cli, const struct tillpost_message *message)
{
	struct tp_listing facts = { .rc = 0 };
	struct tillpost_error err;
	int32_t rc;

	TILLPOST_INIT(&err);
	tp_listing_begin(&facts, cli, columns, TP_COUNT(columns));
	rc = cli->plugin.api->route_explain(cli->handle, message,
		cli->json ? print_object : add_row, &facts, &err);
	return tp_listing_end(&facts, cli, rc, &err);
}

int tp_cmd_route(struct tp_cli *cli, int argc, char **argv)
{
	struct tillpost_message message;
	const struct tp_arg args[] = {
		{ .letter = 's', .name = "store", .text = &message.store },
		{ .letter = 'f', .name = "from", .text = &message.sender },
		{ .name = "run-code", .text = &message.run_code },
		{ .name = "host", .text = &message.http_host },
		{ .name = "json", .flag = &cli->json },
	};
	struct tp_input input = { .data = NULL };
	struct tillpost_error err;
	int rc;

	TILLPOST_INIT(&message);
	rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (tp_input_read(STDIN_FILENO, TP_INPUT_MESSAGE_BYTES, &input, &err) <
		0) {
		rc = tp_cli_fail(&err);
		goto out;
	}
	message.data = input.data;
	message.data_bytes = input.len;
	message.recipients = (const char *const *)cli->operands;
	message.recipient_count = (uint32_t)cli->operand_count;
	if (cli->operand_count == 0)
		message.flags = TILLPOST_SUBMIT_HEADER_RECIPIENTS;
	rc = tp_cli_open(cli, TP_CLI_LOOK, 0);
	if (rc == TP_CLI_GO_ON)
		rc = explain(cli, &message);
out:
	tp_input_free(&input);
	return rc;
}
