/* SPDX-License-Identifier: Apache-2.0 */
/* Topics: making, growing, configuring and deleting them, with the checks of a controller. */
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "mock/cluster.h"

static bool name_is_valid(kc_bytes name)
{
    if (name.size == 0 || name.size > KCI_MOCK_NAME_MAX)
        return false;
    if ((name.size == 1 && name.data[0] == '.') ||
        (name.size == 2 && memcmp(name.data, "..", 2) == 0))
        return false;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t ch = name.data[i];
        bool ok = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        if (!ok && ch != '.' && ch != '_' && ch != '-')
            return false;
    }
    return true;
}

static void partition_free(kci_mock_partition *p)
{
    if (!p)
        return;
    while (kci_list_pop_front(&p->watches)) {
    }
    kci_mock_log_free(&p->log);
    kci_free(p->replicas);
    kci_free(p->in_sync);
    kci_free(p);
}

/* The first live replica; -1: none. */
static int32_t first_live(const kci_mock_cluster *c, const kci_mock_partition *p)
{
    for (int32_t i = 0; i < p->replica_count; i++) {
        if (kci_mock_broker_is_up(c, p->replicas[i]))
            return p->replicas[i];
    }
    return -1;
}

/* assigned NULL: the brokers from index on, in turn. */
static kci_mock_partition *partition_new(kci_mock_topic *topic, int32_t index, int32_t replication,
                                         const int32_t *assigned)
{
    kci_mock_cluster *c = topic->cluster;
    kci_mock_partition *p = kci_calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->topic = topic;
    p->index = index;
    kci_mock_log_init(&p->log, &c->store);
    kci_list_init(&p->watches);
    p->replica_count = replication;
    p->replicas = kci_calloc((size_t)replication, sizeof *p->replicas);
    p->in_sync = kci_calloc((size_t)replication, sizeof *p->in_sync);
    if (!p->replicas || !p->in_sync || kci_mock_log_begin_epoch(&p->log, 0) != KC_OK) {
        partition_free(p);
        return NULL;
    }
    for (int32_t i = 0; i < replication; i++) {
        p->replicas[i] = assigned ? assigned[i] : (index + i) % c->broker_count + 1;
        p->in_sync[i] = kci_mock_broker_is_up(c, p->replicas[i]);
    }
    p->leader = first_live(c, p);
    return p;
}

/* Partitions from the present count to `count`; nothing is changed when it fails. */
static kc_err add_partitions(kci_mock_topic *topic, int32_t count, int32_t replication,
                             const int32_t *const *assigned)
{
    int32_t old = topic->partition_count;
    kci_mock_partition **list =
        kci_realloc_array(topic->partitions, (size_t)count, sizeof(kci_mock_partition *));
    if (!list)
        return KC_E_NO_MEMORY;
    topic->partitions = list;
    for (int32_t i = old; i < count; i++) {
        list[i] = partition_new(topic, i, replication, assigned ? assigned[i - old] : NULL);
        if (list[i])
            continue;
        while (i > old)
            partition_free(list[--i]);
        return KC_E_NO_MEMORY;
    }
    topic->partition_count = count;
    topic->cluster->partition_total += count - old;
    return KC_OK;
}

static void config_free(kci_mock_config *config)
{
    kci_link_remove(&config->link);
    kci_free(config->name);
    kci_free(config->value);
    kci_free(config);
}

static void topic_free(kci_mock_topic *topic)
{
    for (int32_t i = 0; i < topic->partition_count; i++)
        partition_free(topic->partitions[i]);
    kci_free(topic->partitions);
    kci_link *link;
    while ((link = kci_list_first(&topic->configs)))
        config_free(KCI_CONTAINER_OF(link, kci_mock_config, link));
    kci_free((void *)(uintptr_t)topic->name.data);
    kci_free(topic);
}

static bool assignment_is_valid(const kci_mock_cluster *c, const int32_t *brokers, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        if (brokers[i] < 1 || brokers[i] > c->broker_count)
            return false;
        for (int32_t k = 0; k < i; k++) {
            if (brokers[k] == brokers[i])
                return false;
        }
    }
    return count > 0;
}

static kc_err refuse(kci_mock_new_topic *t, kc_err err, const char *why)
{
    t->why = why;
    return err;
}

static kc_err check_new(kci_mock_cluster *c, kci_mock_new_topic *t)
{
    if (!name_is_valid(t->name))
        return refuse(t, KC_E_INVALID_TOPIC_EXCEPTION,
                      "Topic names have 1 to 249 letters, digits, '.', '_' and '-'.");
    if (kci_mock_topic_get(c, t->name))
        return refuse(t, KC_E_TOPIC_ALREADY_EXISTS, "A topic of this name exists.");
    if (t->partitions == -1 || t->partitions == 0)
        t->partitions = c->default_partitions;
    if (t->partitions < 1 || t->partitions > KCI_MOCK_PARTITIONS_MAX - c->partition_total)
        return refuse(t, KC_E_INVALID_PARTITIONS, "The number of partitions is out of range.");
    if (t->replication == -1 || t->replication == 0)
        t->replication = c->default_replication;
    if (t->replication < 1 || t->replication > c->broker_count)
        return refuse(t, KC_E_INVALID_REPLICATION_FACTOR,
                      "The replication factor is below 1 or above the number of brokers.");
    for (int32_t i = 0; t->assigned && i < t->partitions; i++) {
        if (!assignment_is_valid(c, t->assigned[i], t->replication))
            return refuse(t, KC_E_INVALID_REPLICA_ASSIGNMENT,
                          "Replicas must be different brokers of the cluster.");
    }
    return KC_OK;
}

static kc_err topic_new(kci_mock_cluster *c, const kci_mock_new_topic *t, kci_mock_topic **out)
{
    kci_mock_topic *topic = kci_calloc(1, sizeof *topic);
    if (!topic)
        return KC_E_NO_MEMORY;
    topic->cluster = c;
    kci_list_init(&topic->configs);
    topic->max_message_bytes = 1048588;
    topic->min_in_sync = 1;
    topic->id = kci_mock_uuid(c);
    topic->name = kc_mem(kci_strndup(t->name.data, t->name.size), t->name.size);
    if (!topic->name.data ||
        add_partitions(topic, t->partitions, t->replication, t->assigned) != KC_OK) {
        topic_free(topic);
        return KC_E_NO_MEMORY;
    }
    *out = topic;
    return KC_OK;
}

kc_err kci_mock_topic_create(kci_mock_cluster *c, kci_mock_new_topic *t, kci_mock_topic **out)
{
    *out = NULL;
    t->why = NULL;
    kc_err err = check_new(c, t);
    if (err != KC_OK || t->validate_only)
        return err;
    kci_mock_topic *topic;
    err = topic_new(c, t, &topic);
    if (err != KC_OK)
        return err;
    err = kci_map_put(&c->topics, topic->name, topic, NULL);
    if (err == KC_OK) {
        err = kci_map_put(&c->topic_ids, kc_mem(topic->id.bytes, 16), topic, NULL);
        if (err != KC_OK)
            kci_map_remove(&c->topics, topic->name);
    }
    if (err != KC_OK) {
        c->partition_total -= topic->partition_count;
        topic_free(topic);
        return err;
    }
    *out = topic;
    return KC_OK;
}

void kci_mock_topic_delete(kci_mock_topic *topic)
{
    kci_mock_cluster *c = topic->cluster;
    for (int32_t i = 0; i < topic->partition_count; i++)
        kci_mock_partition_changed(topic->partitions[i], -1);
    kci_map_remove(&c->topics, topic->name);
    kci_map_remove(&c->topic_ids, kc_mem(topic->id.bytes, 16));
    kci_mock_offsets_forget(c, topic->name);
    c->partition_total -= topic->partition_count;
    topic_free(topic);
}

kc_err kci_mock_topic_grow(kci_mock_topic *topic, int32_t count, const int32_t *const *assigned)
{
    kci_mock_cluster *c = topic->cluster;
    int32_t more = count - topic->partition_count;
    if (count <= topic->partition_count || more > KCI_MOCK_PARTITIONS_MAX - c->partition_total)
        return KC_E_INVALID_PARTITIONS;
    int32_t replication = topic->partitions[0]->replica_count;
    for (int32_t i = 0; assigned && i < more; i++) {
        if (!assignment_is_valid(c, assigned[i], replication))
            return KC_E_INVALID_REPLICA_ASSIGNMENT;
    }
    return add_partitions(topic, count, replication, assigned);
}

/* A decimal int32 of at least `least`. */
static bool parse_int(kc_bytes value, int32_t least, int32_t *out)
{
    char text[16];
    if (value.size == 0 || value.size >= sizeof text)
        return false;
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || *end || v < least || v > INT32_MAX)
        return false;
    *out = (int32_t)v;
    return true;
}

static bool is(kc_bytes b, const char *s)
{
    return kci_bytes_equal(b, kc_str(s));
}

kc_err kci_mock_config_check(kc_bytes name, kc_bytes value)
{
    int32_t number;
    if (name.size == 0)
        return KC_E_INVALID_CONFIG;
    if (!value.data)
        return KC_OK;
    if (is(name, "max.message.bytes"))
        return parse_int(value, 0, &number) ? KC_OK : KC_E_INVALID_CONFIG;
    if (is(name, "min.insync.replicas"))
        return parse_int(value, 1, &number) ? KC_OK : KC_E_INVALID_CONFIG;
    if (is(name, "message.timestamp.type"))
        return is(value, "CreateTime") || is(value, "LogAppendTime") ? KC_OK : KC_E_INVALID_CONFIG;
    return KC_OK;
}

static void take_effect(kci_mock_topic *topic, kc_bytes name, kc_bytes value)
{
    if (is(name, "max.message.bytes")) {
        if (!value.data || !parse_int(value, 0, &topic->max_message_bytes))
            topic->max_message_bytes = 1048588;
    } else if (is(name, "min.insync.replicas")) {
        if (!value.data || !parse_int(value, 1, &topic->min_in_sync))
            topic->min_in_sync = 1;
    } else if (is(name, "message.timestamp.type")) {
        topic->log_append_time = is(value, "LogAppendTime");
    } else if (is(name, "cleanup.policy")) {
        topic->compact = value.data && memmem(value.data, value.size, "compact", 7) != NULL;
    }
}

static kci_mock_config *find_config(const kci_mock_topic *topic, kc_bytes name)
{
    kci_link *link = kci_list_first(&topic->configs);
    for (; link; link = kci_list_next(&topic->configs, link)) {
        kci_mock_config *config = KCI_CONTAINER_OF(link, kci_mock_config, link);
        if (is(name, config->name))
            return config;
    }
    return NULL;
}

kc_err kci_mock_topic_configure(kci_mock_topic *topic, kc_bytes name, kc_bytes value)
{
    kc_err err = kci_mock_config_check(name, value);
    if (err != KC_OK)
        return err;
    kci_mock_config *old = find_config(topic, name), *config = NULL;
    if (value.data) {
        config = kci_calloc(1, sizeof *config);
        if (!config)
            return KC_E_NO_MEMORY;
        config->name = kci_strndup(name.data, name.size);
        config->value = kci_strndup(value.data, value.size);
        if (!config->name || !config->value) {
            config_free(config);
            return KC_E_NO_MEMORY;
        }
        kci_list_push_back(&topic->configs, &config->link);
    }
    if (old)
        config_free(old);
    take_effect(topic, name, value);
    return KC_OK;
}
