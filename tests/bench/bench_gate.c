/* SPDX-License-Identifier: Apache-2.0 */
/* What entering and leaving costs: the gate for its owner, the gate without bias, and a mutex. */
#include <stdio.h>
#include <time.h>

#include "base/gate.h"

enum { ROUNDS = 20 * 1000 * 1000 };

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void report(const char *what, int64_t began)
{
    printf("%-28s %6.2f ns\n", what, (double)(now_ns() - began) / ROUNDS);
}

static void use_gate(kci_gate *g, const char *what)
{
    static volatile uint64_t counter;
    int64_t began = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        kci_gate_enter(g);
        counter++;
        kci_gate_leave(g);
    }
    report(what, began);
}

static void use_mutex(void)
{
    static volatile uint64_t counter;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int64_t began = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
    }
    report("pthread_mutex", began);
    pthread_mutex_destroy(&lock);
}

static void *sleep_for_long(void *arg)
{
    (void)arg;
    nanosleep(&(struct timespec){ .tv_sec = 600 }, NULL);
    return NULL;
}

static void try_it(kci_gate *g, int rounds)
{
    int64_t began = now_ns();
    for (int i = 0; i < rounds; i++)
        if (kci_gate_try_enter(g))
            kci_gate_leave(g);
    printf("%-28s %6.0f ns\n", "try_enter by the loop", (double)(now_ns() - began) / rounds);
}

int main(void)
{
    pthread_t thread; /* libc may take locks for granted in a process of one thread */
    if (pthread_create(&thread, NULL, sleep_for_long, NULL) != 0)
        return 1;
    kci_gate g;
    if (kci_gate_init(&g, NULL, NULL) != KC_OK)
        return 1;
    use_gate(&g, g.strong ? "gate, owner (no membarrier)" : "gate, owner");
    try_it(&g, 20000);
    g.strong = true;
    use_gate(&g, "gate, owner, strong");
    g.biased = false;
    atomic_store(&g.owner, 0);
    use_gate(&g, "gate without bias");
    kci_gate_destroy(&g);
    use_mutex();
    return 0;
}
