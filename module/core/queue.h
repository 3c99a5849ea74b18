/*
 * queue.h - the durable queue, as the engine sees it
 *
 * JOB     Messages with per-recipient state, leases, and the outcome events.
 *         Every call that changes something is one transaction and is
 *         durable on return. Implementations: queue_ram.c (tests),
 *         adapters/queue_sqlite.c. Both run tests/unit/queue_contract.c.
 *
 *         Message states            Legal moves
 *         QUEUED   waits            claim -> LEASED; hold; cancel; expire
 *         LEASED   a worker has it  begin -> IN_DOUBT; settle; unclaim;
 *                                   owner dies or lease ends -> QUEUED
 *         IN_DOUBT its dot may have settle; owner dies (and nothing else) ->
 *                  gone out         UNKNOWN outcome for its open recipients
 *         HELD     waits for a      release, retry -> QUEUED; cancel; expire
 *                  person
 *         DONE     nothing open     removed by sweep
 *         Recipient states: OPEN, SENT, FAILED, CANCELLED.
 *
 *         A message is claimed and begun for a relay only while that
 *         relay's name is the one stored with it: reroute() changes it after
 *         a reload, also under a worker that has it LEASED.
 *
 *         Only the owner ends IN_DOUBT while it lives, however long that
 *         takes: to send again what is still being sent makes duplicates. So
 *         the owner must settle what it has begun, and try again where the
 *         queue could not store it.
 * LAYER   core; libc only.
 * THREADS every function may be called from any thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_QUEUE_H
#define TP_CORE_QUEUE_H

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "core/outcome.h"

#include <stddef.h>
#include <stdint.h>

enum tp_queue_state {
	TP_QUEUE_QUEUED,
	TP_QUEUE_LEASED,
	TP_QUEUE_IN_DOUBT,
	TP_QUEUE_HELD,
	TP_QUEUE_DONE
};
const char *tp_queue_state_name(enum tp_queue_state state);

enum tp_rcpt_state {
	TP_RCPT_OPEN,
	TP_RCPT_SENT,
	TP_RCPT_FAILED,
	TP_RCPT_CANCELLED
};
const char *tp_rcpt_state_name(enum tp_rcpt_state state);

struct tp_queue_rcpt {
	char *address;
	enum tp_rcpt_state state;
	int reply_code; /* of the last attempt; 0: none */
	char enhanced[16];
	char *text; /* last words; NULL: none */
};

struct tp_queue_item {
	char queue_id[TP_QUEUE_ID_BYTES];
	char *store;
	char *relay;
	char *sender; /* "" : null reverse-path */
	char *message_id;
	char *dedup_key; /* NULL: none. put() with a key that the queue has
			  * for the same store answers with the first message's
			  * id; the keys of two stores are not compared */
	struct tp_queue_rcpt *rcpts;
	size_t rcpt_count;
	char *data;	 /* final bytes; NULL where not loaded */
	size_t data_len; /* also where data is not loaded; 0: swept */
	int eight_bit;
	int smtputf8;
	int bounce; /* send a DSN on final failure */
	int64_t created_ms;
	int64_t expires_ms; /* 0: never */
	int64_t next_try_ms;
	int attempts; /* charged attempts so far */
	int unknown_count;
	enum tp_queue_state state;
	char *reason; /* why held or deferred; NULL: none */
};
void tp_queue_item_free(struct tp_queue_item *item);
/* Frees COUNT items and the array. */
void tp_queue_items_free(struct tp_queue_item *items, size_t count);

/* Result for one recipient of a settled message. */
struct tp_settled_rcpt {
	size_t index;		   /* into rcpts */
	enum tp_rcpt_state state;  /* OPEN: to be tried again */
	struct tp_outcome outcome; /* stored as an event */
};

/* The end of one attempt. */
struct tp_settlement {
	const char *queue_id;
	const struct tp_settled_rcpt *rcpts;
	size_t rcpt_count;
	int charged;		   /* 1: attempts + 1 */
	int unknown;		   /* 1: unknown_count + 1 */
	enum tp_queue_state state; /* QUEUED, HELD or DONE */
	int64_t next_try_ms;	   /* for QUEUED */
	const char *reason;	   /* for QUEUED and HELD; NULL: none */
	const struct tp_queue_item *bounce; /* put in the same transaction;
					     * NULL: none */
	const char *begin_next;	 /* queue id to move LEASED -> IN_DOUBT in the
				  * same transaction; NULL: none */
	const char *begin_relay; /* as begin(); required with begin_next */
};

/* claim() may bring the data of messages up to this size along. */
#define TP_QUEUE_CLAIM_DATA_MAX_BYTES 32768

struct tp_claim {
	const char *relay;
	int64_t now_ms;
	int64_t lease_ms;
	size_t max_count;
};

struct tp_queue_filter {
	const char *store;    /* NULL: all */
	const char *queue_id; /* NULL: all */
	int state;	      /* enum tp_queue_state, or -1: all but DONE */
	size_t limit;	      /* 0: no limit */
};

struct tp_outcome_filter {
	const char *store;
	const char *relay;
	const char *queue_id;
	const char *message_id;
	const char *recipient; /* without case */
	const char *verdict;
	int64_t since_ms;	/* 0: from the beginning */
	int64_t until_ms;	/* 0: to the end */
	int64_t after_event_id; /* only newer rows; 0: all */
	size_t limit;		/* newest LIMIT rows, oldest first; 0: all */
};

enum tp_queue_action {
	TP_QUEUE_HOLD,	  /* QUEUED -> HELD */
	TP_QUEUE_RELEASE, /* HELD -> QUEUED, due now */
	TP_QUEUE_RETRY,	  /* QUEUED or HELD -> QUEUED, due now */
	TP_QUEUE_CANCEL	  /* QUEUED or HELD -> DONE, open rcpts CANCELLED,
			   * one event each */
};

/* due() counts no further, so that a long queue costs it no more. */
#define TP_QUEUE_DUE_MAX_COUNT 1000

struct tp_queue_relay_due {
	char *relay;
	int64_t due_count;   /* QUEUED with next_try <= now, not expired;
			      * counted up to TP_QUEUE_DUE_MAX_COUNT */
	int64_t next_try_ms; /* earliest of QUEUED, not expired */
};

struct tp_queue_stats {
	int64_t queued, leased, in_doubt, held, done;
	int64_t oldest_created_ms; /* of what is not DONE; 0: none */
	int64_t bytes;		   /* of bodies held */
};

/* One message of put_many(), with its own result. */
struct tp_queue_put {
	const struct tp_queue_item *item;
	char id_out[TP_QUEUE_ID_BYTES];
	int rc; /* as put() returns */
	struct tp_error err;
};

typedef int tp_queue_item_fn(void *ctx, const struct tp_queue_item *item);
typedef int tp_outcome_fn(void *ctx, const struct tp_outcome *outcome);

struct tp_queue;
struct tp_queue_ops {
	/* Stores a new message. ITEM->queue_id is set by the caller; its
	 * state is QUEUED or HELD. After TP_EUNCERTAIN the same item may be
	 * put again: a queue_id that known() knows answers like a known
	 * dedup_key, also when its message is over and was swept, so that
	 * nothing is sent twice.
	 * @return 0; 1: dedup_key or queue_id was known, id_out has the first
	 *         id;
	 *         TP_EQUEUE, TP_EBUSY, TP_ENOSPC, TP_EUNCERTAIN, TP_EINVAL */
	int (*put)(struct tp_queue *queue, const struct tp_queue_item *item,
		char id_out[TP_QUEUE_ID_BYTES], struct tp_error *err);
	/* put() for each of PUTS, in as few transactions as possible. One that
	 * is refused does not keep the others out. One whose commit was
	 * uncertain is put again, as tp_queue_put_sure() does. */
	void (*put_many)(struct tp_queue *queue, struct tp_queue_put *puts,
		size_t count);
	/* Says of each id whether the queue has a message of that id, in
	 * whatever state, or had one: a message that was swept is known for as
	 * long as its outcomes are kept. known_out[i] = 1, else 0. */
	int (*known)(struct tp_queue *queue, const char *const *queue_ids,
		size_t count, unsigned char *known_out, struct tp_error *err);
	/* Leases due messages of one relay, ordered by next_try, expires,
	 * arrival. Never what has expired: that is for claim_expired(). The
	 * data of small ones may come along (it saves a read each); load()
	 * gets the others', and says what is wrong where there is none: such a
	 * message does not keep the rest from being claimed.
	 * @return their number (array in *items_out, tp_queue_items_free) */
	int (*claim)(struct tp_queue *queue, const struct tp_claim *claim,
		struct tp_queue_item **items_out, struct tp_error *err);
	/* Reads the data of a message. @owns caller, tp_free() */
	int (*load)(struct tp_queue *queue, const char *queue_id,
		char **data_out, size_t *len_out, struct tp_error *err);
	/* LEASED -> IN_DOUBT, to be sent through RELAY. Succeeds too if this
	 * process has it IN_DOUBT already (a call that ended TP_EUNCERTAIN may
	 * have begun it). TP_ESTATE if this process has no lease on it, or if
	 * RELAY is not the relay stored with it (any more). */
	int (*begin)(struct tp_queue *queue, const char *queue_id,
		const char *relay, struct tp_error *err);
	/* TP_ESTATE, and nothing is changed, if the lease was lost. A
	 * begin_next that is not LEASED by this process for begin_relay is
	 * passed over without error: *next_begun_out says. TP_EINVAL unless
	 * the new state is DONE exactly if no recipient is left OPEN. A
	 * bounce that the queue has already is not put twice. */
	int (*settle)(struct tp_queue *queue,
		const struct tp_settlement *settlement, int *next_begun_out,
		struct tp_error *err);
	/* LEASED -> QUEUED, uncharged, for all given ids. Ids without a lease
	 * of this process are passed over. */
	int (*unclaim)(struct tp_queue *queue, const char *const *queue_ids,
		size_t count, struct tp_error *err);
	/* Frees what is LEASED by a dead owner or beyond the end of its lease:
	 * -> QUEUED. What a dead owner held IN_DOUBT is listed through CB
	 * (state still IN_DOUBT, now owned by this process) for the engine to
	 * settle as unknown; what a living one holds is left alone. After
	 * TP_EUNCERTAIN CB was called too: a later call will not list again
	 * what this one may have taken over.
	 * @return how many were freed or listed */
	int (*recover)(struct tp_queue *queue, int64_t now_ms, int64_t lease_ms,
		tp_queue_item_fn *cb, void *ctx, struct tp_error *err);
	/* Leases up to LIMIT messages (QUEUED or HELD) whose expires_ms has
	 * passed, for the engine to settle as failed. As claim(). */
	int (*claim_expired)(struct tp_queue *queue, int64_t now_ms,
		int64_t lease_ms, size_t limit,
		struct tp_queue_item **items_out, struct tp_error *err);
	/* What is waiting, per relay that claim() would find something for
	 * now or later. Cheap: its cost is in the relays.
	 * @owns caller: array and names */
	int (*due)(struct tp_queue *queue, int64_t now_ms,
		struct tp_queue_relay_due **due_out, struct tp_error *err);
	/* Sets the relay of a store's unfinished messages. */
	int (*reroute)(struct tp_queue *queue, const char *store,
		const char *relay, struct tp_error *err);
	int (*list)(struct tp_queue *queue,
		const struct tp_queue_filter *filter, tp_queue_item_fn *cb,
		void *ctx, struct tp_error *err);
	/* @return 0, TP_ENOTFOUND, TP_ESTATE */
	int (*act)(struct tp_queue *queue, enum tp_queue_action action,
		const char *queue_id, int64_t now_ms, struct tp_error *err);
	int (*outcomes)(struct tp_queue *queue,
		const struct tp_outcome_filter *filter, tp_outcome_fn *cb,
		void *ctx, struct tp_error *err);
	int (*stats)(struct tp_queue *queue, struct tp_queue_stats *stats_out,
		struct tp_error *err);
	/* Removes bodies and rows of DONE messages, and events older than
	 * EVENTS_BEFORE_MS or beyond EVENTS_MAX_BYTES (0: no limit), a bounded
	 * number per call. A DONE row with a dedup_key stays, without its
	 * body, for TP_QUEUE_DEDUP_MS. @return how many rows went */
	int (*sweep)(struct tp_queue *queue, int64_t events_before_ms,
		int64_t events_max_bytes, struct tp_error *err);
	/* NULL-safe; sets NULL. */
	void (*destroy)(struct tp_queue **queue);
};

struct tp_queue {
	const struct tp_queue_ops *ops;
};

/* Callbacks: a nonzero return ends the listing without error. Pointers in
 * what they are given are valid only during the call. They run on the
 * calling thread and may call the queue. */

/* How long a repeated dedup_key is recognised after its message is DONE. */
#define TP_QUEUE_DEDUP_MS (24 * INT64_C(3600000))

/* Everything in memory, for tests; lost with the process. */
int tp_queue_ram_new(struct tp_queue **queue_out, struct tp_error *err);
/* For tests: all present leases become those of an owner that has died. Only
 * for a queue of tp_queue_ram_new(). */
void tp_queue_ram_lose_owner(struct tp_queue *queue);

/* put(), and again while nobody knows whether the commit took place: the
 * queue knows the item by its id. What failed otherwise after that stays
 * TP_EUNCERTAIN, for it may be there.
 * @return as put(); 0 where a repetition found what the first had stored */
int tp_queue_put_sure(struct tp_queue *queue, const struct tp_queue_item *item,
	char id_out[TP_QUEUE_ID_BYTES], struct tp_error *err) TP_USE_RESULT;

/* ---- shared by the implementations: the rules that need no storage ------ */

/* So often is an item put, at most, while it ends TP_EUNCERTAIN. */
#define TP_QUEUE_PUT_TRIES_MAX_COUNT 3
/* What a put() that gave RC and ID means for an item of which an earlier one
 * was uncertain. */
int tp_queue_put_repeated(
	int rc, const struct tp_queue_item *item, const char *id);

/* Copies all but the data. Nothing to free after a failure.
 * @return 0, TP_ENOMEM. @owns caller, tp_queue_item_free() */
int tp_queue_item_copy(
	struct tp_queue_item *to, const struct tp_queue_item *from);
/* What put() asks of an item. @return 0, TP_EINVAL */
int tp_queue_item_check(const struct tp_queue_item *item, struct tp_error *err);
/* @return 0, TP_EINVAL */
int tp_queue_settlement_check(
	const struct tp_settlement *settlement, struct tp_error *err);
/* 0 if ACTION is legal for a message in STATE, else TP_ESTATE. */
int tp_queue_act_check(enum tp_queue_action action, enum tp_queue_state state,
	const char *queue_id, struct tp_error *err);
/* The reason of a message that a person has put on hold. */
#define TP_QUEUE_HELD_REASON "held by request"
/* The event of a cancelled recipient; borrows from ITEM. */
struct tp_outcome tp_queue_cancelled(
	const struct tp_queue_item *item, size_t rcpt, int64_t now_ms);
/* Copies an outcome with its strings (NULL becomes ""), in one block.
 * @return NULL if out of memory. @owns caller, tp_free() */
struct tp_outcome *tp_queue_outcome_copy(const struct tp_outcome *outcome);
/* Calls CB for each until it returns nonzero. */
void tp_queue_items_show(const struct tp_queue_item *items, size_t count,
	tp_queue_item_fn *cb, void *ctx);
/* Bytes of the strings of an outcome: what EVENTS_MAX_BYTES counts, plus
 * TP_QUEUE_EVENT_BYTES each. */
size_t tp_queue_outcome_bytes(const struct tp_outcome *outcome);
#define TP_QUEUE_EVENT_BYTES 128

#endif
