/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a kc_producer: its parts and who may touch them.
 *
 *   app threads                          loop
 *   send.c -> accum.c (gate, append) --> sender.c (collect, order) -> request.c (Produce) -> broker
 *   delivery.c <- outcomes.c <---------- outcome.c <------ request_answer.c (its answer)
 *
 * Lifetime: core/resident.h. Each kc_deliveries holds a reference too. */
#ifndef PRODUCER_PRODUCER_H
#define PRODUCER_PRODUCER_H

#include <kclient/producer.h>

#include "base/backoff.h"
#include "core/resident.h"
#include "producer/accum.h"
#include "producer/outcomes.h"
#include "producer/partitioner.h"
#include "producer/sealer.h"
#include "producer/sender.h"

/* The properties, in the units that are used. Constant. */
typedef struct kci_producer_conf {
    int64_t linger_us;
    int64_t max_block_us;
    int64_t delivery_timeout_us;
    int64_t request_timeout_us;
    int64_t metadata_idle_us; /* a topic not used for so long is not asked for any more */
    int64_t buffer_memory;
    int64_t batch_limit; /* bytes of a batch at which it is full: batch.size or less */
    int64_t batch_size;
    int32_t max_request_size;
    int32_t max_in_flight;
    uint32_t retries;
    int16_t acks;
    bool idempotent;
    bool adaptive;
    int64_t availability_us; /* a broker that takes nothing for so long is left out; 0: never */
    kci_partitioner_kind partitioner;
    kci_codec codec;
    int level;
    kci_backoff backoff;
} kci_producer_conf;

struct kc_producer {
    kci_resident life;
    kc_client *client; /* life's */
    kci_sys *sys;
    kci_loop *loop;
    bool driven;
    kci_producer_conf conf;
    kc_partitioner partitioner; /* .partition NULL: built in */
    kc_producer_interceptor *interceptors;
    size_t interceptor_count;
    void (*on_delivery)(void *user, const kc_delivery *delivery);
    void *user;
    bool takes; /* KC_PRODUCER_TAKE */

    size_t bound_max; /* of kci_record_bound(): larger records are refused */
    bool sticks;      /* records without key go to the sticky partition */

    atomic_bool closed; /* kc_producer_close() has been called: later calls do nothing */

    kci_pool pool;
    kci_outcomes outcomes;
    kci_event *ready; /* behind kc_producer_fd() */
    /* A send was refused for want of room or metadata: tell by the fd when to try again. */
    atomic_bool retry_wanted;
    atomic_bool retry_told;

    kci_gauge gauge; /* of the pool */
    kci_sealer sealer;
    kci_accum accum;
    kci_sender sender;
};

static inline kc_producer *kci_producer_of(kci_resident *r)
{
    return KCI_CONTAINER_OF(r, kc_producer, life);
}

/* Application threads: the descriptor is to tell of room or metadata from now on; the caller tries
 * once more after this. */
void kci_producer_want_retry(kc_producer *p);

/* Any thread: room or metadata has come. */
void kci_producer_tell_room(kc_producer *p);

/* Application threads: a send begins, which is what that was told for. */
void kci_producer_hear_room(kc_producer *p);

/* Closes all open batches; closing: and takes no more records. Returns the id to await. */
int64_t kci_producer_close_open(kc_producer *p, bool closing);

/* Records without an outcome. */
int64_t kci_producer_undecided(kc_producer *p);

/* The time by which all that was sent until now has its outcome. */
int64_t kci_producer_longest_wait(const kc_producer *p);

/* Application's thread: takes over properties and options; detail says which one is wrong.
 * Interceptors are the producer's to free also on an error. */
kc_err kci_producer_read_settings(kc_producer *p, const kc_config *client,
                                  const kc_producer_options *options, kc_error *detail);

/* Interceptors, on application threads. on_send may change *record; how many have seen it is given
 * back for on_sent. */
kc_err kci_interceptors_on_send(kc_producer *p, kc_producer_record *record, size_t *seen,
                                kc_error *detail);
void kci_interceptors_on_sent(kc_producer *p, size_t seen, const kc_producer_record *record,
                              kc_err err);
void kci_interceptors_on_acknowledgement(kc_producer *p, const kc_delivery *delivery);
void kci_interceptors_close(kc_producer *p);

/* Waits of flush: until all up to `target` have outcomes, serving them meanwhile. */
kc_err kci_producer_await(kc_producer *p, int64_t target, int64_t deadline_us);

/* Runs callbacks for what there is; returns the number of records. */
size_t kci_producer_serve(kc_producer *p);

#endif
