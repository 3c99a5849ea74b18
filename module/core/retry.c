/*
 * retry.c - when to try again
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/retry.h"

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t add(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* base * 2^(attempts - 1), at most cap. Ends after 63 doublings at most. */
static int64_t backoff_ms(
	const struct tp_retry_schedule *schedule, int attempts)
{
	int64_t delay = larger(schedule->base_ms, 1);

	for (; attempts > 1 && delay < schedule->cap_ms; attempts--)
		delay = add(delay, delay);
	return delay < schedule->cap_ms ? delay : larger(schedule->cap_ms, 0);
}

/* The share of DELAY that jitter may add or take away. Divided first: the
 * product could overflow. */
static int64_t jitter_ms(
	const struct tp_retry_schedule *schedule, int64_t delay)
{
	int percent = schedule->jitter_percent;

	if (percent < 0)
		percent = 0;
	if (percent > 50)
		percent = 50;
	return delay / 100 * percent + delay % 100 * percent / 100;
}

static int64_t jittered_ms(const struct tp_retry_schedule *schedule,
	int64_t delay, uint64_t random)
{
	uint64_t bound = TP_RETRY_RANDOM_BOUND;
	uint64_t width = 2 * (uint64_t)jitter_ms(schedule, delay);
	uint64_t offset;

	if (random >= bound)
		random = bound - 1;
	offset = width / bound * random + width % bound * random / bound;
	return add(delay - jitter_ms(schedule, delay), (int64_t)offset);
}

int64_t tp_retry_delay_ms(const struct tp_retry_schedule *schedule,
	const struct tp_verdict *verdict, int attempts, uint64_t random)
{
	int64_t delay;

	if (verdict->cls == TP_CLASS_UNKNOWN)
		delay = schedule->unknown_ms;
	else if (verdict->cls == TP_CLASS_CREDENTIALS)
		delay = schedule->auth_probe_ms;
	else
		delay = jittered_ms(
			schedule, backoff_ms(schedule, attempts), random);
	return larger(larger(delay, verdict->min_delay_ms), 0);
}

int64_t tp_retry_clamp_ms(const struct tp_retry_schedule *schedule,
	int64_t next_try_ms, int64_t now_ms)
{
	int64_t cap = larger(schedule->cap_ms, 0);
	int64_t longest = add(cap, jitter_ms(schedule, cap));
	int64_t latest;

	longest = larger(longest, schedule->unknown_ms);
	longest = larger(longest, schedule->auth_probe_ms);
	longest = larger(longest, TP_POLICY_DELAY_MAX_MS);
	latest = add(now_ms, longest);
	return next_try_ms < latest ? next_try_ms : latest;
}

enum tp_retry_decision tp_retry_decide(const struct tp_retry_schedule *schedule,
	const struct tp_verdict *verdict, int64_t age_ms,
	int64_t lifetime_left_ms, int unknown_count)
{
	if (verdict->cls == TP_CLASS_SENT)
		return TP_RETRY_HOLD;
	if (verdict->cls == TP_CLASS_PERMANENT || lifetime_left_ms <= 0)
		return TP_RETRY_FAIL;
	if (verdict->max_age_ms > 0 && age_ms >= verdict->max_age_ms)
		return TP_RETRY_FAIL;
	switch (verdict->cls) {
	case TP_CLASS_SENDER:
	case TP_CLASS_CONFIG:
		return TP_RETRY_HOLD;
	case TP_CLASS_UNKNOWN:
		return unknown_count > schedule->unknown_max_count
			       ? TP_RETRY_FAIL
			       : TP_RETRY_LATER;
	default:
		return TP_RETRY_LATER;
	}
}
