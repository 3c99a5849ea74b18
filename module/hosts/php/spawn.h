/*
 * spawn.h - commands that start sendmail
 *
 * JOB     Finds out whether a command starts a sendmail program and makes the
 *         command that starts tillpost-sendmail instead, with the same
 *         arguments and the store as one more. A command with options that
 *         tillpost-sendmail does not have is something else.
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_SPAWN_H
#define TP_PHP_SPAWN_H

#include <php.h>

/* For /bin/sh. @owns the caller
 * @return NULL: it starts something else */
zend_string *tp_php_spawn_command(const zend_string *command);

/* What sends mail when it was not accepted here: COMMAND with the store as
 * one more argument, if it starts tillpost-sendmail itself.
 * @param other_out NULL: COMMAND as it is. @owns the caller
 * @return false: a store is named and would be lost */
bool tp_php_spawn_with_store(
	const zend_string *command, zend_string **other_out);

/* For proc_open(): program and arguments. @owns the caller
 * @return NULL: it starts something else */
zend_array *tp_php_spawn_arguments(zend_array *command);

#endif
