/*
 * interrupt.c - ends another thread's wait for a socket
 *
 * SPDX-License-Identifier: MIT
 */
#include "interrupt.h"

#include <sys/socket.h>

void tp_interrupt_init(struct tp_interrupt *interrupt)
{
	/* On Linux this cannot fail with default attributes. */
	(void)pthread_mutex_init(&interrupt->lock, NULL);
	interrupt->fd = -1;
	interrupt->fired = 0;
}

void tp_interrupt_destroy(struct tp_interrupt *interrupt)
{
	(void)pthread_mutex_destroy(&interrupt->lock);
}

int tp_interrupt_watch(struct tp_interrupt *interrupt, int fd)
{
	int fired;

	if (!interrupt)
		return TP_OK;
	(void)pthread_mutex_lock(&interrupt->lock);
	fired = interrupt->fired;
	if (!fired)
		interrupt->fd = fd;
	(void)pthread_mutex_unlock(&interrupt->lock);
	return fired ? TP_ECLOSED : TP_OK;
}

void tp_interrupt_unwatch(struct tp_interrupt *interrupt)
{
	if (!interrupt)
		return;
	(void)pthread_mutex_lock(&interrupt->lock);
	interrupt->fd = -1;
	(void)pthread_mutex_unlock(&interrupt->lock);
}

void tp_interrupt_fire(struct tp_interrupt *interrupt)
{
	(void)pthread_mutex_lock(&interrupt->lock);
	/* Under the lock, so that the socket cannot be closed meanwhile. */
	if (!interrupt->fired && interrupt->fd >= 0)
		(void)shutdown(interrupt->fd, SHUT_RDWR);
	interrupt->fired = 1;
	(void)pthread_mutex_unlock(&interrupt->lock);
}

int tp_interrupt_fired(struct tp_interrupt *interrupt)
{
	int fired;

	if (!interrupt)
		return 0;
	(void)pthread_mutex_lock(&interrupt->lock);
	fired = interrupt->fired;
	(void)pthread_mutex_unlock(&interrupt->lock);
	return fired;
}
