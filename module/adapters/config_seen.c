/*
 * config_seen.c - the files that a load looked at
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_seen.h"

#include "adapters/config_text.h"
#include "base/mem.h"

#include <errno.h>

/* With the managed file, and the one that is too many. */
#define FILES_MAX_COUNT (TP_CONFIG_FILES_MAX + 2)

/* What tells one state of a file from another. */
struct state {
	int error;		 /* errno of one that cannot be looked at; 0 */
	struct timespec changed; /* its content, owner or mode */
	dev_t device;
	ino_t inode;
	off_t size_bytes;
};

struct tp_config_seen_file {
	char *path;
	struct state state;
};

static struct state state_of(const struct stat *st)
{
	return (struct state) {
		.changed = st->st_ctim,
		.device = st->st_dev,
		.inode = st->st_ino,
		.size_bytes = st->st_size,
	};
}

static struct state state_now(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct state) { .error = errno };
	return state_of(&st);
}

static int same(const struct state *a, const struct state *b)
{
	return a->error == b->error && a->device == b->device &&
	       a->inode == b->inode && a->size_bytes == b->size_bytes &&
	       a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

void tp_config_seen_add(
	struct tp_config_seen *seen, const char *path, const struct stat *st)
{
	struct tp_config_seen_file *grown = NULL;
	char *copy;

	if (!seen)
		return;
	copy = seen->count < FILES_MAX_COUNT ? tp_strdup(path) : NULL;
	if (copy)
		grown = tp_realloc(
			seen->files, (seen->count + 1) * sizeof(*grown));
	if (!grown) {
		tp_free(copy);
		seen->incomplete = 1;
		return;
	}
	seen->files = grown;
	grown[seen->count++] = (struct tp_config_seen_file) {
		.path = copy,
		.state = st ? state_of(st) : state_now(path),
	};
}

int tp_config_seen_changed(const struct tp_config_seen *seen)
{
	size_t i;

	for (i = 0; i < seen->count; i++) {
		struct state now = state_now(seen->files[i].path);

		if (!same(&now, &seen->files[i].state))
			return 1;
	}
	return seen->incomplete || seen->count == 0;
}

void tp_config_seen_clear(struct tp_config_seen *seen)
{
	while (seen->count > 0)
		tp_free(seen->files[--seen->count].path);
	tp_free(seen->files);
	*seen = (struct tp_config_seen) { .count = 0 };
}
