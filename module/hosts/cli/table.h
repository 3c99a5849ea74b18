/*
 * table.h - aligned columns for people
 *
 * JOB     Prints rows under a header line. Rows are collected in blocks, so a
 *         listing of any length needs little memory; widths only grow from
 *         one block to the next. Cells are made fit for a terminal. Long
 *         ones are cut only if the output is a terminal; the last column
 *         takes what room is left there.
 * LAYER   hosts; libc.
 * THREADS one table, one thread.
 * ERRORS  The first failure is kept; tp_table_end() returns it.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_TABLE_H
#define TP_HOSTS_CLI_TABLE_H

#include <tillpost/abi.h>

#include <stdio.h>

#define TP_TABLE_COLUMNS_MAX 12

struct tp_column {
	const char *title;
	size_t cut; /* on a terminal: most characters, 0 any */
	int right;  /* 1: numbers */
};

struct tp_table;

/* COLUMNS stays the caller's and must live as long as the table.
 * @param count 1 to TP_TABLE_COLUMNS_MAX
 * @return NULL if out of memory */
struct tp_table *tp_table_new(
	FILE *out, const struct tp_column *columns, size_t count);

/* CELLS has one string for each column; NULL and "" are shown as "-". They
 * are copied. A NULL table is ignored. */
void tp_table_row(struct tp_table *table, const char *const *cells);

/* Prints what is collected so far, and the header if it was not yet. */
void tp_table_flush(struct tp_table *table);

/* Prints the rest, frees, sets *table to NULL. Without any row it prints
 * nothing.
 * @param rc  what the listing that filled the table returned
 * @param err is left alone if rc < 0
 * @return rc if that is an error; TILLPOST_ENOMEM (also for a NULL table);
 *         else rc */
int32_t tp_table_end(
	struct tp_table **table, int32_t rc, struct tillpost_error *err);

#endif
