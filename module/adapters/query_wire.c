/*
 * query_wire.c - the lines of the query socket
 *
 * Structs are described by tables, one for each kind of line, so that writing
 * and reading cannot differ. Outcomes are written by outcome_json.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/query_wire.h"

#include "adapters/json_out.h"
#include "adapters/outcome_json.h"
#include "base/text.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_MAX_BYTES 1024
#define WHERE "query socket"

enum kind {
	KIND_TEXT,  /* const char * */
	KIND_INT,   /* int */
	KIND_INT64, /* int64_t */
	KIND_TIME,  /* int64_t, epoch ms, as RFC 3339; 0: null */
	KIND_CLASS, /* enum tp_class */
	KIND_BOOL   /* int */
};

struct field {
	const char *key;
	size_t offset;
	enum kind kind;
};

#define FIELD(type, key, member, kind)                   \
	{                                                \
		key, offsetof(struct type, member), kind \
	}

#define REQUEST(member, kind) \
	FIELD(tp_query_request, #member, filter.member, kind)
/* The limit is not here: it has its own bounds. */
static const struct field request_fields[] = {
	REQUEST(store, KIND_TEXT),
	REQUEST(relay, KIND_TEXT),
	REQUEST(queue_id, KIND_TEXT),
	REQUEST(message_id, KIND_TEXT),
	REQUEST(recipient, KIND_TEXT),
	REQUEST(verdict, KIND_TEXT),
	REQUEST(since_ms, KIND_INT64),
	REQUEST(until_ms, KIND_INT64),
	REQUEST(after_event_id, KIND_INT64),
};

#define MESSAGE(member, kind) FIELD(tp_query_message, #member, member, kind)
static const struct field message_fields[] = {
	MESSAGE(queue_id, KIND_TEXT),
	MESSAGE(store, KIND_TEXT),
	MESSAGE(state, KIND_TEXT),
	MESSAGE(reason, KIND_TEXT),
	MESSAGE(attempts, KIND_INT),
	MESSAGE(created_ms, KIND_INT64),
	MESSAGE(next_try_ms, KIND_INT64),
	MESSAGE(expires_ms, KIND_INT64),
	MESSAGE(size_bytes, KIND_INT64),
};

#define RELAY(member, kind) FIELD(tp_query_relay, #member, member, kind)
static const struct field relay_fields[] = {
	RELAY(store, KIND_TEXT),
	RELAY(relay, KIND_TEXT),
	RELAY(state, KIND_TEXT),
	RELAY(reason, KIND_TEXT),
	RELAY(retry_ms, KIND_INT64),
	RELAY(connections, KIND_INT),
	RELAY(waiting_count, KIND_INT64),
	RELAY(queued_count, KIND_INT64),
	RELAY(active_count, KIND_INT64),
	RELAY(held_count, KIND_INT64),
	RELAY(oldest_ms, KIND_INT64),
	RELAY(body_bytes, KIND_INT64),
};

/* For reading what tp_outcome_json() writes. */
#define OUTCOME(key, member, kind) FIELD(tp_outcome, key, member, kind)
static const struct field outcome_fields[] = {
	OUTCOME("event_id", event_id, KIND_INT64),
	OUTCOME("time", time_ms, KIND_TIME),
	OUTCOME("store", store, KIND_TEXT),
	OUTCOME("relay", relay, KIND_TEXT),
	OUTCOME("queue_id", queue_id, KIND_TEXT),
	OUTCOME("message_id", message_id, KIND_TEXT),
	OUTCOME("sender", sender, KIND_TEXT),
	OUTCOME("recipient", recipient, KIND_TEXT),
	OUTCOME("attempt", attempt, KIND_INT),
	OUTCOME("class", cls, KIND_CLASS),
	OUTCOME("verdict", verdict, KIND_TEXT),
	OUTCOME("step", step, KIND_TEXT),
	OUTCOME("reply_code", reply_code, KIND_INT),
	OUTCOME("enhanced_code", enhanced, KIND_TEXT),
	OUTCOME("text", text, KIND_TEXT),
	OUTCOME("tls_version", tls_version, KIND_TEXT),
	OUTCOME("tls_cipher", tls_cipher, KIND_TEXT),
	OUTCOME("size_bytes", size_bytes, KIND_INT64),
	OUTCOME("queued_ms", queued_ms, KIND_INT64),
	OUTCOME("connect_us", connect_us, KIND_INT64),
	OUTCOME("tls_us", tls_us, KIND_INT64),
	OUTCOME("auth_us", auth_us, KIND_INT64),
	OUTCOME("send_us", send_us, KIND_INT64),
	OUTCOME("next_try", next_try_ms, KIND_TIME),
	OUTCOME("last", last, KIND_BOOL),
};

static const char *const op_names[] = {
	[TP_QUERY_MESSAGE] = "message",
	[TP_QUERY_OUTCOMES] = "outcomes",
	[TP_QUERY_STATUS] = "status",
	[TP_QUERY_KICK] = "kick",
};

/* ---- values of structs -------------------------------------------------- */

/* memcpy: no cast from char * to a stricter alignment. */
static const char *text_at(const void *base, const struct field *field)
{
	const char *text;

	memcpy(&text, (const char *)base + field->offset, sizeof(text));
	return text;
}

static int64_t number_at(const void *base, const struct field *field)
{
	const char *at = (const char *)base + field->offset;
	int64_t number64;
	int number;

	if (field->kind == KIND_INT64) {
		memcpy(&number64, at, sizeof(number64));
		return number64;
	}
	memcpy(&number, at, sizeof(number));
	return number;
}

static void set_text(void *base, const struct field *field, const char *text)
{
	memcpy((char *)base + field->offset, &text, sizeof(text));
}

static void set_number(void *base, const struct field *field, int64_t number64)
{
	char *at = (char *)base + field->offset;
	int number = (int)number64;

	if (field->kind == KIND_INT64 || field->kind == KIND_TIME)
		memcpy(at, &number64, sizeof(number64));
	else
		memcpy(at, &number, sizeof(number));
}

/* ---- writing ------------------------------------------------------------ */

static int plain(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 ||
			(unsigned char)text[i] >= 0x7f)
			return 0;
	return len <= TEXT_MAX_BYTES;
}

/* Whatever stands in TEXT becomes a string that JSON can hold, and one that
 * shows no control bytes when decoded. NULL if out of memory. */
static json_t *text_value(const char *text)
{
	size_t len = text ? strlen(text) : 0;
	json_t *value = NULL;
	struct tp_buf shown;

	if (plain(text, len))
		return json_stringn_nocheck(text ? text : "", len);
	tp_buf_init(&shown, TEXT_MAX_BYTES + sizeof("..."));
	if (tp_text_escape(&shown, text, len, TEXT_MAX_BYTES) >= 0)
		value = json_stringn_nocheck(tp_buf_str(&shown), shown.len);
	tp_buf_free(&shown);
	return value;
}

static json_t *row_value(
	const struct field *fields, size_t count, const void *row)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < count; i++) {
		json_t *value =
			fields[i].kind == KIND_TEXT
				? text_value(text_at(row, &fields[i]))
				: json_integer(number_at(row, &fields[i]));

		/* takes the value, also when it fails */
		if (json_object_set_new(object, fields[i].key, value) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Appends OBJECT, which it takes, as one line; NULL: out of memory. */
static int add_line(struct tp_buf *out, json_t *object)
{
	size_t start = out->len;
	int rc = tp_json_out(out, object);

	if (rc >= 0)
		rc = tp_buf_char(out, '\n');
	if (rc < 0)
		tp_buf_cut(out, start);
	return rc;
}

/* {"row": ROW} or NULL; takes ROW. */
static json_t *wrapped(json_t *row)
{
	json_t *line = row ? json_object() : NULL;

	if (!line) {
		json_decref(row);
		return NULL;
	}
	if (json_object_set_new(line, "row", row) < 0) {
		json_decref(line);
		return NULL;
	}
	return line;
}

int tp_query_wire_message(
	const struct tp_query_message *message, struct tp_buf *out)
{
	return add_line(out, wrapped(row_value(message_fields,
				     COUNT(message_fields), message)));
}

int tp_query_wire_relay(const struct tp_query_relay *relay, struct tp_buf *out)
{
	return add_line(out,
		wrapped(row_value(relay_fields, COUNT(relay_fields), relay)));
}

int tp_query_wire_outcome(const struct tp_outcome *outcome, struct tp_buf *out)
{
	size_t start = out->len;
	int rc = tp_buf_str_add(out, "{\"row\":");

	if (rc >= 0)
		rc = tp_outcome_json(outcome, out);
	if (rc >= 0)
		rc = tp_buf_str_add(out, "}\n");
	if (rc < 0)
		tp_buf_cut(out, start);
	return rc;
}

int tp_query_wire_end(int code, const struct tp_error *err, struct tp_buf *out)
{
	json_t *line = json_object();

	if (json_object_set_new(
		    line, "end", json_integer(code < 0 ? code : 0)) < 0 ||
		(code < 0 && (json_object_set_new(line, "where",
				      text_value(err->where)) < 0 ||
				     json_object_set_new(line, "text",
					     text_value(err->text)) < 0))) {
		json_decref(line);
		return TP_ENOMEM;
	}
	return add_line(out, line);
}

static int ask_too_much(struct tp_error *err, const char *where)
{
	return tp_fail(err, TP_EINVAL, where,
		"must be UTF-8 and shorter than %d bytes", TEXT_MAX_BYTES);
}

static int ask_field(json_t *line, const struct tp_query_request *request,
	const struct field *field, struct tp_error *err)
{
	const char *text;
	json_t *value;

	if (field->kind == KIND_TEXT) {
		text = text_at(request, field);
		if (!text)
			return TP_OK;
		if (strnlen(text, TEXT_MAX_BYTES) >= TEXT_MAX_BYTES)
			return ask_too_much(err, field->key);
		value = json_string(text);
		if (!value)
			return ask_too_much(err, field->key);
	} else {
		if (number_at(request, field) == 0)
			return TP_OK;
		value = json_integer(number_at(request, field));
	}
	if (json_object_set_new(line, field->key, value) < 0)
		return tp_fail(err, TP_ENOMEM, WHERE, "out of memory");
	return TP_OK;
}

int tp_query_wire_request(const struct tp_query_request *request,
	struct tp_buf *out, struct tp_error *err)
{
	json_t *line = json_pack("{s:s}", "op", op_names[request->op]);
	size_t start = out->len;
	size_t i;
	int rc = line ? TP_OK : TP_ENOMEM;

	for (i = 0; i < COUNT(request_fields) && rc >= 0; i++)
		rc = ask_field(line, request, &request_fields[i], err);
	if (rc >= 0 && request->op == TP_QUERY_OUTCOMES &&
		json_object_set_new(line, "limit",
			json_integer((json_int_t)request->filter.limit)) < 0)
		rc = TP_ENOMEM;
	if (rc < 0) {
		json_decref(line);
		return tp_fail(err, rc, WHERE, "out of memory");
	}
	rc = add_line(out, line);
	if (rc == TP_ETOOBIG || out->len - start > TP_QUERY_REQUEST_MAX_BYTES) {
		tp_buf_cut(out, start);
		return tp_fail(err, TP_EINVAL, WHERE,
			"too much to ask for in one request: at most %d bytes",
			TP_QUERY_REQUEST_MAX_BYTES);
	}
	return rc < 0 ? tp_fail(err, rc, WHERE, "out of memory") : TP_OK;
}

/* ---- reading ------------------------------------------------------------ */

static int64_t digits(const char *text, size_t at, size_t count)
{
	int64_t value = 0;

	for (; count > 0; count--, at++)
		value = value * 10 + (text[at] - '0');
	return value;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_to(int64_t year, int64_t month, int64_t day)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243,
		273, 304, 334 };
	int64_t past = year - 1;
	int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return past * 365 + past / 4 - past / 100 + past / 400 - 719162 +
	       before[month - 1] + (leap && month > 2) + day - 1;
}

/* The one form that tp_format_rfc3339() writes. */
static int parse_time(const char *text, int64_t *epoch_ms_out)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";
	int64_t month;
	int64_t day;
	size_t i;

	for (i = 0; form[i] && text[i]; i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9'
				   : text[i] != form[i])
			return TP_EPROTO;
	if (form[i] || text[i])
		return TP_EPROTO;
	month = digits(text, 5, 2);
	day = digits(text, 8, 2);
	if (month < 1 || month > 12 || day < 1 || day > 31 ||
		digits(text, 0, 4) < 1 || digits(text, 11, 2) > 23 ||
		digits(text, 14, 2) > 59 || digits(text, 17, 2) > 60)
		return TP_EPROTO;
	*epoch_ms_out = days_to(digits(text, 0, 4), month, day) * 86400000 +
			digits(text, 11, 2) * 3600000 +
			digits(text, 14, 2) * 60000 +
			digits(text, 17, 2) * 1000 + digits(text, 20, 3);
	return TP_OK;
}

static int take_number(void *row, const struct field *field, json_int_t number)
{
	if (field->kind == KIND_INT && (number < INT_MIN || number > INT_MAX))
		return TP_EPROTO;
	set_number(row, field, number);
	return TP_OK;
}

static int take_time(void *row, const struct field *field, const json_t *value)
{
	int64_t epoch_ms = 0;

	if (json_is_string(value)) {
		if (parse_time(json_string_value(value), &epoch_ms) < 0)
			return TP_EPROTO;
	} else if (!json_is_null(value)) {
		return TP_EPROTO;
	}
	set_number(row, field, epoch_ms);
	return TP_OK;
}

/* Puts VALUE, which may be NULL, into ROW. @return 0, TP_EPROTO */
static int take_value(void *row, const struct field *field, const json_t *value)
{
	enum tp_class cls;

	switch (field->kind) {
	case KIND_TEXT:
		set_text(row, field, json_string_value(value));
		return json_is_string(value) ? TP_OK : TP_EPROTO;
	case KIND_TIME:
		return take_time(row, field, value);
	case KIND_CLASS:
		if (!json_is_string(value) ||
			tp_class_parse(json_string_value(value), &cls) < 0)
			return TP_EPROTO;
		set_number(row, field, cls);
		return TP_OK;
	case KIND_BOOL:
		set_number(row, field, json_is_true(value));
		return json_is_boolean(value) ? TP_OK : TP_EPROTO;
	default:
		return json_is_integer(value)
			       ? take_number(
					 row, field, json_integer_value(value))
			       : TP_EPROTO;
	}
}

static int take_row(const struct field *fields, size_t count,
	const json_t *object, void *row, struct tp_error *err)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (take_value(row, &fields[i],
			    json_object_get(object, fields[i].key)) < 0)
			return tp_fail(err, TP_EPROTO, WHERE,
				"the answer has no good \"%s\"", fields[i].key);
	return TP_OK;
}

/* @return an object, or NULL */
static json_t *read_object(
	const char *line, size_t len, struct tp_error *err, int code)
{
	json_error_t error;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);

	if (object && json_is_object(object))
		return object;
	(void)tp_fail(err, code, WHERE, "not a line with a JSON object%s%.80s",
		object ? "" : ": ", object ? "" : error.text);
	json_decref(object);
	return NULL;
}

/* ---- reading a request -------------------------------------------------- */

static const struct field *request_field(const char *key)
{
	size_t i;

	for (i = 0; i < COUNT(request_fields); i++)
		if (strcmp(key, request_fields[i].key) == 0)
			return &request_fields[i];
	return NULL;
}

static int take_op(const json_t *value, struct tp_query_request *request,
	struct tp_error *err)
{
	size_t i;

	for (i = 0; i < COUNT(op_names); i++) {
		if (!tp_streq(json_string_value(value), op_names[i]))
			continue;
		request->op = (enum tp_query_op)i;
		return TP_OK;
	}
	return tp_fail(err, TP_EINVAL, "op",
		"must be \"message\", \"outcomes\", \"status\" or \"kick\"");
}

static int take_limit(const json_t *value, struct tp_query_request *request,
	struct tp_error *err)
{
	json_int_t limit = json_integer_value(value);

	if (!json_is_integer(value) || limit < 1 ||
		limit > TP_QUERY_ROWS_MAX_COUNT)
		return tp_fail(err, TP_EINVAL, "limit", "must be 1 to %d",
			TP_QUERY_ROWS_MAX_COUNT);
	request->filter.limit = (size_t)limit;
	return TP_OK;
}

static int goes_with(enum tp_query_op op, const char *key)
{
	return op == TP_QUERY_OUTCOMES ||
	       (op == TP_QUERY_MESSAGE && strcmp(key, "queue_id") == 0) ||
	       (op == TP_QUERY_KICK && strcmp(key, "relay") == 0);
}

static int take_key(const char *key, const json_t *value,
	struct tp_query_request *request, struct tp_error *err)
{
	const struct field *field = request_field(key);

	if (strcmp(key, "op") == 0)
		return TP_OK;
	if (!goes_with(request->op, key) ||
		(!field && strcmp(key, "limit") != 0))
		return tp_fail(err, TP_EINVAL, WHERE,
			"\"%.40s\" does not go with \"%s\"", key,
			op_names[request->op]);
	if (!field)
		return take_limit(value, request, err);
	if (take_value(request, field, value) < 0)
		return tp_fail(err, TP_EINVAL, key, "has the wrong type");
	if (json_string_length(value) >= TEXT_MAX_BYTES)
		return ask_too_much(err, key);
	return TP_OK;
}

static int take_request(
	json_t *object, struct tp_query_request *request, struct tp_error *err)
{
	int rc = take_op(json_object_get(object, "op"), request, err);
	const char *key;
	json_t *value;

	request->filter.limit = TP_QUERY_ROWS_MAX_COUNT;
	if (rc < 0)
		return rc;
	json_object_foreach(object, key, value)
	{
		rc = take_key(key, value, request, err);
		if (rc < 0)
			return rc;
	}
	if (request->filter.queue_id &&
		!tp_queue_id_valid(request->filter.queue_id))
		return tp_fail(err, TP_EINVAL, "queue_id", "not a queue id");
	if (request->op == TP_QUERY_MESSAGE && !request->filter.queue_id)
		return tp_fail(err, TP_EINVAL, "queue_id", "is missing");
	return TP_OK;
}

int tp_query_wire_asked(const char *line, size_t len,
	struct tp_query_asked *asked_out, struct tp_error *err)
{
	json_t *object = read_object(line, len, err, TP_EINVAL);
	int rc = TP_EINVAL;

	memset(asked_out, 0, sizeof(*asked_out));
	if (object)
		rc = take_request(object, &asked_out->request, err);
	if (rc < 0) {
		memset(asked_out, 0, sizeof(*asked_out));
		json_decref(object);
		return rc;
	}
	asked_out->json = object;
	return TP_OK;
}

void tp_query_asked_free(struct tp_query_asked *asked)
{
	json_decref(asked->json);
	memset(asked, 0, sizeof(*asked));
}

/* ---- reading an answer -------------------------------------------------- */

static int show_message(const json_t *row, const struct tp_query_sink *sink,
	struct tp_error *err)
{
	struct tp_query_message message = { .queue_id = NULL };
	int rc = take_row(
		message_fields, COUNT(message_fields), row, &message, err);

	return rc < 0 ? rc
		      : sink->message && sink->message(sink->ctx, &message);
}

static int show_outcome(const json_t *row, const struct tp_query_sink *sink,
	struct tp_error *err)
{
	struct tp_outcome outcome = { .event_id = 0 };
	int rc = take_row(
		outcome_fields, COUNT(outcome_fields), row, &outcome, err);

	return rc < 0 ? rc
		      : sink->outcome && sink->outcome(sink->ctx, &outcome);
}

static int show_relay(const json_t *row, const struct tp_query_sink *sink,
	struct tp_error *err)
{
	struct tp_query_relay relay = { .store = NULL };
	int rc = take_row(relay_fields, COUNT(relay_fields), row, &relay, err);

	return rc < 0 ? rc : sink->relay && sink->relay(sink->ctx, &relay);
}

static int show_row(const json_t *row, enum tp_query_op op,
	const struct tp_query_sink *sink, struct tp_error *err)
{
	switch (op) {
	case TP_QUERY_MESSAGE:
		return show_message(row, sink, err);
	case TP_QUERY_OUTCOMES:
		return show_outcome(row, sink, err);
	case TP_QUERY_STATUS:
		return show_relay(row, sink, err);
	default:
		return tp_fail(
			err, TP_EPROTO, WHERE, "a row was not asked for");
	}
}

static int take_end(const json_t *line, struct tp_error *err)
{
	const json_t *end = json_object_get(line, "end");
	const char *where = json_string_value(json_object_get(line, "where"));
	const char *text = json_string_value(json_object_get(line, "text"));
	json_int_t code = json_integer_value(end);

	if (!json_is_integer(end) || code > 0 || code < TP_EUNCERTAIN ||
		(code < 0 && (!where || !text)))
		return tp_fail(err, TP_EPROTO, WHERE,
			"the answer has a line that is no row and no end");
	if (code == 0)
		return TP_QUERY_LINE_END;
	return tp_fail(err, (int)code, where, "%s", text);
}

int tp_query_wire_answer(const char *line, size_t len, enum tp_query_op op,
	const struct tp_query_sink *sink, struct tp_error *err)
{
	json_t *object = read_object(line, len, err, TP_EPROTO);
	const json_t *row;
	int rc;

	if (!object)
		return TP_EPROTO;
	row = json_object_get(object, "row");
	if (json_is_object(row))
		rc = show_row(row, op, sink, err);
	else
		rc = take_end(object, err);
	json_decref(object);
	return rc;
}
