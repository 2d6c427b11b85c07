/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/siphash.h"

enum { KEYS = 3000 };

static char names[KEYS][16];
static int values[KEYS];

static kc_bytes name_of(int i)
{
    if (!names[i][0])
        snprintf(names[i], sizeof names[i], "topic-%d", i);
    return kc_str(names[i]);
}

Test(map, holds_what_was_put)
{
    kci_map m;
    kci_map_init(&m, 42);
    cr_assert_null(kci_map_get(&m, kc_str("a")));
    cr_assert_null(kci_map_remove(&m, kc_str("a")));
    for (int i = 0; i < KEYS; i++)
        cr_assert_eq(kci_map_put(&m, name_of(i), &values[i], NULL), KC_OK);
    cr_assert_eq(kci_map_count(&m), KEYS);
    for (int i = 0; i < KEYS; i++)
        cr_assert_eq(kci_map_get(&m, name_of(i)), &values[i]);
    cr_assert_null(kci_map_get(&m, kc_str("topic")));
    cr_assert_null(kci_map_get(&m, kc_str("")));
    for (int i = 0; i < KEYS; i += 2)
        cr_assert_eq(kci_map_remove(&m, name_of(i)), &values[i]);
    for (int i = 0; i < KEYS; i++)
        cr_assert_eq(kci_map_get(&m, name_of(i)), i % 2 ? &values[i] : NULL);
    cr_assert_eq(kci_map_count(&m), KEYS / 2);
    kci_map_free(&m);
    cr_assert_eq(kci_map_count(&m), 0);
    cr_assert_eq(kci_map_put(&m, name_of(1), &values[1], NULL), KC_OK);
    kci_map_free(&m);
}

Test(map, replaces)
{
    kci_map m;
    kci_map_init(&m, 1);
    void *old = &m;
    cr_assert_eq(kci_map_put(&m, kc_str("k"), &values[0], &old), KC_OK);
    cr_assert_null(old);
    char other[] = "k";
    cr_assert_eq(kci_map_put(&m, kc_str(other), &values[1], &old), KC_OK);
    cr_assert_eq(old, &values[0]);
    cr_assert_eq(kci_map_count(&m), 1);
    uint32_t at = 0;
    kc_bytes key;
    void *value;
    cr_assert(kci_map_next(&m, &at, &key, &value));
    cr_assert_eq((const void *)key.data, (const void *)other, "the new key is the one kept");
    kci_map_free(&m);
}

Test(map, walks_in_insertion_order_whatever_the_seed)
{
    for (uint64_t seed = 0; seed < 5; seed++) {
        kci_map m;
        kci_map_init(&m, seed);
        for (int i = 0; i < 500; i++)
            cr_assert_eq(kci_map_put(&m, name_of(i), &values[i], NULL), KC_OK);
        for (int i = 0; i < 500; i += 3)
            kci_map_remove(&m, name_of(i));
        for (int i = 500; i < 1500; i++)
            cr_assert_eq(kci_map_put(&m, name_of(i), &values[i], NULL), KC_OK);
        int expected = 0, seen = 0;
        void *value;
        for (uint32_t at = 0; kci_map_next(&m, &at, NULL, &value); seen++, expected++) {
            while (expected < 500 && expected % 3 == 0)
                expected++;
            cr_assert_eq(value, &values[expected]);
            kci_map_remove(&m, name_of(expected)); /* allowed while walking */
        }
        cr_assert_eq(seen, 1500 - 167);
        cr_assert_eq(kci_map_count(&m), 0);
        kci_map_free(&m);
    }
}

/* Random operations on the map and on a plain array must agree. */
Test(map, agrees_with_a_model)
{
    kci_imap m;
    kci_imap_init(&m, 7);
    kci_random r;
    kci_random_seed(&r, 99);
    static void *model[512];
    for (int i = 0; i < 200000; i++) {
        int k = (int)kci_random_below(&r, 512);
        int64_t key = k % 2 ? INT64_MIN + k : INT64_MAX - k;
        if (kci_random_below(&r, 3)) {
            void *old;
            cr_assert_eq(kci_imap_put(&m, key, &values[i % KEYS], &old), KC_OK);
            cr_assert_eq(old, model[k]);
            model[k] = &values[i % KEYS];
        } else {
            cr_assert_eq(kci_imap_remove(&m, key), model[k]);
            model[k] = NULL;
        }
        cr_assert_eq(kci_imap_get(&m, key), model[k]);
    }
    uint32_t count = 0;
    for (int k = 0; k < 512; k++)
        count += model[k] != NULL;
    cr_assert_eq(kci_imap_count(&m), count);
    int64_t key;
    void *value;
    for (uint32_t at = 0; kci_imap_next(&m, &at, &key, &value); count--) {
        int64_t k = key < 0 ? key - INT64_MIN : INT64_MAX - key;
        cr_assert_eq(model[k], value);
    }
    cr_assert_eq(count, 0);
    cr_assert_leq(m.map.entry_cap, 2048, "removed entries must not make it grow");
    kci_imap_free(&m);
}

Test(map, out_of_memory_changes_nothing)
{
    for (int fail = 1; fail <= 2; fail++) {
        kci_map m;
        kci_map_init(&m, 1);
        for (int i = 0; i < 8; i++)
            cr_assert_eq(kci_map_put(&m, name_of(i), &values[i], NULL), KC_OK);
        kci_mem_fail_after(fail, false);
        cr_assert_eq(kci_map_put(&m, name_of(8), &values[8], NULL), KC_E_NO_MEMORY);
        kci_mem_fail_after(0, false);
        cr_assert_eq(kci_map_count(&m), 8);
        for (int i = 0; i < 8; i++)
            cr_assert_eq(kci_map_get(&m, name_of(i)), &values[i]);
        cr_assert_null(kci_map_get(&m, name_of(8)));
        cr_assert_eq(kci_map_put(&m, name_of(8), &values[8], NULL), KC_OK);
        kci_map_free(&m);
    }
}

Test(map, null_key_is_the_empty_key)
{
    kci_map m;
    kci_map_init(&m, 1);
    cr_assert_eq(kci_map_put(&m, kc_mem(NULL, 0), &values[0], NULL), KC_OK);
    cr_assert_eq(kci_map_get(&m, kc_str("")), &values[0]);
    kci_map_free(&m);
}

/* Message and key are 00 01 02 ...; the values come from another implementation, which was checked
 * with the example of the SipHash paper. */
Test(map, siphash_values)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } known[] = {
        { 0, 0xabac0158050fc4dcu },  { 1, 0xc9f49bf37d57ca93u },  { 7, 0xd3927d989bb11140u },
        { 8, 0x369095118d299a8eu },  { 15, 0xd320d86d2a519956u }, { 16, 0xcc4fdd1a7d908b66u },
        { 63, 0x9d199062b7bbb3a8u },
    };
    static const uint64_t key[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
    uint8_t text[64];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)i;
    for (size_t i = 0; i < KCI_COUNT_OF(known); i++)
        cr_assert_eq(kci_siphash(key, text, known[i].size), known[i].hash, "%zu bytes",
                     known[i].size);
}
