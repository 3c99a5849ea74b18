/*
 * places.c - where the files of a configuration are, and whose
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/places.h"

#include "cli/cli.h"
#include "cli/files.h"

#include "common/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Below --state-dir */
#define QUEUE "/queue"
#define SPOOL "/spool"

#define LINKS_MAX 40 /* as the kernel */

struct place {
	const char *path;
	mode_t mode;
};

int tp_places_is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int tp_places_find(struct tp_places *places)
{
	struct tillpost_error err;

	places->exists = tp_places_is_there(places->config_path);
	if (tp_directory_of(places->config_path, places->directory,
		    sizeof(places->directory), &err) < 0 ||
		tp_become_choose(places->config_path, places->user,
			&places->owner, &err) < 0)
		return tp_cli_fail(&err);
	if (places->state_dir &&
		(places->state_dir[0] != '/' ||
			strlen(places->state_dir) >= PATH_MAX - 64))
		return tp_cli_misused(places->command, "--state-dir",
			"must be an absolute path, and not too long");
	return TP_CLI_GO_ON;
}

/* ---- whose -------------------------------------------------------------- */

static int walk(const char *path, int links);

/* @param link an absolute path */
static int walk_link(const char *link, int links)
{
	char next[2 * PATH_MAX];
	char target[PATH_MAX];
	ssize_t len = readlink(link, target, sizeof(target) - 1);
	int beside;

	if (len <= 0 || links >= LINKS_MAX)
		return 0;
	target[len] = '\0';
	beside = target[0] == '/' ? 0 : (int)(strrchr(link, '/') - link + 1);
	(void)snprintf(next, sizeof(next), "%.*s%s", beside, link, target);
	return walk(next, links + 1);
}

static int is_roots(const char *path, int links)
{
	struct stat st;

	if (lstat(path, &st) != 0 || st.st_uid != 0)
		return 0;
	if (S_ISLNK(st.st_mode))
		return walk_link(path, links);
	return !S_ISDIR(st.st_mode) || (st.st_mode & S_ISVTX) ||
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* Each part of PATH, from the root on; LINKS were followed by now. */
static int walk(const char *path, int links)
{
	char part[PATH_MAX];
	size_t len = 0;

	do {
		len += strspn(path + len, "/");
		len += strcspn(path + len, "/");
		if (len >= sizeof(part))
			return 0;
		(void)snprintf(part, sizeof(part), "%.*s", (int)len, path);
		if (!is_roots(part, links))
			return 0;
	} while (path[len] != '\0');
	return 1;
}

int tp_places_are_roots(const char *path)
{
	char full[2 * PATH_MAX];
	char here[PATH_MAX];

	if (path[0] == '/')
		return walk(path, 0);
	if (!getcwd(here, sizeof(here)))
		return 0;
	(void)snprintf(full, sizeof(full), "%s/%s", here, path);
	return walk(full, 0);
}

/* ---- making ------------------------------------------------------------- */

/* Nobody but root can lay a link on the way to PATH, nor in its parent. */
static int parent_is_roots(const char *path)
{
	char parent[PATH_MAX];
	struct tillpost_error err;

	return tp_directory_of(path, parent, sizeof(parent), &err) >= 0 &&
	       tp_places_are_roots(parent);
}

static int cannot(const char *path, const char *what)
{
	struct tillpost_error err;

	(void)tp_files_failed(&err, path, what);
	return tp_cli_fail(&err);
}

int tp_places_make_directory(
	const char *path, mode_t mode, const struct tp_user *owner)
{
	if (tp_places_is_there(path))
		return TP_CLI_GO_ON;
	/* Made there by its owner, later: root does not work in the
	 * directories of others. */
	if (geteuid() == 0 && owner->uid != 0 && !parent_is_roots(path))
		return TP_CLI_GO_ON;
	if (mkdir(path, mode) != 0 || chmod(path, mode) != 0)
		return cannot(path, "cannot make the directory");
	if (geteuid() == 0 && owner->uid != 0 &&
		lchown(path, owner->uid, owner->gid) != 0)
		return cannot(path, "cannot give the directory away");
	return TP_CLI_GO_ON;
}

static int make_all(const struct place *list, const struct tp_user *owner)
{
	int rc = TP_CLI_GO_ON;

	for (; list->path && rc == TP_CLI_GO_ON; list++)
		rc = tp_places_make_directory(list->path, list->mode, owner);
	return rc;
}

static int make_missing(const struct tp_places *places)
{
	char queue[PATH_MAX];
	char spool[PATH_MAX];
	/* The configuration may be below the state, as in a test. */
	const struct place given[] = { { places->state_dir, 0755 },
		{ queue, 0700 }, { spool, 0755 }, { places->directory, 0755 },
		{ NULL, 0 } };
	const struct place usual[] = { { places->directory, 0755 },
		{ "/var/lib/tillpost", 0700 }, { "/var/log/tillpost", 0750 },
		{ "/var/spool/tillpost", 0755 }, { NULL, 0 } };
	const struct place own[] = { { places->directory, 0755 }, { NULL, 0 } };

	if (!places->state_dir)
		return make_all(places->exists || geteuid() != 0 ? own : usual,
			&places->owner);
	(void)snprintf(queue, sizeof(queue), "%s" QUEUE, places->state_dir);
	(void)snprintf(spool, sizeof(spool), "%s" SPOOL, places->state_dir);
	return make_all(given, &places->owner);
}

static int check_directory(const struct tp_places *places)
{
	const char *owner = places->owner.name;
	struct stat st;

	if (stat(places->directory, &st) != 0)
		return cannot(places->directory, "cannot be used");
	if (st.st_uid != places->owner.uid) {
		tp_report(TP_CLI_PROGRAM, places->directory,
			"belongs to user %lu and not to %s, who is to own the "
			"secrets in it; run chown %s on it, or name another "
			"user with --user",
			(unsigned long)st.st_uid, owner, owner);
		return EX_NOPERM;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		tp_report(TP_CLI_PROGRAM, places->directory,
			"can be written by others: run chmod go-w on it");
		return EX_NOPERM;
	}
	return TP_CLI_GO_ON;
}

int tp_places_make(struct tp_places *places)
{
	struct tillpost_error err;
	int rc = TP_CLI_GO_ON;

	if (tp_places_is_there(places->directory))
		rc = check_directory(places);
	if (rc == TP_CLI_GO_ON)
		rc = make_missing(places);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (tp_become(&places->owner, &err) < 0)
		return tp_cli_fail(&err);
	/* What root has left to its owner. */
	rc = make_missing(places);
	return rc == TP_CLI_GO_ON ? check_directory(places) : rc;
}

/* ---- settings ----------------------------------------------------------- */

void tp_places_put(const struct tp_places *places, struct tp_conf_text *text)
{
	static const struct {
		const char *key;
		const char *below;
	} list[] = { { "queue.path", QUEUE "/queue.db" },
		{ "spool.path", SPOOL },
		{ "log.path", QUEUE "/outcome.jsonl" } };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; places->state_dir && i < TP_COUNT(list); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", places->state_dir,
			list[i].below);
		tp_conf_put(text, list[i].key, path, TP_CONF_STRING);
	}
}
