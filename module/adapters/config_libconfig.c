/*
 * config_libconfig.c - the text of a configuration into records
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"

#include "base/mem.h"
#include "core/setting_value.h"
#include "core/suggest.h"

#include <libconfig.h>
#include <stdio.h>
#include <string.h>

struct walk {
	struct tp_config_loader *loader;
	struct tp_config_text *text;
	enum tp_source source;
};

static void find_where(const struct walk *walk, const config_setting_t *at,
	char out[TP_CONFIG_WHERE_BYTES])
{
	tp_config_text_where(walk->text, at->line, out);
}

static struct tp_config_text_file *file_of(
	const struct walk *walk, const config_setting_t *at)
{
	unsigned line;

	return tp_config_text_at(walk->text, at->line, &line);
}

static const char *type_name(const config_setting_t *at)
{
	switch (config_setting_type(at)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a point";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_GROUP:
		return "a group";
	default:
		return "a list";
	}
}

static int is_integer(const config_setting_t *at)
{
	return config_setting_type(at) == CONFIG_TYPE_INT ||
	       config_setting_type(at) == CONFIG_TYPE_INT64;
}

static int is_string(const config_setting_t *at)
{
	return config_setting_type(at) == CONFIG_TYPE_STRING;
}

static int is_list(const config_setting_t *at)
{
	int i;

	if (!config_setting_is_array(at) && !config_setting_is_list(at))
		return 0;
	for (i = 0; i < config_setting_length(at); i++)
		if (!is_string(config_setting_get_elem(at, (unsigned)i)))
			return 0;
	return 1;
}

static int type_fits(
	const struct tp_setting *setting, const config_setting_t *at)
{
	switch (setting->type) {
	case TP_SETTING_INT:
		return is_integer(at);
	case TP_SETTING_BOOL:
		return config_setting_type(at) == CONFIG_TYPE_BOOL;
	case TP_SETTING_DURATION:
	case TP_SETTING_SIZE:
		return is_integer(at) || is_string(at);
	case TP_SETTING_LIST:
		return is_list(at) || is_string(at);
	case TP_SETTING_STRING:
	case TP_SETTING_PATH:
	case TP_SETTING_ENUM:
	case TP_SETTING_SECRET:
		return is_string(at);
	}
	return 0;
}

static int put_items(const struct tp_setting *setting, void *base,
	const config_setting_t *at, struct tp_error *found)
{
	size_t count = (size_t)config_setting_length(at);
	const char **items = tp_calloc(count, sizeof(*items));
	size_t i;
	int rc;

	if (!items)
		return tp_fail(found, TP_ENOMEM, "", "out of memory");
	for (i = 0; i < count; i++)
		items[i] = config_setting_get_string_elem(at, (int)i);
	rc = tp_setting_put_list(setting, base, items, count, "", found);
	tp_free(items);
	return rc;
}

static int put(const struct tp_setting *setting, void *base,
	const config_setting_t *at, struct tp_error *found)
{
	char number[32];

	if (is_list(at))
		return put_items(setting, base, at, found);
	if (is_string(at))
		return tp_setting_put(setting, base,
			config_setting_get_string(at), "", found);
	if (config_setting_type(at) == CONFIG_TYPE_BOOL)
		return tp_setting_put(setting, base,
			config_setting_get_bool(at) ? "true" : "false", "",
			found);
	(void)snprintf(
		number, sizeof(number), "%lld", config_setting_get_int64(at));
	return tp_setting_put(setting, base, number, "", found);
}

static int wrong_type(const struct walk *walk, const char *where,
	const struct tp_setting *setting, const config_setting_t *at)
{
	char range[160];

	tp_setting_range(setting, range, sizeof(range));
	tp_config_error(walk->loader, TP_ECONFIG, where,
		"%s must be of type %s%s%s%s, not %s", setting->key,
		setting->type == TP_SETTING_LIST
			? "list of strings"
			: tp_setting_type_name(setting->type),
		range[0] ? " (" : "", range, range[0] ? ")" : "",
		type_name(at));
	return TP_OK;
}

static int take_value(const struct walk *walk, const struct tp_record *record,
	const struct tp_setting *setting, const config_setting_t *at)
{
	char where[TP_CONFIG_WHERE_BYTES];
	struct tp_error found = TP_ERROR_INIT;
	int secret = setting->type == TP_SETTING_SECRET;
	struct tp_config_text_file *file = file_of(walk, at);
	int rc = TP_OK;

	if (secret)
		file->has_secret = 1;
	if (record->name)
		file->has_route = 1;
	/* The main file was read first and wins. */
	if (tp_config_family_source(record, setting) > walk->source)
		return TP_OK;
	find_where(walk, at, where);
	if (tp_origin_set(record, setting, walk->source, where) < 0)
		rc = TP_ENOMEM;
	else if (!type_fits(setting, at))
		rc = wrong_type(walk, where, setting, at);
	else if (!(secret && walk->loader->source->without_secrets) &&
		 put(setting, record->base, at, &found) < 0)
		rc = tp_config_report(walk->loader, where, &found);
	return rc;
}

/* The managed file may come from a newer version: what it has and this one
 * does not know is kept, and said. */
static void unknown(const struct walk *walk, const config_setting_t *at,
	const char *kind, const char *place, const char *near)
{
	char where[TP_CONFIG_WHERE_BYTES];

	find_where(walk, at, where);
	if (walk->source == TP_SOURCE_MANAGED)
		tp_config_warning(walk->loader, where,
			"unknown %s \"%.60s\"%s is ignored%s", kind,
			config_setting_name(at), place, near);
	else
		tp_config_error(walk->loader, TP_ECONFIG, where,
			"unknown %s \"%.60s\"%s%s", kind,
			config_setting_name(at), place, near);
}

static void unknown_key(const struct walk *walk, const config_setting_t *at,
	enum tp_setting_scope scope)
{
	char place[40];
	char near[TP_SUGGEST_TEXT_BYTES];
	struct tp_suggest suggest;
	size_t count;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);

	tp_suggest_init(&suggest, config_setting_name(at));
	for (i = 0; i < count; i++)
		if (table[i].scope == scope)
			tp_suggest_try(&suggest, table[i].key);
	if (scope == TP_SETTINGS_STORE)
		tp_suggest_try(&suggest, "match");
	tp_suggest_text(&suggest, near);
	(void)snprintf(
		place, sizeof(place), " in %s", tp_setting_scope_name(scope));
	unknown(walk, at, "key", place, near);
}

static int is_group(const struct walk *walk, const config_setting_t *at)
{
	char where[TP_CONFIG_WHERE_BYTES];

	if (config_setting_is_group(at))
		return 1;
	find_where(walk, at, where);
	tp_config_error(walk->loader, TP_ECONFIG, where,
		"\"%.60s\" must be a group, { ... }, not %s",
		config_setting_name(at), type_name(at));
	return 0;
}

static int walk_group(const struct walk *walk, const struct tp_record *record,
	const config_setting_t *group)
{
	int i;
	int rc = TP_OK;

	if (!is_group(walk, group))
		return TP_OK;
	for (i = 0; i < config_setting_length(group) && rc >= 0; i++) {
		const config_setting_t *at =
			config_setting_get_elem(group, (unsigned)i);
		const char *key = config_setting_name(at);
		const struct tp_setting *setting =
			tp_setting_find(record->scope, key);

		if (setting) {
			rc = take_value(walk, record, setting, at);
		} else if (record->scope == TP_SETTINGS_STORE &&
			   strcmp(key, "match") == 0) {
			struct tp_record match = *record;

			match.scope = TP_SETTINGS_MATCH;
			rc = walk_group(walk, &match, at);
		} else {
			unknown_key(walk, at, record->scope);
		}
	}
	return rc;
}

/* The record of a named group; made if it is new.
 * @return 1; 0 if the name is not possible (reported); TP_ENOMEM */
static int named_record(const struct walk *walk, enum tp_setting_scope scope,
	const config_setting_t *at, struct tp_record *record_out)
{
	struct tp_config *config = walk->loader->config;
	const char *name = config_setting_name(at);
	char where[TP_CONFIG_WHERE_BYTES];
	const struct tp_relay *relay;
	const struct tp_store *store;

	file_of(walk, at)->has_route = 1;
	find_where(walk, at, where);
	if (!tp_setting_name_valid(name)) {
		tp_config_error(walk->loader, TP_ECONFIG, where,
			"\"%.70s\" cannot be a name: use at most %d letters, "
			"digits, - and _",
			name, TP_SETTING_NAME_MAX_BYTES);
		return 0;
	}
	if (scope == TP_SETTINGS_RELAY) {
		relay = tp_config_relay(config, name);
		if (!relay)
			relay = tp_config_relay_add(config, name, where);
		if (!relay)
			return TP_ENOMEM;
		*record_out = tp_relay_record(relay);
		return 1;
	}
	store = tp_config_store(config, name);
	if (!store)
		store = tp_config_store_add(config, name, where);
	if (!store)
		return TP_ENOMEM;
	*record_out = tp_store_record(store);
	return 1;
}

static int walk_named(const struct walk *walk, enum tp_setting_scope scope,
	const config_setting_t *groups)
{
	int i;
	int rc = TP_OK;

	if (!is_group(walk, groups))
		return TP_OK;
	for (i = 0; i < config_setting_length(groups) && rc >= 0; i++) {
		const config_setting_t *at =
			config_setting_get_elem(groups, (unsigned)i);
		struct tp_record record;

		rc = named_record(walk, scope, at, &record);
		if (rc > 0)
			rc = walk_group(walk, &record, at);
	}
	return rc;
}

static const enum tp_setting_scope top_scopes[] = { TP_SETTINGS_QUEUE,
	TP_SETTINGS_SPOOL, TP_SETTINGS_LOG, TP_SETTINGS_SUBMIT,
	TP_SETTINGS_RELAY, TP_SETTINGS_STORE };

#define TOP_COUNT (sizeof(top_scopes) / sizeof(top_scopes[0]))

/* "relays.*" is the group "relays". */
static void top_name(enum tp_setting_scope scope, char out[32])
{
	const char *name = tp_setting_scope_name(scope);

	(void)snprintf(out, 32, "%.*s", (int)strcspn(name, "."), name);
}

static void unknown_group(const struct walk *walk, const config_setting_t *at)
{
	char near[TP_SUGGEST_TEXT_BYTES];
	char names[TOP_COUNT][32];
	struct tp_suggest suggest;
	size_t i;

	tp_suggest_init(&suggest, config_setting_name(at));
	for (i = 0; i < TOP_COUNT; i++) {
		top_name(top_scopes[i], names[i]);
		tp_suggest_try(&suggest, names[i]);
	}
	tp_suggest_text(&suggest, near);
	unknown(walk, at, "group", "", near);
}

static int walk_top(const struct walk *walk, const config_setting_t *at)
{
	struct tp_config *config = walk->loader->config;
	size_t i;

	for (i = 0; i < TOP_COUNT; i++) {
		char name[32];
		struct tp_record record = { .scope = top_scopes[i],
			.base = config,
			.origins = config->origins };

		top_name(top_scopes[i], name);
		if (strcmp(name, config_setting_name(at)) != 0)
			continue;
		if (top_scopes[i] == TP_SETTINGS_RELAY ||
			top_scopes[i] == TP_SETTINGS_STORE)
			return walk_named(walk, top_scopes[i], at);
		return walk_group(walk, &record, at);
	}
	unknown_group(walk, at);
	return TP_OK;
}

static void syntax_error(const struct walk *walk, const config_t *parsed)
{
	char where[TP_CONFIG_WHERE_BYTES];
	int line = config_error_line(parsed);
	const char *text = config_error_text(parsed);

	walk->loader->unreadable = 1;
	tp_config_text_where(walk->text, line > 0 ? (unsigned)line : 1, where);
	tp_config_error(walk->loader, TP_ECONFIG, where, "%s",
		text ? text : "syntax error");
}

static void wipe_strings(const config_setting_t *at)
{
	int i;

	if (is_string(at) && at->value.sval)
		tp_wipe(at->value.sval, strlen(at->value.sval));
	else if (config_setting_is_aggregate(at))
		for (i = 0; i < config_setting_length(at); i++)
			wipe_strings(config_setting_get_elem(at, (unsigned)i));
}

void tp_config_destroy_parsed(struct config_t *parsed)
{
	wipe_strings(parsed->root);
	config_destroy(parsed);
}

int tp_config_parse(struct tp_config_loader *loader,
	struct tp_config_text *text, enum tp_source source)
{
	struct walk walk = { loader, text, source };
	config_t parsed;
	int i;
	int rc = TP_OK;

	config_init(&parsed);
	if (config_read_string(&parsed, tp_buf_str(&text->text)) !=
		CONFIG_TRUE) {
		syntax_error(&walk, &parsed);
		goto out;
	}
	for (i = 0; i < config_setting_length(parsed.root) && rc >= 0; i++)
		rc = walk_top(&walk,
			config_setting_get_elem(parsed.root, (unsigned)i));
out:
	tp_config_destroy_parsed(&parsed);
	return rc;
}
