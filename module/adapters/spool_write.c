/*
 * spool_write.c - accepting one mail, durably, without a privilege
 *
 * A mail costs about fifteen system calls, of which two wait for the disk:
 * fdatasync before the rename, so that what has a name is whole, and one sync
 * after it, so that the name stays.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* O_PATH, syncfs */

#include "adapters/spool_private.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

#define TEMP_BYTES (sizeof(TP_SPOOL_TEMP) + TP_QUEUE_ID_CHARS)
#define PARTS 3 /* head, data, tail */

/* Where it is written to. */
struct place {
	char path[PATH_MAX]; /* of incoming, for error texts */
	int fd;
	int readable; /* else FD is O_PATH and cannot be synced */
	uint64_t fs_type;
};

/* ---- is this a safe place? ---------------------------------------------- */

static int cannot_open(const char *path, struct tp_error *err)
{
	if (errno == ENOENT)
		return tp_fail(err, TP_ENOTFOUND, path,
			"there is no spool here; tillpostd makes it when it "
			"starts");
	if (errno == EACCES)
		return tp_fail(err, TP_EPERM, path,
			"no permission to use the spool; let tillpostd set its "
			"modes right, or run: chmod 755 on the spool directory "
			"and chmod 3733 on this one");
	if (errno == ENOTDIR || errno == ELOOP)
		return tp_fail_errno(err, TP_EPERM, path,
			"is not a directory, or a symbolic link");
	return tp_fail_errno(err, TP_EIO, path, "cannot open the spool");
}

static int check_modes(
	const char *path, const struct stat *in, struct tp_error *err)
{
	const char *why = NULL;

	if (in->st_mode & (S_IRGRP | S_IROTH))
		why = "others could list it";
	else if ((in->st_mode & (S_IWGRP | S_IWOTH)) &&
		 !(in->st_mode & S_ISVTX))
		why = "others could replace what is in it";
	else if (in->st_uid != geteuid() && !(in->st_mode & S_ISGID))
		why = "tillpostd could not read what is put there";
	if (!why)
		return TP_OK;
	return tp_fail(err, TP_EPERM, path,
		"%s (mode %04o); run: chmod 3733 %s", why,
		(unsigned)(in->st_mode & 07777), path);
}

static int check_place(const struct place *place, struct tp_error *err)
{
	struct stat in;
	struct stat top;

	if (fstat(place->fd, &in) < 0 || fstatat(place->fd, "..", &top, 0) < 0)
		return cannot_open(place->path, err);
	if (in.st_uid != top.st_uid)
		return tp_fail(err, TP_EPERM, place->path,
			"belongs to user %lu, but the spool to user %lu; run: "
			"chown %lu %s",
			(unsigned long)in.st_uid, (unsigned long)top.st_uid,
			(unsigned long)top.st_uid, place->path);
	if (top.st_mode & (S_IWGRP | S_IWOTH))
		return tp_fail(err, TP_EPERM, place->path,
			"others could replace this directory (the spool has "
			"mode %04o); run: chmod 755 on the spool directory",
			(unsigned)(top.st_mode & 07777));
	return check_modes(place->path, &in, err);
}

static int check_space(struct place *place, int64_t reserve_bytes,
	uint64_t need_bytes, struct tp_error *err)
{
	uint64_t reserve = reserve_bytes > 0 ? (uint64_t)reserve_bytes : 0;
	struct rlimit limit;
	struct statfs fs;
	uint64_t unit;

	if (fstatfs(place->fd, &fs) < 0)
		return tp_fail_errno(
			err, TP_EIO, place->path, "cannot tell the free space");
	place->fs_type = (uint64_t)fs.f_type & 0xffffffff;
	unit = (uint64_t)(fs.f_frsize ? fs.f_frsize : fs.f_bsize);
	if (unit == 0)
		unit = 1;
	if ((uint64_t)fs.f_bavail < need_bytes / unit + 1 ||
		(uint64_t)fs.f_bavail - need_bytes / unit - 1 < reserve / unit)
		return tp_fail(err, TP_ENOSPC, place->path,
			"the disk is nearly full: %llu KiB are free, %llu KiB "
			"must stay free",
			(unsigned long long)fs.f_bavail * unit / 1024,
			(unsigned long long)reserve / 1024);
	if (fs.f_files > 0 && fs.f_ffree == 0)
		return tp_fail(err, TP_ENOSPC, place->path,
			"the disk has no inode left");
	/* Writing past this limit would kill the process by a signal. */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
		limit.rlim_cur < (rlim_t)need_bytes)
		return tp_fail(err, TP_ENOSPC, place->path,
			"this process may not write files of %llu bytes "
			"(ulimit -f)",
			(unsigned long long)need_bytes);
	return TP_OK;
}

/* Others may not read the directory, and who may not read it cannot get a
 * descriptor that can be synced. */
static int open_place(
	struct place *place, const char *spool, struct tp_error *err)
{
	const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int rc = tp_spool_path(place->path, spool, TP_SPOOL_INCOMING, err);

	place->fd = -1;
	if (rc < 0)
		return rc;
	place->fd = open(place->path, O_RDONLY | flags);
	place->readable = place->fd >= 0;
	if (place->fd < 0 && errno == EACCES)
		place->fd = open(place->path, O_PATH | flags);
	if (place->fd < 0)
		return cannot_open(place->path, err);
	return check_place(place, err);
}

/* ---- one file ----------------------------------------------------------- */

static int failed(
	const struct place *place, const char *what, struct tp_error *err)
{
	int code = TP_EIO;

	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		code = TP_ENOSPC;
	else if (errno == EACCES || errno == EPERM)
		code = TP_EPERM;
	else if (errno == EEXIST)
		code = TP_EBUSY;
	return tp_fail_errno(err, code, place->path, "%s", what);
}

static int write_parts(int fd, struct iovec *part, int count)
{
	while (count > 0) {
		ssize_t done = writev(fd, part, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		for (; count > 0 && (size_t)done >= part->iov_len;
			part++, count--)
			done -= (ssize_t)part->iov_len;
		if (count > 0) {
			/* short: the next call goes on, or says why not */
			part->iov_base = (char *)part->iov_base + done;
			part->iov_len -= (size_t)done;
		}
	}
	return 0;
}

/* The umask may have taken from the mode; it is set before the sync, so that
 * it is as durable as the data. */
static int fill(const struct place *place, int fd, struct iovec *part,
	struct tp_error *err)
{
	if (fchmod(fd, TP_SPOOL_FILE_MODE) < 0)
		return failed(place, "cannot set the mode of the file", err);
	if (write_parts(fd, part, PARTS) < 0)
		return failed(place, "cannot write", err);
	if (tp_spool_fdatasync(fd) < 0)
		return failed(place, "cannot sync the file", err);
	return TP_OK;
}

/* Makes the new name durable. Where the directory cannot be synced, the file
 * is, once more: the rename has changed the inode, and these file systems
 * commit an inode's changes with all that belongs to them and came before, in
 * order. For others, all of the file system. */
static int sync_name(const struct place *place, int fd)
{
	if (place->readable)
		return tp_spool_fsync(place->fd);
	switch (place->fs_type) {
	case EXT4_SUPER_MAGIC: /* ext2 and ext3, too */
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
		return tp_spool_fsync(fd);
	default:
		return syncfs(fd);
	}
}

/* The name is there, but may not survive a power failure. If it is gone
 * already, it was taken in, which is what acceptance promises. */
static int take_back(
	const struct place *place, const char *name, struct tp_error *err)
{
	int sync_errno = errno;

	if (unlinkat(place->fd, name, 0) == 0) {
		errno = sync_errno;
		return failed(place, "cannot sync the directory", err);
	}
	if (errno == ENOENT)
		return TP_OK;
	errno = sync_errno;
	return tp_fail_errno(err, TP_EUNCERTAIN, place->path,
		"cannot sync the directory, nor take the mail back: it may be "
		"sent");
}

static int publish(const struct place *place, int fd, const char *temp,
	const char *name, struct tp_error *err)
{
	int rc;

	if (tp_spool_rename(place->fd, temp, place->fd, name) < 0) {
		rc = failed(place,
			errno == EEXIST
				? "a mail with this queue id is there; use "
				  "another"
				: "cannot rename the file",
			err);
		(void)unlinkat(place->fd, temp, 0);
		return rc;
	}
	return sync_name(place, fd) < 0 ? take_back(place, name, err) : TP_OK;
}

static int write_file(const struct place *place, const char *name,
	struct iovec *part, struct tp_error *err)
{
	char temp[TEMP_BYTES];
	int fd;
	int rc;

	(void)snprintf(temp, sizeof(temp), TP_SPOOL_TEMP "%s", name);
	fd = openat(place->fd, temp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		TP_SPOOL_FILE_MODE);
	if (fd < 0)
		return failed(place,
			errno == EEXIST
				? "a mail with this queue id is being written; "
				  "use another"
				: "cannot make a file",
			err);
	rc = fill(place, fd, part, err);
	if (rc < 0)
		(void)unlinkat(place->fd, temp, 0);
	else
		rc = publish(place, fd, temp, name, err);
	(void)close(fd);
	return rc;
}

static int write_record(struct place *place, int64_t reserve_bytes,
	const struct tp_spool_record *record, struct tp_buf *head,
	struct tp_error *err)
{
	char tail[TP_SPOOL_TAIL_BYTES];
	struct iovec part[PARTS];
	uint32_t sum;
	int rc = tp_spool_head(record, head, err);

	if (rc < 0)
		return rc;
	rc = check_space(place, reserve_bytes,
		head->len + record->data_bytes + sizeof(tail), err);
	if (rc < 0)
		return rc;
	sum = tp_spool_checksum(0, head->data, head->len);
	sum = tp_spool_checksum(sum, record->data, record->data_bytes);
	tp_spool_tail(sum, tail);
	part[0] = (struct iovec) { head->data, head->len };
	part[1] = (struct iovec) { (void *)record->data, record->data_bytes };
	part[2] = (struct iovec) { tail, sizeof(tail) };
	return write_file(place, record->queue_id, part, err);
}

int tp_spool_write(const char *spool, int64_t free_reserve_bytes,
	const struct tp_spool_record *record, struct tp_error *err)
{
	struct tp_buf head = TP_BUF_INIT(TP_SPOOL_HEAD_MAX_BYTES);
	struct place place;
	int saved = errno; /* of the program whose mail() this may be */
	int rc = open_place(&place, spool, err);

	if (rc >= 0)
		rc = write_record(
			&place, free_reserve_bytes, record, &head, err);
	if (rc >= 0)
		tp_spool_wake_send(spool, place.fd);
	if (place.fd >= 0)
		(void)close(place.fd);
	tp_buf_free(&head);
	errno = saved;
	return rc;
}

int tp_spool_waits(
	const char *spool, const char *queue_id, struct tp_error *err)
{
	char incoming[PATH_MAX];
	char path[PATH_MAX];
	struct stat st;
	int rc;

	if (!tp_queue_id_valid(queue_id))
		return tp_fail(err, TP_EINVAL, queue_id, "is not a queue id");
	rc = tp_spool_path(incoming, spool, TP_SPOOL_INCOMING, err);
	if (rc >= 0)
		rc = tp_spool_path(path, incoming, queue_id, err);
	if (rc < 0)
		return rc;
	if (lstat(path, &st) == 0)
		return S_ISREG(st.st_mode) ? 1 : 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	return tp_fail_errno(err, errno == EACCES ? TP_EPERM : TP_EIO, path,
		"cannot look into the spool");
}
