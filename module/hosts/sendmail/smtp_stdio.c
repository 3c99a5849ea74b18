/*
 * smtp_stdio.c - sendmail -bs: SMTP on standard input and output
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail.h"

#include "common/report.h"
#include "sendmail/smtp_session.h"
#include "sendmail/stdio_wait.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <unistd.h>

#define READ_BYTES 32768

/* A command or a message that was answered is one piece of work done. */
static int32_t send_replies(struct tp_sendmail *sendmail,
	struct tp_smtp_session *session, struct tp_stdio_limit *limit,
	struct tillpost_error *err)
{
	size_t len;
	const char *replies = tp_smtp_session_replies(session, &len);

	if (len == 0)
		return TILLPOST_OK;
	tp_stdio_limit_start(limit, sendmail->timeout_ms);
	return tp_stdio_write(
		STDOUT_FILENO, replies, len, sendmail->timeout_ms, err);
}

/* The reason goes to the client and, for whoever looks after the server, to
 * standard error too, if there is room: the client may be who should read it,
 * and waits for the reply first. */
static void take_message(
	struct tp_sendmail *sendmail, struct tp_smtp_session *session)
{
	struct tillpost_message message;
	struct tillpost_receipt receipt;
	struct tillpost_error err;
	char reason[TP_REPORT_LINE_BYTES];
	int32_t rc;

	TILLPOST_INIT(&message);
	tp_smtp_session_message(session, &message);
	if (message.data_bytes == 0)
		rc = tp_report_set(
			&err, TILLPOST_EMESSAGE, "message", "it is empty");
	else
		rc = tp_sendmail_submit(sendmail, &message, &receipt, &err);
	if (rc >= 0) {
		tp_smtp_session_settle(session, rc, receipt.queue_id);
		return;
	}
	tp_sendmail_say(&err, 0);
	tp_smtp_session_settle(
		session, rc, tp_report_line(&err, reason, sizeof(reason)));
}

/* One piece of input. @return an event, or a TILLPOST_E* when writing fails */
static int32_t feed(struct tp_sendmail *sendmail,
	struct tp_smtp_session *session, const char *data, size_t len,
	struct tp_stdio_limit *limit, struct tillpost_error *err)
{
	int32_t rc = TP_SMTP_GO_ON;

	while (len > 0 && rc == TP_SMTP_GO_ON) {
		size_t used;
		enum tp_smtp_event event =
			tp_smtp_session_feed(session, data, len, &used);

		data += used;
		len -= used;
		if (event == TP_SMTP_MESSAGE)
			take_message(sendmail, session);
		rc = send_replies(sendmail, session, limit, err);
		if (rc >= 0)
			rc = event == TP_SMTP_OVER ? TP_SMTP_OVER
						   : TP_SMTP_GO_ON;
	}
	return rc;
}

/* Whoever looks at nothing but the exit code learns of a session that did not
 * come to its end; behind an accepted message QUIT may be missing. */
static int end_of_input(const struct tp_sendmail *sendmail,
	const struct tp_smtp_session *session)
{
	struct tillpost_error err;

	if (tp_smtp_session_may_leave(session))
		return EX_OK;
	if (tp_smtp_session_in_data(session))
		(void)tp_report_set(&err, TILLPOST_EMESSAGE, "standard input",
			"ended before the end of the data, CR LF \".\" CR LF: "
			"nothing was accepted");
	else
		(void)tp_report_set(&err, TILLPOST_EPROTO, "standard input",
			"ended without QUIT, and not behind a message that "
			"was accepted");
	return tp_sendmail_fail(sendmail, &err);
}

/* After QUIT the client knows all there is to know. */
static int end_of_session(const struct tp_sendmail *sendmail,
	const struct tp_smtp_session *session)
{
	struct tillpost_error err;

	if (tp_smtp_session_may_leave(session))
		return EX_OK;
	(void)tp_report_set(&err, TILLPOST_EPROTO, "session",
		"ended because of what the client said: see the last reply");
	return tp_sendmail_fail(sendmail, &err);
}

/* Nobody waits for ever, but who has all that he wanted may forget QUIT. */
static int time_is_up(struct tp_sendmail *sendmail,
	struct tp_smtp_session *session, struct tp_stdio_limit *limit,
	const struct tillpost_error *err)
{
	int done = tp_smtp_session_may_leave(session);
	struct tillpost_error ignored;

	tp_smtp_session_abort(session, "no command came");
	(void)send_replies(sendmail, session, limit, &ignored);
	return done ? EX_OK : tp_sendmail_fail(sendmail, err);
}

static int converse(
	struct tp_sendmail *sendmail, struct tp_smtp_session *session)
{
	char data[READ_BYTES];
	struct tp_stdio_limit limit;
	struct tillpost_error err;
	int32_t rc;

	tp_stdio_limit_start(&limit, sendmail->timeout_ms);
	rc = send_replies(sendmail, session, &limit, &err);
	while (rc >= 0) {
		rc = tp_stdio_read(
			STDIN_FILENO, data, sizeof(data), &limit, &err);
		if (rc == 0)
			return end_of_input(sendmail, session);
		if (rc == TILLPOST_ETIMEOUT)
			return time_is_up(sendmail, session, &limit, &err);
		if (rc > 0)
			rc = feed(sendmail, session, data, (size_t)rc, &limit,
				&err);
		if (rc == TP_SMTP_OVER)
			return end_of_session(sendmail, session);
	}
	return tp_sendmail_fail(sendmail, &err);
}

/* A greeting that says why there is no service. */
static int decline(
	struct tp_sendmail *sendmail, const struct tillpost_error *err)
{
	struct tillpost_error ignored;
	static const char text[] = "421 4.3.5 No service here for now\r\n";

	(void)tp_stdio_write(STDOUT_FILENO, text, sizeof(text) - 1,
		sendmail->timeout_ms, &ignored);
	return tp_sendmail_fail(sendmail, err);
}

int tp_sendmail_smtp(struct tp_sendmail *sendmail)
{
	struct tp_smtp_options options = { .data_max_bytes =
						   TP_SENDMAIL_DATA_MAX_BYTES };
	struct tp_smtp_session *session = NULL;
	struct tillpost_error err;
	struct utsname host;
	int32_t rc;
	int code;

	rc = tp_sendmail_open(sendmail, TILLPOST_ROLE_SUBMIT, 0, &err);
	if (rc < 0)
		return decline(sendmail, &err);
	options.smtputf8 = (sendmail->plugin.api->capabilities &
				   TILLPOST_CAP_SMTPUTF8) != 0;
	if (uname(&host) == 0)
		options.host_name = host.nodename;
	rc = tp_smtp_session_new(&options, &session);
	if (rc < 0) {
		(void)tp_report_set(&err, rc, "session", "out of memory");
		return decline(sendmail, &err);
	}
	code = converse(sendmail, session);
	tp_smtp_session_free(&session);
	return code;
}
