/*
 * cmd_secret.c - tillpost secret set: a password or token into its file
 *
 * JOB     Takes a secret hidden from a terminal, or from standard input, and
 *         gives it a file for the daemon's user alone. Root becomes that user
 *         first, so no link that he could lay leads root anywhere; the file
 *         of before is there until the new one takes its name.
 * SPDX-License-Identifier: MIT
 */
#include "cli/become.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/input.h"
#include "cli/places.h"
#include "cli/signals.h"

#include "common/report.h"
#include "common/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char help[] =
	"Usage: tillpost secret set NAME|PATH [OPTION...]\n"
	"Reads a password or token, hidden on a terminal or from standard "
	"input, and puts\nit into the file NAME in secrets/ beside the "
	"configuration, or into PATH (which\nbegins with \"/\"), for the "
	"daemon's user alone. A file that is there is replaced\nat once, as a "
	"whole.\n\n"
	"      --user NAME    whose it is (default: the directory's owner)\n"
	"  -c, --config FILE  the configuration (default " TP_CLI_DEFAULT_CONFIG
	")\n"
	"  -h, --help         this text\n";

struct secret {
	const char *config_path;
	const char *user;	  /* --user */
	int named;		  /* NAME, not PATH */
	char directory[PATH_MAX]; /* of the file */
	char path[PATH_MAX];
	struct tp_user owner;
	struct tp_input input;
};

/* ---- where -------------------------------------------------------------- */

static int find_named(struct secret *secret, const char *name)
{
	char beside[PATH_MAX];
	struct tillpost_error err;

	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/'))
		return tp_cli_misused("secret", name,
			"is no name of a file; a path begins with \"/\"");
	if (tp_directory_of(secret->config_path, beside, sizeof(beside), &err) <
		0)
		return tp_cli_fail(&err);
	if (snprintf(secret->directory, sizeof(secret->directory),
		    "%s/" TP_FILES_SECRETS, beside) >= PATH_MAX - 300 ||
		snprintf(secret->path, sizeof(secret->path), "%s/%s",
			secret->directory, name) >= PATH_MAX - 32)
		return tp_cli_misused("secret", name, "the path is too long");
	secret->named = 1;
	return TP_CLI_GO_ON;
}

static int find_path(struct secret *secret, const char *path)
{
	struct tillpost_error err;

	if (strlen(path) >= PATH_MAX - 32)
		return tp_cli_misused("secret", path, "the path is too long");
	if (path[strlen(path) - 1] == '/')
		return tp_cli_misused("secret", path, "is a directory");
	(void)snprintf(secret->path, sizeof(secret->path), "%s", path);
	if (tp_directory_of(path, secret->directory, sizeof(secret->directory),
		    &err) < 0)
		return tp_cli_fail(&err);
	return TP_CLI_GO_ON;
}

/* Others must not be able to put a file of theirs in its place. */
static int check_directory(const struct secret *secret)
{
	const char *directory = secret->directory;
	struct tillpost_error err;
	struct stat st;
	int made;

	if (secret->named) {
		if (tp_files_secrets_directory(directory, &made, &err) < 0)
			return tp_cli_fail(&err);
	} else if (stat(directory, &st) != 0) {
		(void)tp_files_failed(&err, directory, "cannot be used");
		return tp_cli_fail(&err);
	} else if (st.st_uid != geteuid() ||
		   (st.st_mode & (S_IWGRP | S_IWOTH))) {
		tp_report(TP_CLI_PROGRAM, directory,
			"must belong to %s, and nobody else may write to it; "
			"name another user with --user",
			secret->owner.name);
		return EX_NOPERM;
	}
	if (geteuid() != 0 || tp_places_are_roots(directory))
		return TP_CLI_GO_ON;
	tp_report(TP_CLI_PROGRAM, directory,
		"is reached through a directory of another user, who could "
		"lead root elsewhere; name that user with --user");
	return EX_NOPERM;
}

/* The directory of the configuration and that of its secrets. */
static int make_directories(const struct secret *secret)
{
	char beside[PATH_MAX];
	struct tillpost_error err;
	int rc;

	if (!secret->named)
		return TP_CLI_GO_ON;
	if (tp_directory_of(secret->config_path, beside, sizeof(beside), &err) <
		0)
		return tp_cli_fail(&err);
	rc = tp_places_make_directory(beside, 0755, &secret->owner);
	return rc == TP_CLI_GO_ON ? tp_places_make_directory(secret->directory,
					    0700, &secret->owner)
				  : rc;
}

static int prepare(struct secret *secret, const char *where)
{
	struct tillpost_error err;
	int rc = where[0] == '/' ? find_path(secret, where)
				 : find_named(secret, where);

	if (rc != TP_CLI_GO_ON)
		return rc;
	/* What is in root's directories stays root's: systemd lends it. */
	if (geteuid() == 0 && !secret->user && !secret->named &&
		tp_places_are_roots(secret->directory))
		secret->user = "0";
	if (tp_become_choose(secret->named ? secret->config_path : secret->path,
		    secret->user, &secret->owner, &err) < 0)
		return tp_cli_fail(&err);
	rc = make_directories(secret);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (tp_become(&secret->owner, &err) < 0)
		return tp_cli_fail(&err);
	/* What root has left to its owner. */
	rc = make_directories(secret);
	return rc == TP_CLI_GO_ON ? check_directory(secret) : rc;
}

/* ---- the file ----------------------------------------------------------- */

static int read_secret(struct secret *secret)
{
	struct tillpost_error err;

	if (tp_input_value(
		    "Password or token (not shown)", &secret->input, &err) < 0)
		return tp_cli_fail(&err);
	if (secret->input.len == 0)
		return tp_cli_misused(
			"secret", "standard input", "there is no secret");
	return TP_CLI_GO_ON;
}

static int32_t replace(const struct secret *secret, struct tillpost_error *err)
{
	char next[PATH_MAX + 32];
	int32_t rc;

	(void)snprintf(next, sizeof(next), "%s/.secret-%ld", secret->directory,
		(long)getpid());
	rc = tp_files_write(
		next, 0600, secret->input.data, secret->input.len, err);
	if (rc < 0)
		return rc;
	if (rename(next, secret->path) != 0) {
		rc = tp_files_failed(err, secret->path, "cannot be made");
		(void)unlink(next);
		return rc;
	}
	return tp_files_sync_directory(secret->directory, err);
}

static int put_in_place(const struct secret *secret)
{
	struct tillpost_error err;
	sigset_t before;
	int32_t rc;

	tp_signals_hold(&before);
	rc = replace(secret, &err);
	tp_signals_release(&before);
	return rc < 0 ? tp_cli_fail(&err) : TP_CLI_GO_ON;
}

static void say_next(const struct secret *secret)
{
	char full[PATH_MAX];
	int usual = strcmp(secret->config_path, TP_CLI_DEFAULT_CONFIG) == 0;

	if (!realpath(secret->path, full))
		(void)snprintf(full, sizeof(full), "%s", secret->path);
	(void)fputs("Written, for the user ", stdout);
	tp_text_put(stdout, secret->owner.name);
	(void)fputs(" alone: ", stdout);
	tp_text_put(stdout, full);
	(void)fputs("\nNext: the relay names it in its settings\n"
		    "    password_file = \"",
		stdout);
	tp_text_put(stdout, full);
	(void)fputs("\";      (a token: token_file)\n"
		    "    tillpostd --check",
		stdout);
	if (!usual) {
		(void)fputs(" -c ", stdout);
		tp_text_put(stdout, secret->config_path);
	}
	(void)fputs(" && systemctl reload tillpostd\n", stdout);
}

int tp_cmd_secret(struct tp_cli *cli, int argc, char **argv)
{
	struct secret secret = { .named = 0 };
	const struct tp_arg args[] = {
		{ .name = "user", .text = &secret.user },
	};
	int rc = tp_cli_parse(cli, args, TP_COUNT(args), help, argc, argv);

	if (rc != TP_CLI_GO_ON)
		return rc;
	/* A secret among the arguments is not repeated in an error. */
	if (cli->operand_count > 2)
		return tp_cli_misused("secret", "set",
			"takes one name; the secret is asked for, or read from "
			"standard input");
	if (cli->operand_count != 2 || strcmp(cli->operands[0], "set") != 0)
		return tp_cli_misused("secret", "", "set, and which file?");
	secret.config_path =
		cli->config_path ? cli->config_path : TP_CLI_DEFAULT_CONFIG;
	rc = prepare(&secret, cli->operands[1]);
	if (rc == TP_CLI_GO_ON)
		rc = read_secret(&secret);
	if (rc == TP_CLI_GO_ON)
		rc = put_in_place(&secret);
	tp_input_free(&secret.input);
	if (rc != TP_CLI_GO_ON)
		return rc;
	say_next(&secret);
	return EX_OK;
}
