/*
 * lock_file.c - a file that one process at a time holds
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/lock_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PID_BYTES 24

static int busy(
	int fd, const char *where, const char *does, struct tp_error *err)
{
	char pid[PID_BYTES] = "";
	ssize_t len = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[len > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	return tp_fail(err, TP_EBUSY, where,
		"another process %s already (pid %s); stop it first", does,
		pid[0] ? pid : "unknown");
}

/* Only for people who ask who it is, so a full disk is no failure. */
static void write_pid(int fd)
{
	char pid[PID_BYTES];
	int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) != len)
		return;
}

int tp_lock_file(
	int fd, const char *where, const char *does, struct tp_error *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? busy(fd, where, does, err)
					    : tp_fail_errno(err, TP_EIO, where,
						      "cannot lock the file");
	write_pid(fd);
	return TP_OK;
}
