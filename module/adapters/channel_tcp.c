/*
 * channel_tcp.c - sockets of the relay channel
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/channel_tcp.h"

#include "base/clock.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long a look-up goes on after an interrupt. */
#define LOOKUP_SLICE_MS 250

/* What the caller and the resolver thread share; the last one frees it. */
struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t finished;
	int refs;
	int done;
	int rc; /* of getaddrinfo() */
	struct addrinfo *list;
	char port[8];
	char host[];
};

static int getaddrinfo_stream(
	const char *host, const char *port, int flags, struct addrinfo **out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = flags | AI_NUMERICSERV };

	return getaddrinfo(host, port, &hints, out);
}

static struct lookup *lookup_new(const char *host, const char *port)
{
	size_t len = strlen(host);
	struct lookup *lookup = tp_alloc(sizeof(*lookup) + len + 1);
	pthread_condattr_t monotonic;

	if (!lookup)
		return NULL;
	lookup->refs = 1;
	(void)snprintf(lookup->port, sizeof(lookup->port), "%s", port);
	memcpy(lookup->host, host, len);
	/* On Linux none of these can fail with valid arguments. */
	(void)pthread_mutex_init(&lookup->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&lookup->finished, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	return lookup;
}

static void lookup_unref(struct lookup *lookup)
{
	int last;

	(void)pthread_mutex_lock(&lookup->lock);
	last = --lookup->refs == 0;
	(void)pthread_mutex_unlock(&lookup->lock);
	if (!last)
		return;
	if (lookup->list)
		freeaddrinfo(lookup->list);
	(void)pthread_cond_destroy(&lookup->finished);
	(void)pthread_mutex_destroy(&lookup->lock);
	tp_free(lookup);
}

static void *lookup_thread(void *arg)
{
	struct lookup *lookup = arg;
	struct addrinfo *list = NULL;
	int rc = getaddrinfo_stream(lookup->host, lookup->port, 0, &list);

	(void)pthread_mutex_lock(&lookup->lock);
	lookup->rc = rc;
	lookup->list = rc == 0 ? list : NULL;
	lookup->done = 1;
	(void)pthread_cond_signal(&lookup->finished);
	(void)pthread_mutex_unlock(&lookup->lock);
	lookup_unref(lookup);
	return NULL;
}

static int lookup_start(struct lookup *lookup)
{
	pthread_attr_t detached;
	pthread_t thread;
	sigset_t all;
	sigset_t before;
	int rc;

	(void)pthread_attr_init(&detached);
	(void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	/* The host's signal handlers must not run in our thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	lookup->refs = 2;
	rc = pthread_create(&thread, &detached, lookup_thread, lookup);
	if (rc != 0)
		lookup->refs = 1;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&detached);
	return rc;
}

/* @return 1 and takes the result, or 0 when the deadline passed or INTERRUPT
 *         was fired */
static int lookup_wait(struct lookup *lookup, int64_t timeout_ms,
	struct tp_interrupt *interrupt, int *rc_out, struct addrinfo **list_out)
{
	int64_t deadline = tp_deadline_ms(timeout_ms);
	int left_ms = tp_deadline_left_ms(deadline);
	int done;

	(void)pthread_mutex_lock(&lookup->lock);
	while (!lookup->done && left_ms > 0 && !tp_interrupt_fired(interrupt)) {
		/* An interrupt cannot signal our condition. */
		struct timespec until = tp_deadline_timespec(tp_deadline_ms(
			left_ms < LOOKUP_SLICE_MS ? left_ms : LOOKUP_SLICE_MS));

		(void)pthread_cond_timedwait(
			&lookup->finished, &lookup->lock, &until);
		left_ms = tp_deadline_left_ms(deadline);
	}
	done = lookup->done;
	if (done) {
		*rc_out = lookup->rc;
		*list_out = lookup->list;
		lookup->list = NULL;
	}
	(void)pthread_mutex_unlock(&lookup->lock);
	return done;
}

/* The relay's own name does not exist: that is a setting to correct, while a
 * resolver in trouble is something to wait for. */
static int lookup_failed(const char *host, int rc, struct tp_error *err)
{
	if (rc == EAI_NONAME)
		return tp_fail(err, TP_ECONFIG, "host",
			"there is no host named %s (DNS); check the relay's "
			"host",
			host);
	if (rc == EAI_MEMORY)
		return tp_fail(err, TP_ENOMEM, "host",
			"no memory to look up %s", host);
	return tp_fail(err, TP_ECONNECT, "host", "cannot look up %s: %s", host,
		gai_strerror(rc));
}

static int stopped(struct tp_error *err)
{
	return tp_fail(err, TP_ECLOSED, "interrupt", "stopped");
}

static int resolve(const char *host, const char *port, int64_t timeout_ms,
	struct tp_interrupt *interrupt, struct addrinfo **list_out,
	struct tp_error *err)
{
	struct lookup *lookup;
	int rc;

	if (getaddrinfo_stream(host, port, AI_NUMERICHOST, list_out) == 0)
		return TP_OK;
	*list_out = NULL;
	lookup = lookup_new(host, port);
	if (!lookup)
		return tp_fail(err, TP_ENOMEM, "host",
			"no memory to look up %s", host);
	rc = lookup_start(lookup);
	if (rc != 0)
		rc = tp_fail(err, TP_ECONNECT, "host",
			"cannot start a thread to look up %s (error %d)", host,
			rc);
	else if (!lookup_wait(lookup, timeout_ms, interrupt, &rc, list_out))
		rc = tp_interrupt_fired(interrupt)
			     ? stopped(err)
			     : tp_fail(err, TP_ETIMEOUT, "host",
				       "looking up %s took longer than %lld ms",
				       host, (long long)timeout_ms);
	else if (rc != 0)
		rc = lookup_failed(host, rc, err);
	lookup_unref(lookup);
	return rc;
}

/* The resolver's order of preference, but with the families alternating, so
 * that one broken family costs one deadline and not one per address. */
static size_t order_addresses(
	struct addrinfo *list, const struct addrinfo **out)
{
	struct addrinfo *next[2] = { list, list };
	int first = list ? list->ai_family : AF_UNSPEC;
	size_t count = 0;
	int turn = 0;

	while (count < TP_TCP_ADDRESSES_MAX && (next[0] || next[1])) {
		struct addrinfo **at = &next[turn];

		while (*at && ((*at)->ai_family == first) != (turn == 0))
			*at = (*at)->ai_next;
		if (*at) {
			out[count++] = *at;
			*at = (*at)->ai_next;
		}
		turn = !turn;
	}
	return count;
}

static int is_loopback(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)addr;

		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	if (addr->sa_family == AF_INET6) {
		const struct in6_addr *in6 =
			&((const struct sockaddr_in6 *)(const void *)addr)
				 ->sin6_addr;

		return IN6_IS_ADDR_LOOPBACK(in6) ||
		       (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
	}
	return 0;
}

static void describe_peer(struct tp_tcp *tcp, const struct addrinfo *at)
{
	char host[INET6_ADDRSTRLEN + 20] = "?";
	char port[8] = "?";

	(void)getnameinfo(at->ai_addr, at->ai_addrlen, host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	(void)snprintf(tcp->peer, sizeof(tcp->peer),
		at->ai_family == AF_INET6 ? "[%.52s]:%.6s" : "%.52s:%.6s", host,
		port);
}

/* RFC 5321 4.1.3 */
static void describe_self(struct tp_tcp *tcp)
{
	struct sockaddr_storage self;
	socklen_t len = sizeof(self);
	char host[INET6_ADDRSTRLEN] = "127.0.0.1";

	memset(&self, 0, sizeof(self));
	(void)getsockname(tcp->fd, (struct sockaddr *)&self, &len);
	if (self.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)&self;

		(void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		(void)snprintf(
			tcp->literal, sizeof(tcp->literal), "[IPv6:%s]", host);
		return;
	}
	if (self.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&self;

		(void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
	}
	(void)snprintf(tcp->literal, sizeof(tcp->literal), "[%s]", host);
}

static int start_connect(
	struct tp_tcp *tcp, const struct addrinfo *at, struct tp_error *err)
{
	int on = 1;

	tcp->fd = socket(
		at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tcp->fd < 0)
		return tp_fail_errno(err, TP_ECONNECT, "connect",
			"cannot connect to %s", tcp->peer);
	/* Before connect(2): a wait for a socket that was shut down earlier
	 * ends at once too. */
	if (tp_interrupt_watch(tcp->interrupt, tcp->fd) < 0)
		return stopped(err);
	(void)setsockopt(tcp->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(tcp->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (connect(tcp->fd, at->ai_addr, at->ai_addrlen) == 0 ||
		errno == EINPROGRESS || errno == EINTR)
		return TP_OK;
	return tp_fail_errno(
		err, TP_ECONNECT, "connect", "cannot connect to %s", tcp->peer);
}

static int connect_one(struct tp_tcp *tcp, const struct addrinfo *at,
	int64_t timeout_ms, struct tp_error *err)
{
	int64_t deadline = tp_deadline_ms(timeout_ms);
	socklen_t len = sizeof(int);
	int failed = 0;
	int rc;

	describe_peer(tcp, at);
	rc = start_connect(tcp, at, err);
	if (rc < 0)
		return rc;
	rc = tp_tcp_wait(tcp->fd, POLLOUT, deadline, err);
	if (rc < 0)
		return rc;
	if (tp_interrupt_fired(tcp->interrupt))
		return stopped(err);
	if (rc == 0)
		return tp_fail(err, TP_ETIMEOUT, "connect",
			"cannot connect to %s: no answer within %lld ms",
			tcp->peer, (long long)timeout_ms);
	if (getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0)
		failed = errno;
	if (failed != 0) {
		errno = failed;
		return tp_fail_errno(err, TP_ECONNECT, "connect",
			"cannot connect to %s", tcp->peer);
	}
	tcp->loopback = is_loopback(at->ai_addr);
	describe_self(tcp);
	return TP_OK;
}

int tp_tcp_connect(const char *host, int64_t port, int64_t timeout_ms,
	struct tp_interrupt *interrupt, struct tp_tcp *tcp_out,
	enum tp_step *step_out, struct tp_error *err)
{
	const struct addrinfo *order[TP_TCP_ADDRESSES_MAX];
	struct addrinfo *list = NULL;
	char port_text[8];
	size_t count;
	size_t i;
	int rc;

	memset(tcp_out, 0, sizeof(*tcp_out));
	tcp_out->fd = -1;
	tcp_out->interrupt = interrupt;
	*step_out = TP_STEP_RESOLVE;
	if (tp_interrupt_fired(interrupt))
		return stopped(err);
	(void)snprintf(
		port_text, sizeof(port_text), "%d", (int)(port & 0xffff));
	rc = resolve(host, port_text, timeout_ms, interrupt, &list, err);
	if (rc < 0)
		return rc;
	*step_out = TP_STEP_CONNECT;
	count = order_addresses(list, order);
	rc = TP_ECONNECT;
	for (i = 0; i < count && rc < 0 && rc != TP_ECLOSED; i++) {
		/* Only the last address's failure is told. */
		tp_error_clear(err);
		rc = connect_one(tcp_out, order[i], timeout_ms, err);
		if (rc < 0)
			tp_tcp_close(tcp_out);
	}
	if (count == 0)
		rc = tp_fail(
			err, TP_ECONNECT, "host", "%s has no address", host);
	freeaddrinfo(list);
	return rc;
}

void tp_tcp_close(struct tp_tcp *tcp)
{
	if (tcp->fd < 0)
		return;
	tp_interrupt_unwatch(tcp->interrupt);
	(void)close(tcp->fd);
	tcp->fd = -1;
}

int tp_tcp_wait(
	int fd, short events, int64_t deadline_mono_ms, struct tp_error *err)
{
	struct pollfd poller = { .fd = fd, .events = events };

	for (;;) {
		int rc =
			poll(&poller, 1, tp_deadline_left_ms(deadline_mono_ms));

		if (rc > 0)
			return 1;
		if (rc < 0 && errno != EINTR)
			return tp_fail_errno(err, TP_EIO, "socket", "poll");
		if (tp_deadline_left_ms(deadline_mono_ms) == 0)
			return 0;
	}
}

int tp_tcp_read(
	int fd, void *out, size_t len, short *events_out, struct tp_error *err)
{
	ssize_t got;

	if (len > INT_MAX)
		len = INT_MAX;
	do {
		got = recv(fd, out, len, 0);
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		return (int)got;
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		*events_out = POLLIN;
		return 0;
	}
	if (got == 0)
		return tp_fail(err, TP_ECLOSED, "socket",
			"the server closed the connection");
	return tp_fail_errno(
		err, TP_ECLOSED, "socket", "the connection was lost");
}

int tp_tcp_write(int fd, const void *data, size_t len, short *events_out,
	struct tp_error *err)
{
	ssize_t sent;

	if (len > INT_MAX)
		len = INT_MAX;
	do {
		sent = send(fd, data, len, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (int)sent;
	if (errno == EAGAIN || errno == EWOULDBLOCK) {
		*events_out = POLLOUT;
		return 0;
	}
	return tp_fail_errno(
		err, TP_ECLOSED, "socket", "the connection was lost");
}
