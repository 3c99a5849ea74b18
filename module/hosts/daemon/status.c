/*
 * status.c - the daemon's counts in one line
 *
 * SPDX-License-Identifier: MIT
 */
#include "daemon/status.h"

#include <inttypes.h>
#include <stdio.h>

/* -1 stands for a directory that cannot be read. */
static void count_text(int64_t count, char out[24])
{
	if (count < 0)
		(void)snprintf(out, 24, "?");
	else
		(void)snprintf(out, 24, "%" PRId64, count);
}

int32_t tp_status_line(const struct tillpost_api *api, tillpost_handle *handle,
	char line_out[TP_STATUS_BYTES], struct tillpost_error *err)
{
	struct tillpost_status status;
	char spooled[24];
	char quarantined[24];
	int32_t rc;

	line_out[0] = '\0';
	TILLPOST_INIT(&status);
	rc = api->status(handle, &status, NULL, NULL, err);
	if (rc < 0)
		return rc;
	count_text(status.spooled_count, spooled);
	count_text(status.quarantined_count, quarantined);
	(void)snprintf(line_out, TP_STATUS_BYTES,
		"queued %" PRId64 ", active %" PRId64 ", held %" PRId64
		", spooled %s, quarantined %s; since start: taken in %" PRId64
		", sent %" PRId64 ", failed %" PRId64,
		status.queued_count, status.active_count, status.held_count,
		spooled, quarantined, status.taken_in_count, status.sent_count,
		status.failed_count);
	return TILLPOST_OK;
}
