/*
 * status.h - the daemon's counts in one line
 *
 * LAYER   hosts/daemon; libc, <tillpost/abi.h>.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_DAEMON_STATUS_H
#define TP_DAEMON_STATUS_H

#include <tillpost/abi.h>

#define TP_STATUS_BYTES 256

/* "queued 3, active 1, held 0, spooled 2, quarantined 0; since start: taken in
 * 40, sent 36, failed 1"
 * Asks the queue and looks at the spool, so that an answer is a sign of life
 * of both.
 * @return 0, or what status() says */
int32_t tp_status_line(const struct tillpost_api *api, tillpost_handle *handle,
	char line_out[TP_STATUS_BYTES], struct tillpost_error *err);

#endif
