/*
 * import_new.c - a configuration made of what was imported
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import_write.h"

#include "cli/import/import_text.h"
#include "common/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char head[] =
	"# tillpost.conf - made by tillpost import; see tillpost.conf(5)\n";

static int32_t failed(
	struct tillpost_error *err, const char *path, const char *what)
{
	return tp_report_set_errno(err,
		errno == EACCES || errno == EPERM ? TILLPOST_EPERM
						  : TILLPOST_EIO,
		path, what);
}

static void put_places(
	struct tp_import_bytes *text, const struct tp_import_place *place)
{
	const char *state = place->state_dir;

	tp_import_bytes_printf(text, "queue = { path = \"%s%s\"; };\n",
		state ? state : "/var/lib/tillpost",
		state ? "/queue/queue.db" : "/queue.db");
	tp_import_bytes_printf(text, "spool = { path = \"%s%s\"; };\n",
		state ? state : "/var/spool/tillpost", state ? "/spool" : "");
}

char *tp_import_new_text(const struct tp_import_result *result,
	const struct tp_import_place *place)
{
	struct tp_import_bytes text = { .text = NULL };

	tp_import_bytes_put(&text, head);
	put_places(&text, place);
	tp_import_config_text(result, place->secrets, &text);
	if (text.failed) {
		tp_import_bytes_free(&text);
		return NULL;
	}
	return text.text;
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
	/* The directories of the queue are made on installation. */
	if (strcmp(finding->where, "queue.path") == 0) {
		tp_report(TP_CLI_PROGRAM, finding->where, "%s", finding->text);
		return 0;
	}
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

static int32_t write_text(
	const char *path, const char *text, struct tillpost_error *err)
{
	int fd = open(path,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	size_t len = strlen(text);
	int32_t rc = TILLPOST_OK;

	if (fd < 0)
		return failed(err, path, "cannot be made");
	/* Short writes happen on full disks only. */
	if (fchmod(fd, 0644) != 0 || write(fd, text, len) != (ssize_t)len ||
		fsync(fd) != 0)
		rc = failed(err, path, "cannot be written");
	if (close(fd) != 0 && rc >= 0)
		rc = failed(err, path, "cannot be written");
	return rc;
}

int32_t tp_import_write_new(struct tp_cli *cli,
	const struct tp_import_result *result,
	const struct tp_import_place *place, struct tillpost_error *err)
{
	char draft[PATH_MAX];
	char *text = tp_import_new_text(result, place);
	int32_t rc;

	if (!text)
		return tp_report_set(err, TILLPOST_ENOMEM, "", "out of memory");
	if (snprintf(draft, sizeof(draft), "%s/.import-%ld.conf",
		    place->directory, (long)getpid()) >= (int)sizeof(draft)) {
		tp_import_wipe(text);
		return tp_report_set(err, TILLPOST_EINVAL, place->directory,
			"the path is too long");
	}
	rc = write_text(draft, text, err);
	tp_import_wipe(text);
	if (rc >= 0)
		rc = check(cli, draft, err);
	/* A link replaces nothing that somebody has just made. */
	if (rc >= 0 && link(draft, place->config_path) != 0)
		rc = failed(err, place->config_path, "cannot be made");
	(void)unlink(draft);
	return rc;
}
