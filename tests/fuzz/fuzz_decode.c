/* SPDX-License-Identifier: Apache-2.0 */
/* Every message at every version. Input: a byte that chooses the API, a byte with its version (low
 * 7 bits) and direction (top bit, 1: response), and the body. API 255 stands for the messages that
 * belong to none; then bits 4 and 5 of the second byte choose, and the low 4 are the version.
 *
 * Decoding stays within its memory bound; what was decoded can be encoded; that decodes again, to
 * the same. */
#include <string.h>

#include "fuzz.h"
#include "wire/codec.h"

typedef union any_message {
    uint8_t bytes[1024];
    long double align;
} any_message;

static const kci_msg *choose(const uint8_t *head, int16_t *version)
{
    static const char *const others[] = { "RequestHeader", "ResponseHeader",
                                          "ConsumerProtocolSubscription",
                                          "ConsumerProtocolAssignment" };
    const kci_msg *msg;
    if (head[0] == 255) {
        msg = kci_msg_by_name(others[head[1] >> 4 & 3]);
        *version = head[1] & 15;
    } else {
        const kci_api *api = kci_api_get(head[0]);
        if (!api)
            return NULL;
        msg = head[1] & 0x80 ? api->response : api->request;
        *version = head[1] & 0x7f;
    }
    FUZZ_CHECK(msg->size <= sizeof(any_message));
    return msg;
}

/* Decodes and encodes; false if the input is not such a message. */
static bool pass(const kci_msg *msg, int16_t version, kci_reader *in, kci_buf *out)
{
    any_message value;
    kci_arena arena = { 0 };
    size_t size = kci_rd_left(in);
    kc_err err = kci_decode(msg, version, in, &arena, &value);
    FUZZ_CHECK(arena.total <= KCI_DECODE_FACTOR * size + KCI_DECODE_EXTRA);
    FUZZ_CHECK((err == KC_OK) == !in->bad || err == KC_E_INVALID_ARGUMENT);
    if (err == KC_OK)
        FUZZ_CHECK(kci_encode(msg, version, &value, out, NULL) == KC_OK);
    kci_arena_free(&arena);
    return err == KC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int16_t version;
    const kci_msg *msg = size >= 2 ? choose(data, &version) : NULL;
    if (!msg)
        return 0;

    kci_buf first = { 0 }, second = { 0 };
    kci_reader in = kci_reader_of(data + 2, size - 2);
    if (pass(msg, version, &in, &first)) {
        in = kci_reader_of(first.data, first.size);
        FUZZ_CHECK(pass(msg, version, &in, &second));
        FUZZ_CHECK(kci_rd_left(&in) == 0);
        FUZZ_CHECK(first.size == second.size);
        FUZZ_CHECK(first.size == 0 || memcmp(first.data, second.data, first.size) == 0);
    }
    kci_buf_free(&first);
    kci_buf_free(&second);
    return 0;
}
