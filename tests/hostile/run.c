/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/run.h"

#include <stdio.h>
#include <stdlib.h>

#include <kclient/producer.h>

#include "base/mem.h"
#include "core/client.h"
#include "hostile/book.h"
#include "hostile/memory.h"
#include "mock/mock.h"
#include "record/writer.h"
#include "wire/messages.h"

enum {
    BASE_PORT = 9000,
    BROKERS = 2,
    MAX_BLOCK_MS = 1000,
    DELIVERY_MS = 8000,
    LIE_US = 10000000,      /* for so long it is told again and again */
    LIE_ONCE_US = 4000000,  /* or once within so long */
    RECOVERY_US = 60000000, /* then the client has so long to work again */
    SLACK_US = 20000,       /* how much longer than its deadline a call may take */
    REQUESTS_PER_S = 20,    /* to one broker, while it lies */
    FETCH_BUFFER = 128 << 10,
    BUFFER_MEMORY = 256 << 10,
    FRAME_MAX = 1 << 20,
    MEMORY_MAX = 8 << 20, /* all of client, cluster and lies */
    FIRST_RECORDS = 5
};

typedef struct run {
    const host_setting *setting;
    const host_case *c; /* NULL: the honest run */
    sim_world *world;
    kci_loop *mock_loop;
    kc_mock *mock;
    kc_client *client;
    kc_producer *producer;
    kc_consumer *consumer;
    host_liar liar;
    book book;
    book_rules rules;
    int sent;     /* records of the work so far */
    int fresh[2]; /* numbers of the records that show recovery, per partition of "t" */
    bool moved, sought, asked;
    bool honest_again;
    kc_error refusal;    /* why the last send was refused or failed */
    kc_error poll_error; /* the last one */
    int64_t begun, lie_ended, recovered;
} run;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "hostile: cannot set up: %s: %s\n", what, why);
    abort();
}

static int64_t now_of(const run *r)
{
    return sim_now(r->world);
}

static void check_call(run *r, const char *what, int64_t begun, int64_t timeout_ms)
{
    int64_t took = now_of(r) - begun;
    if (took > timeout_ms * 1000 + SLACK_US)
        book_problem(&r->book, "%s took %lld ms, allowed were %lld", what, (long long)took / 1000,
                     (long long)timeout_ms);
}

/* set-up */

static void append_first(run *r, int topic, int partition)
{
    union {
        kci_chunk chunk;
        uint8_t room[4096];
    } memory = { .chunk = { .cap = sizeof memory - sizeof(kci_chunk) } };
    uint8_t batch[4096 + KCI_BATCH_HEADER_SIZE], value[BOOK_VALUE];
    kci_batch_writer w;
    kci_batch_writer_init(&w);
    kci_batch_writer_add_chunk(&w, &memory.chunk);
    for (int i = 0; i < FIRST_RECORDS; i++) {
        int n = book_send(&r->book, topic, partition, INT64_MAX);
        r->book.records[n].state = BOOK_ACKED;
        book_value(n, value);
        kci_batch_writer_append(&w, 1700000000000 + i, kc_str("k"), kc_mem(value, sizeof value),
                                NULL, 0);
    }
    if (kci_batch_writer_seal(&w, KCI_CODEC_NONE, 0, NULL, NULL) != KC_OK)
        die("batch", "seal");
    kci_batch_writer_header(&w, -1, -1, -1, 0, batch);
    memcpy(batch + KCI_BATCH_HEADER_SIZE, memory.chunk.data, memory.chunk.used);
    if (kc_mock_append_raw(r->mock, book_topics[topic], partition, batch,
                           KCI_BATCH_HEADER_SIZE + memory.chunk.used) < 0)
        die("batch", "append");
}

static void open_cluster(run *r)
{
    kc_mock_options options = { .size = sizeof options,
                                .brokers = BROKERS,
                                .racks = "a,b",
                                .port = BASE_PORT,
                                .default_partitions = 1,
                                .version = r->setting->version,
                                .no_fetch_sessions = r->setting->no_sessions,
                                .sasl_plain = r->setting->sasl ? "user:secret" : NULL };
    kc_error why = { 0 };
    if (kci_loop_new(sim_world_sys(r->world), &r->mock_loop) != KC_OK)
        die("loop", "");
    sim_actor_add(r->world, r->mock_loop, "cluster");
    if (kci_mock_new_on(r->mock_loop, &options, &r->mock, &why) != KC_OK)
        die("cluster", why.text);
    if (kc_mock_create_topic(r->mock, "t", 2, 2) != KC_OK ||
        kc_mock_create_topic(r->mock, "u", 1, 2) != KC_OK)
        die("topics", "");
    append_first(r, 0, 0);
    append_first(r, 0, 1);
    append_first(r, 1, 0);
}

static void set(kc_config *config, const char *name, const char *value)
{
    kc_error why = { 0 };
    if (kc_config_set(config, name, value, &why) != KC_OK)
        die(name, why.text);
}

static void set_int(kc_config *config, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    set(config, name, text);
}

static kc_config *make_config(const host_setting *setting)
{
    kc_config *config = kc_config_new();
    if (!config)
        die("config", "no memory");
    set(config, "bootstrap.servers", "127.0.0.1:9000,127.0.0.1:9001");
    set(config, "client.rack", "a");
    set_int(config, "max.block.ms", MAX_BLOCK_MS);
    set_int(config, "delivery.timeout.ms", DELIVERY_MS);
    set_int(config, "request.timeout.ms", 2000);
    set_int(config, "default.api.timeout.ms", 3000);
    set_int(config, "socket.connection.setup.timeout.ms", 2000);
    set_int(config, "linger.ms", 5);
    set_int(config, "buffer.memory", BUFFER_MEMORY);
    set_int(config, "fetch.buffer.bytes", FETCH_BUFFER);
    set_int(config, "fetch.max.wait.ms", 250);
    set_int(config, "fetch.max.bytes", FETCH_BUFFER);
    set_int(config, "max.partition.fetch.bytes", FETCH_BUFFER);
    set_int(config, "receive.message.max.bytes", FRAME_MAX);
    set(config, "auto.offset.reset", "earliest");
    if (setting->sasl) {
        set(config, "security.protocol", "SASL_PLAINTEXT");
        set(config, "sasl.mechanism", "PLAIN");
        set(config, "sasl.username", "user");
        set(config, "sasl.password", "secret");
    }
    return config;
}

static void log_line(void *user, int32_t level, const char *area, const char *text)
{
    (void)level;
    sim_trace(user, "log %s: %s", area, text);
}

static void on_delivery(void *user, const kc_delivery *d)
{
    run *r = user;
    sim_trace(r->world, "app: %d records of partition %d: %s at %lld", d->count, d->partition,
              kc_error_name(d->err), (long long)d->base_offset);
    if (d->err != KC_OK) {
        r->refusal.code = d->err;
        snprintf(r->refusal.text, sizeof r->refusal.text, "%s", d->text);
    }
    for (int32_t i = 0; i < d->count; i++)
        book_outcome(&r->book, d->opaques ? (int)(intptr_t)d->opaques[i] : 0, d->partition, d->err,
                     (d->flags & KC_DELIVERY_POSSIBLY_PERSISTED) != 0, now_of(r));
}

static kc_topic_partition_position at(const char *topic, int partition, kc_position position)
{
    return (kc_topic_partition_position){ kc_str(topic), partition, position };
}

static void open_client(run *r)
{
    kc_error why = { 0 };
    kc_config *config = make_config(r->setting);
    if (kci_client_new_on(sim_world_sys(r->world), config, &r->client, &why) != KC_OK)
        die("client", why.text);
    kc_config_free(config);
    sim_actor_add(r->world, kci_client_loop(r->client), "client");
    kc_client_set_log(r->client, log_line, r->world,
                      sim_tracing(r->world) ? KC_LOG_DEBUG : KC_LOG_ERROR);
    kc_producer_options options = { .size = sizeof options, .on_delivery = on_delivery, .user = r };
    if (kc_producer_new(r->client, &options, &r->producer, &why) != KC_OK)
        die("producer", why.text);
    if (kc_consumer_new(r->client, NULL, &r->consumer, &why) != KC_OK)
        die("consumer", why.text);
    const kc_topic_partition_position list[] = { at("t", 0, kc_position_beginning()),
                                                 at("t", 1, kc_position_timestamp(1)),
                                                 at("u", 0, kc_position_tail(2)) };
    if (kc_consumer_assign(r->consumer, list, 3, &why) != KC_OK)
        die("assign", why.text);
}

bool host_setting_is_built(int setting)
{
    sim_world *world = sim_world_new(1);
    kc_config *config = make_config(&host_settings[setting]);
    kc_client *client = NULL;
    kc_err err = kci_client_new_on(sim_world_sys(world), config, &client, NULL);
    kc_client_free(client);
    kc_config_free(config);
    sim_world_free(world);
    return err != KC_E_NOT_SUPPORTED;
}

/* the application */

/* Returns its number; 0: refused. */
static int send_one(run *r, int topic, int partition)
{
    uint8_t value[BOOK_VALUE];
    int64_t begun = now_of(r);
    int n = book_send(&r->book, topic, partition,
                      begun + (DELIVERY_MS + 2 * MAX_BLOCK_MS) * INT64_C(1000) + 1000000);
    if (n == 0) {
        book_problem(&r->book, "too many records");
        return 0;
    }
    book_value(n, value);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(book_topics[topic]);
    record.partition = partition;
    record.value = kc_mem(value, sizeof value);
    record.opaque = (void *)(intptr_t)n;
    kc_error why = { 0 };
    kc_err err = kc_producer_send(r->producer, &record, &why);
    check_call(r, "send", begun, MAX_BLOCK_MS);
    if (err == KC_OK)
        return n;
    r->book.records[n].state = BOOK_REFUSED;
    r->refusal = why;
    r->refusal.code = err;
    sim_trace(r->world, "app: send %d to %s is refused: %s: %s", n, book_topics[topic],
              kc_error_name(err), why.text);
    return 0;
}

/* An error stopped a partition: the application reads on where it can, once brokers are honest
 * again from the beginning. */
static void after_error(run *r, const kc_records *records)
{
    int topic = book_topic(kc_records_topic(records)), partition = kc_records_partition(records);
    if (topic < 0 || partition < 0 || partition >= BOOK_PARTITIONS) {
        book_problem(&r->book, "an error of a partition that is not assigned");
        return;
    }
    int64_t next = kc_records_next_offset(records);
    kc_position to =
        r->honest_again || next < 0 ? kc_position_beginning() : kc_position_offset(next);
    r->book.next[topic][partition] = -1;
    kc_consumer_seek(r->consumer, kc_records_topic(records), partition, to, NULL);
}

static bool is_stopping(kc_err err)
{
    return err == KC_E_CORRUPT_MESSAGE || err == KC_E_DECOMPRESS ||
           err == KC_E_DECOMPRESSED_TOO_LARGE || err == KC_E_NOT_SUPPORTED ||
           err == KC_E_PROTOCOL || err == KC_E_LOG_TRUNCATED || err == KC_E_NO_OFFSET;
}

/* true when something came */
static bool poll_once(run *r, int32_t timeout_ms)
{
    int64_t begun = now_of(r);
    kc_records *records = NULL;
    kc_error why = { 0 };
    kc_err err = kc_consumer_poll(r->consumer, timeout_ms, &records, &why);
    check_call(r, "poll", begun, timeout_ms);
    if (err != KC_OK) {
        sim_trace(r->world, "app: poll: %s: %s", kc_error_name(err), why.text);
        r->poll_error = why;
        r->poll_error.code = err;
    }
    if (records && err == KC_OK) {
        sim_trace(r->world, "app: %zu records of %.*s-%d from %lld", kc_records_count(records),
                  (int)kc_records_topic(records).size, kc_records_topic(records).data,
                  kc_records_partition(records), (long long)kc_records_offset(records));
        book_polled(&r->book, records, &r->rules);
    } else if (records && is_stopping(err)) {
        after_error(r, records);
    }
    bool some = records != NULL;
    kc_records_free(records);
    return some;
}

static void check_bounds(run *r)
{
    kci_stats *stats = kci_client_stats(r->client);
    int64_t buffered = atomic_load(&stats->buffer_bytes);
    int64_t fetched = atomic_load(&stats->fetch_buffer_bytes);
    if (buffered < 0 || buffered > BUFFER_MEMORY)
        book_problem(&r->book, "the producer holds %lld bytes", (long long)buffered);
    if (fetched < 0 || fetched > FETCH_BUFFER + FRAME_MAX)
        book_problem(&r->book, "the consumer holds %lld bytes", (long long)fetched);
}

/* Outcomes and records that are there. Bounded, so that an endless supply is found out. */
static void take_all(run *r, int32_t timeout_ms)
{
    int64_t begun = now_of(r);
    kc_producer_poll(r->producer, 0, NULL);
    check_call(r, "producer poll", begun, 0);
    int polls = 0;
    while (poll_once(r, polls == 0 ? timeout_ms : 0))
        if (++polls == 2000) {
            book_problem(&r->book, "poll returns something without end");
            break;
        }
    check_bounds(r);
}

/* Things that make the client ask more kinds of questions; each once, some time into the lie. */
static void do_more(run *r, int64_t passed, int64_t length)
{
    if (!r->moved && passed > length * 3 / 10) {
        r->moved = true;
        int32_t leader = 0;
        kc_mock_leader(r->mock, "t", 0, &leader, NULL);
        kc_mock_move_leader(r->mock, "t", 0, leader == 1 ? 2 : 1, 0, 0);
        sim_trace(r->world, "the leader of t-0 moves");
    }
    if (!r->sought && passed > length / 2) {
        r->sought = true;
        kc_position position = { KC_POSITION_OFFSET_EPOCH, 0, 3 };
        r->book.next[0][1] = -1;
        kc_consumer_seek(r->consumer, kc_str("t"), 1, position, NULL);
    }
    if (!r->asked && passed > length * 4 / 10) {
        r->asked = true;
        int64_t begun = now_of(r);
        kc_partition_offsets offsets = { sizeof offsets, 0, 0, 0, 0 };
        kc_consumer_offsets(r->consumer, kc_str("u"), 0, 300, &offsets, NULL);
        check_call(r, "offsets", begun, 300);
    }
}

/* The work during the lie: 20 records, and whatever there is to poll. */
static void work(run *r, int64_t length)
{
    static const struct {
        int topic, partition;
    } targets[] = { { 0, 0 }, { 0, 1 }, { 2, -1 }, { 0, 0 }, { 0, 1 } };
    int64_t end = r->begun + length;
    while (now_of(r) < end) {
        int64_t passed = now_of(r) - r->begun;
        for (; r->sent < 20 && r->sent * length / 20 <= passed; r->sent++)
            send_one(r, targets[r->sent % 5].topic, targets[r->sent % 5].partition);
        do_more(r, passed, length);
        take_all(r, 50);
        sim_run_until(r->world, now_of(r) + 20000, NULL);
    }
}

static bool is_seen(const run *r, int number)
{
    const book_record *record = &r->book.records[number];
    return number && record->state == BOOK_ACKED && record->polled;
}

/* A fresh record for a partition when the last one was refused or has failed. */
static void refresh(run *r, int partition)
{
    int *n = &r->fresh[partition];
    if (*n == 0 || r->book.records[*n].state == BOOK_FAILED)
        *n = send_one(r, 0, partition);
}

static bool recover(run *r)
{
    int64_t end = r->lie_ended + RECOVERY_US;
    while (now_of(r) < end) {
        int64_t next = now_of(r) + 1000000;
        refresh(r, 0);
        refresh(r, 1);
        while (now_of(r) < next) {
            take_all(r, 100);
            if (is_seen(r, r->fresh[0]) && is_seen(r, r->fresh[1])) {
                r->recovered = now_of(r);
                return true;
            }
            sim_run_until(r->world, now_of(r) + 20000, NULL);
        }
    }
    return false;
}

/* the end */

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

static void close_client(run *r)
{
    enum { MS = 500 };
    int64_t begun = now_of(r);
    kc_producer_flush(r->producer, DELIVERY_MS + 1000, NULL);
    check_call(r, "flush", begun, DELIVERY_MS + 1000);
    begun = now_of(r);
    kc_consumer_close(r->consumer, MS, NULL);
    check_call(r, "consumer close", begun, MS);
    begun = now_of(r);
    kc_producer_close(r->producer, MS, NULL);
    check_call(r, "producer close", begun, MS);
    begun = now_of(r);
    kc_client_close(r->client, MS, NULL);
    check_call(r, "client close", begun, MS);
    kc_consumer_free(r->consumer);
    kc_producer_free(r->producer);
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

static book_rules rules_of(const host_case *c)
{
    const host_place *p = &c->spot->place;
    int16_t api = c->spot->api;
    bool field = p->kind == HOST_FIELD;
    bool names = ends_with(p->path, "partition_index") || ends_with(p->path, "topic_id") ||
                 ends_with(p->path, "topic") || ends_with(p->path, "name");
    book_rules rules = { 0 };
    rules.forged_records =
        api == KCI_API_FETCH && ((field && names) || host_forges_records(p, c->variant));
    rules.forged_offsets = p->kind != HOST_FRAME &&
                           (api == KCI_API_FETCH || api == KCI_API_LIST_OFFSETS ||
                            api == KCI_API_OFFSET_FOR_LEADER_EPOCH || api == KCI_API_METADATA);
    rules.forged_acks =
        p->kind != HOST_FRAME && (api == KCI_API_PRODUCE || api == KCI_API_INIT_PRODUCER_ID);
    return rules;
}

/* Whether the lie itself says something for good, which the client then reports. */
static bool is_permanent(const run *r)
{
    const host_case *c = r->c;
    return c && (c->spot->api == KCI_API_PRODUCE || c->spot->api == KCI_API_INIT_PRODUCER_ID) &&
           r->refusal.code != KC_OK && (kc_error_flags(r->refusal.code) & KC_ERROR_FATAL);
}

/* Versions were negotiated with a liar: as after an upgrade of brokers, connections end. */
static void be_honest(run *r)
{
    r->liar.on = false;
    r->honest_again = true;
    r->lie_ended = now_of(r);
    sim_trace(r->world, "brokers are honest from now on");
    if (r->c && (r->c->spot->api == KCI_API_API_VERSIONS || r->setting->sasl))
        kc_mock_disconnect(r->mock, -1);
}

static void start_liar(run *r, kc_bytes *batches)
{
    host_liar *liar = &r->liar;
    liar->world = r->world;
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
    memcpy(liar->given.batches, batches, sizeof liar->given.batches);
    host_liar_start(liar, r->mock);
}

static void read_batches(run *r, kc_bytes out[HOST_BATCHES], uint8_t (*buf)[1024])
{
    static const struct {
        const char *topic;
        int partition;
    } from[HOST_BATCHES] = { { "t", 0 }, { "t", 1 }, { "u", 0 } };
    for (int i = 0; i < HOST_BATCHES; i++) {
        int64_t n = kc_mock_read_batch(r->mock, from[i].topic, from[i].partition, 0, buf[i], 1024);
        if (n <= 0 || n > 1024)
            die("batches", "");
        out[i] = kc_mem(buf[i], (size_t)n);
    }
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
    if (r->c && r->liar.changed == 0)
        result.outcome = HOST_UNTOLD;
    if (r->recovered)
        result.recovery_us = r->recovered - r->lie_ended;
    else if (r->book.problems == 0) {
        result.outcome = HOST_PERMANENT;
        snprintf(result.text, sizeof result.text, "%.80s: %.500s", kc_error_name(r->refusal.code),
                 r->refusal.text);
    }
    return result;
}

static host_result run_it(run *r, bool trace, host_seen_fn seen, void *arg)
{
    static uint8_t buf[HOST_BATCHES][1024];
    kc_bytes batches[HOST_BATCHES];
    int64_t live = kci_mem_live();
    host_memory_reset();
    r->world = sim_world_new(1);
    book_init(&r->book);
    if (trace)
        sim_trace_on(r->world);
    r->begun = now_of(r);
    open_cluster(r);
    read_batches(r, batches, buf);
    r->liar.seen = seen;
    r->liar.seen_arg = arg;
    start_liar(r, batches);
    open_client(r);
    work(r, r->c && r->c->mode != HOST_ALWAYS ? LIE_ONCE_US : LIE_US);
    check_storm(r);
    be_honest(r);
    if (!recover(r) && !is_permanent(r))
        book_problem(&r->book,
                     "does not work again after the lie: sent %s, polled %s; last refusal %s: %s; "
                     "last poll error %s: %s",
                     r->book.records[r->fresh[0]].state == BOOK_ACKED &&
                             r->book.records[r->fresh[1]].state == BOOK_ACKED
                         ? "yes"
                         : "no",
                     r->book.records[r->fresh[0]].polled && r->book.records[r->fresh[1]].polled
                         ? "yes"
                         : "no",
                     kc_error_name(r->refusal.code), r->refusal.text,
                     kc_error_name(r->poll_error.code), r->poll_error.text);
    close_client(r);
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
    return run_it(&r, trace, NULL, NULL);
}

host_result host_run_honest(int setting, host_seen_fn seen, void *arg)
{
    static run r;
    r = (run){ .setting = &host_settings[setting] };
    return run_it(&r, false, seen, arg);
}
