/*
 * mail_catcher.h - programs that take sendmail's place and send nothing
 *
 * JOB     The one list of off switches ("true") and catch-alls for tests
 *         ("mailpit"): the PHP extension leaves mail() to them, and doctor
 *         tells so.
 * LAYER   hosts; libc.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_MAIL_CATCHER_H
#define TP_HOSTS_MAIL_CATCHER_H

/* @return PROGRAM's name without a path, constant; NULL: it is none of them */
const char *tp_mail_catcher(const char *program);

#endif
