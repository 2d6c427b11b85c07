/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a record's partition. The built-in ones go by name (property partitioner.class):
 *
 * - default, murmur2_random: Java's. murmur2 of the key; records without a key stay on one
 *   partition until batch.size bytes went to it, then move on to a random one, preferring those
 *   with less waiting (KIP-794).
 * - uniform-sticky: the same, keys are not looked at.
 * - round-robin: each record to the next partition, keys are not looked at (in Java
 *   org.apache.kafka.clients.producer.RoundRobinPartitioner).
 * - random: a random partition for each record, keys are not looked at.
 * - murmur2: murmur2 of the key, a missing key counts as an empty one.
 * - consistent_random: CRC-32 of the key, as librdkafka's default; without a key as default.
 * - consistent: CRC-32 of the key, a missing key counts as an empty one.
 * - fnv1a_random, fnv1a: the same two with FNV-1a, as librdkafka and Sarama.
 *
 * A program's own is a kc_partitioner in kc_producer_options. A record that names its partition
 * goes there whatever the partitioner. */
#ifndef KCLIENT_PARTITIONER_H
#define KCLIENT_PARTITIONER_H

#include <kclient/error.h>
#include <kclient/record.h>

KC_BEGIN

/* What a partitioner may look at; all borrowed during the call. */
typedef struct kc_partitioner_input {
    uint32_t size;           /* sizeof(kc_partitioner_input) of the library */
    int32_t partition_count; /* of the topic, at least 1 */
    const kc_producer_record *record;
    const int32_t *available; /* partitions that have a leader at present, ascending */
    int32_t available_count;  /* 0 possible */
} kc_partitioner_input;

/* A program's partitioner; user is given to each function. Begin with KC_PARTITIONER_INIT. */
typedef struct kc_partitioner {
    uint32_t size;     /* sizeof(kc_partitioner) as the program was compiled */
    uint32_t reserved; /* 0 */
    void *user;
    /* The partition, 0 to partition_count-1; a negative number refuses the record: its send returns
     * KC_E_REJECTED. Runs in kc_producer_send() on the calling thread, so in several at once when
     * several threads send. No lock is held. */
    int32_t (*partition)(void *user, const kc_partitioner_input *input);
    /* The producer is freed; may be NULL. */
    void (*close)(void *user);
} kc_partitioner;

#define KC_PARTITIONER_INIT                                   \
    {                                                         \
        (uint32_t)sizeof(kc_partitioner), 0, NULL, NULL, NULL \
    }
KC_API void kc_partitioner_init(kc_partitioner *out, size_t size);

/* The partition that Java's and our default partitioner choose for a key (murmur2, not negative,
 * modulo count). KC_PARTITION_ANY when key is null or count < 1. Thread-safe. */
KC_API int32_t kc_partition_of_key(kc_bytes key, int32_t count);

KC_END

#endif
