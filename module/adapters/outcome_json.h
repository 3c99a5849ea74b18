/*
 * outcome_json.h - one outcome as one line of JSON
 *
 * JOB     The format of the log file. All keys are always there, in the order
 *         of struct tp_outcome; only next_try may be null. The names are
 *         stable: keys are added, never renamed.
 *
 *         event_id, time, store, relay, queue_id, message_id, sender,
 *         recipient, attempt, class, verdict, step, reply_code,
 *         enhanced_code, text, tls_version, tls_cipher, size_bytes,
 *         queued_ms, connect_us, tls_us, auth_us, send_us, next_try, last
 *
 *         time and next_try are RFC 3339 in UTC; last is a boolean; durations
 *         are integers with the unit in the key. In strings, controls and
 *         invalid UTF-8 are shown as \xNN, so that no reader of the decoded
 *         value is taken in either.
 * LAYER   adapters; jansson, by json_out.h.
 * THREADS any; works on its arguments only.
 * BOUNDS  text: 512 bytes, other strings: 1,024, then "...".
 * SOURCES RFC 8259, RFC 3339.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_OUTCOME_JSON_H
#define TP_ADAPTERS_OUTCOME_JSON_H

#include "base/buf.h"
#include "core/outcome.h"

#define TP_OUTCOME_TEXT_MAX_BYTES 512
#define TP_OUTCOME_FIELD_MAX_BYTES 1024
/* Enough for every line: nine strings, each byte escaped sixfold. */
#define TP_OUTCOME_LINE_MAX_BYTES 65536

/* Appends the object, without a newline.
 * @return 0, TP_ENOMEM, TP_ETOOBIG (OUT's bound); on failure OUT is as
 *         before */
int tp_outcome_json(
	const struct tp_outcome *outcome, struct tp_buf *out) TP_USE_RESULT;

#endif
