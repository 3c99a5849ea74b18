/*
 * sendmail_options.c - the options of sendmail commands, letter by letter
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/sendmail_options.h"

#include <stddef.h>
#include <string.h>

/* What is ignored either means nothing here (-m, -n, -U, -G, -O, -e, -h, -p,
 * -A, -L) or asks for what tillpost does in its own way (-B: it looks itself;
 * -N, -R, -V: bounces are a matter of the store). */
static const unsigned char options[128] = {
	['A'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['B'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['C'] = TP_SENDMAIL_OPTION_REFUSED,
	['D'] = TP_SENDMAIL_OPTION_REFUSED,
	['F'] = TP_SENDMAIL_OPTION_HANDLED_VALUE,
	['G'] = TP_SENDMAIL_OPTION_IGNORED,
	['I'] = TP_SENDMAIL_OPTION_HANDLED,
	['L'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['N'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['O'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['R'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['U'] = TP_SENDMAIL_OPTION_IGNORED,
	['V'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['X'] = TP_SENDMAIL_OPTION_REFUSED,
	['b'] = TP_SENDMAIL_OPTION_HANDLED_VALUE,
	['e'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['f'] = TP_SENDMAIL_OPTION_HANDLED_VALUE,
	['h'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['i'] = TP_SENDMAIL_OPTION_HANDLED,
	['m'] = TP_SENDMAIL_OPTION_IGNORED,
	['n'] = TP_SENDMAIL_OPTION_IGNORED,
	['o'] = TP_SENDMAIL_OPTION_HANDLED_VALUE,
	['p'] = TP_SENDMAIL_OPTION_IGNORED_VALUE,
	['q'] = TP_SENDMAIL_OPTION_HANDLED,
	['r'] = TP_SENDMAIL_OPTION_HANDLED_VALUE,
	['t'] = TP_SENDMAIL_OPTION_HANDLED,
	['v'] = TP_SENDMAIL_OPTION_HANDLED,
};

enum tp_sendmail_option tp_sendmail_option(char letter)
{
	unsigned char code = (unsigned char)letter;

	return code < sizeof(options) ? (enum tp_sendmail_option)options[code]
				      : TP_SENDMAIL_OPTION_UNKNOWN;
}

static int has_value(enum tp_sendmail_option option)
{
	return option == TP_SENDMAIL_OPTION_IGNORED_VALUE ||
	       option == TP_SENDMAIL_OPTION_HANDLED_VALUE ||
	       option == TP_SENDMAIL_OPTION_REFUSED;
}

static void refuse(struct tp_sendmail_words *words, char letter)
{
	if (words->unfit == '\0')
		words->unfit = letter;
}

/* There is one mode only, though it may be named twice. */
static void take_mode(
	struct tp_sendmail_words *words, char letter, const char *value)
{
	if (value[0] == '\0' || value[1] != '\0' || !strchr("mspi", value[0]) ||
		(words->mode != '\0' && words->mode != value[0]))
		refuse(words, letter);
	words->mode = value[0];
}

static void say(struct tp_sendmail_words *words, char letter, const char *value)
{
	if (words->said)
		words->stopped = words->said(words->ctx, letter, value);
}

static void take_value(struct tp_sendmail_words *words, const char *value)
{
	words->value = value;
	if (words->letter == 'b')
		take_mode(words, 'b', value);
	say(words, words->letter, value);
}

/* An option that has no value. */
static void take(struct tp_sendmail_words *words, char letter)
{
	if (letter == 'I')
		take_mode(words, 'I', "i");
	if (letter == 't')
		words->message = 1;
	say(words, letter, NULL);
}

/* "-ti", "-fa@b", "-tf" with the value in the next word */
static void letters(struct tp_sendmail_words *words, const char *at)
{
	for (; *at != '\0' && !words->stopped; at++) {
		enum tp_sendmail_option option = tp_sendmail_option(*at);

		if (option == TP_SENDMAIL_OPTION_UNKNOWN ||
			option == TP_SENDMAIL_OPTION_REFUSED)
			refuse(words, *at);
		/* Whether the rest is a value of it nobody knows. */
		if (option == TP_SENDMAIL_OPTION_UNKNOWN)
			return;
		if (!has_value(option)) {
			take(words, *at);
			if (*at == 'q')
				return; /* the rest is its value */
			continue;
		}
		words->letter = *at;
		if (at[1] == '\0')
			words->waiting = 1;
		else
			take_value(words, at + 1);
		return;
	}
}

enum tp_sendmail_word tp_sendmail_words_read(
	struct tp_sendmail_words *words, const char *word)
{
	words->value = NULL;
	if (words->waiting) {
		words->waiting = 0;
		take_value(words, word);
		return TP_SENDMAIL_WORD_VALUE;
	}
	if (words->over || word[0] != '-' || word[1] == '\0') {
		words->over = 1;
		words->message = 1;
		return TP_SENDMAIL_WORD_RECIPIENT;
	}
	if (strcmp(word, "--") == 0) {
		words->over = 1;
		return TP_SENDMAIL_WORD_END;
	}
	if (word[1] == '-')
		return TP_SENDMAIL_WORD_LONG;
	letters(words, word + 1);
	return TP_SENDMAIL_WORD_LETTERS;
}

int tp_sendmail_words_lack_value(const struct tp_sendmail_words *words)
{
	return words->waiting && words->letter != 'V';
}

int tp_sendmail_words_fit(const struct tp_sendmail_words *words)
{
	int takes_message = words->mode == '\0' || words->mode == 'm';

	return words->unfit == '\0' && !tp_sendmail_words_lack_value(words) &&
	       (takes_message || !words->message);
}
