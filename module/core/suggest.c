/*
 * suggest.c - "did you mean"
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/suggest.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 40

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein distance, one row at a time; case is not a difference. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1];
	size_t b_len = strlen(b);
	size_t i;
	size_t j;

	for (j = 0; j <= b_len; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (j = 0; j < b_len; j++) {
			size_t above = row[j + 1];
			int same = tp_ascii_lower((unsigned char)a[i]) ==
				   tp_ascii_lower((unsigned char)b[j]);

			row[j + 1] = least(above + 1, row[j] + 1,
				diagonal + (same ? 0 : 1));
			diagonal = above;
		}
	}
	return row[b_len];
}

void tp_suggest_init(struct tp_suggest *suggest, const char *word)
{
	*suggest = (struct tp_suggest) { .word = word };
	/* One letter of a short word may be wrong, two or three of a longer
	 * one: fewer than this. */
	suggest->distance = strlen(word) <= 3 ? 2 : strlen(word) <= 8 ? 3 : 4;
}

void tp_suggest_try(struct tp_suggest *suggest, const char *candidate)
{
	size_t found;

	if (strlen(suggest->word) > WORD_MAX || strlen(candidate) > WORD_MAX)
		return;
	found = distance(suggest->word, candidate);
	if (found < suggest->distance) {
		suggest->distance = found;
		suggest->best = candidate;
	}
}

void tp_suggest_text(
	const struct tp_suggest *suggest, char out[TP_SUGGEST_TEXT_BYTES])
{
	out[0] = '\0';
	if (suggest->best)
		(void)snprintf(out, TP_SUGGEST_TEXT_BYTES,
			"; did you mean \"%s\"?", suggest->best);
}
