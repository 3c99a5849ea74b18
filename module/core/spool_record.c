/*
 * spool_record.c - one spooled submission, as bytes
 *
 * There is one spelling of a record: keys in the order of the table below,
 * numbers without leading zeros, one space. So whatever can be read is, written
 * again, the same bytes, and a key that comes twice is a key out of order.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/spool_record.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define MAGIC "tillpost-spool "
#define VERSION_LINE MAGIC "1\n"
#define TAIL_MARK "end "
#define KEY_MAX_BYTES 24

enum key {
	KEY_QUEUE_ID,
	KEY_ACCEPTED_MS,
	KEY_MESSAGE_ID,
	KEY_SENDER,
	KEY_RECIPIENT,
	KEY_HEADER_RECIPIENTS,
	KEY_STORE,
	KEY_RUN_CODE,
	KEY_HTTP_HOST,
	KEY_DEDUP_KEY,
	KEY_EXPIRES_MS,
	KEY_DATA_BYTES,
	KEY_COUNT
};

static const char *const key_names[KEY_COUNT] = {
	[KEY_QUEUE_ID] = "queue-id",
	[KEY_ACCEPTED_MS] = "accepted-ms",
	[KEY_MESSAGE_ID] = "message-id",
	[KEY_SENDER] = "sender",
	[KEY_RECIPIENT] = "recipient",
	[KEY_HEADER_RECIPIENTS] = "header-recipients",
	[KEY_STORE] = "store",
	[KEY_RUN_CODE] = "run-code",
	[KEY_HTTP_HOST] = "http-host",
	[KEY_DEDUP_KEY] = "dedup-key",
	[KEY_EXPIRES_MS] = "expires-ms",
	[KEY_DATA_BYTES] = "data-bytes",
};

/* Empty means something for these; for the others it would be a mistake. */
static int may_be_empty(enum key key)
{
	return key != KEY_MESSAGE_ID && key != KEY_RECIPIENT;
}

static int has_control(const char *value, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return 1;
	return 0;
}

/* ---- writing ------------------------------------------------------------ */

static int bad_field(struct tp_error *err, enum key key, const char *what)
{
	return tp_fail(err, TP_EINVAL, key_names[key], "%s", what);
}

/* NULL: the line is left out. */
static int add_text(struct tp_buf *out, enum key key, const char *value,
	struct tp_error *err)
{
	size_t len;

	if (!value)
		return TP_OK;
	len = strlen(value);
	if (len > TP_SPOOL_VALUE_MAX_BYTES)
		return tp_fail(err, TP_EINVAL, key_names[key],
			"is longer than %d bytes", TP_SPOOL_VALUE_MAX_BYTES);
	if (len == 0 && !may_be_empty(key))
		return bad_field(err, key, "is empty");
	if (has_control(value, len))
		return bad_field(err, key, "has a control character in it");
	return tp_buf_printf(out, "%s %s\n", key_names[key], value);
}

static int add_number(
	struct tp_buf *out, enum key key, int64_t value, struct tp_error *err)
{
	if (value < 0)
		return bad_field(err, key, "is negative");
	return tp_buf_printf(
		out, "%s %lld\n", key_names[key], (long long)value);
}

static int add_recipients(const struct tp_spool_record *record,
	struct tp_buf *out, struct tp_error *err)
{
	size_t i;
	int rc = TP_OK;

	if (record->recipient_count > TP_SPOOL_RCPT_MAX_COUNT)
		return tp_fail(err, TP_ETOOBIG, key_names[KEY_RECIPIENT],
			"more than %d recipients; send several messages",
			TP_SPOOL_RCPT_MAX_COUNT);
	for (i = 0; i < record->recipient_count && rc >= 0; i++)
		rc = record->recipients[i]
			     ? add_text(out, KEY_RECIPIENT,
				       record->recipients[i], err)
			     : bad_field(err, KEY_RECIPIENT, "is missing");
	return rc;
}

static int add_head(const struct tp_spool_record *record, struct tp_buf *out,
	struct tp_error *err)
{
	int rc = tp_buf_str_add(out, VERSION_LINE);

	if (rc >= 0)
		rc = add_text(out, KEY_QUEUE_ID, record->queue_id, err);
	if (rc >= 0)
		rc = add_number(out, KEY_ACCEPTED_MS, record->accepted_ms, err);
	if (rc >= 0)
		rc = add_text(out, KEY_MESSAGE_ID, record->message_id, err);
	if (rc >= 0)
		rc = add_text(out, KEY_SENDER, record->sender, err);
	if (rc >= 0)
		rc = add_recipients(record, out, err);
	if (rc >= 0 && record->header_recipients)
		rc = tp_buf_printf(
			out, "%s\n", key_names[KEY_HEADER_RECIPIENTS]);
	if (rc >= 0)
		rc = add_text(out, KEY_STORE, record->store, err);
	if (rc >= 0)
		rc = add_text(out, KEY_RUN_CODE, record->run_code, err);
	if (rc >= 0)
		rc = add_text(out, KEY_HTTP_HOST, record->http_host, err);
	if (rc >= 0)
		rc = add_text(out, KEY_DEDUP_KEY, record->dedup_key, err);
	if (rc >= 0 && record->expires_ms != 0)
		rc = add_number(out, KEY_EXPIRES_MS, record->expires_ms, err);
	if (rc >= 0)
		rc = tp_buf_printf(out, "%s %zu\n\n", key_names[KEY_DATA_BYTES],
			record->data_bytes);
	return rc;
}

int tp_spool_head(const struct tp_spool_record *record, struct tp_buf *head_out,
	struct tp_error *err)
{
	size_t start = head_out->len;
	int rc;

	if (!tp_queue_id_valid(record->queue_id))
		return bad_field(err, KEY_QUEUE_ID, "is not a queue id");
	if (record->data_bytes > TP_SPOOL_DATA_MAX_BYTES)
		return tp_fail(err, TP_ETOOBIG, key_names[KEY_DATA_BYTES],
			"more than %u bytes", TP_SPOOL_DATA_MAX_BYTES);
	rc = add_head(record, head_out, err);
	if (rc >= 0 && head_out->len - start > TP_SPOOL_HEAD_MAX_BYTES)
		rc = TP_ETOOBIG;
	if (rc == TP_ENOMEM)
		return tp_fail(err, rc, "spool", "out of memory");
	if (rc == TP_ETOOBIG)
		return tp_fail(err, rc, key_names[KEY_RECIPIENT],
			"the envelope is longer than %u bytes; send several "
			"messages",
			TP_SPOOL_HEAD_MAX_BYTES);
	return rc;
}

void tp_spool_tail(uint32_t checksum, char tail_out[TP_SPOOL_TAIL_BYTES])
{
	char text[TP_SPOOL_TAIL_BYTES + 1];

	(void)snprintf(text, sizeof(text), TAIL_MARK "%08lx\n",
		(unsigned long)checksum);
	memcpy(tail_out, text, TP_SPOOL_TAIL_BYTES);
}

/* ---- reading ------------------------------------------------------------ */

/* What is left of the head. */
struct scan {
	char *at;
	char *end;
	unsigned line; /* number of the line before AT, from 1 */
	int next_key;  /* keys below have had their place */
	struct tp_error *err;
};

/* A line without its LF, which is a NUL now. */
struct line {
	enum key key;
	char *value;
};

static int damaged(struct scan *scan, const char *what)
{
	return tp_fail(scan->err, TP_EIO, "spool file", "line %u: %s",
		scan->line, what);
}

/* @return the key whose name is the LEN bytes at NAME, or -1 */
static int find_key(const char *name, size_t len)
{
	int key;

	for (key = 0; key < KEY_COUNT; key++)
		if (strlen(key_names[key]) == len &&
			memcmp(key_names[key], name, len) == 0)
			return key;
	return -1;
}

/* Splits "key value"; the flag is a key alone. */
static int split_line(
	struct scan *scan, char *text, size_t len, struct line *out)
{
	size_t name_max = len < KEY_MAX_BYTES ? len : KEY_MAX_BYTES;
	char *space = memchr(text, ' ', name_max);
	size_t name_len = space ? (size_t)(space - text) : len;
	size_t value_len = space ? len - name_len - 1 : 0;
	int key = find_key(text, name_len);

	if (key < 0)
		return damaged(scan, "unknown key");
	if ((key == KEY_HEADER_RECIPIENTS) != !space)
		return damaged(scan, "a value is missing or too much");
	if (key < scan->next_key)
		return damaged(scan, "a key comes twice or out of order");
	if (value_len > TP_SPOOL_VALUE_MAX_BYTES)
		return damaged(scan, "the value is too long");
	out->key = (enum key)key;
	out->value = space ? space + 1 : text + len;
	if (value_len == 0 && space && !may_be_empty(out->key))
		return damaged(scan, "the value is empty");
	if (has_control(out->value, value_len))
		return damaged(scan, "a control character");
	scan->next_key = key == KEY_RECIPIENT ? key : key + 1;
	return TP_OK;
}

/* @return 1: a line; 0: the empty line that ends the head */
static int next_line(struct scan *scan, struct line *out)
{
	char *lf = memchr(scan->at, '\n', (size_t)(scan->end - scan->at));
	size_t len;
	int rc;

	scan->line++;
	if (!lf)
		return damaged(scan, "the head has no end");
	len = (size_t)(lf - scan->at);
	if (len > 0) {
		rc = split_line(scan, scan->at, len, out);
		if (rc < 0)
			return rc;
		*lf = '\0';
		rc = 1;
	} else {
		rc = 0;
	}
	scan->at = lf + 1;
	return rc;
}

/* @return 0, or -1: not the one spelling of a number of 0 or more */
static int parse_number(const char *value, int64_t *out)
{
	int64_t number = 0;

	if (*value == '\0' || (*value == '0' && value[1] != '\0'))
		return -1;
	for (; *value; value++) {
		int digit = *value - '0';

		if (digit < 0 || digit > 9 || number > (INT64_MAX - digit) / 10)
			return -1;
		number = number * 10 + digit;
	}
	*out = number;
	return 0;
}

/* Recipients stand together, so the first one tells how many there are. */
static size_t count_recipients(const struct scan *scan)
{
	const char *name = key_names[KEY_RECIPIENT];
	size_t name_len = strlen(name);
	const char *at = scan->at;
	size_t count = 1;

	while ((size_t)(scan->end - at) > name_len &&
		memcmp(at, name, name_len) == 0 && at[name_len] == ' ') {
		const char *lf = memchr(at, '\n', (size_t)(scan->end - at));

		if (!lf)
			break;
		at = lf + 1;
		count++;
	}
	return count;
}

static int take_recipient(
	struct scan *scan, const char *value, struct tp_spool_record *record)
{
	const char **list = (const char **)record->recipients;

	if (!list) {
		size_t count = count_recipients(scan);

		if (count > TP_SPOOL_RCPT_MAX_COUNT)
			return damaged(scan, "too many recipients");
		list = tp_calloc(count, sizeof(*list));
		if (!list)
			return tp_fail(scan->err, TP_ENOMEM, "spool file",
				"out of memory");
		record->recipients = list;
	}
	list[record->recipient_count++] = value;
	return TP_OK;
}

static int take_number(struct scan *scan, const struct line *line, int64_t min,
	int64_t max, int64_t *out)
{
	if (parse_number(line->value, out) < 0 || *out < min || *out > max) {
		return damaged(scan, "not a number, or out of range");
	}
	return TP_OK;
}

static int take_queue_id(
	struct scan *scan, const char *value, struct tp_spool_record *record)
{
	if (!tp_queue_id_valid(value)) {
		return damaged(scan, "not a queue id");
	}
	memcpy(record->queue_id, value, TP_QUEUE_ID_BYTES);
	return TP_OK;
}

static int take_line(struct scan *scan, const struct line *line,
	struct tp_spool_record *record)
{
	int64_t bytes = 0;
	int rc;

	switch (line->key) {
	case KEY_QUEUE_ID:
		return take_queue_id(scan, line->value, record);
	case KEY_ACCEPTED_MS:
		return take_number(
			scan, line, 0, INT64_MAX, &record->accepted_ms);
	case KEY_MESSAGE_ID:
		record->message_id = line->value;
		break;
	case KEY_SENDER:
		record->sender = line->value;
		break;
	case KEY_RECIPIENT:
		return take_recipient(scan, line->value, record);
	case KEY_HEADER_RECIPIENTS:
		record->header_recipients = 1;
		break;
	case KEY_STORE:
		record->store = line->value;
		break;
	case KEY_RUN_CODE:
		record->run_code = line->value;
		break;
	case KEY_HTTP_HOST:
		record->http_host = line->value;
		break;
	case KEY_DEDUP_KEY:
		record->dedup_key = line->value;
		break;
	case KEY_EXPIRES_MS:
		return take_number(
			scan, line, 1, INT64_MAX, &record->expires_ms);
	case KEY_DATA_BYTES:
		rc = take_number(
			scan, line, 0, TP_SPOOL_DATA_MAX_BYTES, &bytes);
		record->data_bytes = (size_t)bytes;
		return rc;
	case KEY_COUNT:
		break;
	}
	return TP_OK;
}

static int parse_head(struct scan *scan, struct tp_spool_record *record)
{
	unsigned seen = 0;
	unsigned must = 1u << KEY_QUEUE_ID | 1u << KEY_ACCEPTED_MS |
			1u << KEY_DATA_BYTES;
	struct line line = { KEY_COUNT, NULL };
	int rc;

	while ((rc = next_line(scan, &line)) == 1) {
		seen |= 1u << line.key;
		rc = take_line(scan, &line, record);
		if (rc < 0)
			break;
	}
	if (rc >= 0 && (seen & must) != must)
		rc = damaged(
			scan, "queue-id, accepted-ms or data-bytes is missing");
	return rc;
}

/* The version comes first: another one may have another end, too. */
static int check_frame(const char *bytes, size_t bytes_len, uint32_t checksum,
	struct tp_error *err)
{
	size_t magic_len = strlen(MAGIC);
	size_t version_len = strlen(VERSION_LINE);
	char tail[TP_SPOOL_TAIL_BYTES];
	const char *end;

	if (bytes_len < magic_len || memcmp(bytes, MAGIC, magic_len) != 0)
		return tp_fail(err, TP_EIO, "spool file",
			"does not begin like a spool file");
	if (bytes_len < version_len + TP_SPOOL_TAIL_BYTES)
		return tp_fail(err, TP_EIO, "spool file", "is cut off");
	if (memcmp(bytes, VERSION_LINE, version_len) != 0)
		return tp_fail(err, TP_EUNSUPPORTED, "spool file",
			"is of another version; this one knows version 1");
	end = bytes + bytes_len - TP_SPOOL_TAIL_BYTES;
	if (memcmp(end, TAIL_MARK, strlen(TAIL_MARK)) != 0)
		return tp_fail(err, TP_EIO, "spool file",
			"is cut off: it has no end line");
	tp_spool_tail(checksum, tail);
	if (memcmp(end, tail, sizeof(tail)) != 0)
		return tp_fail(err, TP_EIO, "spool file",
			"is damaged: the checksum does not match");
	return TP_OK;
}

int tp_spool_parse(char *bytes, size_t bytes_len, uint32_t checksum,
	struct tp_spool_record *record_out, struct tp_error *err)
{
	struct scan scan = { .err = err, .line = 1 };
	size_t body_len;
	char *body_end;
	int rc;

	memset(record_out, 0, sizeof(*record_out));
	rc = check_frame(bytes, bytes_len, checksum, err);
	if (rc < 0)
		return rc;
	body_len = bytes_len - TP_SPOOL_TAIL_BYTES;
	body_end = bytes + body_len;
	scan.at = bytes + strlen(VERSION_LINE);
	scan.end = body_len > TP_SPOOL_HEAD_MAX_BYTES
			   ? bytes + TP_SPOOL_HEAD_MAX_BYTES
			   : body_end;
	rc = parse_head(&scan, record_out);
	if (rc >= 0 && record_out->data_bytes != (size_t)(body_end - scan.at))
		rc = tp_fail(err, TP_EIO, "spool file",
			"data-bytes says %zu, but there are %zu",
			record_out->data_bytes, (size_t)(body_end - scan.at));
	if (rc < 0)
		tp_spool_record_free(record_out);
	else
		record_out->data = scan.at;
	return rc;
}

void tp_spool_record_free(struct tp_spool_record *record)
{
	tp_free((void *)record->recipients);
	memset(record, 0, sizeof(*record));
}
