/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations of topics and brokers. Any broker knows the topics' ones, which are asked for in
 * one request; a broker's own has to be asked of it. */
#include <kclient/admin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/answer_op.h"
#include "base/abi_structs.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"

typedef kci_describe_configs_response_describe_configs_result wire_result;
typedef kci_describe_configs_response_describe_configs_resource_result wire_entry;
typedef kci_describe_configs_request_describe_configs_resource wire_resource;

/* A resource's place in its answer. */
typedef struct placed {
    kci_answer *answer;
    const wire_result *result; /* NULL: the answer leaves it out */
    char *text;                /* for errors; in the answer's arena */
} placed;

struct kc_configs {
    size_t count;
    placed *resources;
    kci_answer *answers; /* one for the topics, one a broker; as many places as resources */
    size_t answer_count;
};

typedef struct configs_op {
    kci_answer_op base;
    kci_describe_configs_request body;
} configs_op;

static kc_err build(kci_admin_op *op, int32_t remaining_ms)
{
    (void)remaining_ms;
    op->ask.call.body = &((configs_op *)op)->body;
    return KC_OK;
}

static kc_err read_answer(kci_admin_op *op, const kci_response *response)
{
    kci_answer_op_keep((kci_answer_op *)op, response);
    return KC_OK;
}

static const kci_admin_op_type configs_type = {
    .api = KCI_API_DESCRIBE_CONFIGS,
    .build = build,
    .read = read_answer,
    .free = kci_answer_op_free,
};

static kc_err add_resource(configs_op *op, const kc_config_resource *from)
{
    wire_resource *to = &op->body.resources.data[op->body.resources.count++];
    kci_msg_init(&kci_describe_configs_request_describe_configs_resource_msg, to);
    to->resource_type = (int8_t)from->type;
    to->resource_name = kci_arena_copy(&op->base.arena, from->name);
    to->configuration_keys.data = NULL; /* null: all of them */
    to->configuration_keys.count = -1;
    return to->resource_name.data ? KC_OK : KC_E_NO_MEMORY;
}

/* The request for all resources of `all` that are topics, or for the one broker. */
static kc_err fill(configs_op *op, const kc_config_resource *all, size_t count,
                   const kc_config_resource *broker)
{
    kci_msg_init(&kci_describe_configs_request_msg, &op->body);
    op->body.resources.data =
        kci_arena_array(&op->base.arena, count, sizeof *op->body.resources.data);
    op->body.resources.count = 0;
    if (!op->body.resources.data)
        return KC_E_NO_MEMORY;
    if (broker)
        return add_resource(op, broker);
    kc_err err = KC_OK;
    for (size_t i = 0; i < count && !err; i++)
        if (all[i].type == KC_RESOURCE_TOPIC)
            err = add_resource(op, &all[i]);
    return err;
}

/* "12" to 12; -1 for what is no id. */
static int32_t broker_id(kc_bytes name)
{
    int64_t id = 0;
    if (name.size == 0 || name.size > 10)
        return -1;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < '0' || name.data[i] > '9')
            return -1;
        id = id * 10 + (name.data[i] - '0');
    }
    return id <= INT32_MAX ? (int32_t)id : -1;
}

static const wire_result *find(const kci_describe_configs_response *body,
                               const kc_config_resource *wanted)
{
    for (int32_t i = 0; i < body->results.count; i++) {
        const wire_result *r = &body->results.data[i];
        if (r->resource_type == wanted->type && kci_bytes_equal(r->resource_name, wanted->name))
            return r;
    }
    return NULL;
}

static kc_err result_err(const placed *r)
{
    if (!r->result)
        return KC_E_PROTOCOL;
    return r->result->error_code < -1 ? KC_E_UNKNOWN_SERVER_ERROR : r->result->error_code;
}

/* Points a resource to its place in the answer, and makes its sentence. */
static kc_err place(placed *r, kci_answer *answer, const kc_config_resource *wanted)
{
    r->answer = answer;
    r->result = find(answer->body, wanted);
    kc_err err = result_err(r);
    kc_bytes said = r->result ? r->result->error_message : (kc_bytes){ NULL, 0 };
    if (!err)
        said = kc_mem("", 0);
    else if (said.size == 0)
        said = kc_str(kc_error_text(err));
    r->text = kci_arena_alloc(&answer->arena, said.size + 1);
    if (!r->text)
        return KC_E_NO_MEMORY;
    memcpy(r->text, said.data, said.size);
    r->text[said.size] = '\0';
    return KC_OK;
}

/* One request, and what its answer says of the resources that it was about. */
static kc_err ask(kc_admin *admin, kc_configs *configs, const kc_config_resource *all,
                  const kc_config_resource *broker, int64_t deadline_us, kc_error *detail)
{
    configs_op *op = kci_calloc(1, sizeof *op);
    kc_err err = op ? fill(op, all, configs->count, broker) : KC_E_NO_MEMORY;
    if (err)
        return kci_answer_op_refuse((kci_answer_op *)op, err, detail);
    op->base.op.ask.call.node = broker ? broker_id(broker->name) : KCI_NODE_ANY;
    kci_answer *answer = &configs->answers[configs->answer_count];
    err = kci_answer_op_run(admin, &op->base, &configs_type, deadline_us, answer, detail);
    if (err)
        return err;
    configs->answer_count++;
    for (size_t i = 0; i < configs->count && !err; i++)
        if (broker ? &all[i] == broker : all[i].type == KC_RESOURCE_TOPIC)
            err = place(&configs->resources[i], answer, &all[i]);
    return err ? kci_fail(detail, err, NULL) : KC_OK;
}

/* One request after the other, all within one time-out. */
static kc_err ask_all(kc_admin *admin, kc_configs *configs, const kc_config_resource *all,
                      int32_t timeout_ms, kc_error *detail)
{
    int64_t deadline_us = kci_admin_deadline(admin, timeout_ms);
    kc_err err = KC_OK;
    bool topics = false;
    for (size_t i = 0; i < configs->count && !err; i++) {
        if (all[i].type == KC_RESOURCE_TOPIC)
            topics = true;
        else
            err = ask(admin, configs, all, &all[i], deadline_us, detail);
    }
    if (!err && topics)
        err = ask(admin, configs, all, NULL, deadline_us, detail);
    return err;
}

static bool is_valid(const kc_config_resource *r)
{
    if (!r->name.data || r->name.size == 0)
        return false;
    return r->type == KC_RESOURCE_TOPIC ||
           (r->type == KC_RESOURCE_BROKER && broker_id(r->name) >= 0);
}

static kc_configs *configs_new(size_t count)
{
    kc_configs *configs = kci_calloc(1, sizeof *configs);
    if (!configs)
        return NULL;
    configs->count = count;
    configs->resources = kci_calloc(count, sizeof *configs->resources);
    configs->answers = kci_calloc(count, sizeof *configs->answers);
    if (!configs->resources || !configs->answers) {
        kc_configs_free(configs);
        return NULL;
    }
    return configs;
}

kc_err kc_admin_describe_configs(kc_admin *admin, const kc_config_resource *resources, size_t count,
                                 int32_t timeout_ms, kc_configs **out, kc_error *detail)
{
    bool valid = admin && out && resources && count > 0 && count <= INT32_MAX;
    for (size_t i = 0; valid && i < count; i++)
        valid = is_valid(&resources[i]);
    if (!valid)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "kc_admin_describe_configs: name topics, or brokers by their ids");
    *out = NULL;
    kc_configs *configs = configs_new(count);
    if (!configs)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    kc_err err = ask_all(admin, configs, resources, timeout_ms, detail);
    if (err) {
        kc_configs_free(configs);
        return err;
    }
    *out = configs;
    for (size_t i = 0; i < count && !err; i++) {
        const char *text;
        err = kc_configs_err(configs, i, &text);
        if (err)
            (void)kci_fail(detail, err, "%.*s: %s", (int)resources[i].name.size,
                           (const char *)resources[i].name.data, text);
    }
    return err;
}

void kc_configs_free(kc_configs *configs)
{
    if (!configs)
        return;
    for (size_t i = 0; i < configs->answer_count; i++)
        kci_answer_free(&configs->answers[i]);
    kci_free(configs->answers);
    kci_free(configs->resources);
    kci_free(configs);
}

size_t kc_configs_count(const kc_configs *configs)
{
    return configs ? configs->count : 0;
}

kc_err kc_configs_err(const kc_configs *configs, size_t resource, const char **text)
{
    if (resource >= kc_configs_count(configs))
        return KC_E_INVALID_ARGUMENT;
    if (text)
        *text = configs->resources[resource].text;
    return result_err(&configs->resources[resource]);
}

size_t kc_configs_entry_count(const kc_configs *configs, size_t resource)
{
    const wire_result *r =
        resource < kc_configs_count(configs) ? configs->resources[resource].result : NULL;
    return r && r->configs.count > 0 ? (size_t)r->configs.count : 0;
}

bool kc_configs_entry_at(const kc_configs *configs, size_t resource, size_t index,
                         kc_config_entry *out)
{
    if (index >= kc_configs_entry_count(configs, resource))
        return false;
    const wire_entry *from = &configs->resources[resource].result->configs.data[index];
    kc_config_entry entry = {
        .flags = (from->read_only ? KC_CONFIG_READ_ONLY : 0u) |
                 (from->is_sensitive ? KC_CONFIG_SENSITIVE : 0u),
        .name = from->name,
        .value = from->value,
        .source = from->config_source,
    };
    return kci_abi_give(&kci_abi_config_entry, &entry, out);
}
