/*
 * spool_checksum.c - the checksum of spool files: CRC-32 of zlib
 *
 * It finds torn and damaged files. It is no protection against people; that
 * is what owners and modes are for.
 *
 * LAYER   adapters; zlib, and no other file includes it.
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool.h"

#include <zlib.h>

uint32_t tp_spool_checksum(uint32_t checksum, const void *data, size_t len)
{
	if (len == 0)
		return checksum; /* DATA may be NULL, which zlib takes for 0 */
	return (uint32_t)crc32_z(checksum, data, len);
}
