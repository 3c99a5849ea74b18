/*
 * relay_list.h - what is known of relays, copied
 *
 * JOB     Lanes are shown under the engine's lock, rows of an answer live as
 *         long as a callback: here both are kept until they are shown.
 * LAYER   api.
 * THREADS a list belongs to one thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_API_RELAY_LIST_H
#define TP_API_RELAY_LIST_H

#include <tillpost/abi.h>

#include "core/engine.h"

struct tp_relay_row {
	char relay[128];
	char state[32];
	char reason[TP_ERROR_TEXT_BYTES];
	int64_t retry_ms;
	int64_t waiting_count;
	int connections;
};

/* Zeroes are an empty one. */
struct tp_relay_list {
	struct tp_relay_row *rows;
	size_t count;
	int failed; /* 1: there was no memory for one */
};

/* @return NULL if it is not there */
struct tp_relay_row *tp_relay_list_find(
	const struct tp_relay_list *list, const char *relay);
/* The row of RELAY, made if it is not there. Others may move.
 * @return NULL if out of memory */
struct tp_relay_row *tp_relay_list_of(
	struct tp_relay_list *list, const char *relay);
void tp_relay_row_set(struct tp_relay_row *row, const char *state,
	const char *reason, int64_t retry_ms, int connections);
/* Every lane of ENGINE. */
void tp_relay_list_lanes(struct tp_relay_list *list, struct tp_engine *engine);
/* Until RELAY returns nonzero. */
void tp_relay_list_show(const struct tp_relay_list *list,
	tillpost_relay_status_fn *relay, void *ctx);
void tp_relay_list_clear(struct tp_relay_list *list);

#endif
