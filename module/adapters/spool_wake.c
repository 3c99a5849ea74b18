/*
 * spool_wake.c - "look now": one datagram to whoever takes in
 *
 * It only saves waiting: who misses it finds the file at the next scan. So
 * nothing here is an error.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/socket_address.h"
#include "adapters/spool_private.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void tp_spool_wake_send(const char *spool, int dir_fd)
{
	struct sockaddr_un to;
	int fd;

	tp_socket_address(spool, dir_fd, "../", TP_SPOOL_WAKE, &to);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, "w", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&to, sizeof(to));
	(void)close(fd);
}

int tp_spool_wake_listen(const char *spool, int spool_fd)
{
	struct sockaddr_un at;
	int fd;

	tp_socket_address(spool, spool_fd, "", TP_SPOOL_WAKE, &at);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	/* The lock is held, so what is there is a dead process's. */
	(void)unlinkat(spool_fd, TP_SPOOL_WAKE, 0);
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
		fchmodat(spool_fd, TP_SPOOL_WAKE, 0666, 0) == 0)
		return fd;
	(void)close(fd);
	return -1;
}
