/* SPDX-License-Identifier: Apache-2.0 */
/* The broker that lies: sits at the mock's hook for answers, counts those of one API, and changes
 * them at one place in one way, once or for as long as it is on. Without a place it only looks, for
 * the list of all places (cases.h). */
#ifndef HOSTILE_LIAR_H
#define HOSTILE_LIAR_H

#include <kclient/mock.h>

#include "hostile/frame.h"
#include "hostile/mutate.h"
#include "sim/world.h"

typedef enum host_mode {
    HOST_ONCE,       /* the first answer that has the place */
    HOST_SECOND,     /* the second one */
    HOST_ALWAYS,     /* all of them, for a while */
    HOST_TO_THE_END, /* all of them, until the client is closed */
    HOST_MODES
} host_mode;

extern const char *const host_mode_names[HOST_MODES];

/* Told of every place of every answer while there is no lie; place NULL: the frame itself. */
typedef void (*host_seen_fn)(void *arg, int16_t api, const host_place *place, bool natural);

/* An API that the brokers say they know up to that version only. */
typedef struct host_cap {
    int16_t api, max;
} host_cap;

typedef struct host_liar {
    sim_world *world;
    const host_cap *caps; /* in every ApiVersions answer; ends with api -1; NULL: none */
    host_seen_fn seen;    /* NULL: not interested */
    void *seen_arg;

    const host_place *place; /* NULL: no lie */
    int16_t api;
    int variant;
    host_mode mode;
    bool natural; /* only in answers that have the place by themselves */
    bool on;
    host_given given;

    int met;     /* answers that could be lied in */
    int told;    /* lies told */
    int changed; /* that made a difference to the bytes */
    host_past past;
    int32_t last_id[8]; /* per broker */
    kci_arena arena;
} host_liar;

enum { HOST_ELEMENTS = 2, HOST_ELEMENTS_OF_API_VERSIONS = 4 };

void host_liar_start(host_liar *liar, kc_mock *mock);
void host_liar_end(host_liar *liar, kc_mock *mock);

#endif
