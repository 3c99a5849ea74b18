/*
 * spool_load.c - processes that hand many messages to the spool
 *
 * JOB     spool_load [-c CONFIG] [-d SPOOL] [-n COUNT] [-p PROCESSES]
 *                    [-b BYTES] [-s STORE] [-f FROM] [-o FILE]
 *         Opens the plugin ($TILLPOST_PLUGIN) in the role submit, forks, and
 *         each process submits COUNT messages with the handle of its parent.
 *         For each acknowledged message one line "QUEUE-ID MESSAGE-ID" is
 *         appended to FILE (standard output) by a single write(2), which a
 *         kill cannot take back; at its end a process syncs FILE. The last
 *         line on standard error is "N accepted in S s".
 * ERRORS  64 wrong use; 69 no plugin; 1 if a message was refused, with the
 *         error of the first in each process.
 * LAYER   a host: public header only.
 * SPDX-License-Identifier: MIT
 */
#include <tillpost/abi.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct load {
	const struct tillpost_api *api;
	tillpost_handle *handle;
	const char *config;
	const char *spool;
	const char *store;
	const char *from;
	long count;
	long processes;
	size_t bytes;
	int out;
};

static const struct tillpost_api *load_plugin(const char *path)
{
	void *so = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	void *symbol = so ? dlsym(so, TILLPOST_ENTRY) : NULL;
	tillpost_entry_fn *entry;

	if (!symbol) {
		(void)fprintf(stderr, "spool_load: %s\n",
			path ? dlerror() : "TILLPOST_PLUGIN is not set");
		return NULL;
	}
	memcpy(&entry, &symbol, sizeof(entry));
	return entry();
}

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void show(const struct tillpost_error *err)
{
	(void)fprintf(stderr, "spool_load: %s: %s (%d)\n", err->where,
		err->text, (int)err->status);
}

static size_t compose(
	char *out, size_t room, const struct load *load, const char *message_id)
{
	static const char line[] = "Thank you for your order.\r\n";
	int used = snprintf(out, room,
		"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
		"From: %s\r\nTo: customer@example.test\r\nMessage-ID: %s\r\n"
		"Subject: order\r\n\r\n",
		load->from, message_id);
	size_t len = (size_t)used;

	while (len + sizeof(line) < load->bytes && len + sizeof(line) < room) {
		memcpy(out + len, line, sizeof(line) - 1);
		len += sizeof(line) - 1;
	}
	return len;
}

static int submit_one(const struct load *load, char *data, size_t room,
	const char *message_id)
{
	static const char *const recipients[] = { "customer@example.test" };
	struct tillpost_message message;
	struct tillpost_receipt receipt;
	struct tillpost_error err;
	char line[320];
	int len;

	TILLPOST_INIT(&message);
	TILLPOST_INIT(&receipt);
	TILLPOST_INIT(&err);
	message.data = data;
	message.data_bytes = compose(data, room, load, message_id);
	message.recipients = recipients;
	message.recipient_count = 1;
	message.store = load->store;
	if (load->api->submit(load->handle, &message, &receipt, &err) < 0) {
		show(&err);
		return -1;
	}
	len = snprintf(
		line, sizeof(line), "%s %s\n", receipt.queue_id, message_id);
	return write(load->out, line, (size_t)len) == len ? 0 : -1;
}

static int submit_all(const struct load *load)
{
	size_t room = load->bytes + 1024;
	char *data = malloc(room);
	int64_t start_us = now_us();
	char message_id[128];
	int rc = data ? 0 : -1;
	long i;

	for (i = 0; rc == 0 && i < load->count; i++) {
		/* A process id may come again, not at the same time. */
		(void)snprintf(message_id, sizeof(message_id),
			"<load-%lld-%ld-%ld@example>", (long long)start_us,
			(long)getpid(), i);
		rc = submit_one(load, data, room, message_id);
	}
	free(data);
	/* Standard output may be a pipe, which cannot be synced. */
	(void)fsync(load->out);
	return rc;
}

static int run_processes(const struct load *load)
{
	int64_t start_us = now_us();
	int failed = 0;
	long started;
	int status;

	for (started = 0; started < load->processes; started++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(submit_all(load) < 0);
		if (pid < 0)
			break;
	}
	failed = started < load->processes;
	while (wait(&status) > 0)
		failed |= status != 0;
	(void)fprintf(stderr, "%ld accepted in %.3f s\n",
		failed ? -1 : load->count * started,
		(double)(now_us() - start_us) / 1e6);
	return failed;
}

static int open_and_run(struct load *load)
{
	struct tillpost_open_options options;
	struct tillpost_error err;
	int failed;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&err);
	options.role = TILLPOST_ROLE_SUBMIT;
	options.config_path = load->config;
	options.spool_path = load->spool;
	if (load->api->open(&options, &load->handle, &err) < 0) {
		show(&err);
		return 1;
	}
	failed = run_processes(load);
	load->api->close(&load->handle);
	return failed;
}

static int read_options(struct load *load, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:d:n:p:b:s:f:o:")) != -1)
		switch (option) {
		case 'c':
			load->config = optarg;
			break;
		case 'd':
			load->spool = optarg;
			break;
		case 'n':
			load->count = strtol(optarg, NULL, 10);
			break;
		case 'p':
			load->processes = strtol(optarg, NULL, 10);
			break;
		case 'b':
			load->bytes = (size_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			load->store = optarg;
			break;
		case 'f':
			load->from = optarg;
			break;
		case 'o':
			load->out = open(optarg,
				O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				0600);
			break;
		default:
			return -1;
		}
	return optind == argc && load->out >= 0 && load->processes > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct load load = {
		.from = "shop@example.com",
		.count = 100,
		.processes = 1,
		.bytes = 2048,
		.out = STDOUT_FILENO,
	};

	if (read_options(&load, argc, argv) < 0)
		return 64;
	load.api = load_plugin(getenv("TILLPOST_PLUGIN"));
	return load.api ? open_and_run(&load) : 69;
}
