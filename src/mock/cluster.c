/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster as a whole: its making, its brokers and its topics by name and id. */
#include "mock/cluster.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"

enum { DEFAULT_BROKERS = 3, DEFAULT_MEMORY = 1 << 30 };

kc_uuid kci_mock_uuid(kci_mock_cluster *c)
{
    kc_uuid id;
    do {
        uint64_t high = kci_random_next(&c->random), low = kci_random_next(&c->random);
        memcpy(id.bytes, &high, 8);
        memcpy(id.bytes + 8, &low, 8);
        id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40); /* version 4, as Kafka's */
        id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    } while (kci_mock_topic_by_id(c, &id));
    return id;
}

/* URL-safe base64 of 16 bytes, without padding: 22 characters, as Kafka prints ids. */
static void uuid_text(const kc_uuid *id, char out[23])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    int have = 0, n = 0;
    for (size_t i = 0; i < sizeof id->bytes; i++) {
        bits = bits << 8 | id->bytes[i];
        for (have += 8; have >= 6; have -= 6)
            out[n++] = digits[bits >> (have - 6) & 63];
    }
    out[n++] = digits[bits << (6 - have) & 63];
    out[n] = '\0';
}

/* The rack number `index` of "a,b,c", in turn; empty: none. */
static kc_err set_rack(kci_mock_broker *b, const char *racks, int32_t index)
{
    int32_t count = 1;
    for (const char *p = racks; *p; p++)
        count += *p == ',';
    const char *from = racks;
    for (int32_t i = index % count; i > 0; i--)
        from = strchr(from, ',') + 1;
    size_t size = strcspn(from, ",");
    if (size == 0)
        return KC_OK;
    b->rack = kci_strndup(from, size);
    return b->rack ? KC_OK : KC_E_NO_MEMORY;
}

static kc_err init_brokers(kci_mock_cluster *c, const char *racks)
{
    c->brokers = kci_calloc((size_t)c->broker_count, sizeof *c->brokers);
    if (!c->brokers)
        return KC_E_NO_MEMORY;
    kc_err err = KC_OK;
    for (int32_t i = 0; i < c->broker_count; i++) {
        kci_mock_broker *b = &c->brokers[i];
        b->cluster = c;
        b->id = i + 1;
        b->up = true;
        kci_mock_sessions_init(&b->sessions);
        if (err == KC_OK && racks)
            err = set_rack(b, racks, i);
    }
    return err;
}

static void init_options(kci_mock_cluster *c, const kc_mock_options *o)
{
    c->broker_count = o->brokers ? o->brokers : DEFAULT_BROKERS;
    c->default_partitions = o->default_partitions ? o->default_partitions : 1;
    c->default_replication = o->default_replication;
    if (c->default_replication == 0)
        c->default_replication = c->broker_count < 3 ? c->broker_count : 3;
    c->auto_create = !o->no_auto_create;
    c->follower_fetch = !o->no_follower_fetch;
    c->leader_hints = !o->no_leader_hints;
    c->fetch_sessions = !o->no_fetch_sessions;
    c->replication_delay_us = o->replication_delay_us;
    c->is_39 = o->version && strcmp(o->version, "3.9") == 0;
}

kc_err kci_mock_cluster_init(kci_mock_cluster *c, const kc_mock_options *options, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    kci_random_seed(&c->random, seed);
    init_options(c, options);
    uint64_t map_seed = kci_random_next(&c->random);
    kci_map_init(&c->topics, map_seed);
    kci_map_init(&c->topic_ids, map_seed + 1);
    kci_map_init(&c->groups, map_seed + 2);
    kci_map_init(&c->txn_ids, map_seed + 3);
    kci_list_init(&c->pending);
    kci_list_init(&c->ready);
    kci_mock_store_init(&c->store, options->memory_limit_bytes ? (size_t)options->memory_limit_bytes
                                                               : DEFAULT_MEMORY);
    kc_uuid id = kci_mock_uuid(c);
    uuid_text(&id, c->id);
    c->controller = 1;
    c->next_producer_id = 1000;
    c->groups_due_us = INT64_MAX;
    if (options->sasl_plain) {
        c->sasl_plain = kci_strndup(options->sasl_plain, strlen(options->sasl_plain));
        if (!c->sasl_plain)
            return KC_E_NO_MEMORY;
    }
    return init_brokers(c, options->racks);
}

static void free_txn_ids(kci_mock_cluster *c)
{
    uint32_t at = 0;
    void *value;
    while (kci_map_next(&c->txn_ids, &at, NULL, &value))
        kci_free(value);
    kci_map_free(&c->txn_ids);
}

void kci_mock_cluster_free(kci_mock_cluster *c)
{
    uint32_t at = 0;
    void *value;
    while (kci_map_next(&c->topics, &at, NULL, &value))
        kci_mock_topic_delete(value);
    kci_map_free(&c->topics);
    kci_map_free(&c->topic_ids);
    kci_mock_groups_free(c);
    free_txn_ids(c);
    for (int32_t i = 0; c->brokers && i < c->broker_count; i++) {
        kci_mock_sessions_free(&c->brokers[i].sessions);
        kci_free(c->brokers[i].rack);
    }
    kci_free(c->brokers);
    kci_free(c->sasl_plain);
}

kci_mock_broker *kci_mock_broker_get(kci_mock_cluster *c, int32_t id)
{
    return id >= 1 && id <= c->broker_count ? &c->brokers[id - 1] : NULL;
}

bool kci_mock_broker_is_up(const kci_mock_cluster *c, int32_t id)
{
    return id >= 1 && id <= c->broker_count && c->brokers[id - 1].up;
}

kci_mock_topic *kci_mock_topic_get(const kci_mock_cluster *c, kc_bytes name)
{
    return kci_map_get(&c->topics, name);
}

kci_mock_topic *kci_mock_topic_by_id(const kci_mock_cluster *c, const kc_uuid *id)
{
    return kci_map_get(&c->topic_ids, kc_mem(id->bytes, sizeof id->bytes));
}

kci_mock_partition *kci_mock_partition_of(const kci_mock_topic *topic, int32_t index)
{
    if (!topic || index < 0 || index >= topic->partition_count)
        return NULL;
    return topic->partitions[index];
}

void kci_mock_each_partition(kci_mock_cluster *c, void (*fn)(kci_mock_partition *p, void *arg),
                             void *arg)
{
    uint32_t at = 0;
    void *value;
    while (kci_map_next(&c->topics, &at, NULL, &value)) {
        kci_mock_topic *topic = value;
        for (int32_t i = 0; i < topic->partition_count; i++)
            fn(topic->partitions[i], arg);
    }
}
