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

static const char *name_of(int fd)
{
	return fd == STDIN_FILENO ? "standard input" : "standard output";
}

/* @return 0, TILLPOST_ETIMEOUT, TILLPOST_EIO */
static int32_t wait_for(
	int fd, short events, int64_t timeout_ms, struct tillpost_error *err)
{
	struct pollfd waiting = { .fd = fd, .events = events };
	int64_t end_ms = monotonic_ms() + timeout_ms;

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
			return tp_report_set(err, TILLPOST_ETIMEOUT,
				name_of(fd), "no progress for %lld ms",
				(long long)timeout_ms);
		if (rc < 0 && errno != EINTR && errno != EAGAIN)
			return tp_report_set_errno(
				err, TILLPOST_EIO, name_of(fd), "poll");
	}
}

int32_t tp_stdio_read(int fd, char *data, size_t bytes, int64_t timeout_ms,
	struct tillpost_error *err)
{
	if (bytes > INT32_MAX)
		bytes = INT32_MAX;
	for (;;) {
		int32_t rc = wait_for(fd, POLLIN, timeout_ms, err);
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
	while (len > 0) {
		int32_t rc = wait_for(fd, POLLOUT, timeout_ms, err);
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
