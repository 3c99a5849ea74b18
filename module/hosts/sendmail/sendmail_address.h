/*
 * sendmail_address.h - the addresses of several arguments
 *
 * JOB     A list that grows by the addresses of one argument after the other,
 *         as common/address_list cuts them.
 * BOUNDS  Linear.
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

/* Appends the addresses of ARGUMENT.
 * @return 0, TILLPOST_EADDRESS, TILLPOST_ENOMEM */
int32_t tp_sendmail_addresses_add(struct tp_sendmail_addresses *list,
	const char *argument, struct tillpost_error *err);

#endif
