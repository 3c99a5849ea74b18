/*
 * mail_args.h - the arguments of mail(), as stock PHP takes them
 *
 * JOB     Reads the arguments and does to them what stock PHP does before it
 *         starts sendmail. Nothing is reported here: where stock PHP would
 *         throw or warn, it is asked to do it itself.
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_MAIL_ARGS_H
#define TP_PHP_MAIL_ARGS_H

#include <php.h>

struct tp_php_mail {
	zend_string *to;
	zend_string *subject;
	zend_string *message;
	zend_string *headers;	 /* NULL: none, which is not the same as "" */
	zend_string *parameters; /* escaped for the shell; NULL: none */
};

enum tp_php_args {
	TP_PHP_ARGS_OK,	   /* to be freed with tp_php_mail_free() */
	TP_PHP_ARGS_STOCK, /* the original knows what to say to these */
	TP_PHP_ARGS_THROWN /* an exception is under way */
};

/* The arguments of mail() in EXECUTE_DATA. */
enum tp_php_args tp_php_mail_args(
	zend_execute_data *execute_data, struct tp_php_mail *mail_out);

/* Those of error_log(). TP_PHP_ARGS_STOCK too if this is not a call that
 * sends mail. */
enum tp_php_args tp_php_error_log_args(
	zend_execute_data *execute_data, struct tp_php_mail *mail_out);

void tp_php_mail_free(struct tp_php_mail *mail);

#endif
