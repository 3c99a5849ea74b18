/*
 * probe_tcp.c - can a port be reached?
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/probe_tcp.h"

#include "common/when.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESSES_MAX 4
#define ATTEMPTS_MAX (TP_PROBE_PORTS_MAX * ADDRESSES_MAX)

static void add_address(const struct addrinfo *at, char *text, size_t size)
{
	char name[INET6_ADDRSTRLEN] = "";
	size_t used = strlen(text);

	if (getnameinfo(at->ai_addr, at->ai_addrlen, name, sizeof(name), NULL,
		    0, NI_NUMERICHOST) == 0)
		(void)snprintf(text + used, size - used, "%s%s",
			used ? ", " : "", name);
}

int tp_probe_resolve(const char *host, struct addrinfo **list_out,
	char text_out[TP_PROBE_TEXT_BYTES])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct addrinfo *at;
	int rc = getaddrinfo(host, NULL, &hints, list_out);

	text_out[0] = '\0';
	if (rc != 0) {
		*list_out = NULL;
		(void)snprintf(
			text_out, TP_PROBE_TEXT_BYTES, "%s", gai_strerror(rc));
		return -1;
	}
	for (at = *list_out; at; at = at->ai_next)
		add_address(at, text_out, TP_PROBE_TEXT_BYTES);
	return 0;
}

/* @return a socket that is connecting or connected, or -1 with errno */
static int begin(const struct addrinfo *at, int port)
{
	struct sockaddr_storage address;
	int fd = socket(at->ai_family, SOCK_STREAM, 0);
	int saved;

	if (fd < 0 || at->ai_addrlen > sizeof(address))
		return -1;
	memcpy(&address, at->ai_addr, at->ai_addrlen);
	if (at->ai_family == AF_INET)
		((struct sockaddr_in *)(void *)&address)->sin_port =
			htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)(void *)&address)->sin6_port =
			htons((uint16_t)port);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
		fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
		(connect(fd, (struct sockaddr *)(void *)&address,
			 at->ai_addrlen) == 0 ||
			errno == EINPROGRESS))
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

struct attempts {
	struct pollfd polls[ATTEMPTS_MAX];
	struct tp_probe_port *port[ATTEMPTS_MAX];
	size_t count;
	int keep; /* 1: the first connected socket is kept */
	int kept;
};

static void begin_all(struct attempts *attempts, const struct addrinfo *list,
	struct tp_probe_port *ports, size_t count)
{
	const struct addrinfo *at;
	size_t addresses = 0;
	size_t i;

	for (at = list; at && addresses < ADDRESSES_MAX; at = at->ai_next) {
		if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
			continue;
		addresses++;
		for (i = 0; i < count && i < TP_PROBE_PORTS_MAX; i++) {
			int fd = begin(at, ports[i].port);

			if (fd < 0) {
				ports[i].error = errno;
				continue;
			}
			attempts->polls[attempts->count] =
				(struct pollfd) { .fd = fd, .events = POLLOUT };
			attempts->port[attempts->count++] = &ports[i];
		}
	}
}

static void finish_one(struct attempts *attempts, size_t i)
{
	struct pollfd *poll_fd = &attempts->polls[i];
	struct tp_probe_port *port = attempts->port[i];
	socklen_t size = sizeof(int);
	int error = 0;

	if (getsockopt(poll_fd->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error == 0)
		port->open = 1;
	else
		port->error = error;
	if (error == 0 && attempts->keep && attempts->kept < 0)
		attempts->kept = poll_fd->fd;
	else
		(void)close(poll_fd->fd);
	poll_fd->fd = -1; /* poll() leaves it out */
}

static int left_open(const struct attempts *attempts)
{
	size_t i;

	for (i = 0; i < attempts->count; i++)
		if (attempts->polls[i].fd >= 0 && !attempts->port[i]->open)
			return 1;
	return 0;
}

static void wait_all(struct attempts *attempts, int timeout_ms)
{
	int64_t end_ms = tp_when_now_ms() + timeout_ms;
	size_t i;

	while (left_open(attempts)) {
		int64_t left_ms = end_ms - tp_when_now_ms();

		if (left_ms <= 0 || poll(attempts->polls, attempts->count,
					    (int)left_ms) == 0)
			break;
		for (i = 0; i < attempts->count; i++)
			if (attempts->polls[i].fd >= 0 &&
				attempts->polls[i].revents)
				finish_one(attempts, i);
	}
	for (i = 0; i < attempts->count; i++) {
		if (attempts->polls[i].fd < 0)
			continue;
		attempts->port[i]->error = ETIMEDOUT;
		(void)close(attempts->polls[i].fd);
	}
}

void tp_probe_ports(const struct addrinfo *list, struct tp_probe_port *ports,
	size_t count, int timeout_ms)
{
	struct attempts attempts = { .count = 0 };

	begin_all(&attempts, list, ports, count);
	wait_all(&attempts, timeout_ms);
}

int tp_probe_connect(const struct addrinfo *list, int port, int timeout_ms)
{
	struct tp_probe_port one = { .port = port };
	struct attempts attempts = { .keep = 1, .kept = -1 };

	begin_all(&attempts, list, &one, 1);
	wait_all(&attempts, timeout_ms);
	if (attempts.kept < 0)
		errno = one.error;
	else
		(void)fcntl(attempts.kept, F_SETFL, 0);
	return attempts.kept;
}
