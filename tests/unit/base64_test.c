/*
 * base64_test.c - base 64
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"

#include <string.h>

static const struct {
	const char *raw;
	const char *text;
} vectors[] = { /* RFC 4648 section 10 */
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfb", "//77" }
};

static void the_rfc_vectors_encode_and_decode(void **state)
{
	struct tp_buf buf = TP_BUF_INIT(64);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		size_t len = strlen(vectors[i].raw);

		tp_buf_clear(&buf);
		assert_int_equal(
			tp_base64_encode(&buf, vectors[i].raw, len), TP_OK);
		assert_string_equal(tp_buf_str(&buf), vectors[i].text);
		assert_int_equal(buf.len, tp_base64_chars(len));
		tp_buf_clear(&buf);
		assert_int_equal(tp_base64_decode(&buf, vectors[i].text,
					 strlen(vectors[i].text)),
			TP_OK);
		assert_int_equal(buf.len, len);
		assert_memory_equal(tp_buf_str(&buf), vectors[i].raw, len);
	}
	tp_buf_free(&buf);
}

static void every_byte_survives_at_every_offset(void **state)
{
	unsigned char raw[259];
	struct tp_buf text = TP_BUF_INIT(1024);
	struct tp_buf back = TP_BUF_INIT(1024);
	size_t len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(raw); i++)
		raw[i] = (unsigned char)(i * 7 + 3);
	for (len = 0; len <= sizeof(raw); len++) {
		tp_buf_clear(&text);
		tp_buf_clear(&back);
		assert_int_equal(tp_base64_encode(&text, raw, len), TP_OK);
		assert_int_equal(
			tp_base64_decode(&back, tp_buf_str(&text), text.len),
			TP_OK);
		assert_int_equal(back.len, len);
		if (len > 0)
			assert_memory_equal(back.data, raw, len);
	}
	tp_buf_free(&text);
	tp_buf_free(&back);
}

static void anything_but_the_strict_form_is_refused(void **state)
{
	static const char *const bad[] = { "Z", "Zg",
		"Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "Zm 9",
		"Zm9v\n", "Zm9-", "Zm9_", "\xc3\xa9++", "=m9v" };
	struct tp_buf buf = TP_BUF_INIT(64);
	size_t i;

	(void)state;
	assert_int_equal(tp_buf_str_add(&buf, "kept"), TP_OK);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(tp_base64_decode(&buf, bad[i], strlen(bad[i])),
			TP_EINVAL);
		assert_string_equal(tp_buf_str(&buf), "kept");
	}
	assert_int_equal(tp_base64_decode(&buf, "Zg\0=", 4), TP_EINVAL);
	tp_buf_free(&buf);
}

static void the_bound_of_the_buffer_is_kept(void **state)
{
	struct tp_buf buf = TP_BUF_INIT(7);

	(void)state;
	assert_int_equal(tp_base64_encode(&buf, "abcdef", 6), TP_ETOOBIG);
	assert_int_equal(buf.len, 0);
	assert_int_equal(tp_base64_encode(&buf, "abc", 3), TP_OK);
	tp_buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfc_vectors_encode_and_decode),
		cmocka_unit_test(every_byte_survives_at_every_offset),
		cmocka_unit_test(anything_but_the_strict_form_is_refused),
		cmocka_unit_test(the_bound_of_the_buffer_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
