/* SPDX-License-Identifier: Apache-2.0 */
#include <kclient/kclient.h>
#include <kclient/mock.h>
#include <stdio.h>

/* A test of a program's own: the broker writes the record, but its answer is lost. */
int main(void)
{
    kc_mock *mock = NULL;
    kc_client *client = NULL;
    kc_producer *producer = NULL;
    kc_config *config = kc_config_new();
    if (kc_mock_new(NULL, &mock, NULL) != KC_OK)
        return 1;
    kc_mock_create_topic(mock, "orders", 1, 3);
    kc_mock_fault fault;
    kc_mock_fault_init(&fault, sizeof fault);
    fault.action = KC_MOCK_FAULT_LOSE_ANSWER;
    fault.api = KC_MOCK_API_PRODUCE;
    int64_t id = kc_mock_add_fault(mock, &fault);

    kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(mock), NULL);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str("orders");
    record.value = kc_str("one coffee");
    bool ok = kc_client_new(config, &client, NULL) == KC_OK &&
              kc_producer_new(client, NULL, &producer, NULL) == KC_OK &&
              kc_producer_send(producer, &record, NULL) == KC_OK &&
              kc_producer_flush(producer, 10000, NULL) == KC_OK;
    ok = ok && kc_mock_fault_hits(mock, id) == 1;              /* the answer was lost */
    ok = ok && kc_mock_log_end_offset(mock, "orders", 0) == 1; /* and it is there once */
    puts(ok ? "passed" : "failed");
    kc_producer_free(producer);
    kc_client_free(client);
    kc_config_free(config);
    kc_mock_free(mock);
    return !ok;
}
