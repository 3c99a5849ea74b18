/*
 * host_setup_test.c - first bytes, providers' rules, a first configuration
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"
#include "base/secret.h"
#include "cli/probe_banner.h"
#include "cli/provider_hints.h"
#include "cli/setup_text.h"
#include "core/config.h"
#include "core/presets.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- first bytes -------------------------------------------------------- */

struct banner_case {
	const char *bytes;
	size_t len;
	enum tp_banner_kind want;
};

#define BYTES(text) text, sizeof(text) - 1

static const struct banner_case banners[] = {
	{ BYTES(""), TP_BANNER_CLOSED },
	{ BYTES("220 mail.example ESMTP\r\n"), TP_BANNER_SMTP },
	{ BYTES("220-mail.example\r\n"), TP_BANNER_SMTP },
	{ BYTES("220\r\n"), TP_BANNER_OTHER },
	{ BYTES("22"), TP_BANNER_OTHER },
	{ BYTES("554 5.7.1 go away\r\n"), TP_BANNER_REFUSES },
	{ BYTES("421 busy\r\n"), TP_BANNER_REFUSES },
	{ BYTES("250 hello\r\n"), TP_BANNER_OTHER },
	{ BYTES("* OK IMAP4rev1\r\n"), TP_BANNER_OTHER },
	{ BYTES("HTTP/1.1 400 Bad Request\r\n"), TP_BANNER_OTHER },
	{ BYTES("\x15\x03\x01\x00\x02\x02\x46"), TP_BANNER_TLS },
	{ BYTES("\x16\x03\x03\x00\x7a"), TP_BANNER_TLS },
	{ BYTES("\x16\x03"), TP_BANNER_OTHER },
	{ BYTES("\x16\x02\x00\x00"), TP_BANNER_OTHER },
	{ BYTES("\x17\x03\x03\x00"), TP_BANNER_OTHER },
};

static void first_bytes_tell_the_tls_mode(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(banners); i++)
		assert_int_equal(
			tp_banner_judge((const unsigned char *)banners[i].bytes,
				banners[i].len),
			banners[i].want);
}

/* ---- providers ---------------------------------------------------------- */

static void every_hint_belongs_to_a_preset_and_agrees_with_it(void **state)
{
	size_t count;
	size_t i;
	const struct tp_provider_hint *hints = tp_provider_hints(&count);

	(void)state;
	for (i = 0; i < count; i++) {
		const struct tp_provider_hint *hint = &hints[i];
		const struct tp_preset *preset = tp_preset_find(hint->preset);

		assert_non_null(preset);
		assert_string_equal(hint->title, preset->title);
		assert_int_equal(
			hint->needs_region != 0, preset->region_required != 0);
		assert_int_equal(hint->user_kind == TP_HINT_USER_TOKEN,
			preset->user == TP_USER_TOKEN);
		assert_int_equal(hint->user_kind == TP_HINT_USER_FIXED,
			preset->user == TP_USER_FIXED);
		if (hint->user_kind == TP_HINT_USER_FIXED)
			assert_string_equal(hint->user, preset->username);
		assert_non_null(hint->secret);
		assert_true(hint->rule[0] != '\0');
		assert_true(strncmp(hint->source, "https://", 8) == 0);
		assert_true(!hint->dns_source ||
			    strncmp(hint->dns_source, "https://", 8) == 0);
		assert_true(hint->date[0] != '\0');
	}
}

static void every_provider_with_a_special_user_name_has_a_hint(void **state)
{
	size_t count;
	size_t i;
	const struct tp_preset *presets = tp_presets_table(&count);

	(void)state;
	for (i = 0; i < count; i++)
		if (presets[i].user == TP_USER_FIXED ||
			presets[i].user == TP_USER_TOKEN)
			assert_non_null(
				tp_provider_hint_find(presets[i].name, NULL));
}

static void a_provider_is_known_by_its_server(void **state)
{
	const struct tp_provider_hint *hint;

	(void)state;
	hint = tp_provider_hint_find("", "SMTP.Office365.com");
	assert_non_null(hint);
	assert_string_equal(hint->preset, "microsoft365");
	hint = tp_provider_hint_find(NULL, "smtp.eu.sendgrid.net");
	assert_non_null(hint);
	assert_string_equal(hint->preset, "sendgrid");
	hint = tp_provider_hint_find(NULL, "smtp.tem.scw.cloud");
	assert_non_null(hint);
	assert_string_equal(hint->preset, "scaleway");
	assert_null(tp_provider_hint_find("nobody", "notsendgrid.net"));
	assert_null(tp_provider_hint_find(NULL, NULL));
	assert_null(tp_provider_hint_find("", ""));
}

static void a_reply_is_explained_whatever_its_case(void **state)
{
	size_t count;
	size_t i;
	const struct tp_reply_hint *replies = tp_reply_hints(&count);

	(void)state;
	for (i = 0; i < count; i++) {
		assert_true(strncmp(replies[i].source, "https://", 8) == 0);
		assert_ptr_equal(tp_reply_hint_find(
					 replies[i].text, replies[i].hosts[0]),
			&replies[i]);
	}
	assert_non_null(tp_reply_hint_find(
		"535 5.7.139 Authentication unsuccessful, SmtpClientAuthenti"
		"cation is disabled for the Tenant.",
		"smtp.office365.com"));
	assert_non_null(tp_reply_hint_find(
		"534-5.7.9 Application-Specific Password required.",
		"smtp.gmail.com"));
	assert_null(tp_reply_hint_find(
		"535 authentication failed", "smtp.gmail.com"));
}

static void a_reply_is_explained_only_for_its_own_server(void **state)
{
	static const char google[] =
		"535 5.7.8 Username and Password not accepted";

	(void)state;
	assert_non_null(tp_reply_hint_find(google, "smtp.gmail.com"));
	assert_null(tp_reply_hint_find(google, "mail.shop.example"));
	assert_null(tp_reply_hint_find(google, "notgmail.com"));
}

static void a_code_is_matched_as_a_whole(void **state)
{
	static const char host[] = "smtp.office365.com";

	(void)state;
	assert_non_null(tp_reply_hint_find("535 5.7.30 Basic", host));
	assert_non_null(tp_reply_hint_find("it was 5.7.30.", host));
	assert_null(tp_reply_hint_find("535 5.7.301 other", host));
	assert_null(tp_reply_hint_find("535 15.7.30 other", host));
	assert_null(tp_reply_hint_find("192.5.7.30 refused", host));
	assert_null(tp_reply_hint_find("5.7.30.1 refused", host));
}

/* ---- a first configuration ---------------------------------------------- */

static void put(struct tp_setup_keys *keys, const char *group, const char *name,
	const char *key, const char *value)
{
	tp_setup_add(keys, group, name, key, value, TP_CONF_STRING);
}

static void what_is_written_loads_with_the_same_values(void **state)
{
	static const char odd[] = "/Shop \\\"EU\\\"; }; @include <a@b.example>";
	struct tp_setup_keys keys = { .count = 0 };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_config *config = NULL;
	const struct tp_store *store;
	struct tp_conf_text text;

	(void)state;
	put(&keys, "relays", "a-1", "host", "127.0.0.1");
	tp_setup_add(&keys, "relays", "a-1", "port", "2525", TP_CONF_BARE);
	put(&keys, "relays", "a-1", "tls", "none");
	put(&keys, "relays", "a-1", "region", NULL);
	put(&keys, "relays", "a-1", "username", "");
	put(&keys, "relays", "b", "host", "mail.example");
	put(&keys, "stores", "default", "envelope_from", "b@b.example");
	put(&keys, "stores", "default", "from", "a@b.example");
	tp_setup_add(&keys, "stores", "default", "relays", "a-1", TP_CONF_LIST);
	assert_int_equal(keys.failed, 0);
	tp_conf_begin(&text, "setup");
	tp_setup_put(&keys, &text);
	tp_conf_put(&text, "stores.eu.relays", "a-1", TP_CONF_LIST);
	tp_conf_put(&text, "stores.eu.from", "b@b.example", TP_CONF_STRING);
	tp_conf_put(&text, "stores.eu.match.host", "b.example,c.example",
		TP_CONF_LIST);
	tp_conf_put(&text, "queue.path", odd, TP_CONF_STRING);
	assert_int_equal(tp_conf_end(&text), 0);
	assert_int_equal(tp_config_load_bytes(text.bytes, text.len, "x", NULL,
				 NULL, &config, &err),
		TP_OK);
	assert_string_equal(config->queue_path, odd);
	assert_int_equal(config->relay_count, 2);
	assert_int_equal(config->relays[0].port, 2525);
	store = tp_config_store(config, "default");
	assert_non_null(store);
	assert_string_equal(store->from, "a@b.example");
	assert_string_equal(store->relay->name, "a-1");
	tp_config_unref(&config);
	tp_conf_free(&text);
}

static void a_control_character_is_refused(void **state)
{
	struct tp_conf_text text;

	(void)state;
	tp_conf_begin(&text, "setup");
	tp_conf_put(&text, "queue.path", "/a\nrelays = {", TP_CONF_STRING);
	assert_int_equal(tp_conf_end(&text), -1);
	tp_conf_free(&text);
}

static void too_many_and_too_long_settings_are_noticed(void **state)
{
	struct tp_setup_keys keys = { .count = 0 };
	char *text = calloc(1, 4096);
	size_t i;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < TP_SETUP_KEYS_MAX; i++)
		put(&keys, "queue", "x", "path", "x");
	assert_int_equal(keys.failed, 0);
	put(&keys, "queue", "x", "path", "x");
	assert_int_equal(keys.failed, 1);
	keys = (struct tp_setup_keys) { .count = 0 };
	memset(text, 'x', 4095);
	put(&keys, "queue", "x", "path", text);
	assert_int_equal(keys.failed, 1);
	free(text);
}

static void any_text_becomes_a_name(void **state)
{
	char name[8];

	(void)state;
	tp_setup_name("ses", name, sizeof(name));
	assert_string_equal(name, "ses");
	tp_setup_name("163", name, sizeof(name));
	assert_string_equal(name, "r163");
	tp_setup_name("mail.example.com", name, sizeof(name));
	assert_string_equal(name, "mail-ex");
	tp_setup_name("", name, sizeof(name));
	assert_string_equal(name, "r");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_bytes_tell_the_tls_mode),
		cmocka_unit_test(
			every_hint_belongs_to_a_preset_and_agrees_with_it),
		cmocka_unit_test(
			every_provider_with_a_special_user_name_has_a_hint),
		cmocka_unit_test(a_provider_is_known_by_its_server),
		cmocka_unit_test(a_reply_is_explained_whatever_its_case),
		cmocka_unit_test(a_reply_is_explained_only_for_its_own_server),
		cmocka_unit_test(a_code_is_matched_as_a_whole),
		cmocka_unit_test(what_is_written_loads_with_the_same_values),
		cmocka_unit_test(a_control_character_is_refused),
		cmocka_unit_test(too_many_and_too_long_settings_are_noticed),
		cmocka_unit_test(any_text_becomes_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
