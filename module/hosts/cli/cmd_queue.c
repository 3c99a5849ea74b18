/*
 * cmd_queue.c - tillpost queue: list, show and change what is waiting
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/action.h"
#include "cli/listing.h"

#include "common/report.h"
#include "common/text.h"
#include "common/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
	"Usage: tillpost queue [list] [OPTION...]\n"
	"       tillpost queue show ID [OPTION...]\n"
	"       tillpost queue hold|release|retry|cancel ID... [OPTION...]\n"
	"       tillpost queue retry --all [--store STORE] [--state STATE]\n"
	"Shows and changes what is waiting to be delivered.\n\n"
	"  list     messages in the queue (the default)\n"
	"  show     one message with its recipients and their last replies\n"
	"  hold     keep it until somebody releases it\n"
	"  release  let a held message go, due now\n"
	"  retry    make a waiting or held message due now\n"
	"  cancel   give up its open recipients; no bounce is sent\n\n"
	"  -s, --store STORE  only of this store\n"
	"      --state STATE  queued, active, in-doubt or held\n"
	"  -n, --limit N      list at most N\n"
	"      --all          retry: all that match, also held ones\n"
	"      --json         one object per message\n"
	"  -c, --config FILE  the configuration\n"
	"      --plugin FILE  the tillpost.so to load\n"
	"  -h, --help         this text\n";

static const struct tp_action actions[] = {
	{ "hold", TILLPOST_QUEUE_HOLD },
	{ "release", TILLPOST_QUEUE_RELEASE },
	{ "retry", TILLPOST_QUEUE_RETRY },
	{ "cancel", TILLPOST_QUEUE_CANCEL },
};

static int32_t call(const struct tp_cli *cli, int32_t number, const char *name,
	struct tillpost_error *err)
{
	return cli->plugin.api->queue_action(cli->handle, number, name, err);
}

static const struct tp_action_kind kind = { "queue_id", actions,
	TP_COUNT(actions), call };

static int32_t note_waiting(void *ctx, const struct tillpost_queue_entry *entry)
{
	int *waiting = ctx;

	*waiting = strcmp(entry->state, "queued") == 0 ||
		   strcmp(entry->state, "held") == 0;
	return 1;
}

/* One of many that waited when they were listed. The first ones wake up their
 * relay, so that others may be on their way, or sent, before their turn: what
 * was asked for is done. */
static int32_t call_for_all(const struct tp_cli *cli, int32_t number,
	const char *name, struct tillpost_error *err)
{
	int32_t rc = call(cli, number, name, err);
	struct tillpost_queue_filter filter;
	struct tillpost_error unsaid;
	int waiting = 0;

	if (rc != TILLPOST_ESTATE && rc != TILLPOST_ENOTFOUND)
		return rc;
	TILLPOST_INIT(&filter);
	TILLPOST_INIT(&unsaid);
	filter.queue_id = name;
	if (cli->plugin.api->queue_list(cli->handle, &filter, note_waiting,
		    &waiting, &unsaid) < 0 ||
		waiting)
		return rc;
	TILLPOST_INIT(err);
	return TILLPOST_OK;
}

static const struct tp_action_kind kind_all = { "queue_id", actions,
	TP_COUNT(actions), call_for_all };

static const struct tp_column columns[] = {
	{ .title = "ID" },
	{ .title = "AGE", .right = 1 },
	{ .title = "STATE" },
	{ .title = "TRIES", .right = 1 },
	{ .title = "NEXT", .right = 1 },
	{ .title = "STORE", .cut = 12 },
	{ .title = "RELAY", .cut = 12 },
	{ .title = "BYTES", .right = 1 },
	{ .title = "FROM", .cut = 26 },
	{ .title = "TO", .cut = 30 },
	{ .title = "REASON" },
};

static const struct tp_column recipient_columns[] = {
	{ .title = "RECIPIENT" },
	{ .title = "STATE" },
	{ .title = "LAST REPLY" },
};

/* One call of a listing. */
struct listing {
	struct tp_listing base;
	int64_t now_ms;
};

/* ---- list --------------------------------------------------------------- */

/* "a@b" or "a@b +2" */
static void name_recipients(
	const struct tillpost_queue_entry *entry, char *out, size_t bytes)
{
	if (entry->recipient_count == 0)
		out[0] = '\0';
	else if (entry->recipient_count == 1)
		(void)snprintf(out, bytes, "%s", entry->recipients[0]);
	else
		(void)snprintf(out, bytes, "%.300s +%u", entry->recipients[0],
			(unsigned int)entry->recipient_count - 1);
}

/* Only a waiting message has a next attempt. */
static void name_next(const struct tillpost_queue_entry *entry, int64_t now_ms,
	char out[TP_WHEN_BYTES])
{
	if (strcmp(entry->state, "queued") != 0)
		(void)snprintf(out, TP_WHEN_BYTES, "-");
	else if (entry->next_try_ms <= now_ms)
		(void)snprintf(out, TP_WHEN_BYTES, "now");
	else
		tp_when_span(entry->next_try_ms - now_ms, out);
}

static int32_t add_row(void *ctx, const struct tillpost_queue_entry *entry)
{
	struct listing *listing = ctx;
	char age[TP_WHEN_BYTES];
	char next[TP_WHEN_BYTES];
	char tries[16];
	char size[24];
	char to[384];
	const char *cells[] = { entry->queue_id, age, entry->state, tries, next,
		entry->store, entry->relay, size,
		entry->sender[0] ? entry->sender : "<>", to, entry->reason };

	tp_when_span(listing->now_ms - entry->created_ms, age);
	name_next(entry, listing->now_ms, next);
	name_recipients(entry, to, sizeof(to));
	(void)snprintf(tries, sizeof(tries), "%d", (int)entry->attempts);
	(void)snprintf(
		size, sizeof(size), "%lld", (long long)entry->size_bytes);
	tp_table_row(listing->base.table, cells);
	return 0;
}

static int32_t print_object(void *ctx, const struct tillpost_queue_entry *entry)
{
	struct listing *listing = ctx;
	struct tp_json *json = tp_json_new();
	uint32_t i;

	tp_json_text(json, "queue_id", entry->queue_id);
	tp_json_text(json, "store", entry->store);
	tp_json_text(json, "relay", entry->relay);
	tp_json_text(json, "state", entry->state);
	tp_json_text(json, "reason", entry->reason);
	tp_json_number(json, "attempts", entry->attempts);
	tp_json_text(json, "sender", entry->sender);
	tp_json_text(json, "message_id", entry->message_id);
	tp_json_time(json, "created", entry->created_ms);
	tp_json_time(json, "next_try", entry->next_try_ms);
	tp_json_time(json, "expires", entry->expires_ms);
	tp_json_number(json, "size_bytes", entry->size_bytes);
	tp_json_array(json, "recipients");
	for (i = 0; i < entry->recipient_count; i++) {
		struct tp_json *recipient = tp_json_new();

		tp_json_text(recipient, "address", entry->recipients[i]);
		tp_json_text(recipient, "state", entry->recipient_states[i]);
		tp_json_text(recipient, "text", entry->recipient_texts[i]);
		tp_json_add(json, "recipients", &recipient);
	}
	return tp_listing_object(&listing->base, &json);
}

static int list(struct tp_cli *cli, const struct tillpost_queue_filter *filter)
{
	struct listing listing = { .now_ms = tp_when_now_ms() };
	struct tillpost_error err;
	int32_t rc;

	TILLPOST_INIT(&err);
	tp_listing_begin(&listing.base, cli, columns, TP_COUNT(columns));
	rc = cli->plugin.api->queue_list(cli->handle, filter,
		cli->json ? print_object : add_row, &listing, &err);
	return tp_listing_end(&listing.base, cli, rc, &err);
}

/* ---- show --------------------------------------------------------------- */

static void print_field(const char *name, const char *value)
{
	(void)printf("%-12s", name);
	tp_text_put(stdout, value && value[0] ? value : "-");
	(void)fputc('\n', stdout);
}

static void print_time(const char *name, int64_t epoch_ms)
{
	char text[TP_WHEN_BYTES];

	tp_when_local_full(epoch_ms, text);
	print_field(name, text);
}

static int32_t print_entry(void *ctx, const struct tillpost_queue_entry *entry)
{
	struct listing *listing = ctx;
	struct tp_table *table;
	uint32_t i;

	print_field("id", entry->queue_id);
	print_field("state", entry->state);
	print_field("reason", entry->reason);
	print_field("store", entry->store);
	print_field("relay", entry->relay);
	print_field("from", entry->sender[0] ? entry->sender : "<>");
	print_field("message-id", entry->message_id);
	print_time("accepted", entry->created_ms);
	print_time("next try", entry->next_try_ms);
	print_time("expires", entry->expires_ms);
	(void)printf("%-12s%d\n", "tries", (int)entry->attempts);
	(void)printf(
		"%-12s%lld bytes\n\n", "size", (long long)entry->size_bytes);
	table = tp_table_new(
		stdout, recipient_columns, TP_COUNT(recipient_columns));
	for (i = 0; i < entry->recipient_count; i++) {
		const char *cells[] = { entry->recipients[i],
			entry->recipient_states[i], entry->recipient_texts[i] };

		tp_table_row(table, cells);
	}
	listing->base.rc = tp_table_end(&table, 0, &listing->base.err);
	return listing->base.rc;
}

static int show(struct tp_cli *cli, const char *queue_id)
{
	struct listing listing = { .now_ms = 0 };
	struct tillpost_queue_filter filter;
	struct tillpost_error err;
	int32_t rc;

	TILLPOST_INIT(&err);
	TILLPOST_INIT(&filter);
	filter.queue_id = queue_id;
	rc = cli->plugin.api->queue_list(cli->handle, &filter,
		cli->json ? print_object : print_entry, &listing, &err);
	if (listing.base.rc < 0)
		return tp_cli_fail(&listing.base.err);
	if (rc == 0)
		rc = tp_report_set(&err, TILLPOST_ENOTFOUND, queue_id,
			"is not in the queue; 'tillpost log --id %s' shows "
			"what became of it",
			queue_id);
	return rc < 0 ? tp_cli_fail(&err) : EX_OK;
}

/* ---- hold, release, retry, cancel --------------------------------------- */

struct ids {
	char (*items)[sizeof(((struct tillpost_receipt *)0)->queue_id)];
	size_t count;
	size_t cap;
	int failed;
};

static int32_t collect(void *ctx, const struct tillpost_queue_entry *entry)
{
	struct ids *ids = ctx;

	if (strcmp(entry->state, "queued") != 0 &&
		strcmp(entry->state, "held") != 0)
		return 0;
	if (ids->count == ids->cap) {
		size_t cap = ids->cap ? 2 * ids->cap : 256;
		void *items = realloc(ids->items, cap * sizeof(*ids->items));

		if (!items) {
			ids->failed = 1;
			return 1;
		}
		ids->items = items;
		ids->cap = cap;
	}
	(void)snprintf(ids->items[ids->count++], sizeof(*ids->items), "%s",
		entry->queue_id);
	return 0;
}

/* Listed first and then changed: a callback may not call back. */
static int act_on_all(struct tp_cli *cli, const struct tp_action *action,
	const struct tillpost_queue_filter *filter)
{
	struct ids ids = { .items = NULL };
	struct tillpost_error err;
	int first = EX_OK;
	size_t done = 0;
	size_t i;

	TILLPOST_INIT(&err);
	if (cli->plugin.api->queue_list(
		    cli->handle, filter, collect, &ids, &err) < 0) {
		first = tp_cli_fail(&err);
	} else if (ids.failed) {
		(void)tp_report_set(&err, TILLPOST_ENOMEM, "", "out of memory");
		first = tp_cli_fail(&err);
	} else {
		for (i = 0; i < ids.count; i++) {
			int rc = tp_action_do(
				cli, &kind_all, action, ids.items[i]);

			done += rc == EX_OK;
			if (first == EX_OK)
				first = rc;
		}
		if (!cli->json)
			(void)printf("%zu due now\n", done);
	}
	free(ids.items);
	return first;
}

/* ---- which one ---------------------------------------------------------- */

/* Finds out what is asked before anything is opened.
 * @return TP_CLI_GO_ON or EX_USAGE */
static int check_use(const struct tp_cli *cli, const char *verb,
	const struct tp_action *action, int all)
{
	int ids = cli->operand_count - 1;

	if (all && (!action || action->number != TILLPOST_QUEUE_RETRY))
		return tp_cli_misused("queue", "--all", "is only for retry");
	if (strcmp(verb, "list") == 0)
		return ids > 0 ? tp_cli_misused("queue", cli->operands[1],
					 "not expected here")
			       : TP_CLI_GO_ON;
	if (strcmp(verb, "show") == 0)
		return ids != 1 ? tp_cli_misused(
					  "queue", "show", "needs one queue id")
				: TP_CLI_GO_ON;
	if (!action)
		return tp_cli_misused("queue", verb, "no such action");
	if (all && ids > 0)
		return tp_cli_misused(
			"queue", "--all", "does not go with queue ids");
	if (!all && ids < 1)
		return tp_cli_misused("queue", verb, "needs a queue id");
	return TP_CLI_GO_ON;
}

int tp_cmd_queue(struct tp_cli *cli, int argc, char **argv)
{
	struct tillpost_queue_filter filter;
	int all = 0;
	const struct tp_arg args[] = {
		{ .letter = 's', .name = "store", .text = &filter.store },
		{ .name = "state", .text = &filter.state },
		{ .letter = 'n', .name = "limit", .count = &filter.limit },
		{ .name = "all", .flag = &all },
		{ .name = "json", .flag = &cli->json },
	};
	const struct tp_action *action;
	const char *verb;
	int rc;

	TILLPOST_INIT(&filter);
	rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);
	if (rc != TP_CLI_GO_ON)
		return rc;
	verb = cli->operand_count > 0 ? cli->operands[0] : "list";
	action = tp_action_find(&kind, verb);
	rc = check_use(cli, verb, action, all);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (strcmp(verb, "show") == 0)
		rc = tp_cli_open_to_look(cli, 0);
	else
		rc = tp_cli_open(cli, TP_CLI_LOOK, 0);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (all)
		return act_on_all(cli, action, &filter);
	if (action)
		return tp_action_do_operands(cli, &kind, action);
	if (strcmp(verb, "show") == 0)
		return show(cli, cli->operands[1]);
	return list(cli, &filter);
}
