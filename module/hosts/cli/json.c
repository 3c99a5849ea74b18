/*
 * json.c - one JSON object per line for programs
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/json.h"

#include "common/report.h"
#include "common/text.h"
#include "common/when.h"

#include <jansson.h>

#include <stdlib.h>

struct tp_json {
	json_t *object;
	int failed;
};

struct tp_json *tp_json_new(void)
{
	struct tp_json *json = calloc(1, sizeof(*json));

	if (!json)
		return NULL;
	json->object = json_object();
	if (!json->object)
		json->failed = 1;
	return json;
}

void tp_json_destroy(struct tp_json **json)
{
	if (!json || !*json)
		return;
	json_decref((*json)->object);
	free(*json);
	*json = NULL;
}

/* Takes VALUE; NULL is a failed allocation. */
static void set(struct tp_json *json, const char *key, json_t *value)
{
	if (!json) {
		json_decref(value);
		return;
	}
	/* json_object_set_new() releases VALUE and fails if either is NULL. */
	if (json_object_set_new(json->object, key, value) != 0)
		json->failed = 1;
}

static json_t *text_value(const char *text)
{
	json_t *value;
	char *printable;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	/* Not UTF-8, or no memory: then this fails too. */
	printable = tp_text_printable(text);
	value = printable ? json_string(printable) : NULL;
	free(printable);
	return value;
}

void tp_json_text(struct tp_json *json, const char *key, const char *value)
{
	set(json, key, text_value(value));
}

void tp_json_number(struct tp_json *json, const char *key, int64_t value)
{
	set(json, key, json_integer(value));
}

void tp_json_time(struct tp_json *json, const char *key, int64_t epoch_ms)
{
	char text[TP_WHEN_BYTES];

	tp_when_utc(epoch_ms, text);
	tp_json_text(json, key, epoch_ms ? text : NULL);
}

void tp_json_bool(struct tp_json *json, const char *key, int value)
{
	set(json, key, json_boolean(value));
}

void tp_json_array(struct tp_json *json, const char *key)
{
	if (json && !json_object_get(json->object, key))
		set(json, key, json_array());
}

void tp_json_add(struct tp_json *json, const char *key, struct tp_json **child)
{
	json_t *array;

	tp_json_array(json, key);
	if (json) {
		array = json_object_get(json->object, key);
		if (!*child || (*child)->failed ||
			json_array_append(array, (*child)->object) != 0)
			json->failed = 1;
	}
	tp_json_destroy(child);
}

int32_t tp_json_print(
	struct tp_json **json, FILE *out, struct tillpost_error *err)
{
	char *line = NULL;

	if (*json && !(*json)->failed)
		line = json_dumps(
			(*json)->object, JSON_ENSURE_ASCII | JSON_COMPACT);
	tp_json_destroy(json);
	if (!line)
		return tp_report_set(err, TILLPOST_ENOMEM, "", "out of memory");
	(void)fprintf(out, "%s\n", line);
	free(line);
	return TILLPOST_OK;
}
