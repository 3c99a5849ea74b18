/*
 * finding.h - what setup and doctor find, said in plain words
 *
 * JOB     A finding is one sentence about one topic, with a level; then,
 *         where it helps, why it matters and what to do. For people it is
 *         printed line by line as it comes in, so that a slow step is seen to
 *         be under way; for programs it is one JSON object per line.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS one struct tp_findings, one thread.
 * ERRORS  The first failure is kept; tp_findings_end() returns it.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_FINDING_H
#define TP_HOSTS_CLI_FINDING_H

#include <tillpost/abi.h>

#define TP_FIND_OK 0	  /* as it should be */
#define TP_FIND_NOTE 1	  /* worth knowing; nothing to do */
#define TP_FIND_WARNING 2 /* mail may suffer */
#define TP_FIND_ERROR 3	  /* mail does not work */
#define TP_FIND_LEVELS 4

#define TP_FIND_TEXT_BYTES 640

struct tp_findings {
	int json;
	int counts[TP_FIND_LEVELS];
	/* The last one, until the next begins. */
	int open;
	int level;
	char topic[64];
	char what[TP_FIND_TEXT_BYTES];
	char why[TP_FIND_TEXT_BYTES];
	char todo[TP_FIND_TEXT_BYTES];
	int32_t rc;
	struct tillpost_error err;
};

/* Begins a finding. Text may be anybody's: it is made fit for a terminal. */
void tp_find(struct tp_findings *findings, int level, const char *topic,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Completes it: why it matters, what to do. Once each. */
void tp_find_why(struct tp_findings *findings, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void tp_find_do(struct tp_findings *findings, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Ends the last finding and, for people, prints the counts.
 * @return 0 or the first failure, see findings->err */
int32_t tp_findings_end(struct tp_findings *findings);

#endif
