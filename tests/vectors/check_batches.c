/* SPDX-License-Identifier: Apache-2.0 */
/* batches.txt: everything that a batch's header says, every record with its headers, and for
 * uncompressed batches without gaps: our writer makes the same bytes from the records. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "record/reader.h"
#include "record/writer.h"

enum { VIEWS = 7 /* few, so that a batch takes several calls */, MAX_INFLATED = 64 << 20 };

/* The case at hand: its bytes, what was decoded from them, and where the comparison stands. */
typedef struct batch_case {
    kci_codec codec;
    uint8_t *data;
    size_t size;
    kci_batch batch; /* the first */
    size_t entries;
    kc_record *records;
    size_t count;
    size_t compared;
    kci_block *blocks[64];
    size_t block_count;
    const char *failure;
} batch_case;

static const char not_built[] = "this build lacks the codec";
static kci_decompressor *decompressor;

static void decode_entry(batch_case *c, const kci_batch *b)
{
    kci_records_iter it;
    kci_block *block;
    kc_record views[VIEWS];
    int32_t got;

    if (kci_batch_check_crc(b) != KC_OK)
        c->failure = "wrong checksum";
    if (kci_batch_codec(b) != c->codec)
        c->failure = "another codec";
    if (kci_records_open(&it, b, 0, decompressor, &kci_block_heap, MAX_INFLATED, &block) != KC_OK) {
        c->failure = "the records cannot be opened";
        return;
    }
    if (block)
        c->blocks[c->block_count++] = block;
    while ((got = kci_records_decode(&it, views, VIEWS)) > 0) {
        c->records = realloc(c->records, (c->count + (size_t)got) * sizeof *views);
        if (!c->records)
            abort();
        memcpy(c->records + c->count, views, (size_t)got * sizeof *views);
        c->count += (size_t)got;
    }
    if (it.error != KC_OK)
        c->failure = "malformed records";
    if (b->magic == 2 && (int64_t)it.remaining != 0)
        c->failure = "another number of records";
}

static void decode_case(batch_case *c)
{
    size_t at = 0;
    while (at < c->size && !c->failure) {
        kci_batch b;
        if (kci_batch_parse(c->data + at, c->size - at, &b) != KC_OK || !b.complete) {
            c->failure = "cannot be parsed";
            return;
        }
        if (c->entries++ == 0)
            c->batch = b;
        if (c->block_count == sizeof c->blocks / sizeof c->blocks[0])
            c->failure = "too many compressed entries for this program";
        else
            decode_entry(c, &b);
        at += b.size;
    }
}

static bool tstype_is(const kci_batch *b, const char *type)
{
    if (b->magic == 0)
        return strcmp(type, "none") == 0;
    return strcmp(type, kci_batch_is_append_time(b) ? "append" : "create") == 0;
}

/* One key=value of the meta line. */
static bool meta_is(const batch_case *c, const char *key, const char *value)
{
    const kci_batch *b = &c->batch;
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {
        { "magic", b->magic },
        { "base", b->base_offset },
        { "last", b->last_offset },
        { "leaderepoch", b->leader_epoch },
        { "basets", b->base_timestamp },
        { "maxts", b->max_timestamp },
        { "pid", b->producer_id },
        { "epoch", b->producer_epoch },
        { "seq", b->base_sequence },
        { "lastseq", kci_batch_last_sequence(b) },
        { "txn", kci_batch_is_transactional(b) },
        { "control", kci_batch_is_control(b) },
        { "horizon", kci_batch_delete_horizon(b) },
        { "count", b->count },
        { "entries", (int64_t)c->entries },
    };
    if (strcmp(key, "tstype") == 0)
        return tstype_is(b, value);
    if (strcmp(key, "crc") == 0)
        return strtoul(value, NULL, 16) == b->crc;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(key, numbers[i].key) == 0)
            return strtoll(value, NULL, 10) == numbers[i].value;
    return false;
}

static void check_meta(vec_file *v, batch_case *c)
{
    for (char *word = vec_word(v); *word; word = vec_word(v)) {
        char *value = strchr(word, '=');
        if (!value) {
            c->failure = "a meta line without =";
            return;
        }
        *value++ = '\0';
        if (!meta_is(c, word, value)) {
            static char message[100];
            snprintf(message, sizeof message, "%.20s is not %.50s", word, value);
            c->failure = message;
        }
    }
}

static bool same(kc_bytes a, kc_bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool headers_are(vec_file *v, const kc_record *r, size_t n)
{
    size_t count;
    kc_header *headers = calloc(n + 1, sizeof *headers);
    if (!headers)
        abort();
    bool ok = kc_record_headers(r, headers, n, &count) == KC_OK && count == n;
    for (size_t i = 0; i < n && ok; i++) {
        kc_bytes name = vec_bytes(v), value = vec_bytes(v);
        ok = same(headers[i].name, name) && same(headers[i].value, value);
    }
    free(headers);
    return ok;
}

static void check_record(vec_file *v, batch_case *c)
{
    if (c->compared >= c->count) {
        c->failure = "fewer records";
        return;
    }
    const kc_record *r = &c->records[c->compared++];
    bool ok = r->offset == vec_number(v);
    ok = r->timestamp == vec_number(v) && ok;
    ok = same(r->key, vec_bytes(v)) && ok;
    ok = same(r->value, vec_bytes(v)) && ok;
    if (!ok || !headers_are(v, r, (size_t)vec_number(v)))
        c->failure = "another record";
}

static void append(kci_batch_writer *w, const kc_record *r)
{
    size_t count;
    kc_header *headers = calloc((size_t)r->header_count + 1, sizeof *headers);
    if (!headers || kc_record_headers(r, headers, (size_t)r->header_count, &count) != KC_OK)
        abort();
    if (kci_record_bound(r->key, r->value, headers, count) > kci_batch_writer_room(w))
        abort();
    kci_batch_writer_append(w, r->timestamp, r->key, r->value, headers, count);
    free(headers);
}

/* Whether a producer could have written the batch as it is. */
static bool is_as_written(const batch_case *c)
{
    const kci_batch *b = &c->batch;
    return b->magic == 2 && c->codec == KCI_CODEC_NONE && b->count > 0 &&
           b->last_offset - b->base_offset == b->count - 1 && !kci_batch_is_control(b) &&
           !kci_batch_is_append_time(b) && kci_batch_delete_horizon(b) < 0;
}

static void write_again(batch_case *c)
{
    const kci_batch *b = &c->batch;
    kci_chunk *chunk = calloc(1, sizeof *chunk + c->size * 2 + 100);
    uint8_t header[KCI_BATCH_HEADER_SIZE];
    kci_batch_writer w;

    if (!chunk)
        abort();
    chunk->cap = (uint32_t)(c->size * 2 + 100);
    kci_batch_writer_init(&w);
    kci_batch_writer_add_chunk(&w, chunk);
    for (size_t i = 0; i < c->count; i++)
        append(&w, &c->records[i]);
    kci_batch_writer_seal(&w, KCI_CODEC_NONE, 0, NULL, NULL);
    kci_batch_writer_header(&w, b->producer_id, b->producer_epoch, b->base_sequence,
                            b->attributes & KCI_ATTR_TRANSACTIONAL, header);
    kci_batch_assign(header, b->base_offset, b->leader_epoch);
    if (kci_batch_writer_wire_size(&w) != c->size || memcmp(header, c->data, sizeof header) != 0 ||
        memcmp(chunk->data, b->records, b->records_size) != 0)
        c->failure = "our writer makes other bytes of it";
    free(chunk);
}

static void end_case(vec_file *v, batch_case *c)
{
    if (!c->data)
        return;
    if (c->compared != c->count && !c->failure)
        c->failure = "more records";
    if (!c->failure && is_as_written(c))
        write_again(c);
    if (c->failure == not_built)
        vec_unknown(v);
    else
        vec_expect(v, !c->failure, c->failure);
    for (size_t i = 0; i < c->block_count; i++)
        kci_block_unref(c->blocks[i]);
    free(c->records);
    free(c->data);
    memset(c, 0, sizeof *c);
}

static void start_case(vec_file *v, batch_case *c)
{
    end_case(v, c);
    char *codec = vec_word(v);
    kc_bytes bytes = vec_bytes(v);
    c->data = malloc(bytes.size + 1);
    if (!c->data)
        abort();
    memcpy(c->data, bytes.data, bytes.size);
    c->size = bytes.size;
    if (!kci_codec_by_name(kc_str(codec), &c->codec))
        c->failure = "unknown codec";
    else if (!kci_codec_get(c->codec)->available)
        c->failure = not_built;
    else
        decode_case(c);
}

void check_batches(vec_file *v)
{
    batch_case c = { 0 };
    if (kci_decompressor_new(&decompressor) != KC_OK)
        abort();
    while (vec_next(v)) {
        char *kind = vec_word(v);
        if (strcmp(kind, "batch") == 0)
            start_case(v, &c);
        else if (strcmp(kind, "meta") == 0 && !c.failure)
            check_meta(v, &c);
        else if (strcmp(kind, "rec") == 0 && !c.failure)
            check_record(v, &c);
    }
    end_case(v, &c);
    kci_decompressor_free(decompressor);
}
