/*
 * doctor_programs.c - what hands mail over: PHP, the sendmail command
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor.h"

#include "cli/php_hook.h"
#include "cli/program_output.h"
#include "cli/sendmail_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENDMAIL "/usr/sbin/sendmail"

/* ---- PHP ---------------------------------------------------------------- */

static const char *line_of(const char **text, char *out, size_t size)
{
	size_t len = strcspn(*text, "\n");

	(void)snprintf(out, size, "%.*s", (int)len, *text);
	*text += len + ((*text)[len] == '\n');
	return out;
}

static int ask_php(const char *program, struct tp_php_hook *hook_out)
{
	static char script[] = "printf(\"%s\\n%d\\n%d\\n%s\\n\", PHP_VERSION, "
			       "extension_loaded(\"tillpost\"), "
			       "(bool)ini_get(\"tillpost.enable\"), "
			       "ini_get(\"sendmail_path\"));";
	static char name[] = "php";
	static char option[] = "-r";
	char *argv[] = { name, option, script, NULL };
	char out[2 * PATH_MAX];
	const char *at = out;
	char word[8];

	if (tp_program_output(program, argv, out, sizeof(out)) != 0)
		return -1;
	(void)line_of(&at, hook_out->version, sizeof(hook_out->version));
	hook_out->loaded = line_of(&at, word, sizeof(word))[0] == '1';
	hook_out->enabled = line_of(&at, word, sizeof(word))[0] == '1';
	(void)line_of(
		&at, hook_out->sendmail_path, sizeof(hook_out->sendmail_path));
	return 0;
}

void tp_doctor_php(struct tp_doctor *doctor)
{
	const char *program = doctor->php ? doctor->php : "php";
	struct tp_php_hook hook;
	char who[64];

	if (ask_php(program, &hook) != 0) {
		tp_find(&doctor->findings,
			doctor->php ? TP_FIND_ERROR : TP_FIND_NOTE, "php",
			"%s cannot be run, so PHP is not looked at", program);
		return;
	}
	(void)snprintf(
		who, sizeof(who), "PHP %s on the command line", hook.version);
	tp_php_hook_judge(
		&hook, TP_FIND_WARNING, "php", who, &doctor->findings);
}

/* ---- sendmail ----------------------------------------------------------- */

void tp_doctor_sendmail(struct tp_doctor *doctor)
{
	const char *path = doctor->sendmail ? doctor->sendmail : SENDMAIL;
	char real[PATH_MAX];
	const char *name;

	if (!realpath(path, real)) {
		tp_find(&doctor->findings, TP_FIND_NOTE, "sendmail",
			"there is no %s", path);
		tp_find_why(&doctor->findings,
			"programs that call it by this name cannot send");
		tp_find_do(&doctor->findings,
			"install tillpost-mta if you have such a program");
		return;
	}
	name = strrchr(real, '/');
	if (name && strcmp(name + 1, TP_SENDMAIL_PROGRAM) == 0) {
		tp_find(&doctor->findings, TP_FIND_OK, "sendmail", "%s is %s",
			path, real);
		return;
	}
	tp_find(&doctor->findings, TP_FIND_NOTE, "sendmail",
		"%s is %s, another mail system", path, real);
	tp_find_why(&doctor->findings,
		"programs that call it do not send through tillpost, unless "
		"they are PHP with the extension");
}
