/* SPDX-License-Identifier: Apache-2.0 */
/* kclient perf produce: how fast records are sent, and what that costs. */
#include <stdlib.h>

#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/perf.h"
#include "cli/progress.h"
#include "cli/stop.h"

enum { MANY = 256 };

static const cli_option options[] = { PERF_TOPIC, PERF_RECORDS, PERF_BYTES, PERF_JSON, { 0 } };

static const cli_syntax syntax = {
    .command = "kclient perf produce",
    .arguments = "-b HOST:PORT -t TOPIC -n N [-s BYTES] [options]",
    .about = "Sends N records as fast as it can, and measures until all are acknowledged.",
    .options = options,
    .set = perf_set,
};

typedef struct producing {
    const perf_options *options;
    kc_producer *producer;
    int64_t acked, failed;
    kc_error first; /* failure */
} producing;

static void on_delivery(void *user, const kc_delivery *delivery)
{
    producing *p = user;
    if (delivery->err == KC_OK) {
        p->acked += delivery->count;
        return;
    }
    p->failed += delivery->count;
    if (p->first.code == KC_OK) {
        p->first.code = delivery->err;
        snprintf(p->first.text, sizeof p->first.text, "%s", delivery->text);
    }
}

/* Sends the next records, at most MANY; returns how many were taken. False: give up. */
static bool send_some(producing *p, kc_producer_record *records, const uint8_t *block,
                      int64_t *sent)
{
    int64_t left = p->options->records - *sent;
    size_t count = left < MANY ? (size_t)left : MANY, taken = 0;
    size_t size = (size_t)p->options->bytes_each;
    kc_error error;
    for (size_t i = 0; i < count; i++)
        records[i].value = kc_mem(block + ((size_t)(*sent + (int64_t)i) * 61) % PERF_BLOCK, size);
    kc_err err = kc_producer_send_many(p->producer, records, count, &taken, &error);
    *sent += (int64_t)taken;
    (void)kc_producer_poll(p->producer, err == KC_E_QUEUE_FULL ? 10 : 0, NULL);
    if (err == KC_OK || err == KC_E_QUEUE_FULL || err == KC_E_INTERRUPTED)
        return true;
    p->first = error;
    return false;
}

static void wake(void *producer)
{
    kc_producer_wakeup(producer);
}

static void send_all(producing *p, const uint8_t *block, bool quiet)
{
    static kc_producer_record records[MANY];
    cli_progress progress;
    kc_err err = KC_E_INTERRUPTED;
    int64_t sent = 0;
    for (size_t i = 0; i < MANY; i++) {
        records[i] = (kc_producer_record)KC_PRODUCER_RECORD_INIT;
        records[i].topic = kc_str(p->options->topic);
    }
    progress_begin(&progress, -1, quiet || p->options->json);
    stop_set_wake(wake, p->producer);
    while (sent < p->options->records && !stop_requested() && p->failed == 0 &&
           send_some(p, records, block, &sent))
        progress_show(&progress, p->acked, p->acked * p->options->bytes_each);
    while (err == KC_E_INTERRUPTED && !stop_requested())
        err = kc_producer_flush(p->producer, -1, NULL);
    stop_set_wake(NULL, NULL);
    progress_end(&progress);
}

static int produce(cli_session *session, const perf_options *o, int64_t begun_us)
{
    producing p = { .options = o };
    kc_producer_options producer_options = { .size = sizeof producer_options,
                                             .on_delivery = on_delivery,
                                             .user = &p };
    kc_error error;
    uint8_t *block = perf_block((size_t)o->bytes_each);
    if (!block)
        return CLI_CLUSTER;
    if (kc_producer_new(session->client, &producer_options, &p.producer, &error) != KC_OK) {
        free(block);
        return cli_fail("", &error);
    }
    send_all(&p, block, session->common->quiet);
    (void)kc_producer_close(p.producer, 0, NULL);
    kc_producer_free(p.producer);
    free(block);
    if (p.first.code != KC_OK)
        (void)cli_fail("", &p.first);
    perf_result result = { .records = p.acked,
                           .bytes = p.acked * o->bytes_each,
                           .failed = o->records - p.acked,
                           .begun_us = begun_us };
    return perf_report(o, "acknowledged", &result);
}

int cmd_perf_produce(int argc, char **argv)
{
    perf_options o = { 0 };
    cli_common common;
    cli_session session = { 0 };
    int code = perf_parse(&syntax, argc, argv, &common, &o);
    int64_t begun_us = clock_us();
    if (code < 0) {
        code = cli_session_open(&session, &common);
        if (code == CLI_OK)
            code = cli_session_contact(&session);
        if (code == CLI_OK)
            code = produce(&session, &o, begun_us);
    }
    cli_session_close(&session, 1000);
    cli_common_free(&common);
    return code;
}
