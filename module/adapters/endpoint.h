/*
 * endpoint.h - the local SMTP server that libESMTP talks to
 *
 * JOB     Listens on 127.0.0.1, admits the one client that knows the token,
 *         and plays a small, perfect SMTP server: one well-formed reply per
 *         command, whatever the relay does; always reading; never closing
 *         before QUIT. It compares each command with the expected envelope
 *         and each body byte with the message, and lets the dot out only if
 *         all of it was equal.
 * LAYER   adapters; sockets of libc.
 * THREADS serve() runs in a thread of its own while libESMTP runs in another;
 *         set_transaction() is called by the latter between messages.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_ENDPOINT_H
#define TP_ADAPTERS_ENDPOINT_H

#include "adapters/upstream.h"

struct tp_endpoint;

/* Binds the listener. UPSTREAM is borrowed.
 * @return 0, TP_EIO, TP_ENOMEM */
int tp_endpoint_new(struct tp_upstream *upstream,
	struct tp_endpoint **endpoint_out, struct tp_error *err) TP_USE_RESULT;
void tp_endpoint_destroy(struct tp_endpoint **endpoint);

/* "127.0.0.1:43210" */
const char *tp_endpoint_address(const struct tp_endpoint *endpoint);
/* The name that the client must say in EHLO. */
const char *tp_endpoint_token(const struct tp_endpoint *endpoint);

/* The transaction that the next MAIL belongs to. TX is borrowed until the
 * next call. */
void tp_endpoint_set_transaction(
	struct tp_endpoint *endpoint, struct tp_transaction *tx);

/* Called by libESMTP's thread before it reads results from the transaction:
 * what serve() recorded before its last reply is visible afterwards. */
void tp_endpoint_synchronise(struct tp_endpoint *endpoint);

/* Serves one client until QUIT or its disconnection.
 * @return 0; TP_ETIMEOUT: nobody with the token came within 10 s; TP_ECLOSED:
 *         the client left in a body; TP_EIO: elsewhere, or it sent no command
 *         that libESMTP can have made */
int tp_endpoint_serve(struct tp_endpoint *endpoint);

#endif
