/*
 * program_output.c - what another program prints
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/program_output.h"

#include "common/when.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 10000

extern char **environ;

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
	int64_t end_ms = tp_when_now_ms() + WAIT_MS;
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

int tp_program_output(
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
