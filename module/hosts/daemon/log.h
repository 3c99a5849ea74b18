/*
 * log.h - the daemon's log lines on standard error
 *
 * JOB     One event is one line, written by one call:
 *             {"ts":"2026-11-21T18:33:29.123Z","level":"warning",
 *              "event":"relay-paused","text":"...","pid":4711}
 *         or, for a person, "2026-11-21 18:33:29 warning relay-paused: ...".
 *         If standard error is the journal, "<4>" goes before it, which the
 *         journal takes for the priority. Whatever servers and files say
 *         comes out as printable UTF-8.
 *         Nobody waits for the reader of the log: a line that a full pipe,
 *         socket or terminal does not take is dropped and counted, and the
 *         next line that is taken says how many are missing.
 * BOUNDS  a line has at most TP_LOG_LINE_BYTES, so that a pipe takes it whole
 *         or not at all; longer texts are cut.
 * LAYER   hosts/daemon; libc, hosts/common.
 * THREADS safe after tp_log_open(). Not for signal handlers.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_DAEMON_LOG_H
#define TP_DAEMON_LOG_H

#include <pthread.h>
#include <stdint.h>

/* What a pipe takes in one piece (POSIX promises 512, Linux has 4,096). */
#define TP_LOG_LINE_BYTES 4096

enum tp_log_form { TP_LOG_JSON, TP_LOG_TEXT };

enum tp_log_way {
	TP_LOG_WRITE, /* a file, or a description of our own that never waits */
	TP_LOG_SEND,  /* a socket: asked not to wait at each call */
	TP_LOG_POLL   /* asked first whether there is room */
};

struct tp_log {
	int fd;
	enum tp_log_way way;
	enum tp_log_form form;
	int32_t level; /* most verbose TILLPOST_LOG_* to show */
	int journal;
	int torn; /* the last line was taken in part only */
	uint64_t lost_count;
	pthread_mutex_t lock;
};

/* Looks at standard error. Before any other thread starts.
 * @param level  most verbose TILLPOST_LOG_* to show */
void tp_log_open(struct tp_log *log, enum tp_log_form form, int32_t level);
/* Says once more what was lost, if it can be said now. */
void tp_log_close(struct tp_log *log);

/* One event; of the type of struct tillpost_host's log.
 * @param ctx  the struct tp_log */
void tp_log_event(
	void *ctx, int32_t level, const char *event, const char *text);

/* The same with a format. */
void tp_log(struct tp_log *log, int32_t level, const char *event,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* "error", "warning", "info" or "debug". @return TILLPOST_LOG_*, or -1 */
int32_t tp_log_level(const char *name);

#endif
