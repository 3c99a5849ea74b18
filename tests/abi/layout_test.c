/*
 * layout_test.c - the layout of the public structs is what it always was
 *
 * Compares <tillpost/abi.h> with the frozen table: every field where it was
 * and as big as it was, no gap, nothing that the table does not know. So a
 * field in the middle, a changed type and a forgotten table entry all fail.
 *
 * SPDX-License-Identifier: MIT
 */
#include <tillpost/abi.h>

#include <stdio.h>
#include <string.h>

static int failures;

static void check(const char *what, long long is, long long was)
{
	if (is == was)
		return;
	printf("%s: is %lld, must be %lld\n", what, is, was);
	failures++;
}

/* Where the next field of the struct at hand must begin. */
static size_t next;

static void check_field(
	const char *name, size_t offset, size_t size, long at, long bytes)
{
	char what[128];

	(void)snprintf(what, sizeof(what), "%s: offset", name);
	check(what, (long long)offset, at);
	(void)snprintf(what, sizeof(what), "%s: size", name);
	check(what, (long long)size, bytes);
	if (offset != next) {
		printf("%s: begins at %zu, but the field before it in the "
		       "table ends at %zu\n",
			name, offset, next);
		failures++;
	}
	next = offset + size;
}

static void check_end(const char *name, size_t size, long bytes)
{
	check(name, (long long)size, bytes);
	if (size != next) {
		printf("%s: has a field that the table does not know\n", name);
		failures++;
	}
}

static void check_structs(void)
{
#define STRUCT(name) next = 0;
#define FIELD(name, field, at, bytes)                                          \
	check_field(#name "." #field, offsetof(struct tillpost_##name, field), \
		sizeof(((struct tillpost_##name *)NULL)->field), at, bytes);
#define END(name, bytes)                                                    \
	check_end("struct tillpost_" #name, sizeof(struct tillpost_##name), \
		bytes);
#define CONSTANT(name, value)
#include "layout_v1.h"
#undef STRUCT
#undef FIELD
#undef END
#undef CONSTANT
}

static void check_constants(void)
{
#define STRUCT(name)
#define FIELD(name, field, at, bytes)
#define END(name, bytes)
#define CONSTANT(name, value) check(#name, (long long)name, value);
#include "layout_v1.h"
#undef STRUCT
#undef FIELD
#undef END
#undef CONSTANT
}

/* Functions keep their types. */
#define SIGNATURE(function, type)                                        \
	_Static_assert(_Generic(((struct tillpost_api *)NULL)->function, \
			       type : 1, default : 0),                   \
		"the type of " #function " changed")

/* clang-format off */
SIGNATURE(open, int32_t (*)(const struct tillpost_open_options *,
	tillpost_handle **, struct tillpost_error *));
SIGNATURE(close, void (*)(tillpost_handle **));
SIGNATURE(submit, int32_t (*)(tillpost_handle *,
	const struct tillpost_message *, struct tillpost_receipt *,
	struct tillpost_error *));
SIGNATURE(run, int32_t (*)(tillpost_handle *,
	const struct tillpost_run_options *, struct tillpost_error *));
SIGNATURE(stop, void (*)(tillpost_handle *));
SIGNATURE(status, int32_t (*)(tillpost_handle *, struct tillpost_status *,
	tillpost_relay_status_fn *, void *, struct tillpost_error *));
SIGNATURE(queue_list, int32_t (*)(tillpost_handle *,
	const struct tillpost_queue_filter *, tillpost_queue_fn *, void *,
	struct tillpost_error *));
SIGNATURE(queue_action, int32_t (*)(tillpost_handle *, int32_t, const char *,
	struct tillpost_error *));
SIGNATURE(outcomes, int32_t (*)(tillpost_handle *,
	const struct tillpost_outcome_filter *, tillpost_outcome_fn *, void *,
	struct tillpost_error *));
SIGNATURE(settings_schema, int32_t (*)(tillpost_handle *,
	tillpost_setting_fn *, void *, struct tillpost_error *));
SIGNATURE(settings_get, int32_t (*)(tillpost_handle *, const char *,
	tillpost_value_fn *, void *, struct tillpost_error *));
SIGNATURE(settings_set, int32_t (*)(tillpost_handle *, const char *,
	const char *, struct tillpost_error *));
SIGNATURE(test_send, int32_t (*)(tillpost_handle *,
	const struct tillpost_test_options *, tillpost_step_fn *, void *,
	struct tillpost_receipt *, struct tillpost_error *));
SIGNATURE(route_explain, int32_t (*)(tillpost_handle *,
	const struct tillpost_message *, tillpost_route_fn *, void *,
	struct tillpost_error *));
SIGNATURE(reload, int32_t (*)(tillpost_handle *, struct tillpost_error *));
SIGNATURE(check, int32_t (*)(const char *, const struct tillpost_host *,
	tillpost_finding_fn *, void *, struct tillpost_error *));
/* 1.1 */
SIGNATURE(spool_list, int32_t (*)(tillpost_handle *, tillpost_spool_fn *,
	void *, struct tillpost_error *));
SIGNATURE(spool_action, int32_t (*)(tillpost_handle *, int32_t, const char *,
	struct tillpost_error *));
/* clang-format on */

_Static_assert(TILLPOST_ABI_MAJOR == 1, "a new major has a new table");

int main(void)
{
	check_structs();
	check_constants();
	if (strcmp(TILLPOST_ENTRY, "tillpost_plugin_v1") != 0) {
		printf("TILLPOST_ENTRY: is %s\n", TILLPOST_ENTRY);
		failures++;
	}
	return failures > 0;
}
