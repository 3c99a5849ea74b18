/*
 * when.h - times and durations as people write and read them
 *
 * LAYER   hosts; libc only.
 * THREADS safe. Local time follows the environment variable TZ.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_WHEN_H
#define TP_HOSTS_WHEN_H

#include <stddef.h>
#include <stdint.h>

/* Now, Unix milliseconds. */
int64_t tp_when_now_ms(void);

/* "500ms", "30s", "5m", "2h", "3d", "1w"; a bare number is seconds.
 * @return 0 and *ms_out >= 0 (at most 100 years), or -1 */
int tp_when_duration(const char *s, int64_t *ms_out);

/* "2026-11-21", "2026-11-21 18:33", "2026-11-21T18:33:29", each local or with
 * "Z" or "+01:00" after a time of day; or a duration, meaning that long ago.
 * @return 0 and Unix milliseconds, or -1 */
int tp_when_time(const char *s, int64_t *ms_out);

#define TP_WHEN_BYTES 40

/* "2026-11-21 18:33:29" in local time; "-" for 0. */
void tp_when_local(int64_t epoch_ms, char out[TP_WHEN_BYTES]);
/* As tp_when_local() with the offset: "2026-11-21T18:33:29+01:00". */
void tp_when_local_full(int64_t epoch_ms, char out[TP_WHEN_BYTES]);
/* "2026-11-21T18:33:29.123Z" for programs, as the outcome log has it. */
void tp_when_utc(int64_t epoch_ms, char out[TP_WHEN_BYTES]);
/* The size of a time span in its largest unit: "45s", "3m", "2h", "5d".
 * Negative spans count as 0. */
void tp_when_span(int64_t ms, char out[TP_WHEN_BYTES]);

#endif
