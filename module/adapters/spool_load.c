/*
 * spool_load.c - one file of the spool, into memory
 *
 * Whoever wrote it may still change it, or swap it for something else, at any
 * time. So all questions are asked of one open descriptor, its bytes are read
 * once, and only what was read counts.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool_private.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Results of the steps, besides negative TP_E*. Neither the one nor the other
 * will be any better the next time; but only what no writer has made may be
 * lost. */
#define GOOD 0
#define NO_MAIL TP_SPOOL_NO_MAIL
#define UNFIT TP_SPOOL_UNFIT

static int no_mail(struct tp_error *err, const char *name, const char *why)
{
	(void)tp_fail(err, TP_EIO, name, "%s", why);
	return NO_MAIL;
}

static int unfit(struct tp_error *err, const char *name, const char *why)
{
	(void)tp_fail(err, TP_EIO, name, "%s", why);
	return UNFIT;
}

static int look_at_owner(const struct tp_spool_reader *reader,
	struct tp_spool_file *file, struct tp_error *err)
{
	struct stat st;

	if (fstatat(reader->incoming_fd, file->name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0) {
		file->owner = st.st_uid;
		return GOOD;
	}
	if (errno == ENOENT)
		return tp_fail(err, TP_ENOTFOUND, file->name, "it is gone");
	return tp_fail_errno(
		err, TP_EIO, file->name, "cannot look at the file");
}

static int closed_to_us(const struct tp_spool_reader *reader,
	struct tp_spool_file *file, struct tp_error *err)
{
	int rc = look_at_owner(reader, file, err);

	return rc < 0 ? rc
		      : unfit(err, file->name,
				"may not be read by tillpostd: its mode, group "
				"or owner has changed");
}

/* @return the descriptor in *FD_OUT with GOOD, or as above */
static int open_file(struct tp_spool_reader *reader, struct tp_spool_file *file,
	int *fd_out, struct tp_error *err)
{
	const char *name = file->name;

	/* A FIFO must not stop us. */
	*fd_out = openat(reader->incoming_fd, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd_out >= 0)
		return GOOD;
	switch (errno) {
	case ENOENT:
		return tp_fail(err, TP_ENOTFOUND, name, "it is gone");
	case ELOOP:
		return no_mail(err, name, "is a symbolic link");
	case ENXIO:
	case ENODEV:
		return no_mail(err, name, "is not a regular file");
	case EACCES:
	case EPERM:
		return closed_to_us(reader, file, err);
	case EAGAIN:
		return tp_fail(
			err, TP_EBUSY, name, "its owner holds a lease on it");
	case ENOMEM:
		return tp_fail(err, TP_ENOMEM, name, "out of memory");
	default:
		return tp_fail_errno(err, TP_EIO, name, "cannot open the file");
	}
}

/* Anybody may put a large file there: memory is only for what could be sent. */
static int check_size(const struct tp_spool_reader *reader, const char *name,
	int64_t bytes, struct tp_error *err)
{
	int64_t most_bytes = reader->data_max_bytes + TP_SPOOL_HEAD_MAX_BYTES +
			     TP_SPOOL_TAIL_BYTES;

	if (bytes < TP_SPOOL_TAIL_BYTES)
		return no_mail(err, name, "is cut off");
	if (bytes <= most_bytes)
		return GOOD;
	(void)tp_fail(err, TP_EIO, name,
		"is too large: %lld bytes, and no message may have more than %lld",
		(long long)bytes, (long long)most_bytes);
	return UNFIT;
}

static int check_file(const struct tp_spool_reader *reader, int fd,
	struct tp_spool_file *file, struct tp_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return tp_fail_errno(
			err, TP_EIO, file->name, "cannot look at the file");
	if (!S_ISREG(st.st_mode))
		return no_mail(err, file->name, "is not a regular file");
	if (st.st_nlink == 0)
		return tp_fail(err, TP_ENOTFOUND, file->name, "it is gone");
	file->owner = st.st_uid;
	if (st.st_nlink != 1)
		return unfit(err, file->name,
			"has more than one name, so it may be another's");
	file->changed_ms = (int64_t)st.st_ctim.tv_sec * 1000 +
			   st.st_ctim.tv_nsec / 1000000;
	file->len = (size_t)st.st_size;
	return check_size(reader, file->name, st.st_size, err);
}

static int read_file(int fd, struct tp_spool_file *file, struct tp_error *err)
{
	size_t have = 0;

	file->bytes = tp_alloc(file->len);
	if (!file->bytes)
		return tp_fail(err, TP_ENOMEM, file->name,
			"out of memory for %zu bytes", file->len);
	while (have < file->len) {
		ssize_t got = read(fd, file->bytes + have, file->len - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return tp_fail_errno(err, TP_EIO, file->name,
				"cannot read the file");
		if (got == 0)
			return no_mail(err, file->name,
				"became shorter while it was read");
		have += (size_t)got;
	}
	return GOOD;
}

static int parse_file(struct tp_spool_file *file, struct tp_error *err)
{
	uint32_t checksum = tp_spool_checksum(
		0, file->bytes, file->len - TP_SPOOL_TAIL_BYTES);
	int rc = tp_spool_parse(
		file->bytes, file->len, checksum, &file->record, err);

	if (rc == TP_ENOMEM)
		return rc;
	if (rc < 0)
		return rc == TP_EUNSUPPORTED ? UNFIT : NO_MAIL;
	if (strcmp(file->record.queue_id, file->name) != 0)
		return unfit(err, file->name,
			"has another queue id inside than its name");
	return GOOD;
}

static int load(struct tp_spool_reader *reader, struct tp_spool_file *file,
	struct tp_error *err)
{
	int fd = -1;
	int rc = open_file(reader, file, &fd, err);

	if (rc == GOOD)
		rc = check_file(reader, fd, file, err);
	if (rc == GOOD)
		rc = read_file(fd, file, err);
	if (rc == GOOD)
		rc = parse_file(file, err);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static void add_text(struct tp_error *err, const char *text)
{
	size_t len = strlen(err->text);

	(void)snprintf(err->text + len, sizeof(err->text) - len, "%s", text);
}

/* @return NO_MAIL, or why it could not be put away */
static int put_away(
	struct tp_spool_reader *reader, const char *name, struct tp_error *err)
{
	struct tp_error trouble = TP_ERROR_INIT;
	int rc = tp_spool_reader_reject(reader, name, err->text, &trouble);

	if (rc == TP_SPOOL_DELETED)
		add_text(err, TP_SPOOL_DELETED_TEXT);
	if (rc >= 0)
		return NO_MAIL;
	*err = trouble;
	return rc == TP_ENOTFOUND ? rc : TP_EIO;
}

void tp_spool_reader_limit(
	struct tp_spool_reader *reader, int64_t data_max_bytes)
{
	if (data_max_bytes > TP_SPOOL_DATA_MAX_BYTES)
		data_max_bytes = TP_SPOOL_DATA_MAX_BYTES;
	reader->data_max_bytes = data_max_bytes;
}

int tp_spool_reader_load(struct tp_spool_reader *reader, const char *name,
	struct tp_spool_file *file_out, struct tp_error *err)
{
	struct tp_error why = TP_ERROR_INIT;
	uid_t owner;
	int rc;

	memset(file_out, 0, sizeof(*file_out));
	if (!tp_queue_id_valid(name))
		return tp_fail(err, TP_EINVAL, name, "is not a queue id");
	memcpy(file_out->name, name, TP_QUEUE_ID_BYTES);
	rc = load(reader, file_out, &why);
	if (rc == NO_MAIL)
		rc = put_away(reader, name, &why);
	if (rc == GOOD)
		return TP_OK;
	owner = file_out->owner;
	tp_spool_file_free(file_out);
	file_out->owner = owner;
	(void)tp_fail(err, why.code, why.where, "%s", why.text);
	return rc;
}

void tp_spool_file_free(struct tp_spool_file *file)
{
	tp_spool_record_free(&file->record);
	tp_free(file->bytes);
	memset(file, 0, sizeof(*file));
}
