/*
 * json_out.c - a value of jansson as text in a buffer
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/json_out.h"

/* Where jansson's bytes go, and why they could not. */
struct dump {
	struct tp_buf *out;
	int rc;
};

static int append(const char *bytes, size_t len, void *ctx)
{
	struct dump *dump = ctx;

	dump->rc = tp_buf_add(dump->out, bytes, len);
	return dump->rc < 0 ? -1 : 0;
}

int tp_json_out(struct tp_buf *out, json_t *value)
{
	struct dump dump = { .out = out };
	size_t start = out->len;
	int failed;

	if (!value)
		return TP_ENOMEM;
	failed = json_dump_callback(
		value, append, &dump, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(value);
	if (!failed)
		return TP_OK;
	tp_buf_cut(out, start);
	return dump.rc < 0 ? dump.rc : TP_ENOMEM; /* jansson's own */
}
