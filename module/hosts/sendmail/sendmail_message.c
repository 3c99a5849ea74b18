/*
 * sendmail_message.c - what sendmail commands do to a message before queueing
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail_message.h"

#include "common/report.h"
#include "common/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An encoded word is at most 75 characters (RFC 2047 2): the frame takes 12,
 * and one character of the name up to 12. */
#define WORD_FRAME "=?UTF-8?Q?"
#define WORD_FILL_MAX 50
#define FROM_MAX_BYTES 4096

/* ---- the dot ------------------------------------------------------------ */

static int is_dot(const char *line, size_t len)
{
	return (len == 1 || (len == 2 && line[1] == '\r')) && line[0] == '.';
}

size_t tp_sendmail_find_dot(
	const char *data, size_t len, int at_eof, size_t *scanned)
{
	while (*scanned < len) {
		const char *line = data + *scanned;
		const char *end = memchr(line, '\n', len - *scanned);
		size_t line_len = end ? (size_t)(end - line) : len - *scanned;

		if (!end && !at_eof)
			break;
		if (is_dot(line, line_len))
			return *scanned;
		*scanned += line_len + (end ? 1 : 0);
	}
	return SIZE_MAX;
}

size_t tp_sendmail_unstuff(char *data, size_t len)
{
	size_t from = 0;
	size_t to = 0;

	while (from < len) {
		const char *end = memchr(data + from, '\n', len - from);
		size_t line =
			end ? (size_t)(end - data) + 1 - from : len - from;

		if (line >= 2 && data[from] == '.' && data[from + 1] == '.') {
			from++;
			line--;
		}
		if (to != from)
			memmove(data + to, data + from, line);
		from += line;
		to += line;
	}
	return to;
}

/* ---- what is there ------------------------------------------------------ */

struct view {
	size_t start;	 /* behind the line of a mailbox file */
	int has_header;	 /* the first line is a field */
	int has_from;	 /* with an "@" */
	size_t from_at;	 /* of one without */
	size_t from_len; /* 0: there is none */
};

/* @return the length of the line at AT with its LF */
static size_t line_at(const char *data, size_t len, size_t at)
{
	const char *end = memchr(data + at, '\n', len - at);

	return end ? (size_t)(end - data) + 1 - at : len - at;
}

static int starts(const char *line, size_t len, const char *with)
{
	size_t with_len = strlen(with);

	return len >= with_len && memcmp(line, with, with_len) == 0;
}

/* @return the length of the field's name, 0 if LINE is no field
 * @source RFC 5322 2.2; blanks before the colon: 4.5 */
static size_t name_of(const char *line, size_t len)
{
	size_t name = 0;
	size_t at;

	while (name < len && line[name] > 0x20 && line[name] < 0x7f &&
		line[name] != ':')
		name++;
	for (at = name; at < len && (line[at] == ' ' || line[at] == '\t'); at++)
		;
	return at < len && line[at] == ':' ? name : 0;
}

/* The field at AT with its continuation lines. */
static size_t field_at(const char *data, size_t len, size_t at)
{
	size_t field = line_at(data, len, at);

	while (at + field < len &&
		(data[at + field] == ' ' || data[at + field] == '\t'))
		field += line_at(data, len, at + field);
	return field;
}

/* @return where the message begins: behind the line of a mailbox file, if it
 *         is one, and not the first line of a text or a field */
static size_t start_of(const char *data, size_t len)
{
	size_t line;

	if (!starts(data, len, "From ") && !starts(data, len, ">From "))
		return 0;
	line = line_at(data, len, 0);
	if (name_of(data, len) > 0 || name_of(data + line, len - line) == 0)
		return 0;
	return line;
}

static void look(const char *data, size_t len, struct view *view)
{
	size_t at = start_of(data, len);

	*view = (struct view) { .start = at };
	/* An empty line first is an empty header: that is one, too. */
	view->has_header = at == len || data[at] == '\n' || data[at] == '\r' ||
			   name_of(data + at, len - at) > 0;
	while (view->has_header && at < len) {
		size_t name = name_of(data + at, len - at);
		size_t field = field_at(data, len, at);

		if (name == 0)
			break;
		if (name == 4 && strncasecmp(data + at, "From", 4) == 0) {
			view->has_from = memchr(data + at, '@', field) != NULL;
			view->from_at = at;
			view->from_len = view->has_from ? 0 : field;
			break;
		}
		at += field;
	}
}

/* ---- From --------------------------------------------------------------- */

/* A line in the making; what does not fit makes it useless, not wrong. */
struct line {
	char text[FROM_MAX_BYTES];
	size_t len;
	int full;
};

static void put(struct line *line, const char *text, size_t len)
{
	if (line->full || len > sizeof(line->text) - line->len) {
		line->full = 1;
		return;
	}
	memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* @return 1 ASCII, 2 UTF-8, 0 something that must not be shown */
static int kind_of(const char *name)
{
	int kind = 1;
	char step[TP_TEXT_STEP_BYTES];

	while (*name != '\0') {
		size_t len = tp_text_step(name, step);

		if (len > 1)
			kind = 2;
		if (memcmp(step, name, len) != 0 || step[len] != '\0')
			return 0;
		name += len;
	}
	return kind;
}

static void put_quoted(struct line *line, const char *name)
{
	put_text(line, "\"");
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			put_text(line, "\\");
		put(line, name, 1);
	}
	put_text(line, "\"");
}

/* Q encoding, whole characters to a word (RFC 2047 4.2, 5). */
static void put_encoded(struct line *line, const char *name)
{
	size_t fill = 0;
	char step[TP_TEXT_STEP_BYTES];

	put_text(line, WORD_FRAME);
	while (*name != '\0') {
		size_t len = tp_text_step(name, step);
		size_t i;

		if (fill > WORD_FILL_MAX) {
			put_text(line, "?=\r\n " WORD_FRAME);
			fill = 0;
		}
		for (i = 0; i < len; i++) {
			char hex[4];

			(void)snprintf(hex, sizeof(hex), "=%02X",
				(unsigned int)(unsigned char)name[i]);
			put_text(line, hex);
		}
		fill += 3 * len;
		name += len;
	}
	put_text(line, "?=");
}

static void make_from(
	struct line *line, const char *sender, const char *full_name)
{
	int kind = full_name ? kind_of(full_name) : 0;

	if (!sender || sender[0] == '\0')
		return;
	put_text(line, "From: ");
	if (kind == 1 && full_name[0] != '\0')
		put_quoted(line, full_name);
	else if (kind == 2)
		put_encoded(line, full_name);
	put_text(line, kind > 0 ? " <" : "<");
	put_text(line, sender);
	put_text(line, ">\r\n");
	if (line->full)
		line->len = 0;
}

/* ---- the whole ---------------------------------------------------------- */

static char *append(char *at, const char *data, size_t len)
{
	if (len > 0)
		memcpy(at, data, len);
	return at + len;
}

int32_t tp_sendmail_message_make(const char *data, size_t len,
	const char *sender, const char *full_name,
	struct tp_sendmail_message *message_out, struct tillpost_error *err)
{
	struct line from = { .len = 0 };
	struct view view;
	char *at;

	look(data, len, &view);
	if (!view.has_from && len > view.start)
		make_from(&from, sender, full_name);
	*message_out = (struct tp_sendmail_message) { .data = data + view.start,
		.len = len - view.start };
	if (from.len == 0 && view.from_len == 0 && view.has_header)
		return TILLPOST_OK;
	message_out->made = malloc(from.len + 2 + len);
	if (!message_out->made)
		return tp_report_set(
			err, TILLPOST_ENOMEM, "message", "out of memory");
	at = append(message_out->made, from.text, from.len);
	if (!view.has_header)
		at = append(at, "\r\n", 2);
	if (view.from_len > 0) {
		at = append(at, data + view.start, view.from_at - view.start);
		view.start = view.from_at + view.from_len;
	}
	at = append(at, data + view.start, len - view.start);
	message_out->data = message_out->made;
	message_out->len = (size_t)(at - message_out->made);
	return TILLPOST_OK;
}

void tp_sendmail_message_free(struct tp_sendmail_message *message)
{
	free(message->made);
	*message = (struct tp_sendmail_message) { .data = NULL };
}
