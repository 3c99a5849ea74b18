/*
 * policy.h - what a reply or a failure means
 *
 * JOB     The only place that turns facts into judgement. Rules are data:
 *         dialect rows first, then the standard rows, then the first digit
 *         (RFC 5321 4.2.1, RFC 3463). Pure functions.
 * LAYER   core; libc only. The rows are in policy_rules.c.
 * THREADS pure functions, any thread.
 * SOURCES RFC 5321 4.2 and 4.5.4, RFC 3463, RFC 4954 6.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_POLICY_H
#define TP_CORE_POLICY_H

#include "core/transport.h"

enum tp_class {
	TP_CLASS_SENT,
	TP_CLASS_TEMPORARY,
	TP_CLASS_THROTTLED,   /* slow down, then again */
	TP_CLASS_PERMANENT,   /* this recipient or message fails for good */
	TP_CLASS_CREDENTIALS, /* login refused: hold, probe rarely, alert */
	TP_CLASS_SENDER,      /* sender set-up at the relay: hold, alert */
	TP_CLASS_CONFIG,      /* relay configuration: hold, alert */
	TP_CLASS_UNKNOWN      /* may have been delivered */
};

/* Who is to blame, and so who waits. */
enum tp_scope {
	TP_SCOPE_RECIPIENT,
	TP_SCOPE_MESSAGE,
	TP_SCOPE_RELAY /* connection or account: messages are not charged */
};

struct tp_verdict {
	enum tp_class cls;
	enum tp_scope scope;
	int64_t min_delay_ms; /* not before now + this; 0: the schedule */
	int64_t max_age_ms;   /* give up at this age of the message; 0: the
			       * lifetime */
	int alert;	      /* a person should look */
	int reduce;	      /* halve the connections to the relay */
	int again_at_once;    /* repeat in a new transaction now (452 4.5.3) */
	const char *rule;     /* static: which row decided, for the log */
};

/* "sent", "deferred", "failed", "unknown", "held": the word the log and the
 * users see. */
const char *tp_verdict_word(enum tp_class cls);
/* "sent", "temporary", "throttled", "permanent", "credentials", "sender",
 * "config", "unknown" */
const char *tp_class_name(enum tp_class cls);
int tp_class_parse(const char *name, enum tp_class *class_out);

/* No row asks for a longer min_delay_ms. */
#define TP_POLICY_DELAY_MAX_MS (INT64_C(60) * 60 * 1000)

/* Judges one reply at one step: a refusal, or any reply to the dot. A
 * positive reply elsewhere has nothing to be judged and counts as out of
 * place. At the dot, what is neither success nor refusal is unknown.
 * An enhanced code whose class differs from the reply's is ignored.
 * @param dialect name of a provider dialect, NULL or "" for none; unknown
 *        names mean none */
struct tp_verdict tp_policy_reply(
	enum tp_step step, const struct tp_reply *reply, const char *dialect);

/* Judges what stopped a connection or a transaction: the server's refusal if
 * there is one, else step and code. A relay name that does not exist comes as
 * TP_STEP_RESOLVE with TP_ECONFIG, a DNS that does not answer as
 * TP_STEP_RESOLVE with TP_ECONNECT. */
struct tp_verdict tp_policy_trouble(
	const struct tp_trouble *trouble, const char *dialect);

/* Judges one recipient of a finished transaction, and says which reply
 * decided. In this order: RCPT and dot accepted is sent; a refused MAIL; a
 * refused RCPT; for accepted recipients a refused DATA or dot; trouble
 * (unknown for accepted recipients if it broke after the dot). So what DATA
 * gets after refused recipients ("554 no valid recipients") is not looked at.
 * again_at_once is set only if the relay took another recipient.
 * @param reply_out the deciding reply, borrowed from TX; may have code 0 */
struct tp_verdict tp_policy_recipient(const struct tp_transaction *tx,
	size_t recipient, const char *dialect,
	const struct tp_reply **reply_out);

/* 1 if a dialect of this name exists (or the name is NULL or ""):
 * "amazon-ses", "gmail", "ionos", "mailersend", "microsoft", "sendgrid",
 * "socketlabs", "yahoo". */
int tp_dialect_known(const char *name);

#endif
