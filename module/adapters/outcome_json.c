/*
 * outcome_json.c - one outcome as one line of JSON
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/outcome_json.h"

#include "adapters/json_out.h"
#include "base/clock.h"
#include "base/text.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum kind {
	KIND_TEXT,  /* const char * */
	KIND_INT,   /* int */
	KIND_INT64, /* int64_t */
	KIND_TIME,  /* int64_t, epoch ms; 0: null */
	KIND_CLASS, /* enum tp_class */
	KIND_BOOL   /* int */
};

struct field {
	const char *key;
	size_t offset;
	enum kind kind;
	size_t max_bytes; /* KIND_TEXT */
};

#define FIELD(key, member, kind)                                \
	{                                                       \
		key, offsetof(struct tp_outcome, member), kind, \
			TP_OUTCOME_FIELD_MAX_BYTES              \
	}

static const struct field fields[] = {
	FIELD("event_id", event_id, KIND_INT64),
	FIELD("time", time_ms, KIND_TIME),
	FIELD("store", store, KIND_TEXT),
	FIELD("relay", relay, KIND_TEXT),
	FIELD("queue_id", queue_id, KIND_TEXT),
	FIELD("message_id", message_id, KIND_TEXT),
	FIELD("sender", sender, KIND_TEXT),
	FIELD("recipient", recipient, KIND_TEXT),
	FIELD("attempt", attempt, KIND_INT),
	FIELD("class", cls, KIND_CLASS),
	FIELD("verdict", verdict, KIND_TEXT),
	FIELD("step", step, KIND_TEXT),
	FIELD("reply_code", reply_code, KIND_INT),
	FIELD("enhanced_code", enhanced, KIND_TEXT),
	{ "text", offsetof(struct tp_outcome, text), KIND_TEXT,
		TP_OUTCOME_TEXT_MAX_BYTES },
	FIELD("tls_version", tls_version, KIND_TEXT),
	FIELD("tls_cipher", tls_cipher, KIND_TEXT),
	FIELD("size_bytes", size_bytes, KIND_INT64),
	FIELD("queued_ms", queued_ms, KIND_INT64),
	FIELD("connect_us", connect_us, KIND_INT64),
	FIELD("tls_us", tls_us, KIND_INT64),
	FIELD("auth_us", auth_us, KIND_INT64),
	FIELD("send_us", send_us, KIND_INT64),
	FIELD("next_try", next_try_ms, KIND_TIME),
	FIELD("last", last, KIND_BOOL),
};

/* The usual case: printable ASCII of bounded length. Backslashes pass: the
 * server's words come escaped already, and JSON escapes its own. */
static int shown_as_is(const char *s, size_t len, size_t max_bytes)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7f)
			return 0;
	return len <= max_bytes;
}

static int add_quoted(struct tp_buf *out, const char *s, size_t len)
{
	int rc = tp_buf_char(out, '"');

	if (rc >= 0)
		rc = tp_buf_add(out, s, len);
	return rc >= 0 ? tp_buf_char(out, '"') : rc;
}

/* One JSON string of UTF-8 without controls. jansson makes those that need
 * escaping; all of them, or an object of 25 members, take several times as
 * long, and this runs for every delivery. */
static int add_string(struct tp_buf *out, const char *s, size_t len)
{
	if (!memchr(s, '"', len) && !memchr(s, '\\', len))
		return add_quoted(out, s, len);
	return tp_json_out(out, json_stringn_nocheck(s, len));
}

static int add_text(struct tp_buf *out, const char *s, size_t max_bytes)
{
	size_t len = s ? strlen(s) : 0;
	struct tp_buf escaped;
	int rc;

	if (len == 0 || shown_as_is(s, len, max_bytes))
		return add_string(out, s ? s : "", len);
	tp_buf_init(&escaped, max_bytes + sizeof("..."));
	rc = tp_text_escape(&escaped, s, len, max_bytes);
	if (rc >= 0)
		rc = add_string(out, tp_buf_str(&escaped), escaped.len);
	tp_buf_free(&escaped);
	return rc;
}

static int add_time(struct tp_buf *out, int64_t epoch_ms)
{
	char text[TP_RFC3339_BYTES];

	if (epoch_ms == 0)
		return tp_buf_str_add(out, "null");
	tp_format_rfc3339(epoch_ms, text);
	return add_string(out, text, strlen(text));
}

/* By hand: printf took half of the time of a line. */
static int add_integer(struct tp_buf *out, int64_t value)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		digits[--at] = '-';
	return tp_buf_add(out, digits + at, sizeof(digits) - at);
}

static int add_value(struct tp_buf *out, const struct tp_outcome *outcome,
	const struct field *field)
{
	const char *at = (const char *)outcome + field->offset;
	const char *text;
	int64_t number64;
	int number;

	/* memcpy: no cast from char * to a stricter alignment */
	switch (field->kind) {
	case KIND_TEXT:
		memcpy(&text, at, sizeof(text));
		return add_text(out, text, field->max_bytes);
	case KIND_TIME:
		memcpy(&number64, at, sizeof(number64));
		return add_time(out, number64);
	case KIND_INT64:
		memcpy(&number64, at, sizeof(number64));
		return add_integer(out, number64);
	case KIND_CLASS:
		return add_text(
			out, tp_class_name(outcome->cls), field->max_bytes);
	default:
		memcpy(&number, at, sizeof(number));
		if (field->kind == KIND_INT)
			return add_integer(out, number);
		return tp_buf_str_add(out, number ? "true" : "false");
	}
}

int tp_outcome_json(const struct tp_outcome *outcome, struct tp_buf *out)
{
	size_t start = out->len;
	int rc = TP_OK;
	size_t i;

	for (i = 0; i < COUNT(fields) && rc >= 0; i++) {
		rc = tp_buf_str_add(out, i == 0 ? "{\"" : ",\"");
		if (rc >= 0)
			rc = tp_buf_str_add(out, fields[i].key);
		if (rc >= 0)
			rc = tp_buf_str_add(out, "\":");
		if (rc >= 0)
			rc = add_value(out, outcome, &fields[i]);
	}
	if (rc >= 0)
		rc = tp_buf_char(out, '}');
	if (rc < 0)
		tp_buf_cut(out, start);
	return rc;
}
