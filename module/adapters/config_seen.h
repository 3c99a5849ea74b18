/*
 * config_seen.h - the files that a load looked at
 *
 * JOB     Whoever keeps a configuration for long can tell, cheaply, whether
 *         loading it again could give another one: each file is noted as it
 *         was when it was opened, also one that was not there or was closed
 *         to this user, and also when the load failed.
 * LAYER   adapters; POSIX files.
 * BOUNDS  as many files as a load opens. Without memory all counts as changed.
 * THREADS a list belongs to one thread at a time.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_CONFIG_SEEN_H
#define TP_ADAPTERS_CONFIG_SEEN_H

#include <stddef.h>
#include <sys/stat.h>

struct tp_config_seen_file;

struct tp_config_seen {
	struct tp_config_seen_file *files;
	size_t count;
	int incomplete; /* 1: not all found room */
};

/* Notes PATH as ST says; NULL: as it can be found now. SEEN may be NULL. */
void tp_config_seen_add(
	struct tp_config_seen *seen, const char *path, const struct stat *st);
/* Looks at each file again. @return 1 if one is not as it was noted, or if
 * none was */
int tp_config_seen_changed(const struct tp_config_seen *seen);
void tp_config_seen_clear(struct tp_config_seen *seen);

#endif
