/* SPDX-License-Identifier: Apache-2.0 */
/* A tap on the client's sockets: every request and answer, at the time at which the client wrote or
 * read it. What the client says of itself (outcomes, statistics) is checked against this, and so is
 * what it may only be seen to do here: pauses that brokers asked for, requests in flight, the sizes
 * of requests and batches. Allocates for itself and draws nothing, so that runs are the same with
 * and without it. */
#ifndef SIM_TAP_H
#define SIM_TAP_H

#include "record/compress.h"
#include "sim/world.h"
#include "wire/arena.h"

struct sim_run;

enum { SIM_TAP_APIS = 96, SIM_TAP_DUE = 64, SIM_TAP_HEAD = 12 };

/* A request that has no answer yet. */
typedef struct sim_due {
    int16_t api, version;
    int32_t correlation;
} sim_due;

/* One connection. */
typedef struct sim_flow {
    uint8_t head[SIM_TAP_HEAD]; /* of the request that is being written: length, key, ... */
    size_t out_got, out_size;
    int64_t out_began;
    sim_due now;  /* the same */
    uint8_t *out; /* all of it, of a Produce request */
    size_t out_cap;
    bool blocked; /* the socket did not take all that there was */
    bool lost;    /* nothing more can be said of it */
    sim_due due[SIM_TAP_DUE];
    int due_count;
    uint8_t *in; /* the answer that is being read, its length first */
    size_t in_got, in_cap;
    int64_t quiet_from, quiet_until; /* a broker asked for a pause */
    bool used;                       /* by a request that was not of set-up */
    int64_t answered_at;             /* last */
    int answers_now;                 /* at that instant */
} sim_flow;

typedef struct sim_tap {
    struct sim_run *run;
    sim_flow *flows[SIM_MAX_SOCKS]; /* by socket; NULL: none */
    int64_t begun, written;         /* requests of which a byte, or all, went out */
    int64_t of_api[SIM_TAP_APIS];   /* of those written */
    int64_t answers, fetch_bytes;
    int64_t bytes_out, bytes_in, writes, reads;
    int64_t opened;   /* connections */
    int64_t used;     /* of those that ended: by more than set-up */
    int64_t answered; /* of those that ended: once at least */
    int64_t unheard;  /* answers that came at the instant in which the connection ended */
    int64_t unproven; /* connections that may have ended with requests due or to be written */
    int64_t batches, repeated, batch_bytes;
    int64_t throttles, throttle_us;
    bool damaged; /* an answer was no answer */
    uint16_t *tries;
    size_t tries_cap; /* by record: requests with it that were written whole */
    kci_arena arena;
    kci_decompressor *decompressor;
} sim_tap;

void sim_tap_open(struct sim_run *r);
void sim_tap_close(struct sim_run *r);

/* How often a record was written to a socket, the whole request each time. */
int sim_tap_tries(const struct sim_run *r, uint64_t id);

/* tap_produce.c: a whole Produce request, its length first */
void sim_tap_produce(sim_tap *tap, const uint8_t *frame, size_t size);

/* counts.c: the client is closed: what its statistics say is what was seen. */
void sim_counts_check(struct sim_run *r);

#endif
