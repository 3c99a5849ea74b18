/*
 * mem.h - the one door to the allocator
 *
 * JOB     All memory of tillpost comes through here, so that a test can make
 *         allocation number n fail. In a build with TP_TEST_ALLOC,
 *         tp_mem_fail_at() chooses n.
 * LAYER   base; libc only.
 * THREADS safe. The fault counter of test builds is per thread.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_MEM_H
#define TP_BASE_MEM_H

#include <stddef.h>

/* As malloc, but zeroed. NULL if out of memory. free with tp_free(). */
void *tp_alloc(size_t bytes);
/* Zeroed array; NULL if out of memory or if count * size overflows. */
void *tp_calloc(size_t count, size_t size);
void *tp_realloc(void *ptr, size_t bytes);
void tp_free(void *ptr);
/* NULL for NULL. */
char *tp_strdup(const char *str);
char *tp_strndup(const char *str, size_t len);
/* Overwrites memory in a way that the compiler keeps. */
void tp_wipe(void *ptr, size_t bytes);

#ifdef TP_TEST_ALLOC
/* The Nth allocation of this thread from now on fails, N from 1; 0: never.
 * @return how many allocations were made since the last call */
unsigned long tp_mem_fail_at(unsigned long n);
#endif

#endif
