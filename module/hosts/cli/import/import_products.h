/*
 * import_products.h - one mapping for each product
 *
 * JOB     Each reads the product's export and adds what it says to the
 *         result; import_formats.c lists them.
 * LAYER   hosts/cli; libc.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_PRODUCTS_H
#define TP_HOSTS_CLI_IMPORT_PRODUCTS_H

#include "cli/import/import.h"

#define TP_IMPORT_PRODUCT(name)                                           \
	int32_t tp_import_##name(const struct tp_import_request *request, \
		struct tp_import_result *result, struct tillpost_error *err)

TP_IMPORT_PRODUCT(wp_mail_smtp);
TP_IMPORT_PRODUCT(fluent_smtp);
TP_IMPORT_PRODUCT(post_smtp);
TP_IMPORT_PRODUCT(mageplaza);
TP_IMPORT_PRODUCT(magepal);
TP_IMPORT_PRODUCT(magento);
TP_IMPORT_PRODUCT(prestashop);
TP_IMPORT_PRODUCT(opencart);
TP_IMPORT_PRODUCT(msmtp);
TP_IMPORT_PRODUCT(postfix);

/* The files that main.cf names: the name without its folder of the map of
 * passwords and of that of senders' relays. "" if there is none, or if it is
 * of a kind that is no text file.
 * @return 0, or an error as when the file is read */
int32_t tp_import_postfix_maps(const struct tp_import_input *input,
	char sasl_out[256], char senders_out[256], struct tillpost_error *err);

#endif
