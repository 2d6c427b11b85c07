/* SPDX-License-Identifier: Apache-2.0 */
#include "consumer/known.h"

#include "base/bytes.h"

void kci_known_init(kci_known *k, kci_metadata *metadata, uint64_t seed)
{
    k->metadata = metadata;
    k->without_id = 0;
    k->looks = 0;
    kci_map_init(&k->ids, seed);
}

void kci_known_free(kci_known *k)
{
    kci_map_free(&k->ids);
    kci_metadata_unref(k->metadata);
}

kci_metadata *kci_known_replace(kci_known *k, kci_metadata *metadata)
{
    kci_metadata *old = k->metadata;
    k->metadata = metadata;
    return old;
}

static kc_bytes key_of(const kc_uuid *id)
{
    return kc_mem(id->bytes, sizeof id->bytes);
}

kci_read_topic *kci_known_by_id(const kci_known *k, const kc_uuid *id)
{
    return kci_map_get(&k->ids, key_of(id));
}

static void drop_id(kci_known *k, kci_read_topic *t)
{
    if (!kci_uuid_is_zero(&t->id) && kci_known_by_id(k, &t->id) == t)
        kci_map_remove(&k->ids, key_of(&t->id));
    t->id = (kc_uuid){ { 0 } };
}

/* Without memory for the map the topic counts as one without an id: it is fetched by name. */
static bool take_id(kci_known *k, kci_read_topic *t, const kc_uuid *id)
{
    if (kci_uuid_equal(&t->id, id))
        return false;
    bool recreated = !kci_uuid_is_zero(&t->id) && !kci_uuid_is_zero(id);
    drop_id(k, t);
    if (!kci_uuid_is_zero(id)) {
        t->id = *id;
        if (kci_map_put(&k->ids, key_of(&t->id), t, NULL) != KC_OK)
            t->id = (kc_uuid){ { 0 } };
    }
    return recreated;
}

static void count(kci_known *k, kci_read_topic *t, bool lacks_id)
{
    k->without_id += (int32_t)lacks_id - (int32_t)t->lacks_id;
    t->lacks_id = lacks_id;
}

bool kci_known_look(kci_known *k, kci_read_topic *t)
{
    k->looks++;
    t->meta = kci_metadata_topic(k->metadata, t->name);
    bool is_there = t->meta && t->meta->err == KC_OK;
    bool recreated = is_there && take_id(k, t, &t->meta->id);
    count(k, t, is_there && kci_uuid_is_zero(&t->id));
    return recreated;
}

void kci_known_forget(kci_known *k, kci_read_topic *t)
{
    drop_id(k, t);
    count(k, t, false);
    t->meta = NULL;
}
