/*
 * spool_fuzz.c - fuzz target for module/core/spool_record.c
 *
 * JOB     The input is a file without its end line, which is made to fit, so
 *         that the search gets past the checksum; and once more as it is.
 *         What is read is, written again, the same bytes.
 * SPDX-License-Identifier: MIT
 */
#include "adapters/spool.h"
#include "core/spool_record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
	if (!condition)
		abort();
}

static void check_value(const char *value, const char *from, const char *to)
{
	size_t len;

	if (!value)
		return;
	len = strlen(value);
	must(value > from && value + len < to);
	must(len <= TP_SPOOL_VALUE_MAX_BYTES && !strpbrk(value, "\r\n\t\x7f"));
}

/* @param bytes what RECORD was read from; BEFORE: as it was then */
static void check_record(const struct tp_spool_record *record,
	const char *bytes, const char *before, size_t len)
{
	struct tp_buf head = TP_BUF_INIT(TP_SPOOL_HEAD_MAX_BYTES);
	struct tp_error err = TP_ERROR_INIT;
	const char *end = bytes + len - TP_SPOOL_TAIL_BYTES;
	size_t i;

	must(tp_queue_id_valid(record->queue_id));
	must(record->accepted_ms >= 0 && record->expires_ms >= 0);
	must(record->recipient_count <= TP_SPOOL_RCPT_MAX_COUNT);
	for (i = 0; i < record->recipient_count; i++)
		check_value(record->recipients[i], bytes, record->data);
	check_value(record->message_id, bytes, record->data);
	check_value(record->sender, bytes, record->data);
	check_value(record->store, bytes, record->data);
	check_value(record->run_code, bytes, record->data);
	check_value(record->http_host, bytes, record->data);
	check_value(record->dedup_key, bytes, record->data);
	must(record->data > bytes && record->data + record->data_bytes == end);
	must(tp_spool_head(record, &head, &err) == 0);
	must(head.len == (size_t)(record->data - bytes));
	must(memcmp(head.data, before, head.len) == 0);
	tp_buf_free(&head);
}

static void check(const char *before, size_t len)
{
	size_t body = len > TP_SPOOL_TAIL_BYTES ? len - TP_SPOOL_TAIL_BYTES : 0;
	uint32_t checksum = tp_spool_checksum(0, before, body);
	char *bytes = malloc(len ? len : 1);
	struct tp_error err = TP_ERROR_INIT;
	struct tp_spool_record record;
	int rc;

	must(bytes != NULL);
	memcpy(bytes, before, len);
	rc = tp_spool_parse(bytes, len, checksum, &record, &err);
	must(rc == err.code);
	must(rc == 0 || rc == TP_EIO || rc == TP_EUNSUPPORTED);
	if (rc == 0)
		check_record(&record, bytes, before, len);
	else
		must(record.recipients == NULL && err.text[0] != '\0');
	tp_spool_record_free(&record);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + TP_SPOOL_TAIL_BYTES);

	must(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	check(text, size);
	tp_spool_tail(tp_spool_checksum(0, text, size), text + size);
	check(text, size + TP_SPOOL_TAIL_BYTES);
	free(text);
	return 0;
}
