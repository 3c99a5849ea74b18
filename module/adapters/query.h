/*
 * query.h - how another process asks the daemon what became of its mail, or to
 *           wait for a relay no longer
 *
 * JOB     A stream socket, <spool>/query. One JSON object per line each way;
 *         the kernel says who asks (SO_PEERCRED), the answerer decides what he
 *         may see and do. No mail and no setting can be changed through it.
 *             {"op":"message","queue_id":"..."}
 *             {"op":"outcomes","store":"eu","verdict":"failed","limit":20}
 *             {"op":"status"}
 *             {"op":"kick","relay":"office"}
 *         kick ends the pause of a relay, or of all without "relay"; it has no
 *         rows, and is for the superuser and the daemon's own user.
 *         Answer: any number of {"row":{...}}, then {"end":0} or
 *         {"end":-11,"where":"...","text":"..."}. query_wire.h has all keys.
 *         The files: query_server.c, query_client.c; query_wire.c (the lines,
 *         and the only one with jansson); query_address.c (the socket's name).
 * BOUNDS  request line 4 KiB, one request per connection, 2 s to send it (half
 *         a second while over half of the places are taken) and 10 s in all;
 *         16 connections, 4 of one user, who loses some to others when there
 *         is no place left; no other user keeps out the superuser and the
 *         server's own. Answer rows 1,000 and each 64 KiB, 1 MiB together. A
 *         client gives up after 5 s without a byte, and after 30 s in all.
 * LAYER   adapters; jansson.
 * THREADS the server has one thread of its own, which blocks all signals.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_QUERY_H
#define TP_ADAPTERS_QUERY_H

#include "base/err.h"
#include "core/outcome.h"
#include "core/queue.h"

#include <stdint.h>
#include <sys/types.h>

enum tp_query_op {
	TP_QUERY_MESSAGE,
	TP_QUERY_OUTCOMES,
	TP_QUERY_STATUS,
	TP_QUERY_KICK
};

#define TP_QUERY_ROWS_MAX_COUNT 1000

/* A message has a queue id, the status nothing, a kick a relay or nothing;
 * outcomes have any of it, and a limit of 1 to TP_QUERY_ROWS_MAX_COUNT. Without
 * a store: all that may be seen. */
struct tp_query_request {
	enum tp_query_op op;
	struct tp_outcome_filter filter;
};

/* What is said of one message to somebody who knows its id. */
struct tp_query_message {
	const char *queue_id;
	const char *store;
	const char *state; /* as in the queue, or "sent", "failed", ... when
			    * only outcomes are left */
	const char *reason;
	int attempts;
	int64_t created_ms;
	int64_t next_try_ms;
	int64_t expires_ms;
	int64_t size_bytes;
};

/* One relay that serves a store which the asker may see; for who may see all
 * also one that serves none. */
struct tp_query_relay {
	const char *store; /* "": none */
	const char *relay;
	const char *state;
	const char *reason;
	int64_t retry_ms;
	int connections;
	/* of the store's messages, each counted up to
	 * TP_QUERY_COUNT_MAX_COUNT */
	int64_t waiting_count; /* due now */
	int64_t queued_count;
	int64_t active_count;
	int64_t held_count;
	int64_t oldest_ms; /* when the oldest was accepted; 0: none */
	int64_t body_bytes;
};
#define TP_QUERY_COUNT_MAX_COUNT 1000

/* Where rows go: on the server to the socket, on the client to the caller. A
 * nonzero return ends the answer. Only the one for the request's op is
 * called; a kick has none. */
struct tp_query_sink {
	void *ctx;
	int (*message)(void *ctx, const struct tp_query_message *message);
	int (*outcome)(void *ctx, const struct tp_outcome *outcome);
	int (*relay)(void *ctx, const struct tp_query_relay *relay);
};

/* Answers one request of user UID; called on the server's thread. */
typedef int tp_query_answer_fn(void *ctx, uid_t uid,
	const struct tp_query_request *request,
	const struct tp_query_sink *sink, struct tp_error *err);

struct tp_query_server;
/* Replaces a socket that nobody listens on.
 * @return 0; TP_EBUSY (somebody listens), TP_EPERM, TP_EIO, TP_ENOMEM */
int tp_query_server_start(const char *spool, tp_query_answer_fn *answer,
	void *ctx, struct tp_query_server **server_out,
	struct tp_error *err) TP_USE_RESULT;
/* Removes the socket and ends what is under way; waits for an answer that is
 * being made, never for a client. In a forked child it only closes the child's
 * descriptors. NULL-safe; sets NULL. */
void tp_query_server_stop(struct tp_query_server **server);

/* Asks the daemon of SPOOL. Keeps nothing; works after fork too.
 * @return rows given; TP_ECONNECT (no daemon runs), TP_EPERM (the socket is
 *         somebody else's), TP_ETIMEOUT, TP_EPROTO, TP_EINVAL (what is asked
 *         for is too long), or what the daemon answered: with TP_ETOOBIG there
 *         are more rows than it could give */
int tp_query_ask(const char *spool, const struct tp_query_request *request,
	const struct tp_query_sink *sink, struct tp_error *err) TP_USE_RESULT;

#endif
