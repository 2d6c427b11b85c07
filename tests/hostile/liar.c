/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/liar.h"

#include "base/bytes.h"
#include "mock/mock.h"
#include "wire/messages.h"

const char *const host_mode_names[HOST_MODES] = { "once", "second", "always", "to-the-end" };

enum { PREFIX = 4 };

/* An answer taken apart. */
typedef struct answer {
    int16_t api, version;
    const kci_msg *msg;
    int32_t id;
    size_t header; /* its size */
    void *body;    /* NULL: it cannot be decoded */
    kci_buf *frame;
} answer;

static bool take_apart(host_liar *liar, answer *a)
{
    kci_buf *f = a->frame;
    kci_reader in = kci_reader_of(f->data + PREFIX, f->size - PREFIX);
    kc_err err = kci_response_header_decode(a->api, a->version, &in, &a->id);
    a->header = (size_t)(in.pos - f->data) - PREFIX;
    kci_arena_reset(&liar->arena);
    a->body = kci_arena_alloc(&liar->arena, a->msg->size);
    if (err == KC_OK && a->body)
        err = kci_decode(a->msg, a->version, &in, &liar->arena, a->body);
    liar->arena.limit = 0;
    return err == KC_OK && a->body && kci_rd_left(&in) == 0;
}

typedef struct looker {
    host_liar *liar;
    int16_t api;
} looker;

static void on_place(void *arg, const host_place *place, bool natural)
{
    const looker *l = arg;
    l->liar->seen(l->liar->seen_arg, l->api, place, natural);
}

static void look(host_liar *liar, const answer *a)
{
    looker l = { liar, a->api };
    int elements = a->api == KCI_API_API_VERSIONS ? HOST_ELEMENTS_OF_API_VERSIONS : HOST_ELEMENTS;
    liar->seen(liar->seen_arg, a->api, NULL, true);
    host_places(a->msg, a->version, a->body, elements, on_place, &l);
}

/* Whether this answer is the one to be changed. */
static bool is_its_turn(host_liar *liar)
{
    int n = liar->met++;
    return liar->mode >= HOST_ALWAYS || n == (liar->mode == HOST_SECOND ? 1 : 0);
}

/* What was decoded points into the frame, so the new one is written beside it. */
static void encode_anew(const answer *a, const host_lie *lie)
{
    kci_buf fresh = { 0 };
    kci_buf_put(&fresh, a->frame->data, PREFIX + a->header);
    host_encode(a->msg, a->version, a->body, lie, &fresh);
    kci_store32(fresh.data, (uint32_t)(fresh.size - PREFIX));
    kci_buf_free(a->frame);
    *a->frame = fresh;
}

/* The versions that brokers of this setting have. */
static void cap_versions(const host_liar *liar, answer *a)
{
    static const host_lie truth = { HOST_TRUTH };
    kci_api_versions_response *body = a->body;
    for (int32_t i = 0; i < body->api_keys.count; i++) {
        kci_api_versions_response_api_version *v = &body->api_keys.data[i];
        for (const host_cap *cap = liar->caps; cap->api >= 0; cap++)
            if (cap->api == v->api_key && cap->max < v->max_version)
                v->max_version = cap->max;
    }
    encode_anew(a, &truth);
}

static uint64_t digest(const kci_buf *b)
{
    uint64_t h = 0xcbf29ce484222325u ^ b->size;
    for (size_t i = 0; i < b->size; i++)
        h = (h ^ b->data[i]) * 0x100000001b3u;
    return h;
}

static void tell_lie(host_liar *liar, answer *a)
{
    const host_place *p = liar->place;
    if (p->kind != HOST_FRAME && liar->natural && !host_place_is_natural(p, a->msg, a->body))
        return;
    if (!is_its_turn(liar))
        return;
    uint64_t before = digest(a->frame);
    host_lie lie = { 0 };
    if (p->kind == HOST_FRAME) {
        host_frame_mutate(liar->variant, a->frame, a->header, &liar->past);
    } else {
        liar->given.arena = &liar->arena;
        if (host_mutate(p, liar->variant, a->msg, a->body, &liar->given, &lie))
            encode_anew(a, &lie);
    }
    liar->told++;
    bool changed = digest(a->frame) != before;
    liar->changed += changed;
    sim_trace(liar->world, "LIE %d in %s: %s%s", liar->told, a->msg->name, p->path,
              changed ? "" : " (makes no difference)");
}

static void remember(host_liar *liar, const answer *a, int32_t broker)
{
    size_t at = PREFIX + a->header, size = a->frame->size > at ? a->frame->size - at : 0;
    if (broker >= 0 && broker < (int32_t)(sizeof liar->last_id / sizeof *liar->last_id)) {
        liar->past.earlier_id = liar->last_id[broker];
        liar->last_id[broker] = a->id;
    }
    if (a->api == liar->api || size > sizeof liar->past.other)
        return;
    memcpy(liar->past.other, a->frame->data + at, size);
    liar->past.other_size = size;
}

static void on_answer(void *arg, int32_t broker, int16_t api, int16_t version, kci_buf *frame)
{
    host_liar *liar = arg;
    const kci_api *known = kci_api_get(api);
    answer a = { .api = api, .version = version, .msg = known->response, .frame = frame };
    sim_trace(liar->world, "broker %d answers %s %d with %zu bytes", broker, known->name, version,
              frame->size);
    if (!take_apart(liar, &a))
        return;
    if (api == KCI_API_API_VERSIONS && liar->caps)
        cap_versions(liar, &a);
    remember(liar, &a, broker);
    if (liar->seen)
        look(liar, &a);
    if (liar->place && liar->on && api == liar->api)
        tell_lie(liar, &a);
}

void host_liar_start(host_liar *liar, kc_mock *mock)
{
    kci_mock_set_answer_hook(mock, on_answer, liar);
}

void host_liar_end(host_liar *liar, kc_mock *mock)
{
    kci_mock_set_answer_hook(mock, NULL, NULL);
    kci_arena_free(&liar->arena);
}
