/*
 * setup_commit.c - putting a first configuration in place
 *
 * JOB     A new configuration appears by one link or rename, after its
 *         secret. An existing one gets relay and store in its managed file,
 *         through the plugin; with --force it is replaced, and kept beside.
 *         What fails on the way is taken back.
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup.h"

#include "cli/files.h"
#include "cli/values.h"

#include "common/exit_code.h"
#include "common/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define SECRETS_MAX 99
#define BACKUPS_MAX 99
#define ROOM 64 /* for what is appended to a path */

/* ---- the secret --------------------------------------------------------- */

static int secrets_directory(
	const struct tp_setup *setup, char *path, struct tillpost_error *err)
{
	int made;

	if (snprintf(path, PATH_MAX, "%s/" TP_FILES_SECRETS,
		    setup->places.directory) >=
		PATH_MAX - ROOM - (int)sizeof(setup->relay_name))
		return tp_report_set(err, TILLPOST_EINVAL,
			setup->places.directory, "the path is too long");
	return tp_files_secrets_directory(path, &made, err);
}

/* A secret that is there may be in use: a new one gets a new name. */
static int place_secret(struct tp_setup *setup, struct tillpost_error *err)
{
	char from[PATH_MAX + ROOM];
	char directory[PATH_MAX];
	int rc = secrets_directory(setup, directory, err);
	int i;

	if (rc < 0)
		return rc;
	(void)snprintf(from, sizeof(from), "%s/secret", setup->draft);
	for (i = 1; i <= SECRETS_MAX; i++) {
		char number[16] = "";

		if (i > 1)
			(void)snprintf(number, sizeof(number), "-%d", i);
		(void)snprintf(setup->secret_path, sizeof(setup->secret_path),
			"%.*s/%s%s", PATH_MAX - 2 * ROOM - 4, directory,
			setup->relay_name, number);
		if (link(from, setup->secret_path) == 0) {
			/* A file with two names is nobody's idea of a
			 * secret. */
			(void)unlink(from);
			return tp_files_sync_directory(directory, err);
		}
		if (errno != EEXIST)
			break;
	}
	rc = tp_files_failed(err, setup->secret_path, "cannot be made");
	setup->secret_path[0] = '\0';
	return rc;
}

static void take_secret_back(struct tp_setup *setup)
{
	if (setup->secret_path[0])
		(void)unlink(setup->secret_path);
	setup->secret_path[0] = '\0';
}

/* ---- a new configuration ------------------------------------------------ */

static int write_new(
	struct tp_setup *setup, const char *path, struct tillpost_error *err)
{
	struct tp_setup_keys keys;

	tp_setup_keys_of(setup, setup->secret_path, &keys);
	return tp_setup_write_file(path, 0644, &keys, &setup->places, err);
}

struct backup {
	char config[PATH_MAX + ROOM];  /* "" if there was none */
	char managed[PATH_MAX + ROOM]; /* the managed file; "" if none */
	char managed_from[PATH_MAX + ROOM];
};

void tp_setup_managed_path(const char *config, char *out, size_t size)
{
	size_t len = strlen(config);

	if (len > 5 && strcmp(config + len - 5, ".conf") == 0)
		len -= 5;
	(void)snprintf(out, size, "%.*s.managed.conf", (int)len, config);
}

/* "2026...Z", or with a number if there is a backup of this second.
 * @return 0 if none is free */
static int name_backup(const struct tp_setup *setup, struct backup *backup)
{
	char stamp[32];
	struct tm tm;
	time_t now = time(NULL);
	int i;

	if (!gmtime_r(&now, &tm) ||
		strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm) == 0)
		stamp[0] = '\0';
	tp_setup_managed_path(setup->places.config_path, backup->managed_from,
		sizeof(backup->managed_from));
	for (i = 1; i <= BACKUPS_MAX; i++) {
		char number[16] = "";

		if (i > 1)
			(void)snprintf(number, sizeof(number), "-%d", i);
		(void)snprintf(backup->managed, sizeof(backup->managed),
			"%.*s.%s%s.bak", PATH_MAX, backup->managed_from, stamp,
			number);
		(void)snprintf(backup->config, sizeof(backup->config),
			"%s.%s%s.bak", setup->places.config_path, stamp,
			number);
		if (access(backup->config, F_OK) != 0 &&
			access(backup->managed, F_OK) != 0)
			return 1;
	}
	return 0;
}

/* Gives what is there another name; it comes back by the same way. Names in
 * BACKUP are those that were given. */
static int set_aside(const struct tp_setup *setup, struct backup *backup,
	struct tillpost_error *err)
{
	struct backup names;
	int rc = TILLPOST_OK;

	if (!name_backup(setup, &names))
		return tp_report_set(err, TILLPOST_EBUSY,
			setup->places.config_path,
			"there are too many backups of this second");
	/* A second name, so that there is never none; where the kernel does
	 * not allow that for the file of somebody else, a new one. */
	if (link(setup->places.config_path, names.config) != 0 &&
		rename(setup->places.config_path, names.config) != 0)
		return tp_files_failed(
			err, setup->places.config_path, "cannot be set aside");
	*backup = names;
	if (rename(names.managed_from, names.managed) != 0) {
		if (errno != ENOENT)
			rc = tp_files_failed(
				err, names.managed_from, "cannot be set aside");
		backup->managed[0] = '\0';
	}
	return rc;
}

static void put_back(const struct tp_setup *setup, const struct backup *backup)
{
	/* Two names of one file, and rename() does nothing. */
	if (backup->config[0] &&
		rename(backup->config, setup->places.config_path) == 0)
		(void)unlink(backup->config);
	if (backup->managed[0])
		(void)rename(backup->managed, backup->managed_from);
}

static int32_t show_finding(void *ctx, const struct tillpost_finding *finding)
{
	struct tp_findings *findings = ctx;
	int is_error = finding->level <= TILLPOST_LOG_ERROR;

	tp_find(findings, is_error ? TP_FIND_ERROR : TP_FIND_WARNING, "check",
		"%s%s%s", finding->where, finding->where[0] ? ": " : "",
		finding->text);
	return 0;
}

static int check_result(struct tp_setup *setup, struct tillpost_error *err)
{
	struct tp_cli *cli = setup->cli;
	int32_t found = cli->plugin.api->check(setup->places.config_path,
		&cli->host, show_finding, &setup->findings, err);

	if (found > 0)
		return tp_report_set(err, TILLPOST_ECONFIG, "setup",
			"the result has errors, so nothing was written");
	return found;
}

static int replace(struct tp_setup *setup, struct tillpost_error *err)
{
	struct backup backup = { .config = "" };
	char next[PATH_MAX + ROOM];
	int placed = 0;
	int rc = TILLPOST_OK;

	(void)snprintf(next, sizeof(next), "%s/new.conf", setup->draft);
	rc = write_new(setup, next, err);
	if (rc >= 0 && setup->places.exists)
		rc = set_aside(setup, &backup, err);
	/* A link does not replace what somebody else has just made. */
	if (rc >= 0 &&
		(backup.config[0] ? rename(next, setup->places.config_path)
				  : link(next, setup->places.config_path)) != 0)
		rc = tp_files_failed(
			err, setup->places.config_path, "cannot be made");
	else if (rc >= 0)
		placed = 1;
	(void)unlink(next);
	if (rc >= 0)
		rc = check_result(setup, err);
	if (rc >= 0)
		rc = tp_files_sync_directory(setup->places.directory, err);
	if (rc < 0) {
		if (placed && !backup.config[0])
			(void)unlink(setup->places.config_path);
		put_back(setup, &backup);
		return rc;
	}
	if (backup.config[0])
		tp_find(&setup->findings, TP_FIND_NOTE, "backup",
			"the configuration of before is %s", backup.config);
	return rc;
}

/* ---- an existing configuration ------------------------------------------ */

static int open_existing(struct tp_setup *setup)
{
	int rc = tp_cli_open(
		setup->cli, TILLPOST_OPEN_PASSIVE, TILLPOST_CAP_SETTINGS_SET);

	if (rc != TP_CLI_GO_ON)
		tp_report(TP_CLI_PROGRAM, setup->places.config_path,
			"exists and cannot be used as it is; mend it, or "
			"replace it with --force, which keeps a backup");
	return rc;
}

static int somebody_set(const struct tp_value *value)
{
	return value && (value->flags & TILLPOST_VALUE_SET) &&
	       strcmp(value->source, "inherited") != 0 &&
	       strcmp(value->source, "default") != 0;
}

static int relay_exists(const struct tp_values *values, const char *relay)
{
	char prefix[TP_VALUES_KEY_BYTES];
	size_t len;
	size_t i;

	(void)snprintf(prefix, sizeof(prefix), "relays.%s.", relay);
	len = strlen(prefix);
	for (i = 0; i < values->count; i++)
		if (strncmp(values->items[i].key, prefix, len) == 0)
			return 1;
	return 0;
}

static int room_for(
	const struct tp_setup *setup, const struct tp_values *values)
{
	char key[TP_VALUES_KEY_BYTES];
	const struct tp_value *relays;

	if (relay_exists(values, setup->relay_name)) {
		tp_report(TP_CLI_PROGRAM, setup->relay_name,
			"this relay is in %s already; choose another name with "
			"--relay, or replace the configuration with --force",
			setup->places.config_path);
		return EX_USAGE;
	}
	(void)snprintf(key, sizeof(key), "stores.%s.relays", setup->store);
	relays = tp_values_find(values, key);
	if (somebody_set(relays)) {
		tp_report(TP_CLI_PROGRAM, setup->store,
			"this store sends through \"%s\" already; choose "
			"another one with --store, change it with 'tillpost "
			"settings set %s RELAY', or replace the configuration "
			"with --force",
			relays->value, key);
		return EX_USAGE;
	}
	return TP_CLI_GO_ON;
}

int tp_setup_can_add(struct tp_setup *setup)
{
	struct tp_cli *cli = setup->cli;
	struct tp_values values;
	struct tillpost_error err;
	int rc;

	if (!setup->places.exists || setup->force)
		return TP_CLI_GO_ON;
	rc = open_existing(setup);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (tp_values_load(cli->plugin.api, cli->handle, &values, &err) < 0)
		rc = tp_cli_fail(&err);
	else
		rc = room_for(setup, &values);
	tp_values_free(&values);
	tp_cli_close(cli);
	return rc == TP_CLI_GO_ON ? tp_cli_load(cli, 0) : rc;
}

static void undo_keys(const struct tp_setup *setup,
	const struct tp_setup_keys *keys, size_t count)
{
	const struct tp_cli *cli = setup->cli;
	struct tillpost_error undone;

	while (count-- > 0) {
		TILLPOST_INIT(&undone);
		(void)cli->plugin.api->settings_set(
			cli->handle, keys->items[count].key, NULL, &undone);
	}
}

/* The relay before the store: until then nothing depends on it. */
static int add_keys(struct tp_setup *setup, struct tillpost_error *err)
{
	struct tp_cli *cli = setup->cli;
	struct tp_setup_keys keys;
	size_t i;
	int32_t rc = TILLPOST_OK;

	tp_setup_keys_of(setup, setup->secret_path, &keys);
	if (keys.failed)
		return tp_report_set(err, TILLPOST_EINVAL, "settings",
			"a value is too long");
	for (i = 0; i < keys.count; i++) {
		TILLPOST_INIT(err);
		rc = cli->plugin.api->settings_set(cli->handle,
			keys.items[i].key, keys.items[i].value, err);
		if (rc < 0)
			break;
	}
	if (rc >= 0)
		rc = check_result(setup, err);
	if (rc < 0)
		undo_keys(setup, &keys, i);
	return rc;
}

static int add_to_existing(struct tp_setup *setup)
{
	struct tillpost_error err;
	int rc = open_existing(setup);

	if (rc != TP_CLI_GO_ON)
		return rc;
	if (add_keys(setup, &err) < 0)
		rc = tp_cli_fail(&err);
	setup->cli->plugin.api->close(&setup->cli->handle);
	return rc;
}

/* ---- either ------------------------------------------------------------- */

int tp_setup_commit(struct tp_setup *setup)
{
	struct tillpost_error err;
	int rc = TP_CLI_GO_ON;

	TILLPOST_INIT(&err);
	if (setup->secret.data && place_secret(setup, &err) < 0)
		rc = tp_cli_fail(&err);
	else if (setup->places.exists && !setup->force)
		rc = add_to_existing(setup);
	else if (replace(setup, &err) < 0)
		rc = tp_cli_fail(&err);
	if (rc != TP_CLI_GO_ON) {
		take_secret_back(setup);
		return rc;
	}
	tp_find(&setup->findings, TP_FIND_OK, "written", "%s%s",
		setup->places.config_path,
		setup->places.exists && !setup->force ? " (its managed file)"
						      : "");
	if (setup->secret_path[0])
		tp_find(&setup->findings, TP_FIND_OK, "written",
			"%s, which only %s and root can read",
			setup->secret_path, setup->places.owner.name);
	return rc;
}
