/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/apart.h"

enum { HANG_S = 30, STICKY_US = 2000000, PROMPT_MS = 6000, PLANS = 4, SHOWN = 20 };

static const char *const plan_names[PLANS] = { "plain", "lz4", "habits", "single" };

/* What of the library the other two leave out. */
static void take_up_habits(sim_plan *plan)
{
    plan->compression = "none"; /* what compresses well would not be split */
    plan->headers = plan->intercepts = plan->own_partitioner = plan->takes = true;
    plan->choice_percent = plan->many_percent = plan->vague_percent = 50;
    plan->ask_percent = plan->seek_percent = plan->assign_percent = plan->admin_percent = 30;
    plan->purge_percent = 5;
    plan->max_message = 400;
    plan->batch_size = 2000;
    plan->linger_ms = 50;
}

static void make_plan(sim_plan *plan, int kind, int at, bool sticky)
{
    sim_plan_plain(plan, 1);
    plan->brokers = 2;
    plan->replication = 2;
    plan->partitions = 2;
    plan->records = kind ? 60 : 30;
    plan->work_us = 300000;
    plan->compression = kind ? "lz4" : "none";
    if (kind) /* leaders move: retries, and metadata that change */
        for (int i = 0; i < 2; i++)
            sim_plan_add(plan, F_MOVE_LEADER, 100000 * (i + 1), 0)->a = i;
    if (kind == 2)
        take_up_habits(plan);
    if (kind == 3) { /* one to each partition, at the end: nothing that is sent later helps it on */
        plan->records = 0;
        plan->compression = "none";
        plan->fault_count = 0;
    }
    plan->prompt_ms = PROMPT_MS; /* what went wrong is tried again soon, not after some timeout */
    plan->fail_alloc_at = at;
    plan->fail_alloc_us = sticky ? STICKY_US : 0;
}

/* In memory shared by the workers. */
typedef struct progress {
    _Atomic int next[PLANS][2]; /* the allocation that fails next; alone, sticky */
    _Atomic int most[PLANS];    /* allocations of a whole run */
    _Atomic int runs, failed;
} progress;

/* false: the run needs fewer allocations than that. */
static bool run_one(progress *p, int kind, bool sticky)
{
    sim_plan plan;
    int at = p->next[kind][sticky]++;
    make_plan(&plan, kind, at, sticky);
    sim_outcome o = sim_run_apart(&plan, true, HANG_S);
    p->runs++;
    if (sim_outcome_failed(&o) && p->failed++ < SHOWN)
        fprintf(stderr, "FAILED --fail-at %s:%d%s: %s\n", plan_names[kind], at,
                sticky ? ":sticky" : "", o.result.text);
    if (!o.crashed && o.result.alloc_failed && at > p->most[kind])
        p->most[kind] = at;
    return o.crashed || o.result.alloc_failed;
}

static void work(progress *p)
{
    for (int kind = 0; kind < PLANS; kind++)
        for (int sticky = 0; sticky < 2; sticky++)
            while (run_one(p, kind, sticky)) {
            }
}

int sim_alloc_run(int workers, FILE *out)
{
    progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    for (int kind = 0; kind < PLANS; kind++)
        p->next[kind][0] = p->next[kind][1] = 1;
    fflush(NULL);
    for (int w = 0; w < workers; w++)
        if (fork() == 0) {
            work(p);
            _exit(0);
        }
    while (wait(NULL) > 0) {
    }
    for (int kind = 0; kind < PLANS; kind++)
        fprintf(out, "%s: each of %d allocations has failed, alone and for 2 s\n", plan_names[kind],
                p->most[kind]);
    fprintf(out, "%d passed, %d failed\n", p->runs - p->failed, p->failed);
    int failed = p->failed;
    munmap(p, sizeof *p);
    return failed;
}

int sim_alloc_replay(const char *which, bool trace)
{
    sim_plan plan;
    int kind = 0;
    for (int i = 0; i < PLANS; i++)
        if (strncmp(which, plan_names[i], strlen(plan_names[i])) == 0)
            kind = i;
    const char *number = strchr(which, ':');
    make_plan(&plan, kind, number ? atoi(number + 1) : 1, strstr(which, ":sticky") != NULL);
    sim_plan_print(&plan, stderr);
    sim_result r = sim_run_plan(&plan, trace);
    fprintf(stderr, "%d violations%s%s\n", r.violations, r.violations ? ", first: " : "", r.text);
    return r.violations;
}
