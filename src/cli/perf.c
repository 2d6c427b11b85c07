/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/perf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "cli/stop.h"

static const cli_command commands[] = {
    { "produce", "records sent and acknowledged per second", cmd_perf_produce },
    { "consume", "records read per second", cmd_perf_consume },
    { "e2e", "latency from send to poll, at a fixed rate", cmd_perf_e2e },
    { NULL, NULL, NULL },
};

int cmd_perf(int argc, char **argv)
{
    return cli_dispatch("kclient perf", commands, argc, argv);
}

bool perf_set(void *arg, int key, const char *value)
{
    perf_options *o = arg;
    switch (key) {
    case 't':
        o->topic = value;
        return true;
    case 'n':
        return cli_number(value, 1, INT64_MAX / 2, "-n", &o->records);
    case 's':
        return cli_number(value, 0, 1 << 30, "-s", &o->bytes_each);
    case 'r':
        return cli_number(value, 1, 1000000, "-r", &o->per_second);
    case 'G':
        cli_error(
            "-G %.60s: consumer groups are not built in yet; without it all partitions are read",
            value);
        return false;
    default:
        o->json = true;
        return true;
    }
}

int perf_parse(const cli_syntax *syntax, int argc, char **argv, cli_common *common,
               perf_options *options)
{
    options->bytes_each = 100;
    int code = cli_parse(syntax, argc, argv, common, options);
    if (code < 0 && !options->topic)
        return cli_usage(syntax, "no topic is named: use -t TOPIC");
    if (code < 0 && options->records == 0)
        return cli_usage(syntax, "say how many records: -n N");
    return code < 0 && !stop_listen() ? CLI_USAGE : code;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void report_text(const char *what, const perf_result *r, double seconds,
                        const struct rusage *usage)
{
    out_format(
        "%" PRId64 " records %s in %.3f s: %.0f records/s, %.2f MB/s, cpu %.2f s user %.2f s "
        "system, %.1f MB resident at most\n",
        r->records, what, seconds, (double)r->records / seconds, (double)r->bytes / seconds / 1e6,
        seconds_of(usage->ru_utime), seconds_of(usage->ru_stime), (double)usage->ru_maxrss / 1024);
    if (r->latency)
        out_format("latency in us: p50 %" PRId64 ", p90 %" PRId64 ", p99 %" PRId64
                   ", p99.9 %" PRId64 ", max %" PRId64 "\n",
                   histogram_percentile(r->latency, 50), histogram_percentile(r->latency, 90),
                   histogram_percentile(r->latency, 99), histogram_percentile(r->latency, 99.9),
                   r->latency->max);
}

static void report_json(const perf_result *r, double seconds, const struct rusage *usage)
{
    out_format("{\"records\":%" PRId64 ",\"failed\":%" PRId64 ",\"bytes\":%" PRId64
               ",\"seconds\":%.3f,\"records_per_s\":%.0f,\"mb_per_s\":%.2f,\"cpu_user_s\":%.3f,"
               "\"cpu_sys_s\":%.3f,\"rss_peak_bytes\":%" PRId64,
               r->records, r->failed, r->bytes, seconds, (double)r->records / seconds,
               (double)r->bytes / seconds / 1e6, seconds_of(usage->ru_utime),
               seconds_of(usage->ru_stime), (int64_t)usage->ru_maxrss * 1024);
    if (r->latency)
        out_format(",\"latency_unit\":\"us\",\"p50\":%" PRId64 ",\"p90\":%" PRId64
                   ",\"p99\":%" PRId64 ",\"p99.9\":%" PRId64 ",\"max\":%" PRId64,
                   histogram_percentile(r->latency, 50), histogram_percentile(r->latency, 90),
                   histogram_percentile(r->latency, 99), histogram_percentile(r->latency, 99.9),
                   r->latency->max);
    out_text("}\n");
}

int perf_report(const perf_options *options, const char *what, const perf_result *result)
{
    struct rusage usage;
    int64_t ended_us = result->ended_us ? result->ended_us : clock_us();
    double seconds = (double)(ended_us - result->begun_us) / 1e6;
    getrusage(RUSAGE_SELF, &usage);
    if (seconds <= 0)
        seconds = 1e-6;
    if (options->json)
        report_json(result, seconds, &usage);
    else
        report_text(what, result, seconds, &usage);
    if (result->failed == 0)
        return CLI_OK;
    cli_error("%" PRId64 " of %" PRId64 " records were not %s", result->failed, options->records,
              what);
    return result->records > 0 ? CLI_PARTIAL : CLI_CLUSTER;
}

uint8_t *perf_block(size_t size)
{
    uint8_t *block = malloc(PERF_BLOCK + size);
    uint64_t state = 88172645463325252ull;
    if (!block) {
        cli_error("out of memory");
        return NULL;
    }
    for (size_t i = 0; i < PERF_BLOCK + size; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        block[i] = (uint8_t)('A' + state % 26);
    }
    return block;
}
