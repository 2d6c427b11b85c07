/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>

kc_err kci_thread_start(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return KC_E_NO_MEMORY;
    if (!thread)
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);

    /* The new thread inherits the mask of this moment. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t started;
    int failed = pthread_create(&started, &attr, fn, arg);
#if defined(__linux__)
    if (!failed && thread) /* a detached one may be gone already */
        pthread_setname_np(started, name);
#else
    (void)name;
#endif
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (failed)
        return KC_E_NO_MEMORY;
    if (thread)
        *thread = started;
    return KC_OK;
}
