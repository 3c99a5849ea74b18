/*
 * mail_args.c - the arguments of mail(), as stock PHP takes them
 *
 * Parameters are parsed quietly: on a failure the original parses them again
 * and words the error. What parsing converts (an object to its string) stays
 * converted in the call frame, so nothing of a script runs twice.
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/mail_args.h"

#include <php_ini.h>
#include <zend_exceptions.h>
#include <ext/standard/exec.h>
#include <ext/standard/php_mail.h>
#include <ext/standard/php_string.h>

#include <ctype.h>
#include <string.h>

#define MESSAGE_TYPE_MAIL 1

static void release(zend_string **s)
{
	if (*s)
		zend_string_release(*s);
	*s = NULL;
}

static bool has_nul(const zend_string *s)
{
	return strlen(ZSTR_VAL(s)) != ZSTR_LEN(s);
}

/* The length of a line break with its indentation at AT, which continues a
 * header field; 0: there is none. */
static size_t folding_len(const char *at)
{
	if (at[0] != '\r' || at[1] != '\n')
		return 0;
	return at[2] == ' ' || at[2] == '\t' ? 2 + strspn(at + 2, " \t") : 0;
}

/* To and Subject: no white space at the end, no control characters except in
 * folding. By the locale, as in stock PHP. */
static zend_string *one_field(const zend_string *value)
{
	zend_string *field;
	size_t len = ZSTR_LEN(value);
	size_t i = 0;

	while (len > 0 && isspace((unsigned char)ZSTR_VAL(value)[len - 1]))
		len--;
	field = zend_string_init(ZSTR_VAL(value), len, 0);
	while (i < len) {
		size_t folding = folding_len(ZSTR_VAL(field) + i);

		if (folding > 0) {
			i += folding;
			continue;
		}
		if (iscntrl((unsigned char)ZSTR_VAL(field)[i]))
			ZSTR_VAL(field)[i] = ' ';
		i++;
	}
	return field;
}

struct arguments {
	zend_string *to;
	zend_string *subject;
	zend_string *message;
	zend_string *headers;
	HashTable *header_table;
	zend_string *parameters;
};

static zend_result parse(
	zend_execute_data *execute_data, struct arguments *args)
{
	ZEND_PARSE_PARAMETERS_START_EX(ZEND_PARSE_PARAMS_QUIET, 3, 5)
	Z_PARAM_PATH_STR(args->to)
	Z_PARAM_PATH_STR(args->subject)
	Z_PARAM_PATH_STR(args->message)
	Z_PARAM_OPTIONAL
	Z_PARAM_ARRAY_HT_OR_STR(args->header_table, args->headers)
	Z_PARAM_PATH_STR(args->parameters)
	ZEND_PARSE_PARAMETERS_END_EX(return FAILURE);
	return SUCCESS;
}

static enum tp_php_args take_headers(
	const struct arguments *args, struct tp_php_mail *mail)
{
	if (args->header_table) {
		mail->headers = php_mail_build_headers(args->header_table);
		return EG(exception) ? TP_PHP_ARGS_THROWN : TP_PHP_ARGS_OK;
	}
	if (!args->headers)
		return TP_PHP_ARGS_OK;
	if (has_nul(args->headers))
		return TP_PHP_ARGS_STOCK;
	mail->headers = php_trim(args->headers, NULL, 0, 2);
	/* Empty ones are none here; error_log() makes a difference. */
	if (ZSTR_LEN(mail->headers) == 0)
		release(&mail->headers);
	return TP_PHP_ARGS_OK;
}

typedef zend_string *takes_characters(const char *s);

/* Newer versions of PHP take a string object here. */
static zend_string *escape(zend_string *s)
{
	return php_escape_shell_cmd(
		_Generic(&php_escape_shell_cmd, takes_characters *
			 : ZSTR_VAL(s), default
			 : s));
}

/* The setting stands above the argument, even if it is empty. */
static zend_string *shell_parameters(zend_string *argument)
{
	const char *forced = INI_STR("mail.force_extra_parameters");
	zend_string *copy;
	zend_string *escaped;

	if (!forced)
		return argument ? escape(argument) : NULL;
	copy = zend_string_init(forced, strlen(forced), 0);
	escaped = escape(copy);
	zend_string_release(copy);
	return escaped;
}

enum tp_php_args tp_php_mail_args(
	zend_execute_data *execute_data, struct tp_php_mail *mail_out)
{
	struct arguments args = { .to = NULL };
	enum tp_php_args result;

	*mail_out = (struct tp_php_mail) { .to = NULL };
	if (parse(execute_data, &args) == FAILURE)
		return EG(exception) ? TP_PHP_ARGS_THROWN : TP_PHP_ARGS_STOCK;
	result = take_headers(&args, mail_out);
	if (result != TP_PHP_ARGS_OK) {
		tp_php_mail_free(mail_out);
		return result;
	}
	mail_out->to = one_field(args.to);
	mail_out->subject = one_field(args.subject);
	mail_out->message = zend_string_copy(args.message);
	mail_out->parameters = shell_parameters(args.parameters);
	return TP_PHP_ARGS_OK;
}

struct log_arguments {
	zend_string *message;
	zend_long type;
	zend_string *destination;
	zend_string *headers;
};

static zend_result parse_log(
	zend_execute_data *execute_data, struct log_arguments *args)
{
	ZEND_PARSE_PARAMETERS_START_EX(ZEND_PARSE_PARAMS_QUIET, 3, 4)
	Z_PARAM_STR(args->message)
	Z_PARAM_LONG(args->type)
	Z_PARAM_PATH_STR(args->destination)
	Z_PARAM_OPTIONAL
	Z_PARAM_STR_OR_NULL(args->headers)
	ZEND_PARSE_PARAMETERS_END_EX(return FAILURE);
	return SUCCESS;
}

/* Whether TYPE is the one of mail, told without conversions that say
 * something: another type takes other arguments. */
static bool is_mail_type(zval *type)
{
	switch (Z_TYPE_P(type)) {
	case IS_LONG:
	case IS_TRUE:
	case IS_STRING:
		break;
	case IS_DOUBLE:
		return Z_DVAL_P(type) == MESSAGE_TYPE_MAIL;
	default:
		return false;
	}
	if (Z_TYPE_P(type) == IS_STRING &&
		is_numeric_string(Z_STRVAL_P(type), Z_STRLEN_P(type), NULL,
			NULL, false) != IS_LONG)
		return false;
	return zval_get_long(type) == MESSAGE_TYPE_MAIL;
}

/* Parsing may say something of an argument (null is deprecated), so it is
 * left to the original unless the call sends mail. */
static bool is_log_mail(zend_execute_data *execute_data)
{
	return ZEND_CALL_NUM_ARGS(execute_data) >= 3 &&
	       is_mail_type(ZEND_CALL_ARG(execute_data, 2)) &&
	       Z_TYPE_P(ZEND_CALL_ARG(execute_data, 3)) > IS_NULL;
}

enum tp_php_args tp_php_error_log_args(
	zend_execute_data *execute_data, struct tp_php_mail *mail_out)
{
	struct log_arguments args = { .message = NULL };

	*mail_out = (struct tp_php_mail) { .to = NULL };
	if (!is_log_mail(execute_data))
		return TP_PHP_ARGS_STOCK;
	if (parse_log(execute_data, &args) == FAILURE)
		return EG(exception) ? TP_PHP_ARGS_THROWN : TP_PHP_ARGS_STOCK;
	/* All of these end at a NUL in stock PHP, and nothing is trimmed. */
	mail_out->to = zend_string_copy(args.destination);
	mail_out->subject = zend_string_init("PHP error_log message",
		sizeof("PHP error_log message") - 1, 0);
	mail_out->message = zend_string_init(
		ZSTR_VAL(args.message), strlen(ZSTR_VAL(args.message)), 0);
	if (args.headers)
		mail_out->headers = zend_string_init(ZSTR_VAL(args.headers),
			strlen(ZSTR_VAL(args.headers)), 0);
	return TP_PHP_ARGS_OK;
}

void tp_php_mail_free(struct tp_php_mail *mail)
{
	release(&mail->to);
	release(&mail->subject);
	release(&mail->message);
	release(&mail->headers);
	release(&mail->parameters);
}
