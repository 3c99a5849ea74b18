/*
 * header.h - walks the header block of a message, field by field
 *
 * JOB     Finds each field's exact bytes, name and value in place, without
 *         copying. Refuses whatever is neither a field, a continuation nor
 *         the empty line that ends the block: a reader that skips such a
 *         line is how injected headers come to life.
 *         Lines end in CRLF or LF. A continuation may be all white space.
 * BOUNDS  block <= TP_HEADER_BLOCK_MAX_BYTES, fields <= TP_HEADER_MAX_FIELDS.
 * LAYER   core; libc only.
 * THREADS safe; the state is the caller's.
 * ERRORS  TP_EMESSAGE with the line number and what to do; TP_ETOOBIG.
 * SOURCES RFC 5322 2.1, 2.2; obsolete "Name :" (4.5) is refused
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_HEADER_H
#define TP_CORE_HEADER_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

#define TP_HEADER_BLOCK_MAX_BYTES (256 * 1024)
#define TP_HEADER_MAX_FIELDS 1000

/* One field; everything points into the scanned data. */
struct tp_header_field {
	const char *start; /* first byte of the name */
	size_t len;	   /* with all its line ends */
	const char *name;
	size_t name_len;
	const char *value; /* after the colon, without white space around it;
			    * folds inside remain */
	size_t value_len;
	size_t line; /* where it starts, from 1 */
};

struct tp_header_scan {
	const char *data;
	size_t len;
	size_t at;   /* next byte; after the end of the block: the body's */
	size_t line; /* lines read */
	size_t field_count;
};

/* DATA is borrowed as long as SCAN and its fields are used. */
void tp_header_begin(struct tp_header_scan *scan, const char *data, size_t len);

/* @return 1 with a field; 0 at the end of the block, scan->at is then where
 *         the body starts; TP_EMESSAGE, TP_ETOOBIG */
int tp_header_next(struct tp_header_scan *scan,
	struct tp_header_field *field_out, struct tp_error *err) TP_USE_RESULT;

/* @return 1 if the field has this name, in any case */
int tp_header_is(const struct tp_header_field *field, const char *name);

/* The value on one line: folds removed, their white space kept.
 * @owns tp_free() it; NULL if out of memory */
char *tp_header_unfold(const struct tp_header_field *field);

#endif
