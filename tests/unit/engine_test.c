/*
 * engine_test.c - scheduler, workers and settling against a scripted relay
 *
 * JOB     The real engine over the queue in memory and a transport whose
 *         behaviour each test chooses. What is asserted is what users see:
 *         states, outcomes, order, and what the relay was asked to do.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/engine.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define DEADLINE_MS 5000

static void tick(void)
{
	struct timespec time = { 0, 2000000 };

	nanosleep(&time, NULL);
}

/* ---- a scripted transport ----------------------------------------------- */

struct script {
	struct tp_transport base;
	pthread_mutex_t lock;
	/* behaviour */
	struct tp_trouble connect_trouble; /* step NONE: connects */
	int connect_rc;
	int connect_failures; /* so many times; -1: always */
	int rcpt_code;	      /* 0: 250 */
	const char *rcpt_text;
	const char *rcpt_only; /* only this recipient; NULL: all */
	int dot_code;	       /* 0: 250; -1: lost after the dot */
	const char *dot_text;
	int dot_failures;  /* so many times, then 250; -1: always */
	int stale;	   /* the next session finds a dead connection */
	int connect_hangs; /* until it is interrupted */
	int session_rc;	   /* nonzero: no message is taken, this is returned */
	void (*during)(void *ctx); /* called in each transaction */
	void *during_ctx;
	/* record */
	int connects;
	int sessions;
	int transactions;
	int open;
	int open_max;
	char users[4096]; /* "relay:recipient;" of each transaction */
};

struct tp_connection {
	struct script *script;
	struct tp_connection_info info;
	char relay[64];
	int dead;
};

static int script_connect(struct tp_transport *transport,
	const struct tp_relay *relay, struct tp_interrupt *interrupt,
	struct tp_connection **connection_out, struct tp_trouble *trouble)
{
	struct script *script = (struct script *)transport;
	struct tp_connection *connection;
	int fails;

	connection = NULL;
	while (script->connect_hangs && !tp_interrupt_fired(interrupt))
		tick();
	if (tp_interrupt_fired(interrupt)) {
		trouble->step = TP_STEP_GREETING;
		trouble->code = TP_ECLOSED;
		return TP_ECLOSED;
	}
	pthread_mutex_lock(&script->lock);
	script->connects++;
	fails = script->connect_failures != 0;
	if (script->connect_failures > 0)
		script->connect_failures--;
	if (!fails && ++script->open > script->open_max)
		script->open_max = script->open;
	pthread_mutex_unlock(&script->lock);
	if (fails) {
		*trouble = script->connect_trouble;
		return script->connect_rc;
	}
	connection = tp_alloc(sizeof(*connection));
	connection->script = script;
	snprintf(connection->relay, sizeof(connection->relay), "%s",
		relay->name);
	snprintf(connection->info.tls_version,
		sizeof(connection->info.tls_version), "TLSv1.3");
	*connection_out = connection;
	return TP_OK;
}

static int take(int *failures)
{
	if (*failures == 0)
		return 0;
	if (*failures > 0)
		(*failures)--;
	return 1;
}

static void lose(struct tp_connection *connection, struct tp_transaction *tx,
	enum tp_step step)
{
	connection->dead = 1;
	tx->trouble.step = step;
	tx->trouble.code = TP_ECLOSED;
	snprintf(tx->trouble.text, sizeof(tx->trouble.text),
		"the relay closed the connection");
}

static void play(struct tp_connection *connection,
	const struct tp_session_source *source, struct tp_transaction *tx)
{
	struct script *script = connection->script;
	size_t accepted = 0;
	size_t i;

	script->transactions++;
	if (take(&script->stale)) {
		lose(connection, tx, TP_STEP_MAIL);
		return;
	}
	tp_reply_set(&tx->mail, 250, "2.1.0 ok");
	for (i = 0; i < tx->recipient_count; i++) {
		size_t used = strlen(script->users);
		int refuse =
			script->rcpt_code != 0 &&
			(!script->rcpt_only || strcmp(script->rcpt_only,
						       tx->recipients[i]) == 0);

		snprintf(script->users + used, sizeof(script->users) - used,
			"%s:%s;", connection->relay, tx->recipients[i]);
		tp_reply_set(&tx->rcpt[i], refuse ? script->rcpt_code : 250,
			refuse ? script->rcpt_text : "2.1.5 ok");
		accepted += !refuse;
	}
	if (accepted == 0)
		return;
	if (source->ready(source->ctx, tx) < 0) {
		lose(connection, tx, TP_STEP_LOCAL);
		return;
	}
	if (script->dot_code != 0 && take(&script->dot_failures)) {
		if (script->dot_code < 0)
			lose(connection, tx, TP_STEP_DOT);
		else
			tp_reply_set(&tx->data_reply, script->dot_code,
				script->dot_text);
		return;
	}
	tp_reply_set(&tx->data_reply, 250, "2.0.0 queued");
}

static int script_session(struct tp_connection *connection,
	const struct tp_session_source *source, struct tp_error *err)
{
	struct script *script = connection->script;
	struct tp_transaction *tx;

	(void)err;
	pthread_mutex_lock(&script->lock);
	script->sessions++;
	pthread_mutex_unlock(&script->lock);
	if (script->session_rc != 0)
		return script->session_rc > 0 ? 0 : script->session_rc;
	while (!connection->dead && (tx = source->next(source->ctx))) {
		if (script->during)
			script->during(script->during_ctx);
		pthread_mutex_lock(&script->lock);
		play(connection, source, tx);
		pthread_mutex_unlock(&script->lock);
		source->done(source->ctx, tx);
	}
	return !connection->dead;
}

static int script_alive(struct tp_connection *connection)
{
	return !connection->dead;
}

static const struct tp_connection_info *script_info(
	const struct tp_connection *connection)
{
	return &connection->info;
}

static void script_disconnect(struct tp_connection **connection)
{
	if (!*connection)
		return;
	pthread_mutex_lock(&(*connection)->script->lock);
	(*connection)->script->open--;
	pthread_mutex_unlock(&(*connection)->script->lock);
	tp_free(*connection);
	*connection = NULL;
}

static const struct tp_transport_ops script_ops = {
	.connect = script_connect,
	.session = script_session,
	.alive = script_alive,
	.info = script_info,
	.disconnect = script_disconnect,
};

/* ---- a world ------------------------------------------------------------ */

struct world {
	struct script script;
	struct tp_queue *queue;
	struct tp_engine *engine;
	struct tp_relay relays[2];
	struct tp_store stores[2];
	struct tp_config config;
	struct tp_outcome_sink sink;
	char events[32768]; /* "recipient verdict code;" */
	int event_count;
	int connects_before; /* lane_fails() */
	/* reload_with_another_port() */
	struct tp_relay mended_relays[2];
	struct tp_store mended_stores[2];
	struct tp_config mended;
};

static void on_event(void *ctx, const struct tp_outcome *outcome)
{
	struct world *world = ctx;
	size_t used = strlen(world->events);

	snprintf(world->events + used, sizeof(world->events) - used,
		"%s %s %d;", outcome->recipient, outcome->verdict,
		outcome->reply_code);
	world->event_count++;
}

static void set_relay(struct tp_relay *relay, char *name)
{
	*relay = (struct tp_relay) {
		.name = name,
		.max_connections = 4,
		.messages_per_connection = 100,
		.idle_timeout_ms = 2000,
	};
}

static int setup(void **state)
{
	static char names[4][8] = { "alpha", "beta", "default", "eu" };
	struct world *world = tp_alloc(sizeof(*world));
	struct tp_engine_options options;
	struct tp_error err = TP_ERROR_INIT;

	pthread_mutex_init(&world->script.lock, NULL);
	world->script.base.ops = &script_ops;
	set_relay(&world->relays[0], names[0]);
	set_relay(&world->relays[1], names[1]);
	world->stores[0].name = names[2];
	world->stores[0].relay = &world->relays[0];
	world->stores[0].bounce = 1;
	world->stores[1].name = names[3];
	world->stores[1].relay = &world->relays[1];
	world->config = (struct tp_config) {
		.retry_base_ms = 100,
		.retry_cap_ms = 400,
		.unknown_retry_ms = 100,
		.unknown_retry_max_count = 2,
		.auth_probe_ms = 200,
		.lease_ms = 60000,
		.log_retention_ms = 3600000,
		.log_retention_bytes = 1 << 24,
		.relays = world->relays,
		.relay_count = 2,
		.stores = world->stores,
		.store_count = 2,
	};
	atomic_init(&world->config.refs, 1);
	world->sink = (struct tp_outcome_sink) { world, on_event };
	assert_int_equal(tp_queue_ram_new(&world->queue, &err), 0);
	options = (struct tp_engine_options) {
		.queue = world->queue,
		.transport = &world->script.base,
		.sink = &world->sink,
		.reporting_host = "shop.example",
	};
	assert_int_equal(
		tp_engine_new(&options, &world->config, &world->engine, &err),
		0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	tp_engine_destroy(&world->engine);
	assert_int_equal(world->script.open, 0);
	world->queue->ops->destroy(&world->queue);
	pthread_mutex_destroy(&world->script.lock);
	tp_free(world);
	return 0;
}

/* Puts one message; recipients are separated by spaces. */
static void put(struct world *world, int store, const char *recipients,
	int64_t lifetime_ms, char id_out[TP_QUEUE_ID_BYTES])
{
	static char data[] = "From: a@example.test\r\nSubject: x\r\n"
			     "Message-ID: <1@example.test>\r\n"
			     "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\n"
			     "body\r\n";
	static char sender[] = "a@example.test";
	static char message_id[] = "<1@example.test>";
	char copy[256];
	char *saved = NULL;
	char *word;
	struct tp_queue_rcpt rcpts[4] = { 0 };
	struct tp_error err = TP_ERROR_INIT;
	int64_t now = tp_now_ms(NULL);
	struct tp_queue_item item = {
		.store = world->stores[store].name,
		.relay = world->relays[store].name,
		.sender = sender,
		.message_id = message_id,
		.rcpts = rcpts,
		.data = data,
		.data_len = sizeof(data) - 1,
		.bounce = world->stores[store].bounce,
		.created_ms = now,
		.expires_ms = now + lifetime_ms,
		.next_try_ms = now,
	};

	snprintf(copy, sizeof(copy), "%s", recipients);
	for (word = strtok_r(copy, " ", &saved); word;
		word = strtok_r(NULL, " ", &saved))
		rcpts[item.rcpt_count++].address = word;
	assert_int_equal(tp_queue_id(now, item.queue_id), 0);
	assert_int_equal(
		world->queue->ops->put(world->queue, &item, id_out, &err), 0);
	tp_engine_wake(world->engine);
}

static void start(struct world *world)
{
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(tp_engine_start(world->engine, &err), 0);
}

static int64_t unfinished(struct world *world)
{
	struct tp_queue_stats stats;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(
		world->queue->ops->stats(world->queue, &stats, &err), 0);
	return stats.queued + stats.leased + stats.in_doubt;
}

static void wait_finished_within(struct world *world, int64_t limit_ms)
{
	int64_t deadline = tp_deadline_ms(limit_ms);

	while (unfinished(world) > 0 && tp_deadline_left_ms(deadline) > 0)
		tick();
	assert_int_equal(unfinished(world), 0);
	tp_engine_stop(world->engine, 1000);
}

static void wait_finished(struct world *world)
{
	wait_finished_within(world, DEADLINE_MS);
}

static void has_event(const struct world *world, const char *event)
{
	if (!strstr(world->events, event))
		fail_msg("no \"%s\" in \"%s\"", event, world->events);
}

/* ---- tests -------------------------------------------------------------- */

static void a_message_is_sent_and_logged(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];

	start(world);
	put(world, 0, "c@example.test", 60000, id);
	wait_finished(world);
	assert_string_equal(world->events, "c@example.test sent 250;");
	assert_int_equal(world->script.connects, 1);
}

static void each_store_uses_its_own_relay(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	int i;

	for (i = 0; i < 20; i++)
		put(world, i % 2, i % 2 ? "e@example.test" : "d@example.test",
			60000, id);
	start(world);
	wait_finished(world);
	assert_int_equal(world->event_count, 20);
	assert_null(strstr(world->script.users, "alpha:e@"));
	assert_null(strstr(world->script.users, "beta:d@"));
}

static void many_messages_share_a_connection(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	int i;

	world->relays[0].max_connections = 1;
	assert_int_equal(
		tp_engine_set_config(world->engine, &world->config, NULL), 0);
	for (i = 0; i < 60; i++)
		put(world, 0, "c@example.test", 60000, id);
	start(world);
	wait_finished(world);
	assert_int_equal(world->event_count, 60);
	assert_int_equal(world->script.connects, 1);
	assert_int_equal(world->script.open_max, 1);
}

static void a_connection_ends_at_its_message_limit(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	int i;

	world->relays[0].max_connections = 1;
	world->relays[0].messages_per_connection = 10;
	assert_int_equal(
		tp_engine_set_config(world->engine, &world->config, NULL), 0);
	for (i = 0; i < 30; i++)
		put(world, 0, "c@example.test", 60000, id);
	start(world);
	wait_finished(world);
	assert_int_equal(world->event_count, 30);
	assert_int_equal(world->script.connects, 3);
}

static void connections_never_pass_the_limit(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	int i;

	for (i = 0; i < 300; i++)
		put(world, 0, "c@example.test", 60000, id);
	start(world);
	wait_finished(world);
	assert_int_equal(world->event_count, 300);
	assert_in_range(world->script.open_max, 1, 4);
}

static void a_refused_recipient_fails_alone_and_bounces(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];

	world->script.rcpt_code = 550;
	world->script.rcpt_text = "5.1.1 unknown user";
	world->script.rcpt_only = "no@example.test";
	put(world, 0, "yes@example.test no@example.test", 60000, id);
	start(world);
	wait_finished(world);
	has_event(world, "yes@example.test sent 250;");
	has_event(world, "no@example.test failed 550;");
	/* the report goes to the envelope sender, through the same relay */
	has_event(world, "a@example.test sent 250;");
	assert_non_null(strstr(world->script.users, "alpha:a@example.test;"));
	assert_int_equal(world->event_count, 3);
}

static void a_store_without_bounces_gets_none(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];

	world->script.rcpt_code = 550;
	world->script.rcpt_text = "5.1.1 unknown user";
	put(world, 1, "no@example.test", 60000, id);
	start(world);
	wait_finished(world);
	assert_string_equal(world->events, "no@example.test failed 550;");
}

static void a_temporary_refusal_is_tried_again(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];

	world->script.dot_code = 451;
	world->script.dot_text = "4.3.0 try later";
	world->script.dot_failures = 2;
	put(world, 0, "c@example.test", 60000, id);
	start(world);
	wait_finished(world);
	assert_string_equal(world->events,
		"c@example.test deferred 451;c@example.test deferred 451;"
		"c@example.test sent 250;");
}

static void a_relay_that_is_down_is_probed_not_hammered(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	int i;

	world->script.connect_failures = 3;
	world->script.connect_rc = TP_ECONNECT;
	world->script.connect_trouble.step = TP_STEP_CONNECT;
	world->script.connect_trouble.code = TP_ECONNECT;
	snprintf(world->script.connect_trouble.text, 64, "refused");
	for (i = 0; i < 50; i++)
		put(world, 0, "c@example.test", 60000, id);
	start(world);
	wait_finished(world);
	assert_int_equal(world->script.transactions, 50);
	has_event(world, "c@example.test deferred 0;");
	/* 3 probes, and at most the 4 connections of the recovery */
	assert_in_range(world->script.connects, 4, 7);
}

static void an_unknown_outcome_is_sent_again_and_says_so(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];

	world->script.dot_code = -1;
	world->script.dot_failures = 1;
	put(world, 0, "c@example.test", 60000, id);
	start(world);
	wait_finished(world);
	assert_string_equal(world->events,
		"c@example.test unknown 0;c@example.test sent 250;");
	assert_int_equal(world->script.transactions, 2);
}

static void unknown_outcomes_end_after_the_limit(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];

	world->script.dot_code = -1;
	world->script.dot_failures = -1;
	put(world, 1, "c@example.test", 60000, id);
	start(world);
	wait_finished(world);
	/* the first, and unknown_retry_max_count more */
	assert_int_equal(world->script.transactions, 3);
	assert_int_equal(world->event_count, 3);
}

static void a_stale_connection_is_replaced_without_a_trace(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];

	start(world);
	put(world, 0, "c@example.test", 60000, id);
	while (unfinished(world) > 0)
		tick();
	pthread_mutex_lock(&world->script.lock);
	world->script.stale = 1;
	pthread_mutex_unlock(&world->script.lock);
	put(world, 0, "d@example.test", 60000, id);
	wait_finished(world);
	assert_string_equal(world->events,
		"c@example.test sent 250;d@example.test sent 250;");
	assert_int_equal(world->script.connects, 2);
}

static void an_expired_message_fails_without_an_attempt(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	struct timespec time = { 0, 30000000 };

	put(world, 1, "c@example.test", 10, id);
	nanosleep(&time, NULL);
	start(world);
	wait_finished(world);
	assert_string_equal(world->events, "c@example.test expired 0;");
	assert_int_equal(world->script.transactions, 0);
}

static void a_sender_refused_by_the_relay_is_held_for_a_person(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	struct tp_queue_stats stats;
	static char dialect[] = "amazon-ses";

	world->relays[0].dialect = dialect;
	world->script.dot_code = 554;
	world->script.dot_text =
		"Message rejected: Email address is not verified.";
	world->script.dot_failures = -1;
	put(world, 0, "c@example.test", 60000, id);
	start(world);
	wait_finished(world);
	assert_string_equal(world->events, "c@example.test held 554;");
	assert_int_equal(
		world->queue->ops->stats(world->queue, &stats, NULL), 0);
	assert_int_equal(stats.held, 1);
}

static void refused_credentials_hold_the_relay_not_the_message(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];

	world->script.connect_failures = 1;
	world->script.connect_rc = TP_EAUTH;
	world->script.connect_trouble.step = TP_STEP_AUTH;
	world->script.connect_trouble.code = TP_EAUTH;
	tp_reply_set(&world->script.connect_trouble.reply, 535,
		"5.7.8 bad credentials");
	put(world, 0, "c@example.test", 60000, id);
	start(world);
	wait_finished(world);
	assert_string_equal(world->events,
		"c@example.test deferred 535;c@example.test sent 250;");
}

static void who_waits_hears_the_first_attempt(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	struct tp_attempt attempt;
	struct tp_waiter *waiter;

	/* The id must be known before the message can be sent. */
	put(world, 0, "c@example.test", 60000, id);
	waiter = tp_engine_expect(world->engine, id, "alpha");
	assert_non_null(waiter);
	start(world);
	tp_engine_wait(
		world->engine, waiter, tp_deadline_ms(DEADLINE_MS), &attempt);
	tp_engine_forget(world->engine, &waiter);
	assert_true(attempt.known);
	assert_int_equal(attempt.worst, TP_CLASS_SENT);
	assert_int_equal(attempt.reply_code, 250);
	wait_finished(world);
}

static void who_waits_for_a_paused_relay_hears_why_at_once(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	struct tp_attempt attempt;
	struct tp_waiter *waiter;
	int64_t begun = tp_mono_ms();

	world->config.retry_base_ms = world->config.retry_cap_ms = 60000;
	world->script.connect_failures = -1;
	world->script.connect_rc = TP_ECONNECT;
	world->script.connect_trouble.step = TP_STEP_CONNECT;
	world->script.connect_trouble.code = TP_ECONNECT;
	snprintf(world->script.connect_trouble.text, 64, "refused");
	put(world, 0, "c@example.test", 60000, id);
	waiter = tp_engine_expect(world->engine, id, "alpha");
	start(world);
	tp_engine_wait(
		world->engine, waiter, tp_deadline_ms(DEADLINE_MS), &attempt);
	tp_engine_forget(world->engine, &waiter);
	assert_string_equal(attempt.text, "refused");
	assert_true(tp_mono_ms() - begun < DEADLINE_MS);
}

static void a_kick_tries_a_paused_relay_at_once(void **state)
{
	struct world *world = *state;
	struct tp_engine_stats stats;
	char id[TP_QUEUE_ID_BYTES];
	int64_t deadline = tp_deadline_ms(DEADLINE_MS);

	world->config.retry_base_ms = world->config.retry_cap_ms = 60000;
	world->script.connect_failures = 1;
	world->script.connect_rc = TP_ECONNECT;
	world->script.connect_trouble.step = TP_STEP_CONNECT;
	world->script.connect_trouble.code = TP_ECONNECT;
	put(world, 0, "c@example.test", 600000, id);
	start(world);
	do {
		tick();
		tp_engine_stats(world->engine, &stats);
	} while (stats.deferred == 0 && tp_deadline_left_ms(deadline) > 0);
	assert_int_equal(world->queue->ops->act(world->queue, TP_QUEUE_RETRY,
				 id, tp_now_ms(NULL), NULL),
		0);
	tp_engine_kick(world->engine, "alpha");
	wait_finished(world);
	has_event(world, "c@example.test sent 250;");
}

/* As after any change of what makes a relay the relay that it is. */
static void reload_with_another_port(struct world *world)
{
	int i;

	memcpy(world->mended_relays, world->relays, sizeof(world->relays));
	memcpy(world->mended_stores, world->stores, sizeof(world->stores));
	world->mended = world->config;
	atomic_init(&world->mended.refs, 1);
	world->mended.relays = world->mended_relays;
	world->mended.stores = world->mended_stores;
	world->mended_relays[0].port++;
	for (i = 0; i < 2; i++)
		world->mended_stores[i].relay = &world->mended_relays[i];
	assert_int_equal(
		tp_engine_set_config(world->engine, &world->mended, NULL), 0);
}

static void a_mended_relay_gets_what_it_refused_at_once(void **state)
{
	struct world *world = *state;
	struct tp_engine_stats stats;
	char id[TP_QUEUE_ID_BYTES];
	int64_t deadline = tp_deadline_ms(DEADLINE_MS);
	int i;

	world->config.auth_probe_ms = 3600000;
	world->script.connect_failures = 1;
	world->script.connect_rc = TP_EAUTH;
	world->script.connect_trouble.step = TP_STEP_AUTH;
	world->script.connect_trouble.code = TP_EAUTH;
	tp_reply_set(&world->script.connect_trouble.reply, 535, "5.7.8 no");
	for (i = 0; i < 5; i++)
		put(world, 0, "c@example.test", 6000000, id);
	start(world);
	do {
		tick();
		tp_engine_stats(world->engine, &stats);
	} while (stats.deferred == 0 && tp_deadline_left_ms(deadline) > 0);
	reload_with_another_port(world);
	wait_finished(world);
	tp_engine_stats(world->engine, &stats);
	assert_int_equal(stats.sent, 5);
}

static void deliver_by_another_engine(struct world *world)
{
	struct tp_engine_options options = {
		.queue = world->queue,
		.transport = &world->script.base,
		.sink = &world->sink,
		.reporting_host = "shop.example",
	};
	struct tp_engine *mine = world->engine;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(
		tp_engine_new(&options, &world->config, &world->engine, &err),
		0);
	start(world);
	wait_finished(world);
	tp_engine_destroy(&world->engine);
	world->engine = mine;
}

/* Another process with the same queue claims first. */
static void who_waits_hears_what_another_process_did(void **state)
{
	struct world *world = *state;
	struct tp_attempt attempt;
	struct tp_waiter *waiter;
	char id[TP_QUEUE_ID_BYTES];

	put(world, 0, "c@example.test", 60000, id);
	waiter = tp_engine_expect(world->engine, id, "alpha");
	assert_non_null(waiter);
	deliver_by_another_engine(world);
	tp_engine_wait(
		world->engine, waiter, tp_deadline_ms(DEADLINE_MS), &attempt);
	tp_engine_forget(world->engine, &waiter);
	assert_true(attempt.known);
	assert_int_equal(attempt.worst, TP_CLASS_SENT);
	assert_int_equal(attempt.worst_state, TP_RCPT_SENT);
	assert_int_equal(attempt.reply_code, 250);
}

/* ---- what a review found ------------------------------------------------ */

static void expired_messages_never_go_out_however_many(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	struct timespec time = { 0, 30000000 };
	int i;

	for (i = 0; i < 250; i++)
		put(world, 1, "c@example.test", 10, id);
	nanosleep(&time, NULL);
	start(world);
	wait_finished(world);
	assert_int_equal(world->script.transactions, 0);
	assert_int_equal(world->event_count, 250);
}

static void a_relay_that_ends_each_session_at_once_is_not_hammered(void **state)
{
	struct world *world = *state;
	struct timespec time = { 0, 500000000 };
	char id[TP_QUEUE_ID_BYTES];

	world->script.session_rc = 1;
	put(world, 0, "c@example.test", 60000, id);
	start(world);
	nanosleep(&time, NULL);
	tp_engine_stop(world->engine, 1000);
	/* pauses of about 100, 200, 400 ms */
	assert_in_range(world->script.connects, 1, 5);
}

static void a_local_failure_of_the_session_pauses_the_relay(void **state)
{
	struct world *world = *state;
	struct timespec time = { 0, 500000000 };
	char id[TP_QUEUE_ID_BYTES];

	world->script.session_rc = TP_EIO;
	put(world, 0, "c@example.test", 60000, id);
	start(world);
	nanosleep(&time, NULL);
	tp_engine_stop(world->engine, 1000);
	assert_in_range(world->script.connects, 1, 5);
}

static void stop_interrupts_a_connection_that_hangs(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	int64_t begun = tp_mono_ms();

	world->script.connect_hangs = 1;
	put(world, 0, "c@example.test", 60000, id);
	start(world);
	tick();
	tp_engine_stop(world->engine, 100);
	assert_true(tp_mono_ms() - begun < 2000);
	/* nobody's failure: it is still there, and not charged */
	assert_int_equal(unfinished(world), 1);
	assert_int_equal(world->event_count, 0);
}

static void *stop_in_thread(void *arg)
{
	tp_engine_stop(arg, 100);
	return NULL;
}

static void each_start_needs_its_own_stop(void **state)
{
	struct world *world = *state;
	pthread_t threads[2];
	int i;

	start(world);
	start(world);
	tp_engine_stop(world->engine, 100);
	assert_true(tp_engine_running(world->engine));
	start(world);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
					 stop_in_thread, world->engine),
			0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_false(tp_engine_running(world->engine));
}

static int connects(struct world *world)
{
	int count;

	pthread_mutex_lock(&world->script.lock);
	count = world->script.connects;
	pthread_mutex_unlock(&world->script.lock);
	return count;
}

/* Called while the relay has a message in its hands: another connection, which
 * all the others want, is refused meanwhile. */
static void lane_fails(void *ctx)
{
	struct world *world = ctx;
	int64_t deadline = tp_deadline_ms(DEADLINE_MS);

	world->script.during = NULL;
	while (connects(world) == world->connects_before &&
		tp_deadline_left_ms(deadline) > 0)
		tick();
	tick();
	tick();
}

static void a_success_from_before_does_not_end_a_hold(void **state)
{
	struct world *world = *state;
	int64_t deadline = tp_deadline_ms(DEADLINE_MS);
	struct timespec time = { 0, 300000000 };
	char id[TP_QUEUE_ID_BYTES];
	int i;

	world->config.auth_probe_ms = 60000;
	/* One stays open, one is refused, and there is no third. */
	world->relays[0].max_connections = 2;
	world->relays[0].idle_timeout_ms = 60000;
	world->script.connect_rc = TP_EAUTH;
	world->script.connect_trouble.step = TP_STEP_AUTH;
	world->script.connect_trouble.code = TP_EAUTH;
	tp_reply_set(&world->script.connect_trouble.reply, 535, "5.7.8 no");
	start(world);
	put(world, 0, "c@example.test", 60000, id);
	while (unfinished(world) > 0)
		tick();
	pthread_mutex_lock(&world->script.lock);
	world->script.connect_failures = -1;
	world->connects_before = world->script.connects;
	world->script.during = lane_fails;
	world->script.during_ctx = world;
	pthread_mutex_unlock(&world->script.lock);
	for (i = 0; i < 40; i++)
		put(world, 0, "c@example.test", 60000, id);
	while (connects(world) == world->connects_before &&
		tp_deadline_left_ms(deadline) > 0)
		tick();
	nanosleep(&time, NULL);
	tp_engine_stop(world->engine, 1000);
	assert_int_equal(world->script.connects, world->connects_before + 1);
}

static void reload_to_another_relay(void *ctx)
{
	struct world *world = ctx;

	world->script.during = NULL;
	world->stores[0].relay = &world->relays[1];
	assert_int_equal(
		tp_engine_set_config(world->engine, &world->config, NULL), 0);
}

static void after_a_reload_nothing_more_goes_to_the_old_relay(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];
	int i;

	for (i = 0; i < 12; i++)
		put(world, 0, "c@example.test", 60000, id);
	world->script.during = reload_to_another_relay;
	world->script.during_ctx = world;
	start(world);
	wait_finished(world);
	assert_int_equal(world->event_count, 12);
	/* the one that was under way */
	assert_non_null(strstr(world->script.users, "alpha:"));
	assert_null(
		strstr(strstr(world->script.users, "alpha:") + 1, "alpha:"));
}

static void who_waits_hears_of_a_refusal_that_pauses_the_relay(void **state)
{
	struct world *world = *state;
	struct tp_attempt attempt;
	struct tp_waiter *waiter;
	char id[TP_QUEUE_ID_BYTES];

	world->script.dot_code = 421;
	world->script.dot_text = "4.3.2 closing";
	world->script.dot_failures = 1;
	put(world, 0, "c@example.test", 60000, id);
	waiter = tp_engine_expect(world->engine, id, "alpha");
	start(world);
	tp_engine_wait(
		world->engine, waiter, tp_deadline_ms(DEADLINE_MS), &attempt);
	tp_engine_forget(world->engine, &waiter);
	assert_true(attempt.known);
	assert_int_equal(attempt.reply_code, 421);
	wait_finished(world);
}

static void a_message_without_a_configured_relay_is_routed_anew(void **state)
{
	struct world *world = *state;
	static char old[] = "retired";
	char *name = world->relays[0].name;
	char id[TP_QUEUE_ID_BYTES];

	world->relays[0].name = old;
	put(world, 0, "c@example.test", 60000, id);
	world->relays[0].name = name;
	start(world);
	wait_finished_within(world, 12000);
	assert_string_equal(world->script.users, "alpha:c@example.test;");
}

static void waiting_messages_follow_their_store_to_a_new_relay(void **state)
{
	struct world *world = *state;
	char id[TP_QUEUE_ID_BYTES];

	put(world, 0, "c@example.test", 60000, id);
	world->stores[0].relay = &world->relays[1];
	assert_int_equal(
		tp_engine_set_config(world->engine, &world->config, NULL), 0);
	start(world);
	wait_finished(world);
	assert_string_equal(world->script.users, "beta:c@example.test;");
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(a_message_is_sent_and_logged),
		WORLD(each_store_uses_its_own_relay),
		WORLD(many_messages_share_a_connection),
		WORLD(a_connection_ends_at_its_message_limit),
		WORLD(connections_never_pass_the_limit),
		WORLD(a_refused_recipient_fails_alone_and_bounces),
		WORLD(a_store_without_bounces_gets_none),
		WORLD(a_temporary_refusal_is_tried_again),
		WORLD(a_relay_that_is_down_is_probed_not_hammered),
		WORLD(an_unknown_outcome_is_sent_again_and_says_so),
		WORLD(unknown_outcomes_end_after_the_limit),
		WORLD(a_stale_connection_is_replaced_without_a_trace),
		WORLD(an_expired_message_fails_without_an_attempt),
		WORLD(a_sender_refused_by_the_relay_is_held_for_a_person),
		WORLD(refused_credentials_hold_the_relay_not_the_message),
		WORLD(who_waits_hears_the_first_attempt),
		WORLD(who_waits_for_a_paused_relay_hears_why_at_once),
		WORLD(a_kick_tries_a_paused_relay_at_once),
		WORLD(a_mended_relay_gets_what_it_refused_at_once),
		WORLD(who_waits_hears_what_another_process_did),
		WORLD(waiting_messages_follow_their_store_to_a_new_relay),
		WORLD(expired_messages_never_go_out_however_many),
		WORLD(a_relay_that_ends_each_session_at_once_is_not_hammered),
		WORLD(a_local_failure_of_the_session_pauses_the_relay),
		WORLD(stop_interrupts_a_connection_that_hangs),
		WORLD(each_start_needs_its_own_stop),
		WORLD(a_success_from_before_does_not_end_a_hold),
		WORLD(after_a_reload_nothing_more_goes_to_the_old_relay),
		WORLD(who_waits_hears_of_a_refusal_that_pauses_the_relay),
		WORLD(a_message_without_a_configured_relay_is_routed_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
