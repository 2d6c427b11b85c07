/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/scenarios.h"

#include <stdlib.h>
#include <string.h>

#include <kclient/mock.h>

#include "base/mem.h"
#include "sim/foreign.h"
#include "sim/lies.h"

#define S(n) ((int64_t)(n)*1000000)

enum { SENDERS = 4 };

typedef struct scenario {
    const char *name;
    const char *what;
    void (*make)(sim_plan *plan, sim_rng *r);
} scenario;

static void no_faults(sim_plan *p, sim_rng *r)
{
    (void)p, (void)r;
}

static void leader_moves(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 20; i++) {
        sim_fault *f = sim_plan_add(p, F_MOVE_LEADER, S(5) * i / 20, 0);
        f->a = sim_rng_range(r, 0, p->partitions - 1);
        f->b = sim_rng_range(r, 0, 1500);
        f->c = i % 2 ? KC_MOCK_NO_HINTS : 0;
    }
}

static void two_quick_moves(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 2; j++) {
            sim_fault *f =
                sim_plan_add(p, F_MOVE_LEADER, S(5) * i / 10 + j * sim_rng_range(r, 0, 3000), 0);
            f->a = i % p->partitions;
        }
}

static void answers_lost(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 15; i++) {
        sim_fault *f = sim_plan_add(p, F_LOSE_ANSWER, sim_rng_range(r, 0, S(5)), 0);
        f->a = KC_MOCK_API_PRODUCE;
        f->n = sim_rng_range(r, 1, 5);
    }
}

static void late_answers(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 8; i++) {
        sim_fault *f = sim_plan_add(p, F_DELAY, sim_rng_range(r, 0, S(5)), 0);
        f->a = KC_MOCK_API_PRODUCE;
        f->b = p->request_timeout_ms + sim_rng_range(r, -500, 3000);
    }
}

static void rolling_restart(sim_plan *p, sim_rng *r)
{
    p->min_in_sync = 2;
    p->replication_delay_us = sim_rng_range(r, 0, 5000);
    p->work_us = S(12);
    for (int b = 1; b <= p->brokers; b++) {
        sim_fault *f = sim_plan_add(p, F_BROKER_DOWN, S(4) * (b - 1) + S(1) / 2, S(2));
        f->a = b;
        f->b = KC_MOCK_LOSE_UNREPLICATED;
    }
}

static void all_down(sim_plan *p, sim_rng *r)
{
    p->delivery_timeout_ms = 6000;
    p->work_us = S(20);
    int64_t at = sim_rng_range(r, 0, S(3));
    for (int b = 1; b <= p->brokers; b++)
        sim_plan_add(p, F_BROKER_DOWN, at, S(15))->a = b;
}

static void cable_unplugged(sim_plan *p, sim_rng *r)
{
    p->delivery_timeout_ms = 6000;
    p->work_us = S(20);
    int64_t at = sim_rng_range(r, 0, S(3));
    for (int b = 1; b <= p->brokers; b++)
        sim_plan_add(p, F_BLACKHOLE, at, S(15))->a = b;
}

static void byte_at_a_time(sim_plan *p, sim_rng *r)
{
    (void)r;
    p->records = 60;
    for (int b = 1; b <= p->brokers; b++) {
        sim_fault *f = sim_plan_add(p, F_CHOP, 0, S(60));
        f->a = b;
        f->b = 1;
    }
}

static void resets(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 60; i++) {
        sim_fault *f =
            sim_plan_add(p, i % 2 ? F_RESET_AFTER : F_RESET_ONE, sim_rng_range(r, 0, S(5)), 0);
        f->a = sim_rng_range(r, 1, p->brokers);
        f->b = sim_rng_range(r, 0, 1);
        f->c = sim_rng_range(r, 0, 2000);
    }
}

static void not_enough_replicas(sim_plan *p, sim_rng *r)
{
    p->min_in_sync = 2;
    for (int i = 0; i < p->partitions; i++)
        sim_plan_add(p, F_OUT_OF_SYNC, sim_rng_range(r, 0, S(3)), S(2))->a = i;
}

static void throttled(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 10; i++) {
        sim_fault *f = sim_plan_add(p, F_THROTTLE, sim_rng_range(r, 0, S(5)), 0);
        f->a = i % 2;
        f->b = sim_rng_range(r, 100, 2000);
        f->n = 3;
    }
}

static void clock_jumps(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 10; i++)
        sim_plan_add(p, F_WALL_JUMP, sim_rng_range(r, 0, S(5)), 0)->b =
            sim_rng_range(r, -400000000, 400000000);
}

static void application_never_polls(sim_plan *p, sim_rng *r)
{
    (void)r;
    p->poll_pause_ms = -1;
    p->records = 2000;
    p->value_bytes = 500;
    p->fetch_buffer = 32 << 10;
}

static void names_do_not_resolve(sim_plan *p, sim_rng *r)
{
    sim_plan_add(p, F_DNS_FAIL, 0, sim_rng_range(r, S(1), S(4)));
    sim_plan_add(p, F_RESET_ONE, S(2), 0);
}

static void tiny_buffers(sim_plan *p, sim_rng *r)
{
    (void)r;
    p->buffer_memory = 16 << 10;
    p->fetch_buffer = 4 << 10;
    p->batch_size = 300;
    p->max_block_ms = 100;
    p->records = 1500;
}

/* Mixed faults, with weaker promises. */
static void at_least_once(sim_plan *p, sim_rng *r)
{
    (void)r;
    sim_plan_draw(p, p->seed);
    p->acks = ACKS_ALL;
}

static void leader_acks(sim_plan *p, sim_rng *r)
{
    (void)r;
    sim_plan_draw(p, p->seed);
    p->acks = ACKS_LEADER;
}

static void no_acks(sim_plan *p, sim_rng *r)
{
    (void)r;
    sim_plan_draw(p, p->seed);
    p->acks = ACKS_NONE;
}

static void close_in_the_middle(sim_plan *p, sim_rng *r)
{
    resets(p, r);
    p->close_in_middle = true;
}

/* --- from the history of other clients */

static sim_fault *api_fault(sim_plan *p, sim_rng *r, sim_fault_kind kind, int api, int64_t n)
{
    sim_fault *f = sim_plan_add(p, kind, sim_rng_range(r, 0, p->work_us), 0);
    f->a = api;
    f->n = n;
    return f;
}

static void outage(sim_plan *p, sim_fault_kind kind, int64_t at, int64_t length)
{
    for (int b = 1; b <= p->brokers; b++)
        sim_plan_add(p, kind, at, length)->a = b;
}

static void topic_vanishes(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 5; i++) {
        api_fault(p, r, F_API_ERROR, KC_MOCK_API_METADATA, 3)->b = KC_E_UNKNOWN_TOPIC_OR_PARTITION;
        sim_fault *f = sim_plan_add(p, F_MOVE_LEADER, sim_rng_range(r, 0, S(5)), 0);
        f->a = sim_rng_range(r, 0, p->partitions - 1);
        f->c = KC_MOCK_NO_HINTS;
    }
    sim_plan_add(p, F_BROKER_DOWN, S(2), S(1))->a = sim_rng_range(r, 1, p->brokers);
}

static void topic_created_again(sim_plan *p, sim_rng *r)
{
    p->delivery_timeout_ms = 8000;
    sim_plan_add(p, F_RECREATE, sim_rng_range(r, S(1), S(3)), sim_rng_range(r, 1000, S(1)));
}

static void log_truncated(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 4; i++) {
        sim_fault *f = sim_plan_add(p, F_TRUNCATE, sim_rng_range(r, S(1), S(5)), 0);
        f->a = sim_rng_range(r, 0, p->partitions - 1);
        f->b = sim_rng_range(r, 1, 20);
    }
}

static void markers(sim_plan *p, sim_rng *r)
{
    p->read_committed = sim_rng_chance(r, 70);
    for (int i = 0; i < 30; i++) {
        sim_fault *f = sim_plan_add(p, F_MARKER, sim_rng_range(r, 0, S(5)), 0);
        f->a = sim_rng_range(r, 0, p->partitions - 1);
        f->b = sim_rng_range(r, 0, 1);
    }
}

static void expires_in_flight(sim_plan *p, sim_rng *r)
{
    p->partitions = 4;
    p->records = 1500;
    p->buffer_memory = 48 << 10;
    p->delivery_timeout_ms = 5100;
    p->work_us = S(15);
    for (int i = 0; i < 12; i++)
        api_fault(p, r, i % 2 ? F_HANG : F_DELAY, KC_MOCK_API_PRODUCE, 2)->b = 5000;
}

/* As before, and more is sent than the network takes: a part of most requests is still in the
 * client's memory when their batches expire. */
static void expires_half_sent(sim_plan *p, sim_rng *r)
{
    expires_in_flight(p, r);
    p->window = (int)sim_rng_range(r, 200, 2000);
    for (int b = 1; b <= p->brokers; b++) {
        sim_fault *f = sim_plan_add(p, F_SLOW, 0, S(20));
        f->a = b;
        f->b = sim_rng_range(r, 300, 3000);
    }
}

static void moves_with_many_in_flight(sim_plan *p, sim_rng *r)
{
    p->batch_size = 200;
    p->linger_ms = 0;
    p->records = 1000;
    leader_moves(p, r);
    for (int i = 0; i < 8; i++)
        api_fault(p, r, F_LOSE_ANSWER, KC_MOCK_API_PRODUCE, 1);
}

static void possibly_persisted(sim_plan *p, sim_rng *r)
{
    static const int codes[] = { KC_E_REQUEST_TIMED_OUT, KC_E_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
                                 KC_E_NOT_LEADER_OR_FOLLOWER };
    p->batch_size = 300;
    for (int i = 0; i < 20; i++) {
        sim_fault *f = api_fault(p, r, F_API_ERROR, KC_MOCK_API_PRODUCE, 2);
        f->b = codes[i % 3];
        f->c = i % 4 ? KC_MOCK_FAULT_APPLIED : 0;
    }
}

static void given_up_after_write(sim_plan *p, sim_rng *r)
{
    possibly_persisted(p, r);
    p->delivery_timeout_ms = 6000;
    p->work_us = S(25);
    outage(p, F_BLACKHOLE, sim_rng_range(r, S(1), S(4)), S(9));
}

static void seeks_and_pauses(sim_plan *p, sim_rng *r)
{
    p->seek_percent = 40;
    p->max_poll_records = 7;
    p->records = 600;
    for (int i = 0; i < 10; i++)
        api_fault(p, r, i % 2 ? F_DELAY : F_API_ERROR, KC_MOCK_API_FETCH, 1)->b =
            i % 2 ? 300 : KC_E_NOT_LEADER_OR_FOLLOWER;
    leader_moves(p, r);
}

static void fetch_errors(sim_plan *p, sim_rng *r)
{
    static const int codes[] = { KC_E_UNKNOWN_LEADER_EPOCH, KC_E_FENCED_LEADER_EPOCH,
                                 KC_E_OFFSET_NOT_AVAILABLE, KC_E_KAFKA_STORAGE_ERROR,
                                 KC_E_UNKNOWN_TOPIC_ID,     KC_E_FETCH_SESSION_ID_NOT_FOUND };
    for (int i = 0; i < 30; i++) {
        sim_fault *f = api_fault(p, r, F_API_ERROR, KC_MOCK_API_FETCH, 1);
        f->b = codes[i % 6];
        f->c = i % 6 == 5 ? KC_MOCK_FAULT_TOP : 0;
    }
}

static void follower_out_of_range(sim_plan *p, sim_rng *r)
{
    p->partitions = 1; /* led by broker 1; consumers in rack c read from broker 3 */
    p->seed &= ~(uint64_t)1;
    for (int i = 0; i < 6; i++) {
        sim_fault *f = api_fault(p, r, F_API_ERROR, KC_MOCK_API_FETCH, 2);
        f->b = KC_E_OFFSET_OUT_OF_RANGE;
        f->broker = 3;
    }
}

static void one_broker_dead(sim_plan *p, sim_rng *r)
{
    sim_plan_add(p, F_BLACKHOLE, 0, S(20))->a = sim_rng_range(r, 1, p->brokers);
    p->work_us = S(10);
}

static void down_again_and_again(sim_plan *p, sim_rng *r)
{
    p->work_us = S(20);
    for (int i = 0; i < 5; i++)
        outage(p, i % 2 ? F_BROKER_DOWN : F_REFUSE, S(4) * i + sim_rng_range(r, 0, S(1)), S(2));
}

static void two_days(sim_plan *p, sim_rng *r)
{
    p->delivery_timeout_ms = 172800000;
    outage(p, F_BROKER_DOWN, sim_rng_range(r, 0, S(2)), S(30));
}

static void close_while_nothing_answers(sim_plan *p, sim_rng *r)
{
    p->close_in_middle = true;
    outage(p, sim_rng_chance(r, 50) ? F_BLACKHOLE : F_BROKER_DOWN, sim_rng_range(r, 0, S(2)),
           S(60));
}

static void many_partitions_slow_consumer(sim_plan *p, sim_rng *r)
{
    p->partitions = 40;
    p->records = 2000;
    p->value_bytes = 1000;
    p->fetch_buffer = 64 << 10;
    p->poll_pause_ms = (int)sim_rng_range(r, 100, 2000);
    p->compression = sim_rng_chance(r, 50) ? "lz4" : "gzip";
    p->consumers = 2;
}

static void no_leader(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 2; i++) {
        sim_fault *f = sim_plan_add(p, F_BROKER_DOWN, sim_rng_range(r, 0, S(3)), S(3));
        f->a = i + 1;
        f->b = KC_MOCK_NO_ELECTION;
    }
    api_fault(p, r, F_API_ERROR, KC_MOCK_API_METADATA, 4)->b = KC_E_LEADER_NOT_AVAILABLE;
}

/* --- from the history of other clients: metadata and addresses */

static void lie(sim_plan *p, sim_lie what, int64_t at, int64_t length, int percent)
{
    sim_fault *f = sim_plan_add(p, F_LIE, at, length);
    f->a = what;
    f->b = percent;
}

/* Leaders move all the time, and each record has to follow: no time to wait for better days. */
static void moves_that_count(sim_plan *p, sim_rng *r, int64_t flags)
{
    p->work_us = S(20);
    p->delivery_timeout_ms = 6100;
    p->all_delivered = true;
    for (int i = 0; i < 12; i++) {
        sim_fault *f = sim_plan_add(p, F_MOVE_LEADER, S(18) * i / 12, 0);
        f->a = i % p->partitions;
        f->c = flags | (sim_rng_chance(r, 50) ? KC_MOCK_NO_HINTS : 0);
    }
}

static void epochs_null(sim_plan *p, sim_rng *r)
{
    moves_that_count(p, r, 0);
    lie(p, LIE_NO_EPOCH, S(2), S(30), sim_rng_chance(r, 50) ? 100 : 50);
}

static void epochs_equal(sim_plan *p, sim_rng *r)
{
    moves_that_count(p, r, KC_MOCK_SAME_EPOCH);
}

static void partitions_vanish(sim_plan *p, sim_rng *r)
{
    p->partitions = (int)sim_rng_range(r, 1, 4);
    p->work_us = S(16);
    p->delivery_timeout_ms = 6000;
    p->flush_percent = 30;
    if (sim_rng_chance(r, 50)) /* a cluster without topic ids */
        p->age = AGE_2_7;
    lie(p, LIE_NO_ID, S(2), S(12), 100);
    lie(p, p->seed % 2 ? LIE_NONE : LIE_FEWER, S(2), S(12), 100);
    for (int i = 0; i < 4; i++) /* so that metadata are asked for */
        api_fault(p, r, F_API_ERROR, KC_MOCK_API_PRODUCE, 1)->b = KC_E_NOT_LEADER_OR_FOLLOWER;
}

/* One contradiction after the other: the seed says which one first. */
static void metadata_contradict(sim_plan *p, sim_rng *r)
{
    p->work_us = S(12);
    for (int i = 0; i < 4; i++)
        lie(p, (sim_lie)((p->seed + (uint64_t)i) % LIE_METADATA_COUNT), S(3) * i, S(3),
            (int)sim_rng_range(r, 30, 100));
    for (int i = 0; i < 12; i++)
        sim_plan_add(p, F_MOVE_LEADER, S(i), 0)->a = i % p->partitions;
}

static void new_addresses(sim_plan *p, sim_rng *r)
{
    p->named = true;
    p->work_us = S(20);
    for (int i = 0; i < 8; i++) {
        sim_fault *f = sim_plan_add(p, F_NEW_ADDRESS, S(18) * i / 8, 0);
        f->a = sim_rng_range(r, 1, p->brokers);
        f->b = sim_rng_range(r, ADDRESS_NEW, ADDRESS_NAME);
    }
}

static void addresses_swap(sim_plan *p, sim_rng *r)
{
    p->named = sim_rng_chance(r, 50);
    for (int i = 0; i < 5; i++) {
        sim_fault *f = sim_plan_add(p, F_NEW_ADDRESS, S(i), 0);
        f->a = sim_rng_range(r, 1, p->brokers);
        f->b = ADDRESS_SWAP;
    }
}

static void old_brokers(sim_plan *p, sim_rng *r)
{
    p->age = (sim_age)(1 + p->seed % (AGE_KINDS - 1));
    leader_moves(p, r);
    sim_plan_add(p, F_BROKER_DOWN, S(2), S(1))->a = sim_rng_range(r, 1, p->brokers);
}

static void mixed_brokers(sim_plan *p, sim_rng *r)
{
    old_brokers(p, r);
    p->ages_differ = true;
}

/* Closer replicas, some of them too old to be read from, and the leader is asked about them anew
 * more often than a fetch takes. */
static void short_leases(sim_plan *p, sim_rng *r)
{
    p->brokers = 4;
    p->partitions = 6;
    p->keeps_up = true;
    p->age = AGE_2_0;
    p->ages_differ = p->seed % 3 != 0;
    p->settings[0] = (sim_setting){ "metadata.max.age.ms", sim_rng_range(r, 100, 300) };
    p->settings[1] = (sim_setting){ "fetch.min.bytes", sim_rng_range(r, 1, 1000) };
    p->setting_count = 2;
}

static void rolling_upgrade(sim_plan *p, sim_rng *r)
{
    p->age = (sim_age)(1 + p->seed % (AGE_KINDS - 1));
    p->work_us = S(8);
    for (int b = 1; b <= p->brokers; b++) {
        sim_plan_add(p, F_BROKER_DOWN, S(2) * b, S(1))->a = b;
        sim_plan_add(p, F_AGE, S(2) * b + S(1) / 2, 0)->a = b;
    }
    leader_moves(p, r);
}

static void closest_replica_dead(sim_plan *p, sim_rng *r)
{
    p->partitions = 2; /* led by brokers 1 and 2; consumers in rack c are sent to broker 3 */
    p->seed &= ~(uint64_t)1;
    p->keeps_up = true;
    sim_plan_add(p, sim_rng_chance(r, 50) ? F_BLACKHOLE : F_REFUSE, S(1), S(90))->a = 3;
    sim_plan_add(p, F_RESET_BROKER, S(1), 0)->a = 3;
}

/* --- transactions of others, and what cannot be read */

static void transactions(sim_plan *p, sim_rng *r)
{
    p->read_committed = sim_rng_chance(r, 80);
    p->seek_percent = sim_rng_chance(r, 50) ? 10 : 0;
    for (int i = 0; i < 36; i++) {
        sim_fault *f = sim_plan_add(p, F_TXN, sim_rng_range(r, 0, S(4)), sim_rng_range(r, 1, S(1)));
        f->a = sim_rng_range(r, 0, p->partitions - 1);
        f->b = sim_rng_range(r, 0, 1);
        f->c = sim_rng_chance(r, 50);
    }
}

static void aborted_unsorted(sim_plan *p, sim_rng *r)
{
    p->partitions = 1;
    transactions(p, r);
    p->read_committed = true;
    p->poll_pause_ms = 500; /* so that answers hold several transactions */
    lie(p, LIE_UNSORTED, 0, S(60), 100);
}

static void transactions_in_trouble(sim_plan *p, sim_rng *r)
{
    transactions(p, r);
    p->replication_delay_us = sim_rng_range(r, 0, 20000);
    for (int b = 1; b <= p->brokers; b++) {
        sim_fault *f = sim_plan_add(p, F_BROKER_DOWN, S(b) + sim_rng_range(r, 0, S(1)), S(1) / 2);
        f->a = b;
        f->b = KC_MOCK_LOSE_UNREPLICATED;
    }
    for (int i = 0; i < 10; i++)
        sim_plan_add(p, F_MOVE_LEADER, sim_rng_range(r, 0, S(5)), 0)->a = i % p->partitions;
    for (int i = 0; i < 5; i++)
        sim_plan_add(p, F_RESET_ONE, sim_rng_range(r, 0, S(5)), 0);
}

static void damaged_batches(sim_plan *p, sim_rng *r)
{
    p->compression = sim_rng_chance(r, 50) ? "none" : "zstd";
    lie(p, LIE_DAMAGED, S(1) / 2, S(4), (int)sim_rng_range(r, 5, 60));
}

static void unreadable_batches(sim_plan *p, sim_rng *r)
{
    p->decompressed_max = 65536;
    p->work_us = S(20);
    p->records = 60;
    p->requests_per_s = 10;
    p->read_committed = sim_rng_chance(r, 50);
    for (int i = 0; i < 8; i++) {
        sim_fault *f = sim_plan_add(p, F_POISON, sim_rng_range(r, 0, S(18)), 0);
        f->a = sim_rng_range(r, 0, p->partitions - 1);
        f->b = sim_rng_range(r, 0, POISON_COUNT);
    }
}

/* --- programs */

static void reports_send(sim_plan *p, sim_rng *r)
{
    p->callback_percent = 60;
    p->buffer_memory = (int)sim_rng_range(r, 16, 256) << 10;
    p->batch_size = 200;
    resets(p, r);
}

static void many_senders(sim_plan *p, sim_rng *r)
{
    p->producers = SENDERS;
    p->partitions = 1;
    p->batch_size = 1;
    p->linger_ms = 0;
    p->flush_percent = 20;
    p->callback_percent = 20;
    for (int i = 0; i < 10; i++)
        api_fault(p, r, F_LOSE_ANSWER, KC_MOCK_API_PRODUCE, 2);
}

/* Every error that does not pass, of every API: the seed chooses. */
static void permanent_error(sim_plan *p, sim_rng *r)
{
    static const int apis[] = { KC_MOCK_API_PRODUCE,          KC_MOCK_API_FETCH,
                                KC_MOCK_API_LIST_OFFSETS,     KC_MOCK_API_METADATA,
                                KC_MOCK_API_INIT_PRODUCER_ID, KC_MOCK_API_API_VERSIONS };
    int codes[256], count = 0;
    kc_err code;
    const char *name, *text;
    for (size_t i = 0; kc_error_at(i, &code, &name, &text) && count < 256; i++)
        if (code >= -1 && code != KC_OK && !(kc_error_flags(code) & KC_ERROR_RETRIABLE))
            codes[count++] = code;
    uint64_t which = p->seed;
    sim_fault *f = sim_plan_add(p, F_API_ERROR, 0, 0);
    f->a = apis[which % 6];
    f->b = codes[which / 6 % (uint64_t)count];
    f->c = which / 6 / (uint64_t)count % 2 ? KC_MOCK_FAULT_TOP : 0;
    if (f->a == KC_MOCK_API_PRODUCE && f->b == KC_E_DUPLICATE_SEQUENCE_NUMBER)
        f->c |= KC_MOCK_FAULT_APPLIED; /* a broker that says this has the record */
    f->n = -1;
    p->records = (int)sim_rng_range(r, 10, 30);
    p->work_us = S(20);
    p->delivery_timeout_ms = 10000;
    p->errors_expected = true;
    p->requests_per_s = 10;
    p->poll_pause_ms = 200;
}

static const scenario scenarios[] = {
    { "no-faults", "nothing goes wrong", no_faults },
    { "leader-moves", "leaders move 20 times, with and without hints and stale metadata",
      leader_moves },
    { "two-quick-moves", "a leader moves twice within 3 ms (librdkafka #3575, #4616)",
      two_quick_moves },
    { "answers-lost", "Produce is carried out, its answer lost", answers_lost },
    { "late-answers", "Produce answers around and after request.timeout.ms", late_answers },
    { "rolling-restart", "each broker crashes once, unreplicated records are lost",
      rolling_restart },
    { "all-down", "all brokers are down for longer than delivery.timeout.ms", all_down },
    { "cable-unplugged", "nothing arrives, no error (librdkafka #4603)", cable_unplugged },
    { "byte-at-a-time", "each read and write moves one byte", byte_at_a_time },
    { "resets", "connections are reset at any byte", resets },
    { "not-enough-replicas", "only leaders are in sync, min.insync.replicas 2",
      not_enough_replicas },
    { "throttled", "brokers ask for pauses (KIP-219)", throttled },
    { "clock-jumps", "the wall clock jumps by years (librdkafka #2145)", clock_jumps },
    { "application-never-polls", "buffers stay within fetch.buffer.bytes (librdkafka #1384)",
      application_never_polls },
    { "names-do-not-resolve", "the DNS fails at the start", names_do_not_resolve },
    { "tiny-buffers", "buffer.memory and fetch.buffer.bytes are nearly nothing", tiny_buffers },
    { "topic-vanishes",
      "metadata lose a topic for a while and a broker restarts (librdkafka #3712, CL 1.9.0)",
      topic_vanishes },
    { "topic-created-again",
      "the topic is deleted and created with a new id (KIP-516; librdkafka #4103)",
      topic_created_again },
    { "log-truncated", "unclean elections cut the log (KIP-320; librdkafka 2.1.1, 2.3.0)",
      log_truncated },
    { "markers-without-records",
      "transactions that end with no record in the partition (librdkafka CL 1.7.0)", markers },
    { "expires-in-flight",
      "batches expire while they are sent, and memory is short (CVE-2026-35554, KAFKA-19012)",
      expires_in_flight },
    { "expires-half-sent", "the same while a part of each request is not sent yet (KAFKA-19012)",
      expires_half_sent },
    { "moves-with-many-in-flight",
      "leaders move while many small batches are in flight (librdkafka #4953)",
      moves_with_many_in_flight },
    { "possibly-persisted", "errors after the write (librdkafka #4438, #4736)",
      possibly_persisted },
    { "given-up-after-write",
      "written, not acknowledged, given up: its number is not used again (franz-go 1.20.7, #1217)",
      given_up_after_write },
    { "seeks-and-pauses",
      "seeks, pauses and resumes amid late answers (librdkafka CL 2.0.0, 2.1.1, #4636)",
      seeks_and_pauses },
    { "fetch-errors", "errors do not move the position (librdkafka #4844)", fetch_errors },
    { "follower-out-of-range",
      "a follower says OFFSET_OUT_OF_RANGE: the leader decides (librdkafka #4616, franz-go 1.18.1)",
      follower_out_of_range },
    { "one-broker-dead",
      "one broker never answers; nothing else waits for it (librdkafka CL 2.10.0)",
      one_broker_dead },
    { "down-again-and-again", "all brokers are down, five times (librdkafka #5088)",
      down_again_and_again },
    { "two-days", "timeouts beyond 36 hours do not wrap (librdkafka #3034)", two_days },
    { "close-while-nothing-answers",
      "close returns in time (librdkafka #3143, #3470, #3954, #4131)",
      close_while_nothing_answers },
    { "many-partitions-slow-consumer",
      "memory stays bounded (librdkafka #2076, #1384; KAFKA-20723)",
      many_partitions_slow_consumer },
    { "epochs-null", "leader epochs become null (CL 2.8.0): each partition moves", epochs_null },
    { "epochs-equal", "leaders move and their epochs stay (CL 2.8.0): each partition moves",
      epochs_equal },
    { "partitions-vanish",
      "metadata show fewer partitions, or none: flush is no success (librdkafka #4103)",
      partitions_vanish },
    { "metadata-contradict",
      "leaders that are no brokers, brokers and partitions twice, ... (librdkafka #4907)",
      metadata_contradict },
    { "new-addresses",
      "names get other addresses, brokers other names (librdkafka #2751, KAFKA-15817)",
      new_addresses },
    { "addresses-swap", "two brokers change their addresses (librdkafka #2751)", addresses_swap },
    { "old-brokers", "brokers without leader epochs, or without topic ids (CL 2.3.0)",
      old_brokers },
    { "mixed-brokers", "every second broker is older than the others (CL 2.3.0)", mixed_brokers },
    { "short-leases", "metadata.max.age.ms is less than a fetch takes (KIP-392)", short_leases },
    { "rolling-upgrade", "brokers become newer one by one", rolling_upgrade },
    { "closest-replica-dead", "the replica that the leader recommends cannot be reached (KIP-392)",
      closest_replica_dead },
    { "transactions", "of others, in all codecs: commits, aborts, seeks amid them (CL 1.5.3)",
      transactions },
    { "aborted-unsorted", "aborted transactions in no order, some twice (franz-go 1.21.4)",
      aborted_unsorted },
    { "transactions-in-trouble", "the same while brokers die and lose what was not replicated",
      transactions_in_trouble },
    { "damaged-batches", "bytes under the CRC are damaged on their way: no record is lost",
      damaged_batches },
    { "unreadable-batches",
      "bombs and rubbish in the log: told once, not fetched for ever (PR 3935, franz-go 1.18.1)",
      unreadable_batches },
    { "reports-send", "delivery reports send the next record", reports_send },
    { "many-senders", "four producers, a record per batch, lost answers (platformatic/kafka #326)",
      many_senders },
    { "no-leader", "partitions have no leader for a while", no_leader },
    { "permanent-error",
      "one error of one API for ever, chosen by the seed: no request storm (franz-go 1.18.1)",
      permanent_error },
    { "at-least-once", "mixed faults without idempotence: nothing acknowledged is lost",
      at_least_once },
    { "leader-acks", "mixed faults with acks=1: one outcome each, nothing that was not sent",
      leader_acks },
    { "no-acks", "the same with acks=0", no_acks },
    { "close-in-the-middle", "producers and consumers close amid resets", close_in_the_middle },
};

const char *sim_scenario_name(int index)
{
    return index < (int)KCI_COUNT_OF(scenarios) ? scenarios[index].name : NULL;
}

void sim_scenario_plan(sim_plan *plan, const char *name, uint64_t seed)
{
    for (size_t i = 0; i < KCI_COUNT_OF(scenarios); i++)
        if (strcmp(scenarios[i].name, name) == 0) {
            sim_rng r = { seed * 7919 + i };
            sim_plan_plain(plan, seed);
            scenarios[i].make(plan, &r);
            plan->scenario = scenarios[i].name;
            return;
        }
    fprintf(stderr, "no scenario '%s'; see --list\n", name);
    exit(2);
}

void sim_scenario_list(FILE *out)
{
    for (size_t i = 0; i < KCI_COUNT_OF(scenarios); i++)
        fprintf(out, "%-24s %s\n", scenarios[i].name, scenarios[i].what);
}
