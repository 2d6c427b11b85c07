/* SPDX-License-Identifier: Apache-2.0 */
#include <kclient/kclient.h>
#include <stdio.h>

int main(void)
{
    kc_client *client = NULL;
    kc_consumer *consumer = NULL;
    kc_error why;
    kc_config *config = kc_config_new();
    kc_err err = kc_config_set(config, "bootstrap.servers", "127.0.0.1:9092", &why);
    if (err == KC_OK)
        err = kc_client_new(config, &client, &why);
    if (err == KC_OK)
        err = kc_consumer_new(client, NULL, &consumer, &why);
    kc_topic_partition_position from = { kc_str("greetings"), 0, kc_position_beginning() };
    if (err == KC_OK)
        err = kc_consumer_assign(consumer, &from, 1, &why);
    for (kc_records *batch = NULL; err == KC_OK; kc_records_free(batch)) {
        err = kc_consumer_poll(consumer, 5000, &batch, &why);
        if (!batch) /* nothing for 5 s, or an error */
            break;
        const kc_record *r = kc_records_data(batch); /* views into what was received: no copy */
        for (size_t i = 0; i < kc_records_count(batch); i++)
            printf("%lld %.*s\n", (long long)r[i].offset, (int)r[i].value.size,
                   (const char *)r[i].value.data);
    }
    if (err != KC_OK)
        fprintf(stderr, "%s\n", why.text);
    kc_consumer_free(consumer);
    kc_client_free(client);
    kc_config_free(config);
    return err != KC_OK;
}
