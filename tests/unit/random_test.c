/*
 * random_test.c - queue ids: form, order, time
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void a_queue_id_tells_its_time(void **state)
{
	static const int64_t times_ms[] = { 0, 1, 31, 32,
		INT64_C(1795000000123), INT64_C(1) << 47,
		(INT64_C(1) << 48) - 1 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(times_ms); i++) {
		char id[TP_QUEUE_ID_BYTES];

		assert_int_equal(tp_queue_id(times_ms[i], id), 0);
		assert_true(tp_queue_id_valid(id));
		assert_true(tp_queue_id_ms(id) == times_ms[i]);
	}
}

static void queue_ids_sort_by_time(void **state)
{
	char before[TP_QUEUE_ID_BYTES] = "";
	int64_t epoch_ms;

	(void)state;
	for (epoch_ms = 1; epoch_ms < (INT64_C(1) << 48);
		epoch_ms = epoch_ms * 5 / 4 + 1) {
		char id[TP_QUEUE_ID_BYTES];

		assert_int_equal(tp_queue_id(epoch_ms, id), 0);
		assert_true(strcmp(before, id) < 0);
		memcpy(before, id, sizeof(before));
	}
}

static void what_is_no_queue_id_is_told_apart(void **state)
{
	static const char *const bad[] = { "", "01KAJ2V6Q0ABCDEFG",
		"01KAJ2V6Q0ABCDEFGHJ", "01kaj2v6q0abcdefgh",
		"01KAJ2V6Q0ABCDEFGI", "01KAJ2V6Q0ABCDEF/.",
		"01KAJ2V6Q0ABCDEF\n0" };
	size_t i;

	(void)state;
	assert_true(tp_queue_id_valid("01KAJ2V6Q0ABCDEFGH"));
	for (i = 0; i < COUNT(bad); i++)
		assert_false(tp_queue_id_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_id_tells_its_time),
		cmocka_unit_test(queue_ids_sort_by_time),
		cmocka_unit_test(what_is_no_queue_id_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
