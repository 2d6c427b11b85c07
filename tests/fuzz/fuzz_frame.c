/* SPDX-License-Identifier: Apache-2.0 */
/* Whole frames, header and body, as a broker reads requests and a client responses. Input: a byte
 * that is even for a request; for a response, odd, it is followed by the API key and version (two
 * bytes each) that the client remembers of its request. Then the frame. */
#include <string.h>

#include "fuzz.h"
#include "wire/codec.h"

static void read_body(const kci_msg *msg, int16_t version, kci_reader *in)
{
    long double value[1024 / sizeof(long double)];
    kci_arena arena = { 0 };
    size_t size = kci_rd_left(in);
    FUZZ_CHECK(msg->size <= sizeof value);
    kci_decode(msg, version, in, &arena, value);
    FUZZ_CHECK(in->pos <= in->end);
    FUZZ_CHECK(arena.total <= KCI_DECODE_FACTOR * size + KCI_DECODE_EXTRA);
    kci_arena_free(&arena);
}

static void read_request(kci_reader *in)
{
    kci_request_head head;
    kc_err err = kci_request_header_decode(in, &head);
    FUZZ_CHECK(err == KC_OK || err == KC_E_PROTOCOL || err == KC_E_NOT_SUPPORTED);
    if (err != KC_OK)
        return;

    kci_buf out = { 0 };
    kci_reader again;
    kci_request_head same;
    FUZZ_CHECK(kci_request_header_encode(head.key, head.version, head.correlation_id,
                                         head.client_id, &out) == KC_OK);
    again = kci_reader_of(out.data, out.size);
    FUZZ_CHECK(kci_request_header_decode(&again, &same) == KC_OK);
    FUZZ_CHECK(same.correlation_id == head.correlation_id);
    FUZZ_CHECK(kci_bytes_equal(same.client_id, head.client_id));
    kci_buf_free(&out);
    read_body(kci_api_get(head.key)->request, head.version, in);
}

static void read_response(kci_reader *in)
{
    int16_t key = kci_rd_int16(in), version = kci_rd_int16(in);
    int32_t correlation_id;
    if (!in->bad && kci_response_header_decode(key, version, in, &correlation_id) == KC_OK)
        read_body(kci_api_get(key)->response, version, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    kci_reader in = kci_reader_of(data + 1, size - 1);
    if (data[0] & 1)
        read_response(&in);
    else
        read_request(&in);
    return 0;
}
