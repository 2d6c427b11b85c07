/* SPDX-License-Identifier: Apache-2.0 */
/* All combinations of world, API, place, variant and mode, numbered. Found by one honest run in
 * each world, which shows the answers that the client reads and what is in them. */
#ifndef HOSTILE_CASES_H
#define HOSTILE_CASES_H

#include "hostile/liar.h"

/* How the cluster and the client are set up. */
typedef struct host_setting {
    const char *name;
    const char *version;  /* of the brokers */
    const host_cap *caps; /* versions they do not have; NULL: they have all */
    bool no_sessions;     /* fetches without sessions */
    bool sasl;
    bool admin; /* the application administers, instead of producing and consuming */
} host_setting;

extern const host_setting host_settings[];
extern const int host_setting_count;

/* A place in the answers of an API, in one setting. */
typedef struct host_spot {
    int setting;
    int16_t api;
    bool natural; /* some answer has it by itself */
    int number;   /* within setting and API */
    int answers;  /* of the honest run that have it */
    host_place place;
} host_spot;

typedef struct host_case {
    const host_spot *spot;
    int variant;
    host_mode mode;
} host_case;

typedef struct host_cases {
    host_spot *spots;
    int spot_count, spot_cap;
    int64_t total; /* of the variants in all modes */
} host_cases;

void host_cases_find(host_cases *cases);
void host_cases_free(host_cases *cases);

/* Case number n, below total. */
host_case host_case_at(const host_cases *cases, int64_t n);

int host_spot_variants(const host_spot *spot);
const char *host_spot_variant_name(const host_spot *spot, int variant, char buf[32]);

#endif
