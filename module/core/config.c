/*
 * config.c - the resolved configuration: what a relay and a store are
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/config.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/setting_value.h"

#include <string.h>

static struct tp_origin *new_origins(void)
{
	size_t count;

	(void)tp_settings_table(&count);
	return tp_calloc(count, sizeof(struct tp_origin));
}

static void free_origins(struct tp_origin *origins)
{
	size_t count;
	size_t i;

	(void)tp_settings_table(&count);
	for (i = 0; origins && i < count; i++)
		tp_free(origins[i].where);
	tp_free(origins);
}

static void clear_record(const struct tp_record *record)
{
	size_t count;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);

	for (i = 0; i < count; i++)
		if (table[i].scope == record->scope)
			tp_setting_clear(&table[i], record->base);
}

struct tp_config *tp_config_new(void)
{
	struct tp_config *config = tp_alloc(sizeof(*config));

	if (!config)
		return NULL;
	atomic_init(&config->refs, 1);
	config->origins = new_origins();
	if (!config->origins)
		tp_config_unref(&config);
	return config;
}

struct tp_relay *tp_config_relay_add(
	struct tp_config *config, const char *name, const char *where)
{
	struct tp_relay relay = { .name = tp_strdup(name),
		.where = tp_strdup(where),
		.origins = new_origins() };
	struct tp_relay *grown = NULL;

	if (relay.name && relay.where && relay.origins)
		grown = tp_realloc(config->relays,
			(config->relay_count + 1) * sizeof(*grown));
	if (!grown) {
		tp_free(relay.name);
		tp_free(relay.where);
		free_origins(relay.origins);
		return NULL;
	}
	config->relays = grown;
	grown[config->relay_count] = relay;
	return &grown[config->relay_count++];
}

struct tp_store *tp_config_store_add(
	struct tp_config *config, const char *name, const char *where)
{
	struct tp_store store = { .name = tp_strdup(name),
		.where = tp_strdup(where),
		.origins = new_origins() };
	struct tp_store *grown = NULL;

	if (store.name && store.where && store.origins)
		grown = tp_realloc(config->stores,
			(config->store_count + 1) * sizeof(*grown));
	if (!grown) {
		tp_free(store.name);
		tp_free(store.where);
		free_origins(store.origins);
		return NULL;
	}
	config->stores = grown;
	grown[config->store_count] = store;
	return &grown[config->store_count++];
}

struct tp_record tp_relay_record(const struct tp_relay *relay)
{
	return (struct tp_record) { .scope = TP_SETTINGS_RELAY,
		.base = (void *)relay,
		.origins = relay->origins,
		.name = relay->name };
}

struct tp_record tp_store_record(const struct tp_store *store)
{
	return (struct tp_record) { .scope = TP_SETTINGS_STORE,
		.base = (void *)store,
		.origins = store->origins,
		.name = store->name };
}

int tp_config_record(const struct tp_config *config, size_t index,
	struct tp_record *record_out)
{
	static const enum tp_setting_scope globals[] = { TP_SETTINGS_QUEUE,
		TP_SETTINGS_SPOOL, TP_SETTINGS_LOG, TP_SETTINGS_SUBMIT };
	const size_t global_count = sizeof(globals) / sizeof(globals[0]);

	if (index < global_count) {
		*record_out = (struct tp_record) { .scope = globals[index],
			.base = (void *)config,
			.origins = config->origins };
		return 1;
	}
	index -= global_count;
	if (index < config->relay_count) {
		*record_out = tp_relay_record(&config->relays[index]);
		return 1;
	}
	index -= config->relay_count;
	if (index / 2 >= config->store_count)
		return 0;
	*record_out = tp_store_record(&config->stores[index / 2]);
	if (index % 2 == 1)
		record_out->scope = TP_SETTINGS_MATCH;
	return 1;
}

struct tp_origin *tp_origin_of(
	const struct tp_record *record, const struct tp_setting *setting)
{
	if (!record->origins)
		return NULL;
	return &record->origins[tp_setting_index(setting)];
}

int tp_origin_set(const struct tp_record *record,
	const struct tp_setting *setting, enum tp_source source,
	const char *where)
{
	struct tp_origin *origin = tp_origin_of(record, setting);
	char *copy = tp_strdup(where);

	if (where && !copy)
		return TP_ENOMEM;
	tp_free(origin->where);
	*origin = (struct tp_origin) { .source = source, .where = copy };
	return TP_OK;
}

const struct tp_relay *tp_config_relay(
	const struct tp_config *config, const char *name)
{
	size_t i;

	for (i = 0; name && i < config->relay_count; i++)
		if (tp_streq(config->relays[i].name, name))
			return &config->relays[i];
	return NULL;
}

const struct tp_store *tp_config_store(
	const struct tp_config *config, const char *name)
{
	size_t i;

	for (i = 0; name && i < config->store_count; i++)
		if (tp_streq(config->stores[i].name, name))
			return &config->stores[i];
	return NULL;
}

struct tp_config *tp_config_ref(struct tp_config *config)
{
	(void)atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
	return config;
}

static void destroy(struct tp_config *config)
{
	struct tp_record record;
	size_t i;

	for (i = 0; i < config->relay_count; i++)
		if (config->relays[i].username_is_secret &&
			config->relays[i].username)
			tp_wipe(config->relays[i].username,
				strlen(config->relays[i].username));
	for (i = 0; tp_config_record(config, i, &record); i++)
		clear_record(&record);
	for (i = 0; i < config->relay_count; i++) {
		tp_free(config->relays[i].name);
		tp_free(config->relays[i].where);
		free_origins(config->relays[i].origins);
	}
	for (i = 0; i < config->store_count; i++) {
		tp_free(config->stores[i].name);
		tp_free(config->stores[i].where);
		free_origins(config->stores[i].origins);
	}
	tp_free(config->relays);
	tp_free(config->stores);
	tp_free(config->path);
	free_origins(config->origins);
	tp_free(config);
}

void tp_config_unref(struct tp_config **config)
{
	struct tp_config *mine = *config;

	*config = NULL;
	if (mine && atomic_fetch_sub_explicit(
			    &mine->refs, 1, memory_order_acq_rel) == 1)
		destroy(mine);
}

int tp_relay_same(const struct tp_relay *a, const struct tp_relay *b)
{
	size_t count;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);

	for (i = 0; i < count; i++)
		if (table[i].identity && !tp_setting_same(&table[i], a, b))
			return 0;
	return 1;
}
