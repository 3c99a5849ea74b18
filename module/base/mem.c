/*
 * mem.c - the one door to the allocator
 *
 * SPDX-License-Identifier: MIT
 */
#include "mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef TP_TEST_ALLOC
static _Thread_local unsigned long fail_at;
static _Thread_local unsigned long made;

unsigned long tp_mem_fail_at(unsigned long n)
{
	unsigned long count = made;

	fail_at = n;
	made = 0;
	return count;
}

static int must_fail(void)
{
	made++;
	return fail_at != 0 && made == fail_at;
}
#else
static int must_fail(void)
{
	return 0;
}
#endif

void *tp_alloc(size_t bytes)
{
	return tp_calloc(1, bytes);
}

void *tp_calloc(size_t count, size_t size)
{
	return must_fail() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *tp_realloc(void *ptr, size_t bytes)
{
	return must_fail() ? NULL : realloc(ptr, bytes ? bytes : 1);
}

void tp_free(void *ptr)
{
	free(ptr);
}

char *tp_strdup(const char *str)
{
	return str ? tp_strndup(str, strlen(str)) : NULL;
}

char *tp_strndup(const char *str, size_t len)
{
	char *copy = len < SIZE_MAX ? tp_alloc(len + 1) : NULL;

	if (copy)
		memcpy(copy, str, len);
	return copy;
}

void tp_wipe(void *ptr, size_t bytes)
{
	if (ptr && bytes > 0)
		explicit_bzero(ptr, bytes);
}
