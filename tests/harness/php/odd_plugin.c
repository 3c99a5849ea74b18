/*
 * odd_plugin.c - a plugin that answers as a real one does once in a lifetime
 *
 * JOB     For the tests of the PHP extension. Every call has something to log
 *         and writes "plugin: CALL returns" on standard error at its end; no
 *         submission is certain; the one entry of the queue has an id of
 *         16 MiB.
 * SPDX-License-Identifier: MIT
 */
#include <tillpost/abi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_BYTES (16u << 20)

struct tillpost_handle {
	struct tillpost_host host;
};

static int32_t end(
	const tillpost_handle *handle, const char *call, int32_t status)
{
	handle->host.log(
		handle->host.ctx, TILLPOST_LOG_WARNING, "odd-call", call);
	(void)fprintf(stderr, "plugin: %s returns\n", call);
	(void)fflush(stderr);
	return status;
}

static int32_t odd_open(const struct tillpost_open_options *options,
	tillpost_handle **handle_out, struct tillpost_error *err)
{
	tillpost_handle *handle = calloc(1, sizeof(*handle));

	(void)err;
	if (!handle)
		abort();
	handle->host = *options->host;
	*handle_out = handle;
	return end(handle, "open", TILLPOST_OK);
}

static void odd_close(tillpost_handle **handle)
{
	free(*handle);
	*handle = NULL;
}

static int32_t odd_submit(tillpost_handle *handle,
	const struct tillpost_message *message,
	struct tillpost_receipt *receipt, struct tillpost_error *err)
{
	(void)message;
	(void)receipt;
	err->status = TILLPOST_EUNCERTAIN;
	(void)snprintf(err->text, sizeof(err->text), "the disk is away");
	return end(handle, "submit", TILLPOST_EUNCERTAIN);
}

static int32_t odd_queue_list(tillpost_handle *handle,
	const struct tillpost_queue_filter *filter, tillpost_queue_fn *entry,
	void *ctx, struct tillpost_error *err)
{
	struct tillpost_queue_entry odd;
	char *id = malloc(ID_BYTES);

	(void)filter;
	(void)err;
	if (!id)
		abort();
	memset(id, 'x', ID_BYTES - 1);
	id[ID_BYTES - 1] = '\0';
	TILLPOST_INIT(&odd);
	odd.queue_id = id;
	odd.state = "queued";
	(void)entry(ctx, &odd);
	free(id);
	return end(handle, "queue_list", 1);
}

static int32_t odd_reload(tillpost_handle *handle, struct tillpost_error *err)
{
	(void)err;
	return end(handle, "reload", TILLPOST_OK);
}

const struct tillpost_api *tillpost_plugin_v1(void);

const struct tillpost_api *tillpost_plugin_v1(void)
{
	static const struct tillpost_api api = {
		.struct_size = sizeof(api),
		.abi_minor = TILLPOST_ABI_MINOR,
		.capabilities = TILLPOST_CAP_SUBMIT,
		.version = "0.0.0",
		.open = odd_open,
		.close = odd_close,
		.submit = odd_submit,
		.queue_list = odd_queue_list,
		.reload = odd_reload,
	};

	return &api;
}
