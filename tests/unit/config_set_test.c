/*
 * config_set_test.c - changing the managed file
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

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANAGED "tillpost.managed.conf"

static const char basic[] =
	"relays = {\n"
	"  lab = { host = \"127.0.0.1\"; tls = \"none\"; auth = \"none\"; };\n"
	"};\n"
	"stores = { default = { relays = [\"lab\"]; }; };\n";

static int set(
	struct config_fixture *fixture, const char *key, const char *value)
{
	tp_error_clear(&fixture->err);
	return tp_config_set(&fixture->source, key, value, &fixture->err);
}

static void set_ok(
	struct config_fixture *fixture, const char *key, const char *value)
{
	int rc = set(fixture, key, value);

	if (rc < 0)
		fail_msg("%s: %d %s: %s", key, rc, fixture->err.where,
			fixture->err.text);
}

static void managed_has(const struct config_fixture *fixture, const char *part)
{
	char *text = config_fixture_read(fixture, MANAGED);

	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
	tp_free(text);
}

static void managed_lacks(
	const struct config_fixture *fixture, const char *part)
{
	char *text = config_fixture_read(fixture, MANAGED);

	if (text && strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
	tp_free(text);
}

static int exists(const struct config_fixture *fixture, const char *name)
{
	char path[256];

	config_fixture_path(fixture, name, path);
	return access(path, F_OK) == 0;
}

static int basic_setup(void **state)
{
	if (config_fixture_setup(state) < 0)
		return -1;
	config_fixture_write(*state, "tillpost.conf", 0644, basic);
	return 0;
}

static void values_of_all_types_come_back(void **state)
{
	static const struct {
		const char *key;
		const char *value;
		const char *shown; /* NULL: as value */
	} cases[] = {
		{ "queue.lifetime", "2d", NULL },
		{ "queue.unknown_retry_max", "7", NULL },
		{ "log.path", "", NULL },
		{ "relays.lab.port", "2525", NULL },
		{ "stores.default.from",
			"K\xc3\xb6ln \"\\\\ shop\" <s@example.com>", NULL },
		{ "stores.default.bounce", "no", "false" },
		{ "stores.default.message_max", "1M", NULL },
		{ "stores.default.from_policy", "replace", NULL },
		{ "stores.default.match.host", "a.example,b.example",
			"a.example, b.example" },
		{ "stores.default.match.from", "", NULL },
	};
	struct config_fixture *fixture = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *shown =
			cases[i].shown ? cases[i].shown : cases[i].value;
		const char *value;

		print_message("%s\n", cases[i].key);
		set_ok(fixture, cases[i].key, cases[i].value);
		assert_int_equal(config_fixture_load(fixture), 0);
		value = config_fixture_value(fixture, cases[i].key);
		assert_int_equal(strncmp(value, "managed " MANAGED ":", 30), 0);
		value += strcspn(value + 30, " ") + 31;
		assert_string_equal(value, shown);
	}
	assert_int_equal(
		tp_config_store(fixture->config, "default")->match_host.count,
		2);
}

static void the_file_is_private_and_nothing_else_is_left(void **state)
{
	struct config_fixture *fixture = *state;
	char path[256];
	struct stat st;
	mode_t old = umask(0);

	config_fixture_write(fixture, MANAGED ".new", 0666, "left behind");
	set_ok(fixture, "queue.lifetime", "2d");
	(void)umask(old);
	config_fixture_path(fixture, MANAGED, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(exists(fixture, MANAGED ".new"));
	managed_has(fixture, "# Written by tillpost");
}

static void a_key_of_the_main_file_is_locked(void **state)
{
	struct config_fixture *fixture = *state;

	assert_int_equal(
		set(fixture, "relays.lab.host", "192.0.2.1"), TP_ELOCKED);
	assert_non_null(strstr(fixture->err.text, "tillpost.conf:2)"));
	assert_int_equal(set(fixture, "relays.lab.host", NULL), TP_ELOCKED);
	assert_false(exists(fixture, MANAGED));
}

static void a_secret_that_the_main_file_gives_another_way_is_locked(
	void **state)
{
	struct config_fixture *fixture = *state;

	config_fixture_write(fixture, "tillpost.conf", 0644,
		"relays = { a = { host = \"a.example\"; username = \"u\";\n"
		"  password_file = \"secret\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; }; };\n");
	config_fixture_write(fixture, "secret", 0600, "s");
	assert_int_equal(set(fixture, "relays.a.password", "p"), TP_ELOCKED);
	assert_non_null(strstr(fixture->err.text, "tillpost.conf:2)"));
	assert_int_equal(set(fixture, "relays.a.token", "t"), 0);
}

struct refused_case {
	const char *key;
	const char *value;
	int code;
	const char *text;
};

static const struct refused_case refused_cases[] = {
	{ "relays.lab.prot", "25", TP_ENOTFOUND, "did you mean \"port\"?" },
	{ "nonsense", "x", TP_ENOTFOUND, "no setting" },
	{ "stores.a/b.from", "x", TP_ENOTFOUND, "cannot be a name" },
	{ "relays.lab.port", "0", TP_EINVAL, "(1..65535)" },
	{ "relays.lab.port", "", TP_EINVAL, "(1..65535)" },
	{ "queue.retry_base", "8d", TP_EINVAL, "(10ms..1d)" },
	{ "queue.retry_base", "3h", TP_ECONFIG,
		"retry_cap is shorter than queue.retry_base" },
	{ "stores.default.from", "not an address", TP_ECONFIG, "one address" },
	{ "stores.eu.relays", "nosuch", TP_ECONFIG, "no relay \"nosuch\"" },
	{ "stores.eu.inherits", "eu", TP_ECONFIG, "in a circle" },
	{ "relays.lab.username", "a\nb", TP_EINVAL, "control" },
	{ "queue.lifetime", NULL, TP_ENOTFOUND,
		"is not set in the managed file" },
	{ "stores.eu.from", NULL, TP_ENOTFOUND,
		"is not set in the managed file" },
};

static void what_would_not_load_is_not_written(void **state)
{
	struct config_fixture *fixture = *state;
	char *before;
	char *after;
	size_t i;

	set_ok(fixture, "queue.lease", "1h");
	before = config_fixture_read(fixture, MANAGED);
	for (i = 0; i < sizeof(refused_cases) / sizeof(refused_cases[0]); i++) {
		const struct refused_case *c = &refused_cases[i];

		print_message(
			"%s = %s\n", c->key, c->value ? c->value : "(removed)");
		assert_int_equal(set(fixture, c->key, c->value), c->code);
		assert_non_null(strstr(fixture->err.text, c->text));
		after = config_fixture_read(fixture, MANAGED);
		assert_string_equal(after, before);
		tp_free(after);
		assert_false(exists(fixture, MANAGED ".new"));
	}
	tp_free(before);
}

static void a_store_and_its_relay_are_made_key_by_key(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} steps[] = {
		{ "relays.ses.preset", "amazon-ses" },
		{ "relays.ses.region", "eu-west-1" },
		{ "relays.ses.username", "AKIAEXAMPLE" },
		{ "relays.ses.password", "p\"\\w\xc3\xb6\t d" },
		{ "stores.eu.from", "sales@eu.example.com" },
		{ "stores.eu.relays", "ses" },
		{ "stores.eu.match.run_code", "eu" },
	};
	struct config_fixture *fixture = *state;
	const struct tp_store *store;
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		set_ok(fixture, steps[i].key, steps[i].value);
	assert_int_equal(config_fixture_load(fixture), 0);
	assert_string_equal(tp_buf_str(&fixture->findings), "");
	store = tp_config_store(fixture->config, "eu");
	assert_non_null(store);
	assert_string_equal(
		store->relay->host, "email-smtp.eu-west-1.amazonaws.com");
	assert_string_equal(tp_secret_reveal(store->relay->password, NULL),
		"p\"\\w\xc3\xb6\t d");
	/* In use it must stay complete. */
	assert_int_equal(set(fixture, "relays.ses.password", NULL), TP_ECONFIG);
	assert_non_null(strstr(fixture->err.text, "there is no password"));
}

static void an_existing_login_can_be_changed_key_by_key(void **state)
{
	struct config_fixture *fixture = *state;

	config_fixture_write(fixture, "tillpost.conf", 0644,
		"relays = { a = { host = \"a.example\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; }; };\n");
	set_ok(fixture, "relays.a.password", "p");
	set_ok(fixture, "relays.a.username", "u");
	assert_int_equal(config_fixture_load(fixture), 0);
	assert_int_equal(
		tp_config_relay(fixture->config, "a")->auth, TP_AUTH_AUTO);
}

static void one_way_to_give_a_secret_replaces_the_other(void **state)
{
	struct config_fixture *fixture = *state;

	config_fixture_write(fixture, "secret", 0600, "from file\n");
	set_ok(fixture, "relays.new.host", "n.example");
	set_ok(fixture, "relays.new.password", "inline");
	set_ok(fixture, "relays.new.password_file", "secret");
	managed_lacks(fixture, "inline");
	managed_has(fixture, "password_file");
	set_ok(fixture, "relays.new.password", "again");
	managed_lacks(fixture, "password_file");
}

static void a_removed_store_is_gone(void **state)
{
	struct config_fixture *fixture = *state;

	set_ok(fixture, "stores.eu.match.run_code", "eu");
	set_ok(fixture, "stores.eu.bounce", "false");
	set_ok(fixture, "stores.eu.match.run_code", NULL);
	managed_lacks(fixture, "match");
	managed_has(fixture, "eu");
	set_ok(fixture, "stores.eu.bounce", NULL);
	managed_lacks(fixture, "stores");
	assert_int_equal(config_fixture_load(fixture), 0);
	assert_null(tp_config_store(fixture->config, "eu"));
}

static void what_this_version_does_not_know_is_kept(void **state)
{
	struct config_fixture *fixture = *state;

	config_fixture_write(fixture, MANAGED, 0600,
		"newer = { list = ( 1, 2.5, ( \"x\" ) ); };\n"
		"stores = { default = { newer_key = [ true, false ]; }; };\n");
	set_ok(fixture, "stores.default.bounce", "false");
	managed_has(fixture, "list = ( 1, 2.5, ( \"x\" ) );");
	managed_has(fixture, "newer_key = [ true, false ];");
	managed_has(fixture, "bounce = false;");
}

static void a_managed_file_that_is_broken_is_not_overwritten(void **state)
{
	struct config_fixture *fixture = *state;
	char *text;

	config_fixture_write(fixture, MANAGED, 0600, "queue = {\n\n");
	assert_int_equal(set(fixture, "queue.lease", "1h"), TP_ECONFIG);
	assert_non_null(strstr(fixture->err.where, MANAGED ":2"));
	text = config_fixture_read(fixture, MANAGED);
	assert_string_equal(text, "queue = {\n\n");
	tp_free(text);
}

static void a_main_file_that_is_broken_stops_a_change(void **state)
{
	struct config_fixture *fixture = *state;

	config_fixture_write(fixture, "tillpost.conf", 0644, "queue = {\n");
	assert_int_equal(set(fixture, "queue.lease", "1h"), TP_ECONFIG);
	assert_false(exists(fixture, MANAGED));
	fixture->source.path = "/nowhere/tillpost.conf";
	assert_int_equal(set(fixture, "queue.lease", "1h"), TP_EIO);
}

static void the_name_of_the_managed_file_follows_the_main_one(void **state)
{
	struct config_fixture *fixture = *state;
	char path[256];

	config_fixture_write(fixture, "shop", 0644, basic);
	config_fixture_path(fixture, "shop", path);
	fixture->source.path = path;
	set_ok(fixture, "queue.lease", "1h");
	assert_true(exists(fixture, "shop.managed.conf"));
}

static void a_link_is_replaced_and_not_followed(void **state)
{
	struct config_fixture *fixture = *state;
	char path[256];
	char target[256];
	struct stat st;
	char *text;

	config_fixture_write(fixture, "elsewhere", 0600, "# mine\n");
	config_fixture_path(fixture, "elsewhere", target);
	config_fixture_path(fixture, MANAGED, path);
	assert_int_equal(symlink(target, path), 0);
	set_ok(fixture, "queue.lease", "1h");
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	text = config_fixture_read(fixture, "elsewhere");
	assert_string_equal(text, "# mine\n");
	tp_free(text);
}

static void owner_is(const struct config_fixture *fixture, const char *name,
	uid_t uid, gid_t gid)
{
	char path[256];
	struct stat st;

	config_fixture_path(fixture, name, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_gid, gid);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void what_root_makes_belongs_to_the_service(void **state)
{
	static const struct {
		uid_t main_uid;
		gid_t main_gid;
		uid_t directory_uid;
		gid_t directory_gid;
		uid_t uid; /* wanted */
		gid_t gid;
	} cases[] = {
		{ 0, 0, 0, 0, 0, 0 },
		{ 0, 4713, 0, 0, 0, 4713 },
		{ 0, 0, 4711, 4712, 4711, 4712 },
		{ 4711, 4713, 4711, 4712, 4711, 4713 },
	};
	struct config_fixture *fixture = *state;
	size_t i;

	if (geteuid() != 0) {
		print_message("not root: what is made is this user's\n");
		set_ok(fixture, "queue.lease", "1h");
		owner_is(fixture, MANAGED, geteuid(), getegid());
		owner_is(fixture, MANAGED ".lock", geteuid(), getegid());
		return;
	}
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[256];

		assert_int_equal(chown(fixture->main_path, cases[i].main_uid,
					 cases[i].main_gid),
			0);
		assert_int_equal(
			chown(fixture->directory, cases[i].directory_uid,
				cases[i].directory_gid),
			0);
		set_ok(fixture, "queue.lease", "1h");
		owner_is(fixture, MANAGED, cases[i].uid, cases[i].gid);
		owner_is(fixture, MANAGED ".lock", cases[i].uid, cases[i].gid);
		config_fixture_path(fixture, MANAGED, path);
		assert_int_equal(unlink(path), 0);
		config_fixture_path(fixture, MANAGED ".lock", path);
		assert_int_equal(unlink(path), 0);
	}
}

static void what_is_there_keeps_its_owner(void **state)
{
	struct config_fixture *fixture = *state;
	char path[256];

	set_ok(fixture, "queue.lease", "1h");
	if (geteuid() != 0) {
		print_message("not root: what is there is this user's\n");
		set_ok(fixture, "queue.lease", "2h");
		owner_is(fixture, MANAGED, geteuid(), getegid());
		return;
	}
	assert_int_equal(chown(fixture->directory, 4711, 4712), 0);
	set_ok(fixture, "queue.lease", "2h");
	owner_is(fixture, MANAGED, 0, 0);
	owner_is(fixture, MANAGED ".lock", 0, 0);
	config_fixture_path(fixture, MANAGED, path);
	assert_int_equal(chown(path, 4711, 4713), 0);
	set_ok(fixture, "queue.lease", "3h");
	owner_is(fixture, MANAGED, 4711, 4713);
}

static void a_strangers_managed_file_is_not_taken_over(void **state)
{
	struct config_fixture *fixture = *state;
	char path[256];
	int status = -1;
	pid_t child;

	set_ok(fixture, "queue.lease", "1h");
	if (geteuid() != 0) {
		print_message("not root: files of others cannot be made\n");
		return;
	}
	config_fixture_path(fixture, MANAGED, path);
	assert_int_equal(chown(path, 4712, 4712), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(set(fixture, "queue.lease", "2h"), TP_EPERM);
	assert_non_null(strstr(fixture->err.text, "belongs to user 4712"));
	/* The service would be the owner of the new file. */
	assert_int_equal(chown(fixture->directory, 4711, 4711), 0);
	config_fixture_path(fixture, MANAGED ".lock", path);
	assert_int_equal(chown(path, 4711, 4711), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(setuid(4711) < 0 ||
			set(fixture, "queue.lease", "2h") != TP_EPERM);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	managed_has(fixture, "\"1h\"");
}

/* Child I sets its own keys, one after the other. */
static void set_many(const struct config_fixture *fixture, int child)
{
	int i;

	for (i = 0; i < 10; i++) {
		char key[64];

		(void)snprintf(
			key, sizeof(key), "stores.s%d-%d.bounce", child, i);
		if (tp_config_set(&fixture->source, key, "false", NULL) < 0)
			_exit(1);
	}
	_exit(0);
}

static void concurrent_changes_do_not_lose_each_other(void **state)
{
	struct config_fixture *fixture = *state;
	pid_t children[4];
	int i;

	for (i = 0; i < 4; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			set_many(fixture, i);
	}
	for (i = 0; i < 4; i++) {
		int status = -1;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(config_fixture_load(fixture), 0);
	assert_int_equal(fixture->config->store_count, 41);
}

static void every_failed_allocation_leaves_the_file(void **state)
{
	struct config_fixture *fixture = *state;
	unsigned long n;
	unsigned long made = 0;
	int rc = TP_ENOMEM;
	char *before;

	set_ok(fixture, "queue.lease", "1h");
	before = config_fixture_read(fixture, MANAGED);
	for (n = 1; rc < 0; n++) {
		struct tp_error err = TP_ERROR_INIT;
		char *after;

		(void)tp_mem_fail_at(n);
		rc = tp_config_set(
			&fixture->source, "stores.eu.relays", "lab", &err);
		made = tp_mem_fail_at(0);
		if (rc == 0)
			break;
		assert_int_equal(rc, TP_ENOMEM);
		assert_int_equal(err.code, TP_ENOMEM);
		after = config_fixture_read(fixture, MANAGED);
		/* The last allocation is for the fsync of the directory, when
		 * the new file is in place. */
		if (strcmp(after, before) != 0)
			assert_non_null(strstr(after, "eu"));
		tp_free(after);
		assert_false(exists(fixture, MANAGED ".new"));
	}
	assert_true(made > 50 && made < n);
	tp_free(before);
}

#define SET_TEST(function)               \
	cmocka_unit_test_setup_teardown( \
		function, basic_setup, config_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SET_TEST(values_of_all_types_come_back),
		SET_TEST(the_file_is_private_and_nothing_else_is_left),
		SET_TEST(a_key_of_the_main_file_is_locked),
		SET_TEST(
			a_secret_that_the_main_file_gives_another_way_is_locked),
		SET_TEST(what_would_not_load_is_not_written),
		SET_TEST(a_store_and_its_relay_are_made_key_by_key),
		SET_TEST(an_existing_login_can_be_changed_key_by_key),
		SET_TEST(one_way_to_give_a_secret_replaces_the_other),
		SET_TEST(a_removed_store_is_gone),
		SET_TEST(what_this_version_does_not_know_is_kept),
		SET_TEST(a_managed_file_that_is_broken_is_not_overwritten),
		SET_TEST(a_main_file_that_is_broken_stops_a_change),
		SET_TEST(the_name_of_the_managed_file_follows_the_main_one),
		SET_TEST(a_link_is_replaced_and_not_followed),
		SET_TEST(what_root_makes_belongs_to_the_service),
		SET_TEST(what_is_there_keeps_its_owner),
		SET_TEST(a_strangers_managed_file_is_not_taken_over),
		SET_TEST(concurrent_changes_do_not_lose_each_other),
		SET_TEST(every_failed_allocation_leaves_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
