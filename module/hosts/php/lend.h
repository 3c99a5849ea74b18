/*
 * lend.h - the original functions with other settings
 *
 * JOB     For the time of one call of an original function sendmail_path and
 *         mail.log may have other values. They are put in place directly: no
 *         handler of a setting sees it, and what a pool or a directory has set
 *         comes back unchanged, even if the call ends the request.
 * LAYER   hosts/php.
 * THREADS safe: settings belong to a thread (ZTS).
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_LEND_H
#define TP_PHP_LEND_H

#include "php/hooks.h"

/* Values of settings, borrowed; NULL: not set. */
struct tp_php_lent {
	zend_string *sendmail_path;
	zend_string *mail_log;
};

/* What is set, but for a call that is lent another sendmail_path. */
struct tp_php_lent tp_php_settings(void);
/* Of these; NULL: not set. */
const char *tp_php_sendmail_path(void);

/* @return false: the call ends the request; go on with zend_bailout() */
bool tp_php_original_with(enum tp_php_hook hook, const struct tp_php_lent *lent,
	INTERNAL_FUNCTION_PARAMETERS);

/* Gives a message back to the original. While one original works with a
 * sendmail_path of ours, its warnings may call an error handler of the script
 * that sends mail in turn: then the real one counts. */
void tp_php_hand_back(enum tp_php_hook hook, INTERNAL_FUNCTION_PARAMETERS);

#endif
