/*
 * setup_text.c - the text of a first configuration
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup_text.h"

#include <string.h>

void tp_setup_add(struct tp_setup_keys *keys, const char *group,
	const char *name, const char *key, const char *value,
	enum tp_conf_kind kind)
{
	struct tp_setup_key *item = &keys->items[keys->count];
	int key_len;
	int value_len;

	if (!value || !value[0])
		return;
	if (keys->count == TP_SETUP_KEYS_MAX) {
		keys->failed = 1;
		return;
	}
	*item = (struct tp_setup_key) { .kind = kind };
	key_len = snprintf(
		item->key, sizeof(item->key), "%s.%s.%s", group, name, key);
	value_len = snprintf(item->value, sizeof(item->value), "%s", value);
	if (key_len < 0 || (size_t)key_len >= sizeof(item->key) ||
		value_len < 0 || (size_t)value_len >= sizeof(item->value))
		keys->failed = 1;
	else
		keys->count++;
}

void tp_setup_put(const struct tp_setup_keys *keys, struct tp_conf_text *text)
{
	size_t i;

	text->failed |= keys->failed;
	for (i = 0; i < keys->count; i++)
		tp_conf_put(text, keys->items[i].key, keys->items[i].value,
			keys->items[i].kind);
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
