/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder without manners: writes what it is told, also what no version allows (null where
 * nothing may be null, strings of any size) and, at one place, lengths and tags that are not true.
 */
#ifndef HOSTILE_ENCODE_H
#define HOSTILE_ENCODE_H

#include "base/buf.h"
#include "wire/codec.h"

typedef enum host_lie_kind {
    HOST_TRUTH,
    HOST_LIE_LENGTH,    /* `value` as the length or count of the field at `at` */
    HOST_LIE_BYTE,      /* `value` as the one byte of the field at `at` (booleans) */
    HOST_LIE_TAG_NEW,   /* one more tagged field in the struct at `at`, unknown: to be ignored */
    HOST_LIE_TAG_TWICE, /* the same unknown tag two times */
    HOST_LIE_TAG_SIZE,  /* an unknown tag that claims `value` bytes */
    HOST_LIE_TAG_COUNT, /* so many tags announced as `value` says, none there */
    HOST_LIE_TAG_KNOWN  /* number `value` as a tag, with 3 bytes of rubbish */
} host_lie_kind;

typedef struct host_lie {
    host_lie_kind kind;
    const void *at;
    const kci_field *field; /* that `at` belongs to, or NULL and msg */
    const kci_msg *msg;
    int64_t value;
} host_lie;

void host_encode(const kci_msg *msg, int16_t version, const void *in, const host_lie *lie,
                 kci_buf *out);

#endif
