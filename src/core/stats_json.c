/* SPDX-License-Identifier: Apache-2.0 */
/* A client's counters as a struct and as JSON, from one list. */
#include <kclient/stats.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/abi_structs.h"
#include "base/utf8.h"
#include "core/client.h"

enum { REPLACEMENT = 0xfffd }; /* for bytes that are no UTF-8 */

/* The fields of kc_stats: S counters, which kci_stats has by the same names, and G gauges. */
#define STATS(S, G)               \
    S(connects)                   \
    S(connect_failures)           \
    S(disconnects)                \
    S(connections)                \
    S(requests)                   \
    S(responses)                  \
    S(request_timeouts)           \
    S(throttle_us)                \
    S(bytes_in)                   \
    S(bytes_out)                  \
    S(reads)                      \
    S(writes)                     \
    S(metadata_requests)          \
    S(records_sent)               \
    S(records_acked)              \
    S(records_failed)             \
    S(batches_sent)               \
    S(batches_retried)            \
    S(produce_bytes)              \
    S(produce_bytes_uncompressed) \
    G(buffer_bytes)               \
    S(buffer_waits)               \
    S(records_fetched)            \
    S(batches_fetched)            \
    S(fetch_bytes)                \
    G(fetch_buffer_bytes)         \
    S(fetch_bytes_same_rack)      \
    S(fetch_bytes_other_rack)

static kc_stats read_all(kc_client *client)
{
    kci_stats *from = kci_client_stats(client);
    int64_t sums[KCI_GAUGE_COUNT] = { 0 };
    if (kci_client_check(client) != KC_E_FORKED) /* its lock may be held for ever in a child */
        kci_gauges_read(kci_client_gauges(client), sums);
    return (kc_stats){ .size = sizeof(kc_stats),
                       .buffer_bytes = sums[KCI_GAUGE_BUFFER_BYTES],
                       .fetch_buffer_bytes = sums[KCI_GAUGE_FETCH_BUFFER_BYTES],
#define S(name) .name = atomic_load_explicit(&from->name, memory_order_relaxed),
#define G(name)
                       STATS(S, G)
#undef S
#undef G
    };
}

kc_err kc_client_get_stats(kc_client *client, kc_stats *out)
{
    if (!client || !out)
        return KC_E_INVALID_ARGUMENT;
    kc_stats all = read_all(client);
    return kci_abi_give(&kci_abi_stats, &all, out) ? KC_OK : KC_E_INVALID_ARGUMENT;
}

/* Text into a buffer that may be too small: what does not fit is only counted. */
typedef struct writer {
    char *buf;
    size_t cap;
    size_t used; /* what the whole text needs so far */
} writer;

static void put(writer *w, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++, w->used++)
        if (w->used + 1 < w->cap)
            w->buf[w->used] = text[i];
}

static void put_text(writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_string(writer *w, const char *text)
{
    char escape[8];
    put_text(w, "\"");
    for (size_t left = strlen(text), size; left > 0; text += size, left -= size) {
        unsigned char c = (unsigned char)*text;
        size_t valid = kci_utf8_length((const uint8_t *)text, left);
        size = valid ? valid : 1;
        if (valid && c >= 0x20 && c != '"' && c != '\\') {
            put(w, text, size);
            continue;
        }
        snprintf(escape, sizeof escape, "\\u%04x", valid ? c : REPLACEMENT);
        put_text(w, escape);
    }
    put_text(w, "\"");
}

static void put_counter(writer *w, const char *name, int64_t value)
{
    char field[80];
    snprintf(field, sizeof field, ",\"%s\":%" PRId64, name, value);
    put_text(w, field);
}

size_t kc_client_stats_json(kc_client *client, char *buf, size_t cap)
{
    writer w = { .buf = buf, .cap = buf ? cap : 0 };
    if (!client)
        return 0;
    kc_stats all = read_all(client);
    const char *id = kci_config_str(kci_client_config(client), KCI_P_CLIENT_ID);
    put_text(&w, "{\"client_id\":");
    put_string(&w, id ? id : "");
#define S(name) put_counter(&w, #name, all.name);
    STATS(S, S)
#undef S
    put_text(&w, "}");
    if (w.cap > 0)
        w.buf[w.used < w.cap ? w.used : w.cap - 1] = '\0';
    return w.used;
}
