/* SPDX-License-Identifier: Apache-2.0 */
/* Lies about an answer as a whole: its correlation id, its length, where it ends, what it is. */
#ifndef HOSTILE_FRAME_H
#define HOSTILE_FRAME_H

#include "base/buf.h"

/* What was sent before, to be sent again in the wrong place. */
typedef struct host_past {
    uint8_t other[1 << 16]; /* an answer of another API, from its header's end on */
    size_t other_size;
    int32_t earlier_id; /* of another request of this broker */
} host_past;

int host_frame_variants(void);
const char *host_frame_variant_name(int variant);

/* Changes a whole frame, length first. header: bytes of the response header. */
void host_frame_mutate(int variant, kci_buf *frame, size_t header, const host_past *past);

#endif
