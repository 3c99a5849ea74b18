/*
 * probe_tcp.h - can a port be reached?
 *
 * JOB     Looks a host name up and tries several ports of it at the same
 *         time, so that a firewall that swallows packets costs one deadline
 *         and not one per port.
 * BOUNDS  TP_PROBE_PORTS_MAX ports, four addresses; a deadline.
 * LAYER   hosts; libc.
 * THREADS safe. The look-up waits as long as the system's resolver does.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_PROBE_TCP_H
#define TP_HOSTS_CLI_PROBE_TCP_H

#include <stddef.h>

#define TP_PROBE_PORTS_MAX 8
#define TP_PROBE_TEXT_BYTES 256

struct addrinfo;

struct tp_probe_port {
	int port;
	int open;
	int error; /* errno of the last address; ETIMEDOUT: no answer */
};

/* @owns the caller, freeaddrinfo()
 * @param text_out the addresses, or why there are none
 * @return 0 or -1 */
int tp_probe_resolve(const char *host, struct addrinfo **list_out,
	char text_out[TP_PROBE_TEXT_BYTES]);

/* Fills in `open` and `error` of each. */
void tp_probe_ports(const struct addrinfo *list, struct tp_probe_port *ports,
	size_t count, int timeout_ms);

/* @return a connected, blocking socket, or -1 with errno */
int tp_probe_connect(const struct addrinfo *list, int port, int timeout_ms);

#endif
