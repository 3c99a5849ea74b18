/*
 * fake_relay.h - an SMTP server that does what a test wants
 *
 * JOB     Runs in a thread on a free port of 127.0.0.1 (or ::1): greeting,
 *         EHLO, STARTTLS, every AUTH mechanism of tillpost, MAIL, RCPT, DATA;
 *         and one fault at one step. Records what it received in clear and
 *         what it received through TLS, apart, and the messages.
 *
 *         An address that begins with three digits is refused with them:
 *         RCPT TO:<550.who@example.test>. A second MAIL in one transaction is
 *         refused with 503.
 * LAYER   tests; OpenSSL and libgsasl. Serves one connection after another.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_TESTS_HARNESS_FAKE_RELAY_H
#define TP_TESTS_HARNESS_FAKE_RELAY_H

#include "harness/fake_pki.h"

#include <stddef.h>

enum fake_step {
	FAKE_NEVER,
	FAKE_GREETING,
	FAKE_EHLO,
	FAKE_STARTTLS,
	FAKE_HANDSHAKE,
	FAKE_EHLO_TLS,
	FAKE_AUTH,	  /* in place of the answer to the AUTH command */
	FAKE_AUTH_RESULT, /* in place of 235 or 535 */
	FAKE_MAIL,
	FAKE_QUIT,
	FAKE_RCPT, /* of recipient `at_rcpt` */
	FAKE_DATA,
	FAKE_BODY, /* once, when `at_bytes` of a message have come */
	FAKE_DOT,
	FAKE_RSET
};

enum fake_fault {
	FAKE_SAY,	/* sends `say` instead, goes on as if nothing was */
	FAKE_SAY_CLOSE, /* sends `say`, closes */
	FAKE_CLOSE,
	FAKE_RESET,
	FAKE_STALL, /* reads on, but says nothing more */
	FAKE_DEAF,  /* neither reads nor says anything */
	FAKE_DRIP,  /* `say`, one byte every `drip_ms`, over and over */
	FAKE_FLOOD, /* `say` over and over, as fast as it is taken */
	FAKE_PAUSE  /* neither reads nor says anything for `pause_ms`, then
		     * goes on as if nothing was */
};

enum fake_scram { FAKE_SCRAM_HONEST, FAKE_SCRAM_LIES, FAKE_SCRAM_NO_PROOF };

struct fake_options {
	const struct fake_cert *certificate; /* NULL: cannot do TLS */
	const struct fake_cert *client_ca;   /* asks for a client certificate */
	int implicit_tls;
	int tls_max_version; /* TLS1_1_VERSION ...; 0: the newest */
	int ipv6;
	/* '|' between keywords; NULL: none. STARTTLS is not added. */
	const char *keywords;
	const char *keywords_tls; /* after STARTTLS; NULL: keywords */
	const char *user;
	const char *password;
	const char *token;
	enum fake_scram scram;
	enum fake_step step; /* where the fault is */
	enum fake_fault fault;
	const char *say;
	const char *say_later; /* with FAKE_SAY: 30 ms after it */
	long drip_ms;	       /* 0: 20 */
	long pause_ms;
	int at_rcpt; /* FAKE_RCPT: which of a transaction, from 0 */
	size_t at_bytes;
	int receive_buffer_bytes; /* of the kernel; 0: it chooses */
	int always_354; /* to DATA, even if no recipient was accepted */
};

#define FAKE_MESSAGES_MAX 512

struct fake_relay;

struct fake_relay *fake_relay_start(const struct fake_options *options);
int fake_relay_port(const struct fake_relay *relay);
/* Ends the thread; the records stay readable. */
void fake_relay_stop(struct fake_relay *relay);
void fake_relay_free(struct fake_relay **relay);

/* The records; complete after fake_relay_stop(). Strings of what came in, cut
 * at 64 KiB; TLS handshake bytes are not in them. */
const char *fake_relay_clear(const struct fake_relay *relay);
const char *fake_relay_tls(const struct fake_relay *relay);
/* SNI of the last handshake; "" if there was none. */
const char *fake_relay_sni(const struct fake_relay *relay);
int fake_relay_connections(const struct fake_relay *relay);
int fake_relay_handshakes(const struct fake_relay *relay);
int fake_relay_resumed(const struct fake_relay *relay);
int fake_relay_logins(const struct fake_relay *relay);
int fake_relay_client_certs(const struct fake_relay *relay);

/* The commands, one a line, AUTH responses and bodies left out. */
const char *fake_relay_commands(const struct fake_relay *relay);
/* How many messages were begun (DATA answered with 354), how many of them
 * were ended by a dot. */
int fake_relay_messages(const struct fake_relay *relay);
int fake_relay_dots(const struct fake_relay *relay);
/* What came of message I, from 0, un-stuffed and without the dot. */
const char *fake_relay_message(
	const struct fake_relay *relay, int i, size_t *len_out);

#endif
