/* SPDX-License-Identifier: Apache-2.0 */
/* Fills any generated struct with random content by its table: what a version carries, within what
 * it allows. Everything lies in the arena. */
#ifndef WIRE_FILLER_H
#define WIRE_FILLER_H

#include "wire/codec.h"

typedef struct filler {
    uint64_t state; /* of the random sequence, not 0 */
    uint8_t version;
    kci_arena *arena;
    bool nulls; /* null wherever it is allowed, nothing in arrays; else everything is set */
} filler;

void fill_message(filler *f, const kci_msg *msg, void *out);

/* Calls visit for every message at every version. */
typedef void message_visitor(const kci_msg *msg, int16_t version);
void for_each_message(message_visitor *visit);

enum { LARGEST_STRUCT = 1024 };

#endif
