/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that who reads holds for what was fetched, in bytes really held: frames, decompressed
 * blocks and arrays of record views, whether they wait in a queue or are with the application.
 * The fetcher asks for more only while there is room below the limit (fetch.buffer.bytes).
 *
 * Reference-counted and independent of the object that reads, because records may be freed on
 * any thread and after that object, the client and its loop are gone. */
#ifndef READING_CREDIT_H
#define READING_CREDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "record/compress.h"

typedef struct kci_credit kci_credit;

/* on_room is called (any thread, with the credit's own lock held: it may only post) when there is
 * room again after kci_credit_await. One reference, the caller's; NULL when out of memory. */
kci_credit *kci_credit_new(size_t limit, void (*on_room)(void *arg), void *arg);
kci_credit *kci_credit_ref(kci_credit *credit);
void kci_credit_unref(kci_credit *credit);

/* on_room does not run any more when this returns. */
void kci_credit_detach(kci_credit *credit);

/* Any thread. take never fails: what is held is counted, also above the limit. */
void kci_credit_take(kci_credit *credit, size_t bytes);
void kci_credit_give(kci_credit *credit, size_t bytes);

size_t kci_credit_limit(const kci_credit *credit);
size_t kci_credit_held(const kci_credit *credit);

/* The most that was held at a time. */
size_t kci_credit_peak(const kci_credit *credit);

/* Asks for on_room when at most `held` bytes are held. False: that is so already, on_room will not
 * come. Replaces an earlier wish. */
bool kci_credit_await(kci_credit *credit, size_t held);

/* Memory for decompressed blocks, counted by the credit. A block that outlives its reader needs
 * the credit alive: who holds the block holds a reference to the credit. */
kci_block_source kci_credit_blocks(kci_credit *credit);

/* The largest decompressed block there has been. */
size_t kci_credit_largest_block(const kci_credit *credit);

#endif
