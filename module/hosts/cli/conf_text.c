/*
 * conf_text.c - settings as text of a configuration
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/conf_text.h"

#include <stdlib.h>
#include <string.h>

void tp_conf_begin(struct tp_conf_text *text, const char *made_by)
{
	*text = (struct tp_conf_text) { .bytes = NULL };
	text->out = open_memstream(&text->bytes, &text->len);
	if (!text->out) {
		text->failed = 1;
		return;
	}
	(void)fprintf(text->out,
		"# tillpost.conf - made by tillpost %s; see "
		"tillpost.conf(5)\n\n",
		made_by);
}

static void put_quoted(struct tp_conf_text *text, const char *value, size_t len)
{
	(void)fputc('"', text->out);
	for (; len > 0; value++, len--) {
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			text->failed = 1;
		if (*value == '"' || *value == '\\')
			(void)fputc('\\', text->out);
		(void)fputc(*value, text->out);
	}
	(void)fputc('"', text->out);
}

static void put_list(struct tp_conf_text *text, const char *value)
{
	const char *separator = "";

	(void)fputc('[', text->out);
	for (;;) {
		size_t len = strcspn(value, ",");

		(void)fputs(separator, text->out);
		put_quoted(text, value, len);
		if (value[len] == '\0')
			break;
		separator = ", ";
		value += len + 1;
	}
	(void)fputc(']', text->out);
}

/* How many parts of A and B's groups are the same; the last part is no group.
 */
static size_t common_groups(const char *a, const char *b)
{
	size_t count = 0;

	for (;;) {
		size_t len = strcspn(a, ".");

		if (a[len] != '.' || strncmp(a, b, len + 1) != 0)
			return count;
		count++;
		a += len + 1;
		b += len + 1;
	}
}

static size_t depth_of(const char *key)
{
	size_t depth = 0;

	for (; *key; key++)
		depth += *key == '.';
	return depth;
}

static void indent(FILE *out, size_t depth)
{
	while (depth-- > 0)
		(void)fputc('\t', out);
}

static void close_groups(FILE *out, size_t from, size_t to)
{
	while (from > to) {
		indent(out, --from);
		(void)fputs("};\n", out);
	}
}

/* Opens the groups of KEY below the first DEPTH. @return its own name */
static const char *open_groups(FILE *out, const char *key, size_t depth)
{
	size_t at;

	for (at = 0;; at++) {
		size_t len = strcspn(key, ".");

		if (key[len] != '.')
			return key;
		if (at >= depth) {
			indent(out, at);
			(void)fprintf(out, "%.*s = {\n", (int)len, key);
		}
		key += len + 1;
	}
}

void tp_conf_put(struct tp_conf_text *text, const char *key, const char *value,
	enum tp_conf_kind kind)
{
	size_t same = common_groups(text->before, key);
	const char *name;

	if (!value || !value[0] || !text->out)
		return;
	if (strlen(key) >= sizeof(text->before)) {
		text->failed = 1;
		return;
	}
	close_groups(text->out, depth_of(text->before), same);
	name = open_groups(text->out, key, same);
	indent(text->out, depth_of(key));
	(void)fprintf(text->out, "%s = ", name);
	if (kind == TP_CONF_BARE)
		(void)fputs(value, text->out);
	else if (kind == TP_CONF_LIST)
		put_list(text, value);
	else
		put_quoted(text, value, strlen(value));
	(void)fputs(";\n", text->out);
	(void)snprintf(text->before, sizeof(text->before), "%s", key);
}

int tp_conf_end(struct tp_conf_text *text)
{
	if (text->out) {
		close_groups(text->out, depth_of(text->before), 0);
		text->failed |= ferror(text->out) != 0;
		text->failed |= fclose(text->out) != 0;
	}
	text->out = NULL;
	return text->failed || !text->bytes ? -1 : 0;
}

void tp_conf_free(struct tp_conf_text *text)
{
	if (text->out)
		(void)fclose(text->out);
	free(text->bytes);
	*text = (struct tp_conf_text) { .bytes = NULL };
}
