/* SPDX-License-Identifier: Apache-2.0 */
/* What the client knows of its cluster and when it asks: the newest snapshot, the topics in use,
 * and the one metadata request that may be under way. Asked for on demand (coalesced, with growing
 * pauses while it brings nothing new), for topics not asked for yet, and on age; never otherwise.
 *
 * Any thread reads the snapshot and the topics in use under the lock; all decisions are the loop's.
 */
#ifndef CORE_CLUSTER_H
#define CORE_CLUSTER_H

#include <pthread.h>

#include "base/log.h"
#include "base/map.h"
#include "core/call.h"
#include "core/merge.h"

typedef struct kci_cluster {
    kc_client *client;
    pthread_mutex_t lock;
    kci_metadata *current; /* under the lock; changed by the loop only */
    kci_map topics;        /* under the lock: name -> struct topic_use of cluster_topics.c */
    bool refresh;          /* under the lock: somebody asked for fresh metadata */
    bool refused;          /* under the lock: the problem lasts until somebody changes something */
    kc_error problem;      /* under the lock; code KC_OK: none */

    kci_task look;         /* posted: look whether to ask */
    kci_timer timer;       /* when to look again */
    kci_task publish;      /* deferred: pending becomes current */
    kci_metadata *pending; /* leader hints since the last snapshot; NULL: none */
    kci_call call;         /* the request under way, if busy */
    kci_metadata_request request;
    kci_arena arena; /* of the request */
    bool busy;
    bool partial;       /* the last request left topics out that must not be created */
    uint32_t fruitless; /* answers in a row without news; for the pause before the next */
    uint32_t failures;  /* requests in a row that failed */
    int64_t asked_us;   /* when the last request began */
    int64_t refresh_us; /* no request on demand before */
    int64_t hold_us;    /* no request at all before: the last one failed */
    int64_t recheck_us; /* when to ask again for topics that were refused; INT64_MAX: none was */
    int64_t missing_us; /* since when an answer has been missing; 0: none is */
    kci_log_limit complaints;
} kci_cluster;

kc_err kci_cluster_init(kci_cluster *cluster, kc_client *client);
void kci_cluster_free(kci_cluster *cluster);

/* No more requests. Loop. */
void kci_cluster_stop(kci_cluster *cluster);

/* Metadata was never had, or has been asked for and has not come. Loop. */
static inline bool kci_cluster_is_missing(const kci_cluster *cluster)
{
    return cluster->current->generation == 0 || cluster->missing_us != 0;
}

/* Why it is missing, for those who time out. Loop. */
void kci_cluster_set_problem(kci_cluster *cluster, kc_err err, const char *why);

/* The same of what no broker will change its mind about; tells everybody who waits. */
void kci_cluster_refuse(kci_cluster *cluster, kc_err err, const char *why);
void kci_cluster_accept(kci_cluster *cluster); /* a broker has: the problem is over */

/* -- cluster_topics.c: the topics in use; all under the lock -- */
typedef struct kci_topic_needs {
    bool any;     /* there are topics in use */
    bool unasked; /* some were never asked for */
} kci_topic_needs;

/* Also forgets topics that nobody has wanted for idle_us. */
kci_topic_needs kci_topics_look(kci_cluster *cluster, int64_t now_us, int64_t idle_us);

kci_topic_care kci_topics_care(const kci_cluster *cluster, kc_bytes name);

/* Fills cluster->request with the topics in use (all: every one; else those never asked for). Names
 * are copied to cluster->arena. */
kc_err kci_topics_request(kci_cluster *cluster, bool all);

/* The topics in cluster->request were answered: `next` is what is known now. Returns whether it
 * lacks one that is in use. */
bool kci_topics_asked(kci_cluster *cluster, const kci_metadata *next);

void kci_topics_free(kci_cluster *cluster);

/* -- cluster_log.c -- */

/* Logs what is new in a snapshot. */
void kci_cluster_log_news(const kci_cluster *cluster, const kci_metadata *old,
                          const kci_metadata *now);

/* -- cluster_known.c -- */

/* The brokers answer again. */
void kci_cluster_clear_problem(kci_cluster *cluster);

/* The present snapshot from now on. Consumes the reference of `next`. */
void kci_cluster_publish(kci_cluster *cluster, kci_metadata *next);

/* What hints have collected. */
void kci_cluster_publish_pending(kci_cluster *cluster);
void kci_cluster_on_publish(kci_task *task);

#endif
