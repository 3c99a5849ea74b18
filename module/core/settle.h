/*
 * settle.h - from what happened to what is stored
 *
 * JOB     Turns a finished transaction, a relay that could not be reached, an
 *         attempt cut off by a crash, or an expired message into a settlement:
 *         one event per recipient, new states, next attempt, bounce. No I/O;
 *         the only place where policy, schedule and queue meet.
 * LAYER   core; libc only.
 * THREADS any; works on its arguments only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_SETTLE_H
#define TP_CORE_SETTLE_H

#include "core/config.h"
#include "core/queue.h"
#include "core/retry.h"
#include "core/transport.h"

/* What the judgement needs besides the message. All borrowed. */
struct tp_settle_context {
	const struct tp_retry_schedule *schedule;
	const struct tp_connection_info *info; /* NULL: no connection */
	const struct tp_store *store;	       /* NULL: no longer configured */
	const char *dialect;
	const char *reporting_host; /* for bounces */
	const char *remote_host;    /* the relay's name, likewise; NULL */
	const struct tp_clock *clock;
	int64_t now_ms;
	uint64_t random; /* see retry.h */
};

/* Owns its memory; strings in the events point into the item, the
 * transaction, the connection info, or TEXTS. */
struct tp_settle {
	struct tp_settlement settlement;
	struct tp_settled_rcpt *rcpts; /* settlement.rcpts */
	char **texts;		       /* one per rcpt, escaped */
	char (*enhanced)[16];
	struct tp_queue_item bounce; /* if settlement.bounce */
	/* for the lane */
	int sent_count;
	int relay_failed; /* a verdict of scope relay */
	struct tp_verdict relay_verdict;
	char relay_reason[TP_ERROR_TEXT_BYTES];
	/* for who waits: the worst recipient */
	enum tp_class worst;
	enum tp_rcpt_state worst_state;
	int reply_code;
	int bounce_failed; /* a bounce was due and could not be made */
	char text[TP_REPLY_TEXT_BYTES];
};

/* After a transaction. OPEN[i] is the index in ITEM->rcpts of the
 * transaction's recipient i. ITEM->data is used for a bounce.
 * @return 0, TP_ENOMEM */
int tp_settle_transaction(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct tp_transaction *tx,
	const size_t *open, struct tp_error *err) TP_USE_RESULT;

/* The relay could not be used: nothing was sent, the message is not
 * charged. RELAY_RETRY_MS is when the lane is tried again: the outcome says so,
 * but the message itself is due whenever the lane is. */
int tp_settle_unreachable(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, const struct tp_trouble *trouble,
	int64_t relay_retry_ms, struct tp_error *err) TP_USE_RESULT;

/* A process died, or its lease ended, while the dot may have been out. */
int tp_settle_in_doubt(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, struct tp_error *err) TP_USE_RESULT;

/* The lifetime is over. */
int tp_settle_expired(struct tp_settle *settle,
	const struct tp_settle_context *context,
	const struct tp_queue_item *item, struct tp_error *err) TP_USE_RESULT;

void tp_settle_free(struct tp_settle *settle);

/* Moves FROM to TO, which must be empty; FROM is empty afterwards. A plain
 * copy would leave pointers into FROM. */
void tp_settle_move(struct tp_settle *to, struct tp_settle *from);

#endif
