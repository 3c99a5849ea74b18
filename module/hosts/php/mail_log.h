/*
 * mail_log.h - the setting mail.log
 *
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_MAIL_LOG_H
#define TP_PHP_MAIL_LOG_H

#include "php/mail_args.h"

/* Writes the line that stock PHP writes for each call of mail(), if mail.log
 * is set. May warn, as stock PHP does, if the file cannot be opened. */
void tp_php_mail_log(const struct tp_php_mail *mail);

#endif
