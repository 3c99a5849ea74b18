/*
 * log.c - the daemon's log lines on standard error
 *
 * SOURCES systemd.exec(5) ($JOURNAL_STREAM), sd-daemon(3) (priorities),
 *         pipe(7) (atomic writes), RFC 8259.
 * SPDX-License-Identifier: MIT
 */
#include "daemon/log.h"

#include "common/text.h"
#include "common/when.h"

#include <tillpost/abi.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Kept free at the end of a line for what follows the text. */
#define TAIL_BYTES 64

static const struct {
	int32_t level;
	const char *name;
} levels[] = {
	{ TILLPOST_LOG_ERROR, "error" },
	{ TILLPOST_LOG_WARNING, "warning" },
	{ TILLPOST_LOG_INFO, "info" },
	{ TILLPOST_LOG_DEBUG, "debug" },
};

#define LEVEL_COUNT (sizeof(levels) / sizeof(levels[0]))

int32_t tp_log_level(const char *name)
{
	size_t i;

	for (i = 0; i < LEVEL_COUNT; i++)
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].level;
	return -1;
}

/* A level that the plugin knows and we do not goes by the next known one. */
static const char *level_name(int32_t level)
{
	size_t i;

	for (i = 0; i < LEVEL_COUNT - 1; i++)
		if (level <= levels[i].level)
			break;
	return levels[i].name;
}

/* ---- the line ----------------------------------------------------------- */

struct line {
	char bytes[TP_LOG_LINE_BYTES];
	size_t len;
};

static void put(struct line *line, const char *s)
{
	size_t len = strlen(s);

	if (len > sizeof(line->bytes) - line->len)
		len = sizeof(line->bytes) - line->len;
	memcpy(line->bytes + line->len, s, len);
	line->len += len;
}

static void put_char(struct line *line, const char *step, int json)
{
	/* A step is one character, or one that is spelled, such as \x1b: only
	 * its first byte can be special. */
	if (json && (step[0] == '"' || step[0] == '\\'))
		put(line, "\\");
	put(line, step);
}

/* TEXT, fit for a terminal, and for a JSON string if JSON. */
static void put_text(struct line *line, const char *text, int json)
{
	char step[TP_TEXT_STEP_BYTES];

	while (*text != '\0') {
		text += tp_text_step(text, step);
		if (line->len + 2 * sizeof(step) + TAIL_BYTES >
			sizeof(line->bytes)) {
			put(line, "...");
			return;
		}
		put_char(line, step, json);
	}
}

static void put_json(
	struct line *line, int32_t level, const char *event, const char *text)
{
	char now[TP_WHEN_BYTES];
	char pid[32];

	tp_when_utc(tp_when_now_ms(), now);
	(void)snprintf(pid, sizeof(pid), "\",\"pid\":%ld}\n", (long)getpid());
	put(line, "{\"ts\":\"");
	put(line, now);
	put(line, "\",\"level\":\"");
	put(line, level_name(level));
	put(line, "\",\"event\":\"");
	put_text(line, event, 1);
	put(line, "\",\"text\":\"");
	put_text(line, text, 1);
	put(line, pid);
}

/* The journal knows the time itself. */
static void put_plain(struct line *line, const struct tp_log *log,
	int32_t level, const char *event, const char *text)
{
	char now[TP_WHEN_BYTES];

	if (!log->journal) {
		tp_when_local(tp_when_now_ms(), now);
		put(line, now);
		put(line, " ");
		put(line, level_name(level));
		put(line, " ");
	}
	put_text(line, event, 0);
	put(line, ": ");
	put_text(line, text, 0);
	put(line, "\n");
}

static void make_line(struct line *line, const struct tp_log *log,
	int32_t level, const char *event, const char *text)
{
	char priority[8];

	line->len = 0;
	/* What is left of a line must not spoil the next one. */
	if (log->torn)
		put(line, "\n");
	if (log->journal) {
		(void)snprintf(priority, sizeof(priority), "<%d>",
			(int)(level < 0	    ? 0
				: level > 7 ? 7
					    : level));
		put(line, priority);
	}
	if (log->form == TP_LOG_JSON)
		put_json(line, level, event, text);
	else
		put_plain(line, log, level, event, text);
}

/* ---- the way out -------------------------------------------------------- */

static int has_room(int fd)
{
	struct pollfd room = { fd, POLLOUT, 0 };

	return poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0;
}

/* Lock held. @return 1 if the whole line was taken */
static int write_line(struct tp_log *log, const struct line *line)
{
	ssize_t taken = -1;

	do {
		if (log->way == TP_LOG_SEND)
			taken = send(log->fd, line->bytes, line->len,
				MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (log->way == TP_LOG_WRITE || has_room(log->fd))
			taken = write(log->fd, line->bytes, line->len);
		else
			errno = EAGAIN;
	} while (taken < 0 && errno == EINTR);
	if (taken > 0)
		log->torn = (size_t)taken < line->len;
	return taken == (ssize_t)line->len;
}

/* Lock held. @return 1 if nothing is missing any more */
static int tell_lost(struct tp_log *log)
{
	struct line line;
	char text[96];

	if (log->lost_count == 0)
		return 1;
	(void)snprintf(text, sizeof(text),
		"%" PRIu64 " lines before this one could not be written",
		log->lost_count);
	make_line(&line, log, TILLPOST_LOG_WARNING, "log-lost", text);
	if (!write_line(log, &line))
		return 0;
	log->lost_count = 0;
	return 1;
}

void tp_log_event(void *ctx, int32_t level, const char *event, const char *text)
{
	struct tp_log *log = ctx;
	struct line line;

	if (level > log->level)
		return;
	(void)pthread_mutex_lock(&log->lock);
	if (tell_lost(log)) {
		make_line(&line, log, level, event ? event : "",
			text ? text : "");
		log->lost_count += !write_line(log, &line);
	} else {
		log->lost_count++;
	}
	(void)pthread_mutex_unlock(&log->lock);
}

void tp_log(struct tp_log *log, int32_t level, const char *event,
	const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	tp_log_event(log, level, event, text);
}

/* ---- standard error ----------------------------------------------------- */

/* $JOURNAL_STREAM is "DEVICE:INODE" of the stream that the service manager
 * made; a redirection since then has another. */
static int is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];

	(void)snprintf(ours, sizeof(ours), "%" PRIuMAX ":%" PRIuMAX,
		(uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	return stream && strcmp(stream, ours) == 0;
}

/* O_NONBLOCK belongs to the open description, which we share with whoever
 * started us. A second description of the same pipe or terminal is ours alone.
 * It cannot be had if another user made it: then room is asked for first. */
static void own_description(struct tp_log *log)
{
	int fd = open("/proc/self/fd/2",
		O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	log->way = fd >= 0 ? TP_LOG_WRITE : TP_LOG_POLL;
	if (fd >= 0)
		log->fd = fd;
}

void tp_log_open(struct tp_log *log, enum tp_log_form form, int32_t level)
{
	struct stat st;

	*log = (struct tp_log) {
		.fd = STDERR_FILENO,
		.form = form,
		.level = level,
	};
	(void)pthread_mutex_init(&log->lock, NULL);
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	log->journal = is_journal(&st);
	if (S_ISSOCK(st.st_mode))
		log->way = TP_LOG_SEND;
	else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		own_description(log);
}

void tp_log_close(struct tp_log *log)
{
	(void)pthread_mutex_lock(&log->lock);
	(void)tell_lost(log);
	(void)pthread_mutex_unlock(&log->lock);
	if (log->fd != STDERR_FILENO)
		(void)close(log->fd);
	log->fd = STDERR_FILENO;
	(void)pthread_mutex_destroy(&log->lock);
}
