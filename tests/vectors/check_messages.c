/* SPDX-License-Identifier: Apache-2.0 */
/* messages.txt and unknown_tags.txt: what Java wrote is read and written again. */
#include <stdlib.h>

#include "check.h"
#include "wire/codec.h"

/* The part of a line that both kinds share. */
typedef struct subject {
    const kci_msg *msg;
    int16_t version;
    void *value; /* decoded */
    kci_arena arena;
} subject;

/* Prefixes of longer bodies are not all tried, since that is quadratic. */
enum { PREFIXES_UP_TO = 1024 };

/* False if the library does not have the message (counted as unknown) or lacks the version. */
static bool begin(vec_file *v, subject *s)
{
    *s = (subject){ .msg = kci_msg_by_name(vec_word(v)) };
    vec_word(v);
    vec_word(v);
    s->version = (int16_t)vec_number(v);
    if (!s->msg) {
        vec_unknown(v);
        return false;
    }
    s->value = malloc(s->msg->size);
    if (s->value)
        return true;
    vec_fail(v, "out of memory");
    return false;
}

static void end(subject *s)
{
    kci_arena_free(&s->arena);
    free(s->value);
}

/* Decodes the whole body into s, and appends it, encoded again, to out. */
static const char *decode_encode(subject *s, kc_bytes body, kci_buf *out, kci_gaps *gaps)
{
    kci_arena_free(&s->arena);
    kci_reader in = kci_reader_of(body.data, body.size);
    if (kci_decode(s->msg, s->version, &in, &s->arena, s->value) != KC_OK)
        return "does not decode";
    if (kci_rd_left(&in) != 0)
        return "bytes are left";
    if (s->arena.total > KCI_DECODE_FACTOR * body.size + KCI_DECODE_EXTRA)
        return "decoding took too much memory";
    if (kci_encode(s->msg, s->version, s->value, out, gaps) != KC_OK)
        return "does not encode";
    return NULL;
}

static bool holds(const kci_buf *buf, kc_bytes expected)
{
    return buf->size == expected.size &&
           (expected.size == 0 || memcmp(buf->data, expected.data, expected.size) == 0);
}

/* The gathered output: the buffer with the records put into their gaps. */
static bool gathered_equals(const kci_buf *buf, const kci_gaps *gaps, kc_bytes expected)
{
    kci_buf whole = { 0 };
    size_t at = 0;
    for (size_t i = 0; i < gaps->count; i++) {
        const kci_gap *g = &gaps->list[i];
        if (g->offset < at || g->offset > buf->size)
            break;
        kci_buf_put(&whole, buf->data + at, g->offset - at);
        kci_buf_put(&whole, g->records.data, g->records.size);
        at = g->offset;
    }
    if (buf->size > at)
        kci_buf_put(&whole, buf->data + at, buf->size - at);
    bool equal = holds(&whole, expected);
    kci_buf_free(&whole);
    return equal;
}

static bool prefixes_are_refused(subject *s, kc_bytes body)
{
    for (size_t n = 0; n < body.size && n <= PREFIXES_UP_TO; n++) {
        kci_arena_free(&s->arena);
        kci_reader in = kci_reader_of(body.data, n);
        if (kci_decode(s->msg, s->version, &in, &s->arena, s->value) != KC_E_PROTOCOL)
            return false;
    }
    return true;
}

static const char *check_body(subject *s, kc_bytes body, kci_buf *out, kci_gaps *gaps)
{
    const char *problem = decode_encode(s, body, out, NULL);
    if (problem)
        return problem;
    if (!holds(out, body))
        return "encodes to other bytes";
    out->size = 0;
    problem = decode_encode(s, body, out, gaps);
    if (problem)
        return problem;
    if (!gathered_equals(out, gaps, body))
        return "encodes to other bytes with gaps";
    return prefixes_are_refused(s, body) ? NULL : "a shorter input is accepted";
}

void check_messages(vec_file *v)
{
    while (vec_next(v)) {
        subject s;
        if (!begin(v, &s))
            continue;
        kci_buf out = { 0 };
        kci_gaps gaps = { 0 };
        const char *problem = check_body(&s, vec_bytes(v), &out, &gaps);
        if (problem)
            vec_fail(v, "%s version %d: %s", s.msg->name, s.version, problem);
        else
            vec_pass(v);
        kci_buf_free(&out);
        kci_gaps_free(&gaps);
        end(&s);
    }
}

void check_unknown_tags(vec_file *v)
{
    while (vec_next(v)) {
        subject s;
        if (!begin(v, &s))
            continue;
        kc_bytes with = vec_bytes(v), without = vec_bytes(v);
        kci_buf a = { 0 }, b = { 0 };
        const char *problem = decode_encode(&s, with, &a, NULL);
        if (!problem)
            problem = decode_encode(&s, without, &b, NULL);
        if (!problem && (!holds(&a, without) || !holds(&b, without)))
            problem = "unknown tags change what is decoded";
        if (problem)
            vec_fail(v, "%s version %d: %s", s.msg->name, s.version, problem);
        else
            vec_pass(v);
        kci_buf_free(&a);
        kci_buf_free(&b);
        end(&s);
    }
}
