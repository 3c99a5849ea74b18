/*
 * import_result.c - what an import found, in tillpost's words
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_result.h"

#include "cli/import/import_bytes.h"
#include "common/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define MATCHES_MAX 100

/* ---- names -------------------------------------------------------------- */

static int is_taken(
	const struct tp_import_result *result, int of_store, const char *name)
{
	size_t i;

	for (i = 0; !of_store && i < result->relay_count; i++)
		if (strcmp(result->relays[i].name, name) == 0)
			return 1;
	for (i = 0; of_store && i < result->store_count; i++)
		if (strcmp(result->stores[i].name, name) == 0)
			return 1;
	return 0;
}

void tp_import_name(const struct tp_import_result *result, int of_store,
	const char *wish, char name_out[TP_IMPORT_NAME_BYTES])
{
	static const char allowed[] = LETTERS DIGITS "-_";
	/* Room for a number behind it. */
	char base[TP_IMPORT_NAME_BYTES - 8];
	size_t len = 0;
	unsigned number;

	if (!wish || wish[0] == '\0')
		wish = of_store ? "store" : "relay";
	if (!strchr(LETTERS, wish[0]))
		base[len++] = of_store ? 's' : 'r';
	for (; *wish != '\0' && len + 1 < sizeof(base); wish++) {
		if (strchr(allowed, *wish))
			base[len++] = *wish;
		else if (len > 0 && base[len - 1] != '-')
			base[len++] = '-';
	}
	while (len > 1 && base[len - 1] == '-')
		len--;
	base[len] = '\0';
	(void)snprintf(name_out, TP_IMPORT_NAME_BYTES, "%s", base);
	for (number = 2; is_taken(result, of_store, name_out); number++)
		(void)snprintf(
			name_out, TP_IMPORT_NAME_BYTES, "%s-%u", base, number);
}

/* ---- addresses ---------------------------------------------------------- */

int tp_import_is_host(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 253)
		return 0;
	if (strchr(text, ':')) /* IPv6 */
		return strspn(text, DIGITS "abcdefABCDEF:.") == len;
	return strspn(text, LETTERS DIGITS "-.") == len && text[0] != '-' &&
	       text[0] != '.' && !strstr(text, "..");
}

int tp_import_is_address(const char *text, int domains)
{
	static const char allowed[] = LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~.";
	const char *at = strrchr(text, '@');
	size_t local;

	if (!at || strlen(text) > 254 || strchr(at, ':') ||
		!tp_import_is_host(at + 1))
		return 0;
	local = (size_t)(at - text);
	if (local == 0)
		return domains;
	return local <= 64 && strspn(text, allowed) == local &&
	       text[0] != '.' && text[local - 1] != '.' && !strstr(text, "..");
}

/* ---- stores ------------------------------------------------------------- */

int32_t tp_import_set(
	char **field, const char *value, struct tillpost_error *err)
{
	char *copy = NULL;

	if (value && value[0] != '\0') {
		copy = tp_import_copy(value, strlen(value));
		if (!copy)
			return tp_import_no_memory(err);
	}
	tp_import_wipe(*field);
	*field = copy;
	return TILLPOST_OK;
}

static const char *default_name(const struct tp_import_result *result)
{
	return result->store_name ? result->store_name : "default";
}

int tp_import_has_default(const struct tp_import_result *result)
{
	return is_taken(result, 1, default_name(result));
}

int32_t tp_import_store_add(struct tp_import_result *result, const char *name,
	size_t relay, struct tillpost_error *err)
{
	struct tp_import_store *store = &result->stores[result->store_count];

	if (result->store_count >= TP_IMPORT_STORES_MAX)
		return tp_report_set(err, TILLPOST_ETOOBIG, "",
			"more than %d stores", TP_IMPORT_STORES_MAX);
	*store = (struct tp_import_store) { .relay = relay };
	if (!name)
		(void)snprintf(store->name, sizeof(store->name), "%s",
			default_name(result));
	else if (strcmp(name, default_name(result)) == 0)
		/* That name is kept for the default. */
		tp_import_name(result, 1, "store-default", store->name);
	else
		tp_import_name(result, 1, name, store->name);
	return (int32_t)result->store_count++;
}

/* A display name in quotes, if it has to be in some. */
static void put_name(struct tp_import_bytes *out, const char *name)
{
	static const char plain[] = LETTERS DIGITS " !#$%&'*+-/=?^_`{|}~";
	const char *c;
	int quoted = 0;

	for (c = name; *c != '\0'; c++)
		if ((unsigned char)*c < 0x80 && !strchr(plain, *c))
			quoted = 1;
	if (!quoted) {
		tp_import_bytes_put(out, name);
		return;
	}
	tp_import_bytes_put(out, "\"");
	for (c = name; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			tp_import_bytes_put(out, "\\");
		tp_import_bytes_add(out, c, 1);
	}
	tp_import_bytes_put(out, "\"");
}

int32_t tp_import_store_from(struct tp_import_result *result, size_t store,
	const char *name, const char *address, struct tillpost_error *err)
{
	struct tp_import_store *to = &result->stores[store];
	struct tp_import_bytes text = { .text = NULL };
	char where[TP_IMPORT_NAME_BYTES + 16];
	int32_t rc;

	if (!address || address[0] == '\0')
		return TILLPOST_OK;
	(void)snprintf(where, sizeof(where), "stores.%s", to->name);
	if (!tp_import_is_address(address, 0))
		return tp_import_say(result, TP_IMPORT_TODO, err, where,
			"the From address is not one mail address and was left "
			"out; set stores.%s.from",
			to->name);
	if (name && name[0] != '\0' &&
		(!tp_import_printable(name, strlen(name)) ||
			strlen(name) > 200)) {
		rc = tp_import_say(result, TP_IMPORT_NOTE, err, where,
			"the name in From is not one line of UTF-8 and was "
			"left out");
		if (rc < 0)
			return rc;
		name = NULL;
	}
	if (name && name[0] != '\0') {
		put_name(&text, name);
		tp_import_bytes_put(&text, " <");
	}
	tp_import_bytes_put(&text, address);
	if (name && name[0] != '\0')
		tp_import_bytes_put(&text, ">");
	rc = text.failed ? tp_import_no_memory(err)
			 : tp_import_set(&to->from, text.text, err);
	tp_import_bytes_free(&text);
	return rc;
}

static struct tp_import_list *list_of(
	struct tp_import_store *store, enum tp_import_match kind)
{
	switch (kind) {
	case TP_IMPORT_MATCH_FROM:
		return &store->match_from;
	case TP_IMPORT_MATCH_HOST:
		return &store->match_host;
	default:
		return &store->match_run_code;
	}
}

static int is_matched(struct tp_import_result *result,
	enum tp_import_match kind, const char *value)
{
	size_t i;
	size_t k;

	for (i = 0; i < result->store_count; i++) {
		const struct tp_import_list *list =
			list_of(&result->stores[i], kind);

		for (k = 0; k < list->count; k++)
			if (kind == TP_IMPORT_MATCH_RUN_CODE
					? strcmp(list->items[k], value) == 0
					: tp_import_same(list->items[k], value))
				return 1;
	}
	return 0;
}

static int is_entry(enum tp_import_match kind, const char *value)
{
	if (kind == TP_IMPORT_MATCH_FROM)
		return tp_import_is_address(value, 1);
	if (kind == TP_IMPORT_MATCH_HOST)
		return tp_import_is_host(value) && !strchr(value, ':');
	return value[0] != '\0' && strlen(value) < TP_IMPORT_NAME_BYTES &&
	       strspn(value, LETTERS DIGITS "_-") == strlen(value);
}

int32_t tp_import_store_match(struct tp_import_result *result, size_t store,
	enum tp_import_match kind, const char *value,
	struct tillpost_error *err)
{
	struct tp_import_list *list = list_of(&result->stores[store], kind);
	char **items;

	if (!value || !is_entry(kind, value) || list->count >= MATCHES_MAX ||
		is_matched(result, kind, value))
		return 0;
	items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items)
		return tp_import_no_memory(err);
	list->items = items;
	items[list->count] = tp_import_copy(value, strlen(value));
	if (!items[list->count])
		return tp_import_no_memory(err);
	list->count++;
	return 1;
}

/* ---- messages ----------------------------------------------------------- */

const char *tp_import_level_name(int level)
{
	static const char *const names[] = { [TP_IMPORT_REPAIRED] = "repaired",
		[TP_IMPORT_NOTE] = "note",
		[TP_IMPORT_TODO] = "to do" };

	return names[level];
}

int32_t tp_import_say(struct tp_import_result *result,
	enum tp_import_level level, struct tillpost_error *err,
	const char *where, const char *fmt, ...)
{
	struct tp_import_message *messages;
	struct tp_import_message *message;
	char text[700];
	va_list args;

	if (result->message_count >= TP_IMPORT_MESSAGES_MAX)
		return tp_report_set(err, TILLPOST_ETOOBIG, where,
			"more than %d things to say: export only the mail "
			"settings",
			TP_IMPORT_MESSAGES_MAX);
	messages = realloc(result->messages,
		(result->message_count + 1) * sizeof(*messages));
	if (!messages)
		return tp_import_no_memory(err);
	result->messages = messages;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	message = &messages[result->message_count];
	message->level = (int)level;
	message->where = tp_import_copy(where, strlen(where));
	message->text = tp_import_copy(text, strlen(text));
	if (!message->where || !message->text) {
		free(message->where);
		free(message->text);
		return tp_import_no_memory(err);
	}
	result->message_count++;
	return TILLPOST_OK;
}

/* ---- freeing ------------------------------------------------------------ */

static void free_relay(struct tp_import_relay *relay)
{
	tp_import_wipe(relay->host);
	tp_import_wipe(relay->username);
	tp_import_wipe(relay->secret);
	free(relay->tls_name);
	free(relay->ca_file);
	free(relay->client_cert);
	free(relay->client_key);
	free(relay->fingerprint);
	free(relay->helo_name);
}

static void free_list(struct tp_import_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

void tp_import_result_free(struct tp_import_result *result)
{
	size_t i;

	for (i = 0; i < result->relay_count; i++)
		free_relay(&result->relays[i]);
	for (i = 0; i < result->store_count; i++) {
		struct tp_import_store *store = &result->stores[i];

		free(store->from);
		free(store->envelope_from);
		free(store->bcc_archive);
		free_list(&store->match_from);
		free_list(&store->match_host);
		free_list(&store->match_run_code);
	}
	for (i = 0; i < result->message_count; i++) {
		free(result->messages[i].where);
		free(result->messages[i].text);
	}
	free(result->messages);
	*result = (struct tp_import_result) { .relay_count = 0 };
}
