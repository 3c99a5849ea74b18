/*
 * words.h - a command line cut into words
 *
 * JOB     What /bin/sh would pass to a program as its arguments: blanks,
 *         single and double quotes, backslashes. Nothing is expanded; the
 *         words end at the first unquoted character that would make the
 *         shell do something else (; | & < > ( ) newline, the number of a
 *         descriptor before < and >) or at a comment.
 * LAYER   hosts/php.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_WORDS_H
#define TP_PHP_WORDS_H

#include "php/text.h"

/* The next word at *AT, which moves on. @owns the caller
 * @return NULL: there are no more */
zend_string *tp_php_word(const char **at);

/* The length of NAME in a word that is NAME=VALUE, else 0. */
size_t tp_php_variable_len(const char *word);
/* Whether it is the program that sets variables and runs the next words. */
bool tp_php_is_env(const char *word);

/* Appends VALUE to OUT as one word, quoted if need be. */
void tp_php_quote(struct tp_php_text *out, const char *value);

#endif
