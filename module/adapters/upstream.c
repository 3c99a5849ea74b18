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

static void lose(struct tp_upstream *upstream, struct tp_transaction *tx,
	enum tp_step step, int code)
{
	upstream->lost = 1;
	upstream->receiving = 0;
	tx->trouble.step = step;
	if (tx->trouble.code == TP_OK)
		tx->trouble.code = code;
}

void tp_upstream_abandon(struct tp_upstream *upstream,
	struct tp_transaction *tx, const char *text)
{
	lose(upstream, tx, TP_STEP_LOCAL, TP_ESTATE);
	(void)snprintf(tx->trouble.text, sizeof(tx->trouble.text), "%s", text);
}

static int send_gathered(struct tp_upstream *upstream,
	struct tp_transaction *tx, enum tp_step step, int64_t stall_ms)
{
	int rc = tp_channel_write(upstream->channel, tp_buf_str(&upstream->out),
		upstream->out.len, stall_ms, &tx->trouble);

	tp_buf_clear(&upstream->out);
	if (rc < 0)
		lose(upstream, tx, step, rc);
	return rc;
}

/* A 421 announces that the relay closes; what it answers is still a reply. */
static int receive(struct tp_upstream *upstream, struct tp_transaction *tx,
	struct tp_reply *reply, enum tp_step step, int64_t timeout_ms)
{
	int rc = tp_channel_reply(
		upstream->channel, reply, timeout_ms, &tx->trouble);

	if (rc < 0) {
		reply->code = 0;
		lose(upstream, tx, step, rc);
	} else if (reply->code == 421) {
		upstream->lost = 1;
	}
	return rc;
}

static int positive(const struct tp_reply *reply)
{
	return reply->code >= 200 && reply->code <= 299;
}

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

static int add_mail(
	struct tp_upstream *upstream, const struct tp_transaction *tx)
{
	const struct tp_connection_info *info =
		tp_channel_info(upstream->channel);
	int rc = TP_OK;

	if (upstream->open)
		rc = tp_buf_str_add(&upstream->out, "RSET\r\n");
	if (rc >= 0)
		rc = tp_buf_printf(
			&upstream->out, "MAIL FROM:<%s>", tx->sender);
	/* SIZE= is offered whenever the keyword is, even without a number. */
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
	return tp_buf_printf(
		&upstream->out, "RCPT TO:<%s>\r\n", tx->recipients[i]);
}

static int local_failure(
	struct tp_upstream *upstream, struct tp_transaction *tx, int code)
{
	lose(upstream, tx, TP_STEP_LOCAL, code);
	(void)snprintf(tx->trouble.text, sizeof(tx->trouble.text),
		"cannot build the commands: %s", tp_err_text(code));
	return code;
}

/* The answer to our own RSET says nothing about this message. */
static int receive_mail(struct tp_upstream *upstream, struct tp_transaction *tx)
{
	struct tp_reply reset;

	if (upstream->open) {
		upstream->open = 0;
		if (receive(upstream, tx, &reset, TP_STEP_MAIL,
			    upstream->reply_timeout_ms) < 0)
			return TP_ECLOSED;
	}
	if (receive(upstream, tx, &tx->mail, TP_STEP_MAIL,
		    upstream->reply_timeout_ms) < 0)
		return TP_ECLOSED;
	upstream->open = positive(&tx->mail);
	return TP_OK;
}

/* RFC 2920 3.1: a relay may answer 354 although it took no recipient; the
 * lone dot ends that without a message. */
static void end_empty(struct tp_upstream *upstream, struct tp_transaction *tx)
{
	struct tp_reply ignored;

	if (tp_buf_str_add(&upstream->out, ".\r\n") < 0 ||
		send_gathered(upstream, tx, TP_STEP_DATA,
			upstream->data_timeout_ms) < 0)
		return;
	(void)receive(upstream, tx, &ignored, TP_STEP_DATA,
		upstream->final_timeout_ms);
	upstream->open = 0;
}

/* Interprets the reply to DATA. @return 1: the body may go */
static int after_data(struct tp_upstream *upstream, struct tp_transaction *tx,
	size_t accepted_count)
{
	struct tp_reply *reply = &tx->data_reply;

	if (accepted_count == 0) {
		int go = reply->code == 354;

		/* What DATA got is noise: the recipients' replies count. */
		memset(reply, 0, sizeof(*reply));
		if (go)
			end_empty(upstream, tx);
		return 0;
	}
	if (reply->code == 354) {
		memset(reply, 0, sizeof(*reply));
		upstream->receiving = 1;
		return 1;
	}
	if (positive(reply)) {
		/* 2xx to DATA: out of step; nobody knows what it has. */
		memset(reply, 0, sizeof(*reply));
		(void)snprintf(tx->trouble.text, sizeof(tx->trouble.text),
			"the relay answered DATA with success instead of 354");
		lose(upstream, tx, TP_STEP_DATA, TP_EPROTO);
	}
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
	if (send_gathered(
		    upstream, tx, TP_STEP_MAIL, upstream->data_timeout_ms) < 0)
		return 0;
	if (receive_mail(upstream, tx) < 0)
		return 0;
	for (i = 0; i < tx->recipient_count; i++) {
		if (receive(upstream, tx, &tx->rcpt[i], TP_STEP_RCPT,
			    upstream->reply_timeout_ms) < 0)
			return 0;
		accepted_count += (size_t)positive(&tx->rcpt[i]);
	}
	if (receive(upstream, tx, &tx->data_reply, TP_STEP_DATA,
		    upstream->reply_timeout_ms) < 0)
		return 0;
	return after_data(
		upstream, tx, positive(&tx->mail) ? accepted_count : 0);
}

static int command(struct tp_upstream *upstream, struct tp_transaction *tx,
	struct tp_reply *reply, enum tp_step step)
{
	if (send_gathered(upstream, tx, step, upstream->data_timeout_ms) < 0)
		return TP_ECLOSED;
	return receive(upstream, tx, reply, step, upstream->reply_timeout_ms);
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

	if (upstream->lost) {
		(void)snprintf(tx->trouble.text, sizeof(tx->trouble.text),
			"the connection was already lost");
		lose(upstream, tx, TP_STEP_MAIL, TP_ECLOSED);
		return 0;
	}
	if (refused_by_limits(upstream, tx))
		return 0;
	if (tp_channel_info(upstream->channel)->pipelining)
		ready = begin_pipelined(upstream, tx);
	else
		ready = begin_stepwise(upstream, tx);
	return ready == 1 && !upstream->lost;
}

/* A relay may refuse in mid-body ("552 too big") and close: its words are
 * better than "connection reset". Anything but a refusal is out of place. */
static void take_early_refusal(
	struct tp_upstream *upstream, struct tp_transaction *tx)
{
	struct tp_trouble ignored = { 0 };
	struct tp_reply reply;

	if (!tp_channel_readable(upstream->channel) ||
		tp_channel_reply(upstream->channel, &reply, 0, &ignored) < 0 ||
		reply.code < 400)
		return;
	tx->data_reply = reply;
	memset(&tx->trouble, 0, sizeof(tx->trouble));
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
	if (upstream->out.len < TP_UPSTREAM_GATHER_BYTES)
		return;
	if (send_gathered(
		    upstream, tx, TP_STEP_BODY, upstream->data_timeout_ms) < 0)
		take_early_refusal(upstream, tx);
}

void tp_upstream_dot(struct tp_upstream *upstream, struct tp_transaction *tx)
{
	if (!upstream->receiving)
		return;
	if (tp_buf_str_add(&upstream->out, ".\r\n") < 0) {
		tp_upstream_abandon(upstream, tx, "out of memory");
		return;
	}
	upstream->receiving = 0;
	upstream->open = 0;
	/* From here on a lost connection leaves the outcome unknown: the relay
	 * may hold the whole message. */
	if (send_gathered(
		    upstream, tx, TP_STEP_DOT, upstream->data_timeout_ms) < 0)
		return;
	(void)receive(upstream, tx, &tx->data_reply, TP_STEP_DOT,
		upstream->final_timeout_ms);
}
