/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/bugs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/planted.h"
#include "sim/apart.h"

#ifndef KCI_PLANTED_BUGS

bool sim_bug_plant(const char *name)
{
    fprintf(stderr, "no bug '%s': this build has none (meson setup -Dplanted_bugs=true)\n", name);
    return false;
}

int sim_bugs_find(uint64_t most, int workers, FILE *out)
{
    (void)most, (void)workers;
    fprintf(out, "this build has no planted bugs (meson setup -Dplanted_bugs=true)\n");
    return -1;
}

#else

enum { HANG_S = 20 };

static const struct {
    const char *name, *what;
} bugs[KCI_BUG_COUNT] = {
#define B(id, text) [KCI_BUG_##id] = { #id, text },
    KCI_PLANTED_BUGS_TABLE(B)
#undef B
};

/* What the workers found, in memory shared with the parent. */
typedef struct found {
    uint64_t seed; /* 0: not found */
    char text[256];
} found;

typedef struct findings {
    _Atomic int next;
    found of[KCI_BUG_COUNT];
} findings;

bool sim_bug_plant(const char *name)
{
    for (int i = 1; i < KCI_BUG_COUNT; i++)
        if (strcmp(bugs[i].name, name) == 0) {
            kci_planted = (kci_planted_bug)i;
            return true;
        }
    fprintf(stderr, "no bug '%s'; these are:\n", name);
    for (int i = 1; i < KCI_BUG_COUNT; i++)
        fprintf(stderr, "%-26s %s\n", bugs[i].name, bugs[i].what);
    return false;
}

static void find(found *f, uint64_t most)
{
    for (uint64_t seed = 1; seed <= most; seed++) {
        sim_plan plan;
        sim_plan_draw(&plan, seed);
        sim_outcome o = sim_run_apart(&plan, true, HANG_S);
        if (!sim_outcome_failed(&o))
            continue;
        f->seed = seed;
        memcpy(f->text, o.result.text, sizeof f->text);
        return;
    }
}

static void work(findings *all, uint64_t most)
{
    for (int i; (i = all->next++) < KCI_BUG_COUNT;) {
        kci_planted = (kci_planted_bug)i;
        find(&all->of[i], most);
    }
}

static int print(const findings *all, uint64_t most, FILE *out)
{
    int missed = 0;
    fprintf(out, "%-26s %6s  %-20s %s\n", "bug", "seeds", "found by", "first finding");
    for (int i = 1; i < KCI_BUG_COUNT; i++) {
        const found *f = &all->of[i];
        int class = (int)strcspn(f->text, ":");
        const char *rest = f->text[class] ? f->text + class + 2 : "";
        missed += f->seed == 0;
        if (f->seed)
            fprintf(out, "%-26s %6llu  %-20.*s %s\n", bugs[i].name, (unsigned long long)f->seed,
                    class, f->text, rest);
        else
            fprintf(out, "%-26s >%5llu  NOT FOUND: %s\n", bugs[i].name, (unsigned long long)most,
                    bugs[i].what);
    }
    fprintf(out, "%d passed, %d failed\n", KCI_BUG_COUNT - 1 - missed, missed);
    return missed;
}

int sim_bugs_find(uint64_t most, int workers, FILE *out)
{
    findings *all =
        mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        abort();
    all->next = 1;
    fflush(NULL);
    for (int w = 0; w < workers; w++)
        if (fork() == 0) {
            work(all, most);
            _exit(0);
        }
    while (wait(NULL) > 0) {
    }
    int missed = print(all, most, out);
    munmap(all, sizeof *all);
    return missed;
}

#endif
