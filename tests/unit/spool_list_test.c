/*
 * spool_list_test.c - a person sees what waits, and deals with the rest
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "unit/spool_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct seen {
	int waiting;
	int quarantined;
	int stop_after;
	char last[256];
	char reason[256];
	int64_t size_bytes;
};

static int see(void *ctx, const struct tp_spool_entry *entry)
{
	struct seen *seen = ctx;

	if (entry->quarantined)
		seen->quarantined++;
	else
		seen->waiting++;
	assert_int_equal(entry->owner, geteuid());
	assert_true(entry->modified_ms > 1600000000000);
	(void)snprintf(seen->last, sizeof(seen->last), "%s", entry->name);
	(void)snprintf(seen->reason, sizeof(seen->reason), "%s", entry->reason);
	seen->size_bytes = entry->size_bytes;
	return seen->stop_after == seen->waiting + seen->quarantined;
}

static void put_in_quarantine(
	struct spool_place *place, const char *name, const char *reason)
{
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(
		tp_spool_reader_quarantine(place->reader, name, reason, &err),
		TP_OK);
}

static void counts(struct spool_place *place, int waiting, int quarantined)
{
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { 0 };
	int64_t w;
	int64_t q;

	assert_int_equal(tp_spool_count(place->spool, &w, &q, &err), TP_OK);
	assert_int_equal(w, waiting);
	assert_int_equal(q, quarantined);
	assert_int_equal(tp_spool_list(place->spool, see, &seen, &err),
		waiting + quarantined);
	assert_int_equal(seen.waiting, waiting);
	assert_int_equal(seen.quarantined, quarantined);
}

static void both_rooms_are_listed_and_counted(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { 0 };
	char id[TP_QUEUE_ID_BYTES];
	int i;

	spool_open(place);
	counts(place, 0, 0);
	for (i = 0; i < 5; i++)
		spool_put(place, 100, id);
	spool_plant(place->incoming, "t.01JD6K5S0NABCDEFGH", "x", 1);
	counts(place, 5, 0);
	put_in_quarantine(place, id, "store eu is not for user 33");
	counts(place, 4, 1);
	assert_int_equal(tp_spool_list(place->spool, see, &seen, &err), 5);
	assert_string_equal(seen.last, id);
	assert_string_equal(seen.reason, "store eu is not for user 33");
	assert_true(seen.size_bytes > 100);
	seen = (struct seen) { .stop_after = 2 };
	assert_int_equal(tp_spool_list(place->spool, see, &seen, &err), 2);
}

static void what_is_released_is_taken_in_again(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_file file;
	char id[TP_QUEUE_ID_BYTES];

	spool_open(place);
	spool_put(place, 100, id);
	put_in_quarantine(place, id, "because");
	assert_int_equal(spool_pass(place, NULL, 0), 0);
	assert_int_equal(tp_spool_release(place->spool, id, &err), TP_OK);
	counts(place, 1, 0);
	assert_int_equal(spool_pass(place, NULL, 0), 1);
	assert_int_equal(
		tp_spool_reader_load(place->reader, id, &file, &err), TP_OK);
	assert_int_equal(file.record.data_bytes, 100);
	tp_spool_file_free(&file);
	assert_int_equal(
		tp_spool_release(place->spool, id, &err), TP_ENOTFOUND);
}

static void only_spool_files_are_released(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_record record = spool_record(10);
	char path[512];

	spool_open(place);
	spool_plant(place->quarantine, "hello", "x", 1);
	assert_int_equal(
		tp_spool_release(place->spool, "hello", &err), TP_ESTATE);
	(void)snprintf(path, sizeof(path), "%s/%s", place->quarantine,
		record.queue_id);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	tp_error_clear(&err);
	assert_int_equal(tp_spool_release(place->spool, record.queue_id, &err),
		TP_ESTATE);
	/* nor does one replace another */
	assert_int_equal(unlink(path), 0);
	tp_error_clear(&err);
	assert_int_equal(tp_spool_write(place->spool, 0, &record, &err), TP_OK);
	spool_plant(place->quarantine, record.queue_id, "x", 1);
	assert_int_equal(tp_spool_release(place->spool, record.queue_id, &err),
		TP_ESTATE);
	assert_non_null(strstr(err.text, "waits already"));
	counts(place, 1, 2);
}

static void what_is_discarded_is_gone_with_its_reason(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];
	char reason[64];

	spool_open(place);
	spool_put(place, 100, id);
	put_in_quarantine(place, id, "because");
	(void)snprintf(reason, sizeof(reason), "%s.reason", id);
	assert_true(spool_there(place->quarantine, reason));
	assert_int_equal(tp_spool_discard(place->spool, id, &err), TP_OK);
	assert_false(spool_there(place->quarantine, reason));
	counts(place, 0, 0);
	assert_int_equal(
		tp_spool_discard(place->spool, id, &err), TP_ENOTFOUND);
}

static void what_waits_cannot_be_discarded(void **state)
{
	static const char *const names[] = { "", ".", "..", "../lock",
		"../incoming/x", "x.reason" };
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];
	char path[64];
	size_t i;

	spool_open(place);
	spool_put(place, 100, id);
	spool_plant(place->quarantine, "x.reason", "y\n", 2);
	(void)snprintf(path, sizeof(path), "../incoming/%s", id);
	assert_int_equal(
		tp_spool_discard(place->spool, id, &err), TP_ENOTFOUND);
	assert_int_equal(
		tp_spool_discard(place->spool, path, &err), TP_ENOTFOUND);
	for (i = 0; i < COUNT(names); i++) {
		assert_int_equal(tp_spool_discard(place->spool, names[i], &err),
			TP_ENOTFOUND);
		assert_int_equal(tp_spool_release(place->spool, names[i], &err),
			TP_ENOTFOUND);
	}
	counts(place, 1, 0);
	assert_true(spool_there(place->spool, "lock"));
}

static void a_directory_is_discarded_only_empty(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	char path[512];

	spool_open(place);
	(void)snprintf(path, sizeof(path), "%s/dir", place->quarantine);
	assert_int_equal(mkdir(path, 0700), 0);
	spool_plant(path, "file", "x", 1);
	assert_int_equal(
		tp_spool_discard(place->spool, "dir", &err), TP_ESTATE);
	assert_non_null(strstr(err.text, "by hand"));
	(void)snprintf(path, sizeof(path), "%s/dir/file", place->quarantine);
	assert_int_equal(unlink(path), 0);
	tp_error_clear(&err);
	assert_int_equal(tp_spool_discard(place->spool, "dir", &err), TP_OK);
}

static void a_bad_reason_is_shown_safely(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { 0 };

	spool_open(place);
	spool_plant(place->quarantine, "a", "x", 1);
	spool_plant(
		place->quarantine, "a.reason", "one\x1b[2J\ttwo\nthree", 17);
	assert_int_equal(tp_spool_list(place->spool, see, &seen, &err), 1);
	assert_string_equal(seen.reason, "one?[2J?two");
}

static int may_not_look(struct spool_place *place)
{
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { 0 };
	int64_t w = 0;
	int64_t q = 0;

	if (tp_spool_count(place->spool, &w, &q, &err) != TP_EPERM || w != -1 ||
		q != -1)
		return 1;
	tp_error_clear(&err);
	if (tp_spool_list(place->spool, see, &seen, &err) != TP_EPERM)
		return 2;
	tp_error_clear(&err);
	if (tp_spool_release(place->spool, "x", &err) != TP_EPERM)
		return 3;
	tp_error_clear(&err);
	return tp_spool_discard(place->spool, "x", &err) == TP_EPERM ? 0 : 4;
}

static void only_the_owner_may_look(void **state)
{
	struct spool_place *place = *state;

	spool_open(place);
	if (geteuid() != 0)
		assert_int_equal(chmod(place->incoming, 03333), 0);
	assert_int_equal(spool_as_other(may_not_look, place), 0);
}

static void where_there_is_no_spool_nothing_is_found(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { 0 };

	assert_int_equal(
		tp_spool_list(place->spool, see, &seen, &err), TP_ENOTFOUND);
	assert_int_equal(
		tp_spool_discard(place->spool, "x", &err), TP_ENOTFOUND);
}

static void without_a_quarantine_yet_it_counts_as_empty(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;

	spool_open(place);
	assert_int_equal(rmdir(place->quarantine), 0);
	counts(place, 0, 0);
	assert_int_equal(
		tp_spool_discard(place->spool, "none", &err), TP_ENOTFOUND);
}

#ifdef TP_TEST_ALLOC
static void a_listing_without_memory_says_so(void **state)
{
	struct spool_place *place = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct seen seen = { 0 };

	spool_open(place);
	(void)tp_mem_fail_at(1);
	assert_int_equal(
		tp_spool_list(place->spool, see, &seen, &err), TP_ENOMEM);
	(void)tp_mem_fail_at(0);
	assert_int_equal(err.code, TP_ENOMEM);
}
#endif

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
		name, spool_place_make, spool_place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_rooms_are_listed_and_counted),
		TEST(what_is_released_is_taken_in_again),
		TEST(only_spool_files_are_released),
		TEST(what_is_discarded_is_gone_with_its_reason),
		TEST(what_waits_cannot_be_discarded),
		TEST(a_directory_is_discarded_only_empty),
		TEST(a_bad_reason_is_shown_safely),
		TEST(only_the_owner_may_look),
		TEST(where_there_is_no_spool_nothing_is_found),
		TEST(without_a_quarantine_yet_it_counts_as_empty),
#ifdef TP_TEST_ALLOC
		TEST(a_listing_without_memory_says_so),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
