/*
 * report.c - errors of a host, made and shown
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/report.h"

#include "common/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int32_t tp_report_set(struct tillpost_error *err, int32_t status,
	const char *where, const char *fmt, ...)
{
	va_list args;

	TILLPOST_INIT(err);
	err->status = status;
	(void)snprintf(err->where, sizeof(err->where), "%s", where);
	va_start(args, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return status;
}

int32_t tp_report_set_errno(struct tillpost_error *err, int32_t status,
	const char *where, const char *what)
{
	int number = errno;
	char meaning[128];

	if (strerror_r(number, meaning, sizeof(meaning)) != 0)
		(void)snprintf(meaning, sizeof(meaning), "error %d", number);
	(void)tp_report_set(err, status, where, "%s: %s", what, meaning);
	err->sys_errno = number;
	return status;
}

const char *tp_report_line(
	const struct tillpost_error *err, char *out, size_t bytes)
{
	(void)snprintf(out, bytes, "%s%s%s", err->where,
		err->where[0] == '\0' ? "" : ": ", err->text);
	return out;
}

static void print_line(const char *program, const char *where, const char *text)
{
	flockfile(stderr);
	(void)fprintf(stderr, "%s: ", program);
	if (where[0] != '\0') {
		tp_text_put(stderr, where);
		(void)fputs(": ", stderr);
	}
	tp_text_put(stderr, text);
	(void)fputc('\n', stderr);
	funlockfile(stderr);
}

void tp_report_print(const char *program, const struct tillpost_error *err)
{
	if (err->text[0] == '\0')
		tp_report(program, err->where, "failed with status %d",
			(int)err->status);
	else
		print_line(program, err->where, err->text);
}

void tp_report(const char *program, const char *where, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	print_line(program, where, text);
}
