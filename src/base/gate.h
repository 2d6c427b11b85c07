/* SPDX-License-Identifier: Apache-2.0 */
/* A lock for a hot path that one thread uses nearly always (a biased lock). The first thread that
 * enters becomes the owner: it then enters and leaves by plain loads and stores, without an atomic
 * read-modify-write. Another thread pays for that: it raises `attention`, makes every running
 * thread of the process pass a memory barrier (membarrier(2)), and waits until the owner is out.
 * When others come often, the bias is dropped for good and the gate is an ordinary mutex.
 *
 * Like a mutex it orders memory: what was written inside is seen by whoever is inside later. It is
 * not recursive. */
#ifndef BASE_GATE_H
#define BASE_GATE_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <kclient/error.h>

typedef struct kci_gate {
    _Atomic(uintptr_t) owner; /* the thread with the bias; 0: none yet, or dropped */
    _Atomic(uint64_t) passes; /* written by the owner only; odd: it is inside, without the lock */
    _Atomic(uint32_t) attention; /* not 0: the owner must take the slow path */
    bool strong;                 /* no membarrier here: the owner orders its accesses by itself */

    /* the slow path */
    bool biased;          /* under lock */
    bool refused;         /* under lock: membarrier was there, and is not any more */
    int waiting;          /* under lock: threads that wait for the owner to get out */
    int strikes;          /* under lock: entries of others between which the owner hardly came */
    uint64_t passes_seen; /* under lock */
    void (*on_leave)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t left;
} kci_gate;

/* on_leave (may be NULL): see kci_gate_try_enter. KC_E_NO_MEMORY. */
kc_err kci_gate_init(kci_gate *g, void (*on_leave)(void *arg), void *arg);

/* Nobody may be inside or on the way. */
void kci_gate_destroy(kci_gate *g);

/* For one thread that must not wait, the loop's: true if it is inside now. If not, whoever is
 * inside calls on_leave(arg) after it has left, on its own thread and without the gate, so that the
 * work can be posted to the loop again, even if a later attempt gets in before that: each refusal
 * is followed by a call. It never becomes the owner. */
bool kci_gate_try_enter(kci_gate *g);

/* The slow halves of the functions below. */
void kci_gate_enter_noticed(kci_gate *g, uint64_t passes);
void kci_gate_enter_locked(kci_gate *g);
void kci_gate_leave_noticed(kci_gate *g);
void kci_gate_leave_locked(kci_gate *g);

/* A number that no other living thread has; never 0. */
static inline uintptr_t kci_gate_self(void)
{
#if defined(__has_builtin) && defined(__GNUC__)
#if __has_builtin(__builtin_thread_pointer)
    return (uintptr_t)__builtin_thread_pointer();
#else
    return (uintptr_t)pthread_self();
#endif
#else
    return (uintptr_t)pthread_self();
#endif
}

/* Any thread; waits while another is inside. */
static inline void kci_gate_enter(kci_gate *g)
{
    if (atomic_load_explicit(&g->owner, memory_order_relaxed) != kci_gate_self()) {
        kci_gate_enter_locked(g);
        return;
    }
    uint64_t passes = atomic_load_explicit(&g->passes, memory_order_acquire);
    assert(passes % 2 == 0 && "the gate is not recursive");
    uint32_t attention;
    if (g->strong) {
        atomic_store(&g->passes, passes + 1);
        attention = atomic_load(&g->attention);
    } else {
        atomic_store_explicit(&g->passes, passes + 1, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst); /* the order that membarrier makes real */
        attention = atomic_load_explicit(&g->attention, memory_order_acquire);
    }
    if (__builtin_expect(attention != 0, 0))
        kci_gate_enter_noticed(g, passes + 1);
}

static inline void kci_gate_leave(kci_gate *g)
{
    uint64_t passes = atomic_load_explicit(&g->passes, memory_order_relaxed);
    if (atomic_load_explicit(&g->owner, memory_order_relaxed) != kci_gate_self() ||
        passes % 2 == 0) {
        kci_gate_leave_locked(g);
        return;
    }
    uint32_t attention;
    if (g->strong) {
        atomic_store(&g->passes, passes + 1);
        attention = atomic_load(&g->attention);
    } else {
        atomic_store_explicit(&g->passes, passes + 1, memory_order_release);
        atomic_signal_fence(memory_order_seq_cst);
        attention = atomic_load_explicit(&g->attention, memory_order_relaxed);
    }
    if (__builtin_expect(attention != 0, 0))
        kci_gate_leave_noticed(g);
}

#endif
