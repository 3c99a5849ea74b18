/*
 * socket_address.c - the name of a socket in a directory
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/socket_address.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

void tp_socket_address(const char *directory, int fd, const char *from_fd,
	const char *name, struct sockaddr_un *address_out)
{
	char *path = address_out->sun_path;
	size_t bytes = sizeof(address_out->sun_path);
	int len;

	memset(address_out, 0, sizeof(*address_out));
	address_out->sun_family = AF_UNIX;
	len = snprintf(path, bytes, "%s/%s", directory, name);
	if (len < 0 || (size_t)len >= bytes)
		(void)snprintf(path, bytes, "/proc/self/fd/%d/%s%s", fd,
			from_fd, name);
}
