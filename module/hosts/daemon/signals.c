/*
 * signals.c - what the daemon is asked to do by signals
 *
 * SPDX-License-Identifier: MIT
 */
#include "daemon/signals.h"

#include "common/report.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define SIGNAL_EXIT_BASE 128

/* Some parents send SIGTERM to the process and to its group: that is one
 * request and not two. */
#define SAME_REQUEST_MS 200

static struct {
	volatile sig_atomic_t stop;
	volatile sig_atomic_t reload;
	volatile sig_atomic_t status;
	int64_t stop_ms; /* when; only the handler looks at it */
	timer_t deadline;
	struct itimerspec deadline_after;
	const struct tillpost_api *api;
	_Atomic(tillpost_handle *) handle;
	void (*too_late)(void *ctx);
	void *too_late_ctx;
} wanted;

/* ---- in the handlers: async-signal-safe calls only ---------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wake(void)
{
	tillpost_handle *handle = atomic_load(&wanted.handle);

	if (handle)
		wanted.api->stop(handle);
}

static void on_stop(int number)
{
	int saved = errno;

	if (!wanted.stop) {
		wanted.stop_ms = now_ms();
		wanted.stop = number;
		(void)timer_settime(
			wanted.deadline, 0, &wanted.deadline_after, NULL);
		wake();
	} else if (now_ms() - wanted.stop_ms > SAME_REQUEST_MS) {
		_exit(SIGNAL_EXIT_BASE + number);
	}
	errno = saved;
}

static void on_other(int number)
{
	int saved = errno;

	if (number == SIGHUP)
		wanted.reload = 1;
	else
		wanted.status = 1;
	wake();
	errno = saved;
}

/* ---- outside ------------------------------------------------------------ */

static void on_deadline(union sigval value)
{
	(void)value;
	wanted.too_late(wanted.too_late_ctx);
}

static int make_deadline(int64_t ms)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD };

	event.sigev_notify_function = on_deadline;
	/* A timer that is set to zero would never end. */
	wanted.deadline_after.it_value.tv_sec = (time_t)(ms / 1000);
	wanted.deadline_after.it_value.tv_nsec =
		ms > 0 ? (long)(ms % 1000) * 1000000 : 1;
	return timer_create(CLOCK_MONOTONIC, &event, &wanted.deadline);
}

static int handle_signal(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler,
		.sa_flags = SA_RESTART };

	/* One handler does not interrupt the other. */
	(void)sigfillset(&action.sa_mask);
	return sigaction(number, &action, NULL);
}

/* They may have been blocked by whoever started us. */
static void let_in(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int32_t tp_signals_install(int64_t stop_timeout_ms, void (*too_late)(void *ctx),
	void *ctx, struct tillpost_error *err)
{
	wanted.too_late = too_late;
	wanted.too_late_ctx = ctx;
	if (make_deadline(stop_timeout_ms) < 0)
		return tp_report_set_errno(
			err, TILLPOST_EIO, "", "no timer for stopping");
	if (handle_signal(SIGTERM, on_stop) < 0 ||
		handle_signal(SIGINT, on_stop) < 0 ||
		handle_signal(SIGHUP, on_other) < 0 ||
		handle_signal(SIGUSR1, on_other) < 0 ||
		handle_signal(SIGPIPE, SIG_IGN) < 0)
		return tp_report_set_errno(
			err, TILLPOST_EIO, "", "cannot handle signals");
	let_in();
	return TILLPOST_OK;
}

void tp_signals_target(const struct tillpost_api *api, tillpost_handle *handle)
{
	/* A handler that finds a handle finds its functions too: they are set
	 * first, and stay. */
	if (api)
		wanted.api = api;
	atomic_store(&wanted.handle, handle);
}

void tp_signals_in_time(void)
{
	const struct itimerspec never = { .it_value = { 0, 0 } };

	(void)timer_settime(wanted.deadline, 0, &never, NULL);
}

int tp_signals_stop(void)
{
	return wanted.stop;
}

static int take(volatile sig_atomic_t *flag)
{
	int was = *flag;

	/* A signal in between is served by what follows the call. */
	*flag = 0;
	return was;
}

int tp_signals_take_reload(void)
{
	return take(&wanted.reload);
}

int tp_signals_take_status(void)
{
	return take(&wanted.status);
}
