/*
 * queue_sqlite_owner.h - which holders of leases are alive
 *
 * JOB     Each open queue takes a slot in the file PATH.owners: it holds an
 *         open-file-description lock on byte SLOT while it lives, which the
 *         kernel ends with the process, however it dies; and it writes its
 *         random token there, so that a slot that was taken over is not
 *         mistaken for the owner before. A lease names slot and token.
 * LAYER   adapters; Linux fcntl(2) F_OFD_SETLK only.
 * THREADS one at a time.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_QUEUE_SQLITE_OWNER_H
#define TP_ADAPTERS_QUEUE_SQLITE_OWNER_H

#include "base/err.h"

#include <stdint.h>

struct tp_queue_owner {
	int fd; /* -1: closed */
	int64_t slot;
	int64_t token; /* never 0 */
};

#define TP_QUEUE_OWNER_INIT \
	{                   \
		-1, 0, 0    \
	}

/* Takes a free slot. The file is made and checked like the queue's.
 * @return 0, TP_EBUSY (no slot free), or as tp_queue_file_prepare() */
int tp_queue_owner_open(struct tp_queue_owner *owner, const char *path,
	struct tp_error *err) TP_USE_RESULT;

/* @return 1 if the owner of a lease is alive (or cannot be told dead) */
int tp_queue_owner_alive(
	const struct tp_queue_owner *owner, int64_t slot, int64_t token);

/* Gives the slot back. Safe on a closed one, and in a forked child, where the
 * parent keeps the slot. */
void tp_queue_owner_close(struct tp_queue_owner *owner);

#endif
