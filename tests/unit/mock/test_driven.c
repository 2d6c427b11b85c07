/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster on a loop of the caller's, without a thread, as the simulator has it. */
#include <criterion/criterion.h>

#include "base/bytes.h"
#include "mock/mock.h"
#include "peer.h"

static kci_loop *loop;
static kc_mock *mock;

static void open_all(void)
{
    kc_mock_options o = { .size = sizeof o, .brokers = 2, .replication_delay_us = 50000 };
    kc_error why = { 0 };
    cr_assert_eq(kci_loop_new(kci_sys_posix(false), &loop), KC_OK);
    cr_assert_eq(kci_mock_new_on(loop, &o, &mock, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 1, 2), KC_OK);
}

static void close_all(void)
{
    kc_mock_free(mock);
    kci_loop_free(loop);
}

TestSuite(driven, .init = open_all, .fini = close_all);

static kci_metadata_request metadata(void)
{
    kci_metadata_request in;
    kci_msg_init(&kci_metadata_request_msg, &in);
    in.topics.count = -1;
    return in;
}

/* Steps until something can be read, for at most about 30 s. */
static void step_until_readable(peer *p)
{
    for (int i = 0; i < 30000 && !peer_readable(p, 0); i++)
        kci_loop_step(loop, 1000);
}

Test(driven, nothing_happens_by_itself)
{
    peer p;
    peer_open(&p, mock, 1);
    kci_metadata_request in = metadata();
    kci_metadata_response out;
    peer_send(&p, KCI_API_METADATA, 12, &in);
    cr_assert_not(peer_readable(&p, 50));
    step_until_readable(&p);
    cr_assert(peer_receive(&p, KCI_API_METADATA, 12, &out));
    cr_assert_eq(out.brokers.count, 2);
    peer_close(&p);
}

Test(driven, calls_take_effect_at_once)
{
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 2, .pid = -1 }, &batch);
    cr_assert_eq(kc_mock_append_raw(mock, "t", 0, batch.data, batch.size), 0);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 2);
    cr_assert_eq(kc_mock_high_watermark(mock, "t", 0), 0);
    for (int i = 0; i < 3000 && kc_mock_high_watermark(mock, "t", 0) == 0; i++)
        kci_loop_step(loop, 10000);
    cr_assert_eq(kc_mock_high_watermark(mock, "t", 0), 2, "replicated by a timer of the loop");
    kci_buf_free(&batch);
}

Test(driven, advertised_names)
{
    cr_assert_eq(kci_mock_advertise(mock, 1, "broker-1", 9092), KC_OK);
    cr_assert_eq(kci_mock_advertise(mock, 2, "broker-2", 9093), KC_OK);
    cr_assert_eq(kci_mock_advertise(mock, 3, "broker-3", 9093), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kci_mock_advertise(mock, 2, "", 9093), KC_E_INVALID_ARGUMENT);
    cr_assert_str_eq(kc_mock_bootstrap(mock), "broker-1:9092,broker-2:9093");
}

static void change(void *arg, int32_t broker, int16_t api, int16_t version, kci_buf *frame)
{
    int *calls = arg;
    ++*calls;
    cr_assert_eq(broker, 2);
    cr_assert_eq(api, KCI_API_METADATA);
    cr_assert_eq(version, 12);
    kci_buf_put8(frame, 0xaa); /* one more, and the length says so */
    kci_store32(frame->data, (uint32_t)(frame->size - 4));
}

Test(driven, answers_can_be_changed)
{
    peer p;
    peer_open(&p, mock, 2);
    int calls = 0;
    kci_mock_set_answer_hook(mock, change, &calls);
    kci_metadata_request in = metadata();
    peer_send(&p, KCI_API_METADATA, 12, &in);
    step_until_readable(&p);
    cr_assert(peer_receive_frame(&p));
    cr_assert_eq(calls, 1);
    cr_assert_eq(p.in[p.in_size - 1], 0xaa);
    kci_mock_set_answer_hook(mock, NULL, NULL);
    peer_send(&p, KCI_API_METADATA, 12, &in);
    step_until_readable(&p);
    kci_metadata_response out;
    cr_assert(peer_receive(&p, KCI_API_METADATA, 12, &out));
    peer_close(&p);
}

Test(driven, it_ends_with_connections_open)
{
    peer p[5];
    for (int i = 0; i < 5; i++)
        peer_open(&p[i], mock, i % 2 + 1);
    for (int i = 0; i < 3000 && kc_mock_connections(mock, -1) < 5; i++)
        kci_loop_step(loop, 10000);
    cr_assert_eq(kc_mock_connections(mock, -1), 5);
    kc_mock_close(mock);
    cr_assert_eq(kc_mock_connections(mock, -1), 0);
    for (int i = 0; i < 5; i++)
        peer_close(&p[i]);
}
