/*
 * host_when_test.c - times and durations as people write and read them
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/when.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REFUSED INT64_C(-1)

struct parse_case {
	const char *in;
	int64_t want_ms; /* REFUSED: an error */
};

static const struct parse_case durations[] = {
	{ "0", 0 },
	{ "30", 30000 },
	{ "500ms", 500 },
	{ "30s", 30000 },
	{ "5m", 300000 },
	{ "2h", 7200000 },
	{ "3d", 259200000 },
	{ "1w", 604800000 },
	{ "36525d", INT64_C(3155760000000) },
	{ "36526d", REFUSED },
	{ "99999999999999999999", REFUSED },
	{ "", REFUSED },
	{ "h", REFUSED },
	{ "-5m", REFUSED },
	{ "5 m", REFUSED },
	{ "5M", REFUSED },
	{ "1h30m", REFUSED },
	{ "1.5h", REFUSED },
};

static const struct parse_case times[] = {
	{ "1970-01-01Z", REFUSED },
	{ "1970-01-02T00:00Z", 86400000 },
	{ "2026-11-21T18:33:29Z", INT64_C(1795286009000) },
	{ "2026-11-21 18:33:29Z", INT64_C(1795286009000) },
	{ "2026-11-21T19:33:29+01:00", INT64_C(1795286009000) },
	{ "2026-11-21T13:03:29-05:30", INT64_C(1795286009000) },
	/* local, which is two hours ahead of UTC in this test */
	{ "2026-11-21T20:33:29", INT64_C(1795286009000) },
	{ "2026-11-21T20:33", INT64_C(1795285980000) },
	{ "2026-11-21", INT64_C(1795212000000) },
	{ "2024-02-29T00:00Z", INT64_C(1709164800000) },
	{ "2026-02-29", REFUSED },
	{ "2026-13-01", REFUSED },
	{ "2026-11-32", REFUSED },
	{ "2026-11-21T24:00", REFUSED },
	{ "2026-11-21T18:60", REFUSED },
	{ "2026-11-21T18", REFUSED },
	{ "2026-11-21T18:33x", REFUSED },
	{ "2026-11-21T18:33+1", REFUSED },
	{ "2026-11-21T18:33+01:00x", REFUSED },
	{ "2026-11-2", REFUSED },
	{ "21.11.2026", REFUSED },
	{ "yesterday", REFUSED },
	{ "", REFUSED },
};

static void durations_have_one_unit(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(durations); i++) {
		int64_t got = REFUSED;
		int rc = tp_when_duration(durations[i].in, &got);

		assert_int_equal(rc, durations[i].want_ms < 0 ? -1 : 0);
		if (rc == 0)
			assert_int_equal(got, durations[i].want_ms);
	}
}

static void times_are_iso_8601_and_exist(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(times); i++) {
		int64_t got = REFUSED;
		int rc = tp_when_time(times[i].in, &got);

		assert_int_equal(rc, times[i].want_ms < 0 ? -1 : 0);
		if (rc == 0)
			assert_int_equal(got, times[i].want_ms);
	}
}

static void a_duration_as_a_time_is_that_long_ago(void **state)
{
	int64_t before_ms = tp_when_now_ms();
	int64_t got_ms = 0;

	(void)state;
	assert_int_equal(tp_when_time("2h", &got_ms), 0);
	assert_in_range(got_ms + 7200000, before_ms, tp_when_now_ms());
}

static void times_are_shown_local_and_in_utc(void **state)
{
	char text[TP_WHEN_BYTES];

	(void)state;
	tp_when_local(INT64_C(1795286009123), text);
	assert_string_equal(text, "2026-11-21 20:33:29");
	tp_when_local_full(INT64_C(1795286009123), text);
	assert_string_equal(text, "2026-11-21T20:33:29+02:00");
	tp_when_utc(INT64_C(1795286009123), text);
	assert_string_equal(text, "2026-11-21T18:33:29.123Z");
	tp_when_local(0, text);
	assert_string_equal(text, "-");
	tp_when_local_full(0, text);
	assert_string_equal(text, "-");
}

struct span_case {
	int64_t ms;
	const char *want;
};

static const struct span_case spans[] = {
	{ -1, "0s" },
	{ 999, "0s" },
	{ 59999, "59s" },
	{ 60000, "1m" },
	{ 3599999, "59m" },
	{ 7200000, "2h" },
	{ 86399999, "23h" },
	{ INT64_C(864000000), "10d" },
};

static void spans_are_shown_in_their_largest_unit(void **state)
{
	char text[TP_WHEN_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(spans); i++) {
		tp_when_span(spans[i].ms, text);
		assert_string_equal(text, spans[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_one_unit),
		cmocka_unit_test(times_are_iso_8601_and_exist),
		cmocka_unit_test(a_duration_as_a_time_is_that_long_ago),
		cmocka_unit_test(times_are_shown_local_and_in_utc),
		cmocka_unit_test(spans_are_shown_in_their_largest_unit),
	};

	/* POSIX form, so that no time zone data is needed: UTC+2. */
	if (setenv("TZ", "XXX-2", 1) != 0)
		return 1;
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
