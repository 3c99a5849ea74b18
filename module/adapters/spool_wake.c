/*
 * spool_wake.c - "look now": one datagram to whoever takes in
 *
 * It only saves waiting: who misses it finds the file at the next scan. So
 * nothing here is an error.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The address has 108 bytes, a path may have 4,095. A longer one is reached
 * through the descriptor FD, from which FROM_FD leads to the spool.
 * @return 0, or -1: too long all the same */
static int make_address(struct sockaddr_un *address, const char *spool, int fd,
	const char *from_fd)
{
	char *path = address->sun_path;
	size_t bytes = sizeof(address->sun_path);
	int len;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	len = snprintf(path, bytes, "%s/" TP_SPOOL_WAKE, spool);
	if (len > 0 && (size_t)len < bytes)
		return 0;
	len = snprintf(
		path, bytes, "/proc/self/fd/%d/%s" TP_SPOOL_WAKE, fd, from_fd);
	return len > 0 && (size_t)len < bytes ? 0 : -1;
}

void tp_spool_wake_send(const char *spool, int dir_fd)
{
	struct sockaddr_un to;
	int fd;

	if (make_address(&to, spool, dir_fd, "../") < 0)
		return;
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

	if (make_address(&at, spool, spool_fd, "") < 0)
		return -1;
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
