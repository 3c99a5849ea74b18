/*
 * secret.h - passwords and tokens
 *
 * JOB     The only type that holds a credential. It is wiped when destroyed
 *         and has no printing function; the bytes are reached by a call whose
 *         name a reviewer can search for.
 * LAYER   base; libc only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_SECRET_H
#define TP_BASE_SECRET_H

#include <stddef.h>

struct tp_secret;

/* Copies LEN bytes. NULL if out of memory. @owns the caller. */
struct tp_secret *tp_secret_new(const char *bytes, size_t len);
/* NULL stays NULL; NULL if out of memory. */
struct tp_secret *tp_secret_copy(const struct tp_secret *secret);
/* NULL-safe; sets *secret to NULL. */
void tp_secret_destroy(struct tp_secret **secret);
/* The bytes, followed by a NUL. Borrowed; do not log, do not copy into
 * anything that is not wiped. NULL gives "" and 0. */
const char *tp_secret_reveal(const struct tp_secret *secret, size_t *len_out);

#endif
