/* SPDX-License-Identifier: Apache-2.0 */
/* Out of memory: each allocation of a whole life (client, consumer, assign, lookups, fetches,
 * polls, queries, close) fails in turn. Calls say so, nothing is lost, nothing hangs, nothing
 * leaks. The cluster is the shared library, whose memory is its own. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "rig.h"

enum { RECORDS = 60 };

static rig r;

static void fill_topic(void)
{
    kc_mock_options two = { .size = sizeof two, .brokers = 2 };
    cr_assert_eq(kc_mock_new(&two, &r.mock, NULL), KC_OK);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 3, 2), KC_OK);
    for (int p = 0; p < 3; p++) {
        rig_append(&r, "t", p, NULL);
        rig_append(&r, "t", p, &(rig_batch){ .codec = KCI_CODEC_GZIP });
    }
}

/* Until everything has been read; running out of memory in between is no end. */
static void read_all(kc_consumer *consumer)
{
    int64_t next[3] = { 0 }, until = rig_now_ms(&r) + 60000, count = 0;
    while (count < RECORDS) {
        kc_records *records;
        kc_err err = kc_consumer_poll(consumer, 100, &records, NULL);
        cr_assert(err == KC_OK || err == KC_E_NO_MEMORY, "%s", kc_error_name(err));
        cr_assert_lt(rig_now_ms(&r), until, "%lld records came", (long long)count);
        if (!records)
            continue;
        int32_t p = kc_records_partition(records);
        cr_assert_eq(kc_records_offset(records), next[p]);
        rig_check(records);
        next[p] = kc_records_next_offset(records);
        count += (int64_t)kc_records_count(records);
        kc_records_free(records);
    }
}

/* False: it ended early, for lack of memory. */
static bool use_consumer(kc_client *client, kc_consumer **consumer)
{
    kc_err err = kc_consumer_new(client, NULL, consumer, NULL);
    if (err != KC_OK) {
        cr_assert_eq(err, KC_E_NO_MEMORY);
        *consumer = NULL;
        return false;
    }
    kc_topic_partition_position list[3];
    for (int i = 0; i < 3; i++)
        list[i] = (kc_topic_partition_position){ kc_str("t"), i, kc_position_beginning() };
    err = kc_consumer_assign(*consumer, list, 3, NULL);
    if (err != KC_OK) {
        cr_assert_eq(err, KC_E_NO_MEMORY);
        return false;
    }
    read_all(*consumer);
    kc_partition_offsets o = KC_PARTITION_OFFSETS_INIT;
    err = kc_consumer_offsets(*consumer, kc_str("t"), 1, 10000, &o, NULL);
    cr_assert(err == KC_E_NO_MEMORY || (err == KC_OK && o.end == 20), "%s", kc_error_name(err));
    err = kc_consumer_assign_remove(*consumer, &(kc_topic_partition){ kc_str("t"), 0 }, 1, NULL);
    cr_assert_eq(err, KC_OK);
    kc_consumer_close(*consumer, 1000, NULL);
    return true;
}

static bool live(const kc_config *config, int64_t fail_at)
{
    kc_client *client = NULL;
    kc_consumer *consumer = NULL;
    kci_mem_fail_after(fail_at, false);
    kc_err err = kc_client_new(config, &client, NULL);
    bool whole = err == KC_OK;
    if (whole)
        kc_client_set_log(client, NULL, NULL, 0);
    else
        cr_assert_eq(err, KC_E_NO_MEMORY);
    if (whole)
        whole = use_consumer(client, &consumer);
    kc_consumer_free(consumer);
    kc_client_free(client);
    kci_mem_fail_after(0, false);
    return whole;
}

Test(memory, each_allocation_fails, .timeout = 300)
{
    fill_topic();
    kc_config *config = kc_config_new();
    kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(r.mock), NULL);
    kc_config_set(config, "retry.backoff.ms", "1", NULL);
    kc_config_set(config, "retry.backoff.max.ms", "5", NULL);
    kc_config_set(config, "reconnect.backoff.ms", "1", NULL);
    kc_config_set(config, "fetch.max.wait.ms", "20", NULL);
    uint64_t before = kci_mem_count();
    cr_assert(live(config, 0));
    int64_t allocations = (int64_t)(kci_mem_count() - before);
    int whole = 0;
    int64_t held = kci_mem_live();
    for (int64_t n = 1; n <= allocations + 10; n++) {
        whole += live(config, n);
        cr_assert_eq(kci_mem_live(), held, "allocation %lld: %lld are left", (long long)n,
                     (long long)(kci_mem_live() - held));
    }
    cr_assert_gt(whole, 10); /* most failures are overcome */
    kc_config_free(config);
    kc_mock_free(r.mock);
}
