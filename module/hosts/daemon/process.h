/*
 * process.h - what the daemon does to its own process
 *
 * JOB     Closes what it inherited, keeps what it holds from core files and
 *         debuggers, makes files private, leaves the directory it was started
 *         in. Each is harmless to repeat.
 * LAYER   hosts/daemon; libc, hosts/common.
 * THREADS main(), before other threads start.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_DAEMON_PROCESS_H
#define TP_DAEMON_PROCESS_H

#include <tillpost/abi.h>

/* Before anything is opened: a standard descriptor that is closed becomes
 * /dev/null, so that no database ever is "standard error"; all others are
 * closed, except those that a service manager passed on ($LISTEN_FDS), which
 * programs started by us do not get.
 * @return 0, TILLPOST_EIO */
int32_t tp_process_descriptors(struct tillpost_error *err);

/* No core file, no debugger of the same user, private files. */
int32_t tp_process_protect(struct tillpost_error *err);

/* To "/", so that no file system is kept busy. */
int32_t tp_process_leave_directory(struct tillpost_error *err);

/* PATH as it is from everywhere. Links stay: a new target of one counts when
 * the file is read again. @owns the caller, free()
 * @return NULL if there is no name or no memory; ERR says which */
char *tp_process_absolute(const char *path, struct tillpost_error *err);

#endif
