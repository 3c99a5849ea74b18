/*
 * host_sendmail_path_test.c - the program in a sendmail_path
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/sendmail_path.h"
#include "common/mail_catcher.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *command;
	const char *program; /* NULL: none */
} programs[] = {
	{ "/usr/sbin/sendmail -t -i", "/usr/sbin/sendmail" },
	{ "  mailpit\tsendmail", "mailpit" },
	{ "A=b C='d e' exec /x/env F=g true", "true" },
	{ "A= :", ":" },
	{ "'/opt/my tools/mailpit' -t", "/opt/my tools/mailpit" },
	{ "/opt/my\\ tools/\"mail\"pit;", "/opt/my tools/mailpit" },
	{ "=b true", "=b" },
	{ "", NULL },
	{ " ", NULL },
	{ "A=b env", NULL },
	{ "<&0 sendmail", NULL },
	{ "(sendmail -t)", NULL },
	{ "# sendmail", NULL },
};

static void the_program_is_found_behind_what_goes_before(void **state)
{
	char program[PATH_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(programs); i++) {
		assert_int_equal(
			tp_sendmail_path_program(programs[i].command, program),
			programs[i].program != NULL);
		if (programs[i].program)
			assert_string_equal(program, programs[i].program);
	}
}

static void what_is_too_long_is_no_program(void **state)
{
	char program[PATH_MAX];
	char *command = malloc(PATH_MAX + 1);

	(void)state;
	assert_non_null(command);
	memset(command, 'x', PATH_MAX);
	command[PATH_MAX] = '\0';
	assert_false(tp_sendmail_path_program(command, program));
	command[PATH_MAX - 1] = '\0';
	assert_true(tp_sendmail_path_program(command, program));
	assert_string_equal(program, command);
	free(command);
}

static void ours_is_known_by_any_name(void **state)
{
	char directory[] = "/tmp/tp-sendmail-path.XXXXXX";
	char ours[64];
	char other[64];
	char command[128];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(ours, sizeof(ours), "%s/tillpost-sendmail", directory);
	(void)snprintf(other, sizeof(other), "%s/sendmail", directory);
	(void)snprintf(command, sizeof(command), "A=b %s -t -i", other);
	file = fopen(ours, "we");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	assert_false(tp_sendmail_path_is_ours(command));
	assert_int_equal(symlink(ours, other), 0);
	assert_true(tp_sendmail_path_is_ours(command));
	assert_int_equal(unlink(ours), 0);
	assert_false(tp_sendmail_path_is_ours(command));
	assert_int_equal(unlink(other), 0);
	assert_int_equal(rmdir(directory), 0);
	assert_true(tp_sendmail_path_is_ours("tillpost-sendmail -t -i"));
	assert_true(tp_sendmail_path_is_ours(
		"nice -n 5 /nowhere/tillpost-sendmail -t"));
	assert_false(tp_sendmail_path_is_ours("/bin/true -t -i"));
	assert_false(tp_sendmail_path_is_ours(""));
}

static void catchers_are_known_with_and_without_a_path(void **state)
{
	(void)state;
	assert_string_equal(tp_mail_catcher("/usr/bin/mailpit"), "mailpit");
	assert_string_equal(tp_mail_catcher("true"), "true");
	assert_string_equal(tp_mail_catcher(":"), ":");
	assert_null(tp_mail_catcher("/opt/mailpit/sendmail"));
	assert_null(tp_mail_catcher("mailpit.sh"));
	assert_null(tp_mail_catcher(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_program_is_found_behind_what_goes_before),
		cmocka_unit_test(what_is_too_long_is_no_program),
		cmocka_unit_test(ours_is_known_by_any_name),
		cmocka_unit_test(catchers_are_known_with_and_without_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
