/*
 * clock.h - time, injectable
 *
 * JOB     Wall time for what is stored and shown, monotonic time for
 *         deadlines and durations. Tests and hosts may bring their own wall
 *         clock; deadlines always use the machine's monotonic clock.
 * LAYER   base; libc only.
 * THREADS safe if the given function is.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_CLOCK_H
#define TP_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct tp_clock {
	void *ctx;
	int64_t (*now_ms)(void *ctx); /* Unix epoch, milliseconds */
};

/* The machine's clock. */
extern const struct tp_clock tp_clock_system;

/* @return Unix epoch milliseconds; a NULL clock is the machine's */
int64_t tp_now_ms(const struct tp_clock *clock);

/* @return monotonic milliseconds / microseconds, origin unspecified */
int64_t tp_mono_ms(void);
int64_t tp_mono_us(void);

/* Blocks for about MS milliseconds; a signal may end it earlier. */
void tp_sleep_ms(int64_t ms);

/* Monotonic deadline DELAY_MS from now, saturating. */
int64_t tp_deadline_ms(int64_t delay_ms);

/* @return milliseconds left until a tp_deadline_ms() value, 0 if passed,
 *         at most INT_MAX: fit for poll(2) */
int tp_deadline_left_ms(int64_t deadline_mono_ms);

/* A timespec on CLOCK_MONOTONIC for pthread_cond_timedwait. */
struct timespec tp_deadline_timespec(int64_t deadline_mono_ms);

#define TP_RFC3339_BYTES 36
/* "2026-11-21T18:33:29.123Z"; OUT has TP_RFC3339_BYTES bytes. */
void tp_format_rfc3339(int64_t epoch_ms, char *out);

#define TP_RFC5322_DATE_BYTES 48
/* "Sat, 21 Nov 2026 18:33:29 +0000" (RFC 5322 3.3), always UTC. */
void tp_format_rfc5322(int64_t epoch_ms, char *out);

#endif
