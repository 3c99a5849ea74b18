/*
 * send_bench.c - how fast the engine sends to one plain relay
 *
 * JOB     send_bench transport|queue PORT COUNT BYTES CONNECTIONS [DIR]
 *         transport: COUNT messages from memory over one connection, through
 *         libESMTP, endpoint and channel: the engine without queue and log.
 *         queue: COUNT messages put into a SQLite queue in DIR first, then
 *         delivered with the outcome log on; each result is durable before
 *         the next message goes out on its connection. Only the delivery is
 *         timed. Prints one line: messages per second.
 * LAYER   test program over the static archive.
 * SPDX-License-Identifier: MIT
 */
#include "adapters/outcome_file.h"
#include "adapters/queue_sqlite.h"
#include "adapters/transport_esmtp.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char recipient[] = "customer@example.test";
static const char *const recipients[] = { recipient };

static int fail(const char *what, const char *text)
{
	(void)fprintf(stderr, "send_bench: %s: %s\n", what, text);
	return 1;
}

static char *make_message(size_t bytes, size_t *len_out)
{
	static const char header[] = "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
				     "From: Shop <shop@example.test>\r\n"
				     "To: customer@example.test\r\n"
				     "Message-ID: <bench@example.test>\r\n"
				     "Subject: Your order\r\n\r\n";
	static const char line[] =
		"The quick brown fox jumps over the lazy dog, and again.\r\n";
	struct tp_buf buf = TP_BUF_INIT(64u << 20);

	if (tp_buf_str_add(&buf, header) < 0)
		return NULL;
	while (buf.len < bytes)
		if (tp_buf_str_add(&buf, line) < 0)
			return NULL;
	return tp_buf_take(&buf, len_out);
}

static void fill_relay(struct tp_relay *relay, int port, int connections)
{
	static char name[] = "sink";
	static char host[] = "127.0.0.1";

	*relay = (struct tp_relay) {
		.name = name,
		.host = host,
		.port = port,
		.tls = TP_TLS_NONE,
		.auth = TP_AUTH_NONE,
		.connect_timeout_ms = 5000,
		.tls_timeout_ms = 5000,
		.reply_timeout_ms = 30000,
		.data_timeout_ms = 30000,
		.final_timeout_ms = 30000,
		.idle_timeout_ms = 5000,
		.max_connections = connections,
		.messages_per_connection = 100000000,
	};
}

/* ---- transport ---------------------------------------------------------- */

struct feed {
	struct tp_transaction tx;
	struct tp_reply rcpt;
	long left;
	long sent;
};

static struct tp_transaction *feed_next(void *ctx)
{
	struct feed *feed = ctx;

	return feed->left-- > 0 ? &feed->tx : NULL;
}

static void feed_done(void *ctx, struct tp_transaction *tx)
{
	struct feed *feed = ctx;

	feed->sent += tx->data_reply.code == 250;
}

static int bench_transport(
	const struct tp_relay *relay, long count, char *data, size_t len)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_trouble trouble = { 0 };
	struct tp_transport *transport;
	struct tp_connection *connection;
	struct feed feed = { .left = count };
	struct tp_session_source source = {
		.ctx = &feed, .next = feed_next, .done = feed_done
	};
	int64_t begun;
	int rc = 1;

	feed.tx = (struct tp_transaction) { .sender = "shop@example.test",
		.recipients = recipients,
		.recipient_count = 1,
		.data = data,
		.data_len = len,
		.rcpt = &feed.rcpt };
	if (tp_transport_esmtp_new(&transport, &err) < 0)
		return fail("transport", err.text);
	if (transport->ops->connect(
		    transport, relay, NULL, &connection, &trouble) < 0)
		return fail("connect", trouble.text);
	begun = tp_mono_us();
	while (feed.left > 0 && rc == 1)
		rc = transport->ops->session(connection, &source, &err);
	(void)printf("%.0f\n",
		(double)feed.sent * 1e6 / (double)(tp_mono_us() - begun));
	transport->ops->disconnect(&connection);
	transport->ops->destroy(&transport);
	if (feed.sent != count)
		return fail("session", feed.tx.trouble.text);
	return 0;
}

/* ---- queue -------------------------------------------------------------- */

static int preload(struct tp_queue *queue, long count, char *data, size_t len)
{
	static char store[] = "default";
	static char relay[] = "sink";
	static char sender[] = "shop@example.test";
	static char id[] = "<bench@example.test>";
	static char to[] = "customer@example.test";
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_rcpt rcpt = { .address = to };
	long i;

	for (i = 0; i < count; i++) {
		int64_t now = tp_now_ms(NULL);
		struct tp_queue_item item = { .store = store,
			.relay = relay,
			.sender = sender,
			.message_id = id,
			.rcpts = &rcpt,
			.rcpt_count = 1,
			.data = data,
			.data_len = len,
			.created_ms = now,
			.expires_ms = now + 86400000,
			.next_try_ms = now };
		char id_out[TP_QUEUE_ID_BYTES];

		if (tp_queue_id(now, item.queue_id) < 0 ||
			queue->ops->put(queue, &item, id_out, &err) < 0)
			return fail("put", err.text);
	}
	return 0;
}

static int drain(struct tp_queue *queue, struct tp_config *config,
	const struct tp_outcome_sink *sink, long count)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_engine_options options = { .queue = queue, .sink = sink };
	struct tp_engine_stats stats = { 0 };
	struct tp_engine *engine;
	struct timespec tick = { 0, 2000000 };
	int64_t begun;

	if (tp_transport_esmtp_new(&options.transport, &err) < 0 ||
		tp_engine_new(&options, config, &engine, &err) < 0)
		return fail("engine", err.text);
	begun = tp_mono_us();
	if (tp_engine_start(engine, &err) < 0)
		return fail("engine", err.text);
	while (stats.sent < count && tp_mono_us() - begun < 120000000) {
		(void)nanosleep(&tick, NULL);
		tp_engine_stats(engine, &stats);
	}
	(void)printf("%.0f\n",
		(double)stats.sent * 1e6 / (double)(tp_mono_us() - begun));
	tp_engine_destroy(&engine);
	options.transport->ops->destroy(&options.transport);
	return stats.sent == count ? 0 : fail("engine", "not all were sent");
}

/* This configuration is on the stack: the reference it holds on itself keeps
 * the engine from freeing it. */
static int bench_queue(const char *directory, struct tp_relay *relay,
	long count, char *data, size_t len)
{
	static char store_name[] = "default";
	struct tp_store store = { .name = store_name, .relay = relay };
	struct tp_config config = { .retry_base_ms = 1000,
		.retry_cap_ms = 1000,
		.unknown_retry_ms = 1000,
		.auth_probe_ms = 1000,
		.lease_ms = 600000,
		.log_retention_ms = 86400000,
		.log_retention_bytes = 1 << 30,
		.relays = relay,
		.relay_count = 1,
		.stores = &store,
		.store_count = 1 };
	struct tp_error err = TP_ERROR_INIT;
	char path[512];
	char log_path[512];
	struct tp_queue_sqlite_options options = { .path = path };
	struct tp_outcome_file_options log_options = { .path = log_path };
	struct tp_outcome_sink sink;
	struct tp_outcome_file *log;
	struct tp_queue *queue;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/queue.db", directory);
	(void)snprintf(
		log_path, sizeof(log_path), "%s/outcome.jsonl", directory);
	if (tp_queue_sqlite_open(&options, &queue, &err) < 0 ||
		tp_outcome_file_open(&log_options, &log, &err) < 0)
		return fail("open", err.text);
	rc = preload(queue, count, data, len);
	sink = tp_outcome_file_sink(log);
	atomic_init(&config.refs, 1);
	if (rc == 0)
		rc = drain(queue, &config, &sink, count);
	tp_outcome_file_close(&log);
	queue->ops->destroy(&queue);
	return rc;
}

int main(int argc, char **argv)
{
	struct tp_relay relay;
	size_t len = 0;
	char *data;
	int rc;

	if (argc < 6)
		return fail("usage", "transport|queue PORT COUNT BYTES "
				     "CONNECTIONS [DIR]");
	fill_relay(&relay, (int)strtol(argv[2], NULL, 10),
		(int)strtol(argv[5], NULL, 10));
	data = make_message((size_t)strtoul(argv[4], NULL, 10), &len);
	if (!data)
		return fail("message", "out of memory");
	if (strcmp(argv[1], "transport") == 0)
		rc = bench_transport(
			&relay, strtol(argv[3], NULL, 10), data, len);
	else if (argc > 6)
		rc = bench_queue(
			argv[6], &relay, strtol(argv[3], NULL, 10), data, len);
	else
		rc = fail("usage", "queue needs DIR");
	tp_free(data);
	return rc;
}
