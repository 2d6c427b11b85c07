/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in assignors by name, and by the names of the Java classes that do the same. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "group/assignors/assignors.h"

typedef kc_err assign_function(kc_plan *plan);

static kc_err answer(assign_function *assign, kc_plan *plan, kc_error *detail)
{
    kc_err err = assign(plan);
    return err == KC_OK ? KC_OK : kci_fail(detail, err, NULL);
}

static kc_err range(void *user, kc_plan *plan, kc_error *detail)
{
    (void)user;
    return answer(kci_assign_range, plan, detail);
}

static kc_err round_robin(void *user, kc_plan *plan, kc_error *detail)
{
    (void)user;
    return answer(kci_assign_round_robin, plan, detail);
}

static kc_err sticky(void *user, kc_plan *plan, kc_error *detail)
{
    (void)user;
    return answer(kci_assign_sticky, plan, detail);
}

static kc_err rack_aware_range(void *user, kc_plan *plan, kc_error *detail)
{
    (void)user;
    return answer(kci_assign_rack_aware_range, plan, detail);
}

#define ASSIGNOR(n, p, f)                                                         \
    {                                                                             \
        .size = sizeof(kc_assignor), .protocols = (p), .name = (n), .assign = (f) \
    }

static const kc_assignor builtin[] = {
    ASSIGNOR("range", KC_ASSIGNOR_EAGER, range),
    ASSIGNOR("roundrobin", KC_ASSIGNOR_EAGER, round_robin),
    ASSIGNOR("sticky", KC_ASSIGNOR_EAGER, sticky),
    ASSIGNOR("cooperative-sticky", KC_ASSIGNOR_COOPERATIVE | KC_ASSIGNOR_EAGER, sticky),
    ASSIGNOR("rack-aware-range", KC_ASSIGNOR_COOPERATIVE | KC_ASSIGNOR_EAGER, rack_aware_range),
};

static const struct {
    const char *class, *name;
} classes[] = {
    { "RangeAssignor", "range" },
    { "RoundRobinAssignor", "roundrobin" },
    { "StickyAssignor", "sticky" },
    { "CooperativeStickyAssignor", "cooperative-sticky" },
    { "RackAwareRangeAssignor", "rack-aware-range" },
};

const kc_assignor *kc_assignor_at(size_t index)
{
    return index < KCI_COUNT_OF(builtin) ? &builtin[index] : NULL;
}

/* The class without its package, whatever that is: RackAwareRangeAssignor is not Kafka's own. */
static const char *name_of_class(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; i < KCI_COUNT_OF(classes); i++)
        if (strcmp(dot ? dot + 1 : name, classes[i].class) == 0)
            return classes[i].name;
    return name;
}

const kc_assignor *kc_assignor_find(const char *name)
{
    if (!name)
        return NULL;
    name = name_of_class(name);
    for (size_t i = 0; i < KCI_COUNT_OF(builtin); i++)
        if (strcmp(name, builtin[i].name) == 0)
            return &builtin[i];
    return NULL;
}
