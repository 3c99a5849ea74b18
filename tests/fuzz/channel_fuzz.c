/*
 * channel_fuzz.c - any bytes as a relay's side of a connection
 *
 * JOB     The channel connects to a server that says what the input holds, and
 *         two transactions are tried over it: no crash, no wait beyond the
 *         deadlines, and no verdict without a reply that justifies it.
 *
 *         The first byte chooses: 1 a login, 2 three recipients, 4 a body of
 *         several writes, 8 the server falls silent at the end instead of
 *         closing. What follows is said piece by piece, '~' between them: the
 *         first at once, each other one when the client has sent something.
 * SPDX-License-Identifier: MIT
 */
#include "adapters/channel.h"
#include "adapters/upstream.h"
#include "core/policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECIPIENTS_MAX 3
#define DEADLINE_MS 5
#define SILENCE_MS 15
#define PIECES 3
#define PIECE_BYTES 40000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int good)
{
	if (!good)
		abort();
}

/* ---- the server --------------------------------------------------------- */

struct script {
	int listener;
	const char *at;
	const char *end;
	int silent_at_end;
};

/* @return 0: said; -1: nothing is left to say, or nobody listens */
static int say_next(struct script *script, int fd)
{
	const char *stop;
	size_t len;

	if (script->at >= script->end)
		return -1;
	stop = memchr(script->at, '~', (size_t)(script->end - script->at));
	len = (size_t)((stop ? stop : script->end) - script->at);
	if (len > 0 && send(fd, script->at, len, MSG_NOSIGNAL) < 0)
		return -1;
	script->at += len + 1;
	return 0;
}

static int wait_for(int fd, int timeout_ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	return poll(&poller, 1, timeout_ms) > 0;
}

static void *serve(void *arg)
{
	struct script *script = arg;
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	char waste[65536];
	int fd = -1;

	if (wait_for(script->listener, 2000))
		fd = accept(script->listener, NULL, NULL);
	need(fd >= 0);
	while (say_next(script, fd) == 0)
		if (recv(fd, waste, sizeof(waste), 0) <= 0)
			break;
	if (script->silent_at_end)
		while (wait_for(fd, SILENCE_MS) &&
			recv(fd, waste, sizeof(waste), 0) > 0)
			continue;
	/* Thousands of connections must not linger. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	(void)close(fd);
	return NULL;
}

static int listen_once(int *port_out)
{
	static int listener = -1;
	static int port;
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	if (listener < 0) {
		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		need(listener >= 0 &&
			bind(listener, (struct sockaddr *)&at, sizeof(at)) ==
				0 &&
			listen(listener, 8) == 0 &&
			getsockname(listener, (struct sockaddr *)&at, &len) ==
				0);
		port = ntohs(at.sin_port);
	}
	*port_out = port;
	return listener;
}

/* ---- the client --------------------------------------------------------- */

static void check_reply(const struct tp_reply *reply)
{
	need(reply->code == 0 || (reply->code >= 200 && reply->code <= 299) ||
		(reply->code >= 400 && reply->code <= 599));
	need(memchr(reply->text, '\0', sizeof(reply->text)) != NULL);
	need(strpbrk(reply->text, "\r\n\033") == NULL);
}

/* A verdict must rest on a reply: "sent" on two good ones and a dot that went
 * out, "permanent" on a 5xx. */
static void check_verdicts(const struct tp_upstream *upstream,
	const struct tp_transaction *tx, int body_wanted)
{
	size_t i;

	check_reply(&tx->mail);
	check_reply(&tx->data_reply);
	for (i = 0; i < tx->recipient_count; i++) {
		const struct tp_reply *reply = NULL;
		struct tp_verdict verdict =
			tp_policy_recipient(tx, i, NULL, &reply);

		check_reply(&tx->rcpt[i]);
		need(verdict.cls != TP_CLASS_SENT || body_wanted);
		need(verdict.cls != TP_CLASS_UNKNOWN || body_wanted);
		need(verdict.cls != TP_CLASS_PERMANENT || reply->code >= 500);
	}
	need(tx->trouble.step == TP_STEP_NONE || upstream->lost);
	need(tx->trouble.step == TP_STEP_NONE || tx->trouble.code < 0);
	need(!upstream->receiving);
}

static void transact(struct tp_upstream *upstream, uint8_t choice)
{
	static const char *const recipients[RECIPIENTS_MAX] = { "a@x.test",
		"b@x.test", "c@x.test" };
	static char big[PIECE_BYTES];
	static const char small[] = "Subject: x\r\n\r\n..dot\r\n";
	struct tp_reply rcpt[RECIPIENTS_MAX];
	struct tp_transaction tx = {
		.sender = "shop@x.test",
		.recipients = recipients,
		.recipient_count = choice & 2 ? RECIPIENTS_MAX : 1,
		.data = small,
		.data_len = sizeof(small) - 1,
		.eight_bit = 1,
		.rcpt = rcpt,
	};
	int body_wanted;
	int i;

	memset(rcpt, 0, sizeof(rcpt));
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 2] = '\r';
	big[sizeof(big) - 1] = '\n';
	body_wanted = tp_upstream_begin(upstream, &tx);
	if (body_wanted) {
		tp_upstream_body(upstream, &tx, small, sizeof(small) - 1);
		for (i = 0; choice & 4 && i < PIECES; i++)
			tp_upstream_body(upstream, &tx, big, sizeof(big));
		tp_upstream_dot(upstream, &tx);
	}
	check_verdicts(upstream, &tx, body_wanted);
}

static void fill_relay(struct tp_relay *relay, int port, uint8_t choice)
{
	static char host[] = "127.0.0.1";
	static char helo[] = "shop.test";
	static char user[] = "shop";

	*relay = (struct tp_relay) {
		.host = host,
		.port = port,
		.helo_name = helo,
		.tls = TP_TLS_NONE,
		.auth = choice & 1 ? TP_AUTH_AUTO : TP_AUTH_NONE,
		.allow_plaintext_auth = 1,
		.connect_timeout_ms = 2000,
		.tls_timeout_ms = DEADLINE_MS,
		.reply_timeout_ms = DEADLINE_MS,
		.data_timeout_ms = DEADLINE_MS,
		.final_timeout_ms = DEADLINE_MS,
	};
	if (choice & 1) {
		relay->username = user;
		relay->password = tp_secret_new("secret", 6);
	}
}

static void connect_and_send(const struct tp_relay *relay, uint8_t choice)
{
	static struct tp_channel_shared *shared;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_channel *channel = NULL;
	struct tp_upstream upstream;
	struct tp_trouble trouble;

	if (!shared)
		need(tp_channel_shared_new(&shared, &err) == TP_OK);
	if (tp_channel_open(shared, relay, NULL, &channel, &trouble) < 0) {
		need(trouble.step != TP_STEP_NONE && trouble.code < 0);
		need(trouble.text[0] != '\0' && !channel);
		return;
	}
	tp_upstream_init(&upstream, channel, relay);
	transact(&upstream, choice);
	transact(&upstream, choice);
	tp_upstream_free(&upstream);
	tp_channel_close(&channel, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice = size > 0 ? data[0] : 0;
	struct script script = {
		.at = (const char *)data + (size > 0),
		.end = (const char *)data + size,
		.silent_at_end = (choice & 8) != 0,
	};
	struct tp_relay relay;
	pthread_t thread;
	int port;

	script.listener = listen_once(&port);
	fill_relay(&relay, port, choice);
	need(pthread_create(&thread, NULL, serve, &script) == 0);
	connect_and_send(&relay, choice);
	need(pthread_join(thread, NULL) == 0);
	tp_secret_destroy(&relay.password);
	return 0;
}
