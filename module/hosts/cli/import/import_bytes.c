/*
 * import_bytes.c - texts that may be secrets, and small conversions
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_bytes.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 256

/* Not realloc(): it would leave the old copy unwiped. */
static int reserve(struct tp_import_bytes *bytes, size_t more)
{
	size_t cap = bytes->cap ? bytes->cap : FIRST_BYTES;
	char *text;

	if (more > SIZE_MAX / 4 - bytes->len)
		return -1;
	while (cap < bytes->len + more + 1)
		cap *= 2;
	if (cap == bytes->cap)
		return 0;
	text = malloc(cap);
	if (!text)
		return -1;
	if (bytes->text) {
		memcpy(text, bytes->text, bytes->len + 1);
		explicit_bzero(bytes->text, bytes->cap);
		free(bytes->text);
	} else {
		text[0] = '\0';
	}
	bytes->text = text;
	bytes->cap = cap;
	return 0;
}

void tp_import_bytes_add(
	struct tp_import_bytes *bytes, const char *text, size_t len)
{
	if (bytes->failed || reserve(bytes, len) != 0) {
		bytes->failed = 1;
		return;
	}
	if (len > 0)
		memcpy(bytes->text + bytes->len, text, len);
	bytes->len += len;
	bytes->text[bytes->len] = '\0';
}

void tp_import_bytes_put(struct tp_import_bytes *bytes, const char *text)
{
	tp_import_bytes_add(bytes, text, strlen(text));
}

void tp_import_bytes_printf(struct tp_import_bytes *bytes, const char *fmt, ...)
{
	char text[2048];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		bytes->failed = 1;
	else
		tp_import_bytes_add(bytes, text, (size_t)len);
	explicit_bzero(text, sizeof(text));
}

void tp_import_bytes_clear(struct tp_import_bytes *bytes)
{
	if (bytes->text) {
		explicit_bzero(bytes->text, bytes->len);
		bytes->text[0] = '\0';
	}
	bytes->len = 0;
}

void tp_import_bytes_free(struct tp_import_bytes *bytes)
{
	if (bytes->text) {
		explicit_bzero(bytes->text, bytes->cap);
		free(bytes->text);
	}
	*bytes = (struct tp_import_bytes) { .text = NULL };
}

char *tp_import_copy(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void tp_import_wipe(char *text)
{
	if (!text)
		return;
	explicit_bzero(text, strlen(text));
	free(text);
}

static int digit_of(char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

size_t tp_import_base64(const char *text, size_t len, char *text_out)
{
	size_t padding = 0;
	size_t used = 0;
	size_t i;
	unsigned bits = 0;
	unsigned count = 0;

	if (len == 0 || len % 4 != 0)
		return 0;
	while (padding < 2 && text[len - 1 - padding] == '=')
		padding++;
	for (i = 0; i < len - padding; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0)
			return 0;
		bits = (bits << 6 | (unsigned)digit) & 0xfff;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		text_out[used++] = (char)(bits >> count & 0xff);
	}
	/* An encoder leaves no bits in the last digit. */
	return (bits & ((1u << count) - 1)) == 0 ? used : 0;
}

/* @return length of the sequence that begins with C, 0 if none does */
static size_t sequence(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Longer forms than needed, surrogates, and what is past U+10FFFF. */
static int forbidden(unsigned char first, unsigned char second)
{
	return (first == 0xe0 && second < 0xa0) ||
	       (first == 0xed && second > 0x9f) ||
	       (first == 0xf0 && second < 0x90) ||
	       (first == 0xf4 && second > 0x8f);
}

int tp_import_printable(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t i = 0;

	while (i < len) {
		size_t more = sequence(at[i]);
		size_t k;

		if (more == 0 || more > len - i || at[i] < 0x20 ||
			at[i] == 0x7f)
			return 0;
		if (more > 1 && forbidden(at[i], at[i + 1]))
			return 0;
		for (k = 1; k < more; k++)
			if ((at[i + k] & 0xc0) != 0x80)
				return 0;
		i += more;
	}
	return 1;
}

/* What the entity at TEXT ("&...;") stands for.
 * @return its length, 0 if it is none of ours */
static size_t entity(const char *text, char *c_out)
{
	static const struct {
		const char *name;
		char c;
	} names[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
		{ "&quot;", '"' }, { "&apos;", '\'' } };
	long number = 0;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(text, names[i].name, strlen(names[i].name)) == 0) {
			*c_out = names[i].c;
			return strlen(names[i].name);
		}
	if (text[1] != '#')
		return 0;
	for (i = 2; i < 6 && text[i] >= '0' && text[i] <= '9'; i++)
		number = 10 * number + (text[i] - '0');
	if (i == 2 || text[i] != ';' || number < 0x20 || number > 0x7e)
		return 0;
	*c_out = (char)number;
	return i + 1;
}

void tp_import_entities(char *text)
{
	char *out = text;
	char *end = text + strlen(text);

	while (*text != '\0') {
		char c = *text;
		size_t len = c == '&' ? entity(text, &c) : 0;

		text += len > 0 ? len : 1;
		*out++ = c;
	}
	explicit_bzero(out, (size_t)(end - out));
}

void tp_import_backslashes(char *text)
{
	char *out = text;
	char *end = text + strlen(text);

	while (*text != '\0') {
		if (*text == '\\')
			text++;
		if (*text != '\0')
			*out++ = *text++;
	}
	explicit_bzero(out, (size_t)(end - out));
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int tp_import_same(const char *a, const char *b)
{
	a = a ? a : "";
	b = b ? b : "";
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

long tp_import_number(const char *text)
{
	long number = 0;
	int digits = 0;

	text += strspn(text, " \t");
	for (; *text >= '0' && *text <= '9' && digits < 10; digits++)
		number = 10 * number + (*text++ - '0');
	text += strspn(text, " \t");
	return digits == 0 || digits > 9 || *text != '\0' ? -1 : number;
}

int tp_import_yes(const char *text)
{
	return tp_import_same(text, "1") || tp_import_same(text, "yes") ||
	       tp_import_same(text, "on") || tp_import_same(text, "true");
}
