/*
 * channel_tcp.h - sockets of the relay channel
 *
 * JOB     Name to addresses with a deadline, connect to each in turn, read and
 *         write without blocking, wait with a deadline.
 * LAYER   adapters; POSIX sockets only.
 * THREADS getaddrinfo() cannot be cancelled, so it runs in a detached thread
 *         of its own, with all signals blocked, that may outlive the call; it
 *         shares nothing but a reference-counted result.
 *         An interrupt that is fired by another thread ends a look-up within
 *         250 ms and everything on the socket at once.
 * BOUNDS  at most TP_TCP_ADDRESSES_MAX addresses are tried.
 * SOURCES RFC 5321 5.1, RFC 6724, RFC 8305 4 (alternate the families).
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_CHANNEL_TCP_H
#define TP_ADAPTERS_CHANNEL_TCP_H

#include "base/err.h"
#include "base/interrupt.h"
#include "core/transport.h"

#include <stddef.h>
#include <stdint.h>

#define TP_TCP_ADDRESSES_MAX 16

struct tp_tcp {
	int fd; /* non-blocking, close-on-exec, TCP_NODELAY; -1: none */
	struct tp_interrupt *interrupt; /* borrowed; watches fd; may be NULL */
	int loopback;
	char peer[64];	  /* "192.0.2.1:465", "[2001:db8::1]:465" */
	char literal[64]; /* own address for EHLO: "[192.0.2.9]" */
};

/* Blocks at most TIMEOUT_MS for the name and TIMEOUT_MS for each address.
 * @param interrupt borrowed until tp_tcp_close(); NULL: cannot be interrupted.
 *        Once it is fired, no further address is tried.
 * @param step_out TP_STEP_RESOLVE or TP_STEP_CONNECT: how far it came
 * @return 0; TP_ECONFIG (no such name), TP_ECONNECT, TP_ETIMEOUT, TP_ENOMEM,
 *         TP_ECLOSED (interrupted)
 * @owns the caller: tp_tcp_close(); harmless after a failure */
int tp_tcp_connect(const char *host, int64_t port, int64_t timeout_ms,
	struct tp_interrupt *interrupt, struct tp_tcp *tcp_out,
	enum tp_step *step_out, struct tp_error *err) TP_USE_RESULT;

/* Ends the watch and closes the socket, if there is one. */
void tp_tcp_close(struct tp_tcp *tcp);

/* Waits for poll(2) EVENTS.
 * @param deadline_mono_ms of tp_deadline_ms()
 * @return 1: ready, or the socket has an error to tell; 0: deadline passed;
 *         TP_EIO */
int tp_tcp_wait(int fd, short events, int64_t deadline_mono_ms,
	struct tp_error *err) TP_USE_RESULT;

/* One attempt, never blocks, never raises SIGPIPE.
 * @param events_out set when the result is 0: what to wait for
 * @return bytes moved; 0: wait; TP_ECLOSED */
int tp_tcp_read(int fd, void *out, size_t len, short *events_out,
	struct tp_error *err) TP_USE_RESULT;
int tp_tcp_write(int fd, const void *data, size_t len, short *events_out,
	struct tp_error *err) TP_USE_RESULT;

#endif
