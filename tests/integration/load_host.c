/*
 * load_host.c - a host that submits many messages from many threads
 *
 * JOB     load_host -c CONFIG -p PLUGIN [-t THREADS] [-n COUNT] [-b BYTES]
 *                   [-s STORE,STORE...] [-w]
 *         Each thread submits COUNT / THREADS messages to the stores in turn.
 *         For each acknowledged message one line "QUEUE-ID MESSAGE-ID STORE"
 *         goes to standard output with a single write(2), so that a reader
 *         knows what was promised even if this process is killed right after.
 *         -w: afterwards waits until nothing is left to deliver.
 *         The message names its store in X-Load-Store, for the relay's side.
 * LAYER   a host: public header only.
 * SPDX-License-Identifier: MIT
 */
#include <tillpost/abi.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STORES_MAX 8

struct load {
	const struct tillpost_api *api;
	tillpost_handle *handle;
	const char *stores[STORES_MAX];
	int store_count;
	int threads;
	long count;
	size_t bytes;
	int failed; /* set by any thread */
};

struct lane {
	struct load *load;
	int number;
	pthread_t thread;
};

static const struct tillpost_api *load_plugin(const char *path)
{
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void *symbol = so ? dlsym(so, TILLPOST_ENTRY) : NULL;
	tillpost_entry_fn *entry;

	if (!symbol) {
		(void)fprintf(stderr, "load_host: %s\n", dlerror());
		return NULL;
	}
	memcpy(&entry, &symbol, sizeof(entry));
	return entry();
}

/* The text is the same for the same arguments, apart from the header. */
static size_t compose(char *out, size_t room, const char *store,
	const char *message_id, const char *to, size_t bytes)
{
	static const char line[] = "Thank you for your order.\r\n";
	int used = snprintf(out, room,
		"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
		"From: %s@example.com\r\nTo: %s\r\nMessage-ID: %s\r\n"
		"X-Load-Store: %s\r\nSubject: order\r\n\r\n",
		store, to, message_id, store);
	size_t len = (size_t)used;

	while (len + sizeof(line) < bytes && len + sizeof(line) < room) {
		memcpy(out + len, line, sizeof(line) - 1);
		len += sizeof(line) - 1;
	}
	return len;
}

static int submit_one(struct load *load, char *data, size_t room, long number)
{
	const char *store = load->stores[number % load->store_count];
	struct tillpost_message message;
	struct tillpost_receipt receipt;
	struct tillpost_error err;
	char message_id[128];
	char to[64];
	const char *recipients[1];
	char line[320];
	int len;

	(void)snprintf(message_id, sizeof(message_id), "<load-%ld-%ld@example>",
		(long)getpid(), number);
	(void)snprintf(to, sizeof(to), "c%ld@example.test", number);
	recipients[0] = to;
	TILLPOST_INIT(&message);
	TILLPOST_INIT(&receipt);
	TILLPOST_INIT(&err);
	message.data = data;
	message.data_bytes =
		compose(data, room, store, message_id, to, load->bytes);
	message.recipients = recipients;
	message.recipient_count = 1;
	message.store = store;
	if (load->api->submit(load->handle, &message, &receipt, &err) < 0) {
		(void)fprintf(
			stderr, "load_host: %s: %s\n", err.where, err.text);
		return -1;
	}
	len = snprintf(line, sizeof(line), "%s %s %s\n", receipt.queue_id,
		message_id, store);
	return write(STDOUT_FILENO, line, (size_t)len) == len ? 0 : -1;
}

static void *run_lane(void *arg)
{
	struct lane *lane = arg;
	struct load *load = lane->load;
	size_t room = load->bytes + 1024;
	char *data = malloc(room);
	long number;

	for (number = lane->number; data && number < load->count;
		number += load->threads)
		if (submit_one(load, data, room, number) < 0) {
			load->failed = 1;
			break;
		}
	free(data);
	return NULL;
}

static int run_lanes(struct load *load)
{
	struct lane *lanes = calloc((size_t)load->threads, sizeof(struct lane));
	int i;

	for (i = 0; lanes && i < load->threads; i++) {
		lanes[i].load = load;
		lanes[i].number = i;
		if (pthread_create(
			    &lanes[i].thread, NULL, run_lane, &lanes[i]) != 0)
			return -1;
	}
	for (i = 0; lanes && i < load->threads; i++)
		(void)pthread_join(lanes[i].thread, NULL);
	free(lanes);
	return load->failed ? -1 : 0;
}

static int drain(struct load *load)
{
	struct tillpost_run_options options;
	struct tillpost_error err;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&err);
	options.flags = TILLPOST_RUN_UNTIL_EMPTY;
	options.max_ms = 300000;
	if (load->api->run(load->handle, &options, &err) == TILLPOST_OK)
		return 0;
	(void)fprintf(stderr, "load_host: %s\n", err.text);
	return -1;
}

static void host_log(
	void *ctx, int32_t level, const char *event, const char *text)
{
	(void)ctx;
	if (level <= TILLPOST_LOG_ERROR)
		(void)fprintf(stderr, "load_host: %s: %s\n", event, text);
}

static int open_and_run(struct load *load, const char *config, int wait)
{
	struct tillpost_open_options options;
	struct tillpost_host host;
	struct tillpost_error err;
	int rc;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&host);
	TILLPOST_INIT(&err);
	host.log = host_log;
	options.role = TILLPOST_ROLE_EMBEDDED;
	options.config_path = config;
	options.host = &host;
	if (load->api->open(&options, &load->handle, &err) < 0) {
		(void)fprintf(
			stderr, "load_host: %s: %s\n", err.where, err.text);
		return 1;
	}
	rc = run_lanes(load);
	if (rc == 0 && wait)
		rc = drain(load);
	load->api->close(&load->handle);
	return rc < 0;
}

static void split_stores(struct load *load, char *list)
{
	char *saved = NULL;
	char *word;

	for (word = strtok_r(list, ",", &saved);
		word && load->store_count < STORES_MAX;
		word = strtok_r(NULL, ",", &saved))
		load->stores[load->store_count++] = word;
}

int main(int argc, char **argv)
{
	struct load load = { .threads = 1, .count = 100, .bytes = 2048 };
	char default_store[] = "default";
	const char *config = NULL;
	const char *plugin = NULL;
	char *stores = default_store;
	int wait = 0;
	int option;

	while ((option = getopt(argc, argv, "c:p:t:n:b:s:w")) != -1)
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 'p':
			plugin = optarg;
			break;
		case 't':
			load.threads = (int)strtol(optarg, NULL, 10);
			break;
		case 'n':
			load.count = strtol(optarg, NULL, 10);
			break;
		case 'b':
			load.bytes = (size_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			stores = optarg;
			break;
		case 'w':
			wait = 1;
			break;
		default:
			return 64;
		}
	split_stores(&load, stores);
	if (!config || !plugin || load.store_count == 0 || load.threads < 1)
		return 64;
	load.api = load_plugin(plugin);
	return load.api ? open_and_run(&load, config, wait) : 69;
}
