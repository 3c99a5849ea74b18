/*
 * queue_sqlite_db.h - one connection to the queue's database
 *
 * JOB     Opens a connection with the settings that durability needs, keeps
 *         its prepared statements, and turns each SQLite failure into a
 *         struct tp_error at the failing call. No SQL is ever made from data.
 * LAYER   adapters; SQLite only.
 * THREADS one thread at a time per connection.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_QUEUE_SQLITE_DB_H
#define TP_ADAPTERS_QUEUE_SQLITE_DB_H

#include "base/err.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Every statement of the queue; queue_sqlite_statements.c has the texts. */
enum tp_queue_stmt {
	/* transactions */
	TP_STMT_BEGIN,
	TP_STMT_COMMIT,
	TP_STMT_ROLLBACK,
	TP_STMT_SAVEPOINT,
	TP_STMT_SAVEPOINT_RELEASE,
	TP_STMT_SAVEPOINT_ROLLBACK,
	/* changes */
	TP_STMT_PUT_MESSAGE,
	TP_STMT_PUT_BODY,
	TP_STMT_PUT_RCPT,
	TP_STMT_PUT_EVENT,
	TP_STMT_FIND_SAME,
	TP_STMT_CLAIM,
	TP_STMT_CLAIM_EXPIRED,
	TP_STMT_LEASE,
	TP_STMT_LEASED_BY,
	TP_STMT_BEGIN_DELIVERY,
	TP_STMT_SETTLE_OPEN,
	TP_STMT_SETTLE_DONE,
	TP_STMT_SETTLE_RCPT,
	TP_STMT_ANY_OPEN,
	TP_STMT_UNCLAIM,
	TP_STMT_LEASES,
	TP_STMT_LEASE_FREE,
	TP_STMT_REROUTE_WAITING,
	TP_STMT_REROUTE_LEASED,
	TP_STMT_HOLD,
	TP_STMT_RETRY,
	TP_STMT_CANCEL_RCPTS,
	TP_STMT_SWEEP_FIND,
	TP_STMT_SWEEP_BODY,
	TP_STMT_SWEEP_MARK,
	TP_STMT_SWEEP_MESSAGE,
	TP_STMT_SWEEP_EVENTS_MARK,
	TP_STMT_SWEEP_EVENTS_AGE,
	TP_STMT_SWEEP_EVENTS_BYTES,
	/* reads */
	TP_STMT_ITEM,
	TP_STMT_RCPTS,
	TP_STMT_KNOWN,
	TP_STMT_LOAD,
	TP_STMT_LIST,
	TP_STMT_DUE,
	TP_STMT_STATS,
	TP_STMT_EVENTS_NEWEST,
	TP_STMT_EVENTS_PAGE,
	TP_STMT_EVENTS_OF_NEWEST,
	TP_STMT_EVENTS_OF_PAGE,
	TP_STMT_COUNT
};

extern const char *const tp_queue_statements[TP_STMT_COUNT];

struct tp_queue_db {
	const char *path;     /* borrowed */
	const char *wal_path; /* borrowed */
	int busy_ms;
	int reader;   /* 1: may not write */
	sqlite3 *sql; /* NULL: closed */
	sqlite3_stmt *stmts[TP_STMT_COUNT];
	int wal_pages; /* in the WAL after the last commit */
	dev_t wal_dev;
	ino_t wal_ino;
	int suspect; /* an I/O error was seen: open again before more use */
	int moved;   /* the file under the connection is not the one at PATH */
	int64_t checked_ms; /* monotonic; when its files were looked at */
};

/* Makes the connection fit for use: opens it if it is closed, and again if it
 * is suspect. If the file was deleted or replaced, that is an error now, and
 * the next call opens what is there then.
 * @param check 1: look at the files now; 0: unless that was done within the
 *              last second
 * @return 0, or as queue_sqlite.h ERRORS */
int tp_queue_db_ready(
	struct tp_queue_db *db, int check, struct tp_error *err) TP_USE_RESULT;
/* Safe on a closed one. */
void tp_queue_db_close(struct tp_queue_db *db);

/* Copies the WAL into the file if it has grown, without waiting for others. */
void tp_queue_db_checkpoint(struct tp_queue_db *db, int restart);

/* Records the last SQLite failure of SQL: code, extended code, errno, text.
 * @return the negative TP_E* that fits */
int tp_queue_sql_fail(
	sqlite3 *sql, const char *path, const char *what, struct tp_error *err);

/* One use of a prepared statement. Values are bound in order and must live
 * until tp_query_end(). A failure to prepare or bind comes out of step(). */
struct tp_query {
	struct tp_queue_db *db;
	sqlite3_stmt *stmt;
	int next; /* parameter to bind next */
	int rc;	  /* SQLITE_OK or the first failure of a bind */
	struct tp_error *err;
};

void tp_query_start(struct tp_query *query, struct tp_queue_db *db,
	enum tp_queue_stmt id, struct tp_error *err);
void tp_query_text(struct tp_query *query, const char *text); /* or NULL */
void tp_query_int(struct tp_query *query, int64_t value);
void tp_query_blob(struct tp_query *query, const void *data, size_t len);
/* @return 1: a row; 0: no more rows; or a negative TP_E* */
int tp_query_step(struct tp_query *query) TP_USE_RESULT;
void tp_query_end(struct tp_query *query);
/* Steps to the end and ends. @return changed rows, or a negative TP_E* */
int tp_query_run(struct tp_query *query) TP_USE_RESULT;

/* Columns of the current row. text() is "" for NULL, valid until the next
 * step; dup() is NULL for NULL, @return 0 or TP_ENOMEM. */
int64_t tp_query_column(const struct tp_query *query, int column);
const char *tp_query_column_text(const struct tp_query *query, int column);
int tp_query_column_dup(
	const struct tp_query *query, int column, char **out) TP_USE_RESULT;

/* Runs a statement without parameters. @return as tp_query_run() */
int tp_queue_db_run(struct tp_queue_db *db, enum tp_queue_stmt id,
	struct tp_error *err) TP_USE_RESULT;

#endif
