/*
 * fall_back.c - the original after a submission that failed
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/fall_back.h"

#include "php/lend.h"
#include "php/say.h"
#include "php/spawn.h"

enum tp_php_verdict tp_php_fall_back_verdict(enum tp_php_hook hook,
	enum tp_php_verdict verdict, const struct tillpost_error *err,
	zend_string **command_out)
{
	zend_string *path = tp_php_settings().sendmail_path;

	*command_out = NULL;
	if (verdict != TP_PHP_NOT_TAKEN)
		return verdict;
	if (path && !tp_php_spawn_with_store(path, command_out))
		return TP_PHP_STRANDED;
	tp_php_log_fallback(hook, err);
	return TP_PHP_NOT_TAKEN;
}

bool tp_php_fall_back(enum tp_php_hook hook, zend_string *command, bool again,
	INTERNAL_FUNCTION_PARAMETERS)
{
	struct tp_php_lent lent = tp_php_settings();
	bool go_on = true;

	if (command)
		lent.sendmail_path = command;
	if (again)
		lent.mail_log = NULL;
	if (command || again || TILLPOST_G(sendmail_path))
		go_on = tp_php_original_with(
			hook, &lent, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	else
		tp_php_original(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	if (command)
		zend_string_release(command);
	return go_on;
}
