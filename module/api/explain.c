/*
 * explain.c - what would happen, and a test mail that makes it happen
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/convert.h"
#include "api/handle.h"

#include "base/buf.h"
#include "base/text.h"
#include "core/presets.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES 512
#define MESSAGE_MAX_BYTES 8192
#define DEFAULT_WAIT_MS 30000
#define STOP_GRACE_MS 5000

static const char *tls_name(int tls)
{
	switch (tls) {
	case TP_TLS_IMPLICIT:
		return "implicit";
	case TP_TLS_STARTTLS:
		return "starttls";
	default:
		return "none";
	}
}

/* ---- route -------------------------------------------------------------- */

struct facts {
	tillpost_route_fn *show;
	void *ctx;
	int ended; /* the host wants no more */
};

static void fact(struct facts *facts, const char *name, const char *fmt, ...)
	TP_PRINTF(3, 4);

static void fact(struct facts *facts, const char *name, const char *fmt, ...)
{
	struct tillpost_route_fact one;
	char value[LINE_BYTES];
	va_list args;

	if (facts->ended)
		return;
	va_start(args, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	TILLPOST_INIT(&one);
	one.name = name;
	one.value = value;
	facts->ended = facts->show(facts->ctx, &one) != 0;
}

static void duration_fact(struct facts *facts, const char *name, int64_t ms)
{
	char text[32];

	tp_format_duration(ms, text);
	fact(facts, name, "%s", text);
}

static const char *login_of(const struct tp_relay *relay)
{
	if (relay->auth == TP_AUTH_NONE)
		return "none";
	return relay->username_is_secret ? "the token, as user and password"
					 : tp_abi_text(relay->username);
}

static void explain_relay(struct facts *facts, const struct tp_relay *relay)
{
	const struct tp_preset *preset =
		relay->preset ? tp_preset_find(relay->preset) : NULL;

	fact(facts, "relay", "%s", relay->name);
	if (preset)
		fact(facts, "provider", "%s", preset->title);
	fact(facts, "server", "%s port %lld", tp_abi_text(relay->host),
		(long long)relay->port);
	fact(facts, "tls", "%s", tls_name(relay->tls));
	fact(facts, "login", "%s", login_of(relay));
	fact(facts, "connections", "at most %lld",
		(long long)relay->max_connections);
	if (preset && preset->limits[0])
		fact(facts, "provider limits", "%s", preset->limits);
}

static void explain_store(struct facts *facts, const struct tp_route *route)
{
	const struct tp_store *store = route->store;
	char size[32];

	fact(facts, "store", "%s", store->name);
	fact(facts, "why", "%s", route->reason);
	tp_format_size(store->message_max_bytes, size);
	fact(facts, "limits", "messages up to %s, %lld recipients", size,
		(long long)store->recipients_max);
	duration_fact(facts, "lifetime", store->lifetime_ms);
	fact(facts, "bounces", "%s", store->bounce ? "yes" : "no");
}

static void explain_message(
	struct facts *facts, const struct tp_message *message)
{
	size_t i;

	fact(facts, "message-id", "%s", message->message_id);
	fact(facts, "sender", "<%s>", message->sender);
	fact(facts, "from", "%s", tp_abi_text(message->from_addr));
	for (i = 0; i < message->recipients.count; i++)
		fact(facts, "recipient", "%s",
			message->recipients.items[i].addr);
	fact(facts, "size", "%zu bytes", message->len);
}

/* What would happen to anybody's message: users are not checked. */
static int make_intake(tillpost_handle *handle,
	const struct tillpost_message *message, struct tp_intake *intake_out,
	struct tp_error *err)
{
	struct tp_intake_context context = {
		.config = tp_handle_config(handle),
		.clock = &handle->clock,
	};
	int rc;

	if (context.config->partial)
		rc = tp_fail(err, TP_EPERM, handle->config_path,
			"the configuration may not be read by this user, so "
			"its stores are not known here");
	else
		rc = tp_intake_make(&context, message, intake_out, err);
	tp_config_unref(&context.config);
	return rc;
}

int32_t tp_api_route_explain(tillpost_handle *handle,
	const struct tillpost_message *message, tillpost_route_fn *show,
	void *ctx, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct facts facts = { show, ctx, 0 };
	struct tillpost_message known;
	struct tp_intake intake;
	int rc = tp_handle_usable(handle, &detail);

	if (rc >= 0 && (!message || !show))
		rc = tp_fail(&detail, TP_EINVAL, message ? "fact" : "message",
			"is NULL");
	if (rc >= 0) {
		TP_ABI_READ(&known, message);
		rc = make_intake(handle, &known, &intake, &detail);
	}
	if (rc >= 0) {
		explain_store(&facts, &intake.route);
		explain_relay(&facts, intake.route.store->relay);
		explain_message(&facts, &intake.message);
		tp_intake_free(&intake);
	}
	return tp_abi_error(err, rc, &detail);
}

/* ---- test --------------------------------------------------------------- */

struct testing {
	tillpost_handle *handle;
	tillpost_step_fn *show;
	void *ctx;
};

static void step(struct testing *testing, const char *name, int32_t status,
	int64_t duration_us, const char *text)
{
	struct tillpost_step one;

	if (!testing->show)
		return;
	TILLPOST_INIT(&one);
	one.status = status;
	one.step = name;
	one.text = text;
	one.duration_us = duration_us;
	(void)testing->show(testing->ctx, &one);
}

static int find_store(struct tp_config *config, const char *name,
	const struct tp_store **store_out, struct tp_error *err)
{
	const struct tp_store *store = tp_config_store(config, name);

	*store_out = store;
	if (!store)
		return tp_fail(err, TP_ENOTFOUND, "store",
			"there is no store \"%.60s\"", name);
	if (!store->relay)
		return tp_fail(err, TP_ECONFIG, "relays",
			"store \"%.60s\" has no relay", name);
	return TP_OK;
}

static void show_connected(
	struct testing *testing, const struct tp_connection_info *info)
{
	char text[LINE_BYTES];

	(void)snprintf(text, sizeof(text), "connected to %s", info->peer);
	step(testing, "connect", TILLPOST_OK, info->connect_us, text);
	(void)snprintf(text, sizeof(text), "%s%s%s",
		info->tls_version[0] ? info->tls_version : "no TLS",
		info->tls_cipher[0] ? ", " : "", info->tls_cipher);
	step(testing, "tls", TILLPOST_OK, info->tls_us, text);
	(void)snprintf(text, sizeof(text), "%s%s",
		info->auth_mechanism[0] ? "logged in with " : "no login",
		info->auth_mechanism);
	step(testing, "auth", TILLPOST_OK, info->auth_us, text);
}

/* A connection of its own, so that its steps can be shown one by one; the
 * mail then goes the way of every mail. */
static int try_relay(struct testing *testing, const struct tp_relay *relay,
	struct tp_error *err)
{
	const struct tp_transport_ops *ops = testing->handle->transport->ops;
	struct tp_connection *connection = NULL;
	struct tp_trouble trouble;
	int rc;

	memset(&trouble, 0, sizeof(trouble));
	rc = ops->connect(
		testing->handle->transport, relay, NULL, &connection, &trouble);
	if (rc < 0) {
		/* The text has the relay's words. */
		step(testing, tp_step_name(trouble.step), rc, 0, trouble.text);
		if (err)
			err->reply_code = trouble.reply.code;
		return tp_fail(err, rc, tp_step_name(trouble.step), "%s",
			trouble.text);
	}
	show_connected(testing, ops->info(connection));
	ops->disconnect(&connection);
	return TP_OK;
}

static int compose(
	const struct tp_store *store, const char *recipient, struct tp_buf *out)
{
	int rc = TP_OK;

	if (store->from)
		rc = tp_buf_printf(out, "From: %s\r\n", store->from);
	else
		rc = tp_buf_printf(out, "From: %s\r\n", recipient);
	if (rc < 0)
		return rc;
	return tp_buf_printf(out,
		"To: %s\r\n"
		"Subject: tillpost test for store %s\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"\r\n"
		"This mail shows that store \"%s\" can send through relay "
		"\"%s\".\r\n",
		recipient, store->name, store->name, store->relay->name);
}

static int submit_test(tillpost_handle *handle, const struct tp_store *store,
	const struct tillpost_test_options *options,
	struct tillpost_receipt *receipt, struct tillpost_error *err)
{
	struct tp_buf text = TP_BUF_INIT(MESSAGE_MAX_BYTES);
	struct tillpost_message message;
	int32_t rc;

	if (compose(store, options->recipient, &text) < 0) {
		tp_buf_free(&text);
		return TP_ENOMEM;
	}
	TILLPOST_INIT(&message);
	message.flags = TILLPOST_SUBMIT_DELIVER_NOW;
	message.data = text.data;
	message.data_bytes = text.len;
	message.recipients = &options->recipient;
	message.recipient_count = 1;
	message.wait_ms = options->wait_ms;
	message.store = store->name;
	rc = tp_api_submit(handle, &message, receipt, err);
	tp_buf_free(&text);
	return rc;
}

/* Also a passive handle delivers, for as long as the test takes. */
static int32_t deliver_test(struct testing *testing,
	const struct tp_store *store,
	const struct tillpost_test_options *options,
	struct tillpost_receipt *receipt, struct tillpost_error *err)
{
	struct tp_engine *engine = testing->handle->engine;
	struct tp_error detail = TP_ERROR_INIT;
	struct tillpost_receipt filled;
	int64_t begun_us = tp_mono_us();
	int32_t rc;

	rc = tp_engine_start(engine, &detail);
	if (rc < 0)
		return tp_abi_error(err, rc, &detail);
	/* The relay was just seen to work. */
	tp_engine_kick(engine, store->relay->name);
	TILLPOST_INIT(&filled);
	rc = submit_test(testing->handle, store, options, &filled, err);
	tp_engine_stop(engine, STOP_GRACE_MS);
	if (rc >= 0) {
		int sent = filled.verdict == TILLPOST_VERDICT_SENT;

		step(testing, "send", sent ? TILLPOST_OK : TILLPOST_EMESSAGE,
			tp_mono_us() - begun_us, filled.text);
		TP_ABI_WRITE(receipt, &filled);
	}
	return rc;
}

static int32_t test(struct testing *testing, struct tp_config *config,
	const struct tillpost_test_options *options,
	struct tillpost_receipt *receipt, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	const struct tp_store *store;
	char text[LINE_BYTES];
	int rc = TP_OK;

	if (options->recipient)
		rc = tp_address_check(
			options->recipient, 0, "to", NULL, NULL, &detail);
	if (rc >= 0)
		rc = find_store(config,
			options->store ? options->store : "default", &store,
			&detail);
	if (rc < 0)
		return tp_abi_error(err, rc, &detail);
	(void)snprintf(text, sizeof(text),
		"store %s, relay %s: %s port %lld, tls %s", store->name,
		store->relay->name, tp_abi_text(store->relay->host),
		(long long)store->relay->port, tls_name(store->relay->tls));
	step(testing, "route", TILLPOST_OK, 0, text);
	rc = try_relay(testing, store->relay, &detail);
	if (rc < 0 || !options->recipient)
		return tp_abi_error(err, rc, &detail);
	return deliver_test(testing, store, options, receipt, err);
}

int32_t tp_api_test_send(tillpost_handle *handle,
	const struct tillpost_test_options *options, tillpost_step_fn *show,
	void *ctx, struct tillpost_receipt *receipt, struct tillpost_error *err)
{
	struct tp_error detail = TP_ERROR_INIT;
	struct testing testing = { handle, show, ctx };
	struct tillpost_test_options known;
	struct tp_config *config;
	int32_t rc = tp_handle_sender(handle, &detail);

	if (rc < 0)
		return tp_abi_error(err, rc, &detail);
	TP_ABI_READ(&known, options);
	config = tp_handle_config(handle);
	rc = test(&testing, config, &known, receipt, err);
	tp_config_unref(&config);
	return rc;
}
