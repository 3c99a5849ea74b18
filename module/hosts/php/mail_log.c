/*
 * mail_log.c - the setting mail.log
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/mail_log.h"

#include "php/text.h"

#include <php_ini.h>
#include <php_streams.h>
#include <php_syslog.h>
#include <ext/date/php_date.h>

#include <string.h>
#include <syslog.h>
#include <time.h>

/* mail() on [FILE:LINE]: To: ... -- Headers: ... -- Subject: ... */
static zend_string *line_of(const struct tp_php_mail *mail)
{
	struct tp_php_text line = { NULL, 0 };
	zend_string *text;
	char *at;

	tp_php_text_adds(&line, "mail() on [");
	tp_php_text_adds(&line, zend_get_executed_filename());
	tp_php_text_addc(&line, ':');
	tp_php_text_add_long(&line, (zend_long)zend_get_executed_lineno());
	tp_php_text_adds(&line, "]: To: ");
	tp_php_text_add_string(&line, mail->to);
	tp_php_text_adds(&line, " -- Headers: ");
	if (mail->headers)
		tp_php_text_add_string(&line, mail->headers);
	tp_php_text_adds(&line, " -- Subject: ");
	tp_php_text_add_string(&line, mail->subject);
	text = tp_php_text_take(&line);
	/* Stock PHP leaves a folded subject alone if there are no headers. */
	at = ZSTR_VAL(text);
	while (mail->headers && (at = strpbrk(at, "\r\n")) != NULL)
		*at = ' ';
	return text;
}

static void write_file(const char *file, const zend_string *line)
{
	php_stream *stream = php_stream_open_wrapper(
		file, "a", REPORT_ERRORS | STREAM_DISABLE_OPEN_BASEDIR, NULL);
	struct tp_php_text dated = { NULL, 0 };
	zend_string *date;
	zend_string *text;

	if (!stream)
		return;
	date = php_format_date(
		"d-M-Y H:i:s e", sizeof("d-M-Y H:i:s e") - 1, time(NULL), 1);
	tp_php_text_addc(&dated, '[');
	tp_php_text_add_string(&dated, date);
	tp_php_text_adds(&dated, "] ");
	tp_php_text_add_string(&dated, line);
	tp_php_text_adds(&dated, PHP_EOL);
	text = tp_php_text_take(&dated);
	(void)php_stream_write(stream, ZSTR_VAL(text), ZSTR_LEN(text));
	php_stream_close(stream);
	zend_string_release(date);
	zend_string_release(text);
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
