/*
 * hooks.c - the functions that the extension takes over
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/hooks.h"

#include "php/program.h"

#include <stdio.h>
#include <string.h>

struct hook {
	const char *name; /* with "()" */
	zif_handler handler;
	bool mails; /* by sendmail_path */
};

static const struct hook hooks[TP_PHP_HOOK_COUNT] = {
	[TP_PHP_MAIL] = { "mail()", tp_php_hook_mail, true },
	[TP_PHP_MB_SEND_MAIL] = { "mb_send_mail()", tp_php_hook_mb_send_mail,
		true },
	[TP_PHP_IMAP_MAIL] = { "imap_mail()", tp_php_hook_imap_mail, true },
	[TP_PHP_ERROR_LOG] = { "error_log()", tp_php_hook_error_log, true },
	[TP_PHP_PROC_OPEN] = { "proc_open()", tp_php_hook_proc_open, false },
	[TP_PHP_POPEN] = { "popen()", tp_php_hook_popen, false },
	[TP_PHP_EXEC] = { "exec()", tp_php_hook_exec, false },
	[TP_PHP_SHELL_EXEC] = { "shell_exec()", tp_php_hook_shell_exec, false },
	[TP_PHP_SYSTEM] = { "system()", tp_php_hook_system, false },
	[TP_PHP_PASSTHRU] = { "passthru()", tp_php_hook_passthru, false },
};

/* PHP's own handlers. Constant from the end of MINIT on: all threads see the
 * same functions. NULL: not taken over. */
static zif_handler originals[TP_PHP_HOOK_COUNT];

/* The function as it is now, perhaps gone or another's; NULL: none. A
 * function of a script may have taken the name of a disabled one. */
static zend_internal_function *find(enum tp_php_hook hook)
{
	const char *name = hooks[hook].name;
	zend_function *function = zend_hash_str_find_ptr(
		CG(function_table), name, strlen(name) - 2);

	if (!function || function->type != ZEND_INTERNAL_FUNCTION)
		return NULL;
	return &function->internal_function;
}

void tp_php_hooks_install(void)
{
	int i;

	for (i = 0; i < TP_PHP_HOOK_COUNT; i++) {
		zend_internal_function *function = find((enum tp_php_hook)i);

		originals[i] = NULL;
		if (!function)
			continue;
		originals[i] = function->handler;
		function->handler = hooks[i].handler;
	}
}

void tp_php_hooks_restore(void)
{
	int i;

	for (i = 0; i < TP_PHP_HOOK_COUNT; i++) {
		zend_internal_function *function = find((enum tp_php_hook)i);

		if (function && function->handler == hooks[i].handler)
			function->handler = originals[i];
	}
}

void tp_php_original(enum tp_php_hook hook, INTERNAL_FUNCTION_PARAMETERS)
{
	originals[hook](INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

const char *tp_php_hook_name(enum tp_php_hook hook)
{
	return hooks[hook].name;
}

/* @return NULL: the hook stands there and may work */
static const char *obstacle(enum tp_php_hook hook)
{
	const zend_internal_function *function = find(hook);

	if (!function && originals[hook])
		return "switched off by disable_functions";
	if (!function)
		return "there is no such function";
	if (function->handler != hooks[hook].handler)
		return "another extension has taken the function";
	return TILLPOST_G(enable) ? NULL : "tillpost.enable is off";
}

bool tp_php_hook_is_on(enum tp_php_hook hook)
{
	return TILLPOST_G(enable) &&
	       !(hooks[hook].mails && tp_php_mail_catcher());
}

void tp_php_hook_state(
	enum tp_php_hook hook, char state_out[TP_PHP_HOOK_STATE_BYTES])
{
	const char *why_not = obstacle(hook);
	const char *state = "active";

	if (why_not) {
		state = "not active: ";
	} else if (!tp_php_hook_is_on(hook)) {
		state = "not active: sendmail_path starts ";
		why_not = tp_php_mail_catcher();
	}
	(void)snprintf(state_out, TP_PHP_HOOK_STATE_BYTES, "%s%s", state,
		why_not ? why_not : "");
}
