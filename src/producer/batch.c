/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/batch.h"

#include <string.h>

#include "base/mem.h"

enum { FIRST_OPAQUES = 64 };

kc_err kci_send_batch_new(kci_pool *pool, struct kci_part *part, bool copy, kci_send_batch **out)
{
    int64_t bytes = (int64_t)sizeof **out;
    kc_err err = kci_pool_charge(pool, bytes, copy);
    if (err != KC_OK)
        return err;
    kci_send_batch *b = kci_calloc(1, sizeof *b);
    if (!b) {
        kci_pool_discharge(pool, bytes);
        return KC_E_NO_MEMORY;
    }
    b->charged = bytes;
    b->pool = pool;
    b->part = part;
    b->base_offset = -1;
    b->timestamp = KC_NO_TIMESTAMP;
    atomic_init(&b->uses, 1);
    atomic_init(&b->refs, 1);
    *out = b;
    return KC_OK;
}

void kci_send_batch_use(kci_send_batch *b)
{
    atomic_fetch_add_explicit(&b->uses, 1, memory_order_relaxed);
}

bool kci_send_batch_unuse(kci_send_batch *b)
{
    if (atomic_fetch_sub_explicit(&b->uses, 1, memory_order_acq_rel) != 1)
        return false;
    kci_batch_writer_clear(&b->writer, &b->pool->copies);
    kci_pool_discharge(b->pool, b->charged);
    b->charged = 0;
    kci_send_batch_unref(b);
    return true;
}

void kci_send_batch_ref(kci_send_batch *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

void kci_send_batch_unref(kci_send_batch *b)
{
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    kci_free(b->opaques);
    kci_free(b->text);
    kci_free(b->ranges);
    kci_free(b);
}

static kc_err resize_opaques(kci_send_batch *b, int32_t cap, bool copy)
{
    int64_t more = (int64_t)(cap - b->opaque_cap) * (int64_t)sizeof(void *);
    kc_err err = kci_pool_charge(b->pool, more, copy);
    if (err != KC_OK)
        return err;
    void **opaques = kci_realloc_array(b->opaques, (size_t)cap, sizeof *opaques);
    if (!opaques) {
        kci_pool_discharge(b->pool, more);
        return KC_E_NO_MEMORY;
    }
    b->opaques = opaques;
    b->opaque_cap = cap;
    b->charged += more;
    return KC_OK;
}

static kc_err grow_opaques(kci_send_batch *b)
{
    bool first = !b->opaques;
    int32_t cap = b->opaque_cap ? b->opaque_cap * 2 : FIRST_OPAQUES;
    while (cap <= b->writer.count)
        cap *= 2;
    kc_err err = resize_opaques(b, cap, false);
    if (err == KC_OK && first)
        memset(b->opaques, 0, (size_t)b->writer.count * sizeof *b->opaques);
    return err;
}

kc_err kci_send_batch_reserve_opaques(kci_send_batch *b, int32_t count)
{
    kc_err err = resize_opaques(b, count, true);
    if (err == KC_OK)
        memset(b->opaques, 0, (size_t)count * sizeof *b->opaques);
    return err;
}

kc_err kci_send_batch_put_opaque(kci_send_batch *b, void *opaque)
{
    if (!opaque && !b->opaques)
        return KC_OK;
    if (b->writer.count >= b->opaque_cap) {
        kc_err err = grow_opaques(b);
        if (err != KC_OK)
            return err;
    }
    b->opaques[b->writer.count] = opaque;
    return KC_OK;
}
