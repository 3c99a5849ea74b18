/*
 * spool_tell.c - what the intake says about files
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/spool_tell.h"

#include <stdarg.h>
#include <stdio.h>

void tp_spool_tell(tillpost_handle *handle, int level, const char *event,
	const char *fmt, ...)
{
	char text[TP_ERROR_TEXT_BYTES + TP_ERROR_WHERE_BYTES + 128];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	tp_handle_log(handle, level, event, text);
}

void tp_spool_quota_rest(struct tp_spool_quota *quota, int now)
{
	if (!now && tp_deadline_left_ms(quota->until_mono_ms) > 0)
		return;
	if (quota->untold > 0)
		tp_spool_tell(quota->handle, TILLPOST_LOG_WARNING, quota->event,
			"and %u more %s", quota->untold, quota->what);
	quota->untold = 0;
	quota->told = 0;
}

int tp_spool_quota_take(struct tp_spool_quota *quota)
{
	unsigned lines = quota->lines ? quota->lines : TP_SPOOL_QUOTA_LINES;
	int64_t period_ms =
		quota->period_ms ? quota->period_ms : TP_SPOOL_QUOTA_MS;

	tp_spool_quota_rest(quota, 0);
	if (quota->told == 0)
		quota->until_mono_ms = tp_deadline_ms(period_ms);
	if (quota->told < lines) {
		quota->told++;
		return 1;
	}
	quota->untold++;
	return 0;
}
