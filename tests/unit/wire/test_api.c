/* SPDX-License-Identifier: Apache-2.0 */
/* The table of APIs, and headers. */
#include <criterion/criterion.h>

#include "wire/messages.h"

Test(api, every_entry_is_found_by_its_key)
{
    int16_t last = -1;
    size_t n = 0;
    for (const kci_api *a; (a = kci_api_at(n)); n++) {
        cr_assert_gt(a->key, last);
        last = a->key;
        cr_assert_eq(kci_api_get(a->key), a);
        cr_assert_leq(a->min_version, a->max_version);
        cr_assert_leq(a->max_version, a->max_unstable);
        cr_assert_eq(a->request->versions.first, a->min_version);
        cr_assert_eq(a->response->versions.last, a->max_unstable);
        cr_assert_eq(a->request->flexible, a->flexible_from);
    }
    cr_assert_gt(n, 60);
    cr_assert_eq(last, KCI_API_KEY_END - 1);
}

Test(api, unknown_keys)
{
    cr_assert_null(kci_api_get(-1));
    cr_assert_null(kci_api_get(4));
    cr_assert_null(kci_api_get(INT16_MAX));
    cr_assert_eq(kci_api_request_header_version(999, 0), -1);
    cr_assert_eq(kci_api_response_header_version(999, 0), -1);
    cr_assert_null(kci_msg_by_name("Fetch"));
}

Test(api, foreign_apis_have_headers_and_no_messages)
{
    enum { BEGIN_QUORUM_EPOCH = 53 };
    cr_assert_null(kci_api_get(BEGIN_QUORUM_EPOCH));
    const kci_api *a = kci_api_describe(BEGIN_QUORUM_EPOCH);
    cr_assert_str_eq(a->name, "BeginQuorumEpoch");
    cr_assert(!a->request && !a->response);
    cr_assert_eq(kci_api_request_header_version(BEGIN_QUORUM_EPOCH, 0), 1);
    cr_assert_eq(kci_api_response_header_version(BEGIN_QUORUM_EPOCH, 1), 1);
    cr_assert_eq(kci_api_describe(KCI_API_FETCH), kci_api_get(KCI_API_FETCH));
    cr_assert_null(kci_api_describe(999));
}

Test(api, unstable_versions_are_apart)
{
    const kci_api *a = kci_api_get(KCI_API_INIT_PRODUCER_ID);
    cr_assert_eq(a->max_version, 5);
    cr_assert_eq(a->max_unstable, 6);
}

Test(api, api_versions_response_header_is_never_flexible)
{
    cr_assert_eq(kci_api_request_header_version(KCI_API_API_VERSIONS, 3), 2);
    cr_assert_eq(kci_api_response_header_version(KCI_API_API_VERSIONS, 3), 0);
    cr_assert_eq(kci_api_response_header_version(KCI_API_FETCH, 12), 1);
    cr_assert_eq(kci_api_response_header_version(KCI_API_FETCH, 11), 0);
}

static void check_request_header(int16_t version, size_t size)
{
    kci_buf out = { 0 };
    cr_assert_eq(kci_request_header_encode(KCI_API_FETCH, version, 77, kc_str("me"), &out), KC_OK);
    cr_assert_eq(out.size, size);
    kci_buf_put8(&out, 0x55);
    kci_reader in = kci_reader_of(out.data, out.size);
    kci_request_head head;
    cr_assert_eq(kci_request_header_decode(&in, &head), KC_OK);
    cr_assert(head.key == KCI_API_FETCH && head.version == version && head.correlation_id == 77);
    cr_assert(kci_bytes_equal(head.client_id, kc_str("me")));
    cr_assert_eq(kci_rd_int8(&in), 0x55, "the body follows");
    kci_buf_free(&out);
}

Test(api, request_headers)
{
    check_request_header(11, 12);
    check_request_header(12, 13); /* the client id is not compact, but tags follow */
    check_request_header(99, 13); /* from a newer client */
}

Test(api, request_header_of_an_unknown_api)
{
    const uint8_t bytes[] = { 3, 0xe7, 0, 5, 0, 0, 0, 9, 0xff, 0xff };
    kci_reader in = kci_reader_of(bytes, sizeof bytes);
    kci_request_head head;
    cr_assert_eq(kci_request_header_decode(&in, &head), KC_E_NOT_SUPPORTED);
    cr_assert(head.key == 999 && head.version == 5 && head.correlation_id == 9);
    cr_assert_eq(kci_request_header_encode(999, 0, 0, kc_str(""), NULL), KC_E_INVALID_ARGUMENT);
}

Test(api, request_header_cut_short)
{
    const uint8_t bytes[] = { 0, 1, 0, 12, 0, 0, 0, 9, 0, 1, 'a' };
    for (size_t n = 0; n <= sizeof bytes; n++) {
        kci_reader in = kci_reader_of(bytes, n);
        kci_request_head head;
        cr_assert_eq(kci_request_header_decode(&in, &head), KC_E_PROTOCOL);
        cr_assert_null(head.client_id.data);
    }
}

Test(api, response_headers)
{
    for (int16_t version = 11; version <= 12; version++) {
        kci_buf out = { 0 };
        int32_t id;
        cr_assert_eq(kci_response_header_encode(KCI_API_FETCH, version, -5, &out), KC_OK);
        cr_assert_eq(out.size, version == 11 ? 4 : 5);
        kci_reader in = kci_reader_of(out.data, out.size);
        cr_assert_eq(kci_response_header_decode(KCI_API_FETCH, version, &in, &id), KC_OK);
        cr_assert_eq(id, -5);
        in = kci_reader_of(out.data, out.size - 1);
        cr_assert_eq(kci_response_header_decode(KCI_API_FETCH, version, &in, &id), KC_E_PROTOCOL);
        kci_buf_free(&out);
    }
}
