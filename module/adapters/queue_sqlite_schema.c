/*
 * queue_sqlite_schema.c - the tables of the queue, and how old ones become new
 *
 * What a settlement touches is kept small: the body is apart from the message
 * row, recipients lie together, and every partial index below leaves out the
 * rows, or depends only on columns, that the hot updates do not change.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite_schema.h"

#include "adapters/queue_sqlite_db.h"
#include "core/queue.h"

/* "tpq1": tells a queue from another program's database. */
#define APPLICATION_ID 0x74707131

/* These numbers are in files: they may not change. */
_Static_assert(TP_QUEUE_QUEUED == 0 && TP_QUEUE_LEASED == 1 &&
		       TP_QUEUE_IN_DOUBT == 2 && TP_QUEUE_HELD == 3 &&
		       TP_QUEUE_DONE == 4,
	"message states are stored");
_Static_assert(TP_RCPT_OPEN == 0 && TP_RCPT_SENT == 1 && TP_RCPT_FAILED == 2 &&
		       TP_RCPT_CANCELLED == 3,
	"recipient states are stored");
_Static_assert(TP_CLASS_SENT == 0 && TP_CLASS_TEMPORARY == 1 &&
		       TP_CLASS_THROTTLED == 2 && TP_CLASS_PERMANENT == 3 &&
		       TP_CLASS_CREDENTIALS == 4 && TP_CLASS_SENDER == 5 &&
		       TP_CLASS_CONFIG == 6 && TP_CLASS_UNKNOWN == 7,
	"outcome classes are stored");

const struct tp_queue_migration tp_queue_migrations[] = {
	{ "CREATE TABLE messages ("
	  " id INTEGER PRIMARY KEY,"
	  " queue_id TEXT NOT NULL UNIQUE,"
	  " store TEXT NOT NULL,"
	  " relay TEXT NOT NULL,"
	  " sender TEXT NOT NULL,"
	  " message_id TEXT NOT NULL,"
	  " dedup_key TEXT,"
	  " eight_bit INTEGER NOT NULL,"
	  " smtputf8 INTEGER NOT NULL,"
	  " bounce INTEGER NOT NULL,"
	  " body_bytes INTEGER NOT NULL," /* 0 when swept */
	  " created_ms INTEGER NOT NULL,"
	  " expires_ms INTEGER NOT NULL,"
	  " next_try_ms INTEGER NOT NULL,"
	  " attempts INTEGER NOT NULL,"
	  " unknown_count INTEGER NOT NULL,"
	  " state INTEGER NOT NULL,"
	  " reason TEXT,"
	  " owner_slot INTEGER," /* set while leased or in doubt */
	  " owner_token INTEGER,"
	  " lease_until_ms INTEGER,"
	  " done_ms INTEGER," /* set when done */
	  " sweep_ms INTEGER" /* done: when sweep looks at it next */
	  ") STRICT;"
	  /* claim, due */
	  "CREATE INDEX messages_due"
	  " ON messages (relay, next_try_ms, expires_ms)"
	  " WHERE state = 0;"
	  /* claim_expired, stats. Without what is leased, so that a settlement
	   * need not take it out of here: the claim has done that, for many
	   * messages in one write of the page. */
	  "CREATE INDEX messages_waiting"
	  " ON messages (expires_ms, created_ms, body_bytes)"
	  " WHERE owner_token IS NULL AND done_ms IS NULL;"
	  /* recover, stats */
	  "CREATE INDEX messages_leased"
	  " ON messages (lease_until_ms, created_ms, body_bytes)"
	  " WHERE owner_token IS NOT NULL;"
	  /* stats */
	  "CREATE INDEX messages_held ON messages (created_ms)"
	  " WHERE state = 3;"
	  /* sweep, stats */
	  "CREATE INDEX messages_done ON messages (sweep_ms, body_bytes)"
	  " WHERE done_ms IS NOT NULL;"
	  "CREATE UNIQUE INDEX messages_dedup ON messages (store, dedup_key)"
	  " WHERE dedup_key IS NOT NULL;"
	  "CREATE TABLE bodies ("
	  " id INTEGER PRIMARY KEY"
	  "  REFERENCES messages (id) ON DELETE CASCADE,"
	  " data BLOB NOT NULL"
	  ") STRICT;"
	  "CREATE TABLE rcpts ("
	  " message INTEGER NOT NULL"
	  "  REFERENCES messages (id) ON DELETE CASCADE,"
	  " idx INTEGER NOT NULL,"
	  " address TEXT NOT NULL,"
	  " state INTEGER NOT NULL,"
	  " reply_code INTEGER NOT NULL,"
	  " enhanced TEXT NOT NULL,"
	  " text TEXT,"
	  " PRIMARY KEY (message, idx)"
	  ") STRICT, WITHOUT ROWID;"
	  /* Outlives its message. begin_bytes runs on from row to row, so
	   * that the size of what is kept is the difference of two rows. */
	  "CREATE TABLE events ("
	  " id INTEGER PRIMARY KEY,"
	  " begin_bytes INTEGER NOT NULL,"
	  " bytes INTEGER NOT NULL,"
	  " time_ms INTEGER NOT NULL,"
	  " store TEXT NOT NULL,"
	  " relay TEXT NOT NULL,"
	  " queue_id TEXT NOT NULL,"
	  " message_id TEXT NOT NULL,"
	  " sender TEXT NOT NULL,"
	  " recipient TEXT NOT NULL,"
	  " attempt INTEGER NOT NULL,"
	  " class INTEGER NOT NULL,"
	  " verdict TEXT NOT NULL,"
	  " step TEXT NOT NULL,"
	  " reply_code INTEGER NOT NULL,"
	  " enhanced TEXT NOT NULL,"
	  " text TEXT NOT NULL,"
	  " tls_version TEXT NOT NULL,"
	  " tls_cipher TEXT NOT NULL,"
	  " size_bytes INTEGER NOT NULL,"
	  " queued_ms INTEGER NOT NULL,"
	  " connect_us INTEGER NOT NULL,"
	  " tls_us INTEGER NOT NULL,"
	  " auth_us INTEGER NOT NULL,"
	  " send_us INTEGER NOT NULL,"
	  " next_try_ms INTEGER NOT NULL,"
	  " last INTEGER NOT NULL"
	  ") STRICT;"
	  "CREATE INDEX events_queue_id ON events (queue_id);"
	  /* Ids of events only grow, also when all were swept. This is what
	   * AUTOINCREMENT does, without a write for each event. */
	  "CREATE TABLE last_event (id INTEGER NOT NULL) STRICT;"
	  "INSERT INTO last_event VALUES (0);"
	  "PRAGMA application_id = 0x74707131;"
	  "PRAGMA user_version = 1;" },
};

const size_t tp_queue_migration_count =
	sizeof(tp_queue_migrations) / sizeof(tp_queue_migrations[0]);

/* Reads one number. @return 0 or a negative TP_E* */
static int read_number(sqlite3 *sql, const char *path, const char *text,
	int64_t *number_out, struct tp_error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(sql, text, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW) {
		rc = tp_queue_sql_fail(sql, path, "cannot read", err);
	} else {
		*number_out = sqlite3_column_int64(stmt, 0);
		rc = TP_OK;
	}
	(void)sqlite3_finalize(stmt);
	return rc;
}

/* A version from 0 to COUNT, of a file that is a queue or empty. */
static int read_version(sqlite3 *sql, const char *path, size_t count,
	size_t *version_out, struct tp_error *err)
{
	int64_t version = 0;
	int64_t application = 0;
	int64_t tables = 0;
	int rc;

	rc = read_number(sql, path, "PRAGMA user_version", &version, err);
	if (rc >= 0)
		rc = read_number(
			sql, path, "PRAGMA application_id", &application, err);
	if (rc >= 0)
		rc = read_number(sql, path,
			"SELECT count(*) FROM sqlite_schema", &tables, err);
	if (rc < 0)
		return rc;
	if (application != APPLICATION_ID && (tables > 0 || version != 0))
		return tp_fail(err, TP_EQUEUE, path,
			"this database is not a tillpost queue; "
			"choose another path");
	if (version < 0 || (size_t)version > count)
		return tp_fail(err, TP_EQUEUE, path,
			"queue schema version %lld is newer than version %zu "
			"of this tillpost; upgrade tillpost",
			(long long)version, count);
	*version_out = (size_t)version;
	return TP_OK;
}

static int execute(
	sqlite3 *sql, const char *path, const char *text, struct tp_error *err)
{
	if (sqlite3_exec(sql, text, NULL, NULL, NULL) == SQLITE_OK)
		return TP_OK;
	return tp_queue_sql_fail(sql, path, "cannot upgrade the schema", err);
}

/* The next step. Another process may have made it: the version is read again
 * inside the transaction. @return the version after it */
static int migrate_once(sqlite3 *sql, const char *path,
	const struct tp_queue_migration *migrations, size_t count,
	size_t *version, struct tp_error *err)
{
	int rc = execute(sql, path, "BEGIN IMMEDIATE", err);

	if (rc < 0)
		return rc;
	rc = read_version(sql, path, count, version, err);
	if (rc >= 0 && *version < count) {
		rc = execute(sql, path, migrations[*version].sql, err);
		if (rc >= 0)
			(*version)++;
	}
	if (rc >= 0)
		rc = execute(sql, path, "COMMIT", err);
	if (rc < 0 && !sqlite3_get_autocommit(sql))
		(void)sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

int tp_queue_schema_upgrade(sqlite3 *sql, const char *path,
	const struct tp_queue_migration *migrations, size_t count,
	struct tp_error *err)
{
	size_t version = 0;
	int rc = read_version(sql, path, count, &version, err);

	while (rc >= 0 && version < count)
		rc = migrate_once(sql, path, migrations, count, &version, err);
	return rc;
}
