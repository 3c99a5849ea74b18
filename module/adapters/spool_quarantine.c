/*
 * spool_quarantine.c - out of the way, with a word why
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool_private.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FOREIGN "foreign-"
#define PLAIN_MAX_CHARS 64
/* a plain name, or FOREIGN and a queue id; with TP_SPOOL_REASON */
#define PLAIN_BYTES (PLAIN_MAX_CHARS + 1)
#define REASON_NAME_BYTES (NAME_MAX + sizeof(TP_SPOOL_REASON))
#define REASON_MODE 0644

static const char plain_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789._-";

int tp_spool_is_reason(const char *name)
{
	size_t len = strlen(name);
	size_t suffix = strlen(TP_SPOOL_REASON);

	return len >= suffix &&
	       strcmp(name + len - suffix, TP_SPOOL_REASON) == 0;
}

/* Names that need no care in a shell, and hide nothing. */
static int is_plain(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PLAIN_MAX_CHARS && name[0] != '.' &&
	       strspn(name, plain_chars) == len && !tp_spool_is_reason(name);
}

static int foreign_name(char out[PLAIN_BYTES])
{
	char id[TP_QUEUE_ID_BYTES];

	if (tp_queue_id(tp_now_ms(NULL), id) < 0)
		return -1;
	(void)snprintf(out, PLAIN_BYTES, FOREIGN "%s", id);
	return 0;
}

static int move(int from_fd, const char *name, int to_fd, char to[PLAIN_BYTES])
{
	int rc;

	if (!is_plain(name)) {
		if (foreign_name(to) < 0)
			return -1;
		return tp_spool_rename(from_fd, name, to_fd, to);
	}
	(void)snprintf(to, PLAIN_BYTES, "%s", name);
	rc = tp_spool_rename(from_fd, name, to_fd, to);
	if (rc < 0 && errno == EEXIST && foreign_name(to) == 0)
		rc = tp_spool_rename(from_fd, name, to_fd, to);
	return rc;
}

static void reason_name(const char *name, char out[REASON_NAME_BYTES])
{
	(void)snprintf(
		out, REASON_NAME_BYTES, "%.*s" TP_SPOOL_REASON, NAME_MAX, name);
}

/* The log has the reason too, so failing to note it is no failure. */
static void write_reason(int fd, const char *name, const char *reason)
{
	char path[REASON_NAME_BYTES];
	char line[TP_ERROR_TEXT_BYTES + 1];
	size_t len;
	int out;

	reason_name(name, path);
	out = openat(fd, path,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC |
			O_NONBLOCK,
		REASON_MODE);
	if (out < 0)
		return;
	(void)snprintf(line, sizeof(line) - 1, "%s", reason);
	len = strcspn(line, "\r\n");
	line[len] = '\n';
	if (write(out, line, len + 1) < 0)
		(void)unlinkat(fd, path, 0);
	(void)close(out);
}

int tp_spool_quarantine(int incoming_fd, int quarantine_fd, const char *name,
	const char *reason, struct tp_error *err)
{
	char to[PLAIN_BYTES] = "";
	int saved;

	if (move(incoming_fd, name, quarantine_fd, to) == 0) {
		write_reason(quarantine_fd, to, reason);
		return TP_OK;
	}
	saved = errno;
	if (saved == ENOENT)
		return tp_fail(err, TP_ENOTFOUND, name, "it is gone");
	/* Nobody may move another user's directory, but an empty one may be
	 * removed by the owner of where it is. */
	if ((saved == EACCES || saved == EPERM) &&
		unlinkat(incoming_fd, name, AT_REMOVEDIR) == 0)
		return TP_OK;
	errno = saved;
	return tp_fail_errno(err,
		saved == EACCES || saved == EPERM ? TP_EPERM : TP_EIO, name,
		"cannot be moved to quarantine");
}

/* ---- of the reader ------------------------------------------------------ */

static int keep(struct tp_spool_reader *reader, const char *name,
	const char *reason, const struct tp_spool_share *look,
	struct tp_error *err)
{
	int rc = tp_spool_quarantine(
		reader->incoming_fd, reader->quarantine_fd, name, reason, err);

	if (rc >= 0)
		tp_spool_room_taken(reader, look);
	return rc;
}

static int throw_away(
	struct tp_spool_reader *reader, const char *name, struct tp_error *err)
{
	int fd = reader->incoming_fd;
	int rc = unlinkat(fd, name, 0);

	if (rc < 0 && (errno == EISDIR || errno == EPERM))
		rc = unlinkat(fd, name, AT_REMOVEDIR);
	if (rc == 0)
		return TP_SPOOL_DELETED;
	if (errno == ENOENT)
		return tp_fail(err, TP_ENOTFOUND, name, "it is gone");
	return tp_fail_errno(err, TP_EPERM, name,
		"cannot be deleted, and its owner's part of quarantine is "
		"full");
}

int tp_spool_reject(struct tp_spool_reader *reader, const char *name,
	unsigned char type, const char *reason, struct tp_error *err)
{
	struct tp_spool_share look =
		tp_spool_look(reader->incoming_fd, name, type);

	return tp_spool_room_for(reader, look.uid)
		       ? keep(reader, name, reason, &look, err)
		       : throw_away(reader, name, err);
}

static int check_name(const char *name, struct tp_error *err)
{
	if (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 ||
		strcmp(name, "..") == 0)
		return tp_fail(err, TP_EINVAL, name, "is not a file's name");
	return TP_OK;
}

int tp_spool_reader_quarantine(struct tp_spool_reader *reader, const char *name,
	const char *reason, struct tp_error *err)
{
	struct tp_spool_share look;
	int rc = check_name(name, err);

	if (rc < 0)
		return rc;
	look = tp_spool_look(reader->incoming_fd, name, DT_UNKNOWN);
	return keep(reader, name, reason, &look, err);
}

int tp_spool_reader_reject(struct tp_spool_reader *reader, const char *name,
	const char *reason, struct tp_error *err)
{
	int rc = check_name(name, err);

	return rc < 0 ? rc
		      : tp_spool_reject(reader, name, DT_UNKNOWN, reason, err);
}

/* ---- reasons ------------------------------------------------------------ */

void tp_spool_reason(
	int quarantine_fd, const char *name, char *out, size_t out_bytes)
{
	char path[REASON_NAME_BYTES];
	ssize_t len = 0;
	char *at;
	int fd;

	reason_name(name, path);
	fd = openat(quarantine_fd, path,
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		len = read(fd, out, out_bytes - 1);
		(void)close(fd);
	}
	out[len > 0 ? len : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	for (at = out; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
}

void tp_spool_reason_remove(int quarantine_fd, const char *name)
{
	char path[REASON_NAME_BYTES];

	reason_name(name, path);
	(void)unlinkat(quarantine_fd, path, 0);
}
