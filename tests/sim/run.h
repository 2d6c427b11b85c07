/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a plan: the world, the mock cluster in it, a client with producers and consumers, and
 * the history of what they did. Shared by run.c (set-up, healing, final checks), app.c (the
 * application's work) and faults.c. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <kclient/admin.h>
#include <kclient/consumer.h>
#include <kclient/mock.h>
#include <kclient/producer.h>

#include "sim/foreign.h"
#include "sim/history.h"
#include "sim/lies.h"
#include "sim/plan.h"
#include "sim/tap.h"
#include "sim/world.h"
#include "wire/arena.h"

enum {
    SIM_MAX_HANDLES = 4,
    SIM_MAX_PARTITIONS = 64,
    SIM_MAX_BROKERS = 8,
    SIM_VALUE_MAX = 8192,
    SIM_BASE_PORT = 9000
};
#define SIM_TOPIC "t"

/* A partition that an error has stopped, until the application seeks. */
typedef struct sim_stop {
    bool stopped;
    int tries; /* seeks to the same place */
    int64_t at, offset, next;
} sim_stop;

typedef struct sim_run {
    const sim_plan *plan;
    sim_world *world;
    history *history;
    sim_tap *tap;
    sim_rng rng; /* the application's choices */
    int64_t start;
    int ends_told;        /* events, errors of partitions included */
    bool left, came_back; /* the one that leaves before the others */
    bool closing;         /* the application closes what it has */
    bool healing;         /* faults are over: what still happens ends by itself */

    kci_loop *mock_loop;
    kc_mock *mock;
    kc_client *client;
    kc_producer *producers[SIM_MAX_HANDLES];
    kc_consumer *consumers[SIM_MAX_HANDLES];
    kc_admin *admin;                  /* NULL: there is none */
    bool wants_room[SIM_MAX_HANDLES]; /* a send was refused: it may tell when to try again */
    int sender[SIM_MAX_HANDLES];      /* who that producer is in the history; 0: its number */
    int unsent[SIM_MAX_HANDLES];      /* records still to be sent, per producer */
    int64_t next_poll[SIM_MAX_HANDLES];
    bool paused[SIM_MAX_HANDLES];
    bool removed[SIM_MAX_HANDLES][SIM_MAX_PARTITIONS]; /* not assigned at present */
    bool hidden[SIM_MAX_HANDLES][SIM_MAX_PARTITIONS];  /* not assigned, or paused */
    bool vague[SIM_MAX_HANDLES][SIM_MAX_PARTITIONS];   /* sought where nobody knows exactly */
    struct {
        int64_t offset;
        int32_t epoch;
    } kept[SIM_MAX_HANDLES][SIM_MAX_PARTITIONS]; /* a position as applications keep it */
    int64_t reported, intercepted;               /* outcomes */
    bool alloc_failed;
    int64_t memory_back_at;               /* 0: allocations do not fail for now */
    uint8_t value[SIM_VALUE_MAX];         /* of the record that is being sent */
    uint8_t foreign_value[SIM_VALUE_MAX]; /* of one that somebody else writes meanwhile */
    int32_t epochs[SIM_MAX_PARTITIONS];   /* the newest leader epochs that the client has shown */
    kc_uuid topic_id;                     /* of which topic */
    sim_stop stops[SIM_MAX_HANDLES][SIM_MAX_PARTITIONS];

    sim_txn txns[SIM_MAX_FAULTS]; /* by the fault's number */
    sim_poison poison[SIM_MAX_POISON];
    int poison_count;
    int lies[LIE_COUNT]; /* percent */
    sim_rng lie_rng;
    kci_arena lie_arena;
    int damaged;                             /* answers */
    int place[SIM_MAX_BROKERS + 1];          /* by broker: whose port and name it has now */
    int address[SIM_MAX_BROKERS + 1];        /* by name: how often it got another address */
    int rename[SIM_MAX_BROKERS + 1];         /* by name: how often it was another */
    int64_t sockets_before, connects_before; /* when memory was looked at before */
    int64_t memory_most;         /* of the client, beyond what its buffers account for */
    int64_t memory_most_percent; /* of what is allowed */
} sim_run;

typedef struct sim_result {
    int violations;
    history_class first; /* of the first one */
    char text[256];
    uint64_t digest;
    history_totals totals;
    int64_t virtual_us;
    int64_t requests;
    bool alloc_failed; /* plan.fail_alloc_at was reached */
    int64_t memory_most, memory_most_percent;
} sim_result;

/* Runs a plan to its end and checks it. trace: log to stderr. */
sim_result sim_run_plan(const sim_plan *plan, bool trace);

/* run.c: those that come back */
void sim_producer_open(sim_run *r, int p);
void sim_consumer_open(sim_run *r, int c);
void sim_admin_open(sim_run *r);

/* run.c: the topic, as the plan has it; how old a broker is */
kc_err sim_topic_create(sim_run *r);
void sim_cluster_age(sim_run *r, int broker, sim_age age);

/* app.c */
void sim_app_work(sim_run *r);    /* the plan's work, while faults happen */
void sim_app_keep_up(sim_run *r); /* before healing: consumers reach the end */
void sim_app_finish(sim_run *r);  /* after it: flush, and poll to the end */
void sim_app_close(sim_run *r);   /* closes and frees everything, in a random order */

/* app_send.c */
void sim_producer_options(sim_run *r, kc_producer_options *options);
uint64_t sim_record_id(const sim_run *r, const kc_record *record); /* 0: not ours, or damaged */
/* The value of a record: its id and least to most bytes that follow from it. */
kc_bytes sim_value_make(sim_run *r, uint64_t id, int least, int most, uint8_t out[SIM_VALUE_MAX]);

/* stops.c: errors that stop a partition. stopped: false: it is none. */
bool sim_stopped(sim_run *r, int c, const kc_records *records);
void sim_stops_resume(sim_run *r, int c); /* seeks where it is time */
void sim_stops_sought(sim_run *r, int c, int partition);
void sim_stops_got(sim_run *r, int c, int partition); /* records came */

/* held.c: what the producer has of its buffer.memory from the heap, in use or not */
int64_t sim_producer_held(const kc_producer *producer);

bool sim_producer_has_news(const kc_producer *producer); /* its descriptor is readable */

/* ends.c: a poll that told of the end of a partition, or of records that are its last */
void sim_end_told(sim_run *r, int c, const kc_records *records);
/* What consumers may read up to. */
int64_t sim_end_of(sim_run *r, int partition);

/* settle.c: nobody does anything any more but listen. */
void sim_settle_after_faults(sim_run *r);
void sim_last_words(sim_run *r);

/* pace.c: what has nothing to do with the one bad broker is not held up by it. */
void sim_pace_acked(sim_run *r, uint64_t id, int partition);
void sim_pace_polled(sim_run *r, int c, uint64_t id, int partition);

/* leave.c: a producer or consumer leaves while others go on, and may come back. */
void sim_leave_in_turn(sim_run *r);

/* bounds.c: what must hold at any time; called again and again */
void sim_bounds_check(sim_run *r);

/* addresses.c: brokers have names and addresses, which change */
void sim_addresses_open(sim_run *r);
void sim_address_change(sim_run *r, int broker, sim_address_change_kind how);

/* faults.c */
void sim_faults_schedule(sim_run *r);
void sim_faults_heal(sim_run *r);

/* Reads the cluster's logs into the history. */
void sim_logs_read(sim_run *r);

#endif
