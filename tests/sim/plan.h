/* SPDX-License-Identifier: Apache-2.0 */
/* What one run of the simulator does: the cluster, the application's work and the faults, all drawn
 * from a seed, or made by a named scenario. A plan is plain data, so that a failing one can be
 * shrunk. */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/rng.h"

typedef enum sim_fault_kind {
    F_RESET_BROKER, /* a: broker */
    F_RESET_ONE,    /* a random connection */
    F_RESET_AFTER,  /* a: broker, b: 1 towards the client, c: bytes */
    F_BLACKHOLE,    /* a: broker, for */
    F_REFUSE,       /* a: broker, for */
    F_CHOP,         /* a: broker, b: bytes per read or write, for */
    F_SLOW,         /* a: broker, b: bytes per second, for */
    F_LATENCY,      /* a: broker, b: max ms, for */
    F_BROKER_DOWN,  /* a: broker, b: flags of kc_mock_broker_down, for */
    F_MOVE_LEADER,  /* a: partition, b: stale ms, c: flags */
    F_API_ERROR,    /* a: api, b: code, c: flags, n times */
    F_LOSE_ANSWER,  /* a: api, n times */
    F_DELAY,        /* a: api, b: ms, n times */
    F_HANG,         /* a: api, c: flags */
    F_CUT,          /* a: api, b: bytes, n times */
    F_SHORT,        /* a: api, b: bytes, n times */
    F_THROTTLE,     /* a: api, b: ms, n times */
    F_OUT_OF_SYNC,  /* a: partition: only the leader is in sync, for */
    F_WALL_JUMP,    /* b: seconds */
    F_DNS_FAIL,     /* for */
    F_TXN, /* a: partition, b: producer, c: commits, for: a transaction of somebody else's */
    F_NEW_ADDRESS,              /* a: broker, b: sim_address_change_kind */
    F_LIE,                      /* a: sim_lie, b: percent, for */
    F_DRAWN_COUNT,              /* those before are drawn for mixed faults, those after are not */
    F_RECREATE = F_DRAWN_COUNT, /* the topic is deleted; after `for` there is a new one */
    F_TRUNCATE,                 /* a: partition, b: records lost at most (unclean election) */
    F_POISON,                   /* a: partition, b: sim_poison_kind */
    F_AGE,                      /* a: broker, b: sim_age: an upgrade */
    F_MARKER, /* a: partition, b: 1 commit, 0 abort: of a transaction without records */
    F_KIND_COUNT
} sim_fault_kind;

typedef enum sim_address_change_kind {
    ADDRESS_NEW,    /* its name gets another address; the old host is gone */
    ADDRESS_SILENT, /* the same, and nobody says so to those who were connected */
    ADDRESS_NAME,   /* it gets another name and address */
    ADDRESS_SWAP,   /* it changes name and port with another broker */
    ADDRESS_KINDS
} sim_address_change_kind;

/* How old brokers are. */
typedef enum sim_age {
    AGE_NEW,
    AGE_2_0, /* no leader epochs, no topic ids, no flexible versions */
    AGE_2_3, /* leader epochs, but none of what was fetched last */
    AGE_2_7, /* no topic ids */
    AGE_KINDS
} sim_age;

typedef struct sim_fault {
    sim_fault_kind kind;
    int64_t at_us;  /* from the start */
    int64_t for_us; /* faults that end by themselves */
    int64_t a, b, c, n;
    int32_t broker; /* API faults: only there; 0: any */
} sim_fault;

/* What producers are promised; see docs/RELIABILITY.md. */
typedef enum sim_acks {
    ACKS_IDEMPOTENT, /* acks=all: once, in order */
    ACKS_ALL,        /* at least once */
    ACKS_LEADER,     /* acks=1 */
    ACKS_NONE        /* acks=0 */
} sim_acks;

enum { SIM_MAX_FAULTS = 64, SIM_MAX_SETTINGS = 24 };

typedef struct sim_setting {
    const char *name;
    int64_t value;
} sim_setting;

typedef struct sim_plan {
    uint64_t seed;
    const char *scenario; /* NULL: mixed faults */

    int brokers, partitions, replication, min_in_sync;
    int64_t replication_delay_us;
    const char *version; /* of the brokers */
    bool no_hints, no_sessions;
    bool errors_expected; /* calls may fail with any error, records may stay unread */
    int requests_per_s;   /* at most, of each broker during the work; 0: the usual bound */
    bool read_committed;
    bool all_delivered; /* no record may fail */
    int prompt_ms;      /* flush takes no longer; 0: than delivery.timeout.ms and a little */
    bool keeps_up;      /* consumers read to the end before faults are over */
    bool named;         /* brokers have names of their own */
    int window;         /* of connections, in bytes; 0: the usual */
    sim_age age;
    bool ages_differ; /* only every second broker is so old */

    int producers, consumers;
    int records;       /* per producer */
    int value_bytes;   /* at most */
    int64_t work_us;   /* the time over which they are sent */
    int poll_pause_ms; /* between polls of a slow application; 0: none; -1: it polls only at the end
                        */
    sim_acks acks;
    bool close_in_middle; /* of the work, producer and consumers */
    int seek_percent;     /* of the polls are followed by a seek or pause */
    bool trickles;        /* records go in one by one, evenly */
    bool silent;          /* when faults are over, nothing is done for a while but to listen */
    int last_words;       /* 1: one record, 2: one to each partition, 3: a burst; then silence */
    int bad_broker;       /* everything that goes wrong is this one's; 0: no such plan */
    int pace_ms;          /* what is not the bad broker's takes no longer; 0: as long as it likes */
    bool no_reset;        /* auto.offset.reset=none: cut logs are errors */
    int leave_ms;         /* after so long one of the producers or consumers leaves; 0: none */
    int back_ms;          /* after so long it comes back; 0: never */
    int flush_percent;    /* of the turns */
    int callback_percent; /* of the reports send another record */
    int purge_percent;    /* of the turns */
    int ask_percent;      /* of the turns ask for offsets, positions, partitions */
    int admin_percent;    /* of the turns create, change, delete or look at topics */
    int assign_percent;   /* of the polls are followed by a change of the assignment */
    int vague_percent;    /* of the seeks are to the end, a time or a distance from the end */
    int choice_percent;   /* of the records leave their partition to the client; half have a key */
    int many_percent;     /* of the bursts go in by one call */
    bool headers;         /* records have up to three */
    bool intercepts;      /* an interceptor adds them, and rejects some records */
    bool own_partitioner; /* the program's, which rejects some too */
    bool takes;           /* outcomes are taken, not called back */
    int max_message;      /* max.message.bytes; 0: the default. Larger batches are split */
    const char *partitioner; /* partitioner.class; NULL: the default */
    int wake_percent;        /* of the turns interrupt somebody */
    bool client_first;       /* the client is closed before producers and consumers */
    bool sasl;
    bool same_address; /* bootstrap.servers are written as the brokers' own addresses */
    int setting_count;
    sim_setting settings[SIM_MAX_SETTINGS]; /* more of the client's properties */

    /* properties of the client */
    int batch_size, linger_ms, buffer_memory, fetch_buffer, delivery_timeout_ms, request_timeout_ms;
    int max_poll_records, max_block_ms;
    int decompressed_max; /* 0: the default */
    const char *compression;
    int fail_alloc_at;     /* 0: never; else this allocation of the client fails */
    int64_t fail_alloc_us; /* and all after it for so long */

    int fault_count;
    sim_fault faults[SIM_MAX_FAULTS];
} sim_plan;

/* Draws a plan with mixed faults. */
void sim_plan_draw(sim_plan *plan, uint64_t seed);

/* plan_loads.c: other promises, limits and loads, by draws of their own, on top of mixed faults. */
void sim_plan_draw_loads(sim_plan *plan);

/* Adds a property, or changes it; not beyond SIM_MAX_SETTINGS. */
void sim_plan_set(sim_plan *plan, const char *name, int64_t value);

/* A plan that works and has no faults, to build scenarios on. */
void sim_plan_plain(sim_plan *plan, uint64_t seed);

sim_fault *sim_plan_add(sim_plan *plan, sim_fault_kind kind, int64_t at_us, int64_t for_us);

bool sim_plan_has(const sim_plan *plan, sim_fault_kind kind);

/* A property that is set by name, or that default. */
int64_t sim_plan_setting(const sim_plan *plan, const char *name, int64_t otherwise);

/* The plan's compression, or gzip in a build without that. */
const char *sim_plan_codec(const sim_plan *plan);

/* One readable line per fault, and one for the rest. */
void sim_plan_print(const sim_plan *plan, FILE *out);

#endif
