/*
 * say.h - telling that a message was not accepted
 *
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_SAY_H
#define TP_PHP_SAY_H

#include "php/hooks.h"

#include <tillpost/abi.h>

/* In PHP's error log: the script sees what the original function does. */
void tp_php_log_fallback(
	enum tp_php_hook hook, const struct tillpost_error *err);
/* A warning of the function that is called: the message goes nowhere. */
void tp_php_warn_refused(const struct tillpost_error *err);
/* One line for PHP's error log. */
void tp_php_log(const char *fmt, ...) ZEND_ATTRIBUTE_FORMAT(printf, 1, 2);

#endif
