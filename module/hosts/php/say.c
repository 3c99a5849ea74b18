/*
 * say.c - telling that a message was not accepted
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/say.h"

#include <stdarg.h>
#include <stdio.h>

void tp_php_log(const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	php_log_err(line);
}

static const char *separator(const struct tillpost_error *err)
{
	return err->where[0] == '\0' ? "" : ": ";
}

void tp_php_log_fallback(
	enum tp_php_hook hook, const struct tillpost_error *err)
{
	tp_php_log("tillpost: %s: message not accepted (%s%s%s); handed to "
		   "PHP's own %s",
		tp_php_hook_name(hook), err->where, separator(err), err->text,
		tp_php_hook_name(hook));
}

void tp_php_warn_refused(const struct tillpost_error *err)
{
	php_error_docref(NULL, E_WARNING,
		"tillpost refused the message (%s%s%s)", err->where,
		separator(err), err->text);
}
