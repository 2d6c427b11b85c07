/* SPDX-License-Identifier: Apache-2.0 */
/* Sends numbered records to a real cluster that is in trouble, reads them at the same time, and
 * checks the whole history with the simulator's checker. tests/chaos/run makes the trouble.
 *
 *   chaos -b SERVERS -t TOPIC -n RECORDS [-p PARTITIONS] [-r PER_SECOND] [-X name=value]... */
#include <kclient/kclient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/history.h"

typedef struct chaos {
    const char *topic;
    uint64_t records, rate;
    int partitions;
    history *h;
    kc_client *client;
    kc_producer *producer;
    kc_consumer *consumer;
    uint64_t sent, reported, polled;
    int delivery_timeout_ms;
} chaos;

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

/* Values are the id in decimal, so that other tools can read them. */
static uint64_t value_id(kc_bytes value)
{
    char text[24] = { 0 };
    if (!value.data || value.size == 0 || value.size >= sizeof text)
        return 0;
    memcpy(text, value.data, value.size);
    return strtoull(text, NULL, 10);
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
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(c->topic);
    record.partition = partition;
    record.value = kc_mem(text, (size_t)n);
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

static void work(chaos *c)
{
    int64_t begun = now_us(), shown = begun;
    while (c->sent < c->records) {
        uint64_t due =
            c->rate ? (uint64_t)((double)(now_us() - begun) / 1e6 * (double)c->rate) : c->records;
        for (int i = 0; i < 500 && c->sent < c->records && c->sent < due; i++)
            if (!send_next(c))
                break;
        kc_producer_poll(c->producer, 0, NULL);
        poll_once(c, c->sent < due ? 0 : 5);
        if (now_us() - shown > 5000000) {
            shown = now_us();
            fprintf(stderr, "chaos: %llu sent, %llu reported, %llu polled\n",
                    (unsigned long long)c->sent, (unsigned long long)c->reported,
                    (unsigned long long)c->polled);
        }
    }
}

static bool at_end(chaos *c, kc_consumer *consumer)
{
    for (int p = 0; p < c->partitions; p++) {
        kc_partition_offsets offsets = { .size = sizeof offsets };
        int64_t position = -1;
        if (kc_consumer_offsets(consumer, kc_str(c->topic), p, 10000, &offsets, NULL) != KC_OK ||
            kc_consumer_position(consumer, kc_str(c->topic), p, 10000, &position, NULL, NULL) !=
                KC_OK ||
            position < offsets.end)
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
    for (int64_t until = now_us() + 120000000; now_us() < until && !at_end(c, c->consumer);)
        for (int i = 0; i < 1000; i++)
            poll_once(c, 20);
}

/* The final log, by a consumer of its own. */
static void read_log(chaos *c)
{
    kc_error why = { 0 };
    kc_consumer *reader = NULL;
    if (kc_consumer_new(c->client, NULL, &reader, &why) != KC_OK)
        die("consumer", &why);
    assign(c, reader);
    for (int p = 0; p < c->partitions; p++)
        history_log_begin(c->h, p, 0);
    for (int64_t until = now_us() + 120000000; now_us() < until && !at_end(c, reader);)
        for (int i = 0; i < 5000; i++) {
            kc_records *records = NULL;
            if (kc_consumer_poll(reader, 20, &records, &why) != KC_OK)
                fprintf(stderr, "chaos: reading the log: %s\n", why.text);
            const kc_record *rows = records ? kc_records_data(records) : NULL;
            size_t n = records ? kc_records_count(records) : 0;
            for (size_t k = 0; k < n; k++)
                history_logged(c->h, kc_records_partition(records), rows[k].offset,
                               value_id(rows[k].value));
            kc_records_free(records);
            if (n == 0 && i > 10)
                break;
        }
    kc_consumer_free(reader);
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
}

static void set(kc_config *config, const char *name, const char *value)
{
    kc_error why = { 0 };
    if (kc_config_set(config, name, value, &why) != KC_OK)
        die(name, &why);
}

static void parse(chaos *c, kc_config *config, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "b:t:n:p:r:X:")) != -1;) {
        char *eq = strchr(optarg ? optarg : "", '=');
        if (option == 'b')
            set(config, "bootstrap.servers", optarg);
        else if (option == 't')
            c->topic = optarg;
        else if (option == 'n')
            c->records = strtoull(optarg, NULL, 10);
        else if (option == 'p')
            c->partitions = atoi(optarg);
        else if (option == 'r')
            c->rate = strtoull(optarg, NULL, 10);
        else if (option == 'X' && eq) {
            *eq = '\0';
            set(config, optarg, eq + 1);
        } else
            exit(2);
    }
    if (c->partitions < 1 || c->partitions > 256)
        exit(2);
}

int main(int argc, char **argv)
{
    chaos c = { .topic = "chaos", .records = 100000, .partitions = 12, .h = history_new() };
    kc_config *config = kc_config_new();
    set(config, "auto.offset.reset", "earliest");
    parse(&c, config, argc, argv);
    open_all(&c, config);
    work(&c);
    finish(&c);
    read_log(&c);
    kc_error why = { 0 };
    kc_producer_close(c.producer, 1000, &why);
    kc_producer_free(c.producer);
    kc_consumer_free(c.consumer);
    kc_client_free(c.client);
    kc_config_free(config);
    int bad = history_check(
        c.h, &(history_rules){ .ordered = true, .exactly_once = true, .all_seen = true });
    history_totals t = history_count(c.h);
    history_class class;
    const char *text;
    for (int i = 0; i < 20 && (text = history_problem(c.h, i, &class)); i++)
        printf("VIOLATION %s: %s\n", history_class_name(class), text);
    printf("%llu sent, %llu acknowledged, %llu failed (%llu possibly persisted), %llu in the log, "
           "%llu polled; %d violations\n",
           (unsigned long long)(t.sent - t.refused), (unsigned long long)t.acked,
           (unsigned long long)t.failed, (unsigned long long)t.possibly,
           (unsigned long long)t.logged, (unsigned long long)t.polled, bad);
    history_free(c.h);
    return bad != 0;
}
