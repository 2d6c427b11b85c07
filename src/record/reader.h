/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the records of a batch, any magic, as views that point into the batch or into the block
 * it was decompressed into. The iterator is the caller's (on the stack), owns nothing, allocates
 * nothing.
 *
 *   while (kci_batch_parse(p, n, &b) == KC_OK && b.complete) {
 *       kci_batch_check_crc(&b)          unless check.crcs is off
 *       kci_records_open(&it, &b, ...)   decompresses
 *       while ((got = kci_records_decode(&it, views, cap)) > 0) ...
 *       it.error                         why it ended
 *       p += b.size ...                  go on at kci_batch_next_offset(&b)
 *   }
 */
#ifndef RECORD_READER_H
#define RECORD_READER_H

#include <kclient/record.h>

#include "record/batch.h"
#include "record/compress.h"

/* Where decoding stands. Only `error`, `remaining` and the two offsets are for the caller. */
typedef struct kci_records_iter {
    kc_err error; /* KC_OK, or why decoding ended before the end */
    /* Records not yet decoded (skipped ones included), as announced; magic 0 and 1: -1, unknown. */
    int32_t remaining;
    int64_t base_offset; /* of the batch; known for compressed magic 0 and 1 too */
    int64_t next_offset; /* after the batch: where to go on, also when decoding failed */

    const uint8_t *pos;
    const uint8_t *end;
    int64_t start_offset;
    int64_t offset_base; /* added to what the record says */
    int64_t base_timestamp;
    int64_t append_time;
    uint32_t last_delta;
    bool is_append_time;
    int8_t magic;
} kci_records_iter;

/* Prepares to decode the records of a complete batch whose offset is start_offset or above.
 * Compressed records are decompressed into *block (a reference of the caller's, to be held as long
 * as the views are used); uncompressed ones stay where they are and *block is NULL. d, source and
 * max_bytes (at most so much is decompressed) are as kci_decompress takes them.
 * Errors: those of kci_decompress; KC_E_CORRUPT_MESSAGE when the count cannot be. On an error there
 * is no block, it->error is set, and decode returns 0. */
kc_err kci_records_open(kci_records_iter *it, const kci_batch *batch, int64_t start_offset,
                        kci_decompressor *d, const kci_block_source *source, size_t max_bytes,
                        kci_block **block);

/* Decodes up to cap (> 0) records and returns how many. 0: the end, or an error: it->error is then
 * KC_E_CORRUPT_MESSAGE when a length leaves its record, records and announced count disagree, or a
 * header is malformed. Records that lie before the bad one have been returned, as Java does.
 * Headers are checked here, so kc_record_headers cannot fail on what this returns. */
int32_t kci_records_decode(kci_records_iter *it, kc_record *out, int32_t cap);

#endif
