/* SPDX-License-Identifier: Apache-2.0 */
/* How many partitions of which kind each rack's members take in a topic: as many with their leader
 * in the rack as possible, and with that as many with a replica there as possible.
 *
 * Partitions with the same leader's rack and the same replicas' racks are one class. A rack takes
 * `base` partitions (its members' equal shares), and `most_extra` more at most, one each for its
 * members, out of `pool` extra ones that all racks share (what is left when the partitions do not
 * divide evenly). That is a flow from classes to racks; it is raised along the ways that gain most
 * (successive shortest paths), so that for each number of local partitions the number of local
 * leaders is the greatest there is. */
#ifndef GROUP_ASSIGNORS_RACK_FLOW_H
#define GROUP_ASSIGNORS_RACK_FLOW_H

#include "group/plan.h"

typedef struct kci_flow_class {
    kci_racks racks;
    int32_t leader_rack; /* -1: not known */
    int32_t size, left;  /* its partitions, and those of them that are in no rack so far */
    int32_t *flow;       /* by place in racks.items: how many that rack takes */
} kci_flow_class;

typedef struct kci_flow_rack {
    int32_t base, most_extra; /* 0, 0: none of the topic's subscribers is there */
    int32_t used;
} kci_flow_rack;

typedef struct kci_flow {
    kci_flow_class *classes;
    int32_t class_count;
    kci_flow_rack *racks; /* by rack, then one that stands for the pool */
    int32_t rack_count;
    int32_t pool; /* extra ones that no rack has taken */
    /* The search's, by rack and pool. */
    int32_t *gain;  /* of the best way that needs one more place there; INT32_MIN: none */
    int32_t *from;  /* the rack that it came from; -1: it began here */
    int32_t *moved; /* the class that makes place, or that begins */
    int64_t local;  /* partitions in a rack of theirs */
} kci_flow;

/* Raises the flow as far as no local leader is lost by it; then on, while fewer than `least` are
 * local and more can be. */
void kci_flow_raise(kci_flow *f, int64_t least);

/* The greatest number of local partitions there is, whatever becomes of the leaders; empties the
 * flow afterwards. */
int64_t kci_flow_most_local(kci_flow *f);

#endif
