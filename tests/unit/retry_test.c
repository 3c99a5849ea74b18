/*
 * retry_test.c - the schedule's numbers, its bounds, and the decisions
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "core/policy_rules.h"
#include "core/retry.h"

#include <limits.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* In the middle: no jitter either way. */
#define MIDDLE (TP_RETRY_RANDOM_BOUND / 2)

static const struct tp_retry_schedule usual = {
	.base_ms = MINUTE,
	.cap_ms = 2 * HOUR,
	.jitter_percent = 25,
	.unknown_ms = 15 * MINUTE,
	.unknown_max_count = 2,
	.auth_probe_ms = 15 * MINUTE,
};

static struct tp_retry_schedule without_jitter(void)
{
	struct tp_retry_schedule schedule = usual;

	schedule.jitter_percent = 0;
	return schedule;
}

static const struct tp_verdict temporary = { .cls = TP_CLASS_TEMPORARY };

static void delays_double_up_to_the_cap(void **state)
{
	static const int64_t want[] = { 1, 2, 4, 8, 16, 32, 64, 120, 120 };
	struct tp_retry_schedule schedule = without_jitter();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(want); i++)
		assert_true(tp_retry_delay_ms(&schedule, &temporary, (int)i + 1,
				    0) == want[i] * MINUTE);
	/* with jitter, the middle is the same */
	for (i = 0; i < COUNT(want); i++)
		assert_true(tp_retry_delay_ms(&usual, &temporary, (int)i + 1,
				    MIDDLE) == want[i] * MINUTE);
}

static void default_tries_are_at_about_1_3_7_15_31_minutes(void **state)
{
	static const int64_t want[] = { 1, 3, 7, 15, 31, 63 };
	struct tp_retry_schedule schedule = without_jitter();
	int64_t at_ms = 0;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(want); i++) {
		at_ms +=
			tp_retry_delay_ms(&schedule, &temporary, (int)i + 1, 0);
		assert_true(at_ms == want[i] * MINUTE);
	}
}

static void delays_never_shrink_without_jitter(void **state)
{
	static const int64_t bases[] = { 1, 7, SECOND, MINUTE, HOUR,
		INT64_MAX / 3, INT64_MAX };
	static const int64_t caps[] = { 1, SECOND, 2 * HOUR, DAY, INT64_MAX };
	size_t b;
	size_t c;

	(void)state;
	for (b = 0; b < COUNT(bases); b++) {
		for (c = 0; c < COUNT(caps); c++) {
			struct tp_retry_schedule schedule = without_jitter();
			int64_t before = 0;
			int attempts;

			schedule.base_ms = bases[b];
			schedule.cap_ms = caps[c];
			for (attempts = 1; attempts < 100; attempts++) {
				int64_t delay = tp_retry_delay_ms(
					&schedule, &temporary, attempts, 0);

				assert_true(delay >= before);
				assert_true(delay <= caps[c]);
				before = delay;
			}
			assert_true(before == caps[c]);
		}
	}
}

static void jitter_stays_within_its_share_and_reaches_it(void **state)
{
	static const int percents[] = { 1, 10, 25, 50 };
	size_t p;
	int i;

	(void)state;
	for (p = 0; p < COUNT(percents); p++) {
		struct tp_retry_schedule schedule = usual;
		int64_t share = MINUTE * percents[p] / 100;

		schedule.jitter_percent = percents[p];
		assert_true(tp_retry_delay_ms(&schedule, &temporary, 1, 0) ==
			    MINUTE - share);
		assert_in_range(tp_retry_delay_ms(&schedule, &temporary, 1,
					TP_RETRY_RANDOM_BOUND - 1),
			(uintmax_t)(MINUTE + share - 1),
			(uintmax_t)(MINUTE + share));
		for (i = 0; i < 10000; i++) {
			uint64_t random =
				tp_random_below(TP_RETRY_RANDOM_BOUND);
			int64_t delay = tp_retry_delay_ms(
				&schedule, &temporary, 1, random);

			assert_in_range(delay, (uintmax_t)(MINUTE - share),
				(uintmax_t)(MINUTE + share));
		}
	}
}

static void equal_failures_do_not_come_back_together(void **state)
{
	int early = 0;
	int late = 0;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		int64_t delay = tp_retry_delay_ms(&usual, &temporary, 5,
			tp_random_below(TP_RETRY_RANDOM_BOUND));

		early += delay < 16 * MINUTE - 2 * MINUTE;
		late += delay > 16 * MINUTE + 2 * MINUTE;
	}
	/* each is a quarter; 1,000 draws miss 150 about never */
	assert_in_range(early, 150, 350);
	assert_in_range(late, 150, 350);
}

static void nothing_overflows_whatever_the_input(void **state)
{
	static const int64_t values[] = { INT64_MIN, -1, 0, 1, MINUTE,
		INT64_MAX / 2, INT64_MAX - 1, INT64_MAX };
	static const int attempts[] = { INT_MIN, -1, 0, 1, 2, 63, 64, 1000,
		INT_MAX };
	static const uint64_t randoms[] = { 0, MIDDLE,
		TP_RETRY_RANDOM_BOUND - 1, TP_RETRY_RANDOM_BOUND, UINT64_MAX };
	static const int percents[] = { INT_MIN, -1, 0, 25, 50, 100, INT_MAX };
	size_t b;
	size_t c;
	size_t a;
	size_t r;
	size_t p;

	(void)state;
	/* the sanitizer builds of this test are what catches an overflow */
	for (b = 0; b < COUNT(values); b++)
		for (c = 0; c < COUNT(values); c++)
			for (a = 0; a < COUNT(attempts); a++)
				for (r = 0; r < COUNT(randoms); r++)
					for (p = 0; p < COUNT(percents); p++) {
						struct tp_retry_schedule s = {
							.base_ms = values[b],
							.cap_ms = values[c],
							.jitter_percent =
								percents[p],
						};

						assert_true(
							tp_retry_delay_ms(&s,
								&temporary,
								attempts[a],
								randoms[r]) >=
							0);
						assert_true(
							tp_retry_clamp_ms(&s,
								values[b],
								values[c]) <=
							values[b]);
					}
}

static void a_rule_can_ask_for_a_longer_wait(void **state)
{
	struct tp_verdict verdict = { .cls = TP_CLASS_THROTTLED,
		.min_delay_ms = 15 * MINUTE };

	(void)state;
	assert_true(
		tp_retry_delay_ms(&usual, &verdict, 1, MIDDLE) == 15 * MINUTE);
	/* not for a shorter one */
	assert_true(
		tp_retry_delay_ms(&usual, &verdict, 6, MIDDLE) == 32 * MINUTE);
}

static void unknown_and_refused_logins_wait_a_fixed_time(void **state)
{
	struct tp_verdict unknown = { .cls = TP_CLASS_UNKNOWN };
	struct tp_verdict credentials = { .cls = TP_CLASS_CREDENTIALS };
	struct tp_retry_schedule schedule = usual;
	int attempts;

	(void)state;
	schedule.unknown_ms = 20 * MINUTE;
	schedule.auth_probe_ms = 10 * MINUTE;
	for (attempts = 0; attempts < 20; attempts++) {
		assert_true(tp_retry_delay_ms(&schedule, &unknown, attempts,
				    0) == 20 * MINUTE);
		assert_true(tp_retry_delay_ms(&schedule, &credentials, attempts,
				    0) == 10 * MINUTE);
	}
}

static void a_clock_jump_cannot_park_a_message(void **state)
{
	int64_t now = INT64_C(1800000000000);
	int64_t longest = 2 * HOUR + HOUR / 2; /* cap and its jitter */

	(void)state;
	/* the clock was a year ahead when the try was planned */
	assert_true(tp_retry_clamp_ms(&usual, now + 365 * DAY, now) ==
		    now + longest);
	assert_true(tp_retry_clamp_ms(&usual, INT64_MAX, now) == now + longest);
	/* what is due stays due, what is near stays */
	assert_true(tp_retry_clamp_ms(&usual, now - DAY, now) == now - DAY);
	assert_true(tp_retry_clamp_ms(&usual, now + HOUR, now) == now + HOUR);
	/* a clock at the end of time */
	assert_true(
		tp_retry_clamp_ms(&usual, INT64_MAX, INT64_MAX) == INT64_MAX);
}

static void the_clamp_cuts_no_delay_that_the_schedule_gives(void **state)
{
	struct tp_retry_schedule schedule = {
		.base_ms = SECOND,
		.cap_ms = 10 * SECOND,
		.jitter_percent = 50,
		.unknown_ms = 15 * MINUTE,
		.unknown_max_count = 2,
		.auth_probe_ms = 3 * HOUR,
	};
	size_t count;
	const struct tp_policy_rule *rules = tp_policy_rules(&count);
	size_t i;
	int attempts;

	(void)state;
	for (i = 0; i < count; i++) {
		for (attempts = 1; attempts < 12; attempts++) {
			struct tp_verdict verdict = { .cls = rules[i].cls,
				.min_delay_ms = rules[i].min_delay_ms };
			int64_t delay = tp_retry_delay_ms(&schedule, &verdict,
				attempts, TP_RETRY_RANDOM_BOUND - 1);

			assert_true(tp_retry_clamp_ms(&schedule, delay, 0) ==
				    delay);
		}
	}
}

struct decide_case {
	const char *name;
	enum tp_class cls;
	int64_t max_age_ms;
	int64_t age_ms;
	int64_t lifetime_left_ms;
	int unknown_count;
	enum tp_retry_decision want;
};

static const struct decide_case decide_cases[] = {
	{ "temporary", TP_CLASS_TEMPORARY, 0, HOUR, DAY, 0, TP_RETRY_LATER },
	{ "throttled", TP_CLASS_THROTTLED, 0, HOUR, DAY, 0, TP_RETRY_LATER },
	{ "permanent", TP_CLASS_PERMANENT, 0, 0, DAY, 0, TP_RETRY_FAIL },
	{ "credentials", TP_CLASS_CREDENTIALS, 0, HOUR, DAY, 0,
		TP_RETRY_LATER },
	{ "sender", TP_CLASS_SENDER, 0, HOUR, DAY, 0, TP_RETRY_HOLD },
	{ "config", TP_CLASS_CONFIG, 0, HOUR, DAY, 0, TP_RETRY_HOLD },
	{ "first unknown", TP_CLASS_UNKNOWN, 0, HOUR, DAY, 1, TP_RETRY_LATER },
	{ "second unknown", TP_CLASS_UNKNOWN, 0, HOUR, DAY, 2, TP_RETRY_LATER },
	{ "third unknown", TP_CLASS_UNKNOWN, 0, HOUR, DAY, 3, TP_RETRY_FAIL },
	{ "temporary after unknowns", TP_CLASS_TEMPORARY, 0, HOUR, DAY, 9,
		TP_RETRY_LATER },
	{ "lifetime just over", TP_CLASS_TEMPORARY, 0, DAY, 0, 0,
		TP_RETRY_FAIL },
	{ "one millisecond left", TP_CLASS_TEMPORARY, 0, DAY, 1, 0,
		TP_RETRY_LATER },
	{ "lifetime long over", TP_CLASS_THROTTLED, 0, DAY, INT64_MIN, 0,
		TP_RETRY_FAIL },
	{ "credentials, lifetime over", TP_CLASS_CREDENTIALS, 0, DAY, -1, 0,
		TP_RETRY_FAIL },
	{ "sender, lifetime over", TP_CLASS_SENDER, 0, DAY, -1, 0,
		TP_RETRY_FAIL },
	{ "unknown, lifetime over", TP_CLASS_UNKNOWN, 0, DAY, -1, 1,
		TP_RETRY_FAIL },
	{ "younger than max_age", TP_CLASS_TEMPORARY, 3 * DAY, 3 * DAY - 1, DAY,
		0, TP_RETRY_LATER },
	{ "max_age reached", TP_CLASS_TEMPORARY, 3 * DAY, 3 * DAY, DAY, 0,
		TP_RETRY_FAIL },
	{ "the clock went back", TP_CLASS_TEMPORARY, 3 * DAY, -HOUR, DAY, 0,
		TP_RETRY_LATER },
	{ "sent is neither repeated nor bounced", TP_CLASS_SENT, 0, DAY, -1, 0,
		TP_RETRY_HOLD },
};

static void each_class_leads_to_its_decision(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(decide_cases); i++) {
		const struct decide_case *c = &decide_cases[i];
		struct tp_verdict verdict = { .cls = c->cls,
			.max_age_ms = c->max_age_ms };

		if (tp_retry_decide(&usual, &verdict, c->age_ms,
			    c->lifetime_left_ms, c->unknown_count) != c->want)
			fail_msg("%s", c->name);
	}
}

static void no_resend_at_all_can_be_asked_for(void **state)
{
	struct tp_verdict unknown = { .cls = TP_CLASS_UNKNOWN };
	struct tp_retry_schedule schedule = usual;

	(void)state;
	schedule.unknown_max_count = 0;
	assert_int_equal(
		tp_retry_decide(&schedule, &unknown, 0, DAY, 1), TP_RETRY_FAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_double_up_to_the_cap),
		cmocka_unit_test(
			default_tries_are_at_about_1_3_7_15_31_minutes),
		cmocka_unit_test(delays_never_shrink_without_jitter),
		cmocka_unit_test(jitter_stays_within_its_share_and_reaches_it),
		cmocka_unit_test(equal_failures_do_not_come_back_together),
		cmocka_unit_test(nothing_overflows_whatever_the_input),
		cmocka_unit_test(a_rule_can_ask_for_a_longer_wait),
		cmocka_unit_test(unknown_and_refused_logins_wait_a_fixed_time),
		cmocka_unit_test(a_clock_jump_cannot_park_a_message),
		cmocka_unit_test(
			the_clamp_cuts_no_delay_that_the_schedule_gives),
		cmocka_unit_test(each_class_leads_to_its_decision),
		cmocka_unit_test(no_resend_at_all_can_be_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
