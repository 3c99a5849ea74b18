/*
 * program.h - what the name of a program tells
 *
 * JOB     Whether a program is a sendmail that tillpost-sendmail stands for,
 *         whether it is tillpost-sendmail, and whether sendmail_path names one
 *         that keeps mail instead of sending it.
 * LAYER   hosts/php.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_PROGRAM_H
#define TP_PHP_PROGRAM_H

#include <php.h>

/* By convention, or because sendmail_path names it. */
bool tp_php_is_sendmail(const char *program);

/* Whether TEXT, a command or a word of one, may start a sendmail: it has
 * "sendmail" in it, or the path that sendmail_path begins with. */
bool tp_php_may_mail(const char *text);

/* Whether PROGRAM is tillpost-sendmail, perhaps under another name. */
bool tp_php_is_ours(const char *program);

/* What sendmail_path starts, if that is known to send nothing: an off switch
 * ("true") or a catch-all for tests ("mailpit"). Mail of a copy of a shop must
 * not begin to reach customers because this extension is there.
 * @return its name without a path; NULL: anything else */
const char *tp_php_mail_catcher(void);

#endif
