/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the application share: app.c (its phases), app_send.c, app_read.c, app_ask.c.
 */
#ifndef SIM_APP_H
#define SIM_APP_H

#include "sim/run.h"

/* A call that began then has returned: in time? */
void sim_check_call(sim_run *r, const char *what, int64_t begun, int64_t timeout_ms);

/* Errors that brokers in trouble explain. */
bool sim_explained(kc_err err);

/* An allocation failed: the application does something else for a while. */
void sim_wait_for_memory(sim_run *r);

static inline int sim_any_partition(sim_run *r)
{
    return (int)sim_rng_range(&r->rng, 0, r->plan->partitions - 1);
}

/* One that is there: the drawn one, or the next. At least one always is. */
static inline int sim_any_producer(sim_run *r)
{
    int p = (int)sim_rng_range(&r->rng, 0, r->plan->producers - 1);
    return r->producers[p] ? p : (p + 1) % r->plan->producers;
}

static inline int sim_any_consumer(sim_run *r)
{
    int c = (int)sim_rng_range(&r->rng, 0, r->plan->consumers - 1);
    return r->consumers[c] ? c : (c + 1) % r->plan->consumers;
}

static inline int sim_sender(const sim_run *r, int p)
{
    return r->sender[p] ? r->sender[p] : p;
}

/* -- app.c */
void sim_close_producer(sim_run *r, int p);
void sim_close_consumer(sim_run *r, int c);

/* -- app_send.c */
/* false: refused, there is no use in sending more now */
bool sim_send_to(sim_run *r, int p, int partition, uint64_t *sent);
void sim_produce_some(sim_run *r);
void sim_flush_in_turn(sim_run *r);
void sim_purge_in_turn(sim_run *r);
void sim_hear_producer(sim_run *r, int p);
void sim_hear_producers(sim_run *r); /* their outcomes */
void sim_flush_one(sim_run *r, int p);

/* -- app_read.c */
void sim_assign_all(sim_run *r, int c);
bool sim_consume_some(sim_run *r, int c, int32_t timeout_ms); /* true when records came */
void sim_poll_in_turn(sim_run *r);
void sim_read_on(sim_run *r, int c); /* everything that is not read is read from now on */
bool sim_at_end(sim_run *r, int c);

/* -- app_ask.c */
void sim_ask_in_turn(sim_run *r);

/* -- app_admin.c */
void sim_admin_in_turn(sim_run *r);

#endif
