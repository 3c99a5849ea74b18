/*
 * sendmail_path.h - the program that PHP's sendmail_path starts
 *
 * JOB     A command line for /bin/sh: finds the program in it, behind "A=b",
 *         env and exec, and what that is when links are followed. Nothing is
 *         expanded or run.
 * LAYER   hosts; libc.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_SENDMAIL_PATH_H
#define TP_HOSTS_CLI_SENDMAIL_PATH_H

#include <limits.h>

#define TP_SENDMAIL_PROGRAM "tillpost-sendmail"

/* As it is written, without quotes. @return 0 if there is none that can be
 * told */
int tp_sendmail_path_program(const char *command, char out[PATH_MAX]);

/* Whether it is tillpost-sendmail, perhaps by another name
 * (/usr/sbin/sendmail) or behind a wrapper that is told its name (nice). */
int tp_sendmail_path_is_ours(const char *command);

#endif
