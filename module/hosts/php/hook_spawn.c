/*
 * hook_spawn.c - functions that start programs
 *
 * Only the command is exchanged, for the time of the call and only if it starts
 * a sendmail program or might lose a store; everything else is the original's.
 * If tillpost-sendmail cannot take the mail, the caller sees the exit status of
 * it: a program that has got a pipe cannot be started a second time behind its
 * back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/report.h"
#include "php/handle.h"
#include "php/hooks.h"
#include "php/say.h"
#include "php/spawn.h"

#include <unistd.h>

/* The command to run instead. @return false: there is none */
static bool other_command(
	const zval *command, bool lists, HashTable *env, zval *other_out)
{
	zend_string *string = NULL;
	zend_array *list = NULL;

	if (Z_TYPE_P(command) == IS_STRING)
		string = tp_php_spawn_command(Z_STR_P(command), env);
	else if (lists && Z_TYPE_P(command) == IS_ARRAY)
		list = tp_php_spawn_arguments(Z_ARRVAL_P(command), env);
	if (string)
		ZVAL_STR(other_out, string);
	else if (list)
		ZVAL_ARR(other_out, list);
	return string || list;
}

/* Whether mail can be handed over at all; if not, the log says why. */
static bool is_ready(enum tp_php_hook hook)
{
	const struct tillpost_api *api;
	tillpost_handle *handle;
	struct tillpost_error err;
	char line[TP_REPORT_LINE_BYTES];

	if (access(TILLPOST_G(sendmail), X_OK) != 0) {
		tp_php_log("tillpost: %s: %s cannot be run; the command is "
			   "left as it is",
			tp_php_hook_name(hook), TILLPOST_G(sendmail));
		return false;
	}
	if (tp_php_open(&api, &handle, &err) == TILLPOST_OK)
		return true;
	tp_php_log("tillpost: %s: %s; the command is left as it is",
		tp_php_hook_name(hook),
		tp_report_line(&err, line, sizeof(line)));
	return false;
}

/* The environment that proc_open() is given. @return NULL: none */
static HashTable *environment(
	enum tp_php_hook hook, const zend_execute_data *execute_data)
{
	zval *env;

	if (hook != TP_PHP_PROC_OPEN || ZEND_CALL_NUM_ARGS(execute_data) < 5)
		return NULL;
	env = ZEND_CALL_ARG(execute_data, 5);
	ZVAL_DEREF(env);
	return Z_TYPE_P(env) == IS_ARRAY ? Z_ARRVAL_P(env) : NULL;
}

/* What runs in place of COMMAND: tillpost-sendmail, or what ran before with
 * the store. @return false: COMMAND itself */
static bool exchange(enum tp_php_hook hook, bool lists,
	const zend_execute_data *execute_data, zval *other_out)
{
	const zval *command = ZEND_CALL_ARG(execute_data, 1);
	HashTable *env = environment(hook, execute_data);

	if (other_command(command, lists, env, other_out)) {
		if (is_ready(hook))
			return true;
		zval_ptr_dtor(other_out);
	}
	return tp_php_spawn_carry_store(command, lists, env, other_out);
}

/* Whether the original will look at the arguments at all. */
static bool is_complete(const zend_execute_data *execute_data)
{
	const zend_function *function = execute_data->func;
	uint32_t count = ZEND_CALL_NUM_ARGS(execute_data);

	return count >= function->common.required_num_args &&
	       count <= function->common.num_args;
}

/* Makes a string of an object, in place, as parameter parsing would: the
 * original does not convert it again. */
static void convert(zval *command)
{
	zend_string *string;

	if (Z_TYPE_P(command) == IS_OBJECT && !ZEND_ARG_USES_STRICT_TYPES())
		(void)zend_parse_arg_str_weak(command, &string, 1);
}

static void run(enum tp_php_hook hook, bool lists, INTERNAL_FUNCTION_PARAMETERS)
{
	zval *command = ZEND_CALL_ARG(execute_data, 1);
	bool enabled = TILLPOST_G(enable) && is_complete(execute_data);
	zval saved;
	zval other;

	if (enabled)
		convert(command);
	if (EG(exception)) {
		RETVAL_NULL();
		return;
	}
	if (!enabled || !exchange(hook, lists, execute_data, &other)) {
		tp_php_original(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
		return;
	}
	ZVAL_COPY_VALUE(&saved, command);
	ZVAL_COPY_VALUE(command, &other);
	tp_php_original(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	zval_ptr_dtor(command);
	ZVAL_COPY_VALUE(command, &saved);
}

void tp_php_hook_proc_open(INTERNAL_FUNCTION_PARAMETERS)
{
	run(TP_PHP_PROC_OPEN, true, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void tp_php_hook_popen(INTERNAL_FUNCTION_PARAMETERS)
{
	run(TP_PHP_POPEN, false, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void tp_php_hook_exec(INTERNAL_FUNCTION_PARAMETERS)
{
	run(TP_PHP_EXEC, false, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void tp_php_hook_shell_exec(INTERNAL_FUNCTION_PARAMETERS)
{
	run(TP_PHP_SHELL_EXEC, false, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void tp_php_hook_system(INTERNAL_FUNCTION_PARAMETERS)
{
	run(TP_PHP_SYSTEM, false, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void tp_php_hook_passthru(INTERNAL_FUNCTION_PARAMETERS)
{
	run(TP_PHP_PASSTHRU, false, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}
