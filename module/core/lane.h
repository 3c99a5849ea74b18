/*
 * lane.h - the state of one relay: may it be used now, by how many
 *
 * JOB     Pure state machine. Failures of a connection or an account charge
 *         the relay, not its messages: the lane pauses with growing delay,
 *         one probe goes out at its end, and after success the number of
 *         connections grows by doubling from one.
 * LAYER   core; libc only. No clock, no threads: time is an argument.
 * THREADS the caller serialises.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_LANE_H
#define TP_CORE_LANE_H

#include "core/retry.h"

#include <stdint.h>

enum tp_lane_state {
	TP_LANE_READY,
	TP_LANE_PAUSED, /* tried again by itself */
	TP_LANE_HELD	/* credentials or configuration: tried rarely, and a
			 * person should look */
};
const char *tp_lane_state_name(enum tp_lane_state state);

struct tp_lane {
	enum tp_lane_state state;
	int64_t retry_ms; /* Unix epoch: when a paused lane is tried again */
	int failures;	  /* in a row */
	int limit;	  /* connections the relay allows, >= 1 */
	int allowed;	  /* connections allowed now, 1..limit */
	unsigned epoch;	  /* counts failures: a success that began before the
			   * last failure says nothing about now */
	char reason[TP_ERROR_TEXT_BYTES]; /* "" when ready */
};

void tp_lane_init(struct tp_lane *lane, int limit);

/* Connections that may exist now: 0 while paused; 1, the probe, once the
 * pause is over. */
int tp_lane_allowed(const struct tp_lane *lane, int64_t now_ms);

/* A message went through. */
void tp_lane_success(struct tp_lane *lane);

/* A verdict of scope TP_SCOPE_RELAY. @param random see retry.h
 * @return 1 if the lane's state changed: once per outage, not per probe */
int tp_lane_failure(struct tp_lane *lane,
	const struct tp_retry_schedule *schedule,
	const struct tp_verdict *verdict, const char *reason, int64_t now_ms,
	uint64_t random);

/* A person says: try now. */
void tp_lane_kick(struct tp_lane *lane);

#endif
