/*
 * places.h - where the files of a configuration are, and whose
 *
 * JOB     For commands that make a configuration (setup, import): finds out
 *         whose it is to be, makes the directories of configuration, queue,
 *         spool and log that are missing, and becomes that user for good.
 * LAYER   hosts; libc.
 * THREADS main() only, before other threads start.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_PLACES_H
#define TP_HOSTS_CLI_PLACES_H

#include "cli/become.h"
#include "cli/conf_text.h"

#include <limits.h>

struct tp_places {
	const char *command; /* "setup", for messages */
	const char *config_path;
	const char *state_dir;	  /* --state-dir; NULL: the usual places */
	const char *user;	  /* --user; NULL: found out */
	int exists;		  /* the configuration says its places itself */
	char directory[PATH_MAX]; /* of the configuration */
	struct tp_user owner;
};

/* Fills all that is to be filled from config_path, state_dir and user.
 * Changes nothing. @return TP_CLI_GO_ON or an exit code, error printed */
int tp_places_find(struct tp_places *places);

/* Makes what is missing and becomes the owner. Nothing is made if the
 * configuration's directory is not fit for secrets. @return as above */
int tp_places_make(struct tp_places *places);

/* The settings of queue, spool and log, if --state-dir was given. */
void tp_places_put(const struct tp_places *places, struct tp_conf_text *text);

/* One directory, if it is missing. Root makes it where nobody else can lay a
 * link, and leaves it to its owner elsewhere. @return as above */
int tp_places_make_directory(
	const char *path, mode_t mode, const struct tp_user *owner);

int tp_places_is_there(const char *path);

/* Nothing on the way to PATH, links and where they lead included, is in
 * anybody's hands but root's: nobody else can lead us elsewhere. */
int tp_places_are_roots(const char *path);

#endif
