/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/reader.h"

enum { PARTITIONS = 3 };

int64_t rig_now_ms(const rig *r)
{
    if (r->world)
        return virtual_now_ms(r->world);
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void rig_sleep_ms(rig *r, int ms)
{
    if (r->world) {
        virtual_sleep_ms(r->world, ms);
        return;
    }
    struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
    nanosleep(&t, NULL);
}

/* Threads that flush at the same time report at the same time. */
static pthread_mutex_t reporting = PTHREAD_MUTEX_INITIALIZER;

static void on_delivery(void *user, const kc_delivery *d)
{
    rig *r = user;
    pthread_mutex_lock(&reporting);
    for (int32_t i = 0; i < d->count; i++) {
        uintptr_t opaque = d->opaques ? (uintptr_t)d->opaques[i] : 0;
        if (opaque == 0 || opaque > RIG_MAX)
            continue;
        rig_outcome *o = &r->outcomes[opaque - 1];
        o->reports++;
        o->err = d->err;
        o->flags = d->flags;
        o->partition = d->partition;
        o->offset = kc_delivery_offset(d, i);
    }
    r->reported += d->count;
    if (d->err != KC_OK)
        snprintf(r->last_text, sizeof r->last_text, "%s", d->text);
    pthread_mutex_unlock(&reporting);
}

static void set(kc_config *config, const char *property)
{
    char name[64];
    kc_error why = { 0 };
    const char *equals = strchr(property, '=');
    cr_assert_not_null(equals);
    snprintf(name, sizeof name, "%.*s", (int)(equals - property), property);
    cr_assert_eq(kc_config_set(config, name, equals + 1, &why), KC_OK, "%s", why.text);
}

void rig_start(rig *r, const kc_mock_options *mock, const char *const *properties,
               const kc_producer_options *options)
{
    kc_error why = { 0 };
    kc_mock_options one = { .size = sizeof one, .brokers = 1 };
    memset(r, 0, sizeof *r);
    cr_assert_eq(kc_mock_new(mock ? mock : &one, &r->mock, &why), KC_OK, "%s", why.text);
    rig_begin(r, properties, options);
}

static kc_client *new_client(rig *r, const char *const *properties)
{
    kc_error why = { 0 };
    kc_client *client = NULL;
    kc_config *config = kc_config_new();
    cr_assert_eq(kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(r->mock), &why),
                 KC_OK);
    set(config, "log.level=off");
    for (size_t i = 0; properties && properties[i]; i++)
        set(config, properties[i]);
    kc_err err = r->world ? virtual_client_new(r->world, config, &client, &why)
                          : kc_client_new(config, &client, &why);
    cr_assert_eq(err, KC_OK, "%s", why.text);
    kc_config_free(config);
    return client;
}

void rig_begin(rig *r, const char *const *properties, const kc_producer_options *options)
{
    kc_error why = { 0 };
    kc_producer_options own = { .size = sizeof own };
    r->outcomes = calloc(RIG_MAX, sizeof *r->outcomes);
    cr_assert_not_null(r->outcomes);
    cr_assert_eq(kc_mock_create_topic(r->mock, "t", PARTITIONS, 0), KC_OK);
    r->client = new_client(r, properties);
    if (options)
        own = *options;
    if (!(own.flags & KC_PRODUCER_TAKE)) {
        own.on_delivery = on_delivery;
        own.user = r;
    }
    cr_assert_eq(kc_producer_new(r->client, &own, &r->producer, &why), KC_OK, "%s", why.text);
}

void rig_stop(rig *r)
{
    kc_producer_free(r->producer);
    if (r->world) {
        virtual_client_free(r->world, r->client);
        virtual_close(r->world);
    } else {
        kc_client_free(r->client);
        kc_mock_free(r->mock);
    }
    free(r->outcomes);
}

void rig_await_reports(rig *r, long count)
{
    int64_t until = rig_now_ms(r) + 30000;
    while (r->reported < count) {
        cr_assert_lt(rig_now_ms(r), until, "outcomes of %ld of %ld records", r->reported, count);
        kc_producer_poll(r->producer, 100, NULL);
    }
}

kc_err rig_try(rig *r, long n, int32_t partition, kc_error *why)
{
    char value[24];
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str("t");
    record.partition = partition;
    record.value = kc_mem(value, (size_t)snprintf(value, sizeof value, "v%ld", n));
    record.opaque = (void *)(uintptr_t)(n + 1);
    return kc_producer_send(r->producer, &record, why);
}

void rig_send(rig *r, long from, long to, int32_t partition)
{
    kc_error why = { 0 };
    for (long n = from; n < to; n++)
        cr_assert_eq(rig_try(r, n, partition, &why), KC_OK, "record %ld: %s", n, why.text);
}

void rig_expect_all(rig *r, long count)
{
    kc_error why = { 0 };
    cr_assert_eq(kc_producer_flush(r->producer, 120000, &why), KC_OK, "%s", why.text);
    for (long n = 0; n < count; n++) {
        cr_assert_eq(r->outcomes[n].reports, 1, "record %ld: %d reports", n,
                     r->outcomes[n].reports);
        cr_assert_eq(r->outcomes[n].err, KC_OK, "record %ld: %s", n,
                     kc_error_name(r->outcomes[n].err));
    }
}

static long read_batch(const uint8_t *data, size_t size, int *times, long count, bool in_order,
                       long *last)
{
    kci_batch batch;
    kci_records_iter it;
    kci_block *block = NULL;
    kci_decompressor *d = NULL;
    kc_record record;
    long n = 0;
    cr_assert_eq(kci_batch_parse(data, size, &batch), KC_OK);
    cr_assert_eq(kci_batch_check_crc(&batch), KC_OK);
    cr_assert_eq(kci_decompressor_new(&d), KC_OK);
    cr_assert_eq(kci_records_open(&it, &batch, 0, d, &kci_block_heap, 64 << 20, &block), KC_OK);
    for (; kci_records_decode(&it, &record, 1) == 1; n++) {
        long number = strtol((const char *)record.value.data + 1, NULL, 10);
        cr_assert(number >= 0 && number < count, "number %ld was not sent", number);
        cr_assert(!in_order || number > *last, "%ld after %ld", number, *last);
        *last = number;
        times[number]++;
    }
    kci_block_unref(block);
    kci_decompressor_free(d);
    return n;
}

long rig_stored(rig *r, int32_t partition, int *times, long count, bool in_order)
{
    static uint8_t buf[4 << 20];
    long last = -1, records = 0;
    int64_t batches = kc_mock_batch_count(r->mock, "t", partition);
    for (int64_t i = 0; i < batches; i++) {
        int64_t size = kc_mock_read_batch(r->mock, "t", partition, i, buf, sizeof buf);
        cr_assert(size > 0 && size <= (int64_t)sizeof buf);
        records += read_batch(buf, (size_t)size, times, count, in_order, &last);
    }
    return records;
}

void rig_expect_stored_once(rig *r, int32_t partitions, long count)
{
    int *times = calloc((size_t)count, sizeof *times);
    cr_assert_not_null(times);
    for (int32_t p = 0; p < partitions; p++)
        rig_stored(r, p, times, count, true);
    for (long n = 0; n < count; n++)
        cr_assert_eq(times[n], 1, "record %ld is stored %d times", n, times[n]);
    free(times);
}

int64_t rig_fault(rig *r, int32_t action, int32_t code, int64_t skip, int64_t count, uint32_t flags)
{
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = action;
    f.api = KC_MOCK_API_PRODUCE;
    f.code = code;
    f.skip = skip;
    f.count = count;
    f.flags = flags;
    int64_t id = kc_mock_add_fault(r->mock, &f);
    cr_assert_gt(id, 0);
    return id;
}
