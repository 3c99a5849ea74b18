/*
 * query_answer.c - what the process that delivers tells those who submit
 *
 * JOB     The superuser, and the user this process runs as, may see all. Who
 *         is named in the `users` of stores may see what became of their mail.
 *         Everybody who may submit as a store may see the state of a message
 *         whose id he knows, without addresses and without anybody's words.
 *         What may not be seen is answered like what is not there. Only the
 *         first two may end the pause of a relay.
 * BOUNDS  one question takes about TP_QUERY_SEARCH_MAX_MS at most: nobody can
 *         keep the others waiting with a search through millions of outcomes.
 *         The delivery does not wait at all: answers have connections to the
 *         database of their own.
 * THREADS all of it runs on the query server's thread, beside everything else.
 * SPDX-License-Identifier: MIT
 */
#include "api/handle.h"
#include "api/relay_list.h"

#include "adapters/query.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct asker {
	tillpost_handle *handle;
	struct tp_config *config;
	struct tp_user user;
	int sees_all;
	int64_t until_mono_ms;
	const struct tp_query_sink *sink;
};

static int may_see(const struct asker *asker, const struct tp_store *store)
{
	return asker->sees_all ||
	       (store && tp_store_names(store, &asker->user));
}

static int may_ask(const struct asker *asker, const struct tp_store *store)
{
	return asker->sees_all ||
	       (store && tp_store_admits(store, &asker->user));
}

/* A question is many searches, each with a bound of its own. */
static int has_time(const struct asker *asker, struct tp_error *err)
{
	if (tp_deadline_left_ms(asker->until_mono_ms) > 0)
		return TP_OK;
	return tp_fail(err, TP_ETIMEOUT, "query", "over time");
}

/* ---- one message -------------------------------------------------------- */

struct message_search {
	const struct asker *asker;
	int seen;  /* it is there ... */
	int shown; /* ... and the asker may know */
};

static int show_waiting(void *ctx, const struct tp_queue_item *item)
{
	struct message_search *search = ctx;
	const struct asker *asker = search->asker;
	const struct tp_store *store =
		tp_config_store(asker->config, item->store);
	struct tp_query_message message = {
		.queue_id = item->queue_id,
		.store = item->store,
		.state = tp_public_state(item->state),
		.reason = may_see(asker, store) ? item->reason : NULL,
		.attempts = item->attempts,
		.created_ms = item->created_ms,
		.next_try_ms = item->next_try_ms,
		.expires_ms = item->expires_ms,
		.size_bytes = (int64_t)item->data_len,
	};

	search->seen = 1;
	search->shown = may_ask(asker, store);
	if (search->shown)
		(void)asker->sink->message(asker->sink->ctx, &message);
	return 1;
}

/* What the outcomes say of a message that is over. */
struct ending {
	char store[64];			  /* of the first */
	char reason[TP_ERROR_TEXT_BYTES]; /* of the last that failed */
	int attempts;
	int64_t created_ms;
	int64_t size_bytes;
	int sent_count;
	int failed_count;
	int cancelled_count;
};

static int add_event(void *ctx, const struct tp_outcome *outcome)
{
	struct ending *ending = ctx;

	if (!ending->store[0])
		(void)snprintf(ending->store, sizeof(ending->store), "%s",
			outcome->store);
	/* What another store says of this id is not about this message. */
	if (strcmp(ending->store, outcome->store) != 0)
		return 0;
	ending->created_ms = outcome->time_ms - outcome->queued_ms;
	ending->size_bytes = outcome->size_bytes;
	if (outcome->attempt > ending->attempts)
		ending->attempts = outcome->attempt;
	if (!outcome->last)
		return 0;
	if (strcmp(outcome->verdict, "sent") == 0) {
		ending->sent_count++;
	} else if (strcmp(outcome->verdict, "cancelled") == 0) {
		ending->cancelled_count++;
	} else {
		ending->failed_count++;
		(void)snprintf(ending->reason, sizeof(ending->reason), "%s",
			outcome->text);
	}
	return 0;
}

static const char *ending_state(const struct ending *ending)
{
	if (ending->sent_count > 0)
		return ending->failed_count + ending->cancelled_count > 0
			       ? "partly"
			       : "sent";
	return ending->failed_count > 0 ? "failed" : "cancelled";
}

static int show_ended(const char *queue_id, struct message_search *search,
	struct tp_error *err)
{
	const struct asker *asker = search->asker;
	struct tp_queue *queue = asker->handle->query_queue;
	struct tp_outcome_filter filter = { .queue_id = queue_id };
	struct ending ending = { .store = "" };
	struct tp_query_message message = { .queue_id = queue_id };
	const struct tp_store *store;
	int rc = queue->ops->outcomes(queue, &filter, add_event, &ending, err);

	if (rc < 0)
		return rc;
	if (ending.sent_count + ending.failed_count + ending.cancelled_count ==
		0)
		return TP_OK;
	store = tp_config_store(asker->config, ending.store);
	search->shown = may_ask(asker, store);
	if (!search->shown)
		return TP_OK;
	message.store = ending.store;
	message.state = ending_state(&ending);
	message.reason = may_see(asker, store) ? ending.reason : NULL;
	message.attempts = ending.attempts;
	message.created_ms = ending.created_ms;
	message.size_bytes = ending.size_bytes;
	(void)asker->sink->message(asker->sink->ctx, &message);
	return TP_OK;
}

static int answer_message(const struct asker *asker,
	const struct tp_query_request *request, struct tp_error *err)
{
	struct tp_queue *queue = asker->handle->query_queue;
	struct message_search search = { .asker = asker };
	struct tp_queue_filter filter = {
		.queue_id = request->filter.queue_id,
		.state = -1,
	};
	int rc = queue->ops->list(queue, &filter, show_waiting, &search, err);

	if (rc >= 0 && !search.seen)
		rc = show_ended(request->filter.queue_id, &search, err);
	if (rc >= 0 && !search.shown)
		rc = tp_fail(err, TP_ENOTFOUND, request->filter.queue_id,
			"no such message is known here, or it is not yours");
	return rc;
}

/* ---- outcomes ----------------------------------------------------------- */

/* The newest LIMIT outcomes of several stores. */
struct gathering {
	struct tp_outcome **items;
	size_t count;
	size_t room;
	int failed;
};

static int older_first(const void *a, const void *b)
{
	const struct tp_outcome *const *left = a;
	const struct tp_outcome *const *right = b;

	return ((*left)->event_id > (*right)->event_id) -
	       ((*left)->event_id < (*right)->event_id);
}

static int gather(void *ctx, const struct tp_outcome *outcome)
{
	struct gathering *all = ctx;

	if (all->count == all->room) {
		size_t room = all->room ? 2 * all->room : 64;
		struct tp_outcome **items = tp_realloc(
			all->items, room * sizeof(struct tp_outcome *));

		if (!items) {
			all->failed = 1;
			return 1;
		}
		all->items = items;
		all->room = room;
	}
	all->items[all->count] = tp_queue_outcome_copy(outcome);
	all->failed = !all->items[all->count];
	if (!all->failed)
		all->count++;
	return all->failed;
}

static void keep_newest(struct gathering *all, size_t limit)
{
	size_t drop_count = all->count > limit ? all->count - limit : 0;
	size_t i;

	if (all->count == 0)
		return;
	qsort(all->items, all->count, sizeof(struct tp_outcome *), older_first);
	for (i = 0; i < drop_count; i++)
		tp_free(all->items[i]);
	all->count -= drop_count;
	memmove(all->items, all->items + drop_count,
		all->count * sizeof(struct tp_outcome *));
}

/* Asks for one store after the other: what the asker may not see must not
 * count. */
static int gather_stores(const struct asker *asker,
	struct tp_outcome_filter filter, struct gathering *all,
	struct tp_error *err)
{
	struct tp_queue *queue = asker->handle->query_queue;
	int rc = TP_OK;
	size_t i;

	for (i = 0; i < asker->config->store_count && rc >= 0; i++) {
		const struct tp_store *store = &asker->config->stores[i];

		if (!may_see(asker, store))
			continue;
		filter.store = store->name;
		rc = has_time(asker, err);
		if (rc >= 0)
			rc = queue->ops->outcomes(
				queue, &filter, gather, all, err);
		if (rc >= 0 && all->failed)
			rc = tp_fail(
				err, TP_ENOMEM, "outcomes", "out of memory");
		keep_newest(all, filter.limit);
	}
	return rc;
}

static int answer_from_stores(const struct asker *asker,
	const struct tp_outcome_filter *filter, struct tp_error *err)
{
	struct gathering all = { .items = NULL };
	int rc = gather_stores(asker, *filter, &all, err);
	size_t i;

	for (i = 0; i < all.count && rc == TP_OK; i++)
		rc = asker->sink->outcome(asker->sink->ctx, all.items[i]);
	for (i = 0; i < all.count; i++)
		tp_free(all.items[i]);
	tp_free(all.items);
	return rc < 0 ? rc : TP_OK;
}

static int answer_outcomes(const struct asker *asker,
	const struct tp_query_request *request, struct tp_error *err)
{
	struct tp_queue *queue = asker->handle->query_queue;
	const struct tp_outcome_filter *filter = &request->filter;

	if (!filter->store && !asker->sees_all)
		return answer_from_stores(asker, filter, err);
	/* The same words for a store that is not there. */
	if (filter->store &&
		!may_see(asker, tp_config_store(asker->config, filter->store)))
		return tp_fail(err, TP_EPERM, "store",
			"user %.40s may not see what became of the mail of "
			"store \"%.60s\": its setting users does not name him",
			asker->user.name ? asker->user.name : "?",
			filter->store);
	return queue->ops->outcomes(
		queue, filter, asker->sink->outcome, asker->sink->ctx, err);
}

/* ---- status ------------------------------------------------------------- */

struct counting {
	struct tp_query_relay *row;
	int64_t now_ms;
};

static int count_item(void *ctx, const struct tp_queue_item *item)
{
	const struct counting *counting = ctx;
	struct tp_query_relay *row = counting->row;

	if (item->state == TP_QUEUE_QUEUED) {
		row->queued_count++;
		row->waiting_count += item->next_try_ms <= counting->now_ms;
	} else if (item->state == TP_QUEUE_HELD) {
		row->held_count++;
	} else {
		row->active_count++;
	}
	row->body_bytes += (int64_t)item->data_len;
	if (row->oldest_ms == 0 || item->created_ms < row->oldest_ms)
		row->oldest_ms = item->created_ms;
	return 0;
}

static void take_lane(
	struct tp_query_relay *row, const struct tp_relay_row *lane)
{
	row->state = lane->state;
	row->reason = lane->reason;
	row->retry_ms = lane->retry_ms;
	row->connections = lane->connections;
}

static int show_store(const struct asker *asker, const struct tp_store *store,
	const struct tp_relay_list *lanes, struct tp_error *err)
{
	struct tp_queue *queue = asker->handle->query_queue;
	struct tp_queue_filter filter = {
		.store = store->name,
		.state = -1,
		.limit = TP_QUERY_COUNT_MAX_COUNT,
	};
	struct tp_query_relay row = {
		.store = store->name,
		.relay = store->relay->name,
		.state = tp_lane_state_name(TP_LANE_READY),
		.reason = "",
	};
	struct counting counting = {
		.row = &row,
		.now_ms = tp_now_ms(&asker->handle->clock),
	};
	const struct tp_relay_row *lane =
		tp_relay_list_find(lanes, store->relay->name);
	int rc = has_time(asker, err);

	if (rc >= 0)
		rc = queue->ops->list(
			queue, &filter, count_item, &counting, err);
	if (rc < 0)
		return rc;
	if (lane)
		take_lane(&row, lane);
	return asker->sink->relay(asker->sink->ctx, &row);
}

static int is_used(const struct tp_config *config, const char *relay)
{
	size_t i;

	for (i = 0; i < config->store_count; i++)
		if (strcmp(config->stores[i].relay->name, relay) == 0)
			return 1;
	return 0;
}

static int show_unused(
	const struct asker *asker, const struct tp_relay_list *lanes)
{
	int rc = TP_OK;
	size_t i;

	for (i = 0; i < lanes->count && rc == TP_OK; i++) {
		struct tp_query_relay row = {
			.store = "",
			.relay = lanes->rows[i].relay,
		};

		if (is_used(asker->config, row.relay))
			continue;
		take_lane(&row, &lanes->rows[i]);
		rc = asker->sink->relay(asker->sink->ctx, &row);
	}
	return rc;
}

static int answer_status(const struct asker *asker, struct tp_error *err)
{
	struct tp_relay_list lanes = { .rows = NULL };
	int rc = TP_OK;
	size_t i;

	tp_relay_list_lanes(&lanes, asker->handle->engine);
	if (lanes.failed)
		rc = tp_fail(err, TP_ENOMEM, "status", "out of memory");
	for (i = 0; i < asker->config->store_count && rc == TP_OK; i++)
		if (may_see(asker, &asker->config->stores[i]))
			rc = show_store(
				asker, &asker->config->stores[i], &lanes, err);
	if (rc == TP_OK && asker->sees_all)
		rc = show_unused(asker, &lanes);
	tp_relay_list_clear(&lanes);
	return rc < 0 ? rc : TP_OK;
}

/* ---- kick --------------------------------------------------------------- */

/* A relay that is not known here has no pause. */
static int answer_kick(const struct asker *asker,
	const struct tp_query_request *request, struct tp_error *err)
{
	if (!asker->sees_all)
		return tp_fail(err, TP_EPERM, "kick",
			"user %.40s may not end the pause of a relay: root and "
			"the user of tillpostd may",
			asker->user.name ? asker->user.name : "?");
	tp_engine_kick(asker->handle->engine, request->filter.relay);
	return TP_OK;
}

/* ---- who asks ----------------------------------------------------------- */

/* What the query server's thread keeps. */
struct tp_query_answerer {
	tillpost_handle *handle;
	struct tp_user_names names;
};

/* 1 if some store lists a user by name: only then is it asked for, for the
 * system's directory of users may be slow, and everybody waits for it. */
static int names_matter(const struct tp_config *config)
{
	size_t i;
	size_t u;

	for (i = 0; i < config->store_count; i++)
		for (u = 0; u < config->stores[i].users.count; u++) {
			const char *user = config->stores[i].users.items[u];

			if (user[strspn(user, "0123456789")] != '\0')
				return 1;
		}
	return 0;
}

static int find_asker(struct asker *asker, struct tp_user_names *names,
	uid_t uid, struct tp_error *err)
{
	asker->sees_all = uid == 0 || uid == geteuid();
	asker->user = (struct tp_user) { .uid = (uint32_t)uid };
	if (asker->sees_all || !names_matter(asker->config))
		return TP_OK;
	return tp_user_names_find(names, uid, &asker->user, err);
}

static int say_less(struct tp_error *err)
{
	tp_error_clear(err);
	return tp_fail(err, TP_ETIMEOUT, "query",
		"the search was ended after %d ms: ask for less, with a queue "
		"id or a later \"since\"",
		TP_QUERY_SEARCH_MAX_MS);
}

static int answer_asker(struct asker *asker,
	const struct tp_query_request *request, struct tp_error *err)
{
	asker->until_mono_ms = tp_deadline_ms(TP_QUERY_SEARCH_MAX_MS);
	switch (request->op) {
	case TP_QUERY_MESSAGE:
		return answer_message(asker, request, err);
	case TP_QUERY_OUTCOMES:
		return answer_outcomes(asker, request, err);
	case TP_QUERY_KICK:
		return answer_kick(asker, request, err);
	default:
		return answer_status(asker, err);
	}
}

static int answer(void *ctx, uid_t uid, const struct tp_query_request *request,
	const struct tp_query_sink *sink, struct tp_error *err)
{
	struct tp_query_answerer *answerer = ctx;
	struct asker asker = {
		.handle = answerer->handle,
		.config = tp_handle_config(answerer->handle),
		.sink = sink,
	};
	int rc = find_asker(&asker, &answerer->names, uid, err);

	if (rc >= 0)
		rc = answer_asker(&asker, request, err);
	tp_config_unref(&asker.config);
	return rc == TP_ETIMEOUT ? say_less(err) : rc;
}

int tp_handle_query_start(tillpost_handle *handle, struct tp_error *err)
{
	struct tp_query_answerer *answerer = tp_alloc(sizeof(*answerer));
	char *spool = tp_handle_spool(handle);
	int rc;

	handle->query_answerer = answerer;
	if (spool && answerer) {
		answerer->handle = handle;
		rc = tp_query_server_start(
			spool, answer, answerer, &handle->query_server, err);
	} else {
		rc = tp_fail(err, TP_ENOMEM, "spool", "out of memory");
	}
	tp_free(spool);
	return rc;
}

void tp_handle_query_stop(tillpost_handle *handle)
{
	struct tp_query_answerer *answerer = handle->query_answerer;

	tp_query_server_stop(&handle->query_server);
	handle->query_answerer = NULL;
	tp_free(answerer);
}
