/*
 * interrupt.h - ends another thread's wait for a socket
 *
 * JOB     One thread uses a socket and may wait long for its peer; another
 *         wants it to stop. The first registers the socket while it is open;
 *         the second fires, which shuts the socket down, so that every wait
 *         for it ends at once. Who has no socket yet, or waits for something
 *         else, asks tp_interrupt_fired() from time to time.
 *
 *         An interrupt fires once and stays fired: nothing that is begun with
 *         it later gets far.
 * LAYER   base; POSIX only.
 * THREADS all calls are safe, init and destroy aside: whoever owns the
 *         interrupt makes sure that nobody uses it then.
 * BOUNDS  one socket at a time.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_INTERRUPT_H
#define TP_BASE_INTERRUPT_H

#include "err.h"

#include <pthread.h>

/* Use the functions; do not copy. */
struct tp_interrupt {
	pthread_mutex_t lock;
	int fd; /* borrowed; -1: none is watched */
	int fired;
};

/* After it no socket is watched and nothing is fired. */
void tp_interrupt_init(struct tp_interrupt *interrupt);
/* No socket may be watched any more. Not for an INTERRUPT that was never
 * initialised. */
void tp_interrupt_destroy(struct tp_interrupt *interrupt);

/* Registers the socket that is about to be used, before the first call on it
 * that can wait. Replaces the one before. Does not block.
 * @param interrupt NULL: does nothing
 * @param fd a socket, borrowed until unwatch
 * @return 0; TP_ECLOSED if it was fired before: the socket is neither watched
 *         nor shut down then */
int tp_interrupt_watch(struct tp_interrupt *interrupt, int fd) TP_USE_RESULT;

/* To be called before the socket is closed: its number may be another file's
 * a moment later. Waits for a tp_interrupt_fire() that is under way, which
 * does not block. NULL-safe; harmless if nothing is watched. */
void tp_interrupt_unwatch(struct tp_interrupt *interrupt);

/* Shuts the watched socket down in both directions, connected or connecting:
 * poll(2) wakes, reads end after what has already come, writes fail. Only the
 * first call does something. Does not block; errors of shutdown(2) mean that
 * the connection is gone already. */
void tp_interrupt_fire(struct tp_interrupt *interrupt);

/* @return 1 if it was fired, else 0; NULL: 0 */
int tp_interrupt_fired(struct tp_interrupt *interrupt);

#endif
