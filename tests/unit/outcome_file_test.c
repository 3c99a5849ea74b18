/*
 * outcome_file_test.c - no line is lost that need not be, none is glued
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapters/outcome_file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Longer than the time between two looks at the path. */
#define LOOKED_AGAIN_US 1100000
#define THREADS 4
#define LINES_EACH 2000
#define LINES_MAX (THREADS * LINES_EACH)

/* A directory of its own for each test, and what the file told. */
struct place {
	char dir[64];
	char path[80];
	char old_path[96];
	int trouble_count;
	int over_count;
	uint64_t lost_count;
	struct tp_error err;
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	(void)snprintf(
		place->dir, sizeof(place->dir), "/tmp/tillpost-log-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	(void)snprintf(
		place->path, sizeof(place->path), "%s/o.jsonl", place->dir);
	(void)snprintf(
		place->old_path, sizeof(place->old_path), "%s.1", place->path);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	static const char *const names[] = { "o.jsonl", "o.jsonl.1",
		"o.jsonl.2", "o.jsonl.3", "other" };
	struct place *place = *state;
	char path[160];
	size_t i;
	int rc;

	for (i = 0; i < COUNT(names); i++) {
		(void)snprintf(
			path, sizeof(path), "%s/%s", place->dir, names[i]);
		if (unlink(path) < 0 && errno == EISDIR)
			(void)rmdir(path);
	}
	rc = rmdir(place->dir);
	free(place);
	return rc;
}

static void on_report(
	void *ctx, const struct tp_error *err, uint64_t lost_count)
{
	struct place *place = ctx;

	if (err) {
		place->trouble_count++;
		place->err = *err;
	} else {
		place->over_count++;
		place->lost_count = lost_count;
	}
}

static struct tp_outcome_file *open_file(struct place *place, int64_t bytes)
{
	struct tp_outcome_file_options options = {
		.path = place->path,
		.retention_bytes = bytes,
		.report = on_report,
		.report_ctx = place,
	};
	struct tp_outcome_file *file;
	struct tp_error err = TP_ERROR_INIT;

	if (tp_outcome_file_open(&options, &file, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	return file;
}

static void put(struct tp_outcome_file *file, int64_t event_id)
{
	struct tp_outcome_sink sink = tp_outcome_file_sink(file);
	struct tp_outcome outcome = { .event_id = event_id,
		.time_ms = 1,
		.text = "a line of some length" };

	sink.event(sink.ctx, &outcome);
}

/* Counts each event id of a file in SEEN. A line that is no JSON counts as
 * torn. @return lines read, -1 if there is no such file */
static int read_events(const char *path, int *seen, int *torn_out)
{
	FILE *in = fopen(path, "r");
	char line[4096];
	int count = 0;

	*torn_out = 0;
	if (!in)
		return -1;
	while (fgets(line, sizeof(line), in)) {
		json_t *object = json_loads(line, 0, NULL);
		json_int_t id =
			json_integer_value(json_object_get(object, "event_id"));

		if (!object || line[strlen(line) - 1] != '\n')
			(*torn_out)++;
		else if (id >= 0 && id < LINES_MAX)
			seen[id]++;
		else
			fail_msg("event %lld", (long long)id);
		json_decref(object);
		count++;
	}
	(void)fclose(in);
	return count;
}

static int lines_of(const char *path)
{
	static int seen[LINES_MAX];
	int torn;
	int count = read_events(path, seen, &torn);

	assert_int_equal(torn, 0);
	return count;
}

static void write_text(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* ---- opening ------------------------------------------------------------ */

static void lines_are_appended_and_kept_over_a_restart(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 0);
	struct stat st;

	put(file, 1);
	put(file, 2);
	tp_outcome_file_close(&file);
	assert_null(file);
	file = open_file(place, 0);
	put(file, 3);
	tp_outcome_file_close(&file);
	assert_int_equal(lines_of(place->path), 3);
	assert_int_equal(stat(place->path, &st), 0);
	/* 0640, less the umask: others never read addresses */
	assert_int_equal(st.st_mode & 0137, 0);
	assert_int_equal(place->trouble_count, 0);
}

static void expect_refused(struct place *place, int code, const char *text)
{
	struct tp_outcome_file_options options = { .path = place->path };
	struct tp_outcome_file *file = (struct tp_outcome_file *)place;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(tp_outcome_file_open(&options, &file, &err), code);
	assert_null(file);
	assert_non_null(strstr(err.text, text));
	assert_string_equal(err.where, place->path);
}

static void a_symbolic_link_is_refused(void **state)
{
	struct place *place = *state;
	char target[96];

	(void)snprintf(target, sizeof(target), "%s/other", place->dir);
	write_text(target, "");
	assert_int_equal(symlink(target, place->path), 0);
	expect_refused(place, TP_EPERM, "symbolic link");
}

static void a_second_name_of_another_file_is_refused(void **state)
{
	struct place *place = *state;
	char target[96];

	(void)snprintf(target, sizeof(target), "%s/other", place->dir);
	write_text(target, "");
	assert_int_equal(link(target, place->path), 0);
	expect_refused(place, TP_EPERM, "regular file with a single name");
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
	struct place *place = *state;

	assert_int_equal(mkfifo(place->path, 0600), 0);
	expect_refused(place, TP_EPERM, "regular file");
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(mkdir(place->path, 0700), 0);
	expect_refused(place, TP_EIO, "cannot open");
	assert_int_equal(rmdir(place->path), 0);
	(void)snprintf(place->path, sizeof(place->path), "/dev/full");
	expect_refused(place, TP_EPERM, "regular file");
	(void)snprintf(
		place->path, sizeof(place->path), "%s/no/such", place->dir);
	expect_refused(place, TP_EIO, "No such file");
}

static void senseless_options_are_refused(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file_options cases[] = {
		{ .path = NULL },
		{ .path = "" },
		{ .path = place->path, .retention_bytes = -1 },
		{ .path = place->path, .retention_ms = -1 },
	};
	struct tp_outcome_file *file;
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(tp_outcome_file_open(&cases[i], &file, NULL),
			TP_EINVAL);
	assert_int_not_equal(access(place->path, F_OK), 0);
}

/* ---- rotation by others ------------------------------------------------- */

static void a_renamed_file_is_followed_by_a_new_one(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 0);

	put(file, 1);
	assert_int_equal(rename(place->path, place->old_path), 0);
	(void)usleep(LOOKED_AGAIN_US);
	put(file, 2);
	put(file, 3);
	tp_outcome_file_close(&file);
	assert_int_equal(lines_of(place->old_path), 1);
	assert_int_equal(lines_of(place->path), 2);
	assert_int_equal(place->trouble_count, 0);
}

static void a_deleted_file_is_made_anew(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 0);

	put(file, 1);
	assert_int_equal(unlink(place->path), 0);
	(void)usleep(LOOKED_AGAIN_US);
	put(file, 2);
	tp_outcome_file_close(&file);
	assert_int_equal(lines_of(place->path), 1);
}

static void a_planted_link_does_not_take_the_lines(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 0);
	char target[96];

	(void)snprintf(target, sizeof(target), "%s/other", place->dir);
	write_text(target, "");
	put(file, 1);
	assert_int_equal(rename(place->path, place->old_path), 0);
	assert_int_equal(symlink(target, place->path), 0);
	(void)usleep(LOOKED_AGAIN_US);
	put(file, 2);
	put(file, 3);
	/* told once; the lines go on where they went before */
	assert_int_equal(place->trouble_count, 1);
	assert_int_equal(place->err.code, TP_EPERM);
	assert_int_equal(lines_of(target), 0);
	assert_int_equal(lines_of(place->old_path), 3);
	assert_int_equal(unlink(place->path), 0);
	(void)usleep(LOOKED_AGAIN_US);
	put(file, 4);
	assert_int_equal(place->over_count, 1);
	assert_int_equal(place->lost_count, 0);
	assert_int_equal(lines_of(place->path), 1);
	tp_outcome_file_close(&file);
}

struct writer {
	struct tp_outcome_file *file;
	int first;
	int pause_us; /* now and then, to live over several rotations */
};

static void *write_lines(void *arg)
{
	struct writer *writer = arg;
	int i;

	for (i = 0; i < LINES_EACH; i++) {
		put(writer->file, writer->first + i);
		if (i % 100 == 0)
			(void)usleep((useconds_t)writer->pause_us);
	}
	return NULL;
}

static void run_writers(struct tp_outcome_file *file, int pause_us,
	void (*meanwhile)(struct place *), struct place *place)
{
	pthread_t threads[THREADS];
	struct writer writers[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		writers[i] = (struct writer) { .file = file,
			.first = i * LINES_EACH,
			.pause_us = pause_us };
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines,
					 &writers[i]),
			0);
	}
	if (meanwhile)
		meanwhile(place);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* As logrotate: 2 -> 3, 1 -> 2, file -> 1. */
static void rotate_twice(struct place *place)
{
	char second[112];
	char third[112];
	int i;

	(void)snprintf(second, sizeof(second), "%s.2", place->path);
	(void)snprintf(third, sizeof(third), "%s.3", place->path);
	for (i = 0; i < 2; i++) {
		(void)usleep(LOOKED_AGAIN_US);
		(void)rename(second, third);
		(void)rename(place->old_path, second);
		assert_int_equal(rename(place->path, place->old_path), 0);
	}
}

static void rotation_while_four_threads_write_loses_no_line(void **state)
{
	static const char *const ends[] = { "", ".1", ".2", ".3" };
	static int seen[LINES_MAX];
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 0);
	char path[112];
	int files = 0;
	int torn;
	size_t i;

	/* 20 pauses of 160 ms: 3.2 s, three looks at the path */
	run_writers(file, 160000, rotate_twice, place);
	tp_outcome_file_close(&file);
	for (i = 0; i < COUNT(ends); i++) {
		(void)snprintf(
			path, sizeof(path), "%s%s", place->path, ends[i]);
		files += read_events(path, seen, &torn) > 0;
		assert_int_equal(torn, 0);
	}
	assert_true(files >= 3);
	for (i = 0; i < LINES_MAX; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(place->trouble_count, 0);
}

/* ---- rotation by itself ------------------------------------------------- */

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static void the_file_never_passes_its_bound(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 5000);
	int i;

	for (i = 0; i < 200; i++) {
		put(file, i);
		assert_in_range(size_of(place->path), 1, 5000);
		assert_true(size_of(place->old_path) <= 5000);
	}
	tp_outcome_file_close(&file);
	assert_true(size_of(place->old_path) > 4000);
	/* and none of what is there is torn */
	assert_true(lines_of(place->path) + lines_of(place->old_path) > 10);
}

static void with_bound_zero_it_never_rotates(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 0);
	int i;

	for (i = 0; i < 200; i++)
		put(file, i);
	tp_outcome_file_close(&file);
	assert_int_equal(lines_of(place->path), 200);
	assert_int_equal(size_of(place->old_path), -1);
}

static void two_writers_of_one_file_rotate_it_once(void **state)
{
	static int seen[LINES_MAX];
	struct place *place = *state;
	/* each as another process would have it; room for one rotation */
	int64_t bytes = 20000;
	struct tp_outcome_file *a = open_file(place, bytes);
	struct tp_outcome_file *b = open_file(place, bytes);
	int torn;
	int i;

	for (i = 0; size_of(place->old_path) < 0; i++) {
		put(a, 2 * i);
		put(b, 2 * i + 1);
		assert_true(i < 200);
	}
	/* B still has the old file and does not know it */
	for (; i < 60; i++)
		put(b, 2 * i);
	put(a, 2 * i);
	tp_outcome_file_close(&a);
	tp_outcome_file_close(&b);
	(void)read_events(place->old_path, seen, &torn);
	assert_int_equal(torn, 0);
	(void)read_events(place->path, seen, &torn);
	assert_int_equal(torn, 0);
	assert_int_equal(seen[0], 1);
	assert_int_equal(seen[1], 1);
	assert_int_equal(seen[2 * i], 1);
	assert_int_equal(place->trouble_count, 0);
}

static int64_t later_by(void *ctx)
{
	return tp_now_ms(NULL) + *(int64_t *)ctx;
}

static void open_later(struct place *place, int64_t later_ms,
	int64_t retention_bytes, int64_t retention_ms)
{
	struct tp_clock clock = { .ctx = &later_ms, .now_ms = later_by };
	struct tp_outcome_file_options options = {
		.path = place->path,
		.retention_bytes = retention_bytes,
		.retention_ms = retention_ms,
		.clock = &clock,
	};
	struct tp_outcome_file *file;

	assert_int_equal(tp_outcome_file_open(&options, &file, NULL), TP_OK);
	tp_outcome_file_close(&file);
}

static void an_old_rotated_file_is_removed_by_age(void **state)
{
	struct place *place = *state;
	int64_t day = INT64_C(24) * 3600 * 1000;

	write_text(place->old_path, "{}\n");
	open_later(place, 29 * day, 1000000, 30 * day);
	assert_int_equal(size_of(place->old_path), 3);
	open_later(place, 31 * day, 0, 30 * day); /* logrotate's file */
	assert_int_equal(size_of(place->old_path), 3);
	open_later(place, 31 * day, 1000000, 0); /* kept for ever */
	assert_int_equal(size_of(place->old_path), 3);
	open_later(place, 31 * day, 1000000, 30 * day);
	assert_int_equal(size_of(place->old_path), -1);
}

/* ---- a full disk -------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A limit on the size of files is a full disk that needs no root: the write
 * that reaches it is short, the next fails. */
static void a_full_disk_loses_lines_and_nothing_else(void **state)
{
	static int seen[LINES_MAX];
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 0);
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	int64_t line_bytes;
	int torn;

	put(file, 1);
	line_bytes = size_of(place->path);
	limit_files((rlim_t)(line_bytes + line_bytes / 2));
	put(file, 2); /* half of it goes in */
	assert_int_equal(size_of(place->path), line_bytes + line_bytes / 2);
	put(file, 3);
	put(file, 4);
	assert_int_equal(place->trouble_count, 1);
	assert_int_equal(place->err.code, TP_EIO);
	assert_non_null(strstr(place->err.text, "cannot write"));
	assert_int_equal(place->over_count, 0);

	limit_files(RLIM_INFINITY);
	put(file, 5);
	put(file, 6);
	assert_int_equal(place->trouble_count, 1);
	assert_int_equal(place->over_count, 1);
	assert_int_equal(place->lost_count, 3);

	/* the next time is told again */
	limit_files((rlim_t)size_of(place->path));
	put(file, 7);
	assert_int_equal(place->trouble_count, 2);
	limit_files(RLIM_INFINITY);
	put(file, 8);
	assert_int_equal(place->over_count, 2);
	assert_int_equal(place->lost_count, 1);
	tp_outcome_file_close(&file);
	(void)signal(SIGXFSZ, before);

	/* the half line stands alone; the lines after it are whole */
	assert_int_equal(read_events(place->path, seen, &torn), 5);
	assert_int_equal(torn, 1);
	assert_int_equal(seen[1] + seen[5] + seen[6] + seen[8], 4);
}

static void a_line_cut_by_a_crash_does_not_swallow_the_next(void **state)
{
	static int seen[LINES_MAX];
	struct place *place = *state;
	struct tp_outcome_file *file;
	int torn;

	write_text(place->path, "{\"event_id\":1}\n{\"event_");
	file = open_file(place, 0);
	put(file, 2);
	put(file, 3);
	tp_outcome_file_close(&file);
	assert_int_equal(read_events(place->path, seen, &torn), 4);
	assert_int_equal(torn, 1);
	assert_int_equal(seen[1] + seen[2] + seen[3], 3);
}

static void a_bound_that_cannot_be_kept_is_told_once(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 1000);
	int i;

	/* a directory in the way of the renamed file */
	assert_int_equal(mkdir(place->old_path, 0700), 0);
	for (i = 0; i < 10; i++)
		put(file, i);
	assert_int_equal(place->trouble_count, 1);
	assert_non_null(strstr(place->err.text, "cannot rename"));
	assert_int_equal(lines_of(place->path), 10);
	assert_int_equal(rmdir(place->old_path), 0);
	put(file, 10);
	assert_int_equal(place->over_count, 1);
	assert_int_equal(place->lost_count, 0);
	assert_int_equal(lines_of(place->path), 1);
	assert_int_equal(lines_of(place->old_path), 10);
	tp_outcome_file_close(&file);
}

/* ---- the rest ----------------------------------------------------------- */

/* @return the open descriptor of a file, -1 if there is none */
static int descriptor_of(const char *path)
{
	struct stat want;
	struct stat st;
	int fd;

	assert_int_equal(stat(path, &want), 0);
	for (fd = 0; fd < 1024; fd++)
		if (fstat(fd, &st) == 0 && st.st_ino == want.st_ino &&
			st.st_dev == want.st_dev)
			return fd;
	return -1;
}

static void the_descriptor_is_closed_on_exec_and_at_the_end(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 0);
	int fd = descriptor_of(place->path);

	assert_true(fd >= 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(fd, F_GETFL) & O_APPEND) != 0);
	tp_outcome_file_close(&file);
	assert_int_equal(descriptor_of(place->path), -1);
}

static void closing_nothing_is_allowed(void **state)
{
	struct tp_outcome_file *file = NULL;

	(void)state;
	tp_outcome_file_close(&file);
	assert_null(file);
}

#ifdef TP_TEST_ALLOC
static void every_failed_allocation_on_opening_is_clean(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file_options options = { .path = place->path };
	struct tp_outcome_file *file;
	unsigned long n;
	int rc = TP_ENOMEM;

	for (n = 1; rc == TP_ENOMEM; n++) {
		struct tp_error err = TP_ERROR_INIT;

		(void)tp_mem_fail_at(n);
		rc = tp_outcome_file_open(&options, &file, &err);
		(void)tp_mem_fail_at(0);
		assert_int_equal(err.code, rc);
		assert_true((rc < 0) == (file == NULL));
	}
	assert_int_equal(rc, TP_OK);
	assert_true(n > 3);
	tp_outcome_file_close(&file);
}

static void a_line_without_memory_is_counted(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file = open_file(place, 0);

	(void)tp_mem_fail_at(1);
	put(file, 1);
	(void)tp_mem_fail_at(0);
	assert_int_equal(place->err.code, TP_ENOMEM);
	put(file, 2);
	assert_int_equal(place->over_count, 1);
	assert_int_equal(place->lost_count, 1);
	assert_int_equal(lines_of(place->path), 1);
	tp_outcome_file_close(&file);
}
#endif

static void a_file_that_root_begins_is_its_directorys_owners(void **state)
{
	struct place *place = *state;
	struct tp_outcome_file *file;
	struct stat st;

	if (geteuid() == 0)
		assert_int_equal(chown(place->dir, 4711, 4712), 0);
	file = open_file(place, 0);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_uid, geteuid() == 0 ? 4711 : geteuid());
	put(file, 1);
	tp_outcome_file_close(&file);

	if (geteuid() == 0)
		assert_int_equal(chown(place->path, 0, 0), 0);
	file = open_file(place, 0);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_uid, geteuid());
	tp_outcome_file_close(&file);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_are_appended_and_kept_over_a_restart),
		TEST(a_symbolic_link_is_refused),
		TEST(a_second_name_of_another_file_is_refused),
		TEST(what_is_no_file_is_refused_without_waiting),
		TEST(senseless_options_are_refused),
		TEST(a_renamed_file_is_followed_by_a_new_one),
		TEST(a_deleted_file_is_made_anew),
		TEST(a_planted_link_does_not_take_the_lines),
		TEST(rotation_while_four_threads_write_loses_no_line),
		TEST(the_file_never_passes_its_bound),
		TEST(with_bound_zero_it_never_rotates),
		TEST(two_writers_of_one_file_rotate_it_once),
		TEST(an_old_rotated_file_is_removed_by_age),
		TEST(a_full_disk_loses_lines_and_nothing_else),
		TEST(a_line_cut_by_a_crash_does_not_swallow_the_next),
		TEST(a_bound_that_cannot_be_kept_is_told_once),
		TEST(the_descriptor_is_closed_on_exec_and_at_the_end),
		TEST(closing_nothing_is_allowed),
		TEST(a_file_that_root_begins_is_its_directorys_owners),
#ifdef TP_TEST_ALLOC
		TEST(every_failed_allocation_on_opening_is_clean),
		TEST(a_line_without_memory_is_counted),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
