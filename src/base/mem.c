/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint_least64_t asked;
static atomic_int_least64_t live;
static atomic_int_least64_t fail_at; /* value of `asked` at which to fail; 0: never */
static atomic_bool fail_sticky;
static atomic_bool fail_spared;

void kci_mem_fail_after(int64_t n, bool sticky)
{
    atomic_store(&fail_sticky, sticky);
    atomic_store(&fail_at, n > 0 ? (int64_t)atomic_load(&asked) + n : 0);
}

void kci_mem_fail_spare(bool on)
{
    atomic_store(&fail_spared, on);
}

bool kci_mem_has_failed(void)
{
    int64_t at = atomic_load(&fail_at);
    return at != 0 && (int64_t)atomic_load(&asked) >= at;
}

uint64_t kci_mem_count(void)
{
    return atomic_load_explicit(&asked, memory_order_relaxed);
}

int64_t kci_mem_live(void)
{
    return atomic_load_explicit(&live, memory_order_relaxed);
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return p;
}

static bool must_fail(void)
{
    int64_t n = (int64_t)atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed) + 1;
    int64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    if (at == 0)
        return false;
    if (atomic_load_explicit(&fail_spared, memory_order_relaxed)) {
        if (n <= at)
            atomic_fetch_add(&fail_at, 1);
        return false;
    }
    return n == at || (n > at && atomic_load_explicit(&fail_sticky, memory_order_relaxed));
}

void *kci_alloc(size_t size)
{
    return must_fail() ? NULL : counted(malloc(size ? size : 1));
}

void *kci_calloc(size_t n, size_t size)
{
    if (must_fail())
        return NULL;
    return counted(n == 0 || size == 0 ? calloc(1, 1) : calloc(n, size));
}

void *kci_realloc(void *p, size_t size)
{
    if (must_fail())
        return NULL;
    void *moved = realloc(p, size ? size : 1);
    return p ? moved : counted(moved);
}

void *kci_realloc_array(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return kci_realloc(p, bytes);
}

void kci_free(void *p)
{
    if (p)
        atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    free(p);
}

char *kci_strndup(const void *s, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = kci_alloc(size + 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, s, size);
    copy[size] = '\0';
    return copy;
}
