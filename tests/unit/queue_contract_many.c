/*
 * queue_contract_many.c - what every queue must do with many messages at once
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue_contract.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW CONTRACT_NOW_MS

static queue_contract_open_fn *open_queue;

/* ---- a batch ------------------------------------------------------------ */

struct queue_batch *queue_batch_new(const char *prefix, size_t count)
{
	struct queue_batch *batch = calloc(1, sizeof(*batch));
	size_t i;

	assert_non_null(batch);
	batch->count = count;
	batch->items = calloc(count, sizeof(*batch->items));
	batch->rcpts = calloc(count, sizeof(*batch->rcpts));
	batch->puts = calloc(count, sizeof(*batch->puts));
	batch->ids = calloc(count, sizeof(*batch->ids));
	batch->known = calloc(count, 1);
	assert_true(batch->items && batch->rcpts && batch->puts && batch->ids &&
		    batch->known);
	for (i = 0; i < count; i++) {
		struct tp_queue_item *item = &batch->items[i];

		*item = *queue_contract_item("?", "default", "ses");
		(void)snprintf(item->queue_id, sizeof(item->queue_id),
			"%.6s%05u", prefix, (unsigned)(i % 100000));
		batch->rcpts[i].address = (char *)(uintptr_t) "ann@example.net";
		item->rcpts = &batch->rcpts[i];
		item->rcpt_count = 1;
		item->message_id = (char *)(uintptr_t) "<m@x>";
		item->data = item->queue_id;
		item->data_len = strlen(item->queue_id);
		batch->puts[i].item = item;
		batch->ids[i] = item->queue_id;
	}
	return batch;
}

void queue_batch_free(struct queue_batch *batch)
{
	free(batch->items);
	free(batch->rcpts);
	free(batch->puts);
	free(batch->ids);
	free(batch->known);
	free(batch);
}

size_t queue_batch_known(struct queue_batch *batch, struct tp_queue *queue)
{
	struct tp_error err = TP_ERROR_INIT;
	size_t known_count = 0;
	size_t i;

	memset(batch->known, 7, batch->count);
	assert_int_equal(queue->ops->known(queue, batch->ids, batch->count,
				 batch->known, &err),
		0);
	for (i = 0; i < batch->count; i++) {
		assert_in_range(batch->known[i], 0, 1);
		known_count += batch->known[i];
	}
	return known_count;
}

static void put_all(struct tp_queue *queue, struct queue_batch *batch)
{
	queue->ops->put_many(queue, batch->puts, batch->count);
}

static void assert_all_put(const struct queue_batch *batch)
{
	size_t i;

	for (i = 0; i < batch->count; i++) {
		assert_int_equal(batch->puts[i].rc, 0);
		assert_int_equal(batch->puts[i].err.code, 0);
		assert_string_equal(batch->puts[i].id_out, batch->ids[i]);
	}
}

static int64_t waiting_count(struct tp_queue *queue)
{
	struct tp_queue_stats stats;
	struct tp_error err = TP_ERROR_INIT;

	assert_int_equal(queue->ops->stats(queue, &stats, &err), 0);
	return stats.queued;
}

/* ---- the tests ---------------------------------------------------------- */

static void many_are_put_whole_and_in_order(void **state)
{
	struct tp_queue *queue = *state;
	struct queue_batch *batch = queue_batch_new("M", 300);
	struct tp_claim claim = { "ses", NOW, CONTRACT_LEASE_MS, 1000 };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item *items = NULL;
	size_t i;

	put_all(queue, batch);
	assert_all_put(batch);
	assert_int_equal(waiting_count(queue), 300);
	assert_int_equal(queue->ops->claim(queue, &claim, &items, &err), 300);
	for (i = 0; i < 300; i++) {
		char *data = NULL;
		size_t len = 0;

		assert_string_equal(items[i].queue_id, batch->ids[i]);
		assert_int_equal(queue->ops->load(queue, batch->ids[i], &data,
					 &len, &err),
			0);
		assert_int_equal(len, batch->items[i].data_len);
		assert_memory_equal(data, batch->ids[i], len);
		tp_free(data);
	}
	tp_queue_items_free(items, 300);
	queue_batch_free(batch);
}

static void ten_thousand_are_put_in_batches(void **state)
{
	struct tp_queue *queue = *state;
	char prefix[8];
	int i;

	for (i = 0; i < 10; i++) {
		struct queue_batch *batch;

		(void)snprintf(prefix, sizeof(prefix), "B%d-", i);
		batch = queue_batch_new(prefix, 1000);
		put_all(queue, batch);
		assert_all_put(batch);
		queue_batch_free(batch);
	}
	assert_int_equal(waiting_count(queue), 10000);
}

static void one_that_is_refused_keeps_no_other_out(void **state)
{
	struct tp_queue *queue = *state;
	struct queue_batch *batch = queue_batch_new("M", 100);
	size_t i;

	batch->items[0].rcpt_count = 0;
	batch->items[50].state = TP_QUEUE_DONE;
	batch->items[99].store = NULL;
	put_all(queue, batch);
	for (i = 0; i < 100; i++) {
		int is_bad = i == 0 || i == 50 || i == 99;

		assert_int_equal(batch->puts[i].rc, is_bad ? TP_EINVAL : TP_OK);
		assert_int_equal(batch->puts[i].err.code, batch->puts[i].rc);
	}
	assert_non_null(
		strstr(batch->puts[0].err.text, "without an open recipient"));
	assert_non_null(strstr(batch->puts[50].err.text, "queued or held"));
	assert_int_equal(waiting_count(queue), 97);
	assert_int_equal(queue_batch_known(batch, queue), 97);
	assert_int_equal(batch->known[50], 0);
	queue_batch_free(batch);
}

static void only_refused_ones_change_nothing(void **state)
{
	struct tp_queue *queue = *state;
	struct queue_batch *batch = queue_batch_new("M", 3);
	size_t i;

	for (i = 0; i < 3; i++)
		batch->items[i].rcpt_count = 0;
	put_all(queue, batch);
	for (i = 0; i < 3; i++)
		assert_int_equal(batch->puts[i].rc, TP_EINVAL);
	assert_int_equal(waiting_count(queue), 0);
	queue->ops->put_many(queue, NULL, 0);
	queue_batch_free(batch);
}

/* Within one call, and from one call to the next. */
static void a_repeated_one_among_many_is_put_once(void **state)
{
	struct tp_queue *queue = *state;
	struct queue_batch *batch = queue_batch_new("M", 6);
	struct queue_batch *again = queue_batch_new("M", 6);
	size_t i;

	(void)snprintf(batch->items[3].queue_id,
		sizeof(batch->items[3].queue_id), "%s", batch->ids[1]);
	batch->items[4].dedup_key = (char *)(uintptr_t) "order-1";
	batch->items[5].dedup_key = (char *)(uintptr_t) "order-1";
	put_all(queue, batch);
	for (i = 0; i < 6; i++)
		assert_int_equal(batch->puts[i].rc, i == 3 || i == 5);
	assert_string_equal(batch->puts[3].id_out, batch->ids[1]);
	assert_string_equal(batch->puts[5].id_out, batch->ids[4]);
	assert_int_equal(waiting_count(queue), 4);
	put_all(queue, again);
	for (i = 0; i < 6; i++)
		assert_int_equal(again->puts[i].rc, i != 3 && i != 5);
	assert_int_equal(waiting_count(queue), 6);
	queue_batch_free(again);
	queue_batch_free(batch);
}

static void what_is_there_is_known_in_any_state(void **state)
{
	struct tp_queue *queue = *state;
	static const char *const ids[] = { "A", "no", "B", "C", "", "D" };
	static const unsigned char want[] = { 1, 0, 1, 1, 0, 1 };
	unsigned char known[COUNT(ids)];
	struct tp_error err = TP_ERROR_INIT;
	int begun;

	queue_contract_put(queue, "A");
	queue_contract_put(queue, "B");
	queue_contract_begin(queue, "A");
	assert_int_equal(
		queue_contract_send(queue, "A", NULL, &begun, &err), 0);
	queue_contract_put(queue, "C");
	assert_int_equal(
		queue->ops->act(queue, TP_QUEUE_HOLD, "C", NOW, &err), 0);
	queue_contract_put(queue, "D");
	memset(known, 9, sizeof(known));
	assert_int_equal(
		queue->ops->known(queue, ids, COUNT(ids), known, &err), 0);
	assert_memory_equal(known, want, sizeof(known));
	assert_int_equal(queue->ops->known(queue, NULL, 0, NULL, &err), 0);
}

/* What was taken in from elsewhere is not taken in again because it could not
 * be removed there at once. */
static void what_was_swept_is_known_while_its_outcomes_are_kept(void **state)
{
	struct tp_queue *queue = *state;
	static const char *const ids[] = { "A", "B" };
	unsigned char known[2] = { 9, 9 };
	struct tp_error err = TP_ERROR_INIT;
	int begun;

	queue_contract_put(queue, "A");
	queue_contract_begin(queue, "A");
	assert_int_equal(
		queue_contract_send(queue, "A", NULL, &begun, &err), 0);
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 1);
	assert_int_equal(queue_contract_state(queue, "A"), -1);
	assert_int_equal(queue->ops->known(queue, ids, 2, known, &err), 0);
	assert_int_equal(known[0], 1);
	assert_int_equal(known[1], 0);
	assert_true(queue->ops->sweep(queue, INT64_MAX, 0, &err) > 0);
	assert_int_equal(queue->ops->known(queue, ids, 2, known, &err), 0);
	assert_int_equal(known[0], 0);
}

/* A commit that nobody was sure of may have been sent and swept meanwhile; a
 * restored spool holds what is long over. */
static void what_was_swept_is_not_put_again(void **state)
{
	struct tp_queue *queue = *state;
	struct queue_batch *batch = queue_batch_new("A", 3);
	struct tp_error err = TP_ERROR_INIT;
	char id[TP_QUEUE_ID_BYTES];
	int begun;
	int i;

	queue_contract_put(queue, batch->ids[1]);
	queue_contract_begin(queue, batch->ids[1]);
	assert_int_equal(
		queue_contract_send(queue, batch->ids[1], NULL, &begun, &err),
		0);
	assert_int_equal(queue->ops->sweep(queue, 0, 0, &err), 1);
	put_all(queue, batch);
	for (i = 0; i < 3; i++) {
		assert_int_equal(batch->puts[i].rc, i == 1);
		assert_string_equal(batch->puts[i].id_out, batch->ids[i]);
	}
	assert_int_equal(waiting_count(queue), 2);
	assert_int_equal(
		tp_queue_put_sure(queue,
			queue_contract_item(batch->ids[1], "default", "ses"),
			id, &err),
		1);
	assert_string_equal(id, batch->ids[1]);
	assert_int_equal(queue_contract_state(queue, batch->ids[1]), -1);
	queue_batch_free(batch);
}

#ifdef TP_TEST_ALLOC

/* Who was refused for want of memory can be put again. */
static void a_failed_allocation_refuses_some_and_keeps_the_rest(void **state)
{
	unsigned long n;
	size_t faults = 1;

	(void)state;
	for (n = 1; faults > 0; n++) {
		struct tp_queue *queue = open_queue();
		struct queue_batch *batch = queue_batch_new("M", 5);
		size_t put_count = 0;
		size_t i;

		(void)tp_mem_fail_at(n);
		put_all(queue, batch);
		(void)tp_mem_fail_at(0);
		for (i = 0; i < 5; i++) {
			assert_true(batch->puts[i].rc == 0 ||
				    batch->puts[i].rc == TP_ENOMEM);
			put_count += batch->puts[i].rc == 0;
		}
		assert_int_equal(waiting_count(queue), put_count);
		faults = 5 - put_count;
		put_all(queue, batch);
		for (i = 0; i < 5; i++)
			assert_true(batch->puts[i].rc >= 0);
		assert_int_equal(waiting_count(queue), 5);
		queue_batch_free(batch);
		queue->ops->destroy(&queue);
	}
	assert_true(n > 2);
}

#endif

/* ---- the group ---------------------------------------------------------- */

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

int queue_contract_many_run(const char *name, queue_contract_open_fn *open)
{
	const struct CMUnitTest tests[] = {
		CONTRACT(many_are_put_whole_and_in_order),
		CONTRACT(ten_thousand_are_put_in_batches),
		CONTRACT(one_that_is_refused_keeps_no_other_out),
		CONTRACT(only_refused_ones_change_nothing),
		CONTRACT(a_repeated_one_among_many_is_put_once),
		CONTRACT(what_is_there_is_known_in_any_state),
		CONTRACT(what_was_swept_is_known_while_its_outcomes_are_kept),
		CONTRACT(what_was_swept_is_not_put_again),
#ifdef TP_TEST_ALLOC
		CONTRACT(a_failed_allocation_refuses_some_and_keeps_the_rest),
#endif
	};

	open_queue = open;
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
