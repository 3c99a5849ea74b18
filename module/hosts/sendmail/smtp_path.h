/*
 * smtp_path.h - the paths of MAIL and RCPT
 *
 * JOB     Reads "<local@domain>" (RFC 5321 4.1.2). Strict about what could be
 *         taken for something else behind it; whether the address is good is
 *         the plugin's to say. Source routes are refused.
 * BOUNDS  local part 64 octets, address 254.
 * LAYER   hosts; libc only.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_SMTP_PATH_H
#define TP_HOSTS_SMTP_PATH_H

#define TP_SMTP_PATH_BYTES 256

/* Reads a path at *AT and moves *AT behind its ">".
 * @param path_out without the brackets; "" for "<>"; without "@" if the
 *        client gave a local part alone
 * @return 0, or -1 if it is malformed or too long */
int tp_smtp_path_read(const char **at, char path_out[TP_SMTP_PATH_BYTES]);

/* 1 if S has bytes outside of ASCII. */
int tp_smtp_path_8bit(const char *s);

#endif
