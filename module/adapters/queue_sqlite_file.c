/*
 * queue_sqlite_file.c - is this a safe place for a queue?
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

struct network_fs {
	uint64_t magic;
	const char *name;
};

/* statfs(2), linux/magic.h */
static const struct network_fs network_fs[] = {
	{ 0x6969, "NFS" },
	{ 0x517b, "SMB" },
	{ 0xff534d42, "CIFS" },
	{ 0xfe534d42, "SMB2" },
	{ 0x5346414f, "AFS" },
	{ 0x00c36400, "Ceph" },
	{ 0x01021997, "9P" },
};

const char *tp_queue_file_network(uint64_t magic)
{
	size_t i;

	for (i = 0; i < sizeof(network_fs) / sizeof(network_fs[0]); i++)
		if (network_fs[i].magic == (magic & 0xffffffff))
			return network_fs[i].name;
	return NULL;
}

/* The directory part of PATH in DIR. */
static int directory_of(
	const char *path, char dir[PATH_MAX], struct tp_error *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (strlen(path) >= PATH_MAX - 16)
		return tp_fail(err, TP_EINVAL, path, "path is too long");
	if (!slash)
		(void)snprintf(dir, PATH_MAX, ".");
	else if (len == 0)
		(void)snprintf(dir, PATH_MAX, "/");
	else
		(void)snprintf(dir, PATH_MAX, "%.*s", (int)len, path);
	return TP_OK;
}

static int check_directory(
	const char *dir, struct stat *st, struct tp_error *err)
{
	struct statfs fs;
	const char *network;

	if (stat(dir, st) < 0)
		return tp_fail_errno(err,
			errno == EACCES ? TP_EPERM : TP_ENOTFOUND, dir,
			"the directory of the queue cannot be used; create it "
			"with mode 0700, owned by the user that runs tillpost");
	if (!S_ISDIR(st->st_mode))
		return tp_fail(err, TP_ENOTFOUND, dir,
			"the queue's directory is not a directory");
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) && !(st->st_mode & S_ISVTX))
		return tp_fail(err, TP_EPERM, dir,
			"others may replace the files of the queue (mode of "
			"the directory: %03o); run: chmod 700 on it",
			(unsigned)(st->st_mode & 0777));
	if (statfs(dir, &fs) < 0)
		return tp_fail_errno(
			err, TP_EIO, dir, "cannot tell the file system");
	network = tp_queue_file_network((uint64_t)fs.f_type);
	if (network)
		return tp_fail(err, TP_EUNSUPPORTED, dir,
			"the queue cannot be on a network file system (%s): "
			"locks there do not hold; choose a local disk",
			network);
	return TP_OK;
}

/* Makes the name of a new file durable. */
static int sync_directory(const char *dir, struct tp_error *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = TP_OK;

	if (fd < 0)
		return tp_fail_errno(
			err, TP_EIO, dir, "cannot open the directory");
	if (fsync(fd) < 0)
		rc = tp_fail_errno(
			err, TP_EIO, dir, "cannot sync the directory");
	(void)close(fd);
	return rc;
}

/* Somebody who can make names in the directory must not lead us to a file
 * that is not the queue's: by a symbolic link (the caller has not followed
 * it), a hard link, or a file of his own, which he could read.
 * @param dir_uid owner of the directory */
static int check_file(const char *path, const struct stat *st, uid_t dir_uid,
	struct tp_error *err)
{
	uid_t me = geteuid();

	if (!S_ISREG(st->st_mode))
		return tp_fail(err, TP_EPERM, path, "not a regular file");
	if (st->st_nlink != 1)
		return tp_fail(err, TP_EPERM, path,
			"the file has %llu hard links; the queue's files must "
			"have one name only",
			(unsigned long long)st->st_nlink);
	if (st->st_uid != me && !(me == 0 && st->st_uid == dir_uid))
		return tp_fail(err, TP_EPERM, path,
			"the file belongs to user %lu, but tillpost runs as "
			"user %lu; run: chown on it, or run tillpost as its "
			"owner",
			(unsigned long)st->st_uid, (unsigned long)me);
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return tp_fail(err, TP_EPERM, path,
			"the queue holds customers' mail but others may open "
			"it (mode %03o); run: chmod 600 on it",
			(unsigned)(st->st_mode & 0777));
	return TP_OK;
}

static int check_path(const char *path, uid_t dir_uid, struct tp_error *err)
{
	struct stat st;
	int rc;

	if (lstat(path, &st) < 0)
		return tp_fail_errno(
			err, TP_EPERM, path, "cannot use the file");
	rc = check_file(path, &st, dir_uid, err);
	if (rc >= 0 && access(path, R_OK | W_OK) < 0)
		rc = tp_fail_errno(err, TP_EPERM, path,
			"no permission to read and write the queue");
	return rc;
}

/* A file that root makes must not keep the user out whose queue it is. If it
 * cannot be given, it stays: another process may use it by now. */
static int hand_over(
	int fd, const char *path, const struct stat *dir, struct tp_error *err)
{
	if (geteuid() != 0 || dir->st_uid == 0)
		return TP_OK;
	if (fchown(fd, dir->st_uid, dir->st_gid) < 0)
		return tp_fail_errno(err, TP_EIO, path,
			"cannot give the file to user %lu, who owns its "
			"directory; run: chown on it",
			(unsigned long)dir->st_uid);
	return TP_OK;
}

static int prepare(const char *path, struct stat *dir_out, struct tp_error *err)
{
	char dir[PATH_MAX];
	int rc = directory_of(path, dir, err);
	int fd;

	if (rc >= 0)
		rc = check_directory(dir, dir_out, err);
	if (rc < 0)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return check_path(path, dir_out->st_uid, err);
	if (fd < 0)
		return tp_fail_errno(err, errno == EACCES ? TP_EPERM : TP_EIO,
			path, "cannot create the file");
	rc = hand_over(fd, path, dir_out, err);
	(void)close(fd);
	return rc < 0 ? rc : sync_directory(dir, err);
}

int tp_queue_file_prepare(const char *path, struct tp_error *err)
{
	struct stat dir;

	return prepare(path, &dir, err);
}

int tp_queue_file_open(const char *path, struct tp_error *err)
{
	struct stat dir;
	struct stat st;
	int rc = prepare(path, &dir, err);
	int fd;

	if (rc < 0)
		return rc;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return tp_fail_errno(err, errno == EACCES ? TP_EPERM : TP_EIO,
			path, "cannot open the file");
	/* Again, for it may have been replaced since. */
	rc = fstat(fd, &st) < 0
		     ? tp_fail_errno(err, TP_EIO, path, "cannot use the file")
		     : check_file(path, &st, dir.st_uid, err);
	if (rc >= 0)
		return fd;
	(void)close(fd);
	return rc;
}

int64_t tp_queue_file_free_bytes(const char *path)
{
	struct statvfs fs;
	uint64_t bytes;

	if (statvfs(path, &fs) < 0)
		return -1;
	bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
	return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}
