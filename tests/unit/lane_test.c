/*
 * lane_test.c - the state of one relay
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/lane.h"

static const struct tp_retry_schedule schedule = {
	.base_ms = 60000,
	.cap_ms = 7200000,
	.jitter_percent = 0,
	.unknown_ms = 900000,
	.unknown_max_count = 2,
	.auth_probe_ms = 900000,
};

static const struct tp_verdict down = {
	.cls = TP_CLASS_TEMPORARY,
	.scope = TP_SCOPE_RELAY,
};

static void a_new_lane_allows_one_connection(void **state)
{
	struct tp_lane lane;

	(void)state;
	tp_lane_init(&lane, 5);
	assert_int_equal(tp_lane_allowed(&lane, 0), 1);
	assert_int_equal(lane.state, TP_LANE_READY);
}

static void connections_double_with_success_up_to_the_limit(void **state)
{
	static const int expected[] = { 2, 4, 5, 5 };
	struct tp_lane lane;
	size_t i;

	(void)state;
	tp_lane_init(&lane, 5);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		tp_lane_success(&lane);
		assert_int_equal(tp_lane_allowed(&lane, 0), expected[i]);
	}
}

static void a_failure_pauses_with_doubling_delay(void **state)
{
	static const int64_t delays[] = { 60000, 120000, 240000 };
	struct tp_lane lane;
	int64_t now = 1000000;
	size_t i;

	(void)state;
	tp_lane_init(&lane, 5);
	for (i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		(void)tp_lane_failure(
			&lane, &schedule, &down, "refused", now, 500000);
		assert_int_equal(lane.retry_ms, now + delays[i]);
		assert_int_equal(tp_lane_allowed(&lane, now), 0);
		assert_int_equal(tp_lane_allowed(&lane, lane.retry_ms - 1), 0);
		assert_int_equal(tp_lane_allowed(&lane, lane.retry_ms), 1);
		now = lane.retry_ms;
	}
	assert_string_equal(lane.reason, "refused");
}

static void after_an_outage_growth_starts_at_one(void **state)
{
	struct tp_lane lane;

	(void)state;
	tp_lane_init(&lane, 8);
	tp_lane_success(&lane);
	tp_lane_success(&lane);
	tp_lane_success(&lane);
	assert_int_equal(tp_lane_allowed(&lane, 0), 8);
	(void)tp_lane_failure(&lane, &schedule, &down, "gone", 0, 500000);
	tp_lane_success(&lane);
	assert_int_equal(tp_lane_allowed(&lane, 0), 1);
	assert_string_equal(lane.reason, "");
	tp_lane_success(&lane);
	assert_int_equal(tp_lane_allowed(&lane, 0), 2);
}

static void refused_credentials_hold_the_lane_for_the_probe_time(void **state)
{
	struct tp_verdict refused = { .cls = TP_CLASS_CREDENTIALS,
		.scope = TP_SCOPE_RELAY };
	struct tp_lane lane;

	(void)state;
	tp_lane_init(&lane, 5);
	assert_int_equal(tp_lane_failure(&lane, &schedule, &refused,
				 "535 bad password", 0, 500000),
		1);
	assert_int_equal(lane.state, TP_LANE_HELD);
	assert_true(lane.retry_ms >= schedule.auth_probe_ms);
	/* told once, not at every probe */
	assert_int_equal(tp_lane_failure(&lane, &schedule, &refused,
				 "535 bad password", 900000, 500000),
		0);
}

static void a_throttling_reply_halves_the_connections(void **state)
{
	struct tp_verdict throttled = { .cls = TP_CLASS_THROTTLED,
		.scope = TP_SCOPE_RELAY,
		.min_delay_ms = 900000,
		.reduce = 1 };
	struct tp_lane lane;

	(void)state;
	tp_lane_init(&lane, 4);
	tp_lane_success(&lane);
	tp_lane_success(&lane);
	(void)tp_lane_failure(&lane, &schedule, &throttled, "421", 0, 500000);
	assert_int_equal(lane.allowed, 2);
	assert_int_equal(lane.retry_ms, 900000);
}

static void a_kick_ends_the_pause_but_only_for_a_probe(void **state)
{
	struct tp_lane lane;

	(void)state;
	tp_lane_init(&lane, 5);
	(void)tp_lane_failure(&lane, &schedule, &down, "down", 1000, 500000);
	tp_lane_kick(&lane);
	assert_int_equal(tp_lane_allowed(&lane, 1000), 1);
	assert_int_equal(lane.state, TP_LANE_PAUSED);
}

static void a_lowered_limit_counts_at_once(void **state)
{
	struct tp_lane lane;

	(void)state;
	tp_lane_init(&lane, 8);
	tp_lane_success(&lane);
	tp_lane_success(&lane);
	lane.limit = 2;
	assert_int_equal(tp_lane_allowed(&lane, 0), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_lane_allows_one_connection),
		cmocka_unit_test(
			connections_double_with_success_up_to_the_limit),
		cmocka_unit_test(a_failure_pauses_with_doubling_delay),
		cmocka_unit_test(after_an_outage_growth_starts_at_one),
		cmocka_unit_test(
			refused_credentials_hold_the_lane_for_the_probe_time),
		cmocka_unit_test(a_throttling_reply_halves_the_connections),
		cmocka_unit_test(a_kick_ends_the_pause_but_only_for_a_probe),
		cmocka_unit_test(a_lowered_limit_counts_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
