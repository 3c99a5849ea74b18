/*
 * err.h - status codes and the error detail that travels with them
 *
 * JOB     Functions return >= 0 on success and a negative TP_E* on failure;
 *         the detail goes into a caller-owned struct tp_error, filled at the
 *         failing call. The first writer wins, so the text names the cause
 *         and not the last consequence.
 * LAYER   base; libc only.
 * THREADS A struct tp_error belongs to one thread at a time.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_ERR_H
#define TP_BASE_ERR_H

#include "err_list.h"

enum tp_err {
#define X(name, number, text) TP_##name = (number),
	TP_ERR_LIST(X)
#undef X
};

#define TP_ERROR_TEXT_BYTES 512
#define TP_ERROR_WHERE_BYTES 96

#define TP_USE_RESULT __attribute__((warn_unused_result))
#define TP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

struct tp_error {
	int code;	/* TP_OK or a negative TP_E* */
	int sys_errno;	/* errno at the failing call, or 0 */
	int lib_code;	/* SQLite extended, OpenSSL or libconfig code, or 0 */
	int reply_code; /* SMTP reply code, or 0 */
	char where[TP_ERROR_WHERE_BYTES]; /* "file:line", key, field, step */
	char text[TP_ERROR_TEXT_BYTES];	  /* printable; never a secret */
};

#define TP_ERROR_INIT              \
	{                          \
		0, 0, 0, 0, "", "" \
	}

/* Records CODE and the formatted text unless ERR already holds an error.
 * Control bytes in the text are replaced by '?'.
 * @param err   may be NULL
 * @param code  a negative TP_E*
 * @param where what the error is about ("relays.ses.port", "To"), may be ""
 * @return code, so that `return tp_fail(...)` reads well */
int tp_fail(struct tp_error *err, int code, const char *where, const char *fmt,
	...) TP_PRINTF(4, 5);

/* As tp_fail(), and appends strerror(errno) and keeps errno. */
int tp_fail_errno(struct tp_error *err, int code, const char *where,
	const char *fmt, ...) TP_PRINTF(4, 5);

/* Makes ERR empty again. */
void tp_error_clear(struct tp_error *err);

/* @return the fixed English meaning of CODE, never NULL */
const char *tp_err_text(int code);

#endif
