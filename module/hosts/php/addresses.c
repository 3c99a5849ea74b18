/*
 * addresses.c - addresses as they stand in arguments of sendmail
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/addresses.h"

#include "php/text.h"

#include <string.h>

#define COMMENT_MAX_DEPTH 8

enum brackets { NONE, OPEN, CLOSED };

/* One address that is being read. */
struct item {
	const char *at;
	struct tp_php_text text;
	enum brackets brackets;
};

static bool has_controls(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* @return false, here and below: it cannot be read */
static bool quoted(struct item *item)
{
	const char *start = item->at++;

	while (*item->at != '\0' && *item->at != '"')
		item->at += *item->at == '\\' && item->at[1] != '\0' ? 2 : 1;
	if (*item->at == '\0' || item->brackets == CLOSED)
		return false;
	item->at++;
	tp_php_text_add(&item->text, start, (size_t)(item->at - start));
	return true;
}

static bool comment(struct item *item)
{
	int depth = 0;

	do {
		if (*item->at == '(')
			depth++;
		else if (*item->at == ')')
			depth--;
		else if (*item->at == '\\' && item->at[1] != '\0')
			item->at++;
		if (*item->at == '\0' || depth > COMMENT_MAX_DEPTH)
			return false;
		item->at++;
	} while (depth > 0);
	return true;
}

/* What stood before "<" was a name. */
static bool bracket(struct item *item)
{
	bool opens = *item->at++ == '<';

	if (item->brackets != (opens ? NONE : OPEN))
		return false;
	item->brackets = opens ? OPEN : CLOSED;
	if (opens && item->text.s)
		ZSTR_LEN(item->text.s) = 0;
	return true;
}

static bool plain(struct item *item)
{
	char c = *item->at++;

	if (item->brackets == CLOSED)
		return is_blank(c);
	tp_php_text_addc(&item->text, c);
	return true;
}

static bool read_item(struct item *item)
{
	bool good = true;

	while (good && *item->at != '\0' && *item->at != ',') {
		if (*item->at == '"')
			good = quoted(item);
		else if (*item->at == '(')
			good = comment(item);
		else if (*item->at == '<' || *item->at == '>')
			good = bracket(item);
		else
			good = plain(item);
	}
	return good && item->brackets != OPEN;
}

/* Without blanks around, and without one pair of apostrophes: a shell that
 * escaped twice leaves them. */
static zend_string *trimmed(const struct tp_php_text *text)
{
	const char *start = text->s ? ZSTR_VAL(text->s) : "";
	size_t len = text->s ? ZSTR_LEN(text->s) : 0;

	while (len > 0 && is_blank(start[0])) {
		start++;
		len--;
	}
	while (len > 0 && is_blank(start[len - 1]))
		len--;
	if (len >= 2 && start[0] == '\'' && start[len - 1] == '\'') {
		start++;
		len -= 2;
	}
	return zend_string_init(start, len, 0);
}

zend_string *tp_php_address(const char **at)
{
	zend_string *address = NULL;

	while (!address && **at != '\0') {
		struct item item = { .at = *at };

		if (has_controls(*at) || !read_item(&item)) {
			tp_php_text_free(&item.text);
			return NULL;
		}
		address = trimmed(&item.text);
		tp_php_text_free(&item.text);
		/* Other mailers take such a thing for an option. */
		if (ZSTR_VAL(address)[0] == '-') {
			zend_string_release(address);
			return NULL;
		}
		*at = *item.at == ',' ? item.at + 1 : item.at;
		if (ZSTR_LEN(address) == 0 && item.brackets == NONE) {
			zend_string_release(address);
			address = NULL;
		}
	}
	return address;
}

bool tp_php_address_qualified(const char *address)
{
	bool in_quotes = false;

	for (; *address != '\0'; address++) {
		if (*address == '\\' && address[1] != '\0')
			address++;
		else if (*address == '"')
			in_quotes = !in_quotes;
		else if (*address == '@' && !in_quotes)
			return true;
	}
	return false;
}
