/* SPDX-License-Identifier: Apache-2.0 */
/* What `kclient perf produce|consume` does, with librdkafka, for comparison in the same run: the
 * same arguments, the same last line of JSON. Built only where librdkafka is installed. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct perf {
    const char *topic;
    long records, bytes_each;
    long done, failed;
    long long bytes;
} perf;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "rdkafka_perf: %s: %s\n", what, why);
    exit(2);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        die(name, why);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    perf *p = opaque;
    if (m->err)
        p->failed++;
    else
        p->done++;
}

static void produce(rd_kafka_conf_t *conf, perf *p)
{
    char why[256];
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!rk)
        die("producer", why);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, p->topic, NULL);
    char *value = calloc(1, (size_t)p->bytes_each + 1);
    if (!topic || !value)
        die("topic", "out of memory");
    for (long i = 0; i < p->records;) {
        if (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value,
                             (size_t)p->bytes_each, NULL, 0, NULL) == 0)
            i++;
        else
            rd_kafka_poll(rk, 10); /* the queue is full */
        if (i % 1000 == 0)
            rd_kafka_poll(rk, 0);
    }
    rd_kafka_flush(rk, 120000);
    p->bytes = (long long)p->done * p->bytes_each;
    free(value);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
}

static rd_kafka_topic_partition_list_t *all_partitions(rd_kafka_t *rk, const char *name)
{
    const rd_kafka_metadata_t *md;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    if (rd_kafka_metadata(rk, 0, topic, &md, 10000) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        md->topic_cnt < 1)
        die(name, "no metadata");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (int i = 0; i < md->topics[0].partition_cnt; i++)
        rd_kafka_topic_partition_list_add(list, name, md->topics[0].partitions[i].id)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(topic);
    return list;
}

static void consume(rd_kafka_conf_t *conf, perf *p)
{
    char why[256];
    set(conf, "group.id", "rdkafka-perf");
    set(conf, "enable.auto.commit", "false");
    set(conf, "check.crcs", "true"); /* as Java and kclient do */
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!rk)
        die("consumer", why);
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *list = all_partitions(rk, p->topic);
    rd_kafka_assign(rk, list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    rd_kafka_message_t *batch[1000];
    double last = now();
    while (p->done < p->records && now() - last < 30) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, 500, batch, 1000);
        for (ssize_t i = 0; i < n; i++) {
            if (!batch[i]->err) {
                p->done++;
                p->bytes += (long long)batch[i]->len;
            }
            rd_kafka_message_destroy(batch[i]);
        }
        if (n > 0)
            last = now();
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static void report(const char *what, const perf *p, double seconds)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("{\"client\":\"librdkafka "
           "%s\",\"mode\":\"%s\",\"records\":%ld,\"failed\":%ld,\"bytes\":%lld,"
           "\"seconds\":%.3f,\"records_per_s\":%.0f,\"mb_per_s\":%.1f,\"cpu_user_s\":%.3f,"
           "\"cpu_sys_s\":%.3f,\"rss_peak_bytes\":%ld}\n",
           rd_kafka_version_str(), what, p->done, p->failed, p->bytes, seconds,
           (double)p->done / seconds, (double)p->bytes / seconds / 1e6,
           (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6,
           (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6, u.ru_maxrss * 1024L);
}

int main(int argc, char **argv)
{
    perf p = { .records = 1000000, .bytes_each = 100 };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *what = argc > 1 ? argv[1] : "";
    for (int i = 2; i + 1 < argc; i += 2) {
        char *value = argv[i + 1], *eq = strchr(value, '=');
        if (strcmp(argv[i], "-b") == 0)
            set(conf, "bootstrap.servers", value);
        else if (strcmp(argv[i], "-t") == 0)
            p.topic = value;
        else if (strcmp(argv[i], "-n") == 0)
            p.records = atol(value);
        else if (strcmp(argv[i], "-s") == 0)
            p.bytes_each = atol(value);
        else if (strcmp(argv[i], "-X") == 0 && eq) {
            *eq = '\0';
            set(conf, value, eq + 1);
        } else
            die(argv[i], "unknown argument");
    }
    if (!p.topic || (strcmp(what, "produce") != 0 && strcmp(what, "consume") != 0))
        die("usage", "rdkafka_perf produce|consume -b SERVERS -t TOPIC [-n RECORDS] [-s BYTES] [-X "
                     "name=value]");
    double begun = now();
    if (strcmp(what, "produce") == 0)
        produce(conf, &p);
    else
        consume(conf, &p);
    report(what, &p, now() - begun);
    return p.done == p.records ? 0 : 3;
}
