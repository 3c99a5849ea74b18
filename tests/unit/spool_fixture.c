/*
 * spool_fixture.c - a spool of its own for each test
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* nftw */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/spool_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define DATA_MAX (256 * 1024)

int spool_place_make(void **state)
{
	struct spool_place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	(void)snprintf(
		place->base, sizeof(place->base), "/tmp/tillpost-spool-XXXXXX");
	assert_non_null(mkdtemp(place->base));
	assert_int_equal(chmod(place->base, 0755), 0);
	(void)snprintf(
		place->spool, sizeof(place->spool), "%s/spool", place->base);
	(void)snprintf(place->incoming, sizeof(place->incoming), "%s/incoming",
		place->spool);
	(void)snprintf(place->quarantine, sizeof(place->quarantine),
		"%s/quarantine", place->spool);
	*state = place;
	return 0;
}

static int open_up(
	const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_D || type == FTW_DNR)
		(void)chmod(path, 0700);
	return 0;
}

static int remove_one(
	const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	return type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path);
}

int spool_place_remove(void **state)
{
	struct spool_place *place = *state;
	int rc;

	tp_spool_reader_close(&place->reader);
	(void)nftw(place->base, open_up, 16, FTW_PHYS);
	rc = nftw(place->base, remove_one, 16, FTW_PHYS | FTW_DEPTH);
	free(place);
	return rc;
}

void spool_open(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;

	if (tp_spool_reader_open(place->spool, &place->reader, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	assert_non_null(place->reader);
}

struct tp_spool_record spool_record(size_t bytes)
{
	static const char *const to[] = { "buyer@example.org" };
	static _Thread_local char data[DATA_MAX];
	struct tp_spool_record record = {
		.accepted_ms = 1763757000123,
		.message_id = "<1@example.com>",
		.sender = "shop@example.com",
		.recipients = to,
		.recipient_count = 1,
		.data = data,
		.data_bytes = bytes,
	};
	size_t i;

	assert_true(bytes <= sizeof(data));
	for (i = 0; i < bytes; i++)
		data[i] = i % 64 == 63 ? '\n' : (char)('a' + i % 26);
	assert_int_equal(
		tp_queue_id(record.accepted_ms, record.queue_id), TP_OK);
	return record;
}

void spool_put(
	struct spool_place *place, size_t bytes, char id_out[TP_QUEUE_ID_BYTES])
{
	struct tp_spool_record record = spool_record(bytes);
	struct tp_error err = TP_ERROR_INIT;

	if (tp_spool_write(place->spool, 0, &record, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	if (id_out)
		memcpy(id_out, record.queue_id, TP_QUEUE_ID_BYTES);
}

static void on_note(void *ctx, int level, const char *event, const char *text)
{
	struct spool_place *place = ctx;
	int i = place->note_count++;

	assert_true(level == 4 || level == 6);
	if (i >= SPOOL_NOTES_MAX)
		return;
	(void)snprintf(place->events[i], sizeof(place->events[i]), "%s", event);
	(void)snprintf(place->notes[i], sizeof(place->notes[i]), "%s", text);
}

int spool_pass(struct spool_place *place, char (*names_out)[TP_QUEUE_ID_BYTES],
	int names_max)
{
	struct tp_error err = TP_ERROR_INIT;
	char name[TP_QUEUE_ID_BYTES];
	int count = 0;
	int rc;

	while ((rc = tp_spool_reader_next(
			place->reader, on_note, place, name, &err)) > 0) {
		if (rc == TP_SPOOL_NONE_YET)
			continue;
		if (names_out && count < names_max)
			memcpy(names_out[count], name, sizeof(name));
		count++;
	}
	if (rc < 0)
		fail_msg("%s: %s", err.where, err.text);
	return count;
}

int spool_told(const struct spool_place *place, const char *text)
{
	int i;

	for (i = 0; i < place->note_count && i < SPOOL_NOTES_MAX; i++)
		if (strstr(place->notes[i], text))
			return 1;
	return 0;
}

void spool_plant(
	const char *dir, const char *name, const void *data, size_t len)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	(void)close(fd);
}

int spool_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0)
			continue;
		if (len < 7 || strcmp(entry->d_name + len - 7, ".reason") != 0)
			count++;
	}
	(void)closedir(dir);
	return count;
}

int spool_there(const char *dir, const char *name)
{
	struct stat st;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return lstat(path, &st) == 0;
}

int spool_as_other(
	int (*fn)(struct spool_place *place), struct spool_place *place)
{
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 &&
			(setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 ||
				setuid(NOBODY) < 0))
			_exit(101);
		_exit(fn(place));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) <= 100);
	return WEXITSTATUS(status);
}
