/*
 * sendmail_args_fuzz.c - fuzz target for what a caller gives to sendmail
 *
 * JOB     The first line is a command line, its words divided by "|"; what
 *         follows is the message. Whatever the arguments, an address that is
 *         taken has no control character and does not begin with "-"; what
 *         is done to the message only takes off and puts on at its head.
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail_args.h"
#include "sendmail/sendmail_message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
	if (!condition)
		abort();
}

static void check_address(const char *address)
{
	must(address[0] != '-');
	for (; *address != '\0'; address++)
		must((unsigned char)*address >= 0x20 && *address != 0x7f);
}

static void check_args(const struct tp_sendmail_args *args)
{
	size_t i;

	if (args->sender) {
		check_address(args->sender);
		must(args->sender[0] == '\0' || strchr(args->sender, '@'));
	}
	for (i = 0; i < args->recipients.count; i++) {
		check_address(args->recipients.items[i]);
		must(strchr(args->recipients.items[i], '@') != NULL);
	}
	must(args->mode != TP_SENDMAIL_DELIVER || args->header_recipients ||
		args->recipients.count > 0);
}

/* Where the first empty line is, or the end. */
static size_t body_of(const char *data, size_t len)
{
	size_t at;

	for (at = 0; at + 1 < len; at++)
		if (data[at] == '\n' && data[at + 1] == '\n')
			return at + 1;
	return len;
}

static void fuzz_message(
	const struct tp_sendmail_args *args, const char *data, size_t len)
{
	struct tp_sendmail_message made;
	struct tillpost_error err;
	size_t scanned = 0;
	size_t dot = tp_sendmail_find_dot(data, len, 1, &scanned);
	size_t tail;

	must(dot == SIZE_MAX || (dot < len && data[dot] == '.'));
	must(tp_sendmail_message_make(data, len, args->sender, args->full_name,
		     &made, &err) == 0);
	must(made.len <= len + 4200);
	/* The body's end stands as it was. */
	tail = len - body_of(data, len);
	must(made.len >= tail);
	must(memcmp(data + len - tail, made.data + made.len - tail, tail) == 0);
	if (!made.made)
		must(made.data + made.len == data + len);
	tp_sendmail_message_free(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *end = memchr(data, '\n', size);
	size_t line = end ? (size_t)(end - (const char *)data) : size;
	size_t body = end ? size - line - 1 : 0;
	char *words = malloc(line + 1);
	char *message = malloc(body + 1);
	char *argv[WORDS_MAX];
	struct tp_sendmail_args args;
	struct tillpost_error err;
	int argc = 0;
	char *at = words;

	must(words && message);
	memcpy(words, data, line);
	words[line] = '\0';
	if (body > 0)
		memcpy(message, data + line + 1, body);
	while (at && argc < WORDS_MAX) {
		argv[argc++] = at;
		at = strchr(at, '|');
		if (at)
			*at++ = '\0';
	}
	TILLPOST_INIT(&err);
	if (tp_sendmail_args_read(argc, argv, &args, &err) == EX_OK) {
		check_args(&args);
		fuzz_message(&args, message, body);
		must(tp_sendmail_unstuff(message, body) <= body);
	}
	tp_sendmail_args_free(&args);
	free(words);
	free(message);
	return 0;
}
