/*
 * doctor_fpm.c - the PHP of the web server
 *
 * JOB     Each PHP-FPM has settings of its own, and its pools again. It is
 *         asked itself (-i); its pool files are read; whether it runs, and
 *         since when, is seen in /proc.
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor.h"

#include "cli/php_hook.h"
#include "cli/program_output.h"

#include "common/when.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAMS "/usr/sbin/php-fpm*"
#define MASTER "php-fpm: master process ("
#define PHPINFO_BYTES (256 * 1024)
#define ROUNDING_MS 3000 /* of the kernel's start times */

struct fpm {
	struct tp_doctor *doctor;
	const char *phpinfo;
	char directory[PATH_MAX]; /* of php.ini; "" if there is none */
	struct tp_php_hook hook;
	int64_t since_ms; /* it runs; 0: it does not */
};

/* ---- does it run? ------------------------------------------------------- */

static int read_text(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t got;

	out[0] = '\0';
	if (!file)
		return 0;
	got = fread(out, 1, size - 1, file);
	out[got] = '\0';
	(void)fclose(file);
	return got > 0;
}

static int64_t boot_ms(void)
{
	char line[256];
	FILE *file = fopen("/proc/stat", "re");
	long long seconds = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "btime ", 6) == 0)
			seconds = strtoll(line + 6, NULL, 10);
	if (file)
		(void)fclose(file);
	return seconds * 1000;
}

/* Field 22 of /proc/PID/stat, counted behind the name, which may be anything.
 * @return 0 if it cannot be read */
static int64_t started_ms(const char *pid)
{
	char path[64];
	char text[1024];
	const char *at;
	long hertz = sysconf(_SC_CLK_TCK);
	int i;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if (hertz <= 0 || !read_text(path, text, sizeof(text)))
		return 0;
	at = strrchr(text, ')');
	for (i = 0; at && i < 20; i++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return 0;
	return boot_ms() + strtoll(at, NULL, 10) * 1000 / hertz;
}

/* Its master process names the configuration: "(/etc/php/8.2/fpm/x.conf)". */
static int is_master(const struct fpm *fpm, const char *pid)
{
	size_t len = strlen(fpm->directory);
	char path[64];
	char text[PATH_MAX + sizeof(MASTER)];

	(void)snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	return read_text(path, text, sizeof(text)) &&
	       strncmp(text, MASTER, sizeof(MASTER) - 1) == 0 &&
	       strncmp(text + sizeof(MASTER) - 1, fpm->directory, len) == 0 &&
	       text[sizeof(MASTER) - 1 + len] == '/';
}

static void find_master(struct fpm *fpm)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	while (proc && fpm->directory[0] && (entry = readdir(proc)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) &&
			is_master(fpm, entry->d_name))
			fpm->since_ms = started_ms(entry->d_name);
	if (proc)
		(void)closedir(proc);
}

/* ---- is it older than what it should have loaded? ----------------------- */

static void later_of(const char *path, int64_t *ms)
{
	struct stat st;
	int64_t changed_ms;

	/* The link itself too: phpenmod makes it. */
	if (lstat(path, &st) != 0)
		return;
	changed_ms = (int64_t)st.st_ctime * 1000;
	if (changed_ms > *ms)
		*ms = changed_ms;
}

/* The file that loads the extension: one of a list over several lines. */
static int find_ini(const char *phpinfo, char *out, size_t size)
{
	const char *name = strstr(phpinfo, "tillpost.ini");
	const char *from = name;

	while (from && from > phpinfo && !strchr(" \n,", from[-1]))
		from--;
	if (!from || *from != '/')
		return 0;
	return snprintf(out, size, "%.*s", (int)strcspn(from, ",\n"), from) <
	       (int)size;
}

static void check_age(const struct fpm *fpm)
{
	struct tp_findings *findings = &fpm->doctor->findings;
	char directory[PATH_MAX];
	char path[PATH_MAX + 16];
	char since[TP_WHEN_BYTES];
	char changed[TP_WHEN_BYTES];
	int64_t changed_ms = 0;

	if (find_ini(fpm->phpinfo, path, sizeof(path)))
		later_of(path, &changed_ms);
	if (tp_phpinfo_value(fpm->phpinfo, "extension_dir", directory,
		    sizeof(directory))) {
		(void)snprintf(path, sizeof(path), "%s/tillpost.so", directory);
		later_of(path, &changed_ms);
	}
	if (!fpm->hook.loaded || changed_ms <= fpm->since_ms + ROUNDING_MS)
		return;
	tp_when_utc(fpm->since_ms, since);
	tp_when_utc(changed_ms, changed);
	tp_find(findings, TP_FIND_NOTE, "php-fpm",
		"PHP-FPM %s runs since %s, and the extension is of %s",
		fpm->hook.version, since, changed);
	tp_find_why(findings,
		"it knows the extension only if it was reloaded since, which "
		"cannot be seen from here");
	tp_find_do(findings, "restart it, if nobody did");
}

/* ---- pools -------------------------------------------------------------- */

static void judge(
	const struct fpm *fpm, const struct tp_php_hook *hook, const char *pool)
{
	char who[PATH_MAX + 64];

	(void)snprintf(who, sizeof(who), "PHP-FPM %s%s%s%s", fpm->hook.version,
		pool ? " (" : "", pool ? pool : "", pool ? ")" : "");
	tp_php_hook_judge(hook, fpm->since_ms ? TP_FIND_WARNING : TP_FIND_NOTE,
		"php-fpm", who, &fpm->doctor->findings);
}

static void judge_pool(const struct fpm *fpm, const char *path)
{
	struct tp_php_hook hook = fpm->hook;
	FILE *pool = fopen(path, "re");

	if (!pool) {
		tp_find(&fpm->doctor->findings, TP_FIND_NOTE, "php-fpm",
			"%s cannot be read, so what it sets is not known",
			path);
		return;
	}
	tp_php_hook_read_pool(pool, &hook);
	(void)fclose(pool);
	judge(fpm, &hook, path);
}

static void judge_pools(const struct fpm *fpm)
{
	char pattern[PATH_MAX + 16];
	glob_t found;
	size_t i;

	(void)snprintf(
		pattern, sizeof(pattern), "%s/pool.d/*.conf", fpm->directory);
	if (!fpm->directory[0] || glob(pattern, 0, NULL, &found) != 0) {
		judge(fpm, &fpm->hook, NULL);
		return;
	}
	for (i = 0; i < found.gl_pathc; i++)
		judge_pool(fpm, found.gl_pathv[i]);
	globfree(&found);
}

/* ---- all of them -------------------------------------------------------- */

static void check_fpm(struct tp_doctor *doctor, char *program, char *phpinfo)
{
	static char option[] = "-i";
	char *argv[] = { program, option, NULL };
	struct fpm fpm = { .doctor = doctor, .phpinfo = phpinfo };
	struct tillpost_error err;
	char ini[PATH_MAX];

	if (tp_program_output(program, argv, phpinfo, PHPINFO_BYTES) != 0) {
		tp_find(&doctor->findings,
			doctor->php_fpm ? TP_FIND_ERROR : TP_FIND_NOTE,
			"php-fpm", "%s -i fails, so it is not looked at",
			program);
		tp_find_do(&doctor->findings, "see what '%s -i' says", program);
		return;
	}
	tp_php_hook_read(phpinfo, &fpm.hook);
	if (!tp_phpinfo_value(
		    phpinfo, "Loaded Configuration File", ini, sizeof(ini)) ||
		ini[0] != '/' ||
		tp_directory_of(
			ini, fpm.directory, sizeof(fpm.directory), &err) < 0)
		fpm.directory[0] = '\0';
	find_master(&fpm);
	judge_pools(&fpm);
	if (fpm.since_ms)
		check_age(&fpm);
}

void tp_doctor_fpm(struct tp_doctor *doctor)
{
	char *phpinfo = malloc(PHPINFO_BYTES);
	glob_t found;
	size_t i;

	if (phpinfo && glob(doctor->php_fpm ? doctor->php_fpm : PROGRAMS,
			       doctor->php_fpm ? GLOB_NOCHECK : 0, NULL,
			       &found) == 0) {
		for (i = 0; i < found.gl_pathc; i++)
			check_fpm(doctor, found.gl_pathv[i], phpinfo);
		globfree(&found);
	}
	free(phpinfo);
}
