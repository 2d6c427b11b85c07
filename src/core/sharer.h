/* SPDX-License-Identifier: Apache-2.0 */
/* Those who ask one broker questions that may wait there. A broker serves a connection's requests
 * one by one, and a client has one connection per broker and class: each wait delays the others,
 * so they have to know of each other. Loop only, but for `active`. */
#ifndef CORE_SHARER_H
#define CORE_SHARER_H

#include <stdatomic.h>
#include <stdint.h>

#include <kclient/client.h>

#include "base/list.h"

typedef struct kci_sharer {
    kci_link link;      /* client->sharers */
    int32_t node;       /* constant */
    atomic_bool active; /* it has questions; any thread */
    int64_t brought_us; /* when an answer last brought something; 0: never */
} kci_sharer;

typedef struct kci_shared {
    int32_t others; /* active ones at the same broker */
    bool busy;      /* one of them got something since then */
} kci_shared;

void kci_sharer_add(kc_client *client, kci_sharer *sharer);
void kci_sharer_remove(kci_sharer *sharer);

kci_shared kci_sharer_look(kc_client *client, const kci_sharer *self, int64_t since_us);

#endif
