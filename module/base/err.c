/*
 * err.c - status codes and the error detail that travels with them
 *
 * SPDX-License-Identifier: MIT
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void printable(char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			*text = '?';
	}
}

__attribute__((format(printf, 5, 0))) static void record(struct tp_error *err,
	int code, int sys_errno, const char *where, const char *fmt,
	va_list args)
{
	size_t used;

	err->code = code;
	err->sys_errno = sys_errno;
	(void)snprintf(err->where, sizeof(err->where), "%s", where);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, args);
	used = strlen(err->text);
	if (sys_errno != 0 && used < sizeof(err->text) - 3) {
		char reason[128];

		/* The XSI variant: thread-safe, unlike strerror(). */
		if (strerror_r(sys_errno, reason, sizeof(reason)) != 0)
			(void)snprintf(
				reason, sizeof(reason), "error %d", sys_errno);
		(void)snprintf(err->text + used, sizeof(err->text) - used,
			": %s", reason);
	}
	printable(err->where);
	printable(err->text);
}

int tp_fail(
	struct tp_error *err, int code, const char *where, const char *fmt, ...)
{
	if (err && err->code == TP_OK) {
		va_list args;

		va_start(args, fmt);
		record(err, code, 0, where, fmt, args);
		va_end(args);
	}
	return code;
}

int tp_fail_errno(
	struct tp_error *err, int code, const char *where, const char *fmt, ...)
{
	int saved = errno;

	if (err && err->code == TP_OK) {
		va_list args;

		va_start(args, fmt);
		record(err, code, saved, where, fmt, args);
		va_end(args);
	}
	return code;
}

void tp_error_clear(struct tp_error *err)
{
	if (err)
		memset(err, 0, sizeof(*err));
}

const char *tp_err_text(int code)
{
	switch (code) {
#define X(name, number, text) \
	case number:          \
		return text;
		TP_ERR_LIST(X)
#undef X
	}
	return "unknown error";
}
