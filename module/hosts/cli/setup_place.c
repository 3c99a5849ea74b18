/*
 * setup_place.c - whether a first run finds a configuration
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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
	return !tp_places_is_there(managed) && stat(config_path, &st) == 0 &&
	       S_ISREG(st.st_mode) && says_nothing(config_path);
}

int tp_setup_place(struct tp_setup *setup)
{
	struct tp_places *places = &setup->places;
	int rc;

	places->command = "setup";
	places->config_path = setup->cli->config_path ? setup->cli->config_path
						      : TP_CLI_DEFAULT_CONFIG;
	rc = tp_places_find(places);
	if (rc != TP_CLI_GO_ON)
		return rc;
	if (places->exists && is_example(places->config_path))
		setup->force = 1;
	if (places->exists && places->state_dir && !setup->force)
		return tp_cli_misused("setup", "--state-dir",
			"is for a new configuration; this one exists");
	return tp_places_make(places);
}
