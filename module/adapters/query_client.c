/*
 * query_client.c - asks the daemon
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* struct ucred */
#include "adapters/query.h"

#include "adapters/query_address.h"
#include "adapters/query_wire.h"
#include "adapters/socket_address.h"
#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SILENCE_MS 5000
#define TIMEOUT_MS 30000
/* Between two attempts while nobody has time to let us in. */
#define CONNECT_PAUSE_MS 20
#define READ_BYTES 16384
#define WHERE "query socket"

struct asking {
	const char *spool;
	const struct tp_query_request *request;
	const struct tp_query_sink *sink;
	int fd;
	int64_t end_ms;
	int row_count;
	size_t answer_bytes;
	struct tp_buf in;
};

/* ---- connecting --------------------------------------------------------- */

static int no_daemon(const struct asking *asking, struct tp_error *err)
{
	return tp_fail_errno(err, TP_ECONNECT, WHERE,
		"tillpostd does not run: nobody answers at "
		"%.200s/" TP_QUERY_SOCKET,
		asking->spool);
}

/* What is answered is believed: only from those who have the queue, or who
 * could read it anyway. */
static int check_peer(
	const struct asking *asking, int directory, struct tp_error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct stat info;

	if (getsockopt(asking->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
		fstat(directory, &info) < 0)
		return tp_fail_errno(err, TP_EIO, WHERE, "cannot see whose");
	if (peer.uid == 0 || peer.uid == info.st_uid || peer.uid == geteuid())
		return TP_OK;
	return tp_fail(err, TP_EPERM, WHERE,
		"%.200s/" TP_QUERY_SOCKET " is answered by user %lu, who is "
		"neither root nor the owner of the spool: not believed",
		asking->spool, (unsigned long)peer.uid);
}

static int connect_to(
	struct asking *asking, int directory, struct tp_error *err)
{
	int64_t deadline_ms = tp_deadline_ms(SILENCE_MS);
	struct sockaddr_un address;

	tp_socket_address(
		asking->spool, directory, "", TP_QUERY_SOCKET, &address);
	for (;;) {
		asking->fd = tp_query_connect(&address);
		if (asking->fd >= 0)
			return check_peer(asking, directory, err);
		if (errno == ENOENT || errno == ECONNREFUSED)
			return no_daemon(asking, err);
		if (errno != EAGAIN)
			return tp_fail_errno(err,
				errno == EACCES ? TP_EPERM : TP_EIO, WHERE,
				"cannot connect to %.200s/" TP_QUERY_SOCKET,
				asking->spool);
		if (tp_deadline_left_ms(deadline_ms) == 0)
			return tp_fail(err, TP_ETIMEOUT, WHERE,
				"tillpostd lets nobody in at "
				"%.200s/" TP_QUERY_SOCKET,
				asking->spool);
		tp_sleep_ms(CONNECT_PAUSE_MS);
	}
}

static int open_and_connect(struct asking *asking, struct tp_error *err)
{
	int directory = tp_query_directory(asking->spool);
	int rc;

	if (directory < 0 && (errno == ENOENT || errno == ENOTDIR))
		return no_daemon(asking, err);
	if (directory < 0)
		return tp_fail_errno(err, errno == EACCES ? TP_EPERM : TP_EIO,
			WHERE, "cannot open the spool %.200s", asking->spool);
	rc = connect_to(asking, directory, err);
	(void)close(directory);
	return rc;
}

/* ---- asking ------------------------------------------------------------- */

/* @return 0 when the socket may be used; TP_ETIMEOUT, TP_EIO */
static int wait_for(
	const struct asking *asking, short events, struct tp_error *err)
{
	struct pollfd fd = { .fd = asking->fd, .events = events };
	int64_t deadline_ms = tp_deadline_ms(SILENCE_MS);
	int rc;

	if (deadline_ms > asking->end_ms)
		deadline_ms = asking->end_ms;
	do
		rc = poll(&fd, 1, tp_deadline_left_ms(deadline_ms));
	while (rc < 0 && errno == EINTR);
	if (rc > 0)
		return TP_OK;
	if (rc < 0)
		return tp_fail_errno(err, TP_EIO, WHERE, "poll");
	return tp_fail(err, TP_ETIMEOUT, WHERE,
		"no answer from tillpostd in time: try again");
}

static int send_request(
	const struct asking *asking, struct tp_buf *line, struct tp_error *err)
{
	int rc = TP_OK;

	while (line->len > 0 && rc >= 0) {
		ssize_t sent =
			send(asking->fd, line->data, line->len, MSG_NOSIGNAL);

		if (sent >= 0)
			tp_buf_consume(line, (size_t)sent);
		else if (errno == EAGAIN)
			rc = wait_for(asking, POLLOUT, err);
		else if (errno == EPIPE || errno == ECONNRESET)
			return TP_OK; /* it may have said why */
		else if (errno != EINTR)
			rc = tp_fail_errno(err, TP_EIO, WHERE, "send");
	}
	return rc;
}

static int ask(const struct asking *asking, struct tp_error *err)
{
	struct tp_buf line = TP_BUF_INIT(2 * TP_QUERY_REQUEST_MAX_BYTES);
	int rc = tp_query_wire_request(asking->request, &line, err);

	if (rc >= 0)
		rc = send_request(asking, &line, err);
	tp_buf_free(&line);
	return rc;
}

/* ---- the answer --------------------------------------------------------- */

/* Shows the whole lines that are there. @return a TP_QUERY_LINE_*, ROW: go on
 * reading; negative */
static int take_lines(struct asking *asking, struct tp_error *err)
{
	const char *at = tp_buf_str(&asking->in);
	size_t left = asking->in.len;
	int rc = TP_QUERY_LINE_ROW;

	while (rc == TP_QUERY_LINE_ROW) {
		const char *end = memchr(at, '\n', left);

		if (!end)
			break;
		if (asking->row_count > TP_QUERY_ROWS_MAX_COUNT)
			return tp_fail(err, TP_EPROTO, WHERE, "too many rows");
		rc = tp_query_wire_answer(at, (size_t)(end - at),
			asking->request->op, asking->sink, err);
		if (rc == TP_QUERY_LINE_ROW || rc == TP_QUERY_LINE_LAST)
			asking->row_count++;
		left -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	tp_buf_consume(&asking->in, asking->in.len - left);
	return rc;
}

static int read_more(struct asking *asking, struct tp_error *err)
{
	char bytes[READ_BYTES];
	ssize_t got = recv(asking->fd, bytes, sizeof(bytes), 0);
	int rc;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return TP_OK;
	if (got < 0 && errno != ECONNRESET)
		return tp_fail_errno(err, TP_EIO, WHERE, "recv");
	if (got <= 0)
		return tp_fail(err, TP_EPROTO, WHERE,
			"tillpostd ended the answer before its end: try again");
	asking->answer_bytes += (size_t)got;
	if (asking->answer_bytes >
		TP_QUERY_ANSWER_MAX_BYTES + TP_QUERY_END_MAX_BYTES)
		return tp_fail(err, TP_EPROTO, WHERE, "the answer is too long");
	/* It has room for the longest line and for one more read. */
	rc = tp_buf_add(&asking->in, bytes, (size_t)got);
	if (rc == TP_ETOOBIG)
		return tp_fail(err, TP_EPROTO, WHERE, "a line is too long");
	return rc < 0 ? tp_fail(err, rc, WHERE, "out of memory") : TP_OK;
}

static int take_answer(struct asking *asking, struct tp_error *err)
{
	int rc = TP_QUERY_LINE_ROW;

	while (rc == TP_QUERY_LINE_ROW) {
		rc = wait_for(asking, POLLIN, err);
		if (rc >= 0)
			rc = read_more(asking, err);
		if (rc >= 0)
			rc = take_lines(asking, err);
	}
	return rc < 0 ? rc : asking->row_count;
}

int tp_query_ask(const char *spool, const struct tp_query_request *request,
	const struct tp_query_sink *sink, struct tp_error *err)
{
	struct asking asking = {
		.spool = spool,
		.request = request,
		.sink = sink,
		.fd = -1,
		.end_ms = tp_deadline_ms(TIMEOUT_MS),
		.in = TP_BUF_INIT(TP_QUERY_LINE_MAX_BYTES + READ_BYTES),
	};
	int rc = open_and_connect(&asking, err);

	if (rc >= 0)
		rc = ask(&asking, err);
	if (rc >= 0)
		rc = take_answer(&asking, err);
	if (asking.fd >= 0)
		(void)close(asking.fd);
	tp_buf_free(&asking.in);
	return rc;
}
