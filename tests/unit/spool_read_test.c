/*
 * spool_read_test.c - only whole files of the right kind are taken in
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* setgroups */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapters/spool_private.h"
#include "base/clock.h"
#include "unit/spool_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID "01JD6K5S0NABCDEFGH"
#define OTHER_ID "01JD6K5S0NABCDEFGJ"
#define THREE_BATCHES 2500

static void path_to(char out[512], const char *dir, const char *name)
{
	(void)snprintf(out, 512, "%s/%s", dir, name);
}

/* The one line of NAME's reason. */
static void reason_of(struct spool_place *place, const char *name, char *out)
{
	char path[512];
	ssize_t len;
	int fd;

	(void)snprintf(
		path, sizeof(path), "%s/%s.reason", place->quarantine, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	len = read(fd, out, 511);
	(void)close(fd);
	assert_true(len > 1 && out[len - 1] == '\n');
	out[len - 1] = '\0';
	assert_null(strchr(out, '\n'));
}

/* Loads NAME, which must land in quarantine with TEXT as the reason. */
static void quarantined(
	struct spool_place *place, const char *name, const char *text)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	char reason[512];

	assert_int_equal(tp_spool_reader_load(place->reader, name, &file, &err),
		TP_SPOOL_NO_MAIL);
	assert_null(file.bytes);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
	assert_false(spool_there(place->incoming, name));
	assert_true(spool_there(place->quarantine, name));
	reason_of(place, name, reason);
	assert_string_equal(reason, err.text);
}

/* Loads NAME, which may be a mail, and is left for the caller to judge. */
static void unfit(struct spool_place *place, const char *name, const char *text)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;

	memset(&file, 0xff, sizeof(file));
	assert_int_equal(tp_spool_reader_load(place->reader, name, &file, &err),
		TP_SPOOL_UNFIT);
	assert_null(file.bytes);
	assert_int_equal(file.owner, geteuid());
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
	assert_true(spool_there(place->incoming, name));
	assert_false(spool_there(place->quarantine, name));
}

/* ---- damaged files ------------------------------------------------------ */

/* Writes a good file and lets CHANGE spoil it. */
static void spoil(struct spool_place *place, void (*change)(const char *path),
	char id[TP_QUEUE_ID_BYTES])
{
	char path[512];

	spool_put(place, 5000, id);
	path_to(path, place->incoming, id);
	assert_int_equal(chmod(path, 0640), 0);
	change(path);
}

static void spoiled(struct spool_place *place, void (*change)(const char *path),
	const char *text)
{
	char id[TP_QUEUE_ID_BYTES];

	spoil(place, change, id);
	assert_int_equal(spool_pass(place, NULL, 0), 1);
	quarantined(place, id, text);
}

static void unfit_after(struct spool_place *place,
	void (*change)(const char *path), const char *text)
{
	char id[TP_QUEUE_ID_BYTES];

	spoil(place, change, id);
	unfit(place, id, text);
}

static void make_empty(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

static void cut_one_byte(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
}

static void cut_a_block(const char *path)
{
	assert_int_equal(truncate(path, 4096), 0);
}

static void put_at(const char *path, off_t at, const char *bytes)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
	(void)close(fd);
}

static void change_a_byte(const char *path)
{
	put_at(path, 3000, "#");
}

static void change_the_version(const char *path)
{
	put_at(path, 15, "2");
}

static void append_a_byte(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	put_at(path, st.st_size, "\n");
}

static void grow_huge(const char *path)
{
	assert_int_equal(truncate(path, (off_t)1 << 31), 0);
}

static void damaged_files_go_to_quarantine(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	spoiled(place, make_empty, "cut off");
	spoiled(place, cut_one_byte, "cut off");
	spoiled(place, cut_a_block, "cut off");
	spoiled(place, change_a_byte, "checksum");
	spoiled(place, append_a_byte, "cut off");
	assert_int_equal(spool_entries(place->incoming), 0);
	assert_int_equal(spool_entries(place->quarantine), 5);
}

/* Another daemon, or another configuration, could take it. */
static void what_may_be_a_mail_is_left_to_the_caller(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	unfit_after(place, grow_huge, "too large");
	unfit_after(place, change_the_version, "another version");
	assert_int_equal(spool_entries(place->incoming), 2);
	assert_int_equal(spool_entries(place->quarantine), 0);
}

static void grow_over_the_limit(const char *path)
{
	assert_int_equal(truncate(path, 3 << 20), 0);
}

static void more_than_any_store_may_send_takes_no_memory(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	tp_spool_reader_limit(place->reader, 1 << 20);
	unfit_after(place, grow_over_the_limit, "too large: 3145728 bytes");
}

static void a_file_under_another_name_is_unfit(void **state)
{
	struct spool_place *place = *state;
	char id[TP_QUEUE_ID_BYTES];
	char from[512];
	char to[512];

	spool_open(place);
	spool_put(place, 10, id);
	path_to(from, place->incoming, id);
	path_to(to, place->incoming, ID);
	assert_int_equal(rename(from, to), 0);
	unfit(place, ID, "another queue id");
}

static void a_file_with_two_names_is_unfit(void **state)
{
	struct spool_place *place = *state;
	char id[TP_QUEUE_ID_BYTES];
	char from[512];
	char to[512];

	spool_open(place);
	spool_put(place, 10, id);
	path_to(from, place->incoming, id);
	path_to(to, place->base, "second");
	assert_int_equal(link(from, to), 0);
	unfit(place, id, "more than one name");
}

static int load_without_permission(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	int rc = tp_spool_reader_load(
		place->reader, place->known_id, &file, &err);

	/* whose it is is known all the same; here it is the parent's */
	return rc == TP_SPOOL_UNFIT && strstr(err.text, "may not be read") &&
			       file.owner == place->owner
		       ? 0
		       : 1;
}

/* As a child of the reader's process, which has other rights. */
static void a_file_that_may_not_be_read_is_unfit(void **state)
{
	struct spool_place *place = *state;
	char path[512];

	spool_open(place);
	spool_put(place, 10, place->known_id);
	path_to(path, place->incoming, place->known_id);
	assert_int_equal(chmod(path, 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(place->incoming, 65534, 65534), 0);
		assert_int_equal(chown(place->quarantine, 65534, 65534), 0);
	}
	place->owner = geteuid();
	assert_int_equal(spool_as_other(load_without_permission, place), 0);
	assert_true(spool_there(place->incoming, place->known_id));
}

static void a_file_with_a_lease_waits(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	char id[TP_QUEUE_ID_BYTES];
	char path[512];
	int fd;

	spool_open(place);
	spool_put(place, 10, id);
	path_to(path, place->incoming, id);
	assert_int_equal(chmod(path, 0600), 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	/* breaking it sends a signal */
	assert_true(signal(SIGIO, SIG_IGN) != SIG_ERR);
	assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
	assert_int_equal(
		tp_spool_reader_load(place->reader, id, &file, &err), TP_EBUSY);
	assert_non_null(strstr(err.text, "lease"));
	(void)close(fd);
	assert_int_equal(
		tp_spool_reader_load(place->reader, id, &file, &err), TP_OK);
	tp_spool_file_free(&file);
}

/* ---- what is no file ---------------------------------------------------- */

static void make_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	(void)close(fd);
}

static void make_thing(const char *path, int kind)
{
	if (kind == 'd')
		assert_int_equal(mkdir(path, 0755), 0);
	else if (kind == 'l')
		assert_int_equal(symlink("/etc/passwd", path), 0);
	else if (kind == 'p')
		assert_int_equal(mkfifo(path, 0644), 0);
	else
		make_socket(path);
}

static void whatever_is_no_file_is_put_away_unopened(void **state)
{
	static const char kinds[] = "dlps";
	static const char *const names[] = { ID, ("t." ID), "thing" };
	struct spool_place *place = *state;
	char path[512];
	size_t i;
	size_t j;

	spool_open(place);
	for (i = 0; i < COUNT(kinds) - 1; i++) {
		for (j = 0; j < COUNT(names); j++) {
			path_to(path, place->incoming, names[j]);
			make_thing(path, kinds[i]);
		}
		assert_int_equal(spool_pass(place, NULL, 0), 0);
		assert_int_equal(spool_entries(place->incoming), 0);
	}
	/* the first of each name keeps it, the others get a new one */
	assert_int_equal(spool_entries(place->quarantine), 12);
	assert_int_equal(place->note_count, 12);
	assert_true(spool_told(place, "thing is a directory"));
	assert_true(spool_told(place, "thing is a symbolic link"));
	assert_true(spool_told(place, ID " is not a regular file"));
	assert_string_equal(place->events[0], "spool-foreign");
}

/* The file may be swapped between the scan and the load. */
static void what_was_swapped_after_the_scan_is_not_followed(void **state)
{
	static const char kinds[] = "dlps";
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	char path[512];
	size_t i;

	spool_open(place);
	path_to(path, place->incoming, ID);
	for (i = 0; i < COUNT(kinds) - 1; i++) {
		make_thing(path, kinds[i]);
		tp_error_clear(&err);
		assert_int_equal(
			tp_spool_reader_load(place->reader, ID, &file, &err),
			TP_SPOOL_NO_MAIL);
		assert_non_null(strstr(err.text,
			kinds[i] == 'l' ? "symbolic link" : "regular file"));
		assert_false(spool_there(place->incoming, ID));
	}
	tp_error_clear(&err);
	assert_int_equal(tp_spool_reader_load(place->reader, ID, &file, &err),
		TP_ENOTFOUND);
	tp_error_clear(&err);
	assert_int_equal(
		tp_spool_reader_load(place->reader, "../lock", &file, &err),
		TP_EINVAL);
}

static void foreign_names_are_put_away_and_cannot_hide(void **state)
{
	static const char *const keep[] = { "hello", "a.b_c-d", "01JD6K5S0N" };
	static const char *const change[] = { ".hidden", "x y", "a\nb",
		ID ".reason", "\x1b[2J", "\xc3\xbc", "$(reboot)" };
	char long_name[201];
	struct spool_place *place = *state;
	size_t i;

	spool_open(place);
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	for (i = 0; i < COUNT(keep); i++)
		spool_plant(place->incoming, keep[i], "x", 1);
	for (i = 0; i < COUNT(change); i++)
		spool_plant(place->incoming, change[i], "x", 1);
	spool_plant(place->incoming, long_name, "x", 1);
	assert_int_equal(spool_pass(place, NULL, 0), 0);
	assert_int_equal(spool_entries(place->incoming), 0);
	assert_int_equal(spool_entries(place->quarantine), 11);
	for (i = 0; i < COUNT(keep); i++)
		assert_true(spool_there(place->quarantine, keep[i]));
	for (i = 0; i < COUNT(change); i++)
		assert_false(spool_there(place->quarantine, change[i]));
	assert_int_equal(place->note_count, 11);
	for (i = 0; i < 11; i++)
		assert_null(strpbrk(place->notes[i], "\n\x1b\xc3"));
	assert_true(spool_told(place, "a?b does not have the name"));
}

/* COUNT files of OWNER, who has no more room then than one file. */
static void fill_quarantine(struct spool_place *place, uid_t owner, int count)
{
	char path[512];
	char name[32];
	int i;

	for (i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "kept%d", i);
		path_to(path, place->quarantine, name);
		assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
		assert_int_equal(chown(path, owner, (gid_t)-1), 0);
	}
}

static void a_full_quarantine_takes_mail_only(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	char id[TP_QUEUE_ID_BYTES];

	spool_open(place);
	fill_quarantine(place, geteuid(), TP_SPOOL_QUARANTINE_MAX_COUNT - 1);
	/* the last that has room, and one that has not */
	spool_plant(place->incoming, "one", "x", 1);
	assert_int_equal(spool_pass(place, NULL, 0), 0);
	assert_true(spool_there(place->quarantine, "one"));
	spool_plant(place->incoming, "two", "x", 1);
	assert_int_equal(spool_pass(place, NULL, 0), 0);
	assert_false(spool_there(place->quarantine, "two"));
	assert_false(spool_there(place->incoming, "two"));
	assert_true(spool_told(place, "two does not have the name"));
	assert_true(spool_told(place, TP_SPOOL_DELETED_TEXT));
	/* damaged */
	spool_plant(place->incoming, ID, "x", 1);
	assert_int_equal(tp_spool_reader_load(place->reader, ID, &file, &err),
		TP_SPOOL_NO_MAIL);
	assert_non_null(strstr(err.text, TP_SPOOL_DELETED_TEXT));
	assert_false(spool_there(place->incoming, ID));
	/* what may be a mail is for the caller to judge, who keeps it ... */
	unfit_after(place, grow_huge, "too large");
	spool_put(place, 100, id);
	tp_error_clear(&err);
	assert_int_equal(tp_spool_reader_quarantine(
				 place->reader, id, "not today", &err),
		TP_OK);
	assert_true(spool_there(place->quarantine, id));
	/* ... or knows that it could never be sent */
	spool_put(place, 100, id);
	assert_int_equal(
		tp_spool_reader_reject(place->reader, id, "never", &err),
		TP_SPOOL_DELETED);
	assert_false(spool_there(place->quarantine, id));
	assert_false(spool_there(place->incoming, id));
}

/* Without being root there is nobody else. */
static void nobody_fills_the_part_of_another(void **state)
{
	struct spool_place *place = *state;
	uid_t other = geteuid() == 0 ? 65534 : geteuid();
	char path[512];

	spool_open(place);
	fill_quarantine(place, other, TP_SPOOL_QUARANTINE_MAX_COUNT);
	spool_plant(place->incoming, "mine", "x", 1);
	spool_plant(place->incoming, "his", "x", 1);
	path_to(path, place->incoming, "his");
	assert_int_equal(chown(path, other, (gid_t)-1), 0);
	assert_int_equal(spool_pass(place, NULL, 0), 0);
	assert_int_equal(spool_entries(place->incoming), 0);
	assert_false(spool_there(place->quarantine, "his"));
	assert_int_equal(
		spool_there(place->quarantine, "mine"), geteuid() == 0);
}

static void a_name_that_is_in_quarantine_is_not_replaced(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct stat st;
	char path[512];

	spool_open(place);
	spool_plant(place->incoming, ID, "first", 5);
	assert_int_equal(
		tp_spool_reader_quarantine(place->reader, ID, "because", &err),
		TP_OK);
	spool_plant(place->incoming, ID, "2", 1);
	assert_int_equal(tp_spool_reader_quarantine(place->reader, ID,
				 "because\nof two lines", &err),
		TP_OK);
	assert_int_equal(spool_entries(place->quarantine), 2);
	path_to(path, place->quarantine, ID);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(
		tp_spool_reader_quarantine(place->reader, ID, "gone", &err),
		TP_ENOTFOUND);
	tp_error_clear(&err);
	assert_int_equal(
		tp_spool_reader_quarantine(place->reader, "../lock", "", &err),
		TP_EINVAL);
}

/* Run as the daemon's user; somebody else's directories are in the way. */
static int meet_directories(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;
	int may_move = place->known_id[0] == '\0';

	if (tp_spool_reader_open(place->spool, &place->reader, &err) < 0)
		return 1;
	if (spool_pass(place, NULL, 0) != 0 || spool_pass(place, NULL, 0) != 0)
		return 2;
	if (may_move)
		return spool_entries(place->incoming) == 0 ? 0 : 3;
	if (spool_there(place->incoming, "empty") ||
		!spool_there(place->incoming, "full"))
		return 4;
	/* told once, not in the second pass */
	if (place->note_count != 2)
		return 5;
	return spool_told(place, "full is a directory, and cannot be moved")
		       ? 0
		       : 6;
}

static void give_to(struct spool_place *place, uid_t owner)
{
	static const char *const names[] = { ".", "incoming", "quarantine",
		"done", "lock" };
	char path[512];
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		path_to(path, place->spool, names[i]);
		assert_int_equal(chown(path, owner, owner), 0);
	}
}

static void give_away(struct spool_place *place)
{
	give_to(place, 65534);
}

static void a_directory_that_cannot_be_moved_is_told_once(void **state)
{
	struct spool_place *place = *state;
	char path[512];

	spool_open(place);
	tp_spool_reader_close(&place->reader);
	if (geteuid() == 0) {
		give_away(place);
		memcpy(place->known_id, "root", 5);
	}
	path_to(path, place->incoming, "empty");
	assert_int_equal(mkdir(path, 0755), 0);
	path_to(path, place->incoming, "full");
	assert_int_equal(mkdir(path, 0755), 0);
	spool_plant(path, "file", "x", 1);
	assert_int_equal(spool_as_other(meet_directories, place), 0);
}

/* ---- files of dead writers ---------------------------------------------- */

static void plant_temp(struct spool_place *place, const char *name, long age_s)
{
	struct timeval times[2];
	char path[512];

	spool_plant(place->incoming, name, "tillpost-spool 1\n", 17);
	path_to(path, place->incoming, name);
	assert_int_equal(gettimeofday(&times[0], NULL), 0);
	times[0].tv_sec -= age_s;
	times[1] = times[0];
	assert_int_equal(utimes(path, times), 0);
}

static void what_a_dead_writer_left_is_removed_after_an_hour(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	plant_temp(place, "t." ID, 3500);
	plant_temp(place, "t." OTHER_ID, 3700);
	plant_temp(place, "t.01JD6K5S0NABCDEFGK", -7200);
	assert_int_equal(spool_pass(place, NULL, 0), 0);
	assert_true(spool_there(place->incoming, "t." ID));
	assert_int_equal(spool_entries(place->incoming), 1);
	assert_int_equal(spool_entries(place->quarantine), 0);
	assert_int_equal(place->note_count, 2);
	assert_string_equal(place->events[0], "spool-stale");
}

/* A whole file that was not renamed was never acknowledged. */
static void what_was_not_renamed_is_never_taken_in(void **state)
{
	struct spool_place *place = *state;
	char id[TP_QUEUE_ID_BYTES];
	char from[512];
	char to[512];
	char temp[32];

	spool_open(place);
	spool_put(place, 100, id);
	(void)snprintf(temp, sizeof(temp), "t.%s", id);
	path_to(from, place->incoming, id);
	path_to(to, place->incoming, temp);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(spool_pass(place, NULL, 0), 0);
	assert_true(spool_there(place->incoming, temp));
}

/* ---- removing ----------------------------------------------------------- */

static void what_is_removed_is_out_of_sight_and_purged_later(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];
	char done[512];
	int i;

	spool_open(place);
	path_to(done, place->spool, "done");
	for (i = 0; i < 5; i++) {
		spool_put(place, 100, id);
		assert_int_equal(
			tp_spool_reader_remove(place->reader, id, &err), TP_OK);
	}
	assert_int_equal(spool_entries(place->incoming), 0);
	assert_int_equal(tp_spool_reader_purge(place->reader, 3), 3);
	/* what a dead process did not purge is not lost sight of */
	tp_spool_reader_close(&place->reader);
	spool_open(place);
	assert_int_equal(spool_pass(place, NULL, 0), 0);
	assert_int_equal(tp_spool_reader_purge(place->reader, 3), 2);
	assert_int_equal(tp_spool_reader_purge(place->reader, 3), 0);
	assert_int_equal(spool_entries(done), 0);
}

/* Run as the daemon's user; the sender has put a directory in the place of
 * his file. */
static int remove_directories(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;

	if (tp_spool_reader_open(place->spool, &place->reader, &err) < 0)
		return 1;
	if (tp_spool_reader_remove(place->reader, ID, &err) != TP_OK)
		return 2;
	if (tp_spool_reader_remove(place->reader, OTHER_ID, &err) != TP_OK)
		return 3;
	return tp_spool_reader_purge(place->reader, 10) > 0 ? 4 : 0;
}

static void a_directory_in_a_files_place_does_not_stop_removing(void **state)
{
	struct spool_place *place = *state;
	char path[512];

	spool_open(place);
	tp_spool_reader_close(&place->reader);
	if (geteuid() == 0)
		give_away(place);
	path_to(path, place->incoming, ID);
	assert_int_equal(mkdir(path, 0755), 0);
	spool_plant(path, "file", "x", 1);
	path_to(path, place->incoming, OTHER_ID);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chmod(path, 0777), 0);
	spool_plant(path, "file", "x", 1);
	assert_int_equal(spool_as_other(remove_directories, place), 0);
	path_to(path, place->spool, "done");
	assert_int_equal(spool_entries(path), 0);
	/* what is in the place of the file is for the next pass */
	assert_true(spool_there(place->incoming, ID));
	assert_true(spool_there(place->incoming, OTHER_ID));
}

/* ---- order -------------------------------------------------------------- */

static void a_pass_gives_each_name_once_and_in_order(void **state)
{
	struct spool_place *place = *state;
	char(*names)[TP_QUEUE_ID_BYTES] = calloc(THREE_BATCHES, sizeof(*names));
	char id[TP_QUEUE_ID_BYTES];
	int descents = 0;
	int i;

	assert_non_null(names);
	spool_open(place);
	for (i = 0; i < THREE_BATCHES; i++) {
		assert_int_equal(tp_queue_id(1000 + i % 7, id), TP_OK);
		spool_plant(place->incoming, id, "", 0);
	}
	assert_int_equal(
		spool_pass(place, names, THREE_BATCHES), THREE_BATCHES);
	for (i = 1; i < THREE_BATCHES; i++)
		descents += strcmp(names[i - 1], names[i]) > 0;
	assert_true(descents <= 2);
	/* none of them was removed, and all come again */
	assert_int_equal(spool_pass(place, NULL, 0), THREE_BATCHES);
	free(names);
}

/* @return how long a wait of at most 5 s took, in ms */
static int64_t waited(struct spool_place *place)
{
	int64_t start = tp_mono_ms();

	tp_spool_reader_wait(place->reader, 5000);
	return tp_mono_ms() - start;
}

/* ---- turns -------------------------------------------------------------- */

#define STUCK_COUNT 5000
#define FLOOD_COUNT 20000
#define TURN_COUNT 128

static int make_stuck(struct spool_place *place)
{
	char path[512];
	char name[32];
	int i;

	for (i = 0; i < STUCK_COUNT; i++) {
		(void)snprintf(name, sizeof(name), "stuck%d", i);
		path_to(path, place->incoming, name);
		if (mkdir(path, 0755) < 0)
			return 1;
		(void)snprintf(name, sizeof(name), "stuck%d/x", i);
		path_to(path, place->incoming, name);
		if (mkdir(path, 0755) < 0)
			return 1;
	}
	return 0;
}

/* As the daemon's user, who may not move the directories of others. Both are
 * the same user without root, and then they can be moved. */
static int pass_by_the_stuck(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;
	char name[TP_QUEUE_ID_BYTES];
	int turns = 0;
	int rc;

	if (setuid(2) < 0 && geteuid() == 0)
		return 1;
	if (tp_spool_reader_open(place->spool, &place->reader, &err) < 0)
		return 2;
	while ((rc = tp_spool_reader_next(place->reader, NULL, NULL, name,
			&err)) == TP_SPOOL_NONE_YET)
		turns++;
	/* the caller has had his turns, and not everything was tried */
	if (rc != 0 || turns < STUCK_COUNT / 4096)
		return 3;
	return place->reader->stuck <= 256 ? 0 : 4;
}

static void what_cannot_be_moved_costs_little_and_gives_turns(void **state)
{
	struct spool_place *place = *state;
	pid_t child;
	int status;

	spool_open(place);
	tp_spool_reader_close(&place->reader);
	if (geteuid() == 0)
		give_to(place, 2);
	assert_int_equal(spool_as_other(make_stuck, place), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(pass_by_the_stuck(place));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* As many writers do: made under another name, then renamed. */
static void flood(struct spool_place *place, int count)
{
	char id[TP_QUEUE_ID_BYTES];
	char temp[512];
	char path[512];
	int i;

	path_to(temp, place->incoming, "t.flood");
	for (i = 0; i < count; i++) {
		assert_int_equal(tp_queue_id(1000 + i, id), TP_OK);
		path_to(path, place->incoming, id);
		assert_int_equal(mknod(temp, S_IFREG | 0400, 0), 0);
		assert_int_equal(rename(temp, path), 0);
	}
}

static int put_known(struct spool_place *place)
{
	struct tp_spool_record record = spool_record(10);
	struct tp_error err = TP_ERROR_INIT;

	memcpy(record.queue_id, place->known_id, TP_QUEUE_ID_BYTES);
	return tp_spool_write(place->spool, 0, &record, &err) == TP_OK ? 0 : 1;
}

/* Without being root there is one user, whose first eight are as quick. */
static void a_new_mail_does_not_wait_for_the_many_of_another(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char name[TP_QUEUE_ID_BYTES];
	int count = 0;

	spool_open(place);
	flood(place, FLOOD_COUNT);
	/* what inotify could not hold is found by the pass */
	while (count < 2000)
		if (tp_spool_reader_next(
			    place->reader, NULL, NULL, name, &err) == 1)
			count++;
	if (geteuid() == 0)
		flood(place, 100);
	assert_int_equal(tp_queue_id(INT64_C(1) << 40, place->known_id), TP_OK);
	assert_int_equal(spool_as_other(put_known, place), 0);
	count = 0;
	do {
		assert_true(tp_spool_reader_next(
				    place->reader, NULL, NULL, name, &err) > 0);
	} while (++count < TURN_COUNT && strcmp(name, place->known_id) != 0);
	assert_true(count < TURN_COUNT);
	/* and the pass names all that was there */
	assert_true(spool_pass(place, NULL, 0) >= FLOOD_COUNT - 2000);
}

/* The events of the first pass are used up, and those of the second are of
 * files that it has named. */
static void what_inotify_tells_is_not_named_twice_if_it_is_few(void **state)
{
	struct spool_place *place = *state;
	int i;

	spool_open(place);
	for (i = 0; i < 5; i++)
		spool_put(place, 10, NULL);
	assert_int_equal(spool_pass(place, NULL, 0), 5);
	assert_int_equal(spool_pass(place, NULL, 0), 5);
}

static void what_was_left_out_of_the_arrivals_makes_one_more_pass(void **state)
{
	struct spool_place *place = *state;
	int64_t begun_ms;

	spool_open(place);
	assert_int_equal(spool_pass(place, NULL, 0), 0);
	flood(place, 100);
	assert_true(waited(place) < 4000);
	/* it was read, is told once, and who waits on does not spin */
	assert_true(waited(place) < 4000);
	begun_ms = tp_mono_ms();
	tp_spool_reader_wait(place->reader, 100);
	assert_true(tp_mono_ms() - begun_ms >= 90);
	assert_true(spool_pass(place, NULL, 0) >= 100);
}

static void a_spool_that_was_replaced_is_noticed(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char name[TP_QUEUE_ID_BYTES];
	char away[512];

	spool_open(place);
	assert_true(tp_spool_reader_current(place->reader));
	path_to(away, place->base, "away");
	assert_int_equal(rename(place->spool, away), 0);
	assert_false(tp_spool_reader_current(place->reader));
	assert_int_equal(
		tp_spool_reader_next(place->reader, NULL, NULL, name, &err),
		TP_EIO);
	assert_non_null(strstr(err.text, "opened again"));
	tp_spool_reader_close(&place->reader);
	spool_open(place);
	spool_put(place, 10, NULL);
	assert_int_equal(spool_pass(place, NULL, 0), 1);
}

/* ---- one reader --------------------------------------------------------- */

static void a_second_reader_is_told_who_is_the_first(void **state)
{
	struct spool_place *place = *state;
	struct tp_spool_reader *second;
	struct tp_error err = TP_ERROR_INIT;
	char pid[32];

	spool_open(place);
	assert_int_equal(
		tp_spool_reader_open(place->spool, &second, &err), TP_EBUSY);
	assert_null(second);
	(void)snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
	assert_non_null(strstr(err.text, pid));
	/* and has not taken the first one's socket away */
	spool_put(place, 10, NULL);
	tp_spool_reader_wait(place->reader, 10000);
	tp_spool_reader_close(&place->reader);
	tp_error_clear(&err);
	assert_int_equal(
		tp_spool_reader_open(place->spool, &second, &err), TP_OK);
	tp_spool_reader_close(&second);
	tp_spool_reader_close(&second);
}

/* ---- waking ------------------------------------------------------------- */

static void *write_later(void *ctx)
{
	tp_sleep_ms(50);
	spool_put(ctx, 100, NULL);
	return NULL;
}

static void *wake_later(void *ctx)
{
	tp_sleep_ms(50);
	tp_spool_reader_wake(ctx);
	return NULL;
}

static void wakes_soon(
	struct spool_place *place, void *(*how)(void *), void *ctx)
{
	pthread_t thread;
	int64_t ms;

	assert_int_equal(pthread_create(&thread, NULL, how, ctx), 0);
	ms = waited(place);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (ms >= 4000)
		fail_msg("woken after %lld ms", (long long)ms);
}

static void a_new_mail_wakes(void **state)
{
	struct spool_place *place = *state;
	int64_t start;

	spool_open(place);
	wakes_soon(place, write_later, place);
	/* what woke is used up by a pass */
	assert_int_equal(spool_pass(place, NULL, 0), 1);
	tp_spool_reader_wait(place->reader, 0);
	start = tp_mono_ms();
	tp_spool_reader_wait(place->reader, 100);
	assert_true(tp_mono_ms() - start >= 90);
}

static void without_the_socket_inotify_wakes(void **state)
{
	struct spool_place *place = *state;
	char path[512];

	spool_open(place);
	path_to(path, place->spool, "wake");
	assert_int_equal(unlink(path), 0);
	wakes_soon(place, write_later, place);
}

/* Another user's datagram, with the inotify events used up. */
static int send_datagram(struct spool_place *place)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int rc;

	(void)snprintf(
		to.sun_path, sizeof(to.sun_path), "%.90s/wake", place->spool);
	rc = fd < 0 || sendto(fd, "", 0, 0, (const struct sockaddr *)&to,
			       sizeof(to)) != 0;
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static void a_datagram_of_any_user_wakes(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	assert_int_equal(spool_as_other(send_datagram, place), 0);
	assert_true(waited(place) < 4000);
}

static void another_thread_can_wake(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	wakes_soon(place, wake_later, place->reader);
}

static void a_spool_with_a_long_path_wakes_too(void **state)
{
	struct spool_place *place = *state;
	struct tp_spool_record record = spool_record(100);
	struct tp_error err = TP_ERROR_INIT;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char deep[512];
	char name[121];
	char path[600];
	int fd;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	path_to(deep, place->base, name);
	assert_int_equal(mkdir(deep, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/spool", deep);
	assert_int_equal(
		tp_spool_reader_open(path, &place->reader, &err), TP_OK);
	assert_true(spool_there(path, "wake"));
	assert_int_equal(tp_spool_write(path, 0, &record, &err), TP_OK);
	tp_spool_reader_wait(place->reader, 5000);
	/* so that inotify cannot be what wakes: a listener that counts */
	tp_spool_reader_close(&place->reader);
	assert_int_equal(chdir(path), 0);
	assert_int_equal(unlink("wake"), 0);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "wake");
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(chdir("/"), 0);
	record = spool_record(100);
	assert_int_equal(tp_spool_write(path, 0, &record, &err), TP_OK);
	assert_int_equal(recv(fd, name, sizeof(name), 0), 1);
	(void)close(fd);
}

static void a_full_socket_does_not_hold_the_writer(void **state)
{
	struct spool_place *place = *state;
	int64_t start = tp_mono_ms();
	int i;

	spool_open(place);
	for (i = 0; i < 700; i++)
		if (send_datagram(place) != 0)
			break;
	spool_put(place, 100, NULL);
	assert_true(tp_mono_ms() - start < 5000);
	assert_true(waited(place) < 4000);
}

/* ---- directories -------------------------------------------------------- */

static void wrong_modes_are_set_right(void **state)
{
	struct spool_place *place = *state;
	struct stat st;

	spool_open(place);
	tp_spool_reader_close(&place->reader);
	assert_int_equal(chmod(place->incoming, 0777), 0);
	assert_int_equal(chmod(place->quarantine, 0755), 0);
	assert_int_equal(chmod(place->spool, 0777), 0);
	spool_open(place);
	assert_int_equal(stat(place->incoming, &st), 0);
	assert_int_equal(st.st_mode & 07777, 03733);
	assert_int_equal(stat(place->quarantine, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(place->spool, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void not_opened(struct spool_place *place, int code, const char *text)
{
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(
		tp_spool_reader_open(place->spool, &place->reader, &err), code);
	assert_null(place->reader);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void what_stands_in_for_a_directory_is_refused(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	tp_spool_reader_close(&place->reader);
	assert_int_equal(rmdir(place->incoming), 0);
	assert_int_equal(symlink("/tmp", place->incoming), 0);
	not_opened(place, TP_EPERM, "cannot open the directory");
	assert_int_equal(unlink(place->incoming), 0);
	spool_plant(place->spool, "incoming", "", 0);
	not_opened(place, TP_EPERM, "cannot open the directory");
}

static void a_missing_parent_is_told_with_what_to_run(void **state)
{
	struct spool_place *place = *state;

	(void)snprintf(
		place->spool, sizeof(place->spool), "%s/no/spool", place->base);
	not_opened(place, TP_EPERM, "install -d");
}

static int open_as_other(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;
	int rc = tp_spool_reader_open(place->spool, &place->reader, &err);

	/* a user who is alone is the owner */
	if (place->known_id[0] == '\0')
		return rc == TP_OK ? 0 : 1;
	return rc == TP_EPERM && strstr(err.text, "chown") ? 0 : 1;
}

static void a_spool_of_another_user_is_refused(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	tp_spool_reader_close(&place->reader);
	if (geteuid() == 0)
		memcpy(place->known_id, "root", 5);
	assert_int_equal(spool_as_other(open_as_other, place), 0);
}

/* Root may prepare it for the daemon's user. */
static void what_root_makes_belongs_to_the_spools_owner(void **state)
{
	static const char *const names[] = { "incoming", "quarantine", "lock" };
	struct spool_place *place = *state;
	char path[512];
	struct stat st;
	size_t i;

	assert_int_equal(mkdir(place->spool, 0755), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(place->spool, 65534, 65534), 0);
	assert_int_equal(stat(place->spool, &st), 0);
	spool_open(place);
	for (i = 0; i < COUNT(names); i++) {
		uid_t owner = st.st_uid;

		path_to(path, place->spool, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, owner);
	}
	tp_spool_reader_close(&place->reader);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(place->incoming, 0, 0), 0);
	not_opened(place, TP_EPERM, "chown 65534");
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
		name, spool_place_make, spool_place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(damaged_files_go_to_quarantine),
		TEST(more_than_any_store_may_send_takes_no_memory),
		TEST(what_may_be_a_mail_is_left_to_the_caller),
		TEST(a_file_under_another_name_is_unfit),
		TEST(a_file_with_two_names_is_unfit),
		TEST(a_file_that_may_not_be_read_is_unfit),
		TEST(a_file_with_a_lease_waits),
		TEST(whatever_is_no_file_is_put_away_unopened),
		TEST(what_was_swapped_after_the_scan_is_not_followed),
		TEST(foreign_names_are_put_away_and_cannot_hide),
		TEST(a_full_quarantine_takes_mail_only),
		TEST(nobody_fills_the_part_of_another),
		TEST(a_name_that_is_in_quarantine_is_not_replaced),
		TEST(a_directory_that_cannot_be_moved_is_told_once),
		TEST(what_a_dead_writer_left_is_removed_after_an_hour),
		TEST(what_was_not_renamed_is_never_taken_in),
		TEST(what_is_removed_is_out_of_sight_and_purged_later),
		TEST(a_directory_in_a_files_place_does_not_stop_removing),
		TEST(a_pass_gives_each_name_once_and_in_order),
		TEST(what_cannot_be_moved_costs_little_and_gives_turns),
		TEST(a_new_mail_does_not_wait_for_the_many_of_another),
		TEST(what_inotify_tells_is_not_named_twice_if_it_is_few),
		TEST(what_was_left_out_of_the_arrivals_makes_one_more_pass),
		TEST(a_spool_that_was_replaced_is_noticed),
		TEST(a_second_reader_is_told_who_is_the_first),
		TEST(a_new_mail_wakes),
		TEST(without_the_socket_inotify_wakes),
		TEST(a_datagram_of_any_user_wakes),
		TEST(another_thread_can_wake),
		TEST(a_spool_with_a_long_path_wakes_too),
		TEST(a_full_socket_does_not_hold_the_writer),
		TEST(wrong_modes_are_set_right),
		TEST(what_stands_in_for_a_directory_is_refused),
		TEST(a_missing_parent_is_told_with_what_to_run),
		TEST(a_spool_of_another_user_is_refused),
		TEST(what_root_makes_belongs_to_the_spools_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
