/*
 * message_lines.c - every line end becomes CRLF
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/message_lines.h"

#include <stdint.h>
#include <string.h>

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

static uint64_t load(const char *s)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return word;
}

/* Nonzero if one of the eight bytes is below 0x10: CR, LF, NUL, or one of a
 * few that are rare in mail. One test instead of three. */
static uint64_t low_byte(uint64_t word)
{
	return (word - ONES * 0x10) & ~word & HIGHS;
}

/* The first CR or LF, or END. Notes what lies before it in *SEEN. Eight bytes
 * at a time: two memchr() calls per line cost more on short lines, and on
 * lines that end in CR alone they would be quadratic. */
static const char *line_break(
	const char *s, const char *end, struct tp_message_lines *seen)
{
	uint64_t high = 0;

	while (s < end) {
		int i;

		while (end - s >= 8 && !low_byte(load(s))) {
			high |= load(s);
			s += 8;
		}
		for (i = 0; i < 8 && s < end; i++, s++) {
			if (*s == '\r' || *s == '\n')
				goto out;
			if (*s == '\0')
				seen->nul = 1;
			high |= (unsigned char)*s;
		}
	}
out:
	if (high & HIGHS)
		seen->eight_bit = 1;
	return s;
}

static const char *after_break(const char *s, const char *end)
{
	if (s == end)
		return end;
	return s + (*s == '\r' && s + 1 < end && s[1] == '\n' ? 2 : 1);
}

void tp_message_lines_measure(
	const char *data, size_t len, struct tp_message_lines *lines_out)
{
	const char *end = data + len;
	const char *at = data;

	*lines_out = (struct tp_message_lines) { 0, 0, 0, 0 };
	while (at < end) {
		const char *stop = line_break(at, end, lines_out);
		size_t line = (size_t)(stop - at);

		if (line > lines_out->longest_line)
			lines_out->longest_line = line;
		lines_out->out_len += line + 2;
		at = after_break(stop, end);
	}
}

void tp_message_lines_copy(const struct tp_message_lines *lines,
	const char *data, size_t len, char *out)
{
	const char *end = data + len;
	const char *at = data;
	struct tp_message_lines seen;

	/* Normalising only ever adds bytes: same length, same bytes. */
	if (lines->out_len == len) {
		if (len > 0)
			memcpy(out, data, len);
		return;
	}
	while (at < end) {
		const char *stop = line_break(at, end, &seen);
		size_t line = (size_t)(stop - at);

		memcpy(out, at, line);
		out += line;
		*out++ = '\r';
		*out++ = '\n';
		at = after_break(stop, end);
	}
}
