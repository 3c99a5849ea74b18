/*
 * say.c - telling that a message was not accepted
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/say.h"

#include "common/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void tp_php_log(const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	php_log_err(line);
}

void tp_php_log_fallback(
	enum tp_php_hook hook, const struct tillpost_error *err)
{
	char line[TP_REPORT_LINE_BYTES];

	tp_php_log("tillpost: %s: message not accepted (%s); handed to PHP's "
		   "own %s",
		tp_php_hook_name(hook), tp_report_line(err, line, sizeof(line)),
		tp_php_hook_name(hook));
}

static const char *meaning(enum tp_php_verdict verdict)
{
	switch (verdict) {
	case TP_PHP_UNCERTAIN:
		return "is not sure about the message: it may be sent, so it "
		       "goes no other way";
	case TP_PHP_STRANDED:
		return "did not accept the message, and sendmail_path cannot "
		       "be told its store: it is not sent";
	default:
		return "refused the message";
	}
}

void tp_php_warn(enum tp_php_verdict verdict, const struct tillpost_error *err)
{
	char line[TP_REPORT_LINE_BYTES];

	php_error_docref(NULL, E_WARNING, "tillpost %s (%s)", meaning(verdict),
		tp_report_line(err, line, sizeof(line)));
}

#define KEPT_COUNT \
	(sizeof(TILLPOST_G(kept_lines)) / sizeof(TILLPOST_G(kept_lines)[0]))

void tp_php_keep_line(const char *event, const char *text)
{
	size_t i;

	for (i = 0; i < KEPT_COUNT; i++) {
		char *line = TILLPOST_G(kept_lines)[i];

		if (line[0] != '\0')
			continue;
		(void)snprintf(line, sizeof(TILLPOST_G(kept_lines)[i]),
			"tillpost: %s: %s", event, text);
		return;
	}
}

void tp_php_say_kept(void)
{
	char line[sizeof(TILLPOST_G(kept_lines)[0])];
	size_t i;

	for (i = 0; i < KEPT_COUNT && TILLPOST_G(kept_lines)[i][0] != '\0';
		i++) {
		memcpy(line, TILLPOST_G(kept_lines)[i], sizeof(line));
		TILLPOST_G(kept_lines)[i][0] = '\0';
		php_log_err(line);
	}
}
