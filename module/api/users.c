/*
 * users.c - names of the system's users
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/users.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#define REMEMBER_MS 60000
/* What the system does not know it may just not know now. */
#define REMEMBER_NONE_MS 5000
#define ENTRY_FIRST_BYTES 1024
#define ENTRY_MAX_BYTES (1u << 20)

/* getpwuid_r() says "no such user" in any of these ways. */
static int means_unknown(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH ||
	       error == EBADF || error == EPERM;
}

/* @return 0, or the errno of getpwuid_r() */
static int look_up(uid_t uid, struct tp_user_name *name_out)
{
	struct passwd entry;
	struct passwd *found = NULL;
	size_t bytes = ENTRY_FIRST_BYTES;
	int error = ERANGE;

	while (error == ERANGE && bytes <= ENTRY_MAX_BYTES) {
		char *room = tp_alloc(bytes);

		if (!room)
			return ENOMEM;
		error = getpwuid_r(uid, &entry, room, bytes, &found);
		if (error == 0 && found)
			(void)snprintf(name_out->name, sizeof(name_out->name),
				"%s", found->pw_name);
		tp_free(room);
		bytes *= 4;
	}
	return error;
}

int tp_user_name_find(
	uid_t uid, struct tp_user_name *name_out, struct tp_error *err)
{
	int error;

	*name_out = (struct tp_user_name) { .uid = uid };
	error = look_up(uid, name_out);
	if (means_unknown(error))
		return TP_OK;
	errno = error;
	return tp_fail_errno(err, TP_EIO, "user",
		"the system cannot say who user %lu is", (unsigned long)uid);
}

struct tp_user tp_user_of(const struct tp_user_name *name)
{
	struct tp_user user = {
		.uid = (uint32_t)name->uid,
		.name = name->name[0] ? name->name : NULL,
	};

	return user;
}

int tp_user_names_find(struct tp_user_names *names, uid_t uid,
	struct tp_user *user_out, struct tp_error *err)
{
	struct tp_user_name *name =
		&names->slots[uid % TP_USER_NAMES_COUNT].name;
	int64_t *until_mono_ms =
		&names->slots[uid % TP_USER_NAMES_COUNT].until_mono_ms;
	int rc;

	if (name->uid != uid || tp_deadline_left_ms(*until_mono_ms) == 0) {
		*until_mono_ms = 0;
		rc = tp_user_name_find(uid, name, err);
		if (rc < 0)
			return rc;
		*until_mono_ms = tp_deadline_ms(
			name->name[0] ? REMEMBER_MS : REMEMBER_NONE_MS);
	}
	*user_out = tp_user_of(name);
	return TP_OK;
}
