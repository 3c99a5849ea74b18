/*
 * spool_scan.c - one pass over incoming
 *
 * A pass is one reading of the directory, in batches: sorted within a batch,
 * and with nothing in front that could be looked at again and again while the
 * rest waits.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool_private.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define STALE_S 3600
#define STUCK_EVERY_MS (60 * 60 * 1000)
#define SHOWN_BYTES 72
/* So many entries that cannot be moved are tried again in each pass. */
#define STUCK_MAX_COUNT 256
/* How many names of the directory come between two arrivals, and how many in
 * all between two looks at what has arrived. */
#define ARRIVAL_EVERY 9
#define ARRIVALS_READ_EVERY 32

/* What take() is given. */
struct sweep {
	struct tp_spool_reader *reader;
	tp_spool_note_fn *note;
	void *ctx;
};

static void note(
	struct sweep *sweep, int level, const char *event, const char *text)
{
	if (sweep->note)
		sweep->note(sweep->ctx, level, event, text);
}

/* A name that anybody may have chosen, fit for a line of text. */
static void show(const char *name, char out[SHOWN_BYTES])
{
	char *at;

	(void)snprintf(out, SHOWN_BYTES, "%.64s%s", name,
		strlen(name) > 64 ? "..." : "");
	for (at = out; *at; at++)
		if ((unsigned char)*at <= 0x20 || (unsigned char)*at >= 0x7f)
			*at = '?';
}

/* Told at most once an hour: it will be there in the next pass, too. */
static void note_stuck(struct sweep *sweep, const char *text)
{
	struct tp_spool_reader *reader = sweep->reader;
	int64_t now = tp_mono_ms();

	if (!reader->stuck_told && reader->stuck_at != 0 &&
		now - reader->stuck_at < STUCK_EVERY_MS)
		return;
	reader->stuck_told = 1;
	reader->stuck_at = now;
	note(sweep, LOG_WARNING, "spool-stuck", text);
}

static const char *what_is(const struct dirent *entry)
{
	switch (entry->d_type) {
	case DT_DIR:
		return "is a directory";
	case DT_LNK:
		return "is a symbolic link";
	case DT_FIFO:
	case DT_SOCK:
	case DT_CHR:
	case DT_BLK:
		return "is not a regular file";
	default:
		return "does not have the name of a spool file";
	}
}

static void put_away(struct sweep *sweep, const struct dirent *entry)
{
	struct tp_spool_reader *reader = sweep->reader;
	struct tp_error err = TP_ERROR_INIT;
	char name[SHOWN_BYTES];
	char text[TP_ERROR_TEXT_BYTES + 2 * SHOWN_BYTES];
	int rc;

	if (reader->stuck >= STUCK_MAX_COUNT)
		return;
	show(entry->d_name, name);
	(void)snprintf(text, sizeof(text), "%s %s", name, what_is(entry));
	rc = tp_spool_reject(reader, entry->d_name, entry->d_type, text, &err);
	if (rc >= 0) {
		(void)snprintf(text, sizeof(text), "%s %s%s", name,
			what_is(entry), rc ? TP_SPOOL_DELETED_TEXT : "");
		note(sweep, LOG_WARNING, "spool-foreign", text);
	} else if (rc != TP_ENOTFOUND) {
		reader->stuck++;
		(void)snprintf(text, sizeof(text), "%s %s, and %s", name,
			what_is(entry), err.text);
		note_stuck(sweep, text);
	}
}

/* A clock that was set back must not keep a file for ever. */
static int is_stale(const struct stat *st)
{
	time_t age = time(NULL) - st->st_mtime;

	return age > STALE_S || age < -STALE_S;
}

/* Being written, or left by a writer that died. */
static void look_at_temp(struct sweep *sweep, const struct dirent *entry)
{
	int fd = sweep->reader->incoming_fd;
	char name[SHOWN_BYTES];
	char text[2 * SHOWN_BYTES];
	struct stat st;

	if (entry->d_type == DT_DIR) {
		put_away(sweep, entry);
		return;
	}
	if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!S_ISREG(st.st_mode)) {
		put_away(sweep, entry);
		return;
	}
	if (!is_stale(&st) || unlinkat(fd, entry->d_name, 0) < 0)
		return;
	show(entry->d_name, name);
	(void)snprintf(text, sizeof(text),
		"%s was never finished; removed (of user %lu)", name,
		(unsigned long)st.st_uid);
	note(sweep, LOG_INFO, "spool-stale", text);
}

static int take(void *ctx, const struct dirent *entry)
{
	int type = entry->d_type;

	if (tp_queue_id_valid(entry->d_name) &&
		(type == DT_REG || type == DT_UNKNOWN))
		return 1;
	if (strncmp(entry->d_name, TP_SPOOL_TEMP, strlen(TP_SPOOL_TEMP)) == 0)
		look_at_temp(ctx, entry);
	else
		put_away(ctx, entry);
	return 0;
}

int tp_spool_reader_current(const struct tp_spool_reader *reader)
{
	struct tp_error ignored = TP_ERROR_INIT;
	char path[PATH_MAX];
	struct stat mine;
	struct stat named;

	return tp_spool_path(path, reader->spool, TP_SPOOL_INCOMING,
		       &ignored) == TP_OK &&
	       fstat(reader->incoming_fd, &mine) == 0 &&
	       lstat(path, &named) == 0 && mine.st_dev == named.st_dev &&
	       mine.st_ino == named.st_ino;
}

static int begin_pass(struct tp_spool_reader *reader, struct tp_error *err)
{
	if (!tp_spool_reader_current(reader))
		return tp_fail(err, TP_EIO, reader->spool,
			"the directory \"incoming\" is not the one that was "
			"opened any more; it must be opened again");
	reader->dir = tp_spool_stream(reader->incoming_fd);
	if (!reader->dir)
		return tp_fail_errno(err, TP_EIO, reader->spool,
			"cannot read the directory \"incoming\"");
	reader->at_end = 0;
	reader->stuck_told = 0;
	reader->stuck = 0;
	/* What has come until now is in the directory. */
	tp_spool_arrivals_new_pass(&reader->arrivals);
	return TP_OK;
}

static void end_pass(struct tp_spool_reader *reader)
{
	(void)closedir(reader->dir);
	reader->dir = NULL;
}

/* @return 1: the directory has no more names */
static int is_read(const struct tp_spool_reader *reader)
{
	return reader->at_end && reader->names.next == reader->names.count;
}

/* @return 1: there is an arrival, and it is its turn */
static int next_arrival(
	struct tp_spool_reader *reader, char name_out[TP_QUEUE_ID_BYTES])
{
	if (reader->arrivals.named_count % ARRIVALS_READ_EVERY == 0 &&
		reader->inotify_fd >= 0)
		tp_spool_arrivals_read(&reader->arrivals, reader->inotify_fd,
			reader->incoming_fd);
	return reader->arrivals.named_count % ARRIVAL_EVERY == 0 &&
	       tp_spool_arrivals_next(&reader->arrivals, name_out);
}

/* @return the next name of the directory, or NULL */
static const char *next_listed(struct tp_spool_reader *reader)
{
	const char *name;

	do {
		name = tp_spool_names_next(&reader->names);
	} while (name && tp_spool_arrivals_named(&reader->arrivals, name));
	return name;
}

static int fill(struct sweep *sweep, struct tp_error *err)
{
	struct tp_spool_reader *reader = sweep->reader;
	int rc = tp_spool_names_fill(
		&reader->names, reader->dir, take, sweep, err);

	if (rc < 0)
		end_pass(reader);
	reader->at_end = rc == 0;
	return rc;
}

/* Nothing more is read here, or a pass might never end. */
static int last_arrival(
	struct tp_spool_reader *reader, char name_out[TP_QUEUE_ID_BYTES])
{
	if (tp_spool_arrivals_next(&reader->arrivals, name_out))
		return 1;
	end_pass(reader);
	return 0;
}

/* @return as tp_spool_reader_next() */
static int find_next(struct sweep *sweep, char name_out[TP_QUEUE_ID_BYTES],
	struct tp_error *err)
{
	struct tp_spool_reader *reader = sweep->reader;
	const char *name;
	int rc;

	if (!is_read(reader) && next_arrival(reader, name_out))
		return 1;
	name = next_listed(reader);
	if (!name && !reader->at_end) {
		rc = fill(sweep, err);
		if (rc < 0)
			return rc;
		name = next_listed(reader);
		if (!name && !reader->at_end)
			return TP_SPOOL_NONE_YET;
	}
	if (!name)
		return last_arrival(reader, name_out);
	memcpy(name_out, name, TP_QUEUE_ID_BYTES);
	return 1;
}

int tp_spool_reader_next(struct tp_spool_reader *reader, tp_spool_note_fn *tell,
	void *ctx, char name_out[TP_QUEUE_ID_BYTES], struct tp_error *err)
{
	struct sweep sweep = { reader, tell, ctx };
	int rc = reader->dir ? TP_OK : begin_pass(reader, err);

	if (rc >= 0)
		rc = find_next(&sweep, name_out, err);
	if (rc == 1)
		tp_spool_arrivals_name(&reader->arrivals, name_out);
	return rc;
}
