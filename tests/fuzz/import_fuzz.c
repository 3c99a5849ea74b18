/*
 * import_fuzz.c - fuzz target for the exports that tillpost import reads
 *
 * JOB     The first byte picks the format; for postfix, a line "%%" divides
 *         main.cf, the map of passwords and the map of senders. Whatever the
 *         input: names are valid and unique, every store has a relay, what
 *         goes into the configuration is one line of UTF-8 each, a login is
 *         never left in clear text to another machine, and a secret is in no
 *         message and not in the text of the configuration.
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_bytes.h"
#include "cli/import/import_products.h"
#include "cli/import/import_result.h"
#include "cli/import/import_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
	if (!condition)
		abort();
}

static void check_text(const char *text)
{
	must(!text || tp_import_printable(text, strlen(text)));
}

static void check_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_";

	must(name[0] != '\0' && strlen(name) < TP_IMPORT_NAME_BYTES);
	must(strspn(name, allowed) == strlen(name));
	must((name[0] >= 'a' && name[0] <= 'z') ||
		(name[0] >= 'A' && name[0] <= 'Z'));
}

static void check_relay(const struct tp_import_relay *relay)
{
	check_name(relay->name);
	must(relay->port >= 1 && relay->port <= 65535);
	must(relay->host && relay->host[0] != '\0');
	check_text(relay->host);
	check_text(relay->username);
	check_text(relay->ca_file);
	check_text(relay->helo_name);
	must(!relay->secret || !strpbrk(relay->secret, "\r\n"));
	must(!relay->secret || !relay->wants_secret);
	if (relay->username && relay->tls == TP_IMPORT_CLEAR)
		must(strncmp(relay->host, "127.", 4) == 0 ||
			strcmp(relay->host, "::1") == 0 ||
			tp_import_same(relay->host, "localhost"));
}

static void check_store(const struct tp_import_result *result, size_t index)
{
	const struct tp_import_store *store = &result->stores[index];
	size_t i;

	check_name(store->name);
	must(store->relay < result->relay_count);
	check_text(store->from);
	check_text(store->envelope_from);
	for (i = 0; i < store->match_from.count; i++)
		must(tp_import_is_address(store->match_from.items[i], 1));
	for (i = 0; i < store->match_host.count; i++)
		must(tp_import_is_host(store->match_host.items[i]));
	for (i = 0; i < index; i++)
		must(strcmp(store->name, result->stores[i].name) != 0);
}

/* Does SECRET stand in what is no secret? Then it is seen there. */
static int is_elsewhere(
	const struct tp_import_result *result, const char *secret)
{
	size_t i;

	for (i = 0; i < result->relay_count; i++)
		if (strstr(result->relays[i].name, secret) ||
			strstr(result->relays[i].host, secret))
			return 1;
	for (i = 0; i < result->store_count; i++)
		if (strstr(result->stores[i].name, secret))
			return 1;
	return 0;
}

/* What stands in the input once only, as it is, stands for nothing else.
 * Short ones are found in other words by chance. */
static void check_messages(
	const struct tp_import_result *result, const char *input)
{
	size_t i;
	size_t k;

	for (i = 0; i < result->relay_count; i++) {
		const char *secret = result->relays[i].secret;
		const char *at = secret ? strstr(input, secret) : NULL;

		if (!at || strncmp(secret, "CANARY", 6) != 0 ||
			strstr(at + 1, secret) || is_elsewhere(result, secret))
			continue;
		for (k = 0; k < result->message_count; k++)
			must(!strstr(result->messages[k].text, secret) &&
				!strstr(result->messages[k].where, secret));
	}
}

static void write_config_text(
	const struct tp_import_result *result, struct tp_conf_text *text)
{
	tp_conf_begin(text, "import");
	tp_import_config_text(result, "/etc/tillpost/secrets", text);
	must(tp_conf_end(text) == 0);
}

/* The text is the same whatever the secrets are. */
static void check_config_text(struct tp_import_result *result)
{
	struct tp_conf_text text;
	struct tp_conf_text other;
	size_t i;

	write_config_text(result, &text);
	for (i = 0; i < result->relay_count; i++)
		if (result->relays[i].secret)
			memset(result->relays[i].secret, '?',
				strlen(result->relays[i].secret));
	write_config_text(result, &other);
	must(strcmp(text.bytes, other.bytes) == 0);
	tp_conf_free(&text);
	tp_conf_free(&other);
}

static void check_result(struct tp_import_result *result, const char *input)
{
	size_t i;
	size_t k;

	must(tp_import_has_default(result));
	for (i = 0; i < result->relay_count; i++) {
		check_relay(&result->relays[i]);
		for (k = 0; k < i; k++)
			must(strcmp(result->relays[i].name,
				     result->relays[k].name) != 0);
	}
	for (i = 0; i < result->store_count; i++)
		check_store(result, i);
	check_messages(result, input);
	check_config_text(result);
}

/* Cuts INPUT at the line "%%"; what follows becomes NEXT. */
static void divide(struct tp_import_input *input, struct tp_import_input *next)
{
	char *at = strstr((char *)input->text, "\n%%\n");

	if (!at)
		return;
	*next = (struct tp_import_input) { "map", at + 4, strlen(at + 4) };
	at[1] = '\0';
	input->len = (size_t)(at + 1 - input->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tp_import_request request = { .format = NULL };
	struct tp_import_result *result;
	struct tillpost_error err;
	char sasl[256];
	char senders[256];
	size_t count;
	const struct tp_import_format *formats = tp_import_formats(&count);
	char *text;

	if (size < 1)
		return 0;
	text = malloc(size);
	result = malloc(sizeof(*result));
	must(text && result);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	request.format = formats[data[0] % count].name;
	request.main = (struct tp_import_input) { "input", text, size - 1 };
	TILLPOST_INIT(&err);
	if (strcmp(request.format, "fluent-smtp") == 0)
		divide(&request.main, &request.wp_config);
	if (strcmp(request.format, "postfix") == 0) {
		divide(&request.main, &request.sasl);
		if (request.sasl.text)
			divide(&request.sasl, &request.senders);
		if (tp_import_postfix_maps(
			    &request.main, sasl, senders, &err) >= 0)
			must(!strchr(sasl, '/') && !strchr(senders, '/'));
	}
	if (tp_import_run(&request, result, &err) >= 0)
		check_result(result, text);
	else
		must(err.status < 0 && err.text[0] != '\0');
	tp_import_result_free(result);
	free(result);
	free(text);
	return 0;
}
