/*
 * newer_host_test.c - a host newer than the plugin works with it
 *
 * A newer host has structs with fields at the end that this plugin does not
 * know, zero or not, and asks TILLPOST_HAS before it uses a newer function.
 *
 * SPDX-License-Identifier: MIT
 */
#include "abi_fixture.h"

#define LATER_BYTES 64

/* The structs of some later version. */
struct later_options {
	struct tillpost_open_options known;
	unsigned char later[LATER_BYTES];
};
struct later_host {
	struct tillpost_host known;
	unsigned char later[LATER_BYTES];
};
struct later_message {
	struct tillpost_message known;
	unsigned char later[LATER_BYTES];
};
struct later_receipt {
	struct tillpost_receipt known;
	unsigned char later[LATER_BYTES];
};
struct later_status {
	struct tillpost_status known;
	unsigned char later[LATER_BYTES];
};
struct later_filter {
	struct tillpost_queue_filter known;
	unsigned char later[LATER_BYTES];
};
struct later_error {
	struct tillpost_error known;
	unsigned char later[LATER_BYTES];
};

#define LATER_INIT(ptr, fill)                                        \
	do {                                                         \
		TILLPOST_INIT(&(ptr)->known);                        \
		(ptr)->known.struct_size = (uint32_t)sizeof(*(ptr)); \
		memset((ptr)->later, (fill), LATER_BYTES);           \
	} while (0)

/* The plugin must not touch what it does not know, nor the size. */
#define CHECK_LATER(ptr, fill)                                     \
	do {                                                       \
		size_t at_;                                        \
		CHECK((ptr)->known.struct_size == sizeof(*(ptr))); \
		for (at_ = 0; at_ < LATER_BYTES; at_++)            \
			CHECK((ptr)->later[at_] == (fill));        \
	} while (0)

static int32_t count_entry(void *ctx, const struct tillpost_queue_entry *entry)
{
	int *count = ctx;

	CHECK(strcmp(entry->store, "eu") == 0);
	(*count)++;
	return 0;
}

static void submit_and_list(const struct tillpost_api *api,
	tillpost_handle *handle, unsigned char fill, int round)
{
	struct later_message message;
	struct later_receipt receipt;
	struct later_status status;
	struct later_filter filter;
	struct later_error err;
	int count = 0;

	LATER_INIT(&message, fill);
	LATER_INIT(&receipt, fill);
	LATER_INIT(&status, fill);
	LATER_INIT(&filter, fill);
	LATER_INIT(&err, fill);

	message.known.data = mail;
	message.known.data_bytes = sizeof(mail) - 1;
	message.known.recipients = mail_recipients;
	message.known.recipient_count = 1;
	message.known.store = "eu";
	CHECK_OK(
		api->submit(handle, &message.known, &receipt.known, &err.known),
		&err.known);
	CHECK(receipt.known.verdict == TILLPOST_VERDICT_QUEUED);
	CHECK(strcmp(receipt.known.store, "eu") == 0);
	CHECK_LATER(&receipt, fill);

	CHECK_OK(api->status(handle, &status.known, NULL, NULL, &err.known),
		&err.known);
	CHECK(status.known.queued_count == round);
	/* There is no spool. */
	CHECK(status.known.spooled_count == -1);
	CHECK(status.known.quarantined_count == -1);
	CHECK(status.known.taken_in_count == 0);
	CHECK_LATER(&status, fill);

	filter.known.store = "eu";
	CHECK_OK(api->queue_list(handle, &filter.known, count_entry, &count,
			 &err.known),
		&err.known);
	CHECK(count == round);

	message.known.store = "no such store";
	CHECK(api->submit(handle, &message.known, &receipt.known, &err.known) ==
		TILLPOST_ENOTFOUND);
	CHECK(err.known.status == TILLPOST_ENOTFOUND);
	CHECK(strlen(err.known.text) > 0);
	CHECK_LATER(&err, fill);
}

static void later_structs_work(
	const struct abi_fixture *fixture, unsigned char fill, int round)
{
	struct later_options options;
	struct later_host host;
	struct later_error err;
	tillpost_handle *handle = NULL;

	LATER_INIT(&options, fill);
	LATER_INIT(&host, fill);
	LATER_INIT(&err, fill);
	options.known.role = TILLPOST_ROLE_EMBEDDED;
	options.known.flags = TILLPOST_OPEN_PASSIVE;
	options.known.config_path = fixture->config_path;
	options.known.host = &host.known;
	CHECK_OK(fixture->api->open(&options.known, &handle, &err.known),
		&err.known);
	submit_and_list(fixture->api, handle, fill, round);
	fixture->api->close(&handle);
	CHECK(handle == NULL);
	options.known.role = TILLPOST_ROLE_SUBMIT;
	CHECK_OK(fixture->api->open(&options.known, &handle, &err.known),
		&err.known);
	CHECK_LATER(&options, fill);
	fixture->api->close(&handle);
}

/* The table of some later version: one more function. The plugin's table is
 * read as that, as a host compiled against the later header does. */
union any_api {
	struct tillpost_api now;
	struct later_api {
		uint32_t struct_size;
		unsigned char
			known[sizeof(struct tillpost_api) - sizeof(uint32_t)];
		int32_t (*later)(tillpost_handle *handle);
	} then;
};

static void a_missing_function_is_noticed(const struct tillpost_api *api)
{
	const union any_api *any = (const union any_api *)api;

	CHECK(TILLPOST_HAS(api, tillpost_api, spool_action));
	CHECK(!TILLPOST_HAS(&any->then, later_api, later));
}

int main(void)
{
	struct abi_fixture fixture;

	fixture_setup(&fixture);
	a_missing_function_is_noticed(fixture.api);
	later_structs_work(&fixture, 0x00, 1);
	later_structs_work(&fixture, 0xEE, 2);
	fixture_teardown(&fixture);
	return 0;
}
