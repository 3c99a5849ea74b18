/*
 * table.c - aligned columns for people
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/table.h"

#include "common/report.h"
#include "common/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BLOCK_ROWS 200
#define GAP 2
#define LAST_LEAST 40 /* the last column is never cut below this */

struct row {
	char *cells[TP_TABLE_COLUMNS_MAX];
};

struct tp_table {
	FILE *out;
	const struct tp_column *columns;
	size_t column_count;
	size_t widths[TP_TABLE_COLUMNS_MAX];
	size_t terminal_width; /* 0: not a terminal */
	struct row rows[BLOCK_ROWS];
	size_t row_count;
	int header_shown;
	int failed;
};

static size_t terminal_width(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)))
		return 0;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

struct tp_table *tp_table_new(
	FILE *out, const struct tp_column *columns, size_t count)
{
	struct tp_table *table = calloc(1, sizeof(*table));
	size_t i;

	if (!table)
		return NULL;
	table->out = out;
	table->columns = columns;
	table->column_count = count;
	table->terminal_width = terminal_width(out);
	for (i = 0; i < count; i++)
		table->widths[i] = tp_text_width(columns[i].title);
	return table;
}

static void free_row(struct row *row)
{
	size_t i;

	for (i = 0; i < TP_TABLE_COLUMNS_MAX; i++)
		free(row->cells[i]);
	memset(row, 0, sizeof(*row));
}

void tp_table_row(struct tp_table *table, const char *const *cells)
{
	struct row *row;
	size_t i;

	if (!table || table->failed)
		return;
	if (table->row_count == BLOCK_ROWS)
		tp_table_flush(table);
	row = &table->rows[table->row_count];
	for (i = 0; i < table->column_count; i++) {
		const char *cell = cells[i] && cells[i][0] ? cells[i] : "-";

		row->cells[i] = tp_text_printable(cell);
		if (!row->cells[i]) {
			free_row(row);
			table->failed = 1;
			return;
		}
	}
	table->row_count++;
}

static void fit_columns(struct tp_table *table)
{
	size_t r;
	size_t i;

	for (r = 0; r < table->row_count; r++) {
		for (i = 0; i < table->column_count; i++) {
			char *cell = table->rows[r].cells[i];
			size_t width;

			if (table->terminal_width && table->columns[i].cut)
				tp_text_cut(cell, table->columns[i].cut);
			width = tp_text_width(cell);
			if (width > table->widths[i])
				table->widths[i] = width;
		}
	}
}

static size_t room_for_last(const struct tp_table *table)
{
	size_t used = 0;
	size_t i;

	for (i = 0; i + 1 < table->column_count; i++)
		used += table->widths[i] + GAP;
	if (table->terminal_width < used + LAST_LEAST)
		return LAST_LEAST;
	return table->terminal_width - used;
}

static void print_row(const struct tp_table *table, const char *const *cells)
{
	size_t i;

	for (i = 0; i < table->column_count; i++) {
		size_t pad = table->widths[i] - tp_text_width(cells[i]);
		int right = table->columns[i].right;
		int last = i + 1 == table->column_count;

		(void)fprintf(table->out, "%*s%s%*s%s", right ? (int)pad : 0,
			"", cells[i], right || last ? 0 : (int)pad, "",
			last ? "\n" : "  ");
	}
}

static void print_header(struct tp_table *table)
{
	const char *titles[TP_TABLE_COLUMNS_MAX];
	size_t i;

	for (i = 0; i < table->column_count; i++)
		titles[i] = table->columns[i].title;
	print_row(table, titles);
	table->header_shown = 1;
}

void tp_table_flush(struct tp_table *table)
{
	size_t last;
	size_t r;

	if (!table || table->row_count == 0)
		return;
	last = table->column_count - 1;
	fit_columns(table);
	if (!table->header_shown)
		print_header(table);
	for (r = 0; r < table->row_count; r++) {
		char **cells = table->rows[r].cells;

		if (table->terminal_width)
			tp_text_cut(cells[last], room_for_last(table));
		print_row(table, (const char *const *)cells);
		free_row(&table->rows[r]);
	}
	table->row_count = 0;
}

int32_t tp_table_end(
	struct tp_table **table, int32_t rc, struct tillpost_error *err)
{
	int failed = !*table || (*table)->failed;

	tp_table_flush(*table);
	free(*table);
	*table = NULL;
	if (failed && rc >= 0)
		return tp_report_set(err, TILLPOST_ENOMEM, "", "out of memory");
	return rc;
}
