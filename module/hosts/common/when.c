/*
 * when.c - times and durations as people write and read them
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define LONGEST_MS (36525 * DAY_MS) /* 100 years */

struct unit {
	const char *name;
	int64_t ms;
};

static const struct unit units[] = {
	{ "", SECOND_MS },
	{ "ms", 1 },
	{ "s", SECOND_MS },
	{ "m", MINUTE_MS },
	{ "h", HOUR_MS },
	{ "d", DAY_MS },
	{ "w", 7 * DAY_MS },
};

int64_t tp_when_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

int tp_when_duration(const char *s, int64_t *ms_out)
{
	int64_t value = 0;
	size_t i;

	if (*s < '0' || *s > '9')
		return -1;
	for (; *s >= '0' && *s <= '9'; s++) {
		value = value * 10 + (*s - '0');
		if (value > LONGEST_MS)
			return -1;
	}
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(s, units[i].name) != 0)
			continue;
		if (value > LONGEST_MS / units[i].ms)
			return -1;
		*ms_out = value * units[i].ms;
		return 0;
	}
	return -1;
}

/* Reads COUNT digits that make a number between MIN and MAX; moves *S. */
static int digits(const char **s, size_t count, int min, int max, int *out)
{
	int value = 0;

	for (; count > 0; count--, (*s)++) {
		if (**s < '0' || **s > '9')
			return 0;
		value = value * 10 + (**s - '0');
	}
	*out = value;
	return value >= min && value <= max;
}

static int skip(const char **s, char c)
{
	if (**s != c)
		return 0;
	(*s)++;
	return 1;
}

static int time_of_day(const char **s, struct tm *tm)
{
	if (!digits(s, 2, 0, 23, &tm->tm_hour) || !skip(s, ':') ||
		!digits(s, 2, 0, 59, &tm->tm_min))
		return 0;
	return !skip(s, ':') || digits(s, 2, 0, 59, &tm->tm_sec);
}

/* "Z" or "+hh:mm". @return 1 and the offset, 0 if there is none (end of
 * string: local time), -1 if it is malformed */
static int zone(const char *s, int64_t *offset_ms_out)
{
	int hours;
	int minutes;
	int sign = *s == '-' ? -1 : 1;

	*offset_ms_out = 0;
	if (*s == '\0')
		return 0;
	if (strcmp(s, "Z") == 0)
		return 1;
	if (!skip(&s, '+') && !skip(&s, '-'))
		return -1;
	if (!digits(&s, 2, 0, 23, &hours) || !skip(&s, ':') ||
		!digits(&s, 2, 0, 59, &minutes) || *s != '\0')
		return -1;
	*offset_ms_out = sign * (hours * HOUR_MS + minutes * MINUTE_MS);
	return 1;
}

int tp_when_time(const char *s, int64_t *ms_out)
{
	struct tm tm = { .tm_isdst = -1 };
	int64_t offset_ms = 0;
	int month;
	int day;
	int zoned = 0;
	time_t seconds;

	if (tp_when_duration(s, ms_out) == 0) {
		*ms_out = tp_when_now_ms() - *ms_out;
		return 0;
	}
	if (!digits(&s, 4, 1970, 9999, &tm.tm_year) || !skip(&s, '-') ||
		!digits(&s, 2, 1, 12, &month) || !skip(&s, '-') ||
		!digits(&s, 2, 1, 31, &day))
		return -1;
	if (skip(&s, 'T') || skip(&s, ' ')) {
		if (!time_of_day(&s, &tm))
			return -1;
		zoned = zone(s, &offset_ms);
	} else if (*s != '\0') {
		return -1;
	}
	if (zoned < 0)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	seconds = zoned ? timegm(&tm) : mktime(&tm);
	/* Both turn 31 February into a day of March: refuse it. */
	if (seconds == (time_t)-1 || tm.tm_mday != day)
		return -1;
	*ms_out = (int64_t)seconds * SECOND_MS - offset_ms;
	return 0;
}

/* @return 0 where there is no time to show: OUT is "-" then */
static int local_time(int64_t epoch_ms, struct tm *tm, char out[TP_WHEN_BYTES])
{
	time_t seconds = (time_t)(epoch_ms / SECOND_MS);

	(void)snprintf(out, TP_WHEN_BYTES, "-");
	return epoch_ms != 0 && localtime_r(&seconds, tm) != NULL;
}

void tp_when_local(int64_t epoch_ms, char out[TP_WHEN_BYTES])
{
	struct tm tm;

	if (local_time(epoch_ms, &tm, out))
		(void)strftime(out, TP_WHEN_BYTES, "%Y-%m-%d %H:%M:%S", &tm);
}

void tp_when_local_full(int64_t epoch_ms, char out[TP_WHEN_BYTES])
{
	struct tm tm;
	size_t len;

	if (!local_time(epoch_ms, &tm, out))
		return;
	len = strftime(out, TP_WHEN_BYTES, "%Y-%m-%dT%H:%M:%S%z", &tm);
	/* strftime writes +0100; ISO 8601's extended form has a colon. */
	if (len >= 5 && len + 1 < TP_WHEN_BYTES) {
		memmove(out + len - 1, out + len - 2, 3);
		out[len - 2] = ':';
	}
}

void tp_when_utc(int64_t epoch_ms, char out[TP_WHEN_BYTES])
{
	time_t seconds = (time_t)(epoch_ms / SECOND_MS);
	struct tm tm;
	char whole[24];

	(void)snprintf(out, TP_WHEN_BYTES, "-");
	if (epoch_ms < 0 || !gmtime_r(&seconds, &tm) ||
		strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return;
	(void)snprintf(out, TP_WHEN_BYTES, "%s.%03dZ", whole,
		(int)(epoch_ms % SECOND_MS));
}

void tp_when_span(int64_t ms, char out[TP_WHEN_BYTES])
{
	size_t i = sizeof(units) / sizeof(units[0]) - 2; /* days */

	if (ms < 0)
		ms = 0;
	while (i > 2 && ms < units[i].ms)
		i--;
	(void)snprintf(out, TP_WHEN_BYTES, "%lld%s",
		(long long)(ms / units[i].ms), units[i].name);
}
