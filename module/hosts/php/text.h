/*
 * text.h - a string that is put together piece by piece
 *
 * JOB     What PHP's smart_str does. Its functions are not used: some are
 *         in later releases of a PHP version only, and the extension has to
 *         load into all of them.
 * BOUNDS  PHP's memory limit.
 * LAYER   hosts/php.
 * THREADS one text, one thread.
 * ERRORS  none; without memory PHP ends the request.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_TEXT_H
#define TP_PHP_TEXT_H

#include <php.h>

/* Start with zeroes. */
struct tp_php_text {
	zend_string *s; /* not terminated; NULL: nothing was added */
	size_t cap;
};

void tp_php_text_add(struct tp_php_text *text, const char *more, size_t len);
void tp_php_text_adds(struct tp_php_text *text, const char *more);
void tp_php_text_addc(struct tp_php_text *text, char c);
void tp_php_text_add_string(struct tp_php_text *text, const zend_string *more);
void tp_php_text_add_long(struct tp_php_text *text, zend_long number);

/* TEXT as a string; TEXT is empty then. @owns the caller; never NULL */
zend_string *tp_php_text_take(struct tp_php_text *text);

#endif
