/*
 * sendmail_options.h - the options of sendmail commands, letter by letter
 *
 * JOB     The one table of what tillpost-sendmail does with an option, and the
 *         rules by which words of a command line are options, values or
 *         recipients: for that program, and for who reads such a command line
 *         without being it (the PHP extension).
 *         "--store" and other long options are the caller's business.
 * LAYER   hosts; libc only.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_SENDMAIL_OPTIONS_H
#define TP_HOSTS_SENDMAIL_OPTIONS_H

enum tp_sendmail_option {
	TP_SENDMAIL_OPTION_UNKNOWN,
	TP_SENDMAIL_OPTION_IGNORED,	  /* has no value */
	TP_SENDMAIL_OPTION_IGNORED_VALUE, /* attached or the next word */
	TP_SENDMAIL_OPTION_HANDLED,
	TP_SENDMAIL_OPTION_HANDLED_VALUE,
	TP_SENDMAIL_OPTION_REFUSED /* names a file; has a value */
};
enum tp_sendmail_option tp_sendmail_option(char letter);

enum tp_sendmail_word {
	TP_SENDMAIL_WORD_LETTERS,   /* options; perhaps a value at the end */
	TP_SENDMAIL_WORD_VALUE,	    /* of the option before */
	TP_SENDMAIL_WORD_RECIPIENT, /* options are over */
	TP_SENDMAIL_WORD_LONG,	    /* "--x" */
	TP_SENDMAIL_WORD_END	    /* "--" */
};

/* What an option says, once its value is known; VALUE is NULL if it has none.
 * Not called for letters that are not known.
 * @return 0, else the rest of the word is not read and `stopped` tells */
typedef int tp_sendmail_said(void *ctx, char letter, const char *value);

/* Reads one word after the other. Start with zeroes, but for `said`. */
struct tp_sendmail_words {
	tp_sendmail_said *said; /* NULL: nobody is told */
	void *ctx;
	int stopped;	   /* what `said` has returned */
	char letter;	   /* the last option with a value */
	int waiting;	   /* its value is the next word */
	const char *value; /* if it was in this word; borrowed, else NULL */
	int over;	   /* behind "--" or the first recipient */
	char unfit;  /* the first letter that the program refuses, else NUL */
	char mode;   /* of -b, "i" for -I; NUL: none */
	int message; /* -t or a recipient */
};
enum tp_sendmail_word tp_sendmail_words_read(
	struct tp_sendmail_words *words, const char *word);

/* After the last word: 1 if the last option lacks its value. -V may. */
int tp_sendmail_words_lack_value(const struct tp_sendmail_words *words);

/* After the last word: 1 if tillpost-sendmail takes these options. Long ones
 * and the form of addresses are not looked at. */
int tp_sendmail_words_fit(const struct tp_sendmail_words *words);

#endif
