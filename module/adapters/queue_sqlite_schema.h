/*
 * queue_sqlite_schema.h - the tables of the queue, and how old ones become new
 *
 * JOB     Migrations as data. PRAGMA user_version is the number of the last
 *         one applied; each is applied in one transaction, so a crash leaves
 *         the file before or after it, never in between.
 * LAYER   adapters; SQLite only.
 * ERRORS  TP_EQUEUE (newer schema, another program's file, damage), TP_EBUSY,
 *         TP_ENOSPC.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_QUEUE_SQLITE_SCHEMA_H
#define TP_ADAPTERS_QUEUE_SQLITE_SCHEMA_H

#include "base/err.h"

#include <sqlite3.h>
#include <stddef.h>

/* Leads to schema version I + 1 for migration number I. */
struct tp_queue_migration {
	const char *sql; /* ends by setting user_version */
};

extern const struct tp_queue_migration tp_queue_migrations[];
extern const size_t tp_queue_migration_count;

/* Brings the database to version COUNT.
 * @return 0, or as ERRORS above; then nothing of the failed step is there */
int tp_queue_schema_upgrade(sqlite3 *sql, const char *path,
	const struct tp_queue_migration *migrations, size_t count,
	struct tp_error *err) TP_USE_RESULT;

#endif
