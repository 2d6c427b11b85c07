/* SPDX-License-Identifier: Apache-2.0 */
/* The flow of rack_flow.h. A way begins with a class that has partitions left and a rack of theirs.
 * A rack without a free place makes one by moving a partition of some class to another rack that
 * has a replica of it; or by taking an extra place that another rack gives up, which then has to
 * make one in turn. A way ends at a rack with a free place. Its gain is the number of local leaders
 * that it adds; that can be negative. */
#include "group/assignors/rack_flow.h"

static int32_t extra_used(const kci_flow_rack *r)
{
    return r->used > r->base ? r->used - r->base : 0;
}

/* How many more it can take as things are. */
static int32_t room(const kci_flow *f, int32_t rack)
{
    const kci_flow_rack *r = &f->racks[rack];
    int32_t base = r->used < r->base ? r->base - r->used : 0;
    int32_t extra = r->most_extra - extra_used(r);
    return base + (extra < f->pool ? extra : f->pool);
}

/* Counts n partitions more in a rack. */
static void use(kci_flow *f, int32_t rack, int32_t n)
{
    kci_flow_rack *r = &f->racks[rack];
    int32_t before = extra_used(r);
    r->used += n;
    f->pool -= extra_used(r) - before;
}

static void put(kci_flow *f, kci_flow_class *c, int32_t place, int32_t n)
{
    c->left -= n;
    c->flow[place] += n;
    f->local += n;
    use(f, c->racks.items[place], n);
}

/* What finds a free place at once: local leaders first. This is what the ways of greatest gain
 * would be, found without a search. */
static void fill(kci_flow *f, bool leaders)
{
    for (int32_t i = 0; i < f->class_count; i++) {
        kci_flow_class *c = &f->classes[i];
        for (int32_t k = 0; k < c->racks.count && c->left > 0; k++) {
            int32_t rack = c->racks.items[k], most = room(f, rack);
            if (!leaders || rack == c->leader_rack)
                put(f, c, k, most < c->left ? most : c->left);
        }
    }
}

/* ---- the search ----------------------------------------------------------------------------- */

static bool improve(kci_flow *f, int32_t rack, int32_t gain, int32_t from, int32_t moved)
{
    if (gain <= f->gain[rack])
        return false;
    f->gain[rack] = gain;
    f->from[rack] = from;
    f->moved[rack] = moved;
    return true;
}

static bool has_members(const kci_flow_rack *r)
{
    return r->base > 0 || r->most_extra > 0;
}

static void begin(kci_flow *f)
{
    for (int32_t r = 0; r <= f->rack_count; r++)
        f->gain[r] = INT32_MIN;
    for (int32_t i = 0; i < f->class_count; i++) {
        const kci_flow_class *c = &f->classes[i];
        for (int32_t k = 0; k < c->racks.count && c->left > 0; k++) {
            int32_t rack = c->racks.items[k];
            if (has_members(&f->racks[rack]))
                improve(f, rack, rack == c->leader_rack, -1, i);
        }
    }
}

/* A rack that has to make a place moves one of this class to another rack. */
static bool spread_class(kci_flow *f, int32_t class)
{
    const kci_flow_class *c = &f->classes[class];
    bool changed = false;
    for (int32_t at = 0; at < c->racks.count; at++) {
        int32_t rack = c->racks.items[at];
        if (c->flow[at] == 0 || f->gain[rack] == INT32_MIN)
            continue;
        for (int32_t k = 0; k < c->racks.count; k++) {
            int32_t to = c->racks.items[k];
            int32_t gain = f->gain[rack] - (c->leader_rack == rack) + (c->leader_rack == to);
            if (to != rack && has_members(&f->racks[to]))
                changed |= improve(f, to, gain, rack, class);
        }
    }
    return changed;
}

/* From whoever could use an extra place to all who could give one up. */
static bool spread_pool(kci_flow *f)
{
    int32_t pool = f->rack_count;
    bool changed = false;
    for (int32_t r = 0; r < f->rack_count; r++)
        if (f->gain[r] != INT32_MIN && extra_used(&f->racks[r]) < f->racks[r].most_extra)
            changed |= improve(f, pool, f->gain[r], r, -1);
    for (int32_t r = 0; r < f->rack_count && f->gain[pool] != INT32_MIN; r++)
        if (r != f->from[pool] && extra_used(&f->racks[r]) > 0)
            changed |= improve(f, r, f->gain[pool], pool, -1);
    return changed;
}

/* The end of the way that gains most; -1: there is no way. */
static int32_t search(kci_flow *f)
{
    bool changed = true;
    begin(f);
    /* A way visits no rack twice, and the pool once: the bound only guards against a mistake. */
    for (int32_t round = 0; changed && round <= f->rack_count + 1; round++) {
        changed = false;
        for (int32_t i = 0; i < f->class_count; i++)
            changed |= spread_class(f, i);
        if (f->pool == 0)
            changed |= spread_pool(f);
    }
    int32_t best = -1;
    for (int32_t r = 0; r < f->rack_count; r++)
        if (f->gain[r] != INT32_MIN && room(f, r) > 0 && (best < 0 || f->gain[r] > f->gain[best]))
            best = r;
    return best;
}

/* ---- raising -------------------------------------------------------------------------------- */

static int32_t *flow_to(const kci_flow *f, int32_t class, int32_t rack)
{
    const kci_flow_class *c = &f->classes[class];
    int32_t at = 0;
    while (c->racks.items[at] != rack)
        at++;
    return &c->flow[at];
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* How many partitions fit along the way that ends in `end`. A way by the pool changes who may have
 * an extra place: one at a time. */
static int32_t width(const kci_flow *f, int32_t end)
{
    int32_t n = room(f, end);
    for (int32_t r = end; r >= 0; r = f->from[r]) {
        if (f->from[r] < 0)
            return smaller(n, f->classes[f->moved[r]].left);
        if (r == f->rack_count || f->from[r] == f->rack_count)
            n = smaller(n, 1);
        else
            n = smaller(n, *flow_to(f, f->moved[r], f->from[r]));
    }
    return n;
}

/* Along the way each rack but the last keeps its number, unless an extra place changes hands. */
static void push(kci_flow *f, int32_t end, int32_t n)
{
    for (int32_t r = end; r >= 0; r = f->from[r]) {
        int32_t from = f->from[r];
        if (from == f->rack_count || r == f->rack_count) {
            /* r gives an extra place up, and the one before the pool takes it */
            if (r != f->rack_count)
                use(f, r, -n);
            else
                use(f, from, n);
            continue;
        }
        int32_t class = f->moved[r];
        *flow_to(f, class, r) += n;
        if (from < 0)
            f->classes[class].left -= n;
        else
            *flow_to(f, class, from) -= n;
    }
    use(f, end, n);
    f->local += n;
}

void kci_flow_raise(kci_flow *f, int64_t least)
{
    fill(f, true);
    fill(f, false);
    for (int32_t end; (end = search(f)) >= 0;) {
        int32_t n = width(f, end);
        if (f->gain[end] < 0) {
            if (f->local >= least)
                return;
            n = least - f->local < n ? (int32_t)(least - f->local) : n;
        }
        push(f, end, n);
    }
}

int64_t kci_flow_most_local(kci_flow *f)
{
    kci_flow_raise(f, INT64_MAX);
    int64_t most = f->local;
    for (int32_t i = 0; i < f->class_count; i++) {
        kci_flow_class *c = &f->classes[i];
        for (int32_t k = 0; k < c->racks.count; k++) {
            use(f, c->racks.items[k], -c->flow[k]);
            c->flow[k] = 0;
        }
        c->left = c->size;
    }
    f->local = 0;
    return most;
}
