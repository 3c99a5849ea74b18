/*
 * import_secret.c - the files of imported secrets
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import_write.h"

#include "cli/files.h"
#include "cli/import/import_text.h"
#include "cli/input.h"
#include "common/report.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int32_t path_of(const struct tp_import_relay *relay,
	const struct tp_import_place *place, struct tp_import_bytes *path,
	struct tillpost_error *err)
{
	tp_import_secret_file(relay, place->secrets, path);
	if (!path->failed)
		return TILLPOST_OK;
	return tp_report_set(err, TILLPOST_ENOMEM, "", "out of memory");
}

int32_t tp_import_write_secrets(const struct tp_import_result *result,
	const struct tp_import_place *place, struct tp_import_secrets *secrets,
	struct tillpost_error *err)
{
	int32_t rc = TILLPOST_OK;
	size_t count = 0;
	size_t i;

	*secrets = (struct tp_import_secrets) { .made_directory = 0 };
	for (i = 0; i < result->relay_count && rc >= 0; i++) {
		const struct tp_import_relay *relay = &result->relays[i];
		struct tp_import_bytes path = { .text = NULL };

		if (!relay->secret)
			continue;
		if (count++ == 0)
			rc = tp_files_secrets_directory(
				place->secrets, &secrets->made_directory, err);
		if (rc >= 0)
			rc = path_of(relay, place, &path, err);
		/* A file that is there may be in use: it is left alone. */
		if (rc >= 0)
			rc = tp_files_write(path.text, 0600, relay->secret,
				strlen(relay->secret), err);
		secrets->made[i] = rc >= 0;
		tp_import_bytes_free(&path);
	}
	return rc >= 0 && count > 0
		       ? tp_files_sync_directory(place->secrets, err)
		       : rc;
}

void tp_import_remove_secrets(const struct tp_import_result *result,
	const struct tp_import_place *place,
	const struct tp_import_secrets *secrets)
{
	size_t i;

	for (i = 0; i < result->relay_count; i++) {
		struct tp_import_bytes path = { .text = NULL };
		struct tillpost_error err;

		if (secrets->made[i] &&
			path_of(&result->relays[i], place, &path, &err) >= 0)
			(void)unlink(path.text);
		tp_import_bytes_free(&path);
	}
	if (secrets->made_directory)
		(void)rmdir(place->secrets);
}

/* ---- what the export does not have -------------------------------------- */

static const char *word_for(const struct tp_import_relay *relay)
{
	return relay->is_token ? "token" : "password";
}

static void tell_command(const struct tp_import_relay *relay,
	const struct tp_import_place *place)
{
	const struct tp_places *places = &place->places;
	int usual = strcmp(places->config_path, TP_CLI_DEFAULT_CONFIG) == 0;
	char where[TP_IMPORT_NAME_BYTES + 16];

	(void)snprintf(where, sizeof(where), "relays.%s", relay->name);
	tp_report(TP_CLI_PROGRAM, where,
		"to do: give the %s to: tillpost secret set %s%s%s%s%s",
		word_for(relay), relay->name, usual ? "" : " -c ",
		usual ? "" : places->config_path,
		places->user ? " --user " : "",
		places->user ? places->user : "");
}

void tp_import_tell_secrets(const struct tp_import_result *result,
	const struct tp_import_place *place)
{
	char where[TP_IMPORT_NAME_BYTES + 16];
	size_t i;

	for (i = 0; i < result->relay_count; i++) {
		const struct tp_import_relay *relay = &result->relays[i];

		(void)snprintf(where, sizeof(where), "relays.%s", relay->name);
		if (relay->secret)
			tp_report(TP_CLI_PROGRAM, where,
				"secret: the %s goes to %s/%s (mode 0600)",
				word_for(relay), place->secrets, relay->name);
		else if (relay->wants_secret)
			tell_command(relay, place);
	}
}

/* Nothing typed means: not now. */
static int ask(struct tp_import_relay *relay)
{
	char prompt[TP_IMPORT_NAME_BYTES + 64];
	struct tp_input typed;
	struct tillpost_error err;
	int32_t rc;

	(void)snprintf(prompt, sizeof(prompt), "%s of relays.%s",
		word_for(relay), relay->name);
	rc = tp_input_value(prompt, &typed, &err);
	if (rc >= 0 && typed.len > 0)
		rc = tp_import_set(&relay->secret, typed.data, &err);
	tp_input_free(&typed);
	if (rc < 0)
		return tp_cli_fail(&err);
	relay->wants_secret = relay->secret == NULL;
	return TP_CLI_GO_ON;
}

int tp_import_find_secrets(
	struct tp_import_result *result, const struct tp_import_place *place)
{
	int rc = TP_CLI_GO_ON;
	int missing = 0;
	size_t i;

	for (i = 0; i < result->relay_count && rc == TP_CLI_GO_ON; i++) {
		struct tp_import_relay *relay = &result->relays[i];
		struct tp_import_bytes path = { .text = NULL };
		struct tillpost_error err;

		if (!relay->wants_secret)
			continue;
		/* Whether the file may be used, the plugin finds out. */
		relay->secret_is_there =
			path_of(relay, place, &path, &err) >= 0 &&
			access(path.text, F_OK) == 0;
		relay->wants_secret = !relay->secret_is_there;
		tp_import_bytes_free(&path);
		if (relay->wants_secret && isatty(STDIN_FILENO))
			rc = ask(relay);
		missing += relay->wants_secret;
	}
	if (rc != TP_CLI_GO_ON || missing == 0)
		return rc;
	tp_import_tell_secrets(result, place);
	tp_report(TP_CLI_PROGRAM, "import",
		"secrets are missing, so nothing was written; put each into "
		"its file as shown, and run this again");
	return EX_CONFIG;
}
