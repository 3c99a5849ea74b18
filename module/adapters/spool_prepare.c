/*
 * spool_prepare.c - directories of the spool as they must be
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool_private.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A directory that is being put right. */
struct target {
	int fd;
	const char *path;
	mode_t mode;
	uid_t owner; /* whose it must be */
	struct stat st;
};

static int open_directory(int parent_fd, const char *name)
{
	/* The administrator may lead the spool to another disk; within it
	 * there are no links. */
	int follow = parent_fd == AT_FDCWD ? 0 : O_NOFOLLOW;

	return openat(
		parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
}

static int cannot_make(const char *path, mode_t mode, struct tp_error *err)
{
	if (errno == EACCES || errno == EPERM || errno == ENOENT)
		return tp_fail_errno(err, TP_EPERM, path,
			"cannot make the directory; run as root: "
			"install -d -o %lu -m %04o on it",
			(unsigned long)geteuid(), (unsigned)mode);
	return tp_fail_errno(err, TP_EIO, path, "cannot make the directory");
}

/* @return 1 if GID is one of this process's groups */
static int in_group(gid_t gid)
{
	gid_t *list;
	int count;
	int found = gid == getegid();

	if (found)
		return 1;
	count = getgroups(0, NULL);
	list = count > 0 ? tp_calloc((size_t)count, sizeof(*list)) : NULL;
	count = list ? getgroups(count, list) : 0;
	while (count > 0 && !found)
		found = list[--count] == gid;
	tp_free(list);
	return found;
}

/* Others' files get the group of the directory, and are read through it. */
static int check_group(struct target *target, struct tp_error *err)
{
	if (!(target->mode & S_ISGID) || geteuid() == 0 ||
		in_group(target->st.st_gid))
		return TP_OK;
	if (fchown(target->fd, (uid_t)-1, getegid()) == 0)
		return TP_OK;
	return tp_fail_errno(err, TP_EPERM, target->path,
		"belongs to group %lu, which this process is not in; run as "
		"root: chgrp -R %lu on it",
		(unsigned long)target->st.st_gid, (unsigned long)getegid());
}

static int check_mode(struct target *target, struct tp_error *err)
{
	if ((target->st.st_mode & 07777) == target->mode)
		return TP_OK;
	/* The kernel drops setgid without a word for a foreign group, so look
	 * again. */
	if (fchmod(target->fd, target->mode) == 0 &&
		fstat(target->fd, &target->st) == 0 &&
		(target->st.st_mode & 07777) == target->mode)
		return TP_OK;
	return tp_fail(err, TP_EPERM, target->path,
		"has mode %04o; run as root: chmod %04o on it",
		(unsigned)(target->st.st_mode & 07777), (unsigned)target->mode);
}

static int set_right(struct target *target, struct tp_error *err)
{
	int rc;

	if (fstat(target->fd, &target->st) < 0)
		return tp_fail_errno(err, TP_EIO, target->path,
			"cannot look at the directory");
	if (target->st.st_uid != target->owner)
		return tp_fail(err, TP_EPERM, target->path,
			"belongs to user %lu, not to user %lu; run as root: "
			"chown %lu on it",
			(unsigned long)target->st.st_uid,
			(unsigned long)target->owner,
			(unsigned long)target->owner);
	rc = check_group(target, err);
	return rc < 0 ? rc : check_mode(target, err);
}

/* Root keeps the spool for the user who owns it. */
static int owner_of(int fd, int parent_fd, const char *path, uid_t *out,
	struct tp_error *err)
{
	int within = parent_fd != AT_FDCWD;
	struct stat st;

	*out = geteuid();
	if (*out != 0)
		return TP_OK;
	if (fstat(within ? parent_fd : fd, &st) < 0)
		return tp_fail_errno(
			err, TP_EIO, path, "cannot look at the directory");
	*out = st.st_uid;
	return TP_OK;
}

static int hand_over(
	int fd, int parent_fd, const char *path, struct tp_error *err)
{
	struct stat st;

	if (geteuid() != 0 || parent_fd == AT_FDCWD)
		return TP_OK;
	if (fstat(parent_fd, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0)
		return tp_fail_errno(err, TP_EIO, path,
			"cannot give the directory to the spool's owner");
	return TP_OK;
}

int tp_spool_prepare(int parent_fd, const char *name, const char *path,
	mode_t mode, struct tp_error *err)
{
	struct target target = { .path = path, .mode = mode };
	int made = 0;
	int rc = TP_OK;

	target.fd = open_directory(parent_fd, name);
	if (target.fd < 0 && errno == ENOENT) {
		made = mkdirat(parent_fd, name, 0700) == 0;
		if (!made && errno != EEXIST)
			return cannot_make(path, mode, err);
		target.fd = open_directory(parent_fd, name);
	}
	if (target.fd < 0)
		return tp_fail_errno(err,
			errno == EACCES || errno == ENOTDIR ? TP_EPERM : TP_EIO,
			path, "cannot open the directory");
	if (made)
		rc = hand_over(target.fd, parent_fd, path, err);
	if (rc >= 0)
		rc = owner_of(target.fd, parent_fd, path, &target.owner, err);
	if (rc >= 0)
		rc = set_right(&target, err);
	if (rc >= 0)
		return target.fd;
	(void)close(target.fd);
	return rc;
}
