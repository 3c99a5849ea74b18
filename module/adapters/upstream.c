/*
 * upstream.c - one mail transaction on the relay's side of a connection
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/upstream.h"

#include <stdio.h>
#include <string.h>

void tp_upstream_init(struct tp_upstream *upstream, struct tp_channel *channel,
	const struct tp_relay *relay)
{
	*upstream = (struct tp_upstream) {
		.channel = channel,
		.reply_timeout_ms = relay->reply_timeout_ms,
		.data_timeout_ms = relay->data_timeout_ms,
		.final_timeout_ms = relay->final_timeout_ms,
	};
	tp_buf_init(&upstream->out, TP_UPSTREAM_COMMANDS_MAX_BYTES);
}

void tp_upstream_free(struct tp_upstream *upstream)
{
	tp_buf_free(&upstream->out);
}

int tp_upstream_alive(struct tp_upstream *upstream)
{
	return !upstream->lost && !tp_channel_readable(upstream->channel);
}

/* The first cause is kept: what follows from it explains nothing. */
static void lose(struct tp_upstream *upstream, struct tp_transaction *tx,
	enum tp_step step, int code, const char *text)
{
	upstream->lost = 1;
	upstream->receiving = 0;
	if (tx->trouble.step != TP_STEP_NONE)
		return;
	tx->trouble.step = step;
	tx->trouble.code = code;
	(void)snprintf(tx->trouble.text, sizeof(tx->trouble.text), "%s", text);
}

void tp_upstream_abandon(struct tp_upstream *upstream,
	struct tp_transaction *tx, const char *text)
{
	lose(upstream, tx, TP_STEP_LOCAL, TP_ESTATE, text);
}

/* ---- bytes and replies -------------------------------------------------- */

static int send_gathered(struct tp_upstream *upstream,
	struct tp_transaction *tx, enum tp_step step)
{
	struct tp_trouble why = { 0 };
	int rc = tp_channel_write(upstream->channel, tp_buf_str(&upstream->out),
		upstream->out.len, upstream->data_timeout_ms, &why);

	tp_buf_clear(&upstream->out);
	if (rc < 0)
		lose(upstream, tx, step, rc, why.text);
	return rc;
}

/* A reply where none was due, or of a kind that does not belong there: from
 * here on nobody can tell which reply belongs to which command, nor can it be
 * told for those before. All of them are forgotten, so that none decides
 * about a recipient. After the dot the recipients' stay: what is in doubt
 * then is only whether the relay has the message. */
static int out_of_step(struct tp_upstream *upstream, struct tp_transaction *tx,
	enum tp_step step, const struct tp_reply *reply)
{
	char text[sizeof(tx->trouble.text)];

	(void)snprintf(text, sizeof(text),
		"the relay is out of step: no place for its reply %d %.200s",
		reply->code, reply->text);
	lose(upstream, tx, step, TP_EPROTO, text);
	memset(&tx->data_reply, 0, sizeof(tx->data_reply));
	if (step != TP_STEP_DOT) {
		memset(&tx->mail, 0, sizeof(tx->mail));
		memset(tx->rcpt, 0, tx->recipient_count * sizeof(*tx->rcpt));
	}
	return TP_EPROTO;
}

/* A 421 announces that the relay closes; what it answers is still a reply. */
static void note_closing(struct tp_upstream *upstream,
	struct tp_transaction *tx, enum tp_step step,
	const struct tp_reply *reply)
{
	if (tx->trouble.step == TP_STEP_NONE)
		tx->trouble.reply = *reply;
	lose(upstream, tx, step, TP_ECLOSED, "the relay closes the connection");
}

static int receive(struct tp_upstream *upstream, struct tp_transaction *tx,
	struct tp_reply *reply, enum tp_step step)
{
	struct tp_trouble why = { 0 };
	int rc = tp_channel_reply(upstream->channel, reply,
		step == TP_STEP_DOT ? upstream->final_timeout_ms
				    : upstream->reply_timeout_ms,
		&why);

	if (rc < 0) {
		reply->code = 0;
		lose(upstream, tx, step, rc, why.text);
	} else if (reply->code == 421) {
		note_closing(upstream, tx, step, reply);
	} else if (reply->code >= 300 && reply->code <= 399 &&
		   (step != TP_STEP_DATA || reply->code != 354)) {
		struct tp_reply wrong = *reply;

		rc = out_of_step(upstream, tx, step, &wrong);
	}
	return rc;
}

/* The relay must be silent before a command. If it is not, it closes or is
 * out of step. @return 1: the connection is lost */
static int spoke_unasked(struct tp_upstream *upstream,
	struct tp_transaction *tx, enum tp_step step)
{
	struct tp_reply reply = { 0 };

	if (!tp_channel_readable(upstream->channel))
		return 0;
	if (receive(upstream, tx, &reply, step) >= 0 && reply.code != 421)
		(void)out_of_step(upstream, tx, step, &reply);
	return 1;
}

static int positive(const struct tp_reply *reply)
{
	return reply->code >= 200 && reply->code <= 299;
}

/* ---- the envelope ------------------------------------------------------- */

/* What the relay cannot take is refused here, in the words that the relay
 * would have used, so that policy needs no second vocabulary. */
static int refused_by_limits(
	const struct tp_upstream *upstream, struct tp_transaction *tx)
{
	const struct tp_connection_info *info =
		tp_channel_info(upstream->channel);
	char text[128];

	if (info->size_max_bytes > 0 &&
		tx->data_len > (uint64_t)info->size_max_bytes) {
		(void)snprintf(text, sizeof(text),
			"5.3.4 message of %zu bytes is over the relay's limit "
			"of %lld",
			tx->data_len, (long long)info->size_max_bytes);
		tp_reply_set(&tx->mail, 552, text);
		return 1;
	}
	if (tx->smtputf8 && !info->smtputf8) {
		tp_reply_set(&tx->mail, 553,
			"5.6.7 an address needs SMTPUTF8, which the relay "
			"does not offer");
		return 1;
	}
	return 0;
}

/* Addresses were checked when the message was accepted. A line end in one
 * would be a command of its own, so this is looked at once more. */
static int add_path(
	struct tp_upstream *upstream, const char *command, const char *address)
{
	const char *at;

	for (at = address; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return TP_EADDRESS;
	return tp_buf_printf(&upstream->out, "%s:<%s>", command, address);
}

static int add_mail(
	struct tp_upstream *upstream, const struct tp_transaction *tx)
{
	const struct tp_connection_info *info =
		tp_channel_info(upstream->channel);
	int rc = TP_OK;

	if (upstream->open)
		rc = tp_buf_str_add(&upstream->out, "RSET\r\n");
	if (rc >= 0)
		rc = add_path(upstream, "MAIL FROM", tx->sender);
	/* Only a relay with a limit gains from knowing the size. */
	if (rc >= 0 && info->size_max_bytes > 0)
		rc = tp_buf_printf(&upstream->out, " SIZE=%zu", tx->data_len);
	if (rc >= 0 && tx->eight_bit && info->eight_bit_mime)
		rc = tp_buf_str_add(&upstream->out, " BODY=8BITMIME");
	if (rc >= 0 && tx->smtputf8)
		rc = tp_buf_str_add(&upstream->out, " SMTPUTF8");
	return rc >= 0 ? tp_buf_str_add(&upstream->out, "\r\n") : rc;
}

static int add_rcpt(
	struct tp_upstream *upstream, const struct tp_transaction *tx, size_t i)
{
	int rc = add_path(upstream, "RCPT TO", tx->recipients[i]);

	return rc >= 0 ? tp_buf_str_add(&upstream->out, "\r\n") : rc;
}

static int local_failure(
	struct tp_upstream *upstream, struct tp_transaction *tx, int code)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "cannot build the commands: %s",
		tp_err_text(code));
	lose(upstream, tx, TP_STEP_LOCAL, code, text);
	return code;
}

/* The answer to our own RSET says nothing about this message. */
static int receive_mail(struct tp_upstream *upstream, struct tp_transaction *tx)
{
	struct tp_reply reset;

	if (upstream->open) {
		upstream->open = 0;
		if (receive(upstream, tx, &reset, TP_STEP_MAIL) < 0)
			return TP_ECLOSED;
	}
	if (receive(upstream, tx, &tx->mail, TP_STEP_MAIL) < 0)
		return TP_ECLOSED;
	upstream->open = positive(&tx->mail);
	return TP_OK;
}

/* RFC 2920 3.1: a relay may answer 354 although it took no recipient; the
 * lone dot ends that without a message. */
static void end_empty(struct tp_upstream *upstream, struct tp_transaction *tx)
{
	struct tp_reply ignored;

	if (tp_buf_str_add(&upstream->out, ".\r\n") < 0) {
		(void)local_failure(upstream, tx, TP_ENOMEM);
		return;
	}
	if (send_gathered(upstream, tx, TP_STEP_DATA) >= 0)
		(void)receive(upstream, tx, &ignored, TP_STEP_DATA);
	upstream->open = 0;
}

/* Interprets the reply to DATA. @return 1: the body may go */
static int after_data(struct tp_upstream *upstream, struct tp_transaction *tx,
	size_t accepted_count)
{
	struct tp_reply reply = tx->data_reply;

	/* 354 is no result, and what DATA got without a recipient is noise:
	 * the recipients' replies count. */
	if (reply.code == 354 || accepted_count == 0)
		memset(&tx->data_reply, 0, sizeof(tx->data_reply));
	if (positive(&reply)) {
		(void)out_of_step(upstream, tx, TP_STEP_DATA, &reply);
		return 0;
	}
	if (reply.code == 354 && accepted_count > 0) {
		upstream->receiving = 1;
		return 1;
	}
	if (reply.code == 354)
		end_empty(upstream, tx);
	return 0;
}

static int begin_pipelined(
	struct tp_upstream *upstream, struct tp_transaction *tx)
{
	size_t accepted_count = 0;
	size_t i;
	int rc = add_mail(upstream, tx);

	for (i = 0; i < tx->recipient_count && rc >= 0; i++)
		rc = add_rcpt(upstream, tx, i);
	if (rc >= 0)
		rc = tp_buf_str_add(&upstream->out, "DATA\r\n");
	if (rc < 0)
		return local_failure(upstream, tx, rc);
	if (send_gathered(upstream, tx, TP_STEP_MAIL) < 0 ||
		receive_mail(upstream, tx) < 0)
		return 0;
	for (i = 0; i < tx->recipient_count; i++) {
		if (receive(upstream, tx, &tx->rcpt[i], TP_STEP_RCPT) < 0)
			return 0;
		accepted_count += (size_t)positive(&tx->rcpt[i]);
	}
	if (receive(upstream, tx, &tx->data_reply, TP_STEP_DATA) < 0)
		return 0;
	if (!positive(&tx->mail))
		accepted_count = 0;
	if (after_data(upstream, tx, accepted_count))
		return 1;
	/* One reply too many shifts all that follow it: a refusal may have
	 * been read as another recipient's. */
	(void)spoke_unasked(upstream, tx, TP_STEP_DATA);
	return 0;
}

static int command(struct tp_upstream *upstream, struct tp_transaction *tx,
	struct tp_reply *reply, enum tp_step step)
{
	if (spoke_unasked(upstream, tx, step) ||
		send_gathered(upstream, tx, step) < 0)
		return TP_ECLOSED;
	return receive(upstream, tx, reply, step);
}

static int begin_stepwise(
	struct tp_upstream *upstream, struct tp_transaction *tx)
{
	size_t accepted_count = 0;
	size_t i;
	int rc;

	/* A stepwise relay gets RSET as a command of its own. */
	if (upstream->open) {
		struct tp_reply reset;

		rc = tp_buf_str_add(&upstream->out, "RSET\r\n");
		if (rc < 0)
			return local_failure(upstream, tx, rc);
		upstream->open = 0;
		if (command(upstream, tx, &reset, TP_STEP_MAIL) < 0)
			return 0;
	}
	rc = add_mail(upstream, tx);
	if (rc < 0)
		return local_failure(upstream, tx, rc);
	if (command(upstream, tx, &tx->mail, TP_STEP_MAIL) < 0 ||
		!positive(&tx->mail))
		return 0;
	upstream->open = 1;
	for (i = 0; i < tx->recipient_count && !upstream->lost; i++) {
		rc = add_rcpt(upstream, tx, i);
		if (rc < 0)
			return local_failure(upstream, tx, rc);
		if (command(upstream, tx, &tx->rcpt[i], TP_STEP_RCPT) < 0)
			return 0;
		accepted_count += (size_t)positive(&tx->rcpt[i]);
	}
	if (accepted_count == 0 || upstream->lost)
		return 0;
	rc = tp_buf_str_add(&upstream->out, "DATA\r\n");
	if (rc < 0)
		return local_failure(upstream, tx, rc);
	if (command(upstream, tx, &tx->data_reply, TP_STEP_DATA) < 0)
		return 0;
	return after_data(upstream, tx, accepted_count);
}

int tp_upstream_begin(struct tp_upstream *upstream, struct tp_transaction *tx)
{
	int ready;

	upstream->released = 0;
	if (upstream->lost) {
		lose(upstream, tx, TP_STEP_MAIL, TP_ECLOSED,
			"the connection was already lost");
		return 0;
	}
	if (refused_by_limits(upstream, tx) ||
		spoke_unasked(upstream, tx, TP_STEP_MAIL))
		return 0;
	if (tp_channel_info(upstream->channel)->pipelining)
		ready = begin_pipelined(upstream, tx);
	else
		ready = begin_stepwise(upstream, tx);
	if (upstream->lost)
		upstream->receiving = 0;
	return ready && !upstream->lost;
}

/* ---- the body ----------------------------------------------------------- */

/* A relay may refuse in mid-body ("552 too big") and close: its words are
 * better than "connection reset". It may then take the rest of the body for
 * commands, so the connection is of no further use. Anything but a refusal
 * is out of place. */
static void take_early_refusal(struct tp_upstream *upstream,
	struct tp_transaction *tx, enum tp_step step)
{
	struct tp_reply reply = { 0 };

	if (receive(upstream, tx, &reply, step) < 0)
		return;
	if (reply.code < 400) {
		(void)out_of_step(upstream, tx, step, &reply);
		return;
	}
	tx->data_reply = reply;
	upstream->lost = 1;
	upstream->receiving = 0;
	memset(&tx->trouble, 0, sizeof(tx->trouble));
}

/* The relay must be silent until the dot: what it says before must never be
 * taken for its reply to the dot. Also asked when a write has failed.
 * @return 1: it spoke, the transaction is over */
static int refused_early(struct tp_upstream *upstream,
	struct tp_transaction *tx, enum tp_step step)
{
	if (!tp_channel_readable(upstream->channel))
		return 0;
	take_early_refusal(upstream, tx, step);
	return 1;
}

/* @return 1: the body may go out; 0: it may not, the connection is lost */
static int release(struct tp_upstream *upstream, struct tp_transaction *tx)
{
	if (upstream->released)
		return 1;
	if (upstream->ready && upstream->ready(upstream->ready_ctx, tx) < 0) {
		tp_upstream_abandon(upstream, tx,
			"the message was taken back before its body was sent");
		return 0;
	}
	upstream->released = 1;
	return 1;
}

void tp_upstream_body(struct tp_upstream *upstream, struct tp_transaction *tx,
	const char *data, size_t len)
{
	if (!upstream->receiving)
		return;
	if (tp_buf_add(&upstream->out, data, len) < 0) {
		tp_upstream_abandon(upstream, tx, "out of memory");
		return;
	}
	if (upstream->out.len < TP_UPSTREAM_GATHER_BYTES ||
		refused_early(upstream, tx, TP_STEP_BODY) ||
		!release(upstream, tx))
		return;
	if (send_gathered(upstream, tx, TP_STEP_BODY) < 0)
		(void)refused_early(upstream, tx, TP_STEP_BODY);
}

void tp_upstream_dot(struct tp_upstream *upstream, struct tp_transaction *tx)
{
	if (!upstream->receiving || refused_early(upstream, tx, TP_STEP_BODY) ||
		!release(upstream, tx))
		return;
	if (tp_buf_str_add(&upstream->out, ".\r\n") < 0) {
		tp_upstream_abandon(upstream, tx, "out of memory");
		return;
	}
	upstream->receiving = 0;
	upstream->open = 0;
	/* From here on a lost connection leaves the outcome unknown: the relay
	 * may hold the whole message. */
	if (send_gathered(upstream, tx, TP_STEP_DOT) < 0)
		(void)refused_early(upstream, tx, TP_STEP_DOT);
	else
		(void)receive(upstream, tx, &tx->data_reply, TP_STEP_DOT);
}
