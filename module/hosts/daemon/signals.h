/*
 * signals.h - what the daemon is asked to do by signals
 *
 * JOB     SIGTERM, SIGINT  stop: run() returns, and from this instant a
 *                          deadline runs. Once more ends the process at once
 *                          with 128 + the signal, which is safe: all that was
 *                          accepted is on the disk.
 *         SIGHUP           read the configuration again
 *         SIGUSR1          write the status to the log
 *         SIGPIPE          ignored
 *         Handlers only note what is wanted and call the plugin's stop(),
 *         which wakes run(); the work is done by whoever called run().
 * LAYER   hosts/daemon; libc, hosts/common, <tillpost/abi.h>.
 * THREADS main(). Signals belong to a process: what the handlers need is in
 *         the one variable of this module.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_DAEMON_SIGNALS_H
#define TP_DAEMON_SIGNALS_H

#include <tillpost/abi.h>

/* Before any other thread starts.
 * @param stop_timeout_ms  after the first request to stop
 * @param too_late         called with CTX, on a thread of its own, when that
 *                         time is over
 * @return 0, TILLPOST_EIO */
int32_t tp_signals_install(int64_t stop_timeout_ms, void (*too_late)(void *ctx),
	void *ctx, struct tillpost_error *err);

/* What stop() is called with; NULL: nothing. What was asked for before is only
 * noted: look at it once after this. */
void tp_signals_target(const struct tillpost_api *api, tillpost_handle *handle);

/* The process ends now by itself: the deadline does not count any more. */
void tp_signals_in_time(void);

/* @return the signal that asked to stop, or 0 */
int tp_signals_stop(void);
/* @return 1 once for one or more requests */
int tp_signals_take_reload(void);
int tp_signals_take_status(void);

#endif
