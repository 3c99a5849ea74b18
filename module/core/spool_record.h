/*
 * spool_record.h - one spooled submission, as bytes
 *
 * JOB     A spool file is one recorded call of submit(): what the caller gave,
 *         plus what was fixed when it was accepted (queue id, time,
 *         Message-ID). The daemon plays the call back, so that routing and
 *         sender policy have one home. Form, all lines ended by LF:
 *
 *             tillpost-spool 1
 *             queue-id 01hq3...
 *             accepted-ms 1763757000123
 *             message-id <...@...>
 *             sender shop@example.com        (absent: not given; empty: null)
 *             recipient a@example.com        (any number)
 *             header-recipients              (flag)
 *             store eu                       (absent: to be found)
 *             run-code eu / http-host ... / dedup-key ... / expires-ms ...
 *             data-bytes 5120
 *                                            (empty line)
 *             ... exactly data-bytes bytes ...
 *             end 1a2b3c4d                   (checksum of all before "end")
 *
 *         A key appears once, except recipient, and in this order; unknown
 *         keys are refused: a new key is a new version. So a record has one
 *         spelling. Numbers have no leading zeros; message-id and recipient
 *         are not empty.
 * BOUNDS  head <= 1 MiB, value <= 1,023 bytes without control characters,
 *         recipients <= TP_SPOOL_RCPT_MAX_COUNT, data <= 1 GiB. Linear.
 * LAYER   core; libc only. The checksum is the caller's.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_SPOOL_RECORD_H
#define TP_CORE_SPOOL_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"

#include <stddef.h>
#include <stdint.h>

#define TP_SPOOL_HEAD_MAX_BYTES (1u << 20)
#define TP_SPOOL_VALUE_MAX_BYTES 1023
#define TP_SPOOL_RCPT_MAX_COUNT 10000
#define TP_SPOOL_DATA_MAX_BYTES (1024u * 1024u * 1024u)
/* "end ", eight hexadecimal digits, LF */
#define TP_SPOOL_TAIL_BYTES 13

struct tp_spool_record {
	char queue_id[TP_QUEUE_ID_BYTES];
	int64_t accepted_ms;
	const char *message_id; /* used if the data has none; NULL: none */
	const char *sender;	/* NULL: not given; "": null reverse-path */
	const char *const *recipients;
	size_t recipient_count;
	int header_recipients;
	const char *store;
	const char *run_code;
	const char *http_host;
	const char *dedup_key;
	int64_t expires_ms; /* 0: not given */
	const char *data;
	size_t data_bytes;
};

/* Writes everything before the data into HEAD_OUT (appended).
 * @return 0; TP_EINVAL naming the field with a bad value; TP_ETOOBIG;
 *         TP_ENOMEM */
int tp_spool_head(const struct tp_spool_record *record, struct tp_buf *head_out,
	struct tp_error *err) TP_USE_RESULT;

/* Writes the tail for CHECKSUM; no NUL. */
void tp_spool_tail(uint32_t checksum, char tail_out[TP_SPOOL_TAIL_BYTES]);

/* Reads a whole file in memory. The record borrows from BYTES, which is
 * changed (values get their NUL), and owns its array of recipients. The
 * checksum of the first BYTES_LEN - TP_SPOOL_TAIL_BYTES must have been
 * computed by the caller before, as CHECKSUM.
 * @return 0; TP_EIO naming what is damaged; TP_EUNSUPPORTED (another
 *         version); TP_ENOMEM. On failure there is nothing to free. */
int tp_spool_parse(char *bytes, size_t bytes_len, uint32_t checksum,
	struct tp_spool_record *record_out, struct tp_error *err) TP_USE_RESULT;
void tp_spool_record_free(struct tp_spool_record *record);

#endif
