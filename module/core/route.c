/*
 * route.c - which store sent a message
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/route.h"

#include "base/text.h"
#include "core/suggest.h"

#include <stdio.h>
#include <string.h>

/* Length without :port and without the dot of an absolute name. The colon of
 * an IPv6 literal is inside brackets. */
static size_t host_len(const char *host)
{
	const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
	size_t len =
		bracket ? (size_t)(bracket - host) + 1 : strcspn(host, ":");

	if (len > 1 && host[len - 1] == '.')
		len--;
	return len;
}

int tp_route_host_same(const char *a, const char *b)
{
	size_t len = host_len(a);

	return len > 0 && len == host_len(b) && tp_strncasecmp(a, b, len) == 0;
}

static int same_text(const char *entry, const char *value)
{
	return tp_strcasecmp(entry, value) == 0;
}

static int same_run_code(const char *entry, const char *value)
{
	return strcmp(entry, value) == 0;
}

/* ENTRY "@domain" against the last "@" of VALUE. */
static int same_domain(const char *entry, const char *value)
{
	const char *at = strrchr(value, '@');

	return entry[0] == '@' && at && tp_strcasecmp(entry, at) == 0;
}

typedef int same_fn(const char *entry, const char *value);

static const struct tp_string_list *list_at(
	const struct tp_store *store, size_t offset)
{
	return (const struct tp_string_list *)((const char *)store + offset);
}

/* One way to find a store: the list of each that may hold the value. */
struct rule {
	size_t offset;
	same_fn *same;
	const char *what;
};

static const struct rule exact_from = { offsetof(struct tp_store, match_from),
	same_text, "From address" };
static const struct rule domain_from = { offsetof(struct tp_store, match_from),
	same_domain, "From address" };
static const struct rule run_code = { offsetof(struct tp_store, match_run_code),
	same_run_code, "run code" };
static const struct rule host_name = { offsetof(struct tp_store, match_host),
	tp_route_host_same, "host name" };

static int find(const struct tp_config *config, const struct rule *rule,
	const char *value, struct tp_route *route)
{
	size_t i;
	size_t k;

	for (i = 0; value && i < config->store_count; i++) {
		const struct tp_store *store = &config->stores[i];
		const struct tp_string_list *list =
			list_at(store, rule->offset);

		for (k = 0; k < list->count; k++) {
			if (!rule->same(list->items[k], value))
				continue;
			route->store = store;
			(void)snprintf(route->reason, sizeof(route->reason),
				"%s %.60s matches \"%.60s\" of store %s",
				rule->what, value, list->items[k], store->name);
			return 1;
		}
	}
	return 0;
}

static int by_name(const struct tp_config *config, const char *name,
	const char *what, struct tp_route *route, struct tp_error *err)
{
	char near[TP_SUGGEST_TEXT_BYTES];
	struct tp_suggest suggest;
	size_t i;

	route->store = tp_config_store(config, name);
	if (route->store) {
		(void)snprintf(route->reason, sizeof(route->reason),
			"%s names store %s", what, name);
		return TP_OK;
	}
	tp_suggest_init(&suggest, name);
	for (i = 0; i < config->store_count; i++)
		tp_suggest_try(&suggest, config->stores[i].name);
	tp_suggest_text(&suggest, near);
	return tp_fail(err, TP_ENOTFOUND, "store",
		"%s names the store \"%.64s\", which is not in the "
		"configuration%s",
		what, name, near);
}

int tp_route_find(const struct tp_config *config,
	const struct tp_route_hints *hints, struct tp_route *route_out,
	struct tp_error *err)
{
	*route_out = (struct tp_route) { NULL, "" };
	if (hints->store)
		return by_name(
			config, hints->store, "the caller", route_out, err);
	if (hints->store_header)
		return by_name(config, hints->store_header, "the store header",
			route_out, err);
	if (find(config, &exact_from, hints->from_address, route_out) ||
		find(config, &domain_from, hints->from_address, route_out) ||
		find(config, &run_code, hints->run_code, route_out) ||
		find(config, &host_name, hints->host, route_out))
		return TP_OK;
	route_out->store = tp_config_store(config, "default");
	if (!route_out->store)
		return tp_fail(err, TP_ENOTFOUND, "store",
			"nothing says which store this is, and there is no "
			"store \"default\"");
	(void)snprintf(route_out->reason, sizeof(route_out->reason),
		"nothing else matches");
	return TP_OK;
}

/* ---- users -------------------------------------------------------------- */

#define USER_NAME_MAX_BYTES 255
#define DIGITS "0123456789"

static int is_number(const char *entry)
{
	return entry[0] != '\0' && entry[strspn(entry, DIGITS)] == '\0';
}

/* @return the uid; UINT32_MAX, which is nobody's, if it is too large */
static uint32_t uid_of(const char *number)
{
	uint64_t uid = 0;

	for (; *number; number++) {
		uid = uid * 10 + (uint64_t)(*number - '0');
		if (uid > UINT32_MAX)
			return UINT32_MAX;
	}
	return (uint32_t)uid;
}

int tp_route_user_valid(const char *entry)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "._-$";
	size_t len = strlen(entry);

	if (is_number(entry))
		return uid_of(entry) != UINT32_MAX;
	return len > 0 && len <= USER_NAME_MAX_BYTES && entry[0] != '-' &&
	       strspn(entry, name) == len;
}

/* Whoever is called "33" is not the user 33. */
static int is_user(const char *entry, const struct tp_user *user)
{
	if (is_number(entry))
		return uid_of(entry) == user->uid && user->uid != UINT32_MAX;
	return user->name && strcmp(entry, user->name) == 0;
}

int tp_store_names(const struct tp_store *store, const struct tp_user *user)
{
	size_t i;

	if (user->uid == 0)
		return 1;
	for (i = 0; i < store->users.count; i++)
		if (is_user(store->users.items[i], user))
			return 1;
	return 0;
}

int tp_store_admits(const struct tp_store *store, const struct tp_user *user)
{
	return store->users.count == 0 || tp_store_names(store, user);
}

int tp_store_admits_by_name(const struct tp_store *store)
{
	size_t i;

	for (i = 0; i < store->users.count; i++)
		if (!is_number(store->users.items[i]))
			return 1;
	return 0;
}
