/*
 * convert.c - between the ABI's structs and ours
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"

#include <stdio.h>
#include <string.h>

/* The public numbers are the internal ones. */
#define X(name, number, text)                                               \
	_Static_assert(TILLPOST_##name == (number), "abi.h and err_list.h " \
						    "differ in " #name);
#include "base/err_list.h"
TP_ERR_LIST(X)
#undef X

static uint32_t size_of(const void *abi_struct)
{
	uint32_t size;

	memcpy(&size, abi_struct, sizeof(size));
	return size;
}

void tp_abi_read(void *to, size_t to_bytes, const void *from)
{
	uint32_t size = (uint32_t)to_bytes;

	memset(to, 0, to_bytes);
	if (from) {
		size_t known = size_of(from);

		memcpy(to, from, known < to_bytes ? known : to_bytes);
	}
	memcpy(to, &size, sizeof(size));
}

void tp_abi_write(void *to, const void *from, size_t from_bytes)
{
	size_t room;

	if (!to)
		return;
	room = size_of(to);
	if (room > from_bytes)
		room = from_bytes;
	if (room > sizeof(uint32_t))
		memcpy((char *)to + sizeof(uint32_t),
			(const char *)from + sizeof(uint32_t),
			room - sizeof(uint32_t));
}

int32_t tp_abi_error(
	struct tillpost_error *to, int rc, const struct tp_error *err)
{
	struct tillpost_error filled;

	if (rc >= 0 || !to)
		return rc;
	TILLPOST_INIT(&filled);
	filled.status = rc;
	filled.sys_errno = err->sys_errno;
	filled.lib_code = err->lib_code;
	filled.reply_code = err->reply_code;
	(void)snprintf(filled.where, sizeof(filled.where), "%s", err->where);
	(void)snprintf(filled.text, sizeof(filled.text), "%s",
		err->text[0] ? err->text : tp_err_text(rc));
	TP_ABI_WRITE(to, &filled);
	return rc;
}

const char *tp_abi_text(const char *text)
{
	return text ? text : "";
}
