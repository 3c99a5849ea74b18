/*
 * channel_tls_openssl.h - TLS of the relay channel
 *
 * JOB     Client side TLS over a connected socket: TLS 1.2 or later, the
 *         configured name as SNI and as the name to verify, own CA, client
 *         certificate, pinned certificate, session resumption; failures in
 *         words that say what to do.
 * LAYER   adapters; the only user of OpenSSL in the channel.
 * THREADS tp_tls_shared is safe; one thread at a time per tp_tls.
 * BOUNDS  16 contexts and 256 sessions are kept; the least recently used goes.
 * SOURCES RFC 8446, 5246, 6066 3 (SNI), 7817, 8314.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_CHANNEL_TLS_OPENSSL_H
#define TP_ADAPTERS_CHANNEL_TLS_OPENSSL_H

#include "base/err.h"
#include "core/config.h"

#include <stddef.h>
#include <stdint.h>

/* Contexts (loaded certificates) and resumable sessions. They are found by a
 * digest of the settings they were made with, which holds no secret. Outlives
 * every tp_tls made with it. */
struct tp_tls_shared;
int tp_tls_shared_new(
	struct tp_tls_shared **shared_out, struct tp_error *err) TP_USE_RESULT;
void tp_tls_shared_destroy(struct tp_tls_shared **shared);

struct tp_tls;

/* Does the whole handshake and verifies the server. With a fingerprint the
 * server's certificate must be that one; a chain that leads to no known CA is
 * then accepted, and the name is not looked at. In all other cases the chain
 * and the name must be right.
 * @param fd borrowed; non-blocking
 * @return 0; TP_ETLS, TP_ETIMEOUT, TP_ECLOSED, TP_ECONFIG, TP_ENOMEM */
int tp_tls_open(struct tp_tls_shared *shared, const struct tp_relay *relay,
	int fd, struct tp_tls **tls_out, struct tp_error *err) TP_USE_RESULT;

/* One attempt, never blocks, never raises SIGPIPE.
 * @param events_out set when the result is 0: what to wait for
 * @return bytes moved; 0: wait; TP_ECLOSED, TP_ETLS */
int tp_tls_read(struct tp_tls *tls, void *out, size_t len, short *events_out,
	struct tp_error *err) TP_USE_RESULT;
/* After 0, repeat with the same bytes. */
int tp_tls_write(struct tp_tls *tls, const void *data, size_t len,
	short *events_out, struct tp_error *err) TP_USE_RESULT;

/* "TLSv1.3" and the cipher's name; borrowed. */
const char *tp_tls_version(const struct tp_tls *tls);
const char *tp_tls_cipher(const struct tp_tls *tls);

/* Sends close_notify if that needs no waiting. Does not close the socket. */
void tp_tls_close(struct tp_tls **tls);

#endif
