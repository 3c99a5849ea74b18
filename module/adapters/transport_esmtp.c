/*
 * transport_esmtp.c - sending through libESMTP behind the relay channel
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/transport_esmtp.h"

#include "adapters/channel.h"
#include "adapters/endpoint.h"
#include "adapters/upstream.h"
#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libesmtp.h>

/* libESMTP keeps 4 KiB a message until the session object is destroyed. */
#define SESSION_MESSAGES_MAX_COUNT 100
/* Deadlines are the channel's. If one of libESMTP's ran out it would drop
 * bytes of the body and go on; a day is longer than any of ours. */
#define LIBRARY_TIMEOUT_MS 86400000L

struct tp_connection {
	struct tp_channel *channel;
	struct tp_upstream upstream;
};

struct esmtp_transport {
	struct tp_transport base;
	struct tp_channel_shared *shared;
};

/* What one message's callback has to read from. */
struct feed {
	struct tp_transaction *tx;
	int finished;
};

struct session {
	smtp_session_t esmtp;
	const struct tp_session_source *source;
	struct tp_endpoint *endpoint;
	struct tp_upstream *upstream;
	struct tp_transaction *tx; /* begun and not yet done */
	int64_t begun_us;
	int message_count;
	struct feed feeds[SESSION_MESSAGES_MAX_COUNT];
};

static struct esmtp_transport *self(struct tp_transport *transport)
{
	return (struct esmtp_transport *)transport;
}

/* ---- connection --------------------------------------------------------- */

static int esmtp_connect(struct tp_transport *transport,
	const struct tp_relay *relay, struct tp_interrupt *interrupt,
	struct tp_connection **connection_out, struct tp_trouble *trouble)
{
	struct tp_connection *connection = tp_alloc(sizeof(*connection));
	int rc;

	*connection_out = NULL;
	if (!connection) {
		trouble->step = TP_STEP_LOCAL;
		trouble->code = TP_ENOMEM;
		return TP_ENOMEM;
	}
	rc = tp_channel_open(self(transport)->shared, relay, interrupt,
		&connection->channel, trouble);
	if (rc < 0) {
		tp_free(connection);
		return rc;
	}
	tp_upstream_init(&connection->upstream, connection->channel, relay);
	*connection_out = connection;
	return TP_OK;
}

static int esmtp_alive(struct tp_connection *connection)
{
	return tp_upstream_alive(&connection->upstream);
}

static const struct tp_connection_info *esmtp_info(
	const struct tp_connection *connection)
{
	return tp_channel_info(connection->channel);
}

static void esmtp_disconnect(struct tp_connection **connection)
{
	if (!*connection)
		return;
	tp_channel_close(
		&(*connection)->channel, !(*connection)->upstream.lost);
	tp_upstream_free(&(*connection)->upstream);
	tp_free(*connection);
	*connection = NULL;
}

/* ---- messages ----------------------------------------------------------- */

/* libESMTP asks for the message: NULL LEN means rewind. The whole of it is in
 * memory, so there is nothing to fail and no error to lose. errno must be 0
 * at the end, or libESMTP takes a leftover for a failed read. */
static const char *read_message(void **ctx, int *len, void *arg)
{
	struct feed *feed = arg;

	(void)ctx;
	errno = 0;
	if (!len) {
		feed->finished = 0;
		return NULL;
	}
	*len = feed->finished ? 0 : (int)feed->tx->data_len;
	feed->finished = 1;
	return feed->tx->data;
}

static void reset_results(struct tp_transaction *tx)
{
	memset(&tx->mail, 0, sizeof(tx->mail));
	memset(&tx->data_reply, 0, sizeof(tx->data_reply));
	memset(&tx->trouble, 0, sizeof(tx->trouble));
	memset(tx->rcpt, 0, tx->recipient_count * sizeof(*tx->rcpt));
}

static int add_to_session(struct session *session, struct tp_transaction *tx)
{
	struct feed *feed = &session->feeds[session->message_count];
	smtp_message_t message = smtp_add_message(session->esmtp);
	size_t i;

	if (!message)
		return TP_ENOMEM;
	feed->tx = tx;
	/* Without its callback libESMTP would abort on the message. */
	if (!smtp_set_messagecb(message, read_message, feed) ||
		!smtp_set_reverse_path(message, tx->sender))
		return TP_ENOMEM;
	for (i = 0; i < tx->recipient_count; i++)
		if (!smtp_add_recipient(message, tx->recipients[i]))
			return TP_ENOMEM;
	session->message_count++;
	return TP_OK;
}

static void local_trouble(struct tp_transaction *tx, int code, const char *text)
{
	tx->trouble.step = TP_STEP_LOCAL;
	tx->trouble.code = code;
	(void)snprintf(tx->trouble.text, sizeof(tx->trouble.text), "%s", text);
}

/* Hands the current transaction back; after this its result is durable. */
static void finish(struct session *session)
{
	struct tp_transaction *tx = session->tx;

	if (!tx)
		return;
	session->tx = NULL;
	tp_endpoint_set_transaction(session->endpoint, NULL);
	tx->duration_us = tp_mono_us() - session->begun_us;
	session->source->done(session->source->ctx, tx);
}

/* Takes the next transaction from the source.
 * @return 1: it was added; 0: none */
static int advance(struct session *session)
{
	struct tp_transaction *tx;
	int rc;

	/* A relay that closes between two messages costs none of them. The
	 * first one is tried in any case: a relay that always closes must be
	 * noticed. */
	if (session->upstream->lost ||
		session->message_count == SESSION_MESSAGES_MAX_COUNT ||
		(session->message_count > 0 &&
			!tp_upstream_alive(session->upstream)))
		return 0;
	tx = session->source->next(session->source->ctx);
	if (!tx)
		return 0;
	reset_results(tx);
	session->tx = tx;
	session->begun_us = tp_mono_us();
	if (tx->recipient_count == 0 || tx->data_len == 0 ||
		tx->data_len > INT_MAX) {
		local_trouble(tx, TP_EINVAL, "not a message that can be sent");
		finish(session);
		return 0;
	}
	rc = add_to_session(session, tx);
	if (rc < 0) {
		/* The half-made message stays in libESMTP's list: the relay
		 * must not see it, so the connection ends here. */
		local_trouble(tx, rc, "libESMTP: out of memory");
		session->upstream->lost = 1;
		finish(session);
		return 0;
	}
	tp_endpoint_set_transaction(session->endpoint, tx);
	return 1;
}

/* Both events say that libESMTP is through with the current message: a
 * refused MAIL is followed by no MESSAGESENT. */
static void on_event(smtp_session_t esmtp, int event_no, void *arg, ...)
{
	struct session *session = arg;
	int over = 0;

	(void)esmtp;
	tp_endpoint_synchronise(session->endpoint);
	if (event_no == SMTP_EV_MESSAGESENT)
		over = 1;
	else if (event_no == SMTP_EV_MAILSTATUS && session->tx)
		over = session->tx->mail.code < 200 ||
		       session->tx->mail.code > 299;
	if (over && session->tx) {
		finish(session);
		(void)advance(session);
	}
}

/* ---- session ------------------------------------------------------------ */

static void *serve(void *arg)
{
	(void)tp_endpoint_serve(arg);
	return NULL;
}

static int start_server(
	struct tp_endpoint *endpoint, pthread_t *thread, struct tp_error *err)
{
	sigset_t all;
	sigset_t before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, NULL, serve, endpoint);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return TP_OK;
	errno = rc;
	return tp_fail_errno(err, TP_EIO, "endpoint", "cannot start a thread");
}

static int configure(struct session *session, struct tp_error *err)
{
	static const int timeouts[] = { Timeout_GREETING, Timeout_ENVELOPE,
		Timeout_DATA, Timeout_TRANSFER, Timeout_DATA2 };
	smtp_session_t esmtp = session->esmtp;
	size_t i;

	if (!smtp_set_server(esmtp, tp_endpoint_address(session->endpoint)) ||
		!smtp_set_hostname(
			esmtp, tp_endpoint_token(session->endpoint)) ||
		!smtp_set_eventcb(esmtp, on_event, session))
		return tp_fail(err, TP_ENOMEM, "libesmtp", "out of memory");
	for (i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++)
		(void)smtp_set_timeout(esmtp, timeouts[i], LIBRARY_TIMEOUT_MS);
	return TP_OK;
}

static void block_sigpipe(void)
{
	sigset_t pipe_only;

	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
}

/* Whatever is still open after the dialogue never got its verdict. */
static void finish_rest(struct session *session)
{
	if (!session->tx)
		return;
	if (session->tx->data_reply.code == 0 &&
		session->tx->trouble.step == TP_STEP_NONE)
		local_trouble(session->tx, TP_EIO,
			"the local dialogue ended before the message");
	session->upstream->lost = 1;
	finish(session);
}

static int run_session(struct session *session, struct tp_error *err)
{
	pthread_t server;
	int rc;

	rc = tp_endpoint_new(session->upstream, &session->endpoint, err);
	if (rc < 0)
		return rc;
	session->esmtp = smtp_create_session();
	if (!session->esmtp)
		return tp_fail(err, TP_ENOMEM, "libesmtp", "out of memory");
	rc = configure(session, err);
	if (rc < 0 || !advance(session))
		return rc;
	rc = start_server(session->endpoint, &server, err);
	if (rc < 0) {
		local_trouble(session->tx, rc, "cannot start a thread");
		finish(session);
		return rc;
	}
	/* What libESMTP returns says nothing about messages. If it gave up,
	 * the server may still be at work with the relay, and its record is
	 * complete only when its thread has ended. */
	(void)smtp_start_session(session->esmtp);
	(void)pthread_join(server, NULL);
	finish_rest(session);
	return TP_OK;
}

static int esmtp_session(struct tp_connection *connection,
	const struct tp_session_source *source, struct tp_error *err)
{
	struct session *session = tp_alloc(sizeof(*session));
	int rc;

	if (!session)
		return tp_fail(err, TP_ENOMEM, "session", "out of memory");
	block_sigpipe();
	session->source = source;
	session->upstream = &connection->upstream;
	connection->upstream.ready = source->ready;
	connection->upstream.ready_ctx = source->ctx;
	rc = run_session(session, err);
	if (session->esmtp)
		(void)smtp_destroy_session(session->esmtp);
	tp_endpoint_destroy(&session->endpoint);
	tp_free(session);
	return rc < 0 ? rc : tp_upstream_alive(&connection->upstream);
}

/* ---- transport ---------------------------------------------------------- */

static void esmtp_destroy(struct tp_transport **transport)
{
	if (!*transport)
		return;
	tp_channel_shared_destroy(&self(*transport)->shared);
	tp_free(*transport);
	*transport = NULL;
}

static const struct tp_transport_ops esmtp_ops = {
	.connect = esmtp_connect,
	.session = esmtp_session,
	.alive = esmtp_alive,
	.info = esmtp_info,
	.disconnect = esmtp_disconnect,
	.destroy = esmtp_destroy,
};

int tp_transport_esmtp_new(
	struct tp_transport **transport_out, struct tp_error *err)
{
	struct esmtp_transport *transport = tp_alloc(sizeof(*transport));
	int rc;

	*transport_out = NULL;
	if (!transport)
		return tp_fail(err, TP_ENOMEM, "transport", "out of memory");
	rc = tp_channel_shared_new(&transport->shared, err);
	if (rc < 0) {
		tp_free(transport);
		return rc;
	}
	transport->base.ops = &esmtp_ops;
	*transport_out = &transport->base;
	return TP_OK;
}
