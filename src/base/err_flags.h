/* SPDX-License-Identifier: Apache-2.0 */
/* What the library itself does about errors: more bits of the table of errors (error_table.c). */
#ifndef BASE_ERR_FLAGS_H
#define BASE_ERR_FLAGS_H

#include <stdbool.h>

#include <kclient/error.h>

/* Beside the KC_ERROR_... of a code: what whoever asked a broker has to do. Kafka's "retriable"
 * says only that the subject may be in another state later. */
enum {
    KCI_ERROR_PUBLIC = 0xffff, /* the bits that are KC_ERROR_... */
    /* The one who was asked could not answer, or is not the right one: the same question may be
     * asked again, of whoever is right then. */
    KCI_ERROR_ASK_AGAIN = 1 << 16,
    /* The broker cannot be reached, or is none of the cluster's: whoever believed in it looks again
     * (leaders, coordinators). */
    KCI_ERROR_NODE_GONE = 1 << 17,
    KCI_ERROR_REFRESH_CONTROLLER = 1 << 18,  /* the controller is another one */
    KCI_ERROR_REFRESH_COORDINATOR = 1 << 19, /* so is the coordinator, or there is none now */
    KCI_ERROR_ACCIDENT = 1 << 20 /* inside the broker or on the way; may never come again */
};

/* kc_error_flags() with the bits above. Any thread. */
uint32_t kci_error_flags(kc_err code);

/* Whether the same question about a partition may be asked again, of who is its leader then. */
static inline bool kci_error_passes(kc_err code)
{
    uint32_t passing = KC_ERROR_RETRIABLE | KCI_ERROR_ASK_AGAIN | KCI_ERROR_NODE_GONE;
    return (kci_error_flags(code) & passing) != 0;
}

#endif
