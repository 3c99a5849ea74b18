/*
 * doctor_unit.c - what the hardened service could not reach
 *
 * JOB     doctor runs unconfined; tillpostd may write only where its systemd
 *         unit says, and where AppArmor is in force read only some places. A
 *         path that neither the unit nor a drop-in names works here and fails
 *         there.
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT "tillpostd.service"
#define PROFILE_LOCAL "/etc/apparmor.d/local/usr.sbin.tillpostd"

/* Is PATH the directory, or in it? */
static int is_in(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return len > 1 && strncmp(path, directory, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/');
}

/* Does FILE name PATH, or a directory above it? */
static int file_names(const char *file, const char *path)
{
	FILE *in = fopen(file, "re");
	char line[2048];
	int found = 0;

	while (in && !found && fgets(line, sizeof(line), in)) {
		char *rest = line;
		const char *word;

		while (line[0] != '#' &&
			(word = strtok_r(rest, " \t\r\n=:\"", &rest)) != NULL)
			found |= word[0] == '/' && is_in(path, word);
	}
	if (in)
		(void)fclose(in);
	return found;
}

static int unit_names(const char *unit, const char *path)
{
	static const char *const drop_ins[] = {
		"/etc/systemd/system/" UNIT ".d/*.conf",
		"/run/systemd/system/" UNIT ".d/*.conf",
	};
	glob_t found;
	int names = file_names(unit, path);
	size_t i;
	size_t k;

	for (i = 0; i < TP_COUNT(drop_ins); i++) {
		if (glob(drop_ins[i], 0, NULL, &found) != 0)
			continue;
		for (k = 0; k < found.gl_pathc; k++)
			names |= file_names(found.gl_pathv[k], path);
		globfree(&found);
	}
	return names;
}

static const char *find_unit(const struct tp_doctor *doctor)
{
	static const char *const places[] = { "/etc/systemd/system/" UNIT,
		"/usr/lib/systemd/system/" UNIT, "/lib/systemd/system/" UNIT };
	size_t i;

	if (doctor->unit)
		return doctor->unit;
	/* The service reads the default; another file is another daemon's. */
	if (strcmp(doctor->config_path, TP_CLI_DEFAULT_CONFIG) != 0)
		return NULL;
	for (i = 0; i < TP_COUNT(places); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

static void check_written(
	struct tp_doctor *doctor, const char *unit, const char *path)
{
	if (path[0] != '/' || unit_names(unit, path))
		return;
	tp_find(&doctor->findings, TP_FIND_WARNING, "service",
		"%s is not among the places where %s lets tillpostd write",
		path, unit);
	tp_find_why(&doctor->findings,
		"by hand it works; as the service tillpostd cannot start "
		"(ProtectSystem=strict)");
	tp_find_do(&doctor->findings,
		"'systemctl edit tillpostd' with the lines [Service] and "
		"ReadWritePaths=%s; where AppArmor is in force, also \"%s/** "
		"rwkl,\" in " PROFILE_LOCAL ", then apparmor_parser -r "
		"/etc/apparmor.d/usr.sbin.tillpostd",
		path, path);
}

static void check_read(
	struct tp_doctor *doctor, const char *unit, const char *path)
{
	static const char *const always[] = { "/etc/tillpost",
		"/run/credentials", "/etc/ssl", "/usr/share/ca-certificates",
		"/usr/local/share/ca-certificates" };
	static const char *const hidden[] = { "/home", "/root", "/run/user",
		"/tmp", "/var/tmp" };
	int is_hidden = 0;
	size_t i;

	for (i = 0; i < TP_COUNT(always); i++)
		if (is_in(path, always[i]))
			return;
	if (path[0] != '/' || unit_names(unit, path) ||
		file_names(PROFILE_LOCAL, path))
		return;
	for (i = 0; i < TP_COUNT(hidden); i++)
		is_hidden |= is_in(path, hidden[i]);
	tp_find(&doctor->findings, TP_FIND_WARNING, "service",
		"%s is not among the places where tillpostd reads as a service",
		path);
	tp_find_why(&doctor->findings, "%s",
		is_hidden ? "the unit hides that directory (ProtectHome, "
			    "PrivateTmp)"
			  : "the AppArmor profile, where it is in force, does "
			    "not let it");
	if (is_hidden)
		tp_find_do(&doctor->findings,
			"move it to /etc/tillpost, or hand it over by "
			"LoadCredential=");
	else
		tp_find_do(&doctor->findings,
			"move it to /etc/tillpost, or add \"%s r,\" to " PROFILE_LOCAL
			" and run apparmor_parser -r "
			"/etc/apparmor.d/usr.sbin.tillpostd",
			path);
}

static void check_relays(struct tp_doctor *doctor, const char *unit)
{
	static const char *const keys[] = { "password_file", "token_file",
		"ca_file" };
	char relay[TP_VALUES_KEY_BYTES];
	size_t at = 0;
	size_t i;

	while (tp_values_next(&doctor->values, "relays", &at, relay))
		for (i = 0; i < TP_COUNT(keys); i++)
			check_read(doctor, unit,
				tp_values_text(&doctor->values, "relays", relay,
					keys[i]));
}

/* Files that the configuration includes, each once. */
static void check_includes(struct tp_doctor *doctor, const char *unit)
{
	const struct tp_values *values = &doctor->values;
	char last[PATH_MAX] = "";
	char file[PATH_MAX];
	size_t i;

	for (i = 0; i < values->count; i++) {
		const char *where = values->items[i].where;
		const char *colon = strrchr(where, ':');

		if (where[0] != '/' || !colon)
			continue;
		(void)snprintf(file, sizeof(file), "%.*s", (int)(colon - where),
			where);
		if (strcmp(file, last) == 0)
			continue;
		(void)snprintf(last, sizeof(last), "%s", file);
		if (!is_in(file, doctor->directory))
			check_read(doctor, unit, file);
	}
}

void tp_doctor_unit(struct tp_doctor *doctor)
{
	const struct tp_values *values = &doctor->values;
	const char *unit = find_unit(doctor);
	const char *const files[] = {
		tp_values_text(values, "queue", NULL, "path"),
		tp_values_text(values, "log", NULL, "path"),
	};
	char directory[PATH_MAX];
	struct tillpost_error err;
	size_t i;

	if (!unit)
		return;
	for (i = 0; i < TP_COUNT(files); i++)
		if (tp_directory_of(
			    files[i], directory, sizeof(directory), &err) >= 0)
			check_written(doctor, unit, directory);
	check_written(
		doctor, unit, tp_values_text(values, "spool", NULL, "path"));
	check_relays(doctor, unit);
	check_includes(doctor, unit);
}
