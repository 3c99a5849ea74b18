/*
 * import_rows.h - rows of a database table
 *
 * JOB     Two ways in which rows are exported: text with a header line (tabs
 *         as mysql --batch writes them, or CSV), and INSERT statements of a
 *         dump. import_tables.c turns rows into entries.
 * BOUNDS  TP_IMPORT_COLUMNS_MAX.
 * LAYER   hosts/cli; libc.
 * ERRORS  EINVAL with the line.
 * SOURCES RFC 4180; the MySQL manual on string literals and on the output of
 *         the client.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_IMPORT_ROWS_H
#define TP_HOSTS_CLI_IMPORT_ROWS_H

#include "cli/import/import_entries.h"

/* The text lives as long as the call of a tp_import_row_fn. */
struct tp_import_cell {
	const char *text; /* NUL-terminated */
	size_t len;
	int is_null;
};

struct tp_import_row {
	const char *table; /* "": not said, and this may be a header */
	const struct tp_import_cell *columns; /* NULL: not said */
	size_t column_count;
	const struct tp_import_cell *cells;
	size_t count;
	size_t line; /* where it begins */
};
typedef int32_t tp_import_row_fn(
	void *ctx, const struct tp_import_row *row, struct tillpost_error *err);

/* @param separator '\t' or ',' */
int32_t tp_import_table_text(const struct tp_import_input *input,
	char separator, tp_import_row_fn *row, void *ctx,
	struct tillpost_error *err);
int32_t tp_import_sql(const struct tp_import_input *input,
	tp_import_row_fn *row, void *ctx, struct tillpost_error *err);
/* Is there a line that begins with INSERT or REPLACE? */
int tp_import_is_sql(const struct tp_import_input *input);

/* A table that a product keeps its settings in. */
struct tp_import_table {
	const char *name;	      /* without the shop's prefix */
	const char *columns[12];      /* in the order of a dump; NULL ends */
	size_t least_count;	      /* columns, in a dump that does not name
				       * them */
	const char *scope_columns[2]; /* the scope is "a/b"; NULL: none */
	const char *key_column; /* NULL: each column is a key, and the scope
				 * is "name/" and the scope column */
	const char *value_column;
	const char *const *prefixes; /* keys that matter; NULL: all */
};

/* Reads rows in whichever form they are. @return ENOTFOUND if none is of
 * TABLES */
int32_t tp_import_tables(const struct tp_import_input *input,
	const struct tp_import_table *tables, size_t table_count,
	struct tp_import_entries *entries, struct tillpost_error *err);

/* Cells being collected; their texts are in one buffer. */
struct tp_import_cells;
struct tp_import_cells *tp_import_cells_new(void);
void tp_import_cells_free(struct tp_import_cells *cells);
void tp_import_cells_clear(struct tp_import_cells *cells);
void tp_import_cells_add(
	struct tp_import_cells *cells, const char *text, size_t len);
/* Ends a cell. @return 0, TILLPOST_ETOOBIG (too many columns), ENOMEM */
int32_t tp_import_cells_end(struct tp_import_cells *cells, int is_null);
/* @return an array, valid until the next change */
const struct tp_import_cell *tp_import_cells_get(
	struct tp_import_cells *cells, size_t *count_out);

#endif
