/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of kc_mock_add_fault, and which of them hit a request. */
#ifndef MOCK_FAULT_H
#define MOCK_FAULT_H

#include "mock/request.h"

typedef struct kci_mock_faults {
    kci_list active, gone; /* of rules, oldest first */
    int64_t last_id;
} kci_mock_faults;

void kci_mock_faults_init(kci_mock_faults *faults);
void kci_mock_faults_free(kci_mock_faults *faults);

/* See kclient/mock.h. */
int64_t kci_mock_faults_add(kci_mock_faults *faults, const kc_mock_fault *fault);
int64_t kci_mock_faults_hits(const kci_mock_faults *faults, int64_t id);
void kci_mock_faults_remove(kci_mock_faults *faults, int64_t id);
void kci_mock_faults_clear(kci_mock_faults *faults);

/* Fills r->plan and counts the rules that hit. KC_E_NO_MEMORY. */
kc_err kci_mock_faults_match(kci_mock_faults *faults, kci_mock_request *r);

#endif
