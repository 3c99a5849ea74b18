/*
 * sendmail_address.c - addresses as they stand in arguments
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail_address.h"

#include "common/report.h"

#include <stdlib.h>
#include <string.h>

#define COMMENT_MAX_DEPTH 8

/* Where the brackets of one item stand. */
enum angle { ANGLE_NONE, ANGLE_OPEN, ANGLE_CLOSED };

/* One item on its way from an argument into the list's text. */
struct item {
	const char *at;
	char *out;
	size_t len;
	enum angle angle;
};

int32_t tp_sendmail_addresses_init(struct tp_sendmail_addresses *list,
	size_t text_bytes, struct tillpost_error *err)
{
	*list = (struct tp_sendmail_addresses) { .cap = text_bytes };
	list->text = malloc(text_bytes > 0 ? text_bytes : 1);
	if (!list->text)
		return tp_report_set(
			err, TILLPOST_ENOMEM, "addresses", "out of memory");
	return TILLPOST_OK;
}

void tp_sendmail_addresses_free(struct tp_sendmail_addresses *list)
{
	free(list->text);
	free(list->items);
	*list = (struct tp_sendmail_addresses) { .text = NULL };
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* @return 0, or -1 if the mark is not closed */
static int copy_quoted(struct item *item)
{
	item->out[item->len++] = *item->at++;
	while (*item->at != '\0' && *item->at != '"') {
		if (*item->at == '\\' && item->at[1] != '\0')
			item->out[item->len++] = *item->at++;
		item->out[item->len++] = *item->at++;
	}
	if (*item->at != '"')
		return -1;
	item->out[item->len++] = *item->at++;
	return 0;
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
		if (*item->at == '\0' || depth > COMMENT_MAX_DEPTH)
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
	char c = *item->at++;

	if (is_blank(c) && (item->len == 0 || item->angle == ANGLE_CLOSED))
		return 0;
	if (item->angle == ANGLE_CLOSED)
		return -1;
	item->out[item->len++] = c;
	return 0;
}

/* Copies up to the next comma. @return 0, or -1 if something is unbalanced */
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
	while (item->len > 0 && is_blank(item->out[item->len - 1]))
		item->len--;
	return rc;
}

static int32_t keep(struct tp_sendmail_addresses *list, const char *item,
	struct tillpost_error *err)
{
	if (list->count == list->item_cap) {
		size_t cap = list->item_cap ? 2 * list->item_cap : 16;
		const char **items = realloc(list->items, cap * sizeof(*items));

		if (!items)
			return tp_report_set(err, TILLPOST_ENOMEM, "addresses",
				"out of memory");
		list->items = items;
		list->item_cap = cap;
	}
	list->items[list->count++] = item;
	return TILLPOST_OK;
}

/* Drops 'apostrophes' around the whole. */
static char *unquote(char *text, size_t *len)
{
	if (*len < 2 || text[0] != '\'' || text[*len - 1] != '\'')
		return text;
	*len -= 2;
	return text + 1;
}

static int has_controls(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return 1;
	return 0;
}

int32_t tp_sendmail_addresses_add(struct tp_sendmail_addresses *list,
	const char *argument, struct tillpost_error *err)
{
	struct item item = { .at = argument };

	/* Each item is at most as long as its source with its delimiter. */
	if (strlen(argument) + 1 > list->cap - list->len)
		return tp_report_set(err, TILLPOST_ENOMEM, "addresses",
			"longer than announced");
	if (has_controls(argument))
		return tp_report_set(err, TILLPOST_EADDRESS, "address",
			"holds a control character");
	for (;;) {
		char *start;
		int32_t rc;

		item.out = list->text + list->len;
		item.len = 0;
		item.angle = ANGLE_NONE;
		if (copy_item(&item) != 0)
			return tp_report_set(err, TILLPOST_EADDRESS, argument,
				"brackets or quotation marks do not match");
		start = unquote(item.out, &item.len);
		start[item.len] = '\0';
		list->len = (size_t)(start + item.len + 1 - list->text);
		if (start[0] == '-')
			return tp_report_set(err, TILLPOST_EADDRESS, start,
				"an address must not begin with \"-\"");
		if (item.len > 0 || item.angle == ANGLE_CLOSED) {
			rc = keep(list, start, err);
			if (rc < 0)
				return rc;
		}
		if (*item.at == '\0')
			return TILLPOST_OK;
		item.at++;
	}
}

int tp_sendmail_address_qualified(const char *address)
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
