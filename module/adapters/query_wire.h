/*
 * query_wire.h - the lines of the query socket
 *
 * JOB     Requests, rows and the end of an answer, to and from one line of
 *         JSON each (query.h).
 *
 *         Keys of a request, besides "op":
 *             message   queue_id
 *             outcomes  store, relay, queue_id, message_id, recipient,
 *                       verdict, since_ms, until_ms, after_event_id, limit
 *             status    none
 *             kick      relay
 *         An unknown key is refused: what it asks for would be passed over.
 *         Keys of a row:
 *             message   queue_id, store, state, reason, attempts, created_ms,
 *                       next_try_ms, expires_ms, size_bytes
 *             outcomes  those of the log file (outcome_json.h)
 *             status    store, relay, state, reason, retry_ms, connections,
 *                       waiting_count, queued_count, active_count,
 *                       held_count, oldest_ms, body_bytes
 *         kick has no rows.
 *         All are there; a reader passes over what it does not know.
 * LAYER   adapters; jansson.
 * THREADS any; works on its arguments only.
 * BOUNDS  those of query.h; strings in a request 1,023 bytes, in a row 1,024
 *         and "...".
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_QUERY_WIRE_H
#define TP_ADAPTERS_QUERY_WIRE_H

#include "adapters/query.h"
#include "base/buf.h"

#include <stddef.h>

/* With the newline. */
#define TP_QUERY_REQUEST_MAX_BYTES 4096
#define TP_QUERY_LINE_MAX_BYTES 65536
/* All rows of one answer; an end of at most TP_QUERY_END_MAX_BYTES follows. */
#define TP_QUERY_ANSWER_MAX_BYTES 1048576
#define TP_QUERY_END_MAX_BYTES 8192

/* ---- requests ----------------------------------------------------------- */

/* Appends the line with its newline. @return 0; TP_EINVAL (too long, or not
 * UTF-8), TP_ENOMEM */
int tp_query_wire_request(const struct tp_query_request *request,
	struct tp_buf *out, struct tp_error *err) TP_USE_RESULT;

/* A request that was read; its strings live as long as the rest. */
struct tp_query_asked {
	struct tp_query_request request;
	void *json;
};
/* LINE: without the newline. @return 0; TP_EINVAL naming the key. On failure
 * there is nothing to free. */
int tp_query_wire_asked(const char *line, size_t len,
	struct tp_query_asked *asked_out, struct tp_error *err) TP_USE_RESULT;
void tp_query_asked_free(struct tp_query_asked *asked);

/* ---- answers ------------------------------------------------------------ */

/* Each appends one line with its newline, or nothing.
 * @return 0; TP_ETOOBIG (OUT's bound), TP_ENOMEM */
int tp_query_wire_message(const struct tp_query_message *message,
	struct tp_buf *out) TP_USE_RESULT;
int tp_query_wire_outcome(
	const struct tp_outcome *outcome, struct tp_buf *out) TP_USE_RESULT;
int tp_query_wire_relay(
	const struct tp_query_relay *relay, struct tp_buf *out) TP_USE_RESULT;
/* CODE >= 0: all went well, else ERR says what did not. */
int tp_query_wire_end(
	int code, const struct tp_error *err, struct tp_buf *out) TP_USE_RESULT;

#define TP_QUERY_LINE_ROW 0
#define TP_QUERY_LINE_LAST 1 /* a row, and SINK wants no more */
#define TP_QUERY_LINE_END 2
/* Reads one line of an answer to OP, without its newline; a row goes to SINK.
 * @return one of the above; TP_EPROTO (not a line of such an answer); or the
 *         failure that the answerer reports */
int tp_query_wire_answer(const char *line, size_t len, enum tp_query_op op,
	const struct tp_query_sink *sink, struct tp_error *err) TP_USE_RESULT;

#endif
