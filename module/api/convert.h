/*
 * convert.h - between the ABI's structs and ours
 *
 * JOB     Reads structs of a host that may be older or newer than this
 *         plugin, writes structs that the host may know only in part, and
 *         turns an error into the host's form.
 * LAYER   api.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_CONVERT_H
#define TP_API_CONVERT_H

#include <tillpost/abi.h>

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Copies what the host filled in; the rest of *TO stays zero. A NULL FROM
 * gives zeroes. */
void tp_abi_read(void *to, size_t to_bytes, const void *from);
#define TP_ABI_READ(to, from) tp_abi_read((to), sizeof(*(to)), (from))

/* Copies as much of *FROM as the host's struct can hold and leaves its
 * struct_size alone. A NULL TO is skipped. */
void tp_abi_write(void *to, const void *from, size_t from_bytes);
#define TP_ABI_WRITE(to, from) tp_abi_write((to), (from), sizeof(*(from)))

/* @return RC, after filling *to (may be NULL) from ERR if RC is negative */
int32_t tp_abi_error(
	struct tillpost_error *to, int rc, const struct tp_error *err);

/* "" for NULL. */
const char *tp_abi_text(const char *text);

#endif
