/*
 * reply_fuzz.c - any bytes as a server's replies
 *
 * JOB     The same bytes, whole and cut in pieces, must give the same replies
 *         and stay inside every bound.
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"
#include "core/reply.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	int replies;
	int last; /* 0, or the error */
	long codes;
	struct tp_reply reply;
};

static void need(int good)
{
	if (!good)
		abort();
}

static void check(const struct tp_reply *reply)
{
	char enhanced[16];

	need(reply->code >= 200 && reply->code <= 599);
	need(memchr(reply->text, '\0', sizeof(reply->text)) != NULL);
	need(tp_utf8_valid(reply->text, strlen(reply->text)));
	need(strpbrk(reply->text, "\r\n\033") == NULL);
	need(reply->enhanced.cls == 0 ||
		reply->enhanced.cls == reply->code / 100);
	tp_enhanced_format(&reply->enhanced, enhanced);
	need(strlen(enhanced) < sizeof(enhanced));
}

static struct outcome parse(const char *data, size_t size, size_t piece)
{
	struct tp_reply_parser parser;
	struct outcome outcome = { 0, 0, 0, { 0, { 0, 0, 0 }, "" } };
	size_t at = 0;

	tp_reply_parser_init(&parser);
	while (at < size && outcome.last >= 0) {
		size_t len = size - at < piece ? size - at : piece;
		size_t used = 0;
		struct tp_error err = TP_ERROR_INIT;

		outcome.last = tp_reply_parser_feed(
			&parser, data + at, len, &used, &outcome.reply, &err);
		need(used <= len && (used > 0 || outcome.last < 0));
		need(outcome.last >= 0 || err.text[0] != '\0');
		at += used;
		if (outcome.last == 1) {
			check(&outcome.reply);
			outcome.replies++;
			outcome.codes =
				(outcome.codes * 7 + outcome.reply.code) %
				1000003;
		}
	}
	tp_reply_parser_free(&parser);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = parse((const char *)data, size, SIZE_MAX);
	struct outcome bytes = parse((const char *)data, size, 1);
	struct outcome pieces = parse((const char *)data, size, 7);

	need(whole.replies == bytes.replies && whole.codes == bytes.codes);
	need(whole.replies == pieces.replies && whole.codes == pieces.codes);
	need((whole.last < 0) == (bytes.last < 0));
	return 0;
}
