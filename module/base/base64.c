/*
 * base64.c - base 64 with padding
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t tp_base64_chars(size_t len)
{
	return (len + 2) / 3 * 4;
}

int tp_base64_encode(struct tp_buf *out, const void *data, size_t len)
{
	const unsigned char *in = data;
	char *to;
	int rc;

	if (len > SIZE_MAX / 2)
		return TP_ETOOBIG;
	rc = tp_buf_reserve(out, tp_base64_chars(len));
	if (rc < 0)
		return rc;
	to = out->data + out->len;
	out->len += tp_base64_chars(len);
	for (; len > 0; in += 3, to += 4) {
		size_t take = len < 3 ? len : 3;
		unsigned long bits = (unsigned long)in[0] << 16;

		if (take > 1)
			bits |= (unsigned long)in[1] << 8;
		if (take > 2)
			bits |= in[2];
		to[0] = alphabet[bits >> 18 & 63];
		to[1] = alphabet[bits >> 12 & 63];
		to[2] = take > 1 ? alphabet[bits >> 6 & 63] : '=';
		to[3] = take > 2 ? alphabet[bits & 63] : '=';
		len -= take;
		if (len == 0)
			break;
	}
	out->data[out->len] = '\0';
	return TP_OK;
}

/* 0-63, or -1 */
static int digit(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* Decodes four characters of which the last PAD are '='.
 * @return 0 or TP_EINVAL */
static int decode_four(const char *text, size_t pad, unsigned char *out)
{
	unsigned long bits = 0;
	size_t i;

	for (i = 0; i < 4; i++) {
		int value = i < 4 - pad ? digit(text[i]) : 0;

		if (value < 0)
			return TP_EINVAL;
		bits = bits << 6 | (unsigned long)value;
	}
	/* Bits that padding leaves over must be zero (RFC 4648 3.5). */
	if (bits & ((1UL << (8 * pad)) - 1))
		return TP_EINVAL;
	out[0] = (unsigned char)(bits >> 16 & 255);
	out[1] = (unsigned char)(bits >> 8 & 255);
	out[2] = (unsigned char)(bits & 255);
	return TP_OK;
}

int tp_base64_decode(struct tp_buf *out, const char *text, size_t len)
{
	size_t before = out->len;
	size_t pad = 0;
	size_t i;
	int rc;

	if (len % 4 != 0)
		return TP_EINVAL;
	if (len > 0 && text[len - 1] == '=')
		pad = text[len - 2] == '=' ? 2 : 1;
	rc = tp_buf_reserve(out, len / 4 * 3);
	for (i = 0; rc >= 0 && i < len; i += 4) {
		size_t here = i + 4 == len ? pad : 0;
		unsigned char three[3];

		rc = decode_four(text + i, here, three);
		if (rc >= 0)
			rc = tp_buf_add(out, three, 3 - here);
	}
	if (rc < 0) {
		out->len = before;
		if (out->data)
			out->data[before] = '\0';
	}
	return rc;
}
