/* SPDX-License-Identifier: Apache-2.0 */
/* What the public functions are made of: a step that is filled in by the caller's thread, carried
 * to the cluster's by kci_mock_run, and read again when it is done. */
#ifndef MOCK_STEP_H
#define MOCK_STEP_H

#include "mock/server.h"

/* One call's arguments and result; which are used depends on the step. */
typedef struct kci_mock_step {
    kc_mock *mock;
    const char *topic, *text, *more;
    int32_t partition, broker, count;
    int64_t number;
    uint32_t flags;
    bool yes;
    const void *in;
    void *out;
    size_t size;
    kc_err err;
    int64_t result; /* a number; of no meaning after an error */
} kci_mock_step;

/* Runs fn(s) on the cluster's thread; returns s->err. */
kc_err kci_mock_step_run(kci_mock_step *s, void (*fn)(void *arg));

/* The same for results that share their type with numbers: Kafka's codes, which are above 0, come
 * with their sign changed, and an unknown topic is an unknown partition. */
int64_t kci_mock_step_number(kci_mock_step *s, void (*fn)(void *arg));

/* What the step names, on the cluster's thread; NULL, and s->err set, when there is none. */
kci_mock_topic *kci_mock_step_topic(kci_mock_step *s);
kci_mock_partition *kci_mock_step_partition(kci_mock_step *s);
kci_mock_door *kci_mock_step_door(kci_mock_step *s);

#endif
