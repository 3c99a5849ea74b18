/*
 * queue_sqlite_read.c - known, load, list, outcomes, due, stats
 *
 * Reads have a connection of their own, so that they do not wait for a commit.
 * Listings read a page at a time and call back between pages with nothing
 * locked: the caller may be slow, and may use the queue, and the WAL is not
 * kept from starting over.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_private.h"

#include "base/mem.h"

#include <string.h>

#define PAGE_ITEMS 64
#define PAGE_OUTCOMES 256
#define PAGE_KNOWN 256

static int apply_nothing(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err)
{
	(void)queue;
	(void)change;
	(void)err;
	return TP_OK;
}

/* Has the leader look at the files, and open them again if need be. */
static int check_writer(struct tp_queue_sqlite *queue, struct tp_error *err)
{
	struct tp_queue_change change = { .apply = apply_nothing,
		.check_files = 1 };

	return tp_queue_sqlite_commit(queue, &change, err);
}

/* Locks the reader and makes it fit for use. Nothing is locked after a
 * failure. */
static int read_begin(struct tp_queue *base, struct tp_queue_sqlite **out,
	struct tp_error *err)
{
	struct tp_queue_db *db;
	int rc = tp_queue_sqlite_of(base, out, err);

	if (rc < 0)
		return rc;
	db = &(*out)->reader;
	(void)pthread_mutex_lock(&(*out)->read_mutex);
	if (!db->sql || db->suspect || db->moved) {
		tp_queue_db_close(db);
		(void)pthread_mutex_unlock(&(*out)->read_mutex);
		rc = check_writer(*out, err);
		if (rc < 0)
			return rc;
		(void)pthread_mutex_lock(&(*out)->read_mutex);
	}
	rc = tp_queue_db_ready(db, 1, err);
	if (rc < 0)
		(void)pthread_mutex_unlock(&(*out)->read_mutex);
	return rc;
}

static void read_end(struct tp_queue_sqlite *queue)
{
	(void)pthread_mutex_unlock(&queue->read_mutex);
}

/* ---- searches that may only take so long -------------------------------- */

#define LOOK_EVERY_OPS 1000

/* @return until when the search that begins now may take; INT64_MAX */
static int64_t search_until(struct tp_queue *base)
{
	const struct tp_queue_sqlite *queue = (struct tp_queue_sqlite *)base;

	return queue->search_max_ms > 0 ? tp_deadline_ms(queue->search_max_ms)
					: INT64_MAX;
}

static int is_late(void *until_ms)
{
	return tp_mono_ms() >= *(const int64_t *)until_ms;
}

/* As read_begin(); what runs until search_end() ends with TP_ETIMEOUT at
 * UNTIL_MS. */
static int search_begin(struct tp_queue *base, struct tp_queue_sqlite **out,
	int64_t until_ms, struct tp_error *err)
{
	int rc;

	if (is_late(&until_ms))
		return tp_fail(err, TP_ETIMEOUT,
			((struct tp_queue_sqlite *)base)->path,
			"the search takes too long");
	rc = read_begin(base, out, err);
	if (rc < 0 || until_ms == INT64_MAX)
		return rc;
	(*out)->search_until_ms = until_ms;
	sqlite3_progress_handler((*out)->reader.sql, LOOK_EVERY_OPS, is_late,
		&(*out)->search_until_ms);
	return rc;
}

static void search_end(struct tp_queue_sqlite *queue)
{
	sqlite3_progress_handler(queue->reader.sql, 0, NULL, NULL);
	read_end(queue);
}

/* ---- items -------------------------------------------------------------- */

struct tp_queue_item *tp_queue_items_add(struct tp_queue_items *items)
{
	struct tp_queue_item *at = items->at;
	size_t cap = items->cap;

	if (items->count == cap) {
		cap = cap ? 2 * cap : 8;
		at = tp_realloc(at, cap * sizeof(*at));
		if (!at)
			return NULL;
		items->at = at;
		items->cap = cap;
	}
	memset(&at[items->count], 0, sizeof(*at));
	return &at[items->count++];
}

void tp_queue_items_clear(struct tp_queue_items *items)
{
	tp_queue_items_free(items->at, items->count);
	memset(items, 0, sizeof(*items));
}

static void copy_bounded(char *out, size_t bytes, const char *text)
{
	size_t len = strnlen(text, bytes - 1);

	memcpy(out, text, len);
	out[len] = '\0';
}

static int read_rcpt(const struct tp_query *query, struct tp_queue_item *item)
{
	struct tp_queue_rcpt *rcpt;
	int rc;

	/* Few messages have many: room grows with the powers of two. */
	if ((item->rcpt_count & (item->rcpt_count - 1)) == 0) {
		size_t room = item->rcpt_count ? 2 * item->rcpt_count : 1;

		rcpt = tp_realloc(item->rcpts, room * sizeof(*rcpt));
		if (!rcpt)
			return tp_fail(query->err, TP_ENOMEM, item->queue_id,
				"out of memory");
		item->rcpts = rcpt;
	}
	rcpt = &item->rcpts[item->rcpt_count++];
	memset(rcpt, 0, sizeof(*rcpt));
	rc = tp_query_column_dup(query, 0, &rcpt->address);
	if (rc < 0)
		return rc;
	rcpt->state = (enum tp_rcpt_state)tp_query_column(query, 1);
	rcpt->reply_code = (int)tp_query_column(query, 2);
	copy_bounded(rcpt->enhanced, sizeof(rcpt->enhanced),
		tp_query_column_text(query, 3));
	return tp_query_column_dup(query, 4, &rcpt->text);
}

static int read_rcpts(struct tp_queue_db *db, struct tp_queue_item *item,
	int64_t row, struct tp_error *err)
{
	struct tp_query query;
	int rc;

	tp_query_start(&query, db, TP_STMT_RCPTS, err);
	tp_query_int(&query, row);
	while ((rc = tp_query_step(&query)) > 0) {
		rc = read_rcpt(&query, item);
		if (rc < 0)
			break;
	}
	tp_query_end(&query);
	return rc;
}

static int read_texts(const struct tp_query *query, struct tp_queue_item *item)
{
	char **const texts[] = { &item->store, &item->relay, &item->sender,
		&item->message_id, &item->dedup_key };
	size_t i;
	int rc = tp_query_column_dup(query, 17, &item->reason);

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]) && rc >= 0; i++)
		rc = tp_query_column_dup(query, 2 + (int)i, texts[i]);
	return rc;
}

int tp_queue_sqlite_read_item(const struct tp_query *query,
	struct tp_queue_item *item, int64_t *row_out, struct tp_error *err)
{
	int64_t row = tp_query_column(query, 0);
	int rc;

	memset(item, 0, sizeof(*item));
	copy_bounded(item->queue_id, sizeof(item->queue_id),
		tp_query_column_text(query, 1));
	item->eight_bit = (int)tp_query_column(query, 7);
	item->smtputf8 = (int)tp_query_column(query, 8);
	item->bounce = (int)tp_query_column(query, 9);
	item->data_len = (size_t)tp_query_column(query, 10);
	item->created_ms = tp_query_column(query, 11);
	item->expires_ms = tp_query_column(query, 12);
	item->next_try_ms = tp_query_column(query, 13);
	item->attempts = (int)tp_query_column(query, 14);
	item->unknown_count = (int)tp_query_column(query, 15);
	item->state = (enum tp_queue_state)tp_query_column(query, 16);
	rc = read_texts(query, item);
	if (rc >= 0)
		rc = read_rcpts(query->db, item, row, err);
	if (rc < 0)
		tp_queue_item_free(item);
	else if (row_out)
		*row_out = row;
	return rc;
}

int tp_queue_sqlite_read_items(struct tp_query *query,
	struct tp_queue_items *items, int64_t *last_row_out,
	struct tp_error *err)
{
	int rc;

	while ((rc = tp_query_step(query)) > 0) {
		struct tp_queue_item *item = tp_queue_items_add(items);

		if (!item)
			return tp_fail(err, TP_ENOMEM, query->db->path,
				"out of memory");
		rc = tp_queue_sqlite_read_item(query, item, last_row_out, err);
		if (rc < 0)
			break;
	}
	return rc;
}

/* ---- known -------------------------------------------------------------- */

static int is_known(
	struct tp_queue_db *db, const char *queue_id, struct tp_error *err)
{
	struct tp_query query;
	int rc;

	tp_query_start(&query, db, TP_STMT_KNOWN, err);
	tp_query_text(&query, queue_id);
	rc = tp_query_step(&query);
	if (rc > 0)
		rc = tp_query_column(&query, 0) != 0;
	tp_query_end(&query);
	return rc;
}

int tp_queue_sqlite_known(struct tp_queue *base, const char *const *queue_ids,
	size_t count, unsigned char *known_out, struct tp_error *err)
{
	struct tp_queue_sqlite *queue;
	size_t i = 0;
	int rc = TP_OK;

	memset(known_out, 0, count);
	while (i < count && rc >= 0) {
		size_t page_end = i + PAGE_KNOWN;

		rc = read_begin(base, &queue, err);
		if (rc < 0)
			return rc;
		for (; i < count && i < page_end && rc >= 0; i++) {
			rc = is_known(&queue->reader, queue_ids[i], err);
			known_out[i] = rc > 0;
		}
		read_end(queue);
	}
	return rc < 0 ? rc : TP_OK;
}

/* ---- load --------------------------------------------------------------- */

int tp_queue_sqlite_read_body(struct tp_queue_db *db, const char *queue_id,
	char **data_out, size_t *len_out, struct tp_error *err)
{
	struct tp_query query;
	int rc;

	tp_query_start(&query, db, TP_STMT_LOAD, err);
	tp_query_text(&query, queue_id);
	rc = tp_query_step(&query);
	if (rc > 0) {
		const void *data = sqlite3_column_blob(query.stmt, 0);
		int len = sqlite3_column_bytes(query.stmt, 0);

		*data_out = tp_strndup(data ? data : "", (size_t)len);
		*len_out = (size_t)len;
		if (!*data_out)
			rc = tp_fail(err, TP_ENOMEM, queue_id, "out of memory");
	}
	tp_query_end(&query);
	return rc;
}

int tp_queue_sqlite_load(struct tp_queue *base, const char *queue_id,
	char **data_out, size_t *len_out, struct tp_error *err)
{
	struct tp_queue_sqlite *queue;
	int rc = read_begin(base, &queue, err);

	*data_out = NULL;
	*len_out = 0;
	if (rc < 0)
		return rc;
	rc = tp_queue_sqlite_read_body(
		&queue->reader, queue_id, data_out, len_out, err);
	read_end(queue);
	if (rc == 0)
		return tp_fail(err, TP_ENOTFOUND, queue_id,
			"no such message, or its body is gone");
	return rc < 0 ? rc : TP_OK;
}

/* ---- list --------------------------------------------------------------- */

/* @return 1 if there may be more */
static int read_page(struct tp_queue *base,
	const struct tp_queue_filter *filter, size_t limit, int64_t until_ms,
	int64_t *row, struct tp_queue_items *items, struct tp_error *err)
{
	struct tp_queue_sqlite *queue;
	struct tp_query query;
	int rc = search_begin(base, &queue, until_ms, err);

	if (rc < 0)
		return rc;
	if (filter->queue_id) {
		tp_query_start(&query, &queue->reader, TP_STMT_ITEM, err);
		tp_query_text(&query, filter->queue_id);
	} else {
		tp_query_start(&query, &queue->reader, TP_STMT_LIST, err);
		tp_query_int(&query, *row);
		tp_query_text(&query, filter->store);
		tp_query_int(&query, filter->state);
		tp_query_int(&query, (int64_t)limit);
	}
	rc = tp_queue_sqlite_read_items(&query, items, row, err);
	tp_query_end(&query);
	search_end(queue);
	return rc < 0 ? rc : !filter->queue_id && items->count == limit;
}

static int is_wanted(
	const struct tp_queue_item *item, const struct tp_queue_filter *filter)
{
	if (filter->store && strcmp(item->store, filter->store) != 0)
		return 0;
	return filter->state < 0 ? item->state != TP_QUEUE_DONE
				 : (int)item->state == filter->state;
}

int tp_queue_sqlite_list(struct tp_queue *base,
	const struct tp_queue_filter *filter, tp_queue_item_fn *cb, void *ctx,
	struct tp_error *err)
{
	size_t left = filter->limit ? filter->limit : SIZE_MAX;
	struct tp_queue_items items = { NULL, 0, 0 };
	int64_t until_ms = search_until(base);
	int64_t row = 0;
	size_t i;
	int more = 1;

	while (more > 0 && left > 0) {
		size_t page = left < PAGE_ITEMS ? left : PAGE_ITEMS;

		more = read_page(
			base, filter, page, until_ms, &row, &items, err);
		for (i = 0; i < items.count && more >= 0; i++) {
			if (!is_wanted(&items.at[i], filter))
				continue; /* found by its id alone */
			if (cb(ctx, &items.at[i]) != 0) {
				more = 0;
				break;
			}
		}
		left -= items.count;
		tp_queue_items_clear(&items);
	}
	return more < 0 ? more : TP_OK;
}

/* ---- outcomes ----------------------------------------------------------- */

/* Binds EVENT_FILTER, the limit, and the queue id if there is one. */
static void bind_event_filter(struct tp_query *query,
	const struct tp_outcome_filter *filter, int64_t after_id, size_t limit)
{
	tp_query_int(query, after_id);
	tp_query_int(query, filter->until_ms);
	tp_query_text(query, filter->store);
	tp_query_text(query, filter->relay);
	tp_query_text(query, filter->message_id);
	tp_query_text(query, filter->recipient);
	tp_query_text(query, filter->verdict);
	tp_query_int(query, filter->since_ms);
	tp_query_int(query, limit > INT32_MAX ? INT32_MAX : (int64_t)limit);
	if (filter->queue_id)
		tp_query_text(query, filter->queue_id);
}

/* Finds where a listing of the newest LIMIT starts: raises *AFTER_ID to just
 * below the first of them. @return 1, or 0 if there is nothing to list */
static int find_newest(struct tp_queue *base,
	const struct tp_outcome_filter *filter, int64_t until_ms,
	int64_t *after_id, struct tp_error *err)
{
	struct tp_queue_sqlite *queue;
	struct tp_query query;
	int rc = search_begin(base, &queue, until_ms, err);

	if (rc < 0)
		return rc;
	tp_query_start(&query, &queue->reader,
		filter->queue_id ? TP_STMT_EVENTS_OF_NEWEST
				 : TP_STMT_EVENTS_NEWEST,
		err);
	bind_event_filter(&query, filter, *after_id, filter->limit);
	rc = tp_query_step(&query);
	if (rc > 0) {
		int64_t first = tp_query_column(&query, 0);

		rc = first > 0; /* NULL reads as 0: no such event */
		if (rc > 0)
			*after_id = first - 1;
	}
	tp_query_end(&query);
	search_end(queue);
	return rc;
}

/* Borrows the strings of the current row. */
static void read_outcome(const struct tp_query *query, struct tp_outcome *out)
{
	out->event_id = tp_query_column(query, 0);
	out->time_ms = tp_query_column(query, 1);
	out->store = tp_query_column_text(query, 2);
	out->relay = tp_query_column_text(query, 3);
	out->queue_id = tp_query_column_text(query, 4);
	out->message_id = tp_query_column_text(query, 5);
	out->sender = tp_query_column_text(query, 6);
	out->recipient = tp_query_column_text(query, 7);
	out->attempt = (int)tp_query_column(query, 8);
	out->cls = (enum tp_class)tp_query_column(query, 9);
	out->verdict = tp_query_column_text(query, 10);
	out->step = tp_query_column_text(query, 11);
	out->reply_code = (int)tp_query_column(query, 12);
	out->enhanced = tp_query_column_text(query, 13);
	out->text = tp_query_column_text(query, 14);
	out->tls_version = tp_query_column_text(query, 15);
	out->tls_cipher = tp_query_column_text(query, 16);
	out->size_bytes = tp_query_column(query, 17);
	out->queued_ms = tp_query_column(query, 18);
	out->connect_us = tp_query_column(query, 19);
	out->tls_us = tp_query_column(query, 20);
	out->auth_us = tp_query_column(query, 21);
	out->send_us = tp_query_column(query, 22);
	out->next_try_ms = tp_query_column(query, 23);
	out->last = (int)tp_query_column(query, 24);
}

/* Copies up to LIMIT outcomes. @return their number, those in PAGE even after
 * a failure are the caller's */
static int read_outcomes(struct tp_queue *base,
	const struct tp_outcome_filter *filter, int64_t until_ms,
	int64_t after_id, size_t limit, struct tp_outcome *page[PAGE_OUTCOMES],
	struct tp_error *err)
{
	struct tp_queue_sqlite *queue;
	struct tp_query query;
	int count = 0;
	int rc = search_begin(base, &queue, until_ms, err);

	if (rc < 0)
		return rc;
	tp_query_start(&query, &queue->reader,
		filter->queue_id ? TP_STMT_EVENTS_OF_PAGE : TP_STMT_EVENTS_PAGE,
		err);
	bind_event_filter(&query, filter, after_id, limit);
	while ((rc = tp_query_step(&query)) > 0) {
		struct tp_outcome row;

		read_outcome(&query, &row);
		page[count] = tp_queue_outcome_copy(&row);
		if (!page[count]) {
			rc = tp_fail(
				err, TP_ENOMEM, queue->path, "out of memory");
			break;
		}
		count++;
	}
	tp_query_end(&query);
	search_end(queue);
	return rc < 0 ? rc : count;
}

int tp_queue_sqlite_outcomes(struct tp_queue *base,
	const struct tp_outcome_filter *filter, tp_outcome_fn *cb, void *ctx,
	struct tp_error *err)
{
	size_t left = filter->limit ? filter->limit : SIZE_MAX;
	int64_t until_ms = search_until(base);
	int64_t after_id = filter->after_event_id;
	int rc = 1;
	int ended;

	if (filter->limit > 0)
		rc = find_newest(base, filter, until_ms, &after_id, err);
	ended = rc <= 0;
	while (!ended) {
		struct tp_outcome *page[PAGE_OUTCOMES] = { NULL };
		size_t want = left < PAGE_OUTCOMES ? left : PAGE_OUTCOMES;
		size_t i;

		rc = read_outcomes(
			base, filter, until_ms, after_id, want, page, err);
		ended = rc < (int)want;
		for (i = 0; i < PAGE_OUTCOMES && page[i]; i++) {
			after_id = page[i]->event_id;
			if (rc >= 0 && cb && cb(ctx, page[i]) != 0) {
				ended = 1;
				cb = NULL;
			}
			tp_free(page[i]);
		}
		left -= i;
		ended = ended || left == 0;
	}
	return rc < 0 ? rc : TP_OK;
}

/* ---- due and stats ------------------------------------------------------ */

struct due_list {
	struct tp_queue_relay_due *at;
	size_t count;
	size_t cap;
};

static int read_due(struct tp_query *query, struct due_list *due)
{
	struct tp_queue_relay_due *one;

	if (due->count == due->cap) {
		size_t cap = due->cap ? 2 * due->cap : 8;

		one = tp_realloc(due->at, cap * sizeof(*one));
		if (!one)
			return tp_fail(query->err, TP_ENOMEM, query->db->path,
				"out of memory");
		due->at = one;
		due->cap = cap;
	}
	one = &due->at[due->count];
	if (tp_query_column_dup(query, 0, &one->relay) < 0)
		return TP_ENOMEM;
	one->due_count = tp_query_column(query, 1);
	one->next_try_ms = tp_query_column(query, 2);
	due->count++;
	return TP_OK;
}

int tp_queue_sqlite_due(struct tp_queue *base, int64_t now_ms,
	struct tp_queue_relay_due **due_out, struct tp_error *err)
{
	struct due_list due = { NULL, 0, 0 };
	struct tp_queue_sqlite *queue;
	struct tp_query query;
	int rc = read_begin(base, &queue, err);

	*due_out = NULL;
	if (rc < 0)
		return rc;
	tp_query_start(&query, &queue->reader, TP_STMT_DUE, err);
	tp_query_int(&query, now_ms);
	tp_query_int(&query, TP_QUEUE_DUE_MAX_COUNT);
	while ((rc = tp_query_step(&query)) > 0) {
		rc = read_due(&query, &due);
		if (rc < 0)
			break;
	}
	tp_query_end(&query);
	read_end(queue);
	if (rc < 0) {
		while (due.count > 0)
			tp_free(due.at[--due.count].relay);
		tp_free(due.at);
		return rc;
	}
	*due_out = due.at;
	return (int)due.count;
}

int tp_queue_sqlite_stats(
	struct tp_queue *base, struct tp_queue_stats *out, struct tp_error *err)
{
	struct tp_queue_sqlite *queue;
	struct tp_query query;
	int rc = read_begin(base, &queue, err);

	memset(out, 0, sizeof(*out));
	if (rc < 0)
		return rc;
	tp_query_start(&query, &queue->reader, TP_STMT_STATS, err);
	rc = tp_query_step(&query);
	if (rc > 0) {
		out->queued = tp_query_column(&query, 0);
		out->leased = tp_query_column(&query, 1);
		out->in_doubt = tp_query_column(&query, 2);
		out->held = tp_query_column(&query, 3);
		out->done = tp_query_column(&query, 4);
		out->oldest_created_ms = tp_query_column(&query, 5);
		out->bytes = tp_query_column(&query, 6);
	}
	tp_query_end(&query);
	read_end(queue);
	return rc < 0 ? rc : TP_OK;
}
