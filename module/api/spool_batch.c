/*
 * spool_batch.c - spooled messages on their way into the queue, many at once
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/spool_batch.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A mail that waited while nobody took it in is tried all the same. */
#define LIFETIME_LEFT_MS (24 * INT64_C(3600000))
/* "4294967295:" */
#define OWNER_CHARS 11

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
	return message;
}

/* One user's key must not swallow another's mail in the same store. Root and
 * the daemon's own user are trusted, and share their keys with what is put into
 * the queue directly. @return NULL if out of memory. @owns caller */
static char *key_of(const char *key, uid_t owner)
{
	size_t bytes = OWNER_CHARS + strlen(key) + 1;
	char *own;

	if (owner == 0 || owner == geteuid())
		return tp_strdup(key);
	own = tp_alloc(bytes);
	if (own)
		(void)snprintf(own, bytes, "%lu:%s", (unsigned long)owner, key);
	return own;
}

/* A mail that waited here longer than its lifetime is tried all the same, but
 * not for longer than it would have been. What the sender himself has said
 * holds. */
static void give_time(struct tp_queue_item *item, const struct tp_store *store,
	int64_t given_ms, int64_t now_ms)
{
	int64_t left_ms = store->lifetime_ms < LIFETIME_LEFT_MS
				  ? store->lifetime_ms
				  : LIFETIME_LEFT_MS;

	if (item->created_ms + store->lifetime_ms < now_ms + left_ms)
		item->expires_ms = now_ms + left_ms;
	if (given_ms > 0 && given_ms < item->expires_ms)
		item->expires_ms = given_ms;
}

static int fill_item(struct slot *slot, const struct tp_spool_file *file,
	struct tillpost_message *message, int64_t accepted_ms, int64_t now_ms,
	struct tp_error *err)
{
	int rc;

	if (message->dedup_key) {
		slot->dedup_key = key_of(message->dedup_key, file->owner);
		if (!slot->dedup_key)
			return tp_fail(
				err, TP_ENOMEM, "spool", "out of memory");
		message->dedup_key = slot->dedup_key;
	}
	rc = tp_intake_item(
		&slot->intake, message, accepted_ms, &slot->item, err);
	if (rc < 0)
		return rc;
	give_time(&slot->item, slot->intake.route.store, message->expires_ms,
		now_ms);
	/* When it was accepted is the word of the file, and must not put it
	 * before others. */
	slot->item.next_try_ms = now_ms;
	(void)snprintf(slot->item.queue_id, sizeof(slot->item.queue_id), "%s",
		file->name);
	/* Here, so that what put() says is never about the item. */
	return tp_queue_item_check(&slot->item, err);
}

int tp_spool_batch_add(struct tp_spool_batch *batch,
	const struct tp_intake_context *context,
	const struct tp_spool_file *file, int64_t now_ms, struct tp_error *err)
{
	struct slot *slot = &batch->slots[batch->count];
	struct tillpost_message message = message_of(&file->record);
	int rc;

	if (batch->count == TP_SPOOL_BATCH_MAX_COUNT)
		return tp_fail(err, TP_EBUSY, "spool", "the batch is full");
	rc = tp_intake_make(context, &message, &slot->intake, err);
	/* Only now: it had not expired when it was accepted, and if it has
	 * since, that is for the queue to say. */
	message.expires_ms = file->record.expires_ms;
	if (rc >= 0)
		rc = fill_item(slot, file, &message, tp_now_ms(context->clock),
			now_ms, err);
	if (rc < 0) {
		clear_slot(slot);
		return rc;
	}
	slot->owner = file->owner;
	batch->bytes += slot->item.data_len;
	batch->count++;
	return TP_OK;
}

void tp_spool_batch_store(struct tp_spool_batch *batch, struct tp_queue *queue)
{
	size_t i;

	memset(batch->puts, 0, batch->count * sizeof(batch->puts[0]));
	for (i = 0; i < batch->count; i++)
		batch->puts[i].item = &batch->slots[i].item;
	queue->ops->put_many(queue, batch->puts, batch->count);
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
