/*
 * doctor_files.c - owners and modes
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INCOMING_MODE 03733
#define QUARANTINE_MODE 0700
#define AS_USER_BYTES 80

static unsigned int mode_of(const struct stat *st)
{
	return (unsigned int)(st->st_mode & 07777);
}

static int is_ours(const struct tp_doctor *doctor, const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == doctor->owner.uid;
}

/* @return 1 and ST, or 0 after a finding of LEVEL */
static int look(struct tp_doctor *doctor, int level, const char *topic,
	const char *path, struct stat *st)
{
	char reason[128];

	if (stat(path, st) == 0)
		return 1;
	if (strerror_r(errno, reason, sizeof(reason)) != 0)
		reason[0] = '\0';
	tp_find(&doctor->findings, level, topic, "%s: %s", path, reason);
	return 0;
}

/* How root does a thing as the owner of a file, so that no link that he lays
 * in its place leads root anywhere; "" if he is root. */
static const char *as_user(uid_t uid, gid_t gid, char out[AS_USER_BYTES])
{
	out[0] = '\0';
	if (uid != 0)
		(void)snprintf(out, AS_USER_BYTES,
			"setpriv --reuid=%lu --regid=%lu --clear-groups ",
			(unsigned long)uid, (unsigned long)gid);
	return out;
}

static void wrong_owner(struct tp_doctor *doctor, const char *topic,
	const char *path, const struct stat *st, const char *why)
{
	struct stat directory;

	tp_find(&doctor->findings, TP_FIND_ERROR, topic,
		"%s belongs to user %lu, and not to %s", path,
		(unsigned long)st->st_uid, doctor->owner.name);
	tp_find_why(&doctor->findings, "%s", why);
	/* The daemon's own: right as it is, but not for this user. */
	if (stat(doctor->directory, &directory) == 0 &&
		directory.st_uid == st->st_uid)
		tp_find_do(&doctor->findings,
			"run doctor as root, who can look as the daemon's user");
	else
		tp_find_do(&doctor->findings, "chown -h %s %s",
			doctor->owner.name, path);
}

static void wrong_mode(struct tp_doctor *doctor, int level, const char *topic,
	const char *path, const struct stat *st, unsigned int wanted,
	const char *why)
{
	char as[AS_USER_BYTES];

	tp_find(&doctor->findings, level, topic, "%s has mode %04o", path,
		mode_of(st));
	tp_find_why(&doctor->findings, "%s", why);
	tp_find_do(&doctor->findings, "%schmod %04o %s",
		as_user(st->st_uid, st->st_gid, as), wanted, path);
}

/* ---- configuration ------------------------------------------------------ */

/* As mkdtemp() makes it: the directory is not root's, and any other name
 * could be one that a shell takes for more. */
static int is_draft(const char *name)
{
	static const char begin[] = ".setup.";
	const size_t len = sizeof(begin) - 1;

	return strncmp(name, begin, len) == 0 && strlen(name) == len + 6 &&
	       strspn(name + len, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789") == 6;
}

/* What a killed setup leaves may hold a secret. ST is the directory's. */
static void look_for_leftovers(struct tp_doctor *doctor, const struct stat *st)
{
	DIR *dir = opendir(doctor->directory);
	const struct dirent *entry;
	char as[AS_USER_BYTES];

	while (dir && (entry = readdir(dir)) != NULL) {
		if (!is_draft(entry->d_name))
			continue;
		tp_find(&doctor->findings, TP_FIND_WARNING, "configuration",
			"%s/%s was left by a setup that was killed",
			doctor->directory, entry->d_name);
		tp_find_why(&doctor->findings,
			"it may hold a password, though only its owner can "
			"read it");
		tp_find_do(&doctor->findings, "%srm -r %s/%s",
			as_user(st->st_uid, st->st_gid, as), doctor->directory,
			entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
}

void tp_doctor_config_file(struct tp_doctor *doctor)
{
	struct stat st;

	if (!look(doctor, TP_FIND_ERROR, "configuration", doctor->config_path,
		    &st)) {
		tp_find_do(&doctor->findings,
			"run 'tillpost setup', or name the file with -c");
		return;
	}
	if (!is_ours(doctor, &st))
		wrong_owner(doctor, "configuration", doctor->config_path, &st,
			"who owns it decides where the mail goes");
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		wrong_mode(doctor, TP_FIND_ERROR, "configuration",
			doctor->config_path, &st, 0644,
			"who can write it decides where the mail goes");
	if (!look(doctor, TP_FIND_ERROR, "configuration", doctor->directory,
		    &st))
		return;
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX))
		wrong_mode(doctor, TP_FIND_ERROR, "configuration",
			doctor->directory, &st, 0755,
			"others could replace the files in it");
	look_for_leftovers(doctor, &st);
}

/* ---- secrets ------------------------------------------------------------ */

/* A variable or a credential may be the service's alone. */
static void not_here(struct tp_doctor *doctor, const char *relay,
	const char *key, const char *value)
{
	tp_find(&doctor->findings, TP_FIND_WARNING, "secret",
		"%s of relay %s is not to be had here: %s", key, relay, value);
	tp_find_why(&doctor->findings,
		"the service may have it, but no login can be tried");
}

static void check_variable(struct tp_doctor *doctor, const char *relay,
	const char *key, const char *name)
{
	if (getenv(name))
		return;
	not_here(doctor, relay, key, name);
	tp_find_do(&doctor->findings,
		"run it with the variable, as the service has it: systemd-run "
		"--pipe --wait -p EnvironmentFile=FILE tillpost doctor");
}

/* @return 1 after a finding: it is one, and cannot be read */
static int lacks_credential(struct tp_doctor *doctor, const char *relay,
	const char *key, const char *path)
{
	static const char directory[] = "/run/credentials/";

	if (strncmp(path, directory, sizeof(directory) - 1) != 0 ||
		access(path, R_OK) == 0)
		return 0;
	not_here(doctor, relay, key, path);
	tp_find_do(&doctor->findings,
		"run it as root while the service runs: systemd lends it only "
		"then, and only to the service's user");
	return 1;
}

static void check_secret(struct tp_doctor *doctor, const char *path)
{
	struct tillpost_error err;
	struct stat st;
	char directory[PATH_MAX];

	if (!look(doctor, TP_FIND_ERROR, "secret", path, &st)) {
		tp_find_do(&doctor->findings,
			"make it again with 'tillpost setup', or with: "
			"tillpost secret set --user %s %s",
			doctor->owner.name, path);
		return;
	}
	if (!is_ours(doctor, &st))
		wrong_owner(doctor, "secret", path, &st,
			"its owner can read and change the password");
	else if (st.st_mode & 077)
		wrong_mode(doctor, TP_FIND_ERROR, "secret", path, &st, 0600,
			"others may read the password, so tillpost refuses it");
	else if (access(path, R_OK) != 0)
		wrong_owner(doctor, "secret", path, &st,
			"tillpostd, which runs as that user, cannot read it");
	else
		tp_find(&doctor->findings, TP_FIND_OK, "secret",
			"%s can be read by %s only", path, doctor->owner.name);
	if (tp_directory_of(path, directory, sizeof(directory), &err) >= 0 &&
		stat(directory, &st) == 0 &&
		(st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX))
		wrong_mode(doctor, TP_FIND_ERROR, "secret", directory, &st,
			0700, "others could replace the secrets in it");
}

static void check_source(struct tp_doctor *doctor, const char *relay,
	const char *key, int is_variable)
{
	const char *value =
		tp_values_text(&doctor->values, "relays", relay, key);

	if (!value[0])
		return;
	if (is_variable)
		check_variable(doctor, relay, key, value);
	else if (!lacks_credential(doctor, relay, key, value))
		check_secret(doctor, value);
}

void tp_doctor_secrets(struct tp_doctor *doctor)
{
	char relay[TP_VALUES_KEY_BYTES];
	size_t at = 0;

	while (tp_values_next(&doctor->values, "relays", &at, relay)) {
		check_source(doctor, relay, "password_file", 0);
		check_source(doctor, relay, "token_file", 0);
		check_source(doctor, relay, "password_env", 1);
		check_source(doctor, relay, "token_env", 1);
	}
}

/* ---- queue, spool, log -------------------------------------------------- */

void tp_doctor_queue_files(struct tp_doctor *doctor)
{
	const char *path =
		tp_values_text(&doctor->values, "queue", NULL, "path");
	struct stat st;

	if (!path[0] || !look(doctor, TP_FIND_ERROR, "queue", path, &st))
		return;
	if (st.st_uid != doctor->owner.uid)
		wrong_owner(doctor, "queue", path, &st,
			"tillpostd cannot use the queue of somebody else");
	else if (st.st_mode & 077)
		wrong_mode(doctor, TP_FIND_ERROR, "queue", path, &st, 0600,
			"the queue holds customers' mail");
	else
		tp_find(&doctor->findings, TP_FIND_OK, "queue",
			"%s is %s's alone", path, doctor->owner.name);
}

static void check_spool_part(struct tp_doctor *doctor, const char *spool,
	const char *name, unsigned int wanted, const char *why)
{
	char path[PATH_MAX];
	char as[AS_USER_BYTES];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s", spool, name) >=
			(int)sizeof(path) ||
		!look(doctor, TP_FIND_ERROR, "spool", path, &st)) {
		tp_find_why(&doctor->findings,
			"web programs cannot hand mail over without it");
		tp_find_do(&doctor->findings,
			"start tillpostd, which makes it, or run: %smkdir -m "
			"%04o %s/%s",
			as_user(doctor->owner.uid, doctor->owner.gid, as),
			wanted, spool, name);
		return;
	}
	if (st.st_uid != doctor->owner.uid)
		wrong_owner(doctor, "spool", path, &st,
			"tillpostd takes mail only from a spool of its own");
	else if (mode_of(&st) != wanted)
		wrong_mode(
			doctor, TP_FIND_ERROR, "spool", path, &st, wanted, why);
	else
		tp_find(&doctor->findings, TP_FIND_OK, "spool",
			"%s has mode %04o", path, wanted);
}

void tp_doctor_spool(struct tp_doctor *doctor)
{
	const char *path =
		tp_values_text(&doctor->values, "spool", NULL, "path");
	struct stat st;

	if (!path[0])
		return;
	if (stat(path, &st) != 0 && errno == ENOENT) {
		tp_find(&doctor->findings, TP_FIND_WARNING, "spool",
			"%s is not there yet", path);
		tp_find_why(&doctor->findings,
			"web programs cannot hand mail over without it");
		tp_find_do(&doctor->findings,
			"start tillpostd, which makes it, or run: install -d "
			"-o %s -m 0755 %s",
			doctor->owner.name, path);
		return;
	}
	if (!look(doctor, TP_FIND_ERROR, "spool", path, &st))
		return;
	if (!is_ours(doctor, &st))
		wrong_owner(doctor, "spool", path, &st,
			"its owner could replace the spool");
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		wrong_mode(doctor, TP_FIND_ERROR, "spool", path, &st, 0755,
			"others could replace the spool");
	if ((st.st_mode & S_IXOTH) == 0)
		wrong_mode(doctor, TP_FIND_ERROR, "spool", path, &st, 0755,
			"other users' programs cannot reach incoming/ in it");
	check_spool_part(doctor, path, "incoming", INCOMING_MODE,
		"every program may put mail in, and none may list it or touch "
		"the mail of others");
	check_spool_part(doctor, path, "quarantine", QUARANTINE_MODE,
		"it holds customers' mail");
}

void tp_doctor_log(struct tp_doctor *doctor)
{
	const char *path = tp_values_text(&doctor->values, "log", NULL, "path");
	struct stat st;

	if (!path[0] || (stat(path, &st) != 0 && errno == ENOENT))
		return; /* none wanted, or none written yet */
	if (!look(doctor, TP_FIND_ERROR, "log", path, &st))
		return;
	if (access(path, W_OK) != 0)
		wrong_owner(doctor, "log", path, &st,
			"outcomes cannot be written to the log");
	else if (st.st_mode & 007)
		wrong_mode(doctor, TP_FIND_WARNING, "log", path, &st, 0640,
			"it has your customers' addresses, and everybody on "
			"this machine may read it");
	else
		tp_find(&doctor->findings, TP_FIND_OK, "log", "%s", path);
}
