/*
 * query_address.h - the name of a socket in the spool
 *
 * JOB     Names the socket that answers, also where the spool's path is long
 *         (socket_address.h), and connects to it.
 * LAYER   adapters; libc. Needs /proc for long paths.
 * THREADS any.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_QUERY_ADDRESS_H
#define TP_ADAPTERS_QUERY_ADDRESS_H

#include "base/err.h"

#include <sys/socket.h>
#include <sys/un.h>

#define TP_QUERY_SOCKET "query"

/* @return a descriptor of the directory, fit for naming what is in it (no
 *         more); negative: errno says why. @owns caller */
int tp_query_directory(const char *spool);

/* Names NAME (short) in SPOOL, of which DIRECTORY is a descriptor. The address
 * is good as long as DIRECTORY is open. */
void tp_query_address(const char *spool, int directory, const char *name,
	struct sockaddr_un *address_out);

/* Connects without waiting.
 * @return a socket (@owns caller); negative: errno says why, EAGAIN: the
 *         listener has no room just now */
int tp_query_connect(const struct sockaddr_un *address);

#endif
