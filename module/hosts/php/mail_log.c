/*
 * mail_log.c - the setting mail.log
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/mail_log.h"

#include <php_ini.h>
#include <php_streams.h>
#include <php_syslog.h>
#include <zend_smart_str.h>
#include <ext/date/php_date.h>

#include <string.h>
#include <syslog.h>
#include <time.h>

/* mail() on [FILE:LINE]: To: ... -- Headers: ... -- Subject: ... */
static zend_string *line_of(const struct tp_php_mail *mail)
{
	smart_str line = { NULL, 0 };
	char *at;

	smart_str_appends(&line, "mail() on [");
	smart_str_appends(&line, zend_get_executed_filename());
	smart_str_appendc(&line, ':');
	smart_str_append_long(&line, (zend_long)zend_get_executed_lineno());
	smart_str_appends(&line, "]: To: ");
	smart_str_append(&line, mail->to);
	smart_str_appends(&line, " -- Headers: ");
	if (mail->headers)
		smart_str_append(&line, mail->headers);
	smart_str_appends(&line, " -- Subject: ");
	smart_str_append(&line, mail->subject);
	smart_str_0(&line);
	/* Stock PHP leaves a folded subject alone if there are no headers. */
	at = ZSTR_VAL(line.s);
	while (mail->headers && (at = strpbrk(at, "\r\n")) != NULL)
		*at = ' ';
	return line.s;
}

static void write_file(const char *file, const zend_string *line)
{
	php_stream *stream = php_stream_open_wrapper(
		file, "a", REPORT_ERRORS | STREAM_DISABLE_OPEN_BASEDIR, NULL);
	smart_str dated = { NULL, 0 };
	zend_string *date;

	if (!stream)
		return;
	date = php_format_date(
		"d-M-Y H:i:s e", sizeof("d-M-Y H:i:s e") - 1, time(NULL), 1);
	smart_str_appendc(&dated, '[');
	smart_str_append(&dated, date);
	smart_str_appends(&dated, "] ");
	smart_str_append(&dated, line);
	smart_str_appends(&dated, PHP_EOL);
	smart_str_0(&dated);
	(void)php_stream_write(stream, ZSTR_VAL(dated.s), ZSTR_LEN(dated.s));
	php_stream_close(stream);
	zend_string_release(date);
	smart_str_free(&dated);
}

void tp_php_mail_log(const struct tp_php_mail *mail)
{
	const char *file = INI_STR("mail.log");
	zend_string *line;

	if (!file || file[0] == '\0')
		return;
	line = line_of(mail);
	if (strcmp(file, "syslog") == 0)
		php_syslog(LOG_NOTICE, "%s", ZSTR_VAL(line));
	else
		write_file(file, line);
	zend_string_release(line);
}
