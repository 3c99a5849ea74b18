/*
 * report.h - errors of a host, made and shown
 *
 * JOB     Fills a struct tillpost_error the way the plugin does, for failures
 *         that the host finds itself, and prints one on standard error as
 *         "program: where: text".
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS safe: one line is written in one piece.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_REPORT_H
#define TP_HOSTS_REPORT_H

#include <tillpost/abi.h>

#include <stddef.h>

/* Records STATUS (a TILLPOST_E*) and the formatted text in ERR.
 * @param where what the error is about ("--store", a path), may be ""
 * @return status, so that `return tp_report_set(...)` reads well */
int32_t tp_report_set(struct tillpost_error *err, int32_t status,
	const char *where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Records STATUS and the text WHAT followed by the meaning of errno, which is
 * kept in ERR too. @return status */
int32_t tp_report_set_errno(struct tillpost_error *err, int32_t status,
	const char *where, const char *what);

/* ERR as "where: text", in OUT. Room for all of one is TP_REPORT_LINE_BYTES.
 * @return out */
#define TP_REPORT_LINE_BYTES                           \
	(sizeof(((struct tillpost_error *)0)->where) + \
		sizeof(((struct tillpost_error *)0)->text) + 2)
const char *tp_report_line(
	const struct tillpost_error *err, char *out, size_t bytes);

/* Prints ERR, with everything that could upset a terminal escaped. */
void tp_report_print(const char *program, const struct tillpost_error *err);

/* Prints "program: where: text" without an error to keep. */
void tp_report(const char *program, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
