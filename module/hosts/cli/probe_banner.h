/*
 * probe_banner.h - what a port says first
 *
 * JOB     A server for implicit TLS is silent until the client speaks; a
 *         server for STARTTLS greets with a line that begins with 220. So the
 *         first bytes tell which of the two labels a port needs, whatever
 *         the settings say.
 * BOUNDS  512 bytes are read; the waits are given.
 * LAYER   hosts; libc.
 * THREADS safe.
 * SOURCES RFC 5321 4.3.1 (greeting), RFC 8446 5.1 and 4.1.2 (record,
 *         ClientHello), RFC 8314 3.3.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_PROBE_BANNER_H
#define TP_HOSTS_CLI_PROBE_BANNER_H

#include <stddef.h>

enum tp_banner_kind {
	TP_BANNER_SILENT,  /* nothing within the wait */
	TP_BANNER_CLOSED,  /* closed without a byte */
	TP_BANNER_SMTP,	   /* 220 */
	TP_BANNER_REFUSES, /* a 4xx or 5xx greeting */
	TP_BANNER_TLS,	   /* a TLS record */
	TP_BANNER_OTHER	   /* something else */
};

#define TP_BANNER_TEXT_BYTES 160

struct tp_banner {
	enum tp_banner_kind kind;
	char text[TP_BANNER_TEXT_BYTES]; /* the first line; "" for TLS */
};

/* Judges bytes that came first. @param len 0: the peer closed */
enum tp_banner_kind tp_banner_judge(const unsigned char *bytes, size_t len);

/* Waits for the greeting; if none comes within GREETING_MS, says a TLS
 * ClientHello and waits ANSWER_MS for what comes back. Closes FD. */
void tp_banner_read(
	int fd, int greeting_ms, int answer_ms, struct tp_banner *banner_out);

#endif
