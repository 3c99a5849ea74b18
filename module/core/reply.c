/*
 * reply.c - one SMTP reply
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/reply.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

void tp_reply_parser_init(struct tp_reply_parser *parser)
{
	memset(parser, 0, sizeof(*parser));
	tp_buf_init(&parser->lines, TP_REPLY_BYTES_MAX);
}

void tp_reply_parser_free(struct tp_reply_parser *parser)
{
	tp_buf_free(&parser->lines);
	tp_reply_parser_init(parser);
}

void tp_reply_escape(const char *s, size_t len, char *out, size_t out_bytes)
{
	/* A buffer on fixed memory: its bound is below its size, so it never
	 * asks the allocator, and 4 bytes are kept for "..." and NUL. */
	struct tp_buf buf = { out, 0, out_bytes, out_bytes - 1 };

	out[0] = '\0';
	if (tp_text_escape(&buf, s, len, out_bytes - 4) < 0)
		out[buf.len] = '\0';
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 1 to 3 digits at *AT. @return the value, or -1 */
static int small_number(const char **at)
{
	int value = 0;
	int digits = 0;

	for (; digits < 3 && is_digit(**at); digits++, (*at)++)
		value = value * 10 + (**at - '0');
	return digits > 0 && !is_digit(**at) ? value : -1;
}

size_t tp_enhanced_parse(
	const char *text, int code, struct tp_enhanced *enhanced_out)
{
	struct tp_enhanced found;
	const char *at = text;

	found.cls = small_number(&at);
	if (found.cls != code / 100 ||
		(found.cls != 2 && found.cls != 4 && found.cls != 5) ||
		*at++ != '.')
		return 0;
	found.subject = small_number(&at);
	if (found.subject < 0 || *at++ != '.')
		return 0;
	found.detail = small_number(&at);
	if (found.detail < 0 || (*at != ' ' && *at != '\0'))
		return 0;
	*enhanced_out = found;
	return (size_t)(at - text) + (*at == ' ');
}

void tp_enhanced_format(const struct tp_enhanced *enhanced, char *out)
{
	out[0] = '\0';
	if (enhanced->cls != 0)
		(void)snprintf(out, 16, "%d.%d.%d", enhanced->cls % 10,
			enhanced->subject % 1000, enhanced->detail % 1000);
}

/* A class digit, then what RFC 3463 allows: "2.0.0" and nothing longer. The
 * copy is there because TEXT need not be terminated where the line ends. */
static size_t enhanced_at(
	const char *text, size_t len, int code, struct tp_enhanced *out)
{
	char head[16];
	size_t take = len < sizeof(head) - 1 ? len : sizeof(head) - 1;

	memcpy(head, text, take);
	head[take] = '\0';
	return tp_enhanced_parse(head, code, out);
}

void tp_reply_set(struct tp_reply *reply, int code, const char *text)
{
	size_t skip;

	memset(reply, 0, sizeof(*reply));
	reply->code = code;
	skip = tp_enhanced_parse(text, code, &reply->enhanced);
	tp_reply_escape(text + skip, strlen(text + skip), reply->text,
		sizeof(reply->text));
}

static int bad_line(const struct tp_reply_parser *parser, const char *why,
	struct tp_error *err)
{
	char shown[80];

	tp_reply_escape(parser->line, parser->line_len, shown, sizeof(shown));
	return tp_fail(err, TP_EPROTO, "reply",
		"the server does not speak SMTP: %s, in \"%s\"", why, shown);
}

/* Joins the lines with spaces, enhanced codes left out. The line buffer is
 * free at this point and longer than the text that is kept. */
static void fill_reply(struct tp_reply_parser *parser, struct tp_reply *reply)
{
	const char *at = tp_buf_str(&parser->lines);
	const char *end = at + parser->lines.len;
	size_t joined = 0;

	memset(&reply->enhanced, 0, sizeof(reply->enhanced));
	reply->code = parser->code;
	while (at < end && joined < sizeof(parser->line)) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);
		struct tp_enhanced found = { 0, 0, 0 };
		size_t skip = enhanced_at(at, len, parser->code, &found);
		size_t take = len - skip;

		if (skip > 0 && reply->enhanced.cls == 0)
			reply->enhanced = found;
		if (joined > 0 && take > 0)
			parser->line[joined++] = ' ';
		if (take > sizeof(parser->line) - joined)
			take = sizeof(parser->line) - joined;
		memcpy(parser->line + joined, at + skip, take);
		joined += take;
		at += len + (stop != NULL);
	}
	tp_reply_escape(parser->line, joined, reply->text, sizeof(reply->text));
}

/* Starts the next reply; the lines of this one stay readable. */
static void rewind_parser(struct tp_reply_parser *parser)
{
	parser->line_len = 0;
	parser->code = 0;
	parser->line_count = 0;
	parser->total_bytes = 0;
}

/* Judges the complete line in parser->line.
 * @return 1: it was the last of its reply; 0: more follow; negative */
static int take_line(struct tp_reply_parser *parser, struct tp_reply *reply,
	struct tp_error *err)
{
	const char *line = parser->line;
	size_t len = parser->line_len - 1;
	int last;
	int code;
	int rc;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len < 3 || !is_digit(line[0]) || !is_digit(line[1]) ||
		!is_digit(line[2]))
		return bad_line(parser, "no reply code", err);
	code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	if (code < 200 || code > 599)
		return bad_line(parser, "reply code outside 200-599", err);
	if (len > 3 && line[3] != ' ' && line[3] != '-')
		return bad_line(parser, "no space after the code", err);
	if (parser->line_count > 0 && code != parser->code)
		return bad_line(parser, "lines of one reply differ", err);
	if (++parser->line_count > TP_REPLY_LINES_MAX)
		return bad_line(parser, "too many lines in a reply", err);
	last = len == 3 || line[3] == ' ';
	parser->code = code;
	rc = parser->line_count > 1 ? tp_buf_char(&parser->lines, '\n') : TP_OK;
	if (rc >= 0 && len > 4)
		rc = tp_buf_add(&parser->lines, line + 4, len - 4);
	if (rc < 0)
		return tp_fail(err, rc, "reply", "no memory for a reply");
	parser->line_len = 0;
	if (!last)
		return 0;
	fill_reply(parser, reply);
	rewind_parser(parser);
	return 1;
}

int tp_reply_parser_feed(struct tp_reply_parser *parser, const char *data,
	size_t len, size_t *used_out, struct tp_reply *reply,
	struct tp_error *err)
{
	size_t used = 0;
	int rc = 0;

	if (parser->total_bytes == 0)
		tp_buf_clear(&parser->lines);
	while (rc == 0 && used < len) {
		const char *from = data + used;
		const char *eol = memchr(from, '\n', len - used);
		size_t take = eol ? (size_t)(eol - from) + 1 : len - used;

		if (take > sizeof(parser->line) - parser->line_len) {
			rc = bad_line(parser, "endless line", err);
			break;
		}
		memcpy(parser->line + parser->line_len, from, take);
		parser->line_len += take;
		parser->total_bytes += take;
		used += take;
		if (parser->total_bytes > TP_REPLY_BYTES_MAX)
			rc = bad_line(parser, "reply too long", err);
		else if (eol)
			rc = take_line(parser, reply, err);
	}
	*used_out = used;
	return rc;
}
