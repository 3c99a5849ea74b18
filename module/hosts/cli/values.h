/*
 * values.h - settings in force, looked up by name
 *
 * JOB     Keeps what settings_get() tells, so that a command can look at
 *         single values. Secrets are not in it, only whether they are set.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS one struct tp_values, one thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_VALUES_H
#define TP_HOSTS_CLI_VALUES_H

#include <tillpost/abi.h>

#include <stddef.h>

#define TP_VALUES_KEY_BYTES 192

struct tp_value {
	char *key; /* "relays.ses.host" */
	char *value;
	char *source; /* as in struct tillpost_value */
	char *where;  /* alike */
	uint32_t flags;
};

struct tp_values {
	struct tp_value *items;
	size_t count;
	int failed; /* out of memory */
};

/* Reads all values. @owns the caller, tp_values_free(), also after a failure
 * @return 0 or a TILLPOST_E* */
int32_t tp_values_load(const struct tillpost_api *api, tillpost_handle *handle,
	struct tp_values *values_out, struct tillpost_error *err);
void tp_values_free(struct tp_values *values);

/* NULL if there is no such key. */
const struct tp_value *tp_values_find(
	const struct tp_values *values, const char *key);
/* The value of "GROUP.NAME.KEY", or of "GROUP.KEY" if NAME is NULL; "" if
 * there is none. */
const char *tp_values_text(const struct tp_values *values, const char *group,
	const char *name, const char *key);

/* The names in GROUP ("relays", "stores"), one after the other.
 * @param at 0 first; kept by the caller
 * @return 0 when there is none left */
int tp_values_next(const struct tp_values *values, const char *group,
	size_t *at, char name_out[TP_VALUES_KEY_BYTES]);

/* Bytes of "64M", as settings spell sizes; -1 if it is none. */
int64_t tp_values_size(const char *text);

#endif
