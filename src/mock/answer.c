/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: the encoded message with stored records spliced in, not copied; and answers that faults
 * cut, shorten or change, which are copied into one piece first. */
#include "base/bytes.h"
#include "base/mem.h"
#include "mock/server.h"

struct kci_mock_answer {
    kci_out out;
    kci_mock_client *client;
    kci_buf bytes; /* everything but the records; the frame's length first */
    kci_mock_slice *slices;
    size_t slice_count;
    struct iovec *iov;
    bool end_after; /* the connection ends when it is written */
};

void kci_mock_answer_free(kci_mock_answer *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->slice_count; i++)
        kci_frame_unref(a->slices[i].frame);
    kci_free(a->slices);
    kci_free(a->iov);
    kci_buf_free(&a->bytes);
    kci_free(a);
}

static void on_done(kci_out *out, bool written)
{
    kci_mock_answer *a = KCI_CONTAINER_OF(out, kci_mock_answer, out);
    kci_mock_client *client = a->client;
    bool end = a->end_after;
    kci_mock_answer_free(a);
    if (written && end)
        kci_mock_client_end(client);
    else if (written)
        kci_mock_client_sent(client);
}

static void piece(kci_mock_answer *a, const void *p, size_t size)
{
    if (size)
        a->iov[a->out.count++] =
            (struct iovec){ .iov_base = (void *)(uintptr_t)p, .iov_len = size };
}

/* The order on the wire: message up to a gap, the gap's records, and so on. */
static kc_err splice(kci_mock_answer *a, const kci_gaps *gaps)
{
    a->iov = kci_calloc(2 * gaps->count + a->slice_count + 1, sizeof *a->iov);
    if (!a->iov)
        return KC_E_NO_MEMORY;
    size_t at = 0, total = a->bytes.size, next = 0;
    for (size_t g = 0; g < gaps->count; g++) {
        size_t left = gaps->list[g].records.size;
        if (left == 0)
            continue;
        piece(a, a->bytes.data + at, gaps->list[g].offset - at);
        at = gaps->list[g].offset;
        total += left;
        for (; left > 0 && next < a->slice_count; next++) {
            piece(a, a->slices[next].data, a->slices[next].size);
            left -= a->slices[next].size;
        }
    }
    piece(a, a->bytes.data + at, a->bytes.size - at);
    if (total - 4 > INT32_MAX)
        return KC_E_NO_MEMORY;
    kci_store32(a->bytes.data, (uint32_t)(total - 4));
    a->out.iov = a->iov;
    return KC_OK;
}

static kc_err encode(kci_mock_answer *a, const kci_mock_request *r, const void *body,
                     int16_t version)
{
    kci_gaps gaps = { 0 };
    kci_buf_put32(&a->bytes, 0);
    kc_err err = kci_response_header_encode(r->key, version, r->correlation_id, &a->bytes);
    if (err == KC_OK)
        err = kci_encode(kci_api_get(r->key)->response, version, body, &a->bytes, &gaps);
    if (err == KC_OK && a->bytes.failed)
        err = KC_E_NO_MEMORY;
    if (err == KC_OK)
        err = splice(a, &gaps);
    kci_gaps_free(&gaps);
    return err;
}

/* Copies everything into one piece of its own. */
static kc_err flatten(kci_mock_answer *a)
{
    kci_buf flat = { 0 };
    for (int i = 0; i < a->out.count; i++)
        kci_buf_put(&flat, a->iov[i].iov_base, a->iov[i].iov_len);
    if (flat.failed) {
        kci_buf_free(&flat);
        return KC_E_NO_MEMORY;
    }
    for (size_t i = 0; i < a->slice_count; i++)
        kci_frame_unref(a->slices[i].frame);
    a->slice_count = 0;
    kci_buf_free(&a->bytes);
    a->bytes = flat;
    return KC_OK;
}

/* What faults and the hook do to the bytes. */
static kc_err mangle(kci_mock_answer *a, const kci_mock_request *r)
{
    const kci_mock_plan *plan = &r->plan;
    kc_mock *mock = a->client->door->mock;
    if (!mock->hook && !plan->cut && !plan->shorten && !plan->mutate)
        return KC_OK;
    kc_err err = flatten(a);
    if (err != KC_OK)
        return err;
    kci_buf *b = &a->bytes;
    if (mock->hook)
        mock->hook(mock->hook_arg, r->broker->id, r->key, r->version, b);
    if (plan->shorten && b->size > 4 && (uint64_t)plan->short_at < b->size - 4) {
        b->size = 4 + (size_t)plan->short_at;
        kci_store32(b->data, (uint32_t)plan->short_at);
    }
    if (plan->mutate && b->size > 0)
        b->data[(uint64_t)plan->mutate_at % b->size] ^= plan->mask;
    if (plan->cut) {
        a->end_after = true;
        if ((uint64_t)plan->cut_at < b->size)
            b->size = (size_t)plan->cut_at;
    }
    a->out.count = 0;
    piece(a, b->data, b->size);
    return b->failed ? KC_E_NO_MEMORY : KC_OK;
}

kci_mock_answer *kci_mock_answer_new(kci_mock_client *client, const void *body, int16_t version)
{
    kci_mock_request *r = &client->request;
    kci_mock_answer *a = kci_calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->client = client;
    a->out.done = on_done;
    a->slices = r->slices.list;
    a->slice_count = r->slices.count;
    r->slices = (kci_mock_slices){ 0 };
    kc_err err = encode(a, r, body, version < 0 ? r->version : version);
    if (err == KC_OK)
        err = mangle(a, r);
    if (err != KC_OK) {
        kci_mock_answer_free(a);
        return NULL;
    }
    a->end_after |= client->auth.failed;
    return a;
}

bool kci_mock_answer_is_last(const kci_mock_answer *answer)
{
    return answer->end_after;
}

void kci_mock_answer_send(kci_mock_client *client, kci_mock_answer *a)
{
    if (a->out.count == 0) { /* cut before its first byte */
        kci_mock_answer_free(a);
        kci_mock_client_end(client);
        return;
    }
    kci_conn_send(client->conn, &a->out);
}
