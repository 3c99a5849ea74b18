/*
 * message_fuzz.c - fuzz target for module/core/message.c
 *
 * JOB     Whatever is accepted is canonical: CRLF lines only, no NUL, one
 *         Date, From and Message-ID, none of the fields that must not
 *         travel, a safe envelope, and preparing it again changes nothing.
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"
#include "core/header.h"
#include "core/message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STORE_HEADER "X-Tillpost-Store"

static int64_t fixed_now_ms(void *ctx)
{
	(void)ctx;
	return 1795286009000;
}

static const struct tp_clock fixed_clock = { .now_ms = fixed_now_ms };

static const struct tp_message_policy policies[] = {
	{ .store_header = STORE_HEADER,
		.max_bytes = 1 << 20,
		.recipients_max = 50 },
	{ .store_header = STORE_HEADER,
		.from = "store@s.example",
		.from_policy = TP_FROM_REPLACE,
		.bcc_archive = "archive@s.example",
		.max_bytes = 1 << 20,
		.recipients_max = 50 },
	{ .store_header = STORE_HEADER,
		.from = "\"J\xc3\xbc. Store\" <store@s.example>",
		.from_policy = TP_FROM_KEEP,
		.envelope_from = "bounce@s.example",
		.id_domain = "id.example",
		.max_bytes = 2000,
		.recipients_max = 3 },
};

static void must(int condition)
{
	if (!condition)
		abort();
}

static void check_lines(const struct tp_message *message)
{
	size_t line = 0;
	size_t longest = 0;
	int high = 0;
	size_t i;

	for (i = 0; i < message->len; i++) {
		unsigned char c = (unsigned char)message->data[i];

		must(c != '\0');
		high |= c >= 0x80;
		if (c == '\r') {
			must(message->data[i + 1] == '\n');
			continue;
		}
		if (c == '\n') {
			must(i > 0 && message->data[i - 1] == '\r');
			line = 0;
			continue;
		}
		if (++line > longest)
			longest = line;
	}
	must(message->len >= 2 &&
		memcmp(message->data + message->len - 2, "\r\n", 2) == 0);
	must(longest == message->longest_line && high == message->eight_bit);
}

static void check_head(const struct tp_message *message)
{
	static const char *const once[] = { "Date", "From", "Message-ID", "To",
		"Cc", "Reply-To", "Sender", "Subject",
		"Disposition-Notification-To", "References", "In-Reply-To" };
	static const char *const never[] = { "Bcc", "Resent-Bcc", "Return-Path",
		STORE_HEADER, "Original-Recipient", "Resent-Reply-To" };
	int count[sizeof(once) / sizeof(once[0])] = { 0 };
	struct tp_header_field field;
	struct tp_header_scan scan;
	size_t i;
	int rc;

	tp_header_begin(&scan, message->data, message->len);
	while ((rc = tp_header_next(&scan, &field, NULL)) == 1) {
		for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
			must(!tp_header_is(&field, never[i]));
		for (i = 0; i < sizeof(once) / sizeof(once[0]); i++)
			count[i] += tp_header_is(&field, once[i]);
	}
	must(rc == 0);
	must(scan.at >= 2 &&
		memcmp(message->data + scan.at - 2, "\r\n", 2) == 0);
	for (i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		must(i < 3 ? count[i] == 1 : count[i] <= 1);
}

static void check_addr(const char *addr, int allow_null)
{
	char *again = NULL;

	must(tp_address_check(addr, allow_null, "x", &again, NULL, NULL) == 0);
	must(strcmp(addr, again) == 0);
	must(strpbrk(addr, "\r\n\t") == NULL);
	must(addr[0] == '"' || strchr(addr, ' ') == NULL);
	tp_free(again);
}

static void check_envelope(const struct tp_message *message)
{
	const struct tp_address_list *list = &message->recipients;
	size_t i;
	size_t j;

	must(list->count > 0 && list->count <= 51);
	check_addr(message->sender, 1);
	check_addr(message->from_addr, 0);
	must(message->message_id[0] != '\0');
	must(strpbrk(message->message_id, "\r\n") == NULL);
	for (i = 0; i < list->count; i++) {
		check_addr(list->items[i].addr, 0);
		for (j = 0; j < i; j++)
			must(tp_address_compare(list->items[i].addr,
				     list->items[j].addr) != 0);
	}
}

static void check_again(
	const struct tp_message *first, const struct tp_message_policy *policy)
{
	static const char *const recipient[] = { "to@r.example" };
	struct tp_message_input input = { .data = first->data,
		.len = first->len,
		.recipients = recipient,
		.recipient_count = 1 };
	struct tp_message second;

	must(tp_message_prepare(&input, policy, &fixed_clock, &second, NULL) ==
		0);
	must(second.len == first->len);
	must(memcmp(second.data, first->data, first->len) == 0);
	must(strcmp(second.message_id, first->message_id) == 0);
	must(strcmp(second.from_addr, first->from_addr) == 0);
	tp_message_free(&second);
}

static void fuzz_prepare(const char *data, size_t len,
	const struct tp_message_policy *policy, int from_headers)
{
	static const char *const recipient[] = { "to@r.example" };
	struct tp_message_input input = { .data = data,
		.len = len,
		.recipients = recipient,
		.recipient_count = from_headers ? 0 : 1,
		.recipients_from_headers = from_headers };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_message message;
	int rc = tp_message_prepare(
		&input, policy, &fixed_clock, &message, &err);

	must(rc == err.code);
	if (rc < 0) {
		must(rc == TP_EMESSAGE || rc == TP_EADDRESS ||
			rc == TP_ETOOBIG);
		must(err.text[0] != '\0' && message.data == NULL);
		return;
	}
	must(message.len <= policy->max_bytes);
	check_lines(&message);
	check_head(&message);
	check_envelope(&message);
	check_again(&message, policy);
	tp_message_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	struct tp_message_hints hints;
	size_t i;

	must(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		fuzz_prepare(text, size, &policies[i], i == 1);
	if (tp_message_peek(text, size, STORE_HEADER, &hints, NULL) == 0 &&
		hints.from_addr)
		check_addr(hints.from_addr, 0);
	tp_message_hints_free(&hints);
	free(text);
	return 0;
}
