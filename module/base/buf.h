/*
 * buf.h - a growing byte buffer with a bound
 *
 * JOB     Every buffer that outside input can grow has a maximum; passing it
 *         is an error, not a bigger allocation. The data is always followed
 *         by a NUL that is not counted in len.
 * LAYER   base; libc only.
 * ERRORS  TP_ENOMEM, TP_ETOOBIG. After a failure the buffer holds what it
 *         held before the call.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_BUF_H
#define TP_BASE_BUF_H

#include "err.h"

#include <stdarg.h>
#include <stddef.h>

struct tp_buf {
	char *data; /* NULL until the first append; use tp_buf_str() */
	size_t len;
	size_t cap;
	size_t max; /* most bytes len may reach */
};

#define TP_BUF_INIT(max_bytes)          \
	{                               \
		NULL, 0, 0, (max_bytes) \
	}

void tp_buf_init(struct tp_buf *buf, size_t max_bytes);
void tp_buf_free(struct tp_buf *buf);
/* Keeps the memory, forgets the content. */
void tp_buf_clear(struct tp_buf *buf);
/* @return the content as a string; "" when empty, never NULL */
const char *tp_buf_str(const struct tp_buf *buf);
/* Makes room for MORE bytes after len without changing len. */
int tp_buf_reserve(struct tp_buf *buf, size_t more) TP_USE_RESULT;
int tp_buf_add(struct tp_buf *buf, const void *data, size_t len) TP_USE_RESULT;
int tp_buf_str_add(struct tp_buf *buf, const char *str) TP_USE_RESULT;
int tp_buf_char(struct tp_buf *buf, char c) TP_USE_RESULT;
int tp_buf_printf(struct tp_buf *buf, const char *fmt, ...)
	TP_PRINTF(2, 3) TP_USE_RESULT;
/* Drops all behind the first LEN bytes (at most len). */
void tp_buf_cut(struct tp_buf *buf, size_t len);
/* Drops the first COUNT bytes (at most len). */
void tp_buf_consume(struct tp_buf *buf, size_t count);
/* Hands the memory to the caller (free() it); the buffer is empty after.
 * @return never NULL on success; NULL if out of memory */
char *tp_buf_take(struct tp_buf *buf, size_t *len_out);

#endif
