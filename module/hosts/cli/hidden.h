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

/* Reads once, what is there by now; it must not wait for more.
 * @param anew what was read before is to be forgotten
 * @return 1: the line is complete; 0: more is to come; < 0: failed */
typedef int32_t tp_hidden_read_fn(
	void *ctx, int anew, struct tillpost_error *err);

/* Shows PROMPT on standard error and calls TAKE whenever the terminal FD (one
 * of the standard ones) has something, until the line is complete. In the
 * background that waits, stopped, until it is in the foreground.
 * @return TILLPOST_OK; what TAKE returned, if < 0; TILLPOST_EIO: no terminal,
 *         one that others use, or ended by a signal that the program handles
 *         itself */
int32_t tp_hidden(int fd, const char *prompt, tp_hidden_read_fn *take,
	void *ctx, struct tillpost_error *err);

#endif
