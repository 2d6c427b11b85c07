/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a Produce request: every batch of it was written, or failed. Thread: loop. */
#include "base/bytes.h"
#include "base/planted.h"
#include "producer/request.h"

enum { HOST_MAX = 255 };

typedef kci_send_request request;
typedef kci_produce_request_topic_produce_data topic_data;
typedef kci_produce_response_topic_produce_response topic_answer;
typedef kci_produce_response_partition_produce_response partition_answer;

/* The topic of the request that an answer is about; NULL: none. *hint: where it is looked for
 * first, since brokers answer in the order of the request. */
static const topic_data *find_topic(const request *r, const topic_answer *answer, bool by_id,
                                    int32_t *hint)
{
    int32_t count = r->body.topic_data.count;
    for (int32_t n = 0; n < count; n++) {
        int32_t i = (*hint + n) % count;
        const topic_data *t = &r->topics[i];
        if (by_id ? !kci_uuid_equal(&t->topic_id, &answer->topic_id)
                  : !kci_bytes_equal(t->name, answer->name))
            continue;
        *hint = i + 1;
        return t;
    }
    return NULL;
}

/* Its batch for that partition; NULL when there is none or it was answered before. */
static kci_send_batch *find_batch(request *r, const topic_data *t, int32_t partition, int32_t *hint)
{
    kci_send_batch **first = r->batches + (t->partition_data.data - r->partitions);
    int32_t count = t->partition_data.count;
    for (int32_t n = 0; n < count; n++) {
        int32_t i = (*hint + n) % count;
        kci_send_batch *b = first[i];
        if (!b || b->part->index != partition)
            continue;
        first[i] = NULL;
        *hint = i + 1;
        return b;
    }
    return NULL;
}

/* Answers that exclude that the batch was written (by this attempt). Not among them is, for one,
 * NOT_LEADER_OR_FOLLOWER: a leader that steps down while it waits for replicas has written it. */
static bool excludes_write(kc_err err)
{
    if (err == KC_E_NOT_LEADER_OR_FOLLOWER)
        return KCI_BUG(NOT_LEADER_EXCLUDES_WRITE);
    switch (err) {
    case KC_E_CORRUPT_MESSAGE:
    case KC_E_MESSAGE_TOO_LARGE:
    case KC_E_RECORD_LIST_TOO_LARGE:
    case KC_E_NOT_ENOUGH_REPLICAS:
    case KC_E_INVALID_TOPIC_EXCEPTION:
    case KC_E_INVALID_REQUIRED_ACKS:
    case KC_E_TOPIC_AUTHORIZATION_FAILED:
    case KC_E_CLUSTER_AUTHORIZATION_FAILED:
    case KC_E_INVALID_TIMESTAMP:
    case KC_E_UNSUPPORTED_VERSION:
    case KC_E_INVALID_REQUEST:
    case KC_E_UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case KC_E_POLICY_VIOLATION:
    case KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER:
    case KC_E_INVALID_PRODUCER_EPOCH:
    case KC_E_PRODUCER_FENCED:
    case KC_E_UNKNOWN_PRODUCER_ID:
    case KC_E_INVALID_PRODUCER_ID_MAPPING:
    case KC_E_UNSUPPORTED_COMPRESSION_TYPE:
    case KC_E_INVALID_RECORD:
    case KC_E_UNKNOWN_TOPIC_ID:
        return true;
    default:
        return false;
    }
}

static void tell_leader(kc_producer *p, const kci_part *part, const partition_answer *a,
                        const kci_produce_response *body)
{
    if (a->current_leader.leader_id < 0)
        return;
    char host[HOST_MAX + 1];
    for (int32_t i = 0; i < body->node_endpoints.count; i++) {
        const kci_produce_response_node_endpoint *e = &body->node_endpoints.data[i];
        if (e->node_id != a->current_leader.leader_id || e->host.size > HOST_MAX)
            continue;
        memcpy(host, e->host.data, e->host.size);
        host[e->host.size] = '\0';
        kci_client_leader_hint(p->client, part->topic->name, part->index, e->node_id,
                               a->current_leader.leader_epoch, host, e->port, e->rack);
        return;
    }
    kci_client_leader_hint(p->client, part->topic->name, part->index, a->current_leader.leader_id,
                           a->current_leader.leader_epoch, NULL, 0, kc_mem(NULL, 0));
}

static void read_error(kc_producer *p, kci_send_batch *b, const partition_answer *a,
                       const kci_produce_response *body)
{
    kci_refusal refusal = { a->error_code, a->error_message, a->record_errors.data,
                            a->record_errors.count };
    kci_failure why = { .err = a->error_code, .text = a->error_message, .refusal = &refusal };
    why.undecided = !excludes_write(a->error_code);
    if (a->record_errors.count > 0 && a->record_errors.data[0].batch_index_error_message.data)
        why.text = a->record_errors.data[0].batch_index_error_message;
    if (kc_error_flags(a->error_code) & KC_ERROR_REFRESH_METADATA) {
        tell_leader(p, b->part, a, body);
        kci_client_refresh(p->client);
    }
    kci_batch_failed(p, b, &why);
}

static void read_partition(kc_producer *p, kci_send_batch *b, const partition_answer *a,
                           const kci_produce_response *body)
{
    if (a->error_code == KC_E_DUPLICATE_SEQUENCE_NUMBER)
        kci_batch_acked(p, b, -1, KC_NO_TIMESTAMP);
    else if (a->error_code == KC_OK)
        kci_batch_acked(p, b, a->base_offset < 0 ? -1 : a->base_offset, a->log_append_time_ms);
    else
        read_error(p, b, a, body);
}

static void read_answer(request *r, const kci_response *response)
{
    const kci_produce_response *body = response->body;
    bool by_id = response->version > KCI_PRODUCE_LAST_WITH_NAMES;
    int32_t topic_hint = 0;
    for (int32_t i = 0; i < body->responses.count; i++) {
        const topic_answer *answer = &body->responses.data[i];
        const topic_data *t = find_topic(r, answer, by_id, &topic_hint);
        int32_t hint = 0;
        for (int32_t j = 0; t && j < answer->partition_responses.count; j++) {
            const partition_answer *a = &answer->partition_responses.data[j];
            kci_send_batch *b = find_batch(r, t, a->index, &hint);
            if (b)
                read_partition(r->p, b, a, body);
        }
    }
}

/* What the answer does not mention, or all when there is none. */
static void fail_rest(request *r, const kci_failure *why)
{
    for (int32_t i = 0; i < r->count; i++) {
        kci_send_batch *b = r->batches[i];
        r->batches[i] = NULL;
        if (b)
            kci_batch_failed(r->p, b, why);
    }
}

static void ack_all(request *r)
{
    for (int32_t i = 0; i < r->count; i++) {
        kci_send_batch *b = r->batches[i];
        r->batches[i] = NULL;
        kci_batch_acked(r->p, b, -1, KC_NO_TIMESTAMP);
    }
}

/* Whether the same request may go better on another connection; what the library itself refuses
 * will be refused again. */
static bool is_of_connection(kc_err err)
{
    return err != KC_E_CLOSED && err != KC_E_NOT_SUPPORTED && err != KC_E_UNSUPPORTED_VERSION &&
           err != KC_E_INVALID_ARGUMENT;
}

void kci_request_done(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    request *r = KCI_CONTAINER_OF(call, request, call);
    kc_producer *p = r->p;
    kci_failure failure = { .err = err, .text = kc_str(why), .undecided = call->sent };
    kci_link_remove(&r->link);
    r->peer->in_flight--;
    if (err == KC_OK && response)
        read_answer(r, response);
    else if (err == KC_OK || (KCI_BUG(LOST_ANSWER_IS_SUCCESS) && call->sent))
        ack_all(r);
    else
        kci_client_refresh(p->client);
    if (err == KC_OK) {
        failure.err = KC_E_PROTOCOL;
        failure.text = kc_str("the broker's answer leaves the partition out");
        failure.undecided = true;
    }
    failure.again = is_of_connection(failure.err);
    fail_rest(r, &failure);
    kci_list_push_front(&p->sender.spare, &r->link);
    if (!kci_list_is_empty(&r->peer->ready))
        kci_sender_want_turn(p);
    kci_peer_note_progress(p, r->peer, true);
    kci_sender_check_end(p);
}
