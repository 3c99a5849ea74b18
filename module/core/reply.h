/*
 * reply.h - one SMTP reply
 *
 * JOB     Value type, and an incremental parser for the bytes of a server.
 *         RFC 5321 4.2 (replies), RFC 3463 and RFC 2034 (enhanced codes).
 * BOUNDS  line <= 2,048 octets with its end, reply <= 128 lines and <= 16 KiB:
 *         beyond that TP_EPROTO. A reply whose lines differ in code, or a code
 *         outside 200-599, is TP_EPROTO. A bare LF ends a line like CRLF.
 *         After an error the parser is good for nothing but free or init.
 * LAYER   core; libc only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_REPLY_H
#define TP_CORE_REPLY_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

#define TP_REPLY_TEXT_BYTES 512
#define TP_REPLY_LINE_MAX 2048
#define TP_REPLY_LINES_MAX 128
#define TP_REPLY_BYTES_MAX 16384

struct tp_enhanced {
	int cls; /* 2, 4, 5; 0: none given */
	int subject;
	int detail;
};

/* code 0: no reply was received. */
struct tp_reply {
	int code;
	struct tp_enhanced enhanced;
	char text[TP_REPLY_TEXT_BYTES]; /* lines joined with a space, without
					 * codes; controls and invalid UTF-8
					 * escaped; cut with "..." */
};

struct tp_reply_parser {
	struct tp_buf lines; /* complete lines so far, '\n' separated, without
			      * code: EHLO needs them */
	char line[TP_REPLY_LINE_MAX];
	size_t line_len;
	int code;
	int line_count;
	size_t total_bytes;
};

void tp_reply_parser_init(struct tp_reply_parser *parser);
void tp_reply_parser_free(struct tp_reply_parser *parser);
/* Consumes bytes up to the end of one reply.
 * @param used_out how many bytes of DATA were taken
 * @return 1: *reply is complete (parser->lines holds its lines until the next
 *         feed); 0: more bytes needed; TP_EPROTO, TP_ENOMEM */
int tp_reply_parser_feed(struct tp_reply_parser *parser, const char *data,
	size_t len, size_t *used_out, struct tp_reply *reply,
	struct tp_error *err) TP_USE_RESULT;

/* Reads "x.y.z" at the start of TEXT, if its class fits CODE.
 * @return bytes taken including the following space; 0: none */
size_t tp_enhanced_parse(
	const char *text, int code, struct tp_enhanced *enhanced_out);
/* "5.1.1", or "" ; OUT has 16 bytes. */
void tp_enhanced_format(const struct tp_enhanced *enhanced, char *out);

/* Sets code, enhanced code and text by hand (local verdicts, tests). */
void tp_reply_set(struct tp_reply *reply, int code, const char *text);

/* Writes a server's bytes as a printable string of one line: escaped, cut
 * with "...". @param out_bytes size of OUT, at least 8 */
void tp_reply_escape(const char *s, size_t len, char *out, size_t out_bytes);

#endif
