/*
 * interrupt_test.c - ending another thread's wait for a socket
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/interrupt.h"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRE_MS 100
#define LONG_MS 20000

static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	assert_int_equal(close(pair[0]), 0);
	assert_int_equal(close(pair[1]), 0);
}

/* What one side writes, the other reads. */
static int is_open(const int pair[2])
{
	char byte = 'x';

	return send(pair[0], &byte, 1, MSG_NOSIGNAL) == 1 &&
	       recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1 &&
	       send(pair[1], &byte, 1, MSG_NOSIGNAL) == 1 &&
	       recv(pair[0], &byte, 1, MSG_DONTWAIT) == 1;
}

static void *fire_later(void *arg)
{
	struct timespec pause = { 0, FIRE_MS * 1000000L };

	(void)nanosleep(&pause, NULL);
	tp_interrupt_fire(arg);
	return NULL;
}

static void without_an_interrupt_nothing_happens(void **state)
{
	(void)state;
	assert_int_equal(tp_interrupt_watch(NULL, 0), TP_OK);
	tp_interrupt_unwatch(NULL);
	assert_int_equal(tp_interrupt_fired(NULL), 0);
}

static void firing_ends_a_wait_for_the_watched_socket(void **state)
{
	struct tp_interrupt interrupt;
	int64_t begun = tp_mono_ms();
	struct pollfd poller = { .events = POLLIN };
	pthread_t thread;
	char byte = 'x';
	int pair[2];

	(void)state;
	make_pair(pair);
	tp_interrupt_init(&interrupt);
	assert_int_equal(tp_interrupt_fired(&interrupt), 0);
	assert_int_equal(tp_interrupt_watch(&interrupt, pair[0]), TP_OK);
	assert_true(is_open(pair));
	assert_int_equal(
		pthread_create(&thread, NULL, fire_later, &interrupt), 0);
	poller.fd = pair[0];
	assert_int_equal(poll(&poller, 1, LONG_MS), 1);
	assert_true(tp_mono_ms() - begun >= FIRE_MS - 20);
	assert_true(tp_mono_ms() - begun < LONG_MS);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(tp_interrupt_fired(&interrupt), 1);
	assert_int_equal(recv(pair[0], &byte, 1, 0), 0);
	assert_int_equal(send(pair[0], &byte, 1, MSG_NOSIGNAL), -1);
	tp_interrupt_unwatch(&interrupt);
	close_pair(pair);
	tp_interrupt_destroy(&interrupt);
}

static void after_firing_no_socket_is_watched_and_none_is_touched(void **state)
{
	struct tp_interrupt interrupt;
	int i;

	(void)state;
	tp_interrupt_init(&interrupt);
	tp_interrupt_fire(&interrupt);
	for (i = 0; i < 2; i++) {
		int pair[2];

		make_pair(pair);
		assert_int_equal(
			tp_interrupt_watch(&interrupt, pair[0]), TP_ECLOSED);
		tp_interrupt_fire(&interrupt);
		assert_int_equal(tp_interrupt_fired(&interrupt), 1);
		assert_true(is_open(pair));
		tp_interrupt_unwatch(&interrupt);
		close_pair(pair);
	}
	tp_interrupt_destroy(&interrupt);
}

static void a_socket_that_is_no_longer_watched_stays_open(void **state)
{
	struct tp_interrupt interrupt;
	int before[2];
	int pair[2];

	(void)state;
	make_pair(before);
	make_pair(pair);
	tp_interrupt_init(&interrupt);
	assert_int_equal(tp_interrupt_watch(&interrupt, before[0]), TP_OK);
	assert_int_equal(tp_interrupt_watch(&interrupt, pair[0]), TP_OK);
	tp_interrupt_unwatch(&interrupt);
	tp_interrupt_unwatch(&interrupt);
	tp_interrupt_fire(&interrupt);
	assert_true(is_open(before));
	assert_true(is_open(pair));
	close_pair(before);
	close_pair(pair);
	tp_interrupt_destroy(&interrupt);
}

static void the_socket_watched_last_is_the_one_that_is_shut_down(void **state)
{
	struct tp_interrupt interrupt;
	int first[2];
	int last[2];

	(void)state;
	make_pair(first);
	make_pair(last);
	tp_interrupt_init(&interrupt);
	assert_int_equal(tp_interrupt_watch(&interrupt, first[0]), TP_OK);
	assert_int_equal(tp_interrupt_watch(&interrupt, last[0]), TP_OK);
	tp_interrupt_fire(&interrupt);
	assert_true(is_open(first));
	assert_false(is_open(last));
	close_pair(first);
	close_pair(last);
	tp_interrupt_destroy(&interrupt);
}

static void *fire_soon(void *arg)
{
	struct timespec pause = { 0, 200000 };

	(void)nanosleep(&pause, NULL);
	tp_interrupt_fire(arg);
	return NULL;
}

static void firing_never_meets_a_socket_that_was_closed(void **state)
{
	int round;

	(void)state;
	for (round = 0; round < 100; round++) {
		struct tp_interrupt interrupt;
		pthread_t threads[2];
		int rc = TP_OK;
		int i;

		tp_interrupt_init(&interrupt);
		for (i = 0; i < 2; i++)
			assert_int_equal(pthread_create(&threads[i], NULL,
						 fire_soon, &interrupt),
				0);
		/* The second pair gets the number that the first one had. */
		while (rc == TP_OK) {
			int watched[2];
			int other[2];

			make_pair(watched);
			rc = tp_interrupt_watch(&interrupt, watched[0]);
			tp_interrupt_unwatch(&interrupt);
			close_pair(watched);
			make_pair(other);
			assert_true(is_open(other));
			close_pair(other);
		}
		assert_int_equal(rc, TP_ECLOSED);
		for (i = 0; i < 2; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(tp_interrupt_fired(&interrupt), 1);
		tp_interrupt_destroy(&interrupt);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_interrupt_nothing_happens),
		cmocka_unit_test(firing_ends_a_wait_for_the_watched_socket),
		cmocka_unit_test(
			after_firing_no_socket_is_watched_and_none_is_touched),
		cmocka_unit_test(a_socket_that_is_no_longer_watched_stays_open),
		cmocka_unit_test(
			the_socket_watched_last_is_the_one_that_is_shut_down),
		cmocka_unit_test(firing_never_meets_a_socket_that_was_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
