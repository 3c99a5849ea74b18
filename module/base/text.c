/*
 * text.c - small text helpers that know no mail
 *
 * SPDX-License-Identifier: MIT
 */
#include "text.h"

#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* Largest first: formatting takes the first that divides. */
static const struct unit durations[] = {
	{ "w", 7 * 86400000LL },
	{ "d", 86400000LL },
	{ "h", 3600000LL },
	{ "m", 60000LL },
	{ "s", 1000LL },
	{ "ms", 1LL },
};

static const struct unit sizes[] = {
	{ "G", 1LL << 30 },
	{ "M", 1LL << 20 },
	{ "k", 1LL << 10 },
	{ "", 1LL },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int tp_ascii_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

int tp_strncasecmp(const char *a, const char *b, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		int x = tp_ascii_lower((unsigned char)a[i]);
		int y = tp_ascii_lower((unsigned char)b[i]);

		if (x != y || x == 0)
			return x - y;
	}
	return 0;
}

int tp_strcasecmp(const char *a, const char *b)
{
	return tp_strncasecmp(a, b, (size_t)-1);
}

int tp_streq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

static int continuation(const char *s, size_t count)
{
	size_t i;

	for (i = 1; i <= count; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
	return 1;
}

size_t tp_utf8_sequence(const char *s, size_t len)
{
	unsigned char c;
	unsigned char second;

	if (len == 0)
		return 0;
	c = (unsigned char)s[0];
	if (c < 0x80)
		return 1;
	second = len > 1 ? (unsigned char)s[1] : 0;
	if (c >= 0xc2 && c <= 0xdf)
		return len >= 2 && continuation(s, 1) ? 2 : 0;
	if (c >= 0xe0 && c <= 0xef) {
		if (len < 3 || !continuation(s, 2))
			return 0;
		/* overlong forms and surrogates */
		if ((c == 0xe0 && second < 0xa0) ||
			(c == 0xed && second > 0x9f))
			return 0;
		return 3;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		if (len < 4 || !continuation(s, 3))
			return 0;
		if ((c == 0xf0 && second < 0x90) ||
			(c == 0xf4 && second > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

int tp_utf8_valid(const char *s, size_t len)
{
	while (len > 0) {
		size_t step = tp_utf8_sequence(s, len);

		if (step == 0)
			return 0;
		s += step;
		len -= step;
	}
	return 1;
}

/* Bytes that would end or recolour a log line in some reader. */
static int needs_escape(const char *s, size_t step)
{
	unsigned char c = (unsigned char)s[0];

	if (step == 0)
		return 1;
	if (step == 1)
		return c < 0x20 || c == 0x7f || c == '\\';
	if (step == 2)
		return c == 0xc2 && (unsigned char)s[1] < 0xa0;
	return step == 3 && memcmp(s, "\xe2\x80", 2) == 0 &&
	       ((unsigned char)s[2] == 0xa8 || (unsigned char)s[2] == 0xa9);
}

int tp_text_escape(
	struct tp_buf *out, const char *s, size_t len, size_t max_bytes)
{
	size_t start = out->len;
	int rc = TP_OK;

	while (len > 0 && rc >= 0) {
		size_t step = tp_utf8_sequence(s, len);
		size_t take = step ? step : 1;
		size_t i;

		if (out->len - start + 4 * take > max_bytes)
			return tp_buf_str_add(out, "...");
		if (!needs_escape(s, step))
			rc = tp_buf_add(out, s, take);
		else
			for (i = 0; i < take && rc >= 0; i++)
				rc = tp_buf_printf(
					out, "\\x%02x", (unsigned char)s[i]);
		s += take;
		len -= take;
	}
	return rc;
}

static int parse_number(const char **s, int64_t *out)
{
	int64_t value = 0;
	const char *at = *s;

	if (*at < '0' || *at > '9')
		return TP_EINVAL;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (value > (INT64_MAX - 9) / 10)
			return TP_EINVAL;
		value = value * 10 + (*at - '0');
	}
	*s = at;
	*out = value;
	return TP_OK;
}

static int parse_unit(const char *s, const struct unit *units, size_t count,
	int64_t bare, int64_t *out)
{
	int64_t number;
	int64_t factor = 0;
	size_t i;

	if (!s || parse_number(&s, &number) < 0)
		return TP_EINVAL;
	if (*s == '\0')
		factor = bare;
	for (i = 0; i < count && factor == 0; i++)
		if (tp_strcasecmp(s, units[i].name) == 0)
			factor = units[i].factor;
	if (factor == 0 || number > INT64_MAX / factor)
		return TP_EINVAL;
	*out = number * factor;
	return TP_OK;
}

int tp_parse_duration(const char *s, int64_t unit_ms, int64_t *ms_out)
{
	return parse_unit(s, durations, COUNT(durations), unit_ms, ms_out);
}

int tp_parse_size(const char *s, int64_t *bytes_out)
{
	return parse_unit(s, sizes, COUNT(sizes), 1, bytes_out);
}

static void format_unit(
	int64_t value, const struct unit *units, size_t count, char *out)
{
	size_t i = 0;

	while (i + 1 < count && (value == 0 || value % units[i].factor != 0))
		i++;
	(void)snprintf(out, 32, "%lld%s", (long long)(value / units[i].factor),
		units[i].name);
}

void tp_format_duration(int64_t ms, char *out)
{
	/* 7 days read better as 7d than as 1w */
	format_unit(ms, durations + 1, COUNT(durations) - 1, out);
}

void tp_format_size(int64_t bytes, char *out)
{
	format_unit(bytes, sizes, COUNT(sizes), out);
}
