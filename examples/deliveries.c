/* SPDX-License-Identifier: Apache-2.0 */
#include <kclient/kclient.h>
#include <stdio.h>

/* What rd_kafka_conf_set_dr_msg_cb was for: once a batch, on this program's own thread. */
static void on_delivery(void *user, const kc_delivery *d)
{
    long *failed = user;
    if (d->err == KC_OK)
        return;
    *failed += d->count;
    fprintf(stderr, "%d records of %.*s [%d]: %s%s\n", d->count, (int)d->topic.size,
            (const char *)d->topic.data, d->partition, d->text,
            d->flags & KC_DELIVERY_POSSIBLY_PERSISTED ? " (may have been written)" : "");
}

int main(void)
{
    kc_client *client = NULL;
    kc_producer *producer = NULL;
    kc_error why;
    long failed = 0;
    kc_producer_options options = { .size = sizeof options,
                                    .on_delivery = on_delivery,
                                    .user = &failed };
    kc_config *config = kc_config_new();
    kc_err err = kc_config_set(config, "bootstrap.servers", "127.0.0.1:9092", &why);
    if (err == KC_OK) /* librdkafka's names and units are understood */
        err = kc_config_set(config, "queue.buffering.max.kbytes", "65536", &why);
    if (err == KC_OK)
        err = kc_client_new(config, &client, &why);
    if (err == KC_OK)
        err = kc_producer_new(client, &options, &producer, &why);
    for (int i = 0; err == KC_OK && i < 1000; i++) {
        char text[32];
        kc_producer_record record = KC_PRODUCER_RECORD_INIT;
        record.topic = kc_str("greetings");
        record.value = kc_mem(text, (size_t)snprintf(text, sizeof text, "record %d", i));
        err = kc_producer_send(producer, &record, &why); /* waits while the buffer is full */
        if (err == KC_OK)
            kc_producer_poll(producer, 0, NULL); /* runs on_delivery */
    }
    if (err == KC_OK)
        err = kc_producer_close(producer, 30000, &why); /* flushes, reports everything */
    if (err != KC_OK)
        fprintf(stderr, "%s\n", why.text);
    kc_producer_free(producer);
    kc_client_free(client);
    kc_config_free(config);
    return err != KC_OK || failed > 0;
}
