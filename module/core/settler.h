/*
 * settler.h - stores the result of one message while the next one is prepared
 *
 * JOB     A thread beside each worker. The worker hands it a settlement and
 *         goes on with the dialogue of the next message; before that message's
 *         body goes out it waits here until the settlement is durable. So the
 *         disk and the relay are waited for at the same time.
 *
 *         At most one settlement is under way: give() waits for the one
 *         before.
 * LAYER   core.
 * THREADS give() and wait() by whoever drives the session, one at a time.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_SETTLER_H
#define TP_CORE_SETTLER_H

#include "core/engine_private.h"
#include "core/settle.h"

struct tp_settler;

/* Starts the thread. @return NULL if it cannot be started */
struct tp_settler *tp_settler_new(struct tp_engine *engine);
/* Waits for what is under way, then ends the thread. NULL-safe. */
void tp_settler_destroy(struct tp_settler **settler);

/* Takes over *settle, which is empty afterwards. What its events point to
 * (the item, the connection's info) must stay until wait() has returned. */
void tp_settler_give(struct tp_settler *settler, struct tp_settle *settle);

/* Waits until what was given is stored, told to sink and waiters, and freed.
 * @return 1 if the last one given has begun its begin_next, else 0 */
int tp_settler_wait(struct tp_settler *settler);

#endif
