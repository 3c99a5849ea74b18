/*
 * spool_batch.c - spooled messages on their way into the queue, many at once
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/spool_batch.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define PUT_AGAIN_MAX_COUNT 2

struct slot {
	uid_t owner;
	struct tp_intake intake;
	struct tp_queue_item item; /* borrows from intake and dedup_key */
	char *dedup_key;
};

struct tp_spool_batch {
	size_t count;
	size_t bytes;
	struct slot slots[TP_SPOOL_BATCH_MAX_COUNT];
	struct tp_queue_put puts[TP_SPOOL_BATCH_MAX_COUNT];
};

struct tp_spool_batch *tp_spool_batch_new(void)
{
	return tp_alloc(sizeof(struct tp_spool_batch));
}

void tp_spool_batch_free(struct tp_spool_batch **batch)
{
	if (!*batch)
		return;
	tp_spool_batch_clear(*batch);
	tp_free(*batch);
	*batch = NULL;
}

static void clear_slot(struct slot *slot)
{
	tp_free(slot->item.rcpts);
	tp_free(slot->dedup_key);
	tp_intake_free(&slot->intake);
	memset(slot, 0, sizeof(*slot));
}

void tp_spool_batch_clear(struct tp_spool_batch *batch)
{
	while (batch->count > 0)
		clear_slot(&batch->slots[--batch->count]);
	batch->bytes = 0;
}

int tp_spool_batch_full(const struct tp_spool_batch *batch)
{
	return batch->count == TP_SPOOL_BATCH_MAX_COUNT ||
	       batch->bytes >= TP_SPOOL_BATCH_FULL_BYTES;
}

/* The call that the record is a recording of. */
static struct tillpost_message message_of(const struct tp_spool_record *record)
{
	struct tillpost_message message;

	TILLPOST_INIT(&message);
	if (record->header_recipients)
		message.flags = TILLPOST_SUBMIT_HEADER_RECIPIENTS;
	message.data = record->data;
	message.data_bytes = record->data_bytes;
	message.sender = record->sender;
	message.recipients = record->recipients;
	message.recipient_count = (uint32_t)record->recipient_count;
	message.store = record->store;
	message.run_code = record->run_code;
	message.http_host = record->http_host;
	message.dedup_key = record->dedup_key;
	message.expires_ms = record->expires_ms;
	return message;
}

static int fill_item(struct slot *slot, const struct tp_spool_file *file,
	struct tillpost_message *message, int64_t accepted_ms,
	struct tp_error *err)
{
	int rc;

	if (message->dedup_key) {
		slot->dedup_key = tp_strdup(message->dedup_key);
		if (!slot->dedup_key)
			return tp_fail(
				err, TP_ENOMEM, "spool", "out of memory");
		message->dedup_key = slot->dedup_key;
	}
	rc = tp_intake_item(
		&slot->intake, message, accepted_ms, &slot->item, err);
	if (rc >= 0)
		(void)snprintf(slot->item.queue_id, sizeof(slot->item.queue_id),
			"%s", file->name);
	return rc;
}

int tp_spool_batch_add(struct tp_spool_batch *batch,
	const struct tp_intake_context *context,
	const struct tp_spool_file *file, struct tp_error *err)
{
	struct slot *slot = &batch->slots[batch->count];
	struct tillpost_message message = message_of(&file->record);
	int rc;

	if (batch->count == TP_SPOOL_BATCH_MAX_COUNT)
		return tp_fail(err, TP_EBUSY, "spool", "the batch is full");
	rc = tp_intake_make(context, &message, &slot->intake, err);
	if (rc >= 0)
		rc = fill_item(
			slot, file, &message, tp_now_ms(context->clock), err);
	if (rc < 0) {
		clear_slot(slot);
		return rc;
	}
	slot->owner = file->owner;
	batch->bytes += slot->item.data_len;
	batch->count++;
	return TP_OK;
}

/* A commit of which nobody knows whether it took place may be repeated: the
 * queue knows the item by its id. */
static void put_again(struct tp_queue *queue, struct tp_queue_put *put)
{
	int i;

	for (i = 0; i < PUT_AGAIN_MAX_COUNT && put->rc == TP_EUNCERTAIN; i++) {
		tp_error_clear(&put->err);
		put->rc = queue->ops->put(
			queue, put->item, put->id_out, &put->err);
	}
}

void tp_spool_batch_store(struct tp_spool_batch *batch, struct tp_queue *queue)
{
	size_t i;

	memset(batch->puts, 0, batch->count * sizeof(batch->puts[0]));
	for (i = 0; i < batch->count; i++)
		batch->puts[i].item = &batch->slots[i].item;
	queue->ops->put_many(queue, batch->puts, batch->count);
	for (i = 0; i < batch->count; i++)
		put_again(queue, &batch->puts[i]);
}

int tp_spool_batch_stored(const struct tp_spool_batch *batch, size_t index,
	struct tp_spool_stored *stored_out)
{
	if (index >= batch->count)
		return 0;
	*stored_out = (struct tp_spool_stored) {
		.name = batch->slots[index].item.queue_id,
		.owner = batch->slots[index].owner,
		.rc = batch->puts[index].rc,
		.first_id = batch->puts[index].id_out,
		.err = &batch->puts[index].err,
	};
	return 1;
}
