/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/run.h"

#include <stdio.h>

#include "base/mem.h"
#include "core/client.h"
#include "hostile/app.h"
#include "hostile/memory.h"
#include "mock/mock.h"
#include "wire/messages.h"

void run_check_call(run *r, const char *what, int64_t begun_us, int64_t timeout_ms)
{
    int64_t took = now_of(r) - begun_us;
    if (took > timeout_ms * 1000 + SLACK_US)
        book_problem(&r->book, "%s took %lld ms, allowed were %lld", what, (long long)took / 1000,
                     (long long)timeout_ms);
}

/* the checks */

static void check_storm(run *r)
{
    int64_t seconds = (now_of(r) - r->begun) / 1000000 + 1;
    int64_t connects = sim_connects(r->world);
    for (int32_t b = 1; b <= BROKERS; b++) {
        int64_t requests = kc_mock_requests(r->mock, b, -1);
        if (requests > seconds * REQUESTS_PER_S + 60)
            book_problem(&r->book, "%lld requests to broker %d in %lld s", (long long)requests, b,
                         (long long)seconds);
    }
    if (connects > seconds * REQUESTS_PER_S * BROKERS / 2 + 30)
        book_problem(&r->book, "%lld connects in %lld s", (long long)connects, (long long)seconds);
}

static void check_memory(run *r, int64_t live)
{
    if (kci_mem_live() != live)
        book_problem(&r->book, "%lld allocations are not freed",
                     (long long)(kci_mem_live() - live));
    if (host_memory_largest() > FRAME_MAX + 4096)
        book_problem(&r->book, "an allocation of %lld bytes", (long long)host_memory_largest());
    if (host_memory_most() > MEMORY_MAX)
        book_problem(&r->book, "%lld bytes were held", (long long)host_memory_most());
}

/* what a lie may explain */

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

static bool is_about_offsets(int16_t api)
{
    return api == KCI_API_FETCH || api == KCI_API_LIST_OFFSETS ||
           api == KCI_API_OFFSET_FOR_LEADER_EPOCH || api == KCI_API_METADATA;
}

/* Only what no client could tell from the truth. */
static book_rules rules_of(const host_case *c)
{
    const host_place *p = &c->spot->place;
    int16_t api = c->spot->api;
    bool field = p->kind == HOST_FIELD;
    bool records = field && p->field->kind == KCI_RECORDS;
    bool names = ends_with(p->path, "partition_index") || ends_with(p->path, "topic_id") ||
                 ends_with(p->path, "topic");
    bool ids = ends_with(p->path, "producer_id") || ends_with(p->path, "producer_epoch");
    book_rules rules = { 0 };
    rules.forged_records =
        api == KCI_API_FETCH && ((field && names) || host_forges_records(p, c->variant));
    rules.forged_offsets = is_about_offsets(api) && (records ? host_forges_records(p, c->variant)
                                                             : (field || p->kind == HOST_OBJECT));
    rules.forged_acks = field && ((api == KCI_API_PRODUCE && p->is_error_code) ||
                                  (api == KCI_API_INIT_PRODUCER_ID && ids));
    return rules;
}

/* Whether the client has reported an error that is said to be for good. */
static bool is_permanent(const run *r)
{
    const host_case *c = r->c;
    return c && (c->spot->api == KCI_API_PRODUCE || c->spot->api == KCI_API_INIT_PRODUCER_ID) &&
           r->refusal.code != KC_OK && (kc_error_flags(r->refusal.code) & KC_ERROR_FATAL);
}

/* the liar */

static void read_batches(run *r)
{
    static uint8_t buf[HOST_BATCHES][1024];
    static const struct {
        const char *topic;
        int partition;
    } from[HOST_BATCHES] = { { "t", 0 }, { "t", 1 }, { "u", 0 } };
    for (int i = 0; i < HOST_BATCHES; i++) {
        int64_t n =
            kc_mock_read_batch(r->mock, from[i].topic, from[i].partition, 0, buf[i], sizeof buf[i]);
        r->liar.given.batches[i] = kc_mem(buf[i], n > 0 ? (size_t)n : 0);
    }
}

static void start_liar(run *r)
{
    host_liar *liar = &r->liar;
    liar->world = r->world;
    liar->caps = r->setting->caps;
    if (r->c) {
        liar->place = &r->c->spot->place;
        liar->api = r->c->spot->api;
        liar->natural = r->c->spot->natural;
        liar->variant = r->c->variant;
        liar->mode = r->c->mode;
        liar->on = true;
        r->rules = rules_of(r->c);
    }
    liar->given.other_topic = kc_str("u");
    kc_mock_topic_id(r->mock, "u", &liar->given.other_id);
    read_batches(r);
    host_liar_start(liar, r->mock);
}

/* Versions were negotiated with a liar: connections end, as when brokers are replaced. */
static void be_honest(run *r)
{
    r->liar.on = false;
    r->honest_again = true;
    r->lie_ended = now_of(r);
    sim_trace(r->world, "brokers are honest from now on");
    if (r->c && (r->c->spot->api == KCI_API_API_VERSIONS || r->setting->sasl))
        kc_mock_disconnect(r->mock, -1);
}

/* one run */

static void recover(run *r, const app *a)
{
    be_honest(r);
    if (a->recover(r)) {
        r->recovered = now_of(r);
        return;
    }
    if (!is_permanent(r))
        book_problem(&r->book,
                     "does not work again after the lie: last refusal %s: %.200s; last poll error "
                     "%s: %.200s",
                     kc_error_name(r->refusal.code), r->refusal.text,
                     kc_error_name(r->poll_error.code), r->poll_error.text);
}

static void close_client(run *r, const app *a)
{
    a->close(r);
    int64_t begun = now_of(r);
    kc_client_close(r->client, CLOSE_MS, NULL);
    run_check_call(r, "client close", begun, CLOSE_MS);
    sim_actor_remove(r->world, kci_client_loop(r->client));
    kc_client_free(r->client);
    if (sim_open_sockets(r->world))
        book_problem(&r->book, "%d sockets are open after the end", sim_open_sockets(r->world));
}

static void close_cluster(run *r)
{
    host_liar_end(&r->liar, r->mock);
    kc_mock_close(r->mock);
    kc_mock_free(r->mock);
    sim_actor_remove(r->world, r->mock_loop);
    kci_loop_free(r->mock_loop);
}

static host_result result_of(const run *r)
{
    host_result result = { .outcome = HOST_RECOVERED,
                           .problems = r->book.problems,
                           .virtual_us = now_of(r) - r->begun,
                           .largest = host_memory_largest(),
                           .most = host_memory_most(),
                           .digest = sim_digest(r->world) };
    snprintf(result.text, sizeof result.text, "%s", r->book.text);
    if (r->recovered) {
        result.recovery_us = r->recovered - r->lie_ended;
    } else if (r->honest_again && r->book.problems == 0) {
        result.outcome = HOST_PERMANENT;
        snprintf(result.text, sizeof result.text, "%.80s: %.500s", kc_error_name(r->refusal.code),
                 r->refusal.text);
    }
    if (r->c && r->liar.changed == 0)
        result.outcome = HOST_UNTOLD;
    return result;
}

static host_result run_it(run *r, bool trace)
{
    const app *a = r->setting->admin ? &app_admin : &app_records;
    host_mode mode = r->c ? r->c->mode : HOST_ALWAYS;
    int64_t live = kci_mem_live();
    host_memory_reset();
    r->world = sim_world_new(1);
    book_init(&r->book);
    if (trace)
        sim_trace_on(r->world);
    r->begun = now_of(r);
    setup_cluster(r);
    start_liar(r);
    setup_client(r);
    a->open(r);
    a->work(r, mode == HOST_ONCE || mode == HOST_SECOND ? LIE_ONCE_US : LIE_US);
    check_storm(r);
    if (mode != HOST_TO_THE_END)
        recover(r, a);
    close_client(r, a);
    book_check(&r->book, r->mock, &r->rules);
    close_cluster(r);
    check_memory(r, live);
    host_result result = result_of(r);
    sim_world_free(r->world);
    return result;
}

host_result host_run(const host_case *c, bool trace)
{
    static run r;
    r = (run){ .setting = &host_settings[c->spot->setting], .c = c };
    return run_it(&r, trace);
}

host_result host_run_honest(int setting, bool trace, host_seen_fn seen, void *arg)
{
    static run r;
    r = (run){ .setting = &host_settings[setting], .liar = { .seen = seen, .seen_arg = arg } };
    return run_it(&r, trace);
}
