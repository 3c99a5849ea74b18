/*
 * config_fuzz.c - any bytes as a configuration
 *
 * Without includes, without a managed file, without reading secrets. What
 * loads must be complete: every store has its relay, every value its origin.
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses the string before a syntax error. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void require(int condition)
{
	if (!condition)
		abort();
}

static void take_finding(
	void *ctx, int level, const char *where, const char *text)
{
	int *errors = ctx;

	require(level == 3 || level == 4);
	require(where && text && text[0] && !strchr(text, '\n'));
	*errors += level == 3;
}

static int take_value(void *ctx, const struct tp_config_value *value)
{
	(void)ctx;
	require(value->key && value->value && value->source && value->where);
	require(!value->secret || value->value[0] == '\0');
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tp_error err = TP_ERROR_INIT;
	struct tp_config *config = NULL;
	int errors = 0;
	size_t i;
	int rc = tp_config_load_bytes((const char *)data, size, "fuzz",
		take_finding, &errors, &config, &err);

	require((rc < 0) == (errors > 0));
	require((rc < 0) == !config);
	require(rc >= 0 || (err.code == rc && err.text[0]));
	if (!config)
		return 0;
	for (i = 0; i < config->store_count; i++)
		require(config->stores[i].relay &&
			config->stores[i].relay->host &&
			config->stores[i].lifetime_ms > 0);
	require(tp_config_values(config, NULL, take_value, NULL, &err) == 0);
	tp_config_unref(&config);
	return 0;
}
