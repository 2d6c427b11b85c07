/* SPDX-License-Identifier: Apache-2.0 */
#include "core/partitions.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

struct kc_partitions {
    size_t count;
    uint8_t *names; /* where the next name goes */
    kc_topic_partition list[];
};

kc_partitions *kci_partitions_new(size_t count, size_t names)
{
    if (count > (SIZE_MAX / 2 - sizeof(kc_partitions)) / sizeof(kc_topic_partition) ||
        names > SIZE_MAX / 2)
        return NULL;
    size_t size = sizeof(kc_partitions) + count * sizeof(kc_topic_partition);
    kc_partitions *p = kci_alloc(size + names);
    if (!p)
        return NULL;
    p->count = 0;
    p->names = (uint8_t *)p + size;
    return p;
}

void kci_partitions_add(kc_partitions *p, kc_bytes topic, int32_t partition)
{
    const kc_topic_partition *last = p->count > 0 ? &p->list[p->count - 1] : NULL;
    kc_bytes name = kc_mem(p->names, topic.size);
    if (last && kci_bytes_equal(last->topic, topic)) {
        name = last->topic;
    } else {
        memcpy(p->names, topic.data, topic.size);
        p->names += topic.size;
    }
    p->list[p->count++] = (kc_topic_partition){ .topic = name, .partition = partition };
}

size_t kc_partitions_count(const kc_partitions *p)
{
    return p ? p->count : 0;
}

const kc_topic_partition *kc_partitions_data(const kc_partitions *p)
{
    return p && p->count > 0 ? p->list : NULL;
}

bool kc_partitions_at(const kc_partitions *p, size_t index, kc_topic_partition *out)
{
    if (!p || !out || index >= p->count)
        return false;
    *out = p->list[index];
    return true;
}

void kc_partitions_free(kc_partitions *p)
{
    kci_free(p);
}
