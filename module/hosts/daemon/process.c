/*
 * process.c - what the daemon does to its own process
 *
 * SOURCES prctl(2), closefrom(3), sd_listen_fds(3).
 * SPDX-License-Identifier: MIT
 */
#include "daemon/process.h"

#include "common/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_PASSED_FD 3
#define PASSED_MAX 4096

/* @return the number in the environment variable NAME, or -1 */
static long number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long number;

	if (!text || text[0] == '\0')
		return -1;
	errno = 0;
	number = strtol(text, &end, 10);
	return errno != 0 || *end != '\0' || number < 0 ? -1 : number;
}

/* @return how many descriptors from 3 on were passed to this process */
static int passed_count(void)
{
	long count = number_of("LISTEN_FDS");

	if (number_of("LISTEN_PID") != (long)getpid() || count < 0)
		return 0;
	return (int)(count < PASSED_MAX ? count : PASSED_MAX);
}

int32_t tp_process_descriptors(struct tillpost_error *err)
{
	int passed = passed_count();
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* open() takes the lowest free one, which is this. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return tp_report_set_errno(err, TILLPOST_EIO,
				"/dev/null", "cannot be opened");
	for (fd = FIRST_PASSED_FD; fd < FIRST_PASSED_FD + passed; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	closefrom(FIRST_PASSED_FD + passed);
	return TILLPOST_OK;
}

int32_t tp_process_protect(struct tillpost_error *err)
{
	const struct rlimit no_core = { .rlim_cur = 0, .rlim_max = 0 };

	(void)umask(077);
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return tp_report_set_errno(err, TILLPOST_EIO, "",
			"cannot forbid core files, which would hold the "
			"credentials of relays");
	return TILLPOST_OK;
}

int32_t tp_process_leave_directory(struct tillpost_error *err)
{
	if (chdir("/") < 0)
		return tp_report_set_errno(
			err, TILLPOST_EIO, "/", "cannot be entered");
	return TILLPOST_OK;
}

char *tp_process_absolute(const char *path, struct tillpost_error *err)
{
	char directory[PATH_MAX] = "";
	size_t room;
	char *whole;

	if (path[0] != '/' && !getcwd(directory, sizeof(directory))) {
		(void)tp_report_set_errno(err, TILLPOST_EIO, path,
			"the current directory has no name");
		return NULL;
	}
	room = strlen(directory) + strlen(path) + 2;
	whole = malloc(room);
	if (!whole) {
		(void)tp_report_set(err, TILLPOST_ENOMEM, path, "no memory");
		return NULL;
	}
	(void)snprintf(whole, room, "%s%s%s", directory,
		directory[0] != '\0' ? "/" : "", path);
	return whole;
}
