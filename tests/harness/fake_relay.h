/*
 * fake_relay.h - an SMTP server that does what a test wants
 *
 * JOB     Runs in a thread on a free port of 127.0.0.1 (or ::1): greeting,
 *         EHLO, STARTTLS, every AUTH mechanism of tillpost, a plain MAIL,
 *         RCPT, DATA; and one fault at one step. Records what it received in
 *         clear and what it received through TLS, apart.
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
	FAKE_QUIT
};

enum fake_fault {
	FAKE_SAY,	/* sends `say` instead, goes on as if nothing was */
	FAKE_SAY_CLOSE, /* sends `say`, closes */
	FAKE_CLOSE,
	FAKE_RESET,
	FAKE_STALL, /* reads on, but says nothing more */
	FAKE_DEAF,  /* neither reads nor says anything */
	FAKE_DRIP,  /* `say`, one byte every 20 ms, over and over */
	FAKE_FLOOD  /* `say` over and over, as fast as it is taken */
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
};

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

#endif
