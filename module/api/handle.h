/*
 * handle.h - what a host's handle holds
 *
 * JOB     The composition root: configuration, queue, transport, outcome file
 *         and engine of one handle. Shared by the files of this folder only.
 * LAYER   api.
 * THREADS `lock` guards config; the rest is set at open.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_HANDLE_H
#define TP_API_HANDLE_H

#include <tillpost/abi.h>

#include "adapters/config_file.h"
#include "adapters/outcome_file.h"
#include "core/engine.h"
#include "core/message.h"
#include "core/queue.h"
#include "core/route.h"

#include <pthread.h>
#include <sys/types.h>

struct tillpost_handle {
	pid_t pid;
	uint32_t flags;
	struct tillpost_host host; /* copied; zeroes where the host has none */
	struct tp_clock clock;
	char *config_path;
	pthread_mutex_t lock;
	pthread_mutex_t change_lock; /* one reload or settings_set at a time */
	struct tp_config *config;
	struct tp_queue *queue;
	struct tp_transport *transport;
	struct tp_outcome_file *outcome_file; /* NULL: database only */
	struct tp_outcome_sink sink;
	struct tp_engine *engine;
	int stop_pipe[2];
};

/* ---- handle.c ----------------------------------------------------------- */

int32_t tp_api_open(const struct tillpost_open_options *options,
	tillpost_handle **handle_out, struct tillpost_error *err);
void tp_api_close(tillpost_handle **handle);
int32_t tp_api_reload(tillpost_handle *handle, struct tillpost_error *err);
int32_t tp_api_check(const char *config_path, const struct tillpost_host *host,
	tillpost_finding_fn *finding, void *ctx, struct tillpost_error *err);

/* Loads the configuration again; old one stays on error. */
int tp_handle_reload(tillpost_handle *handle, struct tp_error *err);
/* A reference to the current configuration. */
struct tp_config *tp_handle_config(tillpost_handle *handle);
struct tp_config_source tp_handle_source(tillpost_handle *handle);
/* TP_EINVAL for NULL, TP_ESTATE in a forked child. */
int tp_handle_usable(const tillpost_handle *handle, struct tp_error *err);
void tp_handle_log(tillpost_handle *handle, int32_t level, const char *event,
	const char *text);

/* ---- submit.c ----------------------------------------------------------- */

int32_t tp_api_submit(tillpost_handle *handle,
	const struct tillpost_message *message,
	struct tillpost_receipt *receipt, struct tillpost_error *err);

/* A message on its way in: what route_explain() shows and submit() stores.
 * @owns the caller: tp_intake_free() */
struct tp_intake {
	struct tp_config *config;
	struct tp_route route;
	struct tp_message message;
};
int tp_intake_make(tillpost_handle *handle,
	const struct tillpost_message *message, struct tp_intake *intake_out,
	struct tp_error *err) TP_USE_RESULT;
void tp_intake_free(struct tp_intake *intake);

/* ---- run.c -------------------------------------------------------------- */

int32_t tp_api_run(tillpost_handle *handle,
	const struct tillpost_run_options *options, struct tillpost_error *err);
void tp_api_stop(tillpost_handle *handle);

/* ---- queries.c ---------------------------------------------------------- */

int32_t tp_api_status(tillpost_handle *handle, struct tillpost_status *status,
	tillpost_relay_status_fn *relay, void *ctx, struct tillpost_error *err);
int32_t tp_api_queue_list(tillpost_handle *handle,
	const struct tillpost_queue_filter *filter, tillpost_queue_fn *entry,
	void *ctx, struct tillpost_error *err);
int32_t tp_api_queue_action(tillpost_handle *handle, int32_t action,
	const char *queue_id, struct tillpost_error *err);
int32_t tp_api_outcomes(tillpost_handle *handle,
	const struct tillpost_outcome_filter *filter,
	tillpost_outcome_fn *outcome, void *ctx, struct tillpost_error *err);

/* ---- settings_calls.c --------------------------------------------------- */

int32_t tp_api_settings_schema(tillpost_handle *handle,
	tillpost_setting_fn *setting, void *ctx, struct tillpost_error *err);
int32_t tp_api_settings_get(tillpost_handle *handle, const char *key,
	tillpost_value_fn *value, void *ctx, struct tillpost_error *err);
int32_t tp_api_settings_set(tillpost_handle *handle, const char *key,
	const char *value, struct tillpost_error *err);

/* ---- explain.c ---------------------------------------------------------- */

int32_t tp_api_route_explain(tillpost_handle *handle,
	const struct tillpost_message *message, tillpost_route_fn *fact,
	void *ctx, struct tillpost_error *err);
int32_t tp_api_test_send(tillpost_handle *handle,
	const struct tillpost_test_options *options, tillpost_step_fn *step,
	void *ctx, struct tillpost_receipt *receipt,
	struct tillpost_error *err);

#endif
