/*
 * import_table_text.c - rows in lines: mysql --batch, or CSV
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_rows.h"

#include <string.h>

struct reader {
	const struct tp_import_input *input;
	struct tp_import_cells *cells;
	struct tillpost_error *err;
	size_t at;
	size_t line;
	char separator;
};

static int at_end(const struct reader *reader)
{
	return reader->at >= reader->input->len;
}

static char here(const struct reader *reader)
{
	return reader->input->text[reader->at];
}

/* In a cell between tabs \t, \n, \0 and \\ are what mysql makes of these. */
static void take_escaped(struct reader *reader)
{
	const char *text = reader->input->text + reader->at;
	static const char from[] = "tn0\\";
	static const char to[] = "\t\n\0\\";
	const char *which =
		reader->at + 1 < reader->input->len && text[1] != '\0'
			? strchr(from, text[1])
			: NULL;

	if (!which) {
		tp_import_cells_add(reader->cells, "\\", 1);
		reader->at++;
		return;
	}
	tp_import_cells_add(reader->cells, to + (which - from), 1);
	reader->at += 2;
}

static void take_plain(struct reader *reader)
{
	size_t start = reader->at;
	size_t len;

	while (!at_end(reader) && here(reader) != reader->separator &&
		here(reader) != '\n' &&
		(here(reader) != '\\' || reader->separator != '\t'))
		reader->at++;
	len = reader->at - start;
	/* The carriage return of a line end. */
	if (len > 0 && reader->input->text[start + len - 1] == '\r' &&
		(at_end(reader) || here(reader) == '\n'))
		len--;
	tp_import_cells_add(reader->cells, reader->input->text + start, len);
}

/* After the opening quote, up to and with the closing one. */
static int32_t take_quoted(struct reader *reader)
{
	size_t begin = reader->line;

	for (;;) {
		size_t start = reader->at;

		while (!at_end(reader) && here(reader) != '"') {
			reader->line += here(reader) == '\n';
			reader->at++;
		}
		tp_import_cells_add(reader->cells, reader->input->text + start,
			reader->at - start);
		if (at_end(reader))
			return tp_import_bad_line(reader->err,
				reader->input->name, begin,
				"a quoted field has no end");
		reader->at++;
		if (at_end(reader) || here(reader) != '"')
			return TILLPOST_OK;
		tp_import_cells_add(reader->cells, "\"", 1);
		reader->at++;
	}
}

static int32_t take_cell(struct reader *reader)
{
	size_t start = reader->at;
	int quoted = reader->separator == ',' && !at_end(reader) &&
		     here(reader) == '"';
	int is_null;
	int32_t rc = TILLPOST_OK;

	if (quoted) {
		reader->at++;
		rc = take_quoted(reader);
		if (rc >= 0 && !at_end(reader) && here(reader) == '\r')
			reader->at++;
		if (rc >= 0 && !at_end(reader) && here(reader) != ',' &&
			here(reader) != '\n')
			rc = tp_import_bad_line(reader->err,
				reader->input->name, reader->line,
				"something follows a quoted field");
	} else {
		while (!at_end(reader) && here(reader) != reader->separator &&
			here(reader) != '\n') {
			take_plain(reader);
			if (!at_end(reader) && here(reader) == '\\' &&
				reader->separator == '\t')
				take_escaped(reader);
		}
	}
	if (rc < 0)
		return rc;
	is_null = !quoted && reader->at - start >= 4 &&
		  reader->at - start <= 5 &&
		  memcmp(reader->input->text + start, "NULL", 4) == 0 &&
		  (reader->at - start == 4 ||
			  reader->input->text[start + 4] == '\r');
	rc = tp_import_cells_end(reader->cells, is_null);
	if (rc == TILLPOST_ETOOBIG)
		return tp_import_bad_line(reader->err, reader->input->name,
			reader->line, "has more than %d columns",
			TP_IMPORT_COLUMNS_MAX);
	return rc < 0 ? tp_import_no_memory(reader->err) : rc;
}

/* One row; the line's end is taken too. */
static int32_t take_row(struct reader *reader)
{
	int32_t rc;

	tp_import_cells_clear(reader->cells);
	for (;;) {
		rc = take_cell(reader);
		if (rc < 0)
			return rc;
		if (at_end(reader))
			return TILLPOST_OK;
		if (here(reader) == reader->separator) {
			reader->at++;
			continue;
		}
		reader->at++;
		reader->line++;
		return TILLPOST_OK;
	}
}

static int is_blank_line(const struct reader *reader)
{
	size_t at = reader->at;

	while (at < reader->input->len &&
		(reader->input->text[at] == ' ' ||
			reader->input->text[at] == '\r'))
		at++;
	return at >= reader->input->len || reader->input->text[at] == '\n';
}

static int32_t show_row(
	struct reader *reader, size_t line, tp_import_row_fn *row, void *ctx)
{
	struct tp_import_row found = { .table = "", .line = line };

	found.cells = tp_import_cells_get(reader->cells, &found.count);
	return row(ctx, &found, reader->err);
}

int32_t tp_import_table_text(const struct tp_import_input *input,
	char separator, tp_import_row_fn *row, void *ctx,
	struct tillpost_error *err)
{
	struct reader reader = { .input = input,
		.cells = tp_import_cells_new(),
		.err = err,
		.line = 1,
		.separator = separator };
	int32_t rc = TILLPOST_OK;

	if (!reader.cells)
		return tp_import_no_memory(err);
	if (input->len >= 3 && memcmp(input->text, "\xef\xbb\xbf", 3) == 0)
		reader.at = 3;
	while (rc >= 0 && !at_end(&reader)) {
		size_t line = reader.line;

		if (is_blank_line(&reader)) {
			while (!at_end(&reader) && here(&reader) != '\n')
				reader.at++;
			reader.at += !at_end(&reader);
			reader.line++;
			continue;
		}
		rc = take_row(&reader);
		if (rc >= 0)
			rc = show_row(&reader, line, row, ctx);
	}
	tp_import_cells_free(reader.cells);
	return rc;
}
