/*
 * queue_sqlite_file.h - is this a safe place for a queue?
 *
 * JOB     What must be right about directory, file system, the file's kind,
 *         owner and mode, and free space before a path may be used.
 * LAYER   adapters; POSIX and Linux statfs(2) only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_QUEUE_SQLITE_FILE_H
#define TP_ADAPTERS_QUEUE_SQLITE_FILE_H

#include "base/err.h"

#include <stdint.h>

/* Makes the file with mode 0600 if it is missing, and checks what is there: a
 * regular file with one name, of this user, closed to others. Root may use
 * files of root and of the directory's owner; what root makes in another
 * user's directory is given to that user.
 * Never opens a file that exists: closing it would drop the locks that SQLite
 * holds on it in this process.
 * @return 0, TP_ENOTFOUND (directory), TP_EPERM, TP_EUNSUPPORTED, TP_EIO */
int tp_queue_file_prepare(const char *path, struct tp_error *err) TP_USE_RESULT;

/* tp_queue_file_prepare() and opens the file for reading and writing. Not for
 * a file that SQLite has open.
 * @return the descriptor; or as tp_queue_file_prepare() */
int tp_queue_file_open(const char *path, struct tp_error *err) TP_USE_RESULT;

/* @param magic f_type of statfs(2)
 * @return name of a network file system on which SQLite's WAL does not work,
 *         or NULL */
const char *tp_queue_file_network(uint64_t magic);

/* @return bytes that an ordinary user may still write at PATH; negative if
 *         that cannot be found out */
int64_t tp_queue_file_free_bytes(const char *path);

#endif
