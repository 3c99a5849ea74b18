/*
 * queue_bench.c - how many durable changes per second the queue makes
 *
 * usage: queue_bench [DIRECTORY [MESSAGES]]
 * Puts, loads and settles 2 KB messages with 1, 4 and 8 threads. A settlement
 * also begins the next message, as the engine does. Prints the disk's own rate
 * (append 4 KB, fdatasync) in the same directory, for the ratio. Then puts 5 KB
 * messages many at a time, as who takes in the spool does, and asks which of
 * them are known.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/queue_sqlite.h"
#include "base/mem.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BODY_BYTES 2048
#define BODY_MAX_BYTES 5120
#define MANY_MAX 1024
#define THREADS_MAX 8
#define CLAIM_MAX 32
#define LEASE_MS 600000

struct worker {
	pthread_t thread;
	struct tp_queue *queue;
	size_t count; /* to put; settled on return */
	int64_t *us;  /* latency of each call */
	size_t us_count;
};

static void fail(const char *what, const struct tp_error *err)
{
	fprintf(stderr, "queue_bench: %s: %s\n", what, err->text);
	exit(1);
}

static int64_t now_us(void)
{
	return tp_mono_us();
}

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static struct tp_queue_item make_item(size_t body_bytes)
{
	static const char body[BODY_MAX_BYTES] = "Subject: bench\r\n";
	static struct tp_queue_rcpt rcpt = { .address =
						     (char *)"to@example.net" };
	struct tp_queue_item item = { .store = (char *)"default",
		.relay = (char *)"relay",
		.sender = (char *)"from@example.com",
		.message_id = (char *)"<bench@example.com>",
		.rcpts = &rcpt,
		.rcpt_count = 1,
		.data = (char *)body,
		.data_len = body_bytes };

	item.created_ms = tp_now_ms(NULL);
	item.expires_ms = item.created_ms + LEASE_MS;
	if (tp_queue_id(item.created_ms, item.queue_id) < 0)
		exit(1);
	return item;
}

static void put_one(struct tp_queue *queue)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue_item item = make_item(BODY_BYTES);
	char id[TP_QUEUE_ID_BYTES];

	if (queue->ops->put(queue, &item, id, &err) < 0)
		fail("put", &err);
}

static void *put_many(void *arg)
{
	struct worker *worker = arg;
	size_t i;

	for (i = 0; i < worker->count; i++) {
		int64_t start_us = now_us();

		put_one(worker->queue);
		worker->us[worker->us_count++] = now_us() - start_us;
	}
	return NULL;
}

static int settle_one(struct tp_queue *queue, const struct tp_queue_item *item,
	const char *next)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_settled_rcpt rcpt = { .state = TP_RCPT_SENT };
	struct tp_settlement settlement = { .queue_id = item->queue_id,
		.rcpts = &rcpt,
		.rcpt_count = 1,
		.charged = 1,
		.state = TP_QUEUE_DONE,
		.begin_next = next,
		.begin_relay = "relay" };
	int begun;

	rcpt.outcome = (struct tp_outcome) { .time_ms = tp_now_ms(NULL),
		.store = item->store,
		.relay = item->relay,
		.queue_id = item->queue_id,
		.message_id = item->message_id,
		.sender = item->sender,
		.recipient = item->rcpts[0].address,
		.attempt = 1,
		.verdict = "sent",
		.step = "dot",
		.reply_code = 250,
		.enhanced = "2.0.0",
		.text = "2.0.0 Ok: queued as 4XyZ1234",
		.tls_version = "TLSv1.3",
		.tls_cipher = "TLS_AES_256_GCM_SHA384",
		.size_bytes = BODY_BYTES,
		.last = 1 };
	if (queue->ops->settle(queue, &settlement, &begun, &err) < 0)
		fail("settle", &err);
	return begun;
}

static void deliver(
	struct worker *worker, const struct tp_queue_item *items, size_t count)
{
	struct tp_queue *queue = worker->queue;
	struct tp_error err = TP_ERROR_INIT;
	size_t i;

	if (queue->ops->begin(queue, items[0].queue_id, "relay", &err) < 0)
		fail("begin", &err);
	for (i = 0; i < count; i++) {
		const char *next = i + 1 < count ? items[i + 1].queue_id : NULL;
		int64_t start_us;
		char *data;
		size_t len;

		if (queue->ops->load(
			    queue, items[i].queue_id, &data, &len, &err) < 0)
			fail("load", &err);
		tp_free(data);
		start_us = now_us();
		if (settle_one(queue, &items[i], next) != (next != NULL))
			fail("begin_next", &err);
		worker->us[worker->us_count++] = now_us() - start_us;
	}
}

static void *settle_many(void *arg)
{
	struct worker *worker = arg;
	struct tp_queue *queue = worker->queue;

	for (;;) {
		struct tp_error err = TP_ERROR_INIT;
		struct tp_claim claim = { .relay = "relay",
			.now_ms = tp_now_ms(NULL),
			.lease_ms = LEASE_MS,
			.max_count = CLAIM_MAX };
		struct tp_queue_item *items;
		int count = queue->ops->claim(queue, &claim, &items, &err);

		if (count < 0)
			fail("claim", &err);
		if (count == 0)
			return NULL;
		deliver(worker, items, (size_t)count);
		tp_queue_items_free(items, (size_t)count);
	}
}

static void report(const char *what, size_t threads, struct worker *workers,
	int64_t took_us, double disk_rate)
{
	int64_t *us;
	size_t count = 0;
	size_t i;

	for (i = 0; i < threads; i++)
		count += workers[i].us_count;
	us = calloc(count + 1, sizeof(*us));
	if (!us)
		exit(1);
	count = 0;
	for (i = 0; i < threads; i++) {
		memcpy(us + count, workers[i].us,
			workers[i].us_count * sizeof(*us));
		count += workers[i].us_count;
	}
	qsort(us, count, sizeof(*us), by_value);
	printf("%-7s %zu thread%s %8.0f/s  %.2f of the disk  p50 %lld us  "
	       "p99 %lld us  p99.9 %lld us  max %lld us\n",
		what, threads, threads == 1 ? " " : "s",
		(double)count * 1e6 / (double)took_us,
		(double)count * 1e6 / (double)took_us / disk_rate,
		(long long)us[count / 2], (long long)us[count * 99 / 100],
		(long long)us[count * 999 / 1000], (long long)us[count - 1]);
	free(us);
}

static void run(const char *what, struct tp_queue *queue, size_t threads,
	size_t messages, void *(*body)(void *), double disk_rate)
{
	struct worker workers[THREADS_MAX];
	int64_t start_us = now_us();
	size_t i;

	for (i = 0; i < threads; i++) {
		workers[i] = (struct worker) { .queue = queue,
			.count = messages / threads,
			.us = calloc(messages, sizeof(int64_t)) };
		if (!workers[i].us || pthread_create(&workers[i].thread, NULL,
					      body, &workers[i]) != 0)
			exit(1);
	}
	for (i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	report(what, threads, workers, now_us() - start_us, disk_rate);
	for (i = 0; i < threads; i++)
		free(workers[i].us);
}

/* What the disk does without a queue. */
static double measure_disk(const char *directory, size_t count)
{
	static const char block[4096];
	char path[4096];
	int64_t start_us;
	size_t i;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/append", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	start_us = now_us();
	for (i = 0; i < count; i++)
		if (fd < 0 ||
			write(fd, block, sizeof(block)) !=
				(ssize_t)sizeof(block) ||
			fdatasync(fd) < 0) {
			perror(path);
			exit(1);
		}
	start_us = now_us() - start_us;
	close(fd);
	unlink(path);
	return (double)count * 1e6 / (double)start_us;
}

static void remove_queue(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".owners" };
	char name[4200];
	size_t i;

	for (i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
}

static void bench(
	const char *path, size_t threads, size_t messages, double disk_rate)
{
	struct tp_queue_sqlite_options options = { .path = path,
		.free_reserve_bytes = 1 << 20 };
	struct tp_error err = TP_ERROR_INIT;
	struct tp_queue *queue;
	struct tp_queue_relay_due *due;
	int64_t least = (int64_t)(messages - threads);
	int64_t start_us;
	int count;

	if (least > TP_QUEUE_DUE_MAX_COUNT)
		least = TP_QUEUE_DUE_MAX_COUNT;
	if (tp_queue_sqlite_open(&options, &queue, &err) < 0)
		fail("open", &err);
	run("put", queue, threads, messages, put_many, disk_rate);
	start_us = now_us();
	count = queue->ops->due(queue, tp_now_ms(NULL), &due, &err);
	start_us = now_us() - start_us;
	if (count != 1 || due->due_count < least)
		fail("due", &err);
	printf("due     with %zu waiting: %lld us\n", messages,
		(long long)start_us);
	tp_free(due->relay);
	tp_free(due);
	run("settle", queue, threads, messages, settle_many, disk_rate);
	queue->ops->destroy(&queue);
	remove_queue(path);
}

/* ---- many at once -------------------------------------------------------- */

/* Items of a batch, made before the clock starts. */
struct batch {
	struct tp_queue_item items[MANY_MAX];
	struct tp_queue_put puts[MANY_MAX];
	const char *ids[MANY_MAX];
	unsigned char known[MANY_MAX];
};

static int64_t put_batch(
	struct tp_queue *queue, struct batch *batch, size_t count)
{
	int64_t start_us;
	size_t i;

	memset(batch, 0, sizeof(*batch));
	for (i = 0; i < count; i++) {
		batch->items[i] = make_item(BODY_MAX_BYTES);
		batch->puts[i].item = &batch->items[i];
		batch->ids[i] = batch->items[i].queue_id;
	}
	start_us = now_us();
	queue->ops->put_many(queue, batch->puts, count);
	start_us = now_us() - start_us;
	for (i = 0; i < count; i++)
		if (batch->puts[i].rc < 0)
			fail("put_many", &batch->puts[i].err);
	return start_us;
}

static int64_t ask_batch(
	struct tp_queue *queue, struct batch *batch, size_t count)
{
	struct tp_error err = TP_ERROR_INIT;
	int64_t start_us = now_us();

	if (queue->ops->known(queue, batch->ids, count, batch->known, &err) < 0)
		fail("known", &err);
	return now_us() - start_us;
}

static void bench_many(const char *path, size_t at_once, size_t messages)
{
	struct tp_queue_sqlite_options options = { .path = path,
		.free_reserve_bytes = 1 << 20 };
	struct tp_error err = TP_ERROR_INIT;
	struct batch *batch = calloc(1, sizeof(*batch));
	struct tp_queue *queue;
	int64_t put_us = 0;
	int64_t known_us = 0;
	int64_t cpu = (int64_t)clock();
	size_t done = 0;

	if (!batch || tp_queue_sqlite_open(&options, &queue, &err) < 0)
		fail("open", &err);
	for (; done < messages; done += at_once) {
		put_us += put_batch(queue, batch, at_once);
		known_us += ask_batch(queue, batch, at_once);
	}
	cpu = (int64_t)clock() - cpu;
	printf("put_many %4zu at once, 5 KB %8.0f/s   known %8.0f/s   "
	       "cpu %.0f us each\n",
		at_once, (double)done * 1e6 / (double)put_us,
		(double)done * 1e6 / (double)known_us,
		(double)cpu * 1e6 / CLOCKS_PER_SEC / (double)done);
	queue->ops->destroy(&queue);
	free(batch);
	remove_queue(path);
}

int main(int argc, char **argv)
{
	const char *base = argc > 1 ? argv[1] : ".";
	size_t messages = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 20000;
	static const size_t threads[] = { 1, 4, 8 };
	static const size_t at_once[] = { 1, 16, 64, 256, MANY_MAX };
	char directory[4000];
	char path[4096];
	double disk_rate;
	size_t i;

	(void)snprintf(
		directory, sizeof(directory), "%s/queue-bench-XXXXXX", base);
	if (messages < THREADS_MAX || !mkdtemp(directory)) {
		fprintf(stderr, "usage: queue_bench [DIRECTORY [MESSAGES]]\n");
		return 64;
	}
	(void)snprintf(path, sizeof(path), "%s/queue.db", directory);
	disk_rate = measure_disk(directory, 3000);
	printf("disk    append 4 KB + fdatasync: %.0f/s\n", disk_rate);
	for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
		bench(path, threads[i], messages, disk_rate);
	for (i = 0; i < sizeof(at_once) / sizeof(at_once[0]); i++)
		bench_many(path, at_once[i], messages);
	rmdir(directory);
	return 0;
}
