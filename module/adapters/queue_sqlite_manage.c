/*
 * queue_sqlite_manage.c - reroute, act, sweep
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_private.h"

/* Per call of sweep(): short enough not to hold up a settlement. */
#define SWEEP_MAX_MESSAGES 250
#define SWEEP_MAX_EVENTS 1000

/* ---- reroute ------------------------------------------------------------ */

struct reroute {
	struct tp_queue_change change;
	const char *store;
	const char *relay;
};

static int reroute_some(struct tp_queue_sqlite *queue, enum tp_queue_stmt id,
	const struct reroute *reroute, struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, &queue->writer, id, err);
	tp_query_text(&query, reroute->store);
	tp_query_text(&query, reroute->relay);
	return tp_query_run(&query);
}

static int apply_reroute(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	const struct reroute *reroute = (struct reroute *)change;
	int rc = reroute_some(queue, TP_STMT_REROUTE_WAITING, reroute, err);

	if (rc >= 0)
		rc = reroute_some(queue, TP_STMT_REROUTE_LEASED, reroute, err);
	return rc < 0 ? rc : TP_OK;
}

int tp_queue_sqlite_reroute(struct tp_queue *base, const char *store,
	const char *relay, struct tp_error *err)
{
	struct reroute reroute = { .change = { .apply = apply_reroute },
		.store = store,
		.relay = relay };
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	return rc < 0 ? rc
		      : tp_queue_sqlite_commit(queue, &reroute.change, err);
}

/* ---- act ---------------------------------------------------------------- */

struct act {
	struct tp_queue_change change;
	enum tp_queue_action action;
	const char *queue_id;
	int64_t now_ms;
};

/* @return 1 if the message is there; free the item then */
static int read_message(struct tp_queue_sqlite *queue, const char *queue_id,
	struct tp_queue_item *item, int64_t *row_out, struct tp_error *err)
{
	struct tp_query query;
	int rc;

	tp_query_start(&query, &queue->writer, TP_STMT_ITEM, err);
	tp_query_text(&query, queue_id);
	rc = tp_query_step(&query);
	if (rc > 0) {
		rc = tp_queue_sqlite_read_item(&query, item, row_out, err);
		rc = rc < 0 ? rc : 1;
	}
	tp_query_end(&query);
	return rc;
}

static int cancel(struct tp_queue_sqlite *queue,
	const struct tp_queue_item *item, int64_t row, int64_t now_ms,
	struct tp_error *err)
{
	struct tp_query query;
	size_t i;
	int rc = TP_OK;

	for (i = 0; i < item->rcpt_count && rc >= 0; i++) {
		struct tp_outcome outcome = tp_queue_cancelled(item, i, now_ms);

		if (item->rcpts[i].state == TP_RCPT_OPEN)
			rc = tp_queue_sqlite_insert_event(queue, &outcome, err);
	}
	if (rc < 0)
		return rc;
	tp_query_start(&query, &queue->writer, TP_STMT_CANCEL_RCPTS, err);
	tp_query_int(&query, row);
	rc = tp_query_run(&query);
	if (rc < 0)
		return rc;
	tp_query_start(&query, &queue->writer, TP_STMT_SETTLE_DONE, err);
	tp_query_int(&query, row);
	tp_query_int(&query, 0);
	tp_query_int(&query, 0);
	tp_query_int(&query, tp_now_ms(queue->clock));
	return tp_query_run(&query);
}

static int act_on(struct tp_queue_sqlite *queue, const struct act *act,
	const struct tp_queue_item *item, int64_t row, struct tp_error *err)
{
	struct tp_query query;
	int rc = tp_queue_act_check(
		act->action, item->state, act->queue_id, err);

	if (rc < 0)
		return rc;
	if (act->action == TP_QUEUE_CANCEL)
		return cancel(queue, item, row, act->now_ms, err);
	if (act->action == TP_QUEUE_HOLD) {
		tp_query_start(&query, &queue->writer, TP_STMT_HOLD, err);
		tp_query_int(&query, row);
		tp_query_text(&query, TP_QUEUE_HELD_REASON);
	} else {
		tp_query_start(&query, &queue->writer, TP_STMT_RETRY, err);
		tp_query_int(&query, row);
		tp_query_int(&query, act->now_ms);
	}
	return tp_query_run(&query);
}

static int apply_act(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	const struct act *act = (struct act *)change;
	struct tp_queue_item item;
	int64_t row = 0;
	int rc = read_message(queue, act->queue_id, &item, &row, err);

	if (rc == 0)
		return tp_fail(
			err, TP_ENOTFOUND, act->queue_id, "no such message");
	if (rc < 0)
		return rc;
	rc = act_on(queue, act, &item, row, err);
	tp_queue_item_free(&item);
	return rc < 0 ? rc : TP_OK;
}

int tp_queue_sqlite_act(struct tp_queue *base, enum tp_queue_action action,
	const char *queue_id, int64_t now_ms, struct tp_error *err)
{
	struct act act = { .change = { .apply = apply_act },
		.action = action,
		.queue_id = queue_id,
		.now_ms = now_ms };
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	return rc < 0 ? rc : tp_queue_sqlite_commit(queue, &act.change, err);
}

/* ---- sweep -------------------------------------------------------------- */

struct sweep {
	struct tp_queue_change change;
	int64_t events_before_ms;
	int64_t events_max_bytes;
};

/* A message that is done. */
struct done {
	int64_t row;
	int has_dedup_key;
	int64_t done_ms;
};

static int find_done(struct tp_queue_sqlite *queue, int64_t now_ms,
	struct done done[SWEEP_MAX_MESSAGES], struct tp_error *err)
{
	struct tp_query query;
	int count = 0;
	int rc;

	tp_query_start(&query, &queue->writer, TP_STMT_SWEEP_FIND, err);
	tp_query_int(&query, now_ms);
	tp_query_int(&query, SWEEP_MAX_MESSAGES);
	while ((rc = tp_query_step(&query)) > 0) {
		done[count].row = tp_query_column(&query, 0);
		done[count].has_dedup_key = tp_query_column(&query, 1) != 0;
		done[count].done_ms = tp_query_column(&query, 2);
		count++;
	}
	tp_query_end(&query);
	return rc < 0 ? rc : count;
}

static int run_on_row(struct tp_queue_sqlite *queue, enum tp_queue_stmt id,
	int64_t row, struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, &queue->writer, id, err);
	tp_query_int(&query, row);
	return tp_query_run(&query);
}

/* Removes the row; or only the body, while its key must be recognised. */
static int sweep_message(struct tp_queue_sqlite *queue, const struct done *done,
	int64_t now_ms, struct tp_error *err)
{
	int64_t keep_until_ms = done->done_ms + TP_QUEUE_DEDUP_MS;
	struct tp_query query;
	int rc;

	if (!done->has_dedup_key || keep_until_ms <= now_ms)
		return run_on_row(queue, TP_STMT_SWEEP_MESSAGE, done->row, err);
	rc = run_on_row(queue, TP_STMT_SWEEP_BODY, done->row, err);
	if (rc < 0)
		return rc;
	tp_query_start(&query, &queue->writer, TP_STMT_SWEEP_MARK, err);
	tp_query_int(&query, done->row);
	tp_query_int(&query, keep_until_ms);
	return tp_query_run(&query);
}

static int sweep_messages(struct tp_queue_sqlite *queue, struct tp_error *err)
{
	struct done done[SWEEP_MAX_MESSAGES];
	int64_t now_ms = tp_now_ms(queue->clock);
	int count = find_done(queue, now_ms, done, err);
	int rc = TP_OK;
	int i;

	for (i = 0; i < count && rc >= 0; i++)
		rc = sweep_message(queue, &done[i], now_ms, err);
	return rc < 0 ? rc : count;
}

static int sweep_events(struct tp_queue_sqlite *queue, enum tp_queue_stmt id,
	int64_t bound, struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, &queue->writer, id, err);
	tp_query_int(&query, bound);
	tp_query_int(&query, SWEEP_MAX_EVENTS);
	return tp_query_run(&query);
}

static int apply_sweep(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	const struct sweep *sweep = (struct sweep *)change;
	int messages = sweep_messages(queue, err);
	int old = messages;
	int surplus = 0;

	if (old >= 0)
		old = tp_queue_db_run(
			&queue->writer, TP_STMT_SWEEP_EVENTS_MARK, err);
	if (old < 0)
		return old;
	old = sweep_events(
		queue, TP_STMT_SWEEP_EVENTS_AGE, sweep->events_before_ms, err);
	if (old >= 0 && sweep->events_max_bytes > 0)
		surplus = sweep_events(queue, TP_STMT_SWEEP_EVENTS_BYTES,
			sweep->events_max_bytes, err);
	if (old < 0 || surplus < 0)
		return old < 0 ? old : surplus;
	return messages + old + surplus;
}

int tp_queue_sqlite_sweep(struct tp_queue *base, int64_t events_before_ms,
	int64_t events_max_bytes, struct tp_error *err)
{
	struct sweep sweep = { .change = { .apply = apply_sweep },
		.events_before_ms = events_before_ms,
		.events_max_bytes = events_max_bytes };
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	return rc < 0 ? rc : tp_queue_sqlite_commit(queue, &sweep.change, err);
}
