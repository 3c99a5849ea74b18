/*
 * outcome.h - the record of one attempt for one recipient
 *
 * JOB     The event that the queue stores in the same transaction as the
 *         change of state, and that the log file shows as one JSON line.
 *         Holds no body and no secret.
 * LAYER   core; libc only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_OUTCOME_H
#define TP_CORE_OUTCOME_H

#include "core/policy.h"
#include "base/random.h"

#include <stdint.h>

struct tp_outcome {
	int64_t event_id; /* row number; 0 before it is stored */
	int64_t time_ms;  /* Unix epoch */
	const char *store;
	const char *relay;
	const char *queue_id;
	const char *message_id;
	const char *sender;
	const char *recipient;
	int attempt; /* from 1; 0: no attempt was made (expired,
		      * cancelled) */
	enum tp_class cls;
	const char *verdict;  /* "sent", "deferred", "failed", "unknown",
			       * "held", "expired", "cancelled" */
	const char *step;     /* where it was decided; "" */
	int reply_code;	      /* 0: none */
	const char *enhanced; /* "5.1.1" or "" */
	const char *text;     /* server's words or ours; escaped */
	const char *tls_version;
	const char *tls_cipher;
	int64_t size_bytes;
	int64_t queued_ms;  /* from acceptance to this event */
	int64_t connect_us; /* of the connection that was used */
	int64_t tls_us;
	int64_t auth_us;
	int64_t send_us;     /* MAIL to the last reply */
	int64_t next_try_ms; /* Unix epoch; 0: none */
	int last;	     /* 1: nothing further happens to this recipient */
};

/* Sees each event after it is durable. Must not block for long.
 * @thread called from any worker, one call at a time */
struct tp_outcome_sink {
	void *ctx;
	void (*event)(void *ctx, const struct tp_outcome *outcome);
};

#endif
