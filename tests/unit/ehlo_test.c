/*
 * ehlo_test.c - what a server announces
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "core/ehlo.h"

#include <string.h>

#define A(mode) TP_EHLO_AUTH(TP_AUTH_##mode)

static const struct {
	const char *lines;
	struct tp_ehlo want;
} rows[] = {
	{ "mail.example.net", { 0 } },
	{ "", { 0 } },
	/* the first line is a name, whatever it says */
	{ "STARTTLS", { 0 } },
	{ "x\nPIPELINING\nSIZE 10240000\nSTARTTLS\n8BITMIME\nSMTPUTF8",
		{ .pipelining = 1,
			.size_max_bytes = 10240000,
			.starttls = 1,
			.eight_bit_mime = 1,
			.smtputf8 = 1 } },
	{ "x\npipelining\nStartTls\n8bitMime",
		{ .pipelining = 1, .starttls = 1, .eight_bit_mime = 1 } },
	{ "x\nSTARTTLSX\nXSTARTTLS\n8BIT\nPIPELINING2", { 0 } },
	{ "x\nSIZE", { 0 } },
	{ "x\nSIZE 0", { 0 } },
	{ "x\nSIZE -5", { 0 } },
	{ "x\nSIZE 12kB", { 0 } },
	{ "x\nSIZE 99999999999999999999999", { .size_max_bytes = INT64_MAX } },
	{ "x\nAUTH PLAIN LOGIN", { .auth_mask = A(PLAIN) | A(LOGIN),
					 .auth_offered = "PLAIN LOGIN" } },
	{ "x\nAUTH=PLAIN LOGIN", { .auth_mask = A(PLAIN) | A(LOGIN),
					 .auth_offered = "PLAIN LOGIN" } },
	{ "x\nauth scram-sha-256 cram-md5\nAUTH  XOAUTH2\tOAUTHBEARER",
		{ .auth_mask = A(SCRAM_SHA_256) | A(CRAM_MD5) | A(XOAUTH2) |
			       A(OAUTHBEARER),
			.auth_offered = "scram-sha-256 cram-md5 XOAUTH2 "
					"OAUTHBEARER" } },
	{ "x\nAUTH NTLM GSSAPI SCRAM-SHA-256-PLUS PLAINTEXT",
		{ .auth_offered =
				"NTLM GSSAPI SCRAM-SHA-256-PLUS PLAINTEXT" } },
	{ "x\nAUTH", { 0 } },
	{ "x\nAUTH PL\033AIN ../../evil AAAAAAAAAAAAAAAAAAAAAAAAA", { 0 } },
	{ "x\n\n\n  \nSTARTTLS  ", { .starttls = 1 } },
};

static void keywords_become_values(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tp_ehlo *want = &rows[i].want;
		struct tp_ehlo got;

		assert_int_equal(tp_ehlo_parse(rows[i].lines,
					 strlen(rows[i].lines), &got, NULL),
			TP_OK);
		assert_int_equal(got.auth_mask, want->auth_mask);
		assert_string_equal(got.auth_offered, want->auth_offered);
		assert_true(got.size_max_bytes == want->size_max_bytes);
		assert_int_equal(got.eight_bit_mime, want->eight_bit_mime);
		assert_int_equal(got.smtputf8, want->smtputf8);
		assert_int_equal(got.pipelining, want->pipelining);
		assert_int_equal(got.starttls, want->starttls);
	}
}

static int parse_many(int keywords, struct tp_error *err)
{
	struct tp_buf lines = TP_BUF_INIT(65536);
	struct tp_ehlo ehlo;
	int rc = tp_buf_str_add(&lines, "name");
	int i;

	for (i = 0; i < keywords && rc == 0; i++)
		rc = tp_buf_str_add(&lines, "\nXKEY");
	assert_int_equal(rc, 0);
	rc = tp_ehlo_parse(tp_buf_str(&lines), lines.len, &ehlo, err);
	tp_buf_free(&lines);
	return rc;
}

static void more_than_100_keywords_are_refused(void **state)
{
	struct tp_error err = TP_ERROR_INIT;

	(void)state;
	assert_int_equal(parse_many(100, &err), TP_OK);
	assert_int_equal(parse_many(101, &err), TP_EPROTO);
	assert_non_null(strstr(err.text, "more than 100 keywords"));
}

static void a_long_list_of_mechanisms_stays_inside_its_array(void **state)
{
	struct tp_buf lines = TP_BUF_INIT(65536);
	struct tp_ehlo ehlo;
	int rc = tp_buf_str_add(&lines, "name\nAUTH");
	int i;

	(void)state;
	for (i = 0; i < 90 && rc == 0; i++)
		rc = tp_buf_str_add(&lines, " MECHANISM-NUMBER-20");
	if (rc == 0)
		rc = tp_buf_str_add(&lines, " PLAIN");
	assert_int_equal(rc, 0);
	assert_int_equal(tp_ehlo_parse(lines.data, lines.len, &ehlo, NULL), 0);
	assert_int_equal(ehlo.auth_mask, A(PLAIN));
	assert_true(strlen(ehlo.auth_offered) < sizeof(ehlo.auth_offered));
	tp_buf_free(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keywords_become_values),
		cmocka_unit_test(more_than_100_keywords_are_refused),
		cmocka_unit_test(
			a_long_list_of_mechanisms_stays_inside_its_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
