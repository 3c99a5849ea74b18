/*
 * notify.c - what the service manager is told
 *
 * SOURCES sd_notify(3), sd_watchdog_enabled(3).
 * SPDX-License-Identifier: MIT
 */
#include "daemon/notify.h"

#include "common/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define STATUS_EVERY_MS 60000

static void say(const struct tp_notify *notify, const char *what)
{
#ifdef HAVE_SYSTEMD
	if (notify->listening)
		(void)sd_notify(0, what);
#else
	(void)notify;
	(void)what;
#endif
}

void tp_notify_open(struct tp_notify *notify)
{
	*notify = (struct tp_notify) { .listening = 0 };
#ifdef HAVE_SYSTEMD
	uint64_t watchdog_us = 0;

	notify->listening = getenv("NOTIFY_SOCKET") != NULL;
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		notify->watchdog_ms = (int64_t)(watchdog_us / 1000);
#endif
}

int64_t tp_notify_slice_ms(const struct tp_notify *notify)
{
	if (notify->watchdog_ms > 0)
		return notify->watchdog_ms > 1 ? notify->watchdog_ms / 2 : 1;
	return notify->listening ? STATUS_EVERY_MS : 0;
}

void tp_notify_ready(struct tp_notify *notify)
{
	say(notify, "READY=1");
}

void tp_notify_reloading(struct tp_notify *notify)
{
	struct timespec now;
	char text[96];

	/* Type=notify-reload compares this time with that of its request. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(text, sizeof(text),
		"RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	say(notify, text);
}

void tp_notify_stopping(struct tp_notify *notify)
{
	say(notify, "STOPPING=1");
}

void tp_notify_status(struct tp_notify *notify, const char *text)
{
	char line[sizeof("STATUS=") + TP_NOTIFY_TEXT_BYTES];
	char *printable;

	if (strncmp(notify->status, text, sizeof(notify->status) - 1) == 0)
		return;
	(void)snprintf(notify->status, sizeof(notify->status), "%s", text);
	/* A newline would start another assignment. */
	printable = tp_text_printable(notify->status);
	if (printable) {
		(void)snprintf(line, sizeof(line), "STATUS=%s", printable);
		say(notify, line);
	}
	free(printable);
}

void tp_notify_alive(struct tp_notify *notify)
{
	if (notify->watchdog_ms > 0)
		say(notify, "WATCHDOG=1");
}
