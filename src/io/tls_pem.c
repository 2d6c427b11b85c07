/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tls_pem.h"

#include <string.h>

#include "base/bytes.h"

enum { LINE = 64, LABEL_MAX = 64 };

typedef struct mark {
    kc_bytes label;            /* "CERTIFICATE" */
    const char *first, *after; /* with its dashes */
} mark;

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static kc_bytes trim(const char *from, const char *to)
{
    while (from < to && is_blank(*from))
        from++;
    while (from < to && is_blank(to[-1]))
        to--;
    return kc_mem(from, (size_t)(to - from));
}

/* The next "-----<word> <label>-----"; any number of dashes will do. */
static bool find_mark(const char *pos, const char *end, const char *word, mark *out)
{
    const char *from = pos;
    size_t size = strlen(word);

    for (; (pos = memmem(pos, (size_t)(end - pos), word, size)) != NULL; pos += size) {
        const char *label = pos + size;
        const char *dash = memchr(label, '-', (size_t)(end - label));
        if (!dash)
            return false;
        out->label = trim(label, dash);
        if (out->label.size == 0 || out->label.size > LABEL_MAX || !is_blank(*label))
            continue;
        for (out->first = pos + 1; out->first > from && out->first[-1] == '-';)
            out->first--;
        for (out->after = dash; out->after < end && *out->after == '-';)
            out->after++;
        return true;
    }
    return false;
}

static void put_mark(kci_buf *out, const char *word, kc_bytes label)
{
    kci_buf_put(out, "-----", 5);
    kci_buf_put(out, word, strlen(word));
    kci_buf_put8(out, ' ');
    kci_buf_put(out, label.data, label.size);
    kci_buf_put(out, "-----\n", 6);
}

/* "Proc-Type: 4,ENCRYPTED" and the like keep their lines. Returns what is behind them. */
static kc_bytes put_headers(kci_buf *out, kc_bytes body)
{
    const char *pos = (const char *)body.data, *end = pos + body.size;
    bool any = false;

    for (;;) {
        const char *stop = memchr(pos, '\n', (size_t)(end - pos));
        if (!stop || !memchr(pos, ':', (size_t)(stop - pos)))
            break;
        kc_bytes line = trim(pos, stop);
        kci_buf_put(out, line.data, line.size);
        kci_buf_put8(out, '\n');
        any = true;
        pos = stop + 1;
    }
    if (any)
        kci_buf_put8(out, '\n');
    return kc_mem(pos, (size_t)(end - pos));
}

static void put_base64(kci_buf *out, kc_bytes body)
{
    const char *pos = (const char *)body.data;
    size_t column = 0;

    for (size_t i = 0; i < body.size; i++) {
        if (is_blank(pos[i]))
            continue;
        kci_buf_put8(out, (uint8_t)pos[i]);
        if (++column % LINE == 0)
            kci_buf_put8(out, '\n');
    }
    if (column % LINE)
        kci_buf_put8(out, '\n');
}

void kci_pem_tidy(kc_bytes text, kci_buf *out)
{
    const char *pos = (const char *)text.data, *end = pos + text.size;
    mark begin, stop;

    while (pos && find_mark(pos, end, "-BEGIN", &begin) &&
           find_mark(begin.after, end, "-END", &stop)) {
        put_mark(out, "BEGIN", begin.label);
        put_base64(out, put_headers(out, trim(begin.after, stop.first)));
        put_mark(out, "END", stop.label);
        pos = stop.after - 1; /* a dash that the next block may share */
    }
}
