/*
 * channel_sasl.h - SCRAM-SHA-256 and CRAM-MD5
 *
 * JOB     The two mechanisms that need cryptography, by libgsasl. Bytes in,
 *         bytes out; base 64 and SMTP are channel_auth.c's.
 * LAYER   adapters; the only user of libgsasl.
 * THREADS one thread at a time per object.
 * SOURCES RFC 5802, 7677, 2195.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_CHANNEL_SASL_H
#define TP_ADAPTERS_CHANNEL_SASL_H

#include "base/buf.h"
#include "base/secret.h"

#include <stddef.h>

struct tp_sasl;

/* @param mechanism "SCRAM-SHA-256" or "CRAM-MD5"
 * @return 0, TP_EUNSUPPORTED (libgsasl without it), TP_ENOMEM */
int tp_sasl_new(const char *mechanism, const char *user,
	const struct tp_secret *password, struct tp_sasl **sasl_out,
	struct tp_error *err) TP_USE_RESULT;
/* Wipes what it can reach of the password. NULL-safe. */
void tp_sasl_destroy(struct tp_sasl **sasl);

/* Appends the answer to CHALLENGE (empty at the start of SCRAM).
 * @return 0; TP_EAUTH: the server's message is wrong, or its proof is */
int tp_sasl_step(struct tp_sasl *sasl, const char *challenge, size_t len,
	struct tp_buf *out, struct tp_error *err) TP_USE_RESULT;

/* 1 once the mechanism has nothing left to check: for SCRAM, the server has
 * proved that it knows the password. */
int tp_sasl_done(const struct tp_sasl *sasl);

#endif
