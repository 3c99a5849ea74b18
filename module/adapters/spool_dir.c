/*
 * spool_dir.c - directories of the spool: opening, reading, renaming in them
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* renameat2 */

#include "adapters/spool_private.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT_BYTES (NAME_MAX + 1)
/* Then whoever reads has his turn. */
#define LOOK_MAX_COUNT 4096

int tp_spool_path(char path_out[PATH_MAX], const char *spool, const char *name,
	struct tp_error *err)
{
	int len = snprintf(path_out, PATH_MAX, "%s/%s", spool, name);

	if (len < 0 || len >= PATH_MAX)
		return tp_fail(
			err, TP_EINVAL, "spool.path", "the path is too long");
	return TP_OK;
}

int tp_spool_dir_open(const char *spool, const char *name, struct tp_error *err)
{
	char path[PATH_MAX];
	int rc = tp_spool_path(path, spool, name, err);
	int fd;

	if (rc < 0)
		return rc;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return tp_fail(err, TP_ENOTFOUND, path,
			"there is no spool here; tillpostd makes it when it "
			"starts");
	if (errno == EACCES)
		return tp_fail(err, TP_EPERM, path,
			"only the user that runs tillpostd, and root, may look "
			"into it");
	return tp_fail_errno(err, TP_EIO, path, "cannot open the directory");
}

int tp_spool_rename(int from_fd, const char *from, int to_fd, const char *to)
{
	struct stat st;

	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system without it. The names have 40 random bits, and the
	 * sticky bit protects what belongs to others, so the gap between the
	 * two calls is nobody's way in. */
	if (fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from_fd, from, to_fd, to);
}

int tp_spool_fsync(int fd)
{
	int rc;

	do {
		rc = fsync(fd);
	} while (rc < 0 && errno == EINTR);
	return rc;
}

int tp_spool_fdatasync(int fd)
{
	int rc;

	do {
		rc = fdatasync(fd);
	} while (rc < 0 && errno == EINTR);
	return rc;
}

DIR *tp_spool_stream(int fd)
{
	/* Not dup(2), which would share the place in the directory. */
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own >= 0 ? fdopendir(own) : NULL;

	if (own >= 0 && !dir)
		(void)close(own);
	return dir;
}

/* ---- batches of names --------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int tp_spool_names_fill(struct tp_spool_names *names, DIR *dir,
	tp_spool_take_fn *take, void *ctx, struct tp_error *err)
{
	struct dirent *entry = NULL;
	int looked = 0;

	if (!names->slots)
		names->slots = tp_calloc(TP_SPOOL_BATCH_COUNT, SLOT_BYTES);
	if (!names->slots)
		return tp_fail(err, TP_ENOMEM, "spool", "out of memory");
	names->count = 0;
	names->next = 0;
	while (names->count < TP_SPOOL_BATCH_COUNT &&
		looked++ < LOOK_MAX_COUNT) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		if (is_dots(entry->d_name) || !take(ctx, entry))
			continue;
		(void)snprintf(names->slots + names->count * SLOT_BYTES,
			SLOT_BYTES, "%s", entry->d_name);
		names->count++;
	}
	if (!entry && errno != 0)
		return tp_fail_errno(
			err, TP_EIO, "spool", "cannot read the directory");
	qsort(names->slots, names->count, SLOT_BYTES, compare);
	return entry ? 1 : 0;
}

const char *tp_spool_names_next(struct tp_spool_names *names)
{
	if (names->next == names->count)
		return NULL;
	return names->slots + names->next++ * SLOT_BYTES;
}

void tp_spool_names_free(struct tp_spool_names *names)
{
	tp_free(names->slots);
	memset(names, 0, sizeof(*names));
}
