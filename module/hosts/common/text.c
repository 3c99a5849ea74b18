/*
 * text.c - text from servers and files, made fit for a terminal
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* @return the length of the well-formed sequence at S, or 0; its code point
 *         in *point_out (RFC 3629). The NUL at the end of S stops it. */
static size_t decode(const char *s, uint32_t *point_out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)s[0];
	uint32_t point;
	size_t len;
	size_t i;

	if (first < 0x80) {
		*point_out = first;
		return 1;
	}
	if (first < 0xc0 || first > 0xf4)
		return 0;
	len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	point = first & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if (!is_continuation(s[i]))
			return 0;
		point = point << 6 | ((unsigned char)s[i] & 0x3fu);
	}
	if (point < least[len] || point > 0x10ffff ||
		(point >= 0xd800 && point <= 0xdfff))
		return 0;
	*point_out = point;
	return len;
}

/* Controls, line separators, and marks that reorder or hide text. */
static int is_unsafe(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) ||
	       point == 0x061c || (point >= 0x200b && point <= 0x200f) ||
	       (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2060 && point <= 0x2069) || point == 0xfeff;
}

size_t tp_text_step(const char *s, char out[TP_TEXT_STEP_BYTES])
{
	uint32_t point = 0;
	size_t len = decode(s, &point);

	if (len <= 1 && (len == 0 || is_unsafe(point))) {
		(void)snprintf(out, TP_TEXT_STEP_BYTES, "\\x%02x",
			(unsigned int)(unsigned char)s[0]);
		return 1;
	}
	if (is_unsafe(point)) {
		(void)snprintf(out, TP_TEXT_STEP_BYTES, "\\u%04x",
			(unsigned int)(point & 0xffff));
		return len;
	}
	memcpy(out, s, len);
	out[len] = '\0';
	return len;
}

void tp_text_put(FILE *out, const char *s)
{
	char step[TP_TEXT_STEP_BYTES];

	while (s && *s != '\0') {
		s += tp_text_step(s, step);
		(void)fputs(step, out);
	}
}

char *tp_text_printable(const char *s)
{
	size_t len = s ? strlen(s) : 0;
	char *text;
	char *at;

	if (len > SIZE_MAX / 4 - TP_TEXT_STEP_BYTES)
		return NULL;
	/* The longest growth is one byte to "\xNN". */
	text = malloc(4 * len + TP_TEXT_STEP_BYTES);
	if (!text)
		return NULL;
	at = text;
	*at = '\0';
	while (s && *s != '\0') {
		s += tp_text_step(s, at);
		at += strlen(at);
	}
	return text;
}

size_t tp_text_width(const char *s)
{
	size_t width = 0;

	for (; *s != '\0'; s++)
		width += is_continuation(*s) ? 0 : 1;
	return width;
}

void tp_text_cut(char *s, size_t width)
{
	size_t keep = width - 3;

	if (tp_text_width(s) <= width)
		return;
	while (keep > 0) {
		for (s++; is_continuation(*s); s++)
			;
		keep--;
	}
	/* More than WIDTH code points means at least 4 more bytes here. */
	memcpy(s, "...", 4);
}
