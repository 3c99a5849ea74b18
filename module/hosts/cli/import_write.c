/*
 * import_write.c - putting what was imported in place
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import_write.h"

#include "cli/files.h"
#include "cli/import/import_text.h"
#include "cli/signals.h"
#include "common/exit_code.h"
#include "common/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES (TP_IMPORT_NAME_BYTES + 64)

/* ---- where -------------------------------------------------------------- */

int tp_import_place(struct tp_cli *cli, struct tp_import_place *place)
{
	struct tp_places *places = &place->places;
	int rc;

	places->command = "import";
	places->config_path =
		cli->config_path ? cli->config_path : TP_CLI_DEFAULT_CONFIG;
	rc = tp_places_find(places);
	if (rc != TP_CLI_GO_ON)
		return rc;
	/* Of a directory that is not there yet the name has to do. */
	if (!realpath(places->directory, place->directory))
		(void)snprintf(place->directory, sizeof(place->directory), "%s",
			places->directory);
	if (snprintf(place->secrets, sizeof(place->secrets),
		    "%s/" TP_FILES_SECRETS,
		    place->directory) >= PATH_MAX - 2 * TP_IMPORT_NAME_BYTES)
		return tp_cli_misused(
			"import", "--config", "the path is too long");
	return TP_CLI_GO_ON;
}

/* ---- what is there ------------------------------------------------------ */

static int32_t note_set(void *ctx, const struct tillpost_value *value)
{
	int *found = ctx;

	*found |= (value->flags & TILLPOST_VALUE_SET) != 0;
	return 0;
}

/* Is anything of the group KEY set? */
static int is_set(struct tp_cli *cli, const char *key)
{
	struct tillpost_error err;
	int found = 0;

	TILLPOST_INIT(&err);
	(void)cli->plugin.api->settings_get(
		cli->handle, key, note_set, &found, &err);
	return found;
}

static int32_t refuse_taken(struct tp_cli *cli, const char *group,
	const char *name, const char *option, struct tillpost_error *err)
{
	char key[KEY_BYTES];

	(void)snprintf(key, sizeof(key), "%s.%s", group, name);
	if (!is_set(cli, key))
		return TILLPOST_OK;
	return tp_report_set(err, TILLPOST_EBUSY, key,
		"is in the configuration already and is not replaced; give "
		"another name with %s",
		option);
}

static int32_t refuse_all_taken(struct tp_cli *cli,
	const struct tp_import_result *result, struct tillpost_error *err)
{
	int32_t rc = TILLPOST_OK;
	int makes_default = 0;
	size_t i;

	for (i = 0; i < result->relay_count && rc >= 0; i++)
		rc = refuse_taken(
			cli, "relays", result->relays[i].name, "--relay", err);
	for (i = 0; i < result->store_count && rc >= 0; i++) {
		rc = refuse_taken(
			cli, "stores", result->stores[i].name, "--store", err);
		makes_default |= strcmp(result->stores[i].name, "default") == 0;
	}
	if (rc >= 0 && !makes_default && !is_set(cli, "stores.default"))
		rc = tp_report_set(err, TILLPOST_ECONFIG, "stores.default",
			"is not in the configuration, which needs it; leave "
			"--store out");
	return rc;
}

/* ---- into the managed file ---------------------------------------------- */

#define CHANGES_MAX ((TP_IMPORT_RELAYS_MAX + TP_IMPORT_STORES_MAX) * 16)

struct changes {
	struct tp_cli *cli;
	const char *group;
	const char *name;
	struct tillpost_error *err;
	char (*keys)[KEY_BYTES]; /* that were set, in order */
	size_t count;
};

static int32_t set_one(void *ctx, const struct tp_import_setting *setting)
{
	struct changes *changes = ctx;
	char *key = changes->keys[changes->count];
	int32_t rc;

	if (changes->count >= CHANGES_MAX - 1)
		return tp_report_set(changes->err, TILLPOST_ETOOBIG, "",
			"more than %d settings", CHANGES_MAX - 1);
	(void)snprintf(key, KEY_BYTES, "%s.%s.%s", changes->group,
		changes->name, setting->key);
	TILLPOST_INIT(changes->err);
	rc = changes->cli->plugin.api->settings_set(
		changes->cli->handle, key, setting->value, changes->err);
	if (rc >= 0)
		changes->count++;
	return rc;
}

static int32_t set_relay(struct changes *changes,
	const struct tp_import_relay *relay,
	const struct tp_import_place *place)
{
	struct tp_import_bytes path = { .text = NULL };
	int32_t rc;

	if (relay->secret || relay->secret_is_there)
		tp_import_secret_file(relay, place->secrets, &path);
	changes->group = "relays";
	changes->name = relay->name;
	rc = tp_import_relay_settings(relay, path.text, set_one, changes);
	tp_import_bytes_free(&path);
	return rc;
}

/* The default store first: without it others are an error. */
static int32_t set_stores(
	struct changes *changes, const struct tp_import_result *result)
{
	int32_t rc = TILLPOST_OK;
	int round;
	size_t i;

	changes->group = "stores";
	for (round = 0; round < 2; round++)
		for (i = 0; i < result->store_count && rc >= 0; i++) {
			const struct tp_import_store *store =
				&result->stores[i];
			int is_default = strcmp(store->name, "default") == 0;

			if (is_default != (round == 0))
				continue;
			changes->name = store->name;
			rc = tp_import_store_settings(
				result, store, set_one, changes);
		}
	return rc;
}

static void undo(struct changes *changes)
{
	struct tillpost_error err;

	while (changes->count-- > 0) {
		TILLPOST_INIT(&err);
		(void)changes->cli->plugin.api->settings_set(
			changes->cli->handle, changes->keys[changes->count],
			NULL, &err);
	}
}

static int32_t set_all(struct tp_cli *cli,
	const struct tp_import_result *result,
	const struct tp_import_place *place, struct tillpost_error *err)
{
	struct changes changes = { .cli = cli, .err = err };
	int32_t rc = TILLPOST_OK;
	size_t i;

	changes.keys = calloc(CHANGES_MAX, sizeof(*changes.keys));
	if (!changes.keys)
		return tp_report_set(err, TILLPOST_ENOMEM, "", "out of memory");
	for (i = 0; i < result->relay_count && rc >= 0; i++)
		rc = set_relay(&changes, &result->relays[i], place);
	if (rc >= 0)
		rc = set_stores(&changes, result);
	if (rc < 0)
		undo(&changes);
	free(changes.keys);
	return rc;
}

/* ---- all ---------------------------------------------------------------- */

static int32_t write_existing(struct tp_cli *cli,
	const struct tp_import_result *result,
	const struct tp_import_place *place, struct tillpost_error *err)
{
	struct tp_import_secrets secrets;
	const int32_t log_level = cli->log_level;
	int32_t rc = refuse_all_taken(cli, result, err);

	if (rc < 0)
		return rc;
	rc = tp_import_write_secrets(result, place, &secrets, err);
	/* A relay is not complete before its last setting: no warnings. */
	cli->log_level = TILLPOST_LOG_ERROR;
	if (rc >= 0)
		rc = set_all(cli, result, place, err);
	cli->log_level = log_level;
	if (rc < 0)
		tp_import_remove_secrets(result, place, &secrets);
	return rc;
}

static int32_t write_new(struct tp_cli *cli,
	const struct tp_import_result *result,
	const struct tp_import_place *place, struct tillpost_error *err)
{
	struct tp_import_secrets secrets;
	int32_t rc = tp_import_write_secrets(result, place, &secrets, err);

	if (rc >= 0)
		rc = tp_import_write_new(cli, result, place, err);
	if (rc < 0)
		tp_import_remove_secrets(result, place, &secrets);
	return rc;
}

static int write_all(struct tp_cli *cli, const struct tp_import_result *result,
	const struct tp_import_place *place)
{
	struct tillpost_error err;
	sigset_t before;
	int32_t status;

	TILLPOST_INIT(&err);
	tp_signals_hold(&before);
	status = place->places.exists ? write_existing(cli, result, place, &err)
				      : write_new(cli, result, place, &err);
	tp_signals_release(&before);
	return status < 0 ? tp_cli_fail(&err) : TP_CLI_GO_ON;
}

int tp_import_write(struct tp_cli *cli, struct tp_import_result *result,
	struct tp_import_place *place)
{
	int rc = tp_places_make(&place->places);

	if (rc == TP_CLI_GO_ON)
		rc = tp_import_find_secrets(result, place);
	if (rc == TP_CLI_GO_ON)
		rc = place->places.exists
			     ? tp_cli_open(cli, TILLPOST_OPEN_PASSIVE,
				       TILLPOST_CAP_SETTINGS_SET)
			     : tp_cli_load(cli, 0);
	return rc == TP_CLI_GO_ON ? write_all(cli, result, place) : rc;
}
