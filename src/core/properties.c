/* SPDX-License-Identifier: Apache-2.0 */
/* In two steps, as Java has it: natural lines become a logical line, and that is parted and
 * unescaped. Both buffers may hold passwords and are wiped. */
#include "core/properties.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"

typedef struct parser {
    const uint8_t *pos, *end; /* of the text */
    size_t line;              /* of pos */
    size_t began;             /* where the logical line began */
    bool latin1;              /* bytes above 0x7f are characters */
    uint8_t *logical;         /* the logical line; as large as the text */
    size_t size;
    char *out; /* name and value; twice as large, and 2 bytes more */
    size_t used;
    bool bad; /* an escape that cannot be read */
} parser;

/* A logical line, while it is parted. */
typedef struct span {
    const uint8_t *pos, *end;
} span;

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_newline(int c)
{
    return c == '\n' || c == '\r';
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
static bool read_unit(span *in, uint32_t *unit)
{
    *unit = 0;
    if (in->end - in->pos < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*in->pos++);
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return true;
}

/* What follows "\u": one UTF-16 unit, or two escapes that make a pair. */
static void read_unicode(parser *p, span *in)
{
    uint32_t c, low;
    if (!read_unit(in, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000)) {
        p->bad = true;
        return;
    }
    if (c >= 0xd800 && c < 0xdc00) {
        if (in->end - in->pos < 2 || in->pos[0] != '\\' || in->pos[1] != 'u') {
            p->bad = true;
            return;
        }
        in->pos += 2;
        if (!read_unit(in, &low) || low < 0xdc00 || low >= 0xe000) {
            p->bad = true;
            return;
        }
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(p, c);
}

static void put_byte(parser *p, uint8_t c)
{
    if (c == '\0')
        p->bad = true;
    else if (p->latin1)
        put_utf8(p, c);
    else
        put(p, c);
}

/* What follows a backslash. */
static void read_escape(parser *p, span *in)
{
    static const char letters[] = "tnrf", meanings[] = "\t\n\r\f";

    if (in->pos == in->end)
        return;
    uint8_t c = *in->pos++;
    const char *letter = c ? strchr(letters, c) : NULL;
    if (c == 'u')
        read_unicode(p, in);
    else
        put_byte(p, letter ? (uint8_t)meanings[letter - letters] : c);
}

/* Unescapes up to the end or, in a name, up to what parts it from the value. */
static const char *read_part(parser *p, span *in, bool name)
{
    const char *start = p->out + p->used;

    for (; in->pos < in->end; in->pos++) {
        uint8_t c = *in->pos;
        if (name && (c == '=' || c == ':' || is_blank(c)))
            break;
        if (c != '\\') {
            put_byte(p, c);
            continue;
        }
        in->pos++;
        read_escape(p, in);
        in->pos--;
    }
    put(p, '\0');
    return start;
}

static void skip_blanks(span *in)
{
    while (in->pos < in->end && is_blank(*in->pos))
        in->pos++;
}

static void skip_separator(span *in)
{
    skip_blanks(in);
    if (in->pos < in->end && (*in->pos == '=' || *in->pos == ':'))
        in->pos++;
    skip_blanks(in);
}

/* Appends up to the end of the natural line; true: it ends in a backslash that is not escaped. */
static bool take_line(parser *p)
{
    bool escaped = false;

    for (; p->pos < p->end && !is_newline(*p->pos); p->pos++) {
        escaped = *p->pos == '\\' && !escaped;
        p->logical[p->size++] = *p->pos;
    }
    if (escaped)
        p->size--;
    return escaped;
}

static void skip_newline(parser *p)
{
    if (p->pos == p->end)
        return;
    if (*p->pos == '\r' && p->end - p->pos > 1 && p->pos[1] == '\n')
        p->pos++;
    p->pos++;
    p->line++;
}

static bool is_comment(const parser *p)
{
    return p->pos < p->end && (*p->pos == '#' || *p->pos == '!');
}

/* The next line with something in it; false: there is none. As in Java, a comment or an empty line
 * is one as long as nothing is there yet, a lone backslash before it or not. */
static bool next_logical(parser *p)
{
    bool continued;

    p->size = 0;
    do {
        while (p->pos < p->end && is_blank(*p->pos))
            p->pos++;
        if (p->size == 0)
            p->began = p->line;
        if (p->size == 0 && is_comment(p)) {
            while (p->pos < p->end && !is_newline(*p->pos))
                p->pos++;
            continued = false;
        } else {
            continued = take_line(p);
        }
        skip_newline(p);
    } while (p->pos < p->end && (continued || p->size == 0));
    return p->size > 0;
}

static kc_err parse(parser *p, kci_property_fn fn, void *arg, size_t *line, kc_error *detail)
{
    while (next_logical(p)) {
        span in = { p->logical, p->logical + p->size };
        *line = p->began;
        p->used = 0;
        const char *name = read_part(p, &in, true);
        skip_separator(&in);
        const char *value = read_part(p, &in, false);
        if (p->bad)
            return kci_fail(detail, KC_E_BAD_PROPERTY,
                            "a \\uXXXX escape is not complete or stands for no character, or there "
                            "is a NUL byte: write UTF-8 text");
        kc_err err = fn(arg, name, value, detail);
        if (err)
            return err;
    }
    *line = p->line;
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
    if (text.size == 0)
        return KC_OK;
    size_t size = 3 * (size_t)text.size + 2; /* in ISO-8859-1 a byte becomes two */
    uint8_t *memory = kci_alloc(size);
    if (!memory)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    parser p = { .pos = text.data,
                 .end = (const uint8_t *)text.data + text.size,
                 .line = 1,
                 .latin1 = !kci_utf8_valid(text),
                 .logical = memory,
                 .out = (char *)memory + text.size };
    kc_err err = parse(&p, fn, arg, line, detail);
    explicit_bzero(memory, size);
    kci_free(memory);
    return err;
}
