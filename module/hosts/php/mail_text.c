/*
 * mail_text.c - the text that stock PHP pipes into sendmail
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/mail_text.h"

#include <SAPI.h>
#include <php_ini.h>
#include <zend_smart_str.h>
#include <ext/standard/php_string.h>

#include <unistd.h>

static const char *line_end(void)
{
	/* PHP 8.2.4; 0 where the setting does not exist */
	return INI_BOOL("mail.mixed_lf_and_crlf") ? "\n" : "\r\n";
}

/* The owner of the script. PHP's own function for it is not exported. */
static zend_long script_owner(void)
{
	const zend_stat_t *script = sapi_get_stat();

	return (zend_long)(script ? script->st_uid : getuid());
}

zend_string *tp_php_mail_headers(const struct tp_php_mail *mail)
{
	const char *script = zend_get_executed_filename();
	smart_str all = { NULL, 0 };
	zend_string *name;

	if (!PG(mail_x_header))
		return mail->headers ? zend_string_copy(mail->headers) : NULL;
	name = php_basename(script, strlen(script), NULL, 0);
	smart_str_appends(&all, "X-PHP-Originating-Script: ");
	smart_str_append_long(&all, script_owner());
	smart_str_appendc(&all, ':');
	smart_str_appends(&all, ZSTR_VAL(name));
	if (mail->headers && ZSTR_LEN(mail->headers) > 0) {
		smart_str_appends(&all, line_end());
		smart_str_append(&all, mail->headers);
	}
	zend_string_release(name);
	return smart_str_extract(&all);
}

/* AT is a line end of one character or two. @return its length; 0: it ends
 * the headers, or nothing but another line end follows */
static size_t line_end_len(const char *at)
{
	size_t len = at[0] == '\r' && at[1] == '\n' ? 2 : 1;

	if (at[len] == '\0' || at[len] == '\r')
		return 0;
	return at[len] == '\n' ? 0 : len;
}

bool tp_php_headers_malformed(const zend_string *headers)
{
	const char *at = headers ? ZSTR_VAL(headers) : "";
	unsigned char first = (unsigned char)*at;

	if (first == '\0')
		return false;
	if (first <= ' ' || first > '~' || first == ':')
		return true;
	while (*at != '\0') {
		size_t len = 1;

		if (*at == '\r' || *at == '\n')
			len = line_end_len(at);
		if (len == 0)
			return true;
		at += len;
	}
	return false;
}

zend_string *tp_php_mail_text(
	const struct tp_php_mail *mail, const zend_string *headers)
{
	const char *end = line_end();
	smart_str text = { NULL, 0 };

	smart_str_appends(&text, "To: ");
	smart_str_append(&text, mail->to);
	smart_str_appends(&text, end);
	smart_str_appends(&text, "Subject: ");
	smart_str_append(&text, mail->subject);
	smart_str_appends(&text, end);
	if (headers) {
		smart_str_append(&text, headers);
		smart_str_appends(&text, end);
	}
	smart_str_appends(&text, end);
	smart_str_append(&text, mail->message);
	smart_str_appends(&text, end);
	return smart_str_extract(&text);
}
