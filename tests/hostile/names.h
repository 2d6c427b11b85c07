/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the fields of responses, made from the schema by names.py: for paths that people read.
 */
#ifndef HOSTILE_NAMES_H
#define HOSTILE_NAMES_H

#include "wire/codec.h"

typedef struct host_names {
    const kci_msg *msg;
    const char *const *names; /* in the order of msg->fields */
} host_names;

/* Every struct of every response that has fields; ends with a NULL msg. */
extern const host_names host_names_table[];

/* Name of field number i of a struct; "?" if unknown. */
static inline const char *host_field_name(const kci_msg *msg, size_t i)
{
    for (const host_names *n = host_names_table; n->msg; n++)
        if (n->msg == msg)
            return n->names[i];
    return "?";
}

#endif
