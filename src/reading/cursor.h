/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a slice: CRC check, decompression, transactions, views. The state of the one slice that
 * polls are reading; when it is left before its end it can be begun anew, from the position.
 *
 * Thread: the application's, without the lock of who owns the slices. */
#ifndef READING_CURSOR_H
#define READING_CURSOR_H

#include "reading/records.h"
#include "record/reader.h"

/* How to read; constant but for the decompressor's inside. */
typedef struct kci_read_options {
    bool check_crcs;
    bool committed; /* read_committed */
    int32_t max_records;
    size_t max_decompressed;
    kci_decompressor *decompressor;
    kci_block_source blocks;
    const kci_credit *credit; /* what the blocks count in; NULL: nothing */
} kci_read_options;

/* With how many views a kc_records begins. */
int32_t kci_read_options_views(const kci_read_options *o);

typedef struct kci_cursor {
    const kci_slice *slice; /* NULL: idle. Alive as long as it is queued */
    size_t at;              /* the batch to be read next, or being read */
    bool open;              /* the batch at `at` is being read by `it` */
    kci_batch batch;
    kci_records_iter it;
    kci_block *block; /* reference; what `it` reads, NULL: the frame */
    kci_txn_filter filter;
    /* Where reading is: the next record's offset, and the leader epoch of the one before it. */
    int64_t position;
    int32_t epoch;
    /* With an error: where, and where reading could go on. */
    int64_t error_offset, error_next;
} kci_cursor;

/* Begins a slice. What lies below the position is passed over. Must be idle. */
void kci_cursor_open(kci_cursor *c, const kci_slice *slice, int64_t position, int32_t epoch);

/* Leaves the slice; idle is fine. */
void kci_cursor_close(kci_cursor *c);

/* Appends views to r, up to its limit, and no further batch when the
 * credit is used up. KC_OK: r has its fill, or the slice has ended, or what was
 * read was all to be passed over; the position has moved in any case. KC_E_NO_MEMORY: nothing is
 * lost, try again. Other errors: a batch cannot be read, error_offset and error_next are set; the
 * same error comes again from the next call. With r->count > 0 no error is returned. */
kc_err kci_cursor_read(kci_cursor *c, const kci_read_options *o, kc_records *r);

/* Whether everything has been read, a damaged tail excepted. */
bool kci_cursor_at_end(const kci_cursor *c);

#endif
