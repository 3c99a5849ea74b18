/*
 * sendmail_address.c - the addresses of several arguments
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail_address.h"

#include "common/address_list.h"
#include "common/report.h"

#include <stdlib.h>
#include <string.h>

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

static int32_t refuse(enum tp_address why, const char *argument,
	const char *address, struct tillpost_error *err)
{
	switch (why) {
	case TP_ADDRESS_CONTROL:
		return tp_report_set(err, TILLPOST_EADDRESS, "address",
			"holds a control character");
	case TP_ADDRESS_MINUS:
		return tp_report_set(err, TILLPOST_EADDRESS, address,
			"an address must not begin with \"-\"");
	default:
		return tp_report_set(err, TILLPOST_EADDRESS, argument,
			"brackets or quotation marks do not match");
	}
}

int32_t tp_sendmail_addresses_add(struct tp_sendmail_addresses *list,
	const char *argument, struct tillpost_error *err)
{
	const char *at = argument;
	int32_t rc = TILLPOST_OK;

	/* Each address is at most as long as its source with its comma. */
	if (strlen(argument) + 1 > list->cap - list->len)
		return tp_report_set(err, TILLPOST_ENOMEM, "addresses",
			"longer than announced");
	while (rc >= 0) {
		char *address = list->text + list->len;
		enum tp_address found = tp_address_next(&at, address);

		if (found == TP_ADDRESS_END)
			return TILLPOST_OK;
		if (found != TP_ADDRESS_ONE)
			return refuse(found, argument, address, err);
		list->len += strlen(address) + 1;
		rc = keep(list, address, err);
	}
	return rc;
}
