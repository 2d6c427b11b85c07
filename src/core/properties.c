/* SPDX-License-Identifier: Apache-2.0 */
/* A logical line is unescaped into one buffer, name and value after each other, since neither can
 * become longer than its source. The buffer may hold passwords and is wiped. */
#include "core/properties.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

typedef struct parser {
    const uint8_t *pos, *end;
    size_t line; /* of pos */
    char *out;   /* as large as the text, and 2 bytes more */
    size_t used;
    bool bad; /* an escape that cannot be read */
} parser;

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_newline(int c)
{
    return c == '\n' || c == '\r';
}

/* The byte at pos, -1 at the end. */
static int peek(const parser *p)
{
    return p->pos < p->end ? *p->pos : -1;
}

static void skip_newline(parser *p)
{
    if (peek(p) == '\r' && p->end - p->pos > 1 && p->pos[1] == '\n')
        p->pos++;
    p->pos++;
    p->line++;
}

static void skip_blanks(parser *p)
{
    while (is_blank(peek(p)))
        p->pos++;
}

static void put(parser *p, unsigned c)
{
    p->out[p->used++] = (char)c;
}

static void put_utf8(parser *p, uint32_t c)
{
    if (c < 0x80) {
        put(p, c);
    } else if (c < 0x800) {
        put(p, 0xc0 | c >> 6);
        put(p, 0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        put(p, 0xe0 | c >> 12);
        put(p, 0x80 | (c >> 6 & 0x3f));
        put(p, 0x80 | (c & 0x3f));
    } else {
        put(p, 0xf0 | c >> 18);
        put(p, 0x80 | (c >> 12 & 0x3f));
        put(p, 0x80 | (c >> 6 & 0x3f));
        put(p, 0x80 | (c & 0x3f));
    }
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits at pos. */
static bool read_unit(parser *p, uint32_t *unit)
{
    *unit = 0;
    if (p->end - p->pos < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*p->pos++);
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return true;
}

/* What follows "\u": one UTF-16 unit, or two escapes that make a pair. */
static void read_unicode(parser *p)
{
    uint32_t c, low;
    if (!read_unit(p, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000)) {
        p->bad = true;
        return;
    }
    if (c >= 0xd800 && c < 0xdc00) {
        if (p->end - p->pos < 2 || p->pos[0] != '\\' || p->pos[1] != 'u') {
            p->bad = true;
            return;
        }
        p->pos += 2;
        if (!read_unit(p, &low) || low < 0xdc00 || low >= 0xe000) {
            p->bad = true;
            return;
        }
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(p, c);
}

/* What follows a backslash; a newline continues the line without its leading blanks. */
static void read_escape(parser *p)
{
    int c = peek(p);
    if (c < 0)
        return;
    if (is_newline(c)) {
        skip_newline(p);
        skip_blanks(p);
        return;
    }
    p->pos++;
    switch (c) {
    case 't':
        put(p, '\t');
        break;
    case 'n':
        put(p, '\n');
        break;
    case 'r':
        put(p, '\r');
        break;
    case 'f':
        put(p, '\f');
        break;
    case 'u':
        read_unicode(p);
        break;
    default:
        put(p, (unsigned)c);
    }
}

/* Unescapes up to the line's end or, in a name, up to what parts it from the value. */
static const char *read_part(parser *p, bool name)
{
    const char *start = p->out + p->used;
    for (int c; (c = peek(p)) >= 0 && !is_newline(c);) {
        if (name && (c == '=' || c == ':' || is_blank(c)))
            break;
        p->pos++;
        if (c == '\0')
            p->bad = true;
        if (c == '\\')
            read_escape(p);
        else
            put(p, (unsigned)c);
    }
    put(p, '\0');
    return start;
}

/* Blanks, also across the end of a line that is continued. */
static void skip_joined_blanks(parser *p)
{
    skip_blanks(p);
    while (peek(p) == '\\' && p->end - p->pos > 1 && is_newline(p->pos[1])) {
        p->pos++;
        skip_newline(p);
        skip_blanks(p);
    }
}

static void skip_separator(parser *p)
{
    skip_joined_blanks(p);
    if (peek(p) == '=' || peek(p) == ':')
        p->pos++;
    skip_joined_blanks(p);
}

/* To the first character of the next property; false: there is none. */
static bool skip_empty_lines(parser *p)
{
    for (;;) {
        skip_blanks(p);
        int c = peek(p);
        if (c == '#' || c == '!')
            while ((c = peek(p)) >= 0 && !is_newline(c))
                p->pos++;
        if (c < 0)
            return false;
        if (!is_newline(c))
            return true;
        skip_newline(p);
    }
}

static kc_err parse(parser *p, kci_property_fn fn, void *arg, size_t *line, kc_error *detail)
{
    while (skip_empty_lines(p)) {
        *line = p->line;
        p->used = 0;
        const char *name = read_part(p, true);
        skip_separator(p);
        const char *value = read_part(p, false);
        if (p->bad)
            return kci_fail(detail, KC_E_BAD_PROPERTY,
                            "a \\uXXXX escape is not complete or stands for no character, or there "
                            "is a NUL byte: write UTF-8 text");
        kc_err err = fn(arg, name, value, detail);
        if (err)
            return err;
    }
    return KC_OK;
}

kc_err kci_properties_parse(kc_bytes text, kci_property_fn fn, void *arg, size_t *line,
                            kc_error *detail)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };
    *line = 1;
    if (text.size > KCI_PROPERTIES_MAX_BYTES)
        return kci_fail(detail, KC_E_BAD_PROPERTY, "more than %d bytes: this is no properties file",
                        KCI_PROPERTIES_MAX_BYTES);
    if (text.size >= sizeof mark && memcmp(text.data, mark, sizeof mark) == 0)
        text = kc_mem(text.data + sizeof mark, text.size - sizeof mark);
    parser p = { .pos = text.data, .end = text.data + text.size, .line = 1 };
    if (text.size == 0)
        return KC_OK;
    p.out = kci_alloc(text.size + 2);
    if (!p.out)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    kc_err err = parse(&p, fn, arg, line, detail);
    explicit_bzero(p.out, text.size + 2);
    kci_free(p.out);
    return err;
}
