/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/format.h"

#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/out.h"

#define TOKENS "tpokKsSRTh%"

typedef struct part {
    char token;    /* of TOKENS; 0: literal bytes */
    kc_bytes text; /* in the format's own copy */
} part;

struct cli_format {
    kc_bytes text;
    const char *null_text;
    size_t count;
    part parts[];
};

/* Cuts the unescaped text into literals and tokens. False: a token that is none. */
static bool compile(cli_format *f)
{
    const uint8_t *p = f->text.data, *end = p + f->text.size;
    while (p < end) {
        const uint8_t *percent = memchr(p, '%', (size_t)(end - p));
        const uint8_t *literal_end = percent ? percent : end;
        if (literal_end > p)
            f->parts[f->count++].text = kc_mem(p, (size_t)(literal_end - p));
        if (!percent)
            return true;
        if (percent + 1 == end || !percent[1] || !strchr(TOKENS, percent[1])) {
            cli_error("-f: after %% stands one of %s", TOKENS);
            return false;
        }
        f->parts[f->count++].token = (char)percent[1];
        p = percent + 2;
    }
    return true;
}

cli_format *cli_format_new(const char *text, const char *null_text)
{
    kc_bytes bytes;
    if (!cli_unescape(text, &bytes))
        return NULL;
    cli_format *f = calloc(1, sizeof *f + (bytes.size + 1) * sizeof(part));
    if (!f) {
        cli_error("out of memory");
        free((void *)(uintptr_t)bytes.data);
        return NULL;
    }
    f->text = bytes;
    f->null_text = null_text;
    if (compile(f))
        return f;
    cli_format_free(f);
    return NULL;
}

void cli_format_free(cli_format *format)
{
    if (!format)
        return;
    free((void *)(uintptr_t)format->text.data);
    free(format);
}

/* The record's headers: in `few` when they fit, else allocated (free *many). */
static size_t headers_of(const kc_record *record, kc_header *few, size_t cap, kc_header **many)
{
    size_t count;
    *many = NULL;
    if (kc_record_headers(record, few, cap, &count) != KC_OK)
        return 0;
    if (count <= cap)
        return count;
    *many = calloc(count, sizeof **many);
    if (!*many || kc_record_headers(record, *many, count, &count) != KC_OK)
        return 0;
    return count;
}

enum { FEW = 16 };

static void put_headers(const kc_record *record)
{
    kc_header few[FEW], *many;
    size_t count = headers_of(record, few, FEW, &many);
    for (size_t i = 0; i < count; i++) {
        const kc_header *h = many ? &many[i] : &few[i];
        out_text(i ? "," : "");
        out_bytes(h->name);
        out_text("=");
        if (h->value.data)
            out_bytes(h->value);
        else
            out_text("NULL");
    }
    free(many);
}

static void put_nullable(kc_bytes b, const char *null_text)
{
    if (b.data)
        out_bytes(b);
    else
        out_text(null_text);
}

static int64_t length_of(kc_bytes b)
{
    return b.data ? (int64_t)b.size : -1;
}

static void put_length_binary(kc_bytes b)
{
    uint32_t n = (uint32_t)length_of(b);
    uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
    out_put(bytes, sizeof bytes);
}

static void put_token(char token, const char *null_text, const cli_record *r)
{
    switch (token) {
    case 't':
        out_bytes(r->topic);
        break;
    case 'p':
        out_number(r->partition);
        break;
    case 'o':
        out_number(r->record->offset);
        break;
    case 'k':
        put_nullable(r->record->key, null_text);
        break;
    case 's':
        put_nullable(r->record->value, null_text);
        break;
    case 'K':
        out_number(length_of(r->record->key));
        break;
    case 'S':
        out_number(length_of(r->record->value));
        break;
    case 'R':
        put_length_binary(r->record->value);
        break;
    case 'T':
        out_number(r->record->timestamp);
        break;
    case 'h':
        put_headers(r->record);
        break;
    default:
        out_put("%", 1);
    }
}

void cli_format_print(const cli_format *format, const cli_record *record)
{
    for (size_t i = 0; i < format->count; i++) {
        const part *p = &format->parts[i];
        if (p->token)
            put_token(p->token, format->null_text, record);
        else
            out_bytes(p->text);
    }
}

static void json_headers(const kc_record *record)
{
    kc_header few[FEW], *many;
    size_t count = headers_of(record, few, FEW, &many);
    out_text(",\"headers\":[");
    for (size_t i = 0; i < count; i++) {
        const kc_header *h = many ? &many[i] : &few[i];
        out_text(i ? "," : "");
        out_json_string(h->name);
        out_text(",");
        out_json_string(h->value);
    }
    out_text("]");
    free(many);
}

void cli_format_json(const cli_record *r)
{
    out_text("{\"topic\":");
    out_json_string(r->topic);
    out_text(",\"partition\":");
    out_number(r->partition);
    out_text(",\"offset\":");
    out_number(r->record->offset);
    if (r->timestamp_type) {
        out_text(",\"tstype\":\"");
        out_text(r->timestamp_type);
        out_text("\",\"ts\":");
        out_number(r->record->timestamp);
    }
    out_text(",\"broker\":");
    out_number(r->broker);
    if (r->record->header_count > 0)
        json_headers(r->record);
    out_text(",\"key\":");
    out_json_string(r->record->key);
    out_text(",\"payload\":");
    out_json_string(r->record->value);
    out_text("}\n");
}
