/* SPDX-License-Identifier: Apache-2.0 */
/* Latency from send to poll at a fixed rate. Each record has a time at which it is to be sent,
 * counted from the start; its latency counts from that time, also when the sender is late, so that
 * a stall is seen by all records that it held up (no coordinated omission). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/perf.h"
#include "cli/reader.h"
#include "cli/stop.h"

/* Sent and read before the start, so that connections are open and code is warm. */
enum { WARM_UP = 200 };

/* Gives up when nothing has come for so long. */
#define PATIENCE_US 30000000
enum { FLUSH_MS = 10000 };

static const cli_option options[] = { PERF_TOPIC, PERF_RECORDS,
                                      PERF_BYTES, { 'r', "rate", "PER_SECOND", "records a second" },
                                      PERF_JSON,  { 0 } };

static const char *const defaults[] = { "linger.ms", "0", NULL };

static const cli_syntax syntax = {
    .command = "kclient perf e2e",
    .arguments = "-b HOST:PORT -t TOPIC -n N -r PER_SECOND [-s BYTES] [options]",
    .about = "Sends N records at a fixed rate, reads them back, and measures from the time each "
             "was to be "
             "sent\nuntil poll returns it. linger.ms is 0 unless -X sets it.",
    .options = options,
    .defaults = defaults,
    .set = perf_set,
};

/* The beginning of each value. */
typedef struct stamp {
    int64_t intended_us; /* clock_us(); -1: warm-up */
    uint64_t run;        /* tells this run's records from others in the topic */
} stamp;

typedef struct measuring {
    const perf_options *options;
    kc_consumer *consumer;
    kc_producer *producer;
    uint64_t run;
    histogram latency; /* the reader's */
    atomic_int_least64_t warm, read, last_us;
    atomic_bool stop;
} measuring;

static void read_batch(measuring *m, const kc_records *records)
{
    size_t count = kc_records_count(records);
    const kc_record *data = kc_records_data(records);
    int64_t now = clock_us();
    stamp s;
    for (size_t i = 0; i < count; i++) {
        if (data[i].value.size < sizeof s)
            continue;
        memcpy(&s, data[i].value.data, sizeof s);
        if (s.run != m->run)
            continue;
        if (s.intended_us >= 0)
            histogram_add(&m->latency, now - s.intended_us);
        atomic_fetch_add(s.intended_us >= 0 ? &m->read : &m->warm, 1);
        atomic_store(&m->last_us, now);
    }
}

static void *reader(void *arg)
{
    measuring *m = arg;
    while (!atomic_load(&m->stop)) {
        kc_records *records;
        kc_error error;
        kc_err err = kc_consumer_poll(m->consumer, 200, &records, &error);
        if (!err && records)
            read_batch(m, records);
        else if (err && err != KC_E_INTERRUPTED)
            (void)cli_fail("", &error);
        kc_records_free(records);
        if (err && err != KC_E_INTERRUPTED)
            usleep(100000);
    }
    return NULL;
}

static void sleep_until(int64_t at_us)
{
    struct timespec t = { at_us / 1000000, at_us % 1000000 * 1000 };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0 && !stop_requested())
        ;
}

static bool send_one(measuring *m, uint8_t *value, int64_t intended_us)
{
    stamp s = { intended_us, m->run };
    kc_error error;
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    memcpy(value, &s, sizeof s);
    record.topic = kc_str(m->options->topic);
    record.value = kc_mem(value, (size_t)m->options->bytes_each);
    while (!stop_requested()) {
        kc_err err = kc_producer_send(m->producer, &record, &error);
        if (err == KC_OK)
            return true;
        if (err != KC_E_QUEUE_FULL && err != KC_E_INTERRUPTED) {
            (void)cli_fail("", &error);
            return false;
        }
        (void)kc_producer_poll(m->producer, 1, NULL);
    }
    return false;
}

/* Waits until so many have been read; not when nothing comes any more. */
static bool wait_for(measuring *m, atomic_int_least64_t *counter, int64_t wanted)
{
    atomic_store(&m->last_us, clock_us());
    while (atomic_load(counter) < wanted && !stop_requested()) {
        if (clock_us() - atomic_load(&m->last_us) > PATIENCE_US)
            return false;
        usleep(1000);
        (void)kc_producer_poll(m->producer, 0, NULL);
    }
    return true;
}

/* Sends everything at its time. False: it cannot be sent. */
static bool run(measuring *m, uint8_t *value, perf_result *result)
{
    const perf_options *o = m->options;
    for (int i = 0; i < WARM_UP; i++) {
        if (!send_one(m, value, -1))
            return false;
        usleep(500);
    }
    if (!wait_for(m, &m->warm, WARM_UP)) {
        cli_error("the records of the warm-up do not arrive within 30 s");
        return false;
    }
    result->begun_us = clock_us();
    for (int64_t i = 0; i < o->records; i++) {
        int64_t at = result->begun_us + i * 1000000 / o->per_second;
        if (at > clock_us())
            sleep_until(at);
        if (!send_one(m, value, at))
            return false;
        if (i % 64 == 0)
            (void)kc_producer_poll(m->producer, 0, NULL);
    }
    (void)wait_for(m, &m->read, o->records);
    result->ended_us = atomic_load(&m->last_us);
    /* what was read may still be waiting for its acknowledgement */
    (void)kc_producer_flush(m->producer, FLUSH_MS, NULL);
    return true;
}

static int measure(cli_session *session, const perf_options *o, measuring *m)
{
    kc_error error;
    pthread_t thread;
    perf_result result = { .begun_us = clock_us(), .latency = &m->latency };
    uint8_t *value = perf_block((size_t)o->bytes_each);
    int code =
        value ? reader_open(session, o->topic, kc_position_end(), &m->consumer) : CLI_CLUSTER;
    if (code == CLI_OK && kc_producer_new(session->client, NULL, &m->producer, &error) != KC_OK)
        code = cli_fail("", &error);
    if (code == CLI_OK && pthread_create(&thread, NULL, reader, m) != 0) {
        cli_error("no thread can be started");
        code = CLI_CLUSTER;
    }
    if (code == CLI_OK) {
        bool sent = run(m, value, &result);
        atomic_store(&m->stop, true);
        kc_consumer_wakeup(m->consumer);
        pthread_join(thread, NULL);
        result.records = atomic_load(&m->read);
        result.bytes = result.records * o->bytes_each;
        result.failed = o->records - result.records;
        code = perf_report(o, "read back", &result);
        code = sent ? code : code ? code : CLI_CLUSTER;
    }
    kc_producer_free(m->producer);
    kc_consumer_free(m->consumer);
    free(value);
    return code;
}

int cmd_perf_e2e(int argc, char **argv)
{
    perf_options o = { 0 };
    cli_common common;
    cli_session session = { 0 };
    measuring *m = calloc(1, sizeof *m);
    int code = perf_parse(&syntax, argc, argv, &common, &o);
    if (code < 0 && o.per_second == 0)
        code = cli_usage(&syntax, "say how many records a second: -r N");
    if (code < 0 && o.bytes_each < (int64_t)sizeof(stamp))
        code = cli_usage(&syntax, "-s: at least %zu bytes are needed", sizeof(stamp));
    if (code < 0 && m) {
        m->options = &o;
        m->run = (uint64_t)clock_us() << 20 ^ (uint64_t)getpid();
        (void)prctl(PR_SET_TIMERSLACK, 1); /* else sleeps end 50 us late */
        code = cli_session_open(&session, &common);
        if (code == CLI_OK)
            code = measure(&session, &o, m);
    }
    cli_session_close(&session, 1000);
    cli_common_free(&common);
    free(m);
    return code;
}
