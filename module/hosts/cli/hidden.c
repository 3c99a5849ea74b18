/*
 * hidden.c - a line that is not shown while it is typed
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/hidden.h"

#include "common/report.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What may come while somebody types. */
static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE,
	SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU };

static volatile sig_atomic_t caught;

static void note(int number)
{
	caught = number;
}

/* Everything as it was before, while we wait. */
struct waiting {
	struct termios shown;
	struct sigaction actions[COUNT(numbers)];
	sigset_t mask;
};

/* The signals are held, but for the wait itself. One that is ignored, as
 * nohup(1) has it, stays so. */
static void take_signals(struct waiting *before)
{
	struct sigaction action = { .sa_handler = note };
	sigset_t held;
	size_t i;

	(void)sigfillset(&held);
	(void)sigprocmask(SIG_BLOCK, &held, &before->mask);
	(void)sigfillset(&action.sa_mask);
	for (i = 0; i < COUNT(numbers); i++) {
		(void)sigaction(numbers[i], NULL, &before->actions[i]);
		if (before->actions[i].sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &action, NULL);
	}
}

/* Here the one that was caught acts. */
static void give_signals_back(const struct waiting *before)
{
	size_t i;

	for (i = 0; i < COUNT(numbers); i++)
		(void)sigaction(numbers[i], &before->actions[i], NULL);
	if (caught != 0)
		(void)raise(caught);
	(void)sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

/* Ctrl-D hands over what is there of a line.
 * @return 1: there is something; 0: a signal came; -1: failed */
static int wait_for_input(int fd, const sigset_t *mask)
{
	sigset_t open = *mask;
	fd_set fds;
	size_t i;
	int rc;

	for (i = 0; i < COUNT(numbers); i++)
		(void)sigdelset(&open, numbers[i]);
	do {
		FD_ZERO(&fds);
		FD_SET(fd, &fds);
		rc = pselect(fd + 1, &fds, NULL, NULL, NULL, &open);
	} while (rc < 0 && errno == EINTR && caught == 0);
	return caught != 0 ? 0 : rc;
}

static int is_stop(int number)
{
	return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

static int is_in_front(int fd)
{
	pid_t front = tcgetpgrp(fd);

	/* A terminal that does not control us has no background. */
	return front < 0 || front == getpgrp();
}

/* In the background the echo is that of somebody else's shell. There a read
 * stops us (SIGTTIN), even of nothing, or fails if nobody could continue us. */
static int come_to_front(int fd)
{
	char nothing;

	return is_in_front(fd) ||
	       (read(fd, &nothing, 0) == 0 && is_in_front(fd));
}

/* @return TILLPOST_OK: the line is complete */
static int32_t read_line(int fd, const sigset_t *mask, tp_hidden_read_fn *take,
	void *ctx, struct tillpost_error *err)
{
	int32_t rc = 0;
	int anew = 1;
	int found;

	while (rc == 0 && (found = wait_for_input(fd, mask)) > 0) {
		rc = take(ctx, anew, err);
		anew = 0;
	}
	if (rc != 0)
		return rc < 0 ? rc : TILLPOST_OK;
	if (found < 0)
		return tp_report_set_errno(
			err, TILLPOST_EIO, "standard input", "cannot be read");
	return tp_report_set(err, TILLPOST_EIO, "standard input",
		"interrupted by signal %d", (int)caught);
}

/* Changing FD's echo does not stop us (SIGTTOU): that is held by then. */
static int32_t once(int fd, const char *prompt, tp_hidden_read_fn *take,
	void *ctx, struct tillpost_error *err)
{
	struct waiting before;
	struct termios hidden;
	int32_t rc;

	caught = 0;
	if (!come_to_front(fd))
		return tp_report_set(err, TILLPOST_EIO, "standard input",
			"is a terminal that others use in the foreground");
	if (tcgetattr(fd, &before.shown) != 0)
		return tp_report_set_errno(
			err, TILLPOST_EIO, "standard input", "terminal");
	hidden = before.shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	(void)fprintf(stderr, "%s: ", prompt);
	take_signals(&before);
	(void)tcsetattr(fd, TCSAFLUSH, &hidden);
	rc = read_line(fd, &before.mask, take, ctx, err);
	(void)tcsetattr(fd, TCSAFLUSH, &before.shown);
	(void)fputc('\n', stderr);
	give_signals_back(&before);
	return rc;
}

int32_t tp_hidden(int fd, const char *prompt, tp_hidden_read_fn *take,
	void *ctx, struct tillpost_error *err)
{
	int32_t rc;

	do
		rc = once(fd, prompt, take, ctx, err);
	while (rc < 0 && is_stop(caught));
	return rc;
}
