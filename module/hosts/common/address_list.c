/*
 * address_list.c - addresses as they stand in one argument
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/address_list.h"

#include <stddef.h>
#include <string.h>

#define COMMENT_MAX_DEPTH 8

/* Where the brackets of one item stand. */
enum angle { ANGLE_NONE, ANGLE_OPEN, ANGLE_CLOSED };

/* One item on its way to OUT. */
struct item {
	const char *at;
	char *out;
	size_t len;
	enum angle angle;
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The next character into OUT. @return 0, -1: there is none, or a control */
static int copy(struct item *item)
{
	if (is_control(*item->at))
		return -1;
	item->out[item->len++] = *item->at++;
	return 0;
}

static int copy_quoted(struct item *item)
{
	int rc = copy(item);

	while (rc == 0 && *item->at != '"') {
		if (*item->at == '\\' && item->at[1] != '\0')
			rc = copy(item);
		if (rc == 0)
			rc = copy(item);
	}
	return rc == 0 ? copy(item) : rc;
}

static int skip_comment(struct item *item)
{
	int depth = 0;

	do {
		if (*item->at == '(')
			depth++;
		else if (*item->at == ')')
			depth--;
		else if (*item->at == '\\' && item->at[1] != '\0')
			item->at++;
		if (is_control(*item->at) || depth > COMMENT_MAX_DEPTH)
			return -1;
		item->at++;
	} while (depth > 0);
	return 0;
}

/* What stood before "<" was a name. */
static int bracket(struct item *item)
{
	if (*item->at == '<' && item->angle == ANGLE_NONE) {
		item->angle = ANGLE_OPEN;
		item->len = 0;
	} else if (*item->at == '>' && item->angle == ANGLE_OPEN) {
		item->angle = ANGLE_CLOSED;
	} else {
		return -1;
	}
	item->at++;
	return 0;
}

static int copy_plain(struct item *item)
{
	char c = *item->at;

	if (item->angle == ANGLE_CLOSED && !is_blank(c))
		return -1;
	if (is_control(c))
		return -1;
	if (item->angle != ANGLE_CLOSED && !(is_blank(c) && item->len == 0))
		return copy(item);
	item->at++;
	return 0;
}

/* Copies up to the next comma. @return 0, or -1 where item->at cannot be
 * read */
static int copy_item(struct item *item)
{
	int rc = 0;

	while (rc == 0 && *item->at != '\0' && *item->at != ',') {
		switch (*item->at) {
		case '"':
			rc = item->angle == ANGLE_CLOSED ? -1
							 : copy_quoted(item);
			break;
		case '(':
			rc = skip_comment(item);
			break;
		case '<':
		case '>':
			rc = bracket(item);
			break;
		default:
			rc = copy_plain(item);
		}
	}
	if (item->angle == ANGLE_OPEN)
		rc = -1;
	return rc;
}

/* Ends OUT, without blanks at the end and apostrophes around the whole. */
static void finish(struct item *item)
{
	while (item->len > 0 && is_blank(item->out[item->len - 1]))
		item->len--;
	if (item->len >= 2 && item->out[0] == '\'' &&
		item->out[item->len - 1] == '\'') {
		item->len -= 2;
		memmove(item->out, item->out + 1, item->len);
	}
	item->out[item->len] = '\0';
}

/* A control character anywhere in the rest is the reason that counts. */
static enum tp_address reason(const char *at)
{
	for (; *at != '\0'; at++)
		if (is_control(*at))
			return TP_ADDRESS_CONTROL;
	return TP_ADDRESS_UNBALANCED;
}

enum tp_address tp_address_next(const char **at, char *out)
{
	struct item item = { .at = *at };

	while (*item.at != '\0') {
		item = (struct item) { .at = item.at, .out = out };
		if (copy_item(&item) != 0)
			return reason(item.at);
		finish(&item);
		if (out[0] == '-')
			return TP_ADDRESS_MINUS;
		if (*item.at == ',')
			item.at++;
		if (item.len > 0 || item.angle == ANGLE_CLOSED) {
			*at = item.at;
			return TP_ADDRESS_ONE;
		}
	}
	*at = item.at;
	return TP_ADDRESS_END;
}

int tp_address_qualified(const char *address)
{
	int quoted = 0;

	for (; *address != '\0'; address++) {
		if (*address == '\\' && address[1] != '\0')
			address++;
		else if (*address == '"')
			quoted = !quoted;
		else if (*address == '@' && !quoted)
			return 1;
	}
	return 0;
}
