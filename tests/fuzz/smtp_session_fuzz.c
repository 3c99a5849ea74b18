/*
 * smtp_session_fuzz.c - fuzz target for the SMTP server of sendmail -bs
 *
 * JOB     However the bytes are cut into pieces, replies and messages are the
 *         same. Every reply is a clean line of at most 512 octets, every
 *         recipient has a domain and nothing that could end a command.
 *         The first byte chooses the pieces and what the caller says of the
 *         messages.
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/smtp_session.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DATA_MAX_BYTES 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
	if (!condition)
		abort();
}

/* What came of one run: sums are enough to compare two. */
struct sums {
	uint64_t replies;
	uint64_t messages;
	size_t message_count;
	int over;
};

static uint64_t add(uint64_t sum, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
	return sum;
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void check_replies(const char *replies, size_t len)
{
	while (len > 0) {
		const char *end = memchr(replies, '\n', len);
		size_t line = end ? (size_t)(end - replies) + 1 : 0;
		size_t i;

		must(line >= 6 && line <= 512 && replies[line - 2] == '\r');
		for (i = 0; i < line - 2; i++)
			must(replies[i] >= 0x20 && replies[i] < 0x7f);
		must(replies[0] >= '2' && replies[0] <= '5' &&
			is_digit(replies[1]) && is_digit(replies[2]));
		must(replies[3] == ' ' || replies[3] == '-');
		replies += line;
		len -= line;
	}
}

static void check_address(const char *address)
{
	must(strlen(address) <= 254 && address[0] != '-');
	for (; *address != '\0'; address++)
		must((unsigned char)*address >= 0x20 && *address != 0x7f);
}

static void take_message(
	struct tp_smtp_session *session, struct sums *sums, int32_t status)
{
	struct tillpost_message message;
	uint32_t i;

	TILLPOST_INIT(&message);
	tp_smtp_session_message(session, &message);
	must(message.data_bytes <= DATA_MAX_BYTES);
	must(message.recipient_count > 0);
	if (message.sender) {
		check_address(message.sender);
		must(message.sender[0] == '\0' || strchr(message.sender, '@'));
		sums->messages = add(sums->messages, message.sender,
			strlen(message.sender) + 1);
	}
	for (i = 0; i < message.recipient_count; i++) {
		check_address(message.recipients[i]);
		must(strchr(message.recipients[i], '@') != NULL);
		sums->messages = add(sums->messages, message.recipients[i],
			strlen(message.recipients[i]) + 1);
	}
	sums->messages =
		add(sums->messages, message.data, (size_t)message.data_bytes);
	sums->message_count++;
	tp_smtp_session_settle(session, status, "id");
}

static void fetch(struct tp_smtp_session *session, struct sums *sums)
{
	size_t len;
	const char *replies = tp_smtp_session_replies(session, &len);

	must(len < TP_SMTP_OUT_MAX_BYTES + 2048);
	check_replies(replies, len);
	sums->replies = add(sums->replies, replies, len);
}

static void run(const char *data, size_t len, size_t step, int32_t status,
	struct sums *sums)
{
	const struct tp_smtp_options options = { .host_name = "x",
		.data_max_bytes = DATA_MAX_BYTES,
		.smtputf8 = status == 0 };
	struct tp_smtp_session *session;

	*sums = (struct sums) { .replies = 14695981039346656037u };
	must(tp_smtp_session_new(&options, &session) == 0);
	fetch(session, sums);
	while (len > 0 && !sums->over) {
		size_t piece = step > 0 && step < len ? step : len;
		char *copy = malloc(piece); /* exact: overreads are seen */
		enum tp_smtp_event event;
		size_t used;

		must(copy != NULL);
		memcpy(copy, data, piece);
		event = tp_smtp_session_feed(session, copy, piece, &used);
		free(copy);
		must(used <= piece);
		must(used > 0 || event != TP_SMTP_GO_ON);
		if (event == TP_SMTP_MESSAGE)
			take_message(session, sums, status);
		fetch(session, sums);
		sums->over = event == TP_SMTP_OVER;
		data += used;
		len -= used;
	}
	tp_smtp_session_free(&session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sums whole;
	struct sums pieces;
	int32_t status;

	if (size == 0)
		return 0;
	status = data[0] & 0x80 ? -(data[0] >> 2 & 0x1f) : 0;
	run((const char *)data + 1, size - 1, 0, status, &whole);
	run((const char *)data + 1, size - 1, (size_t)(data[0] & 3) + 1, status,
		&pieces);
	must(whole.replies == pieces.replies);
	must(whole.messages == pieces.messages);
	must(whole.message_count == pieces.message_count);
	must(whole.over == pieces.over);
	return 0;
}
