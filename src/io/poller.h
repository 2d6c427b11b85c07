/* SPDX-License-Identifier: Apache-2.0 */
/* The two pollers of io/sys_posix.c, in the shape of kci_sys's poller functions. Each file has its
 * own struct kci_poller. */
#ifndef IO_POLLER_H
#define IO_POLLER_H

#include "io/sys.h"

/* A wait that failed with this errno: 0 for EINTR; else -errno after a short sleep, so that a
 * program that closed our descriptors does not get a spinning thread as well. */
int kci_wait_failed(int err);

#ifdef __linux__
kc_err kci_epoll_new(kci_sys *sys, kci_poller **out);
void kci_epoll_free(kci_poller *poller);
int kci_epoll_watch(kci_poller *poller, int sock, uint32_t events, void *ptr);
int kci_epoll_wait(kci_poller *poller, kci_ready *ready, int cap, int64_t timeout_us);
void kci_epoll_wake(kci_poller *poller);
int kci_epoll_fd(kci_poller *poller);
#endif

kc_err kci_poll_new(kci_sys *sys, kci_poller **out);
void kci_poll_free(kci_poller *poller);
int kci_poll_watch(kci_poller *poller, int sock, uint32_t events, void *ptr);
int kci_poll_wait(kci_poller *poller, kci_ready *ready, int cap, int64_t timeout_us);
void kci_poll_wake(kci_poller *poller);
int kci_poll_fd(kci_poller *poller);

#endif
