/*
 * import_wp_config.c - constants of WordPress's wp-config.php
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_wp_config.h"

#include "common/report.h"

#include <string.h>
#include <strings.h>

static const char *const names[TP_IMPORT_CONSTANTS] = {
	[TP_IMPORT_LOGGED_IN_KEY] = "LOGGED_IN_KEY",
	[TP_IMPORT_LOGGED_IN_SALT] = "LOGGED_IN_SALT",
	[TP_IMPORT_FLUENT_KEY] = "FLUENTMAIL_ENCRYPT_KEY",
	[TP_IMPORT_FLUENT_SALT] = "FLUENTMAIL_ENCRYPT_SALT",
	[TP_IMPORT_FLUENT_USERNAME] = "FLUENTMAIL_SMTP_USERNAME",
	[TP_IMPORT_FLUENT_PASSWORD] = "FLUENTMAIL_SMTP_PASSWORD",
};

/* What is left to be read. */
struct reader {
	const char *at;
	const char *end;
};

static int starts(const struct reader *in, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(in->end - in->at) >= len &&
	       strncasecmp(in->at, text, len) == 0;
}

static void skip_to(struct reader *in, const char *text)
{
	while (in->at < in->end && !starts(in, text))
		in->at++;
	if (in->at < in->end)
		in->at += strlen(text);
}

/* @return 1 if there was a comment */
static int skip_comment(struct reader *in)
{
	if (starts(in, "/*"))
		skip_to(in, "*/");
	else if (starts(in, "//") || starts(in, "#"))
		skip_to(in, "\n");
	else
		return 0;
	return 1;
}

static void skip_blanks(struct reader *in)
{
	while (in->at < in->end)
		if (strchr(" \t\r\n", *in->at) && *in->at)
			in->at++;
		else if (!skip_comment(in))
			return;
}

/* A character of a string, with its escape if it has one that we know.
 * @return 0 if what the string holds cannot be known without running it */
static int take_char(struct reader *in, char quote, char *out)
{
	*out = *in->at++;
	if (*out == '$' && quote == '"')
		return 0;
	if (*out != '\\' || in->at == in->end)
		return 1;
	if (*in->at == '\\' || *in->at == quote ||
		(*in->at == '$' && quote == '"')) {
		*out = *in->at++;
		return 1;
	}
	/* A backslash that stands for itself; in double quotes it might not. */
	return quote == '\'';
}

/* Reads a string in quotes, or passes over it.
 * @return 1 if OUT has it */
static int take_string(struct reader *in, char out[TP_IMPORT_CONSTANT_BYTES])
{
	char quote = *in->at++;
	size_t len = 0;
	int plain = 1;

	while (in->at < in->end && *in->at != quote) {
		char c;

		plain &= take_char(in, quote, &c);
		plain &= c != '\0' && len + 1 < TP_IMPORT_CONSTANT_BYTES;
		if (plain)
			out[len++] = c;
	}
	out[plain ? len : 0] = '\0';
	if (in->at == in->end)
		return 0;
	in->at++;
	return plain;
}

static int is_quote(const struct reader *in)
{
	return in->at < in->end && (*in->at == '\'' || *in->at == '"');
}

static int take_mark(struct reader *in, char mark)
{
	skip_blanks(in);
	if (in->at == in->end || *in->at != mark)
		return 0;
	in->at++;
	skip_blanks(in);
	return 1;
}

/* Behind "define": ('NAME', 'value') */
static void take_define(
	struct reader *in, struct tp_import_constants *out, char *seen)
{
	char name[TP_IMPORT_CONSTANT_BYTES];
	char value[TP_IMPORT_CONSTANT_BYTES] = "";
	int plain;
	size_t i;

	if (!take_mark(in, '(') || !is_quote(in) || !take_string(in, name) ||
		!take_mark(in, ','))
		return;
	plain = is_quote(in) && take_string(in, value);
	skip_blanks(in);
	plain &= in->at < in->end && *in->at == ')';
	for (i = 0; i < TP_IMPORT_CONSTANTS; i++)
		if (strcmp(name, names[i]) == 0 && !seen[i]) {
			seen[i] = 1;
			if (plain)
				memcpy(out->values[i], value, sizeof(value));
		}
	explicit_bzero(value, sizeof(value));
}

static int is_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static void take_word(
	struct reader *in, struct tp_import_constants *out, char *seen)
{
	const char *from = in->at;

	while (in->at < in->end && is_word(*in->at))
		in->at++;
	if (in->at - from == 6 && strncasecmp(from, "define", 6) == 0)
		take_define(in, out, seen);
}

int32_t tp_import_wp_config(const struct tp_import_input *input,
	struct tp_import_constants *constants, struct tillpost_error *err)
{
	struct reader in = { input->text, input->text + input->len };
	char passed[TP_IMPORT_CONSTANT_BYTES];
	char seen[TP_IMPORT_CONSTANTS] = { 0 };
	int32_t rc = tp_import_check_small(input, err);

	*constants = (struct tp_import_constants) { .values = { "" } };
	if (rc < 0)
		return rc;
	while (in.at < in.end)
		if (is_quote(&in))
			(void)take_string(&in, passed);
		else if (is_word(*in.at))
			take_word(&in, constants, seen);
		else if (!skip_comment(&in))
			in.at++;
	explicit_bzero(passed, sizeof(passed));
	if (!memchr(seen, 1, sizeof(seen)))
		return tp_report_set(err, TILLPOST_ENOTFOUND, input->name,
			"has no define('LOGGED_IN_KEY', '...') or the like");
	return TILLPOST_OK;
}
