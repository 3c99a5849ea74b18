/*
 * hook_mail.c - mail(), and error_log() of type 1
 *
 * Both end in the same place of stock PHP, and the order of things is that of
 * there: mail.log first. If that makes an error handler throw, nothing is sent.
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/report.h"
#include "php/fall_back.h"
#include "php/hooks.h"
#include "php/lend.h"
#include "php/mail_args.h"
#include "php/mail_log.h"
#include "php/mail_text.h"
#include "php/say.h"
#include "php/submit.h"

#include <stdlib.h>

static enum tp_php_verdict submit(const struct tp_php_mail *mail,
	const zend_string *headers, struct tillpost_error *err)
{
	enum tp_php_verdict verdict = TP_PHP_NOT_TAKEN;
	struct tp_php_envelope envelope;
	size_t len;
	char *text;

	tp_php_envelope_read(&envelope,
		mail->parameters ? ZSTR_VAL(mail->parameters) : NULL);
	text = tp_php_mail_text(mail, headers, &len);
	if (text)
		verdict = tp_php_submit(text, len, &envelope, err);
	else
		(void)tp_report_set(
			err, TILLPOST_ENOMEM, "message", "out of memory");
	free(text);
	tp_php_envelope_free(&envelope);
	return verdict;
}

static void fall_back(enum tp_php_hook hook, zend_string *command,
	INTERNAL_FUNCTION_PARAMETERS)
{
	if (!tp_php_fall_back(
		    hook, command, true, INTERNAL_FUNCTION_PARAM_PASSTHRU))
		zend_bailout();
}

/* With mail.log written and headers that stock PHP does not refuse. */
static void hand_over(enum tp_php_hook hook, const struct tp_php_mail *mail,
	const zend_string *headers, INTERNAL_FUNCTION_PARAMETERS)
{
	struct tillpost_error err;
	enum tp_php_verdict verdict = submit(mail, headers, &err);
	zend_string *command = NULL;

	verdict = tp_php_fall_back_verdict(hook, verdict, &err, &command);
	if (verdict == TP_PHP_NOT_TAKEN) {
		fall_back(hook, command, INTERNAL_FUNCTION_PARAM_PASSTHRU);
		return;
	}
	if (verdict != TP_PHP_ACCEPTED)
		tp_php_warn(verdict, &err);
	RETVAL_BOOL(verdict == TP_PHP_ACCEPTED);
}

static void take_over(enum tp_php_hook hook, const struct tp_php_mail *mail,
	INTERNAL_FUNCTION_PARAMETERS)
{
	zend_string *headers = tp_php_mail_headers(mail);

	if (tp_php_headers_malformed(headers)) {
		/* The original writes mail.log before it refuses. */
		tp_php_hand_back(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	} else {
		tp_php_mail_log(mail);
		if (EG(exception))
			RETVAL_FALSE;
		else
			hand_over(hook, mail, headers,
				INTERNAL_FUNCTION_PARAM_PASSTHRU);
	}
	if (headers)
		zend_string_release(headers);
}

static void run(enum tp_php_hook hook, enum tp_php_args state,
	struct tp_php_mail *mail, INTERNAL_FUNCTION_PARAMETERS)
{
	switch (state) {
	case TP_PHP_ARGS_OK:
		take_over(hook, mail, INTERNAL_FUNCTION_PARAM_PASSTHRU);
		tp_php_mail_free(mail);
		break;
	case TP_PHP_ARGS_STOCK:
		tp_php_hand_back(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
		break;
	case TP_PHP_ARGS_THROWN:
		RETVAL_NULL();
		break;
	}
}

void tp_php_hook_mail(INTERNAL_FUNCTION_PARAMETERS)
{
	enum tp_php_args state = TP_PHP_ARGS_STOCK;
	struct tp_php_mail mail;

	if (tp_php_hook_is_on(TP_PHP_MAIL))
		state = tp_php_mail_args(execute_data, &mail);
	run(TP_PHP_MAIL, state, &mail, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void tp_php_hook_error_log(INTERNAL_FUNCTION_PARAMETERS)
{
	enum tp_php_args state = TP_PHP_ARGS_STOCK;
	struct tp_php_mail mail;

	if (tp_php_hook_is_on(TP_PHP_ERROR_LOG))
		state = tp_php_error_log_args(execute_data, &mail);
	run(TP_PHP_ERROR_LOG, state, &mail, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}
