/*
 * config_load.h - what the files of the configuration loader share
 *
 * JOB     One load passes through these steps in this order: read the main
 *         file, read the managed file, ask the host, merge presets, inherit,
 *         defaults, secrets, check. Each step sees the whole configuration
 *         and reports everything that it finds; only lack of memory stops a
 *         load early.
 * LAYER   adapters; private to config_*.c.
 * ERRORS  steps return 0, or TP_ENOMEM; problems are findings.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_CONFIG_LOAD_H
#define TP_ADAPTERS_CONFIG_LOAD_H

#include "adapters/config_file.h"
#include "adapters/config_text.h"
#include "core/config.h"

#include <sys/types.h>

struct config_t; /* libconfig's */

struct tp_config_loader {
	struct tp_config *config;
	const struct tp_config_source *source;
	tp_config_finding_fn *finding;
	void *finding_ctx;
	struct tp_error *err;
	int rc;		/* of the first error; TP_OK */
	int unreadable; /* 1: a file could not be read or parsed at all, so
			 * what is missing means nothing */
	struct tp_config_text main;
	struct tp_config_text managed;
};

/* Reports an error or a warning. WHERE is "file:line" or a full key. */
void tp_config_error(struct tp_config_loader *loader, int code,
	const char *where, const char *fmt, ...) TP_PRINTF(4, 5);
void tp_config_warning(struct tp_config_loader *loader, const char *where,
	const char *fmt, ...) TP_PRINTF(3, 4);
/* Reports an error that a core function described. TP_EINVAL becomes
 * TP_ECONFIG. @return 0; TP_ENOMEM if that is what FOUND says */
int tp_config_report(struct tp_config_loader *loader, const char *where,
	const struct tp_error *found);

/* Where a value was set, or where its record is defined. */
const char *tp_config_where(
	const struct tp_record *record, const struct tp_setting *setting);
/* As above, by key. */
const char *tp_config_where_key(
	const struct tp_record *record, const char *key);
/* The highest source of this setting and those that stand in for it. */
enum tp_source tp_config_family_source(
	const struct tp_record *record, const struct tp_setting *setting);
/* 1 if a file or the host gave the value. */
int tp_config_is_set(const struct tp_record *record, const char *key);

/* Sets a value that nobody set yet, and notes its origin.
 * @return 0, TP_ENOMEM */
int tp_config_give(struct tp_config_loader *loader,
	const struct tp_record *record, const struct tp_setting *setting,
	const char *text, enum tp_source source, const char *where);

/* "/etc/x.conf" -> "/etc/x.managed.conf".
 * @return NULL if out of memory; tp_free() it */
char *tp_config_managed_path(const char *path) TP_USE_RESULT;

/* As tp_config_load(), with another managed file than the usual one: what
 * tp_config_set() is about to put there.
 * @param managed_path NULL: the usual one */
int tp_config_load_with(const struct tp_config_source *source,
	const char *managed_path, tp_config_finding_fn *finding, void *ctx,
	struct tp_config **config_out, struct tp_error *err) TP_USE_RESULT;

/* As tp_config_load() for bytes in memory, without includes, without a
 * managed file, and without reading secrets. */
int tp_config_load_bytes(const char *data, size_t len, const char *name,
	tp_config_finding_fn *finding, void *ctx, struct tp_config **config_out,
	struct tp_error *err) TP_USE_RESULT;

/* Whether the main file sets SETTING, or one that stands in for it.
 * @param where_out where it does
 * @return 1, 0; TP_ECONFIG and others if the main file cannot be read */
int tp_config_locked(const struct tp_config_source *source,
	const struct tp_setting *setting, const char *name,
	char where_out[TP_CONFIG_WHERE_BYTES],
	struct tp_error *err) TP_USE_RESULT;

/* ---- owners (config_owner.c) --------------------------------------------- */

/* Whom the files are for: the user of this process; if that is root, who for
 * example checks the service's files, the owner of the directory with the
 * main file. */
uid_t tp_config_user(const char *main_path);
/* 1 if a file of OWNER may configure this process: root's, its own user's or
 * that of tp_config_user(). */
int tp_config_owner_fits(const char *main_path, uid_t owner);
/* Gives a file that this process just made, if it is root's, to the owner and
 * group of the main file (or of its directory, if only that is not root's), so
 * that the service can read it.
 * @return 0; -1 and errno */
int tp_config_hand_over(int fd, const char *main_path) TP_USE_RESULT;
/* @return 0; TP_EPERM if the owner of FILE does not fit */
int tp_config_check_owner(const char *main_path,
	const struct tp_config_text_file *file,
	struct tp_error *err) TP_USE_RESULT;

/* ---- the steps ---------------------------------------------------------- */

/* config_libconfig.c: parses TEXT into the records; a value that already has
 * an origin stays. */
int tp_config_parse(struct tp_config_loader *loader,
	struct tp_config_text *text, enum tp_source source) TP_USE_RESULT;

/* Wipes every string of the tree before config_destroy(), which does not. */
void tp_config_destroy_parsed(struct config_t *parsed);

/* config_merge.c */
int tp_config_merge_host(struct tp_config_loader *loader) TP_USE_RESULT;
int tp_config_merge_parents(struct tp_config_loader *loader) TP_USE_RESULT;
int tp_config_merge_defaults(struct tp_config_loader *loader) TP_USE_RESULT;
int tp_config_merge_directory(struct tp_config_loader *loader) TP_USE_RESULT;

/* config_secret.c: reads password_file and its kind. */
int tp_config_read_secrets(struct tp_config_loader *loader) TP_USE_RESULT;

/* config_check_relay.c: presets, TLS and port before the defaults; the rules
 * after them. */
int tp_config_derive_relays(struct tp_config_loader *loader) TP_USE_RESULT;
int tp_config_check_relays(struct tp_config_loader *loader) TP_USE_RESULT;

/* config_check_store.c */
int tp_config_check_global(struct tp_config_loader *loader) TP_USE_RESULT;
int tp_config_check_stores(struct tp_config_loader *loader) TP_USE_RESULT;
/* 1 if some store sends through the relay: then it must be complete. */
int tp_config_relay_used(
	const struct tp_config *config, const struct tp_relay *relay);

#endif
