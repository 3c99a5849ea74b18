/*
 * header_test.c - tests of module/core/header.c
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/header.h"

/* All fields as "line:name=value;" and "@offset" of the body. */
static void expect_fields(const char *data, size_t len, const char *want)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_buf got = TP_BUF_INIT(1 << 20);
	struct tp_header_field field;
	struct tp_header_scan scan;
	int rc;

	tp_header_begin(&scan, data, len);
	while ((rc = tp_header_next(&scan, &field, &err)) == 1)
		assert_int_equal(
			tp_buf_printf(&got, "%zu:%.*s=%.*s;", field.line,
				(int)field.name_len, field.name,
				(int)field.value_len, field.value),
			0);
	if (rc != 0)
		fail_msg("%s: %s", data, err.text);
	assert_int_equal(tp_buf_printf(&got, "@%zu", scan.at), 0);
	assert_string_equal(tp_buf_str(&got), want);
	tp_buf_free(&got);
}

static void fields_are_found_with_their_exact_place(void **state)
{
	static const struct {
		const char *data;
		const char *want;
	} cases[] = {
		{ "", "@0" },
		{ "\r\n", "@2" },
		{ "\nbody", "@1" },
		{ "A: b", "1:A=b;@4" },
		{ "A: b\n", "1:A=b;@5" },
		{ "A: b\r\n\r\nbody", "1:A=b;@8" },
		{ "A: b\n\nbody", "1:A=b;@6" },
		{ "A:\r\nB: \r\nC:\t c \r\n\r\n", "1:A=;2:B=;3:C=c;@19" },
		{ "A: b\r\n c\r\nD: e\n\n", "1:A=b\r\n c;3:D=e;@16" },
		{ "A: b\n\tc\n d\nE:f\n", "1:A=b\n\tc\n d;4:E=f;@15" },
		{ "A:\r\n b\r\n\r\n", "1:A=b;@10" },
		{ "A: b\r\n \r\n c\r\n\r\n", "1:A=b\r\n \r\n c;@15" },
		{ "A: b\r\n \r\n\r\nx", "1:A=b;@11" },
		{ "A:b:c\n", "1:A=b:c;@6" },
		{ "X-!#$%&'*+/=?^_`{|}~.1: y\n",
			"1:X-!#$%&'*+/=?^_`{|}~.1=y;@26" },
		{ "A: \xc3\xbc\xe2\x80\xa8\xc2\x85\n",
			"1:A=\xc3\xbc\xe2\x80\xa8\xc2\x85;@11" },
		{ "A: x\n\nB: y\n", "1:A=x;@6" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_fields(
			cases[i].data, strlen(cases[i].data), cases[i].want);
}

static void the_raw_ranges_join_to_the_whole_block(void **state)
{
	const char *data = "A: 1\r\nB:\n 2\r\n \r\nC: 3\r\n\r\nbody";
	struct tp_header_field field;
	struct tp_header_scan scan;
	const char *at = data;

	(void)state;
	tp_header_begin(&scan, data, strlen(data));
	while (tp_header_next(&scan, &field, NULL) == 1) {
		assert_ptr_equal(field.start, at);
		at += field.len;
	}
	assert_string_equal(at, "\r\nbody");
	assert_string_equal(data + scan.at, "body");
}

static void what_is_no_header_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *data;
		size_t len; /* 0: strlen */
		const char *text;
	} cases[] = {
		{ "From me@x Sat Nov 21\nA: b\n", 0, "line 1: mbox" },
		{ " A: b\n", 0, "line 1: starts with white space" },
		{ "\t\nA: b\n", 0, "line 1: starts with white space" },
		{ "hello\n", 0, "line 1: not a header" },
		{ "A: b\nhello\n", 0, "line 2: not a header" },
		{ "A: b\r\n c\r\nDATA\r\n", 0, "line 3: not a header" },
		{ "A: b\n.\n", 0, "line 2: not a header" },
		{ ": b\n", 0, "line 1: not a header" },
		{ "A : b\n", 0, "line 1: white space in the header name" },
		{ "A: b\nMAIL FROM:<x@y>\n", 0, "line 2: white space" },
		{ "A: b\nFrom me\n", 0, "line 2: white space" },
		{ "\xc3\xbc: b\n", 0, "line 1: not a header" },
		{ "A: b\rB: c\n", 0, "line 1: CR without LF" },
		{ "A: b\r\r\n", 0, "line 1: CR without LF" },
		{ "A: b\n\r", 0, "line 2: CR without LF" },
		{ "A: b\n c\rD: e\n", 0, "line 2: CR without LF" },
		{ "A: b\n\rB: c\n", 0, "line 2: CR without LF" },
		{ "A: \x1b[31m\n", 0, "line 1: control character 0x1b" },
		{ "A: b\v\n", 0, "control character 0x0b" },
		{ "A: \0\n", 5, "control character 0x00" },
		{ "A\0: b\n", 6, "control character 0x00" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len =
			cases[i].len ? cases[i].len : strlen(cases[i].data);
		struct tp_error err = TP_ERROR_INIT;
		struct tp_header_field field;
		struct tp_header_scan scan;
		int rc;

		tp_header_begin(&scan, cases[i].data, len);
		while ((rc = tp_header_next(&scan, &field, &err)) == 1)
			;
		assert_int_equal(rc, TP_EMESSAGE);
		if (!strstr(err.text, cases[i].text))
			fail_msg("got \"%s\", wanted \"%s\"", err.text,
				cases[i].text);
	}
}

/* Reads LEN bytes of DATA. @return the last result; fields in *COUNT */
static int read_all(const char *data, size_t len, size_t *count)
{
	struct tp_header_field field;
	struct tp_header_scan scan;
	int rc;

	*count = 0;
	tp_header_begin(&scan, data, len);
	while ((rc = tp_header_next(&scan, &field, NULL)) == 1)
		++*count;
	return rc;
}

static void the_block_is_limited_in_bytes_and_fields(void **state)
{
	static char data[TP_HEADER_BLOCK_MAX_BYTES + 100];
	size_t count;
	size_t i;

	(void)state;
	memset(data, 'x', sizeof(data));
	memcpy(data, "A: ", 3);
	data[TP_HEADER_BLOCK_MAX_BYTES - 2] = '\n';
	data[TP_HEADER_BLOCK_MAX_BYTES - 1] = '\n';
	assert_int_equal(read_all(data, sizeof(data), &count), 0);
	assert_int_equal(count, 1);
	data[TP_HEADER_BLOCK_MAX_BYTES - 2] = 'x';
	data[TP_HEADER_BLOCK_MAX_BYTES] = '\n';
	assert_int_equal(read_all(data, sizeof(data), &count), TP_ETOOBIG);
	data[TP_HEADER_BLOCK_MAX_BYTES - 1] = 'x';
	assert_int_equal(read_all(data, sizeof(data), &count), TP_ETOOBIG);
	assert_int_equal(read_all(data, TP_HEADER_BLOCK_MAX_BYTES, &count), 0);

	for (i = 0; i < TP_HEADER_MAX_FIELDS + 1; i++)
		memcpy(data + 4 * i, "A:b\n", 4);
	assert_int_equal(read_all(data, 4 * TP_HEADER_MAX_FIELDS, &count), 0);
	assert_int_equal(count, TP_HEADER_MAX_FIELDS);
	assert_int_equal(read_all(data, 4 * TP_HEADER_MAX_FIELDS + 4, &count),
		TP_ETOOBIG);
}

static void names_match_in_any_case_and_only_whole(void **state)
{
	struct tp_header_field field;
	struct tp_header_scan scan;

	(void)state;
	tp_header_begin(&scan, "mEssaGe-id: x\n", 14);
	assert_int_equal(tp_header_next(&scan, &field, NULL), 1);
	assert_true(tp_header_is(&field, "Message-ID"));
	assert_false(tp_header_is(&field, "Message-I"));
	assert_false(tp_header_is(&field, "Message-IDs"));
	assert_false(tp_header_is(&field, ""));
}

static void unfolding_keeps_the_white_space_of_the_fold(void **state)
{
	const char *data = "A: one\r\n  two\n\tthree\r\n \r\n\r\n";
	struct tp_header_field field;
	struct tp_header_scan scan;
	char *value;

	(void)state;
	tp_header_begin(&scan, data, strlen(data));
	assert_int_equal(tp_header_next(&scan, &field, NULL), 1);
	value = tp_header_unfold(&field);
	assert_string_equal(value, "one  two\tthree");
	tp_free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_with_their_exact_place),
		cmocka_unit_test(the_raw_ranges_join_to_the_whole_block),
		cmocka_unit_test(what_is_no_header_is_refused_with_its_line),
		cmocka_unit_test(the_block_is_limited_in_bytes_and_fields),
		cmocka_unit_test(names_match_in_any_case_and_only_whole),
		cmocka_unit_test(unfolding_keeps_the_white_space_of_the_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
