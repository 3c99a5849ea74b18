/*
 * queue_sqlite_test.c - the queue on SQLite keeps the contract, and what is
 * accepted, through kills, full disks, failed syncs and replaced files
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue_contract.h"

#include "adapters/queue_sqlite.h"
#include "adapters/queue_sqlite_db.h"
#include "adapters/queue_sqlite_file.h"
#include "adapters/queue_sqlite_owner.h"
#include "adapters/queue_sqlite_schema.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW CONTRACT_NOW_MS
#define LEASE CONTRACT_LEASE_MS
#define DAY_MS INT64_C(86400000)

/* ---- faults of the disk -------------------------------------------------- */

/* SQLite syncs through this function of the test program: it finds the name
 * here before the C library's. */
static atomic_int sync_fails;
static atomic_int sync_fails_count; /* so many syncs from now on fail */
static atomic_int sync_count;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	atomic_fetch_add(&sync_count, 1);
	if (atomic_load(&sync_fails) || atomic_load(&sync_fails_count) > 0) {
		if (atomic_load(&sync_fails_count) > 0)
			atomic_fetch_sub(&sync_fails_count, 1);
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* ---- helpers ------------------------------------------------------------ */

static char directory[64];
static char path[96];

static const char *const suffixes[] = { "", "-wal", "-shm", ".owners" };

static const char *file_named(const char *suffix)
{
	static char name[128];

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	return name;
}

static void remove_files(void)
{
	size_t i;

	for (i = 0; i < COUNT(suffixes); i++)
		(void)unlink(file_named(suffixes[i]));
}

static int64_t fake_now_ms = NOW;

static int64_t read_fake_clock(void *ctx)
{
	(void)ctx;
	return fake_now_ms;
}

static const struct tp_clock fake_clock = { NULL, read_fake_clock };

static int open_with(
	struct tp_queue **queue, int64_t reserve_bytes, struct tp_error *err)
{
	struct tp_queue_sqlite_options options = { .path = path,
		.free_reserve_bytes = reserve_bytes,
		.clock = &fake_clock,
		.busy_ms = 100 };

	return tp_queue_sqlite_open(&options, queue, err);
}

static struct tp_queue *open_again(void)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue *queue = NULL;
	int rc = open_with(&queue, 0, &err);

	if (rc < 0)
		print_error("open: %s: %s\n", err.where, err.text);
	return queue;
}

static struct tp_queue *open_new(void)
{
	remove_files();
	return open_again();
}

/* For the contract: a queue that is destroyed is an owner that is dead. */
static struct tp_queue *lose_owner(struct tp_queue *queue)
{
	queue->ops->destroy(&queue);
	return open_again();
}

static int put_rc(
	struct tp_queue *queue, const char *queue_id, struct tp_error *err)
{
	char id[TP_QUEUE_ID_BYTES];

	return queue->ops->put(queue,
		queue_contract_item(queue_id, "default", "ses"), id, err);
}

static int64_t count_messages(struct tp_queue *queue)
{
	struct tp_queue_stats stats;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(queue->ops->stats(queue, &stats, &err), 0);
	return stats.queued + stats.leased + stats.in_doubt + stats.held +
	       stats.done;
}

static int ignore_item(void *ctx, const struct tp_queue_item *item)
{
	(void)ctx;
	(void)item;
	return 0;
}

/* The first row of a query by a connection of its own. */
static void assert_sql(const char *sql, const char *want)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, 5000);
	assert_int_equal(
		sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), want);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/* Ends a child. It leaves by exec, so that no leak checker looks at what it
 * has inherited and must leave alone. */
static void leave(int failed)
{
	if (failed == 0)
		(void)execl("/bin/true", "true", (char *)NULL);
	_exit(failed ? failed : 99);
}

static void assert_exit_0(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- opening ------------------------------------------------------------ */

static void everything_is_there_after_a_reopen(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;
	int begun;

	(void)state;
	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	assert_int_equal(
		queue_contract_send(queue, "A", NULL, &begun, &err), 0);
	queue_contract_put(queue, "B");
	assert_int_equal(
		queue->ops->act(queue, TP_QUEUE_HOLD, "B", NOW, &err), 0);
	queue_contract_put(queue, "C");
	queue->ops->destroy(&queue);
	assert_null(queue);
	queue = open_again();
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_DONE);
	assert_int_equal(queue_contract_state(queue, "B"), TP_QUEUE_HELD);
	assert_int_equal(queue_contract_state(queue, "C"), TP_QUEUE_QUEUED);
	queue->ops->destroy(&queue);
	assert_sql("PRAGMA integrity_check", "ok");
	assert_sql("PRAGMA journal_mode", "wal");
}

static void its_files_are_private(void **state)
{
	mode_t old_mask = umask(0);
	struct tp_queue *queue = open_new();
	struct stat st;
	size_t i;

	(void)state;
	queue_contract_put(queue, "A");
	(void)umask(old_mask);
	for (i = 0; i < COUNT(suffixes); i++) {
		assert_int_equal(stat(file_named(suffixes[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	queue->ops->destroy(&queue);
}

static void write_file(const char *content, size_t len, mode_t mode)
{
	int fd;

	remove_files();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void make_readable(void)
{
	write_file("", 0, 0640);
}

static void make_garbage(void)
{
	char garbage[4096];

	memset(garbage, 'x', sizeof(garbage));
	write_file(garbage, sizeof(garbage), 0600);
}

static void make_directory(void)
{
	remove_files();
	assert_int_equal(mkdir(path, 0700), 0);
}

static void run_sql(const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(chmod(path, 0600), 0);
}

/* 300,000 outcomes, in which a search that finds nothing takes a while. */
static void make_history(void)
{
	run_sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
		" SELECT i + 1 FROM n WHERE i < 300000)"
		" INSERT INTO events SELECT i, i, 1, i, 'eu', 'r', 'q' || i,"
		" 'm', 's', 'b@example.net', 1, 0, 'sent', '', 250, '', '',"
		" '', '', 1, 1, 1, 1, 1, 1, 0, 1 FROM n");
}

static int count_event(void *ctx, const struct tp_outcome *outcome)
{
	(void)outcome;
	++*(int *)ctx;
	return 0;
}

static void a_search_can_have_a_bound(void **state)
{
	struct tp_queue_sqlite_options options = { .path = path,
		.search_max_ms = 3 };
	struct tp_outcome_filter nobody = { .recipient = "x@example.net",
		.limit = 10 };
	struct tp_outcome_filter all = { 0 };
	struct tp_outcome_filter one = { .queue_id = "q299999", .limit = 10 };
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;
	int count = 0;

	(void)state;
	make_history();
	assert_int_equal(
		queue->ops->outcomes(queue, &nobody, count_event, &count, &err),
		TP_OK);
	queue->ops->destroy(&queue);

	assert_int_equal(tp_queue_sqlite_open(&options, &queue, &err), TP_OK);
	assert_int_equal(
		queue->ops->outcomes(queue, &nobody, count_event, &count, &err),
		TP_ETIMEOUT);
	assert_int_equal(count, 0);
	/* in pages, each of which takes less than the bound */
	tp_error_clear(&err);
	assert_int_equal(
		queue->ops->outcomes(queue, &all, count_event, &count, &err),
		TP_ETIMEOUT);
	assert_true(count < 300000);
	/* What is quick is answered, by the same connection. */
	tp_error_clear(&err);
	count = 0;
	assert_int_equal(
		queue->ops->outcomes(queue, &one, count_event, &count, &err),
		TP_OK);
	assert_int_equal(count, 1);
	queue->ops->destroy(&queue);
}

static void make_foreign(void)
{
	remove_files();
	run_sql("CREATE TABLE t (a)");
}

static void make_newer(void)
{
	struct tp_queue *queue = open_new();

	queue->ops->destroy(&queue);
	run_sql("PRAGMA user_version = 99");
}

static void a_file_that_is_not_right_is_refused_with_advice(void **state)
{
	static const struct {
		void (*make)(void);
		int code;
		const char *text;
	} cases[] = {
		{ make_readable, TP_EPERM, "chmod 600" },
		{ make_garbage, TP_EQUEUE, "not a database" },
		{ make_directory, TP_EPERM, "not a regular file" },
		{ make_foreign, TP_EQUEUE, "not a tillpost queue" },
		{ make_newer, TP_EQUEUE, "upgrade tillpost" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_queue *queue = NULL;

		cases[i].make();
		assert_int_equal(open_with(&queue, 0, &err), cases[i].code);
		assert_non_null(strstr(err.text, cases[i].text));
		assert_null(queue);
		(void)rmdir(path);
	}
}

/* A queue that is in order, but for one of its files, which is a link. */
static void make_linked(
	const char *suffix, int (*make)(const char *from, const char *to))
{
	struct tp_queue *queue = open_new();
	char target[128];

	queue->ops->destroy(&queue);
	(void)snprintf(target, sizeof(target), "%s", file_named(".target"));
	if (make == link)
		assert_int_equal(link(file_named(suffix), target), 0);
	else {
		assert_int_equal(rename(file_named(suffix), target), 0);
		assert_int_equal(make(target, file_named(suffix)), 0);
	}
}

static void a_link_in_place_of_a_file_is_refused(void **state)
{
	static const struct {
		const char *suffix;
		int (*make)(const char *from, const char *to);
		const char *text;
	} cases[] = {
		{ "", symlink, "not a regular file" },
		{ "", link, "2 hard links" },
		{ ".owners", symlink, "not a regular file" },
		{ ".owners", link, "2 hard links" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_queue *queue = NULL;

		make_linked(cases[i].suffix, cases[i].make);
		assert_int_equal(open_with(&queue, 0, &err), TP_EPERM);
		assert_string_equal(err.where, file_named(cases[i].suffix));
		assert_non_null(strstr(err.text, cases[i].text));
		/* it was the link, and nothing else */
		if (cases[i].make == link)
			assert_int_equal(unlink(file_named(".target")), 0);
		else
			remove_files();
		queue = open_again();
		assert_non_null(queue);
		queue->ops->destroy(&queue);
		(void)unlink(file_named(".target"));
	}
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
	static const struct {
		mode_t mode;
		int rc;
	} cases[] = {
		{ 0770, TP_EPERM },
		{ 0702, TP_EPERM },
		{ 0755, 0 },
		{ 01777, 0 },
		{ 0700, 0 },
	};
	size_t i;

	(void)state;
	remove_files();
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_queue *queue = NULL;

		assert_int_equal(chmod(directory, cases[i].mode), 0);
		assert_int_equal(open_with(&queue, 0, &err), cases[i].rc);
		if (cases[i].rc < 0) {
			assert_string_equal(err.where, directory);
			assert_non_null(strstr(err.text, "chmod 700"));
			/* nothing was made */
			assert_int_equal(access(path, F_OK), -1);
		} else {
			queue->ops->destroy(&queue);
		}
	}
}

static void a_missing_directory_is_named_and_not_made(void **state)
{
	struct tp_queue_sqlite_options options = {
		.path = "/nonexistent/tillpost/queue.db"
	};
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue *queue = NULL;

	(void)state;
	assert_int_equal(
		tp_queue_sqlite_open(&options, &queue, &err), TP_ENOTFOUND);
	assert_string_equal(err.where, "/nonexistent/tillpost");
	assert_non_null(strstr(err.text, "create it"));
	options.path = "";
	tp_error_clear(&err);
	assert_int_equal(
		tp_queue_sqlite_open(&options, &queue, &err), TP_EINVAL);
}

static void network_file_systems_are_known(void **state)
{
	(void)state;
	assert_string_equal(tp_queue_file_network(0x6969), "NFS");
	assert_string_equal(tp_queue_file_network(0xff534d42), "CIFS");
	/* f_type is signed on some machines */
	assert_string_equal(
		tp_queue_file_network((uint64_t)(int64_t)(int32_t)0xff534d42),
		"CIFS");
	assert_null(tp_queue_file_network(0xef53)); /* ext4 */
}

static void several_processes_may_make_the_queue_at_once(void **state)
{
	pid_t pids[6];
	size_t i;

	(void)state;
	remove_files();
	for (i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct tp_queue_sqlite_options options = {
				.path = path
			};
			struct tp_error err = TP_ERROR_INIT;
			struct tp_queue *queue = NULL;
			char id[TP_QUEUE_ID_BYTES];
			int rc;

			(void)snprintf(id, sizeof(id), "P%zu", i);
			rc = tp_queue_sqlite_open(&options, &queue, &err);
			if (rc >= 0)
				rc = put_rc(queue, id, &err);
			if (rc < 0)
				print_error("child: %s\n", err.text);
			else
				queue->ops->destroy(&queue);
			leave(rc < 0);
		}
	}
	for (i = 0; i < COUNT(pids); i++)
		assert_exit_0(pids[i]);
	{
		struct tp_queue *queue = open_again();

		assert_int_equal(count_messages(queue), COUNT(pids));
		queue->ops->destroy(&queue);
	}
}

/* ---- opening, as root ---------------------------------------------------- */

#define SERVICE_UID 4711
#define SERVICE_GID 4712
#define STRANGER_UID 4713

/* The directory, empty, becomes another user's. */
static void give_directory(uid_t uid, gid_t gid)
{
	remove_files();
	assert_int_equal(chown(directory, uid, gid), 0);
}

/* In a child: the service opens the queue and puts a message.
 * @return 0 if that ends as wanted */
static int use_as_service(int want_rc, const char *want_text)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue *queue = NULL;
	int rc;

	if (setgid(SERVICE_GID) < 0 || setuid(SERVICE_UID) < 0)
		return 1;
	rc = open_with(&queue, 0, &err);
	if (rc >= 0)
		rc = put_rc(queue, "S", &err);
	if (rc != want_rc || !strstr(err.text, want_text)) {
		print_error("service: %d %s\n", rc, err.text);
		return 2;
	}
	if (queue)
		queue->ops->destroy(&queue);
	return 0;
}

static void assert_service(int want_rc, const char *want_text)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		leave(use_as_service(want_rc, want_text));
	assert_exit_0(pid);
}

static void what_root_makes_belongs_to_the_owner_of_the_directory(void **state)
{
	struct tp_queue *queue;
	struct stat st;
	size_t i;

	(void)state;
	give_directory(SERVICE_UID, SERVICE_GID);
	queue = open_again();
	assert_non_null(queue);
	queue_contract_put(queue, "A");
	for (i = 0; i < COUNT(suffixes); i++) {
		assert_int_equal(lstat(file_named(suffixes[i]), &st), 0);
		assert_int_equal(st.st_uid, SERVICE_UID);
		assert_int_equal(st.st_gid, SERVICE_GID);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	assert_service(0, "");
	assert_int_equal(count_messages(queue), 2);
	queue->ops->destroy(&queue);
	/* and root may use what the service has made */
	remove_files();
	assert_service(0, "");
	queue = open_again();
	assert_non_null(queue);
	assert_int_equal(count_messages(queue), 1);
	queue->ops->destroy(&queue);
	give_directory(0, 0);
}

static void a_file_of_another_user_is_refused(void **state)
{
	static const char *const victims[] = { "", ".owners" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(victims); i++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_queue *queue = NULL;
		const char *victim;

		give_directory(SERVICE_UID, SERVICE_GID);
		queue = open_again();
		assert_non_null(queue);
		queue->ops->destroy(&queue);
		victim = file_named(victims[i]);
		assert_int_equal(chown(victim, STRANGER_UID, 0), 0);
		assert_int_equal(open_with(&queue, 0, &err), TP_EPERM);
		assert_string_equal(err.where, victim);
		assert_non_null(strstr(err.text, "belongs to user 4713"));
		assert_service(TP_EPERM, "belongs to user 4713");
		/* root's own is good for root, not for the service */
		victim = file_named(victims[i]);
		assert_int_equal(chown(victim, 0, 0), 0);
		assert_service(TP_EPERM, "belongs to user 0");
		queue = open_again();
		assert_non_null(queue);
		queue->ops->destroy(&queue);
	}
	give_directory(0, 0);
}

/* ---- schema ------------------------------------------------------------- */

static void migrations_are_applied_one_by_one_and_whole(void **state)
{
	struct tp_queue_migration steps[3] = {
		tp_queue_migrations[0],
		{ "CREATE TABLE extra (a); PRAGMA user_version = 2;" },
		{ "CREATE TABLE half (a); CREATE TABLE extra (b);"
		  "PRAGMA user_version = 3;" },
	};
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;
	sqlite3 *db = NULL;

	(void)state;
	assert_int_equal(tp_queue_migration_count, 1);
	queue_contract_put(queue, "A");
	queue->ops->destroy(&queue);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(tp_queue_schema_upgrade(db, path, steps, 2, &err), 0);
	assert_int_equal(
		tp_queue_schema_upgrade(db, path, steps, 3, &err), TP_EQUEUE);
	assert_non_null(strstr(err.text, "extra already exists"));
	sqlite3_close(db);
	assert_sql("PRAGMA user_version", "2");
	assert_sql(
		"SELECT count(*) FROM sqlite_schema WHERE name = 'half'", "0");
	assert_sql("SELECT queue_id FROM messages", "A");
}

/* A full scan in one of these would make a long queue slow. */
static void no_hot_statement_scans_a_table_or_sorts(void **state)
{
	struct tp_queue *queue = open_new();
	sqlite3 *db = NULL;
	size_t i;

	(void)state;
	queue->ops->destroy(&queue);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (i = TP_STMT_PUT_MESSAGE; i < TP_STMT_COUNT; i++) {
		sqlite3_stmt *stmt = NULL;
		char *sql = sqlite3_mprintf(
			"EXPLAIN QUERY PLAN %s", tp_queue_statements[i]);

		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
			SQLITE_OK);
		sqlite3_free(sql);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *step =
				(const char *)sqlite3_column_text(stmt, 3);
			int scans = strncmp(step, "SCAN messages", 13) == 0 &&
				    !strstr(step, "INDEX");

			if (scans || strstr(step, "TEMP B-TREE"))
				print_error("%s\n%s\n", tp_queue_statements[i],
					step);
			assert_false(scans);
			assert_null(strstr(step, "TEMP B-TREE"));
		}
		sqlite3_finalize(stmt);
	}
	sqlite3_close(db);
}

/* ---- owners ------------------------------------------------------------- */

/* A child opens the queue, leases everything, begins "B", and is killed. */
static void die_with_leases(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct tp_queue *queue = open_again();

		queue_contract_begin(queue, "B");
		(void)!write(ready[1], "r", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(ready[1]);
}

static void put_a_and_b(void)
{
	struct tp_queue *queue = open_new();

	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	queue->ops->destroy(&queue);
}

static void what_a_dead_owner_held_is_free_at_once(void **state)
{
	int opened_before;

	(void)state;
	/* Opened after the death, the new owner has the dead one's slot. */
	for (opened_before = 0; opened_before < 2; opened_before++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_queue *queue = NULL;
		int begun;

		put_a_and_b();
		if (opened_before)
			queue = open_again();
		die_with_leases();
		if (!opened_before)
			queue = open_again();
		assert_int_equal(
			queue_contract_state(queue, "A"), TP_QUEUE_LEASED);
		assert_int_equal(
			queue_contract_send(queue, "B", NULL, &begun, &err),
			TP_ESTATE);
		tp_error_clear(&err);
		assert_int_equal(queue->ops->recover(queue, NOW, LEASE,
					 ignore_item, NULL, &err),
			2);
		assert_int_equal(
			queue_contract_state(queue, "A"), TP_QUEUE_QUEUED);
		assert_int_equal(
			queue_contract_state(queue, "B"), TP_QUEUE_IN_DOUBT);
		assert_int_equal(
			queue_contract_send(queue, "B", NULL, &begun, &err), 0);
		queue->ops->destroy(&queue);
	}
}

static void of_a_living_owner_only_an_ended_lease_is_freed(void **state)
{
	struct tp_queue *one = open_new();
	struct tp_queue *two = open_again();
	struct tp_error err = TP_ERROR_INIT;
	int begun;

	(void)state;
	queue_contract_put(one, "A");
	queue_contract_put(one, "B");
	queue_contract_put(one, "C");
	queue_contract_begin(one, "A");
	assert_int_equal(one->ops->begin(one, "C", "ses", &err), 0);
	assert_int_equal(
		two->ops->recover(two, NOW, LEASE, ignore_item, NULL, &err), 0);
	assert_int_equal(two->ops->begin(two, "A", "ses", &err), TP_ESTATE);
	assert_int_equal(two->ops->begin(two, "B", "ses", &err), TP_ESTATE);
	tp_error_clear(&err);
	assert_int_equal(two->ops->recover(two, NOW + 1000 * LEASE, LEASE,
				 ignore_item, NULL, &err),
		1);
	assert_int_equal(queue_contract_state(two, "B"), TP_QUEUE_QUEUED);
	assert_int_equal(one->ops->begin(one, "B", "ses", &err), TP_ESTATE);
	tp_error_clear(&err);
	assert_int_equal(queue_contract_send(one, "A", NULL, &begun, &err), 0);
	/* dead now, with C begun */
	one->ops->destroy(&one);
	assert_int_equal(
		two->ops->recover(two, NOW, LEASE, ignore_item, NULL, &err), 1);
	assert_int_equal(queue_contract_send(two, "C", NULL, &begun, &err), 0);
	two->ops->destroy(&two);
}

static void a_slot_taken_over_is_not_the_owner_before(void **state)
{
	struct tp_queue_owner me = TP_QUEUE_OWNER_INIT;
	struct tp_queue_owner other = TP_QUEUE_OWNER_INIT;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue *queue = open_new();
	const char *locks = file_named(".owners");
	int64_t old_slot;
	int64_t old_token;

	(void)state;
	queue->ops->destroy(&queue);
	assert_int_equal(tp_queue_owner_open(&me, locks, &err), 0);
	assert_int_equal(tp_queue_owner_open(&other, locks, &err), 0);
	assert_int_not_equal(me.slot, other.slot);
	old_slot = other.slot;
	old_token = other.token;
	assert_true(tp_queue_owner_alive(&me, old_slot, old_token));
	tp_queue_owner_close(&other);
	assert_false(tp_queue_owner_alive(&me, old_slot, old_token));
	assert_int_equal(tp_queue_owner_open(&other, locks, &err), 0);
	assert_int_equal(other.slot, old_slot);
	assert_false(tp_queue_owner_alive(&me, old_slot, old_token));
	assert_true(tp_queue_owner_alive(&me, other.slot, other.token));
	assert_false(tp_queue_owner_alive(&me, me.slot, me.token + 1));
	assert_false(tp_queue_owner_alive(&me, 99999, old_token));
	tp_queue_owner_close(&other);
	tp_queue_owner_close(&me);
}

/* ---- a lost body -------------------------------------------------------- */

/* Claims what is due, or what has expired: all three, and B without data. */
static void assert_claimed_without_body_of_b(
	struct tp_queue *queue, int expired, int64_t now_ms)
{
	static const struct {
		const char *id, *data;
	} want[] = { { "A", "data of A" }, { "B", NULL },
		{ "C", "data of C" } };
	struct tp_claim claim = { "ses", now_ms, LEASE, 10 };
	struct tp_queue_item *items = NULL;
	struct tp_error err = TP_ERROR_INIT;
	int count = expired ? queue->ops->claim_expired(
				      queue, now_ms, LEASE, 10, &items, &err)
			    : queue->ops->claim(queue, &claim, &items, &err);
	size_t i;

	assert_int_equal(count, COUNT(want));
	assert_int_equal(err.code, TP_OK);
	for (i = 0; i < COUNT(want); i++) {
		assert_string_equal(items[i].queue_id, want[i].id);
		if (!want[i].data) {
			assert_null(items[i].data);
			continue;
		}
		assert_int_equal(items[i].data_len, strlen(want[i].data));
		assert_memory_equal(
			items[i].data, want[i].data, strlen(want[i].data));
	}
	tp_queue_items_free(items, (size_t)count);
}

static void a_lost_body_does_not_keep_the_others_from_being_claimed(
	void **state)
{
	static const char *const ids[] = { "A", "B", "C" };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue *queue = open_new();
	char id[TP_QUEUE_ID_BYTES];
	char *data = NULL;
	size_t len;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ids); i++) {
		struct tp_queue_item *item =
			queue_contract_item(ids[i], "eu", "ses");

		item->expires_ms = NOW + DAY_MS;
		assert_int_equal(queue->ops->put(queue, item, id, &err), 0);
	}
	run_sql("DELETE FROM bodies WHERE id = (SELECT id FROM messages"
		" WHERE queue_id = 'B')");
	assert_claimed_without_body_of_b(queue, 0, NOW);
	assert_int_equal(
		queue->ops->load(queue, "B", &data, &len, &err), TP_ENOTFOUND);
	assert_non_null(strstr(err.text, "body is gone"));
	tp_error_clear(&err);
	assert_int_equal(queue->ops->unclaim(queue, ids, COUNT(ids), &err), 0);
	assert_claimed_without_body_of_b(queue, 1, NOW + DAY_MS);
	queue->ops->destroy(&queue);
}

/* ---- fork --------------------------------------------------------------- */

static int use_in_child(struct tp_queue *queue)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_stats stats;

	if (put_rc(queue, "X", &err) != TP_ESTATE)
		return 1;
	if (!strstr(err.text, "fork"))
		return 2;
	tp_error_clear(&err);
	if (queue->ops->stats(queue, &stats, &err) != TP_ESTATE)
		return 3;
	tp_error_clear(&err);
	if (queue->ops->sweep(queue, 0, 0, &err) != TP_ESTATE)
		return 4;
	queue->ops->destroy(&queue);
	return queue ? 5 : 0;
}

static void a_forked_child_is_refused_and_harms_nothing(void **state)
{
	struct tp_queue *queue = open_new();
	int pid;

	(void)state;
	queue_contract_put(queue, "A");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		leave(use_in_child(queue));
	assert_exit_0(pid);
	queue_contract_put(queue, "B");
	assert_int_equal(count_messages(queue), 2);
	queue->ops->destroy(&queue);
	assert_sql("SELECT count(*) FROM messages", "2");
}

/* ---- kill -9 ------------------------------------------------------------ */

#define KILL_ROUNDS 30
#define ID_BYTES TP_QUEUE_ID_BYTES

struct putter {
	struct tp_queue *queue;
	int ack_fd;
	int round;
	int number;
};

/* Puts for ever; reports each id after put() has returned. */
static void *put_and_report(void *arg)
{
	struct putter *putter = arg;
	int i;

	for (i = 0; i < 100000; i++) {
		struct tp_error err = TP_ERROR_INIT;
		char id[ID_BYTES] = "";

		(void)snprintf(id, sizeof(id), "R%02d-%d-%06d", putter->round,
			putter->number, i);
		if (put_rc(putter->queue, id, &err) != 0)
			_exit(1);
		if (write(putter->ack_fd, id, sizeof(id)) != sizeof(id))
			_exit(2);
	}
	return NULL;
}

static void run_putters(int ack_fd, int round)
{
	struct tp_queue *queue = open_again();
	struct putter putters[3];
	pthread_t thread;
	int i;

	for (i = 0; i < 3; i++) {
		putters[i] = (struct putter) { queue, ack_fd, round, i };
		if (pthread_create(
			    &thread, NULL, put_and_report, &putters[i]) != 0)
			_exit(3);
	}
	for (;;)
		(void)pause();
}

/* @return how many ids were acknowledged; each is looked up */
static int check_acknowledged(int ack_fd)
{
	struct tp_queue *queue = open_again();
	char id[ID_BYTES];
	int count = 0;

	while (read(ack_fd, id, sizeof(id)) == (ssize_t)sizeof(id)) {
		if (queue_contract_state(queue, id) != TP_QUEUE_QUEUED)
			fail_msg("%s was acknowledged and is gone", id);
		count++;
	}
	queue->ops->destroy(&queue);
	return count;
}

static void wait_readable(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&one, 1, 60000), 1);
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
	struct tp_queue *queue = open_new();
	int acknowledged = 0;
	int round;

	(void)state;
	queue->ops->destroy(&queue);
	for (round = 0; round < KILL_ROUNDS; round++) {
		int acks[2];
		pid_t pid;

		assert_int_equal(pipe(acks), 0);
		/* So that the child never waits for us. */
		(void)fcntl(acks[1], 1031 /* F_SETPIPE_SZ */, 1 << 20);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			run_putters(acks[1], round);
		close(acks[1]);
		/* Half of them die while they put, half perhaps before. */
		if (round % 2 == 0)
			wait_readable(acks[0]);
		(void)usleep((useconds_t)tp_random_below(60000));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		acknowledged += check_acknowledged(acks[0]);
		close(acks[0]);
		assert_sql("PRAGMA integrity_check", "ok");
	}
	print_message(
		"%d acknowledged in %d rounds\n", acknowledged, KILL_ROUNDS);
	assert_true(acknowledged >= KILL_ROUNDS / 2);
}

/* ---- disk --------------------------------------------------------------- */

static void nothing_is_accepted_below_the_reserve(void **state)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue *queue = open_new();
	int begun;

	(void)state;
	queue_contract_put(queue, "A");
	queue->ops->destroy(&queue);
	assert_int_equal(open_with(&queue, INT64_C(1) << 60, &err), 0);
	assert_int_equal(put_rc(queue, "B", &err), TP_ENOSPC);
	assert_non_null(strstr(err.text, "MB free"));
	/* what is there is still delivered and removed */
	tp_error_clear(&err);
	queue_contract_begin(queue, "A");
	assert_int_equal(
		queue_contract_send(queue, "A", NULL, &begun, &err), 0);
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 1);
	queue->ops->destroy(&queue);
	assert_int_equal(open_with(&queue, 4096, &err), 0);
	queue_contract_put(queue, "B");
	queue->ops->destroy(&queue);
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	(void)getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	(void)setrlimit(RLIMIT_FSIZE, &limit);
}

/* In a child: puts big messages until the files may not grow, then frees
 * them. @return what went wrong, or 0 */
static int fill_and_recover(void)
{
	struct tp_queue *queue = open_again();
	struct tp_error err = TP_ERROR_INIT;
	static char big[200000];
	char id[TP_QUEUE_ID_BYTES];
	int accepted = 0;
	int rc = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	limit_files(2000000);
	while (rc == 0 && accepted < 1000) {
		struct tp_queue_item *item;

		(void)snprintf(id, sizeof(id), "F%03d", accepted);
		item = queue_contract_item(id, "default", "ses");
		item->data = big;
		item->data_len = sizeof(big);
		rc = queue->ops->put(queue, item, id, &err);
		accepted += rc == 0;
	}
	if (rc != TP_ENOSPC || accepted == 0)
		return 1;
	if (count_messages(queue) != accepted)
		return 2;
	tp_error_clear(&err);
	if (put_rc(queue, "SMALL", &err) < 0 && err.code != TP_ENOSPC)
		return 3;
	limit_files(RLIM_INFINITY);
	tp_error_clear(&err);
	if (put_rc(queue, "AFTER", &err) < 0)
		return 4;
	queue->ops->destroy(&queue);
	return 0;
}

static void a_full_disk_refuses_and_loses_nothing(void **state)
{
	struct tp_queue *queue = open_new();
	pid_t pid;

	(void)state;
	queue->ops->destroy(&queue);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		leave(fill_and_recover());
	assert_exit_0(pid);
	assert_sql("PRAGMA integrity_check", "ok");
	assert_sql("SELECT count(*) > 1 FROM messages", "1");
}

static void a_failed_sync_is_uncertain_and_may_be_repeated(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;

	(void)state;
	queue_contract_put(queue, "A");
	atomic_store(&sync_fails, 1);
	assert_int_equal(put_rc(queue, "B", &err), TP_EUNCERTAIN);
	assert_int_equal(err.lib_code, SQLITE_IOERR_FSYNC);
	assert_int_equal(err.sys_errno, EIO);
	/* nothing is built on pages that may not be on the disk */
	tp_error_clear(&err);
	assert_int_equal(put_rc(queue, "C", &err), TP_EQUEUE);
	atomic_store(&sync_fails, 0);
	tp_error_clear(&err);
	assert_true(put_rc(queue, "B", &err) >= 0);
	queue_contract_put(queue, "C");
	assert_int_equal(count_messages(queue), 3);
	queue->ops->destroy(&queue);
	assert_sql("PRAGMA integrity_check", "ok");
}

/* Whatever of it is on the disk, begin() tells what to do with the next. */
static void after_an_uncertain_settlement_the_next_can_be_begun(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;
	int begun;
	int rc;

	(void)state;
	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	queue_contract_begin(queue, "A");
	atomic_store(&sync_fails, 1);
	assert_int_equal(queue_contract_send(queue, "A", "B", &begun, &err),
		TP_EUNCERTAIN);
	assert_int_equal(begun, 0);
	atomic_store(&sync_fails, 0);
	tp_error_clear(&err);
	rc = queue_contract_send(queue, "A", NULL, &begun, &err);
	assert_true(rc == 0 || rc == TP_ESTATE);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_DONE);
	tp_error_clear(&err);
	assert_int_equal(queue->ops->begin(queue, "B", "ses", &err), 0);
	assert_int_equal(
		queue_contract_send(queue, "B", NULL, &begun, &err), 0);
	queue->ops->destroy(&queue);
}

static int count_item(void *ctx, const struct tp_queue_item *item)
{
	int *count = ctx;

	(void)item;
	(*count)++;
	return 0;
}

/* Or they would wait for the end of this process: it lives, and is now, or
 * may be, the owner. */
static void an_uncertain_recovery_lists_what_it_may_have_taken(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;
	int count = 0;
	int begun;
	int rc;

	(void)state;
	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	queue = lose_owner(queue);
	queue_contract_put(queue, "B"); /* so that the WAL is started */
	atomic_store(&sync_fails, 1);
	assert_int_equal(queue->ops->recover(
				 queue, NOW, LEASE, count_item, &count, &err),
		TP_EUNCERTAIN);
	atomic_store(&sync_fails, 0);
	assert_int_equal(count, 1);
	tp_error_clear(&err);
	rc = queue_contract_send(queue, "A", NULL, &begun, &err);
	tp_error_clear(&err);
	if (rc == TP_ESTATE) {
		assert_int_equal(queue->ops->recover(queue, NOW, LEASE,
					 count_item, &count, &err),
			1);
		rc = queue_contract_send(queue, "A", NULL, &begun, &err);
	}
	assert_int_equal(rc, 0);
	queue->ops->destroy(&queue);
}

/* Each call costs one sync, no more; and none returns without. */
static void each_change_is_synced_once(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;
	int begun;
	int before;

	(void)state;
	queue_contract_put(queue, "A"); /* the first one also starts the WAL */
	queue_contract_put(queue, "B");
	before = atomic_load(&sync_count);
	queue_contract_put(queue, "C");
	assert_int_equal(atomic_load(&sync_count) - before, 1);
	queue_contract_begin(queue, "A");
	before = atomic_load(&sync_count);
	assert_int_equal(queue_contract_send(queue, "A", "B", &begun, &err), 0);
	assert_int_equal(begun, 1);
	assert_int_equal(atomic_load(&sync_count) - before, 1);
	queue->ops->destroy(&queue);
}

/* ---- many at once ------------------------------------------------------- */

static void put_batch(struct tp_queue *queue, struct queue_batch *batch)
{
	queue->ops->put_many(queue, batch->puts, batch->count);
}

static size_t count_rc(const struct queue_batch *batch, int rc)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < batch->count; i++)
		count += batch->puts[i].rc == rc;
	return count;
}

static void many_share_one_sync(void **state)
{
	struct tp_queue *queue = open_new();
	struct queue_batch *batch = queue_batch_new("M", 64);
	int before;

	(void)state;
	queue_contract_put(queue, "A"); /* the first one also starts the WAL */
	queue_contract_put(queue, "B");
	before = atomic_load(&sync_count);
	put_batch(queue, batch);
	assert_int_equal(atomic_load(&sync_count) - before, 1);
	assert_int_equal(count_rc(batch, 0), 64);
	queue_batch_free(batch);
	queue->ops->destroy(&queue);
}

/* Two of 3 MB are more than a transaction should have. */
static void large_ones_do_not_share_a_transaction(void **state)
{
	struct tp_queue *queue = open_new();
	struct queue_batch *batch = queue_batch_new("M", 3);
	static char large[3000000];
	int before;

	(void)state;
	batch->items[1].data = batch->items[2].data = large;
	batch->items[1].data_len = batch->items[2].data_len = sizeof(large);
	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	before = atomic_load(&sync_count);
	put_batch(queue, batch);
	assert_int_equal(count_rc(batch, 0), 3);
	assert_true(atomic_load(&sync_count) - before >= 2);
	assert_int_equal(queue_batch_known(batch, queue), 3);
	queue_batch_free(batch);
	queue->ops->destroy(&queue);
}

/* By a trigger: a failure inside the transaction, which only SQLite sees. */
static void one_that_the_database_refuses_keeps_no_other_out(void **state)
{
	struct tp_queue *queue = open_new();
	struct queue_batch *batch = queue_batch_new("M", 200);
	size_t i;

	(void)state;
	queue->ops->destroy(&queue);
	run_sql("CREATE TRIGGER refuse BEFORE INSERT ON rcpts"
		" WHEN new.address = 'bad@example.net'"
		" BEGIN SELECT raise(ABORT, 'refused by a test'); END");
	queue = open_again();
	batch->rcpts[7].address = (char *)(uintptr_t) "bad@example.net";
	batch->rcpts[199].address = (char *)(uintptr_t) "bad@example.net";
	put_batch(queue, batch);
	for (i = 0; i < 200; i++)
		assert_int_equal(batch->puts[i].rc,
			i == 7 || i == 199 ? TP_EQUEUE : TP_OK);
	assert_non_null(strstr(batch->puts[7].err.text, "refused by a test"));
	assert_int_equal(batch->puts[8].err.code, 0);
	assert_int_equal(count_messages(queue), 198);
	assert_int_equal(queue_batch_known(batch, queue), 198);
	queue_batch_free(batch);
	queue->ops->destroy(&queue);
	assert_sql("SELECT count(*) FROM bodies", "198");
	assert_sql("SELECT count(*) FROM rcpts", "198");
}

/* In a child, whose files may not grow. @return what went wrong, or 0 */
static int put_many_on_a_full_disk(void)
{
	struct tp_queue *queue = open_again();
	struct queue_batch *batch = queue_batch_new("M", 100);
	static char big[50000];
	size_t put_count;
	size_t i;

	for (i = 0; i < 100; i += 2) {
		batch->items[i].data = big;
		batch->items[i].data_len = sizeof(big);
	}
	(void)signal(SIGXFSZ, SIG_IGN);
	limit_files(1000000);
	put_batch(queue, batch);
	put_count = count_rc(batch, TP_OK);
	if (put_count == 0 || put_count == 100)
		return 1;
	if (put_count + count_rc(batch, TP_ENOSPC) != 100)
		return 2;
	if ((size_t)count_messages(queue) != put_count)
		return 3;
	if (queue_batch_known(batch, queue) != put_count)
		return 4;
	limit_files(RLIM_INFINITY);
	put_batch(queue, batch);
	if (count_rc(batch, 1) != put_count)
		return 5;
	if (count_rc(batch, 0) != 100 - put_count)
		return 6;
	queue_batch_free(batch);
	queue->ops->destroy(&queue);
	return 0;
}

static void many_on_a_full_disk_are_put_or_refused(void **state)
{
	struct tp_queue *queue = open_new();
	pid_t pid;

	(void)state;
	queue->ops->destroy(&queue);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		leave(put_many_on_a_full_disk());
	assert_exit_0(pid);
	assert_sql("PRAGMA integrity_check", "ok");
	assert_sql("SELECT count(*) FROM messages", "100");
}

static void many_of_an_uncertain_commit_are_put_again_and_once(void **state)
{
	struct tp_queue *queue = open_new();
	struct queue_batch *batch = queue_batch_new("M", 70);
	size_t i;

	(void)state;
	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	batch->items[3].rcpt_count = 0;
	atomic_store(&sync_fails_count, 1);
	put_batch(queue, batch);
	assert_int_equal(atomic_load(&sync_fails_count), 0);
	for (i = 0; i < 70; i++) {
		assert_int_equal(batch->puts[i].rc, i == 3 ? TP_EINVAL : TP_OK);
		assert_int_equal(batch->puts[i].err.code, batch->puts[i].rc);
	}
	assert_int_equal(count_messages(queue), 71);
	queue_batch_free(batch);
	queue->ops->destroy(&queue);
	assert_sql("PRAGMA integrity_check", "ok");
}

static void what_stays_uncertain_is_told_as_that(void **state)
{
	struct tp_queue *queue = open_new();
	struct queue_batch *batch = queue_batch_new("M", 3);
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];

	(void)state;
	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	atomic_store(&sync_fails, 1);
	put_batch(queue, batch);
	assert_int_equal(count_rc(batch, TP_EUNCERTAIN), 3);
	assert_int_equal(batch->puts[0].err.code, TP_EUNCERTAIN);
	assert_int_equal(batch->puts[0].err.sys_errno, EIO);
	atomic_store(&sync_fails, 0);
	queue_contract_put(queue, "C");
	atomic_store(&sync_fails, 1);
	assert_int_equal(
		tp_queue_put_sure(queue,
			queue_contract_item("D", "default", "ses"), id, &err),
		TP_EUNCERTAIN);
	atomic_store(&sync_fails, 0);
	tp_error_clear(&err);
	queue_contract_put(queue, "E");
	atomic_store(&sync_fails_count, 1);
	assert_int_equal(
		tp_queue_put_sure(queue,
			queue_contract_item("F", "default", "ses"), id, &err),
		0);
	assert_string_equal(id, "F");
	assert_int_equal(err.code, 0);
	queue_batch_free(batch);
	queue->ops->destroy(&queue);
}

struct many_putter {
	struct tp_queue *queue;
	atomic_int done;
};

static void *put_4000(void *arg)
{
	struct many_putter *putter = arg;
	struct queue_batch *batch = queue_batch_new("M", 4000);

	put_batch(putter->queue, batch);
	atomic_store(&putter->done, 1);
	queue_batch_free(batch);
	return NULL;
}

/* A thread that settles does not wait until all of them are put. */
static void others_come_between_many(void **state)
{
	struct many_putter putter = { open_new(), 0 };
	pthread_t thread;
	char name[16];
	int before = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, put_4000, &putter), 0);
	while (!atomic_load(&putter.done)) {
		(void)snprintf(name, sizeof(name), "S%d", before);
		queue_contract_put(putter.queue, name);
		before++;
	}
	pthread_join(thread, NULL);
	assert_true(before > 5);
	assert_int_equal(count_messages(putter.queue), 4000 + before);
	putter.queue->ops->destroy(&putter.queue);
}

static void the_wal_stays_short(void **state)
{
	struct tp_queue *queue = open_new();
	static char body[20000];
	struct stat st;
	int i;

	(void)state;
	for (i = 0; i < 1500; i++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_queue_item *item;
		char id[TP_QUEUE_ID_BYTES];

		(void)snprintf(id, sizeof(id), "W%04d", i);
		item = queue_contract_item(id, "default", "ses");
		item->data = body;
		item->data_len = sizeof(body);
		assert_int_equal(queue->ops->put(queue, item, id, &err), 0);
	}
	assert_int_equal(stat(file_named(""), &st), 0);
	assert_true(st.st_size > 20 << 20);
	assert_int_equal(stat(file_named("-wal"), &st), 0);
	assert_true(st.st_size < 10 << 20);
	queue->ops->destroy(&queue);
}

static void damage_is_an_error_and_not_a_crash(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_filter all = { .state = -1 };
	char junk[2048];
	char id[TP_QUEUE_ID_BYTES];
	off_t at;
	int fd;
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		(void)snprintf(id, sizeof(id), "D%03d", i);
		queue_contract_put(queue, id);
	}
	queue->ops->destroy(&queue); /* all is in the main file now */
	memset(junk, 0xa5, sizeof(junk));
	fd = open(path, O_WRONLY);
	/* Behind the schema, which the open would stumble over already. */
	for (at = 40960; at < lseek(fd, 0, SEEK_END); at += (off_t)sizeof(junk))
		assert_int_equal(
			pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
	queue = open_again();
	assert_non_null(queue);
	assert_int_equal(put_rc(queue, "X", &err), TP_EQUEUE);
	assert_non_null(strstr(err.text, "malformed"));
	tp_error_clear(&err);
	assert_int_equal(queue->ops->list(queue, &all, ignore_item, NULL, &err),
		TP_EQUEUE);
	assert_int_equal(err.lib_code & 0xff, SQLITE_CORRUPT);
	queue->ops->destroy(&queue);
}

static void a_file_taken_away_is_an_error_and_then_made_anew(void **state)
{
	static const char *const victims[] = { "", "-wal" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(victims); i++) {
		struct tp_queue *queue = open_new();
		struct tp_error err = TP_ERROR_INIT;
		struct tp_queue_stats stats;

		queue_contract_put(queue, "A");
		if (i == 0)
			remove_files();
		else
			assert_int_equal(unlink(file_named(victims[i])), 0);
		assert_int_equal(put_rc(queue, "B", &err), TP_EQUEUE);
		assert_non_null(strstr(err.text, "deleted or replaced"));
		tp_error_clear(&err);
		assert_int_equal(
			queue->ops->stats(queue, &stats, &err), TP_EQUEUE);
		queue_contract_put(queue, "B");
		assert_int_equal(
			queue_contract_state(queue, "B"), TP_QUEUE_QUEUED);
		queue_contract_begin(queue, "B");
		queue->ops->destroy(&queue);
		assert_sql("PRAGMA integrity_check", "ok");
		assert_sql("SELECT count(*) FROM messages"
			   " WHERE queue_id = 'B'",
			"1");
	}
}

/* They do not look each time, but they do look. */
static void deliveries_notice_within_a_second_that_the_file_is_gone(
	void **state)
{
	struct tp_queue *queue = open_new();
	const char *ids[] = { "A" };
	struct tp_error err = TP_ERROR_INIT;
	int64_t deadline_ms;
	int rc;

	(void)state;
	queue_contract_put(queue, "A");
	remove_files();
	deadline_ms = tp_deadline_ms(1500);
	do {
		rc = queue->ops->unclaim(queue, ids, 1, &err);
		(void)usleep(10000);
	} while (rc == 0 && tp_deadline_left_ms(deadline_ms) > 0);
	assert_int_equal(rc, TP_EQUEUE);
	assert_non_null(strstr(err.text, "deleted or replaced"));
	queue_contract_put(queue, "B");
	queue->ops->destroy(&queue);
	assert_sql("SELECT queue_id FROM messages", "B");
}

/* ---- other processes ---------------------------------------------------- */

/* A child keeps the write lock until it is told to let go. */
static pid_t hold_lock(int *release_fd)
{
	int ready[2];
	int release[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(release), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		sqlite3 *db = NULL;

		close(release[1]);
		if (sqlite3_open(path, &db) != SQLITE_OK ||
			sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
				SQLITE_OK)
			leave(1);
		(void)!write(ready[1], "r", 1);
		(void)!read(release[0], &byte, 1);
		leave(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) !=
			SQLITE_OK);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	close(release[0]);
	*release_fd = release[1];
	return pid;
}

static void another_process_is_waited_for_and_then_busy(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;
	int release_fd = -1;
	pid_t pid;

	(void)state;
	queue_contract_put(queue, "A");
	pid = hold_lock(&release_fd);
	assert_int_equal(put_rc(queue, "B", &err), TP_EBUSY);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_QUEUED);
	close(release_fd);
	assert_exit_0(pid);
	queue_contract_put(queue, "B");
	queue->ops->destroy(&queue);
}

static void processes_share_the_queue(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_queue_sqlite_options options = { .path = path };
	int64_t left;
	pid_t pids[4];
	size_t i;
	int j;

	(void)state;
	for (i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] != 0)
			continue;
		for (j = 0; j < 100; j++) {
			struct tp_error err = TP_ERROR_INIT;
			struct tp_queue *mine = NULL;
			char id[TP_QUEUE_ID_BYTES];

			(void)snprintf(id, sizeof(id), "S%zu-%03d", i, j);
			if (tp_queue_sqlite_open(&options, &mine, &err) < 0 ||
				put_rc(mine, id, &err) != 0) {
				print_error("child: %s\n", err.text);
				leave(1);
			}
			mine->ops->destroy(&mine);
		}
		leave(0);
	}
	for (i = 0; i < COUNT(pids); i++)
		assert_exit_0(pids[i]);
	left = count_messages(queue);
	assert_int_equal(left, 400);
	queue->ops->destroy(&queue);
}

/* ---- sweep -------------------------------------------------------------- */

static void a_key_is_kept_for_a_day_after_its_message_is_done(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_queue_item *item = queue_contract_item("A", "eu", "ses");
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];
	int begun;

	(void)state;
	item->dedup_key = (char *)(uintptr_t) "order-1";
	assert_int_equal(queue->ops->put(queue, item, id, &err), 0);
	queue_contract_begin(queue, "A");
	assert_int_equal(
		queue_contract_send(queue, "A", NULL, &begun, &err), 0);
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 1);
	fake_now_ms = NOW + DAY_MS - 1;
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 0);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_DONE);
	fake_now_ms = NOW + DAY_MS;
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 1);
	assert_int_equal(queue_contract_state(queue, "A"), -1);
	fake_now_ms = NOW;
	queue->ops->destroy(&queue);
	assert_sql("SELECT (SELECT count(*) FROM bodies)"
		   " + (SELECT count(*) FROM rcpts)",
		"0");
}

static void a_sweep_is_bounded(void **state)
{
	struct tp_queue *queue = open_new();
	struct tp_error err = TP_ERROR_INIT;
	int first;
	int second;
	int i;

	(void)state;
	for (i = 0; i < 400; i++) {
		char id[TP_QUEUE_ID_BYTES];
		int begun;

		(void)snprintf(id, sizeof(id), "S%03d", i);
		queue_contract_put(queue, id);
		queue_contract_begin(queue, id);
		assert_int_equal(
			queue_contract_send(queue, id, NULL, &begun, &err), 0);
	}
	first = queue->ops->sweep(queue, 0, 0, &err);
	second = queue->ops->sweep(queue, 0, 0, &err);
	assert_true(first > 0 && first < 400);
	assert_int_equal(first + second, 400);
	queue->ops->destroy(&queue);
}

/* ---- main --------------------------------------------------------------- */

static int make_place(void **state)
{
	(void)state;
	return directory[0] ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_there_after_a_reopen),
		cmocka_unit_test(its_files_are_private),
		cmocka_unit_test(
			a_file_that_is_not_right_is_refused_with_advice),
		cmocka_unit_test(a_link_in_place_of_a_file_is_refused),
		cmocka_unit_test(a_directory_that_others_may_write_is_refused),
		cmocka_unit_test(a_missing_directory_is_named_and_not_made),
		cmocka_unit_test(network_file_systems_are_known),
		cmocka_unit_test(several_processes_may_make_the_queue_at_once),
		cmocka_unit_test(migrations_are_applied_one_by_one_and_whole),
		cmocka_unit_test(no_hot_statement_scans_a_table_or_sorts),
		cmocka_unit_test(what_a_dead_owner_held_is_free_at_once),
		cmocka_unit_test(
			of_a_living_owner_only_an_ended_lease_is_freed),
		cmocka_unit_test(a_slot_taken_over_is_not_the_owner_before),
		cmocka_unit_test(
			a_lost_body_does_not_keep_the_others_from_being_claimed),
		cmocka_unit_test(a_forked_child_is_refused_and_harms_nothing),
		cmocka_unit_test(what_was_acknowledged_survives_kill_9),
		cmocka_unit_test(nothing_is_accepted_below_the_reserve),
		cmocka_unit_test(a_full_disk_refuses_and_loses_nothing),
		cmocka_unit_test(
			a_failed_sync_is_uncertain_and_may_be_repeated),
		cmocka_unit_test(
			after_an_uncertain_settlement_the_next_can_be_begun),
		cmocka_unit_test(
			an_uncertain_recovery_lists_what_it_may_have_taken),
		cmocka_unit_test(each_change_is_synced_once),
		cmocka_unit_test(many_share_one_sync),
		cmocka_unit_test(large_ones_do_not_share_a_transaction),
		cmocka_unit_test(
			one_that_the_database_refuses_keeps_no_other_out),
		cmocka_unit_test(many_on_a_full_disk_are_put_or_refused),
		cmocka_unit_test(
			many_of_an_uncertain_commit_are_put_again_and_once),
		cmocka_unit_test(what_stays_uncertain_is_told_as_that),
		cmocka_unit_test(others_come_between_many),
		cmocka_unit_test(the_wal_stays_short),
		cmocka_unit_test(damage_is_an_error_and_not_a_crash),
		cmocka_unit_test(
			a_file_taken_away_is_an_error_and_then_made_anew),
		cmocka_unit_test(
			deliveries_notice_within_a_second_that_the_file_is_gone),
		cmocka_unit_test(another_process_is_waited_for_and_then_busy),
		cmocka_unit_test(processes_share_the_queue),
		cmocka_unit_test(
			a_key_is_kept_for_a_day_after_its_message_is_done),
		cmocka_unit_test(a_sweep_is_bounded),
		cmocka_unit_test(a_search_can_have_a_bound),
	};
	const struct CMUnitTest root_tests[] = {
		cmocka_unit_test(
			what_root_makes_belongs_to_the_owner_of_the_directory),
		cmocka_unit_test(a_file_of_another_user_is_refused),
	};
	int failed;

	(void)snprintf(directory, sizeof(directory), "/tmp/tp-queue-XXXXXX");
	if (!mkdtemp(directory))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/queue.db", directory);
	failed = queue_contract_run(
		"queue_sqlite contract", open_new, lose_owner);
	failed += queue_contract_many_run(
		"queue_sqlite contract, many", open_new);
	failed += cmocka_run_group_tests_name(
		"queue_sqlite", tests, make_place, NULL);
	if (geteuid() == 0)
		failed += cmocka_run_group_tests_name(
			"queue_sqlite as root", root_tests, make_place, NULL);
	remove_files();
	(void)rmdir(directory);
	return failed;
}
