/*
 * config_suite_test.c - every case of tests/suites/config
 *
 * A case is a directory with `in`, a configuration file, and `error`, what
 * must be found in it: one finding per line and no other, as "in:LINE: " or
 * "warning in:LINE: " and the beginning of the text.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/config_fixture.h"

#include "base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define SUITE "tests/suites/config"

static int read_file(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t len;

	if (!file)
		return -1;
	len = fread(out, 1, size - 1, file);
	out[len] = '\0';
	return fclose(file);
}

/* Both texts line by line: FOUND must begin as WANTED does. */
static int lines_match(const char *found, const char *wanted)
{
	while (*wanted) {
		size_t len = strcspn(wanted, "\n");

		if (strncmp(found, wanted, len) != 0)
			return 0;
		found += strcspn(found, "\n");
		found += *found == '\n';
		wanted += len;
		wanted += *wanted == '\n';
	}
	return *found == '\0';
}

static int check_case(struct config_fixture *fixture, const char *name)
{
	char path[512];
	char in[8192];
	char wanted[8192];
	char main_path[256];
	int rc;
	int must_fail;

	(void)snprintf(path, sizeof(path), "%s/%s/in", SUITE, name);
	assert_int_equal(read_file(path, in, sizeof(in)), 0);
	(void)snprintf(path, sizeof(path), "%s/%s/error", SUITE, name);
	assert_int_equal(read_file(path, wanted, sizeof(wanted)), 0);
	config_fixture_write(fixture, "in", 0600, in);
	config_fixture_path(fixture, "in", main_path);
	fixture->source.path = main_path;
	rc = config_fixture_load(fixture);
	must_fail = strncmp(wanted, "in", 2) == 0 || strstr(wanted, "\nin");
	if (lines_match(tp_buf_str(&fixture->findings), wanted) &&
		must_fail == (rc < 0) && must_fail == !fixture->config)
		return 0;
	print_error("%s: result %d, found:\n%swanted:\n%s", name, rc,
		tp_buf_str(&fixture->findings), wanted);
	return 1;
}

static void each_case_gives_exactly_its_findings(void **state)
{
	DIR *dir = opendir(SUITE);
	struct dirent *entry;
	int count = 0;
	int failed = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		failed += check_case(*state, entry->d_name);
		count++;
	}
	(void)closedir(dir);
	assert_true(count > 50);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_case_gives_exactly_its_findings,
			config_fixture_setup, config_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
