/* SPDX-License-Identifier: Apache-2.0 */
#include <kclient/kclient.h>
#include <stdio.h>

int main(void)
{
    kc_client *client = NULL;
    kc_producer *producer = NULL;
    kc_error why;
    kc_config *config = kc_config_new();
    kc_err err = kc_config_set(config, "bootstrap.servers", "127.0.0.1:9092", &why);
    if (err == KC_OK)
        err = kc_client_new(config, &client, &why);
    if (err == KC_OK)
        err = kc_producer_new(client, NULL, &producer, &why);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str("greetings");
    record.key = kc_str("en");
    record.value = kc_str("hello");
    if (err == KC_OK)
        err = kc_producer_send(producer, &record, &why); /* copies, returns at once */
    if (err == KC_OK)
        err = kc_producer_flush(producer, 10000, &why); /* all acknowledged, or why not */
    if (err != KC_OK)
        fprintf(stderr, "%s\n", why.text);
    kc_producer_free(producer);
    kc_client_free(client);
    kc_config_free(config);
    return err != KC_OK;
}
