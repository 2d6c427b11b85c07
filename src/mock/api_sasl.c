/* SPDX-License-Identifier: Apache-2.0 */
/* SaslHandshake and SaslAuthenticate for PLAIN (RFC 4616), with names and passwords of the options.
 */
#include "base/bytes.h"
#include "mock/apis.h"

kci_mock_outcome kci_mock_serve_sasl_handshake(kci_mock_request *r)
{
    const kci_sasl_handshake_request *in = r->body;
    kci_sasl_handshake_response *out = r->answer;
    out->mechanisms.data = kci_mock_take(r, 1, sizeof *out->mechanisms.data);
    if (!out->mechanisms.data)
        return KCI_MOCK_CLOSE;
    out->mechanisms.data[0] = kc_str("PLAIN");
    out->mechanisms.count = 1;
    out->error_code = kci_mock_forced_error(r, kc_mem(NULL, 0), -1, NULL);
    if (out->error_code)
        return KCI_MOCK_ANSWER;
    if (!r->cluster->sasl_plain || r->auth->done)
        out->error_code = KC_E_ILLEGAL_SASL_STATE;
    else if (!kci_bytes_equal(in->mechanism, kc_str("PLAIN")))
        out->error_code = KC_E_UNSUPPORTED_SASL_MECHANISM;
    else
        r->auth->handshaken = true;
    return KCI_MOCK_ANSWER;
}

/* The piece up to the next NUL, which is passed over; null when there is none. */
static kc_bytes next_piece(kc_bytes *rest)
{
    const uint8_t *nul = rest->size ? memchr(rest->data, 0, rest->size) : NULL;
    if (!nul)
        return kc_mem(NULL, 0);
    kc_bytes piece = kc_mem(rest->data, (size_t)(nul - rest->data));
    *rest = kc_mem(nul + 1, rest->size - piece.size - 1);
    return piece;
}

/* Is "name:password" on the list? */
static bool is_listed(const char *list, kc_bytes name, kc_bytes password)
{
    while (*list) {
        size_t size = strcspn(list, ",");
        if (size == name.size + 1 + password.size && memcmp(list, name.data, name.size) == 0 &&
            list[name.size] == ':' &&
            memcmp(list + name.size + 1, password.data, password.size) == 0)
            return true;
        list += size + (list[size] == ',');
    }
    return false;
}

static bool check(const kci_mock_request *r, kc_bytes token)
{
    kc_bytes identity = next_piece(&token), name = next_piece(&token);
    return identity.data && name.size > 0 && token.size > 0 &&
           is_listed(r->cluster->sasl_plain, name, token);
}

kci_mock_outcome kci_mock_serve_sasl_authenticate(kci_mock_request *r)
{
    const kci_sasl_authenticate_request *in = r->body;
    kci_sasl_authenticate_response *out = r->answer;
    out->error_message = kc_mem(NULL, 0);
    out->error_code = kci_mock_forced_error(r, kc_mem(NULL, 0), -1, NULL);
    if (out->error_code == 0 && !r->auth->handshaken)
        out->error_code = KC_E_ILLEGAL_SASL_STATE;
    if (out->error_code == 0 && !check(r, in->auth_bytes)) {
        out->error_code = KC_E_SASL_AUTHENTICATION_FAILED;
        out->error_message = kc_str("Authentication failed: Invalid username or password");
    }
    if (out->error_code == 0)
        r->auth->done = true;
    else
        r->auth->failed = true;
    return KCI_MOCK_ANSWER;
}
