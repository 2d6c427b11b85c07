/* SPDX-License-Identifier: Apache-2.0 */
/* One run: a client with a producer and a consumer on two brokers in the simulated world, and one
 * lie. The application sends and polls while the lie is told, then the broker is honest again, and
 * the client has to work as before. */
#ifndef HOSTILE_RUN_H
#define HOSTILE_RUN_H

#include "hostile/cases.h"

typedef enum host_outcome {
    HOST_UNTOLD,    /* no answer had the place, or the lie changed nothing */
    HOST_RECOVERED, /* works again after the lie */
    HOST_PERMANENT, /* does not, and says why by an error that is documented as permanent */
    HOST_OUTCOMES
} host_outcome;

typedef struct host_result {
    host_outcome outcome;
    int problems;
    char text[640]; /* the first problem; of HOST_PERMANENT the error */
    int64_t recovery_us, virtual_us;
    int64_t largest, most; /* bytes: the largest allocation, and all at once */
    uint64_t digest;
} host_result;

/* Whether the library can do what a setting asks for. */
bool host_setting_is_built(int setting);

host_result host_run(const host_case *c, bool trace);

/* Without a lie; tells of every place of every answer (seen NULL: nobody). */
host_result host_run_honest(int setting, bool trace, host_seen_fn seen, void *arg);

#endif
