/*
 * config_check_store.c - what the keys of a store, and the global ones, mean
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"

#include "base/text.h"
#include "core/address.h"
#include "core/presets.h"
#include "core/route.h"
#include "core/suggest.h"

#include <string.h>

static const char *where_of(const struct tp_store *store, const char *key)
{
	struct tp_record record = tp_store_record(store);

	return tp_config_where_key(&record, key);
}

static const char *where_match(const struct tp_store *store, const char *key)
{
	struct tp_record record = tp_store_record(store);

	record.scope = TP_SETTINGS_MATCH;
	return tp_config_where_key(&record, key);
}

int tp_config_relay_used(
	const struct tp_config *config, const struct tp_relay *relay)
{
	size_t i;

	for (i = 0; i < config->store_count; i++) {
		const struct tp_string_list *relays = &config->stores[i].relays;

		if (relays->count > 0 &&
			strcmp(relays->items[0], relay->name) == 0)
			return 1;
	}
	return 0;
}

/* ---- global ------------------------------------------------------------- */

/* RFC 5322 3.6.8: printable ASCII without colon. */
static int is_header_name(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == ':')
			return 0;
	return i > 0 && i <= 70;
}

int tp_config_check_global(struct tp_config_loader *loader)
{
	const struct tp_config *config = loader->config;
	struct tp_record queue = { .scope = TP_SETTINGS_QUEUE,
		.base = loader->config,
		.origins = config->origins };
	struct tp_record submit = { .scope = TP_SETTINGS_SUBMIT,
		.base = loader->config,
		.origins = config->origins };

	if (config->retry_cap_ms < config->retry_base_ms)
		tp_config_error(loader, TP_ECONFIG,
			tp_config_where_key(
				&queue, tp_config_is_set(&queue, "retry_cap")
						? "retry_cap"
						: "retry_base"),
			"queue.retry_cap is shorter than queue.retry_base");
	if (config->store_header && !is_header_name(config->store_header))
		tp_config_error(loader, TP_ECONFIG,
			tp_config_where_key(&submit, "header"),
			"submit.header \"%.80s\" is not a header name",
			config->store_header);
	return TP_OK;
}

/* ---- relays of a store -------------------------------------------------- */

static void no_such_relay(struct tp_config_loader *loader,
	const struct tp_store *store, const char *name)
{
	char near[TP_SUGGEST_TEXT_BYTES];
	struct tp_suggest suggest;
	size_t i;

	tp_suggest_init(&suggest, name);
	for (i = 0; i < loader->config->relay_count; i++)
		tp_suggest_try(&suggest, loader->config->relays[i].name);
	tp_suggest_text(&suggest, near);
	tp_config_error(loader, TP_ECONFIG, where_of(store, "relays"),
		"stores.%s: there is no relay \"%.64s\"%s", store->name, name,
		near);
}

static int inherited(const struct tp_store *store, const char *key)
{
	struct tp_record record = tp_store_record(store);

	return tp_origin_of(&record, tp_setting_find(TP_SETTINGS_STORE, key))
		       ->source == TP_SOURCE_INHERITED;
}

static void check_relays(
	struct tp_config_loader *loader, struct tp_store *store)
{
	size_t i;

	if (store->relays.count == 0) {
		struct tp_record record = tp_store_record(store);

		if (!tp_config_is_set(&record, "relays") &&
			!inherited(store, "relays"))
			tp_config_error(loader, TP_ECONFIG, store->where,
				"stores.%s has no relays, and inherits none",
				store->name);
		return;
	}
	store->relay = tp_config_relay(loader->config, store->relays.items[0]);
	/* What is inherited was reported where it is written. */
	if (inherited(store, "relays"))
		return;
	for (i = 0; i < store->relays.count; i++)
		if (!tp_config_relay(loader->config, store->relays.items[i]))
			no_such_relay(loader, store, store->relays.items[i]);
	if (store->relays.count > 1)
		tp_config_warning(loader, where_of(store, "relays"),
			"stores.%s: only the first relay (%s) is used in this "
			"version",
			store->name, store->relays.items[0]);
}

/* The provider's limit of recipients becomes the store's. */
static int apply_recipients_cap(
	struct tp_config_loader *loader, struct tp_store *store)
{
	const char *key = "recipients_max";
	const struct tp_preset *preset =
		store->relay && store->relay->preset
			? tp_preset_find(store->relay->preset)
			: NULL;
	int64_t cap = preset ? preset->recipients_max : 0;
	struct tp_record record = tp_store_record(store);
	const struct tp_setting *setting =
		tp_setting_find(TP_SETTINGS_STORE, key);

	if (cap == 0 || store->recipients_max <= cap)
		return TP_OK;
	if (tp_origin_of(&record, setting)->source == TP_SOURCE_DEFAULT) {
		store->recipients_max = cap;
		return tp_origin_set(
			&record, setting, TP_SOURCE_PRESET, preset->name);
	}
	tp_config_warning(loader, where_of(store, key),
		"stores.%s: recipients_max is more than the %lld that %s "
		"allows",
		store->name, (long long)cap, preset->title);
	return TP_OK;
}

/* ---- addresses ---------------------------------------------------------- */

static int check_from(
	struct tp_config_loader *loader, const struct tp_store *store)
{
	struct tp_address_list list = TP_ADDRESS_LIST_INIT;
	struct tp_error found = TP_ERROR_INIT;
	int rc = TP_OK;

	if (!store->from) {
		if (store->from_policy == TP_FROM_REPLACE)
			tp_config_error(loader, TP_ECONFIG,
				where_of(store, "from_policy"),
				"stores.%s: from_policy = \"replace\" needs "
				"from",
				store->name);
		return TP_OK;
	}
	if (inherited(store, "from"))
		return TP_OK;
	rc = tp_address_list_parse(
		store->from, strlen(store->from), 1, "from", &list, &found);
	if (rc == TP_ENOMEM) {
		tp_address_list_free(&list);
		return rc;
	}
	if (rc < 0 || list.count != 1)
		tp_config_error(loader, TP_ECONFIG, where_of(store, "from"),
			"stores.%s: from must be one address, or \"Name "
			"<address>\"%s%s",
			store->name, rc < 0 ? ": " : "", found.text);
	tp_address_list_free(&list);
	return TP_OK;
}

static int check_address(struct tp_config_loader *loader,
	const struct tp_store *store, const char *key, const char *address)
{
	struct tp_error found = TP_ERROR_INIT;
	int non_ascii = 0;
	int rc;

	if (!address || inherited(store, key))
		return TP_OK;
	rc = tp_address_check(address, 0, key, NULL, &non_ascii, &found);
	if (rc < 0 && rc != TP_ENOMEM)
		tp_config_error(loader, TP_ECONFIG, where_of(store, key),
			"stores.%s: %s: %s", store->name, key, found.text);
	return rc == TP_ENOMEM ? rc : TP_OK;
}

/* ---- users -------------------------------------------------------------- */

static void check_users(
	struct tp_config_loader *loader, const struct tp_store *store)
{
	size_t i;

	if (inherited(store, "users"))
		return;
	for (i = 0; i < store->users.count; i++)
		if (!tp_route_user_valid(store->users.items[i]))
			tp_config_error(loader, TP_ECONFIG,
				where_of(store, "users"),
				"stores.%s.users: \"%.100s\" is not the name "
				"or the number of a user",
				store->name, store->users.items[i]);
}

/* ---- match -------------------------------------------------------------- */

static int from_entry_valid(const char *entry)
{
	int non_ascii = 0;

	if (entry[0] == '@')
		return entry[1] != '[' &&
		       tp_domain_valid(entry + 1, strlen(entry + 1));
	return tp_address_check(entry, 0, "from", NULL, &non_ascii, NULL) >= 0;
}

static int host_entry_valid(const char *entry)
{
	size_t len = strlen(entry);

	if (len > 1 && entry[len - 1] == '.')
		len--;
	return tp_domain_valid(entry, len);
}

static int run_code_valid(const char *entry)
{
	return strlen(entry) <= TP_SETTING_NAME_MAX_BYTES;
}

static int same_address(const char *a, const char *b)
{
	return tp_strcasecmp(a, b) == 0;
}

static int same_run_code(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

struct match_kind {
	const char *key;
	size_t offset;
	int (*valid)(const char *entry);
	int (*same)(const char *a, const char *b);
	const char *wanted;
};

static const struct match_kind match_kinds[] = {
	{ "from", offsetof(struct tp_store, match_from), from_entry_valid,
		same_address, "an address or @domain" },
	{ "host", offsetof(struct tp_store, match_host), host_entry_valid,
		tp_route_host_same, "a host name without port" },
	{ "run_code", offsetof(struct tp_store, match_run_code), run_code_valid,
		same_run_code, "at most 63 bytes" },
};

static const struct tp_string_list *list_of(
	const struct tp_store *store, const struct match_kind *kind)
{
	return (const struct tp_string_list *)((const char *)store +
					       kind->offset);
}

/* The store before position (STORE, ENTRY) that has the same entry. */
static const struct tp_store *earlier(const struct tp_config *config,
	const struct match_kind *kind, size_t store, size_t entry)
{
	const char *text = list_of(&config->stores[store], kind)->items[entry];
	size_t s;
	size_t e;

	for (s = 0; s <= store; s++) {
		const struct tp_string_list *list =
			list_of(&config->stores[s], kind);

		for (e = 0; e < (s == store ? entry : list->count); e++)
			if (kind->same(list->items[e], text))
				return &config->stores[s];
	}
	return NULL;
}

static void check_entries(struct tp_config_loader *loader,
	const struct match_kind *kind, size_t index)
{
	const struct tp_store *store = &loader->config->stores[index];
	const struct tp_string_list *list = list_of(store, kind);
	size_t i;

	for (i = 0; i < list->count; i++) {
		const char *where = where_match(store, kind->key);
		const struct tp_store *other;

		if (!kind->valid(list->items[i])) {
			tp_config_error(loader, TP_ECONFIG, where,
				"stores.%s.match.%s: \"%.100s\" is not %s",
				store->name, kind->key, list->items[i],
				kind->wanted);
			continue;
		}
		other = earlier(loader->config, kind, index, i);
		if (other)
			tp_config_error(loader, TP_ECONFIG, where,
				"stores.%s.match.%s: \"%.100s\" is already in "
				"store %s",
				store->name, kind->key, list->items[i],
				other->name);
	}
}

/* ---- all ---------------------------------------------------------------- */

static int derive_lifetime(struct tp_config *config, struct tp_store *store)
{
	struct tp_record record = tp_store_record(store);
	const struct tp_setting *setting =
		tp_setting_find(TP_SETTINGS_STORE, "lifetime");

	if (tp_origin_of(&record, setting)->source != TP_SOURCE_NONE)
		return TP_OK;
	store->lifetime_ms = config->queue_lifetime_ms;
	return tp_origin_set(
		&record, setting, TP_SOURCE_INHERITED, "queue.lifetime");
}

static int check_store(struct tp_config_loader *loader, size_t index)
{
	struct tp_store *store = &loader->config->stores[index];
	size_t i;
	int rc = derive_lifetime(loader->config, store);

	check_relays(loader, store);
	if (rc >= 0)
		rc = apply_recipients_cap(loader, store);
	if (rc >= 0)
		rc = check_from(loader, store);
	if (rc >= 0)
		rc = check_address(
			loader, store, "envelope_from", store->envelope_from);
	if (rc >= 0)
		rc = check_address(
			loader, store, "bcc_archive", store->bcc_archive);
	check_users(loader, store);
	for (i = 0; i < sizeof(match_kinds) / sizeof(match_kinds[0]); i++)
		check_entries(loader, &match_kinds[i], index);
	return rc;
}

int tp_config_check_stores(struct tp_config_loader *loader)
{
	const struct tp_config *config = loader->config;
	size_t i;
	int rc = TP_OK;

	if (config->store_count == 0)
		tp_config_warning(loader, config->path,
			"there are no stores: nothing can be sent");
	else if (!tp_config_store(config, "default"))
		tp_config_error(loader, TP_ECONFIG, config->stores[0].where,
			"there are stores but no store \"default\"");
	for (i = 0; i < config->store_count && rc >= 0; i++)
		rc = check_store(loader, i);
	return rc;
}
