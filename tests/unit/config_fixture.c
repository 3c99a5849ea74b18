/*
 * config_fixture.c - a directory with configuration files for a test
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
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int config_fixture_setup(void **state)
{
	struct config_fixture *fixture = tp_alloc(sizeof(*fixture));
	const char *pattern = "/tmp/tillpost-config-XXXXXX";

	if (!fixture)
		return -1;
	(void)snprintf(
		fixture->directory, sizeof(fixture->directory), "%s", pattern);
	if (!mkdtemp(fixture->directory))
		return -1;
	(void)snprintf(fixture->main_path, sizeof(fixture->main_path),
		"%s/tillpost.conf", fixture->directory);
	tp_buf_init(&fixture->findings, 1 << 20);
	fixture->source.path = fixture->main_path;
	*state = fixture;
	return 0;
}

static void remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char name[512];

		if (strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(
			name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) < 0)
			remove_directory(name);
	}
	if (dir)
		(void)closedir(dir);
	(void)rmdir(path);
}

int config_fixture_teardown(void **state)
{
	struct config_fixture *fixture = *state;

	tp_config_unref(&fixture->config);
	tp_buf_free(&fixture->findings);
	remove_directory(fixture->directory);
	tp_free(fixture);
	return 0;
}

void config_fixture_path(
	const struct config_fixture *fixture, const char *name, char *out)
{
	(void)snprintf(out, 256, "%s/%s", fixture->directory, name);
}

void config_fixture_write(const struct config_fixture *fixture,
	const char *name, mode_t mode, const char *text)
{
	char path[256];
	int fd;

	config_fixture_path(fixture, name, path);
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

char *config_fixture_read(
	const struct config_fixture *fixture, const char *name)
{
	char path[256];
	struct stat st;
	char *text;
	int fd;

	config_fixture_path(fixture, name, path);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &st), 0);
	text = tp_alloc((size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	(void)close(fd);
	return text;
}

/* WHERE as it would be if the directory were the current one. */
static const char *local(
	const struct config_fixture *fixture, const char *where)
{
	size_t len = strlen(fixture->directory);

	if (strncmp(where, fixture->directory, len) == 0 && where[len] == '/')
		return where + len + 1;
	return where;
}

static void keep_finding(
	void *ctx, int level, const char *where, const char *text)
{
	struct config_fixture *fixture = ctx;

	assert_true(level == 3 || level == 4);
	assert_int_equal(tp_buf_printf(&fixture->findings, "%s%s: %s\n",
				 level == 4 ? "warning " : "",
				 local(fixture, where), text),
		0);
}

int config_fixture_load(struct config_fixture *fixture)
{
	tp_config_unref(&fixture->config);
	tp_error_clear(&fixture->err);
	tp_buf_clear(&fixture->findings);
	return tp_config_load(&fixture->source, keep_finding, fixture,
		&fixture->config, &fixture->err);
}

int config_fixture_load_text(struct config_fixture *fixture, const char *text)
{
	config_fixture_write(fixture, "tillpost.conf", 0600, text);
	return config_fixture_load(fixture);
}

struct shown {
	const struct config_fixture *fixture;
	char text[512];
};

static int show(void *ctx, const struct tp_config_value *value)
{
	struct shown *shown = ctx;

	(void)snprintf(shown->text, sizeof(shown->text), "%s%s %s %s%s",
		value->locked ? "*" : "", value->source,
		local(shown->fixture, value->where), value->value,
		value->secret ? "(secret)" : "");
	return 0;
}

const char *config_fixture_value(
	struct config_fixture *fixture, const char *key)
{
	static struct shown shown;

	shown = (struct shown) { .fixture = fixture };
	assert_int_equal(tp_config_values(fixture->config, key, show, &shown,
				 &fixture->err),
		0);
	return shown.text;
}
