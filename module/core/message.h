/*
 * message.h - from what a host submits to what goes on the wire
 *
 * JOB     Checks and normalises one message (RFC 5322, 2045): line ends to
 *         CRLF, headers parsed strictly, missing Date, Message-ID and From
 *         added, Bcc, Return-Path and the store header removed, everything
 *         else left byte for byte. Applies a store's sender policy. What
 *         comes out is final: nothing later changes a byte.
 *         Added fields stand at the top: Date, From, Message-ID. A field of
 *         these three without a value counts as missing and is replaced.
 *         Also removed: Resent-Bcc, Original-Recipient, Resent-Reply-To.
 *         An empty line always ends the header block.
 *         Fields that RFC 5322 3.6 allows once: repeated To, Cc and Reply-To
 *         become one field at the place of the first, one value to a line;
 *         of repeated Date, Message-ID, Sender, Subject, In-Reply-To,
 *         References and Disposition-Notification-To the first is kept if
 *         all values are the same, else the message is refused; a second
 *         From is always refused.
 *         Resent-To, Resent-Cc and Resent-Bcc never add recipients.
 * BOUNDS  message <= policy.max_bytes after normalisation; header block
 *         <= 256 KiB; <= 1,000 header fields; recipients <= policy.
 *         recipients_max; body lines of any length (see `longest_line`).
 *         NUL refused; bare CR refused in headers, CRLF in bodies.
 *         In headers every other C0 control but TAB is refused.
 *         Linear in time; one allocation of the final size.
 * LAYER   core; libc only.
 * THREADS safe.
 * ERRORS  see tp_message_prepare().
 * SOURCES RFC 5322 2, 3.6; RFC 5321 4.1.2, 4.4; RFC 6531 3
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_MESSAGE_H
#define TP_CORE_MESSAGE_H

#include "base/clock.h"
#include "core/address.h"
#include "core/config.h"

#include <stddef.h>
#include <stdint.h>

/* What a host gives; all borrowed for the call. */
struct tp_message_input {
	const char *data;
	size_t len;
	const char *sender; /* reverse-path; NULL: store's, else From;
			     * "" : null reverse-path */
	const char *const *recipients; /* plain addresses */
	size_t recipient_count;
	int recipients_from_headers; /* also To, Cc, Bcc (sendmail -t) */
	const char *message_id; /* "<left@right>", used if the data has none;
				 * NULL: one is made */
};

/* What a store wants.
 * Reverse-path: envelope_from (also over a null one), else input.sender, else
 * the address of `from`, else the first address of the From header.
 * From policy "replace": From becomes `from`, with the original display name
 * if `from` has none; the original From goes into Reply-To unless there is
 * one or the address is the same.
 * Domain of a made Message-ID: id_domain, else that of From, else that of the
 * reverse-path, whichever first is ASCII; else "localhost.invalid", which can
 * never be somebody's (RFC 6761 6.4). */
struct tp_message_policy {
	const char *from;	   /* "a@b" or "Name <a@b>"; NULL: none */
	int from_policy;	   /* enum tp_from_policy */
	const char *envelope_from; /* enforced reverse-path; NULL: none */
	const char *bcc_archive;   /* extra recipient; NULL: none */
	const char *store_header;  /* header to remove; NULL: none */
	const char
		*id_domain; /* right side of a made Message-ID; NULL: of From */
	size_t max_bytes;   /* of the final message */
	size_t recipients_max; /* without duplicates and bcc_archive */
	/* 1: a message without From is accepted although `from` is NULL, and
	 * gets none; nor need there be a reverse-path (then "" is used). For a
	 * process that checks before the store is known. */
	int from_optional;
};

struct tp_message {
	char *data; /* final bytes, CRLF lines, ends with CRLF */
	size_t len;
	char *sender; /* canonical reverse-path, "" for null */
	struct tp_address_list recipients; /* canonical, no duplicates */
	char *message_id; /* with angle brackets; an existing one as written */
	char *from_addr;  /* addr-spec of the first From; NULL: there is none
			   * (from_optional) */
	int eight_bit;	  /* the data has bytes >= 0x80 */
	int smtputf8;	  /* an envelope address is not ASCII (RFC 6531).
			   * Raw 8-bit header fields alone are not UTF-8 for
			   * sure; they go as 8BITMIME, as MTAs pass them */
	size_t longest_line; /* octets without CRLF; > 998 is legal to hold but
			      * not by RFC 5322 2.1.1 */
};

/* The few facts that routing needs, before the store is known. */
struct tp_message_hints {
	char *from_addr;    /* NULL if there is no usable From */
	char *store_header; /* trimmed value; NULL if absent */
};

/* The first From and the first store header of a message.
 * @return 0; TP_EMESSAGE or TP_ETOOBIG if the header block is unreadable;
 *         TP_ENOMEM */
int tp_message_peek(const char *data, size_t len, const char *store_header,
	struct tp_message_hints *hints_out, struct tp_error *err) TP_USE_RESULT;
void tp_message_hints_free(struct tp_message_hints *hints);

/* @return 0; TP_EMESSAGE, TP_EADDRESS, TP_ETOOBIG naming header or field and
 *         what to do; TP_ENOMEM. On failure *message_out is empty.
 * @owns the caller owns the content: tp_message_free() */
int tp_message_prepare(const struct tp_message_input *input,
	const struct tp_message_policy *policy, const struct tp_clock *clock,
	struct tp_message *message_out, struct tp_error *err) TP_USE_RESULT;
void tp_message_free(struct tp_message *message);

#endif
