/*
 * hidden.h - a line that is not shown while it is typed
 *
 * JOB     Switches a terminal's echo off, waits until there is a line to be
 *         read, and switches it on again, whatever ends the waiting. A signal
 *         acts at once, as it would without us, but on a terminal that shows
 *         again what is typed. After a stop (Ctrl-Z) the waiting begins anew.
 * LAYER   hosts; libc.
 * THREADS main() only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_HIDDEN_H
#define TP_HOSTS_CLI_HIDDEN_H

#include <tillpost/abi.h>

/* Reads what is there of a line; < 0 is handed through. */
typedef int32_t tp_hidden_read_fn(void *ctx, struct tillpost_error *err);

/* Shows PROMPT on standard error and calls READ when the terminal FD (one of
 * the standard ones) has a line.
 * @return what READ returned; TILLPOST_EIO: no terminal, or ended by a signal
 *         that the program handles itself */
int32_t tp_hidden(int fd, const char *prompt, tp_hidden_read_fn *read,
	void *ctx, struct tillpost_error *err);

#endif
