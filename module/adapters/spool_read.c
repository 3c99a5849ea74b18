/*
 * spool_read.c - the one process that takes in: opening, waiting, removing
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool_private.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than this many datagrams or reads are left for the next wait. */
#define DRAIN_MAX 1024

/* ---- opening ------------------------------------------------------------ */

static int prepare_below(struct tp_spool_reader *reader, const char *name,
	mode_t mode, struct tp_error *err)
{
	char path[PATH_MAX];
	int rc = tp_spool_path(path, reader->spool, name, err);

	return rc < 0 ? rc
		      : tp_spool_prepare(
				reader->spool_fd, name, path, mode, err);
}

/* Only renames: each file is made under another name first, and seeing that
 * would wake twice for nothing. What comes by another way is found by the
 * slow scan. */
static int watch(const char *spool)
{
	struct tp_error ignored = TP_ERROR_INIT;
	char path[PATH_MAX];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return -1;
	if (tp_spool_path(path, spool, TP_SPOOL_INCOMING, &ignored) == TP_OK &&
		inotify_add_watch(fd, path, IN_MOVED_TO | IN_ONLYDIR) >= 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int open_all(struct tp_spool_reader *reader, struct tp_error *err)
{
	const char *spool = reader->spool;

	reader->spool_fd = tp_spool_prepare(
		AT_FDCWD, spool, spool, TP_SPOOL_TOP_MODE, err);
	if (reader->spool_fd < 0)
		return reader->spool_fd;
	reader->lock_fd = tp_spool_lock(reader->spool_fd, spool, err);
	if (reader->lock_fd < 0)
		return reader->lock_fd;
	reader->quarantine_fd = prepare_below(
		reader, TP_SPOOL_QUARANTINE, TP_SPOOL_QUARANTINE_MODE, err);
	if (reader->quarantine_fd < 0)
		return reader->quarantine_fd;
	reader->done_fd =
		prepare_below(reader, TP_SPOOL_DONE, TP_SPOOL_DONE_MODE, err);
	if (reader->done_fd < 0)
		return reader->done_fd;
	/* Last, for mail is accepted from here on. */
	reader->incoming_fd = prepare_below(
		reader, TP_SPOOL_INCOMING, TP_SPOOL_INCOMING_MODE, err);
	if (reader->incoming_fd < 0)
		return reader->incoming_fd;
	reader->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (reader->event_fd < 0)
		return tp_fail_errno(err, TP_EIO, spool,
			"cannot make a descriptor for waking");
	reader->wake_fd = tp_spool_wake_listen(spool, reader->spool_fd);
	reader->inotify_fd = watch(spool);
	return TP_OK;
}

int tp_spool_reader_open(const char *spool, struct tp_spool_reader **reader_out,
	struct tp_error *err)
{
	struct tp_spool_reader *reader = tp_alloc(sizeof(*reader));
	int rc;

	*reader_out = NULL;
	if (!reader)
		return tp_fail(err, TP_ENOMEM, "spool", "out of memory");
	reader->spool_fd = -1;
	reader->incoming_fd = -1;
	reader->quarantine_fd = -1;
	reader->done_fd = -1;
	reader->lock_fd = -1;
	reader->event_fd = -1;
	reader->data_max_bytes = TP_SPOOL_DATA_MAX_BYTES;
	reader->wake_fd = -1;
	reader->inotify_fd = -1;
	reader->spool = tp_strdup(spool);
	rc = reader->spool ? open_all(reader, err)
			   : tp_fail(err, TP_ENOMEM, "spool", "out of memory");
	if (rc < 0)
		tp_spool_reader_close(&reader);
	*reader_out = reader;
	return rc < 0 ? rc : TP_OK;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void close_all(struct tp_spool_reader *reader)
{
	close_fd(reader->inotify_fd);
	close_fd(reader->wake_fd);
	close_fd(reader->event_fd);
	close_fd(reader->quarantine_fd);
	close_fd(reader->done_fd);
	close_fd(reader->incoming_fd);
	close_fd(reader->lock_fd);
	close_fd(reader->spool_fd);
	tp_free(reader->spool);
	tp_free(reader);
}

/* The wake socket's name stays: the next reader takes it over. */
void tp_spool_reader_close(struct tp_spool_reader **reader_ptr)
{
	struct tp_spool_reader *reader = *reader_ptr;

	*reader_ptr = NULL;
	if (!reader)
		return;
	if (reader->dir)
		(void)closedir(reader->dir);
	tp_spool_names_free(&reader->names);
	close_all(reader);
}

/* A pass of the parent may be in the middle of its directory and its names,
 * whose state is unknown here: they hold no lock and stay. */
void tp_spool_reader_abandon(struct tp_spool_reader **reader_ptr)
{
	struct tp_spool_reader *reader = *reader_ptr;

	*reader_ptr = NULL;
	if (reader)
		close_all(reader);
}

/* ---- waiting ------------------------------------------------------------ */

/* One look will find what all of them tell of. */
static void drain(int fd)
{
	char bytes[4096];
	int i;

	for (i = 0; i < DRAIN_MAX; i++)
		if (read(fd, bytes, sizeof(bytes)) < 0)
			break;
}

void tp_spool_reader_wait(struct tp_spool_reader *reader, int timeout_ms)
{
	enum { EVENT, WAKE, INOTIFY, COUNT };
	/* poll() leaves out negative descriptors. */
	struct pollfd wait[COUNT] = {
		[EVENT] = { .fd = reader->event_fd, .events = POLLIN },
		[WAKE] = { .fd = reader->wake_fd, .events = POLLIN },
		[INOTIFY] = { .fd = reader->inotify_fd, .events = POLLIN },
	};
	int i;

	/* The kernel will not tell of these again, and we do it once. */
	if (tp_spool_arrivals_tell(&reader->arrivals))
		return;
	if (poll(wait, COUNT, timeout_ms) <= 0)
		return;
	if (wait[INOTIFY].revents)
		tp_spool_arrivals_read(&reader->arrivals, reader->inotify_fd,
			reader->incoming_fd);
	for (i = 0; i < INOTIFY; i++)
		if (wait[i].revents)
			drain(wait[i].fd);
}

void tp_spool_reader_wake(struct tp_spool_reader *reader)
{
	uint64_t one = 1;
	int saved = errno;

	/* It fails only if it is set already. */
	if (write(reader->event_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

/* ---- removing ----------------------------------------------------------- */

/* 1: NAME is gone, or its sender has put something in its place: that is for
 * the next pass, and must not come into "done", where nobody looks. */
static int is_gone(const struct tp_spool_reader *reader, const char *name)
{
	struct stat st;

	if (fstatat(reader->incoming_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	return !S_ISREG(st.st_mode);
}

/* Some disks need a millisecond and more to free a file's blocks (discard at
 * once, no journal), and a rename never does. So what is done with leaves the
 * way here and its blocks later, in tp_spool_reader_purge(). The sender may
 * remove his file himself, so that it is gone is no error. */
int tp_spool_reader_remove(
	struct tp_spool_reader *reader, const char *name, struct tp_error *err)
{
	if (is_gone(reader, name))
		return TP_OK;
	if (renameat(reader->incoming_fd, name, reader->done_fd, name) == 0 ||
		errno == ENOENT)
		return TP_OK;
	/* It may have become a directory just now: else anybody could stop the
	 * intake. */
	if (unlinkat(reader->incoming_fd, name, 0) == 0 || errno == ENOENT ||
		errno == EISDIR)
		return TP_OK;
	return tp_fail_errno(
		err, TP_EIO, reader->spool, "cannot remove %s", name);
}

unsigned tp_spool_reader_purge(struct tp_spool_reader *reader, unsigned most)
{
	DIR *dir = tp_spool_stream(reader->done_fd);
	const struct dirent *entry;
	unsigned count = 0;

	while (dir && count < most && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0 &&
			unlinkat(reader->done_fd, entry->d_name, 0) == 0)
			count++;
	if (dir)
		(void)closedir(dir);
	return count;
}

int tp_spool_reader_sync(struct tp_spool_reader *reader, struct tp_error *err)
{
	if (tp_spool_fsync(reader->incoming_fd) == 0)
		return TP_OK;
	return tp_fail_errno(err, TP_EIO, reader->spool,
		"cannot sync the directory \"incoming\"");
}
