/*
 * socket_address.h - the name of a socket in a directory
 *
 * JOB     A socket's address has room for 107 bytes, a directory's path may be
 *         longer. Then the socket is named through an open descriptor.
 * LAYER   adapters; libc. Needs /proc for long paths.
 * THREADS any.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_SOCKET_ADDRESS_H
#define TP_ADAPTERS_SOCKET_ADDRESS_H

#include <sys/un.h>

/* Names NAME (short) in DIRECTORY, to which FROM_FD leads from the directory
 * of which FD is a descriptor: "" is that one itself. The address is good as
 * long as FD is open. */
void tp_socket_address(const char *directory, int fd, const char *from_fd,
	const char *name, struct sockaddr_un *address_out);

#endif
