/* SPDX-License-Identifier: Apache-2.0 */
/* InitProducerId: producer ids for idempotence, and epochs of transactional ids. */
#include "base/bytes.h"
#include "base/mem.h"
#include "mock/apis.h"

enum { TRANSACTION_TIMEOUT_MAX_MS = 15 * 60 * 1000 }; /* transaction.max.timeout.ms */

static kci_mock_txn_id *txn_id_of(kci_mock_cluster *c, kc_bytes id)
{
    kci_mock_txn_id *t = kci_map_get(&c->txn_ids, id);
    if (t)
        return t;
    t = kci_calloc(1, sizeof *t + id.size);
    if (!t)
        return NULL;
    uint8_t *name = (uint8_t *)(t + 1);
    memcpy(name, id.data, id.size);
    t->id = kc_mem(name, id.size);
    t->producer_id = -1;
    t->epoch = -1;
    if (kci_map_put(&c->txn_ids, t->id, t, NULL) != KC_OK) {
        kci_free(t);
        return NULL;
    }
    return t;
}

/* The next epoch; a new id when epochs are used up. Fences everyone with the former epoch. */
static kc_err begin_epoch(kci_mock_request *r, kci_mock_txn_id *t)
{
    const kci_init_producer_id_request *in = r->body;
    bool says = in->producer_id >= 0;
    if (says && (in->producer_id != t->producer_id || in->producer_epoch != t->epoch))
        return r->version >= 4 ? KC_E_PRODUCER_FENCED : KC_E_INVALID_PRODUCER_EPOCH;
    if (t->producer_id < 0 || t->epoch >= INT16_MAX - 1) {
        t->producer_id = r->cluster->next_producer_id++;
        t->epoch = 0;
    } else {
        t->epoch++;
    }
    return KC_OK;
}

static kc_err transactional(kci_mock_request *r, kci_init_producer_id_response *out)
{
    const kci_init_producer_id_request *in = r->body;
    if (in->transactional_id.size == 0)
        return KC_E_INVALID_REQUEST;
    if (in->transaction_timeout_ms <= 0 || in->transaction_timeout_ms > TRANSACTION_TIMEOUT_MAX_MS)
        return KC_E_INVALID_TRANSACTION_TIMEOUT;
    kci_mock_txn_id *t = txn_id_of(r->cluster, in->transactional_id);
    if (!t)
        return KC_E_COORDINATOR_NOT_AVAILABLE;
    kc_err err = begin_epoch(r, t);
    if (err == KC_OK) {
        out->producer_id = t->producer_id;
        out->producer_epoch = t->epoch;
    }
    return err;
}

kci_mock_outcome kci_mock_serve_init_producer_id(kci_mock_request *r)
{
    const kci_init_producer_id_request *in = r->body;
    kci_init_producer_id_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->producer_epoch = -1;
    kc_err err = kci_mock_forced_error(r, kc_mem(NULL, 0), -1, NULL);
    if (err == KC_OK && in->transactional_id.data) {
        err = transactional(r, out);
    } else if (err == KC_OK) {
        out->producer_id = r->cluster->next_producer_id++;
        out->producer_epoch = 0;
    }
    out->error_code = (int16_t)err;
    return KCI_MOCK_ANSWER;
}
