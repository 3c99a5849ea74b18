/*
 * mail_text.c - the text that stock PHP pipes into sendmail
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/mail_text.h"

#include "php/text.h"

#include <SAPI.h>
#include <php_ini.h>
#include <ext/standard/php_string.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* mail.cr_lf_mode came with PHP 8.5, mail.mixed_lf_and_crlf with 8.2.4; where
 * a setting does not exist it is NULL or 0. That mode "lf" makes LF of a
 * message's own line ends, too, is of no consequence: so does tillpost. */
static const char *line_end(void)
{
	const char *mode = INI_STR("mail.cr_lf_mode");

	if (mode && (strcmp(mode, "lf") == 0 || strcmp(mode, "mixed") == 0 ||
			    strcmp(mode, "os") == 0))
		return "\n";
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
	struct tp_php_text all = { NULL, 0 };
	zend_string *name;

	if (!PG(mail_x_header))
		return mail->headers ? zend_string_copy(mail->headers) : NULL;
	name = php_basename(script, strlen(script), NULL, 0);
	tp_php_text_adds(&all, "X-PHP-Originating-Script: ");
	tp_php_text_add_long(&all, script_owner());
	tp_php_text_addc(&all, ':');
	tp_php_text_adds(&all, ZSTR_VAL(name));
	if (mail->headers && ZSTR_LEN(mail->headers) > 0) {
		tp_php_text_adds(&all, line_end());
		tp_php_text_add_string(&all, mail->headers);
	}
	zend_string_release(name);
	return tp_php_text_take(&all);
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

/* The pieces of a text, written where they belong or, without a place, only
 * counted. */
struct pieces {
	char *out; /* NULL: count */
	size_t len;
};

static void add(struct pieces *pieces, const char *piece, size_t len)
{
	if (pieces->out)
		memcpy(pieces->out + pieces->len, piece, len);
	pieces->len += len;
}

static void add_line(
	struct pieces *pieces, const char *name, const zend_string *value)
{
	add(pieces, name, strlen(name));
	if (value)
		add(pieces, ZSTR_VAL(value), ZSTR_LEN(value));
	add(pieces, line_end(), strlen(line_end()));
}

static void add_all(struct pieces *pieces, const struct tp_php_mail *mail,
	const zend_string *headers)
{
	add_line(pieces, "To: ", mail->to);
	add_line(pieces, "Subject: ", mail->subject);
	if (headers)
		add_line(pieces, "", headers);
	add_line(pieces, "", NULL);
	add_line(pieces, "", mail->message);
}

char *tp_php_mail_text(const struct tp_php_mail *mail,
	const zend_string *headers, size_t *len_out)
{
	struct pieces pieces = { NULL, 0 };

	add_all(&pieces, mail, headers);
	pieces.out = malloc(pieces.len);
	*len_out = pieces.len;
	pieces.len = 0;
	if (pieces.out)
		add_all(&pieces, mail, headers);
	return pieces.out;
}
