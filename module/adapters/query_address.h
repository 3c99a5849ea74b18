/*
 * query_address.h - the name of a socket in the spool
 *
 * JOB     The name of the socket that answers, of which socket_address.h makes
 *         an address, and connecting to it.
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

/* Connects without waiting.
 * @return a socket (@owns caller); negative: errno says why, EAGAIN: the
 *         listener has no room just now */
int tp_query_connect(const struct sockaddr_un *address);

#endif
