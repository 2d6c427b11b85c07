/* SPDX-License-Identifier: Apache-2.0 */
/* A broker that partitions are fetched from: the session with it, the one Fetch that is in flight,
 * and when the next one may go out. Under the consumer's lock; fetch.c writes it, but for the
 * session (session.c) and what the memory is counted by (room.c). */
#ifndef CONSUMER_SOURCE_H
#define CONSUMER_SOURCE_H

#include "base/mem.h"
#include "consumer/session.h"
#include "core/call.h"

typedef struct kci_source {
    struct kc_consumer *consumer;
    int32_t id;
    kci_link link;
    kci_session session;

    /* The request. */
    kci_call call;
    bool in_flight;
    int64_t sent_us; /* loop time */
    int16_t version;
    size_t reserved; /* of the credit, for its answer */

    bool alone;         /* it names one partition, without a session */
    int32_t alone_left; /* so many partitions are to be asked for alone */

    uint32_t failures;
    int64_t retry_us; /* loop time before which nothing is sent */
    bool brought;     /* the last answer had records that could be used */
    uint32_t idle;    /* answers in a row that came at once and brought nothing */
    /* Loop time: it is not told our rack before, lest it sends us away again. */
    int64_t leads_until;
} kci_source;

/* Loop. The source of that broker, made if need be; NULL: no memory. */
kci_source *kci_source_get(struct kc_consumer *c, int32_t node);

/* Loop. Frees those that have nothing any more. */
void kci_sources_drop(struct kc_consumer *c);

/* It is not told our rack before that time. */
void kci_source_lead_until(kci_source *s, int64_t until_us);

/* The one a partition is fetched from; NULL: none. */
static inline kci_source *kci_source_of(const kci_fetching *f)
{
    return f->session ? KCI_CONTAINER_OF(f->session, kci_source, session) : NULL;
}

#endif
