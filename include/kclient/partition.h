/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions, by their topic's name and their number, and places in them. */
#ifndef KCLIENT_PARTITION_H
#define KCLIENT_PARTITION_H

#include <kclient/error.h>
#include <kclient/types.h>

KC_BEGIN

/* A partition. Borrowed by the calls that take it. The struct will not change. */
typedef struct kc_topic_partition {
    kc_bytes topic;
    int32_t partition;
} kc_topic_partition;

/* A partition with an offset: a place that was read up to, was committed, or is to be. Begin with
 * KC_TOPIC_PARTITION_OFFSET_INIT. In an array every entry has the `size` of the first. */
typedef struct kc_topic_partition_offset {
    uint32_t size; /* sizeof(kc_topic_partition_offset) as the program was compiled */
    int32_t partition;
    kc_bytes topic;
    int64_t offset;       /* of the next record to be read; -1: none */
    int32_t leader_epoch; /* of the record before it (KIP-320); -1: not known */
    kc_err err;           /* given back: KC_OK, or why there is no offset */
    kc_bytes metadata;    /* a program's own text beside the offset; null: none */
} kc_topic_partition_offset;

#define KC_TOPIC_PARTITION_OFFSET_INIT                                           \
    {                                                                            \
        (uint32_t)sizeof(kc_topic_partition_offset), -1, { NULL, 0 }, -1, -1, 0, \
        {                                                                        \
            NULL, 0                                                              \
        }                                                                        \
    }
KC_API void kc_topic_partition_offset_init(kc_topic_partition_offset *out, size_t size);

/* A list of partitions that the library gives out. It depends on nothing else and does not change:
 * any thread may read it. */
typedef struct kc_partitions kc_partitions;

KC_API size_t kc_partitions_count(const kc_partitions *partitions);

/* All of them, kc_partitions_count() in a row, for the calls that take such a list. NULL when there
 * are none. */
KC_API const kc_topic_partition *kc_partitions_data(const kc_partitions *partitions);

/* One of them; false past the end. The name is borrowed from the list. */
KC_API bool kc_partitions_at(const kc_partitions *partitions, size_t index,
                             kc_topic_partition *out);

KC_API void kc_partitions_free(kc_partitions *partitions); /* NULL is fine */

KC_END

#endif
