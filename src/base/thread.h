/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a thread of the library: all signals are blocked in it, so that an application's
 * handlers run on the application's own threads. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include <kclient/error.h>

/* name: at most 15 bytes, shown by ps and debuggers. thread NULL: detached. KC_E_NO_MEMORY when the
 * system has no room for another thread. Any thread. */
kc_err kci_thread_start(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg);

#endif
