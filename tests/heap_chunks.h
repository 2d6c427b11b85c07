/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks from malloc for tests that write batches; out of memory ends the test. */
#ifndef TESTS_HEAP_CHUNKS_H
#define TESTS_HEAP_CHUNKS_H

#include <stdlib.h>

#include "record/writer.h"

static kci_chunk *heap_chunk_get(void *arg, uint32_t min_cap)
{
    (void)arg;
    uint32_t cap = min_cap > 4096 ? min_cap : 4096;
    kci_chunk *c = malloc(sizeof *c + cap);
    if (!c)
        abort();
    *c = (kci_chunk){ .cap = cap };
    return c;
}

static void heap_chunk_put(void *arg, kci_chunk *chunk)
{
    (void)arg;
    free(chunk);
}

static const kci_chunk_source heap_chunks = { heap_chunk_get, heap_chunk_put, NULL };

#endif
