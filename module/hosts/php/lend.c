/*
 * lend.c - the original functions with other settings
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/lend.h"

#include <php_ini.h>

#include <string.h>

static zend_string **value_of(const char *name)
{
	zend_ini_entry *entry =
		zend_hash_str_find_ptr(EG(ini_directives), name, strlen(name));

	return entry ? &entry->value : NULL;
}

static zend_string *exchange(const char *name, zend_string *value)
{
	zend_string **at = value_of(name);
	zend_string *before = at ? *at : NULL;

	if (at)
		*at = value;
	return before;
}

struct tp_php_lent tp_php_settings(void)
{
	zend_string **path = value_of("sendmail_path");
	zend_string **log = value_of("mail.log");
	struct tp_php_lent settings = {
		.sendmail_path = path ? *path : NULL,
		.mail_log = log ? *log : NULL,
	};

	if (TILLPOST_G(sendmail_path))
		settings.sendmail_path = TILLPOST_G(sendmail_path);
	return settings;
}

const char *tp_php_sendmail_path(void)
{
	struct tp_php_lent settings = tp_php_settings();

	return settings.sendmail_path ? ZSTR_VAL(settings.sendmail_path) : NULL;
}

static bool survives(enum tp_php_hook hook, INTERNAL_FUNCTION_PARAMETERS)
{
	volatile bool ended = false;

	zend_try
	{
		tp_php_original(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	}
	zend_catch
	{
		ended = true;
	}
	zend_end_try();
	return !ended;
}

bool tp_php_original_with(enum tp_php_hook hook, const struct tp_php_lent *lent,
	INTERNAL_FUNCTION_PARAMETERS)
{
	zend_string *real = TILLPOST_G(sendmail_path);
	struct tp_php_lent before;
	bool go_on;

	TILLPOST_G(sendmail_path) = tp_php_settings().sendmail_path;
	before.sendmail_path = exchange("sendmail_path", lent->sendmail_path);
	before.mail_log = exchange("mail.log", lent->mail_log);
	go_on = survives(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	(void)exchange("sendmail_path", before.sendmail_path);
	(void)exchange("mail.log", before.mail_log);
	TILLPOST_G(sendmail_path) = real;
	return go_on;
}

void tp_php_hand_back(enum tp_php_hook hook, INTERNAL_FUNCTION_PARAMETERS)
{
	struct tp_php_lent settings = tp_php_settings();

	if (!TILLPOST_G(sendmail_path))
		tp_php_original(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	else if (!tp_php_original_with(
			 hook, &settings, INTERNAL_FUNCTION_PARAM_PASSTHRU))
		zend_bailout();
}
