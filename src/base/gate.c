/* SPDX-License-Identifier: Apache-2.0 */
/* How it excludes. Being inside means either holding `lock`, or being the owner with `passes` odd.
 *
 * The owner writes `passes`, then reads `attention`. Another thread, with the lock, writes
 * `attention`, passes the barrier, then reads `passes`. So at least one of them sees the other: if
 * the other sees `passes` even, the owner will see `attention` and come to the lock; if it sees it
 * odd, the owner will see `attention` when it leaves, and tells. `attention` stays raised while
 * anyone waits for that.
 *
 * The barrier may be refused later although it was there at first: a program that locks itself up
 * (seccomp) after it made a client. Then the bias is given up: LOCKED is raised for good, so that
 * the owner takes the lock from its next pass on, and what it may have written before is waited
 * for by the clock, once.
 *
 * The hook: the loop's thread raises HOOK before it looks whether somebody is inside. Who leaves
 * looks for HOOK after giving up the gate, by an atomic read-modify-write: either it finds HOOK, or
 * its leaving comes before the loop's thread looks, which then gets in. */
#include "base/gate.h"

#include <time.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum {
    LOCKED = 1, /* somebody else is inside, or wants to */
    HOOK = 2    /* on_leave is to be called */
};

enum {
    QUIET = 64,      /* an owner that passed less often than this between two others is no owner */
    MAX_STRIKES = 32 /* so many times in a row drop the bias */
};

#if defined(__linux__) && defined(SYS_membarrier)

/* linux/membarrier.h, which systems without the kernel's headers do not have. */
enum { PRIVATE_EXPEDITED = 1 << 3, REGISTER_PRIVATE_EXPEDITED = 1 << 4 };

static bool membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

/* Every other running thread of the process has passed a full memory barrier when it returns true;
 * a thread that is not running passes one before it runs. False: this cannot be had. */
static bool barrier_for_all(void)
{
    if (membarrier(PRIVATE_EXPEDITED))
        return true;
    /* not registered yet: a new process, or the child of a fork */
    return membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED);
}

#else

static bool barrier_for_all(void)
{
    return false;
}

#endif

/* No processor keeps a write to itself for so long. */
static void outlast_store_buffers(void)
{
    struct timespec left = { .tv_nsec = 20000000 };

    while (nanosleep(&left, &left) != 0) {
    }
}

kc_err kci_gate_init(kci_gate *g, void (*on_leave)(void *arg), void *arg)
{
    pthread_mutexattr_t attr;
    if (pthread_mutexattr_init(&attr) != 0)
        return KC_E_NO_MEMORY;
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
    *g = (kci_gate){ .biased = true, .on_leave = on_leave, .arg = arg };
    g->strong = !barrier_for_all();
    int err = pthread_mutex_init(&g->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    if (err != 0)
        return KC_E_NO_MEMORY;
    if (pthread_cond_init(&g->left, NULL) != 0) {
        pthread_mutex_destroy(&g->lock);
        return KC_E_NO_MEMORY;
    }
    return KC_OK;
}

void kci_gate_destroy(kci_gate *g)
{
    pthread_cond_destroy(&g->left);
    pthread_mutex_destroy(&g->lock);
}

static bool owner_is_inside(kci_gate *g)
{
    return atomic_load(&g->passes) % 2 != 0;
}

/* Raises bits so that the owner sees them before its next step; the lock is held. */
static void raise_attention(kci_gate *g, uint32_t bits)
{
    uint32_t had = atomic_fetch_or(&g->attention, bits);
    if (g->strong || g->refused || (had & bits) == bits || barrier_for_all())
        return;
    g->refused = true;
    outlast_store_buffers();
}

/* Gives the owner its fast path back, unless somebody still waits; the lock is held. */
static void lower_attention(kci_gate *g)
{
    if (g->biased && !g->refused && g->waiting == 0)
        atomic_fetch_and(&g->attention, ~(uint32_t)LOCKED);
}

static void call_hook(kci_gate *g)
{
    if ((atomic_fetch_and(&g->attention, ~(uint32_t)HOOK) & HOOK) && g->on_leave)
        g->on_leave(g->arg);
}

/* Counts how worthwhile the bias is, and drops it if it is not, or cannot be kept; the lock is
 * held, the owner outside. */
static void judge_bias(kci_gate *g)
{
    uint64_t passes = atomic_load_explicit(&g->passes, memory_order_relaxed);
    g->strikes = passes - g->passes_seen < 2 * QUIET ? g->strikes + 1 : 0;
    g->passes_seen = passes;
    if (g->strikes < MAX_STRIKES && !g->refused)
        return;
    g->biased = false; /* LOCKED stays raised for ever: the old owner cannot pass it by */
    atomic_store_explicit(&g->owner, 0, memory_order_relaxed);
}

void kci_gate_enter_locked(kci_gate *g)
{
    pthread_mutex_lock(&g->lock);
    if (!g->biased)
        return;
    if (atomic_load_explicit(&g->owner, memory_order_relaxed) == 0) {
        atomic_store_explicit(&g->owner, kci_gate_self(), memory_order_relaxed);
        return;
    }
    raise_attention(g, LOCKED);
    g->waiting++;
    while (owner_is_inside(g))
        pthread_cond_wait(&g->left, &g->lock);
    g->waiting--;
    if (g->biased)
        judge_bias(g);
}

/* The owner was about to pass, but has seen that it must not. */
void kci_gate_enter_noticed(kci_gate *g, uint64_t passes)
{
    atomic_store(&g->passes, passes + 1);
    pthread_mutex_lock(&g->lock);
    if (g->waiting)
        pthread_cond_broadcast(&g->left); /* they may have taken it for being inside */
}

void kci_gate_leave_locked(kci_gate *g)
{
    lower_attention(g);
    pthread_mutex_unlock(&g->lock);
    call_hook(g);
}

/* The owner is out, and somebody waits for that. */
void kci_gate_leave_noticed(kci_gate *g)
{
    if (atomic_load(&g->attention) & LOCKED) {
        pthread_mutex_lock(&g->lock);
        if (g->waiting)
            pthread_cond_broadcast(&g->left);
        pthread_mutex_unlock(&g->lock);
    }
    call_hook(g);
}

bool kci_gate_try_enter(kci_gate *g)
{
    /* Raised by a refusal before, and nobody has called it yet: what was promised then is kept by
     * leaving it raised, for this thread to find when it leaves. */
    bool owed = atomic_load(&g->attention) & HOOK;
    if (pthread_mutex_trylock(&g->lock) != 0) {
        atomic_fetch_or(&g->attention, HOOK);
        if (pthread_mutex_trylock(&g->lock) != 0)
            return false; /* whoever holds it will find HOOK */
    }
    if (g->biased && atomic_load_explicit(&g->owner, memory_order_relaxed) != 0) {
        raise_attention(g, LOCKED | HOOK);
        if (owner_is_inside(g)) {
            lower_attention(g);
            pthread_mutex_unlock(&g->lock);
            return false;
        }
    }
    if (!owed)
        atomic_fetch_and(&g->attention, ~(uint32_t)HOOK);
    return true;
}
