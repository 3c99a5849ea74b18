/*
 * queue_sqlite_private.h - what the files of the SQLite queue share
 *
 * JOB     queue_sqlite.c         open, destroy, the table of operations
 *         queue_sqlite_write.c   group commit: the only way to change anything
 *         queue_sqlite_put.c     new messages, events
 *         queue_sqlite_lease.c   claim, begin, settle, unclaim, recover
 *         queue_sqlite_manage.c  reroute, act, sweep
 *         queue_sqlite_read.c    known, load, list, outcomes, due, stats
 *         below them: _db (connection), _statements, _schema, _file, _owner
 * LAYER   adapters; SQLite only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_QUEUE_SQLITE_PRIVATE_H
#define TP_ADAPTERS_QUEUE_SQLITE_PRIVATE_H

#include "adapters/queue_sqlite_db.h"
#include "adapters/queue_sqlite_owner.h"
#include "base/clock.h"
#include "core/queue.h"

#include <pthread.h>
#include <sys/types.h>

struct tp_queue_sqlite;

/* The thread that waits for one change or several. */
struct tp_queue_waiter {
	pthread_cond_t wake; /* all finished, or it is its turn to lead */
	size_t unfinished_count;
};

/* One change on its way to the disk. Lives as long as the call that waits for
 * it; each kind of change has this as its first member. */
struct tp_queue_change {
	/* Makes the change. Runs on any thread, inside a transaction. On
	 * failure what it has written is taken back. May run again if the
	 * transaction could not be committed. */
	int (*apply)(struct tp_queue_sqlite *queue,
		struct tp_queue_change *change, struct tp_error *err);
	/* 1: look first whether the files are still there, so that no mail is
	 * accepted into deleted ones. 0: a look within the last second will
	 * do. */
	int check_files;
	size_t bytes; /* that it adds, about; bounds the transaction */
	struct tp_queue_change *next;
	struct tp_queue_waiter *waiter;
	int rc;
	struct tp_error err;
};

struct tp_queue_sqlite {
	struct tp_queue base;
	char *path;
	char *wal_path;
	char *owners_path;
	int64_t free_reserve_bytes;
	int search_max_ms; /* 0: no bound */
	const struct tp_clock *clock;
	pid_t pid; /* of the process that opened it */

	pthread_mutex_t change_mutex;	      /* the two lines below */
	struct tp_queue_change *first, *last; /* waiting for a transaction */
	int leading; /* 1: a thread is in a transaction */

	/* only for the leader */
	struct tp_queue_db writer;
	struct tp_queue_owner owner;
	int64_t free_bytes; /* at free_checked_ms, less what was put since */
	int64_t free_checked_ms; /* monotonic; 0: never */
	int checkpointed_pages;	 /* length of the WAL at the last checkpoint */

	pthread_mutex_t read_mutex; /* the lines below */
	struct tp_queue_db reader;
	int64_t search_until_ms; /* monotonic */
};

/* The queue behind the interface, if this process may use it.
 * @return 0 or TP_ESTATE (after fork) */
int tp_queue_sqlite_of(struct tp_queue *base, struct tp_queue_sqlite **out,
	struct tp_error *err) TP_USE_RESULT;

/* Runs CHANGE in a transaction, perhaps with others, and returns when it is
 * durable. @return what apply() returned; or why it is not there;
 * TP_EUNCERTAIN if it may be there */
int tp_queue_sqlite_commit(struct tp_queue_sqlite *queue,
	struct tp_queue_change *change, struct tp_error *err) TP_USE_RESULT;

/* The same for a list of changes, which is used up. They stand in the line
 * together, so that they share transactions; each has its own rc and err.
 * @return 0, or TP_ENOMEM and nothing was done */
int tp_queue_sqlite_commit_many(struct tp_queue_sqlite *queue,
	struct tp_queue_change *first, struct tp_error *err) TP_USE_RESULT;

/* One transaction is bounded, so that its failure and its WAL are, and the time
 * that the next in the line waits. Measured with 5 KB messages: larger ones are
 * no faster. */
#define TP_QUEUE_BATCH_MAX_COUNT 64
#define TP_QUEUE_BATCH_MAX_BYTES (4u << 20)

/* Opens the writer and becomes an owner. Only for the leader.
 * @param check as tp_queue_db_ready() */
int tp_queue_sqlite_writer_ready(struct tp_queue_sqlite *queue, int check,
	struct tp_error *err) TP_USE_RESULT;

/* put() inside a transaction. @return as put() */
int tp_queue_sqlite_insert(struct tp_queue_sqlite *queue,
	const struct tp_queue_item *item, char id_out[TP_QUEUE_ID_BYTES],
	struct tp_error *err) TP_USE_RESULT;
int tp_queue_sqlite_insert_event(struct tp_queue_sqlite *queue,
	const struct tp_outcome *outcome, struct tp_error *err) TP_USE_RESULT;

/* Reads the item, with its recipients, from the current row of QUERY (the
 * columns of ITEM_COLUMNS). Nothing to free after a failure.
 * @param row_out its number in the tables; may be NULL */
int tp_queue_sqlite_read_item(const struct tp_query *query,
	struct tp_queue_item *item, int64_t *row_out,
	struct tp_error *err) TP_USE_RESULT;

/* A growing array of items. */
struct tp_queue_items {
	struct tp_queue_item *at;
	size_t count;
	size_t cap;
};
/* Adds an empty item. @return NULL if out of memory */
struct tp_queue_item *tp_queue_items_add(struct tp_queue_items *items);
void tp_queue_items_clear(struct tp_queue_items *items);
/* Adds all rows of QUERY. Does not end the query. */
int tp_queue_sqlite_read_items(struct tp_query *query,
	struct tp_queue_items *items, int64_t *last_row_out,
	struct tp_error *err) TP_USE_RESULT;

/* Reads the data of a message. @owns the caller: tp_free()
 * @return 1; 0 if there is none, and the outputs are as they were; or a
 *         negative TP_E* */
int tp_queue_sqlite_read_body(struct tp_queue_db *db, const char *queue_id,
	char **data_out, size_t *len_out, struct tp_error *err) TP_USE_RESULT;

/* ---- the operations (core/queue.h) -------------------------------------- */

int tp_queue_sqlite_put(struct tp_queue *base, const struct tp_queue_item *item,
	char id_out[TP_QUEUE_ID_BYTES], struct tp_error *err);
void tp_queue_sqlite_put_many(
	struct tp_queue *base, struct tp_queue_put *puts, size_t count);
int tp_queue_sqlite_known(struct tp_queue *base, const char *const *queue_ids,
	size_t count, unsigned char *known_out, struct tp_error *err);
int tp_queue_sqlite_claim(struct tp_queue *base, const struct tp_claim *claim,
	struct tp_queue_item **items_out, struct tp_error *err);
int tp_queue_sqlite_claim_expired(struct tp_queue *base, int64_t now_ms,
	int64_t lease_ms, size_t limit, struct tp_queue_item **items_out,
	struct tp_error *err);
int tp_queue_sqlite_begin(struct tp_queue *base, const char *queue_id,
	const char *relay, struct tp_error *err);
int tp_queue_sqlite_settle(struct tp_queue *base,
	const struct tp_settlement *settlement, int *next_begun_out,
	struct tp_error *err);
int tp_queue_sqlite_unclaim(struct tp_queue *base, const char *const *queue_ids,
	size_t count, struct tp_error *err);
int tp_queue_sqlite_recover(struct tp_queue *base, int64_t now_ms,
	int64_t lease_ms, tp_queue_item_fn *cb, void *ctx,
	struct tp_error *err);
int tp_queue_sqlite_reroute(struct tp_queue *base, const char *store,
	const char *relay, struct tp_error *err);
int tp_queue_sqlite_act(struct tp_queue *base, enum tp_queue_action action,
	const char *queue_id, int64_t now_ms, struct tp_error *err);
int tp_queue_sqlite_sweep(struct tp_queue *base, int64_t events_before_ms,
	int64_t events_max_bytes, struct tp_error *err);
int tp_queue_sqlite_load(struct tp_queue *base, const char *queue_id,
	char **data_out, size_t *len_out, struct tp_error *err);
int tp_queue_sqlite_list(struct tp_queue *base,
	const struct tp_queue_filter *filter, tp_queue_item_fn *cb, void *ctx,
	struct tp_error *err);
int tp_queue_sqlite_due(struct tp_queue *base, int64_t now_ms,
	struct tp_queue_relay_due **due_out, struct tp_error *err);
int tp_queue_sqlite_outcomes(struct tp_queue *base,
	const struct tp_outcome_filter *filter, tp_outcome_fn *cb, void *ctx,
	struct tp_error *err);
int tp_queue_sqlite_stats(struct tp_queue *base, struct tp_queue_stats *out,
	struct tp_error *err);

#endif
