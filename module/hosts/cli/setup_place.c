/*
 * setup_place.c - where the files of a first run go, and whose they are
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup.h"

#include "common/exit_code.h"
#include "common/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct place {
	const char *path;
	mode_t mode;
};

static int is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* Nobody but root can lay a link in PATH's parent. */
static int parent_is_roots(const char *path)
{
	char parent[PATH_MAX];
	struct tillpost_error err;
	struct stat st;

	return tp_directory_of(path, parent, sizeof(parent), &err) >= 0 &&
	       stat(parent, &st) == 0 && st.st_uid == 0 &&
	       (!(st.st_mode & (S_IWGRP | S_IWOTH)) || (st.st_mode & S_ISVTX));
}

static int cannot(const char *path, const char *what)
{
	struct tillpost_error err;

	(void)tp_report_set_errno(&err,
		errno == EACCES || errno == EPERM ? TILLPOST_EPERM
						  : TILLPOST_EIO,
		path, what);
	return tp_cli_fail(&err);
}

static int make(const struct place *place, const struct tp_user *owner)
{
	if (is_there(place->path))
		return TP_CLI_GO_ON;
	/* Made there by its owner, later: root does not work in the
	 * directories of others. */
	if (geteuid() == 0 && owner->uid != 0 && !parent_is_roots(place->path))
		return TP_CLI_GO_ON;
	if (mkdir(place->path, place->mode) != 0 ||
		chmod(place->path, place->mode) != 0)
		return cannot(place->path, "cannot make the directory");
	if (geteuid() == 0 && owner->uid != 0 &&
		lchown(place->path, owner->uid, owner->gid) != 0)
		return cannot(place->path, "cannot give the directory away");
	return TP_CLI_GO_ON;
}

static int make_all(
	const struct place *places, size_t count, const struct tp_user *owner)
{
	size_t i;
	int rc = TP_CLI_GO_ON;

	for (i = 0; i < count && rc == TP_CLI_GO_ON; i++)
		if (places[i].path && places[i].path[0])
			rc = make(&places[i], owner);
	return rc;
}

static int fill_state(const struct tp_setup *setup, char queue[PATH_MAX],
	char spool[PATH_MAX])
{
	queue[0] = spool[0] = '\0';
	if (!setup->state_dir)
		return 1;
	if (setup->state_dir[0] != '/')
		return 0;
	return snprintf(queue, PATH_MAX, "%s/queue", setup->state_dir) <
		       PATH_MAX &&
	       snprintf(spool, PATH_MAX, "%s/spool", setup->state_dir) <
		       PATH_MAX;
}

static int make_places(const struct tp_setup *setup)
{
	char queue[PATH_MAX];
	char spool[PATH_MAX];
	/* The configuration may be below the state, as in a test. */
	const struct place given[] = { { setup->state_dir, 0755 },
		{ queue, 0700 }, { spool, 0755 }, { setup->directory, 0755 } };
	const struct place usual[] = { { setup->directory, 0755 },
		{ "/var/lib/tillpost", 0700 }, { "/var/log/tillpost", 0750 },
		{ "/var/spool/tillpost", 0755 } };
	int root = geteuid() == 0;
	int own = setup->state_dir != NULL || !root || setup->exists;
	const struct place *places = own ? given : usual;

	if (!fill_state(setup, queue, spool))
		return tp_cli_misused("setup", "--state-dir",
			"must be an absolute path, and not too long");
	return make_all(places, TP_COUNT(given), &setup->owner);
}

static int check_directory(const struct tp_setup *setup)
{
	struct stat st;

	if (stat(setup->directory, &st) != 0)
		return cannot(setup->directory, "cannot be used");
	if (st.st_uid != geteuid()) {
		tp_report(TP_CLI_PROGRAM, setup->directory,
			"belongs to user %lu and not to %s, who is to own the "
			"secrets in it; run chown %s on it, or name another "
			"user with --user",
			(unsigned long)st.st_uid, setup->owner.name,
			setup->owner.name);
		return EX_NOPERM;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		tp_report(TP_CLI_PROGRAM, setup->directory,
			"can be written by others: run chmod go-w on it");
		return EX_NOPERM;
	}
	return TP_CLI_GO_ON;
}

/* ---- the example of a package ------------------------------------------- */

/* Does LINE say more than a comment, or the beginning or end of a group? A
 * line that is cut short counts as saying something. */
static int is_saying(const char *line, int *depth)
{
	size_t len;

	line += strspn(line, " \t");
	if (!strchr(line, '\n'))
		return 1;
	if (line[0] == '#' || line[0] == '\n')
		return 0;
	if (strcmp(line, "};\n") == 0)
		return --*depth < 0;
	++*depth;
	len = strspn(line, "abcdefghijklmnopqrstuvwxyz");
	return len == 0 || strcmp(line + len, " = {\n") != 0;
}

/* The example, with everything in it as a comment, is there for reading. What
 * is written in another style is not taken for it, so nothing is lost. */
static int says_nothing(const char *path)
{
	char line[512];
	FILE *in = fopen(path, "re");
	int depth = 0;
	int saying = 0;

	if (!in)
		return 0;
	while (!saying && fgets(line, sizeof(line), in))
		saying = is_saying(line, &depth);
	saying |= ferror(in) != 0;
	(void)fclose(in);
	return !saying && depth == 0;
}

static int is_example(const char *config_path)
{
	char managed[PATH_MAX + 16];
	struct stat st;

	tp_setup_managed_path(config_path, managed, sizeof(managed));
	/* A pipe would keep us waiting. */
	return !is_there(managed) && stat(config_path, &st) == 0 &&
	       S_ISREG(st.st_mode) && says_nothing(config_path);
}

int tp_setup_place(struct tp_setup *setup)
{
	struct tillpost_error err;
	int rc;

	setup->config_path = setup->cli->config_path ? setup->cli->config_path
						     : TP_CLI_DEFAULT_CONFIG;
	if (tp_directory_of(setup->config_path, setup->directory,
		    sizeof(setup->directory), &err) < 0 ||
		tp_become_choose(setup->config_path, setup->user, &setup->owner,
			&err) < 0)
		return tp_cli_fail(&err);
	setup->exists = is_there(setup->config_path);
	if (setup->exists && is_example(setup->config_path))
		setup->force = 1;
	if (setup->exists && setup->state_dir && !setup->force)
		return tp_cli_misused("setup", "--state-dir",
			"is for a new configuration; this one exists");
	rc = make_places(setup);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (tp_become(&setup->owner, &err) < 0)
		return tp_cli_fail(&err);
	/* What root has left to its owner. */
	rc = make_places(setup);
	return rc == TP_CLI_GO_ON ? check_directory(setup) : rc;
}
