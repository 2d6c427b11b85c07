/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the client fails in turn, once or from then on: no crash, no hang, nothing
 * lost without a word, and nothing left behind. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "rig.h"

enum { RECORDS = 60 };

typedef struct tally {
    int accepted;
    int reported;
} tally;

static void on_delivery(void *user, const kc_delivery *delivery)
{
    ((tally *)user)->reported += delivery->count;
}

static void send_some(kc_producer *producer, tally *t)
{
    for (int n = 0; n < RECORDS; n++) {
        kc_producer_record record = KC_PRODUCER_RECORD_INIT;
        record.topic = kc_str(n % 2 ? "t" : "u");
        record.value = kc_str("some value that is not too short");
        record.opaque = n % 3 ? t : NULL;
        kc_err err = kc_producer_send(producer, &record, NULL);
        cr_assert(err == KC_OK || err == KC_E_NO_MEMORY || err == KC_E_QUEUE_FULL ||
                      err == KC_E_TIMED_OUT || err == KC_E_IO,
                  "%s", kc_error_name(err));
        t->accepted += err == KC_OK;
    }
}

/* One life of a client and a producer in which allocation number fail_at fails (0: none); true when
 * all records were taken. */
static bool live(const kc_config *config, int64_t fail_at)
{
    tally t = { 0 };
    kc_client *client = NULL;
    kc_producer *producer = NULL;
    kc_producer_options options = KC_PRODUCER_OPTIONS_INIT;
    options.on_delivery = on_delivery;
    options.user = &t;
    kci_mem_fail_after(fail_at, false);
    kc_err err = kc_client_new(config, &client, NULL);
    if (err == KC_OK)
        err = kc_producer_new(client, &options, &producer, NULL);
    cr_assert(err == KC_OK || err == KC_E_NO_MEMORY, "%s", kc_error_name(err));
    if (err == KC_OK) {
        send_some(producer, &t);
        kc_error why = { 0 };
        err = kc_producer_flush(producer, 20000, &why);
        cr_assert(err == KC_OK || err == KC_E_NO_MEMORY, "allocation %lld: %s: %s; %d of %d",
                  (long long)fail_at, kc_error_name(err), why.text, t.reported, t.accepted);
        kc_producer_close(producer, 20000, NULL);
        kc_producer_poll(producer, 0, NULL);
        cr_assert_eq(t.reported, t.accepted, "%d of %d reported", t.reported, t.accepted);
    }
    kc_producer_free(producer);
    kc_client_free(client);
    kci_mem_fail_after(0, false);
    return t.accepted == RECORDS;
}

Test(memory, each_allocation_fails, .timeout = 250)
{
    kc_mock *mock = NULL;
    kc_mock_options two = { .size = sizeof two, .brokers = 2 };
    cr_assert_eq(kc_mock_new(&two, &mock, NULL), KC_OK);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 2, 2), KC_OK);
    cr_assert_eq(kc_mock_create_topic(mock, "u", 2, 2), KC_OK);
    kc_config *config = kc_config_new();
    kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(mock), NULL);
    kc_config_set(config, "log.level", "off", NULL);
    kc_config_set(config, "linger.ms", "1", NULL);
    kc_config_set(config, "batch.size", "500", NULL);
    kc_config_set(config, "compression.type", KCI_HAVE_ZSTD ? "zstd" : "gzip", NULL);
    kc_config_set(config, "retry.backoff.ms", "1", NULL);
    kc_config_set(config, "retry.backoff.max.ms", "5", NULL);
    kc_config_set(config, "reconnect.backoff.ms", "1", NULL);
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
    cr_assert_gt(whole, 10, "most failures are overcome");
    kc_config_free(config);
    kc_mock_free(mock);
}
