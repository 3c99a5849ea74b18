/*
 * settings_test.c - the table, its values, and the documents made from it
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
#include "core/config.h"
#include "core/setting_value.h"
#include "core/settings.h"
#include "core/settings_doc.h"

#include <stdio.h>
#include <string.h>

union record {
	struct tp_config config;
	struct tp_relay relay;
	struct tp_store store;
};

static const struct tp_setting *find(const char *full_key)
{
	char name[TP_SETTING_NAME_MAX_BYTES + 1];
	const struct tp_setting *setting = NULL;

	assert_int_equal(tp_setting_resolve(full_key, &setting, name, NULL), 0);
	return setting;
}

static void each_row_is_complete_and_its_default_is_valid(void **state)
{
	size_t count;
	size_t i;
	size_t k;
	const struct tp_setting *table = tp_settings_table(&count);

	(void)state;
	for (i = 0; i < count; i++) {
		const struct tp_setting *row = &table[i];
		struct tp_error err = TP_ERROR_INIT;
		union record record;

		print_message(
			"%s.%s\n", tp_setting_scope_name(row->scope), row->key);
		assert_true(
			row->help && row->help[0] && row->since && row->unit);
		assert_int_equal(tp_setting_index(row), i);
		assert_ptr_equal(tp_setting_find(row->scope, row->key), row);
		assert_true(row->offset != TP_SETTING_NO_FIELD);
		for (k = 0; k < i; k++)
			assert_true(table[k].scope != row->scope ||
				    strcmp(table[k].key, row->key) != 0);
		if (row->instead_of)
			assert_non_null(
				tp_setting_find(row->scope, row->instead_of));
		memset(&record, 0, sizeof(record));
		if (row->default_value)
			assert_int_equal(tp_setting_put(row, &record,
						 row->default_value, "", &err),
				0);
		tp_setting_clear(row, &record);
		if (row->example)
			assert_int_equal(tp_setting_put(row, &record,
						 row->example, "", &err),
				0);
		tp_setting_clear(row, &record);
	}
}

static void every_field_of_a_connection_is_part_of_its_identity(void **state)
{
	static const char *const keys[] = { "host", "port", "tls", "auth",
		"username", "password", "token", "allow_plaintext_auth",
		"tls_name", "ca_file", "ca_path", "client_cert", "client_key",
		"fingerprint", "helo_name" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_int_equal(
			tp_setting_find(TP_SETTINGS_RELAY, keys[i])->identity,
			1);
	assert_int_equal(
		tp_setting_find(TP_SETTINGS_RELAY, "max_connections")->identity,
		0);
}

struct value_case {
	const char *key;
	const char *text;
	const char *want; /* as tp_setting_format(); NULL: TP_EINVAL */
	const char *error;
};

static const struct value_case value_cases[] = {
	{ "relays.a.port", "465", "465", "" },
	{ "relays.a.port", "0", NULL, "(1..65535)" },
	{ "relays.a.port", "65536", NULL, "port = \"65536\"" },
	{ "relays.a.port", "-1", NULL, "(1..65535)" },
	{ "relays.a.port", "25m", NULL, "int" },
	{ "relays.a.port", "", NULL, "int" },
	{ "relays.a.port", "99999999999999999999", NULL, "int" },
	{ "relays.a.tls", "starttls", "starttls", "" },
	{ "relays.a.tls", "STARTTLS", "starttls", "" },
	{ "relays.a.tls", "startls", NULL,
		"(implicit|starttls|none); did you mean \"starttls\"?" },
	{ "relays.a.connect_timeout", "250ms", "250ms", "" },
	{ "relays.a.connect_timeout", "90", "90s", "" },
	{ "relays.a.connect_timeout", "90s", "90s", "" },
	{ "relays.a.connect_timeout", "30m", "30m", "" },
	{ "relays.a.connect_timeout", "2h", NULL, "(10ms..1h)" },
	{ "queue.lifetime", "5d", "5d", "" },
	{ "queue.lifetime", "61d", NULL, "(1s..60d)" },
	{ "stores.a.message_max", "25M", "25M", "" },
	{ "stores.a.message_max", "1024", "1k", "" },
	{ "stores.a.message_max", "1G", NULL, "(1k..256M)" },
	{ "stores.a.bounce", "yes", "true", "" },
	{ "stores.a.bounce", "0", "false", "" },
	{ "stores.a.bounce", "maybe", NULL, "(true|false)" },
	{ "stores.a.from", "K\xc3\xb6ln <a@example.com>",
		"K\xc3\xb6ln <a@example.com>", "" },
	{ "stores.a.from", "", "", "" },
	{ "stores.a.from", "a\r\nBcc: b@example.com", NULL, "control" },
	{ "stores.a.from", "a\x7f", NULL, "control" },
	{ "stores.a.from", "\xff", NULL, "not UTF-8" },
	{ "queue.path", "", NULL, "must not be empty" },
	{ "log.path", "", "", "" },
	{ "stores.a.relays", "a,b ,\tc", "a, b, c", "" },
	{ "stores.a.relays", "", NULL, "must not be empty" },
	{ "stores.a.relays", "a,,b", NULL, "empty entry" },
	{ "stores.a.match.from", "", "", "" },
	{ "stores.a.match.from", "  ", "", "" },
	{ "stores.a.match.from", "@a.example", "@a.example", "" },
	{ "relays.a.password", "hunter2", "", "" },
	{ "relays.a.password", "", NULL, "must not be empty" },
};

static void values_are_parsed_and_spelled(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(value_cases) / sizeof(value_cases[0]); i++) {
		const struct value_case *c = &value_cases[i];
		const struct tp_setting *setting = find(c->key);
		struct tp_buf text = TP_BUF_INIT(1024);
		struct tp_error err = TP_ERROR_INIT;
		union record record;
		union record copy;

		print_message("%s = %s\n", c->key, c->text);
		memset(&record, 0, sizeof(record));
		memset(&copy, 0, sizeof(copy));
		assert_int_equal(
			tp_setting_put(setting, &record, c->text, "here", &err),
			c->want ? TP_OK : TP_EINVAL);
		if (!c->want) {
			assert_non_null(strstr(err.text, c->error));
			assert_string_equal(err.where, "here");
			continue;
		}
		assert_int_equal(tp_setting_format(setting, &record, &text), 0);
		assert_string_equal(tp_buf_str(&text), c->want);
		assert_int_equal(tp_setting_copy(setting, &copy, &record), 0);
		assert_true(tp_setting_same(setting, &copy, &record));
		tp_setting_clear(setting, &record);
		tp_setting_clear(setting, &copy);
		tp_buf_free(&text);
	}
}

static void a_refused_value_leaves_the_old_one(void **state)
{
	const struct tp_setting *from = find("stores.a.from");
	const struct tp_setting *relays = find("stores.a.relays");
	struct tp_store store = { .name = NULL };

	(void)state;
	assert_int_equal(tp_setting_put(from, &store, "a@b", "", NULL), 0);
	assert_int_equal(tp_setting_put(relays, &store, "x,y", "", NULL), 0);
	assert_true(tp_setting_put(from, &store, "a\n", "", NULL) < 0);
	assert_true(tp_setting_put(relays, &store, "x,,", "", NULL) < 0);
	assert_string_equal(store.from, "a@b");
	assert_int_equal(store.relays.count, 2);
	assert_string_equal(store.relays.items[1], "y");
	tp_setting_clear(from, &store);
	tp_setting_clear(relays, &store);
}

static void a_secret_never_appears_in_an_error(void **state)
{
	const struct tp_setting *password = find("relays.a.password");
	struct tp_relay relay = { .name = NULL };
	struct tp_error err = TP_ERROR_INIT;
	char *longest = tp_alloc(TP_SETTING_SECRET_MAX_BYTES + 2);

	(void)state;
	assert_non_null(longest);
	memset(longest, 'Q', TP_SETTING_SECRET_MAX_BYTES + 1);
	assert_int_equal(
		tp_setting_put(password, &relay, longest, "", &err), TP_EINVAL);
	assert_null(strstr(err.text, "QQ"));
	longest[TP_SETTING_SECRET_MAX_BYTES] = '\0';
	tp_error_clear(&err);
	assert_int_equal(
		tp_setting_put(password, &relay, longest, "", &err), 0);
	tp_setting_clear(password, &relay);
	assert_null(relay.password);
	tp_free(longest);
}

static void full_keys_are_made_and_resolved(void **state)
{
	static const struct {
		const char *key;
		const char *name; /* NULL: TP_ENOTFOUND */
		const char *text;
	} cases[] = {
		{ "queue.path", "", "" },
		{ "relays.ses.port", "ses", "" },
		{ "stores.eu-1_x.from", "eu-1_x", "" },
		{ "stores.eu.match.from", "eu", "" },
		{ "queue", NULL, "no setting" },
		{ "", NULL, "no setting" },
		{ "relays.ses", NULL, "no setting" },
		{ "relays..port", NULL, "no setting" },
		{ "relays.ses.prot", NULL, "did you mean \"port\"?" },
		{ "stores.eu.match.form", NULL, "did you mean \"from\"?" },
		{ "stores.eu.match", NULL, "no setting" },
		{ "stores.eu.match.from.x", NULL, "no setting" },
		{ "relays.1a.port", NULL, "cannot be a name" },
		{ "relays.a b.port", NULL, "cannot be a name" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[TP_SETTING_NAME_MAX_BYTES + 1];
		char full_key[TP_SETTING_KEY_BYTES];
		const struct tp_setting *setting = NULL;
		struct tp_error err = TP_ERROR_INIT;
		int rc = tp_setting_resolve(cases[i].key, &setting, name, &err);

		print_message("\"%s\"\n", cases[i].key);
		assert_int_equal(rc, cases[i].name ? TP_OK : TP_ENOTFOUND);
		if (rc < 0) {
			assert_non_null(strstr(err.text, cases[i].text));
			continue;
		}
		assert_string_equal(name, cases[i].name);
		tp_setting_full_key(setting, name, full_key);
		assert_string_equal(full_key, cases[i].key);
	}
}

/* ---- documents ---------------------------------------------------------- */

static void the_example_in_the_tree_is_the_generated_one(void **state)
{
	struct tp_buf made = TP_BUF_INIT(1 << 20);
	static char stored[1 << 16];
	FILE *file = fopen("config/tillpost.conf.example", "r");

	(void)state;
	assert_non_null(file);
	assert_true(fread(stored, 1, sizeof(stored) - 1, file) > 0);
	(void)fclose(file);
	assert_int_equal(tp_settings_doc_example(&made), 0);
	assert_string_equal(stored, tp_buf_str(&made));
	tp_buf_free(&made);
}

static void the_example_loads_and_sends_nothing(void **state)
{
	struct config_fixture *fixture = *state;
	struct tp_buf made = TP_BUF_INIT(1 << 20);

	assert_int_equal(tp_settings_doc_example(&made), 0);
	assert_int_equal(
		config_fixture_load_text(fixture, tp_buf_str(&made)), 0);
	assert_int_equal(fixture->config->store_count, 0);
	assert_int_equal(fixture->config->relay_count, 0);
	assert_string_equal(tp_buf_str(&fixture->findings),
		"warning tillpost.conf: there are no stores: nothing can be "
		"sent\n");
	tp_buf_free(&made);
}

/* Removes each "#" that is not followed by a space, as its head says. */
static void switch_on(const char *text, struct tp_buf *out)
{
	while (*text) {
		size_t len = strcspn(text, "\n") + 1;
		size_t indent = strspn(text, "\t");

		assert_int_equal(tp_buf_add(out, text, indent), 0);
		text += indent;
		len -= indent;
		if (text[0] == '#' && text[1] != ' ' && text[1] != '\n') {
			text++;
			len--;
		}
		assert_int_equal(tp_buf_add(out, text, len), 0);
		text += len;
	}
}

static void the_example_loads_with_everything_switched_on(void **state)
{
	struct config_fixture *fixture = *state;
	struct tp_buf made = TP_BUF_INIT(1 << 20);
	struct tp_buf on = TP_BUF_INIT(1 << 20);

	assert_int_equal(tp_settings_doc_example(&made), 0);
	switch_on(tp_buf_str(&made), &on);
	/* The secret files that it names do not exist here. */
	fixture->source.without_secrets = 1;
	assert_int_equal(config_fixture_load_text(fixture, tp_buf_str(&on)), 0);
	assert_string_equal(tp_buf_str(&fixture->findings), "");
	assert_int_equal(fixture->config->store_count, 2);
	assert_int_equal(fixture->config->relay_count, 3);
	assert_non_null(strstr(config_fixture_value(fixture, "queue.lifetime"),
		"*main tillpost.conf:"));
	assert_int_equal(fixture->config->queue_lifetime_ms, 432000000);
	tp_buf_free(&made);
	tp_buf_free(&on);
}

static void the_documents_name_every_setting_and_preset(void **state)
{
	struct tp_buf example = TP_BUF_INIT(1 << 20);
	struct tp_buf man = TP_BUF_INIT(1 << 20);
	size_t count;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);

	(void)state;
	assert_int_equal(tp_settings_doc_example(&example), 0);
	assert_int_equal(tp_settings_doc_man(&man), 0);
	for (i = 0; i < count; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), ".B %s\n", table[i].key);
		assert_non_null(strstr(tp_buf_str(&man), line));
		assert_non_null(strstr(tp_buf_str(&example), table[i].key));
	}
	tp_buf_clear(&man);
	assert_int_equal(tp_settings_doc_man_presets(&man), 0);
	assert_non_null(strstr(tp_buf_str(&man), ".B amazon\\-ses\n"));
	assert_non_null(strstr(tp_buf_str(&man), "587 starttls, 465 implicit"));
	tp_buf_free(&example);
	tp_buf_free(&man);
}

typedef int document_fn(struct tp_buf *out);

static void a_document_that_does_not_fit_is_an_error(void **state)
{
	static document_fn *const documents[] = { tp_settings_doc_example,
		tp_settings_doc_man, tp_settings_doc_man_presets };
	size_t i;
	size_t max;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct tp_buf whole = TP_BUF_INIT(1 << 20);

		assert_int_equal(documents[i](&whole), 0);
		assert_true(whole.len > 5000);
		for (max = 0; max < whole.len; max += 41) {
			struct tp_buf small = TP_BUF_INIT(max);

			assert_int_equal(documents[i](&small), TP_ETOOBIG);
			tp_buf_free(&small);
		}
		tp_buf_free(&whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_complete_and_its_default_is_valid),
		cmocka_unit_test(
			every_field_of_a_connection_is_part_of_its_identity),
		cmocka_unit_test(values_are_parsed_and_spelled),
		cmocka_unit_test(a_refused_value_leaves_the_old_one),
		cmocka_unit_test(a_secret_never_appears_in_an_error),
		cmocka_unit_test(full_keys_are_made_and_resolved),
		cmocka_unit_test(the_example_in_the_tree_is_the_generated_one),
		cmocka_unit_test_setup_teardown(
			the_example_loads_and_sends_nothing,
			config_fixture_setup, config_fixture_teardown),
		cmocka_unit_test_setup_teardown(
			the_example_loads_with_everything_switched_on,
			config_fixture_setup, config_fixture_teardown),
		cmocka_unit_test(the_documents_name_every_setting_and_preset),
		cmocka_unit_test(a_document_that_does_not_fit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
