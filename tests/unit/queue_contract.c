/*
 * queue_contract.c - what every queue must do, as tests
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue_contract.h"

#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW CONTRACT_NOW_MS
#define LEASE CONTRACT_LEASE_MS

/* Set by queue_contract_run() for the tests. */
static queue_contract_open_fn *open_queue;
static queue_contract_lose_owner_fn *lose_owner;

/* ---- helpers ------------------------------------------------------------ */

struct tp_queue_item *queue_contract_item(
	const char *queue_id, const char *store, const char *relay)
{
	static _Thread_local struct tp_queue_item item;
	static _Thread_local struct tp_queue_rcpt rcpts[2];
	static _Thread_local char data[64];
	static _Thread_local char message_id[64];

	memset(&item, 0, sizeof(item));
	memset(rcpts, 0, sizeof(rcpts));
	(void)snprintf(item.queue_id, sizeof(item.queue_id), "%s", queue_id);
	(void)snprintf(data, sizeof(data), "data of %s", queue_id);
	(void)snprintf(message_id, sizeof(message_id), "<%s@x>", queue_id);
	rcpts[0].address = (char *)(uintptr_t) "Ann@example.net";
	rcpts[1].address = (char *)(uintptr_t) "bob@example.net";
	item.store = (char *)(uintptr_t)store;
	item.relay = (char *)(uintptr_t)relay;
	item.sender = (char *)(uintptr_t) "shop@example.com";
	item.message_id = message_id;
	item.rcpts = rcpts;
	item.rcpt_count = 2;
	item.data = data;
	item.data_len = strlen(data);
	item.eight_bit = 1;
	item.bounce = 1;
	item.created_ms = NOW - 1000;
	item.expires_ms = NOW + 1000000;
	item.next_try_ms = NOW - 1000;
	return &item;
}

static void put_item(struct tp_queue *queue, const struct tp_queue_item *item)
{
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];

	assert_int_equal(queue->ops->put(queue, item, id, &err), 0);
	assert_string_equal(id, item->queue_id);
}

void queue_contract_put(struct tp_queue *queue, const char *queue_id)
{
	put_item(queue, queue_contract_item(queue_id, "default", "ses"));
}

static int claim(struct tp_queue *queue, const char *relay, size_t max_count,
	struct tp_queue_item **items_out)
{
	struct tp_claim want = { .relay = relay,
		.now_ms = NOW,
		.lease_ms = LEASE,
		.max_count = max_count };
	struct tp_error err = TP_ERROR_INIT;

	return queue->ops->claim(queue, &want, items_out, &err);
}

/* Claims everything of the relay "ses". @return how many */
static int claim_all(struct tp_queue *queue)
{
	struct tp_queue_item *items;
	int count = claim(queue, "ses", 1000, &items);

	assert_true(count >= 0);
	tp_queue_items_free(items, (size_t)count);
	return count;
}

void queue_contract_begin(struct tp_queue *queue, const char *queue_id)
{
	struct tp_error err = TP_ERROR_INIT;

	(void)claim_all(queue);
	assert_int_equal(queue->ops->begin(queue, queue_id, "ses", &err), 0);
}

static struct tp_outcome outcome_of(
	const char *queue_id, const char *recipient, const char *verdict)
{
	struct tp_outcome outcome = { .time_ms = NOW,
		.store = "default",
		.relay = "ses",
		.queue_id = queue_id,
		.message_id = "<m@x>",
		.sender = "shop@example.com",
		.recipient = recipient,
		.attempt = 1,
		.cls = TP_CLASS_SENT,
		.verdict = verdict,
		.step = "dot",
		.reply_code = 250,
		.enhanced = "2.0.0",
		.text = "Ok",
		.tls_version = "TLSv1.3",
		.tls_cipher = "TLS_AES_256_GCM_SHA384",
		.size_bytes = 2048,
		.queued_ms = 11,
		.connect_us = 12,
		.tls_us = 13,
		.auth_us = 14,
		.send_us = 15,
		.next_try_ms = 16,
		.last = 1 };

	return outcome;
}

int queue_contract_send(struct tp_queue *queue, const char *queue_id,
	const char *next, int *begun_out, struct tp_error *err)
{
	struct tp_settled_rcpt rcpts[2] = {
		{ .index = 0, .state = TP_RCPT_SENT },
		{ .index = 1, .state = TP_RCPT_SENT },
	};
	struct tp_settlement settlement = { .queue_id = queue_id,
		.rcpts = rcpts,
		.rcpt_count = 2,
		.charged = 1,
		.state = TP_QUEUE_DONE,
		.begin_next = next,
		.begin_relay = next ? "ses" : NULL };

	rcpts[0].outcome = outcome_of(queue_id, "Ann@example.net", "sent");
	rcpts[1].outcome = outcome_of(queue_id, "bob@example.net", "sent");
	return queue->ops->settle(queue, &settlement, begun_out, err);
}

static void send_ok(struct tp_queue *queue, const char *queue_id)
{
	struct tp_error err = TP_ERROR_INIT;
	int begun;

	assert_int_equal(
		queue_contract_send(queue, queue_id, NULL, &begun, &err), 0);
}

/* Copies the one item it is shown. */
static int copy_one(void *ctx, const struct tp_queue_item *item)
{
	return tp_queue_item_copy(ctx, item) < 0;
}

/* @return 1 and a copy of the item (whatever its state), or 0 */
static int get(struct tp_queue *queue, const char *queue_id,
	struct tp_queue_item *item)
{
	struct tp_error err = TP_ERROR_INIT;
	int state;

	memset(item, 0, sizeof(*item));
	for (state = TP_QUEUE_QUEUED; state <= TP_QUEUE_DONE; state++) {
		struct tp_queue_filter filter = { .queue_id = queue_id,
			.state = state };

		assert_int_equal(
			queue->ops->list(queue, &filter, copy_one, item, &err),
			0);
		if (item->store)
			return 1;
	}
	return 0;
}

int queue_contract_state(struct tp_queue *queue, const char *queue_id)
{
	struct tp_queue_item item;
	int state = -1;

	if (get(queue, queue_id, &item))
		state = (int)item.state;
	tp_queue_item_free(&item);
	return state;
}

/* Collects queue ids or recipients, separated by blanks. */
struct names {
	char text[512];
	size_t count;
	size_t stop_after; /* 0: never */
};

static int add_name(struct names *names, const char *name)
{
	size_t used = strlen(names->text);

	(void)snprintf(names->text + used, sizeof(names->text) - used, "%s%s",
		used > 0 ? " " : "", name);
	names->count++;
	return names->stop_after > 0 && names->count >= names->stop_after;
}

static int add_item(void *ctx, const struct tp_queue_item *item)
{
	return add_name(ctx, item->queue_id);
}

static int add_outcome(void *ctx, const struct tp_outcome *outcome)
{
	return add_name(ctx, outcome->queue_id);
}

static int count_outcome(void *ctx, const struct tp_outcome *outcome)
{
	size_t *count = ctx;

	(void)outcome;
	(*count)++;
	return 0;
}

static size_t count_events(struct tp_queue *queue)
{
	struct tp_outcome_filter filter = { 0 };
	struct tp_error err = TP_ERROR_INIT;
	size_t count = 0;

	assert_int_equal(queue->ops->outcomes(
				 queue, &filter, count_outcome, &count, &err),
		0);
	return count;
}

static void assert_list(struct tp_queue *queue,
	const struct tp_queue_filter *filter, const char *want)
{
	struct names names = { "", 0, 0 };
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(
		queue->ops->list(queue, filter, add_item, &names, &err), 0);
	assert_string_equal(names.text, want);
}

static void assert_data(
	struct tp_queue *queue, const char *queue_id, const char *want)
{
	struct tp_error err = TP_ERROR_INIT;
	char *data = NULL;
	size_t len = 0;

	assert_int_equal(
		queue->ops->load(queue, queue_id, &data, &len, &err), 0);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(data, want, len);
	tp_free(data);
}

static void assert_same_item(
	const struct tp_queue_item *a, const struct tp_queue_item *b)
{
	size_t i;

	assert_string_equal(a->queue_id, b->queue_id);
	assert_string_equal(a->store, b->store);
	assert_string_equal(a->relay, b->relay);
	assert_string_equal(a->sender, b->sender);
	assert_string_equal(a->message_id, b->message_id);
	assert_int_equal(!a->dedup_key, !b->dedup_key);
	assert_int_equal(a->data_len, b->data_len);
	assert_int_equal(a->eight_bit, b->eight_bit);
	assert_int_equal(a->smtputf8, b->smtputf8);
	assert_int_equal(a->bounce, b->bounce);
	assert_int_equal(a->created_ms, b->created_ms);
	assert_int_equal(a->expires_ms, b->expires_ms);
	assert_int_equal(a->next_try_ms, b->next_try_ms);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->unknown_count, b->unknown_count);
	assert_int_equal(a->rcpt_count, b->rcpt_count);
	for (i = 0; i < a->rcpt_count; i++) {
		assert_string_equal(a->rcpts[i].address, b->rcpts[i].address);
		assert_int_equal(a->rcpts[i].state, b->rcpts[i].state);
	}
}

/* ---- put and load ------------------------------------------------------- */

static void what_was_put_can_be_listed_and_loaded_unchanged(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue_item *item = queue_contract_item("A", "eu", "office");
	struct tp_queue_item found;

	item->dedup_key = (char *)(uintptr_t) "order-1";
	item->smtputf8 = 1;
	item->attempts = 2;
	item->unknown_count = 1;
	item->sender = (char *)(uintptr_t) "";
	item->rcpts[1].state = TP_RCPT_SENT;
	put_item(queue, item);
	assert_true(get(queue, "A", &found));
	assert_same_item(&found, item);
	assert_string_equal(found.dedup_key, "order-1");
	assert_int_equal(found.state, TP_QUEUE_QUEUED);
	assert_null(found.reason);
	assert_null(found.data);
	assert_data(queue, "A", "data of A");
	tp_queue_item_free(&found);
}

static void a_body_may_be_empty_or_hold_any_byte(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue_item *item = queue_contract_item("A", "eu", "office");
	struct tp_error err = TP_ERROR_INIT;
	char *data = NULL;
	size_t len = 99;

	item->data = (char *)(uintptr_t) "a\0b\xff\r\n";
	item->data_len = 6;
	put_item(queue, item);
	item = queue_contract_item("B", "eu", "office");
	item->data_len = 0;
	put_item(queue, item);
	assert_int_equal(queue->ops->load(queue, "A", &data, &len, &err), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(data, "a\0b\xff\r\n", 6);
	tp_free(data);
	assert_int_equal(queue->ops->load(queue, "B", &data, &len, &err), 0);
	assert_int_equal(len, 0);
	assert_non_null(data);
	tp_free(data);
}

static void loading_what_is_not_there_is_not_found(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_error err = TP_ERROR_INIT;
	char *data = NULL;
	size_t len;

	assert_int_equal(
		queue->ops->load(queue, "NO", &data, &len, &err), TP_ENOTFOUND);
	assert_non_null(strstr(err.text, "no such message"));
}

static void a_repeated_put_answers_with_the_first_id(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue_item *item = queue_contract_item("A", "eu", "office");
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES] = "";

	item->dedup_key = (char *)(uintptr_t) "order-1";
	put_item(queue, item);
	item = queue_contract_item("B", "eu", "office");
	item->dedup_key = (char *)(uintptr_t) "order-1";
	assert_int_equal(queue->ops->put(queue, item, id, &err), 1);
	assert_string_equal(id, "A");
	item = queue_contract_item("A", "eu", "office");
	id[0] = '\0';
	assert_int_equal(queue->ops->put(queue, item, id, &err), 1);
	assert_string_equal(id, "A");
	assert_list(queue, &(struct tp_queue_filter) { .state = -1 }, "A");
	/* no key is not a key */
	queue_contract_put(queue, "C");
	queue_contract_put(queue, "D");
}

static void the_same_key_in_two_stores_is_two_messages(void **state)
{
	struct tp_queue *queue = *state;
	static const struct {
		const char *id, *store, *answer;
		int rc;
	} cases[] = {
		{ "A", "eu", "A", 0 },
		{ "B", "us", "B", 0 },
		{ "C", "eu", "A", 1 },
		{ "D", "us", "B", 1 },
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		struct tp_queue_item *item = queue_contract_item(
			cases[i].id, cases[i].store, "office");
		struct tp_error err = TP_ERROR_INIT;
		char id[TP_QUEUE_ID_BYTES] = "";

		item->dedup_key = (char *)(uintptr_t) "order-1";
		assert_int_equal(
			queue->ops->put(queue, item, id, &err), cases[i].rc);
		assert_string_equal(id, cases[i].answer);
	}
	assert_list(queue, &(struct tp_queue_filter) { .state = -1 }, "A B");
	assert_data(queue, "B", "data of B");
}

static void put_refuses_what_could_not_be_delivered(void **state)
{
	struct tp_queue *queue = *state;
	static const struct {
		const char *text;
		int no_id, no_relay, no_rcpt, no_open, leased;
	} cases[] = {
		{ .text = "bad queue id", .no_id = 1 },
		{ .text = "is missing", .no_relay = 1 },
		{ .text = "without an open recipient", .no_rcpt = 1 },
		{ .text = "without an open recipient", .no_open = 1 },
		{ .text = "not leased", .leased = 1 },
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		struct tp_queue_item *item =
			queue_contract_item("A", "eu", "office");
		struct tp_error err = TP_ERROR_INIT;
		char id[TP_QUEUE_ID_BYTES];

		if (cases[i].no_id)
			item->queue_id[0] = '\0';
		if (cases[i].no_relay)
			item->relay = NULL;
		if (cases[i].no_rcpt)
			item->rcpt_count = 0;
		if (cases[i].no_open)
			item->rcpts[0].state = item->rcpts[1].state =
				TP_RCPT_FAILED;
		if (cases[i].leased)
			item->state = TP_QUEUE_LEASED;
		assert_int_equal(
			queue->ops->put(queue, item, id, &err), TP_EINVAL);
		assert_non_null(strstr(err.text, cases[i].text));
	}
	assert_list(queue, &(struct tp_queue_filter) { .state = -1 }, "");
}

/* ---- claim -------------------------------------------------------------- */

static void put_due(struct tp_queue *queue, const char *queue_id,
	const char *relay, int64_t next_try_ms)
{
	struct tp_queue_item *item =
		queue_contract_item(queue_id, "default", relay);

	item->next_try_ms = next_try_ms;
	put_item(queue, item);
}

static void claim_leases_what_is_due_oldest_first(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue_item *items;
	struct tp_queue_item *want = queue_contract_item("H", "x", "ses");

	want->state = TP_QUEUE_HELD;
	put_item(queue, want);
	put_due(queue, "A", "ses", NOW - 10);
	put_due(queue, "B", "ses", NOW - 30);
	put_due(queue, "C", "office", NOW - 40);
	put_due(queue, "D", "ses", NOW + 1);
	put_due(queue, "E", "ses", NOW);
	put_due(queue, "F", "ses", NOW - 10);
	assert_int_equal(claim(queue, "ses", 3, &items), 3);
	assert_string_equal(items[0].queue_id, "B");
	assert_string_equal(items[1].queue_id, "A");
	assert_string_equal(items[2].queue_id, "F");
	want = queue_contract_item("B", "default", "ses");
	want->next_try_ms = NOW - 30;
	assert_same_item(&items[0], want);
	assert_int_equal(items[0].state, TP_QUEUE_LEASED);
	assert_int_equal(items[0].rcpt_count, 2);
	assert_string_equal(items[0].rcpts[1].address, "bob@example.net");
	/* a backend may bring the data along, but then it is the data */
	if (items[0].data)
		assert_string_equal(items[0].data, "data of B");
	assert_int_equal(items[0].data_len, strlen("data of B"));
	tp_queue_items_free(items, 3);
	assert_int_equal(claim(queue, "ses", 0, &items), 0);
	assert_int_equal(claim(queue, "ses", 9, &items), 1);
	assert_string_equal(items[0].queue_id, "E");
	tp_queue_items_free(items, 1);
	assert_int_equal(claim(queue, "ses", 9, &items), 0);
	assert_null(items);
	assert_int_equal(claim(queue, "none", 9, &items), 0);
}

static void claim_leaves_what_has_expired(void **state)
{
	struct tp_queue *queue = *state;
	static const struct {
		const char *id;
		int64_t expires_ms;
	} cases[] = { { "A", NOW }, { "B", NOW - 9 }, { "C", NOW + 1 },
		{ "D", 0 } };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item *items;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		struct tp_queue_item *item =
			queue_contract_item(cases[i].id, "x", "ses");

		item->expires_ms = cases[i].expires_ms;
		put_item(queue, item);
	}
	assert_int_equal(claim_all(queue), 2);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_QUEUED);
	assert_int_equal(queue_contract_state(queue, "B"), TP_QUEUE_QUEUED);
	assert_int_equal(queue_contract_state(queue, "C"), TP_QUEUE_LEASED);
	assert_int_equal(queue_contract_state(queue, "D"), TP_QUEUE_LEASED);
	assert_int_equal(
		queue->ops->claim_expired(queue, NOW, LEASE, 9, &items, &err),
		2);
	tp_queue_items_free(items, 2);
}

static void unclaim_gives_back_uncharged_what_is_leased(void **state)
{
	struct tp_queue *queue = *state;
	const char *ids[] = { "A", "B", "C", "NO" };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item item;

	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	queue_contract_begin(queue, "B");
	queue_contract_put(queue, "C");
	assert_int_equal(queue->ops->unclaim(queue, ids, 4, &err), 0);
	assert_int_equal(queue_contract_state(queue, "B"), TP_QUEUE_IN_DOUBT);
	assert_int_equal(queue_contract_state(queue, "C"), TP_QUEUE_QUEUED);
	assert_true(get(queue, "A", &item));
	assert_int_equal(item.state, TP_QUEUE_QUEUED);
	assert_int_equal(item.attempts, 0);
	assert_int_equal(item.next_try_ms, NOW - 1000);
	tp_queue_item_free(&item);
	assert_int_equal(claim_all(queue), 2);
}

static void begin_needs_a_lease(void **state)
{
	struct tp_queue *queue = *state;
	static const char *const ids[] = { "A", "NO" };
	size_t i;

	queue_contract_put(queue, "A");
	for (i = 0; i < COUNT(ids); i++) {
		struct tp_error err = TP_ERROR_INIT;

		assert_int_equal(queue->ops->begin(queue, ids[i], "ses", &err),
			TP_ESTATE);
		assert_non_null(strstr(err.text, "no lease"));
	}
	queue_contract_begin(queue, "A");
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_IN_DOUBT);
}

/* A call whose commit was uncertain is made again. */
static void begin_may_be_repeated(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_error err = TP_ERROR_INIT;

	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	assert_int_equal(queue->ops->begin(queue, "A", "ses", &err), 0);
	assert_int_equal(
		queue->ops->begin(queue, "A", "office", &err), TP_ESTATE);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_IN_DOUBT);
	send_ok(queue, "A");
	tp_error_clear(&err);
	assert_int_equal(queue->ops->begin(queue, "A", "ses", &err), TP_ESTATE);
}

/* After a reroute the worker's credentials are the wrong ones. */
static void begin_needs_the_relay_that_is_stored(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_error err = TP_ERROR_INIT;

	queue_contract_put(queue, "A");
	assert_int_equal(claim_all(queue), 1);
	assert_int_equal(
		queue->ops->reroute(queue, "default", "office", &err), 0);
	assert_int_equal(queue->ops->begin(queue, "A", "ses", &err), TP_ESTATE);
	assert_non_null(strstr(err.text, "no lease on it for relay ses"));
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_LEASED);
	tp_error_clear(&err);
	assert_int_equal(queue->ops->begin(queue, "A", "office", &err), 0);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_IN_DOUBT);
}

static void expired_messages_are_claimed_queued_or_held(void **state)
{
	struct tp_queue *queue = *state;
	static const struct {
		const char *id;
		int64_t expires_ms;
		enum tp_queue_state state;
	} cases[] = {
		{ "A", NOW, TP_QUEUE_QUEUED },
		{ "B", NOW + 1, TP_QUEUE_QUEUED },
		{ "C", NOW - 5, TP_QUEUE_HELD },
		{ "D", 0, TP_QUEUE_QUEUED },
		{ "E", NOW - 9, TP_QUEUE_QUEUED },
	};
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item *items;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		struct tp_queue_item *item =
			queue_contract_item(cases[i].id, "x", "ses");

		item->expires_ms = cases[i].expires_ms;
		item->state = cases[i].state;
		put_item(queue, item);
	}
	assert_int_equal(
		queue->ops->claim_expired(queue, NOW, LEASE, 2, &items, &err),
		2);
	assert_string_equal(items[0].queue_id, "E");
	assert_string_equal(items[1].queue_id, "C");
	assert_int_equal(items[1].state, TP_QUEUE_LEASED);
	tp_queue_items_free(items, 2);
	assert_int_equal(
		queue->ops->claim_expired(queue, NOW, LEASE, 9, &items, &err),
		1);
	assert_string_equal(items[0].queue_id, "A");
	tp_queue_items_free(items, 1);
	send_ok(queue, "C");
	assert_int_equal(queue_contract_state(queue, "C"), TP_QUEUE_DONE);
}

/* ---- settle ------------------------------------------------------------- */

static int check_outcome(void *ctx, const struct tp_outcome *got)
{
	const struct tp_outcome *want = ctx;

	assert_true(got->event_id > 0);
	assert_int_equal(got->time_ms, want->time_ms);
	assert_string_equal(got->store, want->store);
	assert_string_equal(got->relay, want->relay);
	assert_string_equal(got->queue_id, want->queue_id);
	assert_string_equal(got->message_id, want->message_id);
	assert_string_equal(got->sender, want->sender);
	assert_string_equal(got->recipient, want->recipient);
	assert_int_equal(got->attempt, want->attempt);
	assert_int_equal(got->cls, want->cls);
	assert_string_equal(got->verdict, want->verdict);
	assert_string_equal(got->step, want->step);
	assert_int_equal(got->reply_code, want->reply_code);
	assert_string_equal(got->enhanced, want->enhanced);
	assert_string_equal(got->text, want->text);
	assert_string_equal(got->tls_version, want->tls_version);
	assert_string_equal(got->tls_cipher, want->tls_cipher);
	assert_int_equal(got->size_bytes, want->size_bytes);
	assert_int_equal(got->queued_ms, want->queued_ms);
	assert_int_equal(got->connect_us, want->connect_us);
	assert_int_equal(got->tls_us, want->tls_us);
	assert_int_equal(got->auth_us, want->auth_us);
	assert_int_equal(got->send_us, want->send_us);
	assert_int_equal(got->next_try_ms, want->next_try_ms);
	assert_int_equal(got->last, want->last);
	return 0;
}

static void a_settlement_stores_state_and_events_together(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_outcome want = outcome_of("A", "bob@example.net", "sent");
	struct tp_outcome_filter filter = { .recipient = "bob@example.net" };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item item;

	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	send_ok(queue, "A");
	assert_true(get(queue, "A", &item));
	assert_int_equal(item.state, TP_QUEUE_DONE);
	assert_int_equal(item.attempts, 1);
	assert_int_equal(item.rcpts[1].state, TP_RCPT_SENT);
	assert_int_equal(item.rcpts[1].reply_code, 250);
	assert_string_equal(item.rcpts[1].enhanced, "2.0.0");
	assert_string_equal(item.rcpts[1].text, "Ok");
	tp_queue_item_free(&item);
	assert_int_equal(count_events(queue), 2);
	assert_int_equal(queue->ops->outcomes(
				 queue, &filter, check_outcome, &want, &err),
		0);
}

static void a_partly_sent_message_waits_for_its_open_recipient(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_settled_rcpt rcpts[2] = {
		{ .index = 0, .state = TP_RCPT_FAILED },
		{ .index = 1, .state = TP_RCPT_OPEN },
	};
	struct tp_settlement settlement = { .queue_id = "A",
		.rcpts = rcpts,
		.rcpt_count = 2,
		.charged = 1,
		.unknown = 1,
		.state = TP_QUEUE_QUEUED,
		.next_try_ms = NOW + 500,
		.reason = "452 later" };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item item;
	int begun = 1;

	rcpts[0].outcome = outcome_of("A", "Ann@example.net", "failed");
	rcpts[1].outcome = outcome_of("A", "bob@example.net", "deferred");
	rcpts[1].outcome.enhanced = "4.22222.33333333333"; /* cut to fit */
	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	assert_int_equal(
		queue->ops->settle(queue, &settlement, &begun, &err), 0);
	assert_int_equal(begun, 0);
	assert_true(get(queue, "A", &item));
	assert_int_equal(item.state, TP_QUEUE_QUEUED);
	assert_int_equal(item.attempts, 1);
	assert_int_equal(item.unknown_count, 1);
	assert_int_equal(item.next_try_ms, NOW + 500);
	assert_string_equal(item.reason, "452 later");
	assert_int_equal(item.rcpts[0].state, TP_RCPT_FAILED);
	assert_int_equal(item.rcpts[1].state, TP_RCPT_OPEN);
	assert_string_equal(item.rcpts[1].enhanced, "4.22222.3333333");
	tp_queue_item_free(&item);
	assert_int_equal(claim_all(queue), 0);
}

static void an_uncharged_settlement_may_hold_a_leased_message(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_settled_rcpt rcpt = { .index = 1, .state = TP_RCPT_OPEN };
	struct tp_settlement settlement = { .queue_id = "A",
		.rcpts = &rcpt,
		.rcpt_count = 1,
		.state = TP_QUEUE_HELD,
		.reason = "login refused" };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item item;
	int begun;

	rcpt.outcome = outcome_of("A", "bob@example.net", "held");
	queue_contract_put(queue, "A");
	assert_int_equal(claim_all(queue), 1);
	assert_int_equal(
		queue->ops->settle(queue, &settlement, &begun, &err), 0);
	assert_true(get(queue, "A", &item));
	assert_int_equal(item.state, TP_QUEUE_HELD);
	assert_int_equal(item.attempts, 0);
	assert_int_equal(item.next_try_ms, NOW - 1000);
	assert_string_equal(item.reason, "login refused");
	tp_queue_item_free(&item);
}

static void a_settlement_without_lease_changes_nothing(void **state)
{
	struct tp_queue *queue = *state;
	static const char *const ids[] = { "A", "D", "NO" };
	size_t i;

	queue_contract_put(queue, "D");
	queue_contract_begin(queue, "D");
	send_ok(queue, "D");
	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	for (i = 0; i < COUNT(ids); i++) {
		struct tp_error err = TP_ERROR_INIT;
		int begun = 1;

		assert_int_equal(
			queue_contract_send(queue, ids[i], "B", &begun, &err),
			TP_ESTATE);
		assert_non_null(strstr(err.text, "lease was lost"));
		assert_int_equal(begun, 0);
	}
	assert_int_equal(count_events(queue), 2);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_QUEUED);
	assert_int_equal(queue_contract_state(queue, "B"), TP_QUEUE_QUEUED);
}

/* Every way in which a settlement can be wrong leaves all as it was. */
static void a_wrong_settlement_changes_nothing(void **state)
{
	struct tp_queue *queue = *state;
	static const struct {
		size_t index;
		enum tp_rcpt_state rcpt;
		enum tp_queue_state state;
		const char *text;
	} cases[] = {
		{ 2, TP_RCPT_SENT, TP_QUEUE_QUEUED, "no recipient number 2" },
		{ 1, TP_RCPT_SENT, TP_QUEUE_DONE, "done does not fit" },
		{ 1, TP_RCPT_OPEN, TP_QUEUE_LEASED, "cannot end as leased" },
	};
	struct tp_queue_item item;
	size_t i;

	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_settled_rcpt rcpts[2] = {
			{ .index = cases[i].index, .state = cases[i].rcpt },
		};
		struct tp_settlement settlement = { .queue_id = "A",
			.rcpts = rcpts,
			.rcpt_count = 1,
			.charged = 1,
			.state = cases[i].state };
		struct tp_error err = TP_ERROR_INIT;
		int begun;

		rcpts[0].outcome = outcome_of("A", "x@example.net", "sent");
		assert_int_equal(
			queue->ops->settle(queue, &settlement, &begun, &err),
			TP_EINVAL);
		assert_non_null(strstr(err.text, cases[i].text));
	}
	assert_int_equal(count_events(queue), 0);
	assert_true(get(queue, "A", &item));
	assert_int_equal(item.state, TP_QUEUE_IN_DOUBT);
	assert_int_equal(item.attempts, 0);
	assert_int_equal(item.rcpts[1].state, TP_RCPT_OPEN);
	tp_queue_item_free(&item);
	send_ok(queue, "A");
}

static void nothing_open_means_done_and_nothing_else(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_settled_rcpt rcpts[2] = {
		{ .index = 0, .state = TP_RCPT_SENT },
		{ .index = 1, .state = TP_RCPT_SENT },
	};
	struct tp_settlement settlement = { .queue_id = "A",
		.rcpts = rcpts,
		.rcpt_count = 2,
		.state = TP_QUEUE_QUEUED };
	struct tp_error err = TP_ERROR_INIT;
	int begun;

	rcpts[0].outcome = outcome_of("A", "Ann@example.net", "sent");
	rcpts[1].outcome = outcome_of("A", "bob@example.net", "sent");
	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	assert_int_equal(queue->ops->settle(queue, &settlement, &begun, &err),
		TP_EINVAL);
	assert_non_null(strstr(err.text, "queued does not fit"));
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_IN_DOUBT);
}

static void a_settlement_puts_the_bounce_once_and_begins_the_next(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_settled_rcpt rcpts[2] = {
		{ .index = 0, .state = TP_RCPT_FAILED },
		{ .index = 1, .state = TP_RCPT_FAILED },
	};
	struct tp_queue_item bounce;
	struct tp_settlement settlement = { .queue_id = "A",
		.rcpts = rcpts,
		.rcpt_count = 2,
		.state = TP_QUEUE_DONE,
		.bounce = &bounce,
		.begin_next = "B",
		.begin_relay = "ses" };
	struct tp_error err = TP_ERROR_INIT;
	int begun = 0;

	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	queue_contract_put(queue, "C");
	queue_contract_begin(queue, "A");
	bounce = *queue_contract_item("Z", "default", "bounces");
	rcpts[0].outcome = outcome_of("A", "Ann@example.net", "failed");
	rcpts[1].outcome = outcome_of("A", "bob@example.net", "failed");
	assert_int_equal(
		queue->ops->settle(queue, &settlement, &begun, &err), 0);
	assert_int_equal(begun, 1);
	assert_int_equal(queue_contract_state(queue, "B"), TP_QUEUE_IN_DOUBT);
	assert_int_equal(queue_contract_state(queue, "Z"), TP_QUEUE_QUEUED);
	assert_data(queue, "Z", "data of Z");
	settlement.queue_id = "B";
	settlement.begin_next = "C";
	assert_int_equal(
		queue->ops->settle(queue, &settlement, &begun, &err), 0);
	assert_int_equal(begun, 1);
}

static void a_next_message_is_begun_only_for_its_relay(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_settled_rcpt rcpts[1] = { { .index = 0,
		.state = TP_RCPT_OPEN } };
	struct tp_settlement settlement = { .queue_id = "A",
		.rcpts = rcpts,
		.rcpt_count = 1,
		.state = TP_QUEUE_QUEUED,
		.begin_next = "B" };
	struct tp_error err = TP_ERROR_INIT;
	int begun = 1;

	rcpts[0].outcome = outcome_of("A", "Ann@example.net", "deferred");
	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	queue_contract_begin(queue, "A");
	assert_int_equal(queue->ops->settle(queue, &settlement, &begun, &err),
		TP_EINVAL);
	assert_non_null(strstr(err.text, "no relay"));
	tp_error_clear(&err);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_IN_DOUBT);
	settlement.begin_relay = "office";
	assert_int_equal(
		queue->ops->settle(queue, &settlement, &begun, &err), 0);
	assert_int_equal(begun, 0);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_QUEUED);
	assert_int_equal(queue_contract_state(queue, "B"), TP_QUEUE_LEASED);
}

/* Somebody else is sending it. */
static void a_next_message_is_not_begun_twice(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_error err = TP_ERROR_INIT;
	int begun = 1;

	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	queue_contract_begin(queue, "A");
	queue_contract_begin(queue, "B");
	assert_int_equal(queue_contract_send(queue, "A", "B", &begun, &err), 0);
	assert_int_equal(begun, 0);
	assert_int_equal(queue_contract_state(queue, "B"), TP_QUEUE_IN_DOUBT);
}

static void a_lost_next_message_is_not_an_error(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_error err = TP_ERROR_INIT;
	int begun = 1;

	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	queue_contract_put(queue, "B");
	assert_int_equal(queue_contract_send(queue, "A", "B", &begun, &err), 0);
	assert_int_equal(begun, 0);
	assert_int_equal(queue_contract_state(queue, "B"), TP_QUEUE_QUEUED);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_DONE);
}

/* ---- recover ------------------------------------------------------------ */

static int recover_at(
	struct tp_queue *queue, int64_t now_ms, struct names *names)
{
	struct tp_error err = TP_ERROR_INIT;

	return queue->ops->recover(queue, now_ms, LEASE, add_item, names, &err);
}

static void recover_frees_a_lease_that_has_ended(void **state)
{
	struct tp_queue *queue = *state;
	struct names names = { "", 0, 0 };

	queue_contract_put(queue, "A");
	assert_int_equal(claim_all(queue), 1);
	assert_int_equal(recover_at(queue, NOW + LEASE - 1, &names), 0);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_LEASED);
	assert_int_equal(recover_at(queue, NOW + LEASE, &names), 1);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_QUEUED);
	assert_int_equal(names.count, 0);
}

/* It may be sending still: to do it again would make a duplicate. */
static void what_a_living_owner_has_in_doubt_is_never_recovered(void **state)
{
	struct tp_queue *queue = *state;
	struct names names = { "", 0, 0 };

	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	assert_int_equal(recover_at(queue, NOW + 1000 * LEASE, &names), 0);
	assert_int_equal(names.count, 0);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_IN_DOUBT);
	send_ok(queue, "A");
}

static void what_a_dead_owner_held_is_recovered_at_once(void **state)
{
	struct tp_queue *queue = *state;
	const char *ids[] = { "A" };
	struct names names = { "", 0, 0 };
	struct tp_error err = TP_ERROR_INIT;
	int begun;

	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	queue_contract_begin(queue, "B");
	queue = *state = lose_owner(queue);
	/* nothing of it is ours */
	assert_int_equal(queue->ops->begin(queue, "A", "ses", &err), TP_ESTATE);
	assert_int_equal(queue->ops->begin(queue, "B", "ses", &err), TP_ESTATE);
	assert_int_equal(
		queue_contract_send(queue, "B", NULL, &begun, &err), TP_ESTATE);
	assert_int_equal(queue->ops->unclaim(queue, ids, 1, &err), 0);
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_LEASED);
	assert_int_equal(recover_at(queue, NOW, &names), 2);
	assert_string_equal(names.text, "B");
	assert_int_equal(queue_contract_state(queue, "A"), TP_QUEUE_QUEUED);
	assert_int_equal(queue_contract_state(queue, "B"), TP_QUEUE_IN_DOUBT);
	/* the doubtful one is ours now, and we live */
	assert_int_equal(recover_at(queue, NOW + 1000 * LEASE, &names), 0);
	send_ok(queue, "B");
}

static void settle_succeeds_after_a_lease_that_nobody_took(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_claim want = {
		.relay = "ses", .now_ms = NOW, .lease_ms = 1, .max_count = 1
	};
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item *items;

	queue_contract_put(queue, "A");
	assert_int_equal(queue->ops->claim(queue, &want, &items, &err), 1);
	tp_queue_items_free(items, 1);
	send_ok(queue, "A");
}

/* ---- due, reroute ------------------------------------------------------- */

static void free_due(struct tp_queue_relay_due *due, int count)
{
	while (count > 0)
		tp_free(due[--count].relay);
	tp_free(due);
}

static void due_counts_what_waits_for_each_relay(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_relay_due *due;
	struct tp_queue_item *items;
	int i;

	assert_int_equal(queue->ops->due(queue, NOW, &due, &err), 0);
	free_due(due, 0);
	put_due(queue, "A", "leased", NOW);
	assert_int_equal(claim(queue, "leased", 1, &items), 1);
	tp_queue_items_free(items, 1);
	put_due(queue, "B", "ses", NOW + 7);
	put_due(queue, "C", "ses", NOW + 5);
	put_due(queue, "D", "office", NOW);
	put_due(queue, "E", "office", NOW - 3);
	put_due(queue, "F", "office", NOW + 3);
	assert_int_equal(queue->ops->due(queue, NOW, &due, &err), 2);
	for (i = 0; i < 2; i++) {
		int office = strcmp(due[i].relay, "office") == 0;

		assert_true(office || strcmp(due[i].relay, "ses") == 0);
		assert_int_equal(due[i].due_count, office ? 2 : 0);
		assert_int_equal(
			due[i].next_try_ms, office ? NOW - 3 : NOW + 5);
	}
	free_due(due, 2);
}

/* Or the scheduler would start workers that find nothing to claim. */
static void due_leaves_out_what_has_expired(void **state)
{
	struct tp_queue *queue = *state;
	static const struct {
		const char *id;
		const char *relay;
		int64_t next_try_ms;
		int64_t expires_ms;
	} cases[] = {
		{ "A", "gone", NOW - 9, NOW },
		{ "B", "ses", NOW - 9, NOW - 1 },
		{ "C", "ses", NOW - 5, NOW + 1 },
		{ "D", "ses", NOW + 5, 0 },
	};
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_relay_due *due;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		struct tp_queue_item *item =
			queue_contract_item(cases[i].id, "x", cases[i].relay);

		item->next_try_ms = cases[i].next_try_ms;
		item->expires_ms = cases[i].expires_ms;
		put_item(queue, item);
	}
	assert_int_equal(queue->ops->due(queue, NOW, &due, &err), 1);
	assert_string_equal(due[0].relay, "ses");
	assert_int_equal(due[0].due_count, 1);
	assert_int_equal(due[0].next_try_ms, NOW - 5);
	free_due(due, 1);
}

static void due_stops_counting_at_a_limit(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_relay_due *due;
	char id[TP_QUEUE_ID_BYTES];
	int i;

	for (i = 0; i < TP_QUEUE_DUE_MAX_COUNT + 2; i++) {
		(void)snprintf(id, sizeof(id), "D%05d", i);
		queue_contract_put(queue, id);
	}
	put_due(queue, "X", "office", NOW);
	assert_int_equal(queue->ops->due(queue, NOW, &due, &err), 2);
	for (i = 0; i < 2; i++)
		assert_int_equal(
			due[i].due_count, strcmp(due[i].relay, "ses") == 0
						  ? TP_QUEUE_DUE_MAX_COUNT
						  : 1);
	free_due(due, 2);
}

static void reroute_moves_the_unfinished_messages_of_a_store(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item item;

	put_item(queue, queue_contract_item("A", "eu", "ses"));
	queue_contract_begin(queue, "A");
	send_ok(queue, "A");
	put_item(queue, queue_contract_item("B", "eu", "ses"));
	put_item(queue, queue_contract_item("C", "default", "ses"));
	assert_int_equal(queue->ops->reroute(queue, "eu", "office", &err), 0);
	assert_true(get(queue, "A", &item));
	assert_string_equal(item.relay, "ses");
	tp_queue_item_free(&item);
	assert_true(get(queue, "B", &item));
	assert_string_equal(item.relay, "office");
	tp_queue_item_free(&item);
	assert_int_equal(claim_all(queue), 1);
	assert_int_equal(queue_contract_state(queue, "C"), TP_QUEUE_LEASED);
}

/* ---- list, act ---------------------------------------------------------- */

static void list_shows_what_the_filter_asks_for(void **state)
{
	struct tp_queue *queue = *state;
	static const struct {
		struct tp_queue_filter filter;
		const char *want;
	} cases[] = {
		{ { .state = -1 }, "A B C D" },
		{ { .state = -1, .limit = 2 }, "A B" },
		{ { .state = -1, .store = "eu" }, "B D" },
		{ { .state = -1, .store = "eu", .limit = 1 }, "B" },
		{ { .state = -1, .queue_id = "C" }, "C" },
		{ { .state = -1, .queue_id = "C", .store = "eu" }, "" },
		{ { .state = -1, .queue_id = "X" }, "" },
		{ { .state = -1, .queue_id = "NO" }, "" },
		{ { .state = TP_QUEUE_HELD }, "D" },
		{ { .state = TP_QUEUE_QUEUED }, "A B C" },
		{ { .state = TP_QUEUE_DONE }, "X" },
		{ { .state = TP_QUEUE_DONE, .queue_id = "X" }, "X" },
		{ { .state = TP_QUEUE_LEASED }, "" },
		{ { .state = -1, .store = "none" }, "" },
	};
	struct tp_queue_item *item;
	size_t i;

	queue_contract_put(queue, "X");
	queue_contract_begin(queue, "X");
	send_ok(queue, "X");
	put_item(queue, queue_contract_item("A", "default", "ses"));
	put_item(queue, queue_contract_item("B", "eu", "ses"));
	put_item(queue, queue_contract_item("C", "default", "ses"));
	item = queue_contract_item("D", "eu", "ses");
	item->state = TP_QUEUE_HELD;
	put_item(queue, item);
	for (i = 0; i < COUNT(cases); i++)
		assert_list(queue, &cases[i].filter, cases[i].want);
}

struct lister {
	struct tp_queue *queue;
	size_t count;
};

/* A caller that uses the queue while it is listed. */
static int hold_item(void *ctx, const struct tp_queue_item *item)
{
	struct lister *lister = ctx;
	struct tp_error err = TP_ERROR_INIT;

	lister->count++;
	assert_int_equal(lister->queue->ops->act(lister->queue, TP_QUEUE_HOLD,
				 item->queue_id, NOW, &err),
		0);
	assert_int_equal(queue_contract_state(lister->queue, item->queue_id),
		TP_QUEUE_HELD);
	return 0;
}

static void a_listing_may_stop_and_may_use_the_queue(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue_filter all = { .state = -1 };
	struct lister lister = { queue, 0 };
	struct names names = { "", 0, 70 };
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];
	int i;

	for (i = 0; i < 200; i++) {
		(void)snprintf(id, sizeof(id), "M%03d", i);
		queue_contract_put(queue, id);
	}
	assert_int_equal(
		queue->ops->list(queue, &all, add_item, &names, &err), 0);
	assert_int_equal(names.count, 70);
	assert_int_equal(
		queue->ops->list(queue, &all, hold_item, &lister, &err), 0);
	assert_int_equal(lister.count, 200);
}

/* Brings the message "A" into a state. */
static void make_state(struct tp_queue *queue, enum tp_queue_state state)
{
	struct tp_queue_item *item = queue_contract_item("A", "eu", "ses");

	item->state = state == TP_QUEUE_HELD ? state : TP_QUEUE_QUEUED;
	item->next_try_ms = NOW;
	put_item(queue, item);
	if (state == TP_QUEUE_LEASED)
		assert_int_equal(claim_all(queue), 1);
	if (state == TP_QUEUE_IN_DOUBT || state == TP_QUEUE_DONE)
		queue_contract_begin(queue, "A");
	if (state == TP_QUEUE_DONE)
		send_ok(queue, "A");
}

static void actions_are_possible_where_the_table_says(void **state)
{
	static const struct {
		enum tp_queue_action action;
		enum tp_queue_state from;
		int rc;
		enum tp_queue_state to;
		const char *text;
	} cases[] = {
		{ TP_QUEUE_HOLD, TP_QUEUE_QUEUED, 0, TP_QUEUE_HELD, "" },
		{ TP_QUEUE_HOLD, TP_QUEUE_LEASED, TP_ESTATE, TP_QUEUE_LEASED,
			"under way" },
		{ TP_QUEUE_HOLD, TP_QUEUE_IN_DOUBT, TP_ESTATE,
			TP_QUEUE_IN_DOUBT, "under way" },
		{ TP_QUEUE_HOLD, TP_QUEUE_HELD, TP_ESTATE, TP_QUEUE_HELD,
			"is held" },
		{ TP_QUEUE_HOLD, TP_QUEUE_DONE, TP_ESTATE, TP_QUEUE_DONE,
			"is done" },
		{ TP_QUEUE_RELEASE, TP_QUEUE_QUEUED, TP_ESTATE, TP_QUEUE_QUEUED,
			"is queued" },
		{ TP_QUEUE_RELEASE, TP_QUEUE_LEASED, TP_ESTATE, TP_QUEUE_LEASED,
			"under way" },
		{ TP_QUEUE_RELEASE, TP_QUEUE_HELD, 0, TP_QUEUE_QUEUED, "" },
		{ TP_QUEUE_RELEASE, TP_QUEUE_DONE, TP_ESTATE, TP_QUEUE_DONE,
			"is done" },
		{ TP_QUEUE_RETRY, TP_QUEUE_QUEUED, 0, TP_QUEUE_QUEUED, "" },
		{ TP_QUEUE_RETRY, TP_QUEUE_IN_DOUBT, TP_ESTATE,
			TP_QUEUE_IN_DOUBT, "under way" },
		{ TP_QUEUE_RETRY, TP_QUEUE_HELD, 0, TP_QUEUE_QUEUED, "" },
		{ TP_QUEUE_RETRY, TP_QUEUE_DONE, TP_ESTATE, TP_QUEUE_DONE,
			"is done" },
		{ TP_QUEUE_CANCEL, TP_QUEUE_QUEUED, 0, TP_QUEUE_DONE, "" },
		{ TP_QUEUE_CANCEL, TP_QUEUE_LEASED, TP_ESTATE, TP_QUEUE_LEASED,
			"under way" },
		{ TP_QUEUE_CANCEL, TP_QUEUE_IN_DOUBT, TP_ESTATE,
			TP_QUEUE_IN_DOUBT, "under way" },
		{ TP_QUEUE_CANCEL, TP_QUEUE_HELD, 0, TP_QUEUE_DONE, "" },
		{ TP_QUEUE_CANCEL, TP_QUEUE_DONE, TP_ESTATE, TP_QUEUE_DONE,
			"is done" },
		{ (enum tp_queue_action)9, TP_QUEUE_QUEUED, TP_EINVAL,
			TP_QUEUE_QUEUED, "unknown action" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct tp_queue *queue = open_queue();
		struct tp_error err = TP_ERROR_INIT;
		struct tp_queue_item item;

		make_state(queue, cases[i].from);
		assert_int_equal(queue->ops->act(queue, cases[i].action, "A",
					 NOW + 5, &err),
			cases[i].rc);
		assert_non_null(strstr(err.text, cases[i].text));
		assert_true(get(queue, "A", &item));
		assert_int_equal(item.state, cases[i].to);
		if (cases[i].rc == 0 && cases[i].to == TP_QUEUE_QUEUED)
			assert_int_equal(item.next_try_ms, NOW + 5);
		if (cases[i].rc == 0 && cases[i].to == TP_QUEUE_HELD)
			assert_string_equal(item.reason, "held by request");
		tp_queue_item_free(&item);
		queue->ops->destroy(&queue);
	}
}

static void acting_on_what_is_not_there_is_not_found(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(
		queue->ops->act(queue, TP_QUEUE_RETRY, "NO", NOW, &err),
		TP_ENOTFOUND);
}

static void cancel_writes_one_event_for_each_open_recipient(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue_item *put = queue_contract_item("A", "eu", "ses");
	struct tp_outcome want = { .time_ms = NOW,
		.store = "eu",
		.relay = "ses",
		.queue_id = "A",
		.message_id = "<A@x>",
		.sender = "shop@example.com",
		.recipient = "bob@example.net",
		.attempt = 0,
		.cls = TP_CLASS_PERMANENT,
		.verdict = "cancelled",
		.step = "",
		.enhanced = "",
		.text = "cancelled by request",
		.tls_version = "",
		.tls_cipher = "",
		.size_bytes = (int64_t)strlen("data of A"),
		.queued_ms = 1000,
		.last = 1 };
	struct tp_outcome_filter all = { 0 };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item item;

	put->rcpts[0].state = TP_RCPT_SENT;
	put_item(queue, put);
	assert_int_equal(
		queue->ops->act(queue, TP_QUEUE_CANCEL, "A", NOW, &err), 0);
	assert_int_equal(count_events(queue), 1);
	assert_int_equal(
		queue->ops->outcomes(queue, &all, check_outcome, &want, &err),
		0);
	assert_true(get(queue, "A", &item));
	assert_int_equal(item.rcpts[0].state, TP_RCPT_SENT);
	assert_int_equal(item.rcpts[1].state, TP_RCPT_CANCELLED);
	tp_queue_item_free(&item);
}

/* ---- outcomes ----------------------------------------------------------- */

/* Settles a message of its own with one event that differs where told. */
static void add_event(struct tp_queue *queue, const struct tp_outcome *outcome)
{
	struct tp_settled_rcpt rcpts[2] = {
		{ .index = 0, .state = TP_RCPT_SENT, .outcome = *outcome },
	};
	struct tp_queue_item *item =
		queue_contract_item(outcome->queue_id, "default", "ses");
	struct tp_settlement settlement = { .queue_id = outcome->queue_id,
		.rcpts = rcpts,
		.rcpt_count = 1,
		.state = TP_QUEUE_DONE };
	struct tp_error err = TP_ERROR_INIT;
	int begun;

	item->rcpt_count = 1;
	put_item(queue, item);
	queue_contract_begin(queue, outcome->queue_id);
	assert_int_equal(
		queue->ops->settle(queue, &settlement, &begun, &err), 0);
}

static void put_five_events(struct tp_queue *queue)
{
	static const char *const ids[] = { "A", "B", "C", "D", "E" };
	size_t i;

	for (i = 0; i < COUNT(ids); i++) {
		struct tp_outcome outcome =
			outcome_of(ids[i], "Ann@example.net", "sent");

		outcome.time_ms = NOW + (int64_t)i;
		if (i == 1)
			outcome.store = "eu";
		if (i == 2)
			outcome.relay = "office";
		if (i == 3)
			outcome.message_id = "<other@x>";
		if (i == 4) {
			outcome.recipient = "Bob@Example.NET";
			outcome.verdict = "failed";
		}
		add_event(queue, &outcome);
	}
}

static void outcomes_shows_what_the_filter_asks_for(void **state)
{
	struct tp_queue *queue = *state;
	static const struct {
		struct tp_outcome_filter filter;
		const char *want;
	} cases[] = {
		{ { .limit = 0 }, "A B C D E" },
		{ { .limit = 2 }, "D E" },
		{ { .limit = 9 }, "A B C D E" },
		{ { .store = "eu" }, "B" },
		{ { .relay = "office" }, "C" },
		{ { .relay = "ses", .limit = 2 }, "D E" },
		{ { .queue_id = "D" }, "D" },
		{ { .queue_id = "D", .limit = 5 }, "D" },
		{ { .queue_id = "NO", .limit = 5 }, "" },
		{ { .message_id = "<other@x>" }, "D" },
		{ { .recipient = "bob@example.net" }, "E" },
		{ { .recipient = "ANN@example.net", .limit = 1 }, "D" },
		{ { .verdict = "failed" }, "E" },
		{ { .verdict = "sent", .store = "eu" }, "B" },
		{ { .since_ms = NOW + 3 }, "D E" },
		{ { .until_ms = NOW + 1 }, "A B" },
		{ { .since_ms = NOW + 1, .until_ms = NOW + 3, .limit = 2 },
			"C D" },
		{ { .since_ms = NOW + 9 }, "" },
	};
	struct tp_error err = TP_ERROR_INIT;
	size_t i;

	put_five_events(queue);
	for (i = 0; i < COUNT(cases); i++) {
		struct names names = { "", 0, 0 };

		assert_int_equal(queue->ops->outcomes(queue, &cases[i].filter,
					 add_outcome, &names, &err),
			0);
		assert_string_equal(names.text, cases[i].want);
	}
}

struct follower {
	int64_t last_id;
	size_t count;
};

static int follow(void *ctx, const struct tp_outcome *outcome)
{
	struct follower *follower = ctx;

	assert_true(outcome->event_id > follower->last_id);
	follower->last_id = outcome->event_id;
	follower->count++;
	return 0;
}

static void outcomes_can_be_followed_by_event_id(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_outcome_filter filter = { 0 };
	struct follower follower = { 0, 0 };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_outcome outcome = outcome_of("F", "Ann@example.net", "sent");

	put_five_events(queue);
	assert_int_equal(
		queue->ops->outcomes(queue, &filter, follow, &follower, &err),
		0);
	assert_int_equal(follower.count, 5);
	/* ids go on growing when all were swept away */
	while (queue->ops->sweep(queue, INT64_MAX, 0, &err) > 0)
		;
	assert_int_equal(count_events(queue), 0);
	add_event(queue, &outcome);
	filter.after_event_id = follower.last_id;
	assert_int_equal(
		queue->ops->outcomes(queue, &filter, follow, &follower, &err),
		0);
	assert_int_equal(follower.count, 6);
}

static void many_events_come_in_order_and_once(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_outcome_filter filter = { 0 };
	struct follower follower = { 0, 0 };
	struct names names = { "", 0, 300 };
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];
	int i;

	for (i = 0; i < 600; i++) {
		struct tp_outcome outcome;

		(void)snprintf(id, sizeof(id), "M%03d", i);
		outcome = outcome_of(id, "Ann@example.net", "sent");
		add_event(queue, &outcome);
	}
	assert_int_equal(
		queue->ops->outcomes(queue, &filter, follow, &follower, &err),
		0);
	assert_int_equal(follower.count, 600);
	filter.limit = 512;
	memset(&follower, 0, sizeof(follower));
	assert_int_equal(
		queue->ops->outcomes(queue, &filter, follow, &follower, &err),
		0);
	assert_int_equal(follower.count, 512);
	assert_int_equal(
		queue->ops->outcomes(queue, &filter, add_outcome, &names, &err),
		0);
	assert_int_equal(names.count, 300);
}

/* ---- stats, sweep ------------------------------------------------------- */

static void stats_counts_states_and_bytes(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue_stats stats;
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item *item;

	assert_int_equal(queue->ops->stats(queue, &stats, &err), 0);
	assert_int_equal(stats.queued + stats.leased + stats.in_doubt +
				 stats.held + stats.done + stats.bytes +
				 stats.oldest_created_ms,
		0);
	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	send_ok(queue, "A");
	queue_contract_put(queue, "B");
	queue_contract_put(queue, "C");
	queue_contract_begin(queue, "C");
	item = queue_contract_item("D", "eu", "ses");
	item->created_ms = NOW - 7000;
	put_item(queue, item);
	put_item(queue, queue_contract_item("E", "eu", "ses"));
	item = queue_contract_item("F", "eu", "ses");
	item->state = TP_QUEUE_HELD;
	put_item(queue, item);
	assert_int_equal(queue->ops->stats(queue, &stats, &err), 0);
	assert_int_equal(stats.queued, 2);
	assert_int_equal(stats.leased, 1);
	assert_int_equal(stats.in_doubt, 1);
	assert_int_equal(stats.held, 1);
	assert_int_equal(stats.done, 1);
	assert_int_equal(stats.oldest_created_ms, NOW - 7000);
	assert_int_equal(stats.bytes, 6 * (int)strlen("data of A"));
}

static void sweep_removes_what_is_done_and_nothing_else(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue_stats stats;
	struct tp_error err = TP_ERROR_INIT;
	char *data;
	size_t len;

	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	send_ok(queue, "A");
	queue_contract_put(queue, "B");
	queue_contract_put(queue, "C");
	queue_contract_begin(queue, "C");
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 1);
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 0);
	assert_int_equal(queue_contract_state(queue, "A"), -1);
	assert_int_equal(
		queue->ops->load(queue, "A", &data, &len, &err), TP_ENOTFOUND);
	assert_data(queue, "B", "data of B");
	assert_data(queue, "C", "data of C");
	assert_int_equal(count_events(queue), 2);
	assert_int_equal(queue->ops->stats(queue, &stats, &err), 0);
	assert_int_equal(stats.done, 0);
	assert_int_equal(stats.bytes, 2 * (int)strlen("data of B"));
}

static void a_known_key_is_recognised_after_the_sweep(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue_item *item = queue_contract_item("A", "eu", "ses");
	struct tp_queue_stats stats;
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];

	item->dedup_key = (char *)(uintptr_t) "order-1";
	put_item(queue, item);
	queue_contract_begin(queue, "A");
	send_ok(queue, "A");
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 1);
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 0);
	assert_int_equal(queue->ops->stats(queue, &stats, &err), 0);
	assert_int_equal(stats.done, 1);
	assert_int_equal(stats.bytes, 0);
	item = queue_contract_item("B", "eu", "ses");
	item->dedup_key = (char *)(uintptr_t) "order-1";
	assert_int_equal(queue->ops->put(queue, item, id, &err), 1);
	assert_string_equal(id, "A");
}

static void sweep_removes_old_and_surplus_events(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_outcome_filter all = { 0 };
	struct names names = { "", 0, 0 };
	struct tp_outcome outcome = outcome_of("A", "Ann@example.net", "sent");
	struct tp_error err = TP_ERROR_INIT;
	int64_t event_bytes;

	put_five_events(queue);
	while (queue->ops->sweep(queue, 0, 0, &err) > 0)
		; /* the messages */
	assert_int_equal(queue->ops->sweep(queue, NOW + 1, 0, &err), 1);
	/* all events are nearly as big as this one: three fit, not four */
	event_bytes = (int64_t)tp_queue_outcome_bytes(&outcome) +
		      TP_QUEUE_EVENT_BYTES;
	assert_int_equal(queue->ops->sweep(queue, 0,
				 3 * event_bytes + event_bytes / 2, &err),
		1);
	assert_int_equal(
		queue->ops->outcomes(queue, &all, add_outcome, &names, &err),
		0);
	assert_string_equal(names.text, "C D E");
}

/* ---- threads ------------------------------------------------------------ */

#define THREADS 8
#define PER_THREAD 250

struct worker {
	pthread_t thread;
	struct tp_queue *queue;
	size_t number;
	size_t settled;
	size_t wrong;
};

/* Settles and, before, does what must fail without harm to the others. */
static void deliver_one(struct worker *worker, const char *queue_id)
{
	struct tp_queue *queue = worker->queue;
	struct tp_error err = TP_ERROR_INIT;
	char *data = NULL;
	char want[64];
	size_t len = 0;
	int begun;

	(void)snprintf(want, sizeof(want), "data of %s", queue_id);
	if (queue->ops->load(queue, queue_id, &data, &len, &err) < 0 ||
		len != strlen(want) || memcmp(data, want, len) != 0)
		worker->wrong++;
	tp_free(data);
	tp_error_clear(&err);
	if (queue_contract_send(queue, "NO", NULL, &begun, &err) != TP_ESTATE)
		worker->wrong++;
	tp_error_clear(&err);
	if (queue->ops->begin(queue, queue_id, "office", &err) != TP_ESTATE)
		worker->wrong++;
	tp_error_clear(&err);
	if (queue->ops->begin(queue, queue_id, "ses", &err) != 0)
		worker->wrong++;
	tp_error_clear(&err);
	if (queue_contract_send(queue, queue_id, NULL, &begun, &err) == 0)
		worker->settled++;
	else
		worker->wrong++;
}

static void *put_and_deliver(void *arg)
{
	struct worker *worker = arg;
	struct tp_queue *queue = worker->queue;
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];
	char known[TP_QUEUE_ID_BYTES];
	struct tp_queue_item *items;
	int count;
	int i;

	for (i = 0; i < PER_THREAD; i++) {
		(void)snprintf(id, sizeof(id), "T%zu-%03d", worker->number, i);
		if (queue->ops->put(queue,
			    queue_contract_item(id, "default", "ses"), known,
			    &err) != 0)
			worker->wrong++;
		if (queue->ops->put(queue,
			    queue_contract_item(id, "default", "ses"), known,
			    &err) != 1)
			worker->wrong++;
	}
	while ((count = claim(queue, "ses", 7, &items)) > 0) {
		for (i = 0; i < count; i++)
			deliver_one(worker, items[i].queue_id);
		tp_queue_items_free(items, (size_t)count);
	}
	if (count < 0)
		worker->wrong++;
	return NULL;
}

static void threads_settle_each_message_exactly_once(void **state)
{
	struct tp_queue *queue = *state;
	struct worker workers[THREADS];
	struct tp_queue_stats stats;
	struct tp_error err = TP_ERROR_INIT;
	size_t settled = 0;
	size_t i;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker) { .queue = queue, .number = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
					 put_and_deliver, &workers[i]),
			0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_int_equal(workers[i].wrong, 0);
		settled += workers[i].settled;
	}
	assert_int_equal(settled, THREADS * PER_THREAD);
	assert_int_equal(count_events(queue), 2 * THREADS * PER_THREAD);
	assert_int_equal(queue->ops->stats(queue, &stats, &err), 0);
	assert_int_equal(stats.done, THREADS * PER_THREAD);
	assert_int_equal(stats.queued + stats.leased + stats.in_doubt, 0);
}

/* ---- memory ------------------------------------------------------------- */

#ifdef TP_TEST_ALLOC

/* The Nth allocation of what follows fails. A call that says TP_ENOMEM is made
 * again without faults and must then do what it would have done at first. */
#define RETRIED(call)                            \
	do {                                     \
		int rc_ = (call);                \
                                                 \
		if (rc_ == TP_ENOMEM) {          \
			faults++;                \
			(void)tp_mem_fail_at(0); \
			tp_error_clear(&err);    \
			rc_ = (call);            \
		}                                \
		assert_true(rc_ >= 0);           \
		last = rc_;                      \
	} while (0)

static int ignore_item(void *ctx, const struct tp_queue_item *item)
{
	(void)ctx;
	(void)item;
	return 0;
}

/* @return how many faults were met: 0 or 1 */
static int run_with_fault(struct tp_queue *queue, unsigned long n)
{
	struct tp_queue_filter items_all = { .state = -1 };
	struct tp_outcome_filter events_all = { 0 };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item bounce;
	struct tp_settled_rcpt rcpts[2] = { { .index = 0,
						    .state = TP_RCPT_SENT },
		{ .index = 1, .state = TP_RCPT_OPEN } };
	struct tp_settlement settlement = { .queue_id = "A",
		.rcpts = rcpts,
		.rcpt_count = 2,
		.charged = 1,
		.state = TP_QUEUE_QUEUED,
		.reason = "later",
		.bounce = &bounce };
	struct tp_claim want = { "ses", NOW, LEASE, 9 };
	struct tp_queue_relay_due *due = NULL;
	struct tp_queue_item *items = NULL;
	char id[TP_QUEUE_ID_BYTES];
	char *data = NULL;
	size_t count = 0;
	size_t len;
	int faults = 0;
	int last;
	int begun;

	rcpts[0].outcome = outcome_of("A", "Ann@example.net", "sent");
	rcpts[1].outcome = outcome_of("A", "bob@example.net", "deferred");
	bounce = *queue_contract_item("Z", "default", "ses");
	(void)tp_mem_fail_at(n);
	RETRIED(queue->ops->put(
		queue, queue_contract_item("A", "default", "ses"), id, &err));
	assert_int_equal(last, 0);
	RETRIED(queue->ops->claim(queue, &want, &items, &err));
	assert_int_equal(last, 1);
	tp_queue_items_free(items, 1);
	RETRIED(queue->ops->load(queue, "A", &data, &len, &err));
	tp_free(data);
	bounce = *queue_contract_item("Z", "default", "ses");
	RETRIED(queue->ops->settle(queue, &settlement, &begun, &err));
	RETRIED(queue->ops->list(queue, &items_all, ignore_item, NULL, &err));
	RETRIED(queue->ops->due(queue, NOW, &due, &err));
	assert_int_equal(last, 1);
	free_due(due, 1);
	RETRIED(queue->ops->reroute(queue, "default", "office", &err));
	RETRIED(queue->ops->act(queue, TP_QUEUE_HOLD, "A", NOW, &err));
	RETRIED(queue->ops->act(queue, TP_QUEUE_CANCEL, "A", NOW, &err));
	want.relay = "office";
	RETRIED(queue->ops->claim(queue, &want, &items, &err));
	assert_int_equal(last, 1);
	tp_queue_items_free(items, 1);
	RETRIED(queue->ops->begin(queue, "Z", "office", &err));
	count = 0;
	RETRIED(queue->ops->outcomes(
		queue, &events_all, count_outcome, &count, &err));
	assert_int_equal(count, 3);
	(void)tp_mem_fail_at(0);
	return faults;
}

static void a_failed_allocation_changes_nothing(void **state)
{
	unsigned long n;
	int faults = 1;

	(void)state;
	for (n = 1; faults > 0; n++) {
		struct tp_queue *queue = open_queue();

		faults = run_with_fault(queue, n);
		queue->ops->destroy(&queue);
	}
	assert_true(n > 20);
}

static void a_failed_allocation_does_not_lose_what_is_recovered(void **state)
{
	unsigned long n;
	int faults = 1;

	(void)state;
	for (n = 1; faults > 0; n++) {
		struct tp_queue *queue = open_queue();
		struct names names = { "", 0, 0 };
		struct tp_error err = TP_ERROR_INIT;
		int last;

		faults = 0;
		queue_contract_put(queue, "A");
		queue_contract_put(queue, "B");
		queue_contract_begin(queue, "B");
		queue = lose_owner(queue);
		(void)tp_mem_fail_at(n);
		RETRIED(queue->ops->recover(
			queue, NOW, LEASE, add_item, &names, &err));
		(void)tp_mem_fail_at(0);
		assert_int_equal(last, 2);
		assert_string_equal(names.text, "B");
		queue->ops->destroy(&queue);
	}
	assert_true(n > 5);
}

#endif

/* ---- the group ---------------------------------------------------------- */

static void destroying_nothing_is_harmless(void **state)
{
	struct tp_queue *queue = *state;
	struct tp_queue *none = NULL;

	queue->ops->destroy(&none);
	queue->ops->destroy(NULL);
	assert_null(none);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(tp_queue_state_name(TP_QUEUE_IN_DOUBT), "in-doubt");
	assert_string_equal(tp_queue_state_name(TP_QUEUE_DONE), "done");
	assert_string_equal(
		tp_queue_state_name((enum tp_queue_state)99), "unknown");
	assert_string_equal(tp_rcpt_state_name(TP_RCPT_CANCELLED), "cancelled");
	assert_string_equal(
		tp_rcpt_state_name((enum tp_rcpt_state)99), "unknown");
}

static int set_up(void **state)
{
	*state = open_queue();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	struct tp_queue *queue = *state;

	queue->ops->destroy(&queue);
	return queue ? -1 : 0;
}

#define CONTRACT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int queue_contract_run(const char *name, queue_contract_open_fn *open,
	queue_contract_lose_owner_fn *lose)
{
	const struct CMUnitTest tests[] = {
		CONTRACT(states_have_names),
		CONTRACT(destroying_nothing_is_harmless),
		CONTRACT(what_was_put_can_be_listed_and_loaded_unchanged),
		CONTRACT(a_body_may_be_empty_or_hold_any_byte),
		CONTRACT(loading_what_is_not_there_is_not_found),
		CONTRACT(a_repeated_put_answers_with_the_first_id),
		CONTRACT(the_same_key_in_two_stores_is_two_messages),
		CONTRACT(put_refuses_what_could_not_be_delivered),
		CONTRACT(claim_leases_what_is_due_oldest_first),
		CONTRACT(claim_leaves_what_has_expired),
		CONTRACT(unclaim_gives_back_uncharged_what_is_leased),
		CONTRACT(begin_needs_a_lease),
		CONTRACT(begin_may_be_repeated),
		CONTRACT(begin_needs_the_relay_that_is_stored),
		CONTRACT(expired_messages_are_claimed_queued_or_held),
		CONTRACT(a_settlement_stores_state_and_events_together),
		CONTRACT(a_partly_sent_message_waits_for_its_open_recipient),
		CONTRACT(an_uncharged_settlement_may_hold_a_leased_message),
		CONTRACT(a_settlement_without_lease_changes_nothing),
		CONTRACT(a_wrong_settlement_changes_nothing),
		CONTRACT(nothing_open_means_done_and_nothing_else),
		CONTRACT(a_settlement_puts_the_bounce_once_and_begins_the_next),
		CONTRACT(a_next_message_is_begun_only_for_its_relay),
		CONTRACT(a_next_message_is_not_begun_twice),
		CONTRACT(a_lost_next_message_is_not_an_error),
		CONTRACT(recover_frees_a_lease_that_has_ended),
		CONTRACT(what_a_living_owner_has_in_doubt_is_never_recovered),
		CONTRACT(what_a_dead_owner_held_is_recovered_at_once),
		CONTRACT(settle_succeeds_after_a_lease_that_nobody_took),
		CONTRACT(due_counts_what_waits_for_each_relay),
		CONTRACT(due_leaves_out_what_has_expired),
		CONTRACT(due_stops_counting_at_a_limit),
		CONTRACT(reroute_moves_the_unfinished_messages_of_a_store),
		CONTRACT(list_shows_what_the_filter_asks_for),
		CONTRACT(a_listing_may_stop_and_may_use_the_queue),
		CONTRACT(actions_are_possible_where_the_table_says),
		CONTRACT(acting_on_what_is_not_there_is_not_found),
		CONTRACT(cancel_writes_one_event_for_each_open_recipient),
		CONTRACT(outcomes_shows_what_the_filter_asks_for),
		CONTRACT(outcomes_can_be_followed_by_event_id),
		CONTRACT(many_events_come_in_order_and_once),
		CONTRACT(stats_counts_states_and_bytes),
		CONTRACT(sweep_removes_what_is_done_and_nothing_else),
		CONTRACT(a_known_key_is_recognised_after_the_sweep),
		CONTRACT(sweep_removes_old_and_surplus_events),
		CONTRACT(threads_settle_each_message_exactly_once),
#ifdef TP_TEST_ALLOC
		CONTRACT(a_failed_allocation_changes_nothing),
		CONTRACT(a_failed_allocation_does_not_lose_what_is_recovered),
#endif
	};

	open_queue = open;
	lose_owner = lose;
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
