/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/memory.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "mock/server.h"

/* What is freed, and what is not yet written, must not look like anything sensible: neither as a
 * flag, nor as a set of bits, nor as a pointer, whichever bit is looked at. */
enum { POISON_FREED = 0xdb, POISON_NEW = 0xa5 };

/* Before each block. */
typedef union head {
    struct {
        size_t size;
        sim_memory_owner owner;
    } is;
    max_align_t align;
} head;

static sim_memory_owner owner_now;
static int64_t held[SIM_MEMORY_OWNERS], peak[SIM_MEMORY_OWNERS];

void *__real_kci_alloc(size_t size);
void *__real_kci_realloc(void *p, size_t size);
void __real_kci_free(void *p);
void __real_kci_mem_fail_spare(bool on);
void __real_kci_mock_run(kc_mock *mock, void (*fn)(void *arg), void *arg);
void *__wrap_kci_alloc(size_t size);
void *__wrap_kci_calloc(size_t n, size_t size);
void *__wrap_kci_realloc(void *p, size_t size);
void *__wrap_kci_realloc_array(void *p, size_t n, size_t size);
char *__wrap_kci_strndup(const void *s, size_t size);
void __wrap_kci_free(void *p);
void __wrap_kci_mem_fail_spare(bool on);
void __wrap_kci_mock_run(kc_mock *mock, void (*fn)(void *arg), void *arg);

sim_memory_owner sim_memory_enter(sim_memory_owner owner)
{
    sim_memory_owner before = owner_now;
    owner_now = owner;
    return before;
}

void sim_memory_leave(sim_memory_owner before)
{
    owner_now = before;
}

int64_t sim_memory_held(sim_memory_owner owner)
{
    return held[owner];
}

int64_t sim_memory_peak(sim_memory_owner owner)
{
    int64_t most = peak[owner];
    peak[owner] = held[owner];
    return most;
}

static void add(sim_memory_owner owner, int64_t size)
{
    held[owner] += size;
    if (held[owner] > peak[owner])
        peak[owner] = held[owner];
}

static void *begin(head *h, size_t size, sim_memory_owner owner)
{
    if (!h)
        return NULL;
    h->is.size = size;
    h->is.owner = owner;
    add(owner, (int64_t)size);
    return h + 1;
}

void *__wrap_kci_alloc(size_t size)
{
    if (size > SIZE_MAX - sizeof(head))
        return NULL;
    void *p = begin(__real_kci_alloc(size + sizeof(head)), size, owner_now);
    return p ? memset(p, POISON_NEW, size) : NULL;
}

void *__wrap_kci_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *p = __wrap_kci_alloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *__wrap_kci_realloc(void *p, size_t size)
{
    if (!p)
        return __wrap_kci_alloc(size);
    if (size > SIZE_MAX - sizeof(head))
        return NULL;
    head *h = (head *)p - 1;
    size_t before = h->is.size;
    sim_memory_owner owner = h->is.owner;
    h = __real_kci_realloc(h, size + sizeof(head));
    if (!h)
        return NULL;
    held[owner] -= (int64_t)before;
    return begin(h, size, owner);
}

void *__wrap_kci_realloc_array(void *p, size_t n, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(n, size, &bytes) ? NULL : __wrap_kci_realloc(p, bytes);
}

char *__wrap_kci_strndup(const void *s, size_t size)
{
    char *copy = size == SIZE_MAX ? NULL : __wrap_kci_alloc(size + 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, s, size);
    copy[size] = '\0';
    return copy;
}

void __wrap_kci_free(void *p)
{
    if (!p)
        return;
    head *h = (head *)p - 1;
    held[h->is.owner] -= (int64_t)h->is.size;
    memset(p, POISON_FREED, h->is.size);
    __real_kci_free(h);
}

/* The steps of whoever's allocations do not fail: of the cluster. */
void __wrap_kci_mem_fail_spare(bool on)
{
    owner_now = on ? SIM_MEMORY_OTHER : SIM_MEMORY_CLIENT;
    __real_kci_mem_fail_spare(on);
}

void __wrap_kci_mock_run(kc_mock *mock, void (*fn)(void *arg), void *arg)
{
    sim_memory_owner before = sim_memory_enter(SIM_MEMORY_OTHER);
    __real_kci_mock_run(mock, fn, arg);
    sim_memory_leave(before);
}
