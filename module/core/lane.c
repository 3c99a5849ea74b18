/*
 * lane.c - the state of one relay: may it be used now, by how many
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/lane.h"

#include <stdio.h>

const char *tp_lane_state_name(enum tp_lane_state state)
{
	switch (state) {
	case TP_LANE_READY:
		return "ready";
	case TP_LANE_PAUSED:
		return "paused";
	case TP_LANE_HELD:
		return "held";
	}
	return "unknown";
}

void tp_lane_init(struct tp_lane *lane, int limit)
{
	*lane = (struct tp_lane) {
		.state = TP_LANE_READY,
		.limit = limit > 0 ? limit : 1,
		.allowed = 1,
	};
}

int tp_lane_allowed(const struct tp_lane *lane, int64_t now_ms)
{
	if (lane->state == TP_LANE_READY)
		return lane->allowed < lane->limit ? lane->allowed
						   : lane->limit;
	return now_ms >= lane->retry_ms ? 1 : 0;
}

void tp_lane_success(struct tp_lane *lane)
{
	lane->failures = 0;
	lane->retry_ms = 0;
	lane->reason[0] = '\0';
	if (lane->state == TP_LANE_READY && lane->allowed < lane->limit)
		lane->allowed *= 2;
	lane->state = TP_LANE_READY;
	if (lane->allowed > lane->limit)
		lane->allowed = lane->limit;
}

static enum tp_lane_state state_after(const struct tp_verdict *verdict)
{
	switch (verdict->cls) {
	case TP_CLASS_CREDENTIALS:
	case TP_CLASS_SENDER:
	case TP_CLASS_CONFIG:
		return TP_LANE_HELD;
	default:
		return TP_LANE_PAUSED;
	}
}

int tp_lane_failure(struct tp_lane *lane,
	const struct tp_retry_schedule *schedule,
	const struct tp_verdict *verdict, const char *reason, int64_t now_ms,
	uint64_t random)
{
	enum tp_lane_state before = lane->state;
	int64_t delay_ms;

	lane->epoch++;
	if (lane->failures < INT32_MAX)
		lane->failures++;
	delay_ms = tp_retry_delay_ms(schedule, verdict, lane->failures, random);
	lane->state = state_after(verdict);
	if (lane->state == TP_LANE_HELD && delay_ms < schedule->auth_probe_ms)
		delay_ms = schedule->auth_probe_ms;
	lane->retry_ms = now_ms + delay_ms;
	lane->allowed =
		verdict->reduce && lane->allowed > 1 ? lane->allowed / 2 : 1;
	(void)snprintf(lane->reason, sizeof(lane->reason), "%s", reason);
	return lane->state != before;
}

void tp_lane_kick(struct tp_lane *lane)
{
	if (lane->state != TP_LANE_READY)
		lane->retry_ms = 0;
}
