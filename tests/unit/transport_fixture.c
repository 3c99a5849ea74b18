/*
 * transport_fixture.c - messages through the libESMTP transport to a fake relay
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport_fixture.h"

#include "base/clock.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char header[] = "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
			     "From: Shop <shop@example.test>\r\n"
			     "To: a@example.test\r\n"
			     "Message-ID: <letter@example.test>\r\n"
			     "Subject: Your order\r\n\r\n";

static void need(int good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "transport_fixture: %s failed\n", what);
	abort();
}

/* ---- letters ------------------------------------------------------------ */

void letter_init(struct letter *letter, const char *const *recipients,
	size_t recipient_count, const char *data, size_t data_len)
{
	size_t i;

	memset(letter, 0, sizeof(*letter));
	need(recipient_count <= LETTER_RECIPIENTS_MAX, "recipient count");
	for (i = 0; i < recipient_count; i++)
		letter->recipients[i] = recipients[i];
	letter->tx.sender = "shop@example.test";
	letter->tx.recipients = letter->recipients;
	letter->tx.recipient_count = recipient_count;
	letter->tx.rcpt = letter->rcpt;
	letter->tx.data = data;
	letter->tx.data_len = data_len;
}

struct tp_verdict letter_verdict(const struct letter *letter, size_t i)
{
	const struct tp_reply *reply;

	return tp_policy_recipient(&letter->tx, i, NULL, &reply);
}

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

char *letter_text(size_t body_len, unsigned seed, size_t *len_out)
{
	static const char bytes[] = "abc XYZ.=\xc3\xa4\xff\x80\t";
	size_t head_len = sizeof(header) - 1;
	char *text = malloc(head_len + body_len + 3);
	char *body = text + head_len;
	size_t line = 0;
	size_t i;

	need(text != NULL, "malloc");
	memcpy(text, header, head_len);
	for (i = 0; i < body_len; i++) {
		unsigned random = next_random(&seed);

		if (i + 1 < body_len && (random % 61 == 0 || line > 900)) {
			body[i++] = '\r';
			body[i] = '\n';
			line = 0;
			continue;
		}
		body[i] = line == 0 && random % 3 == 0
				  ? '.'
				  : bytes[random % (sizeof(bytes) - 1)];
		line++;
	}
	memcpy(body + body_len, "\r\n", 3);
	*len_out = head_len + body_len + 2;
	return text;
}

/* ---- sending ------------------------------------------------------------ */

void sending_init(struct sending *sending, const char *keywords)
{
	static char name[] = "fake";
	static char host[] = "127.0.0.1";
	static char helo[] = "shop.example.test";

	memset(sending, 0, sizeof(*sending));
	tp_interrupt_init(&sending->interrupt);
	sending->options.keywords = keywords;
	/* A message that is bigger than this and what the kernel keeps on the
	 * sender's side (4 MiB) cannot go out unread. */
	sending->options.receive_buffer_bytes = 256 * 1024;
	sending->relay = (struct tp_relay) {
		.name = name,
		.host = host,
		.helo_name = helo,
		.tls = TP_TLS_NONE,
		.auth = TP_AUTH_NONE,
		.connect_timeout_ms = 5000,
		.tls_timeout_ms = 5000,
		.reply_timeout_ms = 5000,
		.data_timeout_ms = 5000,
		.final_timeout_ms = 5000,
	};
}

void sending_start(struct sending *sending)
{
	sending->server = fake_relay_start(&sending->options);
	sending->relay.port = fake_relay_port(sending->server);
	need(tp_transport_esmtp_new(&sending->transport, &sending->err) == 0,
		"the transport");
}

int sending_connect(struct sending *sending)
{
	int64_t begun = tp_mono_ms();
	int rc = sending->transport->ops->connect(sending->transport,
		&sending->relay, &sending->interrupt, &sending->connection,
		&sending->trouble);

	sending->took_ms = tp_mono_ms() - begun;
	return rc;
}

static struct tp_transaction *next(void *ctx)
{
	struct sending *sending = ctx;

	if (sending->next_letter == sending->letter_count)
		return NULL;
	return &sending->letters[sending->next_letter++].tx;
}

static int ready(void *ctx, struct tp_transaction *tx)
{
	struct sending *sending = ctx;

	need(tx == &sending->letters[sending->next_letter - 1].tx,
		"ready() for the letter that next() gave");
	sending->ready_count++;
	return sending->ready_rc;
}

static void done(void *ctx, struct tp_transaction *tx)
{
	struct sending *sending = ctx;
	struct letter *letter = &sending->letters[sending->next_letter - 1];

	need(tx == &letter->tx, "done() for the letter that next() gave");
	letter->done_count++;
}

void sending_run(
	struct sending *sending, struct letter *letters, size_t letter_count)
{
	struct tp_session_source source = {
		.ctx = sending, .next = next, .ready = ready, .done = done
	};
	int64_t begun = tp_mono_ms();

	sending->letters = letters;
	sending->letter_count = letter_count;
	sending->next_letter = 0;
	do {
		sending->session_rc = sending->transport->ops->session(
			sending->connection, &source, &sending->err);
		sending->session_count++;
	} while (sending->session_rc == 1 &&
		 sending->next_letter < letter_count);
	sending->took_ms += tp_mono_ms() - begun;
}

void sending_all(
	struct sending *sending, struct letter *letters, size_t letter_count)
{
	sending_start(sending);
	if (sending_connect(sending) < 0)
		(void)fprintf(stderr, "%s\n", sending->trouble.text);
	need(sending->connection != NULL, "connecting");
	sending_run(sending, letters, letter_count);
}

void sending_stop(struct sending *sending)
{
	if (sending->transport)
		sending->transport->ops->disconnect(&sending->connection);
	fake_relay_stop(sending->server);
}

void sending_drop(struct sending *sending)
{
	sending_stop(sending);
	if (sending->transport)
		sending->transport->ops->destroy(&sending->transport);
	fake_relay_free(&sending->server);
	tp_interrupt_destroy(&sending->interrupt);
}
