/*
 * buf.c - a growing byte buffer with a bound
 *
 * SPDX-License-Identifier: MIT
 */
#include "buf.h"

#include "mem.h"

#include <stdio.h>
#include <string.h>

void tp_buf_init(struct tp_buf *buf, size_t max_bytes)
{
	*buf = (struct tp_buf)TP_BUF_INIT(max_bytes);
}

void tp_buf_free(struct tp_buf *buf)
{
	tp_free(buf->data);
	tp_buf_init(buf, buf->max);
}

void tp_buf_clear(struct tp_buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

const char *tp_buf_str(const struct tp_buf *buf)
{
	return buf->data ? buf->data : "";
}

int tp_buf_reserve(struct tp_buf *buf, size_t more)
{
	size_t want;
	size_t cap = buf->cap ? buf->cap : 64;
	char *data;

	if (more > buf->max || buf->len > buf->max - more)
		return TP_ETOOBIG;
	want = buf->len + more + 1;
	if (want <= buf->cap)
		return TP_OK;
	while (cap < want)
		cap += cap / 2 + 64;
	data = tp_realloc(buf->data, cap);
	if (!data)
		return TP_ENOMEM;
	data[buf->len] = '\0';
	buf->data = data;
	buf->cap = cap;
	return TP_OK;
}

int tp_buf_add(struct tp_buf *buf, const void *data, size_t len)
{
	int rc = tp_buf_reserve(buf, len);

	if (rc < 0)
		return rc;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return TP_OK;
}

int tp_buf_str_add(struct tp_buf *buf, const char *str)
{
	return tp_buf_add(buf, str, strlen(str));
}

int tp_buf_char(struct tp_buf *buf, char c)
{
	return tp_buf_add(buf, &c, 1);
}

int tp_buf_printf(struct tp_buf *buf, const char *fmt, ...)
{
	va_list args;
	int need;
	int rc;

	va_start(args, fmt);
	need = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (need < 0)
		return TP_EINVAL;
	rc = tp_buf_reserve(buf, (size_t)need);
	if (rc < 0)
		return rc;
	va_start(args, fmt);
	(void)vsnprintf(buf->data + buf->len, (size_t)need + 1, fmt, args);
	va_end(args);
	buf->len += (size_t)need;
	return TP_OK;
}

void tp_buf_cut(struct tp_buf *buf, size_t len)
{
	buf->len = len;
	if (buf->data)
		buf->data[len] = '\0';
}

void tp_buf_consume(struct tp_buf *buf, size_t count)
{
	if (count >= buf->len) {
		tp_buf_clear(buf);
		return;
	}
	memmove(buf->data, buf->data + count, buf->len - count + 1);
	buf->len -= count;
}

char *tp_buf_take(struct tp_buf *buf, size_t *len_out)
{
	char *data;

	if (!buf->data && tp_buf_reserve(buf, 0) < 0)
		return NULL;
	data = buf->data;
	if (len_out)
		*len_out = buf->len;
	tp_buf_init(buf, buf->max);
	return data;
}
