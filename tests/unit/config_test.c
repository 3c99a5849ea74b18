/*
 * config_test.c - loading: values, sources, secrets, files
 *
 * What is wrong with a file is in tests/suites/config.
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

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char basic[] =
	"relays = {\n"
	"  lab = { host = \"127.0.0.1\"; tls = \"none\"; auth = \"none\"; };\n"
	"};\n"
	"stores = { default = { relays = [\"lab\"]; }; };\n";

static void load_ok(struct config_fixture *fixture, const char *text)
{
	int rc = config_fixture_load_text(fixture, text);

	if (rc < 0 || fixture->findings.len > 0)
		fail_msg("%d: %s", rc, tp_buf_str(&fixture->findings));
	assert_non_null(fixture->config);
}

static const struct tp_relay *relay_of(
	const struct config_fixture *fixture, const char *name)
{
	const struct tp_relay *relay = tp_config_relay(fixture->config, name);

	assert_non_null(relay);
	return relay;
}

static const struct tp_store *store_of(
	const struct config_fixture *fixture, const char *name)
{
	const struct tp_store *store = tp_config_store(fixture->config, name);

	assert_non_null(store);
	return store;
}

static void has_finding(
	const struct config_fixture *fixture, const char *finding)
{
	if (!strstr(tp_buf_str(&fixture->findings), finding))
		fail_msg("\"%s\" is not in:\n%s", finding,
			tp_buf_str(&fixture->findings));
}

static void is_secret(const struct tp_secret *secret, const char *want)
{
	size_t len = 0;

	assert_non_null(secret);
	assert_string_equal(tp_secret_reveal(secret, &len), want);
	assert_int_equal(len, strlen(want));
}

/* ---- values ------------------------------------------------------------- */

static void defaults_are_the_documented_ones(void **state)
{
	struct config_fixture *fixture = *state;
	const struct tp_config *config;
	const struct tp_relay *relay;
	const struct tp_store *store;

	load_ok(fixture, basic);
	config = fixture->config;
	assert_string_equal(config->queue_path, "/var/lib/tillpost/queue.db");
	assert_string_equal(config->spool_path, "/var/spool/tillpost");
	assert_string_equal(
		config->log_path, "/var/log/tillpost/outcome.jsonl");
	assert_string_equal(config->store_header, "X-Tillpost-Store");
	assert_int_equal(config->queue_lifetime_ms, INT64_C(432000000));
	assert_int_equal(config->retry_base_ms, 60000);
	assert_int_equal(config->retry_cap_ms, 7200000);
	assert_int_equal(config->unknown_retry_ms, 900000);
	assert_int_equal(config->unknown_retry_max_count, 2);
	assert_int_equal(config->auth_probe_ms, 900000);
	assert_int_equal(config->lease_ms, 1800000);
	assert_int_equal(config->free_reserve_bytes, 64 << 20);
	assert_int_equal(config->log_retention_ms, INT64_C(7776000000));
	assert_int_equal(config->log_retention_bytes, 256 << 20);
	assert_string_equal(config->path, fixture->main_path);
	relay = relay_of(fixture, "lab");
	assert_int_equal(relay->connect_timeout_ms, 30000);
	assert_int_equal(relay->tls_timeout_ms, 30000);
	assert_int_equal(relay->reply_timeout_ms, 300000);
	assert_int_equal(relay->data_timeout_ms, 180000);
	assert_int_equal(relay->final_timeout_ms, 600000);
	assert_int_equal(relay->idle_timeout_ms, 8000);
	assert_int_equal(relay->max_connections, 5);
	assert_int_equal(relay->messages_per_connection, 100);
	store = store_of(fixture, "default");
	assert_ptr_equal(store->relay, relay);
	assert_int_equal(store->from_policy, TP_FROM_KEEP);
	assert_int_equal(store->bounce, 1);
	assert_int_equal(store->lifetime_ms, INT64_C(432000000));
	assert_int_equal(store->message_max_bytes, 25 << 20);
	assert_int_equal(store->recipients_max, 100);
}

static void values_of_all_types_are_read(void **state)
{
	struct config_fixture *fixture = *state;
	const struct tp_relay *relay;
	const struct tp_store *store;

	load_ok(fixture,
		"log = { path = \"\"; retention = 3600; };\n"
		"queue = { retry_base = \"250ms\"; free_reserve = 1000; };\n"
		"relays = { a = { host = \"::1\"; port = 0x1D1;\n"
		"  tls_name = \"smtp.example.net\"; auth = \"none\";\n"
		"  fingerprint = \"AB:cd:00000000000000000000000000000000000000"
		"00000000000000000000ff\"; }; };\n"
		"stores = { default = { relays = (\"a\"); bounce = false;\n"
		"  from = \"Shop <s@example.com>\"; from_policy = \"replace\";\n"
		"  message_max = 1048576L; match = { run_code = \"x, y\";\n"
		"  host = []; }; }; };\n");
	assert_null(fixture->config->log_path);
	assert_int_equal(fixture->config->log_retention_ms, 3600000);
	assert_int_equal(fixture->config->retry_base_ms, 250);
	assert_int_equal(fixture->config->free_reserve_bytes, 1000);
	relay = relay_of(fixture, "a");
	assert_int_equal(relay->port, 465);
	assert_int_equal(relay->tls, TP_TLS_IMPLICIT);
	assert_int_equal(strlen(relay->fingerprint), 64);
	assert_int_equal(strncmp(relay->fingerprint, "abcd00", 6), 0);
	store = store_of(fixture, "default");
	assert_int_equal(store->bounce, 0);
	assert_int_equal(store->from_policy, TP_FROM_REPLACE);
	assert_int_equal(store->message_max_bytes, 1048576);
	assert_int_equal(store->match_run_code.count, 2);
	assert_string_equal(store->match_run_code.items[1], "y");
	assert_int_equal(store->match_host.count, 0);
}

struct port_case {
	const char *body;
	int64_t port;
	int tls;
};

static const struct port_case port_cases[] = {
	{ "host = \"h.example\";", 465, TP_TLS_IMPLICIT },
	{ "host = \"h.example\"; tls = \"starttls\";", 587, TP_TLS_STARTTLS },
	{ "host = \"h.example\"; tls = \"none\";", 25, TP_TLS_NONE },
	{ "host = \"h.example\"; port = 587;", 587, TP_TLS_STARTTLS },
	{ "host = \"h.example\"; port = 2525;", 2525, TP_TLS_STARTTLS },
	{ "host = \"h.example\"; port = 465;", 465, TP_TLS_IMPLICIT },
	{ "host = \"h.example\"; port = 1465;", 1465, TP_TLS_IMPLICIT },
	{ "host = \"h.example\"; port = 25; tls = \"none\";", 25, TP_TLS_NONE },
	{ "preset = \"brevo\"; auth = \"none\";", 587, TP_TLS_STARTTLS },
	{ "preset = \"resend\"; auth = \"none\";", 465, TP_TLS_IMPLICIT },
	{ "preset = \"resend\"; auth = \"none\"; tls = \"starttls\";", 587,
		TP_TLS_STARTTLS },
	{ "preset = \"resend\"; auth = \"none\"; port = 2465;", 2465,
		TP_TLS_IMPLICIT },
	{ "preset = \"resend\"; auth = \"none\"; port = 2587;", 2587,
		TP_TLS_STARTTLS },
	{ "preset = \"resend\"; auth = \"none\"; port = 10025;", 10025,
		TP_TLS_IMPLICIT },
	{ "preset = \"mailpit\";", 1025, TP_TLS_NONE },
};

static void port_and_tls_follow_from_each_other_and_the_preset(void **state)
{
	struct config_fixture *fixture = *state;
	size_t i;

	for (i = 0; i < sizeof(port_cases) / sizeof(port_cases[0]); i++) {
		const struct port_case *c = &port_cases[i];
		char text[512];
		int rc;

		print_message("%s\n", c->body);
		(void)snprintf(text, sizeof(text),
			"relays = { a = { %s }; };\n"
			"stores = { default = { relays = [\"a\"]; }; };\n",
			c->body);
		/* A preset with a fixed user name warns that auth = "none"
		 * leaves it unused. */
		rc = config_fixture_load_text(fixture, text);
		assert_int_equal(rc, 0);
		assert_int_equal(relay_of(fixture, "a")->port, c->port);
		assert_int_equal(relay_of(fixture, "a")->tls, c->tls);
	}
}

static void a_preset_fills_what_is_not_set(void **state)
{
	struct config_fixture *fixture = *state;
	const struct tp_relay *relay;

	load_ok(fixture,
		"relays = {\n"
		"  ses = { preset = \"amazon-ses\"; region = \"eu-west-1\";\n"
		"    username = \"u\"; password = \"p\"; };\n"
		"  grid = { preset = \"sendgrid\"; region = \"eu\";\n"
		"    password = \"p\"; port = 2525; };\n"
		"  office = { preset = \"microsoft365\";\n"
		"    host = \"smtp.example.net\"; dialect = \"gmail\";\n"
		"    username = \"u@example.com\"; token = \"t\"; };\n"
		"  labs = { preset = \"socketlabs\"; username = \"u\";\n"
		"    password = \"p\"; };\n"
		"  look = { preset = \"outlook\"; token = \"t\";\n"
		"    username = \"u@outlook.com\"; };\n"
		"};\n"
		"stores = { default = { relays = [\"ses\"]; };\n"
		"  a = { relays = [\"grid\"]; }; b = { relays = [\"office\"]; };\n"
		"  c = { relays = [\"labs\"]; }; d = { relays = [\"look\"]; }; };\n");
	relay = relay_of(fixture, "ses");
	assert_string_equal(relay->host, "email-smtp.eu-west-1.amazonaws.com");
	assert_string_equal(relay->dialect, "amazon-ses");
	relay = relay_of(fixture, "grid");
	assert_string_equal(relay->host, "smtp.eu.sendgrid.net");
	assert_string_equal(relay->username, "apikey");
	assert_int_equal(relay->port, 2525);
	assert_int_equal(relay->max_connections, 5);
	relay = relay_of(fixture, "office");
	assert_string_equal(relay->host, "smtp.example.net");
	assert_string_equal(relay->dialect, "gmail");
	assert_int_equal(relay->max_connections, 3);
	assert_int_equal(relay->auth, TP_AUTH_AUTO);
	assert_int_equal(
		relay_of(fixture, "labs")->messages_per_connection, 50);
	assert_int_equal(relay_of(fixture, "look")->auth, TP_AUTH_XOAUTH2);
	assert_string_equal(
		config_fixture_value(fixture, "relays.grid.username"),
		"preset sendgrid apikey");
	assert_string_equal(config_fixture_value(fixture, "relays.grid.port"),
		"*main tillpost.conf:5 2525");
}

static void a_token_that_is_given_twice_stays_a_secret(void **state)
{
	struct config_fixture *fixture = *state;
	const struct tp_relay *relay;

	load_ok(fixture,
		"relays = { p = { preset = \"postmark\"; password = \"to-ken\"; "
		"}; };\n"
		"stores = { default = { relays = [\"p\"]; }; };\n");
	relay = relay_of(fixture, "p");
	assert_string_equal(relay->username, "to-ken");
	assert_int_equal(relay->username_is_secret, 1);
	is_secret(relay->password, "to-ken");
	assert_string_equal(config_fixture_value(fixture, "relays.p.username"),
		"preset postmark (secret)");
	assert_string_equal(config_fixture_value(fixture, "relays.p.password"),
		"*main tillpost.conf:1 (secret)");
}

static void auto_without_a_user_name_is_none(void **state)
{
	struct config_fixture *fixture = *state;

	load_ok(fixture,
		"relays = { a = { host = \"h.example\"; auth = \"auto\"; };\n"
		"  b = { host = \"h.example\"; username = \"u\"; password = "
		"\"p\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; }; };\n");
	assert_int_equal(relay_of(fixture, "a")->auth, TP_AUTH_NONE);
	assert_int_equal(relay_of(fixture, "b")->auth, TP_AUTH_AUTO);
}

/* ---- stores ------------------------------------------------------------- */

static void stores_inherit_key_by_key_but_not_match(void **state)
{
	struct config_fixture *fixture = *state;
	const struct tp_store *store;

	load_ok(fixture,
		"queue = { lifetime = \"2d\"; };\n"
		"relays = { a = { host = \"a.example\"; };\n"
		"  b = { host = \"b.example\"; }; };\n"
		"stores = {\n"
		"  de = { inherits = \"eu\"; bcc_archive = \"\"; };\n"
		"  eu = { relays = [\"b\"]; bcc_archive = \"x@b.example\";\n"
		"    lifetime = \"1h\"; match = { run_code = [\"eu\"]; }; };\n"
		"  default = { relays = [\"a\"]; from = \"s@a.example\";\n"
		"    bounce = false; };\n"
		"};\n");
	store = store_of(fixture, "de");
	assert_string_equal(store->relay->name, "b");
	assert_string_equal(store->from, "s@a.example");
	assert_null(store->bcc_archive);
	assert_int_equal(store->bounce, 0);
	assert_int_equal(store->lifetime_ms, 3600000);
	assert_int_equal(store->match_run_code.count, 0);
	assert_string_equal(store->inherits, "eu");
	store = store_of(fixture, "eu");
	assert_string_equal(store->bcc_archive, "x@b.example");
	assert_null(store->inherits);
	assert_int_equal(store_of(fixture, "default")->lifetime_ms, 172800000);
	assert_string_equal(config_fixture_value(fixture, "stores.de.relays"),
		"inherited eu b");
	assert_string_equal(config_fixture_value(fixture, "stores.de.from"),
		"inherited default s@a.example");
	assert_string_equal(
		config_fixture_value(fixture, "stores.default.lifetime"),
		"inherited queue.lifetime 2d");
	assert_string_equal(
		config_fixture_value(fixture, "stores.de.message_max"),
		"default  25M");
}

static void a_provider_limits_the_recipients_of_a_store(void **state)
{
	struct config_fixture *fixture = *state;

	load_ok(fixture,
		"relays = { y = { preset = \"yandex\"; password = \"p\";\n"
		"  username = \"u@yandex.com\"; }; };\n"
		"stores = { default = { relays = [\"y\"]; };\n"
		"  few = { recipients_max = 10; }; };\n");
	assert_int_equal(store_of(fixture, "default")->recipients_max, 35);
	assert_int_equal(store_of(fixture, "few")->recipients_max, 10);
	assert_string_equal(
		config_fixture_value(fixture, "stores.default.recipients_max"),
		"preset yandex 35");
}

/* ---- files -------------------------------------------------------------- */

static void includes_are_relative_to_the_main_file_and_keep_lines(void **state)
{
	struct config_fixture *fixture = *state;
	char path[256];

	config_fixture_path(fixture, "d", path);
	assert_int_equal(mkdir(path, 0700), 0);
	config_fixture_write(fixture, "d/eu.conf", 0644,
		"# one\n"
		"  @include \"d/from.conf\"\n"
		"bounce = false; # no newline at the end");
	config_fixture_write(
		fixture, "d/from.conf", 0644, "from = \"a@b.example\";\n");
	load_ok(fixture, "relays = { a = { host = \"a.example\"; }; };\n"
			 "stores = { default = { relays = [\"a\"];\n"
			 "\t@include \"d/eu.conf\"\n"
			 "\tlifetime = \"1h\";\n"
			 "}; };\n");
	assert_string_equal(
		config_fixture_value(fixture, "stores.default.from"),
		"*main d/from.conf:1 a@b.example");
	assert_string_equal(
		config_fixture_value(fixture, "stores.default.bounce"),
		"*main d/eu.conf:3 false");
	assert_string_equal(
		config_fixture_value(fixture, "stores.default.lifetime"),
		"*main tillpost.conf:4 1h");
	config_fixture_write(fixture, "d/from.conf", 0644, "\nfrom = = 1;\n");
	assert_int_equal(config_fixture_load(fixture), TP_ECONFIG);
	has_finding(fixture, "d/from.conf:2: syntax error");
	config_fixture_write(fixture, "d/from.conf", 0644, "fron = \"x\";\n");
	assert_int_equal(config_fixture_load(fixture), TP_ECONFIG);
	has_finding(fixture,
		"d/from.conf:1: unknown key \"fron\" in stores.*; did you "
		"mean \"from\"?");
}

static void an_include_of_a_directory_or_of_itself_is_an_error(void **state)
{
	struct config_fixture *fixture = *state;

	assert_int_equal(
		config_fixture_load_text(fixture, "\n@include \"/tmp\"\n"),
		TP_EIO);
	has_finding(fixture, "/tmp: is not a regular file");
	assert_int_equal(config_fixture_load_text(
				 fixture, "\n@include \"tillpost.conf\"\n"),
		TP_ECONFIG);
	has_finding(fixture, "tillpost.conf:2: @include is nested too deep");
}

static void a_main_file_that_cannot_be_read_is_an_error(void **state)
{
	struct config_fixture *fixture = *state;
	char path[256];

	assert_int_equal(config_fixture_load(fixture), TP_EIO);
	has_finding(fixture,
		"tillpost.conf: the configuration file does not exist");
	assert_null(fixture->config);
	config_fixture_path(fixture, "fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	fixture->source.path = path;
	assert_int_equal(config_fixture_load(fixture), TP_EIO);
	has_finding(fixture, "fifo: is not a regular file");
}

static void a_file_that_is_too_large_is_refused(void **state)
{
	struct config_fixture *fixture = *state;
	size_t size = (1 << 20) + 10;
	char *text = tp_alloc(size + 1);

	assert_non_null(text);
	memset(text, '\n', size);
	assert_int_equal(config_fixture_load_text(fixture, text), TP_ETOOBIG);
	assert_non_null(strstr(fixture->err.text, "larger than 1 MiB"));
	tp_free(text);
}

static void a_nul_byte_does_not_hide_the_rest_of_a_file(void **state)
{
	struct config_fixture *fixture = *state;
	FILE *file = fopen(fixture->main_path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite("log = { };\n\0quue = 1;\n", 1, 22, file), 22);
	(void)fclose(file);
	assert_int_equal(config_fixture_load(fixture), TP_ECONFIG);
	has_finding(fixture, "tillpost.conf:2: the file holds a NUL byte");
}

static void relative_paths_are_relative_to_the_main_file(void **state)
{
	struct config_fixture *fixture = *state;
	char want[256];

	load_ok(fixture, "queue = { path = \"q/queue.db\"; };\n"
			 "log = { path = \"\"; };\n"
			 "relays = { a = { host = \"a.example\"; }; };\n"
			 "stores = { default = { relays = [\"a\"]; }; };\n");
	config_fixture_path(fixture, "q/queue.db", want);
	assert_string_equal(fixture->config->queue_path, want);
	assert_null(fixture->config->log_path);
}

static void the_line_number_survives_a_long_path(void **state)
{
	struct config_fixture *fixture = *state;
	char name[160];
	char path[256];

	memset(name, 'x', sizeof(name));
	(void)snprintf(name + 140, 20, ".conf");
	config_fixture_write(fixture, name, 0600, "\n\nquue = { };\n");
	config_fixture_path(fixture, name, path);
	fixture->source.path = path;
	assert_int_equal(config_fixture_load(fixture), TP_ECONFIG);
	assert_non_null(strstr(fixture->err.where, "xxx.conf:3"));
}

/* ---- permissions and secrets -------------------------------------------- */

static const char with_secret[] =
	"relays = { a = { host = \"a.example\"; username = \"u\";\n"
	"  password = \"canary\"; }; };\n"
	"stores = { default = { relays = [\"a\"]; }; };\n";

static void a_file_with_a_secret_is_for_its_owner_alone(void **state)
{
	static const mode_t refused[] = { 0640, 0604, 0620, 0602, 0610, 0601,
		0644, 0660, 0666 };
	struct config_fixture *fixture = *state;
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		config_fixture_write(
			fixture, "tillpost.conf", refused[i], with_secret);
		assert_int_equal(config_fixture_load(fixture), TP_EPERM);
		has_finding(fixture,
			"tillpost.conf: holds a password or token, "
			"but its mode is 06");
		has_finding(fixture, "run chmod 600");
		assert_null(strstr(tp_buf_str(&fixture->findings), "canary"));
	}
	config_fixture_write(fixture, "tillpost.conf", 0400, with_secret);
	assert_int_equal(config_fixture_load(fixture), 0);
	is_secret(relay_of(fixture, "a")->password, "canary");
	assert_null(
		strstr(config_fixture_value(fixture, "relays.a"), "canary"));
}

static void an_included_or_managed_file_with_a_secret_too(void **state)
{
	struct config_fixture *fixture = *state;

	config_fixture_write(
		fixture, "tillpost.conf", 0644, "@include \"secret.conf\"\n");
	config_fixture_write(fixture, "secret.conf", 0644, with_secret);
	assert_int_equal(config_fixture_load(fixture), TP_EPERM);
	has_finding(fixture, "secret.conf: holds a password");
	assert_null(
		strstr(tp_buf_str(&fixture->findings), "tillpost.conf: holds"));
	config_fixture_write(fixture, "secret.conf", 0600, with_secret);
	assert_int_equal(config_fixture_load(fixture), 0);
	config_fixture_write(fixture, "tillpost.conf", 0644, basic);
	config_fixture_write(
		fixture, "tillpost.managed.conf", 0640, with_secret);
	assert_int_equal(config_fixture_load(fixture), TP_EPERM);
	has_finding(fixture, "tillpost.managed.conf: holds a password");
}

static void a_file_that_everybody_can_write_is_refused(void **state)
{
	struct config_fixture *fixture = *state;

	config_fixture_write(fixture, "tillpost.conf", 0646, basic);
	assert_int_equal(config_fixture_load(fixture), TP_EPERM);
	has_finding(fixture, "tillpost.conf: can be written by everybody");
}

static void a_file_with_a_relay_or_store_is_not_for_its_group_to_write(
	void **state)
{
	static const char only_store[] =
		"stores = { default = { relays = [\"lab\"]; }; };\n";
	static const char only_match[] =
		"stores = { default = { match = { host = \"a.example\"; }; }; "
		"};\n";
	static const char part[] = "host = \"127.0.0.1\";\n";
	static const struct {
		const char *main;
		const char *include;
		const char *managed;
		const char *refused; /* NULL: none */
	} cases[] = {
		{ basic, "", "", "tillpost.conf" },
		{ "@include \"i\"\n", basic, "", "i" },
		{ "relays = { lab = { tls = \"none\"; auth = \"none\";\n"
		  "@include \"i\"\n}; };\n"
		  "stores = { default = { relays = [\"lab\"]; }; };\n",
			part, "", "i" },
		{ basic, "", only_match, "tillpost.managed.conf" },
		{ "relays = { lab = { host = \"127.0.0.1\"; tls = \"none\";\n"
		  "auth = \"none\"; }; };\n",
			"", only_store, "tillpost.managed.conf" },
		{ "@include \"i\"\nqueue = { lease = \"1h\"; };\n", basic,
			"queue = { lifetime = \"2d\"; };\n", NULL },
	};
	struct config_fixture *fixture = *state;
	char want[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *refused = cases[i].refused;

		/* Only the refused file is writable by its group; if there is
		 * none, those without a relay or store are. */
		config_fixture_write(fixture, "tillpost.conf",
			!refused || strcmp(refused, "tillpost.conf") == 0
				? 0664
				: 0644,
			cases[i].main);
		config_fixture_write(fixture, "i",
			refused && strcmp(refused, "i") == 0 ? 0660 : 0644,
			cases[i].include);
		config_fixture_write(fixture, "tillpost.managed.conf",
			!refused || strstr(refused, "managed") ? 0620 : 0600,
			cases[i].managed);
		if (!refused) {
			assert_int_equal(config_fixture_load(fixture), 0);
			continue;
		}
		assert_int_equal(config_fixture_load(fixture), TP_EPERM);
		(void)snprintf(want, sizeof(want),
			"%s: defines relays or stores and can be written by "
			"its group: run chmod g-w\n",
			refused);
		assert_string_equal(tp_buf_str(&fixture->findings), want);
	}
}

/* ---- owners ------------------------------------------------------------- */

#define SERVICE_UID 4711
#define STRANGER_UID 4712
#define WEB_UID 4713 /* who only submits */

static const char *const owned_files[] = { "tillpost.conf",
	"tillpost.managed.conf", "included.conf", "secret" };

#define OWNED_COUNT (sizeof(owned_files) / sizeof(owned_files[0]))

/* One file of each kind, all of this user. */
static void write_owned_files(const struct config_fixture *fixture)
{
	config_fixture_write(fixture, "tillpost.conf", 0600,
		"@include \"included.conf\"\n"
		"stores = { default = { relays = [\"a\"]; }; };\n");
	config_fixture_write(fixture, "included.conf", 0600,
		"relays = { a = { host = \"a.example\"; username = \"u\";\n"
		"  password_file = \"secret\"; }; };\n");
	config_fixture_write(fixture, "tillpost.managed.conf", 0600,
		"queue = { lifetime = \"2d\"; };\n");
	config_fixture_write(fixture, "secret", 0600, "s3cret");
}

static void give(
	const struct config_fixture *fixture, const char *name, uid_t owner)
{
	char path[256];

	config_fixture_path(fixture, name, path);
	assert_int_equal(chown(path, owner, (gid_t)-1), 0);
}

/* Loads as user UID, in a child. @return what was found, as 0, TP_... */
static int load_as(struct config_fixture *fixture, uid_t uid)
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (setuid(uid) < 0)
			_exit(1);
		_exit(-config_fixture_load(fixture));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void make_readable(
	const struct config_fixture *fixture, const char *name)
{
	char path[256];

	config_fixture_path(fixture, name, path);
	assert_int_equal(chmod(path, 0644), 0);
}

static void files_of_this_user_and_of_root_are_accepted(void **state)
{
	struct config_fixture *fixture = *state;
	size_t i;

	write_owned_files(fixture);
	assert_int_equal(config_fixture_load(fixture), 0);
	assert_int_equal(fixture->findings.len, 0);
	is_secret(relay_of(fixture, "a")->password, "s3cret");
	if (geteuid() != 0) {
		print_message("not root: files of root are not tried\n");
		return;
	}
	/* For the service, files are its own or root's. */
	give(fixture, "", SERVICE_UID);
	for (i = 0; i < OWNED_COUNT; i++)
		give(fixture, owned_files[i], SERVICE_UID);
	assert_int_equal(load_as(fixture, SERVICE_UID), 0);
	config_fixture_write(fixture, "included.conf", 0644,
		"relays = { a = { host = \"a.example\"; }; };\n");
	assert_int_equal(load_as(fixture, SERVICE_UID), 0);
}

static void files_of_somebody_else_are_refused(void **state)
{
	struct config_fixture *fixture = *state;
	char want[160];
	size_t i;

	if (geteuid() != 0) {
		print_message("not root: files of others cannot be made\n");
		write_owned_files(fixture);
		assert_int_equal(config_fixture_load(fixture), 0);
		return;
	}
	for (i = 0; i < OWNED_COUNT; i++) {
		const char *name = owned_files[i];
		int is_secret_file = strcmp(name, "secret") == 0;

		print_message("%s\n", name);
		write_owned_files(fixture);
		give(fixture, name, STRANGER_UID);
		assert_int_equal(config_fixture_load(fixture), TP_EPERM);
		(void)snprintf(want, sizeof(want),
			"%s%sbelongs to user %d: ", name,
			is_secret_file ? " " : ": ", STRANGER_UID);
		has_finding(fixture, want);
		has_finding(fixture, "; run chown 0");
	}
}

/* The main file is the host's choice, whosever it is; and where it is the
 * daemon's, the others may be so too. */
static void who_only_submits_reads_the_files_of_the_owner_of_the_main_file(
	void **state)
{
	static const struct {
		uid_t main_owner;
		uid_t included_owner;
		uid_t managed_owner;
		int rc;
	} cases[] = {
		{ 0, 0, 0, TP_OK },
		{ SERVICE_UID, SERVICE_UID, SERVICE_UID, TP_OK },
		{ SERVICE_UID, 0, SERVICE_UID, TP_OK },
		{ 0, STRANGER_UID, 0, TP_EPERM },
		{ 0, 0, STRANGER_UID, TP_EPERM },
		{ 0, SERVICE_UID, 0, TP_EPERM },
		{ SERVICE_UID, STRANGER_UID, SERVICE_UID, TP_EPERM },
	};
	struct config_fixture *fixture = *state;
	size_t i;

	fixture->source.without_secrets = 1;
	fixture->source.for_submitter = 1;
	write_owned_files(fixture);
	assert_int_equal(config_fixture_load(fixture), 0);
	if (geteuid() != 0) {
		print_message("not root: files of others cannot be made\n");
		return;
	}
	assert_int_equal(chmod(fixture->directory, 0755), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_owned_files(fixture);
		make_readable(fixture, "tillpost.conf");
		make_readable(fixture, "included.conf");
		make_readable(fixture, "tillpost.managed.conf");
		give(fixture, "tillpost.conf", cases[i].main_owner);
		give(fixture, "included.conf", cases[i].included_owner);
		give(fixture, "tillpost.managed.conf", cases[i].managed_owner);
		assert_int_equal(load_as(fixture, WEB_UID), cases[i].rc);
		assert_int_equal(config_fixture_load(fixture), cases[i].rc);
	}
	has_finding(fixture, "included.conf: belongs to user ");
}

/* The usual layout, for a web server's user: what it may read is used, what it
 * may not read is said. Loading as the daemon is not disturbed. */
static void an_unprivileged_user_loads_what_it_may_read(void **state)
{
	struct config_fixture *fixture = *state;

	if (geteuid() != 0) {
		print_message("not root: cannot become another user\n");
		return;
	}
	write_owned_files(fixture);
	assert_int_equal(chmod(fixture->directory, 0755), 0);
	make_readable(fixture, "tillpost.conf");
	make_readable(fixture, "included.conf");
	fixture->source.without_secrets = 1;
	fixture->source.for_submitter = 1;
	/* the managed file and the secret are still 0600 */
	assert_int_equal(load_as(fixture, WEB_UID), 0);
	fixture->source.for_submitter = 0;
	assert_int_equal(load_as(fixture, WEB_UID), TP_EPERM);
	fixture->source.without_secrets = 0;
	assert_int_equal(load_as(fixture, WEB_UID), TP_EPERM);
	assert_int_equal(config_fixture_load(fixture), 0);
}

/* In a child: what the user finds. */
static int load_partial_as_web_user(struct config_fixture *fixture)
{
	if (setuid(WEB_UID) < 0)
		return 1;
	fixture->source.without_secrets = 1;
	fixture->source.for_submitter = 1;
	if (config_fixture_load(fixture) < 0)
		return 2;
	if (!fixture->config->partial)
		return 3;
	if (fixture->findings.len != 0)
		return 6;
	if (strcmp(fixture->config->spool_path, "/var/spool/x") != 0)
		return 4;
	if (!tp_config_store(fixture->config, "default"))
		return 5;
	return 0;
}

static void a_closed_managed_file_makes_the_configuration_partial(void **state)
{
	struct config_fixture *fixture = *state;
	int status = -1;
	pid_t child;

	if (geteuid() != 0) {
		print_message("not root: every file is readable\n");
		return;
	}
	config_fixture_write(fixture, "tillpost.conf", 0644,
		"spool = { path = \"/var/spool/x\"; };\n");
	config_fixture_write(fixture, "tillpost.managed.conf", 0600,
		"stores = { default = { relays = [\"a\"]; }; };\n");
	assert_int_equal(chmod(fixture->directory, 0755), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(load_partial_as_web_user(fixture));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child. NAME is closed to the user; WANT begins the finding. */
static int find_closed(
	struct config_fixture *fixture, const char *name, const char *want)
{
	char path[256];

	config_fixture_path(fixture, name, path);
	if (chmod(path, 0640) < 0 || setgid(WEB_UID) < 0 ||
		setgroups(0, NULL) < 0 || setuid(WEB_UID) < 0)
		return 1;
	fixture->source.without_secrets = 1;
	fixture->source.for_submitter = 1;
	if (config_fixture_load(fixture) != TP_EPERM)
		return 2;
	if (fixture->err.sys_errno != EACCES)
		return 3;
	if (!strstr(tp_buf_str(&fixture->findings), want))
		return 4;
	return fixture->config ? 5 : 0;
}

static void a_closed_main_or_included_file_is_named(void **state)
{
	static const char *const names[] = { "tillpost.conf", "included.conf" };
	struct config_fixture *fixture = *state;
	size_t i;

	if (geteuid() != 0) {
		print_message("not root: every file is readable\n");
		return;
	}
	assert_int_equal(chmod(fixture->directory, 0755), 0);
	for (i = 0; i < 2; i++) {
		char want[64];
		int status = -1;
		pid_t child;

		write_owned_files(fixture);
		make_readable(fixture, "tillpost.conf");
		make_readable(fixture, "included.conf");
		(void)snprintf(want, sizeof(want),
			"%s: cannot open: Permission denied", names[i]);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			_exit(find_closed(fixture, names[i], want));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

/* Nobody learns a password by being allowed to submit. */
static void a_readable_file_with_a_password_is_refused_to_submitters_too(
	void **state)
{
	struct config_fixture *fixture = *state;

	fixture->source.without_secrets = 1;
	config_fixture_write(fixture, "tillpost.conf", 0644,
		"relays = { a = { host = \"a.example\"; username = \"u\";\n"
		"  password = \"hunter2\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; }; };\n");
	assert_int_equal(config_fixture_load(fixture), TP_EPERM);
	assert_int_equal(fixture->err.sys_errno, 0);
	has_finding(fixture, "use password_file");
	assert_null(strstr(tp_buf_str(&fixture->findings), "hunter2"));
}

/* What holds where no file may be read. */
static void defaults_need_no_file(void **state)
{
	struct config_fixture *fixture = *state;
	const struct tp_store *store;

	assert_int_equal(tp_config_defaults(&fixture->source, NULL, NULL,
				 &fixture->config, &fixture->err),
		0);
	assert_int_equal(fixture->config->partial, 1);
	assert_string_equal(fixture->config->spool_path, "/var/spool/tillpost");
	assert_string_equal(fixture->config->store_header, "X-Tillpost-Store");
	store = tp_config_store(fixture->config, "default");
	assert_non_null(store);
	assert_null(store->relay);
	assert_int_equal(store->message_max_bytes, 25 << 20);
	assert_int_equal(store->recipients_max, 100);
	assert_int_equal(store->users.count, 0);
}

static void users_are_inherited_and_an_empty_list_ends_that(void **state)
{
	struct config_fixture *fixture = *state;

	load_ok(fixture,
		"relays = { a = { host = \"a.example\"; }; };\n"
		"stores = { default = { relays = [\"a\"];\n"
		"    users = [\"www-data\", \"1001\"]; };\n"
		"  eu = { }; us = { inherits = \"eu\"; users = \"a, b$\"; };\n"
		"  all = { users = []; }; };\n");
	assert_string_equal(config_fixture_value(fixture, "stores.eu.users"),
		"inherited default www-data, 1001");
	assert_string_equal(config_fixture_value(fixture, "stores.us.users"),
		"*main tillpost.conf:4 a, b$");
	assert_int_equal(
		tp_config_store(fixture->config, "all")->users.count, 0);
}

static void root_accepts_files_of_the_owner_of_the_directory(void **state)
{
	struct config_fixture *fixture = *state;
	size_t i;

	write_owned_files(fixture);
	if (geteuid() != 0) {
		print_message("not root: the directory is this user's\n");
		assert_int_equal(config_fixture_load(fixture), 0);
		return;
	}
	give(fixture, "", SERVICE_UID);
	for (i = 0; i < OWNED_COUNT; i++) {
		give(fixture, owned_files[i], SERVICE_UID);
		assert_int_equal(config_fixture_load(fixture), 0);
	}
	for (i = 0; i < OWNED_COUNT; i++) {
		give(fixture, owned_files[i], STRANGER_UID);
		assert_int_equal(config_fixture_load(fixture), TP_EPERM);
		has_finding(fixture, "belongs to user 4712");
		has_finding(fixture, "; run chown 4711");
		give(fixture, owned_files[i], SERVICE_UID);
	}
}

static void only_root_accepts_files_of_the_owner_of_the_directory(void **state)
{
	struct config_fixture *fixture = *state;

	config_fixture_write(fixture, "tillpost.conf", 0644, basic);
	if (geteuid() != 0) {
		print_message("not root: the directory is this user's\n");
		assert_int_equal(config_fixture_load(fixture), 0);
		return;
	}
	assert_int_equal(chmod(fixture->directory, 0755), 0);
	give(fixture, "", STRANGER_UID);
	assert_int_equal(load_as(fixture, SERVICE_UID), 0);
	give(fixture, "tillpost.conf", STRANGER_UID);
	assert_int_equal(load_as(fixture, SERVICE_UID), TP_EPERM);
	assert_int_equal(config_fixture_load(fixture), 0);
}

struct secret_file_case {
	mode_t mode;
	const char *text;
	const char *secret; /* NULL: refused */
	int code;
	const char *error;
};

static const struct secret_file_case secret_file_cases[] = {
	{ 0600, "s3cret", "s3cret", 0, "" },
	{ 0400, "s3cret\n", "s3cret", 0, "" },
	{ 0600, "s3cret\r\n", "s3cret", 0, "" },
	{ 0600, "s3cret\n\n", "s3cret\n", 0, "" },
	{ 0600, " s3cret ", " s3cret ", 0, "" },
	{ 0600, "", NULL, TP_ECONFIG, "is empty" },
	{ 0600, "\n", NULL, TP_ECONFIG, "is empty" },
	{ 0640, "s3cret", NULL, TP_EPERM, "mode 0640" },
	{ 0604, "s3cret", NULL, TP_EPERM, "run chmod 600" },
	{ 0620, "s3cret", NULL, TP_EPERM, "mode 0620" },
};

static void a_password_file_is_checked_and_read(void **state)
{
	struct config_fixture *fixture = *state;
	size_t i;

	for (i = 0;
		i < sizeof(secret_file_cases) / sizeof(secret_file_cases[0]);
		i++) {
		const struct secret_file_case *c = &secret_file_cases[i];
		int rc;

		config_fixture_write(fixture, "secret", c->mode, c->text);
		rc = config_fixture_load_text(fixture,
			"relays = { a = { host = \"a.example\";\n"
			"  username = \"u\";\n"
			"  password_file = \"secret\"; }; };\n"
			"stores = { default = { relays = [\"a\"]; }; };\n");
		assert_int_equal(rc, c->code);
		assert_null(strstr(tp_buf_str(&fixture->findings), "s3cret"));
		if (c->secret) {
			is_secret(relay_of(fixture, "a")->password, c->secret);
			continue;
		}
		has_finding(fixture, "tillpost.conf:3: ");
		has_finding(fixture, c->error);
	}
}

static void a_secret_file_must_be_a_small_regular_file_of_ours(void **state)
{
	static const char text[] =
		"relays = { a = { host = \"a.example\"; username = \"u\";\n"
		"  token_file = \"secret\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; }; };\n";
	struct config_fixture *fixture = *state;
	char path[256];
	char *longest = tp_alloc(65536 + 3);

	assert_non_null(longest);
	memset(longest, 'a', 65537);
	config_fixture_write(fixture, "secret", 0600, longest);
	assert_int_equal(config_fixture_load_text(fixture, text), TP_ECONFIG);
	has_finding(fixture, "is larger than 65536 bytes");
	longest[65536] = '\n';
	config_fixture_write(fixture, "secret", 0600, longest);
	assert_int_equal(config_fixture_load(fixture), 0);
	tp_free(longest);

	config_fixture_path(fixture, "secret", path);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 4711, 0), 0);
		assert_int_equal(config_fixture_load(fixture), TP_EPERM);
		has_finding(fixture, "belongs to user 4711");
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_fixture_load(fixture), TP_ECONFIG);
	has_finding(fixture, "is not a regular file");
}

static void a_secret_comes_from_the_environment(void **state)
{
	static const char text[] =
		"relays = { a = { host = \"a.example\"; username = \"u\";\n"
		"  password_env = \"TP_TEST_PASSWORD\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; }; };\n";
	struct config_fixture *fixture = *state;

	assert_int_equal(setenv("TP_TEST_PASSWORD", "from env", 1), 0);
	load_ok(fixture, text);
	is_secret(relay_of(fixture, "a")->password, "from env");
	assert_string_equal(config_fixture_value(fixture, "relays.a.password"),
		"*main tillpost.conf:2 (secret)");
	assert_int_equal(setenv("TP_TEST_PASSWORD", "", 1), 0);
	assert_int_equal(config_fixture_load(fixture), TP_ECONFIG);
	has_finding(fixture, "variable TP_TEST_PASSWORD is not set");
	(void)unsetenv("TP_TEST_PASSWORD");
}

static void a_submitting_process_gets_no_secrets_and_needs_none(void **state)
{
	struct config_fixture *fixture = *state;
	const struct tp_relay *relay;

	fixture->source.without_secrets = 1;
	load_ok(fixture,
		"relays = { a = { host = \"a.example\"; username = \"u\";\n"
		"    password_file = \"/nowhere/secret\"; };\n"
		"  b = { preset = \"postmark\"; password_env = \"NO_SUCH\"; };\n"
		"  c = { host = \"c.example\"; username = \"u\";\n"
		"    password = \"canary\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; };\n"
		"  b = { relays = [\"b\"]; }; c = { relays = [\"c\"]; }; };\n");
	relay = relay_of(fixture, "a");
	assert_null(relay->password);
	assert_int_equal(relay->auth, TP_AUTH_AUTO);
	assert_null(relay_of(fixture, "b")->username);
	assert_int_equal(relay_of(fixture, "b")->username_is_secret, 1);
	assert_int_equal(relay_of(fixture, "b")->auth, TP_AUTH_AUTO);
	assert_null(relay_of(fixture, "c")->password);
}

/* What only the service has is not missing for who looks from outside. */
static void a_check_says_which_secrets_only_the_service_has(void **state)
{
	static const char text[] =
		"relays = { a = { host = \"a.example\"; username = \"u\";\n"
		"  password_env = \"NO_SUCH\"; };\n"
		"  b = { host = \"b.example\"; username = \"u\";\n"
		"  password_file = \"/run/credentials/no.service/b\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; };\n"
		"  b = { relays = [\"b\"]; }; };\n";
	struct config_fixture *fixture = *state;

	assert_int_equal(config_fixture_load_text(fixture, text), TP_ECONFIG);
	fixture->source.only_checks = 1;
	assert_int_equal(config_fixture_load_text(fixture, text), 0);
	has_finding(fixture,
		"warning tillpost.conf:2: the environment variable NO_SUCH is "
		"not set; the service may have it");
	has_finding(fixture,
		"warning tillpost.conf:4: cannot open "
		"/run/credentials/no.service/b, which is there only for the "
		"service, while it runs");
	assert_int_equal(config_fixture_load_text(fixture,
				 "relays = { a = { host = \"a.example\";\n"
				 "  username = \"u\";\n"
				 "  password_file = \"/nowhere/a\"; }; };\n"
				 "stores = { default = { relays = [\"a\"]; }; "
				 "};\n"),
		TP_ECONFIG);
}

/* Where systemd lends a secret by an access control list, the group's bits are
 * the list's mask. Only root can make one there. */
static void a_credential_may_have_the_mask_of_a_list(void **state)
{
	static const char directory[] = "/run/credentials";
	struct config_fixture *fixture = *state;
	char path[64];
	char text[400];
	int made;
	int fd;

	if (geteuid() != 0) {
		print_message("not root: nothing can be lent\n");
		return;
	}
	made = mkdir(directory, 0755) == 0;
	snprintf(path, sizeof(path), "%s/tillpost-test-%ld", directory,
		(long)getpid());
	snprintf(text, sizeof(text),
		"relays = { a = { host = \"a.example\"; username = \"u\";\n"
		"  password_file = \"%s\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; }; };\n",
		path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "secret", 6), 6);
	assert_int_equal(fchmod(fd, 0440), 0);
	assert_int_equal(config_fixture_load_text(fixture, text), 0);
	assert_int_equal(fchmod(fd, 0444), 0);
	assert_int_equal(config_fixture_load_text(fixture, text), TP_EPERM);
	assert_int_equal(fchmod(fd, 0440), 0);
	assert_int_equal(fchown(fd, 0, 1), 0);
	assert_int_equal(config_fixture_load_text(fixture, text), TP_EPERM);
	close(fd);
	unlink(path);
	if (made)
		rmdir(directory);
}

/* ---- sources ------------------------------------------------------------ */

static void the_main_file_wins_over_the_managed_file(void **state)
{
	struct config_fixture *fixture = *state;

	config_fixture_write(fixture, "tillpost.managed.conf", 0600,
		"relays = { lab = { host = \"192.0.2.9\"; port = 2526; };\n"
		"  more = { host = \"m.example\"; }; };\n"
		"stores = { eu = { relays = [\"more\"]; newer_key = 1; }; };\n"
		"newer = { x = 1; };\n");
	assert_int_equal(config_fixture_load_text(fixture, basic), 0);
	assert_string_equal(tp_buf_str(&fixture->findings),
		"warning tillpost.managed.conf:3: unknown key \"newer_key\" in "
		"stores.* is ignored\n"
		"warning tillpost.managed.conf:4: unknown group \"newer\" is "
		"ignored\n");
	assert_string_equal(config_fixture_value(fixture, "relays.lab.host"),
		"*main tillpost.conf:2 127.0.0.1");
	assert_string_equal(config_fixture_value(fixture, "relays.lab.port"),
		"managed tillpost.managed.conf:1 2526");
	assert_string_equal(store_of(fixture, "eu")->relay->host, "m.example");
}

struct host_answer {
	const char *key;
	const char *value;
};

static const struct host_answer host_answers[] = {
	{ "stores.default.from", "host@example.com" },
	{ "stores.default.relays", "never asked for" },
	{ "relays.lab.host", "never asked for" },
	{ "relays.lab.username", "u" },
	{ "relays.lab.password", "from host" },
	{ "stores.eu.match.host", "eu.example.com, www.eu.example.com" },
	{ "stores.nosuch.from", "never asked for" },
	{ "queue.lifetime", "1d" },
};

struct host {
	int asked_password;
	int asked_set_keys;
	int32_t bad_length; /* returned for log.path if not 0 */
};

static int32_t answer(
	void *ctx, const char *key, char *value, uint32_t value_bytes)
{
	struct host *host = ctx;
	size_t i;

	assert_true(value_bytes > 65536);
	if (strcmp(key, "relays.lab.password_file") == 0 ||
		strcmp(key, "relays.lab.password_env") == 0)
		host->asked_password++;
	if (strcmp(key, "log.path") == 0 && host->bad_length != 0)
		return host->bad_length;
	for (i = 0; i < sizeof(host_answers) / sizeof(host_answers[0]); i++) {
		if (strcmp(key, host_answers[i].key) != 0)
			continue;
		host->asked_set_keys +=
			strstr(host_answers[i].value, "never") != NULL;
		(void)snprintf(value, value_bytes, "%s", host_answers[i].value);
		return (int32_t)strlen(value);
	}
	return -1;
}

static const char for_host[] =
	"relays = {\n"
	"  lab = { host = \"h.example\"; auth = \"plain\"; };\n"
	"};\n"
	"stores = { default = { relays = [\"lab\"]; }; eu = { }; };\n";

static void the_host_is_asked_only_for_what_no_file_sets(void **state)
{
	struct config_fixture *fixture = *state;
	struct host host = { 0, 0, 0 };

	fixture->source.host_setting = answer;
	fixture->source.host_ctx = &host;
	load_ok(fixture, for_host);
	assert_int_equal(host.asked_set_keys, 0);
	assert_int_equal(host.asked_password, 0);
	is_secret(relay_of(fixture, "lab")->password, "from host");
	assert_string_equal(
		config_fixture_value(fixture, "stores.default.from"),
		"host  host@example.com");
	assert_string_equal(config_fixture_value(fixture, "stores.eu.from"),
		"inherited default host@example.com");
	assert_int_equal(store_of(fixture, "eu")->match_host.count, 2);
	assert_int_equal(fixture->config->queue_lifetime_ms, 86400000);
}

static void a_bad_answer_of_the_host_is_a_finding(void **state)
{
	struct config_fixture *fixture = *state;
	struct host host = { 0, 0, 5 };

	fixture->source.host_setting = answer;
	fixture->source.host_ctx = &host;
	assert_int_equal(
		config_fixture_load_text(fixture, for_host), TP_ECONFIG);
	has_finding(fixture, "host: log.path: the host's value is too long or "
			     "not a string");
	host.bad_length = INT32_MAX;
	assert_int_equal(config_fixture_load(fixture), TP_ECONFIG);
	has_finding(fixture, "host: log.path: the host's value is too long");
}

/* ---- records ------------------------------------------------------------ */

static int count_value(void *ctx, const struct tp_config_value *value)
{
	int *count = ctx;

	assert_non_null(value->value);
	(*count)++;
	return 0;
}

static int stop_at_once(void *ctx, const struct tp_config_value *value)
{
	(void)value;
	(*(int *)ctx)++;
	return 1;
}

static void values_are_found_by_name_and_by_group(void **state)
{
	struct config_fixture *fixture = *state;
	struct tp_error err = TP_ERROR_INIT;
	int count = 0;

	load_ok(fixture, basic);
	assert_int_equal(tp_config_values(fixture->config, "spool", count_value,
				 &count, &err),
		0);
	assert_int_equal(count, 1);
	count = 0;
	assert_int_equal(
		tp_config_values(fixture->config, "stores.default.match",
			count_value, &count, &err),
		0);
	assert_int_equal(count, 3);
	count = 0;
	assert_int_equal(tp_config_values(fixture->config, NULL, stop_at_once,
				 &count, &err),
		0);
	assert_int_equal(count, 1);
	assert_int_equal(tp_config_values(fixture->config, "stores.nosuch",
				 count_value, &count, &err),
		TP_ENOTFOUND);
	assert_string_equal(err.where, "stores.nosuch");
	tp_error_clear(&err);
	assert_int_equal(tp_config_values(fixture->config, "spoo", count_value,
				 &count, &err),
		TP_ENOTFOUND);
}

static void a_relay_is_the_same_only_with_all_it_was_made_with(void **state)
{
	static const char *const changes[] = { "host = \"b.example\";",
		"host = \"a.example\"; port = 2465;",
		"host = \"a.example\"; tls = \"starttls\"; port = 465;",
		"host = \"a.example\"; auth = \"login\";",
		"host = \"a.example\"; tls_name = \"x.example\";",
		"host = \"a.example\"; helo_name = \"x.example\";",
		"host = \"a.example\"; ca_file = \"/dev/null\";" };
	static const char pattern[] =
		"relays = { a = { host = \"a.example\"; username = \"u\";\n"
		"    password = \"p\"; };\n"
		"  same = { host = \"a.example\"; username = \"u\";\n"
		"    password = \"p\"; max_connections = 1; };\n"
		"  user = { host = \"a.example\"; username = \"v\";\n"
		"    password = \"p\"; };\n"
		"  pass = { host = \"a.example\"; username = \"u\";\n"
		"    password = \"q\"; };\n"
		"  other = { %s username = \"u\"; password = \"p\"; }; };\n"
		"stores = { default = { relays = [\"a\"]; }; };\n";
	struct config_fixture *fixture = *state;
	char text[1024];
	size_t i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct tp_relay *a;

		(void)snprintf(text, sizeof(text),
			"relays = { a = { host = \"a.example\"; username = "
			"\"u\"; password = \"p\"; };\n"
			"  other = { %s username = \"u\"; password = \"p\"; }; "
			"};\nstores = { default = { relays = [\"a\"]; }; };\n",
			changes[i]);
		assert_int_equal(config_fixture_load_text(fixture, text), 0);
		a = relay_of(fixture, "a");
		assert_true(tp_relay_same(a, a));
		assert_false(tp_relay_same(a, relay_of(fixture, "other")));
	}
	(void)snprintf(text, sizeof(text), pattern, changes[0]);
	load_ok(fixture, text);
	assert_true(tp_relay_same(
		relay_of(fixture, "a"), relay_of(fixture, "same")));
	assert_false(tp_relay_same(
		relay_of(fixture, "a"), relay_of(fixture, "user")));
	assert_false(tp_relay_same(
		relay_of(fixture, "a"), relay_of(fixture, "pass")));
}

static void a_configuration_lives_as_long_as_a_reference(void **state)
{
	struct config_fixture *fixture = *state;
	struct tp_config *second;
	struct tp_config *none = NULL;

	load_ok(fixture, basic);
	second = tp_config_ref(fixture->config);
	tp_config_unref(&fixture->config);
	assert_null(fixture->config);
	assert_string_equal(second->relays[0].name, "lab");
	assert_null(tp_config_relay(second, "nosuch"));
	assert_null(tp_config_store(second, NULL));
	tp_config_unref(&second);
	tp_config_unref(&none);
}

static void every_failed_allocation_ends_a_load_cleanly(void **state)
{
	struct config_fixture *fixture = *state;
	struct host host = { 0, 0, 0 };
	struct tp_config *config = NULL;
	unsigned long n;
	unsigned long made = 0;
	int rc = TP_ENOMEM;

	config_fixture_write(fixture, "tillpost.managed.conf", 0600,
		"stores = { eu = { from = \"a@b.example\"; }; };\n"
		"relays = { g = { preset = \"postmark\"; password = \"p\"; }; "
		"};\n");
	config_fixture_write(fixture, "tillpost.conf", 0600, for_host);
	fixture->source.host_setting = answer;
	fixture->source.host_ctx = &host;
	for (n = 1; rc < 0; n++) {
		struct tp_error err = TP_ERROR_INIT;

		(void)tp_mem_fail_at(n);
		rc = tp_config_load(
			&fixture->source, NULL, NULL, &config, &err);
		made = tp_mem_fail_at(0);
		if (rc < 0) {
			assert_int_equal(rc, TP_ENOMEM);
			assert_int_equal(err.code, TP_ENOMEM);
			assert_null(config);
		}
	}
	/* It succeeded because there was no such allocation, not because a
	 * failure was overlooked. */
	assert_true(made > 50 && made < n - 1);
	tp_config_unref(&config);
}

#define FIXTURE_TEST(function)           \
	cmocka_unit_test_setup_teardown( \
		function, config_fixture_setup, config_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(defaults_are_the_documented_ones),
		FIXTURE_TEST(values_of_all_types_are_read),
		FIXTURE_TEST(
			port_and_tls_follow_from_each_other_and_the_preset),
		FIXTURE_TEST(a_preset_fills_what_is_not_set),
		FIXTURE_TEST(a_token_that_is_given_twice_stays_a_secret),
		FIXTURE_TEST(auto_without_a_user_name_is_none),
		FIXTURE_TEST(stores_inherit_key_by_key_but_not_match),
		FIXTURE_TEST(a_provider_limits_the_recipients_of_a_store),
		FIXTURE_TEST(
			includes_are_relative_to_the_main_file_and_keep_lines),
		FIXTURE_TEST(
			an_include_of_a_directory_or_of_itself_is_an_error),
		FIXTURE_TEST(a_main_file_that_cannot_be_read_is_an_error),
		FIXTURE_TEST(a_file_that_is_too_large_is_refused),
		FIXTURE_TEST(a_nul_byte_does_not_hide_the_rest_of_a_file),
		FIXTURE_TEST(relative_paths_are_relative_to_the_main_file),
		FIXTURE_TEST(the_line_number_survives_a_long_path),
		FIXTURE_TEST(a_file_with_a_secret_is_for_its_owner_alone),
		FIXTURE_TEST(an_included_or_managed_file_with_a_secret_too),
		FIXTURE_TEST(a_file_that_everybody_can_write_is_refused),
		FIXTURE_TEST(
			a_file_with_a_relay_or_store_is_not_for_its_group_to_write),
		FIXTURE_TEST(files_of_this_user_and_of_root_are_accepted),
		FIXTURE_TEST(files_of_somebody_else_are_refused),
		FIXTURE_TEST(
			who_only_submits_reads_the_files_of_the_owner_of_the_main_file),
		FIXTURE_TEST(an_unprivileged_user_loads_what_it_may_read),
		FIXTURE_TEST(
			a_closed_managed_file_makes_the_configuration_partial),
		FIXTURE_TEST(a_closed_main_or_included_file_is_named),
		FIXTURE_TEST(
			a_readable_file_with_a_password_is_refused_to_submitters_too),
		FIXTURE_TEST(defaults_need_no_file),
		FIXTURE_TEST(users_are_inherited_and_an_empty_list_ends_that),
		FIXTURE_TEST(root_accepts_files_of_the_owner_of_the_directory),
		FIXTURE_TEST(
			only_root_accepts_files_of_the_owner_of_the_directory),
		FIXTURE_TEST(a_password_file_is_checked_and_read),
		FIXTURE_TEST(
			a_secret_file_must_be_a_small_regular_file_of_ours),
		FIXTURE_TEST(a_secret_comes_from_the_environment),
		FIXTURE_TEST(
			a_submitting_process_gets_no_secrets_and_needs_none),
		FIXTURE_TEST(a_check_says_which_secrets_only_the_service_has),
		FIXTURE_TEST(a_credential_may_have_the_mask_of_a_list),
		FIXTURE_TEST(the_main_file_wins_over_the_managed_file),
		FIXTURE_TEST(the_host_is_asked_only_for_what_no_file_sets),
		FIXTURE_TEST(a_bad_answer_of_the_host_is_a_finding),
		FIXTURE_TEST(values_are_found_by_name_and_by_group),
		FIXTURE_TEST(
			a_relay_is_the_same_only_with_all_it_was_made_with),
		FIXTURE_TEST(a_configuration_lives_as_long_as_a_reference),
		FIXTURE_TEST(every_failed_allocation_ends_a_load_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
