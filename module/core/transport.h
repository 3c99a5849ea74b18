/*
 * transport.h - what the engine asks of a way to send
 *
 * JOB     The interface between the scheduler and the relay channel: open an
 *         authenticated connection to one relay, then run transactions over
 *         it. Facts come back (replies, where it broke, durations), never
 *         judgements: policy.h judges.
 * LAYER   core; libc only. Implementations: adapters/transport_esmtp.c, and
 *         the scripted one of the tests.
 * THREADS a connection is used by one thread at a time; another may fire its
 *         interrupt.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_TRANSPORT_H
#define TP_CORE_TRANSPORT_H

#include "base/err.h"
#include "base/interrupt.h"
#include "core/config.h"
#include "core/reply.h"

#include <stddef.h>
#include <stdint.h>

/* Where in the dialogue something happened. */
enum tp_step {
	TP_STEP_NONE,
	TP_STEP_RESOLVE,
	TP_STEP_CONNECT,
	TP_STEP_GREETING,
	TP_STEP_EHLO,
	TP_STEP_STARTTLS,
	TP_STEP_TLS,
	TP_STEP_AUTH,
	TP_STEP_MAIL,
	TP_STEP_RCPT,
	TP_STEP_DATA, /* the DATA command itself */
	TP_STEP_BODY, /* while the body was being sent, before the dot */
	TP_STEP_DOT,  /* the dot was sent (wholly or in part): outcome unknown
		       * unless there is a reply */
	TP_STEP_LOCAL /* this side: memory, libESMTP, integrity check */
};

/* "connect", "mail", ...; never NULL */
const char *tp_step_name(enum tp_step step);

/* What stopped a connection or a transaction, if anything did. */
struct tp_trouble {
	enum tp_step step;     /* TP_STEP_NONE: no trouble */
	int code;	       /* TP_ECONNECT, TP_ETLS, TP_EAUTH, TP_EPROTO,
				* TP_ETIMEOUT, TP_ECLOSED, TP_ECONFIG ... */
	struct tp_reply reply; /* the server's refusal; code 0: none */
	char text[TP_ERROR_TEXT_BYTES]; /* says what and what to do */
};

struct tp_connection_info {
	char peer[64];	      /* "192.0.2.1:465" */
	char tls_version[16]; /* "TLSv1.3"; "" without TLS */
	char tls_cipher[64];
	char auth_mechanism[24]; /* "" if none */
	int64_t connect_us;	 /* DNS + TCP + greeting */
	int64_t tls_us;
	int64_t auth_us;
	int64_t size_max_bytes; /* SIZE of EHLO; 0: unknown */
	int eight_bit_mime;
	int smtputf8;
	int pipelining;
};

/* One message for a set of recipients. */
struct tp_transaction {
	/* in; borrowed until done() */
	const char *sender; /* "" for the null reverse-path */
	const char *const *recipients;
	size_t recipient_count;
	const char *data; /* final bytes, ends with CRLF */
	size_t data_len;
	int eight_bit;
	int smtputf8;
	/* out */
	struct tp_reply mail;
	struct tp_reply *rcpt;	    /* recipient_count entries, the caller's */
	struct tp_reply data_reply; /* to the dot, or a refused DATA */
	struct tp_trouble trouble;  /* set if the connection was lost or the
				     * transaction could not be begun */
	int64_t duration_us;
};

/* Where a session gets its transactions from. */
struct tp_session_source {
	void *ctx;
	/* The next transaction, or NULL to end the session. May block. */
	struct tp_transaction *(*next)(void *ctx);
	/* May the body of TX go out? Called after the relay has taken the
	 * envelope and before the first byte of the body; may block until
	 * what must be durable is. Not called if no body goes out. Perhaps in
	 * another thread than next() and done(), never at the same time.
	 * NULL: always. @return 0, or negative: it may not; the connection is
	 * given up */
	int (*ready)(void *ctx, struct tp_transaction *tx);
	/* The transaction is over. Called once for every transaction that
	 * next() gave. */
	void (*done)(void *ctx, struct tp_transaction *tx);
};

struct tp_connection; /* defined by each implementation */
struct tp_transport;

struct tp_transport_ops {
	/* Resolve, connect, TLS, EHLO, AUTH.
	 * @param interrupt stays with the connection: borrowed until
	 *        disconnect(), or until a connect() that failed returns; NULL:
	 *        none. Once another thread has fired it, connect() or the
	 *        session() that runs fails soon (at most 250 ms later), as if
	 *        the relay had closed; if connect() was told so, *trouble says
	 *        TP_ECLOSED and "stopped".
	 * @return 0, or a negative TP_E* with *trouble filled */
	int (*connect)(struct tp_transport *transport,
		const struct tp_relay *relay, struct tp_interrupt *interrupt,
		struct tp_connection **connection_out,
		struct tp_trouble *trouble);
	/* Runs transactions until next() gives NULL or the connection breaks.
	 * @return 1: the connection is good for another session; 0: it is
	 *         dead (the last transaction's trouble says why); negative:
	 *         local failure */
	int (*session)(struct tp_connection *connection,
		const struct tp_session_source *source, struct tp_error *err);
	/* 1 if an idle connection is still open as far as can be told
	 * without a round trip (nothing readable, no hang-up). */
	int (*alive)(struct tp_connection *connection);
	const struct tp_connection_info *(*info)(
		const struct tp_connection *connection);
	/* Says QUIT (bounded wait) if the connection is good. NULL-safe. */
	void (*disconnect)(struct tp_connection **connection);
	void (*destroy)(struct tp_transport **transport);
};

struct tp_transport {
	const struct tp_transport_ops *ops;
};

#endif
