/* SPDX-License-Identifier: Apache-2.0 */
/* The library's only door to the heap. Every function may fail and says so by NULL; nothing aborts.
 * Tests fail the n-th allocation through kci_mem_fail_after(). Thread-safe. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Uninitialised memory; NULL for size 0 is never returned on success (0 counts as 1). */
void *kci_alloc(size_t size) __attribute__((malloc, warn_unused_result));

/* Zeroed memory for n elements; NULL also when n * size overflows. */
void *kci_calloc(size_t n, size_t size) __attribute__((malloc, warn_unused_result));

/* Like realloc: on NULL the old block is untouched and still the caller's. */
void *kci_realloc(void *p, size_t size) __attribute__((warn_unused_result));

/* Grows an array to hold n elements of `size` bytes; NULL when n * size overflows. */
void *kci_realloc_array(void *p, size_t n, size_t size) __attribute__((warn_unused_result));

/* NULL is fine. */
void kci_free(void *p);

/* A NUL-terminated copy of size bytes; NULL when out of memory. */
char *kci_strndup(const void *s, size_t size) __attribute__((warn_unused_result));

/* Test seam: the n-th allocation from now on (1 = the next) fails, and all after it too when
 * `sticky`. n <= 0 switches it off. */
void kci_mem_fail_after(int64_t n, bool sticky);

/* Test seam: between spare(true) and spare(false) allocations do not fail, nor count for the above:
 * those of what is not under test, on the same thread. */
void kci_mem_fail_spare(bool on);

/* Whether an allocation has failed since kci_mem_fail_after() was called with n > 0. */
bool kci_mem_has_failed(void);

/* How many allocations were asked for since the process began. For tests and benchmarks. */
uint64_t kci_mem_count(void);

/* How many allocations are not freed now. For leak checks of tests. */
int64_t kci_mem_live(void);

#define KCI_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define KCI_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
