/*
 * policy_rules.h - the rows that policy.c reads
 *
 * JOB     Data only. The order is the meaning: the first row that fits wins.
 *         Dialect rows stand before the standard rows, and the rows that look
 *         at nothing but the first digit stand last, so every reply and every
 *         trouble finds a row.
 * LAYER   core; libc only.
 * THREADS constant data.
 * SOURCES RFC 5321 4.2 and 4.5.3.1.10, RFC 3463, RFC 4954 6, RFC 3207; what
 *         providers answer is named row by row.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_POLICY_RULES_H
#define TP_CORE_POLICY_RULES_H

#include "core/policy.h"

#include <stddef.h>
#include <stdint.h>

#define TP_RULE_ALERT 1u
#define TP_RULE_REDUCE 2u
#define TP_RULE_AGAIN 4u

/* The bit of one step in a row's set of steps. */
#define TP_RULE_AT(step) (1u << (unsigned)(step))

/* What one reply means. */
struct tp_policy_rule {
	const char *name;    /* unique; goes into the log */
	const char *dialect; /* NULL: for every relay */
	unsigned steps;	     /* TP_RULE_AT() bits */
	int code_min;
	int code_max;
	const char *enhanced; /* "subject.detail" without the class, which
			       * must agree with the reply code; "7.*";
			       * NULL: any or none */
	const char *text;     /* fragment, without case; NULL: any */
	enum tp_class cls;
	enum tp_scope scope; /* RECIPIENT means MESSAGE except at RCPT */
	int64_t min_delay_ms;
	int64_t max_age_ms;
	unsigned flags; /* TP_RULE_* */
	const char *source;
};

/* What the loss of a connection, or no connection, means. */
struct tp_trouble_rule {
	const char *name;
	unsigned steps;
	int code; /* TP_E*; 0: any */
	enum tp_class cls;
	enum tp_scope scope;
	unsigned flags;
	const char *source;
};

const struct tp_policy_rule *tp_policy_rules(size_t *count_out);
const struct tp_trouble_rule *tp_trouble_rules(size_t *count_out);

#endif
