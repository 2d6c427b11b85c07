/* SPDX-License-Identifier: Apache-2.0 */
#include "reading/topic_name.h"

#include <string.h>

bool kci_topic_partition_ok(kc_bytes topic, int32_t partition)
{
    if (!topic.data || topic.size == 0 || topic.size > KCI_TOPIC_NAME_MAX || partition < 0)
        return false;
    for (size_t i = 0; i < topic.size; i++) {
        uint8_t c = topic.data[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
        if (!ok)
            return false;
    }
    return true;
}

int kci_topic_name_compare(kc_bytes a, kc_bytes b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}
