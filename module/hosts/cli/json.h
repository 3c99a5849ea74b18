/*
 * json.h - one JSON object per line for programs
 *
 * JOB     Builds an object with keys in the order they were added and prints
 *         it on one line, in ASCII, so that it is safe on a terminal and in
 *         any reader. Bytes that are not UTF-8 appear as "\\xNN" in strings.
 * LAYER   hosts; json.c is the only user of jansson.
 * THREADS one object, one thread.
 * ERRORS  The first failure is kept; tp_json_print() returns it. All
 *         functions accept a NULL object and do nothing.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_JSON_H
#define TP_HOSTS_CLI_JSON_H

#include <tillpost/abi.h>

#include <stdio.h>

struct tp_json;

/* NULL if out of memory. @owns the caller until tp_json_print() or _add() */
struct tp_json *tp_json_new(void);
/* NULL-safe; sets *json to NULL. */
void tp_json_destroy(struct tp_json **json);

/* NULL becomes null. */
void tp_json_text(struct tp_json *json, const char *key, const char *value);
void tp_json_number(struct tp_json *json, const char *key, int64_t value);
/* "2026-11-21T18:33:29.123Z"; null for 0, which means "none". */
void tp_json_time(struct tp_json *json, const char *key, int64_t epoch_ms);
void tp_json_bool(struct tp_json *json, const char *key, int value);
/* Makes KEY an array if it is not there yet. */
void tp_json_array(struct tp_json *json, const char *key);
/* Appends *child to the array KEY, frees it, sets it to NULL. */
void tp_json_add(struct tp_json *json, const char *key, struct tp_json **child);

/* Prints one line, frees, sets *json to NULL.
 * @return 0 or TILLPOST_ENOMEM (also for NULL) with err filled */
int32_t tp_json_print(
	struct tp_json **json, FILE *out, struct tillpost_error *err);

#endif
