/*
 * listing.c - what a call of the plugin lists, as a table or as objects
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/listing.h"

#include <stdio.h>
#include <sysexits.h>

void tp_listing_begin(struct tp_listing *listing, const struct tp_cli *cli,
	const struct tp_column *columns, size_t count)
{
	if (!cli->json)
		listing->table = tp_table_new(stdout, columns, count);
}

int32_t tp_listing_object(struct tp_listing *listing, struct tp_json **json)
{
	listing->rc = tp_json_print(json, stdout, &listing->err);
	return listing->rc;
}

int tp_listing_end(struct tp_listing *listing, const struct tp_cli *cli,
	int32_t rc, struct tillpost_error *err)
{
	if (!cli->json)
		rc = tp_table_end(&listing->table, rc, err);
	if (listing->rc < 0)
		return tp_cli_fail(&listing->err);
	return rc < 0 ? tp_cli_fail(err) : EX_OK;
}
