/*
 * input.c - what comes in on standard input
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/input.h"

#include "cli/hidden.h"

#include "common/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACE "standard input"
#define FIRST_BYTES 4096

/* Not realloc(): the old copy may hold a password and must be wiped. */
static int grow(struct tp_input *input)
{
	size_t cap = input->cap ? 2 * input->cap : FIRST_BYTES;
	char *data = malloc(cap);

	if (!data)
		return -1;
	if (input->data) {
		memcpy(data, input->data, input->len);
		explicit_bzero(input->data, input->cap);
		free(input->data);
	}
	input->data = data;
	input->cap = cap;
	return 0;
}

/* @return bytes read, 0 at the end, or a TILLPOST_E* */
static int32_t read_some(
	int fd, struct tp_input *input, struct tillpost_error *err)
{
	ssize_t got;

	if (input->len + 1 >= input->cap && grow(input) != 0)
		return tp_report_set(
			err, TILLPOST_ENOMEM, PLACE, "out of memory");
	do
		got = read(fd, input->data + input->len,
			input->cap - input->len - 1);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return tp_report_set_errno(
			err, TILLPOST_EIO, PLACE, "cannot be read");
	input->len += (size_t)got;
	input->data[input->len] = '\0';
	return got > 0;
}

int32_t tp_input_read(int fd, size_t max_bytes, struct tp_input *input_out,
	struct tillpost_error *err)
{
	int32_t rc;

	*input_out = (struct tp_input) { .data = NULL };
	do {
		rc = read_some(fd, input_out, err);
		if (input_out->len > max_bytes)
			return tp_report_set(err, TILLPOST_ETOOBIG, PLACE,
				"is longer than %zu bytes", max_bytes);
	} while (rc > 0);
	return rc;
}

/* A terminal ends a line, not the file. */
static int32_t take_of_line(void *ctx, int anew, struct tillpost_error *err)
{
	struct tp_input *input = ctx;
	int32_t rc;

	if (anew)
		tp_input_free(input);
	rc = read_some(STDIN_FILENO, input, err);
	if (rc < 0)
		return rc;
	return rc == 0 || input->data[input->len - 1] == '\n' ||
	       input->len > TP_INPUT_VALUE_BYTES;
}

int32_t tp_input_value(const char *prompt, struct tp_input *input_out,
	struct tillpost_error *err)
{
	int32_t rc;

	*input_out = (struct tp_input) { .data = NULL };
	if (isatty(STDIN_FILENO))
		rc = tp_hidden(
			STDIN_FILENO, prompt, take_of_line, input_out, err);
	else
		rc = tp_input_read(
			STDIN_FILENO, TP_INPUT_VALUE_BYTES, input_out, err);
	if (rc < 0)
		return rc;
	if (input_out->len > 0 && input_out->data[input_out->len - 1] == '\n')
		input_out->len--;
	if (input_out->len > 0 && input_out->data[input_out->len - 1] == '\r')
		input_out->len--;
	if (input_out->data)
		input_out->data[input_out->len] = '\0';
	if (input_out->len > 0 &&
		(memchr(input_out->data, '\0', input_out->len) ||
			strpbrk(input_out->data, "\r\n")))
		return tp_report_set(err, TILLPOST_EINVAL, PLACE,
			"must be one line of text");
	return TILLPOST_OK;
}

void tp_input_free(struct tp_input *input)
{
	if (input->data)
		explicit_bzero(input->data, input->cap);
	free(input->data);
	*input = (struct tp_input) { .data = NULL };
}
