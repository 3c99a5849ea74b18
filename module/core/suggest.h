/*
 * suggest.h - "did you mean"
 *
 * JOB     Finds the known word nearest to a mistyped one by edit distance.
 *         Offer it every candidate in turn.
 * BOUNDS  words longer than 40 bytes are never near anything.
 * LAYER   core; libc only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_SUGGEST_H
#define TP_CORE_SUGGEST_H

#include <stddef.h>

#define TP_SUGGEST_TEXT_BYTES 96

struct tp_suggest {
	const char *word; /* borrowed */
	const char *best; /* NULL: nothing is near; borrowed */
	size_t distance;
};

void tp_suggest_init(struct tp_suggest *suggest, const char *word);
void tp_suggest_try(struct tp_suggest *suggest, const char *candidate);
/* "; did you mean \"port\"?", or "" */
void tp_suggest_text(
	const struct tp_suggest *suggest, char out[TP_SUGGEST_TEXT_BYTES]);

#endif
