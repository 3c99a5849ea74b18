/*
 * cmd_status.c - tillpost status: counts and relays
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/table.h"

#include "common/when.h"

#include <stdio.h>
#include <sysexits.h>

static const char help[] =
	"Usage: tillpost status [OPTION...]\n"
	"Shows what is in the queue and for which relays.\n\n"
	"      --json         one object\n"
	"  -c, --config FILE  the configuration\n"
	"      --plugin FILE  the tillpost.so to load\n"
	"  -h, --help         this text\n";

static const struct tp_column columns[] = {
	{ .title = "RELAY", .cut = 24 },
	{ .title = "STATE" },
	{ .title = "WAITING", .right = 1 },
	{ .title = "RETRY" },
	{ .title = "REASON" },
};

static int32_t add_relay_object(
	void *ctx, const struct tillpost_relay_status *relay)
{
	struct tp_json *json = tp_json_new();

	tp_json_text(json, "relay", relay->relay);
	tp_json_text(json, "state", relay->state);
	tp_json_text(json, "reason", relay->reason);
	tp_json_time(json, "retry", relay->retry_ms);
	tp_json_number(json, "waiting_count", relay->waiting_count);
	tp_json_add(ctx, "relays", &json);
	return 0;
}

/* What a plugin that knows no spool leaves as it is. */
static void init_status(struct tillpost_status *status)
{
	TILLPOST_INIT(status);
	status->spooled_count = -1;
	status->quarantined_count = -1;
}

/* -1 where there is no spool or it may not be read. */
static void print_spool(const struct tillpost_status *status)
{
	if (status->spooled_count < 0)
		return;
	(void)printf("spooled  %lld\n", (long long)status->spooled_count);
	if (status->quarantined_count > 0)
		(void)printf("refused  %lld (see 'tillpost spool')\n",
			(long long)status->quarantined_count);
}

/* For programs, what is not known is null. */
static void add_count(struct tp_json *json, const char *key, int64_t count)
{
	if (count < 0)
		tp_json_text(json, key, NULL);
	else
		tp_json_number(json, key, count);
}

static void print_counts(const struct tillpost_status *status)
{
	char oldest[TP_WHEN_BYTES];
	char age[TP_WHEN_BYTES];

	(void)printf("waiting  %lld\nactive   %lld\nheld     %lld\n",
		(long long)status->queued_count,
		(long long)status->active_count, (long long)status->held_count);
	if (status->oldest_ms) {
		tp_when_local(status->oldest_ms, oldest);
		tp_when_span(tp_when_now_ms() - status->oldest_ms, age);
		(void)printf("oldest   %s (%s)\n", oldest, age);
	}
	(void)printf("size     %lld bytes\n", (long long)status->body_bytes);
	print_spool(status);
	(void)fputc('\n', stdout);
}

/* One call of status(): what is asked twice may have changed between. */
struct text {
	struct tillpost_status status;
	struct tp_table *table;
	int has_counts; /* printed: they stand above the table */
};

static void print_counts_once(struct text *text)
{
	if (!text->has_counts)
		print_counts(&text->status);
	text->has_counts = 1;
}

static int32_t add_relay_row(
	void *ctx, const struct tillpost_relay_status *relay)
{
	struct text *text = ctx;
	char waiting[24];
	char retry[TP_WHEN_BYTES];
	const char *cells[] = { relay->relay, relay->state, waiting, retry,
		relay->reason };

	print_counts_once(text);
	(void)snprintf(waiting, sizeof(waiting), "%lld",
		(long long)relay->waiting_count);
	tp_when_local(relay->retry_ms, retry);
	tp_table_row(text->table, cells);
	return 0;
}

static int32_t print_text(struct tp_cli *cli, struct tillpost_error *err)
{
	struct text text = { .table = tp_table_new(
				     stdout, columns, TP_COUNT(columns)) };
	int32_t rc;

	init_status(&text.status);
	rc = cli->plugin.api->status(
		cli->handle, &text.status, add_relay_row, &text, err);
	if (rc >= 0)
		print_counts_once(&text);
	return tp_table_end(&text.table, rc, err);
}

/* The counts since open() are left out: this handle was opened a moment ago
 * and delivers nothing. */
static int32_t print_json(struct tp_cli *cli, struct tillpost_error *err)
{
	struct tp_json *json = tp_json_new();
	struct tillpost_status status;
	int32_t rc;

	init_status(&status);
	tp_json_array(json, "relays");
	rc = cli->plugin.api->status(
		cli->handle, &status, add_relay_object, json, err);
	if (rc < 0) {
		tp_json_destroy(&json);
		return rc;
	}
	tp_json_bool(json, "delivering", status.delivering);
	tp_json_number(json, "queued_count", status.queued_count);
	tp_json_number(json, "active_count", status.active_count);
	tp_json_number(json, "held_count", status.held_count);
	tp_json_time(json, "oldest", status.oldest_ms);
	tp_json_number(json, "body_bytes", status.body_bytes);
	add_count(json, "spooled_count", status.spooled_count);
	add_count(json, "quarantined_count", status.quarantined_count);
	return tp_json_print(&json, stdout, err);
}

int tp_cmd_status(struct tp_cli *cli, int argc, char **argv)
{
	const struct tp_arg args[] = {
		{ .name = "json", .flag = &cli->json },
	};
	struct tillpost_error err;
	int32_t status;
	int rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);

	if (rc != TP_CLI_GO_ON)
		return rc;
	if (cli->operand_count > 0)
		return tp_cli_misused(
			"status", cli->operands[0], "not expected here");
	rc = tp_cli_open_to_look(cli, 0);
	if (rc != TP_CLI_GO_ON)
		return rc;
	TILLPOST_INIT(&err);
	status = cli->json ? print_json(cli, &err) : print_text(cli, &err);
	return status < 0 ? tp_cli_fail(&err) : EX_OK;
}
