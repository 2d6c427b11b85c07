/* SPDX-License-Identifier: Apache-2.0 */
/* A group as JSON, and every assignor on what could be read of it: each partition goes to a
 * subscriber, none is left that somebody could have. */
#include "fuzz.h"

/* The command's reader sees the public headers only, so it can be one with this. */
#include "cli/plan_input.c"

static void try_one(const char *text, size_t size, const kc_assignor *assignor, uint32_t protocol)
{
    kc_error why = { 0 };
    kc_plan *plan;
    kc_plan_score score = { .size = sizeof score };
    FUZZ_CHECK(kc_plan_new(&plan, NULL) == KC_OK);
    if (plan_input_read(plan, text, size, &why)) {
        FUZZ_CHECK(kc_plan_run(plan, assignor, protocol, &why) == KC_OK);
        FUZZ_CHECK(kc_plan_get_score(plan, &score) == KC_OK);
        FUZZ_CHECK(score.assigned + score.withheld == score.partitions);
        FUZZ_CHECK(score.withheld == 0 || protocol == KC_ASSIGNOR_COOPERATIVE);
        for (size_t t = 0; t < kc_plan_topic_count(plan); t++)
            for (int32_t i = 0; i < kc_plan_partition_count(plan, t); i++) {
                int32_t owner = kc_plan_assigned(plan, t, i);
                FUZZ_CHECK(owner < 0 || kc_plan_is_subscribed(plan, (size_t)owner, t));
            }
    } else {
        FUZZ_CHECK(why.code != KC_OK && why.text[0]);
    }
    kc_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const kc_assignor *a;
    for (size_t i = 0; (a = kc_assignor_at(i)); i++)
        for (uint32_t p = KC_ASSIGNOR_EAGER; p <= KC_ASSIGNOR_COOPERATIVE; p++)
            if (a->protocols & p)
                try_one((const char *)data, size, a, p);
    return 0;
}
