/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "hostile/run.h"
#include "wire/messages.h"

/* Before flexible versions, topic ids and truncation found by fetches: as brokers of 2.3. */
static const host_cap old_versions[] = {
    { KCI_API_PRODUCE, 7 },
    { KCI_API_FETCH, 11 },
    { KCI_API_LIST_OFFSETS, 5 },
    { KCI_API_METADATA, 8 },
    { KCI_API_API_VERSIONS, 2 },
    { KCI_API_INIT_PRODUCER_ID, 1 },
    { KCI_API_OFFSET_FOR_LEADER_EPOCH, 3 },
    { -1, 0 },
};

/* The oldest that know the leader epoch of every partition, so that consumers look for truncation
 * by OffsetForLeaderEpoch. */
static const host_cap epoch_versions[] = {
    { KCI_API_FETCH, 11 },
    { KCI_API_PRODUCE, 8 },
    { KCI_API_METADATA, 9 },
    { -1, 0 },
};

const host_setting host_settings[] = {
    { .name = "new", .version = "4.3" },
    { .name = "sessionless", .version = "3.9", .no_sessions = true },
    { .name = "epochs", .version = "3.9", .caps = epoch_versions },
    { .name = "old", .version = "3.9", .caps = old_versions },
    { .name = "sasl", .version = "4.3", .sasl = true },
    { .name = "admin", .version = "4.3", .admin = true },
};
const int host_setting_count = (int)(sizeof host_settings / sizeof *host_settings);

typedef struct finder {
    host_cases *cases;
    int setting;
} finder;

static host_spot *find(const host_cases *cases, int setting, int16_t api, const char *path)
{
    for (int i = 0; i < cases->spot_count; i++) {
        host_spot *s = &cases->spots[i];
        if (s->setting == setting && s->api == api && strcmp(s->place.path, path) == 0)
            return s;
    }
    return NULL;
}

static host_spot *add(host_cases *cases, int setting, int16_t api, const host_place *place)
{
    if (cases->spot_count == cases->spot_cap) {
        cases->spot_cap = cases->spot_cap ? cases->spot_cap * 2 : 256;
        cases->spots = realloc(cases->spots, (size_t)cases->spot_cap * sizeof *cases->spots);
        if (!cases->spots)
            abort();
    }
    int number = 0;
    for (int i = 0; i < cases->spot_count; i++)
        number += cases->spots[i].setting == setting && cases->spots[i].api == api;
    host_spot *s = &cases->spots[cases->spot_count++];
    *s = (host_spot){ .setting = setting, .api = api, .number = number, .place = *place };
    return s;
}

/* With SASL only its own messages are of interest: the rest is as without. */
static bool is_wanted(int setting, int16_t api)
{
    bool is_sasl = api == KCI_API_SASL_HANDSHAKE || api == KCI_API_SASL_AUTHENTICATE;
    if (host_settings[setting].admin)
        return api != KCI_API_API_VERSIONS;
    return is_sasl == host_settings[setting].sasl;
}

static void on_seen(void *arg, int16_t api, const host_place *place, bool natural)
{
    const finder *f = arg;
    host_place frame = { .kind = HOST_FRAME, .path = "frame()" };
    const host_place *p = place ? place : &frame;
    if (!is_wanted(f->setting, api))
        return;
    host_spot *s = find(f->cases, f->setting, api, p->path);
    if (!s)
        s = add(f->cases, f->setting, api, p);
    s->natural |= natural;
    s->answers += natural;
}

void host_cases_find(host_cases *cases)
{
    *cases = (host_cases){ 0 };
    for (int setting = 0; setting < host_setting_count; setting++) {
        if (!host_setting_is_built(setting))
            continue;
        finder f = { cases, setting };
        host_result r = host_run_honest(setting, false, on_seen, &f);
        if (r.problems) {
            fprintf(stderr, "the honest run in world %s fails: %s\n", host_settings[setting].name,
                    r.text);
            exit(3);
        }
    }
    for (int i = 0; i < cases->spot_count; i++)
        cases->total += (int64_t)host_spot_variants(&cases->spots[i]) * HOST_MODES;
}

void host_cases_free(host_cases *cases)
{
    free(cases->spots);
    *cases = (host_cases){ 0 };
}

int host_spot_variants(const host_spot *s)
{
    return s->place.kind == HOST_FRAME ? host_frame_variants() : host_variants(&s->place);
}

const char *host_spot_variant_name(const host_spot *s, int variant, char buf[32])
{
    return s->place.kind == HOST_FRAME ? host_frame_variant_name(variant)
                                       : host_variant_name(&s->place, variant, buf);
}

host_case host_case_at(const host_cases *cases, int64_t n)
{
    const host_spot *s = cases->spots;
    for (;; s++) {
        int64_t here = (int64_t)host_spot_variants(s) * HOST_MODES;
        if (n < here)
            break;
        n -= here;
    }
    return (host_case){ s, (int)(n / HOST_MODES), (host_mode)(n % HOST_MODES) };
}
