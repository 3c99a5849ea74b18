/*
 * notify.h - what the service manager is told
 *
 * JOB     Ready, reloading, stopping, one line of status, and signs of life,
 *         by sd_notify(3). Without libsystemd, or without a service manager
 *         that listens ($NOTIFY_SOCKET), all of it does nothing.
 * LAYER   hosts/daemon; libc; libsystemd under HAVE_SYSTEMD.
 * THREADS main().
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_DAEMON_NOTIFY_H
#define TP_DAEMON_NOTIFY_H

#include <stdint.h>

#define TP_NOTIFY_TEXT_BYTES 256

struct tp_notify {
	int listening;	     /* somebody hears us */
	int64_t watchdog_ms; /* we are ended if silent for so long; 0: never */
	char status[TP_NOTIFY_TEXT_BYTES]; /* told last */
};

void tp_notify_open(struct tp_notify *notify);

/* How long run() may go on without a word: half of what the watchdog allows,
 * a minute if only the status is to be kept fresh, 0 (for ever) if nobody
 * listens. */
int64_t tp_notify_slice_ms(const struct tp_notify *notify);

void tp_notify_ready(struct tp_notify *notify);
void tp_notify_reloading(struct tp_notify *notify);
void tp_notify_stopping(struct tp_notify *notify);
/* Only if it is another text than before. */
void tp_notify_status(struct tp_notify *notify, const char *text);
/* For the watchdog. */
void tp_notify_alive(struct tp_notify *notify);

#endif
