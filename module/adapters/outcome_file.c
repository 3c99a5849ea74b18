/*
 * outcome_file.c - the log file: one line of JSON per outcome, appended
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/outcome_file.h"

#include "adapters/outcome_json.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0640
#define CHECK_EVERY_MS 1000
#define EXPIRE_EVERY_MS (60 * 60 * 1000)

struct tp_outcome_file {
	pthread_mutex_t lock; /* all that follows */
	int fd;
	char *path;
	char *old_path; /* PATH.1 */
	int64_t retention_bytes;
	int64_t retention_ms;
	const struct tp_clock *clock;
	tp_outcome_file_report_fn *report;
	void *report_ctx;
	dev_t dev; /* of fd */
	ino_t ino;
	int64_t size_bytes; /* of the file, others' lines at the last check
			     * included */
	int torn;	    /* its last line has no newline */
	int64_t check_at_mono_ms;
	int64_t expire_at_mono_ms;
	struct tp_buf line;
	int misplaced;	/* PATH is not what fd is, and cannot be opened */
	int in_trouble; /* reported, not over */
	uint64_t outage_count; /* lost in the present trouble */
};

/* ---- opening ------------------------------------------------------------ */

/* @return the descriptor, or a negative TP_E* */
static int open_path(const char *path, struct stat *st, struct tp_error *err)
{
	/* O_NONBLOCK: a FIFO in the way must not stop us; a file does not
	 * mind. O_RDWR: the last byte is read. */
	int fd = open(path,
		O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
			O_NONBLOCK | O_NOCTTY,
		FILE_MODE);
	int rc = TP_OK;

	if (fd < 0 && errno == ELOOP)
		return tp_fail(err, TP_EPERM, path,
			"is a symbolic link; name the file itself");
	if (fd < 0)
		return tp_fail_errno(err, TP_EIO, path, "cannot open the log");
	if (fstat(fd, st) < 0)
		rc = tp_fail_errno(err, TP_EIO, path, "cannot look at the log");
	else if (!S_ISREG(st->st_mode) || st->st_nlink > 1)
		rc = tp_fail(err, TP_EPERM, path,
			"is not a regular file with a single name");
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}
	return fd;
}

/* A log that root begins must not keep the daemon out whose directory it is
 * in. Only an empty one: what root has written before is nobody's. If it cannot
 * be given, it is written all the same. */
static void hand_over(int fd, const char *path, const struct stat *st)
{
	const char *slash = strrchr(path, '/');
	char *directory;
	struct stat dir;

	if (geteuid() != 0 || st->st_uid != 0 || st->st_size != 0 || !slash ||
		slash == path)
		return;
	directory = tp_strndup(path, (size_t)(slash - path));
	if (directory && stat(directory, &dir) == 0 && dir.st_uid != 0)
		(void)!fchown(fd, dir.st_uid, dir.st_gid);
	tp_free(directory);
}

/* A crash may have cut the last line. */
static int ends_torn(int fd, off_t size)
{
	char last = '\n';

	if (size > 0 && pread(fd, &last, 1, size - 1) != 1)
		return 1;
	return last != '\n';
}

/* Puts a newly opened file in place of the present one, which stays if that
 * fails: a line in a renamed file is better than no line. */
static int reopen(struct tp_outcome_file *file, struct tp_error *err)
{
	struct stat st;
	int fd = open_path(file->path, &st, err);

	file->misplaced = fd < 0;
	if (fd < 0)
		return fd;
	hand_over(fd, file->path, &st);
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = fd;
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	file->size_bytes = st.st_size;
	file->torn = ends_torn(fd, st.st_size);
	return TP_OK;
}

/* ---- rotation ----------------------------------------------------------- */

static int path_is_ours(struct tp_outcome_file *file, struct stat *st)
{
	return lstat(file->path, st) == 0 && st->st_dev == file->dev &&
	       st->st_ino == file->ino;
}

static void remove_expired(struct tp_outcome_file *file)
{
	struct stat st;
	int64_t age_ms;

	if (file->retention_bytes == 0 || file->retention_ms == 0 ||
		lstat(file->old_path, &st) < 0)
		return;
	age_ms = tp_now_ms(file->clock) - (int64_t)st.st_mtime * 1000;
	if (age_ms > file->retention_ms)
		(void)unlink(file->old_path);
}

static void expire_hourly(struct tp_outcome_file *file)
{
	int64_t now = tp_mono_ms();

	if (now < file->expire_at_mono_ms)
		return;
	file->expire_at_mono_ms = now + EXPIRE_EVERY_MS;
	remove_expired(file);
}

/* What others may have done to the file. */
static int check_path(struct tp_outcome_file *file, struct tp_error *err)
{
	int64_t now = tp_mono_ms();
	struct stat st;

	if (now < file->check_at_mono_ms)
		return TP_OK;
	file->check_at_mono_ms = now + CHECK_EVERY_MS;
	if (!path_is_ours(file, &st))
		return reopen(file, err);
	file->size_bytes = st.st_size;
	return TP_OK;
}

/* PATH becomes PATH.1. The lock is on the file itself: of several processes
 * that find it too big one renames it, the others see that it has moved. */
static int rotate(struct tp_outcome_file *file, struct tp_error *err)
{
	struct stat st;
	int rc = TP_OK;

	if (flock(file->fd, LOCK_EX | LOCK_NB) < 0)
		return TP_OK; /* another is at it; the next line looks again */
	if (path_is_ours(file, &st) && rename(file->path, file->old_path) < 0)
		rc = tp_fail_errno(
			err, TP_EIO, file->path, "cannot rename the log");
	(void)flock(file->fd, LOCK_UN);
	return rc < 0 ? rc : reopen(file, err);
}

/* ---- writing ------------------------------------------------------------ */

/* One write(2), unless the kernel takes only a part. */
static int write_line(struct tp_outcome_file *file, struct tp_error *err)
{
	const char *at = file->line.data;
	size_t left = file->line.len;

	while (left > 0) {
		ssize_t done = write(file->fd, at, left);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return tp_fail_errno(err, TP_EIO, file->path,
				"cannot write to the log");
		at += done;
		left -= (size_t)done;
		file->size_bytes += done;
		file->torn = left > 0;
	}
	return TP_OK;
}

static int make_line(struct tp_outcome_file *file,
	const struct tp_outcome *outcome, struct tp_error *err)
{
	int rc = TP_OK;

	tp_buf_clear(&file->line);
	/* the rest of a line that was cut short must not swallow this one */
	if (file->torn)
		rc = tp_buf_char(&file->line, '\n');
	if (rc >= 0)
		rc = tp_outcome_json(outcome, &file->line);
	if (rc >= 0)
		rc = tp_buf_char(&file->line, '\n');
	return rc < 0 ? tp_fail(err, rc, file->path, "cannot make the line: %s",
				tp_err_text(rc))
		      : TP_OK;
}

static int too_big(const struct tp_outcome_file *file)
{
	return file->retention_bytes > 0 && file->size_bytes > 0 &&
	       file->size_bytes + (int64_t)file->line.len >
		       file->retention_bytes;
}

/* Trouble with rotation is told, but the line is written all the same. */
static int append(struct tp_outcome_file *file,
	const struct tp_outcome *outcome, struct tp_error *err)
{
	int rc;

	expire_hourly(file);
	(void)check_path(file, err);
	rc = make_line(file, outcome, err);
	if (rc >= 0 && too_big(file)) {
		(void)rotate(file, err);
		rc = make_line(file, outcome, err);
	}
	return rc >= 0 ? write_line(file, err) : rc;
}

/* Once when trouble begins, once when it is over. */
static void tell(struct tp_outcome_file *file, const struct tp_error *err)
{
	int bad = err->code != TP_OK || file->misplaced;

	if (bad == file->in_trouble)
		return;
	file->in_trouble = bad;
	if (file->report)
		file->report(
			file->report_ctx, bad ? err : NULL, file->outage_count);
	if (!bad)
		file->outage_count = 0;
}

static void on_event(void *ctx, const struct tp_outcome *outcome)
{
	struct tp_outcome_file *file = ctx;
	struct tp_error err = TP_ERROR_INIT;

	(void)pthread_mutex_lock(&file->lock);
	if (append(file, outcome, &err) < 0)
		file->outage_count++;
	tell(file, &err);
	(void)pthread_mutex_unlock(&file->lock);
}

/* ---- life --------------------------------------------------------------- */

static int copy_paths(struct tp_outcome_file *file, const char *path)
{
	size_t bytes = strlen(path) + sizeof(".1");

	file->path = tp_strdup(path);
	file->old_path = tp_alloc(bytes);
	if (!file->path || !file->old_path)
		return TP_ENOMEM;
	(void)snprintf(file->old_path, bytes, "%s.1", path);
	return TP_OK;
}

int tp_outcome_file_open(const struct tp_outcome_file_options *options,
	struct tp_outcome_file **file_out, struct tp_error *err)
{
	struct tp_outcome_file *file;
	int rc;

	*file_out = NULL;
	if (!options->path || options->path[0] == '\0' ||
		options->retention_bytes < 0 || options->retention_ms < 0)
		return tp_fail(err, TP_EINVAL, "log",
			"needs a path, and retention of at least 0");
	file = tp_alloc(sizeof(*file));
	if (!file)
		return tp_fail(err, TP_ENOMEM, "log", "out of memory");
	(void)pthread_mutex_init(&file->lock, NULL);
	file->fd = -1;
	file->retention_bytes = options->retention_bytes;
	file->retention_ms = options->retention_ms;
	file->clock = options->clock;
	file->report = options->report;
	file->report_ctx = options->report_ctx;
	tp_buf_init(&file->line, TP_OUTCOME_LINE_MAX_BYTES);
	rc = copy_paths(file, options->path);
	if (rc < 0)
		(void)tp_fail(err, rc, "log", "out of memory");
	else
		rc = reopen(file, err);
	if (rc < 0) {
		tp_outcome_file_close(&file);
		return rc;
	}
	expire_hourly(file);
	*file_out = file;
	return TP_OK;
}

struct tp_outcome_sink tp_outcome_file_sink(struct tp_outcome_file *file)
{
	return (struct tp_outcome_sink) { .ctx = file, .event = on_event };
}

void tp_outcome_file_close(struct tp_outcome_file **file)
{
	if (!*file)
		return;
	if ((*file)->fd >= 0)
		(void)close((*file)->fd);
	(void)pthread_mutex_destroy(&(*file)->lock);
	tp_buf_free(&(*file)->line);
	tp_free((*file)->path);
	tp_free((*file)->old_path);
	tp_free(*file);
	*file = NULL;
}
