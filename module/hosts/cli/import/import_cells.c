/*
 * import_cells.c - the cells of a row while it is read
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_bytes.h"
#include "cli/import/import_rows.h"

#include <stdlib.h>

struct tp_import_cells {
	struct tp_import_bytes bytes; /* each cell with a NUL after it */
	struct tp_import_cell items[TP_IMPORT_COLUMNS_MAX];
	size_t starts[TP_IMPORT_COLUMNS_MAX];
	size_t start; /* of the cell being read */
	size_t count;
};

struct tp_import_cells *tp_import_cells_new(void)
{
	return calloc(1, sizeof(struct tp_import_cells));
}

void tp_import_cells_free(struct tp_import_cells *cells)
{
	if (!cells)
		return;
	tp_import_bytes_free(&cells->bytes);
	free(cells);
}

void tp_import_cells_clear(struct tp_import_cells *cells)
{
	tp_import_bytes_clear(&cells->bytes);
	cells->count = 0;
	cells->start = 0;
}

void tp_import_cells_add(
	struct tp_import_cells *cells, const char *text, size_t len)
{
	tp_import_bytes_add(&cells->bytes, text, len);
}

int32_t tp_import_cells_end(struct tp_import_cells *cells, int is_null)
{
	size_t len;

	if (cells->count >= TP_IMPORT_COLUMNS_MAX)
		return TILLPOST_ETOOBIG;
	len = cells->bytes.len - cells->start;
	tp_import_bytes_add(&cells->bytes, "", 1);
	if (cells->bytes.failed)
		return TILLPOST_ENOMEM;
	cells->items[cells->count].len = len;
	cells->items[cells->count].is_null = is_null;
	cells->starts[cells->count] = cells->start;
	cells->count++;
	cells->start = cells->bytes.len;
	return TILLPOST_OK;
}

const struct tp_import_cell *tp_import_cells_get(
	struct tp_import_cells *cells, size_t *count_out)
{
	size_t i;

	/* Only now: the buffer moves while it grows. */
	for (i = 0; i < cells->count; i++)
		cells->items[i].text = cells->bytes.text + cells->starts[i];
	*count_out = cells->count;
	return cells->items;
}
