/*
 * import_wordpress.c - options of WordPress plugins, in whichever form
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_wordpress.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_nested.h"
#include "cli/import/import_rows.h"
#include "common/report.h"

#include <stdio.h>
#include <string.h>

/* ---- rows --------------------------------------------------------------- */

static const char *find_name(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return *names;
	return NULL;
}

/* The text of one option, found in LINE. */
static int32_t read_option(const struct tp_import_input *input, size_t line,
	const char *name, const char *text, struct tp_import_entries *entries,
	struct tillpost_error *err)
{
	char where[80];
	const struct tp_import_input option = { where, text, strlen(text) };

	(void)snprintf(where, sizeof(where), "%.40s:%zu", input->name, line);
	return tp_import_nested(&option, name, entries, err);
}

static int32_t read_rows(const struct tp_import_input *input,
	const char *const *names, struct tp_import_entries *entries,
	struct tillpost_error *err)
{
	const struct tp_import_table table = {
		.name = "options",
		.columns = { "option_id", "option_name", "option_value",
			"autoload" },
		.least_count = 4,
		.key_column = "option_name",
		.value_column = "option_value",
		.prefixes = names,
	};
	struct tp_import_entries rows = { .items = NULL };
	size_t i;
	int32_t rc = tp_import_tables(input, &table, 1, &rows, err);

	for (i = 0; i < rows.count && rc >= 0; i++) {
		const char *name = find_name(names, rows.items[i].key);

		if (name)
			rc = read_option(input, rows.items[i].line, name,
				rows.items[i].value, entries, err);
	}
	tp_import_entries_free(&rows);
	return rc;
}

/* ---- a list of options in JSON ------------------------------------------ */

#define NAME_PART TP_IMPORT_SEP "option_name"
#define VALUE_PART TP_IMPORT_SEP "option_value"

/* The option of which entry NAME_AT says that its name is NAME: every entry of
 * the same item that belongs to its value. */
static int32_t read_item(const struct tp_import_input *input,
	const struct tp_import_entries *list, size_t name_at, const char *name,
	struct tp_import_entries *entries, struct tillpost_error *err)
{
	const char *key = list->items[name_at].key;
	size_t len = strcspn(key, TP_IMPORT_SEP);
	int32_t rc = TILLPOST_OK;
	size_t i;

	for (i = 0; i < list->count && rc >= 0; i++) {
		const struct tp_import_entry *entry = &list->items[i];
		const char *part = entry->key + len;

		if (strncmp(entry->key, key, len) != 0 ||
			strncmp(part, VALUE_PART, strlen(VALUE_PART)) != 0)
			continue;
		part += strlen(VALUE_PART);
		if (*part == '\0')
			rc = read_option(
				input, 1, name, entry->value, entries, err);
		else if (*part == TP_IMPORT_SEP[0])
			rc = tp_import_entries_add(entries, name, part + 1,
				entry->value, strlen(entry->value), 0, err);
	}
	return rc;
}

/* What `wp option list --format=json` prints. Its values are texts, or with
 * --unserialize nested. Of each name the first one is taken. */
static int32_t read_list(const struct tp_import_input *input,
	const struct tp_import_entries *list, const char *const *names,
	struct tp_import_entries *entries, struct tillpost_error *err)
{
	int32_t rc = TILLPOST_OK;

	for (; *names && rc >= 0; names++) {
		size_t i;

		for (i = 0; i < list->count; i++) {
			const char *key = list->items[i].key;

			if (strcmp(key + strcspn(key, TP_IMPORT_SEP),
				    NAME_PART) == 0 &&
				strcmp(list->items[i].value, *names) == 0)
				break;
		}
		if (i < list->count)
			rc = read_item(input, list, i, *names, entries, err);
	}
	return rc;
}

static int32_t read_json(const struct tp_import_input *input,
	const char *const *names, struct tp_import_entries *entries,
	struct tillpost_error *err)
{
	struct tp_import_entries found = { .items = NULL };
	int32_t rc = tp_import_json(input, "", &found, err);
	size_t i;

	if (rc >= 0 &&
		tp_import_entries_find(&found, "", "0" NAME_PART) != NULL) {
		rc = read_list(input, &found, names, entries, err);
	} else {
		for (i = 0; i < found.count && rc >= 0; i++)
			rc = tp_import_entries_add(entries, names[0],
				found.items[i].key, found.items[i].value,
				strlen(found.items[i].value), 0, err);
	}
	tp_import_entries_free(&found);
	return rc;
}

int32_t tp_import_wordpress(const struct tp_import_input *input,
	const char *const *names, struct tp_import_entries *entries,
	struct tillpost_error *err)
{
	int32_t rc;

	if (tp_import_is_json(input))
		rc = read_json(input, names, entries, err);
	else if (tp_import_is_php(input))
		rc = tp_import_php(input, names[0], entries, err);
	else
		rc = read_rows(input, names, entries, err);
	if (rc >= 0 && entries->count == 0)
		return tp_report_set(err, TILLPOST_ENOTFOUND, input->name,
			"the option %s is not in it", names[0]);
	return rc;
}

/* ---- what is not SMTP --------------------------------------------------- */

int32_t tp_import_not_smtp(struct tp_import_result *result, const char *where,
	const char *mailer, struct tillpost_error *err)
{
	static const struct {
		const char *mailer;
		const char *preset;
	} presets[] = {
		{ "amazonses", "amazon-ses" },
		{ "ses", "amazon-ses" },
		{ "gmail", "gmail" },
		{ "gmail_api", "gmail" },
		{ "outlook", "microsoft365" },
		{ "office365_api", "microsoft365" },
		{ "sendgrid", "sendgrid" },
		{ "sendgrid_api", "sendgrid" },
		{ "mailgun", "mailgun" },
		{ "mailgun_api", "mailgun" },
		{ "sendinblue", "brevo" },
		{ "sendinblue_api", "brevo" },
		{ "postmark", "postmark" },
		{ "postmark_api", "postmark" },
		{ "sparkpost", "sparkpost" },
		{ "sparkpost_api", "sparkpost" },
		{ "mandrill", "mandrill" },
		{ "mandrill_api", "mandrill" },
		{ "mailjet", "mailjet" },
		{ "mailjet_api", "mailjet" },
		{ "mailersend", "mailersend" },
		{ "mailersend_api", "mailersend" },
		{ "elasticemail", "elastic-email" },
		{ "elasticemail_api", "elastic-email" },
		{ "elasticmail", "elastic-email" },
		{ "smtp2go", "smtp2go" },
		{ "smtp2go_api", "smtp2go" },
		{ "zoho", "zoho" },
	};
	size_t i;

	for (i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		if (tp_import_same(presets[i].mailer, mailer))
			return tp_import_say(result, TP_IMPORT_TODO, err, where,
				"it sends through the HTTP interface \"%.40s\", "
				"which has no SMTP settings to take over; set "
				"up a relay with preset = \"%s\" and the "
				"provider's SMTP credentials",
				mailer, presets[i].preset);
	return tp_import_say(result, TP_IMPORT_TODO, err, where,
		"it sends through \"%.40s\", which is not SMTP; nothing was "
		"taken over from it",
		mailer);
}
