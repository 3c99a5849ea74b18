/*
 * secret.c - passwords and tokens
 *
 * SPDX-License-Identifier: MIT
 */
#include "secret.h"

#include "mem.h"

#include <stdint.h>
#include <string.h>

struct tp_secret {
	size_t len;
	char bytes[];
};

struct tp_secret *tp_secret_new(const char *bytes, size_t len)
{
	struct tp_secret *secret;

	if (len >= SIZE_MAX - sizeof(*secret))
		return NULL;
	secret = tp_alloc(sizeof(*secret) + len + 1);
	if (!secret)
		return NULL;
	secret->len = len;
	if (len > 0)
		memcpy(secret->bytes, bytes, len);
	return secret;
}

struct tp_secret *tp_secret_copy(const struct tp_secret *secret)
{
	return secret ? tp_secret_new(secret->bytes, secret->len) : NULL;
}

void tp_secret_destroy(struct tp_secret **secret)
{
	if (!*secret)
		return;
	tp_wipe(*secret, sizeof(**secret) + (*secret)->len);
	tp_free(*secret);
	*secret = NULL;
}

const char *tp_secret_reveal(const struct tp_secret *secret, size_t *len_out)
{
	if (len_out)
		*len_out = secret ? secret->len : 0;
	return secret ? secret->bytes : "";
}
