/*
 * channel.h - an authenticated connection to one relay
 *
 * JOB     Resolve, connect (each address in turn), TLS (implicit or STARTTLS,
 *         never falling back), verify the configured name, EHLO, AUTH; then
 *         plain writes and replies with deadlines. Knows SMTP up to AUTH and
 *         QUIT; transactions are transport_esmtp.c's.
 * LAYER   adapters. channel.c composes channel_tcp.c (sockets),
 *         channel_tls_openssl.c (OpenSSL), channel_auth.c (AUTH, with
 *         channel_sasl.c for what libgsasl does).
 * THREADS one thread at a time per channel; tp_channel_shared is safe.
 * SOURCES RFC 5321, 3207, 8314, 4954, 7628, 5802, 7677, 2195, 7817.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_CHANNEL_H
#define TP_ADAPTERS_CHANNEL_H

#include "base/interrupt.h"
#include "core/config.h"
#include "core/transport.h"

#include <stddef.h>
#include <stdint.h>

/* TLS contexts and resumable sessions, kept per distinct relay profile. */
struct tp_channel_shared;
int tp_channel_shared_new(
	struct tp_channel_shared **shared_out, struct tp_error *err);
void tp_channel_shared_destroy(struct tp_channel_shared **shared);

struct tp_channel;

/* Blocks, each step for its timeout in RELAY.
 * @param interrupt borrowed for the life of the channel; NULL: none. Once
 *        another thread has fired it, this and every other call that waits
 *        for the relay fails soon (the look-up of a name within 250 ms) with
 *        TP_ECLOSED and the text "stopped".
 * @return 0; negative TP_E* with *trouble filled (step, code, reply, text).
 *         No AUTH is sent before TLS unless the relay allows it and the
 *         connected address is loopback. */
int tp_channel_open(struct tp_channel_shared *shared,
	const struct tp_relay *relay, struct tp_interrupt *interrupt,
	struct tp_channel **channel_out,
	struct tp_trouble *trouble) TP_USE_RESULT;

const struct tp_connection_info *tp_channel_info(
	const struct tp_channel *channel);

/* Writes all LEN bytes. Bytes that the server sends meanwhile are kept for
 * the next tp_channel_reply() (bounded), so that a server that answers early
 * cannot block both sides.
 * @param stall_ms fail with TP_ETIMEOUT after this long without progress
 * @return 0, TP_ETIMEOUT, TP_ECLOSED, TP_ETLS; trouble->step is left to the
 *         caller, code and text are filled */
int tp_channel_write(struct tp_channel *channel, const void *data, size_t len,
	int64_t stall_ms, struct tp_trouble *trouble) TP_USE_RESULT;

/* Reads one reply. A 421 is a reply like any other here.
 * @return 0, TP_ETIMEOUT, TP_ECLOSED, TP_EPROTO, TP_ETLS */
int tp_channel_reply(struct tp_channel *channel, struct tp_reply *reply,
	int64_t timeout_ms, struct tp_trouble *trouble) TP_USE_RESULT;

/* The lines of the last reply as they came, without their codes, '\n' between
 * them. Borrowed until the next reply. */
const char *tp_channel_lines(const struct tp_channel *channel, size_t *len_out);

/* 1 if bytes are buffered or readable: before a new command is sent that
 * means a 421, a close, or a server out of step. Does not block. */
int tp_channel_readable(struct tp_channel *channel);

/* POLITE: says QUIT and waits for its reply at most 2 s. NULL-safe. */
void tp_channel_close(struct tp_channel **channel, int polite);

#endif
