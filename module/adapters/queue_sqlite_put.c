/*
 * queue_sqlite_put.c - new messages and events
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_file.h"
#include "adapters/queue_sqlite_private.h"

#include <string.h>

/* A low reading is never believed for longer than one call, so that accepting
 * starts again as soon as there is space. */
#define FREE_CACHE_MS 1000

struct put {
	struct tp_queue_change change;
	const struct tp_queue_item *item;
	char *id_out;
};

static int check_space(
	struct tp_queue_sqlite *queue, int64_t need_bytes, struct tp_error *err)
{
	int64_t now_ms = tp_mono_ms();
	int64_t wanted_bytes = queue->free_reserve_bytes + need_bytes;

	if (queue->free_reserve_bytes <= 0)
		return TP_OK;
	if (queue->free_checked_ms == 0 ||
		now_ms - queue->free_checked_ms >= FREE_CACHE_MS ||
		queue->free_bytes < wanted_bytes) {
		queue->free_bytes = tp_queue_file_free_bytes(queue->path);
		queue->free_checked_ms = now_ms;
	}
	if (queue->free_bytes < 0)
		return tp_fail_errno(
			err, TP_EIO, queue->path, "cannot tell the free space");
	if (queue->free_bytes < wanted_bytes)
		return tp_fail(err, TP_ENOSPC, queue->path,
			"only %lld MB free on the disk of the queue: nothing "
			"is accepted until there is more",
			(long long)(queue->free_bytes >> 20));
	queue->free_bytes -= need_bytes;
	return TP_OK;
}

/* @return 1 if it is there, 0 if a message has its id, or its key for its
 * store */
static int insert_message(struct tp_queue_db *db,
	const struct tp_queue_item *item, struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, db, TP_STMT_PUT_MESSAGE, err);
	tp_query_text(&query, item->queue_id);
	tp_query_text(&query, item->store);
	tp_query_text(&query, item->relay);
	tp_query_text(&query, item->sender);
	tp_query_text(&query, item->message_id);
	tp_query_text(&query, item->dedup_key);
	tp_query_int(&query, item->eight_bit);
	tp_query_int(&query, item->smtputf8);
	tp_query_int(&query, item->bounce);
	tp_query_int(&query, (int64_t)item->data_len);
	tp_query_int(&query, item->created_ms);
	tp_query_int(&query, item->expires_ms);
	tp_query_int(&query, item->next_try_ms);
	tp_query_int(&query, item->attempts);
	tp_query_int(&query, item->unknown_count);
	tp_query_int(&query, item->state);
	tp_query_text(&query, item->reason);
	return tp_query_run(&query);
}

static int insert_body(struct tp_queue_db *db, int64_t row,
	const struct tp_queue_item *item, struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, db, TP_STMT_PUT_BODY, err);
	tp_query_int(&query, row);
	tp_query_blob(&query, item->data, item->data_len);
	return tp_query_run(&query);
}

static int insert_rcpt(struct tp_queue_db *db, int64_t row, size_t index,
	const struct tp_queue_rcpt *rcpt, struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, db, TP_STMT_PUT_RCPT, err);
	tp_query_int(&query, row);
	tp_query_int(&query, (int64_t)index);
	tp_query_text(&query, rcpt->address);
	tp_query_int(&query, rcpt->state);
	tp_query_int(&query, rcpt->reply_code);
	tp_query_text(&query, rcpt->enhanced);
	tp_query_text(&query, rcpt->text);
	return tp_query_run(&query);
}

/* The id of the message that ITEM repeats. */
static int find_same(struct tp_queue_db *db, const struct tp_queue_item *item,
	char id_out[TP_QUEUE_ID_BYTES], struct tp_error *err)
{
	struct tp_query query;
	size_t len;
	int rc;

	tp_query_start(&query, db, TP_STMT_FIND_SAME, err);
	tp_query_text(&query, item->queue_id);
	tp_query_text(&query, item->store);
	tp_query_text(&query, item->dedup_key);
	rc = tp_query_step(&query);
	if (rc > 0) {
		const char *id = tp_query_column_text(&query, 0);

		len = strnlen(id, TP_QUEUE_ID_CHARS);
		memcpy(id_out, id, len);
		id_out[len] = '\0';
	}
	tp_query_end(&query);
	return rc;
}

int tp_queue_sqlite_insert(struct tp_queue_sqlite *queue,
	const struct tp_queue_item *item, char id_out[TP_QUEUE_ID_BYTES],
	struct tp_error *err)
{
	struct tp_queue_db *db = &queue->writer;
	int64_t row;
	size_t i;
	int rc = insert_message(db, item, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return find_same(db, item, id_out, err);
	row = sqlite3_last_insert_rowid(db->sql);
	rc = insert_body(db, row, item, err);
	for (i = 0; i < item->rcpt_count && rc >= 0; i++)
		rc = insert_rcpt(db, row, i, &item->rcpts[i], err);
	if (rc < 0)
		return rc;
	memcpy(id_out, item->queue_id, TP_QUEUE_ID_BYTES);
	return TP_OK;
}

static void bind_outcome(
	struct tp_query *query, const struct tp_outcome *outcome)
{
	tp_query_int(query, outcome->attempt);
	tp_query_int(query, outcome->cls);
	tp_query_text(query, outcome->verdict ? outcome->verdict : "");
	tp_query_text(query, outcome->step ? outcome->step : "");
	tp_query_int(query, outcome->reply_code);
	tp_query_text(query, outcome->enhanced ? outcome->enhanced : "");
	tp_query_text(query, outcome->text ? outcome->text : "");
	tp_query_text(query, outcome->tls_version ? outcome->tls_version : "");
	tp_query_text(query, outcome->tls_cipher ? outcome->tls_cipher : "");
	tp_query_int(query, outcome->size_bytes);
	tp_query_int(query, outcome->queued_ms);
	tp_query_int(query, outcome->connect_us);
	tp_query_int(query, outcome->tls_us);
	tp_query_int(query, outcome->auth_us);
	tp_query_int(query, outcome->send_us);
	tp_query_int(query, outcome->next_try_ms);
	tp_query_int(query, outcome->last);
}

int tp_queue_sqlite_insert_event(struct tp_queue_sqlite *queue,
	const struct tp_outcome *outcome, struct tp_error *err)
{
	struct tp_query query;
	int rc;

	tp_query_start(&query, &queue->writer, TP_STMT_PUT_EVENT, err);
	tp_query_int(&query, (int64_t)tp_queue_outcome_bytes(outcome) +
				     TP_QUEUE_EVENT_BYTES);
	tp_query_int(&query, outcome->time_ms);
	tp_query_text(&query, outcome->store ? outcome->store : "");
	tp_query_text(&query, outcome->relay ? outcome->relay : "");
	tp_query_text(&query, outcome->queue_id ? outcome->queue_id : "");
	tp_query_text(&query, outcome->message_id ? outcome->message_id : "");
	tp_query_text(&query, outcome->sender ? outcome->sender : "");
	tp_query_text(&query, outcome->recipient ? outcome->recipient : "");
	bind_outcome(&query, outcome);
	rc = tp_query_run(&query);
	return rc < 0 ? rc : TP_OK;
}

static int apply_put(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	struct put *put = (struct put *)change;
	int rc = check_space(queue, (int64_t)put->item->data_len, err);

	return rc < 0 ? rc
		      : tp_queue_sqlite_insert(
				queue, put->item, put->id_out, err);
}

int tp_queue_sqlite_put(struct tp_queue *base, const struct tp_queue_item *item,
	char id_out[TP_QUEUE_ID_BYTES], struct tp_error *err)
{
	struct put put = { .change = { .apply = apply_put, .check_files = 1 },
		.item = item,
		.id_out = id_out };
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	if (rc >= 0)
		rc = tp_queue_item_check(item, err);
	return rc < 0 ? rc : tp_queue_sqlite_commit(queue, &put.change, err);
}
