/* SPDX-License-Identifier: Apache-2.0 */
/* The .properties format: what Java's Properties.load reads, and what it must not. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/properties.h"

/* Writes "name=value|" for each property. */
static kc_err collect(void *arg, const char *name, const char *value, kc_error *detail)
{
    (void)detail;
    kci_buf *out = arg;
    kci_buf_put(out, name, strlen(name));
    kci_buf_put8(out, '=');
    kci_buf_put(out, value, strlen(value));
    kci_buf_put8(out, '|');
    return KC_OK;
}

static void expect(const char *text, const char *wanted)
{
    kci_buf out = { 0 };
    size_t line;
    kc_error detail = { 0 };
    kc_err err = kci_properties_parse(kc_str(text), collect, &out, &line, &detail);
    cr_assert_eq(err, KC_OK, "%s: %s", text, detail.text);
    kci_buf_put8(&out, 0);
    cr_expect_str_eq((char *)out.data, wanted);
    kci_buf_free(&out);
}

static void expect_bad(kc_bytes text, size_t wanted_line)
{
    kci_buf out = { 0 };
    size_t line;
    kc_error detail;
    kc_err err = kci_properties_parse(text, collect, &out, &line, &detail);
    cr_expect_eq(err, KC_E_BAD_PROPERTY);
    cr_expect_eq(line, wanted_line, "line %zu", line);
    kci_buf_free(&out);
}

Test(properties, separators)
{
    expect("a=1\nb:2\nc 3\nd = 4\ne\t:\t5\n", "a=1|b=2|c=3|d=4|e=5|");
    expect("a==1\nb = = 2", "a==1|b== 2|");
    expect("alone\nempty=\n", "alone=|empty=|");
    expect("a\\=b=c\\:d\\ e", "a=b=c:d e|");
}

Test(properties, comments_and_blank_lines)
{
    expect("", "");
    expect("\n\r\n  \t\f\n", "");
    expect("# a=1\n! b=2\n  # c=3\nd=#4\n", "d=#4|");
    expect("# continued \\\na=1\n", "a=1|");
}

Test(properties, line_ends)
{
    expect("a=1\rb=2\r\nc=3", "a=1|b=2|c=3|");
}

Test(properties, continued_lines)
{
    expect("a=1,\\\n   2,\\\r\n\t3\nb=4", "a=1,2,3|b=4|");
    expect("a=1\\\\\nb=2", "a=1\\|b=2|");
    expect("a \\\n  = 1", "a=1|");
    expect("a=1\\", "a=1|");
    expect("a=1\\\n# no comment", "a=1# no comment|");
}

/* As in Java, nothing but a backslash is nothing yet. */
Test(properties, a_lone_backslash)
{
    expect("\\\n# comment\nclient.id=x\n", "client.id=x|");
    expect("client.id=x\n\\\n\n", "client.id=x|");
    expect("\\\n  \\\n  a=1", "a=1|");
    expect("a=1\n\\", "a=1|");
}

/* Java takes all files for ISO-8859-1; here only those that are no UTF-8. */
Test(properties, encodings)
{
    expect("a=\xfc\xdf\x80", "a=\xc3\xbc\xc3\x9f\xc2\x80|");
    expect("\xe4=\\u20ac\xe4", "\xc3\xa4=\xe2\x82\xac\xc3\xa4|");
    expect("a=\xc3\xbc", "a=\xc3\xbc|");
    expect("a=\xc3\xbc\nb=\xfc", "a=\xc3\x83\xc2\xbc|b=\xc3\xbc|");
    expect("a=\\\xfc", "a=\xc3\xbc|");
}

Test(properties, escapes)
{
    expect("a=\\t\\n\\r\\f\\q\\\"", "a=\t\n\r\fq\"|");
    expect("a=\\u0041\\u00e9\\u20AC\\uD83D\\uDE00", "a=A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|");
    expect("\xef\xbb\xbf"
           "a=\xc3\xa9",
           "a=\xc3\xa9|");
    expect("a=  x  ", "a=x  |");
}

Test(properties, bad_escapes)
{
    expect_bad(kc_str("a=1\nb=\\u12"), 2);
    expect_bad(kc_str("a=\\u12g4"), 1);
    expect_bad(kc_str("a=\\u0000"), 1);
    expect_bad(kc_str("a=\\uD83D"), 1);
    expect_bad(kc_str("a=\\uD83Dx"), 1);
    expect_bad(kc_str("a=\\uD83D\\u0041"), 1);
    expect_bad(kc_str("a=\\uDE00"), 1);
    expect_bad(kc_mem("\n\na=\0b", 6), 3);
}

Test(properties, too_large)
{
    size_t size = KCI_PROPERTIES_MAX_BYTES + 1;
    char *text = malloc(size);
    memset(text, '#', size);
    expect_bad(kc_mem(text, size), 1);
    free(text);
}

static kc_err refuse(void *arg, const char *name, const char *value, kc_error *detail)
{
    (void)value;
    (void)detail;
    ++*(int *)arg;
    return strcmp(name, "bad") == 0 ? KC_E_IO : KC_OK;
}

Test(properties, stops_at_the_callbacks_error)
{
    int calls = 0;
    size_t line;
    kc_err err = kci_properties_parse(kc_str("a=1\n\nbad=2\nc=3"), refuse, &calls, &line, NULL);
    cr_expect_eq(err, KC_E_IO);
    cr_expect_eq(calls, 2);
    cr_expect_eq(line, 3);
}

Test(properties, out_of_memory)
{
    int calls = 0;
    size_t line;
    kci_mem_fail_after(1, true);
    kc_err err = kci_properties_parse(kc_str("a=1"), refuse, &calls, &line, NULL);
    kci_mem_fail_after(0, false);
    cr_expect_eq(err, KC_E_NO_MEMORY);
    cr_expect_eq(calls, 0);
}

/* No text, cut anywhere, makes it read outside (sanitizers) or answer something else than these. */
Test(properties, every_prefix)
{
    const char *text = "# c\\\na\\u0041\\uD83D\\uDE00 = x\\\n  y\\tz\r\nb:2\\\\\n\\";
    for (size_t n = 0; n <= strlen(text); n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, text, n);
        kci_buf out = { 0 };
        size_t line;
        kc_err err = kci_properties_parse(kc_mem(cut, n), collect, &out, &line, NULL);
        cr_expect(err == KC_OK || err == KC_E_BAD_PROPERTY);
        kci_buf_free(&out);
        free(cut);
    }
}
