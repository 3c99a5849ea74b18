/*
 * cmd_spool.c - tillpost spool: what waits in the spool or was refused there
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/action.h"
#include "cli/listing.h"

#include "common/when.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sysexits.h>

static const char help[] =
	"Usage: tillpost spool [list] [OPTION...]\n"
	"       tillpost spool release|discard NAME... [OPTION...]\n"
	"Shows what other programs have left in the spool: messages that "
	"tillpostd has not\ntaken in yet, and those that it could not take in, "
	"with the reason.\n\n"
	"  list     the files in the spool (the default)\n"
	"  release  let tillpostd take a quarantined message in again\n"
	"  discard  delete a quarantined message for good\n\n"
	"      --spool-dir DIR  the spool, if it is not that of the "
	"configuration\n"
	"      --json           one object per file\n"
	"  -c, --config FILE    the configuration\n"
	"      --plugin FILE    the tillpost.so to load\n"
	"  -h, --help           this text\n";

static const struct tp_action actions[] = {
	{ "release", TILLPOST_SPOOL_RELEASE },
	{ "discard", TILLPOST_SPOOL_DISCARD },
};

static int32_t call(const struct tp_cli *cli, int32_t number, const char *name,
	struct tillpost_error *err)
{
	return cli->plugin.api->spool_action(cli->handle, number, name, err);
}

static const struct tp_action_kind kind = { "name", actions, TP_COUNT(actions),
	call };

static const struct tp_column columns[] = {
	{ .title = "NAME" },
	{ .title = "AGE", .right = 1 },
	{ .title = "STATE" },
	{ .title = "USER", .cut = 16 },
	{ .title = "BYTES", .right = 1 },
	{ .title = "REASON" },
};

/* One call of a listing. */
struct listing {
	struct tp_listing base;
	int64_t now_ms;
};

/* ---- list --------------------------------------------------------------- */

/* The name, or the number of a user who has none. */
static void name_user(uint32_t uid, char *out, size_t bytes)
{
	const struct passwd *user = getpwuid((uid_t)uid);

	if (user)
		(void)snprintf(out, bytes, "%s", user->pw_name);
	else
		(void)snprintf(out, bytes, "%lu", (unsigned long)uid);
}

static int32_t add_row(void *ctx, const struct tillpost_spool_entry *entry)
{
	struct listing *listing = ctx;
	char age[TP_WHEN_BYTES];
	char user[64];
	char size[24];
	const char *cells[] = { entry->name, age, entry->state, user, size,
		entry->reason };

	tp_when_span(listing->now_ms - entry->modified_ms, age);
	name_user(entry->uid, user, sizeof(user));
	(void)snprintf(
		size, sizeof(size), "%lld", (long long)entry->size_bytes);
	tp_table_row(listing->base.table, cells);
	return 0;
}

static int32_t print_object(void *ctx, const struct tillpost_spool_entry *entry)
{
	struct listing *listing = ctx;
	struct tp_json *json = tp_json_new();
	char user[64];

	name_user(entry->uid, user, sizeof(user));
	tp_json_text(json, "name", entry->name);
	tp_json_text(json, "state", entry->state);
	tp_json_text(json, "reason", entry->reason);
	tp_json_text(json, "user", user);
	tp_json_number(json, "uid", entry->uid);
	tp_json_number(json, "size_bytes", entry->size_bytes);
	tp_json_time(json, "modified", entry->modified_ms);
	return tp_listing_object(&listing->base, &json);
}

static int list(struct tp_cli *cli)
{
	struct listing listing = { .now_ms = tp_when_now_ms() };
	struct tillpost_error err;
	int32_t rc;

	TILLPOST_INIT(&err);
	tp_listing_begin(&listing.base, cli, columns, TP_COUNT(columns));
	rc = cli->plugin.api->spool_list(cli->handle,
		cli->json ? print_object : add_row, &listing, &err);
	return tp_listing_end(&listing.base, cli, rc, &err);
}

/* ---- which one ---------------------------------------------------------- */

/* @return TP_CLI_GO_ON or EX_USAGE */
static int check_use(const struct tp_cli *cli, const char *verb,
	const struct tp_action *action)
{
	if (action)
		return cli->operand_count < 2
			       ? tp_cli_misused("spool", verb, "needs a name")
			       : TP_CLI_GO_ON;
	if (strcmp(verb, "list") != 0)
		return tp_cli_misused("spool", verb, "no such action");
	return cli->operand_count > 1
		       ? tp_cli_misused(
				 "spool", cli->operands[1], "not expected here")
		       : TP_CLI_GO_ON;
}

int tp_cmd_spool(struct tp_cli *cli, int argc, char **argv)
{
	const char *spool_path = NULL;
	const struct tp_arg args[] = {
		{ .name = "spool-dir", .text = &spool_path },
		{ .name = "json", .flag = &cli->json },
	};
	const struct tp_action *action;
	const char *verb;
	int rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);

	if (rc != TP_CLI_GO_ON)
		return rc;
	verb = cli->operand_count > 0 ? cli->operands[0] : "list";
	action = tp_action_find(&kind, verb);
	rc = check_use(cli, verb, action);
	if (rc != TP_CLI_GO_ON)
		return rc;
	/* The queue is not needed, so it is not opened. */
	rc = tp_cli_open_submit(cli, spool_path, TILLPOST_CAP_INTAKE);
	if (rc != TP_CLI_GO_ON)
		return rc;
	return action ? tp_action_do_operands(cli, &kind, action) : list(cli);
}
