/*
 * upstream.h - one mail transaction on the relay's side of a connection
 *
 * JOB     MAIL, RCPT, DATA, body and dot towards the real relay, over an open
 *         channel. The envelope goes out in one segment where the relay offers
 *         PIPELINING. Every reply is recorded in the tp_transaction; nothing
 *         is judged here. The relay must be silent before each command and
 *         before the dot: a reply that nothing asked for would be read as the
 *         answer to something else, so then the connection is given up.
 *
 *         begin -> body ... -> dot     or     begin -> (nothing accepted)
 *                          \-> abandon: the dot never goes out
 * LAYER   adapters; over channel.h only.
 * THREADS one thread at a time.
 * SOURCES RFC 5321 3.3 and 4.5.2, RFC 2920, RFC 1870, RFC 6152, RFC 6531.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_UPSTREAM_H
#define TP_ADAPTERS_UPSTREAM_H

#include "adapters/channel.h"
#include "base/buf.h"

/* Body bytes are gathered up to this before they are written. */
#define TP_UPSTREAM_GATHER_BYTES 32768
/* The longest command block: 1,000 recipients of 254 octets. */
#define TP_UPSTREAM_COMMANDS_MAX_BYTES (300 * 1024)

struct tp_upstream {
	struct tp_channel *channel;
	int64_t reply_timeout_ms;
	int64_t data_timeout_ms;
	int64_t final_timeout_ms;
	struct tp_buf out; /* commands, then gathered body */
	int lost;	   /* no further use of the connection */
	int open;	   /* the relay holds an unfinished transaction */
	int receiving;	   /* the relay said 354 and waits for the body */
	/* Asked before the first byte of each body; see tp_session_source.
	 * NULL: always. */
	int (*ready)(void *ctx, struct tp_transaction *tx);
	void *ready_ctx;
	int released; /* it was asked for this transaction, and said yes */
};

void tp_upstream_init(struct tp_upstream *upstream, struct tp_channel *channel,
	const struct tp_relay *relay);
void tp_upstream_free(struct tp_upstream *upstream);

/* 1 if nothing tells that the connection is over: it is not lost, and the
 * relay has neither spoken nor closed since its last reply. Does not block. */
int tp_upstream_alive(struct tp_upstream *upstream);

/* Sends the envelope and DATA and records the replies in TX. A message that
 * the relay's SIZE or missing SMTPUTF8 rules out gets a refusal made here,
 * and nothing is sent.
 * @return 1: the relay waits for the body; 0: it does not (refused, or the
 *         connection was lost: tx->trouble) */
int tp_upstream_begin(struct tp_upstream *upstream, struct tp_transaction *tx);

/* Passes on dot-stuffed body bytes, without the final dot. After a failure
 * further bytes are ignored. */
void tp_upstream_body(struct tp_upstream *upstream, struct tp_transaction *tx,
	const char *data, size_t len);

/* Sends the dot and records the reply, or tx->trouble at TP_STEP_DOT. */
void tp_upstream_dot(struct tp_upstream *upstream, struct tp_transaction *tx);

/* Gives the connection up so that the relay cannot take what it has for a
 * message. TEXT says why, for tx->trouble (TP_STEP_LOCAL). */
void tp_upstream_abandon(struct tp_upstream *upstream,
	struct tp_transaction *tx, const char *text);

#endif
