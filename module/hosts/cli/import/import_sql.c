/*
 * import_sql.c - rows in the INSERT statements of a dump
 *
 * JOB     Of a dump only INSERT and REPLACE ... VALUES are looked at; of
 *         everything else only as much as is needed to find its end. Nothing
 *         is evaluated: a function call is a cell with its own text.
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_rows.h"

#include "cli/import/import_bytes.h"

#include <string.h>

#define NAME_BYTES 192

struct reader {
	const struct tp_import_input *input;
	struct tp_import_cells *columns;
	struct tp_import_cells *cells;
	struct tillpost_error *err;
	tp_import_row_fn *row;
	void *ctx;
	size_t at;
	size_t line;
	char table[NAME_BYTES];
};

static int32_t bad(struct reader *reader, size_t line, const char *what)
{
	return tp_import_bad_line(
		reader->err, reader->input->name, line, "%s", what);
}

static int at_end(const struct reader *reader)
{
	return reader->at >= reader->input->len;
}

static char here(const struct reader *reader)
{
	return at_end(reader) ? '\0' : reader->input->text[reader->at];
}

static char next(const struct reader *reader)
{
	return reader->at + 1 < reader->input->len
		       ? reader->input->text[reader->at + 1]
		       : '\0';
}

static void step(struct reader *reader)
{
	reader->line += here(reader) == '\n';
	reader->at++;
}

/* ---- blanks, comments, words -------------------------------------------- */

static void skip_line(struct reader *reader)
{
	while (!at_end(reader) && here(reader) != '\n')
		reader->at++;
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* @return 1 if there was a comment */
static int skip_comment(struct reader *reader)
{
	if (here(reader) == '#' ||
		(here(reader) == '-' && next(reader) == '-')) {
		skip_line(reader);
		return 1;
	}
	if (here(reader) != '/' || next(reader) != '*')
		return 0;
	reader->at += 2;
	while (!at_end(reader) && !(here(reader) == '*' && next(reader) == '/'))
		step(reader);
	reader->at += at_end(reader) ? 0 : 2;
	return 1;
}

static void skip_blanks(struct reader *reader)
{
	while (!at_end(reader)) {
		if (is_blank(here(reader)))
			step(reader);
		else if (!skip_comment(reader))
			return;
	}
}

static int is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '$';
}

/* Takes WORD, in any case, if it is next. */
static int take_word(struct reader *reader, const char *word)
{
	size_t len = strlen(word);
	size_t i;

	skip_blanks(reader);
	if (len > reader->input->len - reader->at)
		return 0;
	for (i = 0; i < len; i++) {
		char c = reader->input->text[reader->at + i];

		if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != word[i])
			return 0;
	}
	if (reader->at + len < reader->input->len &&
		is_word(reader->input->text[reader->at + len]))
		return 0;
	reader->at += len;
	return 1;
}

static int take(struct reader *reader, char c)
{
	skip_blanks(reader);
	if (here(reader) != c || at_end(reader))
		return 0;
	reader->at++;
	return 1;
}

/* ---- literals ----------------------------------------------------------- */

/* Adds what the escape after a backslash stands for. */
static void add_escaped(struct tp_import_cells *cells, char c)
{
	static const char from[] = "nrtbZ0";
	static const char to[] = "\n\r\t\b\x1a\0";
	const char *which = c != '\0' ? strchr(from, c) : NULL;

	tp_import_cells_add(cells, which ? to + (which - from) : &c, 1);
}

/* A text between quotes QUOTE; into CELLS unless NULL. */
static int32_t take_text(
	struct reader *reader, char quote, struct tp_import_cells *cells)
{
	size_t begin = reader->line;

	reader->at++;
	while (!at_end(reader)) {
		char c = here(reader);

		step(reader);
		if (c == quote && here(reader) != quote)
			return TILLPOST_OK;
		if (c == '\\' && quote != '`' && !at_end(reader)) {
			c = here(reader);
			step(reader);
			if (cells)
				add_escaped(cells, c);
			continue;
		}
		if (c == quote)
			reader->at++;
		if (cells)
			tp_import_cells_add(cells, &c, 1);
	}
	return bad(reader, begin, "a quoted text has no end");
}

static int is_quote(char c)
{
	return c == '\'' || c == '"' || c == '`';
}

/* What is neither text nor NULL: a number, a function call with its
 * arguments. */
static int32_t take_other(struct reader *reader)
{
	size_t begin = reader->line;
	size_t depth = 0;

	while (!at_end(reader)) {
		char c = here(reader);

		if (is_quote(c)) {
			int32_t rc = take_text(reader, c, NULL);

			if (rc < 0)
				return rc;
			continue;
		}
		if (depth == 0 && (c == ',' || c == ')' || c == ';'))
			return TILLPOST_OK;
		depth += c == '(';
		depth -= c == ')';
		if (!is_blank(c))
			tp_import_cells_add(reader->cells, &c, 1);
		step(reader);
	}
	return bad(reader, begin, "a value has no end");
}

static int32_t end_cell(
	struct reader *reader, struct tp_import_cells *cells, int is_null)
{
	int32_t rc = tp_import_cells_end(cells, is_null);

	if (rc == TILLPOST_ETOOBIG)
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line, "has more than %d columns",
			TP_IMPORT_COLUMNS_MAX);
	return rc < 0 ? tp_import_no_memory(reader->err) : rc;
}

static int32_t take_value(struct reader *reader)
{
	int is_null = 0;
	int32_t rc = TILLPOST_OK;

	skip_blanks(reader);
	/* A character set before a text, such as _binary, says nothing here. */
	if (here(reader) == '_') {
		while (is_word(here(reader)))
			reader->at++;
		skip_blanks(reader);
	}
	if (here(reader) == '\'' || here(reader) == '"')
		rc = take_text(reader, here(reader), reader->cells);
	else if (take_word(reader, "NULL"))
		is_null = 1;
	else
		rc = take_other(reader);
	return rc < 0 ? rc : end_cell(reader, reader->cells, is_null);
}

/* ---- INSERT ------------------------------------------------------------- */

/* A name, perhaps quoted, perhaps after that of a database. */
static int32_t take_name(struct reader *reader, struct tp_import_cells *cells)
{
	int32_t rc = TILLPOST_OK;

	do {
		tp_import_cells_clear(cells);
		skip_blanks(reader);
		if (here(reader) == '`' || here(reader) == '"')
			rc = take_text(reader, here(reader), cells);
		else
			while (is_word(here(reader))) {
				tp_import_cells_add(cells,
					reader->input->text + reader->at, 1);
				reader->at++;
			}
	} while (rc >= 0 && take(reader, '.'));
	return rc < 0 ? rc : end_cell(reader, cells, 0);
}

static int32_t take_table(struct reader *reader)
{
	size_t count;
	const struct tp_import_cell *cell;
	int32_t rc = take_name(reader, reader->cells);

	if (rc < 0)
		return rc;
	cell = tp_import_cells_get(reader->cells, &count);
	if (cell->len == 0 || cell->len >= sizeof(reader->table))
		return bad(reader, reader->line, "INSERT without a table");
	memcpy(reader->table, cell->text, cell->len + 1);
	return TILLPOST_OK;
}

/* (`a`, `b`) */
static int32_t take_columns(struct reader *reader)
{
	tp_import_cells_clear(reader->columns);
	do {
		int32_t rc;

		skip_blanks(reader);
		if (here(reader) == '`' || here(reader) == '"') {
			rc = take_text(reader, here(reader), reader->columns);
			if (rc < 0)
				return rc;
		}
		while (is_word(here(reader))) {
			tp_import_cells_add(reader->columns,
				reader->input->text + reader->at, 1);
			reader->at++;
		}
		rc = end_cell(reader, reader->columns, 0);
		if (rc < 0)
			return rc;
	} while (take(reader, ','));
	if (!take(reader, ')'))
		return bad(
			reader, reader->line, "the list of columns has no end");
	return TILLPOST_OK;
}

/* (1, 'a'), after the opening parenthesis */
static int32_t take_row(struct reader *reader)
{
	struct tp_import_row row = { .table = reader->table,
		.line = reader->line };

	tp_import_cells_clear(reader->cells);
	do {
		int32_t rc = take_value(reader);

		if (rc < 0)
			return rc;
	} while (take(reader, ','));
	if (!take(reader, ')'))
		return bad(reader, reader->line, "a row of values has no end");
	row.cells = tp_import_cells_get(reader->cells, &row.count);
	row.columns = tp_import_cells_get(reader->columns, &row.column_count);
	if (row.column_count == 0)
		row.columns = NULL;
	else if (row.column_count != row.count)
		return tp_import_bad_line(reader->err, reader->input->name,
			row.line, "%zu columns, but %zu values",
			row.column_count, row.count);
	return reader->row(reader->ctx, &row, reader->err);
}

/* Up to and with the semicolon. */
static int32_t skip_statement(struct reader *reader)
{
	while (!at_end(reader)) {
		char c = here(reader);

		if (is_quote(c)) {
			int32_t rc = take_text(reader, c, NULL);

			if (rc < 0)
				return rc;
		} else if (c == ';') {
			reader->at++;
			return TILLPOST_OK;
		} else if (!skip_comment(reader)) {
			step(reader);
		}
	}
	return TILLPOST_OK;
}

static int32_t take_insert(struct reader *reader)
{
	int32_t rc;

	(void)(take_word(reader, "IGNORE") || take_word(reader, "DELAYED"));
	(void)take_word(reader, "INTO");
	tp_import_cells_clear(reader->cells);
	rc = take_table(reader);
	tp_import_cells_clear(reader->columns);
	if (rc >= 0 && take(reader, '('))
		rc = take_columns(reader);
	if (rc < 0)
		return rc;
	/* INSERT ... SELECT and the like: no values to read. */
	if (!take_word(reader, "VALUES") && !take_word(reader, "VALUE"))
		return skip_statement(reader);
	do {
		if (!take(reader, '('))
			return bad(reader, reader->line,
				"a row of values does not begin with \"(\"");
		rc = take_row(reader);
	} while (rc >= 0 && take(reader, ','));
	return rc < 0 ? rc : skip_statement(reader);
}

int32_t tp_import_sql(const struct tp_import_input *input,
	tp_import_row_fn *row, void *ctx, struct tillpost_error *err)
{
	struct reader reader = { .input = input,
		.columns = tp_import_cells_new(),
		.cells = tp_import_cells_new(),
		.err = err,
		.row = row,
		.ctx = ctx,
		.line = 1 };
	int32_t rc = TILLPOST_OK;

	if (!reader.columns || !reader.cells)
		rc = tp_import_no_memory(err);
	while (rc >= 0) {
		skip_blanks(&reader);
		if (at_end(&reader))
			break;
		if (take_word(&reader, "INSERT") ||
			take_word(&reader, "REPLACE"))
			rc = take_insert(&reader);
		else
			rc = skip_statement(&reader);
	}
	tp_import_cells_free(reader.columns);
	tp_import_cells_free(reader.cells);
	return rc;
}

int tp_import_is_sql(const struct tp_import_input *input)
{
	struct reader reader = { .input = input };

	while (!at_end(&reader)) {
		/* Its comments would hide lines of other formats. */
		while (here(&reader) == ' ' || here(&reader) == '\t')
			reader.at++;
		if ((here(&reader) | 0x20) == 'i' ||
			(here(&reader) | 0x20) == 'r') {
			size_t at = reader.at;

			if ((take_word(&reader, "INSERT") ||
				    take_word(&reader, "REPLACE")) &&
				is_blank(here(&reader)))
				return 1;
			reader.at = at;
		}
		skip_line(&reader);
		reader.at++;
	}
	return 0;
}
