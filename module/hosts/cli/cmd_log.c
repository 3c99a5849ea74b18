/*
 * cmd_log.c - tillpost log: what became of messages
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"
#include "cli/listing.h"

#include "common/when.h"

#include <stdio.h>
#include <sysexits.h>
#include <time.h>

static const char help[] =
	"Usage: tillpost log [OPTION...]\n"
	"Shows one line per attempt and recipient, oldest first.\n\n"
	"  -s, --store STORE       only of this store\n"
	"      --relay RELAY       only through this relay\n"
	"      --id QUEUEID        only of this message\n"
	"  -m, --message-id ID     only with this Message-ID\n"
	"      --to ADDRESS        only for this recipient\n"
	"      --verdict VERDICT   only sent, deferred, failed, held, unknown,\n"
	"                          expired or cancelled ones\n"
	"      --since TIME        not before; a time or a duration such as "
	"2h\n"
	"      --until TIME        not after\n"
	"  -n, --limit N           the newest N (default 100, 0 for all)\n"
	"  -F, --follow            go on with what happens, until "
	"interrupted\n"
	"      --json              one object per line\n"
	"  -c, --config FILE       the configuration\n"
	"      --plugin FILE       the tillpost.so to load\n"
	"  -h, --help              this text\n";

#define DEFAULT_LIMIT 100
#define POLL_MS 500

static const struct tp_column columns[] = {
	{ .title = "TIME" },
	{ .title = "ID" },
	{ .title = "STORE", .cut = 12 },
	{ .title = "RELAY", .cut = 12 },
	{ .title = "VERDICT" },
	{ .title = "TRY", .right = 1 },
	{ .title = "TO", .cut = 30 },
	{ .title = "REPLY" },
	{ .title = "TEXT" },
};

struct listing {
	struct tp_listing base;
	int64_t last_event_id;
};

static int32_t add_row(void *ctx, const struct tillpost_outcome *outcome)
{
	struct listing *listing = ctx;
	char when[TP_WHEN_BYTES];
	char attempt[16];
	char reply[32] = "";
	const char *cells[] = { when, outcome->queue_id, outcome->store,
		outcome->relay, outcome->verdict, attempt, outcome->recipient,
		reply, outcome->text };

	tp_when_local(outcome->time_ms, when);
	(void)snprintf(attempt, sizeof(attempt), "%d", (int)outcome->attempt);
	if (outcome->reply_code)
		(void)snprintf(reply, sizeof(reply), "%d%s%s",
			(int)outcome->reply_code,
			outcome->enhanced_code[0] ? " " : "",
			outcome->enhanced_code);
	tp_table_row(listing->base.table, cells);
	listing->last_event_id = outcome->event_id;
	return 0;
}

static void add_durations(
	struct tp_json *json, const struct tillpost_outcome *outcome)
{
	tp_json_number(json, "queued_ms", outcome->queued_ms);
	tp_json_number(json, "connect_us", outcome->connect_us);
	tp_json_number(json, "tls_us", outcome->tls_us);
	tp_json_number(json, "auth_us", outcome->auth_us);
	tp_json_number(json, "send_us", outcome->send_us);
}

/* The keys and their order are those of the outcome log file. */
static int32_t print_object(void *ctx, const struct tillpost_outcome *outcome)
{
	struct listing *listing = ctx;
	struct tp_json *json = tp_json_new();

	tp_json_number(json, "event_id", outcome->event_id);
	tp_json_time(json, "time", outcome->time_ms);
	tp_json_text(json, "store", outcome->store);
	tp_json_text(json, "relay", outcome->relay);
	tp_json_text(json, "queue_id", outcome->queue_id);
	tp_json_text(json, "message_id", outcome->message_id);
	tp_json_text(json, "sender", outcome->sender);
	tp_json_text(json, "recipient", outcome->recipient);
	tp_json_number(json, "attempt", outcome->attempt);
	tp_json_text(json, "class", outcome->cls);
	tp_json_text(json, "verdict", outcome->verdict);
	tp_json_text(json, "step", outcome->step);
	tp_json_number(json, "reply_code", outcome->reply_code);
	tp_json_text(json, "enhanced_code", outcome->enhanced_code);
	tp_json_text(json, "text", outcome->text);
	tp_json_text(json, "tls_version", outcome->tls_version);
	tp_json_text(json, "tls_cipher", outcome->tls_cipher);
	tp_json_number(json, "size_bytes", outcome->size_bytes);
	add_durations(json, outcome);
	tp_json_time(json, "next_try", outcome->next_try_ms);
	tp_json_bool(json, "last", outcome->last);
	listing->last_event_id = outcome->event_id;
	return tp_listing_object(&listing->base, &json);
}

/* Shows what matches now, and with FOLLOW what comes, until the output
 * fails or a signal ends the program.
 * @return a TILLPOST_E* or >= 0 */
static int32_t show(struct tp_cli *cli, struct tillpost_outcome_filter *filter,
	int follow, struct listing *listing, struct tillpost_error *err)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	int32_t rc;

	for (;;) {
		rc = cli->plugin.api->outcomes(cli->handle, filter,
			cli->json ? print_object : add_row, listing, err);
		if (rc < 0 || listing->base.rc < 0 || !follow)
			return rc;
		tp_table_flush(listing->base.table);
		if (fflush(stdout) != 0 || ferror(stdout))
			return rc;
		filter->after_event_id = listing->last_event_id;
		filter->limit = 0;
		(void)nanosleep(&pause, NULL);
	}
}

int tp_cmd_log(struct tp_cli *cli, int argc, char **argv)
{
	struct tillpost_outcome_filter filter;
	struct listing listing = { .last_event_id = 0 };
	struct tillpost_error err;
	int follow = 0;
	const struct tp_arg args[] = {
		{ .letter = 's', .name = "store", .text = &filter.store },
		{ .name = "relay", .text = &filter.relay },
		{ .name = "id", .text = &filter.queue_id },
		{ .letter = 'm',
			.name = "message-id",
			.text = &filter.message_id },
		{ .name = "to", .text = &filter.recipient },
		{ .name = "verdict", .text = &filter.verdict },
		{ .name = "since", .time_ms = &filter.since_ms },
		{ .name = "until", .time_ms = &filter.until_ms },
		{ .letter = 'n', .name = "limit", .count = &filter.limit },
		{ .letter = 'F', .name = "follow", .flag = &follow },
		{ .name = "json", .flag = &cli->json },
	};
	int32_t status;
	int rc;

	TILLPOST_INIT(&filter);
	TILLPOST_INIT(&err);
	filter.limit = DEFAULT_LIMIT;
	rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (cli->operand_count > 0)
		return tp_cli_misused(
			"log", cli->operands[0], "not expected here");
	rc = tp_cli_open_to_look(cli, TILLPOST_CAP_OUTCOMES);
	if (rc != TP_CLI_GO_ON)
		return rc;
	tp_listing_begin(&listing.base, cli, columns, TP_COUNT(columns));
	status = show(cli, &filter, follow, &listing, &err);
	return tp_listing_end(&listing.base, cli, status, &err);
}
