/* SPDX-License-Identifier: Apache-2.0 */
/* The topics in use, counted by name. */
#include "base/mem.h"
#include "base/planted.h"
#include "core/state.h"

enum { NAME_MAX_SIZE = 249 };

typedef struct topic_use {
    int32_t count;      /* users */
    int32_t creators;   /* those of them for whose sake the broker may create it */
    bool asked;         /* an answer has named it */
    int64_t dropped_us; /* when the last user left */
    size_t name_size;
    char name[];
} topic_use;

static kc_bytes name_of(const topic_use *use)
{
    return kc_mem(use->name, use->name_size);
}

static topic_use *add_use(kci_cluster *cluster, kc_bytes name)
{
    topic_use *use = kci_calloc(1, sizeof *use + name.size + 1);

    if (!use)
        return NULL;
    use->name_size = name.size;
    memcpy(use->name, name.data, name.size);
    if (kci_map_put(&cluster->topics, name_of(use), use, NULL) == KC_OK)
        return use;
    kci_free(use);
    return NULL;
}

static kc_err want(kc_client *client, kc_bytes name, bool create)
{
    kci_cluster *cluster = &client->cluster;

    if (!name.data || name.size == 0 || name.size > NAME_MAX_SIZE)
        return KC_E_INVALID_ARGUMENT;
    pthread_mutex_lock(&cluster->lock);
    topic_use *use = kci_map_get(&cluster->topics, name);
    if (!use)
        use = add_use(cluster, name);
    bool look = use && !use->asked;
    if (use) {
        use->count++;
        use->creators += create;
    }
    pthread_mutex_unlock(&cluster->lock);
    if (look)
        kci_loop_post(client->loop, &cluster->look);
    return use ? KC_OK : KC_E_NO_MEMORY;
}

kc_err kci_client_want_topic(kc_client *client, kc_bytes name)
{
    return want(client, name, client->settings.auto_create);
}

kc_err kci_client_want_topic_created(kc_client *client, kc_bytes name)
{
    return want(client, name, true);
}

/* idle_us: for so long nobody has used it. */
static void drop(kc_client *client, kc_bytes name, bool create, int64_t idle_us)
{
    kci_cluster *cluster = &client->cluster;

    pthread_mutex_lock(&cluster->lock);
    topic_use *use = kci_map_get(&cluster->topics, name);
    if (use && use->count > 0) {
        if (KCI_BUG(FIRST_LEAVES_FOR_ALL))
            use->count = 1;
        use->creators -= create;
        if (--use->count == 0)
            use->dropped_us = client->sys->mono_us(client->sys) - idle_us;
    }
    pthread_mutex_unlock(&cluster->lock);
}

void kci_client_drop_topic(kc_client *client, kc_bytes name)
{
    drop(client, name, client->settings.auto_create, 0);
}

void kci_client_drop_topic_created(kc_client *client, kc_bytes name, int64_t idle_us)
{
    drop(client, name, true, idle_us);
}

kci_topic_needs kci_topics_look(kci_cluster *cluster, int64_t now_us, int64_t idle_us)
{
    kci_topic_needs needs = { 0 };
    kc_bytes name;
    void *value;

    for (uint32_t at = 0; kci_map_next(&cluster->topics, &at, &name, &value);) {
        topic_use *use = value;
        if (use->count == 0 && now_us - use->dropped_us >= idle_us) {
            kci_map_remove(&cluster->topics, name);
            kci_free(use);
            continue;
        }
        needs.any = true;
        needs.unasked |= !use->asked;
    }
    return needs;
}

kci_topic_care kci_topics_care(const kci_cluster *cluster, kc_bytes name)
{
    const topic_use *use = kci_map_get(&cluster->topics, name);

    if (!use)
        return KCI_TOPIC_FORGOTTEN;
    return use->count > 0 ? KCI_TOPIC_IN_USE : KCI_TOPIC_REMEMBERED;
}

/* The broker may create it, and might have to. Not for the sake of those who have dropped it. */
static bool must_create(const kci_cluster *cluster, const topic_use *use)
{
    const kci_topic_meta *known = kci_metadata_topic(cluster->current, name_of(use));
    return use->creators > 0 && !(known && known->err == KC_OK);
}

static bool may_not_create(const kci_cluster *cluster, const topic_use *use)
{
    const kci_topic_meta *known = kci_metadata_topic(cluster->current, name_of(use));
    return use->creators == 0 && !(known && known->err == KC_OK);
}

/* Which kinds of topics a request would name. */
typedef struct kinds {
    bool create, leave;
} kinds;

static kinds kinds_of(const kci_cluster *cluster, bool all)
{
    kinds k = { false, false };
    void *value;

    for (uint32_t at = 0; kci_map_next(&cluster->topics, &at, NULL, &value);) {
        const topic_use *use = value;
        if (!all && use->asked)
            continue;
        k.create |= must_create(cluster, use);
        k.leave |= may_not_create(cluster, use);
    }
    return k;
}

kc_err kci_topics_request(kci_cluster *cluster, bool all)
{
    kci_metadata_request *request = &cluster->request;
    size_t cap = kci_map_count(&cluster->topics);
    kinds k = kinds_of(cluster, all);
    void *value;

    /* A request has one permission to create for all its topics: those that must not be created are
     * left to the next one then. */
    bool create = k.create && !(k.leave && cluster->partial);
    cluster->partial = create && k.leave;
    kci_arena_reset(&cluster->arena);
    kci_msg_init(&kci_metadata_request_msg, request);
    request->allow_auto_topic_creation = create;
    request->topics.data = kci_arena_array(&cluster->arena, cap, sizeof *request->topics.data);
    if (!request->topics.data)
        return KC_E_NO_MEMORY;
    request->topics.count = 0;
    for (uint32_t at = 0; kci_map_next(&cluster->topics, &at, NULL, &value);) {
        topic_use *use = value;
        if ((!all && use->asked) || (create && may_not_create(cluster, use)))
            continue;
        kc_bytes name = kci_arena_copy(&cluster->arena, name_of(use));
        if (!name.data)
            return KC_E_NO_MEMORY;
        request->topics.data[request->topics.count++] =
            (kci_metadata_request_metadata_request_topic){ .name = name };
    }
    return KC_OK;
}

bool kci_topics_asked(kci_cluster *cluster, const kci_metadata *next)
{
    bool lacks = false;

    for (int32_t i = 0; i < cluster->request.topics.count; i++) {
        topic_use *use = kci_map_get(&cluster->topics, cluster->request.topics.data[i].name);
        if (!use)
            continue;
        use->asked = true;
        lacks |= use->count > 0 && !kci_metadata_topic(next, name_of(use));
    }
    return lacks;
}

void kci_topics_free(kci_cluster *cluster)
{
    void *value;

    for (uint32_t at = 0; kci_map_next(&cluster->topics, &at, NULL, &value);)
        kci_free(value);
    kci_map_free(&cluster->topics);
}
