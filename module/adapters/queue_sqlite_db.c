/*
 * queue_sqlite_db.c - one connection to the queue's database
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_db.h"

#include "adapters/queue_sqlite_file.h"
#include "adapters/queue_sqlite_schema.h"
#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Larger than the WAL ever needs to be between checkpoints, so that it is
 * written over and over without changing its length. */
#define PRAGMA_BOTH                      \
	"PRAGMA synchronous = FULL;"     \
	"PRAGMA foreign_keys = ON;"      \
	"PRAGMA trusted_schema = OFF;"   \
	"PRAGMA temp_store = MEMORY;"    \
	"PRAGMA cache_size = -8000;"     \
	"PRAGMA secure_delete = FAST;"   \
	"PRAGMA wal_autocheckpoint = 0;" \
	"PRAGMA journal_size_limit = 33554432;"
#define PRAGMA_READER PRAGMA_BOTH "PRAGMA query_only = ON;"

/* See tp_queue_db_ready(). */
#define CHECK_FILES_MS 1000

/* Between tries while another process turns a new file into WAL mode. */
#define WAL_MODE_WAIT_MS 5

/* A write that found no space: ENOSPC, a quota, a limit on the file's size. */
static int is_full(int extended, int sys_errno)
{
	if ((extended & 0xff) == SQLITE_FULL)
		return 1;
	return extended == SQLITE_IOERR_WRITE &&
	       (sys_errno == ENOSPC || sys_errno == EDQUOT ||
		       sys_errno == EFBIG);
}

static int code_of(int extended, int sys_errno)
{
	if (is_full(extended, sys_errno))
		return TP_ENOSPC;
	switch (extended & 0xff) {
	case SQLITE_NOMEM:
		return TP_ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return TP_EBUSY;
	case SQLITE_TOOBIG:
		return TP_ETOOBIG;
	case SQLITE_INTERRUPT:
		return TP_ETIMEOUT;
	default:
		return TP_EQUEUE;
	}
}

/* After these SQLite's picture of the file cannot be trusted any more. */
static int is_suspect(int extended, int sys_errno)
{
	int primary = extended & 0xff;

	if (is_full(extended, sys_errno))
		return 0;
	return primary == SQLITE_IOERR || primary == SQLITE_CORRUPT ||
	       primary == SQLITE_NOTADB || primary == SQLITE_CANTOPEN ||
	       primary == SQLITE_PROTOCOL || primary == SQLITE_READONLY;
}

/* SQLite forgets the errno of a failed COMMIT; ours still has it, because it
 * was 0 before the call. */
static int errno_of(sqlite3 *sql)
{
	int sys_errno = sqlite3_system_errno(sql);

	return sys_errno ? sys_errno : errno;
}

int tp_queue_sql_fail(
	sqlite3 *sql, const char *path, const char *what, struct tp_error *err)
{
	int extended = sqlite3_extended_errcode(sql);
	int sys_errno = errno_of(sql);
	int code = code_of(extended, sys_errno);

	if (err && err->code == TP_OK) {
		(void)tp_fail(err, code, path, "%s: %s (SQLite code %d)", what,
			sqlite3_errmsg(sql), extended);
		err->lib_code = extended;
		err->sys_errno = sys_errno;
	}
	return code;
}

static int db_fail(struct tp_queue_db *db, struct tp_error *err)
{
	if (is_suspect(sqlite3_extended_errcode(db->sql), errno_of(db->sql)))
		db->suspect = 1;
	return tp_queue_sql_fail(db->sql, db->path, "queue database", err);
}

static int count_wal(void *ctx, sqlite3 *sql, const char *name, int pages)
{
	struct tp_queue_db *db = ctx;

	(void)sql;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/* Small pages: a settlement changes a few bytes in each of some eight pages,
 * and every changed page goes to the WAL whole, with a checksum. Measured
 * against 4,096: one settlement in seven saved. Only a new file obeys. */
#define PAGE_SIZE "PRAGMA page_size = 2048"

/* @return SQLITE_OK if the database is in WAL mode now */
static int try_wal_mode(struct tp_queue_db *db)
{
	sqlite3_stmt *stmt = NULL;
	const unsigned char *mode;
	int is_wal = 0;
	int rc = sqlite3_exec(db->sql, PAGE_SIZE, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(
			db->sql, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		mode = sqlite3_column_text(stmt, 0);
		is_wal = mode && strcmp((const char *)mode, "wal") == 0;
	}
	rc = sqlite3_finalize(stmt);
	return rc == SQLITE_OK && !is_wal ? SQLITE_BUSY : rc;
}

/* SQLite does not call the busy handler for this step, so we wait here. */
static int wal_mode(struct tp_queue_db *db, struct tp_error *err)
{
	int64_t deadline_ms = tp_deadline_ms(db->busy_ms);
	int rc = try_wal_mode(db);

	while ((rc & 0xff) == SQLITE_BUSY &&
		tp_deadline_left_ms(deadline_ms) > 0) {
		(void)sqlite3_sleep(WAL_MODE_WAIT_MS);
		rc = try_wal_mode(db);
	}
	return rc == SQLITE_OK ? TP_OK : db_fail(db, err);
}

static int configure(struct tp_queue_db *db, struct tp_error *err)
{
	const char *pragmas = db->reader ? PRAGMA_READER : PRAGMA_BOTH;
	int rc;

	(void)sqlite3_busy_timeout(db->sql, db->busy_ms);
	rc = wal_mode(db, err);
	/* The reader too: after a replacement it may be the first to come. */
	if (rc >= 0)
		rc = tp_queue_schema_upgrade(db->sql, db->path,
			tp_queue_migrations, tp_queue_migration_count, err);
	if (rc < 0)
		return rc;
	if (sqlite3_exec(db->sql, pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(db, err);
	(void)sqlite3_wal_hook(db->sql, count_wal, db);
	return TP_OK;
}

/* The WAL lives as long as a connection does: a change of its inode means
 * that somebody took it away, and with it what was acknowledged. */
static void remember_wal(struct tp_queue_db *db)
{
	struct stat st;

	db->wal_ino = 0;
	if (stat(db->wal_path, &st) == 0) {
		db->wal_dev = st.st_dev;
		db->wal_ino = st.st_ino;
	}
}

static int db_open(struct tp_queue_db *db, struct tp_error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
	int rc = tp_queue_file_prepare(db->path, err);

	if (rc < 0)
		return rc;
	if (sqlite3_open_v2(db->path, &db->sql, flags, NULL) != SQLITE_OK) {
		rc = db->sql ? db_fail(db, err)
			     : tp_fail(err, TP_ENOMEM, db->path,
				       "out of memory");
		goto out;
	}
	rc = configure(db, err);
	if (rc >= 0) {
		remember_wal(db);
		db->checked_ms = tp_mono_ms();
	}
out:
	if (rc < 0)
		tp_queue_db_close(db);
	return rc;
}

/* @return 1 if the files under the connection are not those at its path */
static int is_moved(struct tp_queue_db *db, int check)
{
	int64_t now_ms = tp_mono_ms();
	struct stat st;
	int moved = 0;

	if (!check && now_ms - db->checked_ms < CHECK_FILES_MS)
		return 0;
	db->checked_ms = now_ms;
	(void)sqlite3_file_control(
		db->sql, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved || db->wal_ino == 0)
		return moved;
	return stat(db->wal_path, &st) < 0 || st.st_ino != db->wal_ino ||
	       st.st_dev != db->wal_dev;
}

int tp_queue_db_ready(struct tp_queue_db *db, int check, struct tp_error *err)
{
	int was_suspect = db->suspect;
	int rc;

	if (db->suspect || db->moved)
		tp_queue_db_close(db);
	if (db->sql && is_moved(db, check)) {
		db->moved = 1;
		return tp_fail(err, TP_EQUEUE, db->path,
			"the queue database was deleted or replaced while in "
			"use; mail accepted since then may be gone. Stop "
			"tillpost before moving its files");
	}
	if (db->sql)
		return TP_OK;
	rc = db_open(db, err);
	/* Pages of a WAL whose fsync failed may never reach the disk although
	 * they can be read: have them written again, into the database, before
	 * anything is built on them. */
	if (rc >= 0 && was_suspect && !db->reader) {
		db->suspect = 0;
		tp_queue_db_checkpoint(db, 1);
		rc = db->suspect ? tp_fail(err, TP_EQUEUE, db->path,
					   "cannot write the database")
				 : TP_OK;
	}
	if (rc < 0 && was_suspect)
		db->suspect = 1;
	return rc;
}

void tp_queue_db_close(struct tp_queue_db *db)
{
	size_t i;

	if (!db->sql)
		return;
	for (i = 0; i < TP_STMT_COUNT; i++) {
		(void)sqlite3_finalize(db->stmts[i]);
		db->stmts[i] = NULL;
	}
	/* A checkpoint on close would delete PATH-wal by name: it may belong
	 * to the file that is at PATH now. */
	if (db->moved)
		(void)sqlite3_db_config(db->sql,
			SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	(void)sqlite3_close(db->sql);
	db->sql = NULL;
	db->moved = 0;
	db->suspect = 0;
	db->wal_pages = 0;
}

void tp_queue_db_checkpoint(struct tp_queue_db *db, int restart)
{
	int mode =
		restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
	int rc;

	(void)sqlite3_busy_timeout(db->sql, 0);
	errno = 0;
	rc = sqlite3_wal_checkpoint_v2(db->sql, NULL, mode, NULL, NULL);
	if (is_suspect(rc, errno_of(db->sql)))
		db->suspect = 1;
	(void)sqlite3_busy_timeout(db->sql, db->busy_ms);
}

void tp_query_start(struct tp_query *query, struct tp_queue_db *db,
	enum tp_queue_stmt id, struct tp_error *err)
{
	memset(query, 0, sizeof(*query));
	query->db = db;
	query->next = 1;
	query->err = err;
	query->rc = SQLITE_OK;
	if (!db->stmts[id])
		query->rc = sqlite3_prepare_v3(db->sql, tp_queue_statements[id],
			-1, SQLITE_PREPARE_PERSISTENT, &db->stmts[id], NULL);
	query->stmt = db->stmts[id];
}

static void bound(struct tp_query *query, int rc)
{
	if (query->rc == SQLITE_OK)
		query->rc = rc;
	query->next++;
}

void tp_query_text(struct tp_query *query, const char *text)
{
	if (query->rc == SQLITE_OK)
		bound(query, sqlite3_bind_text(query->stmt, query->next, text,
				     -1, SQLITE_STATIC));
}

void tp_query_int(struct tp_query *query, int64_t value)
{
	if (query->rc == SQLITE_OK)
		bound(query,
			sqlite3_bind_int64(query->stmt, query->next, value));
}

void tp_query_blob(struct tp_query *query, const void *data, size_t len)
{
	/* A NULL pointer would bind NULL, not an empty blob. */
	if (query->rc == SQLITE_OK)
		bound(query, sqlite3_bind_blob64(query->stmt, query->next,
				     len > 0 ? data : "", len, SQLITE_STATIC));
}

int tp_query_step(struct tp_query *query)
{
	int rc = query->rc;

	errno = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(query->stmt);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return db_fail(query->db, query->err);
}

void tp_query_end(struct tp_query *query)
{
	if (!query->stmt)
		return;
	(void)sqlite3_reset(query->stmt);
	(void)sqlite3_clear_bindings(query->stmt);
}

int tp_query_run(struct tp_query *query)
{
	int rc;

	do
		rc = tp_query_step(query);
	while (rc > 0);
	if (rc == 0)
		rc = sqlite3_changes(query->db->sql);
	tp_query_end(query);
	return rc;
}

int64_t tp_query_column(const struct tp_query *query, int column)
{
	return sqlite3_column_int64(query->stmt, column);
}

const char *tp_query_column_text(const struct tp_query *query, int column)
{
	const unsigned char *text = sqlite3_column_text(query->stmt, column);

	return text ? (const char *)text : "";
}

int tp_query_column_dup(const struct tp_query *query, int column, char **out)
{
	*out = NULL;
	if (sqlite3_column_type(query->stmt, column) == SQLITE_NULL)
		return TP_OK;
	*out = tp_strdup(tp_query_column_text(query, column));
	return *out ? TP_OK
		    : tp_fail(query->err, TP_ENOMEM, query->db->path,
			      "out of memory");
}

int tp_queue_db_run(
	struct tp_queue_db *db, enum tp_queue_stmt id, struct tp_error *err)
{
	struct tp_query query;

	tp_query_start(&query, db, id, err);
	return tp_query_run(&query);
}
