/*
 * import_nested.c - what JSON and PHP's serialize() have in common
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_nested.h"

#include <string.h>

static size_t skip_blanks(const struct tp_import_input *input)
{
	size_t at = 0;

	if (input->len >= 3 && memcmp(input->text, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	while (at < input->len && strchr(" \t\r\n", input->text[at]) &&
		input->text[at] != '\0')
		at++;
	return at;
}

int tp_import_is_json(const struct tp_import_input *input)
{
	size_t at = skip_blanks(input);

	return at < input->len &&
	       (input->text[at] == '{' || input->text[at] == '[');
}

int tp_import_is_php(const struct tp_import_input *input)
{
	size_t at = skip_blanks(input);

	return at + 2 < input->len && input->text[at] != '\0' &&
	       strchr("aOCsbidE", input->text[at]) &&
	       input->text[at + 1] == ':' && input->text[at + 2] >= '0' &&
	       input->text[at + 2] <= '9';
}

int32_t tp_import_nested(const struct tp_import_input *input, const char *scope,
	struct tp_import_entries *entries, struct tillpost_error *err)
{
	if (tp_import_is_json(input))
		return tp_import_json(input, scope, entries, err);
	if (tp_import_is_php(input))
		return tp_import_php(input, scope, entries, err);
	return tp_import_bad_offset(err, input->name, skip_blanks(input),
		"is neither JSON nor a value of PHP's serialize()");
}

int tp_import_path_push(
	struct tp_import_path *path, const char *part, size_t len)
{
	size_t before = path->len;
	size_t i;

	if (len + 2 > sizeof(path->text) - path->len)
		return -1;
	for (i = 0; i < len; i++)
		if ((unsigned char)part[i] < 0x20)
			return -1;
	if (path->len > 0)
		path->text[path->len++] = TP_IMPORT_SEP[0];
	memcpy(path->text + path->len, part, len);
	path->len += len;
	path->text[path->len] = '\0';
	return (int)before;
}

void tp_import_path_cut(struct tp_import_path *path, int len)
{
	path->len = (size_t)len;
	path->text[path->len] = '\0';
}
