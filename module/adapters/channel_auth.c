/*
 * channel_auth.c - SMTP AUTH on an open channel
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/channel_auth.h"

#include "adapters/channel_sasl.h"
#include "base/base64.h"
#include "base/mem.h"
#include "core/auth_choice.h"

#include <stdio.h>
#include <string.h>

/* RFC 4954 4: the command with its CRLF; longer needs the two-step form. */
#define COMMAND_MAX 512
#define CHALLENGES_MAX 5
#define CREDENTIALS_MAX 65536

struct auth {
	struct tp_channel *channel;
	const struct tp_relay *relay;
	const char *mechanism;
	const struct mechanism *ops;
	struct tp_sasl *sasl;	 /* NULL if the mechanism needs none */
	struct tp_buf response;	 /* raw; secret */
	struct tp_buf line;	 /* as sent, base 64; secret */
	struct tp_buf challenge; /* raw */
	int challenges;		 /* received so far */
	char explanation[300];	 /* what the server said of a token */
	struct tp_error *err;
};

struct mechanism {
	int client_first;
	/* Fills auth->response; auth->challenge is what to answer, empty for
	 * the initial response. */
	int (*respond)(struct auth *auth);
};

/* ---- the mechanisms ---------------------------------------------------- */

/* Appends and remembers the first failure, so that a response reads as the
 * list of its parts. */
static void add(struct tp_buf *out, int *rc, const void *data, size_t len)
{
	if (*rc >= 0)
		*rc = tp_buf_add(out, data, len);
}

static void add_str(struct tp_buf *out, int *rc, const char *str)
{
	add(out, rc, str, strlen(str));
}

static const char *user_of(const struct auth *auth)
{
	return auth->relay->username ? auth->relay->username : "";
}

static void add_secret(
	struct tp_buf *out, int *rc, const struct tp_secret *secret)
{
	size_t len;
	const char *bytes = tp_secret_reveal(secret, &len);

	add(out, rc, bytes, len);
}

static int unexpected_challenge(struct auth *auth)
{
	return tp_fail(auth->err, TP_EPROTO, "auth",
		"%s: a challenge where the result was due", auth->mechanism);
}

static int respond_plain(struct auth *auth)
{
	int rc = TP_OK;

	if (auth->challenges > 0)
		return unexpected_challenge(auth);
	add(&auth->response, &rc, "", 1);
	add_str(&auth->response, &rc, user_of(auth));
	add(&auth->response, &rc, "", 1);
	add_secret(&auth->response, &rc, auth->relay->password);
	return rc;
}

/* The prompts are free text in no agreed language; the order is the same
 * everywhere: user name, password. */
static int respond_login(struct auth *auth)
{
	int rc = TP_OK;

	if (auth->challenges == 1)
		add_str(&auth->response, &rc, user_of(auth));
	else if (auth->challenges == 2)
		add_secret(&auth->response, &rc, auth->relay->password);
	else
		rc = unexpected_challenge(auth);
	return rc;
}

static int respond_sasl(struct auth *auth)
{
	/* libgsasl would sign any number of CRAM-MD5 challenges. */
	if (tp_sasl_done(auth->sasl))
		return unexpected_challenge(auth);
	return tp_sasl_step(auth->sasl, tp_buf_str(&auth->challenge),
		auth->challenge.len, &auth->response, auth->err);
}

/* A challenge after the token is the reason of its refusal, in JSON. The
 * server wants one more line before it says 5xx (RFC 7628 3.2.3). */
static void note_explanation(struct auth *auth)
{
	tp_reply_escape(tp_buf_str(&auth->challenge), auth->challenge.len,
		auth->explanation, sizeof(auth->explanation));
}

static int respond_xoauth2(struct auth *auth)
{
	int rc = TP_OK;

	if (auth->challenges > 0) {
		note_explanation(auth);
		return TP_OK;
	}
	add_str(&auth->response, &rc, "user=");
	add_str(&auth->response, &rc, user_of(auth));
	add_str(&auth->response, &rc, "\001auth=Bearer ");
	add_secret(&auth->response, &rc, auth->relay->token);
	add_str(&auth->response, &rc, "\001\001");
	return rc;
}

/* saslname of RFC 5801 4 */
static void add_saslname(struct tp_buf *out, int *rc, const char *name)
{
	for (; *name; name++) {
		if (*name == ',')
			add_str(out, rc, "=2C");
		else if (*name == '=')
			add_str(out, rc, "=3D");
		else
			add(out, rc, name, 1);
	}
}

static int respond_oauthbearer(struct auth *auth)
{
	int rc = TP_OK;

	if (auth->challenges > 0) {
		note_explanation(auth);
		return tp_buf_char(&auth->response, '\001');
	}
	add_str(&auth->response, &rc, "n,");
	if (user_of(auth)[0] != '\0') {
		add_str(&auth->response, &rc, "a=");
		add_saslname(&auth->response, &rc, user_of(auth));
	}
	add_str(&auth->response, &rc, ",\001host=");
	add_str(&auth->response, &rc, auth->relay->host);
	if (rc >= 0)
		rc = tp_buf_printf(&auth->response, "\001port=%lld\001",
			(long long)auth->relay->port);
	add_str(&auth->response, &rc, "auth=Bearer ");
	add_secret(&auth->response, &rc, auth->relay->token);
	add_str(&auth->response, &rc, "\001\001");
	return rc;
}

static const struct mechanism mechanisms[] = {
	[TP_AUTH_PLAIN] = { .client_first = 1, .respond = respond_plain },
	[TP_AUTH_LOGIN] = { .client_first = 0, .respond = respond_login },
	[TP_AUTH_CRAM_MD5] = { .client_first = 0, .respond = respond_sasl },
	[TP_AUTH_SCRAM_SHA_256] = { .client_first = 1,
		.respond = respond_sasl },
	[TP_AUTH_XOAUTH2] = { .client_first = 1, .respond = respond_xoauth2 },
	[TP_AUTH_OAUTHBEARER] = { .client_first = 1,
		.respond = respond_oauthbearer },
};

/* ---- credentials ------------------------------------------------------- */

/* Base 64 keeps every byte off the command line; these are the bytes that
 * would end a field inside a mechanism's own message. */
static int check_text(const struct auth *auth, const char *setting,
	const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] == '\0' || text[i] == '\r' || text[i] == '\n' ||
			text[i] == '\001')
			return tp_fail(auth->err, TP_ECONFIG, setting,
				"the %s holds a line end, NUL or ^A, which no "
				"login can carry",
				setting);
	return TP_OK;
}

/* b64token of RFC 6750 2.1, generously: no space, no control. */
static int check_token(const struct auth *auth, const char *token, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (token[i] < 0x21 || token[i] > 0x7e)
			return tp_fail(auth->err, TP_ECONFIG, "token",
				"the token holds a byte that is no printable "
				"ASCII character (a line end or a space?)");
	return TP_OK;
}

static int check_credentials(const struct auth *auth, size_t *total_out)
{
	size_t password_len;
	size_t token_len;
	const char *password =
		tp_secret_reveal(auth->relay->password, &password_len);
	const char *token = tp_secret_reveal(auth->relay->token, &token_len);
	size_t user_len = strlen(user_of(auth));
	int rc = check_text(auth, "username", user_of(auth), user_len);

	if (rc == TP_OK)
		rc = check_text(auth, "password", password, password_len);
	if (rc == TP_OK)
		rc = check_token(auth, token, token_len);
	if (rc == TP_OK && (user_len > CREDENTIALS_MAX / 8 ||
				   password_len > CREDENTIALS_MAX / 4 ||
				   token_len > CREDENTIALS_MAX / 4))
		rc = tp_fail(auth->err, TP_ECONFIG, "auth",
			"user name, password or token is too long");
	*total_out = 3 * user_len + password_len + token_len +
		     strlen(auth->relay->host) + 128;
	return rc;
}

static void wipe(struct tp_buf *buf)
{
	tp_wipe(buf->data, buf->cap);
	tp_buf_clear(buf);
}

static int contains(const char *text, const char *bytes, size_t len)
{
	/* A part is enough: the text may have been cut. Very short secrets
	 * are found in any text, and hide nothing worth hiding. */
	char part[17];
	size_t take = len < sizeof(part) - 1 ? len : sizeof(part) - 1;
	int found;

	if (take < 4)
		return 0;
	memcpy(part, bytes, take);
	part[take] = '\0';
	found = strstr(text, part) != NULL;
	tp_wipe(part, sizeof(part));
	return found;
}

/* Some servers echo what they did not like. What they say is logged, so it
 * must not hold the credentials, neither raw nor as they were sent. */
static void hide_echo(const struct auth *auth, char *text, size_t text_bytes)
{
	size_t password_len;
	size_t token_len;
	const char *password =
		tp_secret_reveal(auth->relay->password, &password_len);
	const char *token = tp_secret_reveal(auth->relay->token, &token_len);
	size_t last_len = strcspn(tp_buf_str(&auth->line), "\r");
	const char *last = tp_buf_str(&auth->line);
	const char *space = memchr(last, ' ', last_len);

	/* "AUTH PLAIN xyz": the part after the last space. */
	while (space) {
		last_len -= (size_t)(space + 1 - last);
		last = space + 1;
		space = memchr(last, ' ', last_len);
	}
	if (contains(text, password, password_len) ||
		contains(text, token, token_len) ||
		(last_len >= 8 && contains(text, last, last_len)))
		tp_reply_escape("(hidden: it repeats the credentials)", 36,
			text, text_bytes);
}

/* ---- the dialogue ------------------------------------------------------ */

static int from_trouble(
	const struct auth *auth, int rc, const struct tp_trouble *trouble)
{
	/* That text quotes the server, which may have echoed, and cut short,
	 * what it was sent. */
	if (rc == TP_EPROTO)
		return tp_fail(auth->err, rc, "auth",
			"the server's answer to the login is not SMTP");
	return tp_fail(auth->err, rc, "auth", "%s", trouble->text);
}

static int send_line(const struct auth *auth)
{
	struct tp_trouble trouble;
	int rc;

	memset(&trouble, 0, sizeof(trouble));
	rc = tp_channel_write(auth->channel, tp_buf_str(&auth->line),
		auth->line.len, auth->relay->reply_timeout_ms, &trouble);
	return rc < 0 ? from_trouble(auth, rc, &trouble) : TP_OK;
}

static int receive(const struct auth *auth, struct tp_reply *reply)
{
	struct tp_trouble trouble;
	int rc;

	memset(&trouble, 0, sizeof(trouble));
	rc = tp_channel_reply(
		auth->channel, reply, auth->relay->reply_timeout_ms, &trouble);
	return rc < 0 ? from_trouble(auth, rc, &trouble) : TP_OK;
}

/* Sends PREFIX and the response, if PAYLOAD, in base 64. */
static int send_response(struct auth *auth, const char *prefix, int payload)
{
	int rc = TP_OK;

	wipe(&auth->line);
	add_str(&auth->line, &rc, prefix);
	if (rc >= 0 && payload)
		rc = tp_base64_encode(&auth->line, tp_buf_str(&auth->response),
			auth->response.len);
	add_str(&auth->line, &rc, "\r\n");
	if (rc < 0)
		return tp_fail(auth->err, rc, "auth", "no memory for AUTH");
	return send_line(auth);
}

static int respond(struct auth *auth)
{
	int rc;

	wipe(&auth->response);
	rc = auth->ops->respond(auth);
	if (rc < 0)
		return tp_fail(auth->err, rc, "auth", "no memory for AUTH");
	return TP_OK;
}

/* Sends the AUTH command.
 * @param waiting_out 1 if the initial response has yet to be sent */
static int begin(struct auth *auth, int *waiting_out)
{
	char command[40];
	const char *separator = "";
	int rc = auth->ops->client_first ? respond(auth) : TP_OK;

	*waiting_out = 0;
	if (rc < 0)
		return rc;
	if (auth->ops->client_first) {
		size_t need = strlen("AUTH  \r\n") + strlen(auth->mechanism) +
			      tp_base64_chars(auth->response.len);

		*waiting_out = need > COMMAND_MAX;
		if (!*waiting_out)
			separator = auth->response.len > 0 ? " " : " =";
	}
	(void)snprintf(command, sizeof(command), "AUTH %s%s", auth->mechanism,
		separator);
	return send_response(auth, command, separator[0] != '\0');
}

/* The server's 334 line, decoded, into auth->challenge. */
static int take_challenge(struct auth *auth)
{
	size_t len;
	const char *lines = tp_channel_lines(auth->channel, &len);

	auth->challenges++;
	tp_buf_clear(&auth->challenge);
	if (auth->ops->respond == respond_login)
		return TP_OK;
	if (tp_base64_decode(&auth->challenge, lines, len) < 0)
		return tp_fail(auth->err, TP_EPROTO, "auth",
			"%s: the server's challenge is not base 64",
			auth->mechanism);
	return TP_OK;
}

/* RFC 4954 4: the client ends what it cannot go on with. */
static void cancel(struct auth *auth)
{
	struct tp_error kept = *auth->err;
	struct tp_reply reply;

	wipe(&auth->response);
	if (send_response(auth, "*", 0) == TP_OK)
		(void)receive(auth, &reply);
	*auth->err = kept;
}

static int refused(struct auth *auth, const struct tp_reply *reply,
	struct tp_reply *refusal_out)
{
	char enhanced[16];
	char user[80];
	const char *hint = tp_auth_hint(reply);

	*refusal_out = *reply;
	hide_echo(auth, refusal_out->text, sizeof(refusal_out->text));
	hide_echo(auth, auth->explanation, sizeof(auth->explanation));
	tp_enhanced_format(&reply->enhanced, enhanced);
	user[0] = '\0';
	if (!auth->relay->username_is_secret)
		tp_reply_escape(user_of(auth), strlen(user_of(auth)), user,
			sizeof(user));
	return tp_fail(auth->err, TP_EAUTH, "auth",
		"%s refused the login of %s (%s): %d%s%s %.200s%s%s%s%s",
		auth->relay->host, user[0] ? user : "the token",
		auth->mechanism, reply->code, enhanced[0] ? " " : "", enhanced,
		refusal_out->text, auth->explanation[0] ? "; it says: " : "",
		auth->explanation, hint[0] ? ". " : "", hint);
}

static int verdict(struct auth *auth, const struct tp_reply *reply,
	struct tp_reply *refusal_out)
{
	if (reply->code >= 400)
		return refused(auth, reply, refusal_out);
	if (reply->code != 235)
		return tp_fail(auth->err, TP_EPROTO, "auth",
			"%s: reply %d where 235 was due", auth->mechanism,
			reply->code);
	if (auth->sasl && !tp_sasl_done(auth->sasl))
		return tp_fail(auth->err, TP_EAUTH, "auth",
			"%s: accepted before it was complete; the server does "
			"not prove that it knows the password",
			auth->mechanism);
	return TP_OK;
}

static int dialogue(struct auth *auth, struct tp_reply *refusal_out)
{
	int waiting;
	int rc = begin(auth, &waiting);

	while (rc == TP_OK) {
		struct tp_reply reply;

		rc = receive(auth, &reply);
		if (rc < 0)
			return rc;
		if (reply.code != 334)
			return verdict(auth, &reply, refusal_out);
		/* The 334 after a bare AUTH command asks for the initial
		 * response, which is ready, and is no challenge. */
		if (!waiting) {
			rc = auth->challenges < CHALLENGES_MAX
				     ? take_challenge(auth)
				     : unexpected_challenge(auth);
			if (rc == TP_OK)
				rc = respond(auth);
			if (rc < 0) {
				cancel(auth);
				return rc;
			}
		}
		waiting = 0;
		rc = send_response(auth, "", 1);
	}
	return rc;
}

int tp_channel_auth(struct tp_channel *channel, const struct tp_relay *relay,
	int mode, struct tp_reply *refusal_out, struct tp_error *err)
{
	struct tp_error scratch = TP_ERROR_INIT;
	struct auth auth = {
		.channel = channel,
		.relay = relay,
		.mechanism = tp_auth_mechanism(mode),
		.ops = &mechanisms[mode],
		.response = TP_BUF_INIT(CREDENTIALS_MAX),
		.line = TP_BUF_INIT(2 * CREDENTIALS_MAX),
		.challenge = TP_BUF_INIT(TP_REPLY_LINE_MAX),
		.err = err ? err : &scratch,
	};
	size_t total;
	int rc;

	memset(refusal_out, 0, sizeof(*refusal_out));
	rc = check_credentials(&auth, &total);
	/* All the room at once: growing would leave copies behind. */
	if (rc == TP_OK &&
		(tp_buf_reserve(&auth.response, total) < 0 ||
			tp_buf_reserve(&auth.line,
				tp_base64_chars(total) + COMMAND_MAX) < 0))
		rc = tp_fail(auth.err, TP_ENOMEM, "auth", "no memory for AUTH");
	if (rc == TP_OK && auth.ops->respond == respond_sasl)
		rc = tp_sasl_new(auth.mechanism, user_of(&auth),
			relay->password, &auth.sasl, auth.err);
	if (rc == TP_OK)
		rc = dialogue(&auth, refusal_out);
	tp_sasl_destroy(&auth.sasl);
	wipe(&auth.response);
	wipe(&auth.line);
	wipe(&auth.challenge);
	tp_buf_free(&auth.response);
	tp_buf_free(&auth.line);
	tp_buf_free(&auth.challenge);
	return rc;
}
