/* SPDX-License-Identifier: Apache-2.0 */
/* Sends numbered records to a real cluster that is in trouble, reads them at the same time, and
 * checks the whole history with the simulator's checker. tests/chaos/run makes the trouble.
 *
 *   chaos -b SERVERS -t TOPIC -n RECORDS [-p PARTITIONS] [-r PER_SECOND] [-d SECONDS]
 *         [-B PLANTED_BUG] [-X name=value]...
 *
 * SIGUSR1 ends the pace of -r: the rest is sent as fast as it goes.
 * -d: all records have been taken by then, or it is a violation. Exit status: 0 no violations, 1
 * violations, 2 it could not run. */
#include <kclient/kclient.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/planted.h"
#include "sim/history.h"

enum { LONGEST_PADDING = 100, READ_S = 180 };

typedef struct chaos {
    const char *topic;
    uint64_t records, rate;
    int partitions;
    int64_t seconds; /* for sending */
    history *h;
    kc_client *client;
    kc_producer *producer;
    kc_consumer *consumer;
    uint64_t sent, reported, polled;
    int delivery_timeout_ms;
} chaos;

static volatile sig_atomic_t hurry;

static void on_hurry(int signal)
{
    (void)signal;
    hurry = 1;
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what, const kc_error *why)
{
    fprintf(stderr, "chaos: %s: %s\n", what, why->text);
    exit(2);
}

/* Values are the id in decimal, so that other tools can read them, and padding that follows from
 * it, so that damage is seen. Returns the size. */
static size_t make_value(uint64_t id, char out[24 + LONGEST_PADDING])
{
    size_t n = (size_t)snprintf(out, 24, "%llu ", (unsigned long long)id);
    for (size_t i = 0; i < id % LONGEST_PADDING; i++)
        out[n++] = (char)('a' + (id + i) % 26);
    return n;
}

/* 0: not a value of ours, or damaged. */
static uint64_t value_id(kc_bytes value)
{
    char text[24] = { 0 }, want[24 + LONGEST_PADDING];
    if (!value.data)
        return 0;
    memcpy(text, value.data, value.size < sizeof text - 1 ? value.size : sizeof text - 1);
    uint64_t id = strtoull(text, NULL, 10);
    size_t n = make_value(id, want);
    return value.size == n && memcmp(want, value.data, n) == 0 ? id : 0;
}

static void on_delivery(void *user, const kc_delivery *d)
{
    chaos *c = user;
    for (int32_t i = 0; i < d->count; i++) {
        uint64_t id = (uint64_t)(uintptr_t)d->opaques[i];
        if (d->err == KC_OK)
            history_acked(c->h, id, d->partition, kc_delivery_offset(d, i), now_us());
        else
            history_failed(c->h, id, d->partition, (d->flags & KC_DELIVERY_POSSIBLY_PERSISTED) != 0,
                           now_us());
    }
    if (d->err != KC_OK)
        fprintf(stderr, "chaos: %d records failed: %s\n", d->count, d->text);
    c->reported += (uint64_t)d->count;
}

static bool send_next(chaos *c)
{
    int partition = (int)(c->sent % (uint64_t)c->partitions);
    uint64_t id = history_send(c->h, 0, partition, now_us(),
                               now_us() + (c->delivery_timeout_ms + 5000) * 1000LL);
    char text[24 + LONGEST_PADDING];
    size_t n = make_value(id, text);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(c->topic);
    record.partition = partition;
    record.value = kc_mem(text, n);
    record.opaque = (void *)(uintptr_t)id;
    kc_error why = { 0 };
    kc_err err = kc_producer_send(c->producer, &record, &why);
    if (err == KC_OK) {
        c->sent++;
        return true;
    }
    history_refused(c->h, id);
    if (err != KC_E_QUEUE_FULL && err != KC_E_TIMED_OUT)
        history_violation(c->h, H_UNEXPECTED_ERROR, "send: %s", why.text);
    return false;
}

static void poll_once(chaos *c, int timeout_ms)
{
    kc_records *records = NULL;
    kc_error why = { 0 };
    kc_err err = kc_consumer_poll(c->consumer, timeout_ms, &records, &why);
    if (err != KC_OK)
        fprintf(stderr, "chaos: poll: %s\n", why.text);
    if (records) {
        const kc_record *rows = kc_records_data(records);
        for (size_t i = 0; i < kc_records_count(records); i++)
            history_polled(c->h, 0, kc_records_partition(records), rows[i].offset,
                           value_id(rows[i].value));
        c->polled += kc_records_count(records);
    }
    kc_records_free(records);
}

static void assign(chaos *c, kc_consumer *consumer)
{
    kc_topic_partition_position list[256];
    for (int p = 0; p < c->partitions; p++)
        list[p] = (kc_topic_partition_position){ kc_str(c->topic), p, kc_position_beginning() };
    kc_error why = { 0 };
    if (kc_consumer_assign(consumer, list, (size_t)c->partitions, &why) != KC_OK)
        die("assign", &why);
}

static void show_progress(const chaos *c)
{
    fprintf(stderr, "chaos: %llu sent, %llu reported, %llu polled\n", (unsigned long long)c->sent,
            (unsigned long long)c->reported, (unsigned long long)c->polled);
}

/* How many records should have been sent by now. */
static uint64_t due_by(const chaos *c, int64_t begun)
{
    if (c->rate == 0 || hurry)
        return c->records;
    return (uint64_t)((double)(now_us() - begun) / 1e6 * (double)c->rate);
}

static void work(chaos *c)
{
    int64_t begun = now_us(), shown = begun;
    while (c->sent < c->records && now_us() - begun < c->seconds * 1000000) {
        uint64_t due = due_by(c, begun);
        for (int i = 0; i < 500 && c->sent < c->records && c->sent < due; i++)
            if (!send_next(c))
                break;
        kc_producer_poll(c->producer, 0, NULL);
        poll_once(c, c->sent < due ? 0 : 5);
        if (now_us() - shown > 5000000) {
            shown = now_us();
            show_progress(c);
        }
    }
    if (c->sent < c->records)
        history_violation(c->h, H_LATE_CALL, "only %llu of %llu records were taken in %lld s",
                          (unsigned long long)c->sent, (unsigned long long)c->records,
                          (long long)c->seconds);
}

static bool at_end(chaos *c, kc_consumer *consumer)
{
    for (int p = 0; p < c->partitions; p++) {
        kc_partition_offsets offsets = KC_PARTITION_OFFSETS_INIT;
        kc_topic_partition_offset at = KC_TOPIC_PARTITION_OFFSET_INIT;
        if (kc_consumer_offsets(consumer, kc_str(c->topic), p, 10000, &offsets, NULL) != KC_OK ||
            kc_consumer_position(consumer, kc_str(c->topic), p, 10000, &at, NULL) != KC_OK ||
            at.offset < offsets.end)
            return false;
    }
    return true;
}

/* Polls to the end of the log, at most so long. */
static void finish(chaos *c)
{
    kc_error why = { 0 };
    if (kc_producer_flush(c->producer, c->delivery_timeout_ms + 10000, &why) == KC_E_TIMED_OUT)
        history_violation(c->h, H_LATE_REPORT, "flush: %s", why.text);
    int64_t until = now_us() + READ_S * 1000000LL;
    while (!at_end(c, c->consumer)) {
        if (now_us() > until) {
            history_violation(c->h, H_UNSEEN, "the end was not reached in %d s", READ_S);
            return;
        }
        for (int64_t round = now_us() + 500000; now_us() < round;)
            poll_once(c, 20);
    }
}

static void log_once(chaos *c, kc_consumer *reader)
{
    kc_records *records = NULL;
    kc_error why = { 0 };
    if (kc_consumer_poll(reader, 20, &records, &why) != KC_OK)
        fprintf(stderr, "chaos: reading the log: %s\n", why.text);
    const kc_record *rows = records ? kc_records_data(records) : NULL;
    size_t n = records ? kc_records_count(records) : 0;
    for (size_t k = 0; k < n; k++)
        history_logged(c->h, kc_records_partition(records), rows[k].offset,
                       value_id(rows[k].value));
    kc_records_free(records);
}

/* The final log, by a client of its own. */
static void read_log(chaos *c, kc_config *config)
{
    kc_error why = { 0 };
    kc_client *client = NULL;
    kc_consumer *reader = NULL;
    if (kc_client_new(config, &client, &why) != KC_OK ||
        kc_consumer_new(client, NULL, &reader, &why) != KC_OK)
        die("consumer", &why);
    assign(c, reader);
    for (int p = 0; p < c->partitions; p++)
        history_log_begin(c->h, p, 0);
    int64_t until = now_us() + READ_S * 1000000LL;
    while (!at_end(c, reader)) {
        if (now_us() > until) {
            fprintf(stderr, "chaos: the log could not be read to its end in %d s\n", READ_S);
            exit(2);
        }
        for (int64_t round = now_us() + 500000; now_us() < round;)
            log_once(c, reader);
    }
    kc_consumer_free(reader);
    kc_client_free(client);
}

static void open_all(chaos *c, kc_config *config)
{
    kc_error why = { 0 };
    kc_producer_options options = { .size = sizeof options, .on_delivery = on_delivery, .user = c };
    if (kc_client_new(config, &c->client, &why) != KC_OK ||
        kc_producer_new(c->client, &options, &c->producer, &why) != KC_OK ||
        kc_consumer_new(c->client, NULL, &c->consumer, &why) != KC_OK)
        die("client", &why);
    c->delivery_timeout_ms = atoi(kc_config_get(config, "delivery.timeout.ms"));
    assign(c, c->consumer);
    for (int p = 0; p < c->partitions; p++)
        history_positioned(c->h, 0, p, 0, true);
}

static void set(kc_config *config, const char *name, const char *value)
{
    kc_error why = { 0 };
    if (kc_config_set(config, name, value, &why) != KC_OK)
        die(name, &why);
}

#ifdef KCI_PLANTED_BUGS
static void plant(const char *name)
{
#define B(id, text)             \
    if (strcmp(name, #id) == 0) \
        kci_planted = KCI_BUG_##id;
    KCI_PLANTED_BUGS_TABLE(B)
#undef B
    if (kci_planted == KCI_BUG_NONE)
        exit(2);
}
#else
static void plant(const char *name)
{
    fprintf(stderr, "chaos: no bug %s: this build has none (meson setup -Dplanted_bugs=true)\n",
            name);
    exit(2);
}
#endif

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (end != text && *end == '\0' && n >= least && n <= most)
        return n;
    fprintf(stderr, "chaos: %s is not a number from %llu to %llu\n", text,
            (unsigned long long)least, (unsigned long long)most);
    exit(2);
}

static void set_pair(kc_config *config, char *pair)
{
    char *eq = strchr(pair, '=');
    if (!eq)
        exit(2);
    *eq = '\0';
    set(config, pair, eq + 1);
}

static void parse(chaos *c, kc_config *config, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "b:t:n:p:r:d:B:X:")) != -1;) {
        if (option == 'b')
            set(config, "bootstrap.servers", optarg);
        else if (option == 't')
            c->topic = optarg;
        else if (option == 'n')
            c->records = number(optarg, 1, 1000000000);
        else if (option == 'p')
            c->partitions = (int)number(optarg, 1, 256);
        else if (option == 'r')
            c->rate = number(optarg, 1, 100000000);
        else if (option == 'd')
            c->seconds = (int64_t)number(optarg, 1, 1000000);
        else if (option == 'B')
            plant(optarg);
        else if (option == 'X')
            set_pair(config, optarg);
        else
            exit(2);
    }
}

/* The first few of each class. */
static void show_examples(const history *h)
{
    int shown[H_CLASS_COUNT] = { 0 };
    history_class class;
    const char *text;
    for (int i = 0; (text = history_problem(h, i, &class)); i++)
        if (shown[class]++ < 5)
            printf("VIOLATION %s: %s\n", history_class_name(class), text);
}

/* Those of the promise always, others when there are any. */
static void show_violations(const history *h, int bad)
{
    printf("%d lost, %d duplicated, %d reordered, %d unreported",
           history_problem_count_of(h, H_LOST_WRITE), history_problem_count_of(h, H_DUPLICATE),
           history_problem_count_of(h, H_REORDERED), history_problem_count_of(h, H_UNREPORTED));
    for (int i = 0; i < H_CLASS_COUNT; i++)
        if (i != H_LOST_WRITE && i != H_DUPLICATE && i != H_REORDERED && i != H_UNREPORTED &&
            history_problem_count_of(h, (history_class)i) > 0)
            printf(", %d %s", history_problem_count_of(h, (history_class)i),
                   history_class_name((history_class)i));
    printf("; %d violations\n", bad);
}

static int report(chaos *c)
{
    int bad = history_check(
        c->h, &(history_rules){ .ordered = true, .exactly_once = true, .all_seen = true });
    history_totals t = history_count(c->h);
    show_examples(c->h);
    printf("%llu sent, %llu acknowledged, %llu failed (%llu possibly persisted), %llu in the log, "
           "%llu polled\n",
           (unsigned long long)(t.sent - t.refused), (unsigned long long)t.acked,
           (unsigned long long)t.failed, (unsigned long long)t.possibly,
           (unsigned long long)t.logged, (unsigned long long)t.polled);
    show_violations(c->h, bad);
    return bad;
}

int main(int argc, char **argv)
{
    chaos c = {
        .topic = "chaos", .records = 100000, .partitions = 12, .seconds = 600, .h = history_new()
    };
    kc_config *config = kc_config_new();
    set(config, "auto.offset.reset", "earliest");
    set(config, "max.block.ms", "1000"); /* outcomes are fetched while the buffer is full */
    parse(&c, config, argc, argv);
    signal(SIGUSR1, on_hurry);
    open_all(&c, config);
    work(&c);
    finish(&c);
    read_log(&c, config);
    kc_error why = { 0 };
    kc_producer_close(c.producer, 1000, &why);
    kc_producer_free(c.producer);
    kc_consumer_free(c.consumer);
    kc_client_free(c.client);
    kc_config_free(config);
    int bad = report(&c);
    history_free(c.h);
    return bad != 0;
}
