/*
 * become.c - acting as the user whose files they are
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/become.h"

#include "common/report.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWD_BYTES 4096

int32_t tp_directory_of(
	const char *path, char *out, size_t size, struct tillpost_error *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len + 2 > size)
		return tp_report_set(
			err, TILLPOST_EINVAL, path, "the path is too long");
	if (!slash)
		(void)snprintf(out, size, ".");
	else if (len == 0)
		(void)snprintf(out, size, "/");
	else
		(void)snprintf(out, size, "%.*s", (int)len, path);
	return TILLPOST_OK;
}

static void fill_name(struct tp_user *user, const char *name)
{
	user->named = name != NULL;
	if (name)
		(void)snprintf(user->name, sizeof(user->name), "%s", name);
	else
		(void)snprintf(user->name, sizeof(user->name), "%lu",
			(unsigned long)user->uid);
}

static void by_number(uid_t uid, struct tp_user *user_out)
{
	struct passwd entry;
	struct passwd *found = NULL;
	char room[PASSWD_BYTES];

	(void)getpwuid_r(uid, &entry, room, sizeof(room), &found);
	user_out->uid = uid;
	/* A number without an entry: the group of the same number. */
	user_out->gid = found ? found->pw_gid : (gid_t)uid;
	if (uid == geteuid())
		user_out->gid = getegid();
	fill_name(user_out, found ? found->pw_name : NULL);
}

static int by_name(const char *name, struct tp_user *user_out)
{
	struct passwd entry;
	struct passwd *found = NULL;
	char room[PASSWD_BYTES];

	(void)getpwnam_r(name, &entry, room, sizeof(room), &found);
	if (!found)
		return -1;
	user_out->uid = found->pw_uid;
	user_out->gid = found->pw_gid;
	fill_name(user_out, name);
	return 0;
}

static int32_t named(
	const char *user, struct tp_user *user_out, struct tillpost_error *err)
{
	char *end;
	unsigned long number;

	if (by_name(user, user_out) == 0)
		return TILLPOST_OK;
	errno = 0;
	number = strtoul(user, &end, 10);
	if (user[0] < '0' || user[0] > '9' || *end != '\0' || errno != 0 ||
		number >= UINT_MAX)
		return tp_report_set(err, TILLPOST_EINVAL, "--user",
			"there is no user \"%.60s\"", user);
	by_number((uid_t)number, user_out);
	return TILLPOST_OK;
}

int32_t tp_become_choose(const char *config_path, const char *user,
	struct tp_user *user_out, struct tillpost_error *err)
{
	char directory[PATH_MAX];
	struct stat st;
	int32_t rc =
		tp_directory_of(config_path, directory, sizeof(directory), err);

	if (rc < 0)
		return rc;
	if (user)
		return named(user, user_out, err);
	if (geteuid() != 0)
		by_number(geteuid(), user_out);
	else if (stat(directory, &st) == 0 && st.st_uid != 0)
		by_number(st.st_uid, user_out);
	else if (by_name(TP_BECOME_SYSTEM_USER, user_out) != 0)
		by_number(0, user_out);
	return TILLPOST_OK;
}

int32_t tp_become(const struct tp_user *user, struct tillpost_error *err)
{
	if (geteuid() == user->uid)
		return TILLPOST_OK;
	if (geteuid() != 0)
		return tp_report_set(err, TILLPOST_EPERM, "--user",
			"only root can act as user %s", user->name);
	/* A user without an entry has no groups but his own. */
	if ((user->named ? initgroups(user->name, user->gid)
			 : setgroups(0, NULL)) != 0 ||
		setgid(user->gid) != 0 || setuid(user->uid) != 0)
		return tp_report_set_errno(
			err, TILLPOST_EPERM, "--user", "cannot become him");
	if (setuid(0) == 0)
		return tp_report_set(err, TILLPOST_EPERM, "--user",
			"could become root again");
	return TILLPOST_OK;
}
