/*
 * queue_ram.c - the queue in memory: the twin that tests run against
 *
 * Plain arrays and linear searches on purpose: this is the specification that
 * the fast one is compared with. Whatever can fail is done before the first
 * change, so a failed call changes nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/queue.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_MAX_COUNT 500

struct entry {
	struct tp_queue_item item;
	uint64_t sequence; /* order of arrival */
	uint64_t owner;	   /* of the lease */
	int64_t lease_until_ms;
	int64_t done_ms;
};

/* A growing array of pointers. */
struct list {
	void **at;
	size_t count;
	size_t cap;
};

struct ram_queue {
	struct tp_queue base;
	pthread_mutex_t mutex;
	struct list entries; /* struct entry, in order of arrival */
	struct list events;  /* struct tp_outcome, oldest first */
	uint64_t next_sequence;
	int64_t next_event_id;
	uint64_t owner; /* whose leases are this process's */
};

static struct ram_queue *ram(struct tp_queue *queue)
{
	return (struct ram_queue *)queue;
}

static int out_of_memory(struct tp_error *err)
{
	return tp_fail(err, TP_ENOMEM, "queue", "out of memory");
}

static struct entry *entry_at(const struct ram_queue *queue, size_t i)
{
	return queue->entries.at[i];
}

static struct tp_outcome *event_at(const struct ram_queue *queue, size_t i)
{
	return queue->events.at[i];
}

static int list_reserve(struct list *list, size_t more)
{
	size_t cap = list->cap ? list->cap : 16;
	void **at;

	if (list->at && list->count + more <= list->cap)
		return TP_OK;
	while (cap < list->count + more)
		cap *= 2;
	at = tp_realloc(list->at, cap * sizeof(*at));
	if (!at)
		return TP_ENOMEM;
	list->at = at;
	list->cap = cap;
	return TP_OK;
}

/* There must be room. */
static void list_add(struct list *list, void *ptr)
{
	list->at[list->count++] = ptr;
}

/* Keeps the order of what stays: those that are not NULL. */
static void list_compact(struct list *list)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->at[i])
			list->at[kept++] = list->at[i];
	list->count = kept;
}

static void entry_free(struct entry *entry)
{
	if (!entry)
		return;
	tp_queue_item_free(&entry->item);
	tp_free(entry);
}

static struct entry *entry_new(const struct tp_queue_item *item)
{
	struct entry *entry = tp_alloc(sizeof(*entry));

	if (!entry)
		return NULL;
	if (tp_queue_item_copy(&entry->item, item) < 0) {
		tp_free(entry);
		return NULL;
	}
	entry->item.data =
		tp_strndup(item->data ? item->data : "", item->data_len);
	if (!entry->item.data) {
		entry_free(entry);
		return NULL;
	}
	return entry;
}

static struct entry *find(const struct ram_queue *queue, const char *queue_id)
{
	size_t i;

	for (i = 0; i < queue->entries.count; i++)
		if (strcmp(entry_at(queue, i)->item.queue_id, queue_id) == 0)
			return entry_at(queue, i);
	return NULL;
}

/* A key belongs to its store. */
static int has_key_of(
	const struct entry *entry, const struct tp_queue_item *item)
{
	return tp_streq(entry->item.store, item->store) &&
	       tp_streq(entry->item.dedup_key, item->dedup_key);
}

static int has_event(const struct ram_queue *queue, const char *queue_id)
{
	size_t i;

	for (i = 0; i < queue->events.count; i++)
		if (strcmp(event_at(queue, i)->queue_id, queue_id) == 0)
			return 1;
	return 0;
}

/* It has a message of this id, or had one. */
static int knows(const struct ram_queue *queue, const char *queue_id)
{
	return find(queue, queue_id) || has_event(queue, queue_id);
}

/* The id of the message that ITEM repeats, if any; may be its own. */
static const char *find_same(
	const struct ram_queue *queue, const struct tp_queue_item *item)
{
	size_t i;

	if (knows(queue, item->queue_id))
		return item->queue_id;
	for (i = 0; item->dedup_key && i < queue->entries.count; i++)
		if (has_key_of(entry_at(queue, i), item))
			return entry_at(queue, i)->item.queue_id;
	return NULL;
}

static int is_open(const struct entry *entry)
{
	return entry->item.state != TP_QUEUE_DONE;
}

/* Is it in STATE, LEASED or IN_DOUBT, and ours? */
static int is_ours(const struct ram_queue *queue, const struct entry *entry,
	enum tp_queue_state state)
{
	return entry && entry->item.state == state &&
	       entry->owner == queue->owner;
}

static void add_entry(struct ram_queue *queue, struct entry *entry)
{
	entry->sequence = queue->next_sequence++;
	list_add(&queue->entries, entry);
}

static void add_event(struct ram_queue *queue, struct tp_outcome *event)
{
	event->event_id = ++queue->next_event_id;
	list_add(&queue->events, event);
}

static int ram_put(struct tp_queue *base, const struct tp_queue_item *item,
	char id_out[TP_QUEUE_ID_BYTES], struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	const char *same;
	struct entry *entry = NULL;
	int rc = tp_queue_item_check(item, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&queue->mutex);
	same = find_same(queue, item);
	if (same) {
		rc = 1;
		memcpy(id_out, same, TP_QUEUE_ID_BYTES);
		goto out;
	}
	entry = entry_new(item);
	if (!entry || list_reserve(&queue->entries, 1) < 0) {
		entry_free(entry);
		rc = out_of_memory(err);
		goto out;
	}
	add_entry(queue, entry);
	memcpy(id_out, item->queue_id, TP_QUEUE_ID_BYTES);
out:
	pthread_mutex_unlock(&queue->mutex);
	return rc;
}

static void ram_put_many(
	struct tp_queue *base, struct tp_queue_put *puts, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		tp_error_clear(&puts[i].err);
		puts[i].rc = ram_put(
			base, puts[i].item, puts[i].id_out, &puts[i].err);
	}
}

static int ram_known(struct tp_queue *base, const char *const *queue_ids,
	size_t count, unsigned char *known_out, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	size_t i;

	(void)err;
	pthread_mutex_lock(&queue->mutex);
	for (i = 0; i < count; i++)
		known_out[i] = (unsigned char)knows(queue, queue_ids[i]);
	pthread_mutex_unlock(&queue->mutex);
	return TP_OK;
}

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_expires(const void *a, const void *b)
{
	const struct entry *x = *(void *const *)a;
	const struct entry *y = *(void *const *)b;
	int order = compare(x->item.expires_ms, y->item.expires_ms);

	return order ? order : (x->sequence > y->sequence ? 1 : -1);
}

static int by_next_try(const void *a, const void *b)
{
	const struct entry *x = *(void *const *)a;
	const struct entry *y = *(void *const *)b;
	int order = compare(x->item.next_try_ms, y->item.next_try_ms);

	return order ? order : by_expires(a, b);
}

/* Copies the items of CHOSEN; nothing to free after a failure. */
static int copy_items(const struct list *chosen, struct tp_queue_item **out)
{
	struct tp_queue_item *items;
	size_t i;

	*out = NULL;
	if (chosen->count == 0)
		return TP_OK;
	items = tp_calloc(chosen->count, sizeof(*items));
	if (!items)
		return TP_ENOMEM;
	for (i = 0; i < chosen->count; i++) {
		const struct entry *entry = chosen->at[i];

		if (tp_queue_item_copy(&items[i], &entry->item) < 0) {
			tp_queue_items_free(items, chosen->count);
			return TP_ENOMEM;
		}
	}
	*out = items;
	return TP_OK;
}

static void lease(
	const struct ram_queue *queue, struct entry *entry, int64_t until_ms)
{
	if (entry->item.state != TP_QUEUE_IN_DOUBT)
		entry->item.state = TP_QUEUE_LEASED;
	entry->owner = queue->owner;
	entry->lease_until_ms = until_ms;
}

/* Leases what is CHOSEN and gives copies of it. Frees the list. */
static int lease_chosen(const struct ram_queue *queue, struct list *chosen,
	int64_t until_ms, struct tp_queue_item **items_out,
	struct tp_error *err)
{
	int rc = (int)chosen->count;
	size_t i;

	if (copy_items(chosen, items_out) < 0)
		rc = out_of_memory(err);
	for (i = 0; rc > 0 && i < chosen->count; i++) {
		struct entry *entry = chosen->at[i];

		lease(queue, entry, until_ms);
		(*items_out)[i].state = entry->item.state;
	}
	tp_free(chosen->at);
	return rc;
}

/* Chooses up to MAX_COUNT entries that MATCH, in an order, and leases them. */
static int choose(struct ram_queue *queue,
	int (*match)(const struct entry *entry, const struct tp_claim *claim),
	int (*order)(const void *a, const void *b),
	const struct tp_claim *claim, struct tp_queue_item **items_out,
	struct tp_error *err)
{
	struct list chosen = { NULL, 0, 0 };
	size_t i;
	int rc;

	*items_out = NULL;
	pthread_mutex_lock(&queue->mutex);
	if (list_reserve(&chosen, queue->entries.count) < 0) {
		rc = out_of_memory(err);
		goto out;
	}
	for (i = 0; i < queue->entries.count; i++)
		if (match(entry_at(queue, i), claim))
			list_add(&chosen, entry_at(queue, i));
	qsort(chosen.at, chosen.count, sizeof(*chosen.at), order);
	if (chosen.count > claim->max_count)
		chosen.count = claim->max_count;
	rc = lease_chosen(queue, &chosen, claim->now_ms + claim->lease_ms,
		items_out, err);
out:
	pthread_mutex_unlock(&queue->mutex);
	return rc;
}

static int is_expired(const struct entry *entry, int64_t now_ms)
{
	return entry->item.expires_ms > 0 && entry->item.expires_ms <= now_ms;
}

static int match_due(const struct entry *entry, const struct tp_claim *claim)
{
	return entry->item.state == TP_QUEUE_QUEUED &&
	       entry->item.next_try_ms <= claim->now_ms &&
	       !is_expired(entry, claim->now_ms) &&
	       strcmp(entry->item.relay, claim->relay) == 0;
}

static int match_expired(
	const struct entry *entry, const struct tp_claim *claim)
{
	return (entry->item.state == TP_QUEUE_QUEUED ||
		       entry->item.state == TP_QUEUE_HELD) &&
	       is_expired(entry, claim->now_ms);
}

static int ram_claim(struct tp_queue *base, const struct tp_claim *claim,
	struct tp_queue_item **items_out, struct tp_error *err)
{
	return choose(ram(base), match_due, by_next_try, claim, items_out, err);
}

static int ram_claim_expired(struct tp_queue *base, int64_t now_ms,
	int64_t lease_ms, size_t limit, struct tp_queue_item **items_out,
	struct tp_error *err)
{
	struct tp_claim claim = { NULL, now_ms, lease_ms, limit };

	return choose(
		ram(base), match_expired, by_expires, &claim, items_out, err);
}

static int ram_load(struct tp_queue *base, const char *queue_id,
	char **data_out, size_t *len_out, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	const struct entry *entry;
	int rc = TP_OK;

	pthread_mutex_lock(&queue->mutex);
	entry = find(queue, queue_id);
	if (!entry || !entry->item.data) {
		rc = tp_fail(err, TP_ENOTFOUND, queue_id, "no such message");
	} else {
		*data_out = tp_strndup(entry->item.data, entry->item.data_len);
		*len_out = entry->item.data_len;
		if (!*data_out)
			rc = out_of_memory(err);
	}
	pthread_mutex_unlock(&queue->mutex);
	return rc;
}

/* @return 1 if it is begun, 0 if it is not FROM that state, or not ours, or
 *         for another relay */
static int begin_locked(struct ram_queue *queue, const char *queue_id,
	const char *relay, enum tp_queue_state from)
{
	struct entry *entry = find(queue, queue_id);

	if (!is_ours(queue, entry, from) ||
		strcmp(entry->item.relay, relay) != 0)
		return 0;
	entry->item.state = TP_QUEUE_IN_DOUBT;
	return 1;
}

static int ram_begin(struct tp_queue *base, const char *queue_id,
	const char *relay, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	int begun;

	pthread_mutex_lock(&queue->mutex);
	begun = begin_locked(queue, queue_id, relay, TP_QUEUE_LEASED) ||
		begin_locked(queue, queue_id, relay, TP_QUEUE_IN_DOUBT);
	pthread_mutex_unlock(&queue->mutex);
	return begun ? TP_OK
		     : tp_fail(err, TP_ESTATE, queue_id,
			       "no lease on it for relay %s", relay);
}

/* Everything a settlement needs, made before anything is changed. */
struct prepared {
	char **texts;
	struct tp_outcome **events;
	struct entry *bounce;
};

static void prepared_free(struct prepared *prepared, size_t count)
{
	size_t i;

	for (i = 0; prepared->texts && i < count; i++)
		tp_free(prepared->texts[i]);
	for (i = 0; prepared->events && i < count; i++)
		tp_free(prepared->events[i]);
	tp_free(prepared->texts);
	tp_free(prepared->events);
	entry_free(prepared->bounce);
}

static int prepare(struct ram_queue *queue,
	const struct tp_settlement *settlement, struct prepared *prepared)
{
	size_t count = settlement->rcpt_count;
	size_t i;

	prepared->texts = tp_calloc(count, sizeof(*prepared->texts));
	prepared->events = tp_calloc(count, sizeof(*prepared->events));
	if (!prepared->texts || !prepared->events)
		return TP_ENOMEM;
	for (i = 0; i < count; i++) {
		const struct tp_outcome *outcome =
			&settlement->rcpts[i].outcome;

		prepared->texts[i] =
			tp_strdup(outcome->text ? outcome->text : "");
		prepared->events[i] = tp_queue_outcome_copy(outcome);
		if (!prepared->texts[i] || !prepared->events[i])
			return TP_ENOMEM;
	}
	if (settlement->bounce && !find_same(queue, settlement->bounce)) {
		prepared->bounce = entry_new(settlement->bounce);
		if (!prepared->bounce)
			return TP_ENOMEM;
	}
	if (list_reserve(&queue->events, count) < 0)
		return TP_ENOMEM;
	return list_reserve(&queue->entries, 1);
}

/* DONE if and only if nothing would be left open. */
static int state_fits(
	const struct entry *entry, const struct tp_settlement *settlement)
{
	size_t open_count = 0;
	size_t i;
	size_t j;

	for (i = 0; i < entry->item.rcpt_count; i++) {
		enum tp_rcpt_state state = entry->item.rcpts[i].state;

		for (j = 0; j < settlement->rcpt_count; j++)
			if (settlement->rcpts[j].index == i)
				state = settlement->rcpts[j].state;
		open_count += state == TP_RCPT_OPEN;
	}
	return (settlement->state == TP_QUEUE_DONE) == (open_count == 0);
}

static int settle_check(const struct ram_queue *queue,
	const struct entry *entry, const struct tp_settlement *settlement,
	struct tp_error *err)
{
	size_t i;

	if (!is_ours(queue, entry, TP_QUEUE_LEASED) &&
		!is_ours(queue, entry, TP_QUEUE_IN_DOUBT))
		return tp_fail(err, TP_ESTATE, settlement->queue_id,
			"the lease was lost");
	for (i = 0; i < settlement->rcpt_count; i++)
		if (settlement->rcpts[i].index >= entry->item.rcpt_count)
			return tp_fail(err, TP_EINVAL, settlement->queue_id,
				"no recipient number %zu",
				settlement->rcpts[i].index);
	if (!state_fits(entry, settlement))
		return tp_fail(err, TP_EINVAL, settlement->queue_id,
			"state %s does not fit the recipients",
			tp_queue_state_name(settlement->state));
	return TP_OK;
}

static void settle_rcpt(struct tp_queue_rcpt *rcpt,
	const struct tp_settled_rcpt *settled, char *text)
{
	const char *enhanced =
		settled->outcome.enhanced ? settled->outcome.enhanced : "";
	size_t len = strnlen(enhanced, sizeof(rcpt->enhanced) - 1);

	rcpt->state = settled->state;
	rcpt->reply_code = settled->outcome.reply_code;
	memcpy(rcpt->enhanced, enhanced, len);
	rcpt->enhanced[len] = '\0';
	tp_free(rcpt->text);
	rcpt->text = text;
}

/* Cannot fail; takes what is in PREPARED and the reason. */
static void settle_apply(struct ram_queue *queue, struct entry *entry,
	const struct tp_settlement *settlement, struct prepared *prepared,
	char *reason)
{
	struct tp_queue_item *item = &entry->item;
	size_t i;

	for (i = 0; i < settlement->rcpt_count; i++) {
		const struct tp_settled_rcpt *settled = &settlement->rcpts[i];

		settle_rcpt(&item->rcpts[settled->index], settled,
			prepared->texts[i]);
		add_event(queue, prepared->events[i]);
		prepared->texts[i] = NULL;
		prepared->events[i] = NULL;
	}
	item->attempts += settlement->charged ? 1 : 0;
	item->unknown_count += settlement->unknown ? 1 : 0;
	item->state = settlement->state;
	if (item->state == TP_QUEUE_QUEUED)
		item->next_try_ms = settlement->next_try_ms;
	if (item->state == TP_QUEUE_DONE)
		entry->done_ms = tp_now_ms(NULL);
	tp_free(item->reason);
	item->reason = reason;
	if (prepared->bounce)
		add_entry(queue, prepared->bounce);
	prepared->bounce = NULL;
}

static int ram_settle(struct tp_queue *base,
	const struct tp_settlement *settlement, int *next_begun_out,
	struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	struct prepared prepared = { NULL, NULL, NULL };
	struct entry *entry;
	char *reason = NULL;
	int rc = tp_queue_settlement_check(settlement, err);

	*next_begun_out = 0;
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&queue->mutex);
	entry = find(queue, settlement->queue_id);
	rc = settle_check(queue, entry, settlement, err);
	if (rc < 0)
		goto out;
	if (settlement->reason && settlement->state != TP_QUEUE_DONE) {
		reason = tp_strdup(settlement->reason);
		if (!reason)
			rc = out_of_memory(err);
	}
	if (rc >= 0 && prepare(queue, settlement, &prepared) < 0)
		rc = out_of_memory(err);
	if (rc < 0) {
		tp_free(reason);
		goto out;
	}
	settle_apply(queue, entry, settlement, &prepared, reason);
	if (settlement->begin_next)
		*next_begun_out = begin_locked(queue, settlement->begin_next,
			settlement->begin_relay, TP_QUEUE_LEASED);
out:
	prepared_free(&prepared, settlement->rcpt_count);
	pthread_mutex_unlock(&queue->mutex);
	return rc;
}

static int ram_unclaim(struct tp_queue *base, const char *const *queue_ids,
	size_t count, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	size_t i;

	(void)err;
	pthread_mutex_lock(&queue->mutex);
	for (i = 0; i < count; i++) {
		struct entry *entry = find(queue, queue_ids[i]);

		if (is_ours(queue, entry, TP_QUEUE_LEASED))
			entry->item.state = TP_QUEUE_QUEUED;
	}
	pthread_mutex_unlock(&queue->mutex);
	return TP_OK;
}

/* The only dead owners are those of tp_queue_ram_lose_owner(). */
static int is_lost(const struct ram_queue *queue, const struct entry *entry,
	enum tp_queue_state state, int64_t now_ms)
{
	if (entry->item.state != state)
		return 0;
	return entry->owner != queue->owner ||
	       (state == TP_QUEUE_LEASED && entry->lease_until_ms <= now_ms);
}

static int ram_recover(struct tp_queue *base, int64_t now_ms, int64_t lease_ms,
	tp_queue_item_fn *cb, void *ctx, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	struct list doubtful = { NULL, 0, 0 };
	struct tp_queue_item *items = NULL;
	size_t i;
	int freed = 0;
	int rc;

	pthread_mutex_lock(&queue->mutex);
	if (list_reserve(&doubtful, queue->entries.count) < 0) {
		pthread_mutex_unlock(&queue->mutex);
		return out_of_memory(err);
	}
	for (i = 0; i < queue->entries.count; i++)
		if (is_lost(queue, entry_at(queue, i), TP_QUEUE_IN_DOUBT,
			    now_ms))
			list_add(&doubtful, entry_at(queue, i));
	rc = lease_chosen(queue, &doubtful, now_ms + lease_ms, &items, err);
	for (i = 0; rc >= 0 && i < queue->entries.count; i++) {
		struct entry *entry = entry_at(queue, i);

		if (!is_lost(queue, entry, TP_QUEUE_LEASED, now_ms))
			continue;
		entry->item.state = TP_QUEUE_QUEUED;
		freed++;
	}
	pthread_mutex_unlock(&queue->mutex);
	if (rc < 0)
		return rc;
	tp_queue_items_show(items, (size_t)rc, cb, ctx);
	tp_queue_items_free(items, (size_t)rc);
	return rc + freed;
}

/* The entry of this relay in DUE, made if it is not there. */
static struct tp_queue_relay_due *due_of(
	struct tp_queue_relay_due *due, size_t *count, const char *relay)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (strcmp(due[i].relay, relay) == 0)
			return &due[i];
	due[i].relay = tp_strdup(relay);
	if (!due[i].relay)
		return NULL;
	due[i].next_try_ms = INT64_MAX;
	(*count)++;
	return &due[i];
}

static int ram_due(struct tp_queue *base, int64_t now_ms,
	struct tp_queue_relay_due **due_out, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	struct tp_queue_relay_due *due;
	size_t count = 0;
	size_t i;

	*due_out = NULL;
	pthread_mutex_lock(&queue->mutex);
	due = tp_calloc(queue->entries.count, sizeof(*due));
	for (i = 0; due && i < queue->entries.count; i++) {
		const struct tp_queue_item *item = &entry_at(queue, i)->item;
		struct tp_queue_relay_due *one;

		if (item->state != TP_QUEUE_QUEUED ||
			is_expired(entry_at(queue, i), now_ms))
			continue;
		one = due_of(due, &count, item->relay);
		if (!one) {
			while (count > 0)
				tp_free(due[--count].relay);
			tp_free(due);
			due = NULL;
			break;
		}
		one->due_count += item->next_try_ms <= now_ms &&
				  one->due_count < TP_QUEUE_DUE_MAX_COUNT;
		if (item->next_try_ms < one->next_try_ms)
			one->next_try_ms = item->next_try_ms;
	}
	pthread_mutex_unlock(&queue->mutex);
	if (!due)
		return out_of_memory(err);
	*due_out = due;
	return (int)count;
}

static int ram_reroute(struct tp_queue *base, const char *store,
	const char *relay, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	struct list names = { NULL, 0, 0 };
	size_t i;
	int rc = TP_OK;

	pthread_mutex_lock(&queue->mutex);
	if (list_reserve(&names, queue->entries.count) < 0)
		rc = TP_ENOMEM;
	for (i = 0; rc == TP_OK && i < queue->entries.count; i++) {
		char *name = tp_strdup(relay);

		if (name)
			list_add(&names, name);
		else
			rc = TP_ENOMEM;
	}
	for (i = 0; i < queue->entries.count && i < names.count; i++) {
		struct entry *entry = entry_at(queue, i);

		if (rc == TP_OK && is_open(entry) &&
			strcmp(entry->item.store, store) == 0) {
			tp_free(entry->item.relay);
			entry->item.relay = names.at[i];
		} else {
			tp_free(names.at[i]);
		}
	}
	tp_free(names.at);
	pthread_mutex_unlock(&queue->mutex);
	return rc == TP_OK ? TP_OK : out_of_memory(err);
}

static int matches(
	const struct entry *entry, const struct tp_queue_filter *filter)
{
	const struct tp_queue_item *item = &entry->item;

	return (!filter->store || strcmp(item->store, filter->store) == 0) &&
	       (!filter->queue_id ||
		       strcmp(item->queue_id, filter->queue_id) == 0) &&
	       (filter->state < 0 ? is_open(entry)
				  : (int)item->state == filter->state);
}

static int ram_list(struct tp_queue *base, const struct tp_queue_filter *filter,
	tp_queue_item_fn *cb, void *ctx, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	struct list chosen = { NULL, 0, 0 };
	struct tp_queue_item *items = NULL;
	size_t limit = filter->limit ? filter->limit : SIZE_MAX;
	size_t i;
	int rc;

	pthread_mutex_lock(&queue->mutex);
	rc = list_reserve(&chosen, queue->entries.count);
	for (i = 0; rc >= 0 && i < queue->entries.count; i++)
		if (chosen.count < limit && matches(entry_at(queue, i), filter))
			list_add(&chosen, entry_at(queue, i));
	if (rc >= 0)
		rc = copy_items(&chosen, &items);
	pthread_mutex_unlock(&queue->mutex);
	tp_free(chosen.at);
	if (rc < 0)
		return out_of_memory(err);
	tp_queue_items_show(items, chosen.count, cb, ctx);
	tp_queue_items_free(items, chosen.count);
	return TP_OK;
}

/* Ends the open recipients with one event each. */
static int cancel(struct ram_queue *queue, struct entry *entry, int64_t now_ms)
{
	struct tp_queue_item *item = &entry->item;
	size_t before = queue->events.count;
	size_t i;

	if (list_reserve(&queue->events, item->rcpt_count) < 0)
		return TP_ENOMEM;
	for (i = 0; i < item->rcpt_count; i++) {
		struct tp_outcome outcome = tp_queue_cancelled(item, i, now_ms);
		struct tp_outcome *event;

		if (item->rcpts[i].state != TP_RCPT_OPEN)
			continue;
		event = tp_queue_outcome_copy(&outcome);
		if (!event) {
			while (queue->events.count > before)
				tp_free(queue->events
						.at[--queue->events.count]);
			return TP_ENOMEM;
		}
		add_event(queue, event);
	}
	for (i = 0; i < item->rcpt_count; i++)
		if (item->rcpts[i].state == TP_RCPT_OPEN)
			item->rcpts[i].state = TP_RCPT_CANCELLED;
	item->state = TP_QUEUE_DONE;
	entry->done_ms = tp_now_ms(NULL);
	return TP_OK;
}

static int act_locked(struct ram_queue *queue, struct entry *entry,
	enum tp_queue_action action, int64_t now_ms)
{
	struct tp_queue_item *item = &entry->item;
	char *reason = NULL;

	if (action == TP_QUEUE_CANCEL)
		return cancel(queue, entry, now_ms);
	if (action == TP_QUEUE_HOLD) {
		reason = tp_strdup(TP_QUEUE_HELD_REASON);
		if (!reason)
			return TP_ENOMEM;
		item->state = TP_QUEUE_HELD;
	} else {
		item->state = TP_QUEUE_QUEUED;
		item->next_try_ms = now_ms;
	}
	tp_free(item->reason);
	item->reason = reason;
	return TP_OK;
}

static int ram_act(struct tp_queue *base, enum tp_queue_action action,
	const char *queue_id, int64_t now_ms, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	struct entry *entry;
	int rc;

	pthread_mutex_lock(&queue->mutex);
	entry = find(queue, queue_id);
	if (!entry) {
		rc = tp_fail(err, TP_ENOTFOUND, queue_id, "no such message");
	} else {
		rc = tp_queue_act_check(
			action, entry->item.state, queue_id, err);
		if (rc >= 0 && act_locked(queue, entry, action, now_ms) < 0)
			rc = out_of_memory(err);
	}
	pthread_mutex_unlock(&queue->mutex);
	return rc;
}

static int wanted(const char *filter, const char *value)
{
	return !filter || strcmp(filter, value) == 0;
}

static int outcome_matches(const struct tp_outcome *outcome,
	const struct tp_outcome_filter *filter)
{
	return wanted(filter->store, outcome->store) &&
	       wanted(filter->relay, outcome->relay) &&
	       wanted(filter->queue_id, outcome->queue_id) &&
	       wanted(filter->message_id, outcome->message_id) &&
	       wanted(filter->verdict, outcome->verdict) &&
	       (!filter->recipient || tp_strcasecmp(filter->recipient,
					      outcome->recipient) == 0) &&
	       outcome->time_ms >= filter->since_ms &&
	       (filter->until_ms == 0 ||
		       outcome->time_ms <= filter->until_ms) &&
	       outcome->event_id > filter->after_event_id;
}

/* Copies the newest LIMIT that match, newest first. */
static int copy_outcomes(struct ram_queue *queue,
	const struct tp_outcome_filter *filter, struct list *found)
{
	size_t limit = filter->limit ? filter->limit : SIZE_MAX;
	size_t i;

	if (list_reserve(found, queue->events.count) < 0)
		return TP_ENOMEM;
	for (i = queue->events.count; i > 0 && found->count < limit; i--) {
		struct tp_outcome *copy;

		if (!outcome_matches(event_at(queue, i - 1), filter))
			continue;
		copy = tp_queue_outcome_copy(event_at(queue, i - 1));
		if (!copy)
			return TP_ENOMEM;
		list_add(found, copy);
	}
	return TP_OK;
}

static int ram_outcomes(struct tp_queue *base,
	const struct tp_outcome_filter *filter, tp_outcome_fn *cb, void *ctx,
	struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	struct list found = { NULL, 0, 0 };
	int ended = 0;
	int rc;

	pthread_mutex_lock(&queue->mutex);
	rc = copy_outcomes(queue, filter, &found);
	pthread_mutex_unlock(&queue->mutex);
	if (rc < 0)
		rc = out_of_memory(err);
	while (found.count > 0) {
		struct tp_outcome *outcome = found.at[--found.count];

		if (rc >= 0 && !ended)
			ended = cb(ctx, outcome);
		tp_free(outcome);
	}
	tp_free(found.at);
	return rc;
}

static int ram_stats(
	struct tp_queue *base, struct tp_queue_stats *out, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	size_t i;

	(void)err;
	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&queue->mutex);
	for (i = 0; i < queue->entries.count; i++) {
		const struct entry *entry = entry_at(queue, i);
		const struct tp_queue_item *item = &entry->item;

		out->queued += item->state == TP_QUEUE_QUEUED;
		out->leased += item->state == TP_QUEUE_LEASED;
		out->in_doubt += item->state == TP_QUEUE_IN_DOUBT;
		out->held += item->state == TP_QUEUE_HELD;
		out->done += item->state == TP_QUEUE_DONE;
		out->bytes += (int64_t)item->data_len;
		if (is_open(entry) &&
			(out->oldest_created_ms == 0 ||
				item->created_ms < out->oldest_created_ms))
			out->oldest_created_ms = item->created_ms;
	}
	pthread_mutex_unlock(&queue->mutex);
	return TP_OK;
}

/* Removes the body, or the whole row when nobody can ask for it any more. */
static int sweep_entry(struct entry **at, int64_t now_ms)
{
	struct entry *entry = *at;

	if (is_open(entry))
		return 0;
	if (!entry->item.dedup_key ||
		entry->done_ms + TP_QUEUE_DEDUP_MS <= now_ms) {
		entry_free(entry);
		*at = NULL;
		return 1;
	}
	if (!entry->item.data)
		return 0;
	tp_free(entry->item.data);
	entry->item.data = NULL;
	entry->item.data_len = 0;
	return 1;
}

static int sweep_events(
	struct ram_queue *queue, int64_t before_ms, int64_t max_bytes)
{
	int64_t bytes = 0;
	int count = 0;
	size_t i;

	for (i = queue->events.count; i > 0; i--) {
		const struct tp_outcome *event = event_at(queue, i - 1);

		bytes += (int64_t)tp_queue_outcome_bytes(event) +
			 TP_QUEUE_EVENT_BYTES;
		if (event->time_ms >= before_ms &&
			(max_bytes <= 0 || bytes <= max_bytes))
			continue;
		tp_free(queue->events.at[i - 1]);
		queue->events.at[i - 1] = NULL;
		count++;
	}
	list_compact(&queue->events);
	return count;
}

static int ram_sweep(struct tp_queue *base, int64_t events_before_ms,
	int64_t events_max_bytes, struct tp_error *err)
{
	struct ram_queue *queue = ram(base);
	int64_t now_ms = tp_now_ms(NULL);
	int count = 0;
	size_t i;

	(void)err;
	pthread_mutex_lock(&queue->mutex);
	for (i = 0; i < queue->entries.count && count < SWEEP_MAX_COUNT; i++) {
		struct entry *entry = entry_at(queue, i);

		count += sweep_entry(&entry, now_ms);
		queue->entries.at[i] = entry;
	}
	list_compact(&queue->entries);
	count += sweep_events(queue, events_before_ms, events_max_bytes);
	pthread_mutex_unlock(&queue->mutex);
	return count;
}

static void ram_destroy(struct tp_queue **base)
{
	struct ram_queue *queue;
	size_t i;

	if (!base || !*base)
		return;
	queue = ram(*base);
	for (i = 0; i < queue->entries.count; i++)
		entry_free(queue->entries.at[i]);
	for (i = 0; i < queue->events.count; i++)
		tp_free(queue->events.at[i]);
	tp_free(queue->entries.at);
	tp_free(queue->events.at);
	pthread_mutex_destroy(&queue->mutex);
	tp_free(queue);
	*base = NULL;
}

static const struct tp_queue_ops ram_ops = {
	.put = ram_put,
	.put_many = ram_put_many,
	.known = ram_known,
	.claim = ram_claim,
	.load = ram_load,
	.begin = ram_begin,
	.settle = ram_settle,
	.unclaim = ram_unclaim,
	.recover = ram_recover,
	.claim_expired = ram_claim_expired,
	.due = ram_due,
	.reroute = ram_reroute,
	.list = ram_list,
	.act = ram_act,
	.outcomes = ram_outcomes,
	.stats = ram_stats,
	.sweep = ram_sweep,
	.destroy = ram_destroy,
};

void tp_queue_ram_lose_owner(struct tp_queue *base)
{
	struct ram_queue *queue = ram(base);

	pthread_mutex_lock(&queue->mutex);
	queue->owner++;
	pthread_mutex_unlock(&queue->mutex);
}

int tp_queue_ram_new(struct tp_queue **queue_out, struct tp_error *err)
{
	struct ram_queue *queue = tp_alloc(sizeof(*queue));

	*queue_out = NULL;
	if (!queue)
		return out_of_memory(err);
	if (pthread_mutex_init(&queue->mutex, NULL) != 0) {
		tp_free(queue);
		return out_of_memory(err);
	}
	queue->base.ops = &ram_ops;
	*queue_out = &queue->base;
	return TP_OK;
}
