/* SPDX-License-Identifier: Apache-2.0 */
/* Places in a message where a broker can lie: every field that a version carries, arrays and their
 * first elements, the tagged-field section of each struct. Found from the wire layer's tables, so
 * new messages need no code here. Fields inside an empty array or a null struct are places too: an
 * element of defaults is added there when such a place is changed. */
#ifndef HOSTILE_PLACE_H
#define HOSTILE_PLACE_H

#include "wire/codec.h"

enum { HOST_STEPS_MAX = 8, HOST_PATH_SIZE = 160 };

typedef enum host_place_kind {
    HOST_FIELD,  /* a field, or an element of an array of plain values */
    HOST_ARRAY,  /* an array as a whole */
    HOST_OBJECT, /* a nullable struct as a whole */
    HOST_TAGS,   /* the tagged-field section of a struct */
    HOST_FRAME   /* the answer as a whole, with its header and length (frame.h) */
} host_place_kind;

typedef struct host_step {
    uint8_t field; /* index in the struct's fields */
    int8_t index;  /* of the element; -1: the field itself */
} host_step;

typedef struct host_place {
    host_place_kind kind;
    uint8_t depth;
    host_step steps[HOST_STEPS_MAX];
    const kci_msg *msg;     /* struct that holds the field; HOST_TAGS: the struct itself */
    const kci_field *field; /* NULL for HOST_TAGS and HOST_FRAME */
    bool is_error_code;
    char path[HOST_PATH_SIZE]; /* "responses[0].partitions[1].records" */
} host_place;

/* Calls fn for every place of a message. natural: it lies in what the message has, not in an
 * element that would have to be added. elements: how many of each array are looked at. */
typedef void (*host_place_fn)(void *arg, const host_place *place, bool natural);
void host_places(const kci_msg *msg, int16_t version, const void *in, int elements,
                 host_place_fn fn, void *arg);

/* Whether the place lies in what the message has. */
bool host_place_is_natural(const host_place *place, const kci_msg *msg, const void *in);

/* Where the place is in the struct `in` of msg, which is changed as needed (elements are added from
 * the arena). NULL when it is not there: an array is shorter, or out of memory. HOST_TAGS: the
 * struct itself. */
void *host_place_find(const host_place *place, const kci_msg *msg, void *in, kci_arena *arena);

#endif
