/*
 * spool_purger.h - frees the space of what was taken in
 *
 * JOB     A thread behind the one that takes in, which need not wait for the
 *         disk; and while that one works, leaves most of the disk's time to
 *         it. What is left when it ends is freed after the next start.
 * LAYER   api.
 * THREADS start and stop: one at a time; the others: any.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_SPOOL_PURGER_H
#define TP_API_SPOOL_PURGER_H

#include "adapters/spool.h"

struct tp_spool_purger;

/* @return NULL if out of memory */
struct tp_spool_purger *tp_spool_purger_new(void) TP_USE_RESULT;
/* It is not running. NULL-safe. */
void tp_spool_purger_free(struct tp_spool_purger **purger);

/* READER is used until it is stopped. Nothing if it is running. @return 0,
 * TP_EIO */
int tp_spool_purger_start(struct tp_spool_purger *purger,
	struct tp_spool_reader *reader, struct tp_error *err) TP_USE_RESULT;
/* After the file at hand. Nothing if it is not running. */
void tp_spool_purger_stop(struct tp_spool_purger *purger);

/* There may be something to free. */
void tp_spool_purger_wake(struct tp_spool_purger *purger);
/* ALONE 1: nobody else needs the disk now, or nobody can go on before there is
 * space; 0: it is shared. */
void tp_spool_purger_alone(struct tp_spool_purger *purger, int alone);

#endif
