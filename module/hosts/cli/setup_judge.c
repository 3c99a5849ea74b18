/*
 * setup_judge.c - whether an answer can be used
 *
 * JOB     Lets the plugin check a configuration with the answer in it and
 *         little else, as a file without a name, and takes out what it says
 *         about the answer. So there is one place that knows providers,
 *         regions and addresses.
 * SPDX-License-Identifier: MIT
 */
#include "cli/setup.h"

#include "common/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct judging {
	const char *word; /* that the finding has, if it is about the answer */
	char *text;
	size_t size;
};

/* "stores.default: from must be ..." without the store that was made up */
static const char *without_name(const char *text)
{
	const char *colon = strstr(text, ": ");
	size_t name = strcspn(text, " ");

	return colon && text + name - 1 == colon ? colon + 2 : text;
}

static int32_t look(void *ctx, const struct tillpost_finding *finding)
{
	struct judging *judging = ctx;

	if (finding->level > TILLPOST_LOG_ERROR ||
		!strstr(finding->text, judging->word) || judging->text[0])
		return 0;
	(void)snprintf(judging->text, judging->size, "%s",
		without_name(finding->text));
	return 0;
}

/* What the plugin says about KEYS that has WORD in it; "" for nothing. */
static void judge(const struct tp_setup *setup,
	const struct tp_setup_keys *keys, const char *word,
	char out[TP_SETUP_COMPLAINT_BYTES])
{
	const struct tp_cli *cli = setup->cli;
	struct judging judging = { word, out, TP_SETUP_COMPLAINT_BYTES };
	struct tp_conf_text text;
	struct tillpost_error err;
	char path[64];
	FILE *file = tmpfile();

	out[0] = '\0';
	tp_conf_begin(&text, "setup");
	tp_setup_put(keys, &text);
	if (tp_conf_end(&text) < 0)
		(void)snprintf(out, TP_SETUP_COMPLAINT_BYTES,
			"is too long, or has control characters");
	/* Without a file nothing can be said, and later steps will. */
	else if (file && fputs(text.bytes, file) >= 0 && fflush(file) == 0) {
		TILLPOST_INIT(&err);
		(void)snprintf(
			path, sizeof(path), "/proc/self/fd/%d", fileno(file));
		(void)cli->plugin.api->check(
			path, &cli->host, look, &judging, &err);
	}
	tp_conf_free(&text);
	if (file)
		(void)fclose(file);
}

static void add(struct tp_setup_keys *keys, const char *group, const char *name,
	const char *key, const char *value)
{
	tp_setup_add(keys, group, name, key, value, TP_CONF_STRING);
}

/* Errors of a relay that no store uses are warnings. */
static void add_store(struct tp_setup_keys *keys, const char *from)
{
	tp_setup_add(keys, "stores", "default", "relays", "r", TP_CONF_LIST);
	add(keys, "stores", "default", "from", from);
}

void tp_setup_judge_provider(const struct tp_setup *setup, const char *provider,
	char out[TP_SETUP_COMPLAINT_BYTES])
{
	struct tp_setup_keys keys = { .count = 0 };

	add(&keys, "relays", "r", "preset", provider);
	judge(setup, &keys, "there is no preset", out);
}

void tp_setup_judge_region(const struct tp_setup *setup, const char *region,
	char out[TP_SETUP_COMPLAINT_BYTES])
{
	struct tp_setup_keys keys = { .count = 0 };

	add(&keys, "relays", "r", "preset", setup->provider);
	add(&keys, "relays", "r", "region", region);
	add_store(&keys, "shop@example.com");
	judge(setup, &keys, "region", out);
}

void tp_setup_judge_host(const struct tp_setup *setup, const char *host,
	char out[TP_SETUP_COMPLAINT_BYTES])
{
	struct tp_setup_keys keys = { .count = 0 };

	add(&keys, "relays", "r", "host", host);
	judge(setup, &keys, "is not a host name", out);
}

void tp_setup_judge_from(const struct tp_setup *setup, const char *from,
	char out[TP_SETUP_COMPLAINT_BYTES])
{
	struct tp_setup_keys keys = { .count = 0 };

	add(&keys, "relays", "r", "host", "localhost");
	add_store(&keys, from);
	judge(setup, &keys, "from must be", out);
}

int tp_setup_regions(const struct tp_setup *setup,
	char out[TP_SETUP_COMPLAINT_BYTES], int *needed_out)
{
	char text[TP_SETUP_COMPLAINT_BYTES];
	const char *known;

	tp_setup_judge_region(setup, NULL, text);
	*needed_out = text[0] != '\0';
	tp_setup_judge_region(setup, "?", text);
	known = strstr(text, "known: ");
	(void)snprintf(out, TP_SETUP_COMPLAINT_BYTES, "%s",
		known ? known + strlen("known: ") : "");
	return known != NULL;
}
