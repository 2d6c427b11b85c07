/* SPDX-License-Identifier: Apache-2.0 */
/* What a lying broker puts in a place: the variants of each kind of field. Deterministic: the same
 * place, variant and message give the same bytes. */
#ifndef HOSTILE_MUTATE_H
#define HOSTILE_MUTATE_H

#include "hostile/encode.h"
#include "hostile/place.h"

enum { HOST_BATCHES = 3 };

/* What the lies are made of; the bytes are borrowed. */
typedef struct host_given {
    kci_arena *arena; /* owns what is added to the message */
    kc_bytes other_topic;
    kc_uuid other_id;
    kc_bytes batches[HOST_BATCHES]; /* of other partitions, by number */
} host_given;

/* How many variants a place has, and the name of each (in buf, or static). */
int host_variants(const host_place *place);
const char *host_variant_name(const host_place *place, int variant, char buf[32]);

/* Changes the message `root` of msg there, or sets the lie for the encoder. False when the place is
 * not in this message. */
bool host_mutate(const host_place *place, int variant, const kci_msg *msg, void *root,
                 const host_given *given, host_lie *lie);

/* True when the variant puts another partition's genuine batch, or a lie inside the CRC with the
 * CRC made right, in a `records` field: no client can tell. */
bool host_forges_records(const host_place *place, int variant);

#endif
