/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of one turn are ordered by who is to be asked and what; each run of equal ones becomes
 * a request. A partition is named once per request: brokers refuse duplicates. */
#include "reading/probe.h"

#include <stdlib.h>

#include "base/mem.h"
#include "reading/topic_name.h"
#include "wire/messages.h"

typedef kci_list_offsets_request_list_offsets_topic offsets_topic;
typedef kci_list_offsets_request_list_offsets_partition offsets_part;
typedef kci_offset_for_leader_epoch_request_offset_for_leader_topic epoch_topic;
typedef kci_offset_for_leader_epoch_request_offset_for_leader_partition epoch_part;

/* A request and its questions, ordered by topic and partition. */
typedef struct probe_call {
    kci_call call;
    kci_probes *owner;
    kci_link link;
    kci_probe_kind kind;
    int32_t count;
    kci_probe **asked;
    union {
        kci_list_offsets_request offsets;
        kci_offset_for_leader_epoch_request epochs;
    } body;
    union {
        offsets_topic *offsets;
        epoch_topic *epochs;
    } topics;
    union {
        offsets_part *offsets;
        epoch_part *epochs;
    } parts;
} probe_call;

void kci_probes_init(kci_probes *ls, kc_client *client, pthread_mutex_t *lock)
{
    *ls = (kci_probes){ .client = client, .lock = lock };
    kci_list_init(&ls->waiting);
    kci_list_init(&ls->calls);
}

bool kci_probe_is_retriable(kc_err err)
{
    return (kc_error_flags(err) & KC_ERROR_RETRIABLE) || err == KC_E_TIMED_OUT ||
           err == KC_E_INTERRUPTED || err == KC_E_UNKNOWN_SERVER_ERROR ||
           err == KC_E_BROKER_NOT_AVAILABLE || err == KC_E_RESPONSE_TOO_LARGE ||
           err == KC_E_PROTOCOL; /* that connection is closed; the next answer may be whole */
}

void kci_probe_ask(kci_probes *ls, kci_probe *l)
{
    l->busy = true;
    l->answered = false;
    l->offset = l->found_timestamp = -1;
    l->found_epoch = -1;
    kci_list_push_back(&ls->waiting, &l->link);
}

/* Questions that can be in one request are equal; those differ that cannot. */
static int compare_request(const kci_probe *a, const kci_probe *b)
{
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (int)a->committed - (int)b->committed;
}

static int compare_partition(const kci_probe *a, const kci_probe *b)
{
    int order = kci_topic_name_compare(a->topic, b->topic);
    if (order != 0)
        return order;
    return (a->partition > b->partition) - (a->partition < b->partition);
}

static int compare(const void *x, const void *y)
{
    const kci_probe *const *a = x, *const *b = y;
    int order = compare_request(*a, *b);
    return order != 0 ? order : compare_partition(*a, *b);
}

/* ---- building ----------------------------------------------------------------------------- */

static void fill_offsets(probe_call *lc)
{
    kci_list_offsets_request *b = &lc->body.offsets;
    offsets_part *part = lc->parts.offsets;
    kci_msg_init(&kci_list_offsets_request_msg, b);
    b->replica_id = -1;
    b->isolation_level = lc->asked[0]->committed;
    b->topics.data = lc->topics.offsets;
    b->topics.count = 0;
    for (int32_t i = 0; i < lc->count; i++, part++) {
        const kci_probe *l = lc->asked[i];
        offsets_topic *t = b->topics.data + b->topics.count - 1;
        if (i == 0 || kci_topic_name_compare(t->name, l->topic) != 0) {
            t = &b->topics.data[b->topics.count++];
            *t = (offsets_topic){ .name = l->topic, .partitions = { part, 0 } };
        }
        t->partitions.count++;
        *part = (offsets_part){ .partition_index = l->partition,
                                .current_leader_epoch = l->current_epoch,
                                .timestamp = l->timestamp };
    }
}

static void fill_epochs(probe_call *lc)
{
    kci_offset_for_leader_epoch_request *b = &lc->body.epochs;
    epoch_part *part = lc->parts.epochs;
    kci_msg_init(&kci_offset_for_leader_epoch_request_msg, b);
    b->replica_id = -1;
    b->topics.data = lc->topics.epochs;
    b->topics.count = 0;
    for (int32_t i = 0; i < lc->count; i++, part++) {
        const kci_probe *l = lc->asked[i];
        epoch_topic *t = b->topics.data + b->topics.count - 1;
        if (i == 0 || kci_topic_name_compare(t->topic, l->topic) != 0) {
            t = &b->topics.data[b->topics.count++];
            *t = (epoch_topic){ .topic = l->topic, .partitions = { part, 0 } };
        }
        t->partitions.count++;
        *part = (epoch_part){ .partition = l->partition,
                              .current_leader_epoch = l->current_epoch,
                              .leader_epoch = l->epoch };
    }
}

/* ---- answers ------------------------------------------------------------------------------ */

static kci_probe *find(const probe_call *lc, kc_bytes topic, int32_t partition)
{
    kci_probe key = { .topic = topic, .partition = partition };
    int32_t low = 0, high = lc->count;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        int order = compare_partition(lc->asked[mid], &key);
        if (order == 0)
            return lc->asked[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* One partition of an answer. A log in the oldest format has no timestamps: nothing is found. */
static void note(const probe_call *lc, kc_bytes topic, int32_t partition, kc_err err,
                 int64_t offset, int64_t timestamp, int32_t epoch)
{
    kci_probe *l = topic.data ? find(lc, topic, partition) : NULL;
    if (!l)
        return;
    l->answered = true;
    l->err = err == KC_E_UNSUPPORTED_FOR_MESSAGE_FORMAT ? KC_OK : err;
    if (err != KC_OK)
        return;
    l->offset = offset;
    l->found_timestamp = timestamp;
    l->found_epoch = epoch;
}

static void read_offsets(const probe_call *lc, const kci_list_offsets_response *r)
{
    for (int32_t i = 0; i < r->topics.count; i++) {
        const kci_list_offsets_response_list_offsets_topic_response *t = &r->topics.data[i];
        for (int32_t k = 0; k < t->partitions.count; k++) {
            const kci_list_offsets_response_list_offsets_partition_response *p =
                &t->partitions.data[k];
            note(lc, t->name, p->partition_index, p->error_code, p->offset, p->timestamp,
                 p->leader_epoch);
        }
    }
}

static void read_epochs(const probe_call *lc, const kci_offset_for_leader_epoch_response *r)
{
    for (int32_t i = 0; i < r->topics.count; i++) {
        const kci_offset_for_leader_epoch_response_offset_for_leader_topic_result *t =
            &r->topics.data[i];
        for (int32_t k = 0; k < t->partitions.count; k++) {
            const kci_offset_for_leader_epoch_response_epoch_end_offset *p = &t->partitions.data[k];
            note(lc, t->topic, p->partition, p->error_code, p->end_offset, -1, p->leader_epoch);
        }
    }
}

/* Gives each question its answer. Owners may go away, or ask again, in done(): each is touched for
 * the last time before. */
static bool finish_all(const probe_call *lc, kc_err err)
{
    bool stale = err != KC_OK && err != KC_E_INTERRUPTED && err != KC_E_CLOSED;
    for (int32_t i = 0; i < lc->count; i++) {
        kci_probe *l = lc->asked[i];
        kc_err e = err;
        if (e == KC_OK)
            e = l->answered ? l->err : KC_E_UNKNOWN_SERVER_ERROR;
        stale |= (kc_error_flags(e) & KC_ERROR_REFRESH_METADATA) || e == KC_E_UNKNOWN_LEADER_EPOCH;
        l->busy = false;
        l->done(l, e);
    }
    return stale;
}

static void free_call(probe_call *lc)
{
    if (!lc)
        return;
    kci_free(lc->asked);
    kci_free(lc->kind == KCI_PROBE_OFFSET ? (void *)lc->topics.offsets : lc->topics.epochs);
    kci_free(lc->kind == KCI_PROBE_OFFSET ? (void *)lc->parts.offsets : lc->parts.epochs);
    kci_free(lc);
}

static void on_done(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    (void)why;
    probe_call *lc = KCI_CONTAINER_OF(call, probe_call, call);
    kci_probes *ls = lc->owner;
    pthread_mutex_lock(ls->lock);
    if (err == KC_OK && lc->kind == KCI_PROBE_OFFSET)
        read_offsets(lc, response->body);
    else if (err == KC_OK)
        read_epochs(lc, response->body);
    kci_link_remove(&lc->link);
    ls->call_count--;
    bool stale = finish_all(lc, err);
    free_call(lc);
    ls->on_answers(ls, stale);
}

/* ---- sending ------------------------------------------------------------------------------ */

/* A request for asked[0..n-1]; NULL: no memory. */
static probe_call *new_call(kci_probes *ls, kci_probe **asked, int32_t n)
{
    probe_call *lc = kci_calloc(1, sizeof *lc);
    if (!lc)
        return NULL;
    size_t count = (size_t)n;
    lc->owner = ls;
    lc->kind = asked[0]->kind;
    lc->count = n;
    lc->asked = kci_calloc(count, sizeof(kci_probe *));
    if (lc->kind == KCI_PROBE_OFFSET) {
        lc->topics.offsets = kci_calloc(count, sizeof(offsets_topic));
        lc->parts.offsets = kci_calloc(count, sizeof(offsets_part));
    } else {
        lc->topics.epochs = kci_calloc(count, sizeof(epoch_topic));
        lc->parts.epochs = kci_calloc(count, sizeof(epoch_part));
    }
    if (!lc->asked || !lc->topics.offsets || !lc->parts.offsets) {
        free_call(lc);
        return NULL;
    }
    memcpy(lc->asked, asked, count * sizeof(kci_probe *));
    return lc;
}

static void start(kci_probes *ls, probe_call *lc)
{
    bool offsets = lc->kind == KCI_PROBE_OFFSET;
    if (offsets)
        fill_offsets(lc);
    else
        fill_epochs(lc);
    lc->call = (kci_call){
        .api = offsets ? KCI_API_LIST_OFFSETS : KCI_API_OFFSET_FOR_LEADER_EPOCH,
        .cls = KCI_CLASS_CONTROL,
        .node = lc->asked[0]->node,
        .min_version = offsets ? 1 : 2,
        .max_version = KCI_ANY_VERSION,
        .body = &lc->body,
        .done = on_done,
    };
    kci_list_push_back(&ls->calls, &lc->link);
    ls->call_count++;
    kci_call_start(ls->client, &lc->call);
}

/* Sends one request with those from asked[0] on that agree with it, up to a partition that is asked
 * about twice. Returns how many it took. */
static int32_t send_run(kci_probes *ls, kci_probe **asked, int32_t n)
{
    int32_t run = 1;
    while (run < n && compare_request(asked[0], asked[run]) == 0 &&
           compare_partition(asked[run - 1], asked[run]) != 0)
        run++;
    probe_call *lc = new_call(ls, asked, run);
    if (lc) {
        start(ls, lc);
        return run;
    }
    for (int32_t i = 0; i < run; i++) {
        asked[i]->busy = false;
        asked[i]->done(asked[i], KC_E_NO_MEMORY);
    }
    return run;
}

/* Ends all that wait. */
static void fail_waiting(kci_probes *ls, kc_err err)
{
    kci_list failed;
    kci_list_init(&failed);
    kci_list_splice_back(&failed, &ls->waiting);
    for (kci_link *l; (l = kci_list_pop_front(&failed));) {
        kci_probe *probe = KCI_CONTAINER_OF(l, kci_probe, link);
        probe->busy = false;
        probe->done(probe, err);
    }
}

void kci_probes_send(kci_probes *ls)
{
    int32_t n = 0;
    for (kci_link *l = kci_list_first(&ls->waiting); l; l = kci_list_next(&ls->waiting, l))
        n++;
    if (n == 0)
        return;
    kci_probe **asked = kci_calloc((size_t)n, sizeof(kci_probe *));
    if (!asked) {
        fail_waiting(ls, KC_E_NO_MEMORY);
        return;
    }
    for (int32_t i = 0; i < n; i++)
        asked[i] = KCI_CONTAINER_OF(kci_list_pop_front(&ls->waiting), kci_probe, link);
    qsort(asked, (size_t)n, sizeof(kci_probe *), compare);
    for (int32_t i = 0; i < n;)
        i += send_run(ls, asked + i, n - i);
    kci_free(asked);
}

void kci_probes_close(kci_probes *ls)
{
    fail_waiting(ls, KC_E_CLOSED);
    for (kci_link *l = kci_list_first(&ls->calls); l; l = kci_list_next(&ls->calls, l))
        kci_call_cancel(ls->client, &KCI_CONTAINER_OF(l, probe_call, link)->call);
}
