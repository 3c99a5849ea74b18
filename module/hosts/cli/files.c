/*
 * files.c - files that a command makes, and that must not be half there
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/files.h"

#include "common/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int32_t tp_files_failed(
	struct tillpost_error *err, const char *path, const char *what)
{
	return tp_report_set_errno(err,
		errno == EACCES || errno == EPERM ? TILLPOST_EPERM
						  : TILLPOST_EIO,
		path, what);
}

/* Without stdio, whose buffer would keep a secret. */
static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, text, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		text += done;
		len -= (size_t)done;
	}
	return 0;
}

int32_t tp_files_write(const char *path, mode_t mode, const char *text,
	size_t len, struct tillpost_error *err)
{
	int fd = open(path,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int32_t rc = TILLPOST_OK;

	if (fd < 0 && errno == EEXIST)
		return tp_report_set(err, TILLPOST_EBUSY, path,
			"is there already and is not replaced");
	if (fd < 0)
		return tp_files_failed(err, path, "cannot be made");
	/* The umask must not take from the mode, nor add to a secret's. */
	if (fchmod(fd, mode) != 0 || write_all(fd, text, len) != 0 ||
		fsync(fd) != 0)
		rc = tp_files_failed(err, path, "cannot be written");
	if (close(fd) != 0 && rc >= 0)
		rc = tp_files_failed(err, path, "cannot be written");
	if (rc < 0)
		(void)unlink(path);
	return rc;
}

int32_t tp_files_sync_directory(const char *path, struct tillpost_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int32_t rc = TILLPOST_OK;

	if (fd < 0 || fsync(fd) != 0)
		rc = tp_files_failed(err, path, "cannot be synced");
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

int32_t tp_files_secrets_directory(
	const char *path, int *made, struct tillpost_error *err)
{
	struct stat st;

	*made = mkdir(path, 0700) == 0;
	if (!*made && errno != EEXIST)
		return tp_files_failed(err, path, "cannot be made");
	if (lstat(path, &st) != 0)
		return tp_files_failed(err, path, "cannot be used");
	if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
		(st.st_mode & 077) == 0)
		return TILLPOST_OK;
	return tp_report_set(err, TILLPOST_EPERM, path,
		"must be a directory of user %lu with mode 0700; run chown and "
		"chmod on it",
		(unsigned long)geteuid());
}
