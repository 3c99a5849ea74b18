/*
 * spool_record_test.c - a record has one spelling, and nothing else is read
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapters/spool.h"
#include "base/mem.h"
#include "core/spool_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID "01JD6K5S0NABCDEFGH"
#define START "tillpost-spool 1\nqueue-id " ID "\naccepted-ms 1763757000123\n"
#define END "data-bytes 2\n\nhi"

static const char *const two[] = { "a@example.com", "b@example.com" };

static struct tp_spool_record full_record(void)
{
	struct tp_spool_record record = {
		.queue_id = ID,
		.accepted_ms = 1763757000123,
		.message_id = "<1@example.com>",
		.sender = "shop@example.com",
		.recipients = two,
		.recipient_count = COUNT(two),
		.header_recipients = 1,
		.store = "eu",
		.run_code = "eu_de",
		.http_host = "shop.example.com:8080",
		.dedup_key = "order 100001",
		.expires_ms = 1763757999999,
		.data = "Subject: hi\n\nhi\n",
		.data_bytes = 16,
	};

	return record;
}

/* RECORD as a whole file; free() it. */
static char *spell(const struct tp_spool_record *record, size_t *len_out)
{
	struct tp_buf out = TP_BUF_INIT(SIZE_MAX / 2);
	struct tp_error err = TP_ERROR_INIT;
	char tail[TP_SPOOL_TAIL_BYTES];

	if (tp_spool_head(record, &out, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	assert_int_equal(
		tp_buf_add(&out, record->data, record->data_bytes), TP_OK);
	tp_spool_tail(tp_spool_checksum(0, out.data, out.len), tail);
	assert_int_equal(tp_buf_add(&out, tail, sizeof(tail)), TP_OK);
	return tp_buf_take(&out, len_out);
}

/* BODY with the end line that belongs to it; free() it. */
static char *with_end(const char *body, size_t body_len, size_t *len_out)
{
	char *bytes = malloc(body_len + TP_SPOOL_TAIL_BYTES);

	assert_non_null(bytes);
	memcpy(bytes, body, body_len);
	tp_spool_tail(tp_spool_checksum(0, body, body_len), bytes + body_len);
	*len_out = body_len + TP_SPOOL_TAIL_BYTES;
	return bytes;
}

static int parse(char *bytes, size_t len, struct tp_spool_record *record,
	struct tp_error *err)
{
	size_t body = len > TP_SPOOL_TAIL_BYTES ? len - TP_SPOOL_TAIL_BYTES : 0;

	return tp_spool_parse(
		bytes, len, tp_spool_checksum(0, bytes, body), record, err);
}

/* Expects that BODY, with a right end line, is refused with TEXT. */
static void refused_n(
	const char *body, size_t body_len, int code, const char *text)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_record record;
	size_t len;
	char *bytes = with_end(body, body_len, &len);

	assert_int_equal(parse(bytes, len, &record, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
	assert_null(record.recipients);
	free(bytes);
}

static void refused(const char *body, const char *text)
{
	refused_n(body, strlen(body), TP_EIO, text);
}

/* ---- reading what was written ------------------------------------------- */

static void same_text(const char *a, const char *b)
{
	if (a && b)
		assert_string_equal(a, b);
	else
		assert_true(!a && !b);
}

static void round_trip(const struct tp_spool_record *want)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_record got;
	size_t len;
	size_t i;
	char *bytes = spell(want, &len);

	if (parse(bytes, len, &got, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	assert_string_equal(got.queue_id, want->queue_id);
	assert_true(got.accepted_ms == want->accepted_ms);
	same_text(got.message_id, want->message_id);
	same_text(got.sender, want->sender);
	assert_int_equal(got.recipient_count, want->recipient_count);
	for (i = 0; i < want->recipient_count; i++)
		assert_string_equal(got.recipients[i], want->recipients[i]);
	assert_int_equal(got.header_recipients, want->header_recipients);
	same_text(got.store, want->store);
	same_text(got.run_code, want->run_code);
	same_text(got.http_host, want->http_host);
	same_text(got.dedup_key, want->dedup_key);
	assert_true(got.expires_ms == want->expires_ms);
	assert_int_equal(got.data_bytes, want->data_bytes);
	if (want->data_bytes > 0)
		assert_memory_equal(got.data, want->data, want->data_bytes);
	tp_spool_record_free(&got);
	assert_null(got.recipients);
	free(bytes);
}

static void everything_that_is_given_comes_back(void **state)
{
	struct tp_spool_record record = full_record();

	(void)state;
	round_trip(&record);
}

static void what_is_not_given_stays_absent(void **state)
{
	struct tp_spool_record record = { .queue_id = ID };

	(void)state;
	round_trip(&record);
}

static void an_empty_sender_is_not_a_missing_one(void **state)
{
	struct tp_spool_record record = full_record();

	(void)state;
	record.sender = "";
	record.store = "";
	round_trip(&record);
	record.sender = NULL;
	round_trip(&record);
}

static void values_keep_their_spaces_and_eight_bit_bytes(void **state)
{
	struct tp_spool_record record = full_record();

	(void)state;
	record.dedup_key = "  two  spaces \xc3\xbc \xff ";
	record.sender = " ";
	round_trip(&record);
}

static void data_may_hold_any_byte(void **state)
{
	static const char data[] = "\0\n\nend 00000000\ntillpost-spool 1\n\xff";
	struct tp_spool_record record = full_record();

	(void)state;
	record.data = data;
	record.data_bytes = sizeof(data);
	round_trip(&record);
}

static void the_bytes_are_as_documented(void **state)
{
	struct tp_spool_record record = full_record();
	size_t len;
	char *bytes = spell(&record, &len);
	static const char want[] = START "message-id <1@example.com>\n"
					 "sender shop@example.com\n"
					 "recipient a@example.com\n"
					 "recipient b@example.com\n"
					 "header-recipients\n"
					 "store eu\n"
					 "run-code eu_de\n"
					 "http-host shop.example.com:8080\n"
					 "dedup-key order 100001\n"
					 "expires-ms 1763757999999\n"
					 "data-bytes 16\n"
					 "\n"
					 "Subject: hi\n\nhi\n"
					 "end ";

	(void)state;
	assert_int_equal(len, sizeof(want) - 1 + 9);
	assert_memory_equal(bytes, want, sizeof(want) - 1);
	free(bytes);
}

static void the_checksum_is_eight_digits_of_crc_32(void **state)
{
	char tail[TP_SPOOL_TAIL_BYTES];

	(void)state;
	tp_spool_tail(tp_spool_checksum(0, "123456789", 9), tail);
	assert_memory_equal(tail, "end cbf43926\n", sizeof(tail));
	tp_spool_tail(tp_spool_checksum(0, NULL, 0), tail);
	assert_memory_equal(tail, "end 00000000\n", sizeof(tail));
	assert_true(tp_spool_checksum(tp_spool_checksum(0, "1234", 4), "56789",
			    5) == 0xcbf43926);
}

static void ten_thousand_recipients_are_kept(void **state)
{
	static const char *many[TP_SPOOL_RCPT_MAX_COUNT + 1];
	struct tp_spool_record record = full_record();
	struct tp_buf out = TP_BUF_INIT(SIZE_MAX / 2);
	struct tp_error err = TP_ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(many); i++)
		many[i] = i % 2 ? two[0] : two[1];
	record.recipients = many;
	record.recipient_count = TP_SPOOL_RCPT_MAX_COUNT;
	round_trip(&record);
	record.recipient_count++;
	assert_int_equal(tp_spool_head(&record, &out, &err), TP_ETOOBIG);
	tp_buf_free(&out);
}

/* ---- refusing to write -------------------------------------------------- */

static void head_refused(
	const struct tp_spool_record *record, int code, const char *where)
{
	struct tp_buf out = TP_BUF_INIT(SIZE_MAX / 2);
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(tp_spool_head(record, &out, &err), code);
	assert_int_equal(err.code, code);
	assert_string_equal(err.where, where);
	tp_buf_free(&out);
}

static void a_value_that_could_not_be_read_is_not_written(void **state)
{
	static const char *const bad[] = { "a\nb", "a\rb", "\x01", "\x7f",
		"a\tb" };
	static const char *const hole[] = { "a@example.com", NULL };
	static const char *const empty[] = { "" };
	char long_value[TP_SPOOL_VALUE_MAX_BYTES + 2];
	struct tp_spool_record record;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		record = full_record();
		record.store = bad[i];
		head_refused(&record, TP_EINVAL, "store");
		record = full_record();
		record.recipients = &bad[i];
		record.recipient_count = 1;
		head_refused(&record, TP_EINVAL, "recipient");
	}
	memset(long_value, 'x', sizeof(long_value));
	long_value[sizeof(long_value) - 1] = '\0';
	record = full_record();
	record.dedup_key = long_value;
	head_refused(&record, TP_EINVAL, "dedup-key");
	record.dedup_key = long_value + 1;
	round_trip(&record);
	record.message_id = "";
	head_refused(&record, TP_EINVAL, "message-id");
	record = full_record();
	record.recipients = hole;
	head_refused(&record, TP_EINVAL, "recipient");
	record.recipients = empty;
	record.recipient_count = 1;
	head_refused(&record, TP_EINVAL, "recipient");
}

static void senseless_numbers_are_not_written(void **state)
{
	struct tp_spool_record record = full_record();

	(void)state;
	record.queue_id[0] = 'x';
	head_refused(&record, TP_EINVAL, "queue-id");
	record = full_record();
	record.accepted_ms = -1;
	head_refused(&record, TP_EINVAL, "accepted-ms");
	record = full_record();
	record.expires_ms = -1;
	head_refused(&record, TP_EINVAL, "expires-ms");
	record = full_record();
	record.data_bytes = (size_t)TP_SPOOL_DATA_MAX_BYTES + 1;
	head_refused(&record, TP_ETOOBIG, "data-bytes");
}

static void an_envelope_over_its_bound_is_too_big(void **state)
{
	static char value[TP_SPOOL_VALUE_MAX_BYTES + 1];
	static const char *many[1100];
	struct tp_spool_record record = full_record();
	size_t i;

	(void)state;
	memset(value, 'x', TP_SPOOL_VALUE_MAX_BYTES);
	for (i = 0; i < COUNT(many); i++)
		many[i] = value;
	record.recipients = many;
	record.recipient_count = COUNT(many);
	head_refused(&record, TP_ETOOBIG, "recipient");
}

/* ---- refusing to read --------------------------------------------------- */

static void a_small_record_is_read(void **state)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_record record;
	size_t len;
	char *bytes = with_end(START END, strlen(START END), &len);

	(void)state;
	assert_int_equal(parse(bytes, len, &record, &err), TP_OK);
	assert_int_equal(record.data_bytes, 2);
	tp_spool_record_free(&record);
	free(bytes);
}

static void every_cut_is_noticed(void **state)
{
	struct tp_spool_record want = full_record();
	struct tp_spool_record record;
	size_t len;
	size_t cut;
	char *bytes = spell(&want, &len);

	(void)state;
	for (cut = 0; cut < len; cut++) {
		struct tp_error err = TP_ERROR_INIT;
		char *copy = malloc(cut ? cut : 1);

		assert_non_null(copy);
		memcpy(copy, bytes, cut);
		assert_int_equal(parse(copy, cut, &record, &err), TP_EIO);
		free(copy);
	}
	free(bytes);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct tp_spool_record want = full_record();
	struct tp_spool_record record;
	size_t len;
	size_t bit;
	char *bytes = spell(&want, &len);
	char *copy = malloc(len);

	(void)state;
	assert_non_null(copy);
	for (bit = 0; bit < len * 8; bit++) {
		struct tp_error err = TP_ERROR_INIT;

		memcpy(copy, bytes, len);
		copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
		assert_true(parse(copy, len, &record, &err) < 0);
	}
	free(copy);
	free(bytes);
}

static void bytes_after_the_end_are_refused(void **state)
{
	refused(START END "x", "data-bytes says 2, but there are 3");
	refused(START "data-bytes 3\n\nhi",
		"data-bytes says 3, but there are 2");
	(void)state;
}

static void another_version_is_not_supported(void **state)
{
	static const char *const other[] = {
		"tillpost-spool 2\n" END,
		"tillpost-spool 10\n" END,
		"tillpost-spool 1 \n" END,
		"tillpost-spool 1\r\n" END,
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(other); i++)
		refused_n(
			other[i], strlen(other[i]), TP_EUNSUPPORTED, "version");
	refused("Return-Path: <>\n\nhello hello hello", "does not begin");
}

static void keys_are_strict(void **state)
{
	(void)state;
	refused(START "colour red\n" END, "line 4: unknown key");
	refused(START "Sender a@b\n" END, "unknown key");
	refused(START "sender: a@b\n" END, "unknown key");
	refused(START " sender a@b\n" END, "unknown key");
	refused(START "recipientx a@b\n" END, "unknown key");
	refused(START "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" END,
		"unknown key");
	refused(START "sender\n" END, "a value is missing");
	refused(START "header-recipients 1\n" END, "too much");
	refused(START "sender a@b\nsender a@b\n" END, "line 5: a key comes");
	refused(START "store a\nstore a\n" END, "comes twice");
	refused(START "header-recipients\nheader-recipients\n" END,
		"comes twice");
	refused(START "store a\nsender a@b\n" END, "out of order");
	refused(START "recipient a@b\nstore a\nrecipient c@d\n" END,
		"out of order");
	refused("tillpost-spool 1\n\nthe data", "missing");
	refused("tillpost-spool 1\nqueue-id " ID "\n" END, "is missing");
	refused("tillpost-spool 1\naccepted-ms 1\n" END, "is missing");
	refused(START "\nhi", "is missing");
	refused(START "data-bytes 2\nhi\n\n", "unknown key");
	refused(START "data-bytes 2", "no end");
}

static void values_are_strict(void **state)
{
	static const char nul[] = START "sender a\0b\n" END;
	char text[TP_SPOOL_VALUE_MAX_BYTES + 2];
	char body[2048];

	(void)state;
	refused(START "sender a\tb\n" END, "control");
	refused(START "sender a\r\n" END, "control");
	refused(START "sender \x7f\n" END, "control");
	refused_n(nul, sizeof(nul) - 1, TP_EIO, "control");
	refused(START "recipient \n" END, "empty");
	refused(START "message-id \n" END, "empty");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	(void)snprintf(body, sizeof(body), START "store %s\n" END, text);
	refused(body, "too long");
}

static void numbers_have_one_spelling(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "01",
		"00", "0x1", "1.0", "1e3", "9223372036854775808",
		"99999999999999999999" };
	char body[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		(void)snprintf(body, sizeof(body),
			"tillpost-spool 1\nqueue-id " ID
			"\naccepted-ms %s\n" END,
			bad[i]);
		refused(body, "line 3: not a number");
		(void)snprintf(body, sizeof(body), START "expires-ms %s\n" END,
			bad[i]);
		refused(body, "line 4: not a number");
		(void)snprintf(
			body, sizeof(body), START "data-bytes %s\n\n", bad[i]);
		refused(body, "line 4: not a number");
	}
	refused(START "expires-ms 0\n" END, "out of range");
	refused(START "data-bytes 1073741825\n\n", "out of range");
	refused("tillpost-spool 1\nqueue-id 01JD6K5S0NABCDEFG\n" END,
		"not a queue id");
	refused("tillpost-spool 1\nqueue-id 01jd6k5s0nabcdefgh\n" END,
		"not a queue id");
}

static void the_head_has_a_bound(void **state)
{
	struct tp_buf body = TP_BUF_INIT(SIZE_MAX / 2);
	size_t i;
	int rc = tp_buf_str_add(&body, START);

	(void)state;
	for (i = 0; i < 110000 && rc >= 0; i++)
		rc = tp_buf_str_add(&body, "recipient a@b\n");
	if (rc >= 0)
		rc = tp_buf_str_add(&body, END);
	assert_int_equal(rc, TP_OK);
	refused_n(body.data, body.len, TP_EIO, "too many recipients");
	tp_buf_clear(&body);
	assert_int_equal(tp_buf_str_add(&body, START "sender "), TP_OK);
	for (i = 0; i < 200000; i++)
		assert_int_equal(tp_buf_str_add(&body, "xxxxxxxx"), TP_OK);
	assert_int_equal(tp_buf_str_add(&body, "\n" END), TP_OK);
	refused_n(body.data, body.len, TP_EIO, "no end");
	tp_buf_free(&body);
}

/* ---- memory ------------------------------------------------------------- */

#ifdef TP_TEST_ALLOC
static void a_failed_allocation_is_told_and_leaks_nothing(void **state)
{
	struct tp_spool_record want = full_record();
	unsigned long n;
	int rc = TP_ENOMEM;

	(void)state;
	for (n = 1; rc == TP_ENOMEM; n++) {
		struct tp_buf out = TP_BUF_INIT(TP_SPOOL_HEAD_MAX_BYTES);
		struct tp_error err = TP_ERROR_INIT;

		(void)tp_mem_fail_at(n);
		rc = tp_spool_head(&want, &out, &err);
		(void)tp_mem_fail_at(0);
		assert_int_equal(err.code, rc);
		tp_buf_free(&out);
	}
	assert_int_equal(rc, TP_OK);
	assert_true(n > 2);
	for (n = 1, rc = TP_ENOMEM; rc == TP_ENOMEM; n++) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_spool_record got;
		size_t len;
		char *bytes = spell(&want, &len);

		(void)tp_mem_fail_at(n);
		rc = parse(bytes, len, &got, &err);
		(void)tp_mem_fail_at(0);
		assert_int_equal(err.code, rc);
		tp_spool_record_free(&got);
		free(bytes);
	}
	assert_int_equal(rc, TP_OK);
	assert_int_equal(n, 3);
}
#endif

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_that_is_given_comes_back),
		TEST(what_is_not_given_stays_absent),
		TEST(an_empty_sender_is_not_a_missing_one),
		TEST(values_keep_their_spaces_and_eight_bit_bytes),
		TEST(data_may_hold_any_byte),
		TEST(the_bytes_are_as_documented),
		TEST(the_checksum_is_eight_digits_of_crc_32),
		TEST(ten_thousand_recipients_are_kept),
		TEST(a_value_that_could_not_be_read_is_not_written),
		TEST(senseless_numbers_are_not_written),
		TEST(an_envelope_over_its_bound_is_too_big),
		TEST(a_small_record_is_read),
		TEST(every_cut_is_noticed),
		TEST(every_flipped_bit_is_noticed),
		TEST(bytes_after_the_end_are_refused),
		TEST(another_version_is_not_supported),
		TEST(keys_are_strict),
		TEST(values_are_strict),
		TEST(numbers_have_one_spelling),
		TEST(the_head_has_a_bound),
#ifdef TP_TEST_ALLOC
		TEST(a_failed_allocation_is_told_and_leaks_nothing),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
