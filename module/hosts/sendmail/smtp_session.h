/*
 * smtp_session.h - the server side of SMTP, without a connection
 *
 * JOB     Bytes of a client go in, replies come out; a complete message is
 *         handed over and settled by the caller. No input and output, no
 *         clock: sendmail -bs drives it on its standard streams, tests and
 *         fuzzing drive it from memory.
 *         Offers PIPELINING, 8BITMIME, SIZE, ENHANCEDSTATUSCODES and, if the
 *         caller can take it, SMTPUTF8. No AUTH and no STARTTLS: the client
 *         is the parent process.
 *         Nothing can be smuggled in by line ends: only CRLF ends a command
 *         and only CRLF "." CRLF ends the data; a bare LF in a command ends
 *         the session (521), in the data it is a byte like others and never
 *         starts a line. Dots are taken off after CRLF alone.
 * BOUNDS  command line 2,048 octets (longer: 500); recipients 1,000 (more:
 *         452); data as the caller says (more: 552, nothing is kept);
 *         replies waiting 32 KiB: feed() takes no more input before they are
 *         fetched; 50 commands in error (then 421).
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS one session, one thread.
 * SOURCES RFC 5321, 1870, 2034, 2920, 3463, 6152, 6531
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_SMTP_SESSION_H
#define TP_HOSTS_SMTP_SESSION_H

#include <tillpost/abi.h>

#include <stddef.h>

#define TP_SMTP_LINE_MAX_BYTES 2048
#define TP_SMTP_RCPT_MAX_COUNT 1000
#define TP_SMTP_ERROR_MAX_COUNT 50
#define TP_SMTP_OUT_MAX_BYTES 32768

struct tp_smtp_options {
	const char *host_name; /* copied; what is no host name is left out */
	uint64_t data_max_bytes;
	int smtputf8;
};

enum tp_smtp_event {
	TP_SMTP_GO_ON,	 /* fetch the replies, then feed more */
	TP_SMTP_MESSAGE, /* fetch the message, submit it, then settle() */
	TP_SMTP_OVER	 /* fetch the last replies and close */
};

struct tp_smtp_session;

/* With the greeting among its replies.
 * @return 0 or TILLPOST_ENOMEM */
int32_t tp_smtp_session_new(const struct tp_smtp_options *options,
	struct tp_smtp_session **session_out);
/* NULL-safe, sets *session to NULL. */
void tp_smtp_session_free(struct tp_smtp_session **session);

/* Takes bytes, *USED of them; call it again with the rest after replies and
 * message have been dealt with. */
enum tp_smtp_event tp_smtp_session_feed(struct tp_smtp_session *session,
	const char *data, size_t len, size_t *used);

/* The replies that wait. Fetching takes them out; they are valid until the
 * next call. */
const char *tp_smtp_session_replies(
	struct tp_smtp_session *session, size_t *len_out);

/* After TP_SMTP_MESSAGE: data, sender and recipients, valid until settle().
 * Other fields of MESSAGE are left alone. */
void tp_smtp_session_message(const struct tp_smtp_session *session,
	struct tillpost_message *message);
/* What became of it: STATUS 0 with the queue id in TEXT, or a TILLPOST_E*
 * with the reason in TEXT, which is made printable and cut. */
void tp_smtp_session_settle(
	struct tp_smtp_session *session, int32_t status, const char *text);

/* Ends the session in the server's name: 421 with TEXT. */
void tp_smtp_session_abort(struct tp_smtp_session *session, const char *text);

/* 1 if a client that leaves now leaves nothing open: after QUIT, or where the
 * last message was accepted and neither MAIL nor a part of a command has come
 * since. */
int tp_smtp_session_may_leave(const struct tp_smtp_session *session);

/* 1 if data has begun and its end has not come: a client that leaves now has
 * lost a message. */
int tp_smtp_session_in_data(const struct tp_smtp_session *session);

#endif
