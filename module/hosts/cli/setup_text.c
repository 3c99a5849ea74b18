/*
 * setup_text.c - the text of a first configuration
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup_text.h"

#include <string.h>

static struct tp_setup_key *add(struct tp_setup_keys *keys, const char *group,
	const char *name, const char *key, const char *value)
{
	struct tp_setup_key *item;
	int key_len;
	int value_len;

	if (!value || !value[0])
		return NULL;
	if (keys->count == TP_SETUP_KEYS_MAX) {
		keys->failed = 1;
		return NULL;
	}
	item = &keys->items[keys->count];
	*item = (struct tp_setup_key) { .bare = 0 };
	key_len = snprintf(item->key, sizeof(item->key), "%s%s%s.%s", group,
		name ? "." : "", name ? name : "", key);
	value_len = snprintf(item->value, sizeof(item->value), "%s", value);
	if (key_len < 0 || (size_t)key_len >= sizeof(item->key) ||
		value_len < 0 || (size_t)value_len >= sizeof(item->value)) {
		keys->failed = 1;
		return NULL;
	}
	keys->count++;
	return item;
}

void tp_setup_add(struct tp_setup_keys *keys, const char *group,
	const char *name, const char *key, const char *value)
{
	(void)add(keys, group, name, key, value);
}

void tp_setup_add_bare(struct tp_setup_keys *keys, const char *group,
	const char *name, const char *key, const char *value)
{
	struct tp_setup_key *item = add(keys, group, name, key, value);

	if (item)
		item->bare = 1;
}

void tp_setup_add_list(struct tp_setup_keys *keys, const char *group,
	const char *name, const char *key, const char *value)
{
	struct tp_setup_key *item = add(keys, group, name, key, value);

	if (item)
		item->list = 1;
}

/* @return 0, or -1 for a control character */
static int write_quoted(FILE *out, const char *value)
{
	(void)fputc('"', out);
	for (; *value; value++) {
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return -1;
		if (*value == '"' || *value == '\\')
			(void)fputc('\\', out);
		(void)fputc(*value, out);
	}
	(void)fputc('"', out);
	return 0;
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

static int write_key(FILE *out, const char *name, size_t depth,
	const struct tp_setup_key *item)
{
	int rc = 0;

	indent(out, depth);
	(void)fprintf(out, "%s = %s", name, item->list ? "[" : "");
	if (item->bare)
		(void)fputs(item->value, out);
	else
		rc = write_quoted(out, item->value);
	(void)fputs(item->list ? "];\n" : ";\n", out);
	return rc;
}

int tp_setup_write(FILE *out, const struct tp_setup_keys *keys)
{
	const char *before = "";
	size_t i;

	for (i = 0; i < keys->count; i++) {
		const struct tp_setup_key *item = &keys->items[i];
		size_t same = common_groups(before, item->key);
		const char *name;

		close_groups(out, depth_of(before), same);
		name = open_groups(out, item->key, same);
		if (write_key(out, name, depth_of(item->key), item) != 0)
			return -1;
		before = item->key;
	}
	close_groups(out, depth_of(before), 0);
	return 0;
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void tp_setup_name(const char *text, char *out, size_t size)
{
	size_t used = 0;

	if (!is_letter(text[0]) && used + 1 < size)
		out[used++] = 'r';
	for (; *text && used + 1 < size; text++)
		out[used++] = is_letter(*text) ||
					      (*text >= '0' && *text <= '9') ||
					      *text == '-' || *text == '_'
				      ? *text
				      : '-';
	out[used] = '\0';
}
