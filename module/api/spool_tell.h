/*
 * spool_tell.h - what the intake says about files
 *
 * JOB     Log lines about files that anybody may leave in the spool, so that
 *         nobody can fill the log: a bounded number of lines per stretch of
 *         time, then how many there were more.
 * LAYER   api.
 * THREADS a quota belongs to one thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_SPOOL_TELL_H
#define TP_API_SPOOL_TELL_H

#include "api/handle.h"

void tp_spool_tell(tillpost_handle *handle, int level, const char *event,
	const char *fmt, ...) TP_PRINTF(4, 5);

/* Where a quota has zeroes. */
#define TP_SPOOL_QUOTA_LINES 50
#define TP_SPOOL_QUOTA_MS 10000

/* Zeroes but for what is borrowed, and perhaps for its size. */
struct tp_spool_quota {
	tillpost_handle *handle;
	const char *event; /* of the line "and 7 more ..." */
	const char *what;  /* lines of which kind */
	unsigned lines;
	int64_t period_ms;
	int64_t until_mono_ms;
	unsigned told;
	unsigned untold;
};
/* @return 1: tell it; 0: it is only counted */
int tp_spool_quota_take(struct tp_spool_quota *quota);
/* Tells how many lines were left out, if the stretch is over or NOW is 1. */
void tp_spool_quota_rest(struct tp_spool_quota *quota, int now);

#endif
