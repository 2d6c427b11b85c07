/* SPDX-License-Identifier: Apache-2.0 */
/* Hash maps to pointers, with keys that a hostile peer may choose (SipHash, seeded for each map):
 * kci_map by bytes, kci_imap by int64. Entries stay in insertion order, so walking them does not
 * depend on the seed and a simulated run can be replayed. Not thread-safe.
 *
 * Walking: `for (uint32_t at = 0; kci_map_next(m, &at, &key, &value);)`. Removing any entry while
 * walking is allowed, inserting is not. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <kclient/error.h>

typedef struct kci_map_entry {
    uint64_t hash;
    union {
        kc_bytes bytes;
        int64_t number;
    } key;
    void *value; /* NULL: a removed entry */
} kci_map_entry;

typedef struct kci_map {
    kci_map_entry *entries; /* in insertion order, with holes */
    uint32_t *index;        /* open addressing: entry number + 1, 0 empty, UINT32_MAX removed */
    uint32_t used;          /* entries in use, with holes */
    uint32_t count;         /* without holes */
    uint32_t entry_cap;
    uint32_t index_mask; /* index size - 1 */
    uint64_t seed[2];
} kci_map;

/* An empty map; allocates nothing. seed: random, unknown to peers. */
void kci_map_init(kci_map *m, uint64_t seed);

/* Releases the map's own memory (not keys, not values) and makes it empty and usable again. */
void kci_map_free(kci_map *m);

static inline uint32_t kci_map_count(const kci_map *m)
{
    return m->count;
}

/* The value, or NULL if there is none. A null key is the same as an empty one. */
void *kci_map_get(const kci_map *m, kc_bytes key);

/* Inserts or replaces. The key's bytes are borrowed for as long as the entry lives (they usually
 * lie in the value; replacing takes the new key too); value is not NULL. *old, if old is not NULL,
 * gets the replaced value or NULL. KC_E_NO_MEMORY changes nothing. */
kc_err kci_map_put(kci_map *m, kc_bytes key, void *value, void **old);

/* Removes and returns the value; NULL if there was none. Never allocates. */
void *kci_map_remove(kci_map *m, kc_bytes key);

/* The entry at or after *at, which is moved on; false at the end. key may be NULL. */
bool kci_map_next(const kci_map *m, uint32_t *at, kc_bytes *key, void **value);

/* The same by number. */
typedef struct kci_imap {
    kci_map map;
} kci_imap;

void kci_imap_init(kci_imap *m, uint64_t seed);
void kci_imap_free(kci_imap *m);
static inline uint32_t kci_imap_count(const kci_imap *m)
{
    return m->map.count;
}
void *kci_imap_get(const kci_imap *m, int64_t key);
kc_err kci_imap_put(kci_imap *m, int64_t key, void *value, void **old);
void *kci_imap_remove(kci_imap *m, int64_t key);
bool kci_imap_next(const kci_imap *m, uint32_t *at, int64_t *key, void **value);

#endif
