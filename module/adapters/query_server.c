/*
 * query_server.c - answers what unprivileged processes ask
 *
 * One thread, which never waits for a client: whoever is slow to ask or to
 * read is given up at his deadline, and nobody else notices. Answers are made
 * one at a time, whole and into memory, and go out as the client takes them.
 * Users have their turns: one with many questions waits for his next answer
 * until everybody else who asks has one. When all places are taken, a newcomer
 * gets one from the user who has most.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* struct ucred, accept4 */
#include "adapters/query.h"

#include "adapters/query_address.h"
#include "adapters/query_wire.h"
#include "adapters/socket_address.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECTIONS_MAX_COUNT 16
#define CONNECTIONS_PER_USER_MAX_COUNT 4
#define ASK_TIMEOUT_MS 2000
#define ASK_TIMEOUT_CROWDED_MS                        \
	500 /* when over half of the places are taken \
	     */
#define TIMEOUT_MS 10000
/* When descriptors or memory are short: how long nobody is let in. */
#define ACCEPT_PAUSE_MS 100
/* The socket until it listens, so that nobody ever finds one that does not. */
#define NEW_SOCKET "query.new"
#define WHERE "query socket"

struct connection {
	int fd; /* -1: a free place */
	uid_t uid;
	int64_t deadline_ms; /* until asked; then of the whole */
	int64_t end_ms;
	int asked;
	size_t sent;
	struct tp_buf in;
	struct tp_buf out;
};

struct tp_query_server {
	tp_query_answer_fn *answer;
	void *ctx;
	pid_t pid; /* of the process that has the thread */
	int directory;
	int listener;
	int wake;
	ino_t socket_inode; /* 0: the socket has not its name yet */
	int64_t accept_from_ms;
	atomic_int stopping;
	int has_thread;
	pthread_t thread;
	struct connection connections[CONNECTIONS_MAX_COUNT];
};

/* ---- one connection ----------------------------------------------------- */

/* Forgets the number first: a process forked in between must not close a
 * descriptor that is somebody else's by then. */
static void close_fd(int *at)
{
	int fd = *at;

	*at = -1;
	if (fd >= 0)
		(void)close(fd);
}

static void drop(struct connection *connection)
{
	close_fd(&connection->fd);
	tp_buf_free(&connection->in);
	tp_buf_free(&connection->out);
}

/* Sends what the client takes; the connection ends with the last byte. */
static void send_more(struct connection *connection)
{
	ssize_t sent = send(connection->fd,
		tp_buf_str(&connection->out) + connection->sent,
		connection->out.len - connection->sent,
		MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (sent > 0)
		connection->sent += (size_t)sent;
	if (sent < 0 || connection->sent == connection->out.len)
		drop(connection);
}

static void send_end(
	struct connection *connection, int code, const struct tp_error *err)
{
	connection->asked = 1;
	connection->deadline_ms = connection->end_ms;
	connection->out.max += TP_QUERY_END_MAX_BYTES;
	if (tp_query_wire_end(code, err, &connection->out) < 0)
		drop(connection);
	else
		send_more(connection);
}

/* ---- an answer ---------------------------------------------------------- */

struct answering {
	struct tp_query_server *server;
	struct tp_buf *out;
	int row_count;
	int rc; /* of the row that did not go in */
};

/* @return whether the answerer shall stop */
static int added(struct answering *answering, int rc)
{
	if (rc >= 0)
		answering->row_count++;
	else
		answering->rc = rc;
	return rc < 0 || atomic_load(&answering->server->stopping);
}

/* @return 1, and the answer is cut, if there is no place for one more row */
static int is_full(struct answering *answering)
{
	if (answering->row_count < TP_QUERY_ROWS_MAX_COUNT)
		return 0;
	answering->rc = TP_ETOOBIG;
	return 1;
}

static int add_message(void *ctx, const struct tp_query_message *message)
{
	struct answering *answering = ctx;

	return is_full(answering) ||
	       added(answering, tp_query_wire_message(message, answering->out));
}

static int add_outcome(void *ctx, const struct tp_outcome *outcome)
{
	struct answering *answering = ctx;

	return is_full(answering) ||
	       added(answering, tp_query_wire_outcome(outcome, answering->out));
}

static int add_relay(void *ctx, const struct tp_query_relay *relay)
{
	struct answering *answering = ctx;

	return is_full(answering) ||
	       added(answering, tp_query_wire_relay(relay, answering->out));
}

static int make_answer(struct tp_query_server *server,
	struct connection *connection, const struct tp_query_request *request,
	struct tp_error *err)
{
	struct answering answering = { server, &connection->out, 0, TP_OK };
	const struct tp_query_sink sink = {
		.ctx = &answering,
		.message = add_message,
		.outcome = add_outcome,
		.relay = add_relay,
	};
	int rc = server->answer(
		server->ctx, connection->uid, request, &sink, err);

	if (rc >= 0 && answering.rc == TP_ETOOBIG)
		rc = tp_fail(err, TP_ETOOBIG, WHERE,
			"only %d rows fit into one answer, and there are more: "
			"ask for less",
			answering.row_count);
	else if (rc >= 0 && answering.rc < 0)
		rc = tp_fail(err, answering.rc, WHERE, "out of memory");
	return rc;
}

static void answer_line(struct tp_query_server *server,
	struct connection *connection, size_t line_len)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_query_asked asked;
	int rc = tp_query_wire_asked(
		tp_buf_str(&connection->in), line_len, &asked, &err);

	if (rc >= 0) {
		rc = make_answer(server, connection, &asked.request, &err);
		tp_query_asked_free(&asked);
	}
	/* The rows that it has may not be all. */
	if (atomic_load(&server->stopping))
		drop(connection);
	else
		send_end(connection, rc, &err);
}

/* ---- a request ---------------------------------------------------------- */

/* @return 1 if an answer was made */
static int read_more(
	struct tp_query_server *server, struct connection *connection)
{
	struct tp_error err = TP_ERROR_INIT;
	char bytes[TP_QUERY_REQUEST_MAX_BYTES];
	size_t room = TP_QUERY_REQUEST_MAX_BYTES - connection->in.len;
	ssize_t got = recv(connection->fd, bytes, room, MSG_DONTWAIT);
	const char *end;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0 || tp_buf_add(&connection->in, bytes, (size_t)got) < 0) {
		drop(connection);
		return 0;
	}
	end = memchr(connection->in.data, '\n', connection->in.len);
	if (end) {
		answer_line(server, connection,
			(size_t)(end - connection->in.data));
		return 1;
	}
	if (connection->in.len == TP_QUERY_REQUEST_MAX_BYTES)
		send_end(connection,
			tp_fail(&err, TP_ETOOBIG, WHERE,
				"a request is one line of at most %d bytes",
				TP_QUERY_REQUEST_MAX_BYTES),
			&err);
	return 0;
}

/* ---- who comes in ------------------------------------------------------- */

/* Who runs this process or could end it: no other user keeps him out. */
static int is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static int places_of(const struct tp_query_server *server, uid_t uid)
{
	int count = 0;
	int i;

	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++)
		count += server->connections[i].fd >= 0 &&
			 server->connections[i].uid == uid;
	return count;
}

static int places_taken(const struct tp_query_server *server)
{
	int count = 0;
	int i;

	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++)
		count += server->connections[i].fd >= 0;
	return count;
}

static void say_busy(int fd)
{
	static const char line[] =
		"{\"end\":-10,\"where\":\"" WHERE "\",\"text\":\"too many are "
		"asking at once: try again soon\"}\n";

	(void)send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* 1: A rather than B makes room: it is of the user with more places, or else
 * has asked for nothing yet, or else is older. */
static int goes_before(const struct tp_query_server *server,
	const struct connection *a, const struct connection *b)
{
	int more = places_of(server, a->uid) - places_of(server, b->uid);

	if (more != 0)
		return more > 0;
	if (a->asked != b->asked)
		return b->asked;
	return a->end_ms < b->end_ms;
}

/* All places are taken: who has most of them gives one to who has fewer, so
 * that a few users cannot keep everybody else out. */
static struct connection *make_room(struct tp_query_server *server, uid_t uid)
{
	struct connection *last = NULL;
	int i;

	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++) {
		struct connection *at = &server->connections[i];

		if (!is_trusted(at->uid) &&
			(!last || goes_before(server, at, last)))
			last = at;
	}
	if (!last || (!is_trusted(uid) && places_of(server, last->uid) <=
						  places_of(server, uid) + 1))
		return NULL;
	if (!last->asked)
		say_busy(last->fd);
	drop(last);
	return last;
}

static struct connection *find_place(struct tp_query_server *server, uid_t uid)
{
	int i;

	if (places_of(server, uid) >= CONNECTIONS_PER_USER_MAX_COUNT)
		return NULL;
	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++)
		if (server->connections[i].fd < 0)
			return &server->connections[i];
	return make_room(server, uid);
}

static void let_in(struct tp_query_server *server, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct connection *place;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		(void)close(fd);
		return;
	}
	place = find_place(server, peer.uid);
	if (!place) {
		say_busy(fd);
		(void)close(fd);
		return;
	}
	memset(place, 0, sizeof(*place));
	place->fd = fd;
	place->uid = peer.uid;
	place->deadline_ms =
		tp_deadline_ms(2 * places_taken(server) > CONNECTIONS_MAX_COUNT
				       ? ASK_TIMEOUT_CROWDED_MS
				       : ASK_TIMEOUT_MS);
	place->end_ms = tp_deadline_ms(TIMEOUT_MS);
	tp_buf_init(&place->in, TP_QUERY_REQUEST_MAX_BYTES);
	tp_buf_init(&place->out, TP_QUERY_ANSWER_MAX_BYTES);
}

/* A few at a time: those who are in have their turn between. */
static void accept_some(struct tp_query_server *server)
{
	int i;

	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++) {
		int fd = accept4(server->listener, NULL, NULL,
			SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			let_in(server, fd);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			server->accept_from_ms =
				tp_deadline_ms(ACCEPT_PAUSE_MS);
		return;
	}
}

/* ---- the thread --------------------------------------------------------- */

enum { FD_WAKE, FD_LISTENER, FD_FIRST };
#define FDS_COUNT (FD_FIRST + CONNECTIONS_MAX_COUNT)

/* @return for how long to poll */
static int prepare(struct tp_query_server *server, struct pollfd *fds)
{
	int left_ms = -1;
	int accept_ms = tp_deadline_left_ms(server->accept_from_ms);
	int i;

	fds[FD_WAKE].fd = server->wake;
	fds[FD_WAKE].events = POLLIN;
	fds[FD_LISTENER].fd = accept_ms > 0 ? -1 : server->listener;
	fds[FD_LISTENER].events = POLLIN;
	if (accept_ms > 0)
		left_ms = accept_ms;
	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++) {
		const struct connection *at = &server->connections[i];
		int ms;

		fds[FD_FIRST + i].fd = at->fd;
		fds[FD_FIRST + i].events = at->asked ? POLLOUT : POLLIN;
		if (at->fd < 0)
			continue;
		ms = tp_deadline_left_ms(at->deadline_ms);
		if (left_ms < 0 || ms < left_ms)
			left_ms = ms;
	}
	return left_ms;
}

/* Users who got an answer in this round. */
struct answered {
	uid_t uids[CONNECTIONS_MAX_COUNT];
	int count;
};

static int has_answer(const struct answered *answered, uid_t uid)
{
	int i;

	for (i = 0; i < answered->count; i++)
		if (answered->uids[i] == uid)
			return 1;
	return 0;
}

/* Before there are answers, which may take long: what comes during them comes
 * in time. */
static void drop_late(struct tp_query_server *server, const struct pollfd *fds)
{
	int i;

	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++) {
		struct connection *at = &server->connections[i];

		if (at->fd >= 0 && !fds[FD_FIRST + i].revents &&
			tp_deadline_left_ms(at->deadline_ms) == 0)
			drop(at);
	}
}

static void serve(struct tp_query_server *server, const struct pollfd *fds)
{
	struct answered answered = { .count = 0 };
	int i;

	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++) {
		struct connection *at = &server->connections[i];
		short happened = fds[FD_FIRST + i].revents;
		uid_t uid = at->uid;

		if (at->fd < 0 || !happened || atomic_load(&server->stopping))
			continue;
		if (at->asked)
			send_more(at);
		else if (has_answer(&answered, uid))
			continue; /* next round it is still there */
		else if (read_more(server, at))
			answered.uids[answered.count++] = uid;
	}
}

static void *server_main(void *arg)
{
	struct tp_query_server *server = arg;
	int i;

	while (!atomic_load(&server->stopping)) {
		struct pollfd fds[FDS_COUNT] = { { .fd = -1 } };
		int ms = prepare(server, fds);

		if (poll(fds, FDS_COUNT, ms) < 0 && errno != EINTR)
			tp_sleep_ms(ACCEPT_PAUSE_MS); /* out of memory */
		drop_late(server, fds);
		serve(server, fds);
		/* After those who were there: a place that is taken anew was
		 * not polled. */
		if (fds[FD_LISTENER].revents)
			accept_some(server);
	}
	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++)
		drop(&server->connections[i]);
	return NULL;
}

static int start_thread(struct tp_query_server *server, struct tp_error *err)
{
	sigset_t all;
	sigset_t before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&server->thread, NULL, server_main, server);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	server->has_thread = rc == 0;
	return rc == 0 ? TP_OK
		       : tp_fail(err, TP_EIO, WHERE, "cannot start a thread");
}

/* ---- the socket --------------------------------------------------------- */

/* The name may be taken by a socket that nobody listens on, and by nothing
 * else. */
static int check_name(
	struct tp_query_server *server, const char *spool, struct tp_error *err)
{
	struct sockaddr_un address;
	struct stat info;
	int fd;

	if (fstatat(server->directory, TP_QUERY_SOCKET, &info,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? TP_OK
			       : tp_fail_errno(err, TP_EIO, WHERE,
					 "cannot look at %.200s/" TP_QUERY_SOCKET,
					 spool);
	if (!S_ISSOCK(info.st_mode))
		return tp_fail(err, TP_EPERM, WHERE,
			"%.200s/" TP_QUERY_SOCKET " is not a socket: remove it",
			spool);
	tp_socket_address(
		spool, server->directory, "", TP_QUERY_SOCKET, &address);
	fd = tp_query_connect(&address);
	if (fd >= 0)
		(void)close(fd);
	if (fd >= 0 || errno == EAGAIN)
		return tp_fail(err, TP_EBUSY, WHERE,
			"another process answers at %.200s/" TP_QUERY_SOCKET,
			spool);
	if (errno == ECONNREFUSED || errno == ENOENT)
		return TP_OK;
	return tp_fail_errno(err, TP_EPERM, WHERE,
		"cannot replace %.200s/" TP_QUERY_SOCKET, spool);
}

static int bind_new(struct tp_query_server *server, const char *spool)
{
	struct sockaddr_un address;
	struct stat info;

	server->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listener < 0)
		return -1;
	tp_socket_address(spool, server->directory, "", NEW_SOCKET, &address);
	if (unlinkat(server->directory, NEW_SOCKET, 0) < 0 && errno != ENOENT)
		return -1;
	if (bind(server->listener, (struct sockaddr *)&address,
		    sizeof(address)) < 0 ||
		fchmodat(server->directory, NEW_SOCKET, 0666, 0) < 0 ||
		listen(server->listener, SOMAXCONN) < 0 ||
		fstatat(server->directory, NEW_SOCKET, &info,
			AT_SYMLINK_NOFOLLOW) < 0 ||
		renameat(server->directory, NEW_SOCKET, server->directory,
			TP_QUERY_SOCKET) < 0)
		return -1;
	server->socket_inode = info.st_ino;
	return 0;
}

static int open_socket(
	struct tp_query_server *server, const char *spool, struct tp_error *err)
{
	int rc;

	server->directory = tp_query_directory(spool);
	if (server->directory < 0)
		return tp_fail_errno(err, errno == EACCES ? TP_EPERM : TP_EIO,
			WHERE, "cannot open the spool %.200s", spool);
	rc = check_name(server, spool, err);
	if (rc < 0)
		return rc;
	if (bind_new(server, spool) < 0)
		return tp_fail_errno(err, errno == EACCES ? TP_EPERM : TP_EIO,
			WHERE, "cannot listen at %.200s/" TP_QUERY_SOCKET,
			spool);
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return server->wake >= 0 ? TP_OK
				 : tp_fail_errno(err, TP_EIO, WHERE, "eventfd");
}

/* ---- start and stop ----------------------------------------------------- */

int tp_query_server_start(const char *spool, tp_query_answer_fn *answer,
	void *ctx, struct tp_query_server **server_out, struct tp_error *err)
{
	struct tp_query_server *server = tp_alloc(sizeof(*server));
	int rc;
	int i;

	*server_out = NULL;
	if (!server)
		return tp_fail(err, TP_ENOMEM, WHERE, "out of memory");
	server->answer = answer;
	server->ctx = ctx;
	server->pid = getpid();
	server->directory = server->listener = server->wake = -1;
	atomic_init(&server->stopping, 0);
	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++)
		server->connections[i].fd = -1;
	rc = open_socket(server, spool, err);
	if (rc >= 0)
		rc = start_thread(server, err);
	if (rc < 0)
		tp_query_server_stop(&server);
	*server_out = server;
	return rc;
}

/* A socket that another process has put there meanwhile is not ours. */
static void remove_socket(const struct tp_query_server *server)
{
	struct stat info;

	if (server->directory < 0)
		return;
	if (server->socket_inode == 0)
		(void)unlinkat(server->directory, NEW_SOCKET, 0);
	else if (fstatat(server->directory, TP_QUERY_SOCKET, &info,
			 AT_SYMLINK_NOFOLLOW) == 0 &&
		 info.st_ino == server->socket_inode)
		(void)unlinkat(server->directory, TP_QUERY_SOCKET, 0);
}

static void end_thread(struct tp_query_server *server)
{
	atomic_store(&server->stopping, 1);
	(void)eventfd_write(server->wake, 1);
	(void)pthread_join(server->thread, NULL);
}

void tp_query_server_stop(struct tp_query_server **at)
{
	struct tp_query_server *server = *at;
	int i;

	if (!server)
		return;
	if (server->pid == getpid()) {
		remove_socket(server);
		if (server->has_thread)
			end_thread(server);
	}
	/* In a child: copies of what the thread had open at fork(). Its memory
	 * stays, in whatever state it was. */
	for (i = 0; i < CONNECTIONS_MAX_COUNT; i++)
		close_fd(&server->connections[i].fd);
	close_fd(&server->listener);
	close_fd(&server->wake);
	close_fd(&server->directory);
	/* First, for a child that is forked in between. */
	*at = NULL;
	tp_free(server);
}
