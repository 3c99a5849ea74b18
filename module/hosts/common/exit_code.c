/*
 * exit_code.c - the one mapping from status codes to exit codes
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/exit_code.h"

#include <tillpost/abi.h>

#include <stddef.h>
#include <sysexits.h>

struct mapping {
	int32_t status;
	int code;
};

static const struct mapping mappings[] = {
	{ TILLPOST_ENOMEM, EX_TEMPFAIL },
	{ TILLPOST_EINVAL, EX_USAGE },
	{ TILLPOST_EIO, EX_IOERR },
	{ TILLPOST_ECONFIG, EX_CONFIG },
	{ TILLPOST_EMESSAGE, EX_DATAERR },
	{ TILLPOST_EADDRESS, EX_DATAERR },
	{ TILLPOST_ETOOBIG, EX_DATAERR },
	{ TILLPOST_ENOSPC, EX_TEMPFAIL },
	{ TILLPOST_EQUEUE, EX_UNAVAILABLE },
	{ TILLPOST_EBUSY, EX_TEMPFAIL },
	{ TILLPOST_ENOTFOUND, EX_NOINPUT },
	{ TILLPOST_EPERM, EX_NOPERM },
	{ TILLPOST_ELOCKED, EX_NOPERM },
	{ TILLPOST_ECONNECT, EX_UNAVAILABLE },
	{ TILLPOST_ETLS, EX_PROTOCOL },
	{ TILLPOST_EAUTH, EX_NOPERM },
	{ TILLPOST_EPROTO, EX_PROTOCOL },
	{ TILLPOST_ETIMEOUT, EX_TEMPFAIL },
	{ TILLPOST_EUNSUPPORTED, EX_UNAVAILABLE },
	{ TILLPOST_ECLOSED, EX_TEMPFAIL },
	{ TILLPOST_ESTATE, EX_TEMPFAIL },
	{ TILLPOST_EUNCERTAIN, EX_TEMPFAIL },
};

int tp_exit_code(int32_t status)
{
	size_t i;

	if (status >= 0)
		return EX_OK;
	for (i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++)
		if (mappings[i].status == status)
			return mappings[i].code;
	return EX_SOFTWARE;
}
