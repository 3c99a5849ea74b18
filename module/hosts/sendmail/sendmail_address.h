/*
 * sendmail_address.h - addresses as they stand in arguments
 *
 * JOB     One argument of a sendmail command may hold several addresses,
 *         divided by commas, with names and comments around them:
 *         "Shop <a@example.com>, b@example.com (Bert)". What comes out are
 *         the addresses alone. Whether they are valid is the plugin's to
 *         say; here is only refused what would be misread: unbalanced
 *         brackets and quotation marks, control characters, and a minus sign
 *         in front, which other mailers take for an option.
 *         Not known: groups ("name: a, b;") and source routes.
 * BOUNDS  Linear; comments may nest 8 deep.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_SENDMAIL_ADDRESS_H
#define TP_HOSTS_SENDMAIL_ADDRESS_H

#include <tillpost/abi.h>

struct tp_sendmail_addresses {
	char *text; /* of all items, each with its NUL */
	size_t len;
	size_t cap;
	const char **items;
	size_t count;
	size_t item_cap;
};

/* Room for all the addresses of arguments of TEXT_BYTES, each with its NUL.
 * @owns the caller, tp_sendmail_addresses_free()
 * @return 0 or TILLPOST_ENOMEM */
int32_t tp_sendmail_addresses_init(struct tp_sendmail_addresses *list,
	size_t text_bytes, struct tillpost_error *err);
void tp_sendmail_addresses_free(struct tp_sendmail_addresses *list);

/* Appends the addresses of ARGUMENT; "" and "," hold none, "<>" an empty one.
 * One pair of apostrophes around an address is dropped: a shell that escaped
 * twice leaves them.
 * @return 0, TILLPOST_EADDRESS, TILLPOST_ENOMEM */
int32_t tp_sendmail_addresses_add(struct tp_sendmail_addresses *list,
	const char *argument, struct tillpost_error *err);

/* 1 if ADDRESS has an "@" outside of quotation marks. */
int tp_sendmail_address_qualified(const char *address);

#endif
