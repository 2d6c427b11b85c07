/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker's LogValidator checks of single records: in compacted topics each needs a key. The
 * answer names those without (KIP-467). */
#include "base/mem.h"
#include "mock/apis.h"
#include "record/reader.h"

enum { INFLATED_MAX = 256 << 20, DECODED_AT_ONCE = 64 };

typedef kci_produce_response_batch_index_and_error_message record_error;

/* Calls fn for each record; what cannot be read is passed over: the log's own checks find it. */
static void each_record(kc_bytes bytes, void (*fn)(void *arg, int32_t index, const kc_record *r),
                        void *arg)
{
    kci_batch b;
    kci_records_iter it;
    kci_block *block = NULL;
    kci_decompressor *d = NULL;
    kc_record records[DECODED_AT_ONCE];
    if (kci_batch_parse(bytes.data, bytes.size, &b) != KC_OK || !b.complete || b.magic != 2 ||
        kci_decompressor_new(&d) != KC_OK)
        return;
    int32_t n, index = 0;
    if (kci_records_open(&it, &b, b.base_offset, d, &kci_block_heap, INFLATED_MAX, &block) ==
        KC_OK) {
        while ((n = kci_records_decode(&it, records, DECODED_AT_ONCE)) > 0)
            for (int32_t i = 0; i < n; i++)
                fn(arg, index++, &records[i]);
    }
    kci_block_unref(block);
    kci_decompressor_free(d);
}

typedef struct keyless {
    record_error *list; /* NULL: only counted */
    int32_t count;
} keyless;

static void look(void *arg, int32_t index, const kc_record *record)
{
    keyless *k = arg;
    if (record->key.data)
        return;
    if (k->list) {
        kci_msg_init(&kci_produce_response_batch_index_and_error_message_msg, &k->list[k->count]);
        k->list[k->count].batch_index = index;
        k->list[k->count].batch_index_error_message =
            kc_str("Compacted topic cannot accept message without key.");
    }
    k->count++;
}

int32_t kci_mock_name_keyless(kci_mock_request *r, kc_bytes records, record_error **out)
{
    keyless k = { NULL, 0 };
    *out = NULL;
    each_record(records, look, &k);
    if (k.count == 0)
        return 0;
    keyless named = { kci_arena_array(&r->arena, (size_t)k.count, sizeof *named.list), 0 };
    if (named.list)
        each_record(records, look, &named);
    *out = named.list;
    return k.count;
}
