/*
 * header_fuzz.c - fuzz target for module/core/header.c
 *
 * JOB     Fields lie one behind the other without a gap, each starts at a
 *         line start, and no byte that could start another one is missed.
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"
#include "core/header.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
	if (!condition)
		abort();
}

static void check_field(const struct tp_header_field *field)
{
	const char *end = field->start + field->len;
	char *value = tp_header_unfold(field);
	const char *at;

	must(field->name == field->start && field->name_len > 0);
	must(field->name[field->name_len] == ':');
	must(field->value > field->name + field->name_len);
	must(field->value + field->value_len <= end);
	for (at = field->start; at < end; at++) {
		must(*at != '\0');
		if (*at == '\r')
			must(at + 1 < end && at[1] == '\n');
		/* every line but the first is a continuation */
		if (*at == '\n' && at + 1 < end)
			must(at[1] == ' ' || at[1] == '\t');
	}
	must(value != NULL && strlen(value) <= field->value_len);
	must(strpbrk(value, "\r\n") == NULL);
	tp_free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	struct tp_error err = TP_ERROR_INIT;
	struct tp_header_field field;
	struct tp_header_scan scan;
	const char *at = text;
	size_t line = 0;
	int rc;

	must(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	tp_header_begin(&scan, text, size);
	while ((rc = tp_header_next(&scan, &field, &err)) == 1) {
		must(field.start == at && field.line > line);
		check_field(&field);
		at += field.len;
		line = field.line;
	}
	must(rc == err.code);
	must(rc == 0 || rc == TP_EMESSAGE || rc == TP_ETOOBIG);
	if (rc == 0) {
		const char *body = text + scan.at;

		must(scan.at <= size && at <= body && body - at <= 2);
		must(body == at || body[-1] == '\n');
	}
	free(text);
	return 0;
}
