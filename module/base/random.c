/*
 * random.c - random bytes and queue ids
 *
 * SPDX-License-Identifier: MIT
 */
#include "random.h"

#include "clock.h"
#include "err.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int tp_random_bytes(void *out, size_t bytes)
{
	char *at = out;

	while (bytes > 0) {
		ssize_t got = getrandom(at, bytes, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return TP_EIO;
		at += got;
		bytes -= (size_t)got;
	}
	return TP_OK;
}

uint64_t tp_random_below(uint64_t bound)
{
	uint64_t value;

	if (tp_random_bytes(&value, sizeof(value)) < 0)
		value = (uint64_t)tp_mono_us();
	return value % bound;
}

/* 90 bits are spelled: two zero bits, 48 bits of time, 40 random bits. */
int tp_queue_id(int64_t epoch_ms, char out[TP_QUEUE_ID_BYTES])
{
	uint64_t time_bits = (uint64_t)epoch_ms & 0xffffffffffffU;
	uint64_t random_bits = 0;
	int i;

	if (tp_random_bytes(&random_bits, 5) < 0)
		return TP_EIO;
	for (i = 0; i < 10; i++)
		out[i] = alphabet[(time_bits >> (45 - 5 * i)) & 31];
	for (i = 0; i < 8; i++)
		out[10 + i] = alphabet[(random_bits >> (35 - 5 * i)) & 31];
	out[TP_QUEUE_ID_CHARS] = '\0';
	return TP_OK;
}

int tp_queue_id_valid(const char *str)
{
	return strlen(str) == TP_QUEUE_ID_CHARS &&
	       strspn(str, alphabet) == TP_QUEUE_ID_CHARS;
}

int64_t tp_queue_id_ms(const char *queue_id)
{
	int64_t epoch_ms = 0;
	int i;

	for (i = 0; i < 10; i++) {
		const char *digit = strchr(alphabet, queue_id[i]);

		epoch_ms = epoch_ms * 32 + (digit ? digit - alphabet : 0);
	}
	return epoch_ms;
}
