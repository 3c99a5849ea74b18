/*
 * query_address.c - the name of a socket in the spool
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* O_PATH */
#include "adapters/query_address.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int tp_query_directory(const char *spool)
{
	return open(spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int tp_query_connect(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;
	int why;

	if (fd < 0)
		return -1;
	do
		rc = connect(
			fd, (const struct sockaddr *)address, sizeof(*address));
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return fd;
	why = errno;
	(void)close(fd);
	errno = why;
	return -1;
}
