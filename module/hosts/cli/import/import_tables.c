/*
 * import_tables.c - which rows are settings, and of whom
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_bytes.h"
#include "cli/import/import_rows.h"

#include <stdio.h>
#include <string.h>

#define NONE ((size_t)-1)

/* Where the columns are that matter. */
struct places {
	size_t scope[2];
	size_t key;
	size_t value;
};

struct sorting {
	const struct tp_import_input *input;
	const struct tp_import_table *tables;
	size_t table_count;
	struct tp_import_entries *entries;
	/* of the header line that holds now */
	const struct tp_import_table *table;
	struct places places;
	struct tp_import_cells *header;
	size_t found_count; /* rows of one of the tables */
};

/* ---- finding columns ---------------------------------------------------- */

static size_t place_in_cells(
	const struct tp_import_cell *cells, size_t count, const char *name)
{
	size_t i;

	for (i = 0; name && i < count; i++)
		if (tp_import_same(cells[i].text, name))
			return i;
	return NONE;
}

static size_t place_in_table(
	const struct tp_import_table *table, const char *name)
{
	size_t i;

	for (i = 0; name && i < TP_IMPORT_COLUMNS_MAX && table->columns[i]; i++)
		if (strcmp(table->columns[i], name) == 0)
			return i;
	return NONE;
}

/* @param cells the header, or NULL: in the order of TABLE
 * @return 0 if something is missing */
static int find_places(const struct tp_import_table *table,
	const struct tp_import_cell *cells, size_t count, struct places *out)
{
	int i;

#define PLACE(name)                                 \
	(cells ? place_in_cells(cells, count, name) \
	       : place_in_table(table, name))
	for (i = 0; i < 2; i++) {
		out->scope[i] = PLACE(table->scope_columns[i]);
		if (table->scope_columns[i] && out->scope[i] == NONE)
			return 0;
	}
	out->key = PLACE(table->key_column);
	out->value = PLACE(table->value_column);
#undef PLACE
	if (!table->key_column)
		return out->scope[0] != NONE;
	return out->key != NONE && out->value != NONE;
}

/* `shop_core_config_data` is `core_config_data` with a prefix. */
static int is_name_of(const char *name, const char *table)
{
	size_t len = strlen(name);
	size_t table_len = strlen(table);

	if (len < table_len || !tp_import_same(name + len - table_len, table))
		return 0;
	return len == table_len || name[len - table_len - 1] == '_';
}

/* ---- rows --------------------------------------------------------------- */

static int matters(const struct tp_import_table *table, const char *key)
{
	size_t i;

	if (!table->prefixes)
		return 1;
	for (i = 0; table->prefixes[i]; i++)
		if (strncmp(key, table->prefixes[i],
			    strlen(table->prefixes[i])) == 0)
			return 1;
	return 0;
}

static const char *text_at(const struct tp_import_row *row, size_t place)
{
	return place < row->count && !row->cells[place].is_null
		       ? row->cells[place].text
		       : "";
}

static size_t length_at(const struct tp_import_row *row, size_t place)
{
	return place < row->count && !row->cells[place].is_null
		       ? row->cells[place].len
		       : 0;
}

static void make_scope(const struct tp_import_table *table,
	const struct tp_import_row *row, const struct places *places,
	char scope[128])
{
	const char *first = table->key_column ? text_at(row, places->scope[0])
					      : table->name;
	const char *second = text_at(
		row, table->key_column ? places->scope[1] : places->scope[0]);

	if (table->scope_columns[1] || !table->key_column)
		(void)snprintf(scope, 128, "%.40s/%.40s", first, second);
	else
		(void)snprintf(scope, 128, "%.40s", first);
}

/* Every column of ROW is a setting of its own. */
static int32_t add_columns(struct sorting *sorting,
	const struct tp_import_table *table, const struct tp_import_row *row,
	const struct tp_import_cell *header, const char *scope,
	struct tillpost_error *err)
{
	size_t i;
	int32_t rc = TILLPOST_OK;

	for (i = 0; i < row->count && rc >= 0; i++) {
		const char *name = header ? header[i].text
				   : i < TP_IMPORT_COLUMNS_MAX
					   ? table->columns[i]
					   : NULL;

		if (!name)
			break;
		rc = tp_import_entries_add(sorting->entries, scope, name,
			text_at(row, i), strlen(text_at(row, i)), row->line,
			err);
	}
	return rc;
}

static int32_t add_row(struct sorting *sorting,
	const struct tp_import_table *table, const struct tp_import_row *row,
	const struct places *places, const struct tp_import_cell *header,
	struct tillpost_error *err)
{
	char scope[128];

	sorting->found_count++;
	make_scope(table, row, places, scope);
	if (!table->key_column)
		return add_columns(sorting, table, row, header, scope, err);
	if (!matters(table, text_at(row, places->key)))
		return TILLPOST_OK;
	return tp_import_entries_add(sorting->entries, scope,
		text_at(row, places->key), text_at(row, places->value),
		length_at(row, places->value), row->line, err);
}

/* ---- with INSERT -------------------------------------------------------- */

static size_t length_of(const struct tp_import_table *table)
{
	size_t count = 0;

	while (count < TP_IMPORT_COLUMNS_MAX && table->columns[count])
		count++;
	return count;
}

static int32_t inserted(struct sorting *sorting,
	const struct tp_import_row *row, struct tillpost_error *err)
{
	const struct tp_import_table *table = NULL;
	struct places places;
	size_t i;

	for (i = 0; i < sorting->table_count && !table; i++)
		if (is_name_of(row->table, sorting->tables[i].name))
			table = &sorting->tables[i];
	if (!table)
		return TILLPOST_OK;
	if (!row->columns && (row->count < table->least_count ||
				     row->count > length_of(table))) {
		/* Others have tables that end like our helping ones. */
		if (!table->key_column)
			return TILLPOST_OK;
		return tp_import_bad_line(err, sorting->input->name, row->line,
			"a row of %s has %zu values: export it with the names "
			"of its columns (mysqldump --complete-insert)",
			table->name, row->count);
	}
	if (!find_places(table, row->columns, row->column_count, &places)) {
		if (!table->key_column)
			return TILLPOST_OK;
		return tp_import_bad_line(err, sorting->input->name, row->line,
			"the list of columns of %s lacks one that is needed "
			"(%s, %s, and whose it is)",
			table->name, table->key_column, table->value_column);
	}
	return add_row(sorting, table, row, &places, row->columns, err);
}

/* ---- with a header line ------------------------------------------------- */

/* A header names the columns of one of the tables. Results of several
 * queries follow each other, each with its own. */
static int is_header(struct sorting *sorting, const struct tp_import_row *row)
{
	size_t i;

	for (i = 0; i < sorting->table_count; i++) {
		const struct tp_import_table *table = &sorting->tables[i];
		struct places places;
		size_t k;

		if (!find_places(table, row->cells, row->count, &places))
			continue;
		/* A helping table needs all of its first columns. */
		for (k = 0; !table->key_column && k < table->least_count; k++)
			if (place_in_cells(row->cells, row->count,
				    table->columns[k]) == NONE)
				break;
		if (!table->key_column && k < table->least_count)
			continue;
		sorting->table = table;
		sorting->places = places;
		return 1;
	}
	return 0;
}

static int32_t keep_header(struct sorting *sorting,
	const struct tp_import_row *row, struct tillpost_error *err)
{
	size_t i;

	tp_import_cells_clear(sorting->header);
	for (i = 0; i < row->count; i++) {
		tp_import_cells_add(
			sorting->header, row->cells[i].text, row->cells[i].len);
		if (tp_import_cells_end(sorting->header, 0) < 0)
			return tp_import_no_memory(err);
	}
	return TILLPOST_OK;
}

static int32_t listed(struct sorting *sorting, const struct tp_import_row *row,
	struct tillpost_error *err)
{
	const struct tp_import_cell *header;
	size_t count;

	if (is_header(sorting, row))
		return keep_header(sorting, row, err);
	if (!sorting->table)
		return tp_import_bad_line(err, sorting->input->name, row->line,
			"is neither an INSERT nor a line that names the "
			"columns %s%s%s, %s: export with a header line",
			sorting->tables[0].scope_columns[0]
				? sorting->tables[0].scope_columns[0]
				: "",
			sorting->tables[0].scope_columns[0] ? ", " : "",
			sorting->tables[0].key_column,
			sorting->tables[0].value_column);
	header = tp_import_cells_get(sorting->header, &count);
	if (row->count != count)
		return tp_import_bad_line(err, sorting->input->name, row->line,
			"has %zu columns, but the header has %zu", row->count,
			count);
	return add_row(
		sorting, sorting->table, row, &sorting->places, header, err);
}

static int32_t sort_row(
	void *ctx, const struct tp_import_row *row, struct tillpost_error *err)
{
	struct sorting *sorting = ctx;

	return row->table[0] != '\0' ? inserted(sorting, row, err)
				     : listed(sorting, row, err);
}

/* Tabs, unless the first line has none. */
static char separator_of(const struct tp_import_input *input)
{
	const char *end = memchr(input->text, '\n', input->len);
	size_t len = end ? (size_t)(end - input->text) : input->len;

	return memchr(input->text, '\t', len) || !memchr(input->text, ',', len)
		       ? '\t'
		       : ',';
}

int32_t tp_import_tables(const struct tp_import_input *input,
	const struct tp_import_table *tables, size_t table_count,
	struct tp_import_entries *entries, struct tillpost_error *err)
{
	struct sorting sorting = { .input = input,
		.tables = tables,
		.table_count = table_count,
		.entries = entries,
		.header = tp_import_cells_new() };
	int32_t rc;

	if (!sorting.header)
		return tp_import_no_memory(err);
	if (tp_import_is_sql(input))
		rc = tp_import_sql(input, sort_row, &sorting, err);
	else
		rc = tp_import_table_text(
			input, separator_of(input), sort_row, &sorting, err);
	tp_import_cells_free(sorting.header);
	if (rc >= 0 && sorting.found_count == 0)
		rc = tp_import_bad_line(err, input->name, 0,
			"has no rows of the table %s", tables[0].name);
	return rc;
}
