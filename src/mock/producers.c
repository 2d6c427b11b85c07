/* SPDX-License-Identifier: Apache-2.0 */
/* Producers of a partition: the checks that make produce idempotent (KIP-98, KIP-360), and the
 * transactions that decide the last stable offset. */
#include "mock/producers.h"

#include "base/mem.h"

void kci_mock_producers_init(kci_mock_producers *ps)
{
    memset(ps, 0, sizeof *ps);
    /* Producer ids are given out by this cluster and few: a fixed seed keeps runs alike. */
    kci_imap_init(&ps->by_id, 1);
    kci_list_init(&ps->txns);
}

void kci_mock_producers_free(kci_mock_producers *ps)
{
    uint32_t at = 0;
    int64_t id;
    void *producer;
    while (kci_imap_next(&ps->by_id, &at, &id, &producer))
        kci_free(producer);
    kci_imap_free(&ps->by_id);
    kci_link *link;
    while ((link = kci_list_pop_front(&ps->txns)))
        kci_free(KCI_CONTAINER_OF(link, kci_mock_txn, link));
    kci_free(ps->aborted);
    kci_free(ps->spare);
    kci_mock_producers_init(ps);
}

static kci_mock_producer *get(const kci_mock_producers *ps, int64_t id)
{
    return id < 0 ? NULL : kci_imap_get(&ps->by_id, id);
}

const kci_mock_seen *kci_mock_producers_find(const kci_mock_producers *ps, const kci_batch *b)
{
    const kci_mock_producer *p = get(ps, b->producer_id);
    if (!p || p->epoch != b->producer_epoch)
        return NULL;
    int32_t last = kci_batch_last_sequence(b);
    for (int i = 0; i < p->seen_count; i++) {
        if (p->seen[i].first_sequence == b->base_sequence && p->seen[i].last_sequence == last)
            return &p->seen[i];
    }
    return NULL;
}

static int32_t next_sequence(const kci_mock_producer *p)
{
    if (p->seen_count == 0)
        return 0;
    return kci_sequence_add(p->seen[p->seen_count - 1].last_sequence, 1);
}

kc_err kci_mock_producers_check(const kci_mock_producers *ps, const kci_batch *b)
{
    const kci_mock_producer *p = get(ps, b->producer_id);
    if (!p || p->epoch < 0)
        return KC_OK; /* unknown, perhaps dropped with old batches: any sequence may begin */
    if (b->producer_epoch < p->epoch)
        return KC_E_INVALID_PRODUCER_EPOCH;
    int32_t expected = b->producer_epoch == p->epoch ? next_sequence(p) : 0;
    if (b->base_sequence != expected)
        return KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER;
    if (p->txn && !kci_batch_is_transactional(b))
        return KC_E_INVALID_TXN_STATE;
    return KC_OK;
}

static void forget_first(kci_mock_producers *ps)
{
    uint32_t at = 0;
    int64_t id;
    void *value;
    while (kci_imap_next(&ps->by_id, &at, &id, &value)) {
        kci_mock_producer *p = value;
        if (p->txn)
            continue;
        kci_imap_remove(&ps->by_id, id);
        kci_free(p);
        return;
    }
}

static kc_err reserve_producer(kci_mock_producers *ps, int64_t id)
{
    if (get(ps, id))
        return KC_OK;
    if (kci_imap_count(&ps->by_id) >= KCI_MOCK_PRODUCERS_MAX)
        forget_first(ps);
    kci_mock_producer *p = kci_calloc(1, sizeof *p);
    if (!p)
        return KC_E_NO_MEMORY;
    p->id = id;
    p->epoch = -1;
    kc_err err = kci_imap_put(&ps->by_id, id, p, NULL);
    if (err != KC_OK)
        kci_free(p);
    return err;
}

static kc_err reserve_aborted(kci_mock_producers *ps)
{
    if (ps->aborted_count < ps->aborted_cap)
        return KC_OK;
    size_t cap = ps->aborted_cap ? 2 * ps->aborted_cap : 8;
    kci_mock_aborted *list = kci_realloc_array(ps->aborted, cap, sizeof *list);
    if (!list)
        return KC_E_NO_MEMORY;
    ps->aborted = list;
    ps->aborted_cap = cap;
    return KC_OK;
}

kc_err kci_mock_producers_reserve(kci_mock_producers *ps, const kci_batch *b)
{
    if (b->producer_id < 0)
        return KC_OK;
    kc_err err = reserve_producer(ps, b->producer_id);
    if (err == KC_OK && kci_batch_is_control(b))
        err = reserve_aborted(ps);
    if (err == KC_OK && !ps->spare) {
        ps->spare = kci_calloc(1, sizeof *ps->spare);
        if (!ps->spare)
            err = KC_E_NO_MEMORY;
    }
    return err;
}

static void see(kci_mock_producer *p, const kci_batch *b, int64_t base_offset, int64_t append_time)
{
    if (p->seen_count == KCI_MOCK_BATCHES_KEPT) {
        memmove(&p->seen[0], &p->seen[1], sizeof p->seen - sizeof p->seen[0]);
        p->seen_count--;
    }
    p->seen[p->seen_count++] =
        (kci_mock_seen){ b->base_sequence, kci_batch_last_sequence(b), base_offset, append_time };
}

static void begin_txn(kci_mock_producers *ps, kci_mock_producer *p, int64_t first)
{
    kci_mock_txn *txn = ps->spare;
    ps->spare = NULL;
    memset(txn, 0, sizeof *txn);
    txn->producer_id = p->id;
    txn->first = first;
    txn->marker = -1;
    kci_list_push_back(&ps->txns, &txn->link);
    p->txn = txn;
}

static void end_txn(kci_mock_producers *ps, kci_mock_producer *p, int64_t marker, bool aborted)
{
    kci_mock_txn *txn = p->txn;
    if (!txn)
        return;
    p->txn = NULL;
    txn->marker = marker;
    if (aborted)
        ps->aborted[ps->aborted_count++] = (kci_mock_aborted){ p->id, txn->first, marker };
}

void kci_mock_producers_note(kci_mock_producers *ps, const kci_batch *b, int64_t base_offset,
                             int64_t append_time_ms, kci_control_type type)
{
    kci_mock_producer *p = get(ps, b->producer_id);
    if (!p)
        return;
    if (p->epoch != b->producer_epoch) {
        p->epoch = b->producer_epoch;
        p->seen_count = 0;
    }
    if (kci_batch_is_control(b)) {
        if (type == KCI_CONTROL_COMMIT || type == KCI_CONTROL_ABORT)
            end_txn(ps, p, base_offset, type == KCI_CONTROL_ABORT);
        return;
    }
    if (b->base_sequence >= 0)
        see(p, b, base_offset, append_time_ms);
    if (kci_batch_is_transactional(b) && !p->txn)
        begin_txn(ps, p, base_offset);
}

void kci_mock_producers_advance(kci_mock_producers *ps, int64_t hw)
{
    kci_link *link = kci_list_first(&ps->txns);
    while (link) {
        kci_link *next = kci_list_next(&ps->txns, link);
        kci_mock_txn *txn = KCI_CONTAINER_OF(link, kci_mock_txn, link);
        if (txn->marker >= 0 && txn->marker < hw) {
            kci_link_remove(link);
            kci_free(txn);
        }
        link = next;
    }
}

int64_t kci_mock_producers_first_open(const kci_mock_producers *ps)
{
    kci_link *link = kci_list_first(&ps->txns);
    return link ? KCI_CONTAINER_OF(link, kci_mock_txn, link)->first : INT64_MAX;
}

void kci_mock_producers_trim(kci_mock_producers *ps, int64_t start)
{
    size_t gone = 0;
    while (gone < ps->aborted_count && ps->aborted[gone].marker < start)
        gone++;
    if (gone == 0)
        return;
    ps->aborted_count -= gone;
    memmove(ps->aborted, ps->aborted + gone, ps->aborted_count * sizeof *ps->aborted);
}
