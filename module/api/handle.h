/*
 * handle.h - what a host's handle holds
 *
 * JOB     The composition root: configuration, queue, transport, outcome file,
 *         engine and spool intake of one handle; in the role submit only the
 *         configuration. Shared by the files of this folder only.
 * LAYER   api.
 * THREADS `lock` guards config, `delivery_lock` who delivers; the rest is set
 *         at open. The role submit uses none of the mutexes (role_submit.c).
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_HANDLE_H
#define TP_API_HANDLE_H

#include <tillpost/abi.h>

#include "adapters/config_file.h"
#include "adapters/outcome_file.h"
#include "api/users.h"
#include "core/engine.h"
#include "core/message.h"
#include "core/queue.h"
#include "core/route.h"

#include <pthread.h>
#include <sys/types.h>

struct tp_spool_intake;
struct tp_submit_role;
struct tp_query_server;
struct tp_query_answerer;
struct tp_relay_list;

struct tillpost_handle {
	pid_t pid;
	int32_t role; /* TILLPOST_ROLE_* */
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
	/* Until then no daemon is kicked: it did not answer in time. */
	_Atomic int64_t kick_after_mono_ms;
	pthread_mutex_t delivery_lock;
	unsigned delivery_count;	/* starts without their stop */
	struct tp_spool_intake *intake; /* NULL unless OPEN_INTAKE */
	/* query_answer.c's; NULL: none */
	struct tp_query_server *query_server;
	struct tp_query_answerer *query_answerer;
	struct tp_queue *query_queue;  /* the same queue, for answers */
	struct tp_submit_role *submit; /* NULL unless the role is submit; then
					* config to engine are not used */
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
/* TP_EINVAL for NULL, TP_ESTATE in a forked child, except for the role submit,
 * which may be used there. */
int tp_handle_usable(const tillpost_handle *handle, struct tp_error *err);
/* As above, and TP_EPERM in the role submit. */
int tp_handle_embedded(const tillpost_handle *handle, struct tp_error *err);
/* As above, and TP_EPERM without the secrets that it takes to log in. */
int tp_handle_sender(const tillpost_handle *handle, struct tp_error *err);
/* The spool of this handle. @return NULL if out of memory. @owns caller,
 * tp_free() */
char *tp_handle_spool(tillpost_handle *handle);
void tp_handle_log(tillpost_handle *handle, int32_t level, const char *event,
	const char *text);

/* ---- submit.c ----------------------------------------------------------- */

int32_t tp_api_submit(tillpost_handle *handle,
	const struct tillpost_message *message,
	struct tillpost_receipt *receipt, struct tillpost_error *err);

/* ---- intake.c ----------------------------------------------------------- */

/* Under which circumstances a message comes in. */
struct tp_intake_context {
	/* Borrowed. If it is partial, stores are not known: there is no route,
	 * and the policy only checks, by the limits of its store "default". */
	struct tp_config *config;
	const struct tp_clock *clock; /* for Date and the times in the queue */
	const char *message_id;	      /* for a message without one; NULL: new */
	/* Who submits; asked only for a store that is not for everybody.
	 * NULL: may use every store. */
	int (*user)(
		void *user_ctx, struct tp_user *user_out, struct tp_error *err);
	void *user_ctx;
	/* The system knows no name for who submits, and the store admits users
	 * by name: not now, instead of refused, for the directory of users may
	 * just not be there. */
	int nameless_waits;
};

/* A message on its way in: what route_explain() shows and submit() stores.
 * @owns the caller: tp_intake_free() */
struct tp_intake {
	struct tp_config *config;
	struct tp_route route; /* store NULL: config is partial */
	struct tp_message message;
};
/* @return 0; TP_EINVAL, TP_EMESSAGE, TP_EADDRESS, TP_ETOOBIG, TP_ENOTFOUND,
 *         TP_EPERM, TP_ECONFIG: refused; TP_EIO, TP_EBUSY, TP_ENOMEM: not
 *         now */
int tp_intake_make(const struct tp_intake_context *context,
	const struct tillpost_message *message, struct tp_intake *intake_out,
	struct tp_error *err) TP_USE_RESULT;
void tp_intake_free(struct tp_intake *intake);
/* What the queue stores; without a queue id. Borrows everything but its array
 * of recipients (tp_free()) from the other arguments.
 * @return 0; TP_ENOMEM */
int tp_intake_item(const struct tp_intake *intake,
	const struct tillpost_message *message, int64_t accepted_ms,
	struct tp_queue_item *item_out, struct tp_error *err) TP_USE_RESULT;

/* ---- role_submit.c ------------------------------------------------------ */

int tp_submit_role_open(tillpost_handle *handle, const char *spool_path,
	struct tp_error *err) TP_USE_RESULT;
void tp_submit_role_close(tillpost_handle *handle);
/* A reference to the configuration, read again if its file has changed;
 * partial where it may not be read. */
struct tp_config *tp_submit_role_config(tillpost_handle *handle);
int tp_submit_role_reload(tillpost_handle *handle, struct tp_error *err);
/* @return NULL if out of memory. @owns caller */
char *tp_submit_role_spool(tillpost_handle *handle);
int tp_submit_role_submit(tillpost_handle *handle,
	const struct tillpost_message *message,
	struct tillpost_receipt *receipt, struct tp_error *err) TP_USE_RESULT;

/* ---- spool_intake.c ----------------------------------------------------- */

/* Locks queue and spool against a second taker. */
int tp_spool_intake_open(
	tillpost_handle *handle, struct tp_error *err) TP_USE_RESULT;
/* Removes from the spool what the queue has already, then takes in with a
 * thread of its own, from _go on. */
int tp_spool_intake_reconcile(
	struct tp_spool_intake *intake, struct tp_error *err) TP_USE_RESULT;
int tp_spool_intake_go(
	struct tp_spool_intake *intake, struct tp_error *err) TP_USE_RESULT;
/* Ends the thread after the batch at hand. */
void tp_spool_intake_halt(struct tp_spool_intake *intake);
/* Halts, unlocks, frees. NULL-safe. */
void tp_spool_intake_close(struct tp_spool_intake **intake);
/* In a forked child: only drops what is the child's. */
void tp_spool_intake_close_in_child(struct tp_spool_intake **intake);
/* Of the spool that is locked, whatever the configuration says meanwhile. */
const char *tp_spool_intake_path(const struct tp_spool_intake *intake);
/* 1 if the spool was seen empty since the last start. */
int tp_spool_intake_idle(struct tp_spool_intake *intake);
/* @return TP_ETIMEOUT if the thread is there and hangs. @thread any */
int tp_spool_intake_check(
	struct tp_spool_intake *intake, struct tp_error *err) TP_USE_RESULT;
int64_t tp_spool_intake_count(struct tp_spool_intake *intake);

/* ---- spool_calls.c ------------------------------------------------------ */

int32_t tp_api_spool_list(tillpost_handle *handle, tillpost_spool_fn *entry,
	void *ctx, struct tillpost_error *err);
int32_t tp_api_spool_action(tillpost_handle *handle, int32_t action,
	const char *name, struct tillpost_error *err);
/* The three counts of the spool; -1 where it cannot be read. */
void tp_handle_spool_status(
	tillpost_handle *handle, struct tillpost_status *status);

/* ---- query_answer.c ----------------------------------------------------- */

/* A question may take so long; see query_answer.c. */
#define TP_QUERY_SEARCH_MAX_MS 500

/* Begins and ends answering the processes that only submit: while this handle
 * takes the spool in. stop is called after a start that failed, too. */
int tp_handle_query_start(
	tillpost_handle *handle, struct tp_error *err) TP_USE_RESULT;
void tp_handle_query_stop(tillpost_handle *handle);

/* ---- query_calls.c ------------------------------------------------------ */

/* What the daemon of this handle's spool says of the relays.
 * @return 0; TP_ECONNECT (none runs), or as tp_query_ask() */
int tp_query_calls_relays(tillpost_handle *handle, struct tp_relay_list *list,
	struct tp_error *err) TP_USE_RESULT;
/* Ends the pause of RELAY, NULL: of all, in the daemon of this handle's spool.
 * @return 0; TP_ECONNECT (none runs), TP_EPERM, or as tp_query_ask() */
int tp_query_calls_kick(tillpost_handle *handle, const char *relay,
	struct tp_error *err) TP_USE_RESULT;
/* The calls of the same names in the role submit: they ask the process that
 * takes the spool in. The handle was found usable. */
int32_t tp_query_calls_status(tillpost_handle *handle,
	struct tillpost_status *status, tillpost_relay_status_fn *relay,
	void *ctx, struct tillpost_error *err);
int32_t tp_query_calls_queue_list(tillpost_handle *handle,
	const struct tillpost_queue_filter *filter, tillpost_queue_fn *entry,
	void *ctx, struct tillpost_error *err);
int32_t tp_query_calls_outcomes(tillpost_handle *handle,
	const struct tillpost_outcome_filter *filter,
	tillpost_outcome_fn *outcome, void *ctx, struct tillpost_error *err);

/* ---- run.c -------------------------------------------------------------- */

int32_t tp_api_run(tillpost_handle *handle,
	const struct tillpost_run_options *options, struct tillpost_error *err);
void tp_api_stop(tillpost_handle *handle);

/* Delivery with all that belongs to it: engine, spool intake, answers. Each
 * start needs a stop; the last one ends it. */
int tp_delivery_start(
	tillpost_handle *handle, struct tp_error *err) TP_USE_RESULT;
void tp_delivery_stop(tillpost_handle *handle, int64_t grace_ms);
/* Ends it whoever wanted it. */
void tp_delivery_shutdown(tillpost_handle *handle, int64_t grace_ms);

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

/* The public words of a state: a lease is the engine's own business. */
const char *tp_public_state(enum tp_queue_state state);
/* Borrows from FILTER, which was read with TP_ABI_READ. */
struct tp_outcome_filter tp_public_filter(
	const struct tillpost_outcome_filter *filter);
/* Shows outcomes to the host; a tp_outcome_fn, whose context is a listing. */
struct tp_outcome_listing {
	tillpost_outcome_fn *outcome;
	void *ctx;
	int32_t shown;
	int stopped; /* the host wants no more */
};
int tp_public_outcome_show(void *ctx, const struct tp_outcome *inner);

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
