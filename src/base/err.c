/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

/* Longer ones need memory to be shortened in. */
enum { USUAL = 2048 };

static bool is_inside_character(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Copies what fits: the beginning, and the larger part of the end. */
static void shorten(char *out, size_t cap, const char *text, size_t size)
{
    static const char dots[] = " ... ";
    if (size < cap) {
        memcpy(out, text, size + 1);
        return;
    }
    size_t room = cap - sizeof dots, head = room * 2 / 5, tail = size - (room - head);
    while (head > 0 && is_inside_character(text[head]))
        head--;
    while (is_inside_character(text[tail]))
        tail++;
    memcpy(out, text, head);
    memcpy(out + head, dots, sizeof dots - 1);
    memcpy(out + head + sizeof dots - 1, text + tail, size - tail + 1);
}

static void format(char *out, size_t cap, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

static void format(char *out, size_t cap, const char *fmt, va_list args)
{
    char usual[USUAL], *longer = NULL;
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(usual, sizeof usual, fmt, args);
    if (size >= USUAL)
        longer = kci_alloc((size_t)size + 1);
    if (longer)
        vsnprintf(longer, (size_t)size + 1, fmt, again);
    else if (size >= USUAL)
        size = USUAL - 1; /* no memory: what there is of it */
    va_end(again);
    if (size < 0)
        out[0] = '\0';
    else
        shorten(out, cap, longer ? longer : usual, (size_t)size);
    kci_free(longer);
}

void kci_sentence(char *out, size_t cap, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    format(out, cap, fmt, args);
    va_end(args);
}

kc_err kci_fail(kc_error *detail, kc_err code, const char *fmt, ...)
{
    if (!detail)
        return code;
    uint32_t flags = kc_error_flags(code);
    va_list args;
    va_start(args, fmt);
    if (fmt)
        format(detail->text, sizeof detail->text, fmt, args);
    else
        kci_sentence(detail->text, sizeof detail->text, "%s", kc_error_text(code));
    va_end(args);
    detail->code = code;
    detail->flags = flags;
    return code;
}
