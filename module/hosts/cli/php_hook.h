/*
 * php_hook.h - does a PHP send through tillpost?
 *
 * JOB     Two ways: the extension, or sendmail_path. What was found out about
 *         a PHP is judged here, once for the command line and each PHP-FPM.
 *         Reads phpinfo() as text and pool files; knows no process.
 * LAYER   hosts; libc.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_PHP_HOOK_H
#define TP_HOSTS_CLI_PHP_HOOK_H

#include "cli/finding.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>

struct tp_php_hook {
	char version[32];
	int loaded;
	int enabled;
	char sendmail_path[PATH_MAX];
};

/* A finding, of LEVEL if WHO does not send through tillpost, unless
 * sendmail_path says on purpose that nothing is to be sent. */
void tp_php_hook_judge(const struct tp_php_hook *hook, int level,
	const char *topic, const char *who, struct tp_findings *findings);

/* From what phpinfo() prints as text. */
void tp_php_hook_read(const char *phpinfo, struct tp_php_hook *hook_out);

/* The value in force of "KEY => value" at the beginning of a line.
 * @return 0 if there is no such line, or it does not fit */
int tp_phpinfo_value(
	const char *phpinfo, const char *key, char *out, size_t size);

/* What a pool file sets differently. */
void tp_php_hook_read_pool(FILE *pool, struct tp_php_hook *hook);

#endif
