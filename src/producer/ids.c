/* SPDX-License-Identifier: Apache-2.0 */
/* The producer id, without which an idempotent producer cannot number its batches: asked for when
 * the first batch needs one, again after failures that may pass, and anew when brokers refuse it.
 * Sends do not wait for it. Thread: loop. */

#include "base/err.h"
#include "base/mem.h"
#include "producer/producer.h"

static kc_producer *producer_of(kci_producer_ids *ids)
{
    return KCI_CONTAINER_OF(ids, kc_producer, sender.ids);
}

static void on_timer(kci_timer *timer)
{
    /* Asks if somebody still wants one. */
    kci_sender_consider_all(producer_of(KCI_CONTAINER_OF(timer, kci_producer_ids, timer)));
}

void kci_ids_init(kci_producer_ids *ids)
{
    ids->id = -1;
    ids->epoch = -1;
    ids->timer.fn = on_timer;
}

static void try_later(kc_producer *p)
{
    kci_producer_ids *ids = &p->sender.ids;
    int64_t pause = kci_backoff_delay(&p->conf.backoff, ++ids->failures, &p->sender.random);
    kci_timer_set(p->loop, &ids->timer, kci_loop_now(p->loop) + pause);
}

/* There will be no id for what waits now: it fails, and a later batch asks again. */
static void fail_waiting(kc_producer *p, kc_err err, const char *text)
{
    char sentence[KCI_SENTENCE_SIZE];
    kci_sentence(
        sentence, sizeof sentence,
        "no producer id for enable.idempotence: %s (enable.idempotence=false goes without)", text);
    kci_failure why = { .err = err, .text = kc_str(sentence) };
    kci_sender_close_open(p); /* what lingers has been waiting for it too */
    kci_link *at = kci_list_first(&p->sender.live);
    while (at) {
        kci_send_batch *b = KCI_CONTAINER_OF(at, kci_send_batch, live);
        at = kci_list_next(&p->sender.live, at);
        if (!b->numbered && kci_lane_wants_id(&b->part->lane))
            kci_batch_give_up(p, b, &why);
    }
}

static void on_answer(kc_producer *p, const kci_init_producer_id_response *answer)
{
    kci_producer_ids *ids = &p->sender.ids;
    kc_err err = answer->error_code;
    if (err == KC_OK && (answer->producer_id < 0 || answer->producer_epoch < 0))
        err = KC_E_PROTOCOL;
    if (err == KC_OK) {
        ids->id = answer->producer_id;
        ids->epoch = answer->producer_epoch;
        ids->failures = 0;
        KCI_LOG(kci_client_log(p->client), KC_LOG_DEBUG, KCI_AREA_PRODUCER,
                "producer id %lld, epoch %d", (long long)ids->id, ids->epoch);
        kci_sender_consider_all(p);
        return;
    }
    KCI_LOG(kci_client_log(p->client), KC_LOG_DEBUG, KCI_AREA_PRODUCER, "no producer id: %s",
            kc_error_name(err));
    try_later(p);
    if (!(kc_error_flags(err) & KC_ERROR_RETRIABLE))
        fail_waiting(p, err, kc_error_text(err));
}

static void done(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    kc_producer *p = producer_of(KCI_CONTAINER_OF(call, kci_producer_ids, call));
    kci_sender *s = &p->sender;
    s->ids.asking = false;
    if (kci_resident_is_detached(&p->life)) {
        kci_sender_check_end(p);
        return;
    }
    if (err == KC_OK) {
        on_answer(p, response->body);
    } else {
        KCI_LOG(kci_client_log(p->client), KC_LOG_DEBUG, KCI_AREA_PRODUCER, "no producer id: %s",
                why);
        try_later(p);
        if (err == KC_E_NOT_SUPPORTED || err == KC_E_UNSUPPORTED_VERSION)
            fail_waiting(p, err, why);
    }
    kci_sender_check_end(p);
}

static void ask(kc_producer *p)
{
    kci_producer_ids *ids = &p->sender.ids;
    if (ids->asking || kci_resident_is_detached(&p->life))
        return;
    kci_msg_init(&kci_init_producer_id_request_msg, &ids->body);
    ids->body.transactional_id = (kc_bytes){ NULL, 0 };
    ids->body.transaction_timeout_ms = INT32_MAX;
    memset(&ids->call, 0, sizeof ids->call);
    ids->call.api = KCI_API_INIT_PRODUCER_ID;
    ids->call.cls = KCI_CLASS_CONTROL;
    ids->call.node = KCI_NODE_ANY;
    ids->call.max_version = KCI_ANY_VERSION;
    ids->call.body = &ids->body;
    ids->call.done = done;
    ids->asking = true;
    kci_call_start(p->client, &ids->call);
}

void kci_ids_want(kc_producer *p)
{
    kci_producer_ids *ids = &p->sender.ids;
    if (ids->id < 0 && !ids->asking && !kci_timer_is_set(&ids->timer))
        ask(p);
}

void kci_ids_discard(kc_producer *p, int64_t id)
{
    if (p->sender.ids.id == id)
        p->sender.ids.id = -1;
}

void kci_ids_stop(kc_producer *p)
{
    kci_timer_stop(p->loop, &p->sender.ids.timer);
    if (p->sender.ids.asking)
        kci_call_cancel(p->client, &p->sender.ids.call);
}
