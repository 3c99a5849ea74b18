/*
 * settings_doc.c - documents from the settings table
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/settings_doc.h"

#include "core/config.h"
#include "core/presets.h"
#include "core/settings.h"

#include <stdio.h>
#include <string.h>

#define LINE_COLUMNS 76

/* Appends TEXT in lines that begin with PREFIX. */
static int add_wrapped(struct tp_buf *out, const char *prefix, size_t columns,
	const char *text)
{
	size_t room = LINE_COLUMNS - columns;
	int rc = TP_OK;

	while (*text && rc >= 0) {
		size_t len = strlen(text);

		if (len > room) {
			len = room;
			while (len > 0 && text[len] != ' ')
				len--;
			if (len == 0) /* one word longer than a line */
				len = strcspn(text, " ");
		}
		rc = tp_buf_printf(out, "%s%.*s\n", prefix, (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
	return rc;
}

static const char *sample(const struct tp_setting *setting)
{
	return setting->default_value ? setting->default_value
				      : setting->example;
}

static int add_list(struct tp_buf *out, const char *items)
{
	int rc = tp_buf_str_add(out, "[");

	while (*items && rc >= 0) {
		size_t len = strcspn(items, ",");

		rc = tp_buf_printf(out, "\"%.*s\"", (int)len, items);
		items += len;
		if (*items && rc >= 0) {
			rc = tp_buf_str_add(out, ", ");
			items += strspn(items, ", ");
		}
	}
	return rc < 0 ? rc : tp_buf_str_add(out, "]");
}

/* VALUE as it is written in a file. */
static int add_value(
	struct tp_buf *out, const struct tp_setting *setting, const char *value)
{
	if (setting->type == TP_SETTING_INT || setting->type == TP_SETTING_BOOL)
		return tp_buf_str_add(out, value);
	if (setting->type == TP_SETTING_LIST)
		return add_list(out, value);
	return tp_buf_printf(out, "\"%s\"", value);
}

/* ---- the example file --------------------------------------------------- */

static const char example_head[] =
	"# tillpost.conf - configuration of tillpost; see tillpost.conf(5)\n"
	"#\n"
	"# As it stands, this file sends nothing: it has no relay and no store.\n"
	"# Lines that begin with \"#\" and no space are settings, most of them\n"
	"# with their defaults: remove the \"#\" and change the value. Check with\n"
	"#\n"
	"#     tillpost check\n"
	"#\n"
	"# Settings made by programs are in tillpost.managed.conf, next to this\n"
	"# file. What is set here wins.\n";

/* What most people need first. */
static const char example_start[] =
	"\n"
	"# A relay is how to reach a server. A store is who is sending.\n"
	"\n"
	"#relays = {\n"
	"#\tses = {\n"
	"#\t\tpreset = \"amazon-ses\";\n"
	"#\t\tregion = \"eu-west-1\";\n"
	"#\t\tusername = \"AKIAEXAMPLE\";\n"
	"#\t\tpassword_file = \"/etc/tillpost/secrets/ses\";\n"
	"#\t};\n"
	"#\toffice = {\n"
	"#\t\thost = \"smtp.example.net\";\n"
	"#\t\ttls = \"implicit\";\n"
	"#\t\tusername = \"shop@example.net\";\n"
	"#\t\tpassword_file = \"/etc/tillpost/secrets/office\";\n"
	"#\t};\n"
	"#\tlab = {\n"
	"#\t\thost = \"127.0.0.1\";\n"
	"#\t\tport = 2525;\n"
	"#\t\ttls = \"none\";\n"
	"#\t\tauth = \"none\";\n"
	"#\t};\n"
	"#};\n"
	"\n"
	"#stores = {\n"
	"#\tdefault = {\n"
	"#\t\trelays = [\"ses\"];\n"
	"#\t\tfrom = \"Example Shop <shop@example.com>\";\n"
	"#\t};\n"
	"#\teu = {\n"
	"#\t\trelays = [\"office\"];\n"
	"#\t\tfrom = \"sales@eu.example.com\";\n"
	"#\t\tmatch = {\n"
	"#\t\t\tfrom = [\"@eu.example.com\"];\n"
	"#\t\t\thost = [\"eu.example.com\"];\n"
	"#\t\t\trun_code = [\"eu\"];\n"
	"#\t\t};\n"
	"#\t};\n"
	"#};\n";

static int example_help(struct tp_buf *out, const struct tp_setting *setting,
	const char *prefix, size_t columns)
{
	char range[160];
	char facts[256];
	int rc;

	tp_setting_range(setting, range, sizeof(range));
	(void)snprintf(facts, sizeof(facts), "(%s%s%s%s)",
		tp_setting_type_name(setting->type), range[0] ? ", " : "",
		range, setting->required ? ", required" : "");
	rc = add_wrapped(out, prefix, columns, setting->help);
	return rc < 0 ? rc : add_wrapped(out, prefix, columns, facts);
}

/* A group that exists once: its settings can be switched on in place. */
static int example_group(struct tp_buf *out, enum tp_setting_scope scope)
{
	size_t count;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);
	int rc = tp_buf_printf(out, "\n%s = {\n", tp_setting_scope_name(scope));

	for (i = 0; i < count && rc >= 0; i++) {
		if (table[i].scope != scope)
			continue;
		rc = example_help(out, &table[i], "\t# ", 10);
		if (rc >= 0)
			rc = tp_buf_printf(out, "\t#%s = ", table[i].key);
		if (rc >= 0)
			rc = add_value(out, &table[i], sample(&table[i]));
		if (rc >= 0)
			rc = tp_buf_str_add(out, ";\n");
	}
	return rc < 0 ? rc : tp_buf_str_add(out, "};\n");
}

/* A group that exists many times: for reading only. */
static int example_reference(
	struct tp_buf *out, enum tp_setting_scope scope, const char *title)
{
	size_t count;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);
	int rc = tp_buf_printf(out, "\n# %s\n", title);

	for (i = 0; i < count && rc >= 0; i++) {
		if (table[i].scope != scope)
			continue;
		rc = tp_buf_printf(out, "#\n#   %s", table[i].key);
		if (rc >= 0 && sample(&table[i])) {
			rc = tp_buf_str_add(out, " = ");
			if (rc >= 0)
				rc = add_value(
					out, &table[i], sample(&table[i]));
		}
		if (rc >= 0)
			rc = tp_buf_printf(out, "%s\n",
				table[i].default_value ? "   (default)" : "");
		if (rc >= 0)
			rc = example_help(out, &table[i], "#       ", 8);
	}
	return rc;
}

int tp_settings_doc_example(struct tp_buf *out)
{
	static const enum tp_setting_scope groups[] = { TP_SETTINGS_QUEUE,
		TP_SETTINGS_SPOOL, TP_SETTINGS_LOG, TP_SETTINGS_SUBMIT };
	size_t i;
	int rc = tp_buf_str_add(out, example_head);

	if (rc >= 0)
		rc = tp_buf_str_add(out, example_start);
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]) && rc >= 0; i++)
		rc = example_group(out, groups[i]);
	if (rc >= 0)
		rc = example_reference(
			out, TP_SETTINGS_RELAY, "All keys of a relay:");
	if (rc >= 0)
		rc = example_reference(out, TP_SETTINGS_STORE,
			"All keys of a store. What it does not set comes from "
			"the store it inherits:");
	if (rc >= 0)
		rc = example_reference(out, TP_SETTINGS_MATCH,
			"All keys of match, in a store. They are not "
			"inherited:");
	return rc;
}

/* ---- tillpost.conf(5) --------------------------------------------------- */

/* Text for roff: backslash, leading dot, and the minus of options. */
static int add_roff(struct tp_buf *out, const char *text)
{
	int rc = TP_OK;

	if (*text == '.' || *text == '\'')
		rc = tp_buf_str_add(out, "\\&");
	for (; *text && rc >= 0; text++) {
		if (*text == '\\')
			rc = tp_buf_str_add(out, "\\e");
		else if (*text == '-')
			rc = tp_buf_str_add(out, "\\-");
		else if (*text == '"')
			rc = tp_buf_str_add(out, "\\(dq");
		else
			rc = tp_buf_char(out, *text);
	}
	return rc;
}

/* Sentences on lines of their own, as roff wants them. */
static int add_sentences(struct tp_buf *out, const char *text)
{
	int rc = TP_OK;

	while (*text && rc >= 0) {
		const char *end = strstr(text, ". ");
		size_t len = end ? (size_t)(end - text) + 1 : strlen(text);
		char sentence[512];

		(void)snprintf(
			sentence, sizeof(sentence), "%.*s", (int)len, text);
		rc = add_roff(out, sentence);
		if (rc >= 0)
			rc = tp_buf_char(out, '\n');
		text += len;
		text += strspn(text, " ");
	}
	return rc;
}

static int man_setting(struct tp_buf *out, const struct tp_setting *setting)
{
	char range[160];
	int rc = tp_buf_printf(out, ".TP\n.B %s\n", setting->key);

	tp_setting_range(setting, range, sizeof(range));
	if (rc >= 0)
		rc = tp_buf_printf(out, "(%s%s",
			tp_setting_type_name(setting->type),
			range[0] ? ", " : "");
	if (rc >= 0)
		rc = add_roff(out, range);
	if (rc >= 0 && strcmp(setting->unit, "s") == 0)
		rc = tp_buf_str_add(out, ", a plain number is seconds");
	if (rc >= 0 && setting->required)
		rc = tp_buf_str_add(out, ", required");
	if (rc >= 0 && setting->default_value) {
		rc = tp_buf_str_add(out, "; default ");
		if (rc >= 0)
			rc = add_roff(out, setting->default_value);
	}
	if (rc >= 0)
		rc = tp_buf_str_add(out, ")\n");
	return rc < 0 ? rc : add_sentences(out, setting->help);
}

int tp_settings_doc_man(struct tp_buf *out)
{
	static const struct {
		enum tp_setting_scope scope;
		const char *title;
	} groups[] = {
		{ TP_SETTINGS_QUEUE, "queue" },
		{ TP_SETTINGS_SPOOL, "spool" },
		{ TP_SETTINGS_LOG, "log" },
		{ TP_SETTINGS_SUBMIT, "submit" },
		{ TP_SETTINGS_RELAY, "relays.NAME" },
		{ TP_SETTINGS_STORE, "stores.NAME" },
		{ TP_SETTINGS_MATCH, "stores.NAME.match" },
	};
	size_t count;
	size_t g;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);
	int rc = TP_OK;

	for (g = 0; g < sizeof(groups) / sizeof(groups[0]) && rc >= 0; g++) {
		rc = tp_buf_printf(out, ".SS %s\n", groups[g].title);
		for (i = 0; i < count && rc >= 0; i++)
			if (table[i].scope == groups[g].scope)
				rc = man_setting(out, &table[i]);
	}
	return rc;
}

static int man_ports(struct tp_buf *out, const struct tp_preset *preset)
{
	static const char *const modes[] = { [TP_TLS_IMPLICIT] = "implicit",
		[TP_TLS_STARTTLS] = "starttls",
		[TP_TLS_NONE] = "none" };
	const struct tp_preset_port *at;
	int rc = TP_OK;

	for (at = preset->ports; at->port && rc >= 0; at++)
		rc = tp_buf_printf(out, "%s%d %s",
			at == preset->ports ? "" : ", ", at->port,
			modes[at->tls]);
	return rc < 0 ? rc : tp_buf_str_add(out, ".\n");
}

static int man_regions(struct tp_buf *out, const struct tp_preset *preset)
{
	const struct tp_preset_region *at;
	int rc = TP_OK;

	if (!preset->regions[0].name)
		return TP_OK;
	rc = tp_buf_str_add(out, preset->region_required
					 ? "A region is needed:"
					 : "Regions, the first if not set:");
	for (at = preset->regions; at->name && rc >= 0; at++) {
		rc = tp_buf_str_add(out, at == preset->regions ? " " : ", ");
		if (rc >= 0)
			rc = add_roff(out, at->name);
	}
	return rc < 0 ? rc : tp_buf_str_add(out, ".\n");
}

static int man_user(struct tp_buf *out, const struct tp_preset *preset)
{
	static const char *const users[] = { [TP_USER_ANY] = "",
		[TP_USER_MAILBOX] = "User name: the mail address.\n",
		[TP_USER_LOCAL_PART] =
			"User name: the mail address up to the @.\n",
		[TP_USER_FIXED] = "",
		[TP_USER_TOKEN] = "User name: none; the password is used.\n" };
	int rc = tp_buf_str_add(out, users[preset->user]);

	if (rc >= 0 && preset->user == TP_USER_FIXED)
		rc = tp_buf_printf(out, "User name: %s (set by the preset).\n",
			preset->username);
	if (rc >= 0 && preset->auth_note[0]) {
		rc = tp_buf_str_add(out, "Login: ");
		if (rc >= 0)
			rc = add_roff(out, preset->auth_note);
		if (rc >= 0)
			rc = tp_buf_str_add(out, ".\n");
	}
	return rc;
}

static int man_preset(struct tp_buf *out, const struct tp_preset *preset)
{
	int rc = tp_buf_str_add(out, ".TP\n.B ");

	if (rc >= 0)
		rc = add_roff(out, preset->name);
	if (rc >= 0)
		rc = tp_buf_printf(out, "\n%s:\n", preset->title);
	if (rc >= 0)
		rc = add_roff(out, preset->host);
	if (rc >= 0)
		rc = tp_buf_str_add(out, ",\n");
	if (rc >= 0)
		rc = man_ports(out, preset);
	if (rc >= 0)
		rc = man_regions(out, preset);
	if (rc >= 0)
		rc = man_user(out, preset);
	if (rc >= 0 && preset->limits[0]) {
		rc = tp_buf_str_add(out, "Limits: ");
		if (rc >= 0)
			rc = add_roff(out, preset->limits);
		if (rc >= 0)
			rc = tp_buf_str_add(out, ".\n");
	}
	if (rc >= 0)
		rc = add_sentences(out, preset->notes);
	if (rc >= 0 && !preset->verified)
		rc = tp_buf_str_add(out, "Not verified.\n");
	return rc;
}

int tp_settings_doc_man_presets(struct tp_buf *out)
{
	size_t count;
	size_t i;
	const struct tp_preset *table = tp_presets_table(&count);
	int rc = TP_OK;

	for (i = 0; i < count && rc >= 0; i++)
		rc = man_preset(out, &table[i]);
	return rc;
}
