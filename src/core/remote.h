/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of connections: a broker's address, and how long it is left alone after
 * failures. All connections of a broker share one: whoever is refused by one need not knock at the
 * others; each has a backoff of its own beside it. Written by remote.c and refusal.c. Thread: loop.
 */
#ifndef CORE_REMOTE_H
#define CORE_REMOTE_H

#include "core/network.h"

typedef struct kci_remote {
    int32_t id; /* the node's; below 0: not known which it is */
    uint16_t port;
    char *host;
    char *text;        /* for people: "broker 3 (host:9092)", "bootstrap server host:9092" */
    uint32_t failures; /* in a row */
    int64_t retry_us;  /* no attempt before */
    kci_log_limit complaints;
    /* refusal.c's */
    uint32_t refusals;   /* log-ins refused in a row */
    int64_t login_at_us; /* no log-in before; 0: none was refused */
    bool untrusted;      /* the last attempt ended by a certificate */
} kci_remote;

/* Names the address, also another one later, which has not failed yet. False: no memory, and it is
 * as it was. */
bool kci_remote_set_address(kci_remote *remote, kc_bytes host, uint16_t port);
bool kci_remote_has_address(const kci_remote *remote, kc_bytes host, int32_t port);

/* An attempt that began at began_us failed; an answer came. */
void kci_remote_failed(kci_remote *remote, const kci_network *network, int64_t began_us);
void kci_remote_works(kci_remote *remote);

/* It may be tried at once, whatever went wrong. */
void kci_remote_forgive(kci_remote *remote);

/* A complaint about it may be logged now; *withheld: how many were not since the last one. */
bool kci_remote_may_complain(kci_remote *remote, int64_t now_us, uint32_t *withheld);

/* Frees the strings. */
void kci_remote_clear(kci_remote *remote);

#endif
