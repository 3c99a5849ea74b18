/*
 * fake_relay.c - an SMTP server that does what a test wants
 *
 * SPDX-License-Identifier: MIT
 */
#include "harness/fake_relay.h"

#include "base/base64.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <gsasl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define RECORD_BYTES 65536
#define MESSAGE_BYTES_MAX (64u << 20)

struct record {
	char bytes[RECORD_BYTES];
	size_t len;
};

struct fake_relay {
	struct fake_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	int running;
	int stop;
	int listener;
	int connection;
	int port;
	SSL_CTX *ctx;
	struct record clear;
	struct record tls;
	char sni[256];
	int connections;
	int handshakes;
	int resumed;
	int logins;
	int client_certs;
	struct record commands;
	struct tp_buf messages[FAKE_MESSAGES_MAX];
	int message_count;
	int dots;
};

/* One connection being served. */
struct peer {
	struct fake_relay *relay;
	int fd;
	SSL *ssl;
	char input[16384];
	size_t input_len;
	int open; /* MAIL was accepted */
	int rcpt_count;
	int accepted_count;
};

static void need(int good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "fake_relay: %s failed\n", what);
	abort();
}

static void sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&time, NULL);
}

/* ---- bytes ------------------------------------------------------------- */

static int is_stopping(struct fake_relay *relay)
{
	int stop;

	(void)pthread_mutex_lock(&relay->lock);
	stop = relay->stop;
	(void)pthread_mutex_unlock(&relay->lock);
	return stop;
}

static void record(struct record *to, const char *bytes, size_t len)
{
	size_t room = sizeof(to->bytes) - 1 - to->len;
	size_t i;

	if (len > room)
		len = room;
	for (i = 0; i < len; i++)
		/* Kept a string; a NUL shows as what it must not be. */
		to->bytes[to->len++] = bytes[i] ? bytes[i] : '@';
}

/* @return bytes read, or <= 0 at the end */
static int receive(struct peer *peer, char *out, int size)
{
	int got = peer->ssl ? SSL_read(peer->ssl, out, size)
			    : (int)recv(peer->fd, out, (size_t)size, 0);

	if (got > 0)
		record(peer->ssl ? &peer->relay->tls : &peer->relay->clear, out,
			(size_t)got);
	return got;
}

static int send_bytes(struct peer *peer, const char *bytes, size_t len)
{
	while (len > 0) {
		int sent = peer->ssl ? SSL_write(peer->ssl, bytes, (int)len)
				     : (int)send(peer->fd, bytes, len,
					       MSG_NOSIGNAL);

		if (sent <= 0)
			return -1;
		bytes += sent;
		len -= (size_t)sent;
	}
	return 0;
}

static int say(struct peer *peer, const char *text)
{
	return send_bytes(peer, text, strlen(text));
}

/* One line without CRLF into LINE. @return 0, or -1 at the end */
static int read_line(struct peer *peer, char *line, size_t line_bytes)
{
	for (;;) {
		char *eol = memchr(peer->input, '\n', peer->input_len);
		int got;

		if (eol) {
			size_t len = (size_t)(eol - peer->input);
			size_t take =
				len > 0 && eol[-1] == '\r' ? len - 1 : len;

			need(take < line_bytes, "a shorter line");
			memcpy(line, peer->input, take);
			line[take] = '\0';
			peer->input_len -= len + 1;
			memmove(peer->input, eol + 1, peer->input_len);
			return 0;
		}
		got = receive(peer, peer->input + peer->input_len,
			(int)(sizeof(peer->input) - peer->input_len));
		if (got <= 0)
			return -1;
		peer->input_len += (size_t)got;
	}
}

/* ---- faults ------------------------------------------------------------ */

static void wait_for_stop(struct fake_relay *relay)
{
	(void)pthread_mutex_lock(&relay->lock);
	while (!relay->stop)
		(void)pthread_cond_wait(&relay->stopped, &relay->lock);
	(void)pthread_mutex_unlock(&relay->lock);
}

static void repeat(struct peer *peer, const char *text, int drip)
{
	size_t at = 0;
	size_t len = strlen(text);

	while (!is_stopping(peer->relay)) {
		if (send_bytes(peer, text + at, drip ? 1 : len) < 0)
			return;
		if (drip) {
			long ms = peer->relay->options.drip_ms;

			at = (at + 1) % len;
			sleep_ms(ms ? ms : 20);
		}
	}
}

static void pause_here(struct fake_relay *relay)
{
	long left_ms = relay->options.pause_ms;

	for (; left_ms > 0 && !is_stopping(relay); left_ms -= 20)
		sleep_ms(left_ms < 20 ? left_ms : 20);
}

static void reset_connection(struct peer *peer)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (peer->ssl)
		SSL_set_quiet_shutdown(peer->ssl, 1);
}

/* @return 0: no fault here; 1: it has answered; -1: the connection ends */
static int fault_at(struct peer *peer, enum fake_step step)
{
	const struct fake_options *options = &peer->relay->options;
	char waste[4096];

	if (options->step != step || step == FAKE_NEVER)
		return 0;
	switch (options->fault) {
	case FAKE_SAY:
		if (say(peer, options->say) < 0)
			return -1;
		if (options->say_later) {
			sleep_ms(30);
			if (say(peer, options->say_later) < 0)
				return -1;
		}
		return 1;
	case FAKE_SAY_CLOSE:
		(void)say(peer, options->say);
		return -1;
	case FAKE_CLOSE:
		return -1;
	case FAKE_RESET:
		reset_connection(peer);
		return -1;
	case FAKE_STALL:
		while (receive(peer, waste, sizeof(waste)) > 0)
			continue;
		return -1;
	case FAKE_DEAF:
		wait_for_stop(peer->relay);
		return -1;
	case FAKE_DRIP:
		repeat(peer, options->say, 1);
		return -1;
	case FAKE_FLOOD:
		repeat(peer, options->say, 0);
		return -1;
	case FAKE_PAUSE:
		pause_here(peer->relay);
		return 0;
	}
	return -1;
}

/* Says TEXT unless the fault is here. @return 0, or -1 */
static int answer(struct peer *peer, enum fake_step step, const char *text)
{
	int rc = fault_at(peer, step);

	if (rc == 0)
		return say(peer, text);
	return rc < 0 ? -1 : 0;
}

/* ---- AUTH -------------------------------------------------------------- */

static int say_challenge(struct peer *peer, const char *bytes, size_t len)
{
	struct tp_buf line = TP_BUF_INIT(65536);
	int rc;

	need(tp_buf_str_add(&line, "334 ") == 0 &&
			tp_base64_encode(&line, bytes, len) == 0 &&
			tp_buf_str_add(&line, "\r\n") == 0,
		"a challenge");
	rc = send_bytes(peer, line.data, line.len);
	tp_buf_free(&line);
	return rc;
}

/* Decodes TEXT ("=": empty). @return 0, or -1 if it is no base 64 */
static int decode(struct tp_buf *out, const char *text)
{
	tp_buf_clear(out);
	if (strcmp(text, "=") == 0)
		text = "";
	return tp_base64_decode(out, text, strlen(text));
}

static int read_response(struct peer *peer, struct tp_buf *out)
{
	char line[12288];

	if (read_line(peer, line, sizeof(line)) < 0)
		return -1;
	return decode(out, line);
}

static int equals(const struct tp_buf *buf, const struct tp_buf *want)
{
	return buf->len == want->len &&
	       memcmp(tp_buf_str(buf), tp_buf_str(want), want->len) == 0;
}

/* The message a client must send in its first response. */
static void expected(const struct fake_relay *relay, const char *mechanism,
	struct tp_buf *out)
{
	const struct fake_options *options = &relay->options;
	int rc;

	if (strcmp(mechanism, "PLAIN") == 0) {
		rc = tp_buf_char(out, '\0');
		if (rc == 0)
			rc = tp_buf_printf(out, "%s", options->user);
		if (rc == 0)
			rc = tp_buf_char(out, '\0');
		if (rc == 0)
			rc = tp_buf_printf(out, "%s", options->password);
	} else if (strcmp(mechanism, "XOAUTH2") == 0) {
		rc = tp_buf_printf(out, "user=%s\001auth=Bearer %s\001\001",
			options->user, options->token);
	} else {
		rc = tp_buf_printf(out,
			"n,a=%s,\001host=%s\001port=%d\001auth=Bearer %s"
			"\001\001",
			options->user,
			relay->options.ipv6 ? "::1" : "127.0.0.1", relay->port,
			options->token);
	}
	need(rc == 0, "memory");
}

/* @return 1: right; 0: wrong; -1: connection ends */
static int check_first(struct peer *peer, const char *mechanism,
	const char *initial, struct tp_buf *response)
{
	struct tp_buf want = TP_BUF_INIT(65536);
	const char *json = "{\"status\":\"401\",\"schemes\":\"bearer\"}";
	int rc = 0;

	if (initial)
		rc = decode(response, initial);
	else if (say(peer, "334 \r\n") < 0)
		rc = -1;
	else
		rc = read_response(peer, response);
	if (rc == 0) {
		expected(peer->relay, mechanism, &want);
		rc = equals(response, &want);
		tp_buf_free(&want);
	}
	if (rc == 0 && strcmp(mechanism, "PLAIN") != 0 &&
		(say_challenge(peer, json, strlen(json)) < 0 ||
			read_response(peer, response) < 0))
		rc = -1;
	return rc;
}

static int check_login(struct peer *peer, struct tp_buf *response)
{
	const struct fake_options *options = &peer->relay->options;
	int good;

	if (say_challenge(peer, "Username:", 9) < 0 ||
		read_response(peer, response) < 0)
		return -1;
	good = strcmp(tp_buf_str(response), options->user) == 0;
	if (say_challenge(peer, "Password:", 9) < 0 ||
		read_response(peer, response) < 0)
		return -1;
	return good && strcmp(tp_buf_str(response), options->password) == 0;
}

/* The dialogue of SCRAM and CRAM-MD5, server side, by libgsasl. */
static int check_sasl(struct peer *peer, const char *initial,
	Gsasl_session *session, struct tp_buf *response)
{
	const struct fake_options *options = &peer->relay->options;
	int rc = initial ? decode(response, initial) : 0;

	if (rc < 0)
		return -1;
	for (;;) {
		char *out = NULL;
		size_t out_len = 0;

		rc = gsasl_step(session, tp_buf_str(response), response->len,
			&out, &out_len);
		if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
			return 0;
		if (rc == GSASL_OK && options->scram == FAKE_SCRAM_NO_PROOF)
			out_len = 0;
		if (rc == GSASL_OK && options->scram == FAKE_SCRAM_LIES &&
			out_len > 4)
			out[4] = out[4] == 'A' ? 'B' : 'A';
		if (rc == GSASL_OK && out_len == 0) {
			gsasl_free(out);
			return 1;
		}
		rc = say_challenge(peer, out ? out : "", out_len) < 0 ||
		     read_response(peer, response) < 0;
		gsasl_free(out);
		if (rc)
			return -1;
		/* The empty line after the server's proof. */
		if (response->len == 0)
			return 1;
	}
}

static int run_sasl(struct peer *peer, const char *mechanism,
	const char *initial, struct tp_buf *response)
{
	const struct fake_options *options = &peer->relay->options;
	Gsasl *library = NULL;
	Gsasl_session *session = NULL;
	const char *user;
	int rc;

	need(gsasl_init(&library) == GSASL_OK &&
			gsasl_server_start(library, mechanism, &session) ==
				GSASL_OK,
		"libgsasl");
	(void)gsasl_property_set(session, GSASL_PASSWORD, options->password);
	(void)gsasl_property_set(session, GSASL_SCRAM_ITER, "4096");
	rc = check_sasl(peer, initial, session, response);
	user = gsasl_property_fast(session, GSASL_AUTHID);
	if (rc == 1 && (!user || strcmp(user, options->user) != 0))
		rc = 0;
	gsasl_finish(session);
	gsasl_done(library);
	return rc;
}

/* @param words what follows "AUTH " */
static int serve_auth(struct peer *peer, char *words)
{
	struct tp_buf response = TP_BUF_INIT(65536);
	char *initial = strchr(words, ' ');
	int rc = fault_at(peer, FAKE_AUTH);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (initial)
		*initial++ = '\0';
	if (strcmp(words, "LOGIN") == 0)
		rc = check_login(peer, &response);
	else if (strcmp(words, "CRAM-MD5") == 0 ||
		 strcmp(words, "SCRAM-SHA-256") == 0)
		rc = run_sasl(peer, words, initial, &response);
	else
		rc = check_first(peer, words, initial, &response);
	tp_buf_free(&response);
	if (rc < 0)
		return -1;
	peer->relay->logins += rc;
	return answer(peer, FAKE_AUTH_RESULT,
		rc ? "235 2.7.0 welcome\r\n" : "535 5.7.8 bad credentials\r\n");
}

/* ---- the server -------------------------------------------------------- */

static int on_sni(SSL *ssl, int *alert, void *arg)
{
	struct fake_relay *relay = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	(void)snprintf(relay->sni, sizeof(relay->sni), "%s", name ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static int start_tls(struct peer *peer)
{
	struct fake_relay *relay = peer->relay;
	int rc = fault_at(peer, FAKE_HANDSHAKE);

	if (rc < 0)
		return -1;
	relay->sni[0] = '\0';
	peer->ssl = SSL_new(relay->ctx);
	need(peer->ssl && SSL_set_fd(peer->ssl, peer->fd) == 1, "SSL_new");
	if (SSL_accept(peer->ssl) != 1) {
		ERR_clear_error();
		SSL_free(peer->ssl);
		peer->ssl = NULL;
		return -1;
	}
	relay->handshakes++;
	relay->resumed += SSL_session_reused(peer->ssl);
	relay->client_certs += SSL_get0_peer_certificate(peer->ssl) != NULL;
	return 0;
}

static int serve_ehlo(struct peer *peer)
{
	const struct fake_options *options = &peer->relay->options;
	const char *at = peer->ssl && options->keywords_tls
				 ? options->keywords_tls
				 : options->keywords;
	struct tp_buf reply = TP_BUF_INIT(16384);
	int rc = tp_buf_printf(&reply, "250%cfake\r\n", at ? '-' : ' ');

	while (at && rc == 0) {
		const char *stop = strchr(at, '|');
		int len = (int)(stop ? stop - at : (long)strlen(at));

		rc = tp_buf_printf(
			&reply, "250%c%.*s\r\n", stop ? '-' : ' ', len, at);
		at = stop ? stop + 1 : NULL;
	}
	need(rc == 0, "memory");
	rc = answer(peer, peer->ssl ? FAKE_EHLO_TLS : FAKE_EHLO, reply.data);
	tp_buf_free(&reply);
	return rc;
}

/* Takes what is in the input buffer. @return 1: the dot came */
static int take_body(struct peer *peer, struct tp_buf *message)
{
	const char *at = peer->input;
	const char *end = peer->input + peer->input_len;
	int ended = 0;

	while (at < end && !ended) {
		size_t len = message->len;
		int line_start =
			len == 0 || (len >= 2 && memcmp(message->data + len - 2,
							 "\r\n", 2) == 0);
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		const char *stop = eol ? eol + 1 : end;

		if (line_start && *at == '.') {
			if (end - at < 3)
				break;
			ended = at[1] == '\r' && at[2] == '\n';
			at++;
		}
		if (!ended)
			need(tp_buf_add(message, at, (size_t)(stop - at)) == 0,
				"memory");
		at = stop;
	}
	peer->input_len = (size_t)(end - at);
	memmove(peer->input, at, peer->input_len);
	return ended;
}

/* @return 0: up to the dot; -1: the connection ends */
static int read_message(struct peer *peer)
{
	struct fake_relay *relay = peer->relay;
	struct tp_buf *message = &relay->messages[relay->message_count];
	int faulted = 0;

	need(relay->message_count < FAKE_MESSAGES_MAX, "room for a message");
	tp_buf_init(message, MESSAGE_BYTES_MAX);
	relay->message_count++;
	while (!take_body(peer, message)) {
		int got;

		if (!faulted && message->len >= relay->options.at_bytes) {
			faulted = 1;
			if (fault_at(peer, FAKE_BODY) < 0)
				return -1;
		}
		got = receive(peer, peer->input + peer->input_len,
			(int)(sizeof(peer->input) - peer->input_len));
		if (got <= 0)
			return -1;
		peer->input_len += (size_t)got;
	}
	relay->dots++;
	return 0;
}

/* A fault that speaks has said all that there is to say to DATA; whether the
 * client sends a body then is its own affair. */
static int serve_data(struct peer *peer)
{
	const struct fake_options *options = &peer->relay->options;
	int accepted = peer->accepted_count;
	int rc;

	if (!peer->open)
		return say(peer, "503 5.5.1 MAIL first\r\n");
	if (accepted == 0 && !options->always_354)
		return say(peer, "554 5.5.1 no valid recipients\r\n");
	rc = fault_at(peer, FAKE_DATA);
	if (rc < 0)
		return -1;
	if (rc == 1 && strncmp(options->say, "354", 3) != 0)
		return 0;
	if ((rc == 0 && say(peer, "354 go on\r\n") < 0) ||
		read_message(peer) < 0)
		return -1;
	peer->open = 0;
	if (accepted == 0)
		return say(peer, "554 5.5.1 no valid recipients\r\n");
	return answer(peer, FAKE_DOT, "250 2.0.0 stored\r\n");
}

/* @return 1: the address asks for a refusal, and got it; 0; -1 */
static int refused_by_wish(struct peer *peer, const char *line)
{
	const char *address = strchr(line, '<');
	char text[32];

	if (!address || strspn(address + 1, "0123456789") < 3)
		return 0;
	(void)snprintf(text, sizeof(text), "%.3s as you wish\r\n", address + 1);
	return say(peer, text) < 0 ? -1 : 1;
}

/* Says TEXT, which accepts, unless the fault is here.
 * @return 1: accepted; 0: not; -1: the connection ends */
static int accept_unless(
	struct peer *peer, enum fake_step step, const char *text)
{
	int rc = fault_at(peer, step);

	if (rc == 1)
		return peer->relay->options.say[0] == '2';
	if (rc == 0)
		return say(peer, text) < 0 ? -1 : 1;
	return -1;
}

static int serve_mail(struct peer *peer, const char *line)
{
	int rc;

	if (peer->open)
		return say(peer, "503 5.5.1 nested MAIL\r\n");
	rc = refused_by_wish(peer, line);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	peer->rcpt_count = 0;
	peer->accepted_count = 0;
	peer->open = accept_unless(peer, FAKE_MAIL, "250 2.1.0 ok\r\n");
	return peer->open < 0 ? -1 : 0;
}

static int serve_rcpt(struct peer *peer, const char *line)
{
	int nth = peer->rcpt_count++;
	int rc;

	if (!peer->open)
		return say(peer, "503 5.5.1 MAIL first\r\n");
	rc = refused_by_wish(peer, line);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = accept_unless(peer,
		nth == peer->relay->options.at_rcpt ? FAKE_RCPT : FAKE_NEVER,
		"250 2.1.5 ok\r\n");
	peer->accepted_count += rc > 0;
	return rc < 0 ? -1 : 0;
}

static int has_verb(const char *line, const char *verb)
{
	return tp_strncasecmp(line, verb, strlen(verb)) == 0;
}

/* @return 0, or -1 when the connection ends */
static int serve_command(struct peer *peer, char *line)
{
	record(&peer->relay->commands, line, strlen(line));
	record(&peer->relay->commands, "\n", 1);
	if (has_verb(line, "EHLO "))
		return serve_ehlo(peer);
	if (has_verb(line, "HELO "))
		return say(peer, "250 fake\r\n");
	if (has_verb(line, "STARTTLS")) {
		if (answer(peer, FAKE_STARTTLS, "220 go ahead\r\n") < 0)
			return -1;
		return peer->relay->ctx ? start_tls(peer) : 0;
	}
	if (has_verb(line, "AUTH "))
		return serve_auth(peer, line + 5);
	if (has_verb(line, "MAIL "))
		return serve_mail(peer, line);
	if (has_verb(line, "RCPT "))
		return serve_rcpt(peer, line);
	if (has_verb(line, "RSET")) {
		peer->open = 0;
		return answer(peer, FAKE_RSET, "250 2.0.0 ok\r\n");
	}
	if (has_verb(line, "NOOP"))
		return say(peer, "250 2.0.0 ok\r\n");
	if (has_verb(line, "DATA"))
		return serve_data(peer);
	if (has_verb(line, "QUIT")) {
		(void)answer(peer, FAKE_QUIT, "221 2.0.0 bye\r\n");
		return -1;
	}
	return say(peer, "500 5.5.1 what?\r\n");
}

static void serve(struct fake_relay *relay, int fd)
{
	struct peer peer = { .relay = relay, .fd = fd };
	char line[12288];
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((!relay->options.implicit_tls || start_tls(&peer) == 0) &&
		answer(&peer, FAKE_GREETING, "220 fake ready\r\n") == 0)
		while (read_line(&peer, line, sizeof(line)) == 0 &&
			serve_command(&peer, line) == 0)
			continue;
	if (peer.ssl) {
		ERR_clear_error();
		(void)SSL_shutdown(peer.ssl);
		SSL_free(peer.ssl);
	}
}

static void *run(void *arg)
{
	struct fake_relay *relay = arg;

	while (!is_stopping(relay)) {
		int fd = accept(relay->listener, NULL, NULL);

		if (fd < 0)
			continue;
		(void)pthread_mutex_lock(&relay->lock);
		relay->connection = fd;
		relay->connections++;
		/* stop() may have come between accept() and here. */
		if (relay->stop)
			(void)shutdown(fd, SHUT_RDWR);
		(void)pthread_mutex_unlock(&relay->lock);
		serve(relay, fd);
		(void)pthread_mutex_lock(&relay->lock);
		relay->connection = -1;
		(void)pthread_mutex_unlock(&relay->lock);
		(void)close(fd);
	}
	return NULL;
}

static void make_context(struct fake_relay *relay)
{
	const struct fake_options *options = &relay->options;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	need(ctx != NULL, "SSL_CTX_new");
	if (options->tls_max_version) {
		/* Old versions need old rules on Debian. */
		need(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0") == 1 &&
				SSL_CTX_set_min_proto_version(
					ctx, TLS1_VERSION) == 1 &&
				SSL_CTX_set_max_proto_version(
					ctx, options->tls_max_version) == 1,
			"TLS versions");
	}
	need(SSL_CTX_use_certificate(ctx, options->certificate->certificate) ==
				1 &&
			SSL_CTX_use_PrivateKey(
				ctx, options->certificate->key) == 1,
		"certificate");
	SSL_CTX_set_tlsext_servername_callback(ctx, on_sni);
	SSL_CTX_set_tlsext_servername_arg(ctx, relay);
	(void)SSL_CTX_set_session_id_context(
		ctx, (const unsigned char *)"fake", 4);
	if (options->client_ca) {
		need(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx),
			     options->client_ca->certificate) == 1,
			"client CA");
		SSL_CTX_set_verify(ctx,
			SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			NULL);
	}
	relay->ctx = ctx;
}

static void listen_somewhere(struct fake_relay *relay)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int ipv6 = relay->options.ipv6;
	struct sockaddr *at = ipv6 ? (void *)&in6 : (void *)&in;
	socklen_t len = ipv6 ? sizeof(in6) : sizeof(in);

	relay->listener = socket(
		ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (relay->options.receive_buffer_bytes > 0)
		need(setsockopt(relay->listener, SOL_SOCKET, SO_RCVBUF,
			     &relay->options.receive_buffer_bytes,
			     sizeof(int)) == 0,
			"SO_RCVBUF");
	need(relay->listener >= 0 && bind(relay->listener, at, len) == 0 &&
			listen(relay->listener, 16) == 0 &&
			getsockname(relay->listener, at, &len) == 0,
		"listening");
	relay->port = ntohs(ipv6 ? in6.sin6_port : in.sin_port);
}

struct fake_relay *fake_relay_start(const struct fake_options *options)
{
	struct fake_relay *relay = calloc(1, sizeof(*relay));
	sigset_t pipe_signal;
	sigset_t before;

	need(relay != NULL, "calloc");
	relay->options = *options;
	relay->connection = -1;
	(void)pthread_mutex_init(&relay->lock, NULL);
	(void)pthread_cond_init(&relay->stopped, NULL);
	if (options->certificate)
		make_context(relay);
	listen_somewhere(relay);
	/* OpenSSL writes with write(2); the thread inherits this mask, and
	 * the test's own thread stays able to die of a SIGPIPE. */
	(void)sigemptyset(&pipe_signal);
	(void)sigaddset(&pipe_signal, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	need(pthread_create(&relay->thread, NULL, run, relay) == 0, "a thread");
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	relay->running = 1;
	return relay;
}

void fake_relay_stop(struct fake_relay *relay)
{
	if (!relay->running)
		return;
	(void)pthread_mutex_lock(&relay->lock);
	relay->stop = 1;
	(void)pthread_cond_broadcast(&relay->stopped);
	(void)shutdown(relay->listener, SHUT_RDWR);
	if (relay->connection >= 0)
		(void)shutdown(relay->connection, SHUT_RDWR);
	(void)pthread_mutex_unlock(&relay->lock);
	(void)pthread_join(relay->thread, NULL);
	relay->running = 0;
}

void fake_relay_free(struct fake_relay **relay)
{
	int i;

	if (!*relay)
		return;
	fake_relay_stop(*relay);
	for (i = 0; i < (*relay)->message_count; i++)
		tp_buf_free(&(*relay)->messages[i]);
	(void)close((*relay)->listener);
	SSL_CTX_free((*relay)->ctx);
	(void)pthread_cond_destroy(&(*relay)->stopped);
	(void)pthread_mutex_destroy(&(*relay)->lock);
	free(*relay);
	*relay = NULL;
}

int fake_relay_port(const struct fake_relay *relay)
{
	return relay->port;
}

const char *fake_relay_clear(const struct fake_relay *relay)
{
	return relay->clear.bytes;
}

const char *fake_relay_tls(const struct fake_relay *relay)
{
	return relay->tls.bytes;
}

const char *fake_relay_sni(const struct fake_relay *relay)
{
	return relay->sni;
}

int fake_relay_connections(const struct fake_relay *relay)
{
	return relay->connections;
}

int fake_relay_handshakes(const struct fake_relay *relay)
{
	return relay->handshakes;
}

int fake_relay_resumed(const struct fake_relay *relay)
{
	return relay->resumed;
}

int fake_relay_logins(const struct fake_relay *relay)
{
	return relay->logins;
}

int fake_relay_client_certs(const struct fake_relay *relay)
{
	return relay->client_certs;
}

const char *fake_relay_commands(const struct fake_relay *relay)
{
	return relay->commands.bytes;
}

int fake_relay_messages(const struct fake_relay *relay)
{
	return relay->message_count;
}

int fake_relay_dots(const struct fake_relay *relay)
{
	return relay->dots;
}

const char *fake_relay_message(
	const struct fake_relay *relay, int i, size_t *len_out)
{
	*len_out = relay->messages[i].len;
	return tp_buf_str(&relay->messages[i]);
}
