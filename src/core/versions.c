/* SPDX-License-Identifier: Apache-2.0 */
#include "core/versions.h"

/* Kafka 4 says that it takes Produce from version 0, for the sake of an old library that would give
 * up otherwise, but refuses what is below 3 (KAFKA-18659). */
static const int16_t produce_min = 3;

static int8_t clamp(int16_t version)
{
    return version > INT8_MAX ? INT8_MAX : version < -1 ? -1 : (int8_t)version;
}

static kci_version_range common(const kci_api *api, int16_t min, int16_t max)
{
    int16_t first = min > api->min_version ? min : api->min_version;
    int16_t last = max < api->max_version ? max : api->max_version;

    if (api->key == KCI_API_PRODUCE && first < produce_min)
        first = produce_min;
    return (kci_version_range){ clamp(first), clamp(last) };
}

void kci_versions_set(kci_versions_table *table, const kci_api_versions_response *answer)
{
    for (size_t i = 0; i < KCI_API_KEYS; i++)
        table->range[i] = (kci_version_range){ 0, -1 };
    for (int32_t i = 0; i < answer->api_keys.count; i++) {
        int16_t key = answer->api_keys.data[i].api_key;
        const kci_api *api = kci_api_get(key);
        if (api && key >= 0 && key < KCI_API_KEYS)
            table->range[key] = common(api, answer->api_keys.data[i].min_version,
                                       answer->api_keys.data[i].max_version);
    }
}

int16_t kci_versions_pick(const kci_versions_table *table, int16_t api, int16_t min, int16_t max)
{
    if (api < 0 || api >= KCI_API_KEYS)
        return -2;
    kci_version_range range = table->range[api];
    bool limited = min != 0 || max != 0;
    int16_t first = limited && min > range.first ? min : range.first;
    int16_t last = limited && max < range.last ? max : range.last;
    return first <= last ? last : -2;
}
