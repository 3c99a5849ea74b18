/*
 * import_wp_config_test.c - constants of wp-config.php, and what they open
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_bytes.h"
#include "cli/import/import_fluent_cipher.h"
#include "cli/import/import_wp_config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int32_t read_text(
	const char *text, struct tp_import_constants *constants)
{
	const struct tp_import_input input = { "wp-config.php", text,
		strlen(text) };
	struct tillpost_error err;

	TILLPOST_INIT(&err);
	return tp_import_wp_config(&input, constants, &err);
}

static void a_plain_string_is_read_as_php_reads_it(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "define('LOGGED_IN_KEY','a');", "a" },
		{ "DEFINE ( \"LOGGED_IN_KEY\" /* x */ , # y\n 'a' ) ;", "a" },
		{ "define('LOGGED_IN_KEY', 'a\\'b\\\\c\\d');", "a'b\\c\\d" },
		{ "define('LOGGED_IN_KEY', \"a\\\"b\\\\c\\$d'\");",
			"a\"b\\c$d'" },
		{ "define('LOGGED_IN_KEY', 'a$b');", "a$b" },
		{ "define('LOGGED_IN_KEY', 'a', true); ", "" },
		{ "define('LOGGED_IN_KEY', \"a$b\");", "" },
		{ "define('LOGGED_IN_KEY', \"a\\x41\");", "" },
		{ "define('LOGGED_IN_KEY', getenv('X'));", "" },
		{ "define('LOGGED_IN_KEY', 'a' . 'b');", "" },
		{ "define('LOGGED_IN_KEY', 'a');define('LOGGED_IN_KEY', 'b');",
			"a" },
		{ "define('LOGGED_IN_KEY', 'a", "" },
	};
	struct tp_import_constants constants;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_text(cases[i].text, &constants), 0);
		assert_string_equal(constants.values[TP_IMPORT_LOGGED_IN_KEY],
			cases[i].want);
	}
}

static void what_only_looks_like_a_definition_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"// define('LOGGED_IN_KEY', 'a');",
		"# define('LOGGED_IN_KEY', 'a');",
		"/* define('LOGGED_IN_KEY', 'a');",
		"\"define('LOGGED_IN_KEY', 'a');\"",
		"'define(\"LOGGED_IN_KEY\", \"a\");'",
		"undefine('LOGGED_IN_KEY', 'a');",
		"define('XLOGGED_IN_KEY', 'a');",
		"define(LOGGED_IN_KEY, 'a');",
		"define('LOGGED_IN_KEY'",
		"define(",
		"define",
		"'",
	};
	struct tp_import_constants constants;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++)
		assert_int_equal(
			read_text(texts[i], &constants), TILLPOST_ENOTFOUND);
}

static void a_value_that_is_too_long_is_passed_over(void **state)
{
	struct tp_import_constants constants;
	char text[2 * TP_IMPORT_CONSTANT_BYTES] = "define('LOGGED_IN_KEY', '";
	size_t len = strlen(text);

	(void)state;
	memset(text + len, 'x', TP_IMPORT_CONSTANT_BYTES);
	memcpy(text + len + TP_IMPORT_CONSTANT_BYTES, "');", 4);
	assert_int_equal(read_text(text, &constants), 0);
	assert_string_equal(constants.values[TP_IMPORT_LOGGED_IN_KEY], "");
	memcpy(text + len + TP_IMPORT_CONSTANT_BYTES - 1, "');", 4);
	assert_int_equal(read_text(text, &constants), 0);
	assert_int_equal(strlen(constants.values[TP_IMPORT_LOGGED_IN_KEY]),
		TP_IMPORT_CONSTANT_BYTES - 1);
}

/* Made with PHP: base64_encode($iv . openssl_encrypt("Zm9v-pass" . $salt,
 * 'aes-256-ctr', $key, 0, $iv)) */
static const char short_key[] =
	"AAECAwQFBgcICQoLDA0O/zR3T2RtOXdmQnFtVGFKcW0za1ZJTFRNPQ==";
static const char long_key[] =
	"AAECAwQFBgcICQoLDA0O/0lEVll6c0tEaXMxV2RCK01GUkxUaTBNPQ==";
static const char fallback[] =
	"AAECAwQFBgcICQoLDA0O/05XSnZtZzdQa3dwTGdSVVJLZlpMaTh6dXZF"
	"QWhvTVlRcitDK3VIUkpUZUFjbmREdU5McEdpNGVIK3lFTHRYRT0=";

static void a_password_is_opened_with_the_right_constants(void **state)
{
	struct tp_import_constants constants = { .values = { "" } };
	char *password;

	(void)state;
	strncpy(constants.values[TP_IMPORT_LOGGED_IN_KEY], "short key", 16);
	strncpy(constants.values[TP_IMPORT_LOGGED_IN_SALT], "the salt", 16);
	assert_int_equal(
		tp_import_fluent_open(short_key, &constants, &password), 0);
	assert_string_equal(password, "Zm9v-pass");
	tp_import_wipe(password);
	/* The plugin's own constants go before WordPress's. */
	strncpy(constants.values[TP_IMPORT_FLUENT_KEY],
		"a key of more than thirty-two bytes", 64);
	assert_int_equal(
		tp_import_fluent_open(short_key, &constants, &password),
		TILLPOST_EAUTH);
	assert_null(password);
	assert_int_equal(
		tp_import_fluent_open(long_key, &constants, &password), 0);
	assert_string_equal(password, "Zm9v-pass");
	tp_import_wipe(password);
	strncpy(constants.values[TP_IMPORT_FLUENT_SALT], "another", 16);
	assert_int_equal(tp_import_fluent_open(long_key, &constants, &password),
		TILLPOST_EAUTH);
}

static void without_constants_the_plugins_own_words_are_tried(void **state)
{
	const struct tp_import_constants none = { .values = { "" } };
	char *password;

	(void)state;
	assert_int_equal(tp_import_fluent_open(fallback, &none, &password), 0);
	assert_string_equal(password, "Zm9v-pass");
	tp_import_wipe(password);
}

static void what_is_no_stored_password_is_refused(void **state)
{
	static const char *const texts[] = { "", "Zm9v", "not base 64",
		"AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0OD0E=" };
	const struct tp_import_constants none = { .values = { "" } };
	char *password;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(
			tp_import_fluent_open(texts[i], &none, &password),
			TILLPOST_EAUTH);
		assert_null(password);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_string_is_read_as_php_reads_it),
		cmocka_unit_test(what_only_looks_like_a_definition_is_none),
		cmocka_unit_test(a_value_that_is_too_long_is_passed_over),
		cmocka_unit_test(a_password_is_opened_with_the_right_constants),
		cmocka_unit_test(
			without_constants_the_plugins_own_words_are_tried),
		cmocka_unit_test(what_is_no_stored_password_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
