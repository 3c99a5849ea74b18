/*
 * fall_back.h - the original after a submission that failed
 *
 * JOB     The original sends the message as sendmail_path says. That may end at
 *         tillpost-sendmail, which is told the store, as an argument or in its
 *         environment: it could not know it, and a message must not go out
 *         with another store's name and credentials. Where sendmail_path names
 *         another store, in a way that cannot be changed, the message is not
 *         sent. Another program knows no stores and does as it always did.
 * LAYER   hosts/php.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_FALL_BACK_H
#define TP_PHP_FALL_BACK_H

#include "php/hooks.h"
#include "php/submit.h"

/* Of a verdict TP_PHP_NOT_TAKEN, the rest is returned as it is: whether the
 * original may run; the log then says why it does.
 * @param command_out for tp_php_fall_back()
 * @return TP_PHP_NOT_TAKEN or TP_PHP_STRANDED */
enum tp_php_verdict tp_php_fall_back_verdict(enum tp_php_hook hook,
	enum tp_php_verdict verdict, const struct tillpost_error *err,
	zend_string **command_out);

/* @param command is released; NULL: sendmail_path
 * @param again   the original has run: mail.log has its line
 * @return as tp_php_original_with() */
bool tp_php_fall_back(enum tp_php_hook hook, zend_string *command, bool again,
	INTERNAL_FUNCTION_PARAMETERS);

#endif
