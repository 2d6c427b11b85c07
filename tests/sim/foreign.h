/* SPDX-License-Identifier: Apache-2.0 */
/* What others write into the logs: transactions of producers that are not ours, which commit, abort
 * or stay open for a while (F_TXN), and batches that cannot be read (F_POISON). */
#ifndef SIM_FOREIGN_H
#define SIM_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

enum { SIM_TXN_RECORDS = 64, SIM_MAX_POISON = 32 };

typedef enum sim_txn_state { TXN_NONE, TXN_OPEN, TXN_MARKED, TXN_DONE } sim_txn_state;

typedef struct sim_txn {
    sim_txn_state state;
    bool commit;
    int partition;
    int64_t producer_id;
    int64_t marker; /* MARKED: its offset; it counts once it is replicated */
    int count;
    uint64_t ids[SIM_TXN_RECORDS];
    int64_t offsets[SIM_TXN_RECORDS];
} sim_txn;

/* A batch that no consumer can read, at these offsets. */
typedef struct sim_poison {
    int partition;
    int64_t first, last;
} sim_poison;

typedef enum sim_poison_kind {
    POISON_BOMB,    /* inflates beyond fetch.decompressed.max.bytes */
    POISON_RUBBISH, /* its compressed records are damaged, under a right CRC */
    POISON_COUNT    /* it announces more records than it has */
} sim_poison_kind;

struct sim_run;
struct sim_fault;

/* The transaction of a fault, by the fault's number: its first batches; the rest and its end. */
void sim_txn_begin(struct sim_run *r, const struct sim_fault *f, int number);
void sim_txn_end(struct sim_run *r, int number);

/* Brokers lost what was not replicated: ends that are lost are written again, sooner or later. */
void sim_txns_after_loss(struct sim_run *r);

/* All transactions end. */
void sim_txns_finish(struct sim_run *r);

void sim_poison_write(struct sim_run *r, const struct sim_fault *f);

/* The one that holds this offset, or NULL. */
const sim_poison *sim_poison_at(const struct sim_run *r, int partition, int64_t offset);

#endif
