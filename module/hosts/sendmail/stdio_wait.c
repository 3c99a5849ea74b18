/*
 * stdio_wait.c - standard input and output that never wait for ever
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/stdio_wait.h"

#include "common/report.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* poll() promises room for so much in a pipe. */
#define PIECE_BYTES PIPE_BUF

static int64_t monotonic_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void tp_stdio_limit_start(struct tp_stdio_limit *limit, int64_t step_ms)
{
	limit->step_ms = step_ms;
	limit->end_ms = monotonic_ms() + TP_STDIO_WHOLE * step_ms;
}

static const char *name_of(int fd)
{
	if (fd == STDIN_FILENO)
		return "standard input";
	return fd == STDOUT_FILENO ? "standard output" : "standard error";
}

static int32_t too_late(
	int fd, const struct tp_stdio_limit *limit, struct tillpost_error *err)
{
	if (monotonic_ms() < limit->end_ms)
		return tp_report_set(err, TILLPOST_ETIMEOUT, name_of(fd),
			"no progress for %lld ms", (long long)limit->step_ms);
	return tp_report_set(err, TILLPOST_ETIMEOUT, name_of(fd),
		"not at an end after %lld ms in all",
		(long long)(TP_STDIO_WHOLE * limit->step_ms));
}

/* @return 0, TILLPOST_ETIMEOUT, TILLPOST_EIO */
static int32_t wait_for(int fd, short events,
	const struct tp_stdio_limit *limit, struct tillpost_error *err)
{
	struct pollfd waiting = { .fd = fd, .events = events };
	int64_t end_ms = monotonic_ms() + limit->step_ms;

	if (end_ms > limit->end_ms)
		end_ms = limit->end_ms;
	for (;;) {
		int64_t left_ms = end_ms - monotonic_ms();
		int rc;

		if (left_ms < 0)
			left_ms = 0;
		rc = poll(&waiting, 1,
			left_ms > INT_MAX ? INT_MAX : (int)left_ms);
		if (rc > 0)
			return TILLPOST_OK; /* errors show at read and write */
		if (rc == 0 && left_ms <= INT_MAX)
			return too_late(fd, limit, err);
		if (rc < 0 && errno != EINTR && errno != EAGAIN)
			return tp_report_set_errno(
				err, TILLPOST_EIO, name_of(fd), "poll");
	}
}

int32_t tp_stdio_read(int fd, char *data, size_t bytes,
	const struct tp_stdio_limit *limit, struct tillpost_error *err)
{
	if (bytes > INT32_MAX)
		bytes = INT32_MAX;
	for (;;) {
		int32_t rc = wait_for(fd, POLLIN, limit, err);
		ssize_t got;

		if (rc < 0)
			return rc;
		got = read(fd, data, bytes);
		if (got >= 0)
			return (int32_t)got;
		if (errno != EINTR && errno != EAGAIN)
			return tp_report_set_errno(err, TILLPOST_EIO,
				name_of(fd), "cannot be read");
	}
}

/* poll() says of a socket that there is room, not how much. */
static ssize_t write_some(int fd, const char *data, size_t len)
{
	ssize_t done;

	if (len > PIECE_BYTES)
		len = PIECE_BYTES;
	done = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (done < 0 && errno == ENOTSOCK)
		done = write(fd, data, len);
	return done;
}

int32_t tp_stdio_write(int fd, const char *data, size_t len, int64_t timeout_ms,
	struct tillpost_error *err)
{
	struct tp_stdio_limit limit;

	tp_stdio_limit_start(&limit, timeout_ms);
	while (len > 0) {
		int32_t rc = wait_for(fd, POLLOUT, &limit, err);
		ssize_t done;

		if (rc < 0)
			return rc;
		done = write_some(fd, data, len);
		if (done >= 0) {
			data += done;
			len -= (size_t)done;
		} else if (errno != EINTR && errno != EAGAIN) {
			return tp_report_set_errno(err, TILLPOST_EIO,
				name_of(fd), "cannot be written");
		}
	}
	return TILLPOST_OK;
}
