/*
 * config_fixture.h - a directory with configuration files for a test
 *
 * JOB     Makes a private directory, writes files into it, loads what is in
 *         it and keeps the findings as lines "where: text" ("warning " in
 *         front of warnings), with the directory's name cut off.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_TESTS_CONFIG_FIXTURE_H
#define TP_TESTS_CONFIG_FIXTURE_H

#include "adapters/config_file.h"
#include "base/buf.h"

#include <sys/types.h>

struct config_fixture {
	char directory[64];
	char main_path[128];
	struct tp_buf findings;
	struct tp_config *config; /* of the last load; NULL if it failed */
	struct tp_error err;
	struct tp_config_source source;
};

/* cmocka setup and teardown; *state is the fixture. */
int config_fixture_setup(void **state);
int config_fixture_teardown(void **state);

/* Path of NAME in the directory; OUT has 256 bytes. */
void config_fixture_path(
	const struct config_fixture *fixture, const char *name, char *out);
void config_fixture_write(const struct config_fixture *fixture,
	const char *name, mode_t mode, const char *text);
/* The content; the caller frees it with tp_free(). NULL: no such file. */
char *config_fixture_read(
	const struct config_fixture *fixture, const char *name);

/* Loads the main file ("tillpost.conf" unless source.path is changed). */
int config_fixture_load(struct config_fixture *fixture);
/* Writes TEXT as the main file, mode 0600, and loads it. */
int config_fixture_load_text(struct config_fixture *fixture, const char *text);

/* The value of one key as "source where value", with the directory cut off,
 * "*" in front if locked. */
const char *config_fixture_value(
	struct config_fixture *fixture, const char *key);

#endif
