/* SPDX-License-Identifier: Apache-2.0 */
/* kclient perf consume: how fast records are read, and what that costs. */
#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/perf.h"
#include "cli/progress.h"
#include "cli/reader.h"
#include "cli/stop.h"

/* Ends when nothing has come for so long. */
#define PATIENCE_US 30000000

static const cli_option options[] = {
    PERF_TOPIC, PERF_RECORDS, { 'G', "group", "GROUP", "not yet built in" }, PERF_JSON, { 0 }
};

static const cli_syntax syntax = {
    .command = "kclient perf consume",
    .arguments = "-b HOST:PORT -t TOPIC -n N [options]",
    .about = "Reads N records from the beginning of a topic as fast as it can.",
    .options = options,
    .set = perf_set,
};

/* Of the last poll only as many as were asked for. */
static void count(const kc_records *records, int64_t wanted, perf_result *result)
{
    size_t n = kc_records_count(records);
    const kc_record *data = kc_records_data(records);
    if ((int64_t)n > wanted - result->records)
        n = (size_t)(wanted - result->records);
    for (size_t i = 0; i < n; i++)
        result->bytes += (int64_t)(data[i].key.size + data[i].value.size);
    result->records += (int64_t)n;
    if (n > 0) /* the wait for records that do not come is not measured */
        result->ended_us = clock_us();
}

/* KC_OK: enough was read, or a signal came. */
static kc_err read_all(kc_consumer *consumer, const perf_options *o, perf_result *result,
                       bool quiet, kc_error *error)
{
    cli_progress progress;
    kc_err err = KC_OK;
    progress_begin(&progress, -1, quiet || o->json);
    while (!err && result->records < o->records && !stop_requested()) {
        kc_records *records;
        err = kc_consumer_poll(consumer, 500, &records, error);
        if (err == KC_E_INTERRUPTED)
            err = KC_OK;
        if (!err && records) {
            count(records, o->records, result);
        } else if (!err && clock_us() - result->ended_us > PATIENCE_US) {
            *error =
                (kc_error){ .code = KC_E_TIMED_OUT,
                            .text = "no record came for 30 s: are there as many in the topic?" };
            err = KC_E_TIMED_OUT;
        }
        kc_records_free(records);
        progress_show(&progress, result->records, result->bytes);
    }
    progress_end(&progress);
    return err;
}

static int consume(cli_session *session, const perf_options *o, int64_t begun_us)
{
    kc_consumer *consumer;
    kc_error error;
    perf_result result = { .begun_us = begun_us, .ended_us = clock_us() };
    int code = reader_open(session, o->topic, kc_position_beginning(), &consumer);
    if (code != CLI_OK)
        return code;
    if (read_all(consumer, o, &result, session->common->quiet, &error) != KC_OK)
        code = cli_fail("", &error);
    kc_consumer_free(consumer);
    result.failed = result.records < o->records ? o->records - result.records : 0;
    int report = perf_report(o, "read", &result);
    return code && result.records == 0 ? code : report;
}

int cmd_perf_consume(int argc, char **argv)
{
    perf_options o = { 0 };
    cli_common common;
    cli_session session = { 0 };
    int code = perf_parse(&syntax, argc, argv, &common, &o);
    int64_t begun_us = clock_us();
    if (code < 0) {
        code = cli_session_open(&session, &common);
        if (code == CLI_OK)
            code = consume(&session, &o, begun_us);
    }
    cli_session_close(&session, 1000);
    cli_common_free(&common);
    return code;
}
