/*
 * mail_text.h - the text that stock PHP pipes into sendmail
 *
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_MAIL_TEXT_H
#define TP_PHP_MAIL_TEXT_H

#include "php/mail_args.h"

/* The header fields of the caller with what mail.add_x_header adds.
 * @owns the caller
 * @return NULL: none at all */
zend_string *tp_php_mail_headers(const struct tp_php_mail *mail);

/* Whether stock PHP refuses these headers with a warning: an empty line in
 * them would begin the body. HEADERS may be NULL. */
bool tp_php_headers_malformed(const zend_string *headers);

/* To, Subject, HEADERS, an empty line, the message. Outside of PHP's memory
 * limit: stock PHP writes the parts into a pipe and needs none for a whole.
 * @owns the caller, free()
 * @return NULL: there is not enough memory */
char *tp_php_mail_text(const struct tp_php_mail *mail,
	const zend_string *headers, size_t *len_out);

#endif
