/*
 * bounce.h - the report that a message could not be delivered
 *
 * JOB     Makes a multipart/report of three parts for the envelope sender: a
 *         text for people; message/delivery-status; the header of the
 *         original, never its body (which may hold a reset link). Sent with
 *         the null reverse-path, so that it is never itself answered by a
 *         report.
 *
 *         The whole report is 7-bit with lines of at most 998 octets, so it
 *         passes any relay. Text and original header are left as they are if
 *         they are such already, else encoded as quoted-printable. In the
 *         status part an address that is not ASCII takes the "utf-8" type
 *         with \x{...} (RFC 6533 3), and other bytes that are not printable
 *         ASCII become \xNN. Only a sender that is not ASCII itself makes the
 *         report need SMTPUTF8: its To line then holds the address as it is.
 * LAYER   core; libc only.
 * THREADS pure except for the clock and random bytes.
 * BOUNDS  original header: the first 64 KiB; server's words: 512 octets;
 *         report: 64 MiB, some 9,000 recipients (beyond: TP_ETOOBIG).
 * ERRORS  TP_ENOMEM, TP_ETOOBIG, TP_EIO (no random bytes).
 * SOURCES RFC 3464, 6522, 3834, 5321 4.5.5 and 6.1, 2045 6.7, 6533.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_BOUNCE_H
#define TP_CORE_BOUNCE_H

#include "base/clock.h"
#include "base/err.h"
#include "core/queue.h"

#include <stddef.h>
#include <stdint.h>

#define TP_BOUNCE_HEADER_MAX_BYTES 65536
#define TP_BOUNCE_TEXT_MAX_BYTES 512
#define TP_BOUNCE_MAX_BYTES (64 * 1024 * 1024)
/* How long the report itself is tried, unless the request says. */
#define TP_BOUNCE_LIFETIME_MS (INT64_C(5) * 24 * 60 * 60 * 1000)

/* All borrowed for the call. */
struct tp_bounce_request {
	/* The original. Of its data only the header is read; NULL data leaves
	 * the third part out. */
	const struct tp_queue_item *item;
	/* How its recipients ended; those in state FAILED are reported. */
	const struct tp_settled_rcpt *rcpts;
	size_t rcpt_count;
	const char *from; /* the store's "a@b" or "Name <a@b>"; NULL or not
			   * ASCII: postmaster at the reporting host */
	const char *reporting_host; /* name of this machine */
	const char *remote_host;    /* name of the relay; NULL: not shown */
	int64_t lifetime_ms;	    /* 0: TP_BOUNCE_LIFETIME_MS */
};

/* Makes the report, ready for tp_queue_ops.put or tp_settlement.bounce.
 * @param clock    NULL: the machine's
 * @param item_out empty unless 0 is returned
 * @return 0: made; 1: none is due (nobody failed, or a sender that is null or
 *         that no header can hold: a control byte, over 512 octets); or an
 *         error
 * @owns   the caller owns the content of *item_out: tp_queue_item_free() */
int tp_bounce_make(const struct tp_bounce_request *request,
	const struct tp_clock *clock, struct tp_queue_item *item_out,
	struct tp_error *err) TP_USE_RESULT;

#endif
