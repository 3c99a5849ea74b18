/*
 * queue_sqlite_owner.c - which holders of leases are alive
 *
 * Locks of the open file description are used because ordinary POSIX locks
 * are lost when any descriptor of the file is closed anywhere in the process,
 * and do not tell two queues of one process apart.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* F_OFD_SETLK */

#include "adapters/queue_sqlite_owner.h"

#include "adapters/queue_sqlite_file.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SLOT_MAX 4095
#define TOKEN_BYTES ((off_t)sizeof(int64_t))

static struct flock slot_lock(int64_t slot)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)slot,
		.l_len = 1,
	};

	return lock;
}

static int new_token(int64_t *token_out, struct tp_error *err)
{
	*token_out = 0;
	while (*token_out == 0)
		if (tp_random_bytes(token_out, sizeof(*token_out)) < 0)
			return tp_fail_errno(
				err, TP_EIO, "queue", "no random numbers");
	return TP_OK;
}

static int take_slot(
	struct tp_queue_owner *owner, const char *path, struct tp_error *err)
{
	int64_t slot;

	for (slot = 1; slot <= SLOT_MAX; slot++) {
		struct flock lock = slot_lock(slot);

		if (fcntl(owner->fd, F_OFD_SETLK, &lock) == 0) {
			owner->slot = slot;
			return TP_OK;
		}
		if (errno != EAGAIN && errno != EACCES)
			return tp_fail_errno(
				err, TP_EIO, path, "cannot lock the file");
	}
	return tp_fail(err, TP_EBUSY, path,
		"the queue is open %d times already", SLOT_MAX);
}

int tp_queue_owner_open(
	struct tp_queue_owner *owner, const char *path, struct tp_error *err)
{
	int rc = new_token(&owner->token, err);

	if (rc < 0)
		return rc;
	rc = tp_queue_file_open(path, err);
	if (rc < 0)
		return rc;
	owner->fd = rc;
	rc = take_slot(owner, path, err);
	if (rc >= 0 && pwrite(owner->fd, &owner->token, sizeof(owner->token),
			       (off_t)owner->slot * TOKEN_BYTES) !=
			       (ssize_t)sizeof(owner->token))
		rc = tp_fail_errno(err, TP_EIO, path, "cannot write the file");
	if (rc < 0)
		tp_queue_owner_close(owner);
	return rc;
}

int tp_queue_owner_alive(
	const struct tp_queue_owner *owner, int64_t slot, int64_t token)
{
	struct flock lock = slot_lock(slot);
	int64_t holder = 0;

	/* A lock does not stand in the way of its own description. */
	if (slot == owner->slot)
		return token == owner->token;
	if (slot < 1 || slot > SLOT_MAX)
		return 0;
	if (fcntl(owner->fd, F_OFD_GETLK, &lock) < 0)
		return 1;
	if (lock.l_type == F_UNLCK)
		return 0;
	if (pread(owner->fd, &holder, sizeof(holder),
		    (off_t)slot * TOKEN_BYTES) != (ssize_t)sizeof(holder))
		return 1;
	return holder == token;
}

void tp_queue_owner_close(struct tp_queue_owner *owner)
{
	if (owner->fd >= 0)
		(void)close(owner->fd);
	owner->fd = -1;
	owner->slot = 0;
}
