/*
 * worker.c - the thread that sends: one relay connection
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/engine_private.h"

#include "base/mem.h"
#include "base/random.h"
#include "core/settle.h"

#include <stdio.h>
#include <string.h>

#define STORE_ATTEMPTS_MAX_COUNT 5
#define STORE_PAUSE_MS 200

/* What one worker has in its hands. */
struct run {
	struct tp_worker *worker;
	struct tp_engine *engine;
	struct tp_retry_schedule schedule;
	struct tp_connection *connection;
	int connection_messages;     /* transactions on this connection */
	int session_messages;	     /* transactions in this session */
	struct tp_queue_item *items; /* claimed */
	int count;
	int64_t claimed_ms;
	int at;	   /* the current one */
	int begun; /* 1: items[at] is IN_DOUBT */
	int stale; /* the idle connection turned out to be dead */
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

static void pause_ms(int64_t ms)
{
	struct timespec time = { (time_t)(ms / 1000),
		(long)(ms % 1000) * 1000000L };

	(void)nanosleep(&time, NULL);
}

/* ---- may this worker go on ---------------------------------------------- */

/* Lock held. */
static int wanted(const struct run *run)
{
	const struct tp_engine_lane *lane = run->worker->lane;

	return !run->engine->stopping && !lane->gone &&
	       lane->generation == run->worker->generation;
}

static int may_send(const struct run *run)
{
	const struct tp_engine_lane *lane = run->worker->lane;
	int may;

	(void)pthread_mutex_lock(&run->engine->lock);
	may = wanted(run) && tp_lane_allowed(&lane->lane, now(run)) > 0;
	(void)pthread_mutex_unlock(&run->engine->lock);
	return may;
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

/* IN_DOUBT without having been sent: an empty settlement puts it back. */
static void put_back_begun(struct run *run)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_settlement settlement = {
		.queue_id = run->items[run->at].queue_id,
		.state = TP_QUEUE_QUEUED,
		.next_try_ms = now(run),
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

	if (run->at < run->count && run->begun)
		put_back_begun(run);
	while (run->at < run->count)
		ids[count++] = run->items[run->at++].queue_id;
	if (count > 0 &&
		queue(run)->unclaim(run->engine->queue, ids, count, &err) < 0)
		log_error(run, "unclaim", &err);
	drop_batch(run);
}

/* A slow relay can eat up the lease of a batch; what is left of it goes back
 * before another process may take it. */
static int lease_is_old(const struct run *run)
{
	return now(run) - run->claimed_ms > run->worker->config->lease_ms / 2;
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
		pause_ms(STORE_PAUSE_MS);
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
	struct tp_settle_context context = {
		.schedule = &run->schedule,
		.info = run->connection ? run->engine->transport->ops->info(
						  run->connection)
					: NULL,
		.store = tp_config_store(run->worker->config, item->store),
		.dialect = run->worker->relay->dialect,
		.reporting_host = run->engine->reporting_host,
		.clock = run->engine->clock,
		.now_ms = now(run),
		.random = tp_random_below(TP_RETRY_RANDOM_BOUND),
	};

	return context;
}

/* A result that cannot be stored is tried again for a moment: if it stays
 * so, the message is IN_DOUBT and will be settled as unknown. */
static int store(struct run *run, struct tp_settle *settle)
{
	struct tp_error err = TP_ERROR_INIT;
	int begun = 0;
	int i;
	int rc = TP_EQUEUE;

	for (i = 0; i < STORE_ATTEMPTS_MAX_COUNT && rc < 0; i++) {
		if (i > 0)
			pause_ms(STORE_PAUSE_MS);
		tp_error_clear(&err);
		rc = tp_engine_commit(run->engine, settle, &begun, &err);
		if (rc == TP_ESTATE)
			break;
	}
	if (rc < 0)
		log_error(run, settle->settlement.queue_id, &err);
	return begun;
}

static void charge_lane(
	struct run *run, const struct tp_verdict *verdict, const char *reason)
{
	struct tp_engine *engine = run->engine;
	struct tp_engine_lane *lane = run->worker->lane;
	uint64_t random = tp_random_below(TP_RETRY_RANDOM_BOUND);
	int tell;

	(void)pthread_mutex_lock(&engine->lock);
	tell = tp_lane_failure(
		&lane->lane, &run->schedule, verdict, reason, now(run), random);
	(void)pthread_mutex_unlock(&engine->lock);
	if (tell)
		tp_engine_log(
			engine, 4, "relay-down", "%s: %s", lane->relay, reason);
}

static void release_waiters(struct run *run, const char *reason)
{
	(void)pthread_mutex_lock(&run->engine->lock);
	tp_waiters_release_relay(run->engine, run->worker->lane->relay, reason);
	(void)pthread_mutex_unlock(&run->engine->lock);
}

static void credit_lane(struct run *run)
{
	struct tp_engine_lane *lane = run->worker->lane;
	enum tp_lane_state before;
	int allowed;

	(void)pthread_mutex_lock(&run->engine->lock);
	before = lane->lane.state;
	allowed = lane->lane.allowed;
	tp_lane_success(&lane->lane);
	if (lane->lane.allowed > allowed) {
		run->engine->woken = 1;
		(void)pthread_cond_signal(&run->engine->wake);
	}
	(void)pthread_mutex_unlock(&run->engine->lock);
	if (before != TP_LANE_READY)
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

/* Brings items[at] to the point where its dot may go out.
 * @return 1; 0: this one cannot be sent now, run->at is past it */
static int prepare(struct run *run)
{
	struct tp_queue_item *item = &run->items[run->at];
	struct tp_error err = TP_ERROR_INIT;
	int rc = TP_OK;

	if (!item->data)
		rc = queue(run)->load(run->engine->queue, item->queue_id,
			&item->data, &item->data_len, &err);
	if (rc >= 0)
		rc = make_transaction(run, item);
	if (rc >= 0 && !run->begun)
		rc = queue(run)->begin(
			run->engine->queue, item->queue_id, &err);
	if (rc >= 0) {
		run->begun = 1;
		return 1;
	}
	/* ESTATE: somebody else has it now, or it was cancelled. */
	if (rc != TP_ESTATE && rc != TP_ENOTFOUND)
		log_error(run, item->queue_id, &err);
	if (run->begun)
		put_back_begun(run);
	else
		run->at++;
	return 0;
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

static void done(void *ctx, struct tp_transaction *tx)
{
	struct run *run = ctx;
	struct tp_queue_item *item = &run->items[run->at];
	struct tp_settle_context context = context_for(run, item);
	struct tp_error err = TP_ERROR_INIT;
	struct tp_settle settle;
	int next_index = run->at + 1;

	if (turned_stale(run, tx)) {
		run->stale = 1;
		return;
	}
	if (tp_settle_transaction(
		    &settle, &context, item, tx, run->open, &err) < 0) {
		/* Out of memory: the message stays IN_DOUBT, which is true. */
		log_error(run, item->queue_id, &err);
		run->begun = 0;
		run->at++;
		return;
	}
	if (settle.relay_failed) {
		charge_lane(run, &settle.relay_verdict, settle.relay_reason);
		release_waiters(run, settle.relay_reason);
	} else if (settle.sent_count > 0) {
		credit_lane(run);
	}
	/* The same commit that ends this message begins the next one. */
	if (next_index < run->count && !settle.relay_failed &&
		!connection_used_up(run))
		settle.settlement.begin_next = run->items[next_index].queue_id;
	run->begun = store(run, &settle);
	run->at = next_index;
	tp_settle_free(&settle);
	free_transaction(run);
}

/* ---- the connection ----------------------------------------------------- */

static void hang_up(struct run *run)
{
	(void)pthread_mutex_lock(&run->engine->lock);
	if (run->connection)
		run->engine->stats.connections--;
	run->worker->connection = NULL;
	(void)pthread_mutex_unlock(&run->engine->lock);
	run->engine->transport->ops->disconnect(&run->connection);
}

/* Everything claimed learns why the relay could not be used. */
static void settle_unreachable(
	struct run *run, const struct tp_trouble *trouble)
{
	struct tp_settle settle;
	int64_t retry_ms;

	(void)pthread_mutex_lock(&run->engine->lock);
	retry_ms = run->worker->lane->lane.retry_ms;
	(void)pthread_mutex_unlock(&run->engine->lock);
	for (; run->at < run->count; run->at++) {
		struct tp_queue_item *item = &run->items[run->at];
		struct tp_settle_context context = context_for(run, item);
		struct tp_error err = TP_ERROR_INIT;

		run->begun = 0;
		if (tp_settle_unreachable(&settle, &context, item, trouble,
			    retry_ms, &err) < 0) {
			log_error(run, item->queue_id, &err);
			break;
		}
		(void)store(run, &settle);
		tp_settle_free(&settle);
	}
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
		    run->worker->relay, &run->connection, &trouble) >= 0) {
		(void)pthread_mutex_lock(&run->engine->lock);
		run->worker->connection = run->connection;
		run->engine->stats.connections++;
		(void)pthread_mutex_unlock(&run->engine->lock);
		return 1;
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

	if (!run->connection)
		return 0;
	while (wanted(run) && !lane->signalled)
		if (pthread_cond_timedwait(
			    &lane->work, &run->engine->lock, until) != 0)
			return 0;
	lane->signalled = 0;
	return 1;
}

/* @return 1: messages are claimed; 0: end */
static int find_work(struct run *run)
{
	struct tp_engine_lane *lane = run->worker->lane;
	struct timespec until = tp_deadline_timespec(
		tp_deadline_ms(run->worker->relay->idle_timeout_ms));
	int found = 0;
	int go_on = 1;

	(void)pthread_mutex_lock(&run->engine->lock);
	lane->idle_count++;
	while (go_on && !found && wanted(run) &&
		tp_lane_allowed(&lane->lane, now(run)) > 0) {
		(void)pthread_mutex_unlock(&run->engine->lock);
		found = claim(run);
		(void)pthread_mutex_lock(&run->engine->lock);
		if (!found)
			go_on = wait_for_signal(run, &until);
	}
	lane->idle_count--;
	(void)pthread_mutex_unlock(&run->engine->lock);
	return found;
}

static void send_claimed(struct run *run)
{
	static const struct tp_session_source methods = {
		.next = next,
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
		log_error(run, "session", &err);
	if (rc <= 0)
		hang_up(run);
	if (rc < 0)
		pause_ms(STORE_PAUSE_MS); /* local trouble: do not spin */
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

	run_worker(&run);
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
	if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
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
		tp_config_unref(&worker->config);
		tp_free(worker);
	}
}
