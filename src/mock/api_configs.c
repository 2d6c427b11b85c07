/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeConfigs and IncrementalAlterConfigs, of topics and (read-only) brokers. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "mock/apis.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4 };
enum { SOURCE_TOPIC = 1, SOURCE_STATIC_BROKER = 4, SOURCE_DEFAULT = 5 };
enum { TYPE_STRING = 2, TYPE_INT = 3, TYPE_LONG = 5, TYPE_LIST = 7 };
enum { OP_SET = 0, OP_DELETE = 1, OP_APPEND = 2, OP_SUBTRACT = 3 };

typedef kci_describe_configs_response_describe_configs_resource_result out_config;
typedef kci_describe_configs_response_describe_configs_result out_resource;
typedef kci_describe_configs_request_describe_configs_resource in_resource;

/* What a topic has when nothing is set. */
static const struct {
    const char *name, *value;
    int8_t type;
} defaults[] = {
    { "cleanup.policy", "delete", TYPE_LIST },
    { "compression.type", "producer", TYPE_STRING },
    { "max.message.bytes", "1048588", TYPE_INT },
    { "message.timestamp.type", "CreateTime", TYPE_STRING },
    { "min.insync.replicas", "1", TYPE_INT },
    { "retention.bytes", "-1", TYPE_LONG },
    { "retention.ms", "604800000", TYPE_LONG },
    { "segment.bytes", "1073741824", TYPE_INT },
};

static bool is_asked(const in_resource *in, const char *name)
{
    if (in->configuration_keys.count < 0)
        return true;
    for (int32_t i = 0; i < in->configuration_keys.count; i++) {
        if (kci_bytes_equal(in->configuration_keys.data[i], kc_str(name)))
            return true;
    }
    return false;
}

static const kci_mock_config *set_config(const kci_mock_topic *topic, const char *name)
{
    kci_link *link = kci_list_first(&topic->configs);
    for (; link; link = kci_list_next(&topic->configs, link)) {
        const kci_mock_config *c = KCI_CONTAINER_OF(link, kci_mock_config, link);
        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

static int8_t type_of(const char *name)
{
    for (size_t i = 0; i < KCI_COUNT_OF(defaults); i++) {
        if (strcmp(defaults[i].name, name) == 0)
            return defaults[i].type;
    }
    return TYPE_STRING;
}

static void put(out_resource *out, const char *name, const char *value, int8_t source, int8_t type)
{
    out->configs.data[out->configs.count++] =
        (out_config){ .name = kc_str(name),
                      .value = kc_str(value),
                      .read_only = source == SOURCE_STATIC_BROKER,
                      .config_source = source,
                      .config_type = type,
                      .documentation = kc_mem(NULL, 0) };
}

static kc_err describe_topic(kci_mock_request *r, const in_resource *in, out_resource *out)
{
    const kci_mock_topic *topic = kci_mock_topic_get(r->cluster, in->resource_name);
    if (!topic)
        return KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    size_t n = KCI_COUNT_OF(defaults);
    kci_link *link = kci_list_first(&topic->configs);
    for (; link; link = kci_list_next(&topic->configs, link))
        n++;
    out->configs.data = kci_mock_take(r, n, sizeof *out->configs.data);
    if (!out->configs.data)
        return KC_E_NO_MEMORY;
    for (size_t i = 0; i < KCI_COUNT_OF(defaults); i++) {
        if (is_asked(in, defaults[i].name) && !set_config(topic, defaults[i].name))
            put(out, defaults[i].name, defaults[i].value, SOURCE_DEFAULT, defaults[i].type);
    }
    link = kci_list_first(&topic->configs);
    for (; link; link = kci_list_next(&topic->configs, link)) {
        const kci_mock_config *c = KCI_CONTAINER_OF(link, kci_mock_config, link);
        if (is_asked(in, c->name))
            put(out, c->name, c->value, SOURCE_TOPIC, type_of(c->name));
    }
    return KC_OK;
}

static kci_mock_broker *broker_named(kci_mock_cluster *c, kc_bytes name)
{
    char text[12];
    if (name.size == 0 || name.size >= sizeof text)
        return NULL;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    char *end;
    long id = strtol(text, &end, 10);
    return *end || id < 1 || id > c->broker_count ? NULL : kci_mock_broker_get(c, (int32_t)id);
}

static kc_err describe_broker(kci_mock_request *r, const in_resource *in, out_resource *out)
{
    const kci_mock_broker *b = broker_named(r->cluster, in->resource_name);
    if (!b)
        return KC_E_INVALID_REQUEST;
    enum { COUNT = 4, ROOM = 24 };
    char *text = kci_mock_take(r, COUNT, ROOM);
    out->configs.data = kci_mock_take(r, COUNT, sizeof *out->configs.data);
    if (!text || !out->configs.data)
        return KC_E_NO_MEMORY;
    const struct {
        const char *name;
        int32_t value;
    } numbers[] = { { "broker.id", b->id },
                    { "num.partitions", r->cluster->default_partitions },
                    { "default.replication.factor", r->cluster->default_replication } };
    for (size_t i = 0; i < KCI_COUNT_OF(numbers); i++, text += ROOM) {
        snprintf(text, ROOM, "%d", numbers[i].value);
        if (is_asked(in, numbers[i].name))
            put(out, numbers[i].name, text, SOURCE_STATIC_BROKER, TYPE_INT);
    }
    if (is_asked(in, "broker.rack"))
        put(out, "broker.rack", b->rack, SOURCE_STATIC_BROKER, TYPE_STRING);
    return KC_OK;
}

kci_mock_outcome kci_mock_serve_describe_configs(kci_mock_request *r)
{
    const kci_describe_configs_request *in = r->body;
    kci_describe_configs_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->results.data = kci_mock_take(r, (size_t)in->resources.count, sizeof *out->results.data);
    if (!out->results.data)
        return KCI_MOCK_CLOSE;
    out->results.count = in->resources.count;
    for (int32_t i = 0; i < in->resources.count; i++) {
        const in_resource *it = &in->resources.data[i];
        out_resource *o = &out->results.data[i];
        o->resource_type = it->resource_type;
        o->resource_name = it->resource_name;
        kc_err err = kci_mock_forced_error(r, it->resource_name, -1, NULL);
        if (err == KC_OK && it->resource_type == RESOURCE_TOPIC)
            err = describe_topic(r, it, o);
        else if (err == KC_OK && it->resource_type == RESOURCE_BROKER)
            err = describe_broker(r, it, o);
        else if (err == KC_OK)
            err = KC_E_INVALID_REQUEST;
        if (err == KC_E_NO_MEMORY)
            return KCI_MOCK_CLOSE;
        o->error_code = (int16_t)err;
    }
    return KCI_MOCK_ANSWER;
}

typedef kci_incremental_alter_configs_request_alter_configs_resource alter_resource;

static kc_err alter(kci_mock_request *r, const alter_resource *in, bool apply)
{
    if (in->resource_type != RESOURCE_TOPIC)
        return KC_E_INVALID_REQUEST;
    kci_mock_topic *topic = kci_mock_topic_get(r->cluster, in->resource_name);
    if (!topic)
        return KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    for (int32_t i = 0; i < in->configs.count; i++) {
        const kci_incremental_alter_configs_request_alterable_config *c = &in->configs.data[i];
        /* Appending and subtracting are for lists, of which none has an effect here. */
        if (c->config_operation != OP_SET && c->config_operation != OP_DELETE)
            return KC_E_INVALID_CONFIG;
        if (c->config_operation == OP_SET && !c->value.data)
            return KC_E_INVALID_REQUEST;
        kc_bytes value = c->config_operation == OP_DELETE ? kc_mem(NULL, 0) : c->value;
        kc_err err = apply ? kci_mock_topic_configure(topic, c->name, value)
                           : kci_mock_config_check(c->name, value);
        if (err != KC_OK)
            return err;
    }
    return KC_OK;
}

kci_mock_outcome kci_mock_serve_incremental_alter_configs(kci_mock_request *r)
{
    const kci_incremental_alter_configs_request *in = r->body;
    kci_incremental_alter_configs_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->responses.data =
        kci_mock_take(r, (size_t)in->resources.count, sizeof *out->responses.data);
    if (!out->responses.data)
        return KCI_MOCK_CLOSE;
    out->responses.count = in->resources.count;
    for (int32_t i = 0; i < in->resources.count; i++) {
        const alter_resource *it = &in->resources.data[i];
        kc_err err = kci_mock_forced_error(r, it->resource_name, -1, NULL);
        if (err == KC_OK)
            err = alter(r, it, false);
        if (err == KC_OK && !in->validate_only)
            err = alter(r, it, true);
        if (err == KC_E_NO_MEMORY)
            return KCI_MOCK_CLOSE;
        out->responses.data[i] =
            (kci_incremental_alter_configs_response_alter_configs_resource_response){
                .error_code = (int16_t)err,
                .resource_type = it->resource_type,
                .resource_name = it->resource_name
            };
    }
    return KCI_MOCK_ANSWER;
}
