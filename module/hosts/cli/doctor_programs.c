/*
 * doctor_programs.c - what hands mail over: PHP, the sendmail command
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor.h"

#include "common/when.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PHP_WAIT_MS 10000
#define SENDMAIL "/usr/sbin/sendmail"
#define OUR_SENDMAIL "tillpost-sendmail"

extern char **environ;

/* ---- running a program -------------------------------------------------- */

static int spawn(
	const char *program, char *const argv[], int out_fd, pid_t *pid_out)
{
	posix_spawn_file_actions_t actions;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc != 0)
		return rc;
	rc = posix_spawn_file_actions_addopen(
		&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(
			&actions, out_fd, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(
			&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (rc == 0)
		rc = posix_spawnp(
			pid_out, program, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static void read_all(int fd, char *out, size_t size)
{
	int64_t end_ms = tp_when_now_ms() + PHP_WAIT_MS;
	size_t used = 0;

	while (used + 1 < size) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		int64_t left_ms = end_ms - tp_when_now_ms();
		ssize_t got;

		if (left_ms <= 0 || poll(&poll_fd, 1, (int)left_ms) <= 0)
			break;
		got = read(fd, out + used, size - used - 1);
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	out[used] = '\0';
}

/* @return 0 and what it printed, or -1: no such program, or it failed */
static int output_of(
	const char *program, char *const argv[], char *out, size_t size)
{
	int fds[2];
	pid_t pid = -1;
	int status = -1;
	int rc;

	if (pipe(fds) != 0)
		return -1;
	(void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	rc = spawn(program, argv, fds[1], &pid);
	(void)close(fds[1]);
	if (rc == 0) {
		read_all(fds[0], out, size);
		/* Done with it, whether it is done or not. */
		(void)close(fds[0]);
		if (waitpid(pid, &status, WNOHANG) == 0) {
			(void)usleep(100000);
			if (waitpid(pid, &status, WNOHANG) == 0) {
				(void)kill(pid, SIGKILL);
				(void)waitpid(pid, &status, 0);
			}
		}
	} else {
		(void)close(fds[0]);
	}
	return rc == 0 && status == 0 ? 0 : -1;
}

/* ---- PHP ---------------------------------------------------------------- */

struct php {
	char version[32];
	int loaded;
	int enabled;
	char sendmail_path[PATH_MAX];
};

static const char *line_of(const char **text, char *out, size_t size)
{
	size_t len = strcspn(*text, "\n");

	(void)snprintf(out, size, "%.*s", (int)len, *text);
	*text += len + ((*text)[len] == '\n');
	return out;
}

static int ask_php(const char *program, struct php *php_out)
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

	if (output_of(program, argv, out, sizeof(out)) != 0)
		return -1;
	(void)line_of(&at, php_out->version, sizeof(php_out->version));
	php_out->loaded = line_of(&at, word, sizeof(word))[0] == '1';
	php_out->enabled = line_of(&at, word, sizeof(word))[0] == '1';
	(void)line_of(
		&at, php_out->sendmail_path, sizeof(php_out->sendmail_path));
	return 0;
}

static void say_no_hook(struct tp_doctor *doctor, const struct php *php)
{
	tp_find(&doctor->findings, TP_FIND_WARNING, "php",
		"PHP %s does not send through tillpost: %s; sendmail_path is "
		"\"%s\"",
		php->version,
		php->loaded ? "the extension is there, but tillpost.enable is "
			      "off"
			    : "the extension is not loaded",
		php->sendmail_path);
	tp_find_why(&doctor->findings,
		"mail() of PHP goes to that program, or nowhere");
	tp_find_do(&doctor->findings,
		"phpenmod tillpost and restart PHP-FPM (package php-tillpost), "
		"or set sendmail_path = \"/usr/bin/tillpost-sendmail -t -i\"");
}

void tp_doctor_php(struct tp_doctor *doctor)
{
	const char *program = doctor->php ? doctor->php : "php";
	struct php php;

	if (ask_php(program, &php) != 0) {
		tp_find(&doctor->findings,
			doctor->php ? TP_FIND_ERROR : TP_FIND_NOTE, "php",
			"%s cannot be run, so PHP is not looked at", program);
		return;
	}
	if (php.loaded && php.enabled)
		tp_find(&doctor->findings, TP_FIND_OK, "php",
			"PHP %s on the command line has the extension; "
			"phpinfo() shows it for PHP-FPM, which has settings of "
			"its own",
			php.version);
	else if (strstr(php.sendmail_path, OUR_SENDMAIL))
		tp_find(&doctor->findings, TP_FIND_OK, "php",
			"PHP %s sends by \"%s\"", php.version,
			php.sendmail_path);
	else
		say_no_hook(doctor, &php);
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
	if (name && strcmp(name + 1, OUR_SENDMAIL) == 0) {
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
