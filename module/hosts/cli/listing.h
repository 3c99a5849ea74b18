/*
 * listing.h - what a call of the plugin lists, as a table or as objects
 *
 * JOB     The commands that list hand a callback to the plugin, which fills a
 *         table or, with --json, prints one object per line. Here is what is
 *         the same for all of them: the table, the first failure inside the
 *         callback, and what the command ends with.
 * LAYER   hosts.
 * THREADS one listing, one thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_LISTING_H
#define TP_HOSTS_CLI_LISTING_H

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/table.h"

/* Start with zeroes. */
struct tp_listing {
	struct tp_table *table; /* NULL with --json */
	int32_t rc;		/* first failure inside the callback */
	struct tillpost_error err;
};

/* Makes the table if there is to be one. COLUMNS as for tp_table_new(). */
void tp_listing_begin(struct tp_listing *listing, const struct tp_cli *cli,
	const struct tp_column *columns, size_t count);

/* For the callback: prints and frees *JSON.
 * @return what the callback returns: 0, or a failure that ends the listing */
int32_t tp_listing_object(struct tp_listing *listing, struct tp_json **json);

/* Prints the rest of the table.
 * @param rc what the call returned, with ERR
 * @return the exit code, error printed */
int tp_listing_end(struct tp_listing *listing, const struct tp_cli *cli,
	int32_t rc, struct tillpost_error *err);

#endif
