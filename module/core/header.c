/*
 * header.c - walks the header block of a message, field by field
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/header.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

/* One line: its bytes and what follows it. */
struct line {
	const char *start;
	const char *end; /* of the content */
	size_t next;	 /* offset of the following line */
};

void tp_header_begin(struct tp_header_scan *scan, const char *data, size_t len)
{
	*scan = (struct tp_header_scan) { data, len, 0, 0, 0 };
}

static int blank(char c)
{
	return c == ' ' || c == '\t';
}

static int too_big(struct tp_error *err)
{
	return tp_fail(err, TP_ETOOBIG, "header",
		"header block is larger than %d bytes; is the empty line "
		"before the body missing?",
		TP_HEADER_BLOCK_MAX_BYTES);
}

static int check_controls(const struct tp_header_scan *scan,
	const struct line *line, struct tp_error *err)
{
	const char *at;

	for (at = line->start; at < line->end; at++) {
		unsigned char c = (unsigned char)*at;

		if (c >= 0x20 || c == '\t')
			continue;
		if (c == '\r')
			return tp_fail(err, TP_EMESSAGE, "header",
				"line %zu: CR without LF; end lines with CRLF "
				"or LF",
				scan->line + 1);
		return tp_fail(err, TP_EMESSAGE, "header",
			"line %zu: control character 0x%02x; encode the value "
			"(RFC 2047)",
			scan->line + 1, c);
	}
	return TP_OK;
}

/* Looks at the line at scan->at without going past it. */
static int look(const struct tp_header_scan *scan, struct line *line,
	struct tp_error *err)
{
	size_t left = scan->len - scan->at;
	size_t room = TP_HEADER_BLOCK_MAX_BYTES - scan->at;
	size_t window = left < room ? left : room;
	const char *lf;

	line->start = scan->data + scan->at;
	lf = memchr(line->start, '\n', window);
	if (!lf && left > room)
		return too_big(err);
	line->end = lf ? lf : line->start + left;
	line->next = lf ? (size_t)(lf + 1 - scan->data) : scan->len;
	if (lf && line->end > line->start && line->end[-1] == '\r')
		line->end--;
	return check_controls(scan, line, err);
}

static void step(struct tp_header_scan *scan, const struct line *line)
{
	scan->at = line->next;
	scan->line++;
}

static int no_field(const struct tp_header_scan *scan, const struct line *line,
	const char *name_end, struct tp_error *err)
{
	size_t number = scan->line + 1;

	if (blank(*line->start))
		return tp_fail(err, TP_EMESSAGE, "header",
			"line %zu: starts with white space, but there is no "
			"header to continue",
			number);
	if (number == 1 && line->end - line->start >= 5 &&
		memcmp(line->start, "From ", 5) == 0)
		return tp_fail(err, TP_EMESSAGE, "header",
			"line %zu: mbox \"From \" line; remove it", number);
	if (name_end < line->end && blank(*name_end))
		return tp_fail(err, TP_EMESSAGE, "header",
			"line %zu: white space in the header name; a "
			"continued line starts with a space, and an empty "
			"line ends the headers",
			number);
	return tp_fail(err, TP_EMESSAGE, "header",
		"line %zu: not a header (\"Name: value\"); a continued line "
		"starts with a space, and an empty line ends the headers",
		number);
}

static void trim(struct tp_header_field *field, const char *end)
{
	const char *at = field->value;

	while (at < end && (blank(*at) || *at == '\r' || *at == '\n'))
		at++;
	while (end > at &&
		(blank(end[-1]) || end[-1] == '\r' || end[-1] == '\n'))
		end--;
	field->value = at;
	field->value_len = (size_t)(end - at);
}

/* The name and the colon. @return 1 if the line starts a field */
static int split(const struct line *line, struct tp_header_field *field,
	const char **name_end)
{
	const char *at = line->start;

	while (at<line->end && * at> ' ' && *at < 0x7f && *at != ':')
		at++;
	*name_end = at;
	field->start = line->start;
	field->name = line->start;
	field->name_len = (size_t)(at - line->start);
	field->value = at + 1;
	return field->name_len > 0 && at < line->end && *at == ':';
}

int tp_header_next(struct tp_header_scan *scan,
	struct tp_header_field *field_out, struct tp_error *err)
{
	const char *name_end;
	const char *end;
	struct line line;
	int rc;

	if (scan->at == scan->len)
		return 0;
	rc = look(scan, &line, err);
	if (rc < 0)
		return rc;
	if (line.start == line.end) {
		step(scan, &line);
		return 0;
	}
	if (!split(&line, field_out, &name_end))
		return no_field(scan, &line, name_end, err);
	if (++scan->field_count > TP_HEADER_MAX_FIELDS)
		return tp_fail(err, TP_ETOOBIG, "header",
			"more than %d header fields", TP_HEADER_MAX_FIELDS);
	field_out->line = scan->line + 1;
	do {
		end = line.end;
		step(scan, &line);
		if (scan->at == scan->len || !blank(scan->data[scan->at]))
			break;
		rc = look(scan, &line, err);
	} while (rc >= 0);
	if (rc < 0)
		return rc;
	field_out->len = (size_t)(scan->data + scan->at - field_out->start);
	trim(field_out, end);
	return 1;
}

int tp_header_is(const struct tp_header_field *field, const char *name)
{
	return strlen(name) == field->name_len &&
	       tp_strncasecmp(field->name, name, field->name_len) == 0;
}

char *tp_header_unfold(const struct tp_header_field *field)
{
	char *out = tp_alloc(field->value_len + 1);
	size_t used = 0;
	size_t i;

	for (i = 0; out && i < field->value_len; i++)
		if (field->value[i] != '\r' && field->value[i] != '\n')
			out[used++] = field->value[i];
	return out;
}
