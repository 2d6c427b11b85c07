/* SPDX-License-Identifier: Apache-2.0 */
/* See step.h. */
#include "mock/step.h"

kc_err kci_mock_step_run(kci_mock_step *s, void (*fn)(void *arg))
{
    if (!s->mock)
        return KC_E_INVALID_ARGUMENT;
    kci_mock_run(s->mock, fn, s);
    return s->err;
}

int64_t kci_mock_step_number(kci_mock_step *s, void (*fn)(void *arg))
{
    if (!s->mock)
        return KC_E_INVALID_ARGUMENT;
    kci_mock_run(s->mock, fn, s);
    if (s->err == KC_OK)
        return s->result;
    if (s->err == KC_E_UNKNOWN_TOPIC_OR_PARTITION)
        return KC_E_UNKNOWN_PARTITION;
    return s->err > 0 ? -(int64_t)s->err : s->err;
}

kci_mock_topic *kci_mock_step_topic(kci_mock_step *s)
{
    kci_mock_topic *topic =
        s->topic ? kci_mock_topic_get(&s->mock->cluster, kc_str(s->topic)) : NULL;
    s->err = topic ? KC_OK : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    return topic;
}

kci_mock_partition *kci_mock_step_partition(kci_mock_step *s)
{
    kci_mock_partition *p = kci_mock_partition_of(kci_mock_step_topic(s), s->partition);
    s->err = p ? KC_OK : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    return p;
}

kci_mock_door *kci_mock_step_door(kci_mock_step *s)
{
    bool ok = s->broker >= 1 && s->broker <= s->mock->door_count;
    s->err = ok ? KC_OK : KC_E_INVALID_ARGUMENT;
    return ok ? &s->mock->doors[s->broker - 1] : NULL;
}
