/*
 * queue_ram_test.c - the queue in memory keeps the contract
 *
 * SPDX-License-Identifier: MIT
 */
#include "queue_contract.h"

#include "base/err.h"

static struct tp_queue *open_ram(void)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue *queue = NULL;

	(void)tp_queue_ram_new(&queue, &err);
	return queue;
}

static struct tp_queue *lose_owner(struct tp_queue *queue)
{
	tp_queue_ram_lose_owner(queue);
	return queue;
}

int main(void)
{
	int failed = queue_contract_run("queue_ram", open_ram, lose_owner);

	return failed + queue_contract_many_run("queue_ram, many", open_ram);
}
