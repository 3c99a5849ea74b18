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

/* "2>/dev/null": the digits are no word. */
static bool is_redirection(const char *at)
{
	size_t digits = strspn(at, "0123456789");

	return digits > 0 && (at[digits] == '<' || at[digits] == '>');
}

/* AT is behind the opening quote. @return behind the closing one */
static const char *single_quoted(const char *at, struct tp_php_text *word)
{
	size_t len = strcspn(at, "'");

	tp_php_text_add(word, at, len);
	return at[len] == '\0' ? at + len : at + len + 1;
}

/* Here a backslash is itself before all but five characters. */
static const char *double_quoted(const char *at, struct tp_php_text *word)
{
	for (; *at != '\0' && *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0' && strchr("$`\"\\\n", at[1]))
			at++;
		if (*at != '\n' || at[-1] != '\\')
			tp_php_text_addc(word, *at);
	}
	return *at == '\0' ? at : at + 1;
}

static const char *escaped(const char *at, struct tp_php_text *word)
{
	if (*at == '\0')
		return at;
	if (*at != '\n')
		tp_php_text_addc(word, *at);
	return at + 1;
}

zend_string *tp_php_word(const char **at)
{
	const char *p = *at;
	struct tp_php_text word = { NULL, 0 };

	while (is_blank(*p) || (*p == '\\' && p[1] == '\n'))
		p += *p == '\\' ? 2 : 1;
	if (ends_command(*p) || *p == '#' || is_redirection(p)) {
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
			tp_php_text_addc(&word, c);
	}
	*at = p;
	return tp_php_text_take(&word);
}

size_t tp_php_variable_len(const char *word)
{
	size_t len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz"
				  "0123456789_");

	return word[len] == '=' ? len : 0;
}

bool tp_php_is_env(const char *word)
{
	const char *slash = strrchr(word, '/');

	return strcmp(slash ? slash + 1 : word, "env") == 0;
}

void tp_php_quote(struct tp_php_text *out, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789_-./@:+";

	if (value[0] != '\0' && value[strspn(value, plain)] == '\0') {
		tp_php_text_adds(out, value);
		return;
	}
	tp_php_text_addc(out, '\'');
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			tp_php_text_adds(out, "'\\''");
		else
			tp_php_text_addc(out, *value);
	}
	tp_php_text_addc(out, '\'');
}
