/*
 * import_json.c - settings exported as JSON
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_bytes.h"
#include "cli/import/import_nested.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- an allocator that wipes -------------------------------------------- */

#define HEAD_BYTES                                              \
	(sizeof(size_t) > alignof(max_align_t) ? sizeof(size_t) \
					       : alignof(max_align_t))

static void *take(size_t size)
{
	char *block = size <= SIZE_MAX - HEAD_BYTES ? malloc(HEAD_BYTES + size)
						    : NULL;

	if (!block)
		return NULL;
	memcpy(block, &size, sizeof(size));
	return block + HEAD_BYTES;
}

static void give_back(void *at)
{
	char *block = at;
	size_t size;

	if (!at)
		return;
	block -= HEAD_BYTES;
	memcpy(&size, block, sizeof(size));
	explicit_bzero(block, HEAD_BYTES + size);
	free(block);
}

/* ---- values to entries -------------------------------------------------- */

struct walk {
	struct tp_import_path path;
	const char *name;
	const char *scope;
	struct tp_import_entries *entries;
	struct tillpost_error *err;
	int depth;
};

static int32_t walk_value(struct walk *walk, const json_t *value);

static int32_t walk_part(
	struct walk *walk, const char *part, const json_t *value)
{
	int before = tp_import_path_push(&walk->path, part, strlen(part));
	int32_t rc;

	/* No setting of ours has such a name. */
	if (before < 0)
		return TILLPOST_OK;
	rc = walk_value(walk, value);
	tp_import_path_cut(&walk->path, before);
	return rc;
}

static int32_t walk_nested(struct walk *walk, const json_t *value)
{
	int32_t rc = TILLPOST_OK;
	json_t *object =
		(json_t *)value; /* jansson's iterators are not const */
	const char *key;
	json_t *part;
	size_t i;

	if (walk->depth >= TP_IMPORT_DEPTH_MAX)
		return tp_import_bad_line(walk->err, walk->name, 0,
			"is nested more than %d deep", TP_IMPORT_DEPTH_MAX);
	walk->depth++;
	if (json_is_object(value)) {
		json_object_foreach(object, key, part)
		{
			if (rc >= 0)
				rc = walk_part(walk, key, part);
		}
	} else {
		for (i = 0; i < json_array_size(value) && rc >= 0; i++) {
			char number[24];

			(void)snprintf(number, sizeof(number), "%zu", i);
			rc = walk_part(walk, number, json_array_get(value, i));
		}
	}
	walk->depth--;
	return rc;
}

static int32_t walk_value(struct walk *walk, const json_t *value)
{
	char number[64];
	const char *text = number;
	size_t len;

	if (json_is_object(value) || json_is_array(value))
		return walk_nested(walk, value);
	number[0] = '\0';
	if (json_is_integer(value))
		(void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
	else if (json_is_real(value))
		(void)snprintf(
			number, sizeof(number), "%g", json_real_value(value));
	else if (json_is_true(value))
		(void)snprintf(number, sizeof(number), "1");
	else if (json_is_string(value))
		text = json_string_value(value);
	len = json_is_string(value) ? json_string_length(value) : strlen(text);
	return tp_import_entries_add(walk->entries, walk->scope,
		walk->path.text, text, len, 0, walk->err);
}

static int32_t read_json(const struct tp_import_input *input, struct walk *walk)
{
	json_error_t found;
	json_t *root = json_loadb(input->text, input->len,
		JSON_DECODE_ANY | JSON_ALLOW_NUL, &found);
	int32_t rc;

	if (!root) {
		/* Of the text only what comes before "near": the rest quotes
		 * the input. */
		char *near = strstr(found.text, " near ");

		if (near)
			*near = '\0';
		rc = tp_import_bad_line(walk->err, input->name,
			found.line > 0 ? (size_t)found.line : 0,
			"column %d: is not JSON: %s", found.column, found.text);
		explicit_bzero(&found, sizeof(found));
		return rc;
	}
	if (!json_is_object(root) && !json_is_array(root))
		rc = tp_import_bad_line(walk->err, input->name, 1,
			"holds one value, not settings");
	else
		rc = walk_value(walk, root);
	json_decref(root);
	return rc;
}

int32_t tp_import_json(const struct tp_import_input *input, const char *scope,
	struct tp_import_entries *entries, struct tillpost_error *err)
{
	struct walk walk = { .name = input->name,
		.scope = scope,
		.entries = entries,
		.err = err };
	struct tp_import_input text = *input;
	json_malloc_t before_take;
	json_free_t before_free;
	int32_t rc;

	if (text.len >= 3 && memcmp(text.text, "\xef\xbb\xbf", 3) == 0) {
		text.text += 3;
		text.len -= 3;
	}
	json_get_alloc_funcs(&before_take, &before_free);
	json_set_alloc_funcs(take, give_back);
	rc = read_json(&text, &walk);
	json_set_alloc_funcs(before_take, before_free);
	return rc;
}
