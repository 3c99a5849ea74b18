/*
 * spool_reconcile.h - what is in the spool and in the queue already
 *
 * LAYER   api.
 * THREADS nobody else uses the reader meanwhile.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_SPOOL_RECONCILE_H
#define TP_API_SPOOL_RECONCILE_H

#include "adapters/spool.h"
#include "api/handle.h"

/* Removes from the spool what the queue of HANDLE knows, before it is delivered
 * and forgotten: it would be taken in again then.
 * @return 0; TP_EIO, or as the queue's known() */
int tp_spool_reconcile(tillpost_handle *handle, struct tp_spool_reader *reader,
	struct tp_error *err) TP_USE_RESULT;

#endif
