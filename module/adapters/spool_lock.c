/*
 * spool_lock.c - one process takes in
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/lock_file.h"
#include "adapters/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TRIES 10

static int open_lock(int spool_fd, const char *spool, struct tp_error *err)
{
	struct stat top;
	int fd = openat(spool_fd, TP_SPOOL_LOCK,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
			O_NOCTTY,
		0600);

	if (fd < 0)
		return tp_fail_errno(err, errno == EACCES ? TP_EPERM : TP_EIO,
			spool, "cannot open the file \"lock\" there");
	/* Root must not keep the owner of the spool out later. */
	if (geteuid() == 0 && fstat(spool_fd, &top) == 0 && top.st_uid != 0 &&
		fchown(fd, top.st_uid, top.st_gid) < 0) {
		(void)tp_fail_errno(err, TP_EIO, spool,
			"cannot give the file \"lock\" to the spool's owner");
		(void)close(fd);
		return TP_EIO;
	}
	return fd;
}

/* @return 1 if FD is what "lock" names now */
static int is_current(int fd, int spool_fd)
{
	struct stat mine;
	struct stat named;

	return fstat(fd, &mine) == 0 &&
	       fstatat(spool_fd, TP_SPOOL_LOCK, &named, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

int tp_spool_lock(int spool_fd, const char *spool, struct tp_error *err)
{
	int i;

	/* Somebody may delete the file between opening and locking it. */
	for (i = 0; i < TRIES; i++) {
		int fd = open_lock(spool_fd, spool, err);
		int rc;

		if (fd < 0)
			return fd;
		rc = tp_lock_file(fd, spool, "takes this spool in", err);
		if (rc >= 0 && is_current(fd, spool_fd))
			return fd;
		(void)close(fd);
		if (rc < 0)
			return rc;
	}
	return tp_fail(err, TP_EIO, spool,
		"the file \"lock\" is replaced again and again");
}
