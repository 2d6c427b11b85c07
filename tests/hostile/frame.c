/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/frame.h"

#include "base/bytes.h"

/* What is done with the frame. */
typedef enum act {
    ID,         /* value is added to the correlation id */
    ID_IS,      /* value is the correlation id */
    ID_BEFORE,  /* the id of an earlier request */
    CUT,        /* to value bytes after the length, which is made right */
    CUT_PART,   /* to value 256ths of it, likewise */
    SHORT,      /* as CUT_PART, but the length stays */
    MORE,       /* value bytes follow, counted in the length */
    MORE_LOOSE, /* value bytes follow, not counted */
    LENGTH,     /* value is added to the length */
    LENGTH_IS,  /* value is the length */
    OTHER,      /* the body of another API's answer */
    TWICE,      /* the frame two times */
    TEXT,       /* something that is no frame */
    TAGS,       /* the header announces value tagged fields */
    ZERO,       /* the body is zeros */
    ONES        /* the body is 0xff */
} act;

typedef struct row {
    const char *name;
    act act;
    int64_t value;
} row;

static const row rows[] = {
    { "correlation id + 1", ID, 1 },
    { "correlation id - 1", ID, -1 },
    { "correlation id 0", ID_IS, 0 },
    { "correlation id min", ID_IS, INT32_MIN },
    { "correlation id of an earlier request", ID_BEFORE, 0 },
    { "ends after 1 byte", CUT, 1 },
    { "ends after 3 bytes", CUT, 3 },
    { "ends after the correlation id", CUT, 4 },
    { "ends after 5 bytes", CUT, 5 },
    { "ends after 7 bytes", CUT, 7 },
    { "ends after 12 bytes", CUT, 12 },
    { "ends after a quarter", CUT_PART, 64 },
    { "ends in the middle", CUT_PART, 128 },
    { "ends after three quarters", CUT_PART, 192 },
    { "ends a little early", CUT_PART, 250 },
    { "stops after a quarter", SHORT, 64 },
    { "stops in the middle", SHORT, 128 },
    { "stops a little early", SHORT, 250 },
    { "1 byte more", MORE, 1 },
    { "64 bytes more", MORE, 64 },
    { "1 byte more, not counted", MORE_LOOSE, 1 },
    { "64 bytes more, not counted", MORE_LOOSE, 64 },
    { "length - 1", LENGTH, -1 },
    { "length + 1", LENGTH, 1 },
    { "length + 1000", LENGTH, 1000 },
    { "length 0", LENGTH_IS, 0 },
    { "length 3", LENGTH_IS, 3 },
    { "length -1", LENGTH_IS, -1 },
    { "length min", LENGTH_IS, INT32_MIN },
    { "length max", LENGTH_IS, INT32_MAX },
    { "length 64 MiB", LENGTH_IS, 64 << 20 },
    { "another API's answer", OTHER, 0 },
    { "twice", TWICE, 0 },
    { "HTTP", TEXT, 0 },
    { "TLS alert", TEXT, 1 },
    { "one tag in the header", TAGS, 1 },
    { "body of zeros", ZERO, 0 },
    { "body of 0xff", ONES, 0 },
};

int host_frame_variants(void)
{
    return (int)(sizeof rows / sizeof *rows);
}

const char *host_frame_variant_name(int v)
{
    return rows[v].name;
}

static void put_length(kci_buf *b, int64_t n)
{
    kci_store32(b->data, (uint32_t)n);
}

static void cut(kci_buf *b, size_t to)
{
    if (b->size > 4 + to)
        b->size = 4 + to;
}

static void more(kci_buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kci_buf_put8(b, (uint8_t)(0xa5 + i));
}

static void is_text(kci_buf *b, int which)
{
    static const char http[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    b->size = 0;
    if (which == 0)
        kci_buf_put(b, http, sizeof http - 1);
    else
        kci_buf_put(b, "\x15\x03\x03\x00\x02\x02\x46", 7);
}

static void fill(kci_buf *b, size_t header, int byte)
{
    if (b->size > 4 + header)
        memset(b->data + 4 + header, byte, b->size - 4 - header);
}

/* Those that keep the body. */
static bool change_envelope(const row *r, kci_buf *b, const host_past *past)
{
    uint32_t id = kci_load32(b->data + 4), length = kci_load32(b->data);
    switch (r->act) {
    case ID:
        kci_store32(b->data + 4, id + (uint32_t)r->value);
        return true;
    case ID_IS:
        kci_store32(b->data + 4, (uint32_t)r->value);
        return true;
    case ID_BEFORE:
        kci_store32(b->data + 4, (uint32_t)past->earlier_id);
        return true;
    case LENGTH:
        put_length(b, (int64_t)length + r->value);
        return true;
    case LENGTH_IS:
        put_length(b, r->value);
        return true;
    default:
        return false;
    }
}

/* Those that end early or late. */
static bool change_end(const row *r, kci_buf *b)
{
    switch (r->act) {
    case CUT:
        cut(b, (size_t)r->value);
        put_length(b, (int64_t)b->size - 4);
        return true;
    case CUT_PART:
        cut(b, (b->size - 4) * (size_t)r->value / 256);
        put_length(b, (int64_t)b->size - 4);
        return true;
    case SHORT:
        cut(b, (b->size - 4) * (size_t)r->value / 256);
        return true;
    case MORE:
        more(b, (size_t)r->value);
        put_length(b, (int64_t)b->size - 4);
        return true;
    case MORE_LOOSE:
        more(b, (size_t)r->value);
        return true;
    default:
        return false;
    }
}

void host_frame_mutate(int variant, kci_buf *b, size_t header, const host_past *past)
{
    const row *r = &rows[variant];
    if (b->size < 8 || change_envelope(r, b, past) || change_end(r, b))
        return;
    if (r->act == OTHER) {
        b->size = 4 + header < b->size ? 4 + header : b->size;
        kci_buf_put(b, past->other, past->other_size);
        put_length(b, (int64_t)b->size - 4);
    } else if (r->act == TWICE) {
        size_t size = b->size;
        uint8_t *copy = kci_buf_take(b, size);
        if (copy)
            memcpy(copy, b->data, size);
    } else if (r->act == TEXT) {
        is_text(b, (int)r->value);
    } else if (r->act == TAGS && header > 4) {
        b->data[8] = (uint8_t)r->value;
    } else if (r->act == ZERO || r->act == ONES) {
        fill(b, header, r->act == ZERO ? 0 : 0xff);
    }
}
