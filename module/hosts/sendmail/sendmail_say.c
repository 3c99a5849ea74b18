/*
 * sendmail_say.c - what tillpost-sendmail prints, without waiting for ever
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail.h"

#include "common/exit_code.h"
#include "common/text.h"
#include "sendmail/stdio_wait.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* A reason is worth less patience than a message. */
#define SAY_MAX_MS (INT64_C(60) * 1000)

/* One write, so that the lines of several programs do not mix. Escaped, the
 * fields of an error fit in. */
#define LINE_BYTES PIPE_BUF

struct line {
	char text[LINE_BYTES];
	size_t len;
};

static void put(struct line *line, const char *s)
{
	while (*s != '\0' &&
		line->len + TP_TEXT_STEP_BYTES < sizeof(line->text)) {
		s += tp_text_step(s, line->text + line->len);
		line->len += strlen(line->text + line->len);
	}
}

void tp_sendmail_say(const struct tillpost_error *err, int64_t wait_ms)
{
	struct line line = { .len = 0 };
	struct tillpost_error ignored;
	char status[48];

	put(&line, TP_SENDMAIL_PROGRAM ": ");
	put(&line, err->where);
	put(&line, err->where[0] != '\0' ? ": " : "");
	(void)snprintf(status, sizeof(status), "failed with status %d",
		(int)err->status);
	put(&line, err->text[0] != '\0' ? err->text : status);
	line.text[line.len++] = '\n';
	(void)tp_stdio_write(STDERR_FILENO, line.text, line.len,
		wait_ms < SAY_MAX_MS ? wait_ms : SAY_MAX_MS, &ignored);
}

int tp_sendmail_fail(
	const struct tp_sendmail *sendmail, const struct tillpost_error *err)
{
	int code = tp_exit_code(err->status);

	tp_sendmail_say(err, sendmail->timeout_ms);
	/* Not found is a spool that was never made, or a store. */
	if (code == EX_TEMPFAIL || code == EX_NOINPUT)
		return EX_UNAVAILABLE;
	return code;
}

int tp_sendmail_print(
	const struct tp_sendmail *sendmail, const char *text, size_t len)
{
	struct tillpost_error err;

	if (tp_stdio_write(
		    STDOUT_FILENO, text, len, sendmail->timeout_ms, &err) == 0)
		return EX_OK;
	return tp_sendmail_fail(sendmail, &err);
}
