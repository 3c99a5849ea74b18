/*
 * worker.c - the thread that sends: one relay connection
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/engine_private.h"

#include "base/mem.h"
#include "base/random.h"
#include "core/settler.h"

#include <stdio.h>
#include <string.h>

#define STORE_PAUSE_MS 200

/* What one worker has in its hands. */
struct run {
	struct tp_worker *worker;
	struct tp_engine *engine;
	struct tp_retry_schedule schedule;
	struct tp_connection *connection;
	unsigned lane_epoch;	     /* when the current message was begun */
	int connection_messages;     /* transactions on this connection */
	int session_messages;	     /* transactions in this session */
	struct tp_queue_item *items; /* claimed */
	int count;
	int64_t claimed_ms;
	int at;		/* the current one */
	int begun;	/* 1: items[at] is IN_DOUBT */
	int stale;	/* the idle connection turned out to be dead */
	int taken_away; /* ready() found that the message is not ours */
	struct tp_settler *settler; /* stores what done() gave */
	int settling; /* something was given and not yet waited for */
	struct tp_transaction tx;
	const char **recipients;
	size_t *open; /* indexes in the item's rcpts */
};

static const struct tp_queue_ops *queue(const struct run *run)
{
	return run->engine->queue->ops;
}

static int64_t now(const struct run *run)
{
	return tp_now_ms(run->engine->clock);
}

static void log_error(
	const struct run *run, const char *what, const struct tp_error *err)
{
	tp_engine_log(run->engine, 3, "queue-error", "%s: %s", what, err->text);
}

/* ---- may this worker go on ---------------------------------------------- */

/* Lock held. After a reload the worker goes on with the new configuration if
 * its relay's profile is the same; a changed profile changed the generation. */
static void adopt_config(struct run *run)
{
	struct tp_worker *worker = run->worker;
	struct tp_config *now_used = run->engine->config;
	const struct tp_relay *relay;

	if (worker->config == now_used ||
		worker->lane->generation != worker->generation)
		return;
	relay = tp_config_relay(now_used, worker->lane->relay);
	if (!relay)
		return;
	tp_config_unref(&worker->config);
	worker->config = tp_config_ref(now_used);
	worker->relay = relay;
	run->schedule = tp_engine_schedule(worker->config);
}

/* Lock held. */
static int wanted(struct run *run)
{
	const struct tp_engine_lane *lane = run->worker->lane;

	adopt_config(run);
	return !run->engine->stopping && !lane->gone &&
	       lane->generation == run->worker->generation;
}

static int may_send(struct run *run)
{
	int64_t now_ms = now(run);
	int may;

	(void)pthread_mutex_lock(&run->engine->lock);
	may = wanted(run) &&
	      tp_lane_allowed(&run->worker->lane->lane, now_ms) > 0;
	(void)pthread_mutex_unlock(&run->engine->lock);
	return may;
}

/* The last result is durable after this, and it is known whether its commit
 * has begun items[at]. */
static void await_settled(struct run *run)
{
	if (!run->settling)
		return;
	run->settling = 0;
	run->begun = tp_settler_wait(run->settler);
}

/* ---- claimed messages --------------------------------------------------- */

static void drop_batch(struct run *run)
{
	tp_queue_items_free(run->items, (size_t)run->count);
	run->items = NULL;
	run->count = 0;
	run->at = 0;
	run->begun = 0;
}

/* A paused lane sends one probe; one message is enough for it. */
static size_t claim_size(const struct run *run)
{
	size_t size = TP_ENGINE_CLAIM_COUNT;

	(void)pthread_mutex_lock(&run->engine->lock);
	if (run->worker->lane->lane.state != TP_LANE_READY)
		size = 1;
	(void)pthread_mutex_unlock(&run->engine->lock);
	return size;
}

/* Moves items[at] on without an attempt and without an event. */
static void put_aside(
	struct run *run, enum tp_queue_state state, const char *reason)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_settlement settlement = {
		.queue_id = run->items[run->at].queue_id,
		.state = state,
		.next_try_ms = now(run),
		.reason = reason,
	};
	int begun;

	if (queue(run)->settle(run->engine->queue, &settlement, &begun, &err) <
		0)
		log_error(run, settlement.queue_id, &err);
	run->begun = 0;
	run->at++;
}

/* Gives back what was claimed and not sent. */
static void unclaim(struct run *run)
{
	struct tp_error err = TP_ERROR_INIT;
	const char *ids[TP_ENGINE_CLAIM_COUNT];
	size_t count = 0;

	await_settled(run);
	/* IN_DOUBT without having been sent. */
	if (run->at < run->count && run->begun)
		put_aside(run, TP_QUEUE_QUEUED, NULL);
	while (run->at < run->count)
		ids[count++] = run->items[run->at++].queue_id;
	if (count > 0 &&
		queue(run)->unclaim(run->engine->queue, ids, count, &err) < 0)
		log_error(run, "unclaim", &err);
	drop_batch(run);
}

static int64_t lease_age_ms(const struct run *run)
{
	return now(run) - run->claimed_ms;
}

/* A slow relay can eat up the lease of a batch; what is left of it goes back
 * before another process may take it. */
static int lease_is_old(const struct run *run)
{
	return lease_age_ms(run) > run->worker->config->lease_ms / 2;
}

/* @return 1: items[at] is there; 0: nothing is due */
static int claim(struct run *run)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_claim what = {
		.relay = run->worker->relay->name,
		.now_ms = now(run),
		.lease_ms = run->worker->config->lease_ms,
		.max_count = claim_size(run),
	};
	int count;

	if (run->at < run->count && !lease_is_old(run))
		return 1;
	unclaim(run);
	count = queue(run)->claim(run->engine->queue, &what, &run->items, &err);
	if (count < 0) {
		log_error(run, "claim", &err);
		tp_sleep_ms(STORE_PAUSE_MS);
		return 0;
	}
	run->claimed_ms = what.now_ms;
	run->count = count;
	return count > 0;
}

/* ---- settling ----------------------------------------------------------- */

static struct tp_settle_context context_for(
	const struct run *run, const struct tp_queue_item *item)
{
	struct tp_settle_context context = tp_engine_settle_context(run->engine,
		run->worker->config, &run->schedule, run->worker->relay, item);

	if (run->connection)
		context.info =
			run->engine->transport->ops->info(run->connection);
	return context;
}

/* Lock held. What an old profile met says nothing about the new one. */
static int lane_is_ours(const struct run *run)
{
	return run->worker->lane->generation == run->worker->generation;
}

static void charge_lane(
	struct run *run, const struct tp_verdict *verdict, const char *reason)
{
	struct tp_engine *engine = run->engine;
	struct tp_engine_lane *lane = run->worker->lane;
	uint64_t random = tp_random_below(TP_RETRY_RANDOM_BOUND);
	int64_t now_ms = now(run);
	int tell = 0;

	(void)pthread_mutex_lock(&engine->lock);
	if (lane_is_ours(run))
		tell = tp_lane_failure(&lane->lane, &run->schedule, verdict,
			reason, now_ms, random);
	(void)pthread_mutex_unlock(&engine->lock);
	if (tell)
		tp_engine_log(
			engine, 4, "relay-down", "%s: %s", lane->relay, reason);
}

/* For what has no verdict of its own. */
static void charge_lane_temporary(struct run *run, const char *reason)
{
	static const struct tp_verdict temporary = {
		.cls = TP_CLASS_TEMPORARY,
		.scope = TP_SCOPE_RELAY,
		.rule = "no-session",
	};

	charge_lane(run, &temporary, reason);
}

static void release_waiters(struct run *run, const char *reason)
{
	(void)pthread_mutex_lock(&run->engine->lock);
	if (lane_is_ours(run))
		tp_waiters_release_relay(
			run->engine, run->worker->lane->relay, reason);
	(void)pthread_mutex_unlock(&run->engine->lock);
}

/* A success over a connection from before the last failure must not end the
 * pause that the failure asked for. */
static void credit_lane(struct run *run)
{
	struct tp_engine_lane *lane = run->worker->lane;
	enum tp_lane_state before;
	int allowed;

	(void)pthread_mutex_lock(&run->engine->lock);
	before = lane->lane.state;
	allowed = lane->lane.allowed;
	if (lane_is_ours(run) && lane->lane.epoch == run->lane_epoch)
		tp_lane_success(&lane->lane);
	if (lane->lane.allowed > allowed) {
		run->engine->woken = 1;
		(void)pthread_cond_signal(&run->engine->wake);
	}
	allowed = lane->lane.state == TP_LANE_READY;
	(void)pthread_mutex_unlock(&run->engine->lock);
	if (before != TP_LANE_READY && allowed)
		tp_engine_log(run->engine, 6, "relay-up",
			"%s accepts mail again", lane->relay);
}

/* ---- the session's source ----------------------------------------------- */

static void free_transaction(struct run *run)
{
	tp_free(run->tx.rcpt);
	tp_free(run->recipients);
	tp_free(run->open);
	run->recipients = NULL;
	run->open = NULL;
	memset(&run->tx, 0, sizeof(run->tx));
}

static int make_transaction(struct run *run, const struct tp_queue_item *item)
{
	size_t i;

	free_transaction(run);
	run->recipients = tp_calloc(item->rcpt_count, sizeof(char *));
	run->open = tp_calloc(item->rcpt_count, sizeof(size_t));
	run->tx.rcpt = tp_calloc(item->rcpt_count, sizeof(*run->tx.rcpt));
	if (!run->recipients || !run->open || !run->tx.rcpt)
		return TP_ENOMEM;
	for (i = 0; i < item->rcpt_count; i++) {
		if (item->rcpts[i].state != TP_RCPT_OPEN)
			continue;
		run->open[run->tx.recipient_count] = i;
		run->recipients[run->tx.recipient_count++] =
			item->rcpts[i].address;
	}
	run->tx.recipients = run->recipients;
	run->tx.sender = item->sender;
	run->tx.data = item->data;
	run->tx.data_len = item->data_len;
	run->tx.eight_bit = item->eight_bit;
	run->tx.smtputf8 = item->smtputf8;
	return TP_OK;
}

/* The current message cannot be sent now. */
static void give_back_one(struct run *run)
{
	struct tp_error err = TP_ERROR_INIT;
	const char *id = run->items[run->at].queue_id;

	await_settled(run);
	if (run->begun) {
		put_aside(run, TP_QUEUE_QUEUED, NULL);
		return;
	}
	run->at++;
	if (queue(run)->unclaim(run->engine->queue, &id, 1, &err) < 0)
		log_error(run, id, &err);
}

/* Tried again it would only fill the log. */
static void hold_damaged(struct run *run)
{
	await_settled(run);
	put_aside(run, TP_QUEUE_HELD,
		"its body is missing in the queue database");
}

static int expired(const struct run *run, const struct tp_queue_item *item)
{
	return item->expires_ms != 0 && item->expires_ms <= now(run);
}

/* @return 1: items[at] can be offered to the relay; 0: it cannot, run->at is
 * past it */
static int prepare(struct run *run)
{
	struct tp_queue_item *item = &run->items[run->at];
	struct tp_error err = TP_ERROR_INIT;
	int rc = TP_OK;

	if (expired(run, item)) {
		give_back_one(run);
		return 0;
	}
	if (!item->data)
		rc = queue(run)->load(run->engine->queue, item->queue_id,
			&item->data, &item->data_len, &err);
	if (rc >= 0)
		rc = make_transaction(run, item);
	if (rc < 0) {
		log_error(run, item->queue_id, &err);
		if (rc == TP_ENOTFOUND)
			hold_damaged(run);
		else
			give_back_one(run);
		return 0;
	}
	(void)pthread_mutex_lock(&run->engine->lock);
	run->lane_epoch = run->worker->lane->lane.epoch;
	tp_waiters_mark_begun(run->engine, item->queue_id);
	(void)pthread_mutex_unlock(&run->engine->lock);
	return 1;
}

/* Before the body goes out: the last message's result is durable, and this
 * one is IN_DOUBT. It may not go if somebody else has it now, or if a reload
 * gave it to another relay. */
static int ready(void *ctx, struct tp_transaction *tx)
{
	struct run *run = ctx;
	struct tp_queue_item *item = &run->items[run->at];
	struct tp_error err = TP_ERROR_INIT;
	int rc = TP_OK;

	(void)tx;
	await_settled(run);
	/* After the lease's end another worker of this process may have it,
	 * and the queue cannot tell the two apart. */
	if (!run->begun && lease_age_ms(run) >= run->worker->config->lease_ms)
		rc = TP_ESTATE;
	else if (!run->begun)
		rc = queue(run)->begin(run->engine->queue, item->queue_id,
			run->worker->lane->relay, &err);
	if (rc >= 0)
		run->begun = 1;
	else if (rc == TP_ESTATE)
		run->taken_away = 1;
	else
		log_error(run, item->queue_id, &err);
	return rc;
}

static int connection_used_up(const struct run *run)
{
	return run->connection_messages >=
	       run->worker->relay->messages_per_connection;
}

static struct tp_transaction *next(void *ctx)
{
	struct run *run = ctx;

	run->stale = 0;
	run->taken_away = 0;
	if (connection_used_up(run))
		return NULL;
	while (may_send(run) && claim(run))
		if (prepare(run)) {
			run->connection_messages++;
			run->session_messages++;
			return &run->tx;
		}
	return NULL;
}

/* The relay hung up while the connection lay idle: nothing was sent, and a
 * fresh connection may be tried once. */
static int turned_stale(const struct run *run, const struct tp_transaction *tx)
{
	return run->session_messages == 1 && run->connection_messages > 1 &&
	       tx->trouble.step == TP_STEP_MAIL &&
	       tx->trouble.code == TP_ECLOSED && tx->mail.code == 0;
}

/* The same commit that ends this message begins the next one. */
static void begin_next(struct run *run, struct tp_settlement *settlement)
{
	int next_index = run->at + 1;

	if (next_index >= run->count || connection_used_up(run) ||
		expired(run, &run->items[next_index]))
		return;
	settlement->begin_next = run->items[next_index].queue_id;
	settlement->begin_relay = run->worker->lane->relay;
}

static void settle_done(struct run *run, struct tp_settle *settle)
{
	int relay_failed = settle->relay_failed;
	char reason[sizeof(settle->relay_reason)];

	memcpy(reason, settle->relay_reason, sizeof(reason));
	if (relay_failed)
		charge_lane(run, &settle->relay_verdict, reason);
	else if (settle->sent_count > 0)
		credit_lane(run);
	if (!relay_failed)
		begin_next(run, &settle->settlement);
	tp_settler_give(run->settler, settle);
	run->settling = 1;
	run->at++;
	if (!relay_failed)
		return;
	await_settled(run);
	release_waiters(run, reason);
}

static void done(void *ctx, struct tp_transaction *tx)
{
	struct run *run = ctx;
	struct tp_queue_item *item = &run->items[run->at];
	struct tp_settle_context context;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_settle settle;

	if (turned_stale(run, tx)) {
		run->stale = 1;
		return;
	}
	await_settled(run);
	if (run->taken_away) {
		give_back_one(run);
		return;
	}
	context = context_for(run, item);
	if (tp_settle_transaction(
		    &settle, &context, item, tx, run->open, &err) < 0) {
		/* Out of memory: if the body went out the message stays
		 * IN_DOUBT, which is true. */
		log_error(run, item->queue_id, &err);
		run->begun = 0;
		run->at++;
		return;
	}
	settle_done(run, &settle);
}

/* ---- the connection ----------------------------------------------------- */

static void hang_up(struct run *run)
{
	if (!run->connection)
		return;
	await_settled(run); /* its events show the connection's TLS */
	(void)pthread_mutex_lock(&run->engine->lock);
	run->engine->stats.connections--;
	(void)pthread_mutex_unlock(&run->engine->lock);
	run->engine->transport->ops->disconnect(&run->connection);
}

/* Everything claimed learns why the relay could not be used. */
static void settle_unreachable(
	struct run *run, const struct tp_trouble *trouble)
{
	int64_t retry_ms;

	(void)pthread_mutex_lock(&run->engine->lock);
	retry_ms = run->worker->lane->lane.retry_ms;
	(void)pthread_mutex_unlock(&run->engine->lock);
	for (; run->at < run->count; run->at++) {
		struct tp_queue_item *item = &run->items[run->at];
		struct tp_settle_context context = context_for(run, item);
		struct tp_error err = TP_ERROR_INIT;
		struct tp_settle settle;

		if (tp_settle_unreachable(&settle, &context, item, trouble,
			    retry_ms, &err) < 0) {
			log_error(run, item->queue_id, &err);
			break;
		}
		tp_settler_give(run->settler, &settle);
		run->settling = 1;
	}
	await_settled(run);
	unclaim(run);
}

/* @return 1: connected; 0: not, and everything is settled */
static int connect_relay(struct run *run)
{
	struct tp_trouble trouble;
	struct tp_verdict verdict;

	memset(&trouble, 0, sizeof(trouble));
	run->connection_messages = 0;
	if (run->engine->transport->ops->connect(run->engine->transport,
		    run->worker->relay, &run->worker->interrupt,
		    &run->connection, &trouble) >= 0) {
		(void)pthread_mutex_lock(&run->engine->lock);
		run->engine->stats.connections++;
		(void)pthread_mutex_unlock(&run->engine->lock);
		return 1;
	}
	/* Cut off by stop(): that is nobody's failure. */
	if (tp_interrupt_fired(&run->worker->interrupt)) {
		unclaim(run);
		return 0;
	}
	verdict = tp_policy_trouble(&trouble, run->worker->relay->dialect);
	charge_lane(run, &verdict,
		trouble.reply.code ? trouble.reply.text : trouble.text);
	settle_unreachable(run, &trouble);
	release_waiters(run, trouble.text);
	return 0;
}

static int ensure_connection(struct run *run)
{
	if (run->connection &&
		(connection_used_up(run) ||
			!run->engine->transport->ops->alive(run->connection)))
		hang_up(run);
	return run->connection ? 1 : connect_relay(run);
}

/* ---- the thread --------------------------------------------------------- */

/* Lock held. Waits for the scheduler's word while the connection is kept.
 * @return 1: look again; 0: give up */
static int wait_for_signal(struct run *run, const struct timespec *until)
{
	struct tp_engine_lane *lane = run->worker->lane;
	int timed_out = 0;

	if (!run->connection)
		return 0;
	lane->idle_count++;
	while (wanted(run) && !lane->signalled && !timed_out)
		timed_out = pthread_cond_timedwait(&lane->work,
				    &run->engine->lock, until) != 0;
	lane->idle_count--;
	if (lane->signalled && !timed_out)
		lane->signalled = 0;
	return !timed_out;
}

/* @return 1: messages are claimed; 0: end */
static int find_work(struct run *run)
{
	struct timespec until = tp_deadline_timespec(
		tp_deadline_ms(run->worker->relay->idle_timeout_ms));

	while (may_send(run)) {
		int go_on;

		if (claim(run))
			return 1;
		(void)pthread_mutex_lock(&run->engine->lock);
		go_on = wait_for_signal(run, &until);
		(void)pthread_mutex_unlock(&run->engine->lock);
		if (!go_on)
			return 0;
	}
	return 0;
}

/* A session that ends before its first message, on a connection that never
 * carried one, would be tried again at once and for ever. */
static void judge_session(struct run *run, int rc, const struct tp_error *err)
{
	if (run->session_messages > 0 || run->at >= run->count)
		return;
	if (rc < 0)
		charge_lane_temporary(run, err->text);
	else if (rc == 0 && run->connection_messages == 0)
		charge_lane_temporary(run,
			"the relay ended the connection before the first "
			"message");
}

static void send_claimed(struct run *run)
{
	static const struct tp_session_source methods = {
		.next = next,
		.ready = ready,
		.done = done,
	};
	struct tp_session_source source = methods;
	struct tp_error err = TP_ERROR_INIT;
	int rc;

	source.ctx = run;
	run->session_messages = 0;
	rc = run->engine->transport->ops->session(
		run->connection, &source, &err);
	if (rc < 0)
		tp_engine_log(run->engine, 3, "session", "%s: %s",
			run->worker->lane->relay, err.text);
	judge_session(run, rc, &err);
	if (rc <= 0)
		hang_up(run);
	if (!run->stale)
		unclaim(run);
}

static void run_worker(struct run *run)
{
	while (find_work(run)) {
		if (!ensure_connection(run))
			break;
		send_claimed(run);
	}
	unclaim(run);
	free_transaction(run);
	hang_up(run);
}

static void *worker_main(void *arg)
{
	struct tp_worker *worker = arg;
	struct tp_engine *engine = worker->engine;
	struct run run = {
		.worker = worker,
		.engine = engine,
		.schedule = tp_engine_schedule(worker->config),
	};

	run.settler = tp_settler_new(engine);
	if (run.settler)
		run_worker(&run);
	else
		charge_lane_temporary(&run, "cannot start a thread");
	tp_settler_destroy(&run.settler);
	(void)pthread_mutex_lock(&engine->lock);
	worker->lane->worker_count--;
	worker->finished = 1;
	/* What this worker left may suit another. */
	engine->woken = 1;
	(void)pthread_cond_signal(&engine->wake);
	(void)pthread_cond_broadcast(&engine->changed);
	(void)pthread_mutex_unlock(&engine->lock);
	return NULL;
}

int tp_worker_start(struct tp_engine *engine, struct tp_engine_lane *lane)
{
	const struct tp_relay *relay =
		tp_config_relay(engine->config, lane->relay);
	struct tp_worker *worker = tp_alloc(sizeof(*worker));

	if (!worker || !relay) {
		tp_free(worker);
		return TP_ENOMEM;
	}
	worker->engine = engine;
	worker->lane = lane;
	worker->config = tp_config_ref(engine->config);
	worker->relay = relay;
	worker->generation = lane->generation;
	tp_interrupt_init(&worker->interrupt);
	if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
		tp_interrupt_destroy(&worker->interrupt);
		tp_config_unref(&worker->config);
		tp_free(worker);
		return TP_EIO;
	}
	worker->next = engine->workers;
	engine->workers = worker;
	lane->worker_count++;
	return TP_OK;
}

void tp_workers_reap(struct tp_engine *engine)
{
	struct tp_worker **link = &engine->workers;

	while (*link) {
		struct tp_worker *worker = *link;

		if (!worker->finished) {
			link = &worker->next;
			continue;
		}
		*link = worker->next;
		(void)pthread_join(worker->thread, NULL);
		tp_interrupt_destroy(&worker->interrupt);
		tp_config_unref(&worker->config);
		tp_free(worker);
	}
}
