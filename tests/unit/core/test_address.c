/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "core/address.h"

static void expect(const char *text, const char *host, uint16_t port)
{
    kci_host_port at;
    kc_err err;

    cr_assert(kci_address_next(&text, &at, &err, NULL), "%s", text);
    cr_assert_str_eq(at.host, host);
    cr_assert_eq(at.port, port);
    cr_assert_not(kci_address_next(&text, &at, &err, NULL));
    cr_assert_eq(err, KC_OK);
}

static void refuse(const char *text)
{
    kci_host_port at;
    kc_error detail = { 0 };
    kc_err err;

    cr_assert_not(kci_address_next(&text, &at, &err, &detail), "%s", text);
    cr_assert_eq(err, KC_E_BAD_PROPERTY);
    cr_assert(strstr(detail.text, "bootstrap.servers"), "%s", detail.text);
}

Test(address, forms)
{
    expect("a:1", "a", 1);
    expect("a", "a", 9092);
    expect(" a.b.c:65535 ,, ", "a.b.c", 65535);
    expect("PLAINTEXT://a:9093", "a", 9093);
    expect("[::1]:9093", "::1", 9093);
    expect("[::1]", "::1", 9092);
    expect("fe80::1", "fe80::1", 9092);
    expect("127.0.0.1:1,", "127.0.0.1", 1);
}

Test(address, nonsense)
{
    refuse("a:");
    refuse("a:0");
    refuse("a:65536");
    refuse("a:123456");
    refuse("a:9o92");
    refuse("a:-1");
    refuse(":9092");
    refuse("[::1");
    refuse("[::1]x9092");
    refuse("[]:1");
    refuse("a b:1");
}

Test(address, lists)
{
    const char *text = "a:1,b:2, c:3";
    kci_host_port at;
    kc_err err;
    int count = 0;

    while (kci_address_next(&text, &at, &err, NULL))
        cr_assert_eq(at.port, ++count);
    cr_assert_eq(err, KC_OK);
    cr_assert_eq(count, 3);
    text = "";
    cr_assert_not(kci_address_next(&text, &at, &err, NULL));
    cr_assert_eq(err, KC_OK);
}

Test(address, a_host_may_have_255_bytes)
{
    char text[300];
    const char *at_text = text;
    kci_host_port at;
    kc_err err;

    memset(text, 'h', sizeof text);
    strcpy(text + 255, ":1");
    cr_assert(kci_address_next(&at_text, &at, &err, NULL));
    cr_assert_eq(strlen(at.host), 255);
    memset(text, 'h', sizeof text);
    strcpy(text + 256, ":1");
    refuse(text);
}
