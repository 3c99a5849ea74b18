/*
 * smtp_session.c - the server side of SMTP, without a connection
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/smtp_session.h"

#include "common/address_list.h"
#include "sendmail/smtp_path.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The longest reply: 512 octets with CRLF (RFC 5321 4.5.3.1.5). */
#define REPLY_BYTES 513
#define HOST_NAME_BYTES 256

enum state {
	STATE_START,   /* no HELO yet */
	STATE_READY,   /* no MAIL yet */
	STATE_MAIL,    /* MAIL was taken, RCPT may follow */
	STATE_DATA,    /* lines of a message */
	STATE_MESSAGE, /* the caller has it */
	STATE_OVER
};

/* Where in a line of data the last byte was. */
enum place {
	PLACE_START,  /* behind CRLF */
	PLACE_DOT,    /* behind CRLF "." */
	PLACE_DOT_CR, /* behind CRLF "." CR */
	PLACE_TEXT,
	PLACE_CR
};

struct bytes {
	char *data;
	size_t len;
	size_t cap;
};

struct tp_smtp_session {
	char host_name[HOST_NAME_BYTES];
	uint64_t data_max_bytes;
	int smtputf8; /* offered */
	enum state state;
	int quit;     /* the client said so */
	int accepted; /* the last message, and nothing was begun since */
	unsigned int error_count;
	/* the command that is coming in */
	char line[TP_SMTP_LINE_MAX_BYTES + 1];
	size_t line_len;
	int line_too_long;
	/* the transaction */
	char sender[TP_SMTP_PATH_BYTES];
	int has_sender; /* 0: without a domain, so the store's is used */
	int utf8;	/* MAIL had SMTPUTF8 */
	char **recipients;
	size_t recipient_count;
	/* its data */
	enum place place;
	struct bytes data;
	int too_big;
	int no_memory;
	/* replies that wait */
	struct bytes out;
};

/* ---- bytes -------------------------------------------------------------- */

static int grow(struct bytes *bytes, size_t more)
{
	size_t cap = bytes->cap ? bytes->cap : 4096;
	char *data;

	if (more <= bytes->cap - bytes->len)
		return 0;
	if (more > SIZE_MAX / 4 - bytes->len)
		return -1;
	while (cap - bytes->len < more)
		cap *= 2;
	data = realloc(bytes->data, cap);
	if (!data)
		return -1;
	bytes->data = data;
	bytes->cap = cap;
	return 0;
}

static void free_bytes(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes) { .data = NULL };
}

/* ---- replies ------------------------------------------------------------ */

/* Without memory for a reply there is no session any more. */
static void reply_line(struct tp_smtp_session *session, const char *text)
{
	size_t len = strlen(text);

	if (grow(&session->out, len + 2) != 0) {
		session->state = STATE_OVER;
		return;
	}
	memcpy(session->out.data + session->out.len, text, len);
	session->out.len += len;
	memcpy(session->out.data + session->out.len, "\r\n", 2);
	session->out.len += 2;
}

static void reply(struct tp_smtp_session *session, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void reply(struct tp_smtp_session *session, const char *fmt, ...)
{
	char text[REPLY_BYTES - 2];
	va_list args;
	char *at;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (at = text; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
			*at = '?';
	reply_line(session, text);
}

/* A reply to a client that does not know what it does. */
static void complain(struct tp_smtp_session *session, const char *text)
{
	if (++session->error_count > TP_SMTP_ERROR_MAX_COUNT) {
		tp_smtp_session_abort(session, "too many errors");
		return;
	}
	reply_line(session, text);
}

/* ---- the transaction ---------------------------------------------------- */

static void reset(struct tp_smtp_session *session)
{
	size_t i;

	for (i = 0; i < session->recipient_count; i++)
		free(session->recipients[i]);
	free(session->recipients);
	session->recipients = NULL;
	session->recipient_count = 0;
	free_bytes(&session->data);
	session->has_sender = 0;
	session->utf8 = 0;
	session->too_big = 0;
	session->no_memory = 0;
	if (session->state == STATE_MAIL || session->state == STATE_DATA ||
		session->state == STATE_MESSAGE)
		session->state = STATE_READY;
}

static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* "FROM:" or "TO:", then the path. @return behind it, or NULL */
static const char *read_path(
	const char *at, const char *word, char path_out[TP_SMTP_PATH_BYTES])
{
	size_t len = strlen(word);

	if (strncasecmp(at, word, len) != 0)
		return NULL;
	at = skip_blanks(at + len);
	return tp_smtp_path_read(&at, path_out) == 0 ? at : NULL;
}

/* Takes the word at *AT. @return its length, 0 at the end */
static size_t next_word(const char **at, const char **word_out)
{
	*word_out = skip_blanks(*at);
	*at = *word_out + strcspn(*word_out, " \t");
	return (size_t)(*at - *word_out);
}

static int is_word(const char *word, size_t len, const char *name)
{
	return len == strlen(name) && strncasecmp(word, name, len) == 0;
}

/* @return 0, or -1 if it is no number; too large ones become the largest */
static int read_size(const char *digits, size_t len, uint64_t *out)
{
	size_t i;

	*out = 0;
	if (len == 0 || len > 20)
		return -1;
	for (i = 0; i < len; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -1;
		if (*out > (UINT64_MAX - 9) / 10)
			*out = UINT64_MAX / 10 - 1;
		*out = *out * 10 + (uint64_t)(digits[i] - '0');
	}
	return 0;
}

/* @return NULL, or the reply that refuses the parameter */
static const char *mail_parameter(
	struct tp_smtp_session *session, const char *word, size_t len)
{
	uint64_t size = 0;

	if (len > 5 && strncasecmp(word, "SIZE=", 5) == 0) {
		if (read_size(word + 5, len - 5, &size) != 0)
			return "501 5.5.4 SIZE needs a number";
		if (size > session->data_max_bytes)
			return "552 5.3.4 Message is too big";
		return NULL;
	}
	if (is_word(word, len, "BODY=7BIT") ||
		is_word(word, len, "BODY=8BITMIME"))
		return NULL;
	if (session->smtputf8 && is_word(word, len, "SMTPUTF8")) {
		session->utf8 = 1;
		return NULL;
	}
	return "555 5.5.4 Unknown parameter";
}

static void do_mail(struct tp_smtp_session *session, const char *at)
{
	const char *word;
	size_t len;

	session->accepted = 0;
	if (session->state == STATE_START) {
		complain(session, "503 5.5.1 Say EHLO first");
		return;
	}
	if (session->state == STATE_MAIL) {
		complain(session, "503 5.5.1 There is a sender already");
		return;
	}
	session->utf8 = 0;
	at = read_path(at, "FROM:", session->sender);
	if (!at || (*at != '\0' && *at != ' ' && *at != '\t')) {
		complain(session, "501 5.1.7 Expected MAIL FROM:<address>");
		return;
	}
	while ((len = next_word(&at, &word)) > 0) {
		const char *refusal = mail_parameter(session, word, len);

		if (refusal) {
			complain(session, refusal);
			return;
		}
	}
	if (session->sender[0] == '-') {
		reply_line(session, "553 5.1.7 An address must not begin "
				    "with \"-\"");
		return;
	}
	if (tp_smtp_path_8bit(session->sender) && !session->utf8) {
		reply_line(session, "553 5.6.7 Address needs SMTPUTF8");
		return;
	}
	session->has_sender = session->sender[0] == '\0' ||
			      tp_address_qualified(session->sender);
	session->state = STATE_MAIL;
	reply_line(session, "250 2.1.0 Ok");
}

/* @return NULL, or the reply that refuses the recipient */
static const char *check_recipient(
	const struct tp_smtp_session *session, const char *path)
{
	if (session->recipient_count >= TP_SMTP_RCPT_MAX_COUNT)
		return "452 4.5.3 Too many recipients";
	if (path[0] == '-')
		return "553 5.1.3 An address must not begin with \"-\"";
	if (!tp_address_qualified(path))
		return "550 5.1.1 No domain: there are no local users here";
	if (tp_smtp_path_8bit(path) && !session->utf8)
		return "553 5.6.7 Address needs SMTPUTF8";
	return NULL;
}

/* The array doubles at powers of two. */
static int keep_recipient(struct tp_smtp_session *session, const char *path)
{
	size_t count = session->recipient_count;
	char *copy = strdup(path);

	if (copy && (count & (count - 1)) == 0) {
		char **wider = realloc(session->recipients,
			(count ? 2 * count : 1) * sizeof(*wider));

		if (!wider) {
			free(copy);
			return -1;
		}
		session->recipients = wider;
	}
	if (!copy)
		return -1;
	session->recipients[session->recipient_count++] = copy;
	return 0;
}

static void do_rcpt(struct tp_smtp_session *session, const char *at)
{
	char path[TP_SMTP_PATH_BYTES];
	const char *refusal;

	if (session->state != STATE_MAIL) {
		complain(session, "503 5.5.1 Say MAIL first");
		return;
	}
	at = read_path(at, "TO:", path);
	if (!at || path[0] == '\0') {
		complain(session, "501 5.1.3 Expected RCPT TO:<address>");
		return;
	}
	if (*skip_blanks(at) != '\0') {
		complain(session, "555 5.5.4 Unknown parameter");
		return;
	}
	refusal = check_recipient(session, path);
	if (refusal)
		reply_line(session, refusal);
	else if (keep_recipient(session, path) != 0)
		reply_line(session, "452 4.3.0 Out of memory");
	else
		reply_line(session, "250 2.1.5 Ok");
}

static void do_data(struct tp_smtp_session *session, const char *at)
{
	if (*at != '\0') {
		complain(session, "501 5.5.4 DATA has no parameter");
	} else if (session->state != STATE_MAIL) {
		complain(session, "503 5.5.1 Say MAIL first");
	} else if (session->recipient_count == 0) {
		complain(session, "554 5.5.1 No valid recipients");
	} else {
		session->state = STATE_DATA;
		session->place = PLACE_START;
		reply_line(session, "354 End with <CRLF>.<CRLF>");
	}
}

/* ---- other commands ----------------------------------------------------- */

static void do_helo(struct tp_smtp_session *session, const char *at)
{
	if (*at == '\0') {
		complain(session, "501 5.5.4 Expected HELO name");
		return;
	}
	reset(session);
	session->state = STATE_READY;
	reply(session, "250 %s", session->host_name);
}

static void do_ehlo(struct tp_smtp_session *session, const char *at)
{
	if (*at == '\0') {
		complain(session, "501 5.5.4 Expected EHLO name");
		return;
	}
	reset(session);
	session->state = STATE_READY;
	reply(session, "250-%s", session->host_name);
	reply_line(session, "250-PIPELINING");
	reply(session, "250-SIZE %llu",
		(unsigned long long)session->data_max_bytes);
	reply_line(session, "250-8BITMIME");
	if (session->smtputf8)
		reply_line(session, "250-SMTPUTF8");
	reply_line(session, "250 ENHANCEDSTATUSCODES");
}

static void do_rset(struct tp_smtp_session *session, const char *at)
{
	(void)at;
	reset(session);
	reply_line(session, "250 2.0.0 Ok");
}

static void do_noop(struct tp_smtp_session *session, const char *at)
{
	(void)at;
	reply_line(session, "250 2.0.0 Ok");
}

static void do_vrfy(struct tp_smtp_session *session, const char *at)
{
	(void)at;
	reply_line(session, "252 2.5.0 Send it, and the relay will say");
}

static void do_help(struct tp_smtp_session *session, const char *at)
{
	(void)at;
	reply_line(session, "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY "
			    "HELP QUIT; see tillpost-sendmail(1)");
}

static void do_quit(struct tp_smtp_session *session, const char *at)
{
	(void)at;
	session->state = STATE_OVER;
	session->quit = 1;
	reply_line(session, "221 2.0.0 Bye");
}

static void do_missing(struct tp_smtp_session *session, const char *at)
{
	(void)at;
	complain(session, "502 5.5.1 Not implemented");
}

static const struct {
	const char *verb;
	void (*run)(struct tp_smtp_session *session, const char *at);
} commands[] = {
	{ "EHLO", do_ehlo },
	{ "HELO", do_helo },
	{ "MAIL", do_mail },
	{ "RCPT", do_rcpt },
	{ "DATA", do_data },
	{ "RSET", do_rset },
	{ "NOOP", do_noop },
	{ "VRFY", do_vrfy },
	{ "HELP", do_help },
	{ "QUIT", do_quit },
	{ "EXPN", do_missing },
	{ "ETRN", do_missing },
	{ "TURN", do_missing },
	{ "AUTH", do_missing },
	{ "BDAT", do_missing },
	{ "STARTTLS", do_missing },
};

static int has_controls(const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') ||
			line[i] == 0x7f)
			return 1;
	return 0;
}

/* The line without its CRLF, followed by a NUL. */
static void do_command(struct tp_smtp_session *session)
{
	const char *at = session->line;
	const char *verb;
	size_t verb_len;
	size_t i;

	if (has_controls(session->line, session->line_len)) {
		complain(session, "500 5.5.2 Control character");
		return;
	}
	while (session->line_len > 0 &&
		strchr(" \t", session->line[session->line_len - 1]))
		session->line[--session->line_len] = '\0';
	verb_len = next_word(&at, &verb);
	at = skip_blanks(at);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!is_word(verb, verb_len, commands[i].verb))
			continue;
		commands[i].run(session, at);
		return;
	}
	complain(session, "500 5.5.2 Unknown command");
}

/* ---- lines -------------------------------------------------------------- */

/* LINE has an LF. Whoever slipped a bare one into a command could go on with
 * a command of his own: the session ends. */
static void end_line(struct tp_smtp_session *session)
{
	int too_long = session->line_too_long;
	int bare = session->line_len == 0 ||
		   session->line[session->line_len - 1] != '\r';

	if (!bare)
		session->line_len--;
	session->line[session->line_len] = '\0';
	session->line_too_long = 0;
	if (bare) {
		session->state = STATE_OVER;
		reply_line(session, "521 5.5.2 Lines end with CR LF");
	} else if (too_long) {
		complain(session, "500 5.5.6 Line is too long");
	} else {
		do_command(session);
	}
	session->line_len = 0;
}

/* Of a line that is too long only the last octet is kept: it tells how the
 * line ends. */
static size_t take_line(
	struct tp_smtp_session *session, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t part = end ? (size_t)(end - data) : len;

	if (part > TP_SMTP_LINE_MAX_BYTES - session->line_len ||
		(session->line_too_long && part > 0)) {
		session->line_too_long = 1;
		session->line[0] = data[part - 1];
		session->line_len = 1;
	} else {
		memcpy(session->line + session->line_len, data, part);
		session->line_len += part;
	}
	if (!end)
		return part;
	end_line(session);
	return part + 1;
}

/* ---- data --------------------------------------------------------------- */

static void put(struct tp_smtp_session *session, const char *data, size_t len)
{
	if (session->too_big || session->no_memory)
		return;
	if (len > session->data_max_bytes - session->data.len) {
		session->too_big = 1;
		free_bytes(&session->data);
	} else if (grow(&session->data, len) != 0) {
		session->no_memory = 1;
		free_bytes(&session->data);
	} else {
		memcpy(session->data.data + session->data.len, data, len);
		session->data.len += len;
	}
}

/* The byte C behind a dot, or behind a dot and a CR, at the start of a line.
 * @return 1 if it ends the data */
static int after_dot(struct tp_smtp_session *session, char c)
{
	if (session->place == PLACE_DOT && c == '\r') {
		session->place = PLACE_DOT_CR;
		return 0;
	}
	if (session->place == PLACE_DOT_CR) {
		if (c == '\n')
			return 1;
		put(session, "\r", 1);
	}
	/* The dot was stuffing. */
	put(session, &c, 1);
	session->place = c == '\r' ? PLACE_CR : PLACE_TEXT;
	return 0;
}

/* Everything up to and with the next CR is text. */
static size_t take_text(
	struct tp_smtp_session *session, const char *data, size_t len)
{
	const char *end = memchr(data, '\r', len);
	size_t part = end ? (size_t)(end - data) + 1 : len;

	put(session, data, part);
	session->place = end ? PLACE_CR : PLACE_TEXT;
	return part;
}

static void end_data(struct tp_smtp_session *session)
{
	if (session->too_big)
		reply_line(session, "552 5.3.4 Message is too big");
	else if (session->no_memory)
		reply_line(session, "452 4.3.1 Out of memory");
	if (session->too_big || session->no_memory)
		reset(session);
	else
		session->state = STATE_MESSAGE;
}

static size_t take_data(
	struct tp_smtp_session *session, const char *data, size_t len)
{
	size_t at = 0;

	while (at < len) {
		switch (session->place) {
		case PLACE_START:
			if (data[at] != '.') {
				session->place = PLACE_TEXT;
				break;
			}
			session->place = PLACE_DOT;
			at++;
			break;
		case PLACE_DOT:
		case PLACE_DOT_CR:
			if (after_dot(session, data[at++])) {
				end_data(session);
				return at;
			}
			break;
		case PLACE_CR:
			session->place = PLACE_TEXT;
			if (data[at] == '\n') {
				put(session, data + at++, 1);
				session->place = PLACE_START;
			}
			break;
		case PLACE_TEXT:
			at += take_text(session, data + at, len - at);
			break;
		}
	}
	return at;
}

/* ---- the session -------------------------------------------------------- */

static void set_host_name(struct tp_smtp_session *session, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-";

	if (!name || name[0] == '\0' || name[strspn(name, allowed)] != '\0' ||
		strlen(name) >= sizeof(session->host_name))
		name = "localhost";
	(void)snprintf(
		session->host_name, sizeof(session->host_name), "%s", name);
}

int32_t tp_smtp_session_new(const struct tp_smtp_options *options,
	struct tp_smtp_session **session_out)
{
	struct tp_smtp_session *session = calloc(1, sizeof(*session));

	*session_out = session;
	if (!session)
		return TILLPOST_ENOMEM;
	set_host_name(session, options->host_name);
	session->data_max_bytes = options->data_max_bytes;
	session->smtputf8 = options->smtputf8;
	session->state = STATE_START;
	reply(session, "220 %s ESMTP tillpost", session->host_name);
	if (session->state == STATE_START)
		return TILLPOST_OK;
	tp_smtp_session_free(session_out);
	return TILLPOST_ENOMEM;
}

void tp_smtp_session_free(struct tp_smtp_session **session)
{
	if (!*session)
		return;
	reset(*session);
	free_bytes(&(*session)->out);
	free(*session);
	*session = NULL;
}

enum tp_smtp_event tp_smtp_session_feed(struct tp_smtp_session *session,
	const char *data, size_t len, size_t *used)
{
	*used = 0;
	while (*used < len && session->state < STATE_MESSAGE &&
		session->out.len < TP_SMTP_OUT_MAX_BYTES) {
		if (session->state == STATE_DATA)
			*used += take_data(session, data + *used, len - *used);
		else
			*used += take_line(session, data + *used, len - *used);
	}
	if (session->state == STATE_MESSAGE)
		return TP_SMTP_MESSAGE;
	return session->state == STATE_OVER ? TP_SMTP_OVER : TP_SMTP_GO_ON;
}

const char *tp_smtp_session_replies(
	struct tp_smtp_session *session, size_t *len_out)
{
	*len_out = session->out.len;
	session->out.len = 0;
	return session->out.data;
}

void tp_smtp_session_message(
	const struct tp_smtp_session *session, struct tillpost_message *message)
{
	message->data = session->data.data;
	message->data_bytes = session->data.len;
	message->sender = session->has_sender ? session->sender : NULL;
	message->recipients = (const char *const *)session->recipients;
	message->recipient_count = (uint32_t)session->recipient_count;
}

/* Temporary is what a person or time can mend without the client. */
static const struct {
	int32_t status;
	const char *code;
} refusals[] = {
	{ TILLPOST_EINVAL, "554 5.6.0" },
	{ TILLPOST_EMESSAGE, "554 5.6.0" },
	{ TILLPOST_EADDRESS, "550 5.1.3" },
	{ TILLPOST_ETOOBIG, "552 5.3.4" },
	{ TILLPOST_EPERM, "550 5.7.1" },
	{ TILLPOST_EUNSUPPORTED, "554 5.3.3" },
	{ TILLPOST_ENOSPC, "452 4.3.1" },
	{ TILLPOST_EBUSY, "451 4.3.2" },
	{ TILLPOST_ECONFIG, "451 4.3.5" },
	{ TILLPOST_ENOTFOUND, "451 4.3.5" },
};

void tp_smtp_session_settle(
	struct tp_smtp_session *session, int32_t status, const char *text)
{
	const char *code = "451 4.3.0";
	size_t i;

	if (session->state != STATE_MESSAGE)
		return;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].status == status)
			code = refusals[i].code;
	reset(session);
	session->accepted = status >= 0;
	if (status >= 0)
		reply(session, "250 2.0.0 Ok: queued as %s", text);
	else
		reply(session, "%s %s", code, text);
}

void tp_smtp_session_abort(struct tp_smtp_session *session, const char *text)
{
	session->state = STATE_OVER;
	reply(session, "421 4.3.2 %s", text);
}

int tp_smtp_session_may_leave(const struct tp_smtp_session *session)
{
	return session->quit ||
	       (session->accepted && session->state == STATE_READY &&
		       session->line_len == 0);
}

int tp_smtp_session_in_data(const struct tp_smtp_session *session)
{
	return session->state == STATE_DATA;
}
