/* SPDX-License-Identifier: Apache-2.0 */
/* SASL/PLAIN on the listeners. */
#include <criterion/criterion.h>

#include "base/bytes.h"
#include "peer.h"

static kc_mock *open_mock(kc_mock_options o)
{
    kc_mock *mock = NULL;
    kc_error why = { 0 };
    o.size = sizeof o;
    o.brokers = 1;
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_OK, "%s", why.text);
    return mock;
}

static int16_t handshake(peer *p, const char *mechanism)
{
    kci_sasl_handshake_request in = { kc_str(mechanism) };
    kci_sasl_handshake_response out;
    peer_call(p, KCI_API_SASL_HANDSHAKE, 1, &in, &out);
    cr_assert_eq(out.mechanisms.count, 1);
    cr_assert(kci_bytes_equal(out.mechanisms.data[0], kc_str("PLAIN")));
    return out.error_code;
}

static int16_t authenticate(peer *p, int16_t version, kc_bytes token)
{
    kci_sasl_authenticate_request in = { token };
    kci_sasl_authenticate_response out;
    peer_call(p, KCI_API_SASL_AUTHENTICATE, version, &in, &out);
    return out.error_code;
}

static kci_metadata_request metadata(void)
{
    kci_metadata_request in;
    kci_msg_init(&kci_metadata_request_msg, &in);
    in.topics.count = -1;
    return in;
}

Test(auth, nothing_goes_without_authentication)
{
    kc_mock *mock = open_mock((kc_mock_options){ .sasl_plain = "ann:secret,bob:other" });
    peer p;
    peer_open(&p, mock, 1);
    kci_api_versions_request versions;
    kci_api_versions_response offered;
    kci_msg_init(&kci_api_versions_request_msg, &versions);
    peer_call(&p, KCI_API_API_VERSIONS, 3, &versions, &offered);
    bool found = false;
    for (int32_t i = 0; i < offered.api_keys.count; i++)
        found |= offered.api_keys.data[i].api_key == KCI_API_SASL_HANDSHAKE;
    cr_assert(found);
    kci_metadata_request in = metadata();
    peer_call_lost(&p, KCI_API_METADATA, 12, &in);
    peer_close(&p);
    kc_mock_free(mock);
}

Test(auth, plain)
{
    kc_mock *mock = open_mock((kc_mock_options){ .sasl_plain = "ann:secret,bob:other" });
    for (int16_t v = 0; v <= 2; v++) {
        peer p;
        peer_open(&p, mock, 1);
        cr_assert_eq(handshake(&p, "SCRAM-SHA-256"), KC_E_UNSUPPORTED_SASL_MECHANISM);
        cr_assert_eq(handshake(&p, "PLAIN"), 0);
        cr_assert_eq(authenticate(&p, v, kc_mem("\0bob\0other", 10)), 0);
        kci_metadata_request in = metadata();
        kci_metadata_response out;
        peer_call(&p, KCI_API_METADATA, 12, &in, &out);
        peer_close(&p);
    }
    kc_mock_free(mock);
}

Test(auth, wrong_credentials)
{
    kc_mock *mock = open_mock((kc_mock_options){ .sasl_plain = "ann:secret,bob:other" });
    const kc_bytes tokens[] = { kc_mem("\0bob\0secret", 11),
                                kc_mem("\0bob\0othe", 9),
                                kc_mem("\0bob\0", 5),
                                kc_mem("bob", 3),
                                kc_mem("", 0),
                                kc_mem("\0\0ann:secret", 12) };
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        peer p;
        peer_open(&p, mock, 1);
        cr_assert_eq(handshake(&p, "PLAIN"), 0);
        cr_assert_eq(authenticate(&p, 2, tokens[i]), KC_E_SASL_AUTHENTICATION_FAILED);
        cr_assert_not(peer_receive_frame(&p), "the connection ends after the answer");
        peer_close(&p);
    }
    peer p;
    peer_open(&p, mock, 1);
    cr_assert_eq(authenticate(&p, 2, kc_mem("\0bob\0other", 10)), KC_E_ILLEGAL_SASL_STATE);
    peer_close(&p);
    kc_mock_free(mock);
}

/* A name alone would be a listener that nobody gets into. */
Test(auth, credentials_are_names_with_passwords)
{
    static const char *const wrong[] = { "",
                                         "alice",
                                         "alice:",
                                         ":secret",
                                         ":",
                                         "alice:secret,",
                                         "alice:secret,bob",
                                         ",alice:secret",
                                         "alice:secret,,bob:x" };
    static const char *const right[] = { "alice:secret", "a:b", "alice:se:cret,bob:x" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        kc_mock_options o = { .size = sizeof o, .brokers = 1, .sasl_plain = wrong[i] };
        kc_mock *mock = NULL;
        kc_error why = { 0 };
        cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_E_INVALID_ARGUMENT, "'%s'", wrong[i]);
        cr_assert(strstr(why.text, "name:password"), "%s", why.text);
    }
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        kc_mock_free(open_mock((kc_mock_options){ .sasl_plain = right[i] }));
}
