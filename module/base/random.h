/*
 * random.h - random bytes and queue ids
 *
 * LAYER   base; libc (getrandom).
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_RANDOM_H
#define TP_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills OUT from the kernel's generator. @return 0, or TP_EIO. */
int tp_random_bytes(void *out, size_t bytes);

/* Uniform in 0 .. bound - 1; bound > 0. For jitter, not for secrets: falls
 * back to the clock if the kernel refuses. */
uint64_t tp_random_below(uint64_t bound);

#define TP_QUEUE_ID_CHARS 18
#define TP_QUEUE_ID_BYTES (TP_QUEUE_ID_CHARS + 1)

/* A queue id: 48 bits of EPOCH_MS then 40 random bits, in Crockford base 32
 * (digits and upper-case letters without I, L, O, U). Sorts by time, so the
 * index on it grows at one end.
 * @return 0, or TP_EIO */
int tp_queue_id(int64_t epoch_ms, char out[TP_QUEUE_ID_BYTES]);

/* @return 1 if STR is formed like a queue id, else 0 */
int tp_queue_id_valid(const char *str);

/* @return the time that a valid queue id was made with */
int64_t tp_queue_id_ms(const char *queue_id);

#endif
