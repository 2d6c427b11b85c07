/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile broker's command: runs all combinations, or a sample of them, on all processors, in
 * processes, so that a crash is a finding like any other; replays one with a trace. */
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hostile/run.h"

enum { MAX_WORKERS = 64, WATCHDOG_S = 60, SHOWN_FAILURES = 200 };

typedef struct options {
    const char *setting, *api, *place, *variant, *mode; /* NULL: all */
    int64_t sample;                                     /* 0: all */
    int workers;
    bool trace, list, honest;
} options;

/* What is known of a case, in memory that all processes share. */
typedef enum verdict { NOT_RUN, UNTOLD, RECOVERED, PERMANENT, VIOLATED, CRASHED, VERDICTS } verdict;

typedef struct shared {
    _Atomic int64_t next;            /* in the list of cases to run */
    _Atomic int64_t at[MAX_WORKERS]; /* case that a worker runs */
    _Atomic int64_t shown, virtual_us, slowest_us, largest, most;
} shared;

typedef struct job {
    const options *opt;
    host_cases cases;
    int64_t *list; /* numbers of cases */
    int64_t count;
    shared *shared;
    _Atomic uint8_t *verdicts; /* by case number */
} job;

/* choosing */

/* Asked for by name, or as "#number". */
static bool matches(const char *asked, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "#%lld", (long long)number);
    return !asked || strcmp(asked, name) == 0 || strcmp(asked, text) == 0;
}

static bool is_chosen(const options *opt, const host_case *c)
{
    const host_spot *s = c->spot;
    char buf[32];
    return matches(opt->setting, host_settings[s->setting].name, s->setting) &&
           matches(opt->api, kci_api_get(s->api)->name, s->api) &&
           matches(opt->place, s->place.path, s->number) &&
           matches(opt->variant, host_spot_variant_name(s, c->variant, buf), c->variant) &&
           matches(opt->mode, host_mode_names[c->mode], c->mode);
}

/* Of n chosen ones, sample spread over all of them, the same ones each time. */
static void thin_out(job *j)
{
    int64_t sample = j->opt->sample, n = j->count;
    if (sample <= 0 || sample >= n)
        return;
    for (int64_t i = 0; i < sample; i++) {
        int64_t from = i * n / sample, width = (i + 1) * n / sample - from;
        j->list[i] = j->list[from + (i * 7919) % width];
    }
    j->count = sample;
}

static void choose(job *j)
{
    j->list = calloc((size_t)j->cases.total, sizeof *j->list);
    if (!j->list)
        abort();
    for (int64_t n = 0; n < j->cases.total; n++) {
        host_case c = host_case_at(&j->cases, n);
        if (is_chosen(j->opt, &c))
            j->list[j->count++] = n;
    }
    thin_out(j);
}

/* running */

static void name_case(const host_case *c, char *out, size_t size)
{
    char buf[32];
    snprintf(out, size, "--setting %s --api %s --place '%s' --variant '%s' --mode %s",
             host_settings[c->spot->setting].name, kci_api_get(c->spot->api)->name,
             c->spot->place.path, host_spot_variant_name(c->spot, c->variant, buf),
             host_mode_names[c->mode]);
}

static void show_failure(job *j, const host_case *c, const char *text)
{
    char name[512];
    if (j->shared->shown++ >= SHOWN_FAILURES)
        return;
    name_case(c, name, sizeof name);
    fprintf(stderr, "FAILED %s: %s\n", name, text);
}

static void raise_to(_Atomic int64_t *most, int64_t value)
{
    int64_t old = *most;
    while (value > old && !atomic_compare_exchange_weak(most, &old, value))
        ;
}

static void run_one(job *j, int64_t n)
{
    static const verdict verdicts[] = {
        [HOST_UNTOLD] = UNTOLD, [HOST_RECOVERED] = RECOVERED, [HOST_PERMANENT] = PERMANENT
    };
    host_case c = host_case_at(&j->cases, n);
    host_result r = host_run(&c, false);
    j->verdicts[n] = (uint8_t)(r.problems ? VIOLATED : verdicts[r.outcome]);
    j->shared->virtual_us += r.virtual_us;
    raise_to(&j->shared->slowest_us, r.recovery_us);
    raise_to(&j->shared->largest, r.largest);
    raise_to(&j->shared->most, r.most);
    if (r.problems)
        show_failure(j, &c, r.text);
}

static void work(job *j, int worker)
{
    for (;;) {
        int64_t i = j->shared->next++;
        if (i >= j->count)
            return;
        j->shared->at[worker] = j->list[i];
        alarm(WATCHDOG_S);
        run_one(j, j->list[i]);
    }
}

static pid_t start(job *j, int worker)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        work(j, worker);
        fflush(NULL);
        _exit(0);
    }
    return pid;
}

static void on_crash(job *j, int worker, int status)
{
    char text[64];
    int64_t n = j->shared->at[worker];
    host_case c = host_case_at(&j->cases, n);
    if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "crash: signal %d%s", WTERMSIG(status),
                 WTERMSIG(status) == SIGALRM ? " (hangs)" : "");
    else
        snprintf(text, sizeof text, "crash: exit %d", WEXITSTATUS(status));
    j->verdicts[n] = CRASHED;
    show_failure(j, &c, text);
}

static void run_all(job *j)
{
    pid_t pids[MAX_WORKERS];
    int live = 0;
    for (int w = 0; w < j->opt->workers; w++, live++)
        pids[w] = start(j, w);
    while (live > 0) {
        int status;
        pid_t pid = wait(&status);
        int w = 0;
        while (w < j->opt->workers && pids[w] != pid)
            w++;
        if (w == j->opt->workers)
            continue;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            live--;
            pids[w] = -1;
            continue;
        }
        on_crash(j, w, status);
        pids[w] = start(j, w);
    }
}

/* telling */

typedef struct row {
    int setting;
    int16_t api;
    int places;
    int64_t combinations; /* that there are */
    int64_t by[VERDICTS];
} row;

static row *row_for(row *rows, int *count, const host_spot *s)
{
    for (int i = 0; i < *count; i++)
        if (rows[i].setting == s->setting && rows[i].api == s->api)
            return &rows[i];
    rows[*count] = (row){ .setting = s->setting, .api = s->api };
    return &rows[(*count)++];
}

static void print_table(const job *j)
{
    static row rows[256];
    int count = 0;
    int64_t n = 0;
    for (int i = 0; i < j->cases.spot_count; i++) {
        const host_spot *s = &j->cases.spots[i];
        row *r = row_for(rows, &count, s);
        int64_t here = (int64_t)host_spot_variants(s) * HOST_MODES;
        r->places++;
        r->combinations += here;
        for (int64_t end = n + here; n < end; n++)
            r->by[j->verdicts[n]]++;
    }
    printf("%-9s %-21s %6s %12s %9s %9s %9s %9s %9s\n", "setting", "API", "places", "combinations",
           "run", "recovered", "permanent", "no effect", "violated");
    for (int i = 0; i < count; i++) {
        const row *r = &rows[i];
        printf("%-9s %-21s %6d %12lld %9lld %9lld %9lld %9lld %9lld\n",
               host_settings[r->setting].name, kci_api_get(r->api)->name, r->places,
               (long long)r->combinations, (long long)(r->combinations - r->by[NOT_RUN]),
               (long long)r->by[RECOVERED], (long long)r->by[PERMANENT], (long long)r->by[UNTOLD],
               (long long)(r->by[VIOLATED] + r->by[CRASHED]));
    }
}

static void list(const job *j)
{
    char buf[32];
    for (int i = 0; i < j->cases.spot_count; i++) {
        const host_spot *s = &j->cases.spots[i];
        printf("%-9s %-21s %3d %s%s\n", host_settings[s->setting].name, kci_api_get(s->api)->name,
               s->number, s->place.path, s->natural ? "" : " (added)");
        if (j->opt->place)
            for (int v = 0; v < host_spot_variants(s); v++)
                printf("    %3d %s\n", v, host_spot_variant_name(s, v, buf));
    }
    printf("%d places, %lld combinations\n", j->cases.spot_count, (long long)j->cases.total);
}

static int replay(job *j)
{
    static const char *const outcomes[HOST_OUTCOMES] = { "the lie changed nothing", "recovered",
                                                         "permanent error" };
    host_case c = host_case_at(&j->cases, j->list[0]);
    char name[512];
    name_case(&c, name, sizeof name);
    host_result r = host_run(&c, true);
    fprintf(stderr,
            "%s: %d problems, %s after %.3f s%s%s; at most %lld bytes, largest %lld; %016llx\n",
            name, r.problems, outcomes[r.outcome], (double)r.recovery_us / 1e6, *r.text ? ": " : "",
            r.text, (long long)r.most, (long long)r.largest, (unsigned long long)r.digest);
    return r.problems != 0;
}

static int run_honest(const options *opt)
{
    int setting = 0;
    while (setting < host_setting_count &&
           !matches(opt->setting, host_settings[setting].name, setting))
        setting++;
    if (setting == host_setting_count)
        return 2;
    host_result r = host_run_honest(setting, true, NULL, NULL);
    fprintf(stderr, "%d problems%s%s\n", r.problems, *r.text ? ": " : "", r.text);
    return r.problems != 0;
}

static void *share(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

static int run_chosen(job *j)
{
    struct timespec t0, t1;
    j->shared = share(sizeof *j->shared);
    j->verdicts = share((size_t)j->cases.total);
    clock_gettime(CLOCK_MONOTONIC, &t0);
    run_all(j);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    print_table(j);
    int64_t bad = 0;
    for (int64_t n = 0; n < j->cases.total; n++)
        bad += j->verdicts[n] == VIOLATED || j->verdicts[n] == CRASHED;
    printf("%lld of %lld combinations in %.1f s, %.1f virtual hours; slowest recovery %.1f s; at "
           "most %lld bytes held, largest allocation %lld\n",
           (long long)j->count, (long long)j->cases.total,
           (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9,
           (double)j->shared->virtual_us / 3.6e9, (double)j->shared->slowest_us / 1e6,
           (long long)j->shared->most, (long long)j->shared->largest);
    printf("%lld passed, %lld failed\n", (long long)(j->count - bad), (long long)bad);
    return bad != 0;
}

static void usage(FILE *out)
{
    fprintf(
        out,
        "run [--sample N] [--workers N] [choice]   all combinations, or N spread over them\n"
        "run --trace choice                        the first one, with a log of what happens\n"
        "run --list [--place P]                    places; with P also the variants\n"
        "choice: --setting S --api A --place P --variant V --mode M, each by name or #number\n");
}

static bool parse(int argc, char **argv, options *opt)
{
    enum { SETTING = 256, API, PLACE, VARIANT, MODE, SAMPLE, WORKERS, TRACE, LIST, HONEST, HELP };
    static const struct option longs[] = {
        { "setting", 1, 0, SETTING }, { "api", 1, 0, API },     { "place", 1, 0, PLACE },
        { "variant", 1, 0, VARIANT }, { "mode", 1, 0, MODE },   { "sample", 1, 0, SAMPLE },
        { "workers", 1, 0, WORKERS }, { "trace", 0, 0, TRACE }, { "list", 0, 0, LIST },
        { "honest", 0, 0, HONEST },   { "help", 0, 0, HELP },   { 0, 0, 0, 0 },
    };
    const char **texts[] = { &opt->setting, &opt->api, &opt->place, &opt->variant, &opt->mode };
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c >= SETTING && c <= MODE)
            *texts[c - SETTING] = optarg;
        else if (c == SAMPLE)
            opt->sample = atoll(optarg);
        else if (c == WORKERS)
            opt->workers = atoi(optarg);
        else if (c == TRACE)
            opt->trace = true;
        else if (c == LIST)
            opt->list = true;
        else if (c == HONEST)
            opt->honest = true;
        else
            return false;
    }
    return optind == argc && opt->workers > 0 && opt->workers <= MAX_WORKERS;
}

int main(int argc, char **argv)
{
    options opt = { .workers = (int)sysconf(_SC_NPROCESSORS_ONLN) };
    if (!parse(argc, argv, &opt)) {
        usage(stderr);
        return 2;
    }
    if (opt.honest)
        return run_honest(&opt);
    job j = { .opt = &opt };
    host_cases_find(&j.cases);
    choose(&j);
    int status = 0;
    if (opt.list)
        list(&j);
    else if (j.count == 0)
        status = 2;
    else
        status = opt.trace ? replay(&j) : run_chosen(&j);
    free(j.list);
    host_cases_free(&j.cases);
    return status;
}
