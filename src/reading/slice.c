/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: the struct, its slices, then the lists of aborted transactions and the filters' room. */
#include "reading/slice.h"

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/planted.h"
#include "record/batch.h"

struct kci_fetched {
    atomic_int refs;
    kci_credit *credit;
    kci_frame *frame;
    size_t bytes;
    size_t slice_count, aborted_count; /* in use */
    kci_aborted_txn *aborted;
    int64_t *active;
    kci_slice slices[];
};

size_t kci_fetched_size(size_t slices, size_t aborted)
{
    size_t each = sizeof(kci_aborted_txn) + sizeof(int64_t);
    return sizeof(kci_fetched) + slices * sizeof(kci_slice) + aborted * each;
}

kci_fetched *kci_fetched_new(kci_credit *credit, kci_frame *frame, size_t slices, size_t aborted)
{
    if (slices > UINT32_MAX || aborted > UINT32_MAX)
        return NULL; /* more than any frame can hold */
    size_t size = kci_fetched_size(slices, aborted);
    kci_fetched *f = kci_alloc(size);
    if (!f)
        return NULL;
    atomic_init(&f->refs, 1);
    f->credit = kci_credit_ref(credit);
    f->frame = kci_frame_ref(frame);
    f->bytes = size + (KCI_BUG(FRAMES_UNCOUNTED) ? 0 : frame->cap);
    f->slice_count = f->aborted_count = 0;
    f->aborted = (kci_aborted_txn *)(void *)(f->slices + slices);
    f->active = (int64_t *)(void *)(f->aborted + aborted);
    kci_credit_take(credit, f->bytes);
    return f;
}

kci_fetched *kci_fetched_ref(kci_fetched *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void kci_fetched_unref(kci_fetched *f)
{
    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    kci_credit *credit = f->credit;
    size_t bytes = f->bytes;
    kci_frame_unref(f->frame);
    kci_free(f);
    if (!KCI_BUG(CREDIT_NOT_RETURNED))
        kci_credit_give(credit, bytes);
    kci_credit_unref(credit);
}

kci_slice *kci_fetched_add(kci_fetched *f, const kci_fetch_response_partition_data *data,
                           int32_t node)
{
    kci_slice *s = &f->slices[f->slice_count++];
    int32_t n = data->aborted_transactions.count > 0 ? data->aborted_transactions.count : 0;
    kci_aborted_txn *aborted = f->aborted + f->aborted_count;
    *s = (kci_slice){
        .owner = f,
        .data = data->records.data,
        .size = data->records.size,
        .leader_epoch = -1,
        .node = node,
        .high_watermark = data->high_watermark,
        .last_stable = data->last_stable_offset,
        .log_start = data->log_start_offset,
        .aborted = aborted,
        .active = f->active + f->aborted_count,
        .aborted_count = n,
    };
    for (int32_t i = 0; i < n; i++) {
        aborted[i].producer_id = data->aborted_transactions.data[i].producer_id;
        aborted[i].first_offset = data->aborted_transactions.data[i].first_offset;
    }
    kci_aborted_txns_sort(aborted, n);
    f->aborted_count += (size_t)n;
    return s;
}

static void end_with(kci_slice *s, kc_err err, int64_t offset, int64_t next)
{
    s->tail_error = err;
    s->tail_offset = offset;
    s->tail_next = next;
}

/* Where to go on after a damaged batch of that size (0: unknown): at the one that follows it, if
 * that can be seen. */
static int64_t beyond(const uint8_t *p, size_t left, size_t size, int64_t offset)
{
    if (size > 0 && left > size && left - size >= KCI_BATCH_PREFIX_SIZE) {
        int64_t base = (int64_t)kci_load64(p + size);
        if (base > offset)
            return base;
    }
    return offset + 1;
}

/* The offsets of a batch are not under its CRC. Within an answer they grow, and they are not far
 * beyond the end that the broker tells (by a little they can be). */
static bool is_plausible(const kci_slice *s, const kci_batch *b, int64_t last)
{
    if (b->last_offset <= last)
        return false;
    return s->high_watermark < 0 || b->last_offset - s->high_watermark <= INT32_MAX;
}

void kci_slice_scan(kci_slice *s, int64_t offset, bool whole)
{
    size_t done = 0;
    int64_t next = offset, last = -1;
    while (done < s->size) {
        kci_batch b;
        kc_err err = kci_batch_parse(s->data + done, s->size - done, &b);
        if (err != KC_OK) {
            size_t size = err == KC_E_CORRUPT_MESSAGE ? b.size : 0;
            end_with(s, err, next, beyond(s->data + done, s->size - done, size, next));
            break;
        }
        if (!b.complete)
            break;
        if (!is_plausible(s, &b, last)) { /* this one, or one before it: which is not known */
            end_with(s, KC_E_CORRUPT_MESSAGE, offset, offset + 1);
            done = 0;
            next = offset;
            s->batches = 0;
            break;
        }
        last = b.last_offset;
        if (kci_batch_next_offset(&b) > next) {
            next = kci_batch_next_offset(&b);
            s->leader_epoch = b.leader_epoch;
        }
        done += b.size;
        s->batches++;
    }
    s->size = done;
    s->next_offset = next;
    /* Nothing that could be read: asking again would bring the same for ever. */
    if (s->tail_error == KC_OK && next == offset && (whole || done > 0))
        end_with(s, KC_E_PROTOCOL, offset, offset + 1);
}
