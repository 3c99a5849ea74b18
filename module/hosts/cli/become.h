/*
 * become.h - acting as the user whose files they are
 *
 * JOB     Root finds out who is to own the configuration, and becomes that
 *         user for good, before anything is read, written or sent: what that
 *         user may not do is then found at once, and no link that he could
 *         lay leads root anywhere.
 * LAYER   hosts; libc.
 * THREADS main() only, before other threads start.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_BECOME_H
#define TP_HOSTS_CLI_BECOME_H

#include <tillpost/abi.h>

#include <sys/types.h>

#define TP_BECOME_SYSTEM_USER "tillpost"

struct tp_user {
	uid_t uid;
	gid_t gid;
	int named;     /* 1: there is an entry for him */
	char name[64]; /* the number, if there is none */
};

/* Whose installation CONFIG_PATH is: USER (name or number) if given; the
 * owner of its directory, if that is not root; for root the system user, if
 * there is one; else the caller.
 * @return 0, or TILLPOST_EINVAL: no such user */
int32_t tp_become_choose(const char *config_path, const char *user,
	struct tp_user *user_out, struct tillpost_error *err);

/* @return 0, or TILLPOST_EPERM: only root can become somebody else */
int32_t tp_become(const struct tp_user *user, struct tillpost_error *err);

/* The directory part of PATH; "." if there is none.
 * @return 0 or TILLPOST_EINVAL: too long */
int32_t tp_directory_of(
	const char *path, char *out, size_t size, struct tillpost_error *err);

#endif
