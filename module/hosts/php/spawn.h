/*
 * spawn.h - commands that start sendmail
 *
 * JOB     Finds out whether a command starts a sendmail program and makes the
 *         command that starts tillpost-sendmail instead, with the same
 *         arguments and the store as one more. A command with options that
 *         tillpost-sendmail does not have is something else; it runs as it
 *         is, but a store that is named here goes along in its environment:
 *         /usr/sbin/sendmail may be tillpost-sendmail, which would take the
 *         mail for another store's.
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_SPAWN_H
#define TP_PHP_SPAWN_H

#include <php.h>

/* For /bin/sh. @owns the caller
 * @param env the environment that the caller gives it; NULL: none. What is in
 *            there is not told once more.
 * @return NULL: it starts something else */
zend_string *tp_php_spawn_command(const zend_string *command, HashTable *env);

/* For proc_open(): program and arguments. @owns the caller
 * @param env as above
 * @return NULL: it starts something else */
zend_array *tp_php_spawn_arguments(zend_array *command, HashTable *env);

/* COMMAND, which runs as it is, with the store in its environment, if it may
 * start a sendmail and does not say itself where it belongs.
 * @param lists     whether it may be an array
 * @param env       as above
 * @param other_out @owns the caller
 * @return false: as it is */
bool tp_php_spawn_carry_store(
	const zval *command, bool lists, HashTable *env, zval *other_out);

/* What sends mail when it was not accepted here: COMMAND with the store as
 * one more argument, if it starts tillpost-sendmail itself, else in its
 * environment.
 * @param other_out NULL: COMMAND as it is. @owns the caller
 * @return false: a store is named and would be lost */
bool tp_php_spawn_with_store(
	const zend_string *command, zend_string **other_out);

#endif
