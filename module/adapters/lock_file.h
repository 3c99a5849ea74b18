/*
 * lock_file.h - a file that one process at a time holds
 *
 * JOB     The lock is on the open file description (flock), so it ends with the
 *         process however that ends, and closing another descriptor of the
 *         file does not lose it. The file has the holder's pid, for people.
 * LAYER   adapters; libc.
 * THREADS any.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_LOCK_FILE_H
#define TP_ADAPTERS_LOCK_FILE_H

#include "base/err.h"

/* Locks FD until it is closed.
 * @param does what the holder does, for the error: "takes this spool in"
 * @return 0; TP_EBUSY naming the holder; TP_EIO */
int tp_lock_file(int fd, const char *where, const char *does,
	struct tp_error *err) TP_USE_RESULT;

#endif
