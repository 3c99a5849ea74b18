/*
 * say.h - telling that a message was not accepted
 *
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_SAY_H
#define TP_PHP_SAY_H

#include "php/hooks.h"
#include "php/submit.h"

#include <tillpost/abi.h>

/* In PHP's error log: the script sees what the original function does. */
void tp_php_log_fallback(
	enum tp_php_hook hook, const struct tillpost_error *err);
/* A warning of the function that is called: the message goes no other way. */
void tp_php_warn(enum tp_php_verdict verdict, const struct tillpost_error *err);
/* One line for PHP's error log. */
void tp_php_log(const char *fmt, ...) ZEND_ATTRIBUTE_FORMAT(printf, 1, 2);

/* PHP may end a request in whatever it is asked to do, and jump over all that
 * is being called. So what the plugin says is kept while it is at work, as far
 * as there is room, and logged when it has returned. */
void tp_php_keep_line(const char *event, const char *text);
void tp_php_say_kept(void);

#endif
