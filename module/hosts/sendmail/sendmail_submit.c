/*
 * sendmail_submit.c - a message from standard input to the spool
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail.h"

#include "common/report.h"
#include "sendmail/sendmail_message.h"
#include "sendmail/stdio_wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define FIRST_BYTES 65536
#define PLACE "standard input"

struct input {
	char *data;
	size_t len;
	size_t cap;
};

int32_t tp_sendmail_open(struct tp_sendmail *sendmail, int32_t role,
	uint32_t flags, struct tillpost_error *err)
{
	struct tillpost_open_options options;
	uint64_t needed = role == TILLPOST_ROLE_SUBMIT ? TILLPOST_CAP_SUBMIT
						       : TILLPOST_CAP_EMBEDDED;
	int32_t rc = tp_plugin_load(sendmail->plugin_file,
		TP_PLUGIN_ENVIRONMENT, needed, &sendmail->plugin, err);

	if (rc < 0) {
		/* Whatever is wrong with the plugin, the input is not. */
		err->status = TILLPOST_EUNSUPPORTED;
		return err->status;
	}
	TILLPOST_INIT(err);
	TILLPOST_INIT(&options);
	options.role = role;
	options.flags = flags;
	options.config_path = sendmail->config_path;
	options.spool_path = sendmail->spool_path;
	return sendmail->plugin.api->open(&options, &sendmail->handle, err);
}

int32_t tp_sendmail_submit(struct tp_sendmail *sendmail,
	struct tillpost_message *message, struct tillpost_receipt *receipt,
	struct tillpost_error *err)
{
	struct tp_sendmail_message made;
	int32_t rc;

	rc = tp_sendmail_message_make(message->data,
		(size_t)message->data_bytes, message->sender,
		sendmail->args.full_name, &made, err);
	if (rc < 0)
		return rc;
	message->data = made.data;
	message->data_bytes = made.len;
	message->store = sendmail->store;
	message->run_code = sendmail->run_code;
	message->http_host = sendmail->http_host;
	TILLPOST_INIT(receipt);
	TILLPOST_INIT(err);
	rc = sendmail->plugin.api->submit(
		sendmail->handle, message, receipt, err);
	tp_sendmail_message_free(&made);
	return rc;
}

/* ---- reading ------------------------------------------------------------ */

static int32_t too_big(struct tillpost_error *err)
{
	return tp_report_set(err, TILLPOST_ETOOBIG, PLACE,
		"the message is longer than %zu bytes",
		TP_SENDMAIL_DATA_MAX_BYTES);
}

/* The size of a file is known: one allocation, or an early refusal. */
static int32_t prepare(struct input *input, struct tillpost_error *err)
{
	struct stat st;

	input->cap = FIRST_BYTES;
	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode)) {
		if (st.st_size > (off_t)TP_SENDMAIL_DATA_MAX_BYTES)
			return too_big(err);
		if ((size_t)st.st_size >= input->cap)
			input->cap = (size_t)st.st_size + 1;
	}
	input->data = malloc(input->cap);
	if (!input->data)
		return tp_report_set(
			err, TILLPOST_ENOMEM, PLACE, "out of memory");
	return TILLPOST_OK;
}

static int32_t make_room(struct input *input, struct tillpost_error *err)
{
	char *data;

	if (input->len < input->cap)
		return TILLPOST_OK;
	if (input->len > TP_SENDMAIL_DATA_MAX_BYTES)
		return too_big(err);
	data = realloc(input->data, 2 * input->cap);
	if (!data)
		return tp_report_set(
			err, TILLPOST_ENOMEM, PLACE, "out of memory");
	input->data = data;
	input->cap *= 2;
	return TILLPOST_OK;
}

/* Up to the end of the input, or to the dot. */
static int32_t read_message(const struct tp_sendmail *sendmail,
	struct input *input, struct tillpost_error *err)
{
	struct tp_stdio_limit limit;
	size_t scanned = 0;
	int32_t rc = prepare(input, err);

	tp_stdio_limit_start(&limit, sendmail->timeout_ms);
	while (rc >= 0) {
		size_t dot;

		rc = make_room(input, err);
		if (rc < 0)
			break;
		rc = tp_stdio_read(STDIN_FILENO, input->data + input->len,
			input->cap - input->len, &limit, err);
		if (rc < 0)
			break;
		input->len += (size_t)rc;
		if (!sendmail->args.ignore_dots) {
			dot = tp_sendmail_find_dot(
				input->data, input->len, rc == 0, &scanned);
			if (dot != SIZE_MAX) {
				input->len = dot;
				break;
			}
		}
		if (rc == 0)
			break;
	}
	if (rc >= 0 && input->len > TP_SENDMAIL_DATA_MAX_BYTES)
		rc = too_big(err);
	if (rc >= 0 && !sendmail->args.ignore_dots)
		input->len = tp_sendmail_unstuff(input->data, input->len);
	if (rc >= 0 && input->len == 0)
		rc = tp_report_set(
			err, TILLPOST_EMESSAGE, PLACE, "there is no message");
	return rc;
}

/* ---- delivering --------------------------------------------------------- */

/* It is accepted: no failure to say so may make the caller send it again. */
static void announce(
	struct tp_sendmail *sendmail, const struct tillpost_receipt *receipt)
{
	struct tillpost_error ignored;
	char line[64];

	if (!sendmail->args.verbose)
		return;
	(void)snprintf(
		line, sizeof(line), "queued as %.23s\n", receipt->queue_id);
	(void)tp_stdio_write(STDOUT_FILENO, line, strlen(line),
		sendmail->timeout_ms, &ignored);
}

int tp_sendmail_deliver(struct tp_sendmail *sendmail)
{
	const struct tp_sendmail_args *args = &sendmail->args;
	struct input input = { .data = NULL };
	struct tillpost_message message;
	struct tillpost_receipt receipt;
	struct tillpost_error err;
	int32_t rc = read_message(sendmail, &input, &err);

	if (rc >= 0)
		rc = tp_sendmail_open(sendmail, TILLPOST_ROLE_SUBMIT, 0, &err);
	if (rc >= 0) {
		TILLPOST_INIT(&message);
		message.data = input.data;
		message.data_bytes = input.len;
		message.sender = args->sender;
		message.recipients = args->recipients.items;
		message.recipient_count = (uint32_t)args->recipients.count;
		if (args->header_recipients)
			message.flags = TILLPOST_SUBMIT_HEADER_RECIPIENTS;
		rc = tp_sendmail_submit(sendmail, &message, &receipt, &err);
	}
	free(input.data);
	if (rc < 0)
		return tp_sendmail_fail(sendmail, &err);
	announce(sendmail, &receipt);
	return EX_OK;
}
