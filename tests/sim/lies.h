/* SPDX-License-Identifier: Apache-2.0 */
/* Brokers that contradict themselves: answers that are well-formed and wrong, or right and unusual,
 * while a fault of kind F_LIE lasts. */
#ifndef SIM_LIES_H
#define SIM_LIES_H

typedef enum sim_lie {
    /* Metadata */
    LIE_NO_EPOCH,         /* leader epochs are null, as after some migrations; hints too */
    LIE_LEADER_UNKNOWN,   /* the leader is not among the brokers */
    LIE_BROKER_TWICE,     /* a broker a second time, elsewhere */
    LIE_BROKER_ELSEWHERE, /* a broker where nobody listens */
    LIE_NO_BROKERS,       /* none at all, but leaders */
    LIE_PARTITION_TWICE,  /* a partition a second time, with another leader */
    LIE_PARTITION_FAR,    /* a partition number beyond all others */
    LIE_NO_REPLICAS,      /* a leader, but no replicas */
    LIE_TOPIC_TWICE,      /* the topic a second time, without partitions */
    LIE_ERROR_TOO,        /* a partition's error, and its leader */
    LIE_NO_ID,            /* the topic's id is missing */
    LIE_FEWER,            /* fewer partitions than there are */
    LIE_NONE,             /* the topic has no partition */
    LIE_METADATA_COUNT,
    /* Fetch */
    LIE_UNSORTED = LIE_METADATA_COUNT, /* aborted transactions in no order, some twice */
    LIE_DAMAGED,                       /* a byte of the records is another */
    LIE_COUNT
} sim_lie;

extern const char *const sim_lie_names[LIE_COUNT];

struct sim_run;

/* From now on each answer that can hold the lie does so with this probability; percent 0: no more.
 */
void sim_lie_set(struct sim_run *r, sim_lie lie, int percent);

/* Brokers are honest again. */
void sim_lies_end(struct sim_run *r);

/* Frees what it needed. */
void sim_lies_free(struct sim_run *r);

#endif
