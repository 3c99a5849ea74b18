/*
 * transport_esmtp.h - sending through libESMTP behind the relay channel
 *
 * JOB     Implements core/transport.h. libESMTP drives each dialogue against
 *         the local endpoint; the endpoint's other side is the authenticated
 *         connection to the relay, which outlives libESMTP's sessions.
 * LAYER   adapters; transport_esmtp.c is the only user of <libesmtp.h>.
 * THREADS as core/transport.h says. session() blocks SIGPIPE in its thread
 *         and leaves it blocked: libESMTP writes without MSG_NOSIGNAL.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_TRANSPORT_ESMTP_H
#define TP_ADAPTERS_TRANSPORT_ESMTP_H

#include "core/transport.h"

/* @owns the caller: (*transport_out)->ops->destroy() after all connections */
int tp_transport_esmtp_new(struct tp_transport **transport_out,
	struct tp_error *err) TP_USE_RESULT;

#endif
