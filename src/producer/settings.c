/* SPDX-License-Identifier: Apache-2.0 */
/* What a producer is made with: its properties, in the units that are used, and its options.
 * Application's thread, in kc_producer_new. */
#include "base/abi_structs.h"
#include "base/err.h"
#include "base/mem.h"
#include "producer/producer.h"

/* No time that is added to the clock overflows. */
#define FOREVER_US (INT64_MAX / 4)

static int64_t ms_to_us(int64_t ms)
{
    return ms > FOREVER_US / 1000 ? FOREVER_US : ms * 1000;
}

static kc_err read_codec(const kc_config *config, kci_producer_conf *conf, kc_error *detail)
{
    conf->codec = (kci_codec)kci_config_int(config, KCI_P_COMPRESSION_TYPE);
    const kci_codec_info *info = kci_codec_get(conf->codec);
    if (!info || !info->available)
        return kci_fail(detail, KC_E_NOT_SUPPORTED,
                        "compression.type=%s is not part of this build (see kc_features)",
                        info ? info->name : "?");
    conf->level = kci_config_compression_level(config, conf->codec);
    if (conf->level == KCI_LEVEL_DEFAULT)
        conf->level = info->level_default;
    return KC_OK;
}

static kc_err read_properties(const kc_config *config, kci_producer_conf *conf, kc_error *detail)
{
    kc_err err = kci_config_check(config, 'P', detail);
    if (err != KC_OK)
        return err;
    conf->linger_us = (int64_t)(kci_config_double(config, KCI_P_LINGER_MS) * 1000);
    conf->max_block_us = ms_to_us(kci_config_int(config, KCI_P_MAX_BLOCK_MS));
    conf->delivery_timeout_us = ms_to_us(kci_config_delivery_timeout_ms(config));
    conf->request_timeout_us = ms_to_us(kci_config_int(config, KCI_P_REQUEST_TIMEOUT_MS));
    conf->metadata_idle_us = ms_to_us(kci_config_int(config, KCI_P_METADATA_MAX_IDLE_MS));
    conf->buffer_memory = kci_config_int(config, KCI_P_BUFFER_MEMORY);
    conf->batch_size = kci_config_int(config, KCI_P_BATCH_SIZE);
    conf->max_request_size = (int32_t)kci_config_int(config, KCI_P_MAX_REQUEST_SIZE);
    conf->batch_limit =
        conf->batch_size < conf->max_request_size ? conf->batch_size : conf->max_request_size;
    conf->max_in_flight =
        (int32_t)kci_config_int(config, KCI_P_MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION);
    conf->retries = (uint32_t)kci_config_int(config, KCI_P_RETRIES);
    conf->acks = (int16_t)kci_config_int(config, KCI_P_ACKS);
    conf->idempotent = kci_config_idempotent(config);
    conf->partitioner = (kci_partitioner_kind)kci_config_int(config, KCI_P_PARTITIONER_CLASS);
    if (kci_config_bool(config, KCI_P_PARTITIONER_IGNORE_KEYS) &&
        conf->partitioner == KCI_PARTITIONER_DEFAULT)
        conf->partitioner = KCI_PARTITIONER_UNIFORM_STICKY;
    conf->adaptive = kci_config_bool(config, KCI_P_PARTITIONER_ADAPTIVE_PARTITIONING_ENABLE);
    conf->availability_us =
        ms_to_us(kci_config_int(config, KCI_P_PARTITIONER_AVAILABILITY_TIMEOUT_MS));
    conf->backoff.base_us = ms_to_us(kci_config_int(config, KCI_P_RETRY_BACKOFF_MS));
    conf->backoff.max_us = ms_to_us(kci_config_int(config, KCI_P_RETRY_BACKOFF_MAX_MS));
    if (conf->backoff.max_us < conf->backoff.base_us)
        conf->backoff.max_us = conf->backoff.base_us;
    return read_codec(config, conf, detail);
}

static kc_err read_partitioner(kc_producer *p, const kc_partitioner *from, kc_error *detail)
{
    kc_err err = kci_abi_take(&kci_abi_partitioner, from, &p->partitioner, detail);
    if (err != KC_OK)
        return err;
    if (!p->partitioner.partition)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "options.partitioner has no function partition: set it, or leave "
                        "partitioner NULL to choose by partitioner.class");
    return KC_OK;
}

static kc_err read_interceptors(kc_producer *p, const kc_producer_options *o, kc_error *detail)
{
    size_t n = o->interceptor_count;
    if (n == 0)
        return KC_OK;
    if (!o->interceptors)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "options.interceptor_count is %zu, but options.interceptors is NULL", n);
    p->interceptors = kci_calloc(n, sizeof *p->interceptors);
    if (!p->interceptors)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    p->interceptor_count = n;
    kc_err err = KC_OK;
    for (size_t i = 0; i < n && err == KC_OK; i++)
        err = kci_abi_take_at(&kci_abi_producer_interceptor, o->interceptors, i,
                              &p->interceptors[i], detail);
    return err;
}

static kc_err read_config(kc_producer *p, const kc_config *client, const kc_config *own,
                          kc_error *detail)
{
    if (!own)
        return read_properties(client, &p->conf, detail);
    kc_config *merged = kci_config_merged(client, own);
    if (!merged)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    kc_err err = read_properties(merged, &p->conf, detail);
    kc_config_free(merged);
    return err;
}

kc_err kci_producer_read_settings(kc_producer *p, const kc_config *client,
                                  const kc_producer_options *options, kc_error *detail)
{
    kc_producer_options o = KC_PRODUCER_OPTIONS_INIT;
    kc_err err = options ? kci_abi_take(&kci_abi_producer_options, options, &o, detail) : KC_OK;
    if (err == KC_OK && (o.flags & ~(uint32_t)KC_PRODUCER_TAKE) != 0)
        err = kci_fail(detail, KC_E_INVALID_ARGUMENT,
                       "options.flags is 0x%x: only KC_PRODUCER_TAKE is known", (unsigned)o.flags);
    if (err == KC_OK && o.partitioner)
        err = read_partitioner(p, o.partitioner, detail);
    if (err == KC_OK)
        err = read_interceptors(p, &o, detail);
    if (err == KC_OK)
        err = read_config(p, client, o.config, detail);
    p->on_delivery = o.on_delivery;
    p->user = o.user;
    p->takes = (o.flags & KC_PRODUCER_TAKE) != 0;
    return err;
}
