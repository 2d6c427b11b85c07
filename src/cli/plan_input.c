/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the JSON of plan_input.h with cJSON. Everything is checked for its type before it is used;
 * an error names the place as a path ("members[3].topics[0]"). */
#include "cli/plan_input.h"

#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

/* Where the reader is, for messages. */
typedef struct place {
    const struct place *outer;
    const char *name; /* NULL: an element */
    int index;
} place;

static int print_place(char *out, size_t size, const place *at)
{
    if (!at)
        return 0;
    int used = print_place(out, size, at->outer);
    if (used < 0 || (size_t)used >= size)
        return used;
    char *to = out + used;
    size_t left = size - (size_t)used;
    int more = at->name ? snprintf(to, left, "%s%s", used ? "." : "", at->name)
                        : snprintf(to, left, "[%d]", at->index);
    return used + more;
}

static bool wrong(const place *at, const char *wanted, kc_error *why)
{
    char text[160] = "";
    print_place(text, sizeof text, at);
    why->code = KC_E_INVALID_ARGUMENT;
    snprintf(why->text, sizeof why->text, "%s must be %s", *text ? text : "the input", wanted);
    return false;
}

/* What an object has by that name; NULL: nothing, or null. */
static const cJSON *member_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return item && !cJSON_IsNull(item) ? item : NULL;
}

static bool read_string(const cJSON *object, const char *name, const place *outer, bool required,
                        kc_bytes *out, kc_error *why)
{
    const cJSON *item = member_of(object, name);
    place at = { outer, name, 0 };
    *out = kc_mem(NULL, 0);
    if (!item)
        return !required || wrong(&at, "a string", why);
    if (!cJSON_IsString(item))
        return wrong(&at, required ? "a string" : "a string or null", why);
    *out = kc_str(item->valuestring);
    return true;
}

static bool read_number(const cJSON *object, const char *name, const place *outer, int32_t missing,
                        int32_t *out, kc_error *why)
{
    const cJSON *item = member_of(object, name);
    place at = { outer, name, 0 };
    *out = missing;
    if (!item)
        return true;
    double n = cJSON_IsNumber(item) ? item->valuedouble : -2;
    if (n < -1 || n > INT32_MAX || n != (double)(int32_t)n)
        return wrong(&at, "a whole number", why);
    *out = (int32_t)n;
    return true;
}

/* The list by that name; *out NULL and *count 0 when there is none. */
static bool read_list(const cJSON *object, const char *name, const place *outer, const cJSON **out,
                      size_t *count, kc_error *why)
{
    const cJSON *item = member_of(object, name);
    place at = { outer, name, 0 };
    *out = item;
    *count = 0;
    if (!item)
        return true;
    if (!cJSON_IsArray(item))
        return wrong(&at, "a list", why);
    for (const cJSON *e = item->child; e; e = e->next)
        ++*count;
    return true;
}

/* A list of strings as an array to be freed; nulls stay null where that is allowed. */
static bool read_strings(const cJSON *object, const char *name, const place *outer, bool nulls,
                         kc_bytes **out, size_t *count, kc_error *why)
{
    const cJSON *list;
    *out = NULL;
    if (!read_list(object, name, outer, &list, count, why))
        return false;
    *out = calloc(*count + 1, sizeof **out);
    if (!*out) {
        *why = (kc_error){ .code = KC_E_NO_MEMORY, .text = "out of memory" };
        return false;
    }
    place in = { outer, name, 0 }, at = { &in, NULL, 0 };
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next, at.index++) {
        if (!cJSON_IsString(e) && !(nulls && cJSON_IsNull(e)))
            return wrong(&at, nulls ? "a string or null" : "a string", why);
        (*out)[at.index] = cJSON_IsString(e) ? kc_str(e->valuestring) : kc_mem(NULL, 0);
    }
    return true;
}

/* ---- topics --------------------------------------------------------------------------------- */

static bool read_racks(kc_plan *plan, kc_bytes topic, const cJSON *partition, const place *at,
                       kc_error *why)
{
    kc_bytes leader, *racks;
    size_t count;
    if (!cJSON_IsObject(partition))
        return wrong(at, "an object", why);
    bool ok = read_string(partition, "leader_rack", at, false, &leader, why);
    ok = read_strings(partition, "replica_racks", at, true, &racks, &count, why) && ok;
    if (ok)
        ok = kc_plan_set_racks(plan, topic, at->index, leader, racks, count, why) == KC_OK;
    free(racks);
    return ok;
}

static bool read_topic(kc_plan *plan, const cJSON *topic, const place *at, kc_error *why)
{
    kc_bytes name;
    const cJSON *partitions;
    size_t count;
    if (!cJSON_IsObject(topic))
        return wrong(at, "an object", why);
    if (!read_string(topic, "name", at, true, &name, why) ||
        !read_list(topic, "partitions", at, &partitions, &count, why))
        return false;
    if (count > INT32_MAX || kc_plan_add_topic(plan, name, (int32_t)count, why) != KC_OK)
        return false;
    place in = { at, "partitions", 0 }, part = { &in, NULL, 0 };
    for (const cJSON *e = partitions ? partitions->child : NULL; e; e = e->next, part.index++)
        if (!read_racks(plan, name, e, &part, why))
            return false;
    return true;
}

/* ---- members -------------------------------------------------------------------------------- */

static bool read_owned(const cJSON *member, const place *outer, kc_topic_partition **out,
                       size_t *count, kc_error *why)
{
    const cJSON *list;
    *out = NULL;
    if (!read_list(member, "owned", outer, &list, count, why))
        return false;
    *out = calloc(*count + 1, sizeof **out);
    if (!*out) {
        *why = (kc_error){ .code = KC_E_NO_MEMORY, .text = "out of memory" };
        return false;
    }
    place in = { outer, "owned", 0 }, at = { &in, NULL, 0 };
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next, at.index++) {
        kc_topic_partition *to = &(*out)[at.index];
        if (!cJSON_IsObject(e))
            return wrong(&at, "an object", why);
        if (!read_string(e, "topic", &at, true, &to->topic, why) ||
            !read_number(e, "partition", &at, -1, &to->partition, why))
            return false;
    }
    return true;
}

static bool read_member(kc_plan *plan, const cJSON *member, const place *at, kc_error *why)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    kc_bytes *topics = NULL;
    kc_topic_partition *owned = NULL;
    if (!cJSON_IsObject(member))
        return wrong(at, "an object", why);
    bool ok = read_string(member, "member_id", at, true, &m.member_id, why) &&
              read_string(member, "group_instance_id", at, false, &m.group_instance_id, why) &&
              read_string(member, "rack", at, false, &m.rack, why) &&
              read_number(member, "generation", at, -1, &m.generation, why) &&
              read_strings(member, "topics", at, false, &topics, &m.topic_count, why) &&
              read_owned(member, at, &owned, &m.owned_count, why);
    m.topics = topics;
    m.owned = owned;
    if (ok)
        ok = kc_plan_add_member(plan, &m, why) == KC_OK;
    free(topics);
    free(owned);
    return ok;
}

/* ---- all ------------------------------------------------------------------------------------ */

static bool read_group(kc_plan *plan, const cJSON *group, kc_error *why)
{
    const cJSON *list;
    size_t count;
    if (!cJSON_IsObject(group))
        return wrong(NULL, "an object with \"members\" and \"topics\"", why);
    place topics = { NULL, "topics", 0 }, members = { NULL, "members", 0 };
    place topic = { &topics, NULL, 0 }, member = { &members, NULL, 0 };
    if (!read_list(group, "topics", NULL, &list, &count, why))
        return false;
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next, topic.index++)
        if (!read_topic(plan, e, &topic, why))
            return false;
    if (!read_list(group, "members", NULL, &list, &count, why))
        return false;
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next, member.index++)
        if (!read_member(plan, e, &member, why))
            return false;
    return true;
}

bool plan_input_read(kc_plan *plan, const char *text, size_t size, kc_error *why)
{
    const char *end = text;
    cJSON *group = cJSON_ParseWithLengthOpts(text, size, &end, false);
    if (!group) {
        size_t at = end && end >= text ? (size_t)(end - text) : 0, line = 1;
        for (size_t i = 0; i < at && i < size; i++)
            line += text[i] == '\n';
        why->code = KC_E_INVALID_ARGUMENT;
        snprintf(why->text, sizeof why->text,
                 "this is no JSON: it cannot be understood from line %zu, byte %zu on", line, at);
        return false;
    }
    bool ok = read_group(plan, group, why);
    cJSON_Delete(group);
    return ok;
}
