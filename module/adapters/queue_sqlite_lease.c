/*
 * queue_sqlite_lease.c - claim, begin, settle, unclaim, recover
 *
 * A lease is three columns of the message row: the owner's slot and token,
 * and when it ends. The token alone decides whose it is; the slot is for
 * asking whether that owner lives; the end is the fall-back for what it has
 * not begun.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_private.h"

#include <string.h>

/* Gives a message to this owner. */
static int lease(struct tp_queue_sqlite *queue, const char *queue_id,
	enum tp_queue_state state, int64_t until_ms, struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, &queue->writer, TP_STMT_LEASE, err);
	tp_query_text(&query, queue_id);
	tp_query_int(&query, state);
	tp_query_int(&query, queue->owner.slot);
	tp_query_int(&query, queue->owner.token);
	tp_query_int(&query, until_ms);
	return tp_query_run(&query);
}

/* ---- claim -------------------------------------------------------------- */

struct claim {
	struct tp_queue_change change;
	const struct tp_claim *claim; /* relay NULL: what has expired */
	struct tp_queue_items items;
};

static int read_claimable(struct tp_queue_sqlite *queue, struct claim *claim,
	struct tp_error *err)
{
	const struct tp_claim *want = claim->claim;
	struct tp_query query;
	int rc;

	if (want->relay) {
		tp_query_start(&query, &queue->writer, TP_STMT_CLAIM, err);
		tp_query_text(&query, want->relay);
	} else {
		tp_query_start(
			&query, &queue->writer, TP_STMT_CLAIM_EXPIRED, err);
	}
	tp_query_int(&query, want->now_ms);
	tp_query_int(&query, want->max_count > INT32_MAX
				     ? INT32_MAX
				     : (int64_t)want->max_count);
	rc = tp_queue_sqlite_read_items(&query, &claim->items, NULL, err);
	tp_query_end(&query);
	return rc;
}

static int apply_claim(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	struct claim *claim = (struct claim *)change;
	int64_t until_ms = claim->claim->now_ms + claim->claim->lease_ms;
	size_t i;
	int rc;

	tp_queue_items_clear(&claim->items); /* of a first try */
	rc = read_claimable(queue, claim, err);
	for (i = 0; i < claim->items.count && rc >= 0; i++) {
		struct tp_queue_item *item = &claim->items.at[i];

		rc = lease(
			queue, item->queue_id, TP_QUEUE_LEASED, until_ms, err);
		item->state = TP_QUEUE_LEASED;
		/* Where the body is missing, load() will say so: that is the
		 * trouble of this message, not of the others. */
		if (rc >= 0 && item->data_len <= TP_QUEUE_CLAIM_DATA_MAX_BYTES)
			rc = tp_queue_sqlite_read_body(&queue->writer,
				item->queue_id, &item->data, &item->data_len,
				err);
	}
	return rc < 0 ? rc : (int)claim->items.count;
}

static int claim_items(struct tp_queue *base, const struct tp_claim *want,
	struct tp_queue_item **items_out, struct tp_error *err)
{
	struct claim claim = { .change = { .apply = apply_claim },
		.claim = want };
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	*items_out = NULL;
	if (rc >= 0)
		rc = tp_queue_sqlite_commit(queue, &claim.change, err);
	if (rc < 0)
		tp_queue_items_clear(&claim.items);
	else
		*items_out = claim.items.at;
	return rc;
}

int tp_queue_sqlite_claim(struct tp_queue *base, const struct tp_claim *claim,
	struct tp_queue_item **items_out, struct tp_error *err)
{
	*items_out = NULL;
	if (!claim->relay)
		return tp_fail(err, TP_EINVAL, "queue", "no relay");
	return claim_items(base, claim, items_out, err);
}

int tp_queue_sqlite_claim_expired(struct tp_queue *base, int64_t now_ms,
	int64_t lease_ms, size_t limit, struct tp_queue_item **items_out,
	struct tp_error *err)
{
	struct tp_claim claim = { NULL, now_ms, lease_ms, limit };

	return claim_items(base, &claim, items_out, err);
}

/* ---- begin -------------------------------------------------------------- */

struct begin {
	struct tp_queue_change change;
	const char *queue_id;
	const char *relay;
};

/* @param last LEASED, or IN_DOUBT if it may be begun already
 * @return 1 if the delivery is begun, 0 if there is no such lease */
static int begin_delivery(struct tp_queue_sqlite *queue, const char *queue_id,
	const char *relay, enum tp_queue_state last, struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, &queue->writer, TP_STMT_BEGIN_DELIVERY, err);
	tp_query_text(&query, queue_id);
	tp_query_int(&query, queue->owner.token);
	tp_query_text(&query, relay);
	tp_query_int(&query, last);
	return tp_query_run(&query);
}

static int apply_begin(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	const struct begin *begin = (struct begin *)change;
	int rc = begin_delivery(
		queue, begin->queue_id, begin->relay, TP_QUEUE_IN_DOUBT, err);

	if (rc == 0)
		return tp_fail(err, TP_ESTATE, begin->queue_id,
			"no lease on it for relay %s", begin->relay);
	return rc < 0 ? rc : TP_OK;
}

int tp_queue_sqlite_begin(struct tp_queue *base, const char *queue_id,
	const char *relay, struct tp_error *err)
{
	struct begin begin = { .change = { .apply = apply_begin },
		.queue_id = queue_id,
		.relay = relay };
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	return rc < 0 ? rc : tp_queue_sqlite_commit(queue, &begin.change, err);
}

/* ---- settle ------------------------------------------------------------- */

struct settle {
	struct tp_queue_change change;
	const struct tp_settlement *settlement;
	int next_begun;
};

/* @return 1 and the row of the message if this owner has it, else 0 */
static int find_leased(struct tp_queue_sqlite *queue, const char *queue_id,
	int64_t *row_out, struct tp_error *err)
{
	struct tp_query query;
	int rc;

	tp_query_start(&query, &queue->writer, TP_STMT_LEASED_BY, err);
	tp_query_text(&query, queue_id);
	tp_query_int(&query, queue->owner.token);
	rc = tp_query_step(&query);
	if (rc > 0)
		*row_out = tp_query_column(&query, 0);
	tp_query_end(&query);
	return rc;
}

static int settle_rcpt(struct tp_queue_sqlite *queue, int64_t row,
	const char *queue_id, const struct tp_settled_rcpt *settled,
	struct tp_error *err)
{
	const struct tp_outcome *outcome = &settled->outcome;
	struct tp_query query;
	int rc;

	tp_query_start(&query, &queue->writer, TP_STMT_SETTLE_RCPT, err);
	tp_query_int(&query, row);
	tp_query_int(&query, (int64_t)settled->index);
	tp_query_int(&query, settled->state);
	tp_query_int(&query, outcome->reply_code);
	tp_query_text(&query, outcome->enhanced ? outcome->enhanced : "");
	tp_query_text(&query, outcome->text ? outcome->text : "");
	rc = tp_query_run(&query);
	if (rc == 0)
		return tp_fail(err, TP_EINVAL, queue_id,
			"no recipient number %zu", settled->index);
	return rc < 0 ? rc : tp_queue_sqlite_insert_event(queue, outcome, err);
}

/* DONE if and only if nothing is open: otherwise a recipient would be
 * forgotten, or a message would wait for nobody. */
static int check_open(struct tp_queue_sqlite *queue, int64_t row,
	const struct tp_settlement *settlement, struct tp_error *err)
{
	struct tp_query query;
	int any_open;

	tp_query_start(&query, &queue->writer, TP_STMT_ANY_OPEN, err);
	tp_query_int(&query, row);
	any_open = tp_query_step(&query);
	tp_query_end(&query);
	if (any_open < 0)
		return any_open;
	if (any_open == (settlement->state == TP_QUEUE_DONE))
		return tp_fail(err, TP_EINVAL, settlement->queue_id,
			"state %s does not fit the recipients",
			tp_queue_state_name(settlement->state));
	return TP_OK;
}

static int settle_message(struct tp_queue_sqlite *queue, int64_t row,
	const struct tp_settlement *settlement, struct tp_error *err)
{
	struct tp_query query;
	int is_done = settlement->state == TP_QUEUE_DONE;

	tp_query_start(&query, &queue->writer,
		is_done ? TP_STMT_SETTLE_DONE : TP_STMT_SETTLE_OPEN, err);
	tp_query_int(&query, row);
	tp_query_int(&query, settlement->charged ? 1 : 0);
	tp_query_int(&query, settlement->unknown ? 1 : 0);
	if (is_done) {
		tp_query_int(&query, tp_now_ms(queue->clock));
	} else {
		tp_query_int(&query, settlement->state);
		tp_query_int(&query, settlement->next_try_ms);
		tp_query_text(&query, settlement->reason);
	}
	return tp_query_run(&query);
}

static int apply_settle(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	struct settle *settle = (struct settle *)change;
	const struct tp_settlement *settlement = settle->settlement;
	char bounce_id[TP_QUEUE_ID_BYTES];
	int64_t row = 0;
	size_t i;
	int rc = find_leased(queue, settlement->queue_id, &row, err);

	settle->next_begun = 0;
	if (rc == 0)
		return tp_fail(err, TP_ESTATE, settlement->queue_id,
			"the lease was lost");
	for (i = 0; i < settlement->rcpt_count && rc >= 0; i++)
		rc = settle_rcpt(queue, row, settlement->queue_id,
			&settlement->rcpts[i], err);
	if (rc >= 0)
		rc = check_open(queue, row, settlement, err);
	if (rc >= 0)
		rc = settle_message(queue, row, settlement, err);
	if (rc >= 0 && settlement->bounce)
		rc = tp_queue_sqlite_insert(
			queue, settlement->bounce, bounce_id, err);
	if (rc >= 0 && settlement->begin_next) {
		rc = begin_delivery(queue, settlement->begin_next,
			settlement->begin_relay, TP_QUEUE_LEASED, err);
		settle->next_begun = rc > 0;
	}
	return rc < 0 ? rc : TP_OK;
}

int tp_queue_sqlite_settle(struct tp_queue *base,
	const struct tp_settlement *settlement, int *next_begun_out,
	struct tp_error *err)
{
	struct settle settle = { .change = { .apply = apply_settle },
		.settlement = settlement };
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	*next_begun_out = 0;
	if (rc >= 0)
		rc = tp_queue_settlement_check(settlement, err);
	if (rc >= 0)
		rc = tp_queue_sqlite_commit(queue, &settle.change, err);
	if (rc >= 0)
		*next_begun_out = settle.next_begun;
	return rc;
}

/* ---- unclaim ------------------------------------------------------------ */

struct unclaim {
	struct tp_queue_change change;
	const char *const *queue_ids;
	size_t count;
};

static int apply_unclaim(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	const struct unclaim *unclaim = (struct unclaim *)change;
	struct tp_query query;
	size_t i;
	int rc = TP_OK;

	for (i = 0; i < unclaim->count && rc >= 0; i++) {
		tp_query_start(&query, &queue->writer, TP_STMT_UNCLAIM, err);
		tp_query_text(&query, unclaim->queue_ids[i]);
		tp_query_int(&query, queue->owner.token);
		rc = tp_query_run(&query);
	}
	return rc < 0 ? rc : TP_OK;
}

int tp_queue_sqlite_unclaim(struct tp_queue *base, const char *const *queue_ids,
	size_t count, struct tp_error *err)
{
	struct unclaim unclaim = { .change = { .apply = apply_unclaim },
		.queue_ids = queue_ids,
		.count = count };
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	return rc < 0 ? rc
		      : tp_queue_sqlite_commit(queue, &unclaim.change, err);
}

/* ---- recover ------------------------------------------------------------ */

struct recover {
	struct tp_queue_change change;
	int64_t now_ms;
	int64_t lease_ms;
	struct tp_queue_items lost; /* only queue_id and state are set */
	struct tp_queue_items doubtful;
};

/* Is the lease in the current row of TP_STMT_LEASES free to take? */
static int is_lost(struct tp_queue_sqlite *queue, const struct tp_query *row,
	int64_t now_ms)
{
	if (tp_query_column(row, 1) == TP_QUEUE_LEASED &&
		tp_query_column(row, 4) <= now_ms)
		return 1;
	return !tp_queue_owner_alive(&queue->owner, tp_query_column(row, 2),
		tp_query_column(row, 3));
}

/* Finds the leases that are free to take. */
static int find_lost(struct tp_queue_sqlite *queue, struct recover *recover,
	struct tp_error *err)
{
	struct tp_query query;
	int rc;

	tp_query_start(&query, &queue->writer, TP_STMT_LEASES, err);
	while ((rc = tp_query_step(&query)) > 0) {
		struct tp_queue_item *item;
		size_t len;

		if (!is_lost(queue, &query, recover->now_ms))
			continue;
		item = tp_queue_items_add(&recover->lost);
		if (!item) {
			rc = tp_fail(
				err, TP_ENOMEM, queue->path, "out of memory");
			break;
		}
		len = strnlen(
			tp_query_column_text(&query, 0), TP_QUEUE_ID_CHARS);
		memcpy(item->queue_id, tp_query_column_text(&query, 0), len);
		item->state = (enum tp_queue_state)tp_query_column(&query, 1);
	}
	tp_query_end(&query);
	return rc;
}

static int free_lease(struct tp_queue_sqlite *queue, const char *queue_id,
	struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, &queue->writer, TP_STMT_LEASE_FREE, err);
	tp_query_text(&query, queue_id);
	return tp_query_run(&query);
}

static int take_over(struct tp_queue_sqlite *queue, struct recover *recover,
	const char *queue_id, struct tp_error *err)
{
	struct tp_query query;
	int rc = lease(queue, queue_id, TP_QUEUE_IN_DOUBT,
		recover->now_ms + recover->lease_ms, err);

	if (rc < 0)
		return rc;
	tp_query_start(&query, &queue->writer, TP_STMT_ITEM, err);
	tp_query_text(&query, queue_id);
	rc = tp_queue_sqlite_read_items(&query, &recover->doubtful, NULL, err);
	tp_query_end(&query);
	return rc;
}

static int apply_recover(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	struct recover *recover = (struct recover *)change;
	size_t i;
	int rc;

	tp_queue_items_clear(&recover->lost);
	tp_queue_items_clear(&recover->doubtful);
	rc = find_lost(queue, recover, err);
	for (i = 0; i < recover->lost.count && rc >= 0; i++) {
		const struct tp_queue_item *item = &recover->lost.at[i];

		rc = item->state == TP_QUEUE_IN_DOUBT
			     ? take_over(queue, recover, item->queue_id, err)
			     : free_lease(queue, item->queue_id, err);
	}
	return rc < 0 ? rc : (int)recover->lost.count;
}

int tp_queue_sqlite_recover(struct tp_queue *base, int64_t now_ms,
	int64_t lease_ms, tp_queue_item_fn *cb, void *ctx, struct tp_error *err)
{
	struct recover recover = { .change = { .apply = apply_recover },
		.now_ms = now_ms,
		.lease_ms = lease_ms };
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	if (rc >= 0)
		rc = tp_queue_sqlite_commit(queue, &recover.change, err);
	/* If they are ours after all, nobody else will settle them; if they
	 * are not, that is refused. */
	if (rc >= 0 || rc == TP_EUNCERTAIN)
		tp_queue_items_show(
			recover.doubtful.at, recover.doubtful.count, cb, ctx);
	tp_queue_items_clear(&recover.lost);
	tp_queue_items_clear(&recover.doubtful);
	return rc;
}
