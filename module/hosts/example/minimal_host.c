/*
 * minimal_host.c - the smallest complete host of tillpost.so
 *
 *     example-host -c CONFIG [-s STORE] [-n] [-p PLUGIN] FILE...
 *
 * Submits each FILE ("-": standard input) as one mail of STORE to the
 * recipients in its To, Cc and Bcc, waits for the first attempt (-n: only
 * queues it), and prints what became of it. Plain C99; build it with
 *
 *     cc -std=c99 $(pkg-config --cflags tillpost) minimal_host.c -ldl
 *
 * The plugin is PLUGIN, or TILLPOST_PLUGIN in the environment, or wherever
 * the dynamic linker finds tillpost.so.
 *
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L /* getopt */

#include <tillpost/abi.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAIL_BYTES_MAX (32u * 1024 * 1024)

static const char *const verdicts[] = { "?", "queued", "sent", "deferred",
	"failed", "held", "unknown", "partly sent" };

/* 1. Load the plugin and ask it for its function table. */
static const struct tillpost_api *load(const char *path)
{
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void *symbol = so ? dlsym(so, TILLPOST_ENTRY) : NULL;
	tillpost_entry_fn *entry;
	const struct tillpost_api *api;

	if (!symbol) {
		fprintf(stderr, "example-host: %s\n", dlerror());
		return NULL;
	}
	memcpy(&entry, &symbol, sizeof(entry)); /* a cast is not ISO C */
	api = entry();
	/* An older plugin may lack functions, or have been built without. */
	if (!TILLPOST_HAS(api, tillpost_api, submit) ||
		!(api->capabilities & TILLPOST_CAP_EMBEDDED)) {
		fprintf(stderr, "example-host: %s is too limited\n", path);
		return NULL;
	}
	return api;
}

/* Reads one mail. The caller frees it; NULL if it cannot be read. */
static char *read_mail(const char *path, size_t *bytes_out)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	char *data = malloc(MAIL_BYTES_MAX + 1u);
	int ok = 0;

	if (in && data) {
		*bytes_out = fread(data, 1, MAIL_BYTES_MAX + 1u, in);
		ok = !ferror(in) && *bytes_out <= MAIL_BYTES_MAX;
	}
	if (in && in != stdin)
		fclose(in);
	if (ok)
		return data;
	fprintf(stderr, "example-host: cannot read %s\n", path);
	free(data);
	return NULL;
}

/* 3. Submit one mail and show the receipt. 1: accepted, not refused. */
static int send_mail(const struct tillpost_api *api, tillpost_handle *handle,
	const char *store, uint32_t flags, const char *path)
{
	struct tillpost_message message;
	struct tillpost_receipt receipt;
	struct tillpost_error err;
	size_t bytes = 0;
	char *data = read_mail(path, &bytes);
	int32_t rc;

	if (!data)
		return 0;
	TILLPOST_INIT(&message); /* sets struct_size, zeroes the rest */
	TILLPOST_INIT(&receipt);
	TILLPOST_INIT(&err);
	message.data = data;
	message.data_bytes = bytes;
	message.store = store;
	message.flags = TILLPOST_SUBMIT_HEADER_RECIPIENTS | flags;
	rc = api->submit(handle, &message, &receipt, &err);
	free(data);
	if (rc < 0) {
		fprintf(stderr, "example-host: %s: %s: %s\n", path, err.where,
			err.text);
		return 0;
	}
	/* From here on the mail is safe on disk, whatever the verdict. */
	printf("%s: store %s, id %s: %s %s\n", path, receipt.store,
		receipt.queue_id,
		receipt.verdict >= 1 && receipt.verdict <= 7
			? verdicts[receipt.verdict]
			: verdicts[0],
		receipt.text);
	return receipt.verdict != TILLPOST_VERDICT_FAILED;
}

int main(int argc, char **argv)
{
	const char *plugin = getenv("TILLPOST_PLUGIN");
	const char *store = NULL;
	uint32_t flags = TILLPOST_SUBMIT_DELIVER_NOW;
	const struct tillpost_api *api;
	struct tillpost_open_options options;
	struct tillpost_error err;
	tillpost_handle *handle = NULL;
	int failures = 0;
	int opt;

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&err);
	options.role = TILLPOST_ROLE_EMBEDDED;
	while ((opt = getopt(argc, argv, "c:s:np:")) != -1) {
		switch (opt) {
		case 'c':
			options.config_path = optarg;
			break;
		case 's':
			store = optarg;
			break;
		case 'n': /* queue only: no workers in this process */
			options.flags = TILLPOST_OPEN_PASSIVE;
			flags = 0;
			break;
		case 'p':
			plugin = optarg;
			break;
		default:
			return 64;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "usage: example-host -c CONFIG [-s STORE] [-n] "
				"[-p PLUGIN] FILE...\n");
		return 64;
	}
	api = load(plugin ? plugin : "tillpost.so");
	if (!api)
		return 69;
	/* 2. Open: loads the configuration and starts delivery. */
	if (api->open(&options, &handle, &err) < 0) {
		fprintf(stderr, "example-host: %s: %s\n", err.where, err.text);
		return 78;
	}
	for (; optind < argc; optind++)
		failures += !send_mail(api, handle, store, flags, argv[optind]);
	/* 4. Close: workers end what they have in hand. */
	api->close(&handle);
	return failures ? 1 : 0;
}
