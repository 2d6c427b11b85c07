/* SPDX-License-Identifier: Apache-2.0 */
/* The door, with every struct that goes through it: each size that a program's struct can have. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/abi_structs.h"
#include "base/mem.h"

enum { CANARY = 0xa7, MORE = 40, ROOM = 1024 };

static const kci_abi *const all[] = {
    &kci_abi_producer_record,
    &kci_abi_producer_options,
    &kci_abi_producer_interceptor,
    &kci_abi_partitioner,
    &kci_abi_consumer_options,
    &kci_abi_new_topic,
    &kci_abi_new_partitions,
    &kci_abi_delivery,
    &kci_abi_producer_counts,
    &kci_abi_stats,
    &kci_abi_config_property,
    &kci_abi_partition_offsets,
    &kci_abi_topic_result,
    &kci_abi_node,
    &kci_abi_topic_description,
    &kci_abi_partition_description,
    &kci_abi_config_entry,
    &kci_abi_topic_partition_offset,
    &kci_abi_assignor,
    &kci_abi_plan_score,
    &kci_abi_plan_member,
};

/* Bytes that no default has, behind a size. */
static void fill(uint8_t *at, uint32_t size, size_t used)
{
    for (size_t i = 0; i < used; i++)
        at[i] = (uint8_t)(0x40 + i % 50);
    memcpy(at, &size, sizeof size);
}

static bool all_are(const uint8_t *at, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        if (at[i] != value)
            return false;
    return true;
}

static void take_each_size(const kci_abi *abi)
{
    uint8_t to[ROOM], *exact;
    kc_error why;
    for (uint32_t size = abi->least; size <= abi->size + MORE; size++) {
        uint32_t known = size < abi->size ? size : abi->size;
        exact = calloc(1, size); /* so that ASan sees a byte read too much */
        fill(exact, size, known);
        if (abi->reserved)
            memset(exact + abi->reserved, 0, sizeof(uint32_t));
        memset(to, CANARY, sizeof to);
        cr_assert_eq(kci_abi_take(abi, exact, to, &why), KC_OK, "%s of %u", abi->name, size);
        cr_assert_eq(*(uint32_t *)(void *)to, abi->size);
        cr_assert_arr_eq(to + 4, exact + 4, known - 4);
        cr_assert_arr_eq(to + known, (const uint8_t *)abi->defaults + known, abi->size - known);
        cr_assert(all_are(to + abi->size, sizeof to - abi->size, CANARY));
        if (size > abi->size) {
            exact[size - 1] = 1;
            memset(to, CANARY, sizeof to);
            cr_assert_eq(kci_abi_take(abi, exact, to, &why), KC_E_INVALID_ARGUMENT);
            cr_assert(strstr(why.text, abi->name) && strstr(why.text, "newer"), "%s", why.text);
            cr_assert(all_are(to, sizeof to, CANARY));
        }
        free(exact);
    }
}

Test(abi, structs_of_all_versions_are_taken)
{
    for (size_t i = 0; i < KCI_COUNT_OF(all); i++)
        take_each_size(all[i]);
}

Test(abi, what_is_reserved_is_zero)
{
    uint8_t from[ROOM], to[ROOM];
    kc_error why;
    int found = 0;
    for (size_t i = 0; i < KCI_COUNT_OF(all); i++) {
        if (!all[i]->reserved)
            continue;
        found++;
        cr_expect_leq(all[i]->reserved + sizeof(uint32_t), all[i]->least);
        memcpy(from, all[i]->defaults, all[i]->size);
        cr_expect_eq(kci_abi_take(all[i], from, to, &why), KC_OK);
        from[all[i]->reserved + 3] = 1;
        cr_expect_eq(kci_abi_take(all[i], from, to, &why), KC_E_INVALID_ARGUMENT);
        cr_expect(strstr(why.text, "reserved"), "%s", why.text);
    }
    cr_expect_eq(found, 4);
}

Test(abi, sizes_that_no_version_has_are_refused)
{
    uint8_t to[ROOM], from[ROOM] = { 0 };
    kc_error why;
    for (size_t i = 0; i < KCI_COUNT_OF(all); i++) {
        const uint32_t bad[] = { 0, 1, all[i]->least - 1, 1u << 20, UINT32_MAX };
        for (size_t n = 0; n < KCI_COUNT_OF(bad); n++) {
            memcpy(from, &bad[n], sizeof bad[n]);
            cr_expect_eq(kci_abi_take(all[i], from, to, &why), KC_E_INVALID_ARGUMENT);
            cr_expect(strstr(why.text, all[i]->name) && strstr(why.text, all[i]->init), "%s",
                      why.text);
            cr_expect_eq(kci_abi_check_out(all[i], from, &why), KC_E_INVALID_ARGUMENT);
            memset(to, CANARY, sizeof to);
            memcpy(to, &bad[n], sizeof bad[n]);
            cr_expect_not(kci_abi_give(all[i], all[i]->defaults, to));
            cr_expect(all_are(to + 4, sizeof to - 4, CANARY));
        }
        cr_expect_eq(kci_abi_check_out(all[i], NULL, &why), KC_E_INVALID_ARGUMENT);
        cr_expect_not(kci_abi_give(all[i], all[i]->defaults, NULL));
    }
}

Test(abi, what_is_given_stays_within_the_size)
{
    for (size_t i = 0; i < KCI_COUNT_OF(all); i++) {
        const kci_abi *abi = all[i];
        uint8_t from[ROOM], out[ROOM];
        fill(from, abi->size, abi->size);
        for (uint32_t size = abi->least; size <= abi->size + MORE; size++) {
            uint32_t known = size < abi->size ? size : abi->size;
            memset(out, CANARY, sizeof out);
            memcpy(out, &size, sizeof size);
            cr_assert_eq(kci_abi_check_out(abi, out, NULL), KC_OK);
            cr_assert(kci_abi_give(abi, from, out));
            cr_assert_eq(*(uint32_t *)(void *)out, size, "the size stays the program's");
            cr_assert_arr_eq(out + 4, from + 4, known - 4);
            cr_assert(all_are(out + known, size - known, 0));
            cr_assert(all_are(out + size, sizeof out - size, CANARY));
        }
    }
}

Test(abi, init_makes_the_defaults)
{
    uint8_t out[ROOM];
    for (size_t i = 0; i < KCI_COUNT_OF(all); i++) {
        const kci_abi *abi = all[i];
        for (uint32_t size = 0; size <= abi->size + MORE; size++) {
            uint32_t known = size < abi->size ? size : abi->size;
            memset(out, CANARY, sizeof out);
            kci_abi_init(abi, out, size);
            if (size < abi->least) {
                cr_assert(all_are(out, sizeof out, CANARY));
                continue;
            }
            cr_assert_eq(*(uint32_t *)(void *)out, size);
            cr_assert_arr_eq(out + 4, (const uint8_t *)abi->defaults + 4, known - 4);
            cr_assert(all_are(out + known, size - known, 0));
            cr_assert(all_are(out + size, sizeof out - size, CANARY));
        }
        kci_abi_init(abi, NULL, abi->size);
        kci_abi_init(abi, out, SIZE_MAX);
    }
}

Test(abi, entries_of_arrays_lie_as_the_program_says)
{
    const kci_abi *abi = &kci_abi_topic_partition_offset;
    uint8_t to[ROOM];
    kc_error why;
    for (uint32_t size = abi->least; size <= abi->size + MORE; size += 8) {
        uint8_t *list = calloc(3, size);
        for (size_t i = 0; i < 3; i++) {
            fill(list + i * size, size, abi->least);
            list[i * size + 4] = (uint8_t)i;
        }
        for (size_t i = 0; i < 3; i++) {
            cr_assert_eq(kci_abi_take_at(abi, list, i, to, &why), KC_OK, "%s", why.text);
            cr_assert_eq(to[4], i);
        }
        list[2 * size] ^= 8;
        cr_assert_eq(kci_abi_take_at(abi, list, 2, to, &why), KC_E_INVALID_ARGUMENT);
        cr_assert(strstr(why.text, "entry 2"), "%s", why.text);
        free(list);
    }
}
