/*
 * outcome_json_test.c - valid JSON on one line, whatever a server said
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapters/outcome_json.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"

#include <jansson.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct tp_outcome sample(void)
{
	struct tp_outcome outcome = {
		.event_id = 42,
		.time_ms = INT64_C(1795000000123),
		.store = "eu",
		.relay = "office",
		.queue_id = "01KAJ2V6Q0ABCDEFGH",
		.message_id = "<order-17@shop.example.com>",
		.sender = "shop@example.com",
		.recipient = "buyer@example.net",
		.attempt = 3,
		.cls = TP_CLASS_TEMPORARY,
		.verdict = "deferred",
		.step = "rcpt",
		.reply_code = 450,
		.enhanced = "4.2.0",
		.text = "Greylisted, \"try\" again",
		.tls_version = "TLSv1.3",
		.tls_cipher = "TLS_AES_256_GCM_SHA384",
		.size_bytes = 2048,
		.queued_ms = 60123,
		.connect_us = 1,
		.tls_us = 2,
		.auth_us = 3,
		.send_us = INT64_C(600000000),
		.next_try_ms = INT64_C(1795000300000),
		.last = 0,
	};

	return outcome;
}

/* Also checks that it is one line of ASCII or UTF-8 that jansson reads. */
static json_t *read_back(const struct tp_outcome *outcome)
{
	struct tp_buf buf;
	json_error_t error;
	json_t *object;
	size_t i;

	tp_buf_init(&buf, TP_OUTCOME_LINE_MAX_BYTES);
	assert_int_equal(tp_outcome_json(outcome, &buf), TP_OK);
	assert_true(buf.len > 2);
	for (i = 0; i < buf.len; i++)
		assert_true((unsigned char)buf.data[i] >= 0x20 &&
			    buf.data[i] != 0x7f);
	object = json_loadb(buf.data, buf.len, JSON_REJECT_DUPLICATES, &error);
	if (!object)
		fail_msg("%s in %s", error.text, buf.data);
	assert_true(json_is_object(object));
	tp_buf_free(&buf);
	return object;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		fail_msg("no string %s", key);
	return text;
}

static void the_line_is_exactly_this(void **state)
{
	static const char want[] =
		"{\"event_id\":42,\"time\":\"2026-11-18T11:06:40.123Z\","
		"\"store\":\"eu\",\"relay\":\"office\","
		"\"queue_id\":\"01KAJ2V6Q0ABCDEFGH\","
		"\"message_id\":\"<order-17@shop.example.com>\","
		"\"sender\":\"shop@example.com\","
		"\"recipient\":\"buyer@example.net\",\"attempt\":3,"
		"\"class\":\"temporary\",\"verdict\":\"deferred\","
		"\"step\":\"rcpt\",\"reply_code\":450,"
		"\"enhanced_code\":\"4.2.0\","
		"\"text\":\"Greylisted, \\\"try\\\" again\","
		"\"tls_version\":\"TLSv1.3\","
		"\"tls_cipher\":\"TLS_AES_256_GCM_SHA384\","
		"\"size_bytes\":2048,\"queued_ms\":60123,\"connect_us\":1,"
		"\"tls_us\":2,\"auth_us\":3,\"send_us\":600000000,"
		"\"next_try\":\"2026-11-18T11:11:40.000Z\",\"last\":false}";
	struct tp_outcome outcome = sample();
	struct tp_buf buf;

	(void)state;
	tp_buf_init(&buf, TP_OUTCOME_LINE_MAX_BYTES);
	assert_int_equal(tp_outcome_json(&outcome, &buf), TP_OK);
	assert_string_equal(tp_buf_str(&buf), want);
	tp_buf_free(&buf);
}

static void all_keys_are_there_when_nothing_is_known(void **state)
{
	static const char *const texts[] = { "store", "relay", "queue_id",
		"message_id", "sender", "recipient", "verdict", "step",
		"enhanced_code", "text", "tls_version", "tls_cipher" };
	static const char *const numbers[] = { "event_id", "attempt",
		"reply_code", "size_bytes", "queued_ms", "connect_us", "tls_us",
		"auth_us", "send_us" };
	struct tp_outcome outcome = { .last = 1 };
	json_t *object = read_back(&outcome);
	size_t i;

	(void)state;
	assert_int_equal(json_object_size(object), 25);
	for (i = 0; i < COUNT(texts); i++)
		assert_string_equal(text_of(object, texts[i]), "");
	for (i = 0; i < COUNT(numbers); i++) {
		json_t *number = json_object_get(object, numbers[i]);

		assert_true(json_is_integer(number));
		assert_int_equal(json_integer_value(number), 0);
	}
	assert_string_equal(text_of(object, "class"), "sent");
	assert_true(json_is_null(json_object_get(object, "next_try")));
	assert_true(json_is_true(json_object_get(object, "last")));
	json_decref(object);
}

static void numbers_keep_their_extremes(void **state)
{
	struct tp_outcome outcome = sample();
	json_t *object;

	(void)state;
	outcome.event_id = INT64_MAX;
	outcome.queued_ms = INT64_MIN;
	outcome.reply_code = -1;
	object = read_back(&outcome);
	assert_true(json_integer_value(json_object_get(object, "event_id")) ==
		    INT64_MAX);
	assert_true(json_integer_value(json_object_get(object, "queued_ms")) ==
		    INT64_MIN);
	assert_int_equal(
		json_integer_value(json_object_get(object, "reply_code")), -1);
	json_decref(object);
}

static void words_of_a_server_cannot_leave_their_place(void **state)
{
	static const struct {
		const char *said;
		const char *shown;
	} cases[] = {
		{ "plain", "plain" },
		{ "a\r\nb", "a\\x0d\\x0ab" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "del\x7f", "del\\x7f" },
		{ "c1 \xc2\x9b"
		  "31m",
			"c1 \\xc2\\x9b31m" },
		{ "bad \xff\xc3", "bad \\xff\\xc3" },
		{ "sep \xe2\x80\xa8", "sep \\xe2\\x80\\xa8" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "quote \" end", "quote \" end" },
		{ "\",\"verdict\":\"sent", "\",\"verdict\":\"sent" },
		/* escaped once by the reply parser: not again */
		{ "escaped \\x1b", "escaped \\x1b" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_outcome outcome = sample();
		json_t *object;

		outcome.text = cases[i].said;
		outcome.recipient = cases[i].said;
		object = read_back(&outcome);
		assert_string_equal(text_of(object, "text"), cases[i].shown);
		assert_string_equal(
			text_of(object, "recipient"), cases[i].shown);
		assert_string_equal(text_of(object, "verdict"), "deferred");
		assert_int_equal(json_object_size(object), 25);
		json_decref(object);
	}
}

static void long_text_is_cut(void **state)
{
	char text[5000];
	struct tp_outcome outcome = sample();
	json_t *object;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	outcome.text = text;
	outcome.message_id = text;
	object = read_back(&outcome);
	assert_in_range(strlen(text_of(object, "text")), 500,
		TP_OUTCOME_TEXT_MAX_BYTES + 3);
	assert_string_equal(
		text_of(object, "text") + strlen(text_of(object, "text")) - 3,
		"...");
	assert_in_range(strlen(text_of(object, "message_id")), 1000,
		TP_OUTCOME_FIELD_MAX_BYTES + 3);
	json_decref(object);

	/* up to the bound nothing is cut */
	text[TP_OUTCOME_TEXT_MAX_BYTES] = '\0';
	object = read_back(&outcome);
	assert_string_equal(text_of(object, "text"), text);
	json_decref(object);
}

static void random_bytes_always_make_one_line_of_json(void **state)
{
	char text[700];
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		struct tp_outcome outcome = sample();
		size_t len = (size_t)tp_random_below(sizeof(text) - 1);
		size_t k;
		json_t *object;

		for (k = 0; k < len; k++)
			text[k] = (char)(1 + tp_random_below(255));
		text[len] = '\0';
		outcome.text = text;
		outcome.store = text;
		outcome.sender = text;
		object = read_back(&outcome);
		assert_true(tp_utf8_valid(text_of(object, "text"),
			strlen(text_of(object, "text"))));
		json_decref(object);
	}
}

static void the_longest_line_fits_its_bound(void **state)
{
	char text[2000];
	struct tp_outcome o = sample();
	json_t *object;

	(void)state;
	/* every byte of the output is escaped by JSON */
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	o.store = o.relay = o.queue_id = o.message_id = o.sender = text;
	o.recipient = o.verdict = o.step = o.enhanced = o.text = text;
	o.tls_version = o.tls_cipher = text;
	object = read_back(&o);
	json_decref(object);
	memset(text, 0x01, sizeof(text) - 1);
	object = read_back(&o);
	json_decref(object);
}

static void a_failure_leaves_the_buffer_as_it_was(void **state)
{
	struct tp_outcome outcome = sample();
	struct tp_buf buf;

	(void)state;
	tp_buf_init(&buf, 200);
	assert_int_equal(tp_buf_str_add(&buf, "before"), TP_OK);
	assert_int_equal(tp_outcome_json(&outcome, &buf), TP_ETOOBIG);
	assert_string_equal(tp_buf_str(&buf), "before");
	tp_buf_free(&buf);
}

#ifdef TP_TEST_ALLOC
static void every_failed_allocation_is_told(void **state)
{
	struct tp_outcome outcome = sample();
	unsigned long n;
	int rc = TP_ENOMEM;

	(void)state;
	outcome.text = "needs \x1b escaping";
	for (n = 1; rc == TP_ENOMEM; n++) {
		struct tp_buf buf;

		tp_buf_init(&buf, TP_OUTCOME_LINE_MAX_BYTES);
		(void)tp_mem_fail_at(n);
		rc = tp_outcome_json(&outcome, &buf);
		(void)tp_mem_fail_at(0);
		assert_true(rc < 0 ? buf.len == 0 : buf.len > 0);
		tp_buf_free(&buf);
	}
	assert_int_equal(rc, TP_OK);
	assert_true(n > 4);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_is_exactly_this),
		cmocka_unit_test(all_keys_are_there_when_nothing_is_known),
		cmocka_unit_test(numbers_keep_their_extremes),
		cmocka_unit_test(words_of_a_server_cannot_leave_their_place),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(random_bytes_always_make_one_line_of_json),
		cmocka_unit_test(the_longest_line_fits_its_bound),
		cmocka_unit_test(a_failure_leaves_the_buffer_as_it_was),
#ifdef TP_TEST_ALLOC
		cmocka_unit_test(every_failed_allocation_is_told),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
