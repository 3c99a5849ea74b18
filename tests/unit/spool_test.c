/*
 * spool_test.c - what was acknowledged is there, whole, and nobody else's
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* setgroups */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "unit/spool_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define THREADS 8
#define CHILDREN 4
#define EACH 50

static int write_with(
	struct spool_place *place, int64_t reserve_bytes, struct tp_error *err)
{
	struct tp_spool_record record = spool_record(5000);

	return tp_spool_write(place->spool, reserve_bytes, &record, err);
}

/* Expects CODE, a text with TEXT in it, and nothing left behind. */
static void refused(struct spool_place *place, int code, const char *text)
{
	struct tp_error err = TP_ERROR_INIT;
	int before = spool_entries(place->incoming);

	assert_int_equal(write_with(place, 0, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
	assert_int_equal(spool_entries(place->incoming), before);
}

static mode_t mode_of(const char *dir, const char *name)
{
	struct stat st;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- writing and loading ------------------------------------------------ */

static void what_is_written_is_loaded_and_removed(void **state)
{
	static const size_t sizes[] = { 0, 1, 5000, 200000 };
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_record want;
	struct tp_spool_file file;
	char names[2][TP_QUEUE_ID_BYTES];
	size_t i;

	spool_open(place);
	for (i = 0; i < COUNT(sizes); i++) {
		want = spool_record(sizes[i]);
		assert_int_equal(
			tp_spool_write(place->spool, 0, &want, &err), TP_OK);
		assert_int_equal(spool_pass(place, names, 2), 1);
		assert_string_equal(names[0], want.queue_id);
		assert_int_equal(tp_spool_reader_load(
					 place->reader, names[0], &file, &err),
			TP_OK);
		assert_string_equal(file.name, want.queue_id);
		assert_int_equal(file.owner, geteuid());
		assert_int_equal(file.record.data_bytes, sizes[i]);
		if (sizes[i] > 0)
			assert_memory_equal(
				file.record.data, want.data, sizes[i]);
		assert_string_equal(file.record.sender, want.sender);
		tp_spool_file_free(&file);
		assert_int_equal(
			tp_spool_reader_remove(place->reader, names[0], &err),
			TP_OK);
		assert_int_equal(
			tp_spool_reader_sync(place->reader, &err), TP_OK);
		assert_int_equal(spool_pass(place, NULL, 0), 0);
	}
	assert_int_equal(place->note_count, 0);
	assert_int_equal(spool_entries(place->quarantine), 0);
}

static void modes_do_not_depend_on_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	struct spool_place *place = *state;
	char id[TP_QUEUE_ID_BYTES];
	mode_t before = umask(077);
	size_t i;

	spool_open(place);
	assert_int_equal(mode_of(place->base, "spool"), 0755);
	assert_int_equal(mode_of(place->spool, "incoming"), 03733);
	assert_int_equal(mode_of(place->spool, "quarantine"), 0700);
	assert_int_equal(mode_of(place->spool, "wake"), 0666);
	assert_int_equal(mode_of(place->spool, "lock"), 0600);
	for (i = 0; i < COUNT(masks); i++) {
		(void)umask(masks[i]);
		spool_put(place, 5000, id);
		assert_int_equal(umask(masks[i]), masks[i]);
		assert_int_equal(mode_of(place->incoming, id), 0440);
	}
	(void)umask(before);
}

static void errno_is_the_callers(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;

	errno = ERANGE;
	assert_int_equal(write_with(place, 0, &err), TP_ENOTFOUND);
	assert_int_equal(errno, ERANGE);
	spool_open(place);
	tp_error_clear(&err);
	errno = ERANGE;
	assert_int_equal(write_with(place, 0, &err), TP_OK);
	assert_int_equal(errno, ERANGE);
}

static void no_descriptor_stays_open(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int after;

	(void)close(before);
	assert_int_equal(write_with(place, 0, &err), TP_ENOTFOUND);
	spool_open(place);
	spool_put(place, 10, NULL);
	tp_error_clear(&err);
	assert_int_equal(write_with(place, INT64_MAX, &err), TP_ENOSPC);
	assert_int_equal(spool_pass(place, NULL, 0), 1);
	tp_spool_reader_close(&place->reader);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)close(after);
	assert_int_equal(after, before);
}

static void a_mail_waits_until_it_is_removed(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];

	assert_int_equal(
		tp_spool_waits(place->spool, "01JD6K5S0NABCDEFGH", &err), 0);
	spool_open(place);
	spool_put(place, 100, id);
	assert_int_equal(tp_spool_waits(place->spool, id, &err), 1);
	assert_int_equal(
		tp_spool_reader_remove(place->reader, id, &err), TP_OK);
	assert_int_equal(tp_spool_waits(place->spool, id, &err), 0);
	/* the sender may have removed it himself */
	assert_int_equal(
		tp_spool_reader_remove(place->reader, id, &err), TP_OK);
	assert_int_equal(
		tp_spool_waits(place->spool, "../lock", &err), TP_EINVAL);
}

/* ---- refusing ----------------------------------------------------------- */

static void without_a_spool_nothing_is_accepted(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char path[5000];

	assert_int_equal(write_with(place, 0, &err), TP_ENOTFOUND);
	assert_non_null(strstr(err.text, "tillpostd"));
	tp_error_clear(&err);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(
		tp_spool_waits(path, "01JD6K5S0NABCDEFGH", &err), TP_EINVAL);
}

static void a_spool_that_would_show_mail_is_refused(void **state)
{
	static const struct {
		const char *which;
		mode_t mode;
		const char *text;
	} cases[] = {
		{ "incoming", 03777, "others could list it" },
		{ "incoming", 03773, "others could list it" },
		{ "incoming", 03737, "others could list it" },
		{ "incoming", 01777, "others could list it" },
		{ "incoming", 02733, "others could replace" },
		{ "incoming", 02730, "others could replace" },
		{ "incoming", 0777, "run: chmod 3733" },
		{ ".", 0777, "chmod 755" },
		{ ".", 0775, "chmod 755" },
	};
	struct spool_place *place = *state;
	char path[256];
	size_t i;

	spool_open(place);
	for (i = 0; i < COUNT(cases); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", place->spool,
			cases[i].which);
		assert_int_equal(chmod(path, cases[i].mode), 0);
		refused(place, TP_EPERM, cases[i].text);
		assert_int_equal(chmod(place->incoming, 03733), 0);
		assert_int_equal(chmod(place->spool, 0755), 0);
	}
	spool_put(place, 100, NULL);
	/* one user's own spool may be closed to all others */
	assert_int_equal(chmod(place->incoming, 0700), 0);
	spool_put(place, 100, NULL);
}

static void a_spool_of_two_owners_is_refused(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	if (geteuid() != 0)
		return; /* only root can make one */
	assert_int_equal(chown(place->incoming, 65534, 65534), 0);
	assert_int_equal(chmod(place->incoming, 03733), 0);
	refused(place, TP_EPERM, "run: chown 0 ");
}

static void a_symbolic_link_for_incoming_is_refused(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char real[128];

	spool_open(place);
	(void)snprintf(real, sizeof(real), "%s/elsewhere", place->base);
	assert_int_equal(rename(place->incoming, real), 0);
	assert_int_equal(symlink(real, place->incoming), 0);
	assert_int_equal(write_with(place, 0, &err), TP_EPERM);
	assert_int_equal(spool_entries(real), 0);
}

static void a_reserve_on_the_disk_is_kept(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;

	spool_open(place);
	assert_int_equal(write_with(place, INT64_MAX, &err), TP_ENOSPC);
	assert_non_null(strstr(err.text, "must stay free"));
	assert_int_equal(spool_entries(place->incoming), 0);
	tp_error_clear(&err);
	assert_int_equal(write_with(place, 1, &err), TP_OK);
}

static int write_with_a_small_limit(struct spool_place *place)
{
	struct rlimit limit = { 4096, 4096 };
	struct tp_error err = TP_ERROR_INIT;

	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 2;
	return write_with(place, 0, &err) == TP_ENOSPC &&
			       strstr(err.text, "ulimit")
		       ? 0
		       : 1;
}

static void a_limit_on_file_sizes_does_not_kill_the_caller(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	assert_int_equal(spool_as_other(write_with_a_small_limit, place), 0);
	assert_int_equal(spool_entries(place->incoming), 0);
}

static void an_id_that_is_taken_is_refused_and_the_first_kept(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_record first = spool_record(100);
	struct tp_spool_record second = spool_record(200);
	struct tp_spool_file file;
	char temp[32];

	spool_open(place);
	assert_int_equal(tp_spool_write(place->spool, 0, &first, &err), TP_OK);
	memcpy(second.queue_id, first.queue_id, sizeof(first.queue_id));
	assert_int_equal(
		tp_spool_write(place->spool, 0, &second, &err), TP_EBUSY);
	assert_non_null(strstr(err.text, "use another"));
	assert_int_equal(spool_entries(place->incoming), 1);
	tp_error_clear(&err);
	assert_int_equal(tp_spool_reader_load(
				 place->reader, first.queue_id, &file, &err),
		TP_OK);
	assert_int_equal(file.record.data_bytes, 100);
	tp_spool_file_free(&file);
	/* the same while the other is still being written */
	second = spool_record(10);
	(void)snprintf(temp, sizeof(temp), "t.%s", second.queue_id);
	spool_plant(place->incoming, temp, "x", 1);
	assert_int_equal(
		tp_spool_write(place->spool, 0, &second, &err), TP_EBUSY);
	assert_true(spool_there(place->incoming, temp));
}

static void a_record_that_cannot_be_spelled_leaves_nothing(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_record record = spool_record(100);

	spool_open(place);
	record.sender = "a\nrecipient evil@example.com";
	assert_int_equal(
		tp_spool_write(place->spool, 0, &record, &err), TP_EINVAL);
	assert_string_equal(err.where, "sender");
	assert_int_equal(spool_entries(place->incoming), 0);
}

/* ---- other users -------------------------------------------------------- */

static int write_one(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;

	return write_with(place, 0, &err) == TP_OK ? 0 : 1;
}

static void another_user_can_hand_mail_over(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	char name[1][TP_QUEUE_ID_BYTES];
	struct stat st;

	spool_open(place);
	/* so that a user alone sees the way without a readable directory */
	if (geteuid() != 0)
		assert_int_equal(chmod(place->incoming, 03333), 0);
	assert_int_equal(spool_as_other(write_one, place), 0);
	assert_int_equal(chmod(place->incoming, 03733), 0);
	assert_int_equal(spool_pass(place, name, 1), 1);
	assert_int_equal(
		tp_spool_reader_load(place->reader, name[0], &file, &err),
		TP_OK);
	assert_int_equal(file.owner, geteuid() == 0 ? 65534 : geteuid());
	assert_int_equal(file.record.data_bytes, 5000);
	tp_spool_file_free(&file);
	/* readable for the daemon by its group */
	assert_int_equal(lstat(place->incoming, &st), 0);
	assert_int_equal(mode_of(place->incoming, name[0]), 0440);
}

/* What somebody can do to the only other mail, whose name he has learnt.
 * @return 0: nothing */
static int attack(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_record record = spool_record(10);
	char path[256];
	char other[256];
	int64_t waiting;
	int64_t quarantined;

	(void)snprintf(
		path, sizeof(path), "%s/%s", place->incoming, place->known_id);
	(void)snprintf(other, sizeof(other), "%s/%s", place->incoming,
		record.queue_id);
	if (opendir(place->incoming) || opendir(place->quarantine))
		return 1;
	if (open(path, O_RDONLY) >= 0 || open(path, O_WRONLY) >= 0)
		return 2;
	if (unlink(path) == 0 || rename(path, other) == 0)
		return 3;
	if (tp_spool_count(place->spool, &waiting, &quarantined, &err) !=
		TP_EPERM)
		return 4;
	memcpy(record.queue_id, place->known_id, TP_QUEUE_ID_BYTES);
	tp_error_clear(&err);
	if (tp_spool_write(place->spool, 0, &record, &err) != TP_EBUSY)
		return 5;
	if (write_one(place) != 0)
		return 6;
	if (chmod(place->incoming, 0777) == 0 || rmdir(place->incoming) == 0 ||
		rename(place->incoming, other) == 0)
		return 7;
	(void)snprintf(path, sizeof(path), "%s/wake", place->spool);
	if (unlink(path) == 0)
		return 8;
	return 0;
}

static void another_user_cannot_list_read_replace_or_delete(void **state)
{
	struct spool_place *place = *state;
	char id[TP_QUEUE_ID_BYTES];

	spool_open(place);
	spool_put(place, 100, id);
	memcpy(place->known_id, id, sizeof(id));
	if (geteuid() != 0)
		return; /* a user may do all of this to his own */
	assert_int_equal(spool_as_other(attack, place), 0);
	assert_int_equal(spool_pass(place, NULL, 0), 2);
	assert_true(spool_there(place->incoming, id));
}

static int refused_without_setgid(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;

	return write_with(place, 0, &err) == TP_EPERM &&
			       strstr(err.text, "could not read")
		       ? 0
		       : 1;
}

static int refused_by_a_closed_door(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;

	return write_with(place, 0, &err) == TP_EPERM &&
			       strstr(err.text, "3733")
		       ? 0
		       : 1;
}

static void what_the_daemon_could_not_read_is_not_accepted(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	if (geteuid() != 0)
		return; /* a user can read his own */
	assert_int_equal(chmod(place->incoming, 01733), 0);
	assert_int_equal(spool_as_other(refused_without_setgid, place), 0);
	assert_int_equal(chmod(place->incoming, 0700), 0);
	assert_int_equal(spool_as_other(refused_by_a_closed_door, place), 0);
	assert_int_equal(chmod(place->incoming, 03733), 0);
	assert_int_equal(chmod(place->spool, 0700), 0);
	assert_int_equal(spool_as_other(refused_by_a_closed_door, place), 0);
	assert_int_equal(spool_pass(place, NULL, 0), 0);
}

/* ---- many at once ------------------------------------------------------- */

static void *writer(void *ctx)
{
	struct spool_place *place = ctx;
	int i;

	for (i = 0; i < EACH; i++)
		if (write_one(place) != 0)
			return ctx;
	return NULL;
}

static int take_all(struct spool_place *place)
{
	char(*names)[TP_QUEUE_ID_BYTES] = calloc(1000, sizeof(*names));
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	int taken = 0;
	int count;
	int i;

	assert_non_null(names);
	count = spool_pass(place, names, 1000);
	for (i = 0; i < count; i++) {
		int rc = tp_spool_reader_load(
			place->reader, names[i], &file, &err);

		/* named twice, for it came during the pass */
		if (rc == TP_ENOTFOUND)
			continue;
		if (rc != TP_OK)
			fail_msg("%s: %s", err.where, err.text);
		taken++;
		assert_int_equal(file.record.data_bytes, 5000);
		tp_spool_file_free(&file);
		assert_int_equal(
			tp_spool_reader_remove(place->reader, names[i], &err),
			TP_OK);
	}
	free(names);
	return taken;
}

static void threads_and_forked_children_lose_nothing(void **state)
{
	struct spool_place *place = *state;
	pthread_t threads[THREADS];
	pid_t children[CHILDREN];
	int want = (THREADS + CHILDREN) * EACH;
	int taken = 0;
	int passes;
	int i;

	spool_open(place);
	for (i = 0; i < CHILDREN; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			_exit(writer(place) ? 1 : 0);
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, writer, place), 0);
	for (passes = 0; taken < want && passes < 10000; passes++) {
		tp_spool_reader_wait(place->reader, 1000);
		taken += take_all(place);
	}
	for (i = 0; i < THREADS; i++) {
		void *bad = NULL;

		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	for (i = 0; i < CHILDREN; i++) {
		int status = 1;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(taken, want);
	assert_int_equal(spool_entries(place->incoming), 0);
	assert_int_equal(spool_entries(place->quarantine), 0);
	assert_int_equal(place->note_count, 0);
}

/* ---- memory ------------------------------------------------------------- */

#ifdef TP_TEST_ALLOC
static void every_failed_allocation_of_a_write_leaves_nothing(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	unsigned long n;
	int rc = TP_ENOMEM;

	spool_open(place);
	for (n = 1; rc == TP_ENOMEM; n++) {
		assert_int_equal(spool_entries(place->incoming), 0);
		tp_error_clear(&err);
		(void)tp_mem_fail_at(n);
		rc = write_with(place, 0, &err);
		(void)tp_mem_fail_at(0);
		assert_int_equal(err.code, rc);
	}
	assert_int_equal(rc, TP_OK);
	assert_true(n > 2);
	assert_int_equal(spool_entries(place->incoming), 1);
}

static void every_failed_allocation_of_a_load_leaves_the_file(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	char id[TP_QUEUE_ID_BYTES];
	unsigned long n;
	int rc = TP_ENOMEM;

	spool_open(place);
	spool_put(place, 5000, id);
	for (n = 1; rc == TP_ENOMEM; n++) {
		tp_error_clear(&err);
		(void)tp_mem_fail_at(n);
		rc = tp_spool_reader_load(place->reader, id, &file, &err);
		(void)tp_mem_fail_at(0);
		assert_int_equal(err.code, rc);
		assert_int_equal(spool_entries(place->incoming), 1);
		tp_spool_file_free(&file);
	}
	assert_int_equal(rc, TP_OK);
	assert_true(n > 2);
	assert_int_equal(spool_entries(place->quarantine), 0);
}

static void every_failed_allocation_of_a_reader_is_clean(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char name[TP_QUEUE_ID_BYTES];
	unsigned long n;
	int rc = TP_ENOMEM;

	for (n = 1; rc == TP_ENOMEM; n++) {
		tp_error_clear(&err);
		(void)tp_mem_fail_at(n);
		rc = tp_spool_reader_open(place->spool, &place->reader, &err);
		if (rc == TP_OK)
			rc = tp_spool_reader_next(
				place->reader, NULL, NULL, name, &err);
		(void)tp_mem_fail_at(0);
		assert_int_equal(err.code, rc);
		tp_spool_reader_close(&place->reader);
	}
	assert_int_equal(rc, TP_OK);
	assert_true(n > 3);
}
#endif

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
		name, spool_place_make, spool_place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_loaded_and_removed),
		TEST(modes_do_not_depend_on_the_umask),
		TEST(errno_is_the_callers),
		TEST(no_descriptor_stays_open),
		TEST(a_mail_waits_until_it_is_removed),
		TEST(without_a_spool_nothing_is_accepted),
		TEST(a_spool_that_would_show_mail_is_refused),
		TEST(a_spool_of_two_owners_is_refused),
		TEST(a_symbolic_link_for_incoming_is_refused),
		TEST(a_reserve_on_the_disk_is_kept),
		TEST(a_limit_on_file_sizes_does_not_kill_the_caller),
		TEST(an_id_that_is_taken_is_refused_and_the_first_kept),
		TEST(a_record_that_cannot_be_spelled_leaves_nothing),
		TEST(another_user_can_hand_mail_over),
		TEST(another_user_cannot_list_read_replace_or_delete),
		TEST(what_the_daemon_could_not_read_is_not_accepted),
		TEST(threads_and_forked_children_lose_nothing),
#ifdef TP_TEST_ALLOC
		TEST(every_failed_allocation_of_a_write_leaves_nothing),
		TEST(every_failed_allocation_of_a_load_leaves_the_file),
		TEST(every_failed_allocation_of_a_reader_is_clean),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
