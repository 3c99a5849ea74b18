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

#define CONTRACT_NOW_MS INT64_C(1700000000000)
#define CONTRACT_LEASE_MS 60000

#endif
