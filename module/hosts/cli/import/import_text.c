/*
 * import_text.c - a result as text of a tillpost configuration
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_text.h"

#include <stdio.h>
#include <string.h>

/* ---- settings one by one ------------------------------------------------ */

struct sending {
	tp_import_setting_fn *fn;
	void *ctx;
	int32_t rc;
};

static void send_setting(struct sending *sending, const char *key,
	const char *value, int is_number, int is_list)
{
	const struct tp_import_setting setting = { key, value, is_number,
		is_list };

	if (sending->rc >= 0 && value && value[0] != '\0')
		sending->rc = sending->fn(sending->ctx, &setting);
}

static void send_text(
	struct sending *sending, const char *key, const char *value)
{
	send_setting(sending, key, value, 0, 0);
}

int32_t tp_import_relay_settings(const struct tp_import_relay *relay,
	const char *secret_file, tp_import_setting_fn *fn, void *ctx)
{
	static const char *const modes[] = { [TP_IMPORT_IMPLICIT] = "implicit",
		[TP_IMPORT_STARTTLS] = "starttls",
		[TP_IMPORT_CLEAR] = "none" };
	struct sending sending = { fn, ctx, TILLPOST_OK };
	char port[16];

	(void)snprintf(port, sizeof(port), "%d", relay->port);
	send_text(&sending, "host", relay->host);
	send_setting(&sending, "port", port, 1, 0);
	send_text(&sending, "tls", modes[relay->tls]);
	send_text(&sending, "auth", relay->auth);
	if (relay->plaintext)
		send_setting(&sending, "allow_plaintext_auth", "true", 1, 0);
	send_text(&sending, "tls_name", relay->tls_name);
	send_text(&sending, "ca_file", relay->ca_file);
	send_text(&sending, "client_cert", relay->client_cert);
	send_text(&sending, "client_key", relay->client_key);
	send_text(&sending, "fingerprint", relay->fingerprint);
	send_text(&sending, "helo_name", relay->helo_name);
	send_text(&sending, "username", relay->username);
	send_text(&sending, relay->is_token ? "token_file" : "password_file",
		secret_file);
	return sending.rc;
}

static void send_list(struct sending *sending, const char *key,
	const struct tp_import_list *list)
{
	struct tp_import_bytes text = { .text = NULL };
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (i > 0)
			tp_import_bytes_put(&text, ",");
		tp_import_bytes_put(&text, list->items[i]);
	}
	if (text.failed && sending->rc >= 0)
		sending->rc = TILLPOST_ENOMEM;
	send_setting(sending, key, text.text, 0, 1);
	tp_import_bytes_free(&text);
}

int32_t tp_import_store_settings(const struct tp_import_result *result,
	const struct tp_import_store *store, tp_import_setting_fn *fn,
	void *ctx)
{
	struct sending sending = { fn, ctx, TILLPOST_OK };

	/* First: without relays a store is an error. */
	send_setting(
		&sending, "relays", result->relays[store->relay].name, 0, 1);
	send_text(&sending, "from", store->from);
	if (store->replace_from && store->from)
		send_text(&sending, "from_policy", "replace");
	send_text(&sending, "envelope_from", store->envelope_from);
	send_text(&sending, "bcc_archive", store->bcc_archive);
	send_list(&sending, "match.from", &store->match_from);
	send_list(&sending, "match.host", &store->match_host);
	send_list(&sending, "match.run_code", &store->match_run_code);
	return sending.rc;
}

void tp_import_secret_file(const struct tp_import_relay *relay,
	const char *directory, struct tp_import_bytes *path)
{
	tp_import_bytes_printf(path, "%s/%s", directory, relay->name);
}

/* ---- text --------------------------------------------------------------- */

struct writing {
	struct tp_conf_text *out;
	const char *group;
	const char *name;
};

static int32_t write_setting(void *ctx, const struct tp_import_setting *setting)
{
	struct writing *writing = ctx;
	char key[TP_CONF_KEY_BYTES];

	(void)snprintf(key, sizeof(key), "%s.%s.%s", writing->group,
		writing->name, setting->key);
	tp_conf_put(writing->out, key, setting->value,
		setting->is_list     ? TP_CONF_LIST
		: setting->is_number ? TP_CONF_BARE
				     : TP_CONF_STRING);
	return TILLPOST_OK;
}

static void put_relay(struct tp_conf_text *out,
	const struct tp_import_relay *relay, const char *directory)
{
	struct writing writing = { out, "relays", relay->name };
	struct tp_import_bytes file = { .text = NULL };

	if (relay->secret || relay->wants_secret || relay->secret_is_there)
		tp_import_secret_file(relay, directory, &file);
	if (tp_import_relay_settings(
		    relay, file.text, write_setting, &writing) < 0 ||
		file.failed)
		out->failed = 1;
	tp_import_bytes_free(&file);
}

void tp_import_config_text(const struct tp_import_result *result,
	const char *directory, struct tp_conf_text *out)
{
	size_t i;

	for (i = 0; i < result->relay_count; i++)
		put_relay(out, &result->relays[i], directory);
	for (i = 0; i < result->store_count; i++) {
		struct writing writing = { out, "stores",
			result->stores[i].name };

		if (tp_import_store_settings(result, &result->stores[i],
			    write_setting, &writing) < 0)
			out->failed = 1;
	}
}
