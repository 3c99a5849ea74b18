/*
 * hook_mail.c - mail(), and error_log() of type 1
 *
 * Both end in the same place of stock PHP. The order of things differs from
 * there in one respect: mail.log is written once the message is accepted, as
 * the original writes it itself when it gets the message back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/fall_back.h"
#include "php/hooks.h"
#include "php/lend.h"
#include "php/mail_args.h"
#include "php/mail_log.h"
#include "php/mail_text.h"
#include "php/say.h"
#include "php/submit.h"

static enum tp_php_verdict submit(const struct tp_php_mail *mail,
	const zend_string *headers, struct tillpost_error *err)
{
	zend_string *text = tp_php_mail_text(mail, headers);
	struct tp_php_envelope envelope;
	enum tp_php_verdict verdict;

	tp_php_envelope_read(&envelope,
		mail->parameters ? ZSTR_VAL(mail->parameters) : NULL);
	verdict = tp_php_submit(text, &envelope, err);
	tp_php_envelope_free(&envelope);
	zend_string_release(text);
	return verdict;
}

static void fall_back(enum tp_php_hook hook, zend_string *command,
	INTERNAL_FUNCTION_PARAMETERS)
{
	if (!tp_php_fall_back(
		    hook, command, false, INTERNAL_FUNCTION_PARAM_PASSTHRU))
		zend_bailout();
}

static void take_over(enum tp_php_hook hook, const struct tp_php_mail *mail,
	INTERNAL_FUNCTION_PARAMETERS)
{
	zend_string *headers = tp_php_mail_headers(mail);
	bool malformed = tp_php_headers_malformed(headers);
	enum tp_php_verdict verdict = TP_PHP_NOT_TAKEN;
	zend_string *command = NULL;
	struct tillpost_error err;

	if (!malformed) {
		verdict = submit(mail, headers, &err);
		verdict =
			tp_php_fall_back_verdict(hook, verdict, &err, &command);
	}
	if (headers)
		zend_string_release(headers);
	if (malformed) {
		tp_php_hand_back(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
		return;
	}
	if (verdict == TP_PHP_NOT_TAKEN) {
		fall_back(hook, command, INTERNAL_FUNCTION_PARAM_PASSTHRU);
		return;
	}
	tp_php_mail_log(mail);
	if (verdict != TP_PHP_ACCEPTED)
		tp_php_warn(verdict, &err);
	RETVAL_BOOL(verdict == TP_PHP_ACCEPTED);
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

	if (TILLPOST_G(enable))
		state = tp_php_mail_args(execute_data, &mail);
	run(TP_PHP_MAIL, state, &mail, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void tp_php_hook_error_log(INTERNAL_FUNCTION_PARAMETERS)
{
	enum tp_php_args state = TP_PHP_ARGS_STOCK;
	struct tp_php_mail mail;

	if (TILLPOST_G(enable))
		state = tp_php_error_log_args(execute_data, &mail);
	run(TP_PHP_ERROR_LOG, state, &mail, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}
