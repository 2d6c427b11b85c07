/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>
#include <stdio.h>

#include "base/mem.h"

typedef struct start {
    void *(*fn)(void *);
    void *arg;
    char name[16]; /* what the kernel has room for */
} start;

static void *run(void *arg)
{
    start *s = arg;
    void *(*fn)(void *) = s->fn;
    void *fn_arg = s->arg;
#if defined(__linux__)
    pthread_setname_np(pthread_self(), s->name);
#endif
    kci_free(s);
    return fn(fn_arg);
}

/* The new thread inherits the signal mask of this moment. */
static int create_without_signals(pthread_t *thread, const pthread_attr_t *attr, start *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(thread, attr, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

kc_err kci_thread_start(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg)
{
    start *s = kci_alloc(sizeof *s);
    if (!s)
        return KC_E_NO_MEMORY;
    s->fn = fn;
    s->arg = arg;
    snprintf(s->name, sizeof s->name, "%s", name);

    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0) {
        kci_free(s);
        return KC_E_NO_MEMORY;
    }
    pthread_t started;
    if (!thread)
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int err = create_without_signals(thread ? thread : &started, &attr, s);
    pthread_attr_destroy(&attr);
    if (err != 0) {
        kci_free(s);
        return KC_E_NO_MEMORY;
    }
    return KC_OK;
}
