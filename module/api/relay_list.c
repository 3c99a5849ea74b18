/*
 * relay_list.c - what is known of relays, copied
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/relay_list.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct tp_relay_row *tp_relay_list_find(
	const struct tp_relay_list *list, const char *relay)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (strcmp(list->rows[i].relay, relay) == 0)
			return &list->rows[i];
	return NULL;
}

struct tp_relay_row *tp_relay_list_of(
	struct tp_relay_list *list, const char *relay)
{
	struct tp_relay_row *row = tp_relay_list_find(list, relay);

	if (row)
		return row;
	row = tp_realloc(list->rows, (list->count + 1) * sizeof(*row));
	if (!row) {
		list->failed = 1;
		return NULL;
	}
	list->rows = row;
	row += list->count++;
	memset(row, 0, sizeof(*row));
	(void)snprintf(row->relay, sizeof(row->relay), "%s", relay);
	return row;
}

void tp_relay_row_set(struct tp_relay_row *row, const char *state,
	const char *reason, int64_t retry_ms, int connections)
{
	(void)snprintf(row->state, sizeof(row->state), "%s", state);
	(void)snprintf(row->reason, sizeof(row->reason), "%s", reason);
	row->retry_ms = retry_ms;
	row->connections = connections;
}

static void copy_lane(void *ctx, const struct tp_lane_view *view)
{
	struct tp_relay_row *row = tp_relay_list_of(ctx, view->relay);

	if (row)
		tp_relay_row_set(row, tp_lane_state_name(view->state),
			view->reason, view->retry_ms, view->connections);
}

void tp_relay_list_lanes(struct tp_relay_list *list, struct tp_engine *engine)
{
	tp_engine_lanes(engine, copy_lane, list);
}

void tp_relay_list_show(const struct tp_relay_list *list,
	tillpost_relay_status_fn *relay, void *ctx)
{
	struct tillpost_relay_status status;
	int stop = 0;
	size_t i;

	for (i = 0; i < list->count && !stop; i++) {
		const struct tp_relay_row *row = &list->rows[i];

		TILLPOST_INIT(&status);
		status.relay = row->relay;
		status.state = row->state;
		status.reason = row->reason;
		status.retry_ms = row->retry_ms;
		status.waiting_count = row->waiting_count;
		status.connections = row->connections;
		stop = relay(ctx, &status) != 0;
	}
}

void tp_relay_list_clear(struct tp_relay_list *list)
{
	tp_free(list->rows);
	*list = (struct tp_relay_list) { .rows = NULL };
}
