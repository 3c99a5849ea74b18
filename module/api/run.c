/*
 * run.c - delivery: what starts and stops together, and in the foreground
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

/* ---- together ----------------------------------------------------------- */

/* The lock is held, and nobody delivers here yet. */
static int start_intake(tillpost_handle *handle, struct tp_error *err)
{
	struct tp_error found = TP_ERROR_INIT;
	int rc = tp_spool_intake_go(handle->intake, err);

	if (rc < 0)
		return rc;
	/* Mail goes out also where nobody can ask what became of it. */
	if (tp_handle_query_start(handle, &found) < 0)
		tp_handle_log(handle, TILLPOST_LOG_WARNING, "query-server",
			found.text);
	return TP_OK;
}

static void stop_intake(tillpost_handle *handle)
{
	if (!handle->intake)
		return;
	tp_handle_query_stop(handle);
	tp_spool_intake_halt(handle->intake);
}

int tp_delivery_start(tillpost_handle *handle, struct tp_error *err)
{
	int rc = TP_OK;

	(void)pthread_mutex_lock(&handle->delivery_lock);
	/* Before the engine: it forgets what it has delivered. */
	if (handle->intake && handle->delivery_count == 0)
		rc = tp_spool_intake_reconcile(handle->intake, err);
	if (rc >= 0)
		rc = tp_engine_start(handle->engine, err);
	if (rc >= 0 && handle->intake && handle->delivery_count == 0) {
		rc = start_intake(handle, err);
		if (rc < 0)
			tp_engine_stop(handle->engine, 0);
	}
	if (rc >= 0)
		handle->delivery_count++;
	(void)pthread_mutex_unlock(&handle->delivery_lock);
	return rc;
}

void tp_delivery_stop(tillpost_handle *handle, int64_t grace_ms)
{
	(void)pthread_mutex_lock(&handle->delivery_lock);
	if (handle->delivery_count > 0 && --handle->delivery_count == 0)
		stop_intake(handle);
	tp_engine_stop(handle->engine, grace_ms);
	(void)pthread_mutex_unlock(&handle->delivery_lock);
}

void tp_delivery_shutdown(tillpost_handle *handle, int64_t grace_ms)
{
	(void)pthread_mutex_lock(&handle->delivery_lock);
	handle->delivery_count = 0;
	stop_intake(handle);
	(void)pthread_mutex_unlock(&handle->delivery_lock);
	tp_engine_shutdown(handle->engine, grace_ms);
}

/* ---- in the foreground -------------------------------------------------- */

static int nothing_waits(tillpost_handle *handle, struct tp_error *err)
{
	struct tp_queue_stats stats;
	int rc;

	/* First the spool: what leaves it is in the queue then. */
	if (handle->intake && !tp_spool_intake_idle(handle->intake))
		return 0;
	rc = handle->queue->ops->stats(handle->queue, &stats, err);
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
	if (rc == 0 && (flags & TILLPOST_RUN_DUE_ONLY) &&
		(!handle->intake || tp_spool_intake_idle(handle->intake)))
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
	int left_ms;

	while ((left_ms = tp_deadline_left_ms(deadline)) > 0) {
		/* Without flags there is nothing to look for. */
		int wait_ms = options->flags ? LOOK_MS : left_ms;
		int rc;

		if (stopped_within(handle, wait_ms))
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
	int rc = tp_handle_sender(handle, &detail);

	TP_ABI_READ(&known, options);
	if (rc >= 0)
		rc = tp_delivery_start(handle, &detail);
	if (rc < 0)
		return tp_abi_error(err, rc, &detail);
	rc = wait_until(handle, &known, &detail);
	tp_delivery_stop(handle, STOP_GRACE_MS);
	return tp_abi_error(err, rc, &detail);
}

void tp_api_stop(tillpost_handle *handle)
{
	int saved = errno; /* a signal handler may be calling */

	/* A full pipe means that a stop is already waiting. In a forked child
	 * the pipe is the parent's. */
	if (handle && !handle->submit && handle->pid == getpid() &&
		write(handle->stop_pipe[1], "", 1) < 0)
		errno = saved;
}
