/*
 * config_file.h - loading and changing the configuration files
 *
 * JOB     Reads the main file (libconfig, @include works), then the managed
 *         file next to it ("tillpost.conf" -> "tillpost.managed.conf") for
 *         keys that the main file does not set, then the host's settings
 *         callback; merges presets into relays and parents into stores;
 *         reads secrets from files and environment; checks every value
 *         against the settings table. Writes the managed file.
 * LAYER   adapters. config_libconfig.c and config_managed.c are the only users
 *         of libconfig.h; the rest is libc: config_text.c (files, @include),
 *         config_seen.c (whether they have changed),
 *         config_owner.c (whose files), config_merge.c (host, inheritance,
 *         defaults), config_secret.c, config_check_relay.c and
 *         config_check_store.c (derived rules), config_values.c.
 * BOUNDS  all files together 1 MiB, 100 files, includes nest 10 deep.
 * THREADS load: any. set: serialised by the caller in one process, by a lock
 *         file between processes.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_CONFIG_FILE_H
#define TP_ADAPTERS_CONFIG_FILE_H

#include "adapters/config_seen.h"
#include "core/config.h"

#include <stddef.h>
#include <stdint.h>

#define TP_CONFIG_DEFAULT_PATH "/etc/tillpost/tillpost.conf"

struct tp_config_source {
	const char *path; /* NULL: TP_CONFIG_DEFAULT_PATH */
	/* The host's own settings; NULL: none. Copies the value with its NUL
	 * into VALUE, returns its length; negative: it has none. */
	int32_t (*host_setting)(
		void *ctx, const char *key, char *value, uint32_t value_bytes);
	void *host_ctx;
	/* 1: files and variables with secrets are not read: passwords and
	 * tokens stay NULL. */
	int without_secrets;
	/* 1: for a process that only submits, and with without_secrets: the
	 * main file may belong to anybody and the others to its owner too, and
	 * a managed file need not be readable: the result is then
	 * `partial`. */
	int for_submitter;
	/* 1: nothing is going to be sent: that there is no secret where only
	 * the service has it is a warning. */
	int only_checks;
	/* NULL, or where to note the files that are looked at. */
	struct tp_config_seen *seen;
};

/* level: 3 error, 4 warning (as syslog) */
typedef void tp_config_finding_fn(
	void *ctx, int level, const char *where, const char *text);

/* Loads and checks everything. All findings go to FINDING (may be NULL), the
 * first error also to ERR.
 * @return 0 and a reference in *config_out; TP_ECONFIG, TP_EIO, TP_EPERM
 *         (a file with a secret that others can read, a file that belongs to
 *         somebody else or that others can change), TP_ENOMEM */
int tp_config_load(const struct tp_config_source *source,
	tp_config_finding_fn *finding, void *ctx, struct tp_config **config_out,
	struct tp_error *err) TP_USE_RESULT;

/* What holds where no file may be read: the table's defaults and the host's
 * settings, with one store, "default", and `partial`. */
int tp_config_defaults(const struct tp_config_source *source,
	tp_config_finding_fn *finding, void *ctx, struct tp_config **config_out,
	struct tp_error *err) TP_USE_RESULT;

/* One effective value; strings are valid during the callback. */
struct tp_config_value {
	const char *key;    /* "stores.eu.from" */
	const char *value;  /* "" for secrets */
	const char *source; /* "main", "managed", "host", "preset",
			     * "default", "inherited" */
	const char *where;  /* file:line, preset or store name, "" */
	int secret;
	int set;
	int locked;
};
typedef int tp_config_value_fn(void *ctx, const struct tp_config_value *value);

/* All values whose full name is KEY or begins with "KEY."; NULL: all.
 * @return 0; TP_ENOTFOUND if KEY names nothing */
int tp_config_values(const struct tp_config *config, const char *key,
	tp_config_value_fn *cb, void *ctx, struct tp_error *err) TP_USE_RESULT;

/* Sets (or with VALUE NULL removes) one key in the managed file: mode 0600,
 * written to a temporary file, fsynced, renamed, directory fsynced. What the
 * managed file holds and the table does not know is kept. The result must
 * load, or nothing is written. What root makes for the first time belongs to
 * the owner of the main file or of its directory.
 * @return 0; TP_ELOCKED (set by the main file, named with its line);
 *         TP_ENOTFOUND (no such key); TP_EINVAL (bad value, with the range);
 *         TP_EIO, TP_EPERM, TP_ECONFIG */
int tp_config_set(const struct tp_config_source *source, const char *key,
	const char *value, struct tp_error *err) TP_USE_RESULT;

#endif
