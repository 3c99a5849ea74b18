/*
 * config_owner.c - to whom the files of a configuration may belong
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the directory that holds PATH. @return 0, -1 */
static int stat_directory(const char *path, struct stat *st)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	char name[PATH_MAX] = ".";

	if (len >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (len > 0)
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
	return stat(name, st);
}

uid_t tp_config_user(const char *main_path)
{
	struct stat directory;

	if (geteuid() != 0 || stat_directory(main_path, &directory) < 0)
		return geteuid();
	return directory.st_uid;
}

int tp_config_owner_fits(const char *main_path, uid_t owner)
{
	return owner == 0 || owner == geteuid() ||
	       owner == tp_config_user(main_path);
}

int tp_config_check_owner(const char *main_path,
	const struct tp_config_text_file *file, struct tp_error *err)
{
	struct stat directory;

	if (tp_config_owner_fits(main_path, file->owner))
		return TP_OK;
	/* The daemon's own: right as it is, but not for this user. */
	if (geteuid() != 0 && stat_directory(main_path, &directory) == 0 &&
		directory.st_uid == file->owner)
		return tp_fail(err, TP_EPERM, tp_config_where_tail(file->path),
			"is for user %lu, to whom its directory belongs: run "
			"this as root, or as that user",
			(unsigned long)file->owner);
	return tp_fail(err, TP_EPERM, tp_config_where_tail(file->path),
		"belongs to user %lu: it must belong to root or to the user "
		"who reads it; run chown %lu",
		(unsigned long)file->owner,
		(unsigned long)tp_config_user(main_path));
}

int tp_config_hand_over(int fd, const char *main_path)
{
	struct stat st;
	struct stat directory;

	if (geteuid() != 0)
		return 0;
	if (stat(main_path, &st) < 0 ||
		stat_directory(main_path, &directory) < 0)
		return -1;
	if (st.st_uid == 0 && directory.st_uid != 0)
		st = directory;
	return fchown(fd, st.st_uid, st.st_gid);
}
