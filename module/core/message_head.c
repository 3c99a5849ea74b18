/*
 * message_head.c - which header fields go out, and in which form
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/message_head.h"

#include "base/mem.h"
#include "core/address.h"
#include "core/message_lines.h"
#include "core/phrase.h"

#include <stdint.h>
#include <string.h>

enum repeat {
	REPEAT_DROPS,	/* never written at all */
	REPEAT_REFUSED, /* a second one is an error */
	REPEAT_SAME,	/* a second one must say the same, and is dropped */
	REPEAT_MERGES	/* lists of addresses: become one field */
};

static const struct {
	const char *name;
	enum repeat repeat;
	int must_say; /* without a value it counts as missing */
} rules[TP_HEAD_OTHER] = {
	[TP_HEAD_FROM] = { "From", REPEAT_REFUSED, 1 },
	[TP_HEAD_DATE] = { "Date", REPEAT_SAME, 1 },
	[TP_HEAD_MESSAGE_ID] = { "Message-ID", REPEAT_SAME, 1 },
	[TP_HEAD_TO] = { "To", REPEAT_MERGES, 0 },
	[TP_HEAD_CC] = { "Cc", REPEAT_MERGES, 0 },
	[TP_HEAD_BCC] = { "Bcc", REPEAT_DROPS, 0 },
	[TP_HEAD_REPLY_TO] = { "Reply-To", REPEAT_MERGES, 1 },
	[TP_HEAD_SENDER] = { "Sender", REPEAT_SAME, 0 },
	[TP_HEAD_SUBJECT] = { "Subject", REPEAT_SAME, 0 },
	[TP_HEAD_IN_REPLY_TO] = { "In-Reply-To", REPEAT_SAME, 0 },
	[TP_HEAD_REFERENCES] = { "References", REPEAT_SAME, 0 },
	[TP_HEAD_DISPOSITION_NOTIFICATION_TO] = { "Disposition-Notification-To",
		REPEAT_SAME, 0 },
	[TP_HEAD_RESENT_BCC] = { "Resent-Bcc", REPEAT_DROPS, 0 },
	[TP_HEAD_RETURN_PATH] = { "Return-Path", REPEAT_DROPS, 0 },
	[TP_HEAD_ORIGINAL_RECIPIENT] = { "Original-Recipient", REPEAT_DROPS,
		0 },
	[TP_HEAD_RESENT_REPLY_TO] = { "Resent-Reply-To", REPEAT_DROPS, 0 },
};

static enum tp_message_head_id identify(const struct tp_header_field *field)
{
	size_t id;

	for (id = 0; id < TP_HEAD_OTHER; id++)
		if (tp_header_is(field, rules[id].name))
			break;
	return (enum tp_message_head_id)id;
}

static int same_value(
	const struct tp_header_field *a, const struct tp_header_field *b)
{
	return a->value_len == b->value_len &&
	       memcmp(a->value, b->value, a->value_len) == 0;
}

/* ---- reading ------------------------------------------------------------ */

static int grow(struct tp_message_head *head, struct tp_error *err)
{
	size_t cap = head->cap ? head->cap * 2 : 16;
	struct tp_message_head_entry *entries;

	if (head->count < head->cap)
		return TP_OK;
	entries = tp_realloc(head->entries, cap * sizeof(*entries));
	if (!entries)
		return tp_fail(err, TP_ENOMEM, "header", "out of memory");
	head->entries = entries;
	head->cap = cap;
	return TP_OK;
}

/* Decides on a further field of the same name. */
static int repeated(const struct tp_header_field *first,
	struct tp_message_head_entry *entry, struct tp_error *err)
{
	enum repeat repeat = rules[entry->id].repeat;

	if (repeat == REPEAT_REFUSED ||
		(repeat == REPEAT_SAME && !same_value(first, &entry->field)))
		return tp_fail(err, TP_EMESSAGE, rules[entry->id].name,
			"line %zu: a second %s header, the first is on line "
			"%zu; remove one",
			entry->field.line, rules[entry->id].name, first->line);
	entry->written = 0;
	return TP_OK;
}

static int decide(struct tp_message_head *head,
	struct tp_message_head_entry *entry, const char *store_header,
	struct tp_error *err)
{
	enum tp_message_head_id id = entry->id;

	if (store_header && tp_header_is(&entry->field, store_header)) {
		entry->id = TP_HEAD_OTHER;
		entry->written = 0;
		return TP_OK;
	}
	if (id == TP_HEAD_OTHER)
		return TP_OK;
	if (rules[id].must_say && entry->field.value_len == 0) {
		entry->id = TP_HEAD_OTHER;
		entry->written = 0;
		return TP_OK;
	}
	head->seen[id]++;
	if (head->first[id] == 0)
		head->first[id] = head->count + 1;
	else if (rules[id].repeat != REPEAT_DROPS)
		return repeated(tp_message_head_find(head, id), entry, err);
	if (rules[id].repeat == REPEAT_DROPS)
		entry->written = 0;
	return TP_OK;
}

int tp_message_head_read(const char *data, size_t len, const char *store_header,
	struct tp_message_head *head_out, struct tp_error *err)
{
	struct tp_message_head_entry entry;
	struct tp_header_scan scan;
	int rc;

	memset(head_out, 0, sizeof(*head_out));
	tp_header_begin(&scan, data, len);
	while ((rc = tp_header_next(&scan, &entry.field, err)) == 1) {
		entry.id = identify(&entry.field);
		entry.written = 1;
		rc = decide(head_out, &entry, store_header, err);
		if (rc >= 0)
			rc = grow(head_out, err);
		if (rc < 0)
			return rc;
		head_out->entries[head_out->count++] = entry;
	}
	head_out->body_at = scan.at;
	return rc;
}

const struct tp_header_field *tp_message_head_find(
	const struct tp_message_head *head, enum tp_message_head_id id)
{
	size_t first = head->first[id];

	return first > 0 ? &head->entries[first - 1].field : NULL;
}

void tp_message_head_free(struct tp_message_head *head)
{
	tp_free(head->entries);
	memset(head, 0, sizeof(*head));
}

/* ---- writing ------------------------------------------------------------ */

/* Whole lines, with CRLF. */
static int lines_add(struct tp_buf *out, const char *data, size_t len)
{
	struct tp_message_lines lines;
	int rc;

	tp_message_lines_measure(data, len, &lines);
	rc = tp_buf_reserve(out, lines.out_len);
	if (rc < 0)
		return rc;
	tp_message_lines_copy(&lines, data, len, out->data + out->len);
	out->len += lines.out_len;
	out->data[out->len] = '\0';
	return TP_OK;
}

/* A list without the commas after its last address. */
static size_t list_len(const struct tp_header_field *field)
{
	size_t len = field->value_len;

	while (len > 0 && strchr(", \t\r\n", field->value[len - 1]))
		len--;
	return len;
}

/* Joining lists that do not parse could give them another meaning. */
static int check_list(
	const struct tp_message_head_entry *entry, struct tp_error *err)
{
	struct tp_error why = TP_ERROR_INIT;

	if (tp_address_list_parse(entry->field.value, entry->field.value_len,
		    SIZE_MAX, "", NULL, &why) == TP_OK)
		return TP_OK;
	return tp_fail(err, TP_EADDRESS, rules[entry->id].name,
		"line %zu: one of several %s headers, cannot be joined: %s",
		entry->field.line, rules[entry->id].name, why.text);
}

static int merged_add(const struct tp_message_head *head, size_t first,
	struct tp_buf *out, struct tp_error *err)
{
	const struct tp_header_field *name = &head->entries[first].field;
	const struct tp_header_field *before = NULL;
	int rc = tp_buf_add(out, name->name, name->name_len + 1);
	size_t i;

	for (i = first; i < head->count && rc >= 0; i++) {
		const struct tp_message_head_entry *entry = &head->entries[i];

		if (entry->id != head->entries[first].id)
			continue;
		rc = check_list(entry, err);
		if (rc < 0 || list_len(&entry->field) == 0 ||
			(before && same_value(before, &entry->field)))
			continue;
		rc = tp_buf_str_add(out, before ? ",\r\n " : " ");
		if (rc >= 0)
			rc = lines_add(out, entry->field.value,
				list_len(&entry->field));
		/* lines_add() ended the line; the list may go on */
		if (rc >= 0)
			out->len -= 2;
		before = before ? before : &entry->field;
	}
	return rc < 0 ? rc : tp_buf_str_add(out, "\r\n");
}

static int from_add(const struct tp_message_head_entry *entry,
	const struct tp_message_head_plan *plan, struct tp_buf *out)
{
	int rc = tp_phrase_mailbox_add(
		out, "From", plan->from_name, plan->from_addr);

	if (rc < 0 || !plan->reply_to)
		return rc;
	rc = tp_buf_str_add(out, "Reply-To: ");
	if (rc < 0)
		return rc;
	return lines_add(out, entry->field.value, entry->field.value_len);
}

static int entry_add(const struct tp_message_head *head, size_t index,
	const struct tp_message_head_plan *plan, struct tp_buf *out,
	struct tp_error *err)
{
	const struct tp_message_head_entry *entry = &head->entries[index];
	enum tp_message_head_id id = entry->id;

	if (!entry->written)
		return TP_OK;
	if (id == TP_HEAD_FROM && plan->from_addr)
		return from_add(entry, plan, out);
	if (id != TP_HEAD_OTHER && rules[id].repeat == REPEAT_MERGES &&
		head->seen[id] > 1)
		return merged_add(head, index, out, err);
	return lines_add(out, entry->field.start, entry->field.len);
}

/* New fields stand above the old ones, where a signature made before does
 * not look. */
static int missing_add(const struct tp_message_head *head,
	const struct tp_message_head_plan *plan, struct tp_buf *out)
{
	int rc = TP_OK;

	if (!tp_message_head_find(head, TP_HEAD_DATE))
		rc = tp_buf_printf(out, "Date: %s\r\n", plan->date);
	if (rc >= 0 && plan->from_addr &&
		!tp_message_head_find(head, TP_HEAD_FROM))
		rc = tp_phrase_mailbox_add(
			out, "From", plan->from_name, plan->from_addr);
	if (rc >= 0 && !tp_message_head_find(head, TP_HEAD_MESSAGE_ID))
		rc = tp_buf_printf(out, "Message-ID: %s\r\n", plan->message_id);
	return rc;
}

static size_t written_count(const struct tp_message_head *head,
	const struct tp_message_head_plan *plan)
{
	size_t count = plan->reply_to ? 1 : 0;
	size_t i;

	for (i = 0; i < head->count; i++)
		count += head->entries[i].written ? 1 : 0;
	for (i = TP_HEAD_FROM; i <= TP_HEAD_MESSAGE_ID; i++)
		count += head->first[i] == 0 ? 1 : 0;
	return count;
}

int tp_message_head_write(const struct tp_message_head *head,
	const struct tp_message_head_plan *plan, struct tp_buf *out,
	struct tp_error *err)
{
	int rc;
	size_t i;

	if (written_count(head, plan) > TP_HEADER_MAX_FIELDS)
		return tp_fail(err, TP_ETOOBIG, "header",
			"more than %d header fields", TP_HEADER_MAX_FIELDS);
	rc = missing_add(head, plan, out);
	for (i = 0; i < head->count && rc >= 0; i++)
		rc = entry_add(head, i, plan, out, err);
	if (rc >= 0)
		rc = tp_buf_str_add(out, "\r\n");
	if (rc == TP_ETOOBIG)
		return tp_fail(err, rc, "header",
			"header block is larger than %zu bytes", out->max);
	if (rc < 0)
		return tp_fail(err, rc, "header", "%s", tp_err_text(rc));
	return TP_OK;
}
