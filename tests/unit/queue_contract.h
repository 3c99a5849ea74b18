/*
 * queue_contract.h - what every queue must do, as tests
 *
 * JOB     One set of tests that runs on each backend.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_TESTS_QUEUE_CONTRACT_H
#define TP_TESTS_QUEUE_CONTRACT_H

#include "core/queue.h"

/* A new, empty queue; the contract destroys it. */
typedef struct tp_queue *queue_contract_open_fn(void);

/* Makes all present leases those of a dead owner. @return the queue to go on
 * with: QUEUE, or another on the same messages (then QUEUE is destroyed) */
typedef struct tp_queue *queue_contract_lose_owner_fn(struct tp_queue *queue);

/* Runs the contract as a cmocka group. @return number of failed tests */
int queue_contract_run(const char *name, queue_contract_open_fn *open,
	queue_contract_lose_owner_fn *lose_owner);

/* The part about many messages at once. */
int queue_contract_many_run(const char *name, queue_contract_open_fn *open);

/* ---- for the backends' own tests ----------------------------------------- */

/* A message with two recipients and the data "data of <queue_id>"; borrowed
 * from static storage of the calling thread until the next call. */
struct tp_queue_item *queue_contract_item(
	const char *queue_id, const char *store, const char *relay);
/* Puts it; fails the test if that fails. */
void queue_contract_put(struct tp_queue *queue, const char *queue_id);
/* Claims and begins it. */
void queue_contract_begin(struct tp_queue *queue, const char *queue_id);
/* Settles it as sent to all. @return as settle() */
int queue_contract_send(struct tp_queue *queue, const char *queue_id,
	const char *next, int *begun_out, struct tp_error *err);
/* The state of a message, or -1 if the queue does not have it. */
int queue_contract_state(struct tp_queue *queue, const char *queue_id);

/* COUNT different messages, with one recipient, of the store "default" and the
 * relay "ses", to be put at once. Their ids are PREFIX and a number, and their
 * data is their id. */
struct queue_batch {
	struct tp_queue_item *items;
	struct tp_queue_rcpt *rcpts; /* of items */
	struct tp_queue_put *puts;
	const char **ids; /* of items */
	unsigned char *known;
	size_t count;
};
struct queue_batch *queue_batch_new(const char *prefix, size_t count);
void queue_batch_free(struct queue_batch *batch);
/* Asks for all of them. @return how many are known */
size_t queue_batch_known(struct queue_batch *batch, struct tp_queue *queue);

#define CONTRACT_NOW_MS INT64_C(1700000000000)
#define CONTRACT_LEASE_MS 60000

#endif
