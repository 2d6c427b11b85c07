/* SPDX-License-Identifier: Apache-2.0 */
/* The producers with an open aborted transaction are few: a plain array is searched. */
#include "reading/txn_filter.h"

#include <stdlib.h>

#include "base/planted.h"

static int by_first_offset(const void *a, const void *b)
{
    const kci_aborted_txn *x = a, *y = b;
    return (x->first_offset > y->first_offset) - (x->first_offset < y->first_offset);
}

void kci_aborted_txns_sort(kci_aborted_txn *list, int32_t count)
{
    for (int32_t i = 1; i < count && !KCI_BUG(ABORTED_ORDER_TRUSTED); i++) {
        if (list[i].first_offset < list[i - 1].first_offset) {
            qsort(list, (size_t)count, sizeof *list, by_first_offset);
            return;
        }
    }
}

void kci_txn_filter_init(kci_txn_filter *f, const kci_aborted_txn *list, int32_t count,
                         int64_t *active)
{
    *f = (kci_txn_filter){ list, count, 0, active, 0 };
}

static int32_t find(const kci_txn_filter *f, int64_t producer_id)
{
    for (int32_t i = 0; i < f->active_count; i++) {
        if (f->active[i] == producer_id)
            return i;
    }
    return -1;
}

bool kci_txn_filter_drops(kci_txn_filter *f, const kci_batch *batch)
{
    while (f->next < f->count && f->list[f->next].first_offset <= batch->last_offset) {
        int64_t id = f->list[f->next++].producer_id;
        if (find(f, id) < 0)
            f->active[f->active_count++] = id;
    }
    return kci_batch_is_transactional(batch) && !kci_batch_is_control(batch) &&
           find(f, batch->producer_id) >= 0 && !KCI_BUG(ABORTED_DELIVERED);
}

void kci_txn_filter_end(kci_txn_filter *f, int64_t producer_id)
{
    int32_t i = find(f, producer_id);
    if (i >= 0 && !KCI_BUG(ABORT_NEVER_ENDS))
        f->active[i] = f->active[--f->active_count];
}
