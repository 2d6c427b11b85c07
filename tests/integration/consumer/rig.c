/* SPDX-License-Identifier: Apache-2.0 */
/* See rig.h. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "heap_chunks.h"

enum { PATIENCE_MS = 30000 };

int64_t rig_now_ms(const rig *r)
{
    if (r->world)
        return virtual_now_ms(r->world);
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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

static kc_client *new_client(rig *r, const char *const *properties)
{
    kc_error why;
    kc_client *client;
    kc_config *config = kc_config_new();
    cr_assert_eq(kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(r->mock), &why),
                 KC_OK);
    for (int i = 0; properties && properties[i]; i++) {
        char name[100];
        const char *eq = strchr(properties[i], '=');
        snprintf(name, sizeof name, "%.*s", (int)(eq - properties[i]), properties[i]);
        cr_assert_eq(kc_config_set(config, name, eq + 1, &why), KC_OK, "%s", why.text);
    }
    kc_err err = r->world ? virtual_client_new(r->world, config, &client, &why)
                          : kc_client_new(config, &client, &why);
    cr_assert_eq(err, KC_OK, "%s", why.text);
    kc_config_free(config);
    return client;
}

void rig_start(rig *r, const kc_mock_options *mock, const char *const *properties)
{
    kc_error why;
    kc_mock_options one = { .size = sizeof one, .brokers = 1 };
    r->world = NULL;
    cr_assert_eq(kc_mock_new(mock ? mock : &one, &r->mock, &why), KC_OK, "%s", why.text);
    rig_begin(r, properties);
}

void rig_begin(rig *r, const char *const *properties)
{
    kc_error why;
    r->client = new_client(r, properties);
    cr_assert_eq(kc_consumer_new(r->client, NULL, &r->consumer, &why), KC_OK, "%s", why.text);
}

void rig_stop(rig *r)
{
    kc_consumer_free(r->consumer);
    if (r->world) {
        virtual_client_free(r->world, r->client);
        virtual_close(r->world);
        return;
    }
    kc_client_free(r->client);
    kc_mock_free(r->mock);
}

/* ---- batches ------------------------------------------------------------------------------ */

static void put_record(kci_batch_writer *w, const rig_batch *spec, int64_t number)
{
    char key[32];
    char *value = calloc(1, spec->value_size + 32);
    int key_size = snprintf(key, sizeof key, "k%lld", (long long)number);
    size_t size = (size_t)sprintf(value, "v%lld", (long long)number) + 1;
    if (size < spec->value_size)
        size = spec->value_size;
    kc_bytes k = kc_mem(key, (size_t)key_size), v = kc_mem(value, size);
    kc_header header = { kc_str("number"), k };
    size_t headers = number % 3 == 0;
    size_t need = kci_record_bound(k, v, &header, headers);
    if (kci_batch_writer_room(w) < need)
        kci_batch_writer_add_chunk(w, heap_chunk_get(NULL, (uint32_t)need));
    int64_t time = spec->timestamp ? spec->timestamp + w->count : number * 1000;
    kci_batch_writer_append(w, time, k, v, &header, headers);
    free(value);
}

uint8_t *rig_make_batch(const rig_batch *spec, int64_t first, size_t *size)
{
    kci_batch_writer w;
    kci_compressor *compressor;
    kci_batch_writer_init(&w);
    cr_assert_eq(kci_compressor_new(&compressor), KC_OK);
    for (int32_t i = 0; i < (spec->count ? spec->count : 10); i++)
        put_record(&w, spec, first + i);
    int level = spec->codec ? kci_codec_get(spec->codec)->level_default : 0;
    cr_assert_eq(kci_batch_writer_seal(&w, spec->codec, level, compressor, &heap_chunks), KC_OK);
    *size = kci_batch_writer_wire_size(&w);
    uint8_t *bytes = malloc(*size), *p = bytes + KCI_BATCH_HEADER_SIZE;
    bool txn = spec->transactional;
    kci_batch_writer_header(&w, txn ? spec->producer_id : -1, txn ? 0 : -1, txn ? 0 : -1,
                            txn ? KCI_ATTR_TRANSACTIONAL : 0, bytes);
    for (kci_chunk *c = w.chunks.first; c; c = c->next) {
        memcpy(p, c->data, c->used);
        p += c->used;
    }
    kci_batch_writer_clear(&w, &heap_chunks);
    kci_compressor_free(compressor);
    return bytes;
}

int64_t rig_append(rig *r, const char *topic, int32_t partition, const rig_batch *spec)
{
    rig_batch plain = { 0 };
    size_t size;
    int64_t next = kc_mock_log_end_offset(r->mock, topic, partition);
    uint8_t *bytes = rig_make_batch(spec ? spec : &plain, next, &size);
    int64_t base = kc_mock_append_raw(r->mock, topic, partition, bytes, size);
    free(bytes);
    cr_assert_eq(base, next, "append: %lld", (long long)base);
    return base;
}

/* ---- reading ------------------------------------------------------------------------------ */

static void check_record(const kc_record *record)
{
    char key[32], value[32];
    int key_size = snprintf(key, sizeof key, "k%lld", (long long)record->offset);
    int value_size = snprintf(value, sizeof value, "v%lld", (long long)record->offset) + 1;
    cr_assert_eq(record->key.size, (size_t)key_size, "offset %lld", (long long)record->offset);
    cr_assert_arr_eq(record->key.data, key, key_size);
    cr_assert_geq(record->value.size, (size_t)value_size);
    cr_assert_arr_eq(record->value.data, value, value_size);
    cr_assert_eq(record->header_count, record->offset % 3 == 0);
    kc_bytes header;
    if (record->header_count) {
        cr_assert(kc_record_header_get(record, kc_str("number"), &header));
        cr_assert_eq(header.size, (size_t)key_size);
    }
}

void rig_check(const kc_records *records)
{
    const kc_record *data = kc_records_data(records);
    for (size_t i = 0; i < kc_records_count(records); i++) {
        check_record(&data[i]);
        if (i > 0)
            cr_assert_gt(data[i].offset, data[i - 1].offset);
    }
}

int64_t rig_expect(rig *r, const char *topic, int32_t partition, int64_t from, int64_t count)
{
    int64_t until = rig_now_ms(r) + PATIENCE_MS, next = from;
    while (next < from + count) {
        kc_records *records;
        kc_error why;
        kc_err err = kc_consumer_poll(r->consumer, 1000, &records, &why);
        cr_assert_eq(err, KC_OK, "%s", why.text);
        cr_assert_lt(rig_now_ms(r), until, "only %lld records came", (long long)(next - from));
        if (!records)
            continue;
        cr_assert_eq(kc_records_partition(records), partition);
        cr_assert_eq(kc_records_topic(records).size, strlen(topic));
        cr_assert_arr_eq(kc_records_topic(records).data, topic, strlen(topic));
        rig_check(records);
        if (kc_records_count(records) > 0)
            cr_assert_eq(kc_records_data(records)[0].offset, next);
        next += (int64_t)kc_records_count(records);
        kc_records_free(records);
    }
    cr_assert_eq(next, from + count);
    return next;
}

static bool stops(kc_err err)
{
    return err == KC_E_CORRUPT_MESSAGE || err == KC_E_DECOMPRESS || err == KC_E_PROTOCOL ||
           err == KC_E_DECOMPRESSED_TOO_LARGE || err == KC_E_NOT_SUPPORTED ||
           err == KC_E_LOG_TRUNCATED || err == KC_E_NO_OFFSET;
}

kc_err rig_expect_error(rig *r, kc_records **out, int64_t *count)
{
    int64_t until = rig_now_ms(r) + PATIENCE_MS;
    for (;;) {
        kc_error why;
        kc_err err = kc_consumer_poll(r->consumer, 1000, out, &why);
        if (err != KC_OK) {
            cr_assert_eq(why.code, err);
            cr_assert_gt(strlen(why.text), 10);
            if (*out) {
                cr_assert_eq(kc_records_error(*out, NULL), err);
                cr_assert_eq((why.flags & KC_ERROR_GOES_ON) == 0, stops(err), "%s", why.text);
            }
            return err;
        }
        cr_assert_lt(rig_now_ms(r), until, "no error came");
        if (*out) {
            rig_check(*out);
            if (count)
                *count += (int64_t)kc_records_count(*out);
        }
        kc_records_free(*out);
    }
}

void rig_expect_nothing(rig *r, int32_t ms)
{
    kc_records *records;
    kc_error why;
    kc_err err = kc_consumer_poll(r->consumer, ms, &records, &why);
    cr_assert_eq(err, KC_OK, "%s", why.text);
    if (!records)
        return;
    cr_assert(false, "records of %.*s [%d] from offset %lld came",
              (int)kc_records_topic(records).size, (const char *)kc_records_topic(records).data,
              kc_records_partition(records), (long long)kc_records_offset(records));
}

void rig_assign(rig *r, const char *topic, int32_t partition, kc_position position)
{
    kc_error why;
    kc_topic_partition_position one = { kc_str(topic), partition, position };
    cr_assert_eq(kc_consumer_assign(r->consumer, &one, 1, &why), KC_OK, "%s", why.text);
}

void rig_seek(rig *r, const char *topic, int32_t partition, kc_position position)
{
    kc_error why;
    cr_assert_eq(kc_consumer_seek(r->consumer, kc_str(topic), partition, position, &why), KC_OK,
                 "%s", why.text);
}

int64_t rig_position(rig *r, const char *topic, int32_t partition)
{
    kc_topic_partition_offset at = KC_TOPIC_PARTITION_OFFSET_INIT;
    kc_error why;
    cr_assert_eq(
        kc_consumer_position(r->consumer, kc_str(topic), partition, PATIENCE_MS, &at, &why), KC_OK,
        "%s", why.text);
    cr_assert_eq(at.partition, partition);
    return at.offset;
}
