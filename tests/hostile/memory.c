/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/memory.h"

#include <malloc.h>
#include <stddef.h>
#include <string.h>

enum { POISON_FREED = 0xdb }; /* as the simulator's */

static int64_t now, most, largest;

void *__real_kci_alloc(size_t size);
void *__real_kci_calloc(size_t n, size_t size);
void *__real_kci_realloc(void *p, size_t size);
void *__real_kci_realloc_array(void *p, size_t n, size_t size);
char *__real_kci_strndup(const void *s, size_t size);
void __real_kci_free(void *p);
void *__wrap_kci_alloc(size_t size);
void *__wrap_kci_calloc(size_t n, size_t size);
void *__wrap_kci_realloc(void *p, size_t size);
void *__wrap_kci_realloc_array(void *p, size_t n, size_t size);
char *__wrap_kci_strndup(const void *s, size_t size);
void __wrap_kci_free(void *p);

static int64_t size_of(void *p)
{
    return p ? (int64_t)malloc_usable_size(p) : 0;
}

/* before: bytes of what it replaces */
static void *count(void *p, int64_t before)
{
    if (!p)
        return NULL;
    int64_t size = size_of(p);
    now += size - before;
    most = now > most ? now : most;
    largest = size > largest ? size : largest;
    return p;
}

void *__wrap_kci_alloc(size_t size)
{
    return count(__real_kci_alloc(size), 0);
}

void *__wrap_kci_calloc(size_t n, size_t size)
{
    return count(__real_kci_calloc(n, size), 0);
}

void *__wrap_kci_realloc(void *p, size_t size)
{
    int64_t before = size_of(p);
    return count(__real_kci_realloc(p, size), before);
}

void *__wrap_kci_realloc_array(void *p, size_t n, size_t size)
{
    int64_t before = size_of(p);
    return count(__real_kci_realloc_array(p, n, size), before);
}

char *__wrap_kci_strndup(const void *s, size_t size)
{
    return count(__real_kci_strndup(s, size), 0);
}

void __wrap_kci_free(void *p)
{
    now -= size_of(p);
    if (p)
        memset(p, POISON_FREED, (size_t)size_of(p));
    __real_kci_free(p);
}

void host_memory_reset(void)
{
    most = now;
    largest = 0;
}

int64_t host_memory_most(void)
{
    return most;
}

int64_t host_memory_largest(void)
{
    return largest;
}
