/*
 * settler.c - stores the result of one message while the next one is prepared
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/settler.h"

#include "base/mem.h"

#include <string.h>

enum state { IDLE, BUSY, QUIT };

struct tp_settler {
	struct tp_engine *engine;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum state state;
	struct tp_settle settle; /* BUSY: the thread's */
	int begun;		 /* of the last one */
};

static void *settler_main(void *arg)
{
	struct tp_settler *settler = arg;

	(void)pthread_mutex_lock(&settler->lock);
	for (;;) {
		int begun;

		while (settler->state == IDLE)
			(void)pthread_cond_wait(
				&settler->changed, &settler->lock);
		if (settler->state == QUIT)
			break;
		(void)pthread_mutex_unlock(&settler->lock);
		begun = tp_engine_store(settler->engine, &settler->settle);
		tp_settle_free(&settler->settle);
		(void)pthread_mutex_lock(&settler->lock);
		settler->begun = begun;
		settler->state = IDLE;
		(void)pthread_cond_broadcast(&settler->changed);
	}
	(void)pthread_mutex_unlock(&settler->lock);
	return NULL;
}

struct tp_settler *tp_settler_new(struct tp_engine *engine)
{
	struct tp_settler *settler = tp_alloc(sizeof(*settler));

	if (!settler)
		return NULL;
	settler->engine = engine;
	(void)pthread_mutex_init(&settler->lock, NULL);
	(void)pthread_cond_init(&settler->changed, NULL);
	if (pthread_create(&settler->thread, NULL, settler_main, settler) !=
		0) {
		(void)pthread_mutex_destroy(&settler->lock);
		(void)pthread_cond_destroy(&settler->changed);
		tp_free(settler);
		return NULL;
	}
	return settler;
}

/* Lock held. */
static void wait_idle(struct tp_settler *settler)
{
	while (settler->state == BUSY)
		(void)pthread_cond_wait(&settler->changed, &settler->lock);
}

void tp_settler_destroy(struct tp_settler **settler)
{
	if (!*settler)
		return;
	(void)pthread_mutex_lock(&(*settler)->lock);
	wait_idle(*settler);
	(*settler)->state = QUIT;
	(void)pthread_cond_broadcast(&(*settler)->changed);
	(void)pthread_mutex_unlock(&(*settler)->lock);
	(void)pthread_join((*settler)->thread, NULL);
	(void)pthread_mutex_destroy(&(*settler)->lock);
	(void)pthread_cond_destroy(&(*settler)->changed);
	tp_free(*settler);
	*settler = NULL;
}

void tp_settler_give(struct tp_settler *settler, struct tp_settle *settle)
{
	(void)pthread_mutex_lock(&settler->lock);
	wait_idle(settler);
	tp_settle_move(&settler->settle, settle);
	settler->state = BUSY;
	(void)pthread_cond_broadcast(&settler->changed);
	(void)pthread_mutex_unlock(&settler->lock);
}

int tp_settler_wait(struct tp_settler *settler)
{
	int begun;

	(void)pthread_mutex_lock(&settler->lock);
	wait_idle(settler);
	begun = settler->begun;
	(void)pthread_mutex_unlock(&settler->lock);
	return begun;
}
