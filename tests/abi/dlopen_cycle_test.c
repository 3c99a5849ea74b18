/*
 * dlopen_cycle_test.c - load, open, submit, list, close, unload, three times
 *
 * valgrind_test.sh runs this one under valgrind, where a leak is an error.
 * The plugin is linked with -z nodelete: after dlclose() its code stays
 * mapped, because libraries below it leave thread-local data and exit
 * handlers behind. What counts is that dlclose() works and that a later load
 * finds everything usable.
 *
 * SPDX-License-Identifier: MIT
 */
#include "abi_fixture.h"

#include <dirent.h>

#define CYCLES 3

static int descriptor_count(void)
{
	DIR *fds = opendir("/proc/self/fd");
	int count = 0;

	CHECK(fds != NULL);
	while (readdir(fds))
		count++;
	CHECK(closedir(fds) == 0);
	return count;
}

static int32_t count_entry(void *ctx, const struct tillpost_queue_entry *entry)
{
	int *count = ctx;

	CHECK(strcmp(entry->state, "queued") == 0);
	CHECK(entry->recipient_count == 1);
	CHECK(strcmp(entry->recipients[0], mail_recipients[0]) == 0);
	(*count)++;
	return 0;
}

/* One passive handle: nothing is delivered. */
static void use(const struct abi_fixture *fixture, int cycle)
{
	const struct tillpost_api *api = fixture->api;
	struct tillpost_open_options options;
	struct tillpost_message message;
	struct tillpost_receipt receipt;
	struct tillpost_error err;
	tillpost_handle *handle = NULL;
	int count = 0;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&message);
	TILLPOST_INIT(&receipt);
	TILLPOST_INIT(&err);
	options.role = TILLPOST_ROLE_EMBEDDED;
	options.flags = TILLPOST_OPEN_PASSIVE;
	options.config_path = fixture->config_path;
	CHECK_OK(api->open(&options, &handle, &err), &err);

	message.data = mail;
	message.data_bytes = sizeof(mail) - 1;
	message.recipients = mail_recipients;
	message.recipient_count = 1;
	CHECK_OK(api->submit(handle, &message, &receipt, &err), &err);
	CHECK(receipt.verdict == TILLPOST_VERDICT_QUEUED);
	CHECK_OK(
		api->queue_list(handle, NULL, count_entry, &count, &err), &err);
	CHECK(count == cycle + 1);

	api->close(&handle);
	CHECK(handle == NULL);
	api->close(&handle);
	api->close(NULL);
}

int main(void)
{
	struct abi_fixture fixture;
	int before = descriptor_count();
	int cycle;

	fixture_setup(&fixture);
	for (cycle = 0; cycle < CYCLES; cycle++) {
		use(&fixture, cycle);
		CHECK(dlclose(fixture.so) == 0);
		fixture_load(&fixture);
	}
	fixture_teardown(&fixture);
	CHECK(descriptor_count() == before);
	return 0;
}
