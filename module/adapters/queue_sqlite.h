/*
 * queue_sqlite.h - the durable queue in one SQLite file
 *
 * JOB     core/queue.h on SQLite: WAL, synchronous=FULL. Changes that arrive
 *         while a commit is on its way to the disk share the next commit, and
 *         each caller returns when the commit that holds his change is
 *         durable. Reads have a connection of their own and do not wait for
 *         commits. Several processes may have the same file open; each open
 *         queue is an owner of leases, and what a dead owner held is free at
 *         once (recover()).
 *
 *         Files: PATH, PATH-wal, PATH-shm (SQLite's), PATH.owners (locks that
 *         show which owners live). All are made with mode 0600, because the
 *         queue holds customers' mail; a file others can read is refused, and
 *         so is one that is a link or belongs to another user, or a directory
 *         in which others may replace it. Made by root, they belong to the
 *         directory's owner.
 * LAYER   adapters; SQLite only.
 * THREADS every function may be called from any thread. A queue belongs to
 *         the process that opened it: in a forked child every call gives
 *         TP_ESTATE, and destroy() only frees memory.
 * ERRORS  TP_ENOTFOUND (directory), TP_EPERM (mode, owner or kind of a file,
 *         mode of the directory), TP_EUNSUPPORTED (network file system),
 *         TP_EQUEUE (not a queue, newer schema, damaged, replaced while in
 *         use: put() and reads say so at once, other calls within a second;
 *         the next call opens it again), TP_EBUSY (another process holds the
 *         file too long), TP_ENOSPC, TP_EUNCERTAIN (the commit failed
 *         half-way: the change may be there).
 * SOURCES https://www.sqlite.org/wal.html,
 *         https://www.sqlite.org/howtocorrupt.html
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_QUEUE_SQLITE_H
#define TP_ADAPTERS_QUEUE_SQLITE_H

#include "base/err.h"
#include "core/queue.h"

#include <stdint.h>

struct tp_queue_sqlite_options {
	const char *path;	    /* made if missing; its directory is not */
	int64_t free_reserve_bytes; /* put() needs so much free space left */
	const struct tp_clock *clock; /* NULL: the machine's; borrowed */
	int busy_ms;	   /* wait so long for another process; 0: 5,000 */
	int search_max_ms; /* list() and outcomes() give up with TP_ETIMEOUT
			    * after so long; 0: never */
};

/* @return 0, or as ERRORS above. @owns caller, ops->destroy() */
int tp_queue_sqlite_open(const struct tp_queue_sqlite_options *options,
	struct tp_queue **queue_out, struct tp_error *err) TP_USE_RESULT;

#endif
