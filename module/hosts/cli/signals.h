/*
 * signals.h - what must not be cut short
 *
 * JOB     Holds the signals by which somebody ends a command, while files are
 *         put in place that belong together. They act when they are let go:
 *         the command then ends, with all of it there or none.
 * LAYER   hosts; libc.
 * THREADS main() only; threads that are started meanwhile inherit the mask.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_SIGNALS_H
#define TP_HOSTS_CLI_SIGNALS_H

#include <signal.h>

/* Those that end a command from outside: SIGINT, SIGTERM, SIGHUP, SIGQUIT. */
void tp_signals_ending(sigset_t *set_out);

/* Holds them, and SIGPIPE: output that nobody reads must not stop it either.
 * @param before what tp_signals_release() restores */
void tp_signals_hold(sigset_t *before_out);
void tp_signals_release(const sigset_t *before);

#endif
