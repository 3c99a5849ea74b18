/*
 * spool_batch.h - spooled messages on their way into the queue, many at once
 *
 * JOB     Collects messages until they are worth a transaction, stores them,
 *         and says of each what became of it.
 * BOUNDS  TP_SPOOL_BATCH_MAX_COUNT messages; full from
 *         TP_SPOOL_BATCH_FULL_BYTES on, so one message more than that.
 * LAYER   api.
 * THREADS a batch belongs to one thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_SPOOL_BATCH_H
#define TP_API_SPOOL_BATCH_H

#include "adapters/spool.h"
#include "api/handle.h"

#define TP_SPOOL_BATCH_MAX_COUNT 128
#define TP_SPOOL_BATCH_FULL_BYTES (4u << 20)

struct tp_spool_batch;

/* @return NULL if out of memory */
struct tp_spool_batch *tp_spool_batch_new(void) TP_USE_RESULT;
void tp_spool_batch_free(struct tp_spool_batch **batch);

/* Prepares FILE as submit() would have at CONTEXT's time, and checks it as the
 * queue would; NOW_MS is the time now. Keeps nothing of FILE.
 * @return as tp_intake_make() */
int tp_spool_batch_add(struct tp_spool_batch *batch,
	const struct tp_intake_context *context,
	const struct tp_spool_file *file, int64_t now_ms,
	struct tp_error *err) TP_USE_RESULT;
int tp_spool_batch_full(const struct tp_spool_batch *batch);

/* Puts all into QUEUE, durably. */
void tp_spool_batch_store(struct tp_spool_batch *batch, struct tp_queue *queue);

/* What became of one of them; borrowed until the batch is cleared. */
struct tp_spool_stored {
	const char *name;
	uid_t owner;
	int rc;			    /* as put() returns */
	const char *first_id;	    /* rc 1: the id that the queue has */
	const struct tp_error *err; /* rc negative */
};
/* @return 1, or 0 when INDEX is past the last */
int tp_spool_batch_stored(const struct tp_spool_batch *batch, size_t index,
	struct tp_spool_stored *stored_out);
void tp_spool_batch_clear(struct tp_spool_batch *batch);

#endif
