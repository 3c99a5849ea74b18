/*
 * config_load.c - loading the configuration, step by step
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/config_load.h"

#include "base/mem.h"
#include "core/setting_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LEVEL_ERROR 3
#define LEVEL_WARNING 4

/* First writer wins in ERR, so the first error is the one it keeps. */
void tp_config_error(struct tp_config_loader *loader, int code,
	const char *where, const char *fmt, ...)
{
	struct tp_error found = TP_ERROR_INIT;
	char text[TP_ERROR_TEXT_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)tp_fail(&found, code, "", "%s", text);
	(void)tp_config_report(loader, where, &found);
}

int tp_config_report(struct tp_config_loader *loader, const char *where,
	const struct tp_error *found)
{
	int code = found->code == TP_EINVAL ? TP_ECONFIG : found->code;

	if (loader->finding)
		loader->finding(
			loader->finding_ctx, LEVEL_ERROR, where, found->text);
	if (loader->rc == TP_OK) {
		loader->rc = code;
		if (loader->err) {
			*loader->err = *found;
			loader->err->code = code;
			(void)snprintf(loader->err->where,
				sizeof(loader->err->where), "%s",
				tp_config_where_tail(where));
		}
	}
	return code == TP_ENOMEM ? TP_ENOMEM : TP_OK;
}

void tp_config_warning(struct tp_config_loader *loader, const char *where,
	const char *fmt, ...)
{
	struct tp_error found = TP_ERROR_INIT;
	char text[TP_ERROR_TEXT_BYTES];
	va_list args;

	if (!loader->finding)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* For its care with control bytes. */
	(void)tp_fail(&found, TP_ECONFIG, "", "%s", text);
	loader->finding(loader->finding_ctx, LEVEL_WARNING, where, found.text);
}

const char *tp_config_where(
	const struct tp_record *record, const struct tp_setting *setting)
{
	const struct tp_origin *origin = tp_origin_of(record, setting);

	if (origin && origin->where && origin->source >= TP_SOURCE_HOST)
		return origin->where;
	if (record->scope == TP_SETTINGS_RELAY)
		return ((const struct tp_relay *)record->base)->where;
	if (record->scope == TP_SETTINGS_STORE ||
		record->scope == TP_SETTINGS_MATCH)
		return ((const struct tp_store *)record->base)->where;
	return "";
}

const char *tp_config_where_key(const struct tp_record *record, const char *key)
{
	return tp_config_where(record, tp_setting_find(record->scope, key));
}

enum tp_source tp_config_family_source(
	const struct tp_record *record, const struct tp_setting *setting)
{
	enum tp_source highest = TP_SOURCE_NONE;
	size_t count;
	size_t i;
	const struct tp_setting *table = tp_settings_table(&count);

	for (i = 0; i < count; i++) {
		const struct tp_origin *origin =
			tp_origin_of(record, &table[i]);

		if (tp_setting_same_family(&table[i], setting) &&
			origin->source > highest)
			highest = origin->source;
	}
	return highest;
}

int tp_config_is_set(const struct tp_record *record, const char *key)
{
	const struct tp_setting *setting = tp_setting_find(record->scope, key);

	return tp_origin_of(record, setting)->source >= TP_SOURCE_HOST;
}

int tp_config_give(struct tp_config_loader *loader,
	const struct tp_record *record, const struct tp_setting *setting,
	const char *text, enum tp_source source, const char *where)
{
	struct tp_error found = TP_ERROR_INIT;

	if (tp_origin_of(record, setting)->source != TP_SOURCE_NONE)
		return TP_OK;
	/* Noted even if the value is bad: it is not "missing" too then. */
	if (tp_origin_set(record, setting, source, where) < 0)
		return TP_ENOMEM;
	if (tp_setting_put(setting, record->base, text, "", &found) < 0)
		return tp_config_report(loader, where ? where : "", &found);
	return TP_OK;
}

char *tp_config_managed_path(const char *path)
{
	static const char ending[] = ".conf";
	struct tp_buf out = TP_BUF_INIT(8192);
	size_t len = strlen(path);
	size_t cut = sizeof(ending) - 1;
	char *result = NULL;

	if (len > cut && strcmp(path + len - cut, ending) == 0)
		len -= cut;
	if (tp_buf_add(&out, path, len) >= 0 &&
		tp_buf_str_add(&out, ".managed.conf") >= 0)
		result = tp_buf_take(&out, NULL);
	tp_buf_free(&out);
	return result;
}

static int unreadable(
	struct tp_config_loader *loader, const struct tp_error *found)
{
	loader->unreadable = 1;
	return tp_config_report(loader, found->where, found);
}

static int read_main(struct tp_config_loader *loader, const char *path)
{
	struct tp_error found = TP_ERROR_INIT;
	int rc = tp_config_text_read(
		&loader->main, path, 1, loader->source->seen, &found);

	if (rc == TP_ENOTFOUND)
		(void)tp_fail(&found, TP_EIO, tp_config_where_tail(path),
			"the configuration file does not exist");
	if (rc < 0)
		return unreadable(loader, &found);
	return tp_config_parse(loader, &loader->main, TP_SOURCE_MAIN);
}

static int read_managed(struct tp_config_loader *loader, const char *path)
{
	struct tp_error found = TP_ERROR_INIT;
	int rc = tp_config_text_read(
		&loader->managed, path, 0, loader->source->seen, &found);

	if (rc == TP_ENOTFOUND)
		return TP_OK;
	if (rc == TP_EPERM && loader->source->for_submitter) {
		/* As it should be where it holds a secret. */
		loader->config->partial = 1;
		return TP_OK;
	}
	if (rc < 0)
		return unreadable(loader, &found);
	return tp_config_parse(loader, &loader->managed, TP_SOURCE_MANAGED);
}

static void check_owners(
	struct tp_config_loader *loader, const struct tp_config_text *text)
{
	unsigned i;

	for (i = 0; i < text->file_count; i++) {
		const struct tp_config_text_file *file = &text->files[i];
		struct tp_error found = TP_ERROR_INIT;

		/* Who only submits reads the files of the user who sends: the
		 * host has chosen the main file, and its owner the others. */
		if (loader->source->for_submitter &&
			loader->main.file_count > 0 &&
			file->owner == loader->main.files[0].owner)
			continue;
		if (tp_config_check_owner(loader->config->path, file, &found) <
			0)
			(void)tp_config_report(loader, file->path, &found);
	}
}

/* A file with an inline secret is for its owner alone; who may write one with
 * relays or stores can redirect their mail. */
static void check_modes(
	struct tp_config_loader *loader, const struct tp_config_text *text)
{
	unsigned i;

	for (i = 0; i < text->file_count; i++) {
		const struct tp_config_text_file *file = &text->files[i];

		if (file->has_secret && (file->mode & 077) != 0)
			tp_config_error(loader, TP_EPERM, file->path,
				"holds a password or token, but its mode is "
				"%04o: run chmod 600, or use password_file",
				(unsigned)(file->mode & 07777));
		else if ((file->mode & S_IWOTH) != 0)
			tp_config_error(loader, TP_EPERM, file->path,
				"can be written by everybody: run chmod go-w");
		else if (file->has_route && (file->mode & S_IWGRP) != 0)
			tp_config_error(loader, TP_EPERM, file->path,
				"defines relays or stores and can be written "
				"by its group: run chmod g-w");
	}
}

typedef int step_fn(struct tp_config_loader *loader);

/* Where not everything could be read, what seems to be missing or wrong need
 * not be: only values are filled in, so that there are paths and limits. */
static int run_partial_steps(struct tp_config_loader *loader)
{
	static step_fn *const steps[] = {
		tp_config_merge_host,
		tp_config_merge_defaults,
		tp_config_merge_directory,
	};
	size_t i;
	int rc = TP_OK;

	check_owners(loader, &loader->main);
	check_modes(loader, &loader->main);
	if (loader->unreadable)
		return TP_OK;
	if (!tp_config_store(loader->config, "default") &&
		!tp_config_store_add(loader->config, "default", ""))
		return TP_ENOMEM;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc >= 0; i++)
		rc = steps[i](loader);
	return rc;
}

static int run_steps(struct tp_config_loader *loader)
{
	static step_fn *const steps[] = {
		tp_config_merge_host,
		tp_config_merge_parents,
		tp_config_derive_relays,
		tp_config_merge_defaults,
		tp_config_merge_directory,
		tp_config_read_secrets,
		tp_config_check_global,
		tp_config_check_relays,
		tp_config_check_stores,
	};
	size_t i;
	int rc = TP_OK;

	if (loader->config->partial)
		return run_partial_steps(loader);
	check_owners(loader, &loader->main);
	check_owners(loader, &loader->managed);
	check_modes(loader, &loader->main);
	check_modes(loader, &loader->managed);
	if (loader->unreadable)
		return TP_OK;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc >= 0; i++)
		rc = steps[i](loader);
	return rc;
}

static int finish(
	struct tp_config_loader *loader, int rc, struct tp_config **config_out)
{
	tp_config_text_free(&loader->main);
	tp_config_text_free(&loader->managed);
	if (rc < 0)
		rc = tp_fail(loader->err, rc, "configuration", "%s",
			tp_err_text(rc));
	else
		rc = loader->rc;
	if (rc < 0)
		tp_config_unref(&loader->config);
	*config_out = loader->config;
	return rc;
}

int tp_config_load_with(const struct tp_config_source *source,
	const char *managed_path, tp_config_finding_fn *finding, void *ctx,
	struct tp_config **config_out, struct tp_error *err)
{
	const char *path = source->path ? source->path : TP_CONFIG_DEFAULT_PATH;
	struct tp_config_loader loader = { .config = tp_config_new(),
		.source = source,
		.finding = finding,
		.finding_ctx = ctx,
		.err = err };
	char *usual_path = tp_config_managed_path(path);
	int rc = TP_ENOMEM;

	if (loader.config)
		loader.config->path = tp_strdup(path);
	if (!usual_path || !loader.config || !loader.config->path)
		goto out;
	rc = read_main(&loader, path);
	if (rc >= 0)
		rc = read_managed(
			&loader, managed_path ? managed_path : usual_path);
	if (rc >= 0)
		rc = run_steps(&loader);
out:
	tp_free(usual_path);
	return finish(&loader, rc, config_out);
}

int tp_config_load(const struct tp_config_source *source,
	tp_config_finding_fn *finding, void *ctx, struct tp_config **config_out,
	struct tp_error *err)
{
	return tp_config_load_with(source, NULL, finding, ctx, config_out, err);
}

int tp_config_defaults(const struct tp_config_source *source,
	tp_config_finding_fn *finding, void *ctx, struct tp_config **config_out,
	struct tp_error *err)
{
	struct tp_config_loader loader = { .config = tp_config_new(),
		.source = source,
		.finding = finding,
		.finding_ctx = ctx,
		.err = err };
	int rc = TP_ENOMEM;

	if (loader.config)
		loader.config->path = tp_strdup(
			source->path ? source->path : TP_CONFIG_DEFAULT_PATH);
	if (loader.config && loader.config->path) {
		loader.config->partial = 1;
		rc = run_steps(&loader);
	}
	return finish(&loader, rc, config_out);
}

int tp_config_load_bytes(const char *data, size_t len, const char *name,
	tp_config_finding_fn *finding, void *ctx, struct tp_config **config_out,
	struct tp_error *err)
{
	static const struct tp_config_source source = {
		.without_secrets = 1,
		.for_submitter = 1,
	};
	struct tp_config_loader loader = { .config = tp_config_new(),
		.source = &source,
		.finding = finding,
		.finding_ctx = ctx,
		.err = err };
	struct tp_error found = TP_ERROR_INIT;
	int rc = TP_ENOMEM;

	if (loader.config)
		loader.config->path = tp_strdup(name);
	if (!loader.config || !loader.config->path)
		goto out;
	rc = tp_config_text_from(&loader.main, data, len, name, &found);
	if (rc < 0)
		rc = unreadable(&loader, &found);
	else
		rc = tp_config_parse(&loader, &loader.main, TP_SOURCE_MAIN);
	if (rc >= 0)
		rc = run_steps(&loader);
out:
	return finish(&loader, rc, config_out);
}

/* @return 1 if RECORD holds what a full key of SCOPE and NAME is about */
static int is_record_of(const struct tp_record *record,
	enum tp_setting_scope scope, const char *name)
{
	return record->scope == scope &&
	       (!record->name || strcmp(record->name, name) == 0);
}

static const struct tp_origin *main_origin(const struct tp_config *config,
	const struct tp_setting *setting, const char *name)
{
	struct tp_record record;
	size_t count;
	size_t i;
	size_t r;
	const struct tp_setting *table = tp_settings_table(&count);

	for (r = 0; tp_config_record(config, r, &record); r++) {
		if (!is_record_of(&record, setting->scope, name))
			continue;
		for (i = 0; i < count; i++) {
			const struct tp_origin *origin =
				tp_origin_of(&record, &table[i]);

			if (origin->source == TP_SOURCE_MAIN &&
				tp_setting_same_family(&table[i], setting))
				return origin;
		}
	}
	return NULL;
}

int tp_config_locked(const struct tp_config_source *source,
	const struct tp_setting *setting, const char *name,
	char where_out[TP_CONFIG_WHERE_BYTES], struct tp_error *err)
{
	const char *path = source->path ? source->path : TP_CONFIG_DEFAULT_PATH;
	struct tp_config_loader loader = {
		.config = tp_config_new(), .source = source, .err = err
	};
	const struct tp_origin *origin = NULL;
	int rc = TP_ENOMEM;

	if (loader.config)
		loader.config->path = tp_strdup(path);
	if (loader.config && loader.config->path)
		rc = read_main(&loader, path);
	if (rc >= 0)
		check_owners(&loader, &loader.main);
	if (rc >= 0 && loader.rc >= 0)
		origin = main_origin(loader.config, setting, name);
	if (origin)
		(void)snprintf(
			where_out, TP_CONFIG_WHERE_BYTES, "%s", origin->where);
	if (rc >= 0)
		rc = loader.rc < 0 ? loader.rc : origin != NULL;
	else
		(void)tp_fail(err, rc, "configuration", "%s", tp_err_text(rc));
	tp_config_text_free(&loader.main);
	tp_config_unref(&loader.config);
	return rc;
}
