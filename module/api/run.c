/*
 * run.c - delivery in the foreground
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"
#include "api/handle.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define LOOK_MS 50
#define STOP_GRACE_MS 10000

static int nothing_waits(tillpost_handle *handle, struct tp_error *err)
{
	struct tp_queue_stats stats;
	int rc = handle->queue->ops->stats(handle->queue, &stats, err);

	if (rc < 0)
		return rc;
	return stats.queued + stats.leased + stats.in_doubt == 0;
}

/* @return 1: the caller's condition holds; 0: not yet */
static int finished(
	tillpost_handle *handle, uint32_t flags, struct tp_error *err)
{
	int rc = 0;

	if (flags & TILLPOST_RUN_UNTIL_EMPTY)
		rc = nothing_waits(handle, err);
	if (rc == 0 && (flags & TILLPOST_RUN_DUE_ONLY))
		rc = tp_engine_idle(handle->engine, err);
	return rc;
}

/* @return 1: stop() was called */
static int stopped_within(tillpost_handle *handle, int wait_ms)
{
	struct pollfd fd = { handle->stop_pipe[0], POLLIN, 0 };
	char byte;

	if (poll(&fd, 1, wait_ms) <= 0)
		return 0;
	while (read(handle->stop_pipe[0], &byte, 1) == 1)
		continue;
	return 1;
}

static int wait_until(tillpost_handle *handle,
	const struct tillpost_run_options *options, struct tp_error *err)
{
	int64_t deadline = options->max_ms > 0 ? tp_deadline_ms(options->max_ms)
					       : INT64_MAX;

	while (tp_deadline_left_ms(deadline) > 0) {
		int rc;

		if (stopped_within(handle, LOOK_MS))
			return TP_OK;
		rc = finished(handle, options->flags, err);
		if (rc != 0)
			return rc < 0 ? rc : TP_OK;
	}
	return TP_OK;
}

int32_t tp_api_run(tillpost_handle *handle,
	const struct tillpost_run_options *options, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct tillpost_run_options known;
	int rc = tp_handle_usable(handle, &detail);

	TP_ABI_READ(&known, options);
	if (rc >= 0)
		rc = tp_engine_start(handle->engine, &detail);
	if (rc < 0)
		return tp_abi_error(err, rc, &detail);
	rc = wait_until(handle, &known, &detail);
	tp_engine_stop(handle->engine, STOP_GRACE_MS);
	return tp_abi_error(err, rc, &detail);
}

void tp_api_stop(tillpost_handle *handle)
{
	int saved = errno; /* a signal handler may be calling */

	/* A full pipe means that a stop is already waiting. In a forked child
	 * the pipe is the parent's. */
	if (handle && handle->pid == getpid() &&
		write(handle->stop_pipe[1], "", 1) < 0)
		errno = saved;
}
