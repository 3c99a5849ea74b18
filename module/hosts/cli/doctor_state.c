/*
 * doctor_state.c - this machine, the daemon, and what waits
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor.h"

#include "common/when.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)
/* 2026-11-01: nothing of this was written before. */
#define FLOOR_MS (INT64_C(1793491200) * 1000)
#define CEILING_MS (FLOOR_MS + 20 * 365 * DAY_MS)
#define AHEAD_MS (INT64_C(600) * 1000)
#define OLD_MS (INT64_C(3600) * 1000)
#define FEW_INODES 1000
#define TIGHT 4 /* times the reserve */
#define MEGABYTE 1048576

/* ---- clock, disk -------------------------------------------------------- */

/* Whoever keeps the clock right tells the kernel so. */
static void check_synchronised(struct tp_doctor *doctor)
{
	struct timex state = { .modes = 0 };

	if (adjtimex(&state) < 0 || !(state.status & STA_UNSYNC))
		return;
	tp_find(&doctor->findings, TP_FIND_WARNING, "clock",
		"nothing keeps this machine's clock right, as far as the "
		"kernel knows");
	tp_find_why(&doctor->findings,
		"a clock that drifts makes certificates and OAuth 2 tokens "
		"fail, and tries come at the wrong time");
	tp_find_do(&doctor->findings,
		"install systemd-timesyncd or chrony; see timedatectl");
}

void tp_doctor_times(struct tp_doctor *doctor, int64_t now_ms)
{
	const struct tp_values *values = &doctor->values;
	const char *const paths[] = {
		tp_values_text(values, "queue", NULL, "path"),
		tp_values_text(values, "log", NULL, "path"),
	};
	char written[TP_WHEN_BYTES];
	struct stat st;
	size_t i;

	for (i = 0; i < TP_COUNT(paths); i++) {
		if (stat(paths[i], &st) != 0 ||
			(int64_t)st.st_mtime * 1000 <= now_ms + AHEAD_MS)
			continue;
		tp_when_utc((int64_t)st.st_mtime * 1000, written);
		tp_find(&doctor->findings, TP_FIND_ERROR, "clock",
			"%s was written at %s, which is still to come",
			paths[i], written);
		tp_find_why(&doctor->findings,
			"the clock is wrong now, or was then; mail that was "
			"put off waits until then");
		tp_find_do(&doctor->findings,
			"set the clock; if it is right, see with 'tillpost "
			"queue' what waits for a time too late");
	}
}

void tp_doctor_clock(struct tp_doctor *doctor, int64_t now_ms)
{
	char now[TP_WHEN_BYTES];

	tp_when_utc(now_ms, now);
	if (now_ms >= FLOOR_MS && now_ms <= CEILING_MS) {
		tp_find(&doctor->findings, TP_FIND_OK, "clock", "%s", now);
		check_synchronised(doctor);
		return;
	}
	tp_find(&doctor->findings, TP_FIND_ERROR, "clock",
		"it is %s by this machine's clock", now);
	tp_find_why(&doctor->findings,
		"certificates seem to be expired or not valid yet, mail gets "
		"a wrong Date, and tries come at the wrong time");
	tp_find_do(&doctor->findings,
		"set the clock and keep it right, as with systemd-timesyncd "
		"or chrony");
}

static void check_disk(struct tp_doctor *doctor, const char *topic,
	const char *path, int64_t reserve)
{
	struct statvfs fs;
	int64_t bytes;

	if (statvfs(path, &fs) != 0)
		return; /* that it is not there is said elsewhere */
	bytes = (int64_t)((double)fs.f_bavail * (double)fs.f_frsize);
	if (bytes < reserve || (fs.f_files > 0 && fs.f_favail == 0)) {
		tp_find(&doctor->findings, TP_FIND_ERROR, topic,
			"%lld MB free at %s; %lld MB are kept in reserve",
			(long long)(bytes / MEGABYTE), path,
			(long long)(reserve / MEGABYTE));
		tp_find_why(&doctor->findings,
			"no mail is accepted while the disk is this full");
		tp_find_do(&doctor->findings,
			"make room, or lower queue.free_reserve");
		return;
	}
	if (bytes / TIGHT < reserve ||
		(fs.f_files > 0 && fs.f_favail < FEW_INODES)) {
		tp_find(&doctor->findings, TP_FIND_WARNING, topic,
			"%lld MB and %llu files are free at %s",
			(long long)(bytes / MEGABYTE),
			(unsigned long long)fs.f_favail, path);
		tp_find_why(&doctor->findings,
			"below %lld MB no mail is accepted",
			(long long)(reserve / MEGABYTE));
		tp_find_do(&doctor->findings, "make room");
		return;
	}
	tp_find(&doctor->findings, TP_FIND_OK, topic, "%lld MB free at %s",
		(long long)(bytes / MEGABYTE), path);
}

void tp_doctor_disk(struct tp_doctor *doctor)
{
	const struct tp_values *values = &doctor->values;
	const char *queue = tp_values_text(values, "queue", NULL, "path");
	const char *spool = tp_values_text(values, "spool", NULL, "path");
	int64_t reserve = tp_values_size(
		tp_values_text(values, "queue", NULL, "free_reserve"));
	char directory[PATH_MAX];
	struct tillpost_error err;

	if (reserve < 0)
		return;
	if (tp_directory_of(queue, directory, sizeof(directory), &err) >= 0)
		check_disk(doctor, "disk", directory, reserve);
	check_disk(doctor, "disk", spool, reserve);
}

/* ---- the daemon --------------------------------------------------------- */

static int32_t show_relay(void *ctx, const struct tillpost_relay_status *relay)
{
	struct tp_doctor *doctor = ctx;

	if (strcmp(relay->state, "ready") == 0)
		return 0;
	tp_find(&doctor->findings, TP_FIND_WARNING, "relay",
		"tillpostd has %s relay %s: %s", relay->state, relay->relay,
		relay->reason);
	tp_find_why(&doctor->findings,
		"its mail waits until the relay works again");
	tp_find_do(&doctor->findings,
		"mend the cause; if it was a setting or a password, let "
		"tillpostd reload; then: tillpost queue retry --all");
	return 0;
}

/* @return the process that has the spool, 0 if it does not say */
static long lock_holder(const char *spool)
{
	char path[PATH_MAX];
	char text[24];
	FILE *file = NULL;
	long pid = 0;

	if (snprintf(path, sizeof(path), "%s/lock", spool) < (int)sizeof(path))
		file = fopen(path, "re");
	if (file && fgets(text, sizeof(text), file))
		pid = strtol(text, NULL, 10);
	if (file)
		(void)fclose(file);
	return pid;
}

static int read_proc(const char *pid, const char *name, char *out, size_t size)
{
	char path[PATH_MAX];
	ssize_t got = -1;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, out, size - 1);
		(void)close(fd);
	}
	out[got > 0 ? got : 0] = '\0';
	return got > 0 ? (int)got : 0;
}

/* Does the command line name CONFIG? Without -c it is the default. */
static int is_for(const char *line, int len, const char *config)
{
	int named = 0;
	int i;

	for (i = 0; i < len; i += (int)strlen(line + i) + 1) {
		const char *word = line + i;

		if (strcmp(word, config) == 0 ||
			(strncmp(word, "--config=", 9) == 0 &&
				strcmp(word + 9, config) == 0))
			return 1;
		named |= strcmp(word, "-c") == 0 ||
			 strncmp(word, "--config", 8) == 0;
	}
	return !named && strcmp(config, TP_CLI_DEFAULT_CONFIG) == 0;
}

/* Others on the same configuration would be refused the queue, but may wait
 * in a loop of a service manager. */
static void look_for_others(struct tp_doctor *doctor, long holder)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	while (proc && (entry = readdir(proc)) != NULL) {
		char text[4096];
		int len;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
			strtol(entry->d_name, NULL, 10) == holder ||
			!read_proc(entry->d_name, "comm", text, sizeof(text)) ||
			strcmp(text, "tillpostd\n") != 0)
			continue;
		len = read_proc(entry->d_name, "cmdline", text, sizeof(text));
		if (!is_for(text, len, doctor->config_path))
			continue;
		tp_find(&doctor->findings, TP_FIND_WARNING, "daemon",
			"another tillpostd for the same configuration runs "
			"(pid %s)",
			entry->d_name);
		tp_find_why(&doctor->findings,
			"only one can take the spool in; the other is stuck");
		tp_find_do(&doctor->findings, "stop one of them");
	}
	if (proc)
		(void)closedir(proc);
}

static void say_no_daemon(
	struct tp_doctor *doctor, const struct tillpost_error *err)
{
	tp_find(&doctor->findings, TP_FIND_ERROR, "daemon",
		"tillpostd does not answer: %s%s%s", err->where,
		err->where[0] ? ": " : "", err->text);
	tp_find_why(&doctor->findings,
		"mail of web programs waits in the spool until it runs");
	tp_find_do(&doctor->findings,
		"systemctl start tillpostd; if it does not start, its log "
		"says why: journalctl -u tillpostd");
}

void tp_doctor_daemon(struct tp_doctor *doctor)
{
	struct tp_cli *cli = doctor->cli;
	struct tillpost_open_options options;
	tillpost_handle *asker = NULL;
	struct tillpost_status status;
	struct tillpost_error err;
	long holder = lock_holder(
		tp_values_text(&doctor->values, "spool", NULL, "path"));

	TILLPOST_INIT(&options);
	TILLPOST_INIT(&status);
	TILLPOST_INIT(&err);
	options.role = TILLPOST_ROLE_SUBMIT;
	options.config_path = cli->config_path;
	options.host = &cli->host;
	if (cli->plugin.api->open(&options, &asker, &err) < 0 ||
		cli->plugin.api->status(
			asker, &status, show_relay, doctor, &err) < 0)
		say_no_daemon(doctor, &err);
	else
		tp_find(&doctor->findings, TP_FIND_OK, "daemon",
			"tillpostd answers (pid %ld)", holder);
	if (asker)
		cli->plugin.api->close(&asker);
	look_for_others(doctor, holder);
}

/* ---- the queue ---------------------------------------------------------- */

static int32_t show_held(void *ctx, const struct tillpost_queue_entry *entry)
{
	struct tp_doctor *doctor = ctx;

	tp_find_why(&doctor->findings, "the first is %s of store %s: %s",
		entry->queue_id, entry->store, entry->reason);
	return 1;
}

static void say_held(struct tp_doctor *doctor, int64_t count)
{
	struct tp_cli *cli = doctor->cli;
	struct tillpost_queue_filter filter;
	struct tillpost_error err;

	tp_find(&doctor->findings, TP_FIND_WARNING, "queue",
		"%lld held messages wait for a person", (long long)count);
	TILLPOST_INIT(&filter);
	TILLPOST_INIT(&err);
	filter.state = "held";
	filter.limit = 1;
	(void)cli->plugin.api->queue_list(
		cli->handle, &filter, show_held, doctor, &err);
	tp_find_do(&doctor->findings,
		"see 'tillpost queue --state held'; mend the cause, then "
		"'tillpost queue release ID' or 'cancel ID'");
}

static void say_waiting(
	struct tp_doctor *doctor, const struct tillpost_status *status)
{
	char age[TP_WHEN_BYTES];
	int64_t age_ms = tp_when_now_ms() - status->oldest_ms;

	if (status->spooled_count > 0)
		tp_find(&doctor->findings, TP_FIND_NOTE, "spool",
			"%lld mails wait there for tillpostd",
			(long long)status->spooled_count);
	if (status->queued_count == 0 || status->oldest_ms == 0) {
		tp_find(&doctor->findings, TP_FIND_OK, "queue",
			"nothing is waiting in it");
		return;
	}
	tp_when_span(age_ms, age);
	if (age_ms < OLD_MS) {
		tp_find(&doctor->findings, TP_FIND_OK, "queue",
			"%lld waiting, the oldest since %s",
			(long long)status->queued_count, age);
		return;
	}
	tp_find(&doctor->findings, TP_FIND_WARNING, "queue",
		"%lld waiting, the oldest since %s",
		(long long)status->queued_count, age);
	tp_find_why(
		&doctor->findings, "a healthy relay takes mail within minutes");
	tp_find_do(&doctor->findings,
		"see why with 'tillpost queue' and 'tillpost log --verdict "
		"deferred'");
}

void tp_doctor_queue(struct tp_doctor *doctor)
{
	struct tp_cli *cli = doctor->cli;
	struct tillpost_status status;
	struct tillpost_error err;

	TILLPOST_INIT(&status);
	TILLPOST_INIT(&err);
	status.quarantined_count = -1;
	if (cli->plugin.api->status(cli->handle, &status, NULL, NULL, &err) <
		0) {
		tp_find(&doctor->findings, TP_FIND_ERROR, "queue", "%s: %s",
			err.where, err.text);
		return;
	}
	say_waiting(doctor, &status);
	if (status.held_count > 0)
		say_held(doctor, status.held_count);
	if (status.quarantined_count <= 0)
		return;
	tp_find(&doctor->findings, TP_FIND_WARNING, "quarantine",
		"%lld spool files could not be taken in",
		(long long)status.quarantined_count);
	tp_find_why(&doctor->findings,
		"somebody's mail is in them, and is not sent");
	tp_find_do(&doctor->findings,
		"'tillpost spool' shows the reasons; mend them, then 'tillpost "
		"spool release NAME' or 'discard NAME'");
}
