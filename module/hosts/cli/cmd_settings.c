/*
 * cmd_settings.c - tillpost settings: schema, get, set, unset
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/listing.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
	"Usage: tillpost settings schema [OPTION...]\n"
	"       tillpost settings get [KEY] [--all] [OPTION...]\n"
	"       tillpost settings set KEY VALUE|- [OPTION...]\n"
	"       tillpost settings unset KEY [OPTION...]\n"
	"Shows and changes settings. Changes go into the managed file next to "
	"the main\none; keys that the main file sets are locked.\n\n"
	"  schema  all keys with type, default and range\n"
	"  get     values that are set, or those of KEY and below it\n"
	"  set     change one; \"-\" reads the value from standard input, as "
	"secrets must\n"
	"  unset   remove one from the managed file\n\n"
	"      --all          get: also what nobody set, with the default\n"
	"      --json         one object per line\n"
	"  -c, --config FILE  the configuration\n"
	"      --plugin FILE  the tillpost.so to load\n"
	"  -h, --help         this text\n";

/* One call of a listing. */
struct listing {
	struct tp_listing base;
	int set_only; /* get: leave out what nobody set */
};

/* ---- schema ------------------------------------------------------------- */

static const struct tp_column schema_columns[] = {
	{ .title = "KEY" },
	{ .title = "TYPE" },
	{ .title = "DEFAULT", .cut = 24 },
	{ .title = "RANGE", .cut = 28 },
	{ .title = "MEANING" },
};

static int32_t add_schema_row(void *ctx, const struct tillpost_setting *setting)
{
	struct listing *listing = ctx;
	char key[160];
	const char *cells[] = { key, setting->type, setting->default_value,
		setting->range, setting->help };

	(void)snprintf(key, sizeof(key), "%s.%s", setting->scope, setting->key);
	tp_table_row(listing->base.table, cells);
	return 0;
}

static int32_t print_schema_object(
	void *ctx, const struct tillpost_setting *setting)
{
	struct listing *listing = ctx;
	struct tp_json *json = tp_json_new();

	tp_json_text(json, "scope", setting->scope);
	tp_json_text(json, "key", setting->key);
	tp_json_text(json, "type", setting->type);
	tp_json_text(json, "unit", setting->unit);
	tp_json_text(json, "default", setting->default_value);
	tp_json_text(json, "range", setting->range);
	tp_json_bool(json, "secret",
		(setting->flags & TILLPOST_SETTING_SECRET) != 0);
	tp_json_bool(json, "required",
		(setting->flags & TILLPOST_SETTING_REQUIRED) != 0);
	tp_json_text(json, "help", setting->help);
	tp_json_text(json, "since", setting->since);
	return tp_listing_object(&listing->base, &json);
}

/* Needs the plugin, but no configuration. */
static int show_schema(struct tp_cli *cli)
{
	struct listing listing = { .set_only = 0 };
	struct tillpost_error err;
	int32_t status;
	int rc = tp_cli_load(cli, 0);

	if (rc != TP_CLI_GO_ON)
		return rc;
	TILLPOST_INIT(&err);
	tp_listing_begin(
		&listing.base, cli, schema_columns, TP_COUNT(schema_columns));
	status = cli->plugin.api->settings_schema(NULL,
		cli->json ? print_schema_object : add_schema_row, &listing,
		&err);
	return tp_listing_end(&listing.base, cli, status, &err);
}

/* ---- get ---------------------------------------------------------------- */

static const struct tp_column value_columns[] = {
	{ .title = "KEY" },
	{ .title = "VALUE", .cut = 40 },
	{ .title = "SOURCE" },
	{ .title = "LOCKED" },
	{ .title = "WHERE" },
};

static int32_t add_value_row(void *ctx, const struct tillpost_value *value)
{
	struct listing *listing = ctx;
	int secret = (value->flags & TILLPOST_VALUE_SECRET) != 0;
	int set = (value->flags & TILLPOST_VALUE_SET) != 0;
	const char *cells[] = { value->key,
		!secret ? value->value
		: set	? "(secret)"
			: "",
		value->source,
		value->flags & TILLPOST_VALUE_LOCKED ? "locked" : "",
		value->where };

	if (set || !listing->set_only)
		tp_table_row(listing->base.table, cells);
	return 0;
}

static int32_t print_value_object(void *ctx, const struct tillpost_value *value)
{
	struct listing *listing = ctx;
	int secret = (value->flags & TILLPOST_VALUE_SECRET) != 0;
	int set = (value->flags & TILLPOST_VALUE_SET) != 0;
	struct tp_json *json;

	if (!set && listing->set_only)
		return 0;
	json = tp_json_new();
	tp_json_text(json, "key", value->key);
	tp_json_text(json, "value", secret ? NULL : value->value);
	tp_json_bool(json, "secret", secret);
	tp_json_bool(json, "set", set);
	tp_json_bool(
		json, "locked", (value->flags & TILLPOST_VALUE_LOCKED) != 0);
	tp_json_text(json, "source", value->source);
	tp_json_text(json, "where", value->where);
	return tp_listing_object(&listing->base, &json);
}

/* A KEY asks for everything below it; without one, what is set is enough. */
static int show_values(struct tp_cli *cli, const char *key, int all)
{
	struct listing listing = { .set_only = !key && !all };
	struct tillpost_error err;
	int32_t status;
	int rc = tp_cli_open(cli, TP_CLI_LOOK, 0);

	if (rc != TP_CLI_GO_ON)
		return rc;
	TILLPOST_INIT(&err);
	tp_listing_begin(
		&listing.base, cli, value_columns, TP_COUNT(value_columns));
	status = cli->plugin.api->settings_get(cli->handle, key,
		cli->json ? print_value_object : add_value_row, &listing, &err);
	return tp_listing_end(&listing.base, cli, status, &err);
}

/* ---- set, unset --------------------------------------------------------- */

/* Does KEY, such as "relays.ses.password", belong to "relays.*" "password"?
 * A "*" stands for one part. */
static int key_matches(const char *scope, const char *name, const char *key)
{
	while (*scope != '\0') {
		if (*scope == '*') {
			scope++;
			key += strcspn(key, ".");
		} else if (*scope++ != *key++) {
			return 0;
		}
	}
	return *key == '.' && strcmp(key + 1, name) == 0;
}

struct secret_search {
	const char *key;
	int found;
};

static int32_t is_secret(void *ctx, const struct tillpost_setting *setting)
{
	struct secret_search *search = ctx;

	search->found = (setting->flags & TILLPOST_SETTING_SECRET) &&
			key_matches(setting->scope, setting->key, search->key);
	return search->found;
}

/* What is in argv, everybody on the machine can read.
 * @return TP_CLI_GO_ON or an exit code */
static int refuse_secret(struct tp_cli *cli, const char *key)
{
	struct secret_search search = { .key = key };
	struct tillpost_error err;

	TILLPOST_INIT(&err);
	if (cli->plugin.api->settings_schema(NULL, is_secret, &search, &err) <
		0)
		return tp_cli_fail(&err);
	if (search.found)
		return tp_cli_misused("settings", key,
			"is a secret and not taken from the command line, "
			"where others can see it; use \"-\" and give it on "
			"standard input");
	return TP_CLI_GO_ON;
}

/* VALUE NULL: unset. Needs an open handle. */
static int change(struct tp_cli *cli, const char *key, const char *value)
{
	struct tillpost_error err;

	TILLPOST_INIT(&err);
	if (cli->plugin.api->settings_set(cli->handle, key, value, &err) < 0)
		return tp_cli_fail(&err);
	return EX_OK;
}

static int set_from_input(struct tp_cli *cli, const char *key)
{
	struct tp_input input;
	struct tillpost_error err;
	int rc;

	if (tp_input_value(key, &input, &err) < 0)
		rc = tp_cli_fail(&err);
	else
		rc = change(cli, key, input.data ? input.data : "");
	tp_input_free(&input);
	return rc;
}

static int set_value(struct tp_cli *cli, const char *key, const char *value)
{
	int from_input = strcmp(value, "-") == 0;
	int rc = tp_cli_open(
		cli, TILLPOST_OPEN_PASSIVE, TILLPOST_CAP_SETTINGS_SET);

	if (rc == TP_CLI_GO_ON && !from_input)
		rc = refuse_secret(cli, key);
	if (rc != TP_CLI_GO_ON)
		return rc;
	return from_input ? set_from_input(cli, key) : change(cli, key, value);
}

static int unset_value(struct tp_cli *cli, const char *key)
{
	int rc = tp_cli_open(
		cli, TILLPOST_OPEN_PASSIVE, TILLPOST_CAP_SETTINGS_SET);

	return rc == TP_CLI_GO_ON ? change(cli, key, NULL) : rc;
}

/* ---- which one ---------------------------------------------------------- */

int tp_cmd_settings(struct tp_cli *cli, int argc, char **argv)
{
	int all = 0;
	const struct tp_arg args[] = {
		{ .name = "all", .flag = &all },
		{ .name = "json", .flag = &cli->json },
	};
	const char *verb;
	int count;
	int rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);

	if (rc != TP_CLI_GO_ON)
		return rc;
	if (cli->operand_count == 0)
		return tp_cli_misused(
			"settings", "", "schema, get, set or unset?");
	verb = cli->operands[0];
	count = cli->operand_count - 1;
	if (strcmp(verb, "schema") == 0 && count == 0)
		return show_schema(cli);
	if (strcmp(verb, "get") == 0 && count <= 1)
		return show_values(cli, count ? cli->operands[1] : NULL, all);
	if (strcmp(verb, "set") == 0 && count == 2)
		return set_value(cli, cli->operands[1], cli->operands[2]);
	if (strcmp(verb, "unset") == 0 && count == 1)
		return unset_value(cli, cli->operands[1]);
	return tp_cli_misused("settings", verb,
		"no such action, or not with this number of arguments");
}
