/*
 * retry.h - when to try again
 *
 * JOB     Pure arithmetic: base delay, doubled per attempt, capped, with
 *         jitter; saturating. RFC 5321 4.5.4.1 leaves the strategy open when
 *         the reason of the failure is known.
 * LAYER   core; libc only.
 * THREADS pure functions, any thread.
 * BOUNDS  every result is in range for every input: nothing overflows.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_RETRY_H
#define TP_CORE_RETRY_H

#include "core/policy.h"

#include <stdint.h>

struct tp_retry_schedule {
	int64_t base_ms;       /* first delay, > 0 */
	int64_t cap_ms;	       /* longest delay, >= base_ms */
	int jitter_percent;    /* 0-50: +- this share */
	int64_t unknown_ms;    /* wait after an unknown outcome */
	int unknown_max_count; /* resend after an unknown so often */
	int64_t auth_probe_ms; /* while credentials are refused */
};

/* 0-999,999: from tp_random_below(1000000), or fixed in a test. */
#define TP_RETRY_RANDOM_BOUND 1000000

/* @param attempts failed attempts so far, >= 1
 * @param random   0 - 999,999; spread evenly over +- the jitter
 * @return delay, 0 <= delay <= cap (+ jitter), or verdict.min_delay_ms if
 *         that is longer. After an unknown outcome exactly unknown_ms, while
 *         credentials are refused exactly auth_probe_ms (or min_delay_ms):
 *         these do not grow with the attempts. */
int64_t tp_retry_delay_ms(const struct tp_retry_schedule *schedule,
	const struct tp_verdict *verdict, int attempts, uint64_t random);

/* A next_try that a jump of the clock cannot park: at most now + the longest
 * delay that tp_retry_delay_ms() can give. */
int64_t tp_retry_clamp_ms(const struct tp_retry_schedule *schedule,
	int64_t next_try_ms, int64_t now_ms);

enum tp_retry_decision { TP_RETRY_LATER, TP_RETRY_FAIL, TP_RETRY_HOLD };

/* What happens to a recipient that was not sent.
 *   permanent                    FAIL
 *   lifetime or max_age passed   FAIL, whatever the class
 *   sender, config               HOLD: a person has to change something
 *   credentials                  LATER: the engine stops the relay and probes
 *                                it every auth_probe_ms; messages wait
 *                                uncharged and go when the login works
 *   unknown                      LATER unknown_max_count times, then FAIL
 *   temporary, throttled         LATER
 * SENT is not asked for; it gives HOLD, which neither repeats nor bounces.
 * @param age_ms since acceptance; @param lifetime_left_ms may be negative
 * @param unknown_count how many unknown outcomes it has had, this included */
enum tp_retry_decision tp_retry_decide(const struct tp_retry_schedule *schedule,
	const struct tp_verdict *verdict, int64_t age_ms,
	int64_t lifetime_left_ms, int unknown_count);

#endif
