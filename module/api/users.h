/*
 * users.h - names of the system's users
 *
 * JOB     A user may be listed in stores.*.users by name; who submits is known
 *         by number. The name is looked up only where it decides.
 * LAYER   api; libc.
 * THREADS tp_user_name_find: any. A struct tp_user_names belongs to one thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_USERS_H
#define TP_API_USERS_H

#include "base/err.h"
#include "core/route.h"

#include <stdint.h>
#include <sys/types.h>

#define TP_USER_NAME_BYTES 256

struct tp_user_name {
	uid_t uid;
	char name[TP_USER_NAME_BYTES]; /* "": the system knows no name */
};

/* @return 0, also for a user without a name; TP_EIO: the system cannot say */
int tp_user_name_find(uid_t uid, struct tp_user_name *name_out,
	struct tp_error *err) TP_USE_RESULT;
/* Borrows from NAME. */
struct tp_user tp_user_of(const struct tp_user_name *name);

/* Remembers names for a minute, and for seconds that there is none. Zeroes are
 * an empty one. */
#define TP_USER_NAMES_COUNT 16
struct tp_user_names {
	struct {
		int64_t until_mono_ms; /* 0: free */
		struct tp_user_name name;
	} slots[TP_USER_NAMES_COUNT];
};
/* As tp_user_name_find(); *user_out is valid until the next call. */
int tp_user_names_find(struct tp_user_names *names, uid_t uid,
	struct tp_user *user_out, struct tp_error *err) TP_USE_RESULT;

#endif
