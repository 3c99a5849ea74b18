/*
 * old_host_test.c - a host older than the plugin works with it
 *
 * An older host knows only the first fields of each struct. Here each struct
 * is cut after an early field, in an allocation of exactly that size: reading
 * past it is an error under valgrind and the address sanitizer, and the bytes
 * behind what the plugin writes are compared.
 *
 * SPDX-License-Identifier: MIT
 */
#include "abi_fixture.h"

#define GUARD_BYTES 1024
#define GUARD 0xA5

/* The size of struct TYPE when FIELD was its last. */
#define SIZE_TO(type, field) \
	(offsetof(struct type, field) + sizeof(((struct type *)NULL)->field))

/* The first SIZE bytes of FULL, which an older host would have filled in. */
static void *input_of(const void *full, size_t size)
{
	uint32_t struct_size = (uint32_t)size;
	char *copy = malloc(size);

	CHECK(copy != NULL);
	memcpy(copy, full, size);
	memcpy(copy, &struct_size, sizeof(struct_size));
	return copy;
}

/* A struct of SIZE bytes for the plugin to fill, and a guard behind it. */
static void *output_of(size_t size)
{
	uint32_t struct_size = (uint32_t)size;
	char *out = malloc(size + GUARD_BYTES);

	CHECK(out != NULL);
	memset(out, 0, size);
	memset(out + size, GUARD, GUARD_BYTES);
	memcpy(out, &struct_size, sizeof(struct_size));
	return out;
}

static void check_guard(const void *out, size_t size)
{
	const unsigned char *at = out;
	uint32_t struct_size;
	size_t i;

	memcpy(&struct_size, out, sizeof(struct_size));
	CHECK(struct_size == size);
	for (i = 0; i < GUARD_BYTES; i++)
		CHECK(at[size + i] == GUARD);
}

static tillpost_handle *open_old(const struct abi_fixture *fixture)
{
	size_t size = SIZE_TO(tillpost_open_options, config_path);
	struct tillpost_open_options options;
	struct tillpost_error err;
	tillpost_handle *handle = NULL;
	void *cut;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&err);
	options.role = TILLPOST_ROLE_EMBEDDED;
	options.flags = TILLPOST_OPEN_PASSIVE;
	options.config_path = fixture->config_path;
	/* Not in the part that the plugin may read. */
	options.host = (const struct tillpost_host *)(uintptr_t)1;
	cut = input_of(&options, size);
	CHECK_OK(fixture->api->open(cut, &handle, &err), &err);
	CHECK(handle != NULL);
	free(cut);
	return handle;
}

static struct tillpost_message *old_message(void)
{
	struct tillpost_message message;

	TILLPOST_INIT(&message);
	message.data = mail;
	message.data_bytes = sizeof(mail) - 1;
	message.recipients = mail_recipients;
	message.recipient_count = 1;
	/* Not in the part that the plugin may read. */
	message.store = "no such store";
	message.expires_ms = 1;
	return input_of(&message, SIZE_TO(tillpost_message, wait_ms));
}

static void test_submit(const struct tillpost_api *api, tillpost_handle *handle)
{
	size_t size = SIZE_TO(tillpost_receipt, queue_id);
	struct tillpost_message *message = old_message();
	struct tillpost_receipt *receipt = output_of(size);
	struct tillpost_error err;

	TILLPOST_INIT(&err);
	CHECK_OK(api->submit(handle, message, receipt, &err), &err);
	CHECK(receipt->verdict == TILLPOST_VERDICT_QUEUED);
	CHECK(strlen(receipt->queue_id) > 0);
	check_guard(receipt, size);
	free(receipt);
	free(message);
}

static void test_error(const struct tillpost_api *api, tillpost_handle *handle)
{
	size_t size = SIZE_TO(tillpost_error, reply_code);
	struct tillpost_error *err = output_of(size);
	uint32_t *smallest = output_of(sizeof(*smallest));
	int32_t rc = api->queue_action(
		handle, TILLPOST_QUEUE_HOLD, "no-such-id", err);

	CHECK(rc == TILLPOST_ENOTFOUND || rc == TILLPOST_EINVAL);
	CHECK(err->status == rc);
	check_guard(err, size);
	free(err);

	/* Nothing but its size: nowhere to write. */
	rc = api->queue_action(handle, TILLPOST_QUEUE_HOLD, "no-such-id",
		(struct tillpost_error *)smallest);
	CHECK(rc < 0);
	check_guard(smallest, sizeof(*smallest));
	free(smallest);
}

static void test_status(const struct tillpost_api *api, tillpost_handle *handle)
{
	size_t size = SIZE_TO(tillpost_status, queued_count);
	struct tillpost_status *status = output_of(size);
	struct tillpost_error err;

	TILLPOST_INIT(&err);
	CHECK_OK(api->status(handle, status, NULL, NULL, &err), &err);
	CHECK(status->queued_count == 1);
	CHECK(status->delivering == 0);
	check_guard(status, size);
	free(status);
}

static int32_t count_entry(void *ctx, const struct tillpost_queue_entry *entry)
{
	int *count = ctx;

	CHECK(TILLPOST_HAS(entry, tillpost_queue_entry, recipient_count));
	CHECK(strcmp(entry->store, "default") == 0);
	(*count)++;
	return 0;
}

static int32_t count_outcome(void *ctx, const struct tillpost_outcome *outcome)
{
	int *count = ctx;

	(void)outcome;
	(*count)++;
	return 0;
}

static void test_queries(
	const struct tillpost_api *api, tillpost_handle *handle)
{
	struct tillpost_queue_filter queue_filter;
	struct tillpost_outcome_filter outcome_filter;
	struct tillpost_error err;
	int count = 0;
	void *cut;

	TILLPOST_INIT(&err);
	TILLPOST_INIT(&queue_filter);
	queue_filter.store = "not read";
	cut = input_of(&queue_filter, SIZE_TO(tillpost_queue_filter, limit));
	CHECK_OK(api->queue_list(handle, cut, count_entry, &count, &err), &err);
	CHECK(count == 1);
	free(cut);

	count = 0;
	TILLPOST_INIT(&outcome_filter);
	cut = input_of(
		&outcome_filter, SIZE_TO(tillpost_outcome_filter, limit));
	CHECK_OK(api->outcomes(handle, cut, count_outcome, &count, &err), &err);
	CHECK(count == 0);
	free(cut);
}

static int32_t see_route(void *ctx, const struct tillpost_route_fact *fact)
{
	int *seen = ctx;

	if (strcmp(fact->name, "store") == 0) {
		CHECK(strcmp(fact->value, "default") == 0);
		*seen = 1;
	}
	return 0;
}

static void test_route(const struct tillpost_api *api, tillpost_handle *handle)
{
	struct tillpost_message *message = old_message();
	struct tillpost_error err;
	int seen = 0;

	TILLPOST_INIT(&err);
	CHECK_OK(api->route_explain(handle, message, see_route, &seen, &err),
		&err);
	CHECK(seen);
	free(message);
}

/* What a host of version 1.0 knows. */
static void test_of_1_0(const struct abi_fixture *fixture)
{
	size_t options_size = SIZE_TO(tillpost_open_options, host);
	size_t status_size = SIZE_TO(tillpost_status, connection_count);
	struct tillpost_status *status = output_of(status_size);
	struct tillpost_open_options options;
	tillpost_handle *handle = NULL;
	struct tillpost_error err;
	void *cut;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&err);
	options.role = TILLPOST_ROLE_EMBEDDED;
	options.flags = TILLPOST_OPEN_PASSIVE;
	options.config_path = fixture->config_path;
	cut = input_of(&options, options_size);
	CHECK_OK(fixture->api->open(cut, &handle, &err), &err);
	CHECK_OK(fixture->api->status(handle, status, NULL, NULL, &err), &err);
	CHECK(status->queued_count == 1);
	CHECK(status->connection_count == 0);
	check_guard(status, status_size);
	free(status);
	fixture->api->close(&handle);
	free(cut);

	/* The role was in the interface before there was a spool_path. */
	options.role = TILLPOST_ROLE_SUBMIT;
	options.flags = 0;
	options.spool_path = (const char *)(uintptr_t)1;
	cut = input_of(&options, options_size);
	CHECK_OK(fixture->api->open(cut, &handle, &err), &err);
	fixture->api->close(&handle);
	free(cut);
}

int main(void)
{
	struct abi_fixture fixture;
	tillpost_handle *handle;

	fixture_setup(&fixture);
	handle = open_old(&fixture);
	test_submit(fixture.api, handle);
	test_error(fixture.api, handle);
	test_status(fixture.api, handle);
	test_queries(fixture.api, handle);
	test_route(fixture.api, handle);
	fixture.api->close(&handle);
	CHECK(handle == NULL);
	test_of_1_0(&fixture);
	fixture_teardown(&fixture);
	return 0;
}
