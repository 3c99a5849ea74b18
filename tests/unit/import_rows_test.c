/*
 * import_rows_test.c - rows of SQL dumps, mysql --batch and CSV; nested values
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_nested.h"
#include "cli/import/import_rows.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_BYTES 1024
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct tp_import_table table = {
	.name = "setting",
	.columns = { "id", "store", "key", "value" },
	.least_count = 4,
	.scope_columns = { "store" },
	.key_column = "key",
	.value_column = "value",
};

/* "store:key=value;" of all entries, in ROOM. */
static void read_all(const char *text, char room[ROOM_BYTES])
{
	const struct tp_import_input input = { "x", text, strlen(text) };
	struct tp_import_entries entries = { .items = NULL };
	struct tillpost_error err;
	size_t i;

	TILLPOST_INIT(&err);
	room[0] = '\0';
	if (tp_import_tables(&input, &table, 1, &entries, &err) < 0)
		(void)snprintf(room, ROOM_BYTES, "%s: %s", err.where, err.text);
	for (i = 0; i < entries.count; i++)
		(void)snprintf(room + strlen(room), ROOM_BYTES - strlen(room),
			"%s:%s=%s@%zu;", entries.items[i].scope,
			entries.items[i].key, entries.items[i].value,
			entries.items[i].line);
	tp_import_entries_free(&entries);
}

static void rows_are_read_in_every_form(void **state)
{
	static const char *const cases[][2] = {
		/* mysql --batch */
		{ "id\tstore\tkey\tvalue\n1\t0\ta\tx\n", "0:a=x@2;" },
		{ "store\tkey\tvalue\n0\ta\tx\\ty\\nz\\\\\n",
			"0:a=x\ty\nz\\@2;" },
		{ "store\tkey\tvalue\r\n0\ta\tx\r\n", "0:a=x@2;" },
		{ "store\tkey\tvalue\n0\ta\tNULL\n0\tb\t\n", "0:a=@2;0:b=@3;" },
		{ "\xef\xbb\xbfstore\tkey\tvalue\n\n0\ta\tx", "0:a=x@3;" },
		{ "store\tkey\tvalue\n0\ta\tx\nkey\tstore\tvalue\nb\t1\ty\n",
			"0:a=x@2;1:b=y@4;" },
		{ "store\tkey\tvalue\n0\ta\t\\x\\\n", "0:a=\\x\\@2;" },
		/* CSV */
		{ "store,key,value\n0,a,\"x, \"\"y\"\"\nz\"\n0,b,2\n",
			"0:a=x, \"y\"\nz@2;0:b=2@4;" },
		{ "STORE,Key,Value\r\n0,a,\"x\"\r\n", "0:a=x@2;" },
		/* INSERT */
		{ "INSERT INTO setting VALUES (1,0,'a','x');", "0:a=x@1;" },
		{ "insert ignore into `db`.`my_setting` (`value`,`key`,`store`)"
		  "\nvalues ('x','a',0),\n('y','b', 1 );",
			"0:a=x@2;1:b=y@3;" },
		{ "-- INSERT INTO setting VALUES (1)\n# x\n/* ; ' */ SET x='a;"
		  "b';\nREPLACE INTO setting VALUES (1,0,'a','x\\'y''z\\\\');",
			"0:a=x'y'z\\@4;" },
		{ "INSERT INTO setting VALUES (1,0,'a',_utf8mb4 'x'),"
		  "(2,0,\"b\",NULL),(3,0,'c',now(1,'(')),(4,0,'d',-1.5e3);",
			"0:a=x@1;0:b=@1;0:c=now(1,)@1;0:d=-1.5e3@1;" },
		{ "INSERT INTO setting SELECT 1;INSERT INTO other VALUES (1);"
		  "INSERT INTO setting VALUES (1,0,'a','x') ON DUPLICATE KEY "
		  "UPDATE value=VALUES(value);",
			"0:a=x@1;" },
	};
	char room[ROOM_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		read_all(cases[i][0], room);
		assert_string_equal(room, cases[i][1]);
	}
}

static void nested(const char *text, char room[ROOM_BYTES])
{
	const struct tp_import_input input = { "x", text, strlen(text) };
	struct tp_import_entries entries = { .items = NULL };
	struct tillpost_error err;
	size_t i;

	TILLPOST_INIT(&err);
	room[0] = '\0';
	if (tp_import_nested(&input, "", &entries, &err) < 0)
		(void)snprintf(room, ROOM_BYTES, "%s: %s", err.where, err.text);
	for (i = 0; i < entries.count; i++) {
		char *at;

		for (at = entries.items[i].key; *at != '\0'; at++)
			if (*at == TP_IMPORT_SEP[0])
				*at = '/';
		(void)snprintf(room + strlen(room), ROOM_BYTES - strlen(room),
			"%s=%s;", entries.items[i].key, entries.items[i].value);
	}
	tp_import_entries_free(&entries);
}

static void nested_values_become_paths(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"a\":{\"b\":[1,true,false,null,\"x\",2.5]},\"c\":{}}",
			"a/b/0=1;a/b/1=1;a/b/2=;a/b/3=;a/b/4=x;a/b/5=2.5;" },
		{ "\xef\xbb\xbf {\"k\\u001fx\":1,\"y\":\"\\u0000\",\"z\":1}",
			"z=1;" },
		{ "a:2:{s:1:\"a\";a:1:{i:7;b:1;}s:1:\"b\";N;}\n", "a/7=1;b=;" },
		{ "a:3:{i:0;d:0.5;i:1;b:0;s:2:\"\xc3\xb6\";s:3:\"a\";\";}",
			"0=0.5;1=;\xc3\xb6=a\";;" },
		{ "a:0:{}", "" },
	};
	char room[ROOM_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		nested(cases[i][0], room);
		assert_string_equal(room, cases[i][1]);
	}
}

/* Every beginning of a good input is either good or refused. */
static void cut_inputs_are_refused_or_read(void **state)
{
	static const char php[] =
		"a:2:{s:1:\"a\";a:1:{i:7;b:1;}s:1:\"b\";s:3:\"xyz\";}";
	static const char sql[] =
		"INSERT INTO `setting` (`id`,`store`,`key`,`value`) VALUES "
		"(1,0,'a','x\\'y'),(2,1,\"b\",NULL);";
	char text[sizeof(sql)];
	char room[ROOM_BYTES];
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(php) - 1; len++) {
		(void)snprintf(text, sizeof(text), "%.*s", (int)len, php);
		nested(text, room);
		assert_non_null(strstr(room, "is n"));
	}
	for (len = 0; len < sizeof(sql) - 1; len++) {
		(void)snprintf(text, sizeof(text), "%.*s", (int)len, sql);
		read_all(text, room);
		assert_true(room[0] != '\0');
	}
}

static void a_value_that_is_too_long_is_no_setting(void **state)
{
	const size_t len = TP_IMPORT_VALUE_BYTES + 100;
	char *text = malloc(len);
	struct tp_import_input input = { "x", text, len };
	struct tp_import_entries entries = { .items = NULL };
	struct tillpost_error err;
	int head;

	(void)state;
	assert_non_null(text);
	head = snprintf(text, len, "store\tkey\tvalue\n0\ta\t");
	memset(text + head, 'x', len - (size_t)head - 12);
	memcpy(text + len - 12, "\n0\tb\tshort\n", 12);
	input.len = len - 1;
	assert_true(tp_import_tables(&input, &table, 1, &entries, &err) >= 0);
	assert_int_equal(entries.count, 1);
	assert_string_equal(entries.items[0].value, "short");
	tp_import_entries_free(&entries);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_read_in_every_form),
		cmocka_unit_test(nested_values_become_paths),
		cmocka_unit_test(cut_inputs_are_refused_or_read),
		cmocka_unit_test(a_value_that_is_too_long_is_no_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
