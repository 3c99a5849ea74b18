/*
 * hooks.h - the functions that the extension takes over
 *
 * JOB     Each has one handler here that stands in the place of PHP's own,
 *         which is kept and can be called with the same arguments. A function
 *         that disable_functions removes takes its hook with it: PHP does
 *         that after MINIT, so the state is looked up anew each time.
 * LAYER   hosts/php.
 * THREADS the table is written in MINIT and MSHUTDOWN only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_HOOKS_H
#define TP_PHP_HOOKS_H

#include "php/php_tillpost.h"

enum tp_php_hook {
	TP_PHP_MAIL,
	TP_PHP_MB_SEND_MAIL,
	TP_PHP_IMAP_MAIL,
	TP_PHP_ERROR_LOG,
	TP_PHP_PROC_OPEN,
	TP_PHP_POPEN,
	TP_PHP_EXEC,
	TP_PHP_SHELL_EXEC,
	TP_PHP_SYSTEM,
	TP_PHP_PASSTHRU,
	TP_PHP_HOOK_COUNT
};

/* hook_mail.c, hook_mb.c, hook_spawn.c */
void tp_php_hook_mail(INTERNAL_FUNCTION_PARAMETERS);
void tp_php_hook_error_log(INTERNAL_FUNCTION_PARAMETERS);
void tp_php_hook_mb_send_mail(INTERNAL_FUNCTION_PARAMETERS);
void tp_php_hook_imap_mail(INTERNAL_FUNCTION_PARAMETERS);
void tp_php_hook_proc_open(INTERNAL_FUNCTION_PARAMETERS);
void tp_php_hook_popen(INTERNAL_FUNCTION_PARAMETERS);
void tp_php_hook_exec(INTERNAL_FUNCTION_PARAMETERS);
void tp_php_hook_shell_exec(INTERNAL_FUNCTION_PARAMETERS);
void tp_php_hook_system(INTERNAL_FUNCTION_PARAMETERS);
void tp_php_hook_passthru(INTERNAL_FUNCTION_PARAMETERS);

/* Call in MINIT, after the modules in the dependency list. */
void tp_php_hooks_install(void);
/* Puts back what is still ours. */
void tp_php_hooks_restore(void);

/* Calls what was there before. The arguments may have been converted by
 * parameter parsing, but must still be there. */
void tp_php_original(enum tp_php_hook hook, INTERNAL_FUNCTION_PARAMETERS);

/* "mail()" */
const char *tp_php_hook_name(enum tp_php_hook hook);
/* Whether the handler has anything to do: not if tillpost.enable is off, and
 * not for mail that sendmail_path keeps from being sent. */
bool tp_php_hook_is_on(enum tp_php_hook hook);
/* "active", or why not. */
#define TP_PHP_HOOK_STATE_BYTES 80
void tp_php_hook_state(
	enum tp_php_hook hook, char state_out[TP_PHP_HOOK_STATE_BYTES]);

#endif
