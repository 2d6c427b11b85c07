/* SPDX-License-Identifier: Apache-2.0 */
#include "core/scram.h"

#include "base/base64.h"
#include "base/err.h"

enum { SALT_MAX = 1024 };

/* What a server-first-message says. */
typedef struct challenge {
    kc_bytes nonce;
    uint8_t salt[SALT_MAX];
    size_t salt_size;
    uint32_t iterations;
} challenge;

static void put_text(kci_buf *b, const char *text)
{
    kci_buf_put(b, text, strlen(text));
}

static void put_bytes(kci_buf *b, kc_bytes bytes)
{
    kci_buf_put(b, bytes.data, bytes.size);
}

static kc_bytes bytes_of(const kci_buf *b)
{
    return kc_mem(b->data, b->size);
}

/* A name may not have bare ',' and '='. */
static void put_name(kci_buf *b, kc_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == ',')
            put_text(b, "=2C");
        else if (name.data[i] == '=')
            put_text(b, "=3D");
        else
            kci_buf_put8(b, name.data[i]);
    }
}

kc_err kci_scram_begin(kci_scram *s, kci_sha2_kind kind, kc_bytes user, kc_bytes password,
                       bool token, kc_bytes nonce)
{
    *s = (kci_scram){ .kind = kind, .user = user, .password = password, .token = token };
    put_bytes(&s->nonce, nonce);
    return s->nonce.failed ? KC_E_NO_MEMORY : KC_OK;
}

static void wipe(kci_buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->size);
    kci_buf_free(b);
}

void kci_scram_end(kci_scram *s)
{
    wipe(&s->nonce);
    wipe(&s->message);
    wipe(&s->transcript);
    explicit_bzero(s, sizeof *s);
}

kc_err kci_scram_client_first(kci_scram *s, kc_bytes *out)
{
    kci_buf *bare = &s->transcript;

    put_text(bare, "n=");
    put_name(bare, s->user);
    put_text(bare, ",r=");
    put_bytes(bare, bytes_of(&s->nonce));
    if (s->token)
        put_text(bare, ",tokenauth=true");
    put_text(&s->message, "n,,"); /* no channel binding, no other identity */
    put_bytes(&s->message, bytes_of(bare));
    *out = bytes_of(&s->message);
    return bare->failed || s->message.failed ? KC_E_NO_MEMORY : KC_OK;
}

/* -- the server's messages ----------------------------------------------------------------------
 */

static kc_err refuse(kc_error *detail, const char *what)
{
    return kci_fail(detail, KC_E_AUTHENTICATION, "SCRAM: %s: the connection is not trusted", what);
}

/* The value of the attribute that comes next, which must be `name`. */
static bool take(kc_bytes *rest, char name, kc_bytes *value)
{
    if (rest->size < 2 || rest->data[0] != (uint8_t)name || rest->data[1] != '=')
        return false;
    const uint8_t *begin = rest->data + 2;
    const uint8_t *comma = memchr(begin, ',', rest->size - 2);
    size_t size = comma ? (size_t)(comma - begin) : rest->size - 2;
    size_t passed = 2 + size + (comma ? 1 : 0);
    *value = kc_mem(begin, size);
    *rest = kc_mem(rest->data + passed, rest->size - passed);
    return true;
}

static bool number_of(kc_bytes digits, uint32_t *out)
{
    uint32_t value = 0;

    if (digits.size == 0 || digits.size > 9 || digits.data[0] == '0')
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(digits.data[i] - '0');
    }
    *out = value;
    return true;
}

/* The server adds its own part to the client's nonce. */
static bool extends(kc_bytes nonce, kc_bytes client)
{
    return nonce.size > client.size && memcmp(nonce.data, client.data, client.size) == 0;
}

static kc_err parse(const kci_scram *s, kc_bytes message, challenge *c, kc_error *detail)
{
    kc_bytes rest = message, salt, iterations;

    if (message.size && message.data[0] == 'm')
        return refuse(detail, "the server demands an extension that is not known");
    if (!take(&rest, 'r', &c->nonce) || !take(&rest, 's', &salt) || !take(&rest, 'i', &iterations))
        return refuse(detail, "the server's first message is malformed");
    if (!extends(c->nonce, bytes_of(&s->nonce)))
        return refuse(detail, "the server's nonce is not an answer to the client's");
    int64_t size = kci_base64_decode(salt, c->salt, sizeof c->salt);
    if (size <= 0)
        return refuse(detail, "the server's salt is malformed");
    c->salt_size = (size_t)size;
    if (!number_of(iterations, &c->iterations))
        return refuse(detail, "the server's iteration count is malformed");
    if (c->iterations < KCI_SCRAM_ITERATIONS_MIN || c->iterations > KCI_SCRAM_ITERATIONS_MAX)
        return kci_fail(detail, KC_E_AUTHENTICATION,
                        "SCRAM: the server wants %u iterations, which is not between %d and %d: "
                        "store the credentials anew with another count",
                        c->iterations, KCI_SCRAM_ITERATIONS_MIN, KCI_SCRAM_ITERATIONS_MAX);
    return KC_OK;
}

/* -- proofs -------------------------------------------------------------------------------------
 */

static void derive_keys(kci_scram *s, const challenge *c)
{
    size_t size = kci_sha2_size(s->kind);
    uint8_t client_key[KCI_SHA2_MAX];
    kc_bytes salted = kc_mem(s->salted, size);

    kci_pbkdf2(s->kind, s->password, kc_mem(c->salt, c->salt_size), c->iterations, s->salted);
    kci_hmac(s->kind, salted, kc_str("Client Key"), client_key);
    kci_sha2_of(s->kind, kc_mem(client_key, size), s->stored_key);
    kci_hmac(s->kind, salted, kc_str("Server Key"), s->server_key);
    explicit_bzero(client_key, sizeof client_key);
}

/* proof = ClientKey xor HMAC(StoredKey, transcript) */
static void prove(kci_scram *s, uint8_t *proof)
{
    size_t size = kci_sha2_size(s->kind);
    uint8_t signature[KCI_SHA2_MAX];
    kc_bytes transcript = bytes_of(&s->transcript);

    kci_hmac(s->kind, kc_mem(s->salted, size), kc_str("Client Key"), proof);
    kci_hmac(s->kind, kc_mem(s->stored_key, size), transcript, signature);
    for (size_t i = 0; i < size; i++)
        proof[i] ^= signature[i];
    kci_hmac(s->kind, kc_mem(s->server_key, size), transcript, s->server_signature);
}

kc_err kci_scram_client_final(kci_scram *s, kc_bytes server_first, kc_bytes *out, kc_error *detail)
{
    uint8_t proof[KCI_SHA2_MAX];
    challenge c;

    kc_err err = parse(s, server_first, &c, detail);
    if (err != KC_OK)
        return err;
    derive_keys(s, &c);
    s->message.size = 0;
    put_text(&s->message, "c=biws,r="); /* base64 of "n,," */
    put_bytes(&s->message, c.nonce);
    put_text(&s->transcript, ",");
    put_bytes(&s->transcript, server_first);
    put_text(&s->transcript, ",");
    put_bytes(&s->transcript, bytes_of(&s->message));
    if (s->transcript.failed || s->message.failed)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    prove(s, proof);
    put_text(&s->message, ",p=");
    kci_base64_put(&s->message, kc_mem(proof, kci_sha2_size(s->kind)));
    *out = bytes_of(&s->message);
    return s->message.failed ? kci_fail(detail, KC_E_NO_MEMORY, NULL) : KC_OK;
}

static bool is_same(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint8_t difference = 0;

    for (size_t i = 0; i < size; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

kc_err kci_scram_verify(kci_scram *s, kc_bytes server_final, kc_error *detail)
{
    uint8_t signature[KCI_SHA2_MAX];
    kc_bytes rest = server_final, value;

    if (take(&rest, 'e', &value))
        return kci_fail(detail, KC_E_AUTHENTICATION,
                        "SCRAM: the broker refused: %.*s; check sasl.username and sasl.password",
                        (int)(value.size < 100 ? value.size : 100), (const char *)value.data);
    if (!take(&rest, 'v', &value))
        return refuse(detail, "the server's final message is malformed");
    int64_t size = kci_base64_decode(value, signature, sizeof signature);
    if (size != (int64_t)kci_sha2_size(s->kind) ||
        !is_same(signature, s->server_signature, (size_t)size))
        return refuse(detail, "the server does not know the password");
    return KC_OK;
}
