/*
 * words.c - a command line cut into words
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/words.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool ends_command(char c)
{
	return c == '\0' || strchr(";|&<>()\n", c) != NULL;
}

/* AT is behind the opening quote. @return behind the closing one */
static const char *single_quoted(const char *at, smart_str *word)
{
	size_t len = strcspn(at, "'");

	smart_str_appendl(word, at, len);
	return at[len] == '\0' ? at + len : at + len + 1;
}

/* Here a backslash is itself before all but five characters. */
static const char *double_quoted(const char *at, smart_str *word)
{
	for (; *at != '\0' && *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0' && strchr("$`\"\\\n", at[1]))
			at++;
		if (*at != '\n' || at[-1] != '\\')
			smart_str_appendc(word, *at);
	}
	return *at == '\0' ? at : at + 1;
}

static const char *escaped(const char *at, smart_str *word)
{
	if (*at == '\0')
		return at;
	if (*at != '\n')
		smart_str_appendc(word, *at);
	return at + 1;
}

zend_string *tp_php_word(const char **at)
{
	const char *p = *at;
	smart_str word = { NULL, 0 };

	while (is_blank(*p) || (*p == '\\' && p[1] == '\n'))
		p += *p == '\\' ? 2 : 1;
	if (ends_command(*p) || *p == '#') {
		*at = p + strlen(p);
		return NULL;
	}
	while (!is_blank(*p) && !ends_command(*p)) {
		char c = *p++;

		if (c == '\'')
			p = single_quoted(p, &word);
		else if (c == '"')
			p = double_quoted(p, &word);
		else if (c == '\\')
			p = escaped(p, &word);
		else
			smart_str_appendc(&word, c);
	}
	*at = p;
	return word.s ? smart_str_extract(&word) : ZSTR_EMPTY_ALLOC();
}

void tp_php_quote(smart_str *out, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789_-./@:+";

	if (value[0] != '\0' && value[strspn(value, plain)] == '\0') {
		smart_str_appends(out, value);
		return;
	}
	smart_str_appendc(out, '\'');
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			smart_str_appends(out, "'\\''");
		else
			smart_str_appendc(out, *value);
	}
	smart_str_appendc(out, '\'');
}
