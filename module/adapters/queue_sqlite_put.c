/*
 * queue_sqlite_put.c - new messages and events
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_file.h"
#include "adapters/queue_sqlite_private.h"
#include "base/mem.h"

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

/* @return 1 if it is there, 0 if a message has or had its id, or has its key
 * for its store */
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

static void start_put(struct put *put, const struct tp_queue_item *item,
	char id_out[TP_QUEUE_ID_BYTES])
{
	memset(put, 0, sizeof(*put));
	put->change.apply = apply_put;
	put->change.check_files = 1;
	put->change.bytes = item->data_len;
	put->item = item;
	put->id_out = id_out;
}

int tp_queue_sqlite_put(struct tp_queue *base, const struct tp_queue_item *item,
	char id_out[TP_QUEUE_ID_BYTES], struct tp_error *err)
{
	struct put put;
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, err);

	if (rc >= 0)
		rc = tp_queue_item_check(item, err);
	if (rc < 0)
		return rc;
	start_put(&put, item, id_out);
	return tp_queue_sqlite_commit(queue, &put.change, err);
}

/* ---- many at once ------------------------------------------------------- */

/* So many stand in the line at a time: others, who settle, come between. */
#define STRETCH_MAX_COUNT TP_QUEUE_BATCH_MAX_COUNT

/* Links the changes of those whose result is RC so far.
 * @return NULL: there are none */
static struct tp_queue_change *link_changes(struct put *stretch,
	const struct tp_queue_put *puts, size_t count, int rc)
{
	struct tp_queue_change *first = NULL;

	while (count-- > 0) {
		if (puts[count].rc != rc)
			continue;
		stretch[count].change.next = first;
		first = &stretch[count].change;
	}
	return first;
}

/* Puts those whose result is BEFORE so far: TP_OK, nothing was tried yet, or
 * TP_EUNCERTAIN. @return how many are uncertain now */
static size_t try_puts(struct tp_queue_sqlite *queue, struct put *stretch,
	struct tp_queue_put *puts, size_t count, int before)
{
	struct tp_error err = TP_ERROR_INIT;
	size_t uncertain_count = 0;
	size_t i;
	int rc = tp_queue_sqlite_commit_many(
		queue, link_changes(stretch, puts, count, before), &err);

	for (i = 0; i < count; i++) {
		struct tp_queue_put *put = &puts[i];
		const struct tp_queue_change *change = &stretch[i].change;

		if (put->rc != before)
			continue;
		put->rc = rc < 0 ? rc : change->rc;
		if (before == TP_EUNCERTAIN)
			put->rc = tp_queue_put_repeated(
				put->rc, put->item, put->id_out);
		else if (put->rc < 0)
			put->err = rc < 0 ? err : change->err;
		if (put->rc >= 0)
			tp_error_clear(&put->err);
		uncertain_count += put->rc == TP_EUNCERTAIN;
	}
	return uncertain_count;
}

static void put_stretch(struct tp_queue_sqlite *queue, struct put *stretch,
	struct tp_queue_put *puts, size_t count)
{
	size_t uncertain_count;
	size_t i;

	for (i = 0; i < count; i++) {
		puts[i].rc = tp_queue_item_check(puts[i].item, &puts[i].err);
		start_put(&stretch[i], puts[i].item, puts[i].id_out);
	}
	uncertain_count = try_puts(queue, stretch, puts, count, TP_OK);
	for (i = 1; i < TP_QUEUE_PUT_TRIES_MAX_COUNT; i++)
		if (uncertain_count > 0)
			uncertain_count = try_puts(
				queue, stretch, puts, count, TP_EUNCERTAIN);
}

void tp_queue_sqlite_put_many(
	struct tp_queue *base, struct tp_queue_put *puts, size_t count)
{
	size_t room = count < STRETCH_MAX_COUNT ? count : STRETCH_MAX_COUNT;
	struct put *stretch = tp_calloc(room, sizeof(*stretch));
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_sqlite *queue;
	int rc = tp_queue_sqlite_of(base, &queue, &err);
	size_t i;

	if (rc >= 0 && !stretch)
		rc = tp_fail(&err, TP_ENOMEM, queue->path, "out of memory");
	for (i = 0; i < count; i++) {
		puts[i].rc = rc;
		puts[i].err = err;
	}
	for (i = 0; i < count && rc >= 0; i += room)
		put_stretch(queue, stretch, puts + i,
			count - i < room ? count - i : room);
	tp_free(stretch);
}
