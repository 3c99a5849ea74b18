/*
 * clock.c - time, injectable
 *
 * SPDX-License-Identifier: MIT
 */
#include "clock.h"

#include <limits.h>
#include <stdio.h>

static int64_t read_us(clockid_t id)
{
	struct timespec now = { 0, 0 };

	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_now_ms(void *ctx)
{
	(void)ctx;
	return read_us(CLOCK_REALTIME) / 1000;
}

const struct tp_clock tp_clock_system = { .now_ms = system_now_ms };

int64_t tp_now_ms(const struct tp_clock *clock)
{
	if (!clock || !clock->now_ms)
		clock = &tp_clock_system;
	return clock->now_ms(clock->ctx);
}

int64_t tp_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t tp_mono_ms(void)
{
	return tp_mono_us() / 1000;
}

void tp_sleep_ms(int64_t ms)
{
	struct timespec time = { (time_t)(ms / 1000),
		(long)(ms % 1000) * 1000000L };

	(void)nanosleep(&time, NULL);
}

int64_t tp_deadline_ms(int64_t delay_ms)
{
	int64_t now = tp_mono_ms();

	if (delay_ms < 0)
		delay_ms = 0;
	return delay_ms > INT64_MAX - now ? INT64_MAX : now + delay_ms;
}

int tp_deadline_left_ms(int64_t deadline_mono_ms)
{
	int64_t left = deadline_mono_ms - tp_mono_ms();

	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

struct timespec tp_deadline_timespec(int64_t deadline_mono_ms)
{
	struct timespec when;

	when.tv_sec = (time_t)(deadline_mono_ms / 1000);
	when.tv_nsec = (long)(deadline_mono_ms % 1000) * 1000000L;
	return when;
}

/* gmtime_r() can fail only for years beyond int; then the epoch is shown. */
static struct tm utc(int64_t epoch_ms)
{
	time_t seconds = (time_t)(epoch_ms / 1000);
	time_t zero = 0;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || tm.tm_year < 0 || tm.tm_year > 8099)
		(void)gmtime_r(&zero, &tm);
	return tm;
}

void tp_format_rfc3339(int64_t epoch_ms, char *out)
{
	struct tm tm = utc(epoch_ms);
	int ms = (int)(epoch_ms % 1000);

	(void)snprintf(out, TP_RFC3339_BYTES,
		"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		(tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100,
		tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100,
		tm.tm_sec % 100, ms < 0 ? 0 : ms);
}

void tp_format_rfc5322(int64_t epoch_ms, char *out)
{
	/* Not strftime: the host's locale must not reach a header. */
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm = utc(epoch_ms);

	(void)snprintf(out, TP_RFC5322_DATE_BYTES,
		"%s, %02d %s %04d %02d:%02d:%02d +0000", days[tm.tm_wday % 7],
		tm.tm_mday % 100, months[tm.tm_mon % 12],
		(tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100,
		tm.tm_sec % 100);
}
