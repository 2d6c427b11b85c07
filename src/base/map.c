/* SPDX-License-Identifier: Apache-2.0 */
/* A dense array of entries plus an open-addressed index into it. A removed entry leaves a hole in
 * the array and a mark in the index; both go when the array is full and the map is rebuilt. */
#include "base/map.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/siphash.h"

enum { FIRST_CAP = 8, MAX_CAP = 1 << 29 };

static const uint32_t INDEX_REMOVED = UINT32_MAX;

/* What is looked for: bytes, or a number (then the hash decides alone, see number_probe). */
typedef struct probe {
    uint64_t hash;
    kc_bytes bytes;
    int64_t number;
    bool by_number;
} probe;

static bool same_key(const kci_map_entry *e, const probe *p)
{
    if (e->hash != p->hash || !e->value)
        return false;
    if (p->by_number)
        return e->key.number == p->number;
    return e->key.bytes.size == p->bytes.size &&
           (p->bytes.size == 0 || memcmp(e->key.bytes.data, p->bytes.data, p->bytes.size) == 0);
}

static probe bytes_probe(const kci_map *m, kc_bytes key)
{
    return (probe){ .hash = kci_siphash(m->seed, key.data, key.size), .bytes = key };
}

static probe number_probe(const kci_map *m, int64_t key)
{
    return (
        probe){ .hash = kci_siphash(m->seed, &key, sizeof key), .number = key, .by_number = true };
}

void kci_map_init(kci_map *m, uint64_t seed)
{
    kci_random r;
    kci_random_seed(&r, seed);
    *m = (kci_map){ 0 };
    m->seed[0] = kci_random_next(&r);
    m->seed[1] = kci_random_next(&r);
}

void kci_map_free(kci_map *m)
{
    kci_free(m->entries);
    kci_free(m->index);
    kci_map empty = { .seed = { m->seed[0], m->seed[1] } };
    *m = empty;
}

/* The index slot that refers to the key; NULL if none does. */
static uint32_t *find_slot(const kci_map *m, const probe *p)
{
    if (m->count == 0)
        return NULL;
    for (uint32_t i = (uint32_t)p->hash & m->index_mask;; i = (i + 1) & m->index_mask) {
        uint32_t ref = m->index[i];
        if (ref == 0)
            return NULL;
        if (ref != INDEX_REMOVED && same_key(&m->entries[ref - 1], p))
            return &m->index[i];
    }
}

static void link_entry(uint32_t *index, uint32_t mask, uint64_t hash, uint32_t number)
{
    uint32_t i = (uint32_t)hash & mask;
    while (index[i] != 0 && index[i] != INDEX_REMOVED)
        i = (i + 1) & mask;
    index[i] = number + 1;
}

/* Makes room for one more entry: drops the holes, and doubles if there were few. */
static bool rebuild(kci_map *m)
{
    uint32_t cap = FIRST_CAP;
    while (cap - cap / 4 <= m->count) {
        if (cap >= MAX_CAP)
            return false;
        cap *= 2;
    }
    uint32_t index_size = cap * 2; /* at most half full, removed marks included */
    kci_map_entry *entries = kci_calloc(cap, sizeof *entries);
    uint32_t *index = kci_calloc(index_size, sizeof *index);
    if (!entries || !index) {
        kci_free(entries);
        kci_free(index);
        return false;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->used; i++) {
        if (!m->entries[i].value)
            continue;
        entries[n] = m->entries[i];
        link_entry(index, index_size - 1, entries[n].hash, n);
        n++;
    }
    kci_free(m->entries);
    kci_free(m->index);
    m->entries = entries;
    m->index = index;
    m->used = n;
    m->entry_cap = cap;
    m->index_mask = index_size - 1;
    return true;
}

static void set_key(kci_map_entry *e, const probe *p)
{
    e->hash = p->hash;
    if (p->by_number)
        e->key.number = p->number;
    else
        e->key.bytes = p->bytes;
}

static kc_err put(kci_map *m, const probe *p, void *value, void **old)
{
    if (old)
        *old = NULL;
    uint32_t *slot = find_slot(m, p);
    if (slot) {
        kci_map_entry *e = &m->entries[*slot - 1];
        if (old)
            *old = e->value;
        set_key(e, p);
        e->value = value;
        return KC_OK;
    }
    if (m->used == m->entry_cap && !rebuild(m))
        return KC_E_NO_MEMORY;
    kci_map_entry *e = &m->entries[m->used];
    set_key(e, p);
    e->value = value;
    link_entry(m->index, m->index_mask, p->hash, m->used);
    m->used++;
    m->count++;
    return KC_OK;
}

static void *take(kci_map *m, const probe *p)
{
    uint32_t *slot = find_slot(m, p);
    if (!slot)
        return NULL;
    kci_map_entry *e = &m->entries[*slot - 1];
    void *value = e->value;
    e->value = NULL;
    *slot = INDEX_REMOVED;
    m->count--;
    return value;
}

static const kci_map_entry *next_entry(const kci_map *m, uint32_t *at)
{
    while (*at < m->used) {
        const kci_map_entry *e = &m->entries[(*at)++];
        if (e->value)
            return e;
    }
    return NULL;
}

void *kci_map_get(const kci_map *m, kc_bytes key)
{
    if (m->count == 0)
        return NULL;
    probe p = bytes_probe(m, key);
    const uint32_t *slot = find_slot(m, &p);
    return slot ? m->entries[*slot - 1].value : NULL;
}

kc_err kci_map_put(kci_map *m, kc_bytes key, void *value, void **old)
{
    probe p = bytes_probe(m, key);
    return put(m, &p, value, old);
}

void *kci_map_remove(kci_map *m, kc_bytes key)
{
    probe p = bytes_probe(m, key);
    return take(m, &p);
}

bool kci_map_next(const kci_map *m, uint32_t *at, kc_bytes *key, void **value)
{
    const kci_map_entry *e = next_entry(m, at);
    if (!e)
        return false;
    if (key)
        *key = e->key.bytes;
    *value = e->value;
    return true;
}

void kci_imap_init(kci_imap *m, uint64_t seed)
{
    kci_map_init(&m->map, seed);
}

void kci_imap_free(kci_imap *m)
{
    kci_map_free(&m->map);
}

void *kci_imap_get(const kci_imap *m, int64_t key)
{
    if (m->map.count == 0)
        return NULL;
    probe p = number_probe(&m->map, key);
    const uint32_t *slot = find_slot(&m->map, &p);
    return slot ? m->map.entries[*slot - 1].value : NULL;
}

kc_err kci_imap_put(kci_imap *m, int64_t key, void *value, void **old)
{
    probe p = number_probe(&m->map, key);
    return put(&m->map, &p, value, old);
}

void *kci_imap_remove(kci_imap *m, int64_t key)
{
    probe p = number_probe(&m->map, key);
    return take(&m->map, &p);
}

bool kci_imap_next(const kci_imap *m, uint32_t *at, int64_t *key, void **value)
{
    const kci_map_entry *e = next_entry(&m->map, at);
    if (!e)
        return false;
    if (key)
        *key = e->key.number;
    *value = e->value;
    return true;
}
