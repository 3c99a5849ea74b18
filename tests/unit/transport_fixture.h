/*
 * transport_fixture.h - messages through the libESMTP transport to a fake relay
 *
 * JOB     Starts a fake relay, connects the transport to it, sends letters
 *         over that connection in as many sessions as it takes, and keeps
 *         what came of each. Any failure of the set-up ends the program.
 * THREADS one thread for each sending; nothing is shared.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_TESTS_TRANSPORT_FIXTURE_H
#define TP_TESTS_TRANSPORT_FIXTURE_H

#include "adapters/transport_esmtp.h"
#include "core/policy.h"
#include "harness/fake_relay.h"

#include <stddef.h>

#define LETTER_RECIPIENTS_MAX 3

/* One message, and how often and with what result it came back. */
struct letter {
	struct tp_transaction tx;
	const char *recipients[LETTER_RECIPIENTS_MAX];
	struct tp_reply rcpt[LETTER_RECIPIENTS_MAX];
	int done_count;
};

/* RECIPIENTS (at most three addresses) and DATA are borrowed. */
void letter_init(struct letter *letter, const char *const *recipients,
	size_t recipient_count, const char *data, size_t data_len);
/* What tp_policy_recipient() says of recipient I. */
struct tp_verdict letter_verdict(const struct letter *letter, size_t i);

struct sending {
	/* to be changed between init and start */
	struct fake_options options;
	struct tp_relay relay;

	struct fake_relay *server;
	struct tp_transport *transport;
	struct tp_interrupt interrupt; /* of the connection */
	struct tp_connection *connection;
	struct tp_trouble trouble; /* of connecting */
	int ready_rc;		   /* what the source's ready() returns */
	int ready_count;	   /* how often it was asked */
	struct letter *letters;
	size_t letter_count;
	size_t next_letter;
	int session_count;
	int session_rc; /* of the last one */
	struct tp_error err;
	int64_t took_ms; /* connecting and sending */
};

/* A relay without TLS and AUTH; deadlines of 5 s. */
void sending_init(struct sending *sending, const char *keywords);
void sending_start(struct sending *sending);
/* @return what connect() returned */
int sending_connect(struct sending *sending);
/* Sends over the open connection until all letters are done, the connection
 * is dead or a session failed. */
void sending_run(
	struct sending *sending, struct letter *letters, size_t letter_count);
/* start, connect, run; a relay that cannot be reached is an error */
void sending_all(
	struct sending *sending, struct letter *letters, size_t letter_count);
/* Disconnects and stops the server; its records are complete then. */
void sending_stop(struct sending *sending);
/* stop, and frees everything */
void sending_drop(struct sending *sending);

/* Makes a message of a complete header and BODY_LEN bytes of body, then CRLF:
 * lines of many lengths, lines that begin with dots, bytes above 127. The
 * same SEED gives the same bytes. free() it. */
char *letter_text(size_t body_len, unsigned seed, size_t *len_out);

#endif
