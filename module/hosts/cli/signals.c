/*
 * signals.c - what must not be cut short
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/signals.h"

#include <pthread.h>

void tp_signals_ending(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGHUP);
	(void)sigaddset(set, SIGQUIT);
}

void tp_signals_hold(sigset_t *before)
{
	sigset_t set;

	tp_signals_ending(&set);
	(void)sigaddset(&set, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &set, before);
}

void tp_signals_release(const sigset_t *before)
{
	(void)pthread_sigmask(SIG_SETMASK, before, NULL);
}
