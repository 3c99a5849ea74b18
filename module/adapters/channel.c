/*
 * channel.c - an authenticated connection to one relay
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/channel.h"

#include "adapters/channel_auth.h"
#include "adapters/channel_tcp.h"
#include "adapters/channel_tls_openssl.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/address.h"
#include "core/auth_choice.h"
#include "core/ehlo.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INPUT_BYTES 16384
#define QUIT_MS 2000

struct tp_channel_shared {
	struct tp_tls_shared *tls;
};

struct tp_channel {
	struct tp_tcp tcp;
	struct tp_tls *tls; /* NULL: clear text */
	struct tp_connection_info info;
	struct tp_ehlo ehlo;
	struct tp_reply_parser parser;
	char helo[256];
	int bad; /* out of step, or lost: no QUIT */
	/* What the server sent and nobody has asked for yet. */
	char input[INPUT_BYTES];
	size_t input_at;
	size_t input_end;
	struct tp_error input_error; /* why no more input will come */
};

int tp_channel_shared_new(
	struct tp_channel_shared **shared_out, struct tp_error *err)
{
	struct tp_channel_shared *shared = tp_alloc(sizeof(*shared));
	int rc;

	*shared_out = NULL;
	if (!shared)
		return tp_fail(err, TP_ENOMEM, "channel", "no memory for TLS");
	rc = tp_tls_shared_new(&shared->tls, err);
	if (rc < 0) {
		tp_free(shared);
		return rc;
	}
	*shared_out = shared;
	return TP_OK;
}

void tp_channel_shared_destroy(struct tp_channel_shared **shared)
{
	if (!*shared)
		return;
	tp_tls_shared_destroy(&(*shared)->tls);
	tp_free(*shared);
	*shared = NULL;
}

/* ---- bytes ------------------------------------------------------------- */

static int stream_write(struct tp_channel *channel, const void *data,
	size_t len, short *events_out, struct tp_error *err)
{
	if (channel->tls)
		return tp_tls_write(channel->tls, data, len, events_out, err);
	return tp_tcp_write(channel->tcp.fd, data, len, events_out, err);
}

static int stream_read(struct tp_channel *channel, void *out, size_t len,
	short *events_out, struct tp_error *err)
{
	if (channel->tls)
		return tp_tls_read(channel->tls, out, len, events_out, err);
	return tp_tcp_read(channel->tcp.fd, out, len, events_out, err);
}

/* Takes what the server has sent, without waiting.
 * @return bytes added; 0: none now, or no room; negative: there will never be
 *         any, channel->input_error says why */
static int fill(struct tp_channel *channel, short *events_out)
{
	int got;

	*events_out = POLLIN;
	if (channel->input_at == channel->input_end)
		channel->input_at = channel->input_end = 0;
	if (channel->input_end == INPUT_BYTES && channel->input_at > 0) {
		channel->input_end -= channel->input_at;
		memmove(channel->input, channel->input + channel->input_at,
			channel->input_end);
		channel->input_at = 0;
	}
	if (channel->input_error.code < 0)
		return channel->input_error.code;
	if (channel->input_end == INPUT_BYTES)
		return 0;
	got = stream_read(channel, channel->input + channel->input_end,
		INPUT_BYTES - channel->input_end, events_out,
		&channel->input_error);
	if (got > 0)
		channel->input_end += (size_t)got;
	return got;
}

/* Waits until the socket takes more, and keeps what it gives meanwhile.
 * @return 0, or negative */
static int wait_writable(struct tp_channel *channel, short events,
	int64_t stall_ms, int64_t deadline, struct tp_error *err)
{
	short wanted = events;
	int rc;

	if (channel->input_end - channel->input_at < INPUT_BYTES &&
		channel->input_error.code == TP_OK)
		wanted |= POLLIN;
	rc = tp_tcp_wait(channel->tcp.fd, wanted, deadline, err);
	if (rc < 0)
		return rc;
	if (rc == 0 || tp_deadline_left_ms(deadline) == 0)
		return tp_fail(err, TP_ETIMEOUT, "write",
			"the server took no data for %lld ms",
			(long long)stall_ms);
	if (wanted & POLLIN) {
		/* A failure shows in the next write or reply. */
		short ignored;

		(void)fill(channel, &ignored);
	}
	return TP_OK;
}

static int write_all(struct tp_channel *channel, const char *data, size_t len,
	int64_t stall_ms, struct tp_error *err)
{
	int64_t deadline = len > 0 ? tp_deadline_ms(stall_ms) : 0;
	int rc = TP_OK;

	while (len > 0 && rc >= 0) {
		short events = POLLOUT;
		int sent = stream_write(channel, data, len, &events, err);

		if (sent > 0) {
			data += sent;
			len -= (size_t)sent;
			if (len > 0)
				deadline = tp_deadline_ms(stall_ms);
		} else {
			rc = sent < 0 ? sent
				      : wait_writable(channel, events, stall_ms,
						deadline, err);
		}
	}
	if (rc < 0)
		channel->bad = 1;
	return rc;
}

/* One reply from the input buffer.
 * @return 1: complete; 0: more bytes needed; negative */
static int parse_input(struct tp_channel *channel, struct tp_reply *reply,
	struct tp_error *err)
{
	size_t used = 0;
	int rc = tp_reply_parser_feed(&channel->parser,
		channel->input + channel->input_at,
		channel->input_end - channel->input_at, &used, reply, err);

	channel->input_at += used;
	return rc;
}

static int read_reply(struct tp_channel *channel, struct tp_reply *reply,
	int64_t timeout_ms, struct tp_error *err)
{
	/* One deadline for the whole reply: a server that sends it byte by
	 * byte gains no time. */
	int64_t deadline = tp_deadline_ms(timeout_ms);
	int late = 0;
	int rc = 0;

	for (;;) {
		short events = POLLIN;

		if (channel->input_at < channel->input_end)
			rc = parse_input(channel, reply, err);
		if (rc != 0)
			break;
		if (!late)
			rc = fill(channel, &events);
		if (rc < 0) {
			rc = tp_fail(err, rc, "reply", "%s",
				channel->input_error.text);
			break;
		}
		if (!late && rc == 0)
			rc = tp_tcp_wait(
				channel->tcp.fd, events, deadline, err);
		if (rc == 0)
			rc = tp_fail(err, TP_ETIMEOUT, "reply",
				"no reply within %lld ms",
				(long long)timeout_ms);
		if (rc < 0)
			break;
		late = tp_deadline_left_ms(deadline) == 0;
		rc = 0;
	}
	if (rc < 0)
		channel->bad = 1;
	return rc < 0 ? rc : TP_OK;
}

/* @return the code that is told */
static int tell(const struct tp_channel *channel, struct tp_trouble *trouble,
	const struct tp_error *err)
{
	/* To the steps a socket that was shut down looks as if the server had
	 * hung up: that would be told of the wrong side. */
	int stopped = tp_interrupt_fired(channel->tcp.interrupt);

	if (stopped)
		memset(&trouble->reply, 0, sizeof(trouble->reply));
	trouble->code = stopped ? TP_ECLOSED : err->code;
	(void)snprintf(trouble->text, sizeof(trouble->text), "%s",
		stopped ? "stopped" : err->text);
	return trouble->code;
}

int tp_channel_write(struct tp_channel *channel, const void *data, size_t len,
	int64_t stall_ms, struct tp_trouble *trouble)
{
	struct tp_error err = TP_ERROR_INIT;
	int rc = write_all(channel, data, len, stall_ms, &err);

	return rc < 0 ? tell(channel, trouble, &err) : rc;
}

int tp_channel_reply(struct tp_channel *channel, struct tp_reply *reply,
	int64_t timeout_ms, struct tp_trouble *trouble)
{
	struct tp_error err = TP_ERROR_INIT;
	int rc = read_reply(channel, reply, timeout_ms, &err);

	return rc < 0 ? tell(channel, trouble, &err) : rc;
}

const char *tp_channel_lines(const struct tp_channel *channel, size_t *len_out)
{
	*len_out = channel->parser.lines.len;
	return tp_buf_str(&channel->parser.lines);
}

int tp_channel_readable(struct tp_channel *channel)
{
	short ignored;

	if (channel->input_at < channel->input_end)
		return 1;
	/* A read and not poll(): over TLS the socket can be readable with
	 * nothing for us in it, such as a session ticket. */
	return fill(channel, &ignored) != 0;
}

const struct tp_connection_info *tp_channel_info(
	const struct tp_channel *channel)
{
	return &channel->info;
}

/* ---- from connect to AUTH ---------------------------------------------- */

/* What the steps of opening pass around. */
struct opening {
	struct tp_channel *channel;
	struct tp_channel_shared *shared;
	const struct tp_relay *relay;
	struct tp_interrupt *interrupt; /* may be NULL */
	struct tp_trouble *trouble;
	struct tp_error err;
};

/* Sends LINE (NULL: nothing) and reads one reply. */
static int ask(struct opening *open, const char *line, struct tp_reply *reply)
{
	int64_t timeout_ms = open->relay->reply_timeout_ms;
	int rc = TP_OK;

	if (line)
		rc = write_all(open->channel, line, strlen(line), timeout_ms,
			&open->err);
	if (rc == TP_OK)
		rc = read_reply(open->channel, reply, timeout_ms, &open->err);
	return rc;
}

/* The server said no: keep its words, and say whose no it was. */
static int refuse(struct opening *open, int code, const char *what,
	const struct tp_reply *reply)
{
	char enhanced[16];

	tp_enhanced_format(&reply->enhanced, enhanced);
	open->trouble->reply = *reply;
	return tp_fail(&open->err, code, "relay", "%s %s: %d%s%s %s",
		open->relay->host, what, reply->code, enhanced[0] ? " " : "",
		enhanced, reply->text);
}

static int connect_step(struct opening *open)
{
	struct tp_channel *channel = open->channel;
	const struct tp_relay *relay = open->relay;
	int64_t begun = tp_mono_us();
	int rc = tp_tcp_connect(relay->host, relay->port,
		relay->connect_timeout_ms, open->interrupt, &channel->tcp,
		&open->trouble->step, &open->err);

	channel->info.connect_us = tp_mono_us() - begun;
	memcpy(channel->info.peer, channel->tcp.peer,
		sizeof(channel->info.peer));
	return rc;
}

static int tls_step(struct opening *open)
{
	struct tp_channel *channel = open->channel;
	int64_t begun = tp_mono_us();
	int rc;

	open->trouble->step = TP_STEP_TLS;
	rc = tp_tls_open(open->shared->tls, open->relay, channel->tcp.fd,
		&channel->tls, &open->err);
	channel->info.tls_us = tp_mono_us() - begun;
	if (rc < 0)
		return rc;
	(void)snprintf(channel->info.tls_version,
		sizeof(channel->info.tls_version), "%s",
		tp_tls_version(channel->tls));
	(void)snprintf(channel->info.tls_cipher,
		sizeof(channel->info.tls_cipher), "%s",
		tp_tls_cipher(channel->tls));
	return TP_OK;
}

/* A server that waits for TLS says nothing, or hangs up after a while. */
static int silent_greeting(struct opening *open, int rc)
{
	char text[TP_ERROR_TEXT_BYTES];

	if (open->relay->tls == TP_TLS_IMPLICIT ||
		(rc != TP_ETIMEOUT && rc != TP_ECLOSED))
		return rc;
	memcpy(text, open->err.text, sizeof(text));
	tp_error_clear(&open->err);
	return tp_fail(&open->err, rc, "relay",
		"no greeting from %s port %lld: %.200s; if the server expects "
		"TLS from the start, set tls to implicit",
		open->relay->host, (long long)open->relay->port, text);
}

static int greeting_step(struct opening *open)
{
	struct tp_reply reply;
	int64_t begun = tp_mono_us();
	int rc;

	open->trouble->step = TP_STEP_GREETING;
	rc = ask(open, NULL, &reply);
	open->channel->info.connect_us += tp_mono_us() - begun;
	if (rc < 0)
		return silent_greeting(open, rc);
	if (reply.code >= 400)
		return refuse(open, TP_ECONNECT, "refuses us", &reply);
	if (reply.code != 220)
		return refuse(open, TP_EPROTO, "greets wrongly", &reply);
	return TP_OK;
}

/* The configured name; else the machine's if it is a full domain name, as
 * servers refuse bare ones; else the address (RFC 5321 4.1.4). */
static int choose_helo(struct opening *open)
{
	struct tp_channel *channel = open->channel;
	const char *name = open->relay->helo_name;
	char host[256] = "";

	if (name && !tp_domain_valid(name, strlen(name)))
		return tp_fail(&open->err, TP_ECONFIG, "helo_name",
			"helo_name is no domain name and no address literal");
	if (!name && gethostname(host, sizeof(host) - 1) == 0 &&
		strchr(host, '.') && tp_domain_valid(host, strlen(host)))
		name = host;
	if (!name)
		name = channel->tcp.literal;
	if (strlen(name) >= sizeof(channel->helo))
		return tp_fail(&open->err, TP_ECONFIG, "helo_name",
			"helo_name is too long");
	(void)snprintf(channel->helo, sizeof(channel->helo), "%s", name);
	return TP_OK;
}

static int ask_helo(
	struct opening *open, const char *verb, struct tp_reply *reply)
{
	char line[sizeof(open->channel->helo) + 16];

	(void)snprintf(
		line, sizeof(line), "%s %s\r\n", verb, open->channel->helo);
	return ask(open, line, reply);
}

static int ehlo_step(struct opening *open)
{
	struct tp_channel *channel = open->channel;
	const struct tp_relay *relay = open->relay;
	struct tp_reply reply;
	size_t len;
	const char *lines;
	int rc;

	open->trouble->step = TP_STEP_EHLO;
	/* What was said before TLS does not count after it. */
	memset(&channel->ehlo, 0, sizeof(channel->ehlo));
	rc = ask_helo(open, "EHLO", &reply);
	if (rc < 0)
		return rc;
	if (reply.code >= 500 && relay->tls == TP_TLS_NONE &&
		!tp_auth_wanted(relay)) {
		rc = ask_helo(open, "HELO", &reply);
		if (rc < 0)
			return rc;
		if (reply.code == 250)
			return TP_OK;
	}
	if (reply.code >= 400)
		return refuse(open, TP_ECONNECT, "refuses EHLO", &reply);
	if (reply.code != 250)
		return refuse(open, TP_EPROTO, "answers EHLO wrongly", &reply);
	lines = tp_channel_lines(channel, &len);
	return tp_ehlo_parse(lines, len, &channel->ehlo, &open->err);
}

/* Anything but a 220 and a handshake ends the connection: neither the server
 * nor someone between can talk us into clear text. */
static int starttls_step(struct opening *open)
{
	struct tp_reply reply;
	int rc;

	open->trouble->step = TP_STEP_STARTTLS;
	if (!open->channel->ehlo.starttls)
		return tp_fail(&open->err, TP_ETLS, "starttls",
			"%s port %lld does not offer STARTTLS; nothing was "
			"sent",
			open->relay->host, (long long)open->relay->port);
	rc = ask(open, "STARTTLS\r\n", &reply);
	if (rc < 0)
		return rc;
	if (reply.code != 220)
		return refuse(open, TP_ETLS, "refuses STARTTLS", &reply);
	/* CVE-2011-0411 and its many kin: bytes from before TLS must never be
	 * read as if they had come through it. What arrives later still is
	 * taken for a broken TLS record by the handshake. */
	(void)tp_channel_readable(open->channel);
	if (open->channel->input_at < open->channel->input_end)
		return tp_fail(&open->err, TP_ETLS, "starttls",
			"%s sent more after its reply to STARTTLS: refused, as "
			"it may be forged",
			open->relay->host);
	return tls_step(open);
}

static int auth_step(struct opening *open)
{
	struct tp_channel *channel = open->channel;
	int64_t begun = tp_mono_us();
	int mode;
	int rc;

	open->trouble->step = TP_STEP_AUTH;
	rc = tp_auth_choose(open->relay, &channel->ehlo, channel->tls != NULL,
		channel->tcp.loopback, &mode, &open->err);
	if (rc < 0 || mode == TP_AUTH_NONE)
		return rc;
	rc = tp_channel_auth(
		channel, open->relay, mode, &open->trouble->reply, &open->err);
	channel->info.auth_us = tp_mono_us() - begun;
	(void)snprintf(channel->info.auth_mechanism,
		sizeof(channel->info.auth_mechanism), "%s",
		tp_auth_mechanism(mode));
	return rc;
}

static int all_steps(struct opening *open)
{
	int rc = connect_step(open);

	if (rc == TP_OK)
		rc = choose_helo(open);
	if (rc == TP_OK && open->relay->tls == TP_TLS_IMPLICIT)
		rc = tls_step(open);
	if (rc == TP_OK)
		rc = greeting_step(open);
	if (rc == TP_OK)
		rc = ehlo_step(open);
	if (rc == TP_OK && open->relay->tls == TP_TLS_STARTTLS) {
		rc = starttls_step(open);
		if (rc == TP_OK)
			rc = ehlo_step(open);
	}
	if (rc == TP_OK)
		rc = auth_step(open);
	return rc;
}

static void fill_info(struct tp_channel *channel)
{
	channel->info.size_max_bytes = channel->ehlo.size_max_bytes;
	channel->info.eight_bit_mime = channel->ehlo.eight_bit_mime;
	channel->info.smtputf8 = channel->ehlo.smtputf8;
	channel->info.pipelining = channel->ehlo.pipelining;
}

/* A server that refused us in good order is told goodbye: some count a
 * connection that is dropped after AUTH as an attack. Not before TLS where
 * TLS was wanted: nothing more goes out there. */
static int deserves_quit(const struct opening *open)
{
	const struct tp_trouble *trouble = open->trouble;

	return trouble->reply.code >= 400 && trouble->reply.code != 421 &&
	       (open->relay->tls == TP_TLS_NONE || open->channel->tls);
}

int tp_channel_open(struct tp_channel_shared *shared,
	const struct tp_relay *relay, struct tp_interrupt *interrupt,
	struct tp_channel **channel_out, struct tp_trouble *trouble)
{
	struct opening open = {
		.shared = shared,
		.relay = relay,
		.interrupt = interrupt,
		.trouble = trouble,
	};
	int rc;

	*channel_out = NULL;
	memset(trouble, 0, sizeof(*trouble));
	open.channel = tp_alloc(sizeof(*open.channel));
	if (!open.channel) {
		trouble->step = TP_STEP_LOCAL;
		trouble->code = TP_ENOMEM;
		(void)snprintf(trouble->text, sizeof(trouble->text),
			"no memory to connect");
		return TP_ENOMEM;
	}
	open.channel->tcp.fd = -1;
	tp_reply_parser_init(&open.channel->parser);
	rc = all_steps(&open);
	if (rc < 0) {
		rc = tell(open.channel, trouble, &open.err);
		tp_channel_close(&open.channel, deserves_quit(&open));
		return rc;
	}
	trouble->step = TP_STEP_NONE;
	fill_info(open.channel);
	*channel_out = open.channel;
	return TP_OK;
}

static void say_quit(struct tp_channel *channel)
{
	struct tp_error ignored = TP_ERROR_INIT;
	int64_t deadline = tp_deadline_ms(QUIT_MS);
	struct tp_reply reply;

	if (write_all(channel, "QUIT\r\n", 6, QUIT_MS, &ignored) == TP_OK)
		(void)read_reply(channel, &reply, tp_deadline_left_ms(deadline),
			&ignored);
}

void tp_channel_close(struct tp_channel **channel, int polite)
{
	if (!*channel)
		return;
	if (polite && !(*channel)->bad)
		say_quit(*channel);
	tp_tls_close(&(*channel)->tls);
	tp_tcp_close(&(*channel)->tcp);
	tp_reply_parser_free(&(*channel)->parser);
	tp_free(*channel);
	*channel = NULL;
}
