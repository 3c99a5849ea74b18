/*
 * phrase.c - writes a display name and an address into a header
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/phrase.h"

#include "base/text.h"
#include "core/address_spec.h"

#include <string.h>

#define FOLD_COLUMN 76
#define WORD_OPEN "=?UTF-8?Q?"
#define WORD_CLOSE "?="
#define WORD_MAX 64 /* with the header name within the 76 of RFC 2047 2 */

/* What a display name holds outside of quotation marks. */
struct traits {
	int at_sign;
	int loose;	/* dots, brackets: no phrase by RFC 5322 */
	int high;	/* bytes >= 0x80, anywhere */
	int maybe_word; /* "=?": may hold an encoded-word */
};

static struct traits look(const char *name)
{
	struct traits traits = { 0, 0, 0, strstr(name, "=?") != NULL };
	int depth = 0;
	int quoted = 0;

	for (; *name; name++) {
		if ((unsigned char)*name >= 0x80)
			traits.high = 1;
		if (*name == '\\' && name[1] != '\0')
			name++;
		else if (*name == '"' && depth == 0)
			quoted = !quoted;
		else if (*name == '(' && !quoted)
			depth++;
		else if (*name == ')' && !quoted)
			depth--;
		else if (!quoted && depth == 0 && *name == '@')
			traits.at_sign = 1;
		else if (!quoted && depth == 0 && *name != ' ' &&
			 *name != '\t' && !tp_address_atext(*name))
			traits.loose = 1;
	}
	return traits;
}

/* The name as a reader sees it: without quotation marks and escapes. */
static int plain_add(struct tp_buf *out, const char *name)
{
	int rc = TP_OK;

	for (; *name && rc >= 0; name++) {
		if (*name == '"')
			continue;
		if (*name == '\\' && name[1] != '\0')
			name++;
		rc = tp_buf_char(out, *name);
	}
	return rc;
}

static int quoted_add(struct tp_buf *out, const char *text)
{
	int rc = tp_buf_char(out, '"');

	for (; *text && rc >= 0; text++) {
		if (*text == '"' || *text == '\\')
			rc = tp_buf_char(out, '\\');
		if (rc >= 0)
			rc = tp_buf_char(out, *text);
	}
	return rc < 0 ? rc : tp_buf_char(out, '"');
}

static int letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* One character in the "Q" encoding, never split between two words. */
static int q_char_add(struct tp_buf *out, const char *s, size_t step)
{
	static const char digits[] = "0123456789ABCDEF";
	int rc = TP_OK;
	size_t i;

	if (step == 1 && letter_or_digit(*s))
		return tp_buf_char(out, *s);
	if (step == 1 && *s == ' ')
		return tp_buf_char(out, '_');
	for (i = 0; i < step && rc >= 0; i++) {
		unsigned char c = (unsigned char)s[i];
		char code[3] = { '=', digits[c >> 4], digits[c & 15] };

		rc = tp_buf_add(out, code, sizeof(code));
	}
	return rc;
}

/* TEXT is valid UTF-8. */
static int encoded_add(struct tp_buf *out, const char *text)
{
	size_t left = strlen(text);
	size_t start = out->len;
	int rc = tp_buf_str_add(out, WORD_OPEN);

	while (left > 0 && rc >= 0) {
		size_t step = tp_utf8_sequence(text, left);
		size_t word = out->len - start + strlen(WORD_CLOSE);

		if (word + 3 * step > WORD_MAX) {
			rc = tp_buf_str_add(out, WORD_CLOSE " ");
			start = out->len;
			if (rc >= 0)
				rc = tp_buf_str_add(out, WORD_OPEN);
		}
		if (rc >= 0)
			rc = q_char_add(out, text, step);
		text += step;
		left -= step;
	}
	return rc < 0 ? rc : tp_buf_str_add(out, WORD_CLOSE);
}

static int name_add(struct tp_buf *out, const char *name)
{
	struct traits traits = look(name);
	struct tp_buf plain;
	int rc;

	tp_buf_init(&plain, out->max);
	rc = plain_add(&plain, name);
	if (rc < 0)
		goto out;
	if (traits.high && !traits.maybe_word &&
		tp_utf8_valid(plain.data ? plain.data : "", plain.len))
		rc = encoded_add(out, tp_buf_str(&plain));
	else if (traits.at_sign || (traits.loose && !traits.maybe_word))
		rc = quoted_add(out, tp_buf_str(&plain));
	else
		rc = tp_buf_str_add(out, name);
out:
	tp_buf_free(&plain);
	return rc;
}

/* Copies LINE, breaking before white space where a word would pass the
 * column. Never behind the header name: that would leave an empty line. */
static int folded_add(struct tp_buf *out, const char *line)
{
	size_t column = 0;
	int words = 0;
	int rc = TP_OK;

	while (*line && rc >= 0) {
		size_t gap = strspn(line, " \t");
		size_t word = strcspn(line + gap, " \t");

		if (words > 1 && gap > 0 && word > 0 &&
			column + gap + word > FOLD_COLUMN) {
			rc = tp_buf_str_add(out, "\r\n");
			column = 0;
		}
		if (rc >= 0)
			rc = tp_buf_add(out, line, gap + word);
		column += gap + word;
		line += gap + word;
		words++;
	}
	return rc;
}

int tp_phrase_mailbox_add(struct tp_buf *out, const char *header,
	const char *name, const char *addr)
{
	int named = name && name[0] != '\0';
	struct tp_buf line;
	int rc;

	tp_buf_init(&line, out->max);
	rc = tp_buf_printf(&line, "%s: ", header);
	if (rc >= 0 && named)
		rc = name_add(&line, name);
	if (rc >= 0)
		rc = tp_buf_printf(&line, named ? " <%s>" : "%s", addr);
	if (rc >= 0)
		rc = folded_add(out, tp_buf_str(&line));
	if (rc >= 0)
		rc = tp_buf_str_add(out, "\r\n");
	tp_buf_free(&line);
	return rc;
}
