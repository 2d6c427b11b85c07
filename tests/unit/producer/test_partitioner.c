/* SPDX-License-Identifier: Apache-2.0 */
/* The partitioners that look at keys, against Java's murmur2 results (tests/vectors/murmur2.txt)
 * and the published check values of CRC-32 and FNV-1a. */
#include <criterion/criterion.h>

#include "producer/partitioner.h"

static const kc_bytes null_key = { NULL, 0 };

static const struct {
    const char *key;
    size_t size;
    int32_t of_3, of_7, of_1000;
} java[] = {
    /* from the vectors: partitions among 3, 7 and 1000 */
    { "", 0, 0, 2, 681 },
    { "\x14", 1, 0, 0, 854 },
    { "\x5c\xc0", 2, 2, 6, 111 },
    { "\x04\x45\x7f", 3, 2, 2, 422 },
    { "\xf1\xb4\xef\xcd", 4, 1, 2, 982 },
};

static int32_t by(kci_partitioner_kind kind, const char *key, int32_t count)
{
    return kci_partition_by_key(kind, kc_str(key), count);
}

Test(partitioner, murmur2_as_java)
{
    for (size_t i = 0; i < sizeof java / sizeof java[0]; i++) {
        kc_bytes key = kc_mem(java[i].key, java[i].size);
        cr_expect_eq(kc_partition_of_key(key, 3), java[i].of_3, "row %zu", i);
        cr_expect_eq(kc_partition_of_key(key, 7), java[i].of_7, "row %zu", i);
        cr_expect_eq(kc_partition_of_key(key, 1000), java[i].of_1000, "row %zu", i);
        cr_expect_eq(kci_partition_by_key(KCI_PARTITIONER_DEFAULT, key, 1000), java[i].of_1000);
        cr_expect_eq(kci_partition_by_key(KCI_PARTITIONER_MURMUR2, key, 1000), java[i].of_1000);
    }
    cr_expect_eq(kc_partition_of_key(null_key, 10), KC_PARTITION_ANY);
    cr_expect_eq(kc_partition_of_key(kc_str("k"), 0), KC_PARTITION_ANY);
}

Test(partitioner, a_missing_key)
{
    static const kci_partitioner_kind open[] = {
        KCI_PARTITIONER_DEFAULT, KCI_PARTITIONER_ROUND_ROBIN,       KCI_PARTITIONER_UNIFORM_STICKY,
        KCI_PARTITIONER_RANDOM,  KCI_PARTITIONER_CONSISTENT_RANDOM, KCI_PARTITIONER_FNV1A_RANDOM
    };
    static const kci_partitioner_kind fixed[] = { KCI_PARTITIONER_MURMUR2,
                                                  KCI_PARTITIONER_CONSISTENT,
                                                  KCI_PARTITIONER_FNV1A };
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        cr_expect_eq(kci_partition_by_key(open[i], null_key, 7), KC_PARTITION_ANY);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        cr_expect_eq(kci_partition_by_key(fixed[i], null_key, 7), by(fixed[i], "", 7));
    cr_expect_eq(by(KCI_PARTITIONER_ROUND_ROBIN, "k", 7), KC_PARTITION_ANY);
    cr_expect_eq(by(KCI_PARTITIONER_UNIFORM_STICKY, "k", 7), KC_PARTITION_ANY);
}

Test(partitioner, crc32_and_fnv1a)
{
    /* CRC-32 of "123456789" is cbf43926 */
    cr_expect_eq(by(KCI_PARTITIONER_CONSISTENT, "123456789", 1000003),
                 (int32_t)(0xcbf43926u % 1000003));
    cr_expect_eq(by(KCI_PARTITIONER_CONSISTENT_RANDOM, "123456789", 17),
                 (int32_t)(0xcbf43926u % 17));
    /* FNV-1a of "a" is e40c292c, of "foobar" bf9cf968; negative ones are made positive */
    cr_expect_eq(by(KCI_PARTITIONER_FNV1A, "a", 1000003), (int32_t)((0u - 0xe40c292cu) % 1000003));
    cr_expect_eq(by(KCI_PARTITIONER_FNV1A_RANDOM, "foobar", 12),
                 (int32_t)((0u - 0xbf9cf968u) % 12));
}
