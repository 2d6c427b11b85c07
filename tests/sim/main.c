/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's command: runs seeds or scenarios on all processors, a process each, so that a
 * crash is a finding like any other; shows what fails, shrunk; replays with a trace. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/alloc.h"
#include "sim/apart.h"
#include "sim/bugs.h"
#include "sim/scenarios.h"
#include "sim/shrink.h"

enum { MAX_WORKERS = 64, WATCHDOG_S = 60, BUG_SEEDS = 2000, PROGRESS = 10000 };

typedef struct options {
    uint64_t from, to;
    double minutes;
    const char *scenario; /* NULL: mixed faults; "all": each of them */
    const char *fail_at;  /* a failing allocation to replay, see alloc.h */
    bool trace, shrunk, list, shrink, twice, bugs, fail_alloc;
    int workers;
} options;

/* What the workers tell, in memory shared with the parent. */
typedef struct shared {
    _Atomic uint64_t next;            /* seed to be taken */
    _Atomic uint64_t at[MAX_WORKERS]; /* seed that a worker runs */
    _Atomic uint64_t runs, failed, virtual_s, records, polled;
    _Atomic int64_t memory_most, memory_most_percent;
} shared;

static void plan_for(sim_plan *plan, const char *scenario, uint64_t seed)
{
    if (scenario)
        sim_scenario_plan(plan, scenario, seed);
    else
        sim_plan_draw(plan, seed);
}

static void report(const options *opt, const sim_plan *plan, const sim_outcome *o)
{
    const char *scenario = plan->scenario;
    fprintf(stderr, "FAILED seed %llu%s%s: %d violations, first: %s\n",
            (unsigned long long)plan->seed, scenario ? " scenario " : "", scenario ? scenario : "",
            o->result.violations, o->result.text);
    if (!opt->shrink)
        return;
    sim_plan small = sim_shrink(plan, o);
    fprintf(stderr, "  shrunk to:\n");
    sim_plan_print(&small, stderr);
    fprintf(stderr, "  replay: tests/sim/run --seed %llu%s%s --shrunk --trace\n",
            (unsigned long long)plan->seed, scenario ? " --scenario " : "",
            scenario ? scenario : "");
}

/* --- many runs */

static void run_one(const options *opt, shared *s, const char *scenario, uint64_t seed)
{
    sim_plan plan;
    plan_for(&plan, scenario, seed);
    sim_result r = sim_run_plan(&plan, false);
    sim_outcome o = { false, r };
    if (opt->twice && r.violations == 0) {
        sim_result again = sim_run_plan(&plan, false);
        if (again.digest != r.digest) {
            o.result.violations = 1;
            snprintf(o.result.text, sizeof o.result.text, "two runs of the seed differ");
        }
    }
    uint64_t runs = ++s->runs;
    if (runs % PROGRESS == 0) { /* of a soak, which may be ended at any time */
        printf("%llu runs, %llu failed, at seed %llu\n", (unsigned long long)runs,
               (unsigned long long)s->failed, (unsigned long long)seed);
        fflush(stdout);
    }
    s->virtual_s += (uint64_t)(r.virtual_us / 1000000);
    s->records += r.totals.acked;
    s->polled += r.totals.polled;
    if (r.memory_most > s->memory_most) /* workers may lose one: it is only told */
        s->memory_most = r.memory_most;
    if (r.memory_most_percent > s->memory_most_percent)
        s->memory_most_percent = r.memory_most_percent;
    if (sim_outcome_failed(&o)) {
        s->failed++;
        report(opt, &plan, &o);
    }
}

static void work(const options *opt, shared *s, const char *scenario, int worker, time_t until)
{
    for (;;) {
        uint64_t seed = s->next++;
        if (seed > opt->to || (until && time(NULL) >= until))
            return;
        s->at[worker] = seed;
        alarm(WATCHDOG_S);
        run_one(opt, s, scenario, seed);
    }
}

static pid_t start(const options *opt, shared *s, const char *scenario, int worker, time_t until)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        work(opt, s, scenario, worker, until);
        fflush(NULL);
        _exit(0);
    }
    return pid;
}

static void crashed(const options *opt, shared *s, const char *scenario, int worker, int status)
{
    sim_plan plan;
    plan_for(&plan, scenario, s->at[worker]);
    sim_outcome o = { .crashed = true };
    snprintf(o.result.text, sizeof o.result.text, "crash: %s %d",
             WIFSIGNALED(status) ? "signal" : "exit",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    s->runs++;
    s->failed++;
    report(opt, &plan, &o);
}

static void run_many(const options *opt, shared *s, const char *scenario)
{
    pid_t pids[MAX_WORKERS];
    time_t until = opt->minutes > 0 ? time(NULL) + (time_t)(opt->minutes * 60) : 0;
    s->next = opt->from;
    int live = 0;
    for (int w = 0; w < opt->workers; w++, live++)
        pids[w] = start(opt, s, scenario, w, until);
    while (live > 0) {
        int status;
        pid_t pid = wait(&status);
        int w = 0;
        while (w < opt->workers && pids[w] != pid)
            w++;
        if (w == opt->workers)
            continue;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            live--;
            pids[w] = -1;
            continue;
        }
        crashed(opt, s, scenario, w, status);
        pids[w] = start(opt, s, scenario, w, until);
    }
}

static int replay(const options *opt)
{
    sim_plan plan;
    plan_for(&plan, opt->scenario, opt->from);
    if (opt->shrunk) {
        sim_outcome o = sim_run_apart(&plan, true, WATCHDOG_S);
        if (sim_outcome_failed(&o))
            plan = sim_shrink(&plan, &o);
    }
    sim_plan_print(&plan, stderr);
    sim_result r = sim_run_plan(&plan, opt->trace);
    fprintf(stderr,
            "seed %llu: %d violations%s%s; digest %016llx, %llu acked, %llu failed, %llu polled, "
            "%lld bytes beside buffers\n",
            (unsigned long long)plan.seed, r.violations, r.violations ? ", first: " : "",
            r.violations ? r.text : "", (unsigned long long)r.digest,
            (unsigned long long)r.totals.acked, (unsigned long long)r.totals.failed,
            (unsigned long long)r.totals.polled, (long long)r.memory_most);
    return r.violations != 0;
}

static void usage(FILE *out)
{
    fprintf(
        out,
        "run [--seeds A..B] [--scenario NAME|all] [--minutes N] [--workers N] [--no-shrink] "
        "[--twice]\n"
        "run --seed N [--scenario NAME] [--trace]     one seed, with a log of what happens\n"
        "             [--shrunk]                      of the smallest plan that fails as it does\n"
        "run --list                                   the scenarios\n"
        "run --bugs                                   finds each planted bug (seeds 1..2000)\n"
        "run --fail-alloc                             fails each allocation in turn\n"
        "run --fail-at PLAN:N[:sticky] [--trace]      one of these\n"
        "--twice runs each seed two times and compares the digests.\n"
        "--bug NAME plants a bug (builds with -Dplanted_bugs=true only).\n");
}

static bool parse(int argc, char **argv, options *opt)
{
    enum {
        SEEDS = 256,
        SEED,
        SCENARIO,
        MINUTES,
        WORKERS,
        TRACE,
        LIST,
        NO_SHRINK,
        TWICE,
        BUG,
        BUGS,
        FAIL_ALLOC,
        FAIL_AT,
        SHRUNK,
        HELP
    };
    static const struct option longs[] = {
        { "seeds", 1, 0, SEEDS },         { "seed", 1, 0, SEED },
        { "scenario", 1, 0, SCENARIO },   { "minutes", 1, 0, MINUTES },
        { "trace", 0, 0, TRACE },         { "workers", 1, 0, WORKERS },
        { "list", 0, 0, LIST },           { "twice", 0, 0, TWICE },
        { "no-shrink", 0, 0, NO_SHRINK }, { "fail-alloc", 0, 0, FAIL_ALLOC },
        { "fail-at", 1, 0, FAIL_AT },     { "shrunk", 0, 0, SHRUNK },
        { "help", 0, 0, HELP },           { "bug", 1, 0, BUG },
        { "bugs", 0, 0, BUGS },           { 0, 0, 0, 0 },
    };
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        char *end = NULL;
        switch (c) {
        case SEEDS:
            opt->from = strtoull(optarg, &end, 10);
            if (strncmp(end, "..", 2) != 0)
                return false;
            opt->to = strtoull(end + 2, NULL, 10);
            break;
        case SEED:
            opt->from = opt->to = strtoull(optarg, NULL, 10);
            opt->workers = 0;
            break;
        case SCENARIO:
            opt->scenario = optarg;
            break;
        case MINUTES:
            opt->minutes = strtod(optarg, NULL);
            break;
        case WORKERS:
            opt->workers = atoi(optarg);
            break;
        case TRACE:
            opt->trace = true;
            break;
        case LIST:
            opt->list = true;
            break;
        case NO_SHRINK:
            opt->shrink = false;
            break;
        case SHRUNK:
            opt->shrunk = true;
            break;
        case TWICE:
            opt->twice = true;
            break;
        case BUG:
            if (!sim_bug_plant(optarg))
                return false;
            break;
        case FAIL_ALLOC:
            opt->fail_alloc = true;
            break;
        case FAIL_AT:
            opt->fail_at = optarg;
            break;
        case BUGS:
            opt->bugs = true;
            break;
        default:
            return false;
        }
    }
    if (opt->minutes > 0 && opt->to == 1000)
        opt->to = UINT64_MAX - 1;
    return optind == argc && opt->workers <= MAX_WORKERS;
}

int main(int argc, char **argv)
{
    options opt = {
        .from = 1, .to = 1000, .shrink = true, .workers = (int)sysconf(_SC_NPROCESSORS_ONLN)
    };
    if (!parse(argc, argv, &opt)) {
        usage(stderr);
        return 2;
    }
    if (opt.list) {
        sim_scenario_list(stdout);
        return 0;
    }
    if (opt.fail_at)
        return sim_alloc_replay(opt.fail_at, opt.trace) != 0;
    if (opt.fail_alloc)
        return sim_alloc_run(opt.workers, stdout) != 0;
    if (opt.bugs)
        return sim_bugs_find(BUG_SEEDS, opt.workers, stdout) != 0;
    if (opt.workers == 0)
        return replay(&opt);
    shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return 3;
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    if (opt.scenario && strcmp(opt.scenario, "all") == 0)
        for (int i = 0; sim_scenario_name(i); i++)
            run_many(&opt, s, sim_scenario_name(i));
    else
        run_many(&opt, s, opt.scenario);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    double seconds = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
    printf("%llu runs in %.1f s, %.1f virtual hours, %llu records acknowledged, %llu polled\n",
           (unsigned long long)s->runs, seconds, (double)s->virtual_s / 3600,
           (unsigned long long)s->records, (unsigned long long)s->polled);
    printf("beside its buffers the client held at most %lld bytes, %lld %% of what is allowed\n",
           (long long)s->memory_most, (long long)s->memory_most_percent);
    printf("%llu passed, %llu failed\n", (unsigned long long)(s->runs - s->failed),
           (unsigned long long)s->failed);
    return s->failed != 0;
}
