/*
 * import_new.c - a configuration made of what was imported
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import_write.h"

#include "cli/files.h"
#include "cli/import/import_text.h"
#include "common/report.h"

#include <stdio.h>
#include <unistd.h>

int tp_import_new_text(const struct tp_import_result *result,
	const struct tp_import_place *place, struct tp_conf_text *text)
{
	tp_conf_begin(text, "import");
	if (!place->places.exists)
		tp_places_put(&place->places, text);
	tp_import_config_text(result, place->secrets, text);
	return tp_conf_end(text);
}

/* ---- what the plugin says ----------------------------------------------- */

struct checking {
	int errors;
	struct tillpost_error first;
};

static int32_t note_finding(void *ctx, const struct tillpost_finding *finding)
{
	struct checking *checking = ctx;

	if (finding->level > TILLPOST_LOG_ERROR)
		return 0;
	if (checking->errors++ == 0)
		(void)tp_report_set(&checking->first, TILLPOST_ECONFIG,
			finding->where, "%s", finding->text);
	return 0;
}

static int32_t check(
	struct tp_cli *cli, const char *path, struct tillpost_error *err)
{
	struct checking checking = { .errors = 0 };
	int32_t rc = cli->plugin.api->check(
		path, &cli->host, note_finding, &checking, err);

	if (rc < 0)
		return rc;
	if (checking.errors > 0)
		*err = checking.first;
	return checking.errors > 0 ? TILLPOST_ECONFIG : TILLPOST_OK;
}

/* ---- writing ------------------------------------------------------------ */

int32_t tp_import_write_new(struct tp_cli *cli,
	const struct tp_import_result *result,
	const struct tp_import_place *place, struct tillpost_error *err)
{
	const struct tp_places *places = &place->places;
	char draft[PATH_MAX];
	struct tp_conf_text text;
	int32_t rc;

	if (snprintf(draft, sizeof(draft), "%s/.import-%ld.conf",
		    place->directory, (long)getpid()) >= (int)sizeof(draft))
		return tp_report_set(err, TILLPOST_EINVAL, place->directory,
			"the path is too long");
	if (tp_import_new_text(result, place, &text) < 0)
		rc = tp_report_set(err, TILLPOST_EINVAL, "settings",
			"a value has control characters, or memory is short");
	else
		rc = tp_files_write(draft, 0644, text.bytes, text.len, err);
	tp_conf_free(&text);
	if (rc < 0)
		return rc;
	rc = check(cli, draft, err);
	/* A link replaces nothing that somebody has just made. */
	if (rc >= 0 && link(draft, places->config_path) != 0)
		rc = tp_files_failed(
			err, places->config_path, "cannot be made");
	(void)unlink(draft);
	return rc >= 0 ? tp_files_sync_directory(place->directory, err) : rc;
}
